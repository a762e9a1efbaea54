"""Ranking metrics of many resamples of the same scores: sort once, then one pass a resample."""

import numpy as np
from numba import njit

from tfbind.kernels.vectors import check_places


def auroc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """AUROC: the share of pairs of a positive and a negative in which the positive scores higher, ties half.

    Parameters
    ----------
    positives, negatives : (P,), (Q,) float
        Scores, in any order; neither is empty.

    Returns
    -------
    float
    """
    rising = np.sort(negatives)
    twice = np.searchsorted(rising, positives).sum() + np.searchsorted(rising, positives, "right").sum()
    return float(twice) / (2 * len(positives) * len(negatives))


@njit(cache=True, nogil=True)
def merged(positives: np.ndarray, negatives: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`codes` and `last` of `resampled` for one block of each class.

    Two sorts of scores alone and this take a third of the time of one sort that keeps track of places.

    Parameters
    ----------
    positives, negatives : (P,), (Q,) float
        Scores of each class, rising; not both empty.

    Returns
    -------
    codes : (P + Q,) int32
        In order of falling score: 0 for a positive, 1 for a negative.
    last : (P + Q,) bool
        Whether it is the last of a group of equal scores.

    Raises
    ------
    ValueError
        Both classes are empty.
    """
    i, j = len(positives), len(negatives)
    n = i + j
    if not n:
        raise ValueError("no score in either class")
    codes, last = np.empty(n, np.int32), np.empty(n, np.bool_)
    before = np.nan
    for row in range(n):
        negative = i == 0 or (j > 0 and negatives[j - 1] > positives[i - 1])
        if negative:
            j -= 1
            score = negatives[j]
        else:
            i -= 1
            score = positives[i]
        codes[row] = negative
        if row > 0:
            last[row - 1] = score != before
        before = score
    last[n - 1] = True
    return codes, last


@njit(cache=True, nogil=True)
def resampled(codes: np.ndarray, last: np.ndarray, counts: np.ndarray, n_positive: int) -> np.ndarray:
    """AUROC, average precision and recall at 10 % and 50 % FDR of every resample.

    Parameters
    ----------
    codes : (N,) int32
        Block of each sequence, in order of falling score. Blocks below `n_positive` hold positives, the others
        negatives.
    last : (N,) bool
        Whether it is the last of a group of equal scores.
    counts : (B, G) uint16
        How often each resample drew each block; each must have drawn a positive and a negative.
    n_positive : int
        Blocks of positives.

    Returns
    -------
    (B, 4) float64

    Raises
    ------
    ValueError
        A block that `counts` does not have, or `codes` and `last` differ in length.
    """
    check_places(codes, 0, counts.shape[1], "a block")
    if len(last) != len(codes):
        raise ValueError("codes and last differ in length")
    result = np.empty((len(counts), 4))
    for b in range(len(counts)):
        count = counts[b]
        tp = fp = up = right = twice_area = strict = loose = 0
        precision = 0.0
        for i in range(len(codes)):
            code = codes[i]
            if code < n_positive:
                up += np.int64(count[code])
            else:
                right += np.int64(count[code])
            if last[i]:
                twice_area += right * (2 * tp + up)
                tp += up
                fp += right
                if up:
                    precision += up * (tp / (tp + fp))
                if 10 * fp <= tp + fp:
                    strict = tp
                if 2 * fp <= tp + fp:
                    loose = tp
                up = right = 0
        result[b, 0] = twice_area / (2.0 * tp * fp)
        result[b, 1] = precision / tp
        result[b, 2] = strict / tp
        result[b, 3] = loose / tp
    return result


@njit(cache=True, nogil=True)
def interpolated(codes: np.ndarray, last: np.ndarray, counts: np.ndarray, n_positive: int) -> np.ndarray:
    """Area under the precision-recall curve of every resample, interpolated after Davis and Goadrich (2006).

    Between two thresholds the false positives grow in proportion to the true ones, one true positive at a time, and
    the area is that of trapezoids over these points; up to the first threshold the precision is that of its sequences.

    Parameters
    ----------
    codes : (N,) int32
        Block of each sequence, in order of falling score; blocks below `n_positive` hold positives.
    last : (N,) bool
        Whether it is the last of a group of equal scores.
    counts : (B, G) uint16
        How often each resample drew each block; each must have drawn a positive.
    n_positive : int
        Blocks of positives.

    Returns
    -------
    (B, 1) float64

    Raises
    ------
    ValueError
        A block that `counts` does not have, or `codes` and `last` differ in length.
    """
    check_places(codes, 0, counts.shape[1], "a block")
    if len(last) != len(codes):
        raise ValueError("codes and last differ in length")
    result = np.empty((len(counts), 1))
    for b in range(len(counts)):
        count = counts[b]
        tp = fp = up = right = 0
        area = 0.0
        for i in range(len(codes)):
            code = codes[i]
            if code < n_positive:
                up += np.int64(count[code])
            else:
                right += np.int64(count[code])
            if last[i]:
                if up:
                    slope = right / up
                    before = tp / (tp + fp) if tp + fp else 1 / (1 + slope)
                    for step in range(1, up + 1):
                        precision = (tp + step) / (tp + step + fp + slope * step)
                        area += (before + precision) / 2
                        before = precision
                tp += up
                fp += right
                up = right = 0
        result[b, 0] = area / tp
    return result


@njit(cache=True, nogil=True)
def of_intensities(
    intensities: np.ndarray, scores: np.ndarray, top: np.ndarray, codes: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """Spearman's correlation and the AUROC of some rows against the others, of every resample.

    Parameters
    ----------
    intensities, scores : (N,) int64
        Number of each value among the different ones, from 0 for the smallest.
    top : (N,) bool
        The rows that count as positives.
    codes : (N,) int32
        Block of each row.
    counts : (B, G) uint16
        How often each resample drew each block.

    Returns
    -------
    (B, 2) float64
        Ties have mid-ranks. NaN where a resample holds one intensity or one score alone; no row of `top`, or no other.

    Raises
    ------
    ValueError
        A block that `counts` does not have, a negative number, or arrays of different lengths.
    """
    check_places(codes, 0, counts.shape[1], "a block")
    check_places(intensities, 0, len(codes), "an intensity")
    check_places(scores, 0, len(codes), "a score")
    if not len(intensities) == len(scores) == len(top) == len(codes):
        raise ValueError("intensities, scores, top and codes differ in length")
    n = len(codes)
    result = np.full((len(counts), 2), np.nan)
    ranks = np.empty((2, n))
    times = np.empty(n, np.int64)
    for b in range(len(counts)):
        total = positives = 0
        for i in range(n):
            times[i] = counts[b, codes[i]]
            total += times[i]
            positives += times[i] * top[i]
        for side in range(2):
            values = intensities if side == 0 else scores
            ranks[side] = 0
            for i in range(n):
                ranks[side, values[i]] += times[i]
            before = 0.0
            for group in range(n):
                size = ranks[side, group]
                ranks[side, group] = before + (size + 1) / 2
                before += size
        middle = (total + 1) / 2
        both = first = second = above = 0.0
        for i in range(n):
            x, y = ranks[0, intensities[i]] - middle, ranks[1, scores[i]] - middle
            both += times[i] * x * y
            first += times[i] * x * x
            second += times[i] * y * y
            above += times[i] * top[i] * (y + middle)
        if first > 0 and second > 0:
            result[b, 0] = both / np.sqrt(first * second)
        if 0 < positives < total:
            result[b, 1] = (above - positives * (positives + 1) / 2) / (positives * np.float64(total - positives))
    return result
