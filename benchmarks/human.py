"""Time and memory of the bins of a whole human genome, on simulated data: ``python -m benchmarks.human``.

Labels are made for every chromosome of hg19 in turn, as a run would, from the bases on (62 million bins). Accessibility
and features are measured on one chromosome of chr1's length and scaled by the number of bins. Nothing is downloaded.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from tfbind import dna, motifs
from tfbind.celltype import bins, cells, features, tracks
from tfbind.io import genome

#: Chromosomes 1 to 22, X and Y of hg19, in bp.
LENGTHS = [
    249250621, 243199373, 198022430, 191154276, 180915260, 171115067, 159138663, 146364022, 141213431, 135534747,
    135006516, 133851895, 115169878, 107349540, 102531392, 90354753, 81195210, 78077248, 59128983, 63025520, 48129895,
    51304566, 155270560, 59373566,
]  # fmt: skip
_PEAKS, _FRAGMENTS = 40_000, 50_000_000


def _bases(rng: np.random.Generator, length: int) -> np.ndarray:
    tokens = rng.integers(0, 4, length, dtype=np.uint8)
    tokens[: length // 20] = dna.UNKNOWN
    return tokens


def _peaks(rng: np.random.Generator, length: int, rows: float) -> np.ndarray:
    start = rng.integers(0, length - 1000, int(rows * length / sum(LENGTHS)))
    return np.stack([start, start + rng.integers(150, 900, len(start))], 1)


def _say(what: str, seconds: float, rows: int) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    total = sum(map(bins.count, LENGTHS))
    print(f"{what}: {rows:,} bins in {seconds:.1f} s, so {seconds * total / rows:.0f} s for {total:,}; {peak:.2f} GB")


def labels(folder: Path) -> None:
    """All chromosomes: unknown bases counted, labelled, stored as runs."""
    rng = np.random.default_rng(0)
    found, taken = {}, 0.0
    for number, length in enumerate(LENGTHS, 1):
        tokens = _bases(rng, length)
        tight, more, black = (_peaks(rng, length, rows) for rows in (_PEAKS, _PEAKS, _PEAKS / 40))
        start = time.process_time()
        made = bins.label(length, tight, np.concatenate([tight, more]), black, bins.unknown(tokens))
        taken += time.process_time() - start
        found[f"chr{number}"] = made
    start = time.process_time()
    bins.write(found, folder / "labels.parquet")
    _say("labels", taken + time.process_time() - start, sum(map(len, found.values())))
    print(f"  of which {_PEAKS:,} peaks; {(folder / 'labels.parquet').stat().st_size / 2**20:.1f} MB on disk")


def chromosome(folder: Path) -> None:
    """One chromosome: its accessibility from cuts, and the features of one motif and 20 offsets."""
    rng = np.random.default_rng(1)
    length = LENGTHS[0]
    with open(folder / "raw.fa", "wb") as out:
        letters = np.frombuffer(b"ACGTN", np.uint8)[_bases(rng, length // 60 * 60)].reshape(-1, 60)
        out.write(b">chr1\n" + np.pad(letters, ((0, 0), (0, 1)), constant_values=ord("\n")).tobytes())
    genome.index(folder / "raw.fa", folder / "chr1.fa")
    reference = genome.Genome(folder / "chr1.fa")
    length = reference.lengths["chr1"]
    cuts = np.sort(rng.integers(0, length, 2 * _FRAGMENTS * length // sum(LENGTHS)).astype(np.int32))
    track = tracks.Track(reference.lengths, (tracks.Cuts({"chr1": cuts}, length),))
    total = bins.count(length)
    start = time.process_time()
    tracks.steps(track, "chr1")
    _say(f"accessibility of {len(cuts):,} cuts", time.process_time() - start, total)
    recipe = features.Recipe(motifs.best_of(["CTCF"]))
    start = time.process_time()
    for first in range(0, total, 500_000):
        features.matrix(recipe, reference, "chr1", np.arange(first, min(first + 500_000, total)), cells.Cell(track))
    _say("features, half a million bins at a time", time.process_time() - start, total)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        labels(Path(name))
        chromosome(Path(name))
