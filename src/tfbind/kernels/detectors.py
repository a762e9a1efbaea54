"""Motif detectors over tokens: the best window of each detector on either strand, and the gradient of that choice.

A one-hot convolution followed by a maximum over positions needs no multiplication: three bases at a time are looked up in
tables of summed weights (125 rows, one for each triplet of A, C, G, T and unknown), and the maximum sends its gradient to
a single window. The idea holds for any detector width.
"""

import numpy as np
from numba import njit

UNKNOWN = 4
_TRIPLETS = 125


def scan(tokens: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest sum of weights that each detector finds, over all windows of both strands.

    Parameters
    ----------
    tokens : (N, L) uint8
        An unknown base counts as a quarter of each base. Every sequence is read as if unknown bases went on beyond both
        ends; a window that holds no known base is not read.
    weight : (F, 4, K) float32

    Returns
    -------
    best : (N, F) float32
        Minus infinity for a sequence without a known base.
    where : (N, F) int32
        Start of the winning window, counted from ``K - 1`` bases before the sequence; plus ``L + K - 1`` where the
        reverse strand won; -1 where there is no window. The first of equal windows wins, the forward strand first.
    """
    filters, _, width = weight.shape
    both = np.concatenate([weight, weight[:, ::-1, ::-1]])  # (2F, 4, K): the reverse strand read forwards
    groups = -(-width // 12) * 4  # triplets, in fours
    letters = np.zeros((3 * groups, 5, 2 * filters), np.float32)
    letters[:width, :4] = both.transpose(2, 1, 0)
    letters[:width, 4] = letters[:width, :4].mean(1)
    a, b, c = letters[0::3], letters[1::3], letters[2::3]
    table = (a[:, :, None, None] + b[:, None, :, None] + c[:, None, None]).reshape(groups, _TRIPLETS, 2 * filters)
    best = np.empty((len(tokens), filters), np.float32)
    where = np.empty((len(tokens), filters), np.int32)
    _scan(tokens, table, width, best, where)
    return best, where


@njit(cache=True, nogil=True)
def _scan(tokens, table, width, best, where):  # pragma: no cover (compiled)
    n, length = tokens.shape
    groups, _, lanes = table.shape
    filters = lanes // 2
    windows = length + width - 1
    text = np.full(windows + 3 * groups, UNKNOWN, np.uint8)
    code = np.empty(len(text) - 2, np.int64)
    known = np.zeros(len(text) + 1, np.int64)
    sums = np.empty(lanes, np.float32)
    top = np.empty(lanes, np.float32)
    start = np.empty(lanes, np.int32)
    for row in range(n):
        text[width - 1 : width - 1 + length] = tokens[row]
        for i in range(len(text)):
            known[i + 1] = known[i] + (text[i] != UNKNOWN)
        for i in range(len(code)):
            code[i] = text[i] * 25 + text[i + 1] * 5 + text[i + 2]
        top[:] = -np.inf
        start[:] = -1
        for p in range(windows):
            if known[p + width] == known[p]:
                continue
            for g in range(0, groups, 4):
                t0 = table[g, code[p + 3 * g]]
                t1 = table[g + 1, code[p + 3 * g + 3]]
                t2 = table[g + 2, code[p + 3 * g + 6]]
                t3 = table[g + 3, code[p + 3 * g + 9]]
                if g == 0:
                    for f in range(lanes):
                        sums[f] = (t0[f] + t1[f]) + (t2[f] + t3[f])
                else:
                    for f in range(lanes):
                        sums[f] += (t0[f] + t1[f]) + (t2[f] + t3[f])
            for f in range(lanes):
                higher = sums[f] > top[f]
                top[f] = sums[f] if higher else top[f]
                start[f] = p if higher else start[f]
        for f in range(filters):
            if top[filters + f] > top[f]:
                best[row, f] = top[filters + f]
                where[row, f] = start[filters + f] + windows
            else:
                best[row, f] = top[f]
                where[row, f] = start[f]


def gradient(tokens: np.ndarray, where: np.ndarray, upstream: np.ndarray, width: int) -> np.ndarray:
    """Gradient of `scan`'s `best` with respect to its weights.

    Parameters
    ----------
    tokens : (N, L) uint8
    where : (N, F) int32
        As returned by `scan`.
    upstream : (N, F) float32
        Gradient of the loss with respect to `best`.
    width : int
        K.

    Returns
    -------
    (F, 4, K) float32
    """
    letters = np.zeros((where.shape[1], width, 5), np.float32)
    _gradient(tokens, where, upstream, letters)
    return (letters[..., :4] + letters[..., 4:] / 4).transpose(0, 2, 1)


@njit(cache=True, nogil=True)
def _gradient(tokens, where, upstream, letters):  # pragma: no cover (compiled)
    n, length = tokens.shape
    filters, width, _ = letters.shape
    windows = length + width - 1
    text = np.full(length + 2 * (width - 1), UNKNOWN, np.uint8)
    for row in range(n):
        text[width - 1 : width - 1 + length] = tokens[row]
        for f in range(filters):
            share = upstream[row, f]
            p = where[row, f]
            if share == 0 or p < 0:
                continue
            if p < windows:
                for k in range(width):
                    letters[f, k, text[p + k]] += share
            else:
                p -= windows
                for k in range(width):
                    base = text[p + width - 1 - k]
                    letters[f, k, base if base == UNKNOWN else 3 - base] += share
