"""Convolutions over one-hot tokens as table look-ups, each with the maximum that follows it, and their gradients.

A one-hot convolution needs no multiplication: several bases at a time pick a row of summed weights (`scan`: 125 rows,
one for each triplet of A, C, G, T and unknown; `pool`: 65, one for each 3-mer), and the maximum sends its gradient to
the winning windows alone.
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


def pool(tokens: np.ndarray, table: np.ndarray, bias: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Convolution over embedded 3-mers, ReLU and maximum over `size` neighbours (stride 1), in one pass.

    Parameters
    ----------
    tokens : (N, L) uint8
    table : (K, 65, C) float32
        What 3-mer w (64: one with an unknown base) adds to channel c where it stands k places into a window: the
        embedding and the convolution multiplied out.
    bias : (C,) float32
    size : int

    Returns
    -------
    pooled : (S, N, C) float32, ``S = L - 2 - (K - 1) - (size - 1)``
        A window without a known base counts as 0.
    source : (S, N, C) int8
        Which of the `size` neighbours gave it (the first of equals); -1 where it is 0.
    """
    steps = tokens.shape[1] - 2 - (len(table) - 1) - (size - 1)
    pooled = np.zeros((steps, len(tokens), len(bias)), np.float32)
    source = np.full(pooled.shape, -1, np.int8)
    _pool(tokens, table, bias, size, pooled, source)
    return pooled, source


@njit(cache=True, nogil=True)
def _words(text, word, known):  # pragma: no cover (compiled)
    known[0] = 0
    for i in range(len(text)):
        known[i + 1] = known[i] + (text[i] != UNKNOWN)
    for i in range(len(word)):
        whole = known[i + 3] - known[i] == 3
        word[i] = 16 * text[i] + 4 * text[i + 1] + text[i + 2] if whole else 64


@njit(cache=True, nogil=True)
def _pool(tokens, table, bias, size, pooled, source):  # pragma: no cover (compiled)
    n, length = tokens.shape
    width, _, channels = table.shape
    steps = len(pooled)
    word = np.empty(length - 2, np.int64)
    known = np.empty(length + 1, np.int64)
    sums = np.empty(channels, np.float32)
    for row in range(n):
        _words(tokens[row], word, known)
        for p in range(steps + size - 1):
            if known[p + width + 2] == known[p]:
                continue
            sums[:] = bias
            for k in range(width):
                entry = table[k, word[p + k]]
                for c in range(channels):
                    sums[c] += entry[c]
            for s in range(max(0, p - size + 1), min(p + 1, steps)):
                best, place = pooled[s, row], source[s, row]
                for c in range(channels):
                    higher = sums[c] > best[c]
                    best[c] = sums[c] if higher else best[c]
                    place[c] = p - s if higher else place[c]


def pool_gradient(
    tokens: np.ndarray, source: np.ndarray, upstream: np.ndarray, size: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Gradients of `pool`'s `pooled` with respect to its table (K, 65, C) and bias (C,), both float32.

    Parameters
    ----------
    tokens : (N, L) uint8
    source : (S, N, C) int8
        As returned by `pool`.
    upstream : (S, N, C) float32
        Gradient of the loss with respect to `pooled`.
    size, width : int
        Neighbours in the maximum, and K.
    """
    table = np.zeros((width, 65, source.shape[2]), np.float32)
    bias = np.zeros(source.shape[2], np.float32)
    _pool_gradient(tokens, source, upstream, size, table, bias)
    return table, bias


@njit(cache=True, nogil=True)
def _pool_gradient(tokens, source, upstream, size, table, bias):  # pragma: no cover (compiled)
    n, length = tokens.shape
    width, _, channels = table.shape
    steps = len(source)
    word = np.empty(length - 2, np.int64)
    known = np.empty(length + 1, np.int64)
    share = np.empty(channels, np.float32)
    for row in range(n):
        _words(tokens[row], word, known)
        for p in range(steps + size - 1):
            share[:] = 0
            for s in range(max(0, p - size + 1), min(p + 1, steps)):
                given, place = upstream[s, row], source[s, row]
                for c in range(channels):
                    share[c] += given[c] if place[c] == p - s else np.float32(0)
            for c in range(channels):
                bias[c] += share[c]
            for k in range(width):
                entry = table[k, word[p + k]]
                for c in range(channels):
                    entry[c] += share[c]
