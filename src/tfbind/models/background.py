"""Background of matched composition, and short sequences set into it.

A model of 20-bp inserts never saw the neighbours that a site has in a window of the genome. Trained on inserts that lie
in random surroundings, at random places, it can read such a window whole. Both classes get surroundings from one and
the same source, so that these can never tell the class.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfbind import dna


class Chain(NamedTuple):
    """A first-order Markov chain over A C G T.

    Attributes
    ----------
    first : (4,) float64
        Shares of the bases.
    following : (4, 4) float64
        Row a: shares of the bases after a.
    """

    first: np.ndarray
    following: np.ndarray


def fit(tokens: np.ndarray) -> Chain:
    """The chain with the base and dinucleotide counts, each plus one, of ``(N, L)`` uint8 tokens."""
    single = 1.0 + np.bincount(tokens.ravel(), minlength=5)[:4]
    pair = np.bincount((5 * tokens[:, :-1].astype(np.int16) + tokens[:, 1:]).ravel(), minlength=25).reshape(5, 5)
    double = 1.0 + pair[:4, :4]
    return Chain(single / single.sum(), double / double.sum(1, keepdims=True))


def draw(chain: Chain, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """`n` random sequences of `length` bp: (n, length) uint8."""
    u = rng.random((length, n))
    tokens = np.empty((length, n), np.uint8)
    steps = chain.following.cumsum(1)[:, :3]
    for i in range(length):
        bounds = steps[tokens[i - 1]].T if i else chain.first.cumsum()[:3, None]
        tokens[i] = (u[i] >= bounds).sum(0)
    return np.ascontiguousarray(tokens.T)


def embed(tokens: np.ndarray, surroundings: np.ndarray, start: np.ndarray | int) -> np.ndarray:
    """Sequences set into surroundings.

    Parameters
    ----------
    tokens : (N, L) uint8
        Padded at the end.
    surroundings : (N, W) or (1, W) uint8
    start : (N,) int or int
        Column at which each sequence starts.

    Returns
    -------
    (N, W) uint8
        The surroundings, overwritten by the sequence. A sequence of W bp or more is not to be embedded.
    """
    result = np.broadcast_to(surroundings, (len(tokens), surroundings.shape[1])).copy()
    size = dna.lengths(tokens)
    at = np.broadcast_to(np.asarray(start), len(tokens))
    row, column = np.nonzero(np.arange(tokens.shape[1]) < size[:, None])
    result[row, at[row] + column] = tokens[row, column]
    return result


def surround(tokens: np.ndarray, width: int, chain: Chain, rng: np.random.Generator) -> np.ndarray:
    """Each sequence of fewer than `width` bp at a random place of random surroundings of that width.

    Returns
    -------
    (N, max(width, L)) uint8
        Longer sequences stay as they are.
    """
    size = dna.lengths(tokens)
    short = np.flatnonzero(size < width)
    result = np.full((len(tokens), max(width, tokens.shape[1])), dna.UNKNOWN, np.uint8)
    result[:, : tokens.shape[1]] = tokens
    start = rng.integers(0, width - size[short] + 1)
    result[short, :width] = embed(tokens[short], draw(chain, len(short), width, rng), start)
    return result


def to_lists(chain: Chain) -> list:
    """As JSON keeps it."""
    return [chain.first.tolist(), chain.following.tolist()]


def from_lists(lists: Sequence) -> Chain:
    """Counterpart of `to_lists`."""
    return Chain(*map(np.array, lists))
