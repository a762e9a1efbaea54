"""Simulated cells: accessibility, genes, expression, peaks."""

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyBigWig
import pysam

from tfbind import dna, motifs, seeding
from tfbind.celltype import bins
from tfbind.io import atomic, tables
from tfbind.io.paths import CELLS, cell_files
from tfbind.kernels import tracks as kernel
from tfbind.simulation import settings


def cell_sheet(tfs: Sequence[str]) -> pd.DataFrame:
    """The sheet of the simulated cells.

    Parameters
    ----------
    tfs : sequence of str

    Returns
    -------
    DataFrame
        `cell`, `what`, `tf` ('' where a file is of no TF), `path`, `genome`: one row a file.
    """
    return pd.DataFrame(cell_files(tfs), columns=["cell", "what", "tf", "path"]).assign(genome=settings.GENOME)


def cells(
    folder: Path,
    genome: dict[str, np.ndarray],
    elements: list[tuple[str, int]],
    sites: pd.DataFrame,
    known: Mapping[str, motifs.Motifs],
    seed: int,
) -> None:
    """Write the files of each cell, and the probability of each bin to be bound there.

    Accessibility (bigWig, BAM or fragments) and its peaks, expression, conservative and relaxed peaks of each TF; for
    all cells, ``genes.gtf`` and ``truth_bins.parquet``.

    Parameters
    ----------
    folder : path
    genome : dict of str to (length,) uint8
        Chromosome -> its tokens.
    elements : list of (str, int)
        Chromosome and centre (0-based), as `genome.plant` gives them.
    sites : DataFrame
        Planted sites, as `genome.plant` gives them.
    known : mapping of str to Motifs
        TF -> its motif.
    seed : int
    """
    rng = seeding.generator(seed, "simulate", "cells")
    starts = _genes(folder / "genes.gtf", genome, elements, rng)
    shared = rng.standard_normal(len(elements))
    truth = {"chrom": np.repeat(list(genome), [bins.count(len(text)) for text in genome.values()])}
    truth["bin"] = np.concatenate([np.arange(bins.count(len(text))) for text in genome.values()])
    occupancy = {tf: _occupancy(genome, found, sites[sites["name"] == tf]) for tf, found in known.items()}
    for cell, (suffix, fragments) in CELLS.items():
        rng = seeding.generator(seed, "simulate", "cells", cell)
        level = shared + rng.standard_normal(len(elements))
        is_open = level > np.quantile(level, 1 - settings.OPEN)
        height = np.where(is_open, np.exp(2.5 + 0.6 * rng.standard_normal(len(elements))), 0)
        rate = _rate(genome, elements, height)
        cuts = {chrom: _fragments(line, fragments, rate, rng) for chrom, line in rate.items()}
        _write_open(folder / f"open_{cell}.{suffix}", cuts, genome)
        covered = _covered(cuts, genome)
        _write_regions(folder / f"open_{cell}.bed", covered)
        tpm = starts.assign(TPM=np.exp(rng.standard_normal(len(starts))) * (0.5 + height[starts["element"]]))
        tables.write_tsv(tpm[["gene_id", "TPM"]], folder / f"rna_{cell}.tsv")
        steps = {chrom: bins.by_step(line) / bins.STEP for chrom, line in rate.items()}
        for tf, odds in occupancy.items():
            rng = seeding.generator(seed, "simulate", "cells", cell, tf)
            chance = {
                chrom: settings.MOST * odds[chrom] * line**2 / (line**2 + settings.HALF_OPEN**2)
                for chrom, line in steps.items()
            }
            _write_bound(folder, f"{tf}_{cell}", chance, rng)
            truth[f"{tf}_{cell}"] = np.concatenate([_any(line) for line in chance.values()]).astype(np.float32)
    with atomic.replacing(folder / "truth_bins.parquet") as temporary:
        pq.write_table(pa.table(truth), temporary, compression="zstd")


