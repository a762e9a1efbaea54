"""The range of a model's training sequences, and probe sequences that identify it, stored to judge later scores."""

from collections.abc import Mapping

import numpy as np

from tfbind import dna
from tfbind.seeding import generator

#: A sequence between these quantiles of the training sequences counts as like them.
QUANTILES = (0.001, 0.999)


def probes(length: int) -> list[str]:
    """Eight fixed random sequences, whose logits are stored with a model so that it can be verified.

    Parameters
    ----------
    length : int
        In bp; the model's training length, or the shortest that it reads if that is more.

    Returns
    -------
    list of str
        Five of `length` bp, the last of these with an N in the middle, and three longer, up to twice the length. They
        are the same on every machine.
    """
    rng = generator("probes", length)
    tokens = rng.integers(0, 4, (8, 2 * length)).astype(np.uint8)
    sizes = np.array([length] * 5 + [length + 1, length + length // 2, 2 * length])
    tokens[np.arange(2 * length) >= sizes[:, None]] = dna.UNKNOWN
    tokens[4, length // 2] = dna.UNKNOWN
    return dna.decode(tokens, sizes)


def describe(tokens: np.ndarray) -> dict:
    """The range of length and GC content of the training sequences, between `QUANTILES`.

    Parameters
    ----------
    tokens : (N, L) uint8
        Training sequences.

    Returns
    -------
    dict of str to list of float
        `length` (bp) and `gc` (share of G and C among the known bases, 0 to 1), each as lowest and highest value.
    """
    sizes, gc = dna.lengths(tokens), dna.gc(tokens)
    low, high = QUANTILES
    return {
        name: [float(np.quantile(v, low, method="lower")), float(np.quantile(v, high, method="higher"))]
        for name, v in (("length", sizes), ("gc", gc))
    }


def outside(tokens: np.ndarray, known: Mapping) -> np.ndarray:
    """In which property each sequence leaves the range of the training sequences.

    Parameters
    ----------
    tokens : (N, L) uint8
    known : mapping
        The ranges that `describe` gave.

    Returns
    -------
    (N,) str
        `length`, `composition` (GC content), both with a comma between them, or empty where the sequence is in range.
    """
    words = np.full(len(tokens), "", object)
    for name, values, word in (("length", dna.lengths(tokens), "length"), ("gc", dna.gc(tokens), "composition")):
        low, high = known[name]
        for row in np.flatnonzero((values < low) | (values > high)):
            words[row] += f",{word}" if words[row] else word
    return words
