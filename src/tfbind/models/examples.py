"""Training examples: two sequence tables, encoded once and served in batches."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tfbind import dna
from tfbind.models import background


class LabelledTables(NamedTuple):
    """The sequence tables of one dataset.

    Attributes
    ----------
    positives, negatives : sequence tables
    """

    positives: pd.DataFrame
    negatives: pd.DataFrame

    def train(self) -> "LabelledTables":
        """The training rows that every seed uses, or those of the first seed where each has its own."""
        kept = (t[(t["split"] == "train") & (t["draw"] <= 1)].reset_index(drop=True) for t in self)
        return LabelledTables(*kept)

    def some(self, n: int, rng: np.random.Generator) -> "LabelledTables":
        """A random sample of `n` rows, half of each class.

        Parameters
        ----------
        n : int
            Rounded down to an even number.
        rng : numpy Generator

        Returns
        -------
        LabelledTables
            In table order, without repeats.

        Raises
        ------
        ValueError
            A class has fewer than n // 2 rows.
        """
        return LabelledTables(*(t.iloc[np.sort(rng.choice(len(t), n // 2, replace=False))] for t in self))

    def kind(self) -> str:
        """The kind of negatives, which their ids contain."""
        return self.negatives["id"].iloc[0].rsplit("/", 1)[-1].rstrip("0123456789")

    def length(self) -> int:
        """The most common length of the positives in bp, the shorter of equals."""
        return int(np.bincount(self.positives["sequence"].str.len()).argmax())


class Examples(NamedTuple):
    """Encoded positives and negatives, in table order, positives first.

    Attributes
    ----------
    tokens : (N, L) uint8
        Padded to the longest of all sequences.
    labels : (N,) float32
        1 positive, 0 negative.
    split : (N,) str
        `train`, `validation` or `test`.
    draw : (N,) int16
        0 for sequences that every seed sees, k for those of the k-th seed (from 1) only.
    window : int
        The commonest length in bp, the shortest among equals; with a chain, the length in which sequences are read.
    chain : Chain, optional
        The surroundings of shorter sequences are drawn from it.
    """

    tokens: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    draw: np.ndarray
    window: int
    chain: background.Chain | None = None

    def rows(self, split: str, index: int) -> np.ndarray:
        """Places of the sequences of a split that one seed sees.

        Parameters
        ----------
        split : str
            `train`, `validation` or `test`.
        index : int
            Position of the seed, from 0.

        Returns
        -------
        (M,) int64
            Indices into the arrays, rising.
        """
        return np.flatnonzero((self.split == split) & np.isin(self.draw, (0, index + 1)))

    def surrounded(self, rng: np.random.Generator) -> "Examples":
        """The examples with every short sequence set into random surroundings.

        With a chain, each sequence of fewer than `window` bp lies at a random place of surroundings of that length.

        Parameters
        ----------
        rng : numpy Generator

        Returns
        -------
        examples : Examples
            Unchanged without a chain.
        """
        if self.chain is None:
            return self
        return self._replace(tokens=background.surround(self.tokens, self.window, self.chain, rng))


def encode(positives: pd.DataFrame, negatives: pd.DataFrame) -> Examples:
    """Both sequence tables as arrays.

    Parameters
    ----------
    positives, negatives : sequence tables
        `sequence`, `label`, `split` and `draw` are read.

    Returns
    -------
    examples : Examples
        Without a chain; `window` is 0 where both tables are empty.
    """
    both = pd.concat([positives, negatives], ignore_index=True)
    lengths = both["sequence"].str.len().to_numpy(np.int64)
    return Examples(
        tokens=dna.encode(both["sequence"]),
        labels=both["label"].to_numpy(np.float32),
        split=both["split"].to_numpy(object),
        draw=both["draw"].to_numpy(np.int16),
        window=int(np.bincount(lengths).argmax()) if len(lengths) else 0,
    )


class Batches:
    """Batches of some examples, cut by index from arrays that stay in memory.

    Iteration yields tokens (B, L) uint8 and labels (B,) float32; nothing where `rows` is empty.

    Parameters
    ----------
    examples : Examples
    rows : (M,) int
        Indices of the examples to serve.
    size : int
        Most examples in a batch; the batches of a pass differ by one example at most.
    generator : numpy Generator, optional
        Shuffles the examples anew for each pass; without it they come in order.
    passes : int
        How often all examples are served.
    """

    def __init__(
        self,
        examples: Examples,
        rows: np.ndarray,
        size: int,
        generator: np.random.Generator | None = None,
        passes: int = 1,
    ):
        self.tokens = torch.from_numpy(examples.tokens)
        self.labels = torch.from_numpy(examples.labels)
        self.rows, self.size, self.generator, self.passes = rows, size, generator, passes

    def __len__(self) -> int:
        return self.passes * -(-len(self.rows) // self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for _ in range(self.passes if len(self.rows) else 0):
            rows = self.rows if self.generator is None else self.generator.permutation(self.rows)
            rows = torch.from_numpy(rows).to(self.tokens.device)
            for chosen in rows.tensor_split(len(self) // self.passes):
                yield self.tokens[chosen], self.labels[chosen]

    def to(self, device: torch.device, **_) -> "Batches":
        """The same batches with all examples on a device: they are moved there once, as tokens.

        Parameters
        ----------
        device : torch device
        **_
            Further arguments that Lightning gives; ignored.

        Returns
        -------
        Batches
        """
        moved = copy(self)
        moved.tokens, moved.labels = self.tokens.to(device), self.labels.to(device)
        return moved
