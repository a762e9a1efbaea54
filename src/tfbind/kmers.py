"""k-mers of encoded sequences, as numbers: two bits a base, the first base in the highest."""

import numpy as np

from tfbind.dna import UNKNOWN


def codes(tokens: np.ndarray, k: int) -> np.ndarray:
    """The k-mer at each place.

    Parameters
    ----------
    tokens : (N, L) uint8
    k : int
        At most 15.

    Returns
    -------
    (N, max(L - k + 1, 0)) int32
        -1 where a base is unknown.
    """
    n = max(tokens.shape[1] - k + 1, 0)
    found, unknown = np.zeros((len(tokens), n), np.int32), tokens >= UNKNOWN
    for i in range(k):
        found = found << 2 | tokens[:, i : i + n]
    if unknown.any():
        found[np.any([unknown[:, i : i + n] for i in range(k)], axis=0)] = -1
    return found


def turned(k: int) -> np.ndarray:
    """The code of the reverse complement of each k-mer.

    Parameters
    ----------
    k : int

    Returns
    -------
    (4**k,) int64
        By the code of the k-mer.
    """
    code = np.arange(4**k)
    return sum((3 - (code >> 2 * i) % 4) << 2 * (k - 1 - i) for i in range(k))


def canonical(tokens: np.ndarray, k: int) -> np.ndarray:
    """The k-mer at each place or its reverse complement, whichever has the smaller code.

    Parameters
    ----------
    tokens : (N, L) uint8
    k : int
        At most 15.

    Returns
    -------
    (N, max(L - k + 1, 0)) int32
        -1 where a base is unknown.
    """
    found = codes(tokens, k)
    return np.where(found < 0, -1, np.minimum(found, turned(k)[found])).astype(np.int32)


def held(tokens: np.ndarray, k: int) -> np.ndarray:
    """How many sequences hold each k-mer on either strand.

    Parameters
    ----------
    tokens : (N, L) uint8
    k : int

    Returns
    -------
    (4**k,) int64
        At the smaller code of a k-mer and its reverse complement; 0 at the larger one.
    """
    found = np.sort(canonical(tokens, k), axis=1)
    first = np.diff(found, axis=1, prepend=-1) != 0  # each k-mer once a sequence; -1 comes first and never counts
    return np.bincount(found[first & (found >= 0)], minlength=4**k)


def enrichment(tokens: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """How much more often each k-mer, on either strand, occurs in positives than in negatives.

    Parameters
    ----------
    tokens : (N, L) uint8
    labels : (N,) 0/1
    k : int

    Returns
    -------
    (4**k,) float64
        Log2 ratio of the shares of sequences that hold it, positives over negatives, with one sequence added to each
        count. It stands at the smaller code of a k-mer and its reverse complement.
    """
    shares = []
    for label in (1, 0):
        chosen = tokens[labels == label]
        shares.append((held(chosen, k) + 1) / (len(chosen) + 1))
    return np.log2(shares[0] / shares[1])


def highest(tokens: np.ndarray, values: np.ndarray, k: int) -> np.ndarray:
    """The highest value among the k-mers of each sequence.

    Parameters
    ----------
    tokens : (N, L) uint8
    values : (4**k,) float64
        At the smaller code of a k-mer and its reverse complement, e.g. from `enrichment`.
    k : int

    Returns
    -------
    (N,) float64
        0 for a sequence without a known k-mer.
    """
    found = canonical(tokens, k)
    best = np.where(found >= 0, values[found], -np.inf).max(1, initial=-np.inf)
    return np.where(np.isfinite(best), best, 0.0)


def composition(tokens: np.ndarray, k: int) -> np.ndarray:
    """Share of each k-mer of 1 to k bp, a k-mer and its reverse complement counted as one.

    Shares are one division of two whole numbers, so equal counts give equal bits: a sequence and its dinucleotide
    shuffle have the same shares at k = 2.

    Parameters
    ----------
    tokens : (N, L) uint8
    k : int
        The longest k-mer, in bp.

    Returns
    -------
    (N, F) float64
        F = 2, 12, 44 for k = 1, 2, 3. K-mers with an unknown base are not counted; a sequence without any has shares 0.
    """
    features = []
    for size in range(1, k + 1):
        smaller = np.unique(np.minimum(np.arange(4**size), turned(size)))
        found = canonical(tokens, size)
        row, place = np.nonzero(found >= 0)
        cell = row * len(smaller) + np.searchsorted(smaller, found[row, place])
        counts = np.bincount(cell, minlength=len(tokens) * len(smaller)).reshape(len(tokens), len(smaller))
        features.append(counts / np.maximum(counts.sum(1, keepdims=True), 1))
    return np.concatenate(features, 1)
