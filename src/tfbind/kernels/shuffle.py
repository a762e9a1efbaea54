"""Shuffles of token rows. Each row has its own random stream, so a result does not depend on the rows beside it."""

import numpy as np
from numba import njit


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
def dinucleotide(tokens, sizes, seeds):
    """Shuffle each row and keep every dinucleotide count, uniformly over all such sequences.

    A sequence is a path through the multigraph whose edges are its dinucleotides; a shuffle is another Eulerian path
    with the same ends (Altschul & Erickson 1985, Mol Biol Evol 2:526). The last exits of the letters form a tree
    towards the last letter: it is drawn uniformly by Wilson's algorithm (1996, STOC, p. 296), the other exits are
    permuted. Every labelled path is then equally likely, and each sequence has equally many labellings.

    Parameters
    ----------
    tokens : (N, L) uint8
        0-4; the unknown base 4 inside a sequence is a fifth letter.
    sizes : (N,) int64
        Length of each row in bp; what lies beyond is copied.
    seeds : (N,) uint64
        One per row.

    Returns
    -------
    (N, L) uint8
    """
    shuffled = tokens.copy()
    first = np.empty(6, np.int64)  # edges leaving letter a: exits[first[a] : first[a + 1]]
    fill = np.empty(5, np.int64)
    chosen = np.empty(5, np.int64)
    in_tree = np.empty(5, np.bool_)
    state = np.empty(1, np.uint64)
    exits = np.empty(tokens.shape[1], np.uint8)
    for row in range(len(tokens)):
        n = sizes[row]
        if n < 3:
            continue
        source = tokens[row]
        state[0] = seeds[row]
        first[:] = 0
        for i in range(n - 1):
            first[source[i] + 1] += 1
        for a in range(5):
            first[a + 1] += first[a]
            fill[a] = first[a]
        for i in range(n - 1):
            exits[fill[source[i]]] = source[i + 1]
            fill[source[i]] += 1

        last = source[n - 1]
        in_tree[:] = False
        in_tree[last] = True
        for a in range(5):
            if first[a] == first[a + 1]:
                continue
            at = a
            while not in_tree[at]:
                chosen[at] = first[at] + _below(state, first[at + 1] - first[at])
                at = exits[chosen[at]]
            at = a
            while not in_tree[at]:
                in_tree[at] = True
                at = exits[chosen[at]]

        for a in range(5):
            end = first[a + 1]
            if end == first[a]:
                continue
            if a != last:
                end -= 1
                exits[chosen[a]], exits[end] = exits[end], exits[chosen[a]]
            for i in range(end - 1, first[a], -1):
                j = first[a] + _below(state, i - first[a] + 1)
                exits[i], exits[j] = exits[j], exits[i]

        at = source[0]
        fill[:] = first[:5]
        for i in range(1, n):
            step = fill[at]
            fill[at] += 1
            at = exits[step]
            shuffled[row, i] = at
    return shuffled


@njit(cache=True, nogil=True)
def pairs(tokens, sizes, seeds):
    """Cut each row into pairs of neighbours (1st and 2nd base, 3rd and 4th, ...) and permute the pairs.

    This is the shuffle of deepRAM (Trabelsi et al. 2019). It does *not* keep the dinucleotide counts: half of the
    dinucleotides straddle two pairs. An odd last base is a piece of its own.

    Parameters and result are those of `dinucleotide`.
    """
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
