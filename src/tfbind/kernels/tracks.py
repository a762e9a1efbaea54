"""Values along a chromosome, and motif scores along it, by steps of 50 bp in one pass.

A bin is four steps, so its sum and extremes are those of its steps, and its order statistics are merged from four
sorted steps: every base is looked at and sorted once, though it lies in four bins.
"""

import numpy as np
from numba import njit

from tfbind.kernels.vectors import check_places, check_tokens

STEP, STEPS = 50, 4
WORD = 4
#: Binary exponent given to the best possible site: odds 2^220 below it are still normal float32 numbers.
TOP = 100


@njit(cache=True, nogil=True)
def _sort(line):
    for i in range(1, len(line)):
        value = line[i]
        j = i - 1
        while j >= 0 and line[j] < value:
            line[j + 1] = line[j]
            j -= 1
        line[j + 1] = value


@njit(cache=True, nogil=True)
def _ranked(lines, ranks, out):
    # Values of given ranks (ascending, 0 is the largest) of sorted lines (descending).
    at = np.zeros(len(lines), np.int64)
    taken = 0
    for place in range(len(ranks)):
        value = np.float32(0)
        while taken <= ranks[place]:
            best = -1
            for k in range(len(lines)):
                if at[k] < lines.shape[1] and (best < 0 or lines[k, at[k]] > lines[best, at[best]]):
                    best = k
            value = lines[best, at[best]]
            at[best] += 1
            taken += 1
        out[place] = value


@njit(cache=True, nogil=True)
def _middle(level, size, known):
    # Mean of the two middle bases of four steps; the runs of each step come highest first.
    at = np.zeros(STEPS, np.int64)
    taken, upper = 0, np.float32(np.nan)
    while True:
        best = -1
        for row in range(STEPS):
            if at[row] < known[row] and (best < 0 or level[row, at[row]] > level[best, at[best]]):
                best = row
        value = level[best, at[best]]
        taken += size[best, at[best]]
        at[best] += 1
        if np.isnan(upper) and taken >= STEP * STEPS // 2:
            upper = value
        if taken > STEP * STEPS // 2:
            return (upper + value) / 2


@njit(cache=True, nogil=True)
def steps(ends, values, count):
    """Statistics of a piecewise constant track.

    Parameters
    ----------
    ends : (K,) int64
        Where each run ends, in bp, ascending; the first begins at 0. The last reaches ``50 * count`` at least.
    values : (K,) float32
        Value of each run.
    count : int
        Whole steps S of the chromosome.

    Returns
    -------
    mean, low, high : (S,) float32
        Of each step.
    median : (max(S - 3, 0),) float32
        Of each bin of 200 bp; the mean of the two middle values.

    Raises
    ------
    ValueError
        The runs end before the last step, or `ends` and `values` differ in length.
    """
    if len(ends) != len(values) or count < 0 or (count and (len(ends) == 0 or ends[-1] < STEP * count)):
        raise ValueError("the runs of a track end before its last step")
    mean = np.empty(count, np.float32)
    low = np.empty(count, np.float32)
    high = np.empty(count, np.float32)
    median = np.empty(max(count - STEPS + 1, 0), np.float32)
    # runs of the last four steps, the highest of each first, and how many each has
    level = np.empty((STEPS, STEP), np.float32)
    size = np.empty((STEPS, STEP), np.int64)
    known = np.zeros(STEPS, np.int64)
    run = 0
    for step in range(count):
        row = step % STEPS
        at, stop, total, runs = step * STEP, (step + 1) * STEP, 0.0, 0
        while at < stop:
            while ends[run] <= at:
                run += 1
            value, length = values[run], min(ends[run], stop) - at
            total += length * value
            place = runs
            while place > 0 and level[row, place - 1] < value:
                level[row, place], size[row, place] = level[row, place - 1], size[row, place - 1]
                place -= 1
            level[row, place], size[row, place] = value, length
            runs += 1
            at += length
        known[row] = runs
        mean[step], low[step], high[step] = total / STEP, level[row, runs - 1], level[row, 0]
        if step >= STEPS - 1:
            median[step - STEPS + 1] = _middle(level, size, known)
    return mean, low, high, median


