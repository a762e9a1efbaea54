"""Sequences in: shuffles, windows of a genome, matched negatives, reads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import torch
from scipy import stats

from benchmarks import inputs
from benchmarks.race import Side, case
from tfbind import dna
from tfbind.io import binned_counts, genome, sequence_files
from tfbind.kernels import shuffle
from tfbind.sequences import genomic_negatives

_ONE_HOT = np.eye(5, 4, dtype=np.int8)


def _one_hot(tokens: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(_ONE_HOT[tokens].transpose(0, 2, 1).copy())  # (N, 4, L)


def _shuffle_in_two(tokens: np.ndarray) -> np.ndarray:
    sizes, seeds = np.full(len(tokens), tokens.shape[1]), np.arange(len(tokens), dtype=np.uint64)
    halves = [slice(None, len(tokens) // 2), slice(len(tokens) // 2, None)]
    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(lambda h: shuffle.dinucleotide(tokens[h], sizes[h], seeds[h]), halves)))


def _counts(tokens: np.ndarray) -> np.ndarray:
    words = 4 * tokens[:, :-1].astype(np.int64) + tokens[:, 1:]
    return np.stack([(words == word).sum(1) for word in range(16)])


def _same_counts(shuffled: np.ndarray, tokens: np.ndarray) -> None:
    np.testing.assert_array_equal(_counts(shuffled[:1000]), _counts(tokens[:1000]))


def _known(rows: int) -> np.ndarray:
    tokens, _ = inputs.examples("USF1_h1", rows)
    return tokens[(tokens < 4).all(1)]


@case("dinucleotide shuffle, 2 threads", "tangermeme, 2 jobs (not uniform)", 12, threads=2)
def shuffle_tangermeme():
    """Real peaks of USF1, four times over; both keep the counts, only ours reaches every sequence."""
    from tangermeme.ersatz import dinucleotide_shuffle

    tokens = np.tile(_known(40_000), (4, 1))
    one_hot = _one_hot(tokens)
    _same_counts(_shuffle_in_two(tokens), tokens)
    peer = Side(lambda: dinucleotide_shuffle(one_hot, n=1, random_state=0, n_jobs=2), len(tokens))
    return Side(lambda: _shuffle_in_two(tokens), len(tokens)), peer


@case("dinucleotide shuffle, 2 threads", "seqpro, 2 threads", 2, threads=2)
def shuffle_seqpro():
    """Real peaks of USF1, four times over."""
    import seqpro

    tokens = np.tile(_known(40_000), (4, 1))
    text = np.frombuffer(b"ACGT", "S1")[tokens]

    def peer() -> np.ndarray:
        return seqpro.k_shuffle(text, 2, seqpro.DNA, length_axis=1, seed=0)

    _same_counts(dna.encode_text(peer().tobytes()).reshape(tokens.shape), tokens)
    return Side(lambda: _shuffle_in_two(tokens), len(tokens)), Side(peer, len(tokens))


@case("windows of a genome to tokens", "pysam, fetch by fetch", 20)
def windows_pysam():
    """200,000 windows of 101 bp of a 50-Mb FASTA, opened and encoded anew each time."""
    reference = inputs.simulated_genome()
    table = inputs.loci(reference, 200_000)
    rows = list(table.itertuples(index=False, name=None))

    def ours() -> np.ndarray:
        return genome.Genome(reference.path).windows(table["chrom"], table["start"], table["end"])

    def peer(rows: list = rows) -> list[str]:
        with pysam.FastaFile(str(reference.path)) as fasta:
            return [fasta.fetch(*row) for row in rows]

    assert dna.decode(ours()[:1000]) == [text.upper() for text in peer(rows[:1000])]
    return Side(ours, len(rows)), Side(peer, len(rows))


@case("windows of a genome to tokens", "tangermeme.extract_loci", 6)
def windows_tangermeme():
    """The same windows; the peer gives one-hot."""
    from tangermeme.io import extract_loci

    reference = inputs.simulated_genome()
    table = inputs.loci(reference, 200_000)

    def ours() -> np.ndarray:
        return genome.Genome(reference.path).windows(table["chrom"], table["start"], table["end"])

    def peer(rows: pd.DataFrame = table) -> torch.Tensor:
        return extract_loci(rows, str(reference.path), in_window=101, verbose=False, ignore=list("N"))

    np.testing.assert_array_equal(peer(table[:1000]).argmax(1).numpy(), ours()[:1000])
    return Side(ours, len(table)), Side(peer, len(table))


@case("GC-matched genomic negatives, encoding included", "tangermeme.extract_matching_loci", 8)
def matched():
    """5,000 windows of a 50-Mb genome. Ours match the GC count exactly and keep 500 bp away; the peer's GC to 2 %."""
    from tangermeme.match import extract_matching_loci

    reference = inputs.simulated_genome()
    table = inputs.loci(reference, 5_000).drop_duplicates(["chrom", "start"]).reset_index(drop=True)
    sequence = dna.decode(reference.windows(table["chrom"], table["start"], table["end"]))
    bound = table.assign(sequence=pd.Series(sequence, dtype="str"), split="train", label=1, id="")

    def ours() -> np.ndarray:
        fresh = genome.Genome(reference.path)
        found, _ = genomic_negatives.genomic(bound, np.random.default_rng(0), genome=fresh, avoid=bound)
        return found

    def peer() -> pd.DataFrame:
        return extract_matching_loci(
            table, str(reference.path), in_window=101, gc_bin_width=0.02, max_n_perc=0.1, random_state=0, verbose=False
        )

    assert sorted(ours()["sequence"].str.count("[GC]")) == sorted(bound["sequence"].str.count("[GC]"))
    return Side(ours, len(table)), Side(peer, len(table))


