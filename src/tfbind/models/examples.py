"""Training examples: two sequence tables encoded once, handed out in whole batches."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from tfbind import dna
from tfbind.models import background


class Examples(NamedTuple):
    """Encoded rows of positives and negatives, in table order, positives first.

    Attributes
    ----------
    tokens : (N, L) uint8
        Padded to the longest sequence of all rows.
    labels : (N,) float32
    split : (N,) str
    draw : (N,) int16
        0 for rows that every seed sees, k for rows of the k-th seed only.
    window : int
        The commonest length in bp (the shorter of equals); with a chain, the length in which the rows are read.
    chain : Chain, optional
        What the surroundings of shorter rows are drawn from.
    """

    tokens: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    draw: np.ndarray
    window: int
    chain: background.Chain | None = None

    def rows(self, split: str, index: int) -> np.ndarray:
        """Rows of a split that the seed at position `index` (from 0) sees."""
        return np.flatnonzero((self.split == split) & np.isin(self.draw, (0, index + 1)))

    def surrounded(self, rng: np.random.Generator) -> "Examples":
        """With a chain, each row of fewer than `window` bp at a random place of random surroundings of that length."""
        if self.chain is None:
            return self
        return self._replace(tokens=background.surround(self.tokens, self.window, self.chain, rng))


def encode(positives: pd.DataFrame, negatives: pd.DataFrame) -> Examples:
    """Both sequence tables as arrays."""
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
    """Whole batches of some rows, cut by index from arrays that stay in memory.

    Parameters
    ----------
    examples : Examples
    rows : (M,) int
    size : int
        Rows of a batch at most; batches differ by one row at most.
    generator : numpy Generator, optional
        Shuffles the rows, once for each pass; without it they come in order.
    passes : int
        Passes over the rows.
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
        """The same batches with all rows on a device: they go there once, as tokens."""
        moved = copy(self)
        moved.tokens, moved.labels = self.tokens.to(device), self.labels.to(device)
        return moved
