"""Sums of Boltzmann factors over all windows of both strands, by look-ups of dinucleotide energies, and their gradient.

A window of K bp is K - 1 dinucleotides, each a row of a table of 25 values: A, C, G, T and unknown, twice. Every table
is summed by itself and in the same order, so that it gives the same bits alone and beside others.
"""

import numpy as np
from numba import njit

from tfbind.kernels.vectors import check_tokens

#: Log-occupancy of a sequence without a known base: its exponential is zero, and no sum with it is undefined.
NONE = np.float32(-1e4)
_UNKNOWN = 4
#: Sums may be reordered, so that they become vectors; infinities and NaN stay what they are.
_COMPILED = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"reassoc", "contract", "nsz"}}


def occupancy(tokens: np.ndarray, table: np.ndarray, overhang: int, keep: bool) -> tuple[np.ndarray, np.ndarray]:
    """The log of the sum of Boltzmann factors of each sequence.

    Parameters
    ----------
    tokens : (N, L) uint8
        What lies before the first and after the last known base does not count.
    table : (M, 2, K - 1, 25) float32
        M ways of binding a window of K bp, on the forward and the reverse strand: minus the energy, in kT, of each
        dinucleotide (five times the first base, plus the second) at each place of the window.
    overhang : int
        How far windows reach beyond either end, in bp, less than K; further where a sequence is shorter than a window,
        as far as they hold all of it. A window that holds no known base is left out.
    keep : bool
        Whether the shares are wanted.

    Returns
    -------
    total : (M, N) float32
        `NONE` for a sequence without a known base.
    shares : (M, N, 2, P) float32
        Share of each window in the sum, in order of the strands and the windows; those of a short sequence end early.
        Empty if not `keep`.

    Raises
    ------
    ValueError
        Tokens of another type or shape, or above 4; a table of another type or shape; an overhang outside 0 to K - 1.
    """
    if tokens.dtype != np.uint8 or tokens.ndim != 2:
        raise ValueError(f"tokens are (N, L) uint8, not {tokens.shape} {tokens.dtype}")
    check_tokens(tokens)
    if table.dtype != np.float32 or table.ndim != 4 or table.shape[1] != 2 or table.shape[3] != 25:
        raise ValueError(f"a table is (M, 2, K - 1, 25) float32, not {table.shape} {table.dtype}")
    if not 0 <= overhang <= table.shape[2]:
        raise ValueError(f"an overhang of {overhang} bp of windows of {table.shape[2] + 1} bp")
    count, rows = len(table), len(tokens)
    total = np.empty((count, rows), np.float32)
    places = _places(tokens.shape[1], table.shape[2], overhang)
    shares = np.zeros((count, rows, 2, places) if keep else (count, 0, 2, 0), np.float32)
    _forth(tokens, np.ascontiguousarray(table), overhang, keep, total, shares)
    return total, shares


def gradient(tokens: np.ndarray, shares: np.ndarray, upstream: np.ndarray, size: int, overhang: int) -> np.ndarray:
    """The gradient of a loss with respect to the tables.

    Parameters
    ----------
    tokens : (N, L) uint8
        Those that `occupancy` was given.
    shares : (M, N, 2, P) float32
        From `occupancy`.
    upstream : (M, N) float32
        Gradient with respect to the log-occupancy.
    size : int
        K - 1.
    overhang : int
        As given to `occupancy`.

    Returns
    -------
    (M, 2, K - 1, 25) float32

    Raises
    ------
    ValueError
        Tokens above 4, or arrays that do not fit each other.
    """
    check_tokens(tokens)
    count, rows = upstream.shape
    if shares.shape != (count, rows, 2, _places(tokens.shape[1], size, overhang)) or len(tokens) != rows:
        raise ValueError(f"shares {shares.shape}, upstream {upstream.shape} and tokens {tokens.shape} do not fit")
    found = np.zeros((count, 2, size, 25), np.float32)
    _back(tokens, shares, np.ascontiguousarray(upstream), overhang, found)
    return found


def _places(length: int, size: int, overhang: int) -> int:
    # most windows of a strand that a sequence of up to `length` bp has
    return max(length + 2 * overhang - size, size + 1)


@njit(**_COMPILED)
def _pairs(tokens, size, overhang, codes, empty):  # pragma: no cover (compiled)
    # Codes of the dinucleotides of one sequence, from its first window to its last; `empty` marks windows without a
    # known base. Returns the number of windows, and whether one is empty.
    length = len(tokens)
    first, last = 0, length
    while last > 0 and tokens[last - 1] == _UNKNOWN:
        last -= 1
    while first < last and tokens[first] == _UNKNOWN:
        first += 1
    known = last - first
    if known == 0:
        return 0, False
    reach = max(overhang, size + 1 - known)
    steps = known + 2 * reach - 1
    places = steps - size + 1
    start = first - reach
    before = np.int32(tokens[start]) if reach == 0 else np.int32(_UNKNOWN)
    run, longest = np.int64(before == _UNKNOWN), 0
    for i in range(steps):
        at = start + 1 + i
        now = np.int32(tokens[at]) if first <= at < last else np.int32(_UNKNOWN)
        codes[i] = 5 * before + now
        before = now
        run = run + 1 if now == _UNKNOWN else 0
        if i + 1 >= size:
            empty[i + 1 - size] = run > size
            longest = max(longest, run)
    return places, longest > size


@njit(**_COMPILED)
def _forth(tokens, table, overhang, keep, total, shares):  # pragma: no cover (compiled)
    count, _, size, _ = table.shape
    rows, length = tokens.shape
    room = max(length + 2 * overhang - size, size + 1)
    codes, empty = np.empty(room + size, np.int32), np.empty(room + size, np.bool_)
    answer = np.empty((2, room), np.float32)
    for n in range(rows):
        places, gaps = _pairs(tokens[n], size, overhang, codes, empty)
        for m in range(count):
            if places == 0:
                total[m, n] = NONE
                continue
            highest = -np.float32(np.inf)
            for strand in range(2):
                sums = answer[strand, :places]
                sums[:] = np.float32(0)
                for j in range(size):
                    row = table[m, strand, j]
                    for p in range(places):
                        sums[p] += row[codes[p + j]]
                if gaps:
                    for p in range(places):
                        sums[p] = -np.float32(np.inf) if empty[p] else sums[p]
                for p in range(places):
                    highest = max(highest, sums[p])
            whole = np.float32(0)
            for strand in range(2):
                sums = answer[strand, :places]
                for p in range(places):
                    sums[p] = np.exp(sums[p] - highest)
                part = np.float32(0)
                for p in range(places):
                    part += sums[p]
                whole += part
            total[m, n] = highest + np.log(whole)
            if keep:
                for strand in range(2):
                    for p in range(places):
                        shares[m, n, strand, p] = answer[strand, p] / whole


@njit(**_COMPILED)
def _back(tokens, shares, upstream, overhang, found):  # pragma: no cover (compiled)
    count, _, size, _ = found.shape
    rows, length = tokens.shape
    room = max(length + 2 * overhang - size, size + 1)
    codes, empty = np.empty(room + size, np.int32), np.empty(room + size, np.bool_)
    part = np.empty(room, np.float32)
    for n in range(rows):
        places, _ = _pairs(tokens[n], size, overhang, codes, empty)
        for m in range(count):
            given = upstream[m, n]
            for strand in range(2):
                for p in range(places):
                    part[p] = given * shares[m, n, strand, p]
                for j in range(size):
                    row = found[m, strand, j]
                    for p in range(places):
                        row[codes[p + j]] += part[p]
