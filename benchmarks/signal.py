"""The cell-type task: labels of bins, accessibility of bins, all features of bins."""

import time
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pybedtools
import pyBigWig

from benchmarks import inputs
from benchmarks.race import Side, case
from tfbind import motifs
from tfbind.celltype import bins, cells, features, tracks

_CHROM = "chr1"
_PEER = 20_000  # bins that the slower side is asked for


@cache
def _bigwig() -> Path:
    """Accessibility of the simulated genome: half a million runs of each chromosome of 10 Mb."""
    reference = inputs.simulated_genome()
    path = inputs.FOLDER / "accessibility.bw"
    if not path.exists():
        rng = np.random.default_rng(0)
        with pyBigWig.open(str(path), "w") as out:
            out.addHeader(list(reference.lengths.items()))
            for chrom, length in reference.lengths.items():
                start = np.unique(np.append(rng.integers(1, length, length // 20), 0))
                values = rng.gamma(0.5, 2, len(start)).round(2)
                out.addEntries([chrom] * len(start), start, ends=np.append(start[1:], length), values=values)
    return path


@case("accessibility of bins from a bigWig: mean, extremes, median", "pyBigWig.stats, mean alone, bin by bin", 50)
def accessibility():
    """200,000 bins of 10 Mb, opened anew each time."""
    reference = inputs.simulated_genome()
    path = str(_bigwig())
    total = bins.count(reference.lengths[_CHROM])

    def ours() -> np.ndarray:
        found = tracks.steps(tracks.track([(path, "bigwig")], reference), _CHROM)
        return bins.from_steps(found.mean) / bins.STEPS

    def peer() -> list[float]:
        with pyBigWig.open(path) as file:
            starts = range(0, _PEER * bins.STEP, bins.STEP)
            return [file.stats(_CHROM, s, s + bins.WIDTH, type="mean", exact=True)[0] for s in starts]

    np.testing.assert_allclose(ours()[:_PEER], peer(), rtol=1e-4, atol=1e-6)
    return Side(ours, total), Side(peer, _PEER)


def _peaks(length: int, rows: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    start = rng.integers(0, length - 5_000, rows)
    return np.stack([start, start + rng.integers(150, 900, rows)], 1)


@case("labels of bins", "bedtools, as the organisers' script calls it", 20, threads=2)
def labels():
    """1,000 peaks of 10 Mb; half of the bin or half of the peak. Wall time, since bedtools is a process of its own."""
    length = inputs.simulated_genome().lengths[_CHROM]
    tight = _peaks(length, 1_000)
    wide = np.concatenate([tight, _peaks(length, 2_000)[1_000:]])

    def ours() -> np.ndarray:
        return bins.label(length, tight, wide)

    def bed(rows: np.ndarray) -> pybedtools.BedTool:
        table = pd.DataFrame({"chrom": _CHROM, "start": rows[:, 0], "end": rows[:, 1]})
        return pybedtools.BedTool.from_dataframe(table).sort().merge()

    def peer() -> np.ndarray:
        start = np.arange(bins.count(length)) * bins.STEP
        windows = pybedtools.BedTool.from_dataframe(
            pd.DataFrame({"chrom": _CHROM, "start": start, "end": start + bins.WIDTH})
        )
        bound = windows.intersect(bed(tight), c=True, f=0.5, F=0.5, e=True).to_dataframe().iloc[:, 3] > 0
        near = windows.intersect(bed(wide), c=True).to_dataframe().iloc[:, 3] > 0
        pybedtools.cleanup()
        return np.where(bound, bins.BOUND, np.where(near, bins.AMBIGUOUS, bins.UNBOUND))

    np.testing.assert_array_equal(ours(), peer())
    return Side(ours), Side(peer)


@case("features of 1,000,000 bins, 3 motifs, 20 offsets", "30 s of one core", 1)
def all_features():
    """Seconds allowed over seconds taken; the whole simulated genome of 50 Mb, one accessibility track."""
    reference = inputs.simulated_genome()
    recipe = features.Recipe(motifs.best_of(["CTCF", "USF1", "GATA3"], motifs.jaspar()))
    cell = cells.Cell(tracks.track([(_bigwig(), "bigwig")], reference))
    features.matrix(recipe, reference, _CHROM, np.arange(1_000), cell)  # compiles
    start, rows = time.process_time(), 0
    for chrom, length in reference.lengths.items():
        rows += len(features.matrix(recipe, reference, chrom, np.arange(bins.count(length)), cell))
    return 30 / (time.process_time() - start) * rows / 1e6
