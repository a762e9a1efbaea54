"""What a model was trained on and what its logits mean, stored with it, so that a score can be judged later."""

from collections.abc import Mapping

import numpy as np

from tfbind import dna
from tfbind.seeding import generator

#: Between these quantiles of the training rows a sequence is like them.
QUANTILES = (0.001, 0.999)


def probes(length: int) -> list[str]:
    """Eight fixed random sequences by which a stored model is known again, three longer, one with an unknown base."""
    rng = generator("probes", length)
    tokens = rng.integers(0, 4, (8, 2 * length)).astype(np.uint8)
    sizes = np.array([length] * 5 + [length + 1, length + length // 2, 2 * length])
    tokens[np.arange(2 * length) >= sizes[:, None]] = dna.UNKNOWN
    tokens[4, length // 2] = dna.UNKNOWN
    return dna.decode(tokens, sizes)


def describe(tokens: np.ndarray) -> dict:
    """The range of the length in bp and of the share of G and C of ``(N, L)`` training tokens, between `QUANTILES`."""
    sizes, gc = dna.lengths(tokens), dna.gc(tokens)
    low, high = QUANTILES
    return {
        name: [float(np.quantile(v, low, method="lower")), float(np.quantile(v, high, method="higher"))]
        for name, v in (("length", sizes), ("gc", gc))
    }


def outside(tokens: np.ndarray, known: Mapping) -> np.ndarray:
    """In what each row of ``(N, L)`` tokens leaves the range of the training rows: (N,) str.

    `length`, `composition`, both with a comma between them, or nothing.
    """
    words = np.full(len(tokens), "", object)
    for name, values, word in (("length", dna.lengths(tokens), "length"), ("gc", dna.gc(tokens), "composition")):
        low, high = known[name]
        for row in np.flatnonzero((values < low) | (values > high)):
            words[row] += f",{word}" if words[row] else word
    return words
