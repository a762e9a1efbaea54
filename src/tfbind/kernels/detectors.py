"""Convolutions over one-hot tokens as table look-ups, each with the maximum that follows it, and their gradients.

A one-hot convolution needs no multiplication: several bases at a time pick a row of summed weights (`scan`: 125 rows,
one for each triplet of A, C, G, T and unknown; `pool`: 65, one for each 3-mer and one for those with an unknown base).
The maximum sends its gradient to the winning windows alone.

Both strands of sixteen detectors make a row of 32 sums, the lanes of the processor's vectors, and the table of a block
of sixteen stays in a fast cache. `_best` is written with vectors, so that sums and maxima stay in registers; the loops
that numba makes write them to memory at each step.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from tfbind.kernels.vectors import LANES, aligned, check_places, check_tokens

UNKNOWN = 4
_LETTERS = 5
_TRIPLETS = _LETTERS**3
_HALF = LANES // 2
_TILE = 2  # windows summed at once


def scan(tokens: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest sum of weights that each detector finds, over all windows of both strands.

    Parameters
    ----------
    tokens : (N, L) uint8
        An unknown base counts as a quarter of each base. Every sequence is read as if unknown bases went on beyond both
        ends; a window that holds no known base is not read.
    weight : (F, 4, K) float32
        F detectors of K bp, bases in the order A C G T.

    Returns
    -------
    best : (N, F) float32
        Minus infinity for a sequence without a known base.
    where : (N, F) int32
        Start of the winning window, counted from ``K - 1`` bases before the sequence; plus ``L + K - 1`` where the
        reverse strand won; -1 where there is no window. The first of equal windows wins, the forward strand first.

    Raises
    ------
    ValueError
        Tokens of another type or shape, or above 4.
    """
    _check(tokens)
    best = np.empty((len(tokens), len(weight)), np.float32)
    where = np.empty((len(tokens), len(weight)), np.int32)
    _scan(tokens, _sums(weight), weight.shape[2], best, where)
    return best, where


def _check(tokens: np.ndarray) -> None:
    if tokens.dtype != np.uint8 or tokens.ndim != 2:
        raise ValueError(f"tokens are (N, L) uint8, not {tokens.shape} {tokens.dtype}")
    check_tokens(tokens)