@case("gzipped FASTQ to tokens", "dnaio's strings, encoded alike", 1.3)
def fastq():
    """Reads of GATA3, twenty times over; the peer unpacks in the same process."""
    import dnaio

    path = inputs.fastq("GATA3_selex", 20)

    def ours() -> np.ndarray:
        return dna.encode(sequence_files.read_fastq(path)["sequence"])

    def peer() -> np.ndarray:
        with dnaio.open(path, open_threads=0) as records:
            return dna.encode([record.sequence for record in records])

    np.testing.assert_array_equal(ours(), peer())
    return Side(ours), Side(peer)


def _bins_of_pandas(path: Path | str) -> np.ndarray:
    # Enriched bins (N,) bool: read whole, tested and thresholded with pandas and scipy.
    table = pd.read_csv(path, sep="\t")
    own, other = table["cycle_4"].to_numpy(float), table["cycle_0"].to_numpy(float)
    p_value = stats.binom.sf(own - 1, own + other, own.sum() / (own.sum() + other.sum()))
    adjusted = stats.false_discovery_control(np.where(own > 0, p_value, 1))
    fold = (own + 1) / (other * own.sum() / other.sum() + 1)
    return (adjusted <= binned_counts.LEVEL) & (fold >= binned_counts.FOLD)


@case("a million bins of GHT-SELEX to peaks", "pandas and scipy, without merging", 1)
def bins_pandas():
    """Five cycles, gzipped; ours also checks every number and merges neighbours."""
    path = inputs.bins(1_000_000)
    enriched = np.flatnonzero(_bins_of_pandas(path))
    first = np.diff(enriched, prepend=-2) != 1
    first |= enriched % 100_000 == 0  # of a chromosome
    assert (binned_counts.read_bins(path)["start"].to_numpy() == enriched[first] % 100_000 * 200).all()
    return Side(lambda: binned_counts.read_bins(path)), Side(lambda: _bins_of_pandas(path))


def _peak_of(work: str) -> float:
    # Peak memory in kB of a process of its own that does the work, beyond what it had after its imports (Linux).
    script = (
        "import re, sys; from pathlib import Path; from benchmarks import sequences; import pyarrow.csv, scipy.special;"
        "from tfbind.io import binned_counts; of = lambda what: int(re.search(what + r':\\s+(\\d+)',"
        "Path('/proc/self/status').read_text())[1]); Path('/proc/self/clear_refs').write_text('5');"
        f"before = of('VmRSS'); {work}(sys.argv[1]); print(of('VmHWM') - before)"
    )
    ended = subprocess.run([sys.executable, "-c", script, inputs.bins(1_000_000)], capture_output=True, check=True)
    return float(ended.stdout)


@case("memory of a million bins to peaks", "pandas and scipy, without merging", 1)
def bins_memory():
    """Bytes, not seconds: each in a process of its own."""
    return _peak_of("sequences._bins_of_pandas") / _peak_of("binned_counts.read_bins")


@case("memory of 101-bp sequences", "float32 one-hot", 16)
def memory():
    """Bytes, not seconds."""
    tokens, _ = inputs.examples("USF1_h1", 10_000)
    return np.eye(5, 4, dtype=np.float32)[tokens].nbytes / tokens.nbytes
