"""Find sequences that share most of their words of 16 bp: minimizers find the pairs to compare, all words decide."""

import numpy as np
from numba import njit

from tfbind.kernels.vectors import check_places

#: Words are of 16 bp: 2 bits a base fill 32 bits exactly.
WORD = 16
#: Of so many words in a row the one of the smallest hash is a minimizer, so two sequences that share a stretch of
#: WORD + WINDOW - 1 = 23 bp share a minimizer.
WINDOW = 8
_BUCKET = np.uint64(42)  # shift to the upper 22 bits of a hash, by which an index is looked up


@njit(cache=True, nogil=True)
def _hashes(tokens, size, hashes):
    # Hashes of the strand-blind words of one sequence, in order; `stretch` numbers the runs without an unknown base.
    forward = reverse = np.uint64(0)
    known = n = stretch = 0
    for i in range(size):
        base = np.uint64(tokens[i])
        if base > 3:
            stretch += known > 0
            known = 0
            continue
        forward = ((forward << np.uint64(2)) | base) & np.uint64(0xFFFFFFFF)
        reverse = (reverse >> np.uint64(2)) | ((np.uint64(3) - base) << np.uint64(30))
        known += 1
        if known >= WORD:
            # the 32-bit finalizer of MurmurHash3: one to one, so equal hashes are equal words
            word = min(forward, reverse)
            word = ((word ^ (word >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & np.uint64(0xFFFFFFFF)
            word = ((word ^ (word >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & np.uint64(0xFFFFFFFF)
            hashes[0, n] = word ^ (word >> np.uint64(16))
            hashes[1, n] = np.uint64(stretch)
            n += 1
    return n


@njit(cache=True, nogil=True)
def _minimizers(hashes, n, chosen):
    # The distinct consecutive minimizers of one sequence.
    found = 0
    last = -1
    for i in range(n - WINDOW + 1):
        if hashes[1, i] != hashes[1, i + WINDOW - 1]:
            continue
        best = i
        for j in range(i + 1, i + WINDOW):
            if hashes[0, j] < hashes[0, best]:
                best = j
        if best != last:
            chosen[found] = hashes[0, best]
            found += 1
            last = best
    return found


@njit(cache=True, nogil=True)
def _distinct(hashes, n, words):
    words[:n] = hashes[0, :n]
    words[:n].sort()
    distinct = 0
    for i in range(n):
        if i == 0 or words[i] != words[i - 1]:
            words[distinct] = words[i]
            distinct += 1
    return distinct


@njit(cache=True, nogil=True)
def _check(tokens, sizes):
    if len(sizes) != len(tokens):
        raise ValueError("tokens and sizes differ in length")
    check_places(sizes, 0, tokens.shape[1] + 1, "the size of a row")


@njit(cache=True, nogil=True)
def entries(tokens, sizes):
    """The minimizers of each sequence.

    Parameters
    ----------
    tokens : (N, L) uint8
    sizes : (N,) int64
        Length of each sequence in bp.

    Returns
    -------
    (E,) uint64
        ``hash << 32 | number of the sequence``, unsorted.

    Raises
    ------
    ValueError
        A size beyond L, or arrays of different length.
    """
    _check(tokens, sizes)
    width = max(tokens.shape[1], 1)
    hashes, chosen = np.empty((2, width), np.uint64), np.empty(width, np.uint64)
    total = 0
    for row in range(len(tokens)):
        total += _minimizers(hashes, _hashes(tokens[row], sizes[row], hashes), chosen)
    result = np.empty(total, np.uint64)
    total = 0
    for row in range(len(tokens)):
        n = _minimizers(hashes, _hashes(tokens[row], sizes[row], hashes), chosen)
        for i in range(n):
            result[total] = (chosen[i] << np.uint64(32)) | np.uint64(row)
            total += 1
    return result


@njit(cache=True, nogil=True)
def _starts(index):
    # Where the entries of each bucket of hashes start: (2**22 + 1,).
    starts = np.zeros((1 << 22) + 1, np.int64)
    for entry in index:
        starts[np.int64(entry >> _BUCKET) + 1] += 1
    for i in range(1, len(starts)):
        starts[i] += starts[i - 1]
    return starts


@njit(cache=True, nogil=True)
def near(tokens, sizes, others, other_sizes, index, share, least, most):
    """Which sequences share most of their words with a sequence of another table, and with which of its sequences.

    Two sequences are near-identical where at least `least` distinct strand-blind words, and at least `share` of those
    of the one that has fewer, occur in both. Sequences that share no stretch of 23 bp are not compared. That loses none
    with `share` from 0.5 on and `least` of `WINDOW`: of sequences that differ by m > 0 bases and by no shift, without
    such a stretch, at most 7 (m + 1) words are shared and 16 m are not.

    Parameters
    ----------
    tokens : (N, L) uint8
    sizes : (N,) int64
        Length of each sequence in bp.
    others : (M, K) uint8
        Tokens of the other table.
    other_sizes : (M,) int64
        Length of each of its sequences in bp.
    index : (E,) uint64
        ``np.sort(entries(others, other_sizes))``.
    share : float
        Least share of the words, see above.
    least : int
        Least number of words, see above.
    most : int
        Sequences of one minimizer that are compared, the first ones: repeats of a genome occur in more of them.

    Returns
    -------
    (N,) bool, (M,) bool
        Which sequences of either table are near-identical to one of the other.

    Raises
    ------
    ValueError
        A size beyond the columns, arrays of different length, or an index of another table.
    """
    _check(tokens, sizes)
    _check(others, other_sizes)
    for entry in index:
        if np.int64(entry & np.uint64(0xFFFFFFFF)) >= len(others):
            raise ValueError("the index is of another table")
    hit, other_hit = np.zeros(len(tokens), np.bool_), np.zeros(len(others), np.bool_)
    seen = np.full(len(others), -1, np.int64)
    width = max(tokens.shape[1], others.shape[1], 1)
    hashes, chosen = np.empty((2, width), np.uint64), np.empty(width, np.uint64)
    words, other_words = np.empty(width, np.uint64), np.empty(width, np.uint64)
    starts = _starts(index)
    for row in range(len(tokens)):
        n_word = _hashes(tokens[row], sizes[row], hashes)
        n_chosen = _minimizers(hashes, n_word, chosen)
        n = 0
        for c in range(n_chosen):
            bucket = np.int64(chosen[c] >> np.uint64(10))
            compared = 0
            for e in range(starts[bucket], starts[bucket + 1]):
                if index[e] >> np.uint64(32) != chosen[c]:
                    continue
                compared += 1
                if compared > most:
                    break
                other = np.int64(index[e] & np.uint64(0xFFFFFFFF))
                if seen[other] == row:
                    continue
                seen[other] = row
                if n == 0:
                    n = _distinct(hashes, n_word, words)
                m = _hashes(others[other], other_sizes[other], hashes)
                m = _distinct(hashes, m, other_words)
                if _alike(words[:n], other_words[:m], share, least):
                    hit[row] = other_hit[other] = True
    return hit, other_hit


@njit(cache=True, nogil=True)
def _alike(words, others, share, least):
    # Whether two sequences are near-identical, from their distinct words, rising.
    needed = max(least, share * min(len(words), len(others)))
    i = j = shared = 0
    while min(len(words) - i, len(others) - j) + shared >= needed:
        if shared >= needed:
            return True
        if words[i] == others[j]:
            shared += 1
            i += 1
            j += 1
        elif words[i] < others[j]:
            i += 1
        else:
            j += 1
    return False


@njit(cache=True, nogil=True)
def _root(parent, row):
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = parent[row]
    return row


@njit(cache=True, nogil=True)
def clusters(tokens, sizes, index, share, least, most):
    """Clusters of near-identical sequences of one table, by single linkage: two that are near-identical are in one.

    The sequences of each minimizer are compared, rare minimizers first, unless they are in one cluster already.
    Near-identity is that of `near`.

    Parameters
    ----------
    tokens : (N, L) uint8
    sizes : (N,) int64
        Length of each sequence in bp.
    index : (E,) uint64
        ``np.sort(entries(tokens, sizes))``.
    share : float
        Least share of the words.
    least : int
        Least number of words.
    most : int
        Comparisons of one sequence within one minimizer that may find nothing; repeats of a genome need more.

    Returns
    -------
    clusters : (N,) int64
        Of each sequence, the number of the first sequence of its cluster.
    given_up : int
        How often `most` ended the comparisons of a sequence.

    Raises
    ------
    ValueError
        A size beyond the columns, or an index of another table.
    """
    _check(tokens, sizes)
    for entry in index:
        if np.int64(entry & np.uint64(0xFFFFFFFF)) >= len(tokens):
            raise ValueError("the index is of another table")
    width = max(tokens.shape[1], 1)
    hashes, found = np.empty((2, width), np.uint64), np.empty(width, np.uint64)
    # the distinct words of all sequences, one after the other
    starts = np.zeros(len(tokens) + 1, np.int64)
    for row in range(len(tokens)):
        starts[row + 1] = starts[row] + _distinct(hashes, _hashes(tokens[row], sizes[row], hashes), found)
    words = np.empty(starts[-1], np.uint32)
    for row in range(len(tokens)):
        n = _distinct(hashes, _hashes(tokens[row], sizes[row], hashes), found)
        for i in range(n):
            words[starts[row] + i] = found[i]
    # where the sequences of each minimizer start, by their number
    firsts = np.empty(len(index) + 1, np.int64)
    n = 0
    for e in range(len(index)):
        if e == 0 or index[e] >> np.uint64(32) != index[e - 1] >> np.uint64(32):
            firsts[n] = e
            n += 1
    firsts[n] = len(index)
    parent = np.arange(len(tokens))
    given_up = 0
    for group in np.argsort(np.diff(firsts[: n + 1]), kind="mergesort"):
        for e in range(firsts[group] + 1, firsts[group + 1]):
            row = np.int64(index[e] & np.uint64(0xFFFFFFFF))
            root, vain = _root(parent, row), 0
            # backwards: the neighbours in the table first
            for o in range(e - 1, firsts[group] - 1, -1):
                other = np.int64(index[o] & np.uint64(0xFFFFFFFF))
                other_root = _root(parent, other)
                if other_root == root:
                    continue
                mine, theirs = words[starts[row] : starts[row + 1]], words[starts[other] : starts[other + 1]]
                if _alike(mine, theirs, share, least):
                    root, lost = min(root, other_root), max(root, other_root)
                    parent[lost] = root
                    continue
                vain += 1
                if vain == most:
                    given_up += 1
                    break
    for row in range(len(tokens)):
        parent[row] = _root(parent, row)
    return parent, given_up
