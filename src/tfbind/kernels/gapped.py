"""Sums over the k-mers of a sequence, and the size of its vector of gapped k-mers."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def total(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sum of the values of the k-mers of each sequence.

    Parameters
    ----------
    codes : (N, M) int32
        From `kmers.canonical`; a negative one counts nothing.
    values : (V,) float64
        By code.

    Returns
    -------
    (N,) float64
        Added in the order of the codes: strand and padding change no bit.

    Raises
    ------
    ValueError
        A code is not below V.
    """
    found = np.zeros(len(codes))
    for i in range(len(codes)):
        row = np.sort(codes[i])
        if len(row) and row[-1] >= len(values):
            raise ValueError("a code without a value")
        for code in row:
            if code >= 0:
                found[i] += values[code]
    return found


@njit(cache=True, nogil=True)
def squares(codes: np.ndarray, size: int, patterns: np.ndarray) -> np.ndarray:
    """Sum of the squared counts of all gapped k-mers of each sequence, both strands counted together.

    Parameters
    ----------
    codes : (N, M) int32
        The words of `size` bp at the places of each sequence, of either strand (two bits a base, the first base in the
        highest); a negative one counts nothing.
    size : int
        Length of a word in bp.
    patterns : (P, k) int64
        Informative places of each pattern of gaps, from 0 to below `size`.

    Returns
    -------
    (N,) int64

    Raises
    ------
    ValueError
        A place or a code is outside of a word.
    """
    kinds, k = patterns.shape
    if patterns.size and (patterns.min() < 0 or patterns.max() >= size):
        raise ValueError("a place outside of the word")
    if codes.size and codes.max() >= 4**size:
        raise ValueError("a code outside of the words")
    found = np.zeros(len(codes), np.int64)
    counts = np.zeros(4**k, np.int64)
    seen = np.empty(2 * codes.shape[1], np.int64)
    strands = np.empty(2 * codes.shape[1], np.int64)
    for i in range(len(codes)):
        n = 0
        for code in codes[i]:
            if code >= 0:
                turned, rest = 0, code
                for _ in range(size):
                    turned = turned << 2 | (3 - (rest & 3))
                    rest >>= 2
                strands[n] = code
                strands[n + 1] = turned
                n += 2
        for p in range(kinds):
            for j in range(n):
                gapped = 0
                for place in patterns[p]:
                    gapped = gapped << 2 | (strands[j] >> 2 * (size - 1 - place)) & 3
                found[i] += 2 * counts[gapped] + 1  # (c + 1)^2 - c^2
                counts[gapped] += 1
                seen[j] = gapped
            for j in range(n):
                counts[seen[j]] = 0
    return found
