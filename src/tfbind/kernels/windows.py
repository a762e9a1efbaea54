"""Windows of a chromosome's tokens: cut them out, count their GC, draw random ones of wanted GC.

In the drawing functions a token of 4 closes a position to windows: besides unknown bases the caller writes 4 over
all that windows must avoid, and each window drawn is closed in its turn.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def gather(tokens, start, length):
    """Cut windows of one length out of a chromosome.

    Parameters
    ----------
    tokens : (M,) uint8
    start : (N,) int64
        0-based; the caller has checked that all windows lie inside.
    length : int
        In bp.

    Returns
    -------
    (N, length) uint8
    """
    out = np.empty((len(start), length), np.uint8)
    for row in range(len(start)):
        for i in range(length):
            out[row, i] = tokens[start[row] + i]
    return out


@njit(cache=True, nogil=True)
def gc_counts(tokens, length):
    """Count G and C in every open window of a chromosome: (length + 1,) int64, windows by GC count."""
    found = np.zeros(length + 1, np.int64)
    count = closed = 0
    for i in range(len(tokens)):
        count += tokens[i] == 1 or tokens[i] == 2
        closed += tokens[i] == 4
        if i >= length:
            old = tokens[i - length]
            count -= old == 1 or old == 2
            closed -= old == 4
        if i >= length - 1 and closed == 0:
            found[count] += 1
    return found


@njit(cache=True, nogil=True)
def candidates(tokens, length, wanted):
    """Starts of all open windows whose GC count `g` has ``wanted[g] > 0``: (n,) int64, ascending."""
    total = 0
    found = gc_counts(tokens, length)
    for g in range(length + 1):
        if wanted[g] > 0:
            total += found[g]
    starts = np.empty(total, np.int64)
    n = count = closed = 0
    for i in range(len(tokens)):
        count += tokens[i] == 1 or tokens[i] == 2
        closed += tokens[i] == 4
        if i >= length:
            old = tokens[i - length]
            count -= old == 1 or old == 2
            closed -= old == 4
        if i >= length - 1 and closed == 0 and wanted[count] > 0:
            starts[n] = i - length + 1
            n += 1
    return starts


@njit(cache=True, nogil=True)
def take(tokens, length, wanted, starts):
    """Go through proposed starts and keep each open window whose GC count is still wanted.

    Kept windows are closed in `tokens` and taken off `wanted` (length + 1,), both in place.

    Returns
    -------
    (n,) int64
        The starts kept, in the order proposed.
    """
    kept = np.empty(len(starts), np.int64)
    n = 0
    for start in starts:
        count = 0
        for i in range(start, start + length):
            token = tokens[i]
            if token == 4:
                count = -1
                break
            count += token == 1 or token == 2
        if count >= 0 and wanted[count] > 0:
            wanted[count] -= 1
            tokens[start : start + length] = 4
            kept[n] = start
            n += 1
    return kept[:n]


def sample(tokens, length, wanted, rng, exhaust=False):
    """Draw random windows, by rejection, until the wanted GC counts are met.

    Parameters
    ----------
    tokens : (M,) uint8
        Closed in place where windows are drawn.
    length : int
        In bp.
    wanted : (length + 1,) int64
        How many windows of each GC count; lowered in place by those found.
    rng : numpy Generator
    exhaust : bool
        False: give up on counts that random starts hit too rarely. True: look at every window of the chromosome in
        random order, so that what is left in `wanted` cannot be had.

    Returns
    -------
    (n,) int64
        Starts, none of them overlapping.
    """
    if len(tokens) < length or not wanted.any():
        return np.empty(0, np.int64)
    if exhaust:
        return take(tokens, length, wanted, rng.permutation(candidates(tokens, length, wanted)))
    found = []
    # past this many tries, reading the whole chromosome once is cheaper
    budget = len(tokens) // 8 + 16 * int(wanted.sum())
    while wanted.any() and budget > 0:
        proposed = 4 * int(wanted.sum()) + 1024
        budget -= proposed
        found.append(take(tokens, length, wanted, rng.integers(0, len(tokens) - length + 1, proposed)))
    return np.concatenate(found)
