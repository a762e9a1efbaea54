"""The networks of the transfer study on the bins of the cell-type task: sequence alone, or sequence and accessibility.

They follow scikit-learn: each bin has its 200 tokens and its profile of accessibility, the means of the bins up to
950 bp away. The form with accessibility follows FactorNet (Quang and Xie 2019, Methods 166:40), which reads both along
the sequence; here each is read by a separate part of the network.
"""

import re
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from tfbind.celltype import bins
from tfbind.celltype.tf_bins import TFBins
from tfbind.errors import NotEstimable
from tfbind.models import networks
from tfbind.seeding import generator

_FAST = {"stride": 3, "readout": "max"}
#: Method -> the network, its options, and whether it uses accessibility.
NETWORKS: dict[str, tuple[str, dict, bool]] = {
    "deepbind": ("deepbind", {}, False),
    "deepbind_track": ("deepbind", {}, True),
    "bilstm": ("bilstm", _FAST, False),
    "bilstm_track": ("bilstm", _FAST, True),
}
_MEAN = re.compile(r"accessibility_mean(?:_([+-]\d+))?")
_ROWS = 1024


class Sequences:
    """The bins of one TF as `evaluate.Bins` for the networks: their features are the tokens and the profile.

    Parameters
    ----------
    tf_bins : TFBins
        The bins of the TF. Its accessibility features become the profile.
    """

    def __init__(self, tf_bins: TFBins):
        self.tf_bins = tf_bins
        found = {i: match for i, name in enumerate(tf_bins.names) if (match := _MEAN.fullmatch(name))}
        self._columns = sorted(found, key=lambda i: int(found[i][1] or 0))
        self.names = [f"base_{i}" for i in range(bins.WIDTH)] + [tf_bins.names[i] for i in self._columns]
        self.labels, self.tokens, self.unmeasured = tf_bins.labels, tf_bins.tokens, tf_bins.unmeasured

    def matrix(self, cell: str, chrom: str, index: np.ndarray) -> np.ndarray:
        """Tokens and profile of some bins of one chromosome in one cell.

        Parameters
        ----------
        cell : str
            A cell of the study.
        chrom : str
            A chromosome of the genome.
        index : (M,) int
            Numbers of the bins on the chromosome, in any order.

        Returns
        -------
        (M, 200 + T) float32
            200 tokens, then mean accessibility at T offsets, from upstream to downstream.
        """
        profile = self.tf_bins.matrix(cell, chrom, index)[:, self._columns]
        return np.concatenate([self.tokens(chrom, index).astype(np.float32), profile], 1)


class WithTrack(nn.Module):
    """A sequence network whose logit is combined with a convolution over the profile.

    Parameters
    ----------
    sequence : nn.Module
        Tokens (N, L) to logits (N,).
    length : int
        Values in a profile, T; at least 5.
    """

    def __init__(self, sequence: nn.Module, length: int):
        super().__init__()
        self.sequence = sequence
        self.track = nn.Sequential(
            nn.Conv1d(1, 8, 5), nn.ReLU(), nn.Flatten(), nn.Linear(8 * (length - 4), 16), nn.ReLU()
        )
        self.head = nn.Sequential(nn.Linear(17, 16), nn.ReLU(), nn.Linear(16, 1), nn.Flatten(0))

    def forward(self, tokens: Tensor, profile: Tensor) -> Tensor:
        """Logits from sequence and accessibility.

        Parameters
        ----------
        tokens : (N, L) uint8
            Sequences.
        profile : (N, T) float32
            Standardised profiles of accessibility.

        Returns
        -------
        (N,) float32
        """
        return self.head(torch.cat([self.sequence(tokens)[:, None], self.track(profile[:, None])], 1))


