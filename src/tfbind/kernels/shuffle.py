"""Shuffles of sequences. Each has its own random stream, so that a result does not depend on the other sequences."""

import numpy as np
from numba import njit

from tfbind.kernels.vectors import check_places, check_tokens

_ROWS = 8  # sequences that are shuffled in step, see `dinucleotide`


@njit(cache=True, nogil=True)
def _next(state):
    # splitmix64 (Steele, Lea & Flood 2014)
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True)
def _below(state, n):
    # Lemire 2019: a 32-bit draw scaled to [0, n), redrawn where the scaling would favour some values
    n = np.uint64(n)
    mask = np.uint64(0xFFFFFFFF)
    product = (_next(state) >> np.uint64(32)) * n
    if product & mask < n:
        threshold = np.uint64(4294967296) % n
        while product & mask < threshold:
            product = (_next(state) >> np.uint64(32)) * n
    return np.int64(product >> np.uint64(32))


@njit(cache=True, nogil=True)
def _check(tokens, sizes, seeds):
    check_tokens(tokens)
    check_places(sizes, 0, tokens.shape[1] + 1, "the size of a row")
    if len(sizes) != len(tokens) or len(seeds) != len(tokens):
        raise ValueError("tokens, sizes and seeds differ in length")


@njit(cache=True, nogil=True)
def dinucleotide(tokens, sizes, seeds):
    """Shuffle each sequence and keep every dinucleotide count, uniformly over all such sequences.

    A sequence is a path through the multigraph whose edges are its dinucleotides; a shuffle is another Eulerian path
    with the same ends (Altschul & Erickson 1985, Mol Biol Evol 2:526). The last exits of the letters form a tree
    towards the last letter: it is drawn uniformly by Wilson's algorithm (1996, STOC, p. 296), the other exits are
    permuted. Every labelled path is then equally likely, and each sequence has equally many labellings.

    Parameters
    ----------
    tokens : (N, L) uint8
        0-4; the unknown base 4 inside a sequence is a fifth letter.
    sizes : (N,) int64
        Length of each sequence in bp; columns beyond are copied.
    seeds : (N,) uint64
        One per sequence.

    Returns
    -------
    (N, L) uint8

    Raises
    ------
    ValueError
        A token above 4, a size beyond L, or arrays of different length.
    """
    _check(tokens, sizes, seeds)
    n, length = tokens.shape
    shuffled = tokens.copy()
    state = np.empty(1, np.uint64)
    tree = np.empty((2, 5), np.int64)
    # the letters that follow letter a in sequence k of a few: exits[k, length * a : ends[k, a]]
    exits = np.empty((_ROWS, 5 * length), np.uint8)
    ends = np.empty((_ROWS, 5), np.int64)
    for start in range(0, n, _ROWS):
        stop = min(start + _ROWS, n)
        shortest = length if stop == start + _ROWS else 1
        for row in range(start, stop):
            state[0] = seeds[row]
            _order(tokens[row, : sizes[row]], length, state, tree, exits[row - start], ends[row - start])
            shortest = min(shortest, sizes[row])
        # a step waits for the one before it: several sequences are walked side by side
        for i in range(1, shortest):
            for k in range(_ROWS):
                _step(shuffled[start + k], i, exits[k], ends[k])
        for row in range(start, stop):
            for i in range(max(shortest, 1), sizes[row]):
                _step(shuffled[row], i, exits[row - start], ends[row - start])
    return shuffled


@njit(cache=True, nogil=True)
def _step(row, i, exits, place):
    at = row[i - 1]
    row[i] = exits[place[at]]
    place[at] += 1


@njit(cache=True, nogil=True)
def _order(source, room, state, tree, exits, ends):
    """Draw the order in which a path leaves each letter: a by exits[room * a :]. `ends` are left at the starts."""
    for a in range(5):
        ends[a] = room * a
    for i in range(len(source) - 1):
        exits[ends[source[i]]] = source[i + 1]
        ends[source[i]] += 1

    if len(source) > 2:
        chosen, known = tree
        last = source[len(source) - 1]
        known[:] = 0
        known[last] = 1
        for a in range(5):
            if ends[a] == room * a:
                continue
            at = a
            while not known[at]:
                chosen[at] = room * at + _below(state, ends[at] - room * at)
                at = exits[chosen[at]]
            at = a
            while not known[at]:
                known[at] = 1
                at = exits[chosen[at]]

        for a in range(5):
            first, end = room * a, ends[a]
            if end == first:
                continue
            if a != last:
                end -= 1
                exits[chosen[a]], exits[end] = exits[end], exits[chosen[a]]
            for i in range(end - 1, first, -1):
                j = first + _below(state, i - first + 1)
                exits[i], exits[j] = exits[j], exits[i]
    for a in range(5):
        ends[a] = room * a


@njit(cache=True, nogil=True)
def pairs(tokens, sizes, seeds):
    """Cut each sequence into pairs of neighbours (1st and 2nd base, 3rd and 4th, ...) and permute the pairs.

    This is the shuffle of deepRAM (Trabelsi et al. 2019). It does *not* keep the dinucleotide counts: half of the
    dinucleotides span two pairs. An odd last base is a piece of its own.

    Parameters
    ----------
    tokens : (N, L) uint8
        0-4.
    sizes : (N,) int64
        Length of each sequence in bp; columns beyond are copied.
    seeds : (N,) uint64
        One per sequence.

    Returns
    -------
    (N, L) uint8

    Raises
    ------
    ValueError
        A token above 4, a size beyond L, or arrays of different length.
    """
    _check(tokens, sizes, seeds)
    shuffled = tokens.copy()
    state = np.empty(1, np.uint64)
    order = np.empty(tokens.shape[1] // 2 + 1, np.int64)
    for row in range(len(tokens)):
        n = sizes[row]
        state[0] = seeds[row]
        pieces = (n + 1) // 2
        for i in range(pieces):
            order[i] = i
        for i in range(pieces - 1, 0, -1):
            j = _below(state, i + 1)
            order[i], order[j] = order[j], order[i]
        to = 0
        for i in range(pieces):
            for j in range(2 * order[i], min(2 * order[i] + 2, n)):
                shuffled[row, to] = tokens[row, j]
                to += 1
    return shuffled
