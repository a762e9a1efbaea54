"""The features of a bin in the cell-type task; `DESCRIPTIONS` describes every one.

Values along a chromosome are computed once per step of 50 bp; a bin is four steps, and its flanks are more. The cost
therefore grows with the number of bases, not of bins, and one million bins take a fraction of a minute.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tfbind import dna
from tfbind.celltype import bins
from tfbind.celltype.cells import Cell
from tfbind.celltype.tracks import steps
from tfbind.errors import NotEstimable
from tfbind.io import intervals
from tfbind.io.genome import Genome
from tfbind.kernels import tracks as kernel
from tfbind.motifs import Motifs, score

QUANTILES = (0.99, 0.95, 0.90, 0.75, 0.50)
#: Distances, in bins, of the neighbours whose accessibility is used: those of Anchor, and three more on each side.
OFFSETS = (-19, -17, -15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
#: Distances in bp from a bin: flank for motifs, flank for accessibility, and around the centre for genes.
FLANK, REACH, NEAR = 400, 1000, 10_000
_BLOCK = 20_000  # bins computed together
_LEAST = 20  # fewest peaks from which a motif is learnt
#: Name of a feature, or its beginning (ending in _ or q) -> its description.
DESCRIPTIONS = {
    "motif_max": "Bits of the best site whose centre lies in the bin, both strands.",
    "motif_lse": "log2 of the mean odds over the bin's positions and both strands (log-sum-exp).",
    "motif_mean": "Mean over the bin's positions of the better strand's bits.",
    "motif_q": "Quantile over the bin's positions of the better strand's bits: q50, q75, q90, q95, q99.",
    "motif_flank_max": "As `motif_max`, over the bin and 400 bp to both sides.",
    "motif_flank_lse": "As `motif_lse`, over the bin and 400 bp to both sides.",
    "motif2_": "All of these of the second motif, `motif3_` of the third, ...: the TF's partners.",
    "network_": "Score of a trained network on the bin's sequence, by its label.",
    "accessibility_mean": "log1p of the mean accessibility of the bin.",
    "accessibility_mean_": "The same of the bin that begins so many bp away, for each offset.",
    "accessibility_max": "log1p of the largest value in the bin.",
    "accessibility_min": "log1p of the smallest value in the bin.",
    "accessibility_median": "log1p of the median over the bin's bases.",
    "accessibility_before_max": "log1p of the largest value in the 1,000 bp before the bin.",
    "accessibility_before_min": "log1p of the smallest value there.",
    "accessibility_after_max": "log1p of the largest value in the 1,000 bp after the bin.",
    "accessibility_after_min": "log1p of the smallest value there.",
    "accessibility_in_peak": "1 where the bin shares a base with a peak of accessibility.",
    "gc": "Share of G and C among the bin's known bases.",
    "cpg": "CpG dinucleotides per known base of the bin.",
    "tss_distance": "log2 of 1 + the bp from the bin's centre to the nearest start of a gene.",
    "expression_nearest": "log1p of the TPM of the nearest gene that the tables of expression name.",
    "expression_max": "log1p of the highest TPM among such genes that start within 10 kb of the bin's centre.",
}


@dataclass(frozen=True)
class Recipe:
    """Which features a bin has.

    Parameters
    ----------
    motifs : Motifs
        The TF's own motif first, then those of its partners; may be empty.
    accessibility : bool
        Whether to use the cell's accessibility.
    peaks : bool
        Whether to use its peaks of accessibility.
    expression : bool
        Whether to use its genes and their TPM.
    composition : bool
        Whether to use GC and CpG.
    offsets : tuple of int
        Neighbouring bins whose mean accessibility is used, as distances in bins.
    networks : mapping of str to function
        Label -> a function from tokens (N, 200) to scores (N,), e.g. of a stored `deepbind`.
    """

    motifs: Motifs
    accessibility: bool = True
    peaks: bool = False
    expression: bool = False
    composition: bool = True
    offsets: tuple[int, ...] = OFFSETS
    networks: Mapping[str, Callable[[np.ndarray], np.ndarray]] = field(default_factory=dict)


def learnt(
    genome: Genome, peaks: pd.DataFrame, known: Motifs, chromosomes: Sequence[str], count: int = 1, most: int = 500
) -> Motifs:
    """Known motifs that best separate the strongest peaks from sequence nearby, for a TF without a motif of its own.

    A motif is ranked by the AUROC of its best site in the 200 bp around the summits against the 200 bp that lie 1 kb
    away on either side, where these overlap no peak. Motifs of one family resemble each other, so the second best is
    often a relative of the best.

    Parameters
    ----------
    genome : Genome
        Sequence and chromosome lengths.
    peaks : DataFrame
        Table of `peaks.read_peaks` of training cells, under the genome's chromosome names.
    known : Motifs
        The motifs to choose from.
    chromosomes : sequence of str
        Training chromosomes; summits elsewhere are not used.
    count : int
        Number of motifs to return.
    most : int
        Number of peaks to use, the strongest first.

    Returns
    -------
    Motifs
        The best first.

    Raises
    ------
    NotEstimable
        If fewer than 20 peaks, or fewer than 20 windows beside them, can be used.
    """
    taken = peaks[peaks["chrom"].isin(list(chromosomes))].sort_values("score", ascending=False, kind="stable")
    start = taken["summit"].head(most) - bins.WIDTH // 2
    bound = pd.DataFrame({"chrom": taken["chrom"].head(most), "start": start})
    beside = pd.concat([bound.assign(start=start + side * (REACH + bins.WIDTH)) for side in (-1, 1)])
    scores = []
    for table, is_bound in ((bound, True), (beside, False)):
        size = table["chrom"].map(genome.lengths)
        table = table[(table["start"] >= 0) & (table["start"] + bins.WIDTH <= size)].reset_index(drop=True)
        table["end"] = table["start"] + bins.WIDTH
        if not is_bound:
            table = table[~intervals.overlapping(table, peaks)]
        scores.append(score(genome.windows(table["chrom"], table["start"], table["end"]), known)[0])
    if min(map(len, scores)) < _LEAST:
        raise NotEstimable(f"{min(map(len, scores))} peaks or windows beside them; {_LEAST} are needed to find a motif")
    rank = rankdata(np.concatenate(scores), axis=0)
    area = rank[: len(scores[0])].mean(0) - rank[len(scores[0]) :].mean(0)  # grows with the AUROC
    return known.take(np.argsort(-area, kind="stable")[:count])


def names(recipe: Recipe) -> list[str]:
    """Names of the columns of `matrix`, in their order."""
    found = []
    for number in range(len(recipe.motifs)):
        prefix = "motif" if not number else f"motif{number + 1}"
        found += [f"{prefix}_{name}" for name in ("max", "lse", "mean")]
        found += [f"{prefix}_q{round(100 * q)}" for q in QUANTILES]
        found += [f"{prefix}_flank_max", f"{prefix}_flank_lse"]
    found += [f"network_{label}" for label in recipe.networks]
    if recipe.accessibility:
        found += [f"accessibility_{name}" for name in ("mean", "max", "min", "median")]
        found += [f"accessibility_{side}_{name}" for side in ("before", "after") for name in ("max", "min")]
        found += [f"accessibility_mean_{bins.STEP * offset:+d}" for offset in recipe.offsets]
    if recipe.peaks:
        found += ["accessibility_in_peak"]
    if recipe.composition:
        found += ["gc", "cpg"]
    if recipe.expression:
        found += ["tss_distance", "expression_nearest", "expression_max"]
    return found


def matrix(recipe: Recipe, genome: Genome, chrom: str, index: np.ndarray, cell: Cell | None = None) -> np.ndarray:
    """Features of some bins of one chromosome.

    Memory, besides the result, is that of one chromosome's track.

    Parameters
    ----------
    recipe : Recipe
        Which features to compute.
    genome : Genome
        Sequence. Bases beyond the ends of a chromosome are unknown.
    chrom : str
        A chromosome of the genome.
    index : (M,) int
        Numbers of the bins on the chromosome, in any order.
    cell : Cell, optional
        Data of the cell; needed for accessibility, its peaks and expression.

    Returns
    -------
    (M, P) float32
        Columns in the order of `names`. Beyond the ends of a chromosome, accessibility is that of its first or last
        step.

    Raises
    ------
    ValueError
        If the chromosome has no such bin.
    """
    index = np.asarray(index, np.int64)
    length = genome.lengths[chrom]
    total = bins.count(length)
    if len(index) and (index.min() < 0 or index.max() >= total):
        raise ValueError(f"{chrom} has bins 0 to {total - 1}, not {index.min()} to {index.max()}")
    out = np.empty((len(index), len(names(recipe))), np.float32)
    at = {name: column for column, name in enumerate(names(recipe))}
    block = index // _BLOCK
    order = np.argsort(block, kind="stable")
    edges = np.searchsorted(block[order], np.arange(block.max(initial=-1) + 2))
    for number, (low, high) in enumerate(pairwise(edges)):
        if low == high:
            continue
        rows, first = order[low:high], number * _BLOCK
        here = index[rows] - first
        for name, values in _sequence(recipe, genome, chrom, first, min(first + _BLOCK, total), here):
            out[rows, at[name]] = values
    for name, values in _signal(recipe, cell, chrom, index, length):
        out[:, at[name]] = values
    return out


def unmeasured(recipe: Recipe, cell: Cell, chrom: str) -> dict[str, str]:
    """Features of `names` without meaning on a chromosome of a cell, since their data are missing there.

    Parameters
    ----------
    recipe : Recipe
        Which features are used.
    cell : Cell
        Data of the cell.
    chrom : str
        A chromosome of the genome.

    Returns
    -------
    dict of str to str
        Name of the feature -> what `Cell.lacks` there. Empty if nothing is missing.
    """
    of = {
        "accessibility": [name for name in names(recipe) if re.match("accessibility_(?!in_peak)", name)],
        "peaks of accessibility": ["accessibility_in_peak"] if recipe.peaks else [],
        "genes": ["tss_distance"] if recipe.expression else [],
        "genes of known expression": ["expression_nearest", "expression_max"] if recipe.expression else [],
    }
    return {name: what for what in cell.lacks(chrom) for name in of[what]}


def _tokens(genome: Genome, chrom: str, start: int, stop: int) -> np.ndarray:
    """Tokens of ``[start, stop)``; unknown beyond the ends of the chromosome."""
    tokens = np.full(stop - start, dna.UNKNOWN, np.uint8)
    low, high = max(start, 0), min(stop, genome.lengths[chrom])
    if low < high:
        tokens[low - start : high - start] = genome.windows([chrom], [low], [high])[0]
    return tokens


def _sequence(recipe: Recipe, genome: Genome, chrom: str, first: int, stop: int, here: np.ndarray):
    """Yield name and values of each sequence feature of the bins `here`, numbered from `first`."""
    margin = FLANK // bins.STEP  # steps
    count = stop - first + bins.STEPS - 1 + 2 * margin
    begin = (first - margin) * bins.STEP
    widest = max((len(matrix) for matrix in recipe.motifs.matrices), default=0)
    pad = widest + 2 * kernel.WORD
    tokens = _tokens(genome, chrom, begin - pad, begin + count * bins.STEP + pad)
    ranks = np.floor((1 - np.array(QUANTILES)) * (bins.WIDTH - 1) + 1e-9).astype(np.int64)
    for number, motif in enumerate(recipe.motifs.matrices):
        prefix = "motif" if not number else f"motif{number + 1}"
        odds, shift = kernel.tables(motif)
        shift = np.float32(shift)
        sites = tokens[pad - len(motif) // 2 :]
        best, total, bits, ranked = kernel.sites(sites, count, odds, ranks)
        inner = slice(margin, count - margin)
        positions = 2 * bins.WIDTH
        yield f"{prefix}_max", _bits(_high(best[inner], bins.STEPS), shift)[here]
        yield f"{prefix}_lse", _bits(_total(total[inner], bins.STEPS) / positions, shift)[here]
        yield f"{prefix}_mean", (_total(bits[inner], bins.STEPS) / bins.STEPS - shift)[here]
        for q, column in zip(QUANTILES, ranked.T, strict=True):
            yield f"{prefix}_q{round(100 * q)}", _bits(column[margin : len(column) - margin], shift)[here]
        wide = bins.STEPS + 2 * margin
        yield f"{prefix}_flank_max", _bits(_high(best, wide), shift)[here]
        yield f"{prefix}_flank_lse", _bits(_total(total, wide) / (2 * wide * bins.STEP), shift)[here]
    core = tokens[pad + FLANK : pad + FLANK + (count - 2 * margin) * bins.STEP + 1]
    if recipe.composition:
        known = np.maximum(bins.from_steps(bins.by_step(core[:-1] != dna.UNKNOWN)), 1)
        strong = (core[:-1] == 1) | (core[:-1] == 2)
        yield "gc", (bins.from_steps(bins.by_step(strong)) / known)[here]
        yield "cpg", (bins.from_steps(bins.by_step((core[:-1] == 1) & (core[1:] == 2))) / known)[here]
    if recipe.networks:
        windows = np.lib.stride_tricks.sliding_window_view(core, bins.WIDTH)[:: bins.STEP][here]
        for label, network in recipe.networks.items():
            yield f"network_{label}", network(np.ascontiguousarray(windows))


def _signal(recipe: Recipe, cell: Cell | None, chrom: str, index: np.ndarray, length: int):
    """Yield name and values of each feature measured in the cell."""
    if recipe.accessibility:
        found = steps(cell.track, chrom)
        mean = _total(found.mean, bins.STEPS) / bins.STEPS
        logs = np.log1p(mean)
        yield "accessibility_mean", logs[index]
        yield "accessibility_max", np.log1p(_high(found.high, bins.STEPS)[index])
        yield "accessibility_min", np.log1p(-_high(-found.low, bins.STEPS)[index])
        yield "accessibility_median", np.log1p(found.median[index])
        reach = REACH // bins.STEP
        for name, values, sign in (("max", found.high, 1), ("min", found.low, -1)):
            around = sign * _high(sign * np.pad(values, reach, mode="edge"), reach)
            yield f"accessibility_before_{name}", np.log1p(around[index])
            yield f"accessibility_after_{name}", np.log1p(around[index + reach + bins.STEPS])
        for offset in recipe.offsets:
            yield f"accessibility_mean_{bins.STEP * offset:+d}", logs[np.clip(index + offset, 0, len(logs) - 1)]
    if recipe.peaks:
        yield "accessibility_in_peak", bins.touched(bins.intervals(cell.peaks, chrom), length)[index]
    if recipe.expression:
        yield from _genes(cell, chrom, index)


def _genes(cell: Cell, chrom: str, index: np.ndarray):
    genes = cell.genes[cell.genes["chrom"] == chrom]
    centre = index * bins.STEP + bins.WIDTH // 2
    tss = genes["tss"].to_numpy()
    yield "tss_distance", np.log2(1 + (np.abs(tss[_nearest(tss, centre)] - centre) if len(tss) else 1e7 + 0 * centre))
    # a gene that no table of expression names has an unknown level, not 0
    genes = genes[genes["tpm"].notna()]
    tss, level = genes["tss"].to_numpy(), np.log1p(genes["tpm"].to_numpy())
    yield "expression_nearest", level[_nearest(tss, centre)] if len(tss) else np.zeros(len(index))
    order = np.argsort(centre, kind="stable")
    low = np.searchsorted(centre[order], tss - NEAR)
    high = np.searchsorted(centre[order], tss + NEAR, side="right")
    highest = np.zeros(len(index))
    for start, stop, value in zip(low, high, level, strict=True):
        np.maximum(highest[start:stop], value, out=highest[start:stop])
    found = np.empty(len(index))
    found[order] = highest
    yield "expression_max", found


def _nearest(tss: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Position of the start (T,) nearest to each centre (M,); the first of two. Starts are ascending, at least one."""
    after = np.searchsorted(tss, centre).clip(0, len(tss) - 1)
    before = (after - 1).clip(0)
    return np.where(np.abs(tss[before] - centre) <= np.abs(tss[after] - centre), before, after)


def _bits(odds: np.ndarray, shift: np.float32) -> np.ndarray:
    return np.log2(np.maximum(odds, np.float32(2.0**-126))) - shift


def _high(values: np.ndarray, width: int) -> np.ndarray:
    """Maximum of each `width` neighbours: (N,) -> (N - width + 1,)."""
    found, size = values, 1
    while size < width:
        step = min(size, width - size)
        found = np.maximum(found[: len(found) - step], found[step:])
        size += step
    return found


def _total(values: np.ndarray, width: int) -> np.ndarray:
    """Sum of each `width` neighbours, added directly, since a running sum would lose precision."""
    return sum((values[i : len(values) - width + 1 + i] for i in range(width)), np.float32(0))
