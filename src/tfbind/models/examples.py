"""Training examples: two sequence tables, encoded once and served in batches."""

from collections.abc import Iterator
from copy import copy
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy import special
from torch import Tensor

from tfbind import dna
from tfbind.errors import NotEstimable
from tfbind.models import background
from tfbind.statistics.metrics import mid_ranks


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
    signal : (N,) float32, optional
        Of probes, mean 0 and variance 1 over the training sequences; it is learnt in place of the labels.
    """

    tokens: np.ndarray
    labels: np.ndarray
    split: np.ndarray
    draw: np.ndarray
    window: int
    chain: background.Chain | None = None
    signal: np.ndarray | None = None

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


def encode(positives: pd.DataFrame, negatives: pd.DataFrame, learns: str = "labels") -> Examples:
    """Both sequence tables as arrays.

    Parameters
    ----------
    positives, negatives : sequence tables
        `sequence`, `label`, `split`, `draw` and, for intensities, `score` are read.
    learns : {"labels", "intensities"}
        With intensities, `signal` holds the normal scores of `score` (Blom 1958): the normal quantile of each rank
        among the sequences that are not for testing. They keep the order alone, so that neither the scale of an array
        nor its saturated spots bend the loss.

    Returns
    -------
    examples : Examples
        Without a chain; `window` is 0 where both tables are empty.

    Raises
    ------
    NotEstimable
        Intensities are to be learnt and a sequence has none.
    """
    both = pd.concat([positives, negatives], ignore_index=True)
    lengths = both["sequence"].str.len().to_numpy(np.int64)
    signal = None
    if learns == "intensities":
        values, learnt = both["score"].to_numpy(np.float64), (both["split"] != "test").to_numpy()
        if lacking := int(np.isnan(values[learnt]).sum()):
            raise NotEstimable(
                f"{lacking} of {learnt.sum()} sequences have no intensity to learn; take negatives of kind provided, "
                "or learn labels"
            )
        signal = np.zeros(len(both), np.float32)  # test sequences are of another array, with a scale of its own
        signal[learnt] = special.ndtri((mid_ranks(values[learnt]) - 0.375) / (learnt.sum() + 0.25))
    return Examples(
        tokens=dna.encode(both["sequence"]),
        labels=both["label"].to_numpy(np.float32),
        split=both["split"].to_numpy(object),
        draw=both["draw"].to_numpy(np.int16),
        window=int(np.bincount(lengths).argmax()) if len(lengths) else 0,
        signal=signal,
    )


class Batches:
    """Batches of some examples, cut by index from arrays that stay in memory.

    Iteration yields tokens (B, L) uint8 and labels (B,) float32, or the signal where it is learnt; nothing where `rows`
    is empty.

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
        self.labels = torch.from_numpy(examples.labels if examples.signal is None else examples.signal)
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