class Network(ClassifierMixin, BaseEstimator):
    """A network trained on bins; every batch holds as many bound bins as unbound ones.

    Parameters
    ----------
    method : str
        A key of `NETWORKS`.
    steps : int
        Optimiser steps (Adam).
    batch : int
        Bins per step.
    rate : float
        Learning rate.
    seed : int
        Seed of the first weights and of the batches.
    """

    def __init__(self, method: str, steps: int = 3000, batch: int = 128, rate: float = 1e-3, seed: int = 0):
        self.method = method
        self.steps = steps
        self.batch = batch
        self.rate = rate
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Train the network.

        Parameters
        ----------
        X : (N, 200 + T) float32
            Tokens and profile of the bins, as `Sequences.matrix` gives them.
        y : (N,) int
            1 for a bound bin, 0 for an unbound one.

        Returns
        -------
        Network
            Itself, fitted.

        Raises
        ------
        NotEstimable
            If a class is missing.
        """
        if set(np.unique(y)) != {0, 1}:
            raise NotEstimable("training needs bound and unbound bins")
        networks.one_thread()
        kind, options, tracked = NETWORKS[self.method]
        self.classes_ = np.array([0, 1])
        profile = X[:, bins.WIDTH :]
        self.mean_, self.scale_ = profile.mean(0), profile.std(0) + 1e-6
        rng = generator(self.seed, "bin network", self.method)
        sides = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
        labels = torch.repeat_interleave(torch.tensor([1.0, 0.0]), self.batch // 2)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            network = networks.build(kind, options)
            self.network_ = WithTrack(network, profile.shape[1]) if tracked else network
            optimiser = torch.optim.Adam(self.network_.parameters(), self.rate)
            self.network_.train()
            for _ in range(self.steps):
                rows = np.concatenate([rng.choice(side, self.batch // 2) for side in sides])
                loss = nn.functional.binary_cross_entropy_with_logits(self._logits(X[rows]), labels)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        self.network_.eval()
        return self

    def reads(self, names: Sequence[str]) -> Sequence[str]:
        """Which features the network uses: the tokens, and in the form with accessibility the profile as well.

        Parameters
        ----------
        names : sequence of str
            Names of all features.

        Returns
        -------
        sequence of str
        """
        return names if NETWORKS[self.method][2] else names[: bins.WIDTH]

    def _logits(self, X: np.ndarray) -> Tensor:
        tokens = torch.from_numpy(X[:, : bins.WIDTH].astype(np.uint8))
        if not NETWORKS[self.method][2]:
            return self.network_(tokens)
        return self.network_(tokens, torch.from_numpy((X[:, bins.WIDTH :] - self.mean_) / self.scale_))

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Logit that each bin is bound.

        Parameters
        ----------
        X : (N, 200 + T) float32
            Tokens and profile. T may be 0 if the network uses sequence alone.

        Returns
        -------
        (N,) float64
        """
        check_is_fitted(self, "network_")
        with torch.inference_mode():
            parts = [self._logits(X[start : start + _ROWS]) for start in range(0, len(X), _ROWS)]
        return torch.cat(parts).double().numpy()

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Class of each bin: 1 where the logit is positive, else 0.

        Parameters
        ----------
        X : (N, 200 + T) float32
            Tokens and profile.

        Returns
        -------
        (N,) int
        """
        return (self.decision_function(X) > 0).astype(int)

    def on_sequences(self, tokens: np.ndarray) -> np.ndarray | None:
        """Logits of sequences alone, for the comparison with shuffles.

        Parameters
        ----------
        tokens : (N, 200) uint8
            Sequences.

        Returns
        -------
        (N,) float64 or None
            None for a network that also uses accessibility.
        """
        return None if NETWORKS[self.method][2] else self.decision_function(tokens.astype(np.float32))


def build(methods: Sequence[str], steps: int, seed: int) -> dict[str, list[BaseEstimator]]:
    """One candidate for each method, in the form that `estimators.fit` takes; there is nothing to choose.

    Parameters
    ----------
    methods : sequence of str
        Keys of `NETWORKS`.
    steps : int
        Optimiser steps.
    seed : int
        Seed of every network.

    Returns
    -------
    dict of str to list of Network
        Unfitted, one per method.
    """
    return {method: [Network(method, steps, seed=seed)] for method in methods}
