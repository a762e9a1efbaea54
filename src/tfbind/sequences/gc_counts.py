"""How many negatives of each GC count are wanted."""

import numpy as np
import pandas as pd

from tfbind.io.tally import Tally

PLACE = ["chrom", "start", "end"]


def wanted(part: pd.DataFrame, ratio: float, rng: np.random.Generator) -> dict[int, np.ndarray]:
    """How many negatives of each GC count the positives of one split call for.

    Parameters
    ----------
    part : sequence table
        The positives.
    ratio : float
        Negatives per positive.
    rng : numpy Generator
        Chooses which positives get one more where `ratio` is not a whole number.

    Returns
    -------
    dict of int to (length + 1,) int64
        Window length in bp -> negatives wanted, by GC count.
    """
    copies = copies_per_row(len(part), ratio, rng)
    size = part["sequence"].str.len().to_numpy()
    count = part["sequence"].str.count("[GC]").to_numpy()
    return {
        int(length): np.bincount(count[size == length], copies[size == length], length + 1).astype(np.int64)
        for length in np.unique(size)
    }


def add_moved(need: np.ndarray, tally: Tally) -> None:
    """Count in `tally` the windows that had to be of another GC count, in steps of 5 %.

    Parameters
    ----------
    need : (length + 1,) int64
        Windows still wanted, by GC count.
    tally : Tally
    """
    length = len(need) - 1
    bins = np.minimum(20 * np.arange(length + 1) // length, 19)
    for low, short in zip(range(0, 100, 5), np.bincount(bins, need, 20), strict=True):
        tally.add("changed", f"GC {low}-{low + 5} %: nearest GC taken", short)


def copies_per_row(rows: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """How many negatives each positive gets.

    Parameters
    ----------
    rows : int
        Number of positives.
    ratio : float
        Negatives per positive.
    rng : numpy Generator
        Chooses which positives get one more where `ratio` is not a whole number.

    Returns
    -------
    (rows,) int64
        The sum is ``round(ratio * rows)``.
    """
    whole, rest = divmod(round(ratio * rows), max(rows, 1))
    copies = np.full(rows, whole)
    copies[rng.choice(rows, rest, replace=False)] += 1
    return copies
