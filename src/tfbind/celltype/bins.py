"""The bins of the cell-type task: a genome in windows of 200 bp every 50 bp, each labelled as bound or not.

Bin i of a chromosome is ``[50 i, 50 i + 200)`` (0-based half-open); only whole bins count. A bin is four *steps* of
50 bp: values are first summed by step, then by bin, so every base is read once. Labels are those of ENCODE-DREAM: bound
(B), ambiguous (A, never scored), unbound (U). A bin that is removed has none of these three labels.
"""

import os

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables

#: Length of a bin, and distance between the starts of neighbouring bins, in bp; then the number of steps in a bin.
WIDTH, STEP = 200, 50
STEPS = WIDTH // STEP
UNBOUND, BOUND, AMBIGUOUS, REMOVED = range(4)
#: A bin is bound where this share of it, or of a conservative peak, overlaps: the organisers' choice.
SHARE = 0.5
#: A bin is removed where more than this share of its bases is unknown, as are windows of peaks.
UNKNOWN_SHARE = 0.1


def count(length: int) -> int:
    """Number of whole bins on a chromosome of `length` bp."""
    return max((length - WIDTH) // STEP + 1, 0)


def label(
    length: int,
    conservative: np.ndarray,
    relaxed: np.ndarray | None = None,
    blacklist: np.ndarray | None = None,
    unknown: np.ndarray | None = None,
    *,
    share: float = SHARE,
) -> np.ndarray:
    """Labels of the bins of one chromosome, by the rule of the organisers of ENCODE-DREAM.

    Peaks that touch or overlap are merged first. A bin is bound where it overlaps a conservative peak by at least
    `share` of the bin or of the peak. It is ambiguous where it is not bound and shares a base with any peak, relaxed or
    conservative; otherwise unbound. A bin that shares a base with the blacklist is removed.

    Parameters
    ----------
    length : int
        Length of the chromosome in bp. Intervals may run beyond it.
    conservative : (K, 2) int
        Start and end of each peak, 0-based half-open, in any order.
    relaxed, blacklist : (K, 2) int, optional
        Relaxed peaks, and regions whose bins are removed, in the same form.
    unknown : (B,) int, optional
        Unknown bases of each bin, as the function `unknown` counts them; bins with more than a tenth are removed.
    share : float
        Above 0, at most 1. Default 0.5.

    Returns
    -------
    (B,) uint8
        `UNBOUND` 0, `BOUND` 1, `AMBIGUOUS` 2, `REMOVED` 3.

    Raises
    ------
    ValueError
        If `share` is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share {share} is not above 0 and at most 1")
    labels = np.zeros(count(length), np.uint8)
    tight = merged(conservative)
    wide = tight if relaxed is None else merged(np.concatenate([tight, relaxed]))
    labels[_covered(wide, np.ones(len(wide), np.int64), len(labels))] = AMBIGUOUS
    # the smallest overlap that counts, in whole bp: `share` of the bin or of the peak, whichever is shorter
    least = np.ceil(share * np.minimum(np.diff(tight)[:, 0], WIDTH)).astype(np.int64)
    labels[_covered(tight, least, len(labels))] = BOUND
    if blacklist is not None and len(blacklist):
        removed = merged(blacklist)
        labels[_covered(removed, np.ones(len(removed), np.int64), len(labels))] = REMOVED
    if unknown is not None:
        labels[unknown > UNKNOWN_SHARE * WIDTH] = REMOVED
    return labels


def intervals(table: pd.DataFrame, chrom: str) -> np.ndarray:
    """Start and end of the rows of a table that lie on one chromosome.

    Parameters
    ----------
    table : DataFrame
        Columns `chrom`, `start`, `end` (bp, 0-based half-open).
    chrom : str
        Chromosome, under the name that the table uses.

    Returns
    -------
    (K, 2) int64
        In the order of the table.
    """
    return table.loc[table["chrom"] == chrom, ["start", "end"]].to_numpy(np.int64)


def merged(rows: np.ndarray) -> np.ndarray:
    """Intervals sorted by start, with those that touch or overlap joined into one.

    Parameters
    ----------
    rows : (K, 2) int
        Start and end in bp, 0-based half-open, in any order.

    Returns
    -------
    (M, 2) int64
        Sorted, and separated by at least one base.
    """
    rows = np.asarray(rows, np.int64).reshape(-1, 2)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    if not len(rows):
        return rows
    reach = np.maximum.accumulate(rows[:, 1])
    first = np.concatenate([[True], rows[1:, 0] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.stack([rows[first, 0], reach[last]], 1)


def touched(rows: np.ndarray, length: int) -> np.ndarray:
    """Which bins of a chromosome share a base with any of some intervals.

    Parameters
    ----------
    rows : (K, 2) int
        Start and end in bp, 0-based half-open, in any order.
    length : int
        Length of the chromosome in bp.

    Returns
    -------
    (B,) bool
    """
    rows = merged(rows)
    return _covered(rows, np.ones(len(rows), np.int64), count(length))


def _covered(rows: np.ndarray, least: np.ndarray, bins: int) -> np.ndarray:
    # The bins that share `least` bp with an interval (start, end) follow one another: those with
    # 50 i + 200 - start >= least and end - 50 i >= least. No interval and no bin is shorter than `least`.
    first = -((WIDTH - least - rows[:, 0]) // STEP)
    stop = (rows[:, 1] - least) // STEP + 1
    first, stop = first.clip(0, bins), stop.clip(0, bins)
    there = stop > first
    edges = np.zeros(bins + 1, np.int32)
    np.add.at(edges, first[there], 1)
    np.add.at(edges, stop[there], -1)
    return edges.cumsum()[:-1] > 0


def by_step(values: np.ndarray) -> np.ndarray:
    """Sums of per-base values over the whole steps of 50 bp.

    Parameters
    ----------
    values : (L,) bool, int or float
        One value per base. Bases after the last whole step are left out.

    Returns
    -------
    (L // 50,) int64 or float64
        float64 where `values` are floats.
    """
    whole = len(values) // STEP * STEP
    kind = np.int64 if values.dtype.kind in "biu" else np.float64
    return values[:whole].reshape(-1, STEP).sum(1, dtype=kind)


def from_steps(steps: np.ndarray) -> np.ndarray:
    """Sums by bin from sums by step: each bin is four steps.

    Parameters
    ----------
    steps : (S,) int or float
        Sums of `by_step`.

    Returns
    -------
    (S - 3,) of the same dtype
        Empty with fewer than four steps.
    """
    if len(steps) < STEPS:
        return steps[:0]
    return sum(steps[i : len(steps) - STEPS + 1 + i] for i in range(STEPS))


def unknown(tokens: np.ndarray) -> np.ndarray:
    """Number of unknown bases in each bin of a chromosome.

    Parameters
    ----------
    tokens : (L,) uint8
        Tokens of the whole chromosome.

    Returns
    -------
    (B,) int64
    """
    return from_steps(by_step(tokens == dna.UNKNOWN))


def runs(labels: np.ndarray) -> pd.DataFrame:
    """Labels as runs of equal label; runs of unbound bins are left out.

    Parameters
    ----------
    labels : (B,) uint8
        Labels of the bins of one chromosome, as `label` returns them.

    Returns
    -------
    DataFrame
        One row per run: `first`, `stop` (bins, half-open) and `label` (int8).
    """
    edges = np.flatnonzero(np.diff(labels, prepend=UNBOUND, append=UNBOUND))
    first, stop = edges[:-1], edges[1:]
    table = pd.DataFrame({"first": first, "stop": stop, "label": labels[first].astype(np.int8)})
    return table[table["label"] != UNBOUND].reset_index(drop=True)


def expand(table: pd.DataFrame, bins: int) -> np.ndarray:
    """Labels of the bins of one chromosome, from the runs that `runs` made of them.

    Parameters
    ----------
    table : DataFrame
        Columns `first`, `stop`, `label`.
    bins : int
        Number of bins of the chromosome.

    Returns
    -------
    (bins,) uint8
        `UNBOUND` where no run says otherwise.
    """
    labels = np.zeros(bins, np.uint8)
    for first, stop, kind in zip(table["first"], table["stop"], table["label"], strict=True):
        labels[first:stop] = kind
    return labels


def write(labels: dict[str, np.ndarray], path: str | os.PathLike) -> None:
    """Write the labels of each chromosome as runs to a Parquet table, one run per row.

    The last row of each chromosome has the label `UNBOUND` and spans all its bins: it stores their number.

    Parameters
    ----------
    labels : mapping of str to (B,) uint8
        Labels of each chromosome, as `label` returns them.
    path : path
        Table to write.
    """
    parts = [
        pd.concat([runs(values), pd.DataFrame({"first": [0], "stop": [len(values)], "label": [UNBOUND]})]).assign(
            chrom=chrom
        )
        for chrom, values in labels.items()
    ]
    tables.write(pd.concat(parts) if parts else tables.empty(tables.LABELS, ""), path, tables.LABELS)


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Labels of each chromosome, from a table that `write` wrote.

    Parameters
    ----------
    path : path
        Table to read.

    Returns
    -------
    dict of str to (B,) uint8
        Labels by chromosome, in the order of the table.

    Raises
    ------
    InputError
        If the table is damaged or of another version, or the number of bins of a chromosome is missing.
    FileNotFoundError
        If there is no such file.
    """
    table = tables.read(path, tables.LABELS)
    found = {}
    for chrom, rows in table.groupby("chrom", sort=False):
        size = rows.loc[rows["label"] == UNBOUND, "stop"]
        if len(size) != 1:
            raise InputError(f"{path}: {chrom} has no line of its size; make the file anew")
        found[chrom] = expand(rows[rows["label"] != UNBOUND], int(size.iloc[0]))
    return found
