"""The bins of the cell-type task: a genome in windows of 200 bp every 50 bp, and which of them are bound.

Bin i of a chromosome is ``[50 i, 50 i + 200)``, whole bins only, so that a bin is four *steps* of 50 bp and whatever is
counted by step is summed by bin without reading a base twice. Labels are those of ENCODE-DREAM: bound (B), ambiguous
(A, never scored), unbound (U); a removed bin has no label.
"""

import os

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables

#: Length of a bin, and from one bin to the next, in bp; steps in a bin.
WIDTH, STEP = 200, 50
STEPS = WIDTH // STEP
UNBOUND, BOUND, AMBIGUOUS, REMOVED = range(4)
#: Share of a bin, or of a peak, that makes a bin bound: the organisers' choice.
SHARE = 0.5
#: Share of unknown bases above which a bin is removed, as for windows of peaks.
UNKNOWN_SHARE = 0.1


def count(length: int) -> int:
    """Whole bins of a chromosome of `length` bp."""
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

    Peaks that touch or overlap are merged first. A bin is bound where it shares at least `share` of itself, or of a
    conservative peak, with that peak; ambiguous where it is not bound and shares a base with any peak, relaxed or
    conservative; else unbound. A bin that shares a base with the blacklist is removed.

    Parameters
    ----------
    length : int
        Of the chromosome, in bp. Intervals may run beyond it.
    conservative : (K, 2) int
        Start and end of each peak, 0-based half-open, in any order.
    relaxed, blacklist : (K, 2) int, optional
    unknown : (B,) int, optional
        Unknown bases of each bin (`unknown`); bins with more than a tenth are removed.
    share : float
        Above 0, at most 1.

    Returns
    -------
    (B,) uint8
        `UNBOUND` 0, `BOUND` 1, `AMBIGUOUS` 2, `REMOVED` 3.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share {share} is not above 0 and at most 1")
    labels = np.zeros(count(length), np.uint8)
    tight = merged(conservative)
    wide = tight if relaxed is None else merged(np.concatenate([tight, relaxed]))
    labels[_covered(wide, np.ones(len(wide), np.int64), len(labels))] = AMBIGUOUS
    # the least overlap in whole bp; at half of the bin or half of the peak, whichever is less
    least = np.ceil(share * np.minimum(np.diff(tight)[:, 0], WIDTH)).astype(np.int64)
    labels[_covered(tight, least, len(labels))] = BOUND
    if blacklist is not None and len(blacklist):
        removed = merged(blacklist)
        labels[_covered(removed, np.ones(len(removed), np.int64), len(labels))] = REMOVED
    if unknown is not None:
        labels[unknown > UNKNOWN_SHARE * WIDTH] = REMOVED
    return labels


def intervals(table: pd.DataFrame, chrom: str) -> np.ndarray:
    """`start` and `end` of the rows of a table that lie on a chromosome: (K, 2) int64."""
    return table.loc[table["chrom"] == chrom, ["start", "end"]].to_numpy(np.int64)


def merged(rows: np.ndarray) -> np.ndarray:
    """Intervals (K, 2) in order, those that touch or overlap as one."""
    rows = np.asarray(rows, np.int64).reshape(-1, 2)
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    if not len(rows):
        return rows
    reach = np.maximum.accumulate(rows[:, 1])
    first = np.concatenate([[True], rows[1:, 0] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.stack([rows[first, 0], reach[last]], 1)


def touched(rows: np.ndarray, length: int) -> np.ndarray:
    """Which bins of a chromosome share a base with any of the intervals (K, 2): (B,) bool."""
    rows = merged(rows)
    return _covered(rows, np.ones(len(rows), np.int64), count(length))


def _covered(rows: np.ndarray, least: np.ndarray, bins: int) -> np.ndarray:
    # The bins that share `least` bp with an interval (start, end) are a run: 50 i + 200 - start >= least and
    # end - 50 i >= least. Neither an interval nor a bin is shorter than `least`.
    first = -((WIDTH - least - rows[:, 0]) // STEP)
    stop = (rows[:, 1] - least) // STEP + 1
    first, stop = first.clip(0, bins), stop.clip(0, bins)
    there = stop > first
    edges = np.zeros(bins + 1, np.int32)
    np.add.at(edges, first[there], 1)
    np.add.at(edges, stop[there], -1)
    return edges.cumsum()[:-1] > 0


def by_step(values: np.ndarray) -> np.ndarray:
    """Sums of per-base values (L,) over the whole steps: (L // 50,) int64 or float64."""
    whole = len(values) // STEP * STEP
    kind = np.int64 if values.dtype.kind in "biu" else np.float64
    return values[:whole].reshape(-1, STEP).sum(1, dtype=kind)


def from_steps(steps: np.ndarray) -> np.ndarray:
    """Sums by step (S,) to sums by bin (S - 3,)."""
    if len(steps) < STEPS:
        return steps[:0]
    return sum(steps[i : len(steps) - STEPS + 1 + i] for i in range(STEPS))


def unknown(tokens: np.ndarray) -> np.ndarray:
    """Unknown bases of each bin of a chromosome (L,) uint8: (B,) int64."""
    return from_steps(by_step(tokens == dna.UNKNOWN))


def runs(labels: np.ndarray) -> pd.DataFrame:
    """Labels (B,) as runs of equal label: columns `first`, `stop` (bins), `label`; unbound runs are left out."""
    edges = np.flatnonzero(np.diff(labels, prepend=UNBOUND, append=UNBOUND))
    first, stop = edges[:-1], edges[1:]
    table = pd.DataFrame({"first": first, "stop": stop, "label": labels[first].astype(np.int8)})
    return table[table["label"] != UNBOUND].reset_index(drop=True)


def expand(table: pd.DataFrame, bins: int) -> np.ndarray:
    """The labels (bins,) uint8 that `runs` was made of."""
    labels = np.zeros(bins, np.uint8)
    for first, stop, kind in zip(table["first"], table["stop"], table["label"], strict=True):
        labels[first:stop] = kind
    return labels


def write(labels: dict[str, np.ndarray], path: str | os.PathLike) -> None:
    """Write the labels of each chromosome as runs, a row each; a run of the whole chromosome's bins closes each."""
    parts = [
        pd.concat([runs(values), pd.DataFrame({"first": [0], "stop": [len(values)], "label": [UNBOUND]})]).assign(
            chrom=chrom
        )
        for chrom, values in labels.items()
    ]
    tables.write(pd.concat(parts) if parts else tables.empty(tables.LABELS, ""), path, tables.LABELS)


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Labels by chromosome, as `write` wrote them."""
    table = tables.read(path, tables.LABELS)
    found = {}
    for chrom, rows in table.groupby("chrom", sort=False):
        size = rows.loc[rows["label"] == UNBOUND, "stop"]
        if len(size) != 1:
            raise InputError(f"{path}: {chrom} has no line of its size; make the file anew")
        found[chrom] = expand(rows[rows["label"] != UNBOUND], int(size.iloc[0]))
    return found
