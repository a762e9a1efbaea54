"""Motif scores of many sequences, four bases at a time.

The odds of a site are a product over its bases, so the product over a 4-mer is one entry of a table with 5^4 rows
(the fifth letter is the unknown base) and a site of W bp costs ceil(W / 4) look-ups. Odds, not log-odds, are tabulated:
their maximum is the maximum of the score and their sum the sum that log-sum-exp needs, so one pass gives both without
an exponential. All motifs of one width lie side by side in a row of the table, where the processor multiplies many.
"""

import numpy as np
from numba import njit

WORD = 4
#: Binary exponent given to the best possible site: odds 2^220 below it still are normal float32 numbers.
TOP = 100


def tables(matrices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled odds of every 4-mer at each group of four motif positions.

    Parameters
    ----------
    matrices : (C, W, 4) float
        Log-odds in bits. An unknown base scores the mean of its position.

    Returns
    -------
    odds : (ceil(W / 4), 625, C) float32
        The product over the groups is ``2 ** (score + shift)``. Positions past W have odds 1.
    shift : (C,) float64
        Bits, such that the best site of each motif has odds ``2 ** TOP``.
    """
    columns, width, _ = matrices.shape
    groups = -(-width // WORD)
    bits = np.zeros((columns, groups * WORD, 5))
    bits[:, :width, :4] = matrices
    bits[:, :width, 4] = np.mean(matrices, 2, dtype=float)
    a, b, c, d = np.moveaxis(bits.reshape(columns, groups, WORD, 5), 2, 0)  # each (C, G, 5)
    words = a[..., None] + b[..., None, :]
    words = words[..., None] + c[..., None, None, :]
    words = words[..., None] + d[..., None, None, None, :]
    words = words.reshape(columns, groups, 625)
    best = words.max(2)  # (C, G)
    odds = np.exp2(words - best[..., None] + TOP / groups)
    return np.ascontiguousarray(odds.transpose(1, 2, 0), np.float32), TOP - best.sum(1)


@njit(cache=True, nogil=True)
def scan(tokens, first, size, width, odds):
    """Largest and summed odds of each sequence over all positions of motifs of one width.

    A sequence shorter than the motif is scored where it lies wholly within the motif; the motif positions that overhang
    it meet unknown bases.

    Parameters
    ----------
    tokens : (N, L) uint8
    first, size : (N,) int64
        Column of the first base and number of bases of each sequence; other columns are never read.
    width : int
        Motif width W in bp.
    odds : (G, 625, C) float32
        From `tables`.

    Returns
    -------
    best, total : (N, C) float32
        Over ``abs(size - W) + 1`` positions.
    """
    groups, _, columns = odds.shape
    rows = tokens.shape[0]
    best = np.zeros((rows, columns), np.float32)
    total = np.zeros((rows, columns), np.float32)
    site = np.empty(columns, np.float32)
    longest = max(tokens.shape[1], 2 * width) + WORD * groups
    line = np.empty(longest, np.int64)
    for row in range(rows):
        overhang = max(width - size[row], 0)
        positions = abs(size[row] - width) + 1
        line[:] = 4
        for i in range(size[row]):
            line[overhang + i] = tokens[row, first[row] + i]
        reach = positions + WORD * (groups - 1)
        for i in range(reach):
            line[i] = ((line[i] * 5 + line[i + 1]) * 5 + line[i + 2]) * 5 + line[i + 3]
        highest, summed = best[row], total[row]
        for position in range(positions):
            words = odds[0, line[position]]
            if groups == 1:
                for j in range(columns):
                    site[j] = words[j]
            elif groups == 2:
                second = odds[1, line[position + 4]]
                for j in range(columns):
                    site[j] = words[j] * second[j]
            else:
                second, third = odds[1, line[position + 4]], odds[2, line[position + 8]]
                for j in range(columns):
                    site[j] = words[j] * second[j] * third[j]
                for group in range(3, groups):
                    words = odds[group, line[position + WORD * group]]
                    for j in range(columns):
                        site[j] *= words[j]
            for j in range(columns):
                summed[j] += site[j]
                highest[j] = max(highest[j], site[j])
    return best, total
