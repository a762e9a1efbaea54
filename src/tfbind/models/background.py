"""Random background of matched composition, and short sequences embedded in it.

A model trained on inserts of 20 bp has never seen the bases beside a site in the genome. Trained on inserts at random
places of random surroundings, it can read a whole genomic window. Positives and negatives get surroundings from the
same source, so that the surroundings cannot reveal the class.
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
        Row a: shares of the bases that follow base a.
    """

    first: np.ndarray
    following: np.ndarray


def fit(tokens: np.ndarray) -> Chain:
    """The Markov chain of some sequences, from their base and dinucleotide counts, each plus one.

    Parameters
    ----------
    tokens : (N, L) uint8
        Unknown bases, and dinucleotides with one, are not counted.

    Returns
    -------
    Chain
    """
    single = 1.0 + np.bincount(tokens.ravel(), minlength=5)[:4]
    pair = np.bincount((5 * tokens[:, :-1].astype(np.int16) + tokens[:, 1:]).ravel(), minlength=25).reshape(5, 5)
    double = 1.0 + pair[:4, :4]
    return Chain(single / single.sum(), double / double.sum(1, keepdims=True))


def draw(chain: Chain, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Random sequences from a chain.

    Parameters
    ----------
    chain : Chain
    n : int
        Number of sequences.
    length : int
        Of each, in bp.
    rng : numpy Generator

    Returns
    -------
    (n, length) uint8
    """
    u = rng.random((length, n))
    tokens = np.empty((length, n), np.uint8)
    steps = chain.following.cumsum(1)[:, :3]
    for i in range(length):
        bounds = steps[tokens[i - 1]].T if i else chain.first.cumsum()[:3, None]
        tokens[i] = (u[i] >= bounds).sum(0)
    return np.ascontiguousarray(tokens.T)


def embed(tokens: np.ndarray, surroundings: np.ndarray, start: np.ndarray | int) -> np.ndarray:
    """Sequences written into surroundings.

    Parameters
    ----------
    tokens : (N, L) uint8
        Padded at the right end. Each sequence must end within the W columns of the surroundings.
    surroundings : (N, W) or (1, W) uint8
        One for each sequence, or one for all.
    start : (N,) int or int
        Column at which each sequence starts, from 0.

    Returns
    -------
    (N, W) uint8
        The surroundings, overwritten by the sequences.
    """
    result = np.broadcast_to(surroundings, (len(tokens), surroundings.shape[1])).copy()
    size = dna.lengths(tokens)
    at = np.broadcast_to(np.asarray(start), len(tokens))
    row, column = np.nonzero(np.arange(tokens.shape[1]) < size[:, None])
    result[row, at[row] + column] = tokens[row, column]
    return result


def surround(tokens: np.ndarray, width: int, chain: Chain, rng: np.random.Generator) -> np.ndarray:
    """Each sequence of fewer than `width` bp, set at a random place into random surroundings of that width.

    Parameters
    ----------
    tokens : (N, L) uint8
        Padded at the right end.
    width : int
        In bp.
    chain : Chain
        The surroundings are drawn from it.
    rng : numpy Generator
        Draws the places and the surroundings.

    Returns
    -------
    (N, max(width, L)) uint8
        Sequences of `width` bp or more stay as they are.
    """
    size = dna.lengths(tokens)
    short = np.flatnonzero(size < width)
    result = np.full((len(tokens), max(width, tokens.shape[1])), dna.UNKNOWN, np.uint8)
    result[:, : tokens.shape[1]] = tokens
    start = rng.integers(0, width - size[short] + 1)
    result[short, :width] = embed(tokens[short], draw(chain, len(short), width, rng), start)
    return result


def to_lists(chain: Chain) -> list:
    """The chain as lists of numbers, for JSON."""
    return [chain.first.tolist(), chain.following.tolist()]


def from_lists(lists: Sequence) -> Chain:
    """The chain that `to_lists` turned into lists."""
    return Chain(*map(np.array, lists))