def _sums(weight: np.ndarray) -> np.ndarray:
    """Sums of weights (F, 4, K) over each triplet: (ceil(F / 16), ceil(K / 3), 125, 32) float32.

    Lanes 0 to 15 of a block are sixteen detectors, lanes 16 to 31 the same on the reverse strand, read forwards.
    """
    filters, _, width = weight.shape
    blocks, groups = -(-filters // _HALF), -(-width // 3)
    forward = np.zeros((blocks * _HALF, 4, width), np.float32)
    forward[:filters] = weight
    both = forward.reshape(blocks, 1, _HALF, 4, width)
    both = np.concatenate([both, both[..., ::-1, ::-1]], 1).reshape(blocks, LANES, 4, width)
    letters = np.zeros((blocks, 3 * groups, _LETTERS, LANES), np.float32)
    letters[:, :width, :UNKNOWN] = both.transpose(0, 3, 2, 1)
    letters[:, :width, UNKNOWN] = letters[:, :width, :UNKNOWN].mean(2)
    a, b, c = (letters[:, i::3] for i in range(3))
    table = aligned((blocks, groups, _TRIPLETS, LANES))
    cube = table.reshape(blocks, groups, _LETTERS, _LETTERS, _LETTERS, LANES)
    np.add((a[:, :, :, None] + b[:, :, None])[:, :, :, :, None], c[:, :, None, None], out=cube)
    return table


@intrinsic
def _best(typing, words, table, first, last, top, start):
    """Raises `top` to the highest sum over the groups among the windows from `first` to before `last`.

    Writes the start of that window to `start`. `words`: where the row of each triplet begins in a group; `table`: one
    block of `_sums`; `top` float32 and `start` int32 of 32 lanes.
    """

    def generate(context, builder, signature, arguments):
        kinds = signature.args
        words, table, top, start = (context.make_array(kinds[i])(context, builder, arguments[i]) for i in (0, 1, 4, 5))
        first, last = arguments[2:4]
        long, short = ir.IntType(64), ir.IntType(32)
        floats, shorts = ir.VectorType(ir.FloatType(), LANES), ir.VectorType(short, LANES)

        def number(value):
            return ir.Constant(long, value)

        def spread(value):
            nothing = ir.Constant(shorts, ir.Undefined)
            filled = builder.insert_element(nothing, builder.trunc(value, short), ir.Constant(short, 0))
            return builder.shuffle_vector(filled, nothing, ir.Constant(shorts, [0] * LANES))

        def row(group, window):
            word = builder.load(builder.gep(words.data, [builder.add(window, builder.mul(group, number(3)))]))
            entry = builder.add(builder.sext(word, long), builder.mul(group, number(_TRIPLETS * LANES)))
            return builder.load(builder.bitcast(builder.gep(table.data, [entry]), floats.as_pointer()), align=4)

        groups = cgutils.unpack_tuple(builder, table.shape)[0]
        places = builder.bitcast(top.data, floats.as_pointer()), builder.bitcast(start.data, shorts.as_pointer())
        highest, where = (cgutils.alloca_once_value(builder, builder.load(place, align=4)) for place in places)
        totals = [cgutils.alloca_once(builder, floats) for _ in range(_TILE)]

        def read(window, count):
            windows = [builder.add(window, number(i)) for i in range(count)]
            for total, each in zip(totals, windows, strict=False):
                builder.store(row(number(0), each), total)
            with cgutils.for_range(builder, builder.sub(groups, number(1))) as group:
                following = builder.add(group.index, number(1))
                for total, each in zip(totals, windows, strict=False):
                    builder.store(builder.fadd(builder.load(total), row(following, each)), total)
            for total, each in zip(totals, windows, strict=False):
                found, known = builder.load(total), builder.load(highest)
                higher = builder.fcmp_ordered(">", found, known)
                builder.store(builder.select(higher, found, known), highest)
                builder.store(builder.select(higher, spread(each), builder.load(where)), where)

        tiles = builder.sdiv(builder.sub(last, first), number(_TILE))
        with cgutils.for_range(builder, tiles) as tile:
            read(builder.add(first, builder.mul(tile.index, number(_TILE))), _TILE)
        rest = builder.add(first, builder.mul(tiles, number(_TILE)))
        with cgutils.for_range(builder, builder.sub(last, rest)) as left:
            read(builder.add(rest, left.index), 1)
        for place, found in zip(places, (highest, where), strict=True):
            builder.store(builder.load(found), place, align=4)
        return context.get_dummy_value()

    return types.void(words, table, first, last, top, start), generate


@njit(cache=True, nogil=True)
def _scan(tokens, table, width, best, where):  # pragma: no cover (compiled)
    n, length = tokens.shape
    blocks, groups, _, lanes = table.shape
    filters, half = best.shape[1], lanes // 2
    windows = length + width - 1
    text = np.full(windows + 3 * groups, UNKNOWN, np.uint8)
    words = np.empty((n, len(text) - 2), np.int32)
    held = np.empty((n, windows), np.bool_)  # windows with a known base
    for row in range(n):
        text[width - 1 : width - 1 + length] = tokens[row]
        for i in range(len(text) - 2):
            words[row, i] = lanes * ((text[i] * _LETTERS + text[i + 1]) * _LETTERS + text[i + 2])
        latest = -1
        for p in range(windows):
            if text[p + width - 1] != UNKNOWN:
                latest = p + width - 1
            held[row, p] = latest >= p
    top, start = np.empty(lanes, np.float32), np.empty(lanes, np.int32)
    for block in range(blocks):
        for row in range(n):
            top[:] = -np.inf
            start[:] = -1
            p = 0
            while p < windows:
                first = p
                while p < windows and held[row, p]:
                    p += 1
                _best(words[row], table[block], first, p, top, start)
                while p < windows and not held[row, p]:
                    p += 1
            for i in range(min(half, filters - block * half)):
                f = block * half + i
                if top[half + i] > top[i]:
                    best[row, f] = top[half + i]
                    where[row, f] = start[half + i] + windows
                else:
                    best[row, f] = top[i]
                    where[row, f] = start[i]


def gradient(tokens: np.ndarray, where: np.ndarray, upstream: np.ndarray, width: int) -> np.ndarray:
    """Gradient of `scan`'s `best` with respect to its weights.

    Parameters
    ----------
    tokens : (N, L) uint8
        As given to `scan`.
    where : (N, F) int32
        As returned by `scan`.
    upstream : (N, F) float32
        Gradient of the loss with respect to `best`.
    width : int
        K, the length of a detector in bp.

    Returns
    -------
    (F, 4, K) float32

    Raises
    ------
    ValueError
        Tokens of another type or shape, or above 4; `where` names a window that there is not; or the arrays do not fit
        together.
    """
    _check(tokens)
    if where.shape != upstream.shape or len(where) != len(tokens):
        raise ValueError(f"tokens {tokens.shape}, where {where.shape} and {upstream.shape} do not fit together")
    check_places(where, -1, 2 * (tokens.shape[1] + width - 1), "a window")
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
        How much 3-mer w (64: one with an unknown base) adds to channel c where it stands k places into a window: the
        embedding and the convolution multiplied out.
    bias : (C,) float32
    size : int
        Neighbours in the maximum.

    Returns
    -------
    pooled : (S, N, C) float32, ``S = L - 2 - (K - 1) - (size - 1)``
        A window without a known base counts as 0.
    source : (S, N, C) int8
        Which of the `size` neighbours gave it (the first of equals); -1 where it is 0.

    Raises
    ------
    ValueError
        Tokens of another type or shape, or above 4; sequences, table and bias do not fit together.
    """
    _check(tokens)
    steps = tokens.shape[1] - 2 - (len(table) - 1) - (size - 1)
    if steps < 0 or table.shape[1:] != (65, len(bias)):
        raise ValueError(
            f"tokens of {tokens.shape[1]} bp, a table {table.shape} and {len(bias)} channels do not fit together"
        )
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
    """Gradients of `pool`'s `pooled` with respect to its table and bias.

    Parameters
    ----------
    tokens : (N, L) uint8
        As given to `pool`.
    source : (S, N, C) int8
        As returned by `pool`.
    upstream : (S, N, C) float32
        Gradient of the loss with respect to `pooled`.
    size : int
        Neighbours in the maximum.
    width : int
        K, the 3-mers of a window.

    Returns
    -------
    table : (K, 65, C) float32
    bias : (C,) float32

    Raises
    ------
    ValueError
        Tokens of another type or shape, or above 4; the arrays do not fit together.
    """
    _check(tokens)
    steps = tokens.shape[1] - 2 - (width - 1) - (size - 1)
    if source.shape != upstream.shape or source.shape[:2] != (steps, len(tokens)):
        raise ValueError(f"tokens {tokens.shape}, source {source.shape} and {upstream.shape} do not fit together")
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