def tables(matrix: np.ndarray) -> tuple[np.ndarray, float]:
    """Scaled odds of every 4-mer at each group of four positions of a motif, on both strands.

    Parameters
    ----------
    matrix : (W, 4) float
        Log-odds in bits. An unknown base scores the mean of its position.

    Returns
    -------
    odds : (ceil(W / 4), 625, 2) float32
        The product over the groups is ``2 ** (score + shift)``. Positions past W have odds 1.
    shift : float
        Bits, such that the best site has odds ``2 ** TOP``.
    """
    groups = -(-len(matrix) // WORD)
    bits = np.zeros((2, groups * WORD, 5))
    for strand, rows in zip(bits, (matrix, matrix[::-1, ::-1]), strict=True):
        strand[: len(rows), :4] = rows
        strand[: len(rows), 4] = np.mean(rows, 1, dtype=float)
    a, b, c, d = np.moveaxis(bits.reshape(2, groups, WORD, 5), 2, 0)  # each (2, G, 5)
    words = a[..., None] + b[..., None, :]
    words = words[..., None] + c[..., None, None, :]
    words = (words[..., None] + d[..., None, None, None, :]).reshape(2, groups, 625)
    best = words.max(2)  # (2, G)
    odds = np.exp2(words - best[..., None] + TOP / groups)
    return np.ascontiguousarray(odds.transpose(1, 2, 0), np.float32), TOP - float(best[0].sum())


@njit(cache=True, nogil=True)
def sites(tokens, count, odds, ranks):
    """Odds of a motif along a sequence, the better strand at each position, by step and by bin.

    A position belongs to the step in which its site's centre lies.

    Parameters
    ----------
    tokens : (50 S + 4 G - 1,) uint8 or longer
        The sequence, cut so that the site that begins at ``tokens[p]`` has its centre at base p of the steps.
    count : int
        Steps S.
    odds : (G, 625, 2) float32
        From `tables`.
    ranks : (R,) int64
        Ranks among the 200 positions of a bin, ascending; 0 is the best.

    Returns
    -------
    best, total, bits : (S,) float32, float32, float32
        Of each step: the largest odds, the sum over positions and strands, the mean log2 odds of the better strand.
    ranked : (max(S - 3, 0), R) float32
        Odds of those ranks of each bin.

    Raises
    ------
    ValueError
        A token above 4, a rank outside 0 to 199, a sequence that is too short, or a table of another size.
    """
    groups = odds.shape[0]
    check_tokens(tokens)
    check_places(ranks, 0, STEP * STEPS, "a rank")
    if len(tokens) < STEP * count + WORD * groups - 1 or odds.shape[1] != 625:
        raise ValueError("tokens end before the last site of the last step, or a table has not 625 words")
    best = np.empty(count, np.float32)
    total = np.empty(count, np.float32)
    bits = np.empty(count, np.float32)
    ranked = np.empty((max(count - STEPS + 1, 0), len(ranks)), np.float32)
    lines = np.zeros((STEPS, STEP), np.float32)
    reach = STEP + 4 * (groups - 1)
    words = np.empty(reach, np.int64)
    smallest = np.float32(2.0**-126)
    for step in range(count):
        start = step * STEP
        for i in range(reach):
            p = start + i
            words[i] = ((np.int64(tokens[p]) * 5 + tokens[p + 1]) * 5 + tokens[p + 2]) * 5 + tokens[p + 3]
        line = lines[step % STEPS]
        summed, logs, highest = np.float32(0), np.float32(0), np.float32(0)
        for i in range(STEP):
            forward, reverse = odds[0, words[i], 0], odds[0, words[i], 1]
            for group in range(1, groups):
                word = words[i + 4 * group]
                forward *= odds[group, word, 0]
                reverse *= odds[group, word, 1]
            better = max(forward, reverse)
            line[i] = better
            summed += forward + reverse
            highest = max(highest, better)
            logs += np.log2(max(better, smallest))
        _sort(line)
        best[step], total[step], bits[step] = highest, summed, logs / STEP
        if step >= STEPS - 1:
            _ranked(lines, ranks, ranked[step - STEPS + 1])
    return best, total, bits, ranked