def _genes(path: Path, genome: dict[str, np.ndarray], elements: list, rng: np.random.Generator) -> pd.DataFrame:
    """Genes that start in some of the elements, as GTF: columns `gene_id` and `element`."""
    chosen = np.flatnonzero(rng.random(len(elements)) < 0.08)
    lines = []
    for number, index in enumerate(chosen, 1):
        chrom, centre = elements[index]
        plus = rng.random() < 0.5
        start, end = (centre, centre + 3000) if plus else (centre - 3000, centre)
        start, end = max(start, 0), min(end, len(genome[chrom]) - 1)
        about = f'gene_id "G{number:04d}.1"; gene_name "gene{number}";'
        lines.append(f"{chrom}\tsimulated\tgene\t{start + 1}\t{end + 1}\t.\t{'+' if plus else '-'}\t.\t{about}\n")
    with atomic.replacing(path) as temporary:
        temporary.write_text("".join(lines))
    return pd.DataFrame({"gene_id": [f"G{number:04d}.1" for number in range(1, len(chosen) + 1)], "element": chosen})


def _occupancy(genome: dict[str, np.ndarray], motif: motifs.Motifs, planted: pd.DataFrame) -> dict[str, np.ndarray]:
    """Occupancy of each step of 50 bp by the sites whose centre it holds; 0 near unknown bases and at the ends."""
    matrix = motif.matrices[0]
    half, pad = len(matrix) // 2, len(matrix) + 2 * kernel.WORD
    table, shift = kernel.tables(matrix)
    odds, strong = {}, []
    for chrom, text in genome.items():
        padded = np.pad(text, pad, constant_values=dna.UNKNOWN)
        count = len(text) // bins.STEP
        total = kernel.sites(padded[pad - half :], count, table, np.zeros(1, np.int64))[1] * np.exp2(-shift)
        unknown = bins.by_step(text == dna.UNKNOWN) > 0
        unknown[: bins.STEPS] = unknown[-bins.STEPS :] = True
        total[np.convolve(unknown, np.ones(2 * bins.STEPS + 1), "same") > 0] = 0
        odds[chrom] = total
        strong.append(total[(planted.loc[planted["chrom"] == chrom, "start"].to_numpy() + half) // bins.STEP])
    unit = np.quantile(np.concatenate(strong), 1 - settings.STRONG)
    return {chrom: total / (total + unit) for chrom, total in odds.items()}


def _rate(genome: dict[str, np.ndarray], elements: list, height: np.ndarray) -> dict[str, np.ndarray]:
    """Accessibility of each base, 1 where nothing is open."""
    rate = {chrom: np.ones(len(text)) for chrom, text in genome.items()}
    reach = 4 * settings.WIDTH_OPEN
    bump = np.exp(-0.5 * (np.arange(-reach, reach + 1) / settings.WIDTH_OPEN) ** 2)
    for (chrom, centre), top in zip(elements, height, strict=True):
        if top:
            rate[chrom][centre - reach : centre + reach + 1] += top * bump
    return rate


def _fragments(line: np.ndarray, count: int, rate: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Fragments of one chromosome, in order: (N, 2) start and end. Both ends lie at one distance from a random base."""
    count = rng.poisson(count * line.sum() / sum(other.sum() for other in rate.values()))
    middle = np.searchsorted(line.cumsum(), rng.random(count) * line.sum())
    half = rng.integers(settings.READ // 2, 60, count)
    start, end = middle - half, middle + half
    whole = (start >= 0) & (end <= len(line))
    rows = np.stack([start[whole], end[whole]], 1)
    return rows[np.lexsort((rows[:, 1], rows[:, 0]))]


def _covered(cuts: dict[str, np.ndarray], genome: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cuts within 75 bp of each base, as a multiple of their mean, to two decimals."""
    mean = 2 * sum(map(len, cuts.values())) * 151 / sum(map(len, genome.values()))
    covered = {}
    for chrom, rows in cuts.items():
        length = len(genome[chrom])
        ends = np.bincount(np.concatenate([rows[:, 0], rows[:, 1] - 1]), minlength=length)
        total = np.pad(ends, (76, 75)).cumsum()
        covered[chrom] = ((total[151:] - total[:-151]) / mean).round(2)
    return covered


def _write_open(path: Path, cuts: dict[str, np.ndarray], genome: dict[str, np.ndarray]) -> None:
    with atomic.replacing(path) as temporary:
        if path.suffix == ".bw":
            covered = _covered(cuts, genome)
            starts = {chrom: np.flatnonzero(np.diff(values, prepend=-1)) for chrom, values in covered.items()}
            # pyBigWig crashes where the disk is full: the space for its entries and summaries is tried first
            temporary.write_bytes(bytes(24 * sum(map(len, starts.values()))))
            with pyBigWig.open(str(temporary), "w") as out:
                out.addHeader([(chrom, len(text)) for chrom, text in genome.items()])
                for chrom, values in covered.items():
                    start = starts[chrom]
                    end = np.append(start[1:], len(values))
                    out.addEntries([chrom] * len(start), start, ends=end, values=values[start])
        elif path.suffix == ".bam":
            header = {"HD": {"VN": "1.6", "SO": "coordinate"}}
            header["SQ"] = [{"SN": chrom, "LN": len(text)} for chrom, text in genome.items()]
            with pysam.AlignmentFile(str(temporary), "wb", header=header) as out:
                for number, rows in enumerate(cuts.values()):
                    _write_aligned(out, number, rows)
        else:
            lines = [f"{chrom}\t{start}\t{end}\n" for chrom, rows in cuts.items() for start, end in rows.tolist()]
            temporary.write_bytes(gzip.compress("".join(lines).encode(), 4, mtime=0))


def _write_aligned(out: pysam.AlignmentFile, chrom: int, rows: np.ndarray) -> None:
    """A read from each end of each fragment, in the order of their starts."""
    start = np.concatenate([rows[:, 0], rows[:, 1] - settings.READ])
    flag = np.repeat([0, 16], len(rows))
    order = np.argsort(start, kind="stable")
    read = pysam.AlignedSegment(out.header)  # one for all: what differs is where it lies and its strand
    read.query_name, read.reference_id, read.mapping_quality = "simulated", chrom, 60
    read.cigartuples = [(0, settings.READ)]
    for read.reference_start, read.flag in zip(start[order].tolist(), flag[order].tolist(), strict=True):
        out.write(read)


def _write_regions(path: Path, covered: dict[str, np.ndarray]) -> None:
    """Where accessibility is three times its mean, as BED."""
    lines = []
    for chrom, values in covered.items():
        edges = np.flatnonzero(np.diff(values > 3, prepend=False, append=False))
        lines += [f"{chrom}\t{start}\t{end}\n" for start, end in edges.reshape(-1, 2).tolist() if end - start >= 50]
    with atomic.replacing(path) as temporary:
        temporary.write_text("".join(lines))


def _write_bound(folder: Path, name: str, chance: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Peaks of a TF in a cell: certain ones where it binds; those and doubtful ones, wider, in the relaxed file.

    A step that is bound has a peak of 200 bp around it. At least half of the peak lies in each of the four bins
    that hold the step, less in any other.
    """
    rows = {"conservative": [], "relaxed": []}
    for chrom, line in chance.items():
        bound = rng.random(len(line)) < line
        doubtful = rng.random(len(line)) < settings.DOUBTFUL * line + settings.SPURIOUS * (line > 0)
        signal = (20 * line + 1) * np.exp(0.5 * rng.standard_normal(len(line)))
        for what, chosen, margin in (("conservative", bound, 0), ("relaxed", bound | doubtful, 50)):
            for step in np.flatnonzero(chosen).tolist():
                summit = step * bins.STEP + bins.STEP // 2
                start, end = summit - settings.PEAK // 2 - margin, summit + settings.PEAK // 2 + margin
                rows[what].append((chrom, start, end, signal[step], summit - start))
    for what, peaks in rows.items():
        lines = [
            f"{chrom}\t{start}\t{end}\t{name}_{number}\t0\t.\t{signal:.4f}\t-1\t-1\t{offset}\n"
            for number, (chrom, start, end, signal, offset) in enumerate(sorted(peaks, key=lambda row: -row[3]), 1)
        ]
        with atomic.replacing(folder / f"{name}_{what}.narrowPeak") as temporary:
            temporary.write_text("".join(lines))


def _any(chance: np.ndarray) -> np.ndarray:
    """Probability of each bin that one of its steps is bound."""
    return 1 - np.exp(bins.from_steps(np.log1p(-chance)))
