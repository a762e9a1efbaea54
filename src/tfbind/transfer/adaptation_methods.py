"""Methods that adapt a source model to a target without its labels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from tfbind import dna, kmers, motifs
from tfbind.errors import InputError, NotEstimable
from tfbind.kernels import shuffle
from tfbind.models import predict, store
from tfbind.models.examples import Examples, LabelledTables, encode
from tfbind.models.networks import Network, build, restore
from tfbind.seeding import generator
from tfbind.statistics import metrics
from tfbind.transfer.transferability import BOTH, JASPAR, NOTHING, POOL, SHUFFLES

#: Length of the enriched words in bp.
WORD = 8
#: Self-training takes this share of the pool as positives and the same share as negatives, in so many rounds.
SHARE, ROUNDS = 0.3, 3
#: Smallest and largest weight of a source sequence, relative to the mean, when its composition is matched to the pool.
WEIGHTS = (0.1, 10.0)


@dataclass
class Case:
    """One source model and one target; what adaptations share is computed once, when first needed.

    Attributes
    ----------
    folder : path
        The source model.
    reading : {"whole", "scan", "occupancy", "embed"}
        How the source model reads a sequence, see `predict.score`.
    tf : str
    source : models.examples.Examples
        The source's training and validation sequences.
    pool : (P, L) uint8
        Training sequences of the target, without labels.
    test : (M, L') uint8
        Test sequences of the target.
    others : sequence of str
        Positives of other TFs in the source's assay.
    cycles : LabelledTables or None
        Sequences from other cycles of the source's library.
    settings : mapping
        `training` of the config.
    steps : int
        Optimiser steps of a training on the pool.
    work : path
        Folder for checkpoints.
    """

    folder: Path
    reading: str
    tf: str
    source: Examples
    pool: np.ndarray
    test: np.ndarray
    others: Sequence[str]
    cycles: LabelledTables | None
    settings: Mapping
    steps: int
    work: Path

    @cached_property
    def stored(self) -> predict.Stored:
        """The source model."""
        return predict.stored(self.folder)

    @cached_property
    def description(self) -> dict:
        """The description stored with the source model."""
        return store.describe(self.folder)

    @cached_property
    def train(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and labels of the source's training sequences.

        Returns
        -------
        tokens : (N, L) uint8
        labels : (N,) float32
        """
        rows = self.source.rows("train", 0)
        return self.source.tokens[rows], self.source.labels[rows]

    @cached_property
    def direct(self) -> tuple[np.ndarray, np.ndarray]:
        """Logits of the source model, one line per training seed.

        Returns
        -------
        pool : (S, P) float64
        test : (S, M) float64
        """
        return self.read(self.stored.model, self.pool), self.read(self.stored.model, self.test)

    @cached_property
    def contrast(self) -> tuple[np.ndarray, np.ndarray]:
        """Scores of networks trained to distinguish the pool from its dinucleotide shuffles.

        Both are given in standard deviations of the pool from its mean.

        Returns
        -------
        pool : (P,) float64
            Mean over training seeds.
        test : (S, M) float64

        Raises
        ------
        NotEstimable
            The training of a seed gave no usable network.
        """
        return _against_shuffles(self, "contrast", self.pool)

    @cached_property
    def known(self) -> motifs.Motifs:
        """The TF's JASPAR matrices, best first (`motifs.of_tf`); NotEstimable where there is none."""
        try:
            return motifs.of_tf(self.tf, motifs.group_of(self.tf)[0])
        except InputError:
            message = f"no motif is named {self.tf!r}: use the TF's name as JASPAR spells it"
            raise NotEstimable(message) from None

    @cached_property
    def motif(self) -> motifs.Motifs:
        """The first of the TF's matrices, chosen without looking at its AUROC."""
        return self.known.take([0])

    @cached_property
    def matrix(self) -> tuple[np.ndarray, np.ndarray]:
        """Score of the best site of the TF's first JASPAR matrix in each sequence, in bits.

        Returns
        -------
        pool : (P,) float64
        test : (M,) float64

        Raises
        ------
        NotEstimable
            JASPAR has no matrix of the TF.
        """
        return tuple(motifs.maxima(tokens, self.motif)[:, 0].astype(float) for tokens in (self.pool, self.test))

    @cached_property
    def words(self) -> tuple[np.ndarray, np.ndarray]:
        """Log2 enrichment of the most enriched 8-mer in each sequence, learnt from the source.

        Returns
        -------
        pool : (P,) float64
        test : (M,) float64
        """
        bits = kmers.enrichment(*self.train, WORD)
        return tuple(kmers.highest(tokens, bits, WORD) for tokens in (self.pool, self.test))

    def read(self, networks: Sequence[Network], tokens: np.ndarray) -> np.ndarray:
        """Logits of networks trained on source sequences, read as the source model reads.

        Parameters
        ----------
        networks : sequence of Network
            One per training seed, S of them.
        tokens : (N, L) uint8

        Returns
        -------
        (S, N) float64
        """
        return predict.score(networks, tokens, self.reading, self.stored.window, chain=self.stored.chain)

    def taught(self, name: str, examples: Examples, starts: Mapping[int, Mapping] | None = None) -> list:
        """Networks of the source model's kind and seeds, trained with its settings on given sequences.

        Parameters
        ----------
        name : str
            Of the training, for its checkpoints and messages.
        examples : models.examples.Examples
            Training and validation sequences. Without validation sequences, training takes `steps` steps and keeps the
            last weights.
        starts : mapping of int to mapping, optional
            Initial weights of each seed (a state dict); random by default.

        Returns
        -------
        list of Network
            One per seed.

        Raises
        ------
        NotEstimable
            The training of a seed gave no usable network.
        """
        from tfbind.models import stacks  # Lightning loads where something is trained

        rate, decay = self.settings["learning_rate"], self.settings["weight_decay"]
        kind, options = self.description["kind"], self.description["options"]
        members = [
            stacks.Member(seed, options, rate, decay, None if starts is None else starts[seed])
            for seed in self.stored.seeds
        ]
        settings = self.settings
        if not (examples.split == "validation").any():
            settings = {**settings, "epochs": 1, "steps": self.steps}
        place = self.work / name
        progress = stacks.fit_stack(kind, members, examples, 0, settings, place)
        if failures := [state["failure"] for state in progress if not state["best"]]:
            raise NotEstimable(f"{name}: {failures[0]}")
        return [restore(kind, options, state["best"]) for state in progress]


def _direct(case: Case) -> np.ndarray:
    return case.direct[1]


def _matrix(case: Case) -> np.ndarray:
    return case.matrix[1][None]


def _enriched(case: Case) -> np.ndarray:
    return case.words[1][None]


def _both_strands(case: Case) -> np.ndarray:
    return (case.direct[1] + case.read(case.stored.model, dna.reverse_complement(case.test))) / 2


def _pooled(networks: Sequence[Network], tokens: np.ndarray) -> np.ndarray:
    # The features that the head of each network takes in: (S, N, F).
    found = []
    for network in networks:
        kept: list = []
        hook = network.head.register_forward_pre_hook(lambda _, given, kept=kept: kept.append(given[0].cpu().numpy()))
        predict.score(network, tokens)
        hook.remove()
        found.append(np.concatenate(kept))
    return np.stack(found).astype(float)


def _moved(case: Case, whole: bool) -> np.ndarray:
    networks = case.stored.model
    there, here, scored = (_pooled(networks, tokens) for tokens in (case.train[0], case.pool, case.test))
    logits = []
    for network, a, b, x in zip(networks, there, here, scored, strict=True):
        moved = (x - b.mean(0)) @ _between(b, a, whole) + a.mean(0)
        with torch.inference_mode():
            device = next(network.parameters()).device
            logits.append(network.head(torch.from_numpy(moved.astype(np.float32)).to(device), None).cpu().numpy())
    return np.stack(logits)


def _between(b: np.ndarray, a: np.ndarray, whole: bool) -> np.ndarray:
    # The linear map that gives features b (N, F) the variances of a, or, with `whole`, its covariances (CORAL: Sun et
    # al. 2016). They add the identity to both covariances; here it is scaled by the mean variance, since the features
    # have no common scale.
    if not whole:
        return np.diag(a.std(0) / np.maximum(b.std(0), 1e-9))
    powers = []
    for x, power in ((b, -0.5), (a, 0.5)):
        covariance = np.atleast_2d(np.cov(x.T))
        values, vectors = np.linalg.eigh(covariance + covariance.trace() / len(covariance) * np.eye(len(covariance)))
        powers.append(vectors * values**power @ vectors.T)
    return powers[0] @ powers[1]


def _moments(case: Case) -> np.ndarray:
    return _moved(case, whole=False)


def _coral(case: Case) -> np.ndarray:
    return _moved(case, whole=True)


def domain_odds(source: np.ndarray, pool: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Odds that sequences come from the pool rather than the source, by logistic regression on composition.

    Features are the shares of k-mers of 1 and 2 bp. Of the larger set as many are taken as the smaller one has, evenly
    spread, so that the positives and negatives of a source keep their ratio.

    Parameters
    ----------
    source : (N, L) uint8
    pool : (P, L') uint8
    rows : (R, L") uint8
        The sequences to judge.

    Returns
    -------
    odds : (R,) float64
        Of `pool` over `source` for each of `rows`, as if both were equally frequent.
    auroc : float
        How well composition distinguishes `pool` from `source`: mean of two halves, each scored by the regression
        fitted on the other.
    """
    from sklearn.linear_model import LogisticRegression  # imported here, since it loads slowly

    n = min(len(source), len(pool))
    taken = [tokens[np.arange(n) * len(tokens) // max(n, 1)] for tokens in (source, pool)]
    features = np.concatenate([kmers.composition(tokens, 2) for tokens in taken])
    labels, half = np.repeat([0, 1], n), np.tile(np.arange(n) % 2, 2)
    scale = np.maximum(features.std(0), 1e-9)

    def logits(train: np.ndarray, x: np.ndarray) -> np.ndarray:
        return (
            LogisticRegression(max_iter=1000).fit(features[train] / scale, labels[train]).decision_function(x / scale)
        )

    held_out = np.empty(2 * n)
    for k in (0, 1):
        held_out[half != k] = logits(half == k, features[half != k])
    odds = np.exp(logits(np.ones(2 * n, bool), kmers.composition(rows, 2)))
    return odds, float(np.mean([metrics.measure(labels[half == k], held_out[half == k])[0] for k in (0, 1)]))


def _reweighted(case: Case) -> np.ndarray:
    # Source sequences are resampled in proportion to their weights, each class separately to keep its size.
    rng, rows = generator("reweighted", case.tf), case.source.rows("train", 0)
    odds, _ = domain_odds(case.train[0], case.pool, case.train[0])
    weights = np.clip(odds / odds.mean(), *WEIGHTS)
    chosen = []
    for label in (0, 1):
        mine = case.train[1] == label
        chosen.append(rng.choice(rows[mine], mine.sum(), p=weights[mine] / weights[mine].sum()))
    index = np.concatenate([*chosen, case.source.rows("validation", 0)])
    return case.read(case.taught("reweighted", _rows(case.source, index)), case.test)


def _rows(examples: Examples, index: np.ndarray) -> Examples:
    fields = {name: getattr(examples, name)[index] for name in ("tokens", "labels", "split", "draw")}
    return examples._replace(**fields)


def _with(examples: Examples, tokens: np.ndarray, labels: np.ndarray) -> Examples:
    # The same examples with more training sequences.
    width = max(examples.tokens.shape[1], tokens.shape[1])
    parts = [
        np.pad(t, ((0, 0), (0, width - t.shape[1])), constant_values=dna.UNKNOWN) for t in (examples.tokens, tokens)
    ]
    return examples._replace(
        tokens=np.concatenate(parts),
        labels=np.concatenate([examples.labels, labels.astype(np.float32)]),
        split=np.append(examples.split, ["train"] * len(labels)),
        draw=np.append(examples.draw, np.zeros(len(labels), np.int16)),
    )


def _other_tfs(case: Case) -> np.ndarray:
    if not len(case.others):
        raise NotEstimable("no positives of another TF in the source's assay and cycle")
    # At most as many as there are negatives.
    most = int((case.train[1] == 0).sum())
    tokens = dna.encode(case.others)
    tokens = tokens[generator("others", case.tf).permutation(len(tokens))[:most]]
    return case.read(case.taught("other_tfs", _with(case.source, tokens, np.zeros(len(tokens)))), case.test)


def _cycles(case: Case) -> np.ndarray:
    if case.cycles is None:
        raise NotEstimable("no other cycle of the source's library in the sheet")
    more = encode(*case.cycles)
    more = _rows(more, more.rows("train", 0))
    return case.read(case.taught("cycles", _with(case.source, more.tokens, more.labels)), case.test)


def _matrix_filters(case: Case) -> np.ndarray:
    if case.description["kind"] != "deepbind":
        raise NotEstimable("only a deepbind network has filters that a matrix can be")
    matrices = case.known.matrices
    starts = {}
    for seed in case.stored.seeds:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            state = build("deepbind", case.description["options"]).state_dict()
        weight = state["weight"]  # (F, 4, K)
        for i, matrix in enumerate(matrices[: len(weight)]):
            width = min(len(matrix), weight.shape[2])
            first, at = (len(matrix) - width) // 2, (weight.shape[2] - width) // 2
            weight[i] = 0
            weight[i, :, at : at + width] = torch.from_numpy(matrix[first : first + width].T.copy()) / 4
        starts[seed] = state
    return case.read(case.taught("matrix_filters", case.source, starts), case.test)


class _Reversal(torch.autograd.Function):
    """The identity, whose gradient is multiplied by ``-strength`` (Ganin and Lempitsky 2015)."""

    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, upstream):
        return -ctx.strength * upstream, None


def _gradient_reversal(case: Case) -> np.ndarray:
    # The features that the head takes in are trained not to distinguish source from target. The target is read in
    # random windows of the source's length, since otherwise its length alone would distinguish it.
    tokens, labels = (torch.from_numpy(x) for x in case.train)
    window, size = min(case.stored.window, case.pool.shape[1]), case.settings["batch_size"]
    steps = case.settings["epochs"] * -(-len(tokens) // size)
    networks = []
    for seed in case.stored.seeds:
        rng = generator("gradient_reversal", case.tf, seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = build(case.description["kind"], case.description["options"])
            chance = torch.Generator().manual_seed(seed)
            domain = torch.nn.Linear(
                network.head.readout.in_features if network.head.dense is None else network.head.dense.in_features, 1
            )
        kept: list[torch.Tensor] = []
        network.head.register_forward_pre_hook(lambda _, given, kept=kept: kept.append(given[0]))
        rate = case.settings["learning_rate"]
        weights = [*network.parameters(), *domain.parameters()]
        optimizer = torch.optim.AdamW(weights, rate, weight_decay=case.settings["weight_decay"])
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
        for step in range(steps):
            strength = 2 / (1 + np.exp(-10 * step / steps)) - 1  # the schedule of Ganin and Lempitsky
            mine, theirs = rng.integers(len(tokens), size=size), rng.integers(len(case.pool), size=size)
            first = rng.integers(case.pool.shape[1] - window + 1, size=size)
            crops = case.pool[theirs[:, None], first[:, None] + np.arange(window)]
            kept.clear()
            loss = binary_cross_entropy_with_logits(network(tokens[mine], chance), labels[mine])
            network(torch.from_numpy(crops), chance)
            told = domain(_Reversal.apply(torch.cat(kept), strength)).squeeze(1)
            loss = loss + binary_cross_entropy_with_logits(told, torch.arange(2 * size).ge(size).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        state = network.state_dict()
        if not all(torch.isfinite(value).all() for value in state.values()):
            raise NotEstimable(f"gradient_reversal: the weights of seed {seed} are not finite")
        networks.append(restore(case.description["kind"], case.description["options"], state))
    return case.read(networks, case.test)


def _standard(pool: np.ndarray, test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Both scores in standard deviations of the pool from its mean.
    mean, scale = pool.mean(), max(pool.std(), 1e-9)
    return (pool - mean) / scale, (test - mean) / scale


def _as_it_is(case: Case) -> tuple[np.ndarray, np.ndarray]:
    pool, test = case.direct
    return pool.mean(0), test


def _ensembled(case: Case, *others: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    # Mean of the source model's scores and others, with equal weights: pool (P,) and test (S, M).
    parts = [_standard(*both) for both in (_as_it_is(case), *others)]
    return sum(pool for pool, _ in parts) / len(parts), sum(test for _, test in parts) / len(parts)


def _with_matrix(case: Case) -> np.ndarray:
    return _ensembled(case, case.matrix)[1]


def _with_words(case: Case) -> np.ndarray:
    return _ensembled(case, case.words)[1]


def _with_both(case: Case) -> np.ndarray:
    return _ensembled(case, case.matrix, case.words)[1]


def _self_training(case: Case) -> np.ndarray:
    score = case.direct[0].mean(0)
    for round_ in range(ROUNDS):
        top, bottom = case.pool[_among(score, 1 - SHARE, 1)], case.pool[_among(score, 0, SHARE)]
        networks = case.taught(f"self_training{round_}", _examples(top, bottom))
        score = predict.score(networks, case.pool).mean(0)
    return predict.score(networks, case.test)


def _among(score: np.ndarray, low: float, high: float) -> np.ndarray:
    # Indices of the sequences whose score lies between two quantiles.
    from scipy.stats import rankdata

    place = rankdata(score, method="ordinal") / len(score)
    return np.flatnonzero((place > low) & (place <= high))


def _examples(positives: np.ndarray, negatives: np.ndarray) -> Examples:
    n = len(positives) + len(negatives)
    return Examples(
        tokens=np.concatenate([positives, negatives]),
        labels=np.repeat(np.float32([1, 0]), [len(positives), len(negatives)]),
        split=np.full(n, "train", object),
        draw=np.zeros(n, np.int16),
        window=positives.shape[1],
    )


def _against_shuffles(case: Case, name: str, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Networks trained to distinguish sequences from their dinucleotide shuffles, so on what sequences hold beyond their
    # dinucleotides: scores of the pool and the test sequences. If the pool mixes positives with negatives that resemble
    # shuffles, these networks rank it as networks trained on positives and shuffles would.
    seeds = generator(name, case.tf).integers(2**63, size=len(tokens), dtype=np.uint64)
    shuffled = shuffle.dinucleotide(tokens, dna.lengths(tokens), seeds)
    networks = case.taught(name, _examples(tokens, shuffled))
    pool, test = (predict.score(networks, rows) for rows in (case.pool, case.test))
    return _standard(pool.mean(0), test)


def _contrast(case: Case) -> np.ndarray:
    return case.contrast[1]


def _taught(case: Case, name: str, teacher: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    # A second network is trained on the half of the pool that the teacher and the first network together rank higher.
    # The scores of both networks are added.
    pool, test = case.contrast
    better = _among(_standard(*teacher)[0] + pool, 0.5, 1)
    return test + _against_shuffles(case, name, case.pool[better])[1]


def _contrast_taught(case: Case) -> np.ndarray:
    return _taught(case, "contrast_taught", _as_it_is(case))


def _combined(case: Case) -> np.ndarray:
    return _taught(case, "combined", _ensembled(case, case.matrix))


class Adaptation(NamedTuple):
    """One adaptation: its function, what it needs besides the source's own sequences, and its role in the comparison.

    Attributes
    ----------
    score : callable
        Takes a `Case` and returns scores (S, M) of the test sequences, one line per training seed; (1, M) without
        seeds. Raises NotEstimable where the case lacks something.
    needs : str
    role : {"direct", "adaptation", "reference"}
        `direct` is the unchanged source model; a `reference` is what a network should beat.
    """

    score: Callable[[Case], np.ndarray]
    needs: str = NOTHING
    role: str = "adaptation"


ADAPTATIONS = {
    "direct": Adaptation(_direct, role="direct"),
    "matrix": Adaptation(_matrix, JASPAR, "reference"),
    "words": Adaptation(_enriched, role="reference"),
    "both_strands": Adaptation(_both_strands),
    "other_tfs": Adaptation(_other_tfs, "reads of other TFs"),
    "cycles": Adaptation(_cycles, "other cycles"),
    "matrix_filters": Adaptation(_matrix_filters, JASPAR),
    "reweighted": Adaptation(_reweighted, POOL),
    "moments": Adaptation(_moments, POOL),
    "coral": Adaptation(_coral, POOL),
    "gradient_reversal": Adaptation(_gradient_reversal, POOL),
    "self_training": Adaptation(_self_training, POOL),
    "contrast": Adaptation(_contrast, SHUFFLES),
    "contrast_taught": Adaptation(_contrast_taught, SHUFFLES),
    "with_words": Adaptation(_with_words, POOL),
    "with_matrix": Adaptation(_with_matrix, BOTH),
    "with_both": Adaptation(_with_both, BOTH),
    "combined": Adaptation(_combined, f"JASPAR, {SHUFFLES}"),
}
