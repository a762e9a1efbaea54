"""Names of files that the workflow plans with: what the simulation writes, what a program of somebody else gives."""

from collections.abc import Sequence

TFS = ("USF1", "GATA3", "CTCF")
#: Cells, and the factor whose motif opens chromatin there.
COFACTORS = {"k562": "FOS::JUN", "hepg2": "HNF4A"}
CYCLES = (1, 2, 3, 4)
#: Cells of the cell-type task: the format of their accessibility, and how many fragments were sequenced.
CELLS = {"k562": ("bw", 300_000), "hepg2": ("bam", 240_000), "h1": ("tsv.gz", 360_000)}


def scores_file(source: str, negatives: str, target: str, test_negatives: str) -> str:
    """Where a program puts the scores of one target's test rows, relative to the `path` of its label."""
    return f"{source}/{negatives}/{target}.{test_negatives}.tsv"


def simulated(tfs: Sequence[str] = TFS) -> list[str]:
    """Names of all files that `simulate.study` writes, relative to its folder."""
    peaks = [f"{tf}_{cell}.narrowPeak" for tf, cell in chips(tfs)]
    reads = [f"{tf}_selex_{cycle}.fastq.gz" for tf in tfs for cycle in CYCLES]
    fixed = ["genome.fa", "blacklist.bed", "selex_0.fastq.gz", "config.yaml", "datasets.tsv", "truth.json"]
    cells = [path for _, _, _, path in cell_files(tfs)] + ["genes.gtf", "cells.tsv", "truth_bins.parquet"]
    return sorted(peaks + reads + fixed + cells)


def chips(tfs: Sequence[str]) -> list[tuple[str, str]]:
    """TF and cell of each simulated ChIP-seq experiment."""
    first, *rest = COFACTORS
    return [(tfs[0], first), *((tfs[0], cell) for cell in rest), *((tf, first) for tf in tfs[1:])]


def cell_files(tfs: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Cell, kind, factor and name of every file of the sheet of cells."""
    rows = []
    for cell, (suffix, _) in CELLS.items():
        rows.append((cell, "accessibility", "", f"open_{cell}.{suffix}"))
        rows.append((cell, "accessibility_peaks", "", f"open_{cell}.bed"))
        rows.append((cell, "expression", "", f"rna_{cell}.tsv"))
        for tf in tfs:
            rows += [(cell, what, tf, f"{tf}_{cell}_{what}.narrowPeak") for what in ("conservative", "relaxed")]
    return rows
