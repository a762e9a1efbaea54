"""Where does a TF bind in a cell that it was never assayed in? The task of the ENCODE-DREAM challenge.

Bins of 200 bp every 50 bp are bound (B), unbound (U) or ambiguous (A). Methods learn from the bins of some cells and
chromosomes and rank those of another cell on other chromosomes. Where a method has options, they are chosen on a
cell and on chromosomes separate from both. Ambiguous bins are neither used for training nor scored.

A genome has millions of bins and a TF binds few of them, so an AUROC near 1 may go with a precision near the base rate.
Every table therefore also has the area under the precision-recall curve, a method `chance` whose value is the base
rate, and the same scores on the bound bins against one dinucleotide shuffle of each.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.celltype.bins import AMBIGUOUS, BOUND, STEP, UNBOUND
from tfbind.errors import InputError, NotEstimable
from tfbind.io import tables
from tfbind.kernels import ranks, shuffle
from tfbind.seeding import generator
from tfbind.statistics import bootstrap
from tfbind.statistics.metrics import INTERPOLATED, METRICS, measure

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


COLUMNS = [
    *("tf", "train_cells", "test_cell", "method", "metric", "value", "low", "high"),
    *("n_bound", "n_unbound", "note"),
]
#: Metrics of the bound bins against their dinucleotide shuffles, one per bin.
SHUFFLED = ("shuffled_auroc", "shuffled_auprc")
#: The four metrics that the challenge ranked by.
CONTEST = ("auroc", INTERPOLATED, "recall_at_10fdr", "recall_at_50fdr")
#: The method whose scores are constant: its area under the precision-recall curve is the base rate.
CHANCE = "chance"
SIGNAL = "mean_signal"
#: Bins whose features are in memory at once while scoring: 0.2 GB per million.
_CHUNK = 1_000_000


class Bins(Protocol):
    """The bins of one TF in every cell, one chromosome at a time."""

    names: Sequence[str]  #: names of the features

    def labels(self, cell: str, chrom: str) -> np.ndarray:
        """Labels of the bins of one chromosome.

        Parameters
        ----------
        cell : str
            A cell with peaks of the TF.
        chrom : str
            A chromosome of the genome.

        Returns
        -------
        (B,) uint8
            `UNBOUND`, `BOUND`, or any other value for a bin that is not scored.
        """

    def matrix(self, cell: str, chrom: str, index: np.ndarray) -> np.ndarray:
        """Features of some bins of one chromosome in one cell.

        Parameters
        ----------
        cell : str
            A cell of the study.
        chrom : str
            A chromosome of the genome.
        index : (M,) int
            Numbers of the bins on the chromosome.

        Returns
        -------
        (M, P) float32
            Columns in the order of `names`.
        """

    def tokens(self, chrom: str, index: np.ndarray) -> np.ndarray:
        """Sequences of some bins of one chromosome.

        Parameters
        ----------
        chrom : str
            A chromosome of the genome.
        index : (M,) int
            Numbers of the bins on the chromosome.

        Returns
        -------
        (M, 200) uint8
            Tokens.
        """

    def unmeasured(self, cell: str, chrom: str) -> Mapping[str, str]:
        """Features without meaning on a chromosome of a cell, since their data are missing there.

        Parameters
        ----------
        cell : str
            A cell of the study.
        chrom : str
            A chromosome of the genome.

        Returns
        -------
        mapping of str to str
            Name of the feature -> what was not measured. Empty if nothing is missing.
        """


def chromosomes(
    names: Iterable[str], split: Mapping, unused: Sequence[str] = (), resolve: Callable[[str], str] = str
) -> dict[str, list[str]]:
    """Chromosomes of each split, in the order of the genome; those that no option names are for training.

    Parameters
    ----------
    names : iterable of str
        Chromosomes of the genome.
    split : mapping
        `validation` and `test`: chromosomes of each, as the config names them.
    unused : sequence of str
        Chromosomes to leave out.
    resolve : function
        Name in the config -> the genome's own name. By default they are the same.

    Returns
    -------
    dict of str to list of str
        `train`, `validation`, `test`.

    Raises
    ------
    InputError
        If no chromosome is left for training or for the test.
    """
    unused = set(map(resolve, unused))
    names = [name for name in names if name not in unused]
    held = {key: set(map(resolve, split[key])) for key in ("validation", "test")}
    found = {key: [name for name in names if name in chosen] for key, chosen in held.items()}
    found["train"] = [name for name in names if not any(name in chosen for chosen in held.values())]
    if not found["test"] or not found["train"]:
        raise InputError(
            f"split: no chromosome of the genome is left to {'train' if found['test'] else 'test'}; the genome has "
            f"{', '.join(names)}"
        )
    return found


class Plan(NamedTuple):
    """Which cells and chromosomes are for training, for choosing and for the test."""

    train: tuple[str, ...]  #: cells that train
    select: str  #: the cell on which candidates are chosen
    test: str  #: the cell that is scored
    chromosomes: Mapping[str, Sequence[str]]  #: chromosomes of each split

    def note(self) -> str:
        """Which parts of the protocol are left out for lack of cells; the function `note` adds the rest."""
        if self.test in self.train:
            return "one cell: trained, chosen and tested on different chromosomes of it"
        return "one training cell: chosen on other chromosomes of it" if len(self.train) == 1 else ""


class Test(NamedTuple):
    """The scored bins of a test cell."""

    chrom: np.ndarray  #: (N,) int16, position in the list of test chromosomes
    index: np.ndarray  #: (N,) int64, number of the bin on its chromosome
    labels: np.ndarray  #: (N,) uint8, 1 for a bound bin, 0 for an unbound one
    draws: bootstrap.Draws | None  #: resamples by blocks; None before they are drawn


def plan(cells: Sequence[str], test: str, chromosomes: Mapping[str, Sequence[str]]) -> Plan:
    """Assign the cells: all but the test cell train, and the one after the test cell in order is used to choose.

    A cell that is alone is used for all three, each on chromosomes of its own.

    Parameters
    ----------
    cells : sequence of str
        Cells with peaks of the TF.
    test : str
        The test cell.
    chromosomes : mapping of str to sequence of str
        `train`, `validation`, `test`.

    Returns
    -------
    Plan
    """
    others = [cell for cell in cells if cell != test] or [test]
    place = list(cells).index(test) if test in cells else -1
    after = [*cells[place + 1 :], *cells[:place], *others]
    return Plan(tuple(others), next(cell for cell in after if cell in others), test, chromosomes)


def _sampled(
    bins: Bins, tf: str, pairs: Sequence[tuple[str, str]], limit: int, seed: int
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield for each (cell, chromosome): the sampled bins, their labels, and how many bins each stands for."""
    counts = np.zeros(2)
    for cell, chrom in pairs:
        counts += np.bincount(bins.labels(cell, chrom), minlength=2)[:2]
    share = np.minimum(1, limit / np.maximum(counts, 1))  # sampling rate of unbound and of bound bins
    for cell, chrom in pairs:
        labels = bins.labels(cell, chrom)
        rng = generator(seed, "celltype", tf, cell, chrom)
        index = np.flatnonzero(labels <= BOUND)
        index = index[rng.random(len(index)) < share[labels[index]]]
        yield cell, chrom, index, labels[index], 1 / share[labels[index]]


def training(
    bins: Bins, tf: str, plan: Plan, limit: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bound bins and a sample of the unbound ones, of all training cells on all chromosomes but those of the test.

    Chromosomes on which a cell has bound bins but lacks a measurement are left out (`note`).

    Parameters
    ----------
    bins : Bins
        The bins of the TF.
    tf : str
        Part of the seed.
    plan : Plan
        Which cells and chromosomes train and choose.
    limit : int
        At most about this many bins of each class: each bin is drawn independently.
    seed : int
        Seed of the sample.

    Returns
    -------
    X : (N, P) float32
        Features of the bins.
    y : (N,) uint8
        1 for a bound bin, 0 for an unbound one.
    weight : (N,) float64
        How many bins of the genome each bin stands for.
    first : (N,) bool
        Bins that `estimators.fit` fits the candidates on before the choice.
    apart : (N,) bool
        Bins used to choose. They share no chromosome with those of `first`, and no cell if two or more cells train.

    Raises
    ------
    NotEstimable
        If no training cell was measured on a training chromosome on which it has peaks.
    """
    apart = set(plan.chromosomes["validation"])
    pairs = [pair for pair in _to_train(plan) if not _gaps(bins, *pair)]
    if not pairs:
        raise NotEstimable("no training cell was measured on a training chromosome on which it has peaks")
    parts = []
    for cell, chrom, index, labels, weight in _sampled(bins, tf, pairs, limit, seed):
        first = chrom not in apart and (cell != plan.select or len(plan.train) == 1)
        chooses = chrom in apart and cell == plan.select
        parts.append(
            (bins.matrix(cell, chrom, index), labels, weight, np.full(len(index), first), np.full(len(index), chooses))
        )
    X, y, weight, first, chooses = (np.concatenate(part) for part in zip(*parts, strict=True))
    return X, y, weight, first, chooses


def _to_train(plan: Plan) -> list[tuple[str, str]]:
    return [
        (cell, chrom) for cell in plan.train for name in ("train", "validation") for chrom in plan.chromosomes[name]
    ]


def _gaps(bins: Bins, cell: str, chrom: str) -> Mapping[str, str]:
    """Features that are missing on a chromosome of a cell although the TF binds there -> what was not measured."""
    found = bins.unmeasured(cell, chrom)
    return found if found and (bins.labels(cell, chrom) == BOUND).any() else {}


def note(bins: Bins, plan: Plan) -> str:
    """Which parts of the protocol are left out for lack of cells, and which chromosomes of a cell did not train.

    Parameters
    ----------
    bins : Bins
        The bins of the TF.
    plan : Plan
        Which cells and chromosomes are for training, for choosing and for the test.

    Returns
    -------
    str
        Empty if nothing was left out.
    """
    left: dict[tuple[str, str], list[str]] = {}
    for cell, chrom in _to_train(plan):
        if what := dict.fromkeys(_gaps(bins, cell, chrom).values()):
            left.setdefault((cell, " and ".join(what)), []).append(chrom)
    lines = [
        f"not trained on {', '.join(some)} of {cell}, where it has no {what}" for (cell, what), some in left.items()
    ]
    return "; ".join(filter(None, [plan.note(), *lines]))


def _untested(bins: Bins, tf: str, plan: Plan) -> dict[str, str]:
    """Features that are missing on a test chromosome -> why a method that uses them cannot be tested."""
    found: dict[str, str] = {}
    for chrom in plan.chromosomes["test"]:
        for name, what in _gaps(bins, plan.test, chrom).items():
            found.setdefault(
                name,
                f"{plan.test} has peaks of {tf} on the test chromosome {chrom} and no {what} there; give a file that "
                f"holds {chrom}, or leave {chrom} out (celltype.unused)",
            )
    return found


def test_bins(bins: Bins, tf: str, plan: Plan, statistics: Mapping) -> Test:
    """The bins that are scored, and their resamples by blocks of a chromosome.

    Parameters
    ----------
    bins : Bins
        The bins of the TF.
    tf : str
        Part of the seed of the resamples, and named in the message.
    plan : Plan
        Names the test cell and the test chromosomes.
    statistics : mapping
        Of the config: `min_examples`, `block` (bp), `resamples`.

    Returns
    -------
    Test
        Bound and unbound bins, chromosome by chromosome.

    Raises
    ------
    NotEstimable
        If there are fewer than `min_examples` bound or unbound bins.
    """
    chrom, index, labels = [], [], []
    for i, name in enumerate(plan.chromosomes["test"]):
        found = bins.labels(plan.test, name)
        here = np.flatnonzero(found <= BOUND)
        chrom.append(np.full(len(here), i, np.int16))
        index.append(here)
        labels.append(found[here])
    test = Test(np.concatenate(chrom), np.concatenate(index), np.concatenate(labels), None)
    for label, name in ((BOUND, "bound"), (UNBOUND, "unbound")):
        count = int((test.labels == label).sum())
        if count < statistics["min_examples"]:
            raise NotEstimable(
                f"{count} {name} test bins of {tf} in {plan.test}, fewer than {statistics['min_examples']}"
            )
    draws = bootstrap.draw(
        test.labels,
        _blocks(test, statistics["block"]),
        statistics["resamples"],
        generator("bootstrap", "celltype", tf, plan.test),
    )
    return test._replace(draws=draws)


def _blocks(test: Test, size: int) -> np.ndarray:
    return test.chrom.astype(np.int64) << 40 | test.index * STEP // size


def scored(bins: Bins, plan: Plan, test: Test, score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Scores of all test bins, computed in parts so that memory stays bounded.

    Parameters
    ----------
    bins : Bins
        The bins of the TF.
    plan : Plan
        Names the test cell and the test chromosomes.
    test : Test
        The bins to score.
    score : function
        Features (M, P) float32 -> scores (K, M) of K models.

    Returns
    -------
    (K, N) float32
        In the order of the test bins.
    """
    parts = []
    for i, name in enumerate(plan.chromosomes["test"]):
        index = test.index[test.chrom == i]
        for start in range(0, len(index), _CHUNK):
            features = bins.matrix(plan.test, name, index[start : start + _CHUNK])
            parts.append(score(features).astype(np.float32))
    return np.concatenate(parts, 1)


def mean_signal(bins: Bins, plan: Plan, test: Test) -> np.ndarray:
    """Share of the training cells in which each test bin is bound; an ambiguous bin counts as half.

    This score knows where a TF tends to bind, but nothing of the test cell. maxATAC compared itself with such a mean.

    Parameters
    ----------
    bins : Bins
        The bins of the TF.
    plan : Plan
        Names the training cells, and the test chromosomes whose labels are used.
    test : Test
        The bins to score.

    Returns
    -------
    (N,) float32
        From 0 to 1.

    Raises
    ------
    NotEstimable
        If the test cell is the only one.
    """
    if plan.test in plan.train:
        raise NotEstimable("there is no other cell")
    worth = np.zeros(256, np.float32)
    worth[BOUND], worth[AMBIGUOUS] = 1, 0.5
    parts = []
    for i, name in enumerate(plan.chromosomes["test"]):
        index = test.index[test.chrom == i]
        parts.append(np.mean([worth[bins.labels(cell, name)[index]] for cell in plan.train], axis=0))
    return np.concatenate(parts)


def shuffles(bins: Bins, tf: str, plan: Plan, test: Test) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of the bound test bins, followed by one dinucleotide shuffle of each.

    Parameters
    ----------
    bins : Bins
        The bins of the TF.
    tf : str
        Part of the seed.
    plan : Plan
        Names the test cell (also part of the seed) and the test chromosomes.
    test : Test
        The test bins.

    Returns
    -------
    tokens : (2 M, 200) uint8
        M bound bins, then their shuffles in the same order.
    labels : (2 M,) int
        1 for a bound bin, 0 for a shuffle.
    """
    where = np.flatnonzero(test.labels == BOUND)
    tokens = np.concatenate(
        [
            bins.tokens(name, test.index[where[test.chrom[where] == i]])
            for i, name in enumerate(plan.chromosomes["test"])
        ]
    )
    seeds = generator("shuffles", "celltype", tf, plan.test).integers(2**63, size=len(tokens), dtype=np.uint64)
    shuffled = shuffle.dinucleotide(tokens, dna.lengths(tokens), seeds)
    return np.concatenate([tokens, shuffled]), np.repeat([1, 0], len(tokens))


def measured(about: Mapping, scores: np.ndarray, test: Test, level: float, note: str) -> Iterator[dict]:
    """Rows of one method: each metric with its interval, by blocks of a chromosome.

    Parameters
    ----------
    about : mapping
        The key columns: `tf`, `train_cells`, `test_cell`, `method`.
    scores : (N,) or (S, N) float
        Scores of the test bins, of one training or of S training seeds.
    test : Test
        The test bins with their resamples.
    level : float
        Level of the interval, e.g. 0.95.
    note : str
        Goes into `note`, before a remark where there are few blocks.

    Yields
    ------
    dict
        One row per metric. `low` and `high` are NaN where a class has a single block.
    """
    scores = np.atleast_2d(scores)
    found = [(METRICS, bootstrap.replicate(scores, test.draws))]
    interpolated = partial(bootstrap.ranked, kernel=ranks.interpolated)
    found.append(((INTERPOLATED,), bootstrap.replicate(scores, test.draws, interpolated)))
    few = test.draws.n_block < bootstrap.FEW_BLOCKS
    notes = [note] * bool(note) + [f"only {test.draws.n_block} blocks of test bins"] * few
    for metric, column, of in ((name, i, of) for names, of in found for i, name in enumerate(names)):
        low, high = bootstrap.metric_interval(of, column, level)
        yield {**about, "metric": metric, "value": of.value[column], "low": low, "high": high} | {
            "n_bound": int((test.labels == BOUND).sum()),
            "n_unbound": int((test.labels == UNBOUND).sum()),
            "note": "; ".join(notes),
        }


def measured_on_shuffles(about: Mapping, labels: np.ndarray, scores: np.ndarray, note: str) -> Iterator[dict]:
    """Rows of one method on bound bins against their shuffles: AUROC and area under the precision-recall curve.

    Parameters
    ----------
    about : mapping
        The key columns: `tf`, `train_cells`, `test_cell`, `method`.
    labels : (2 M,) int
        1 for a bound bin, 0 for a shuffle, as many of each.
    scores : (2 M,) float
        Scores of both.
    note : str
        Goes into `note`.

    Yields
    ------
    dict
        One row per metric of `SHUFFLED`, without an interval.

    Raises
    ------
    NotEstimable
        If a class is missing.
    """
    for metric, value in zip(SHUFFLED, measure(labels, scores)[:2], strict=True):
        yield {**about, "metric": metric, "value": value, "n_bound": len(labels) // 2} | {
            "n_unbound": len(labels) // 2,
            "note": note,
        }


def not_estimable(about: Mapping, reason: str) -> Iterator[dict]:
    """Rows of a method that cannot be estimated: metrics without a value.

    Parameters
    ----------
    about : mapping
        The key columns: `tf`, `train_cells`, `test_cell`, `method`.
    reason : str
        Goes into `note`.

    Yields
    ------
    dict
        One row per metric.
    """
    yield from ({**about, "metric": metric, "note": reason} for metric in (*METRICS, INTERPOLATED))


def evaluate(
    tf: str,
    bins: Bins,
    plan: Plan,
    *,
    methods: Mapping[str, Sequence["BaseEstimator"]],
    limit: int,
    seed: int,
    statistics: Mapping,
    best_site: Callable[[np.ndarray], np.ndarray] | None = None,
    reference: bool = True,
) -> pd.DataFrame:
    """Train every method, score the test cell, and compute the metrics.

    Parameters
    ----------
    tf : str
        Name of the TF, for the table and the seeds.
    bins : Bins
        The bins of the TF.
    plan : Plan
        Which cells and chromosomes are for training, for choosing and for the test.
    methods : mapping of str to sequence of estimators
        Name -> candidates, among which `estimators.fit` chooses.
    limit : int
        At most about this many bins of each class are used, for training and choosing together.
    seed : int
        Seed of the sample of bins.
    statistics : mapping
        Of the config: `resamples`, `level`, `block` (bp), `min_examples`.
    best_site : function, optional
        Sequences (N, 200) uint8 -> scores (N,) of the TF's own motif, for the comparison with shuffles.
    reference : bool
        Whether to add the two methods that need no features: `mean_signal` and `chance`. Default True.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`. A method that cannot be estimated has empty values and says why in `note`.
    """
    from tfbind.celltype import estimators  # imported here, so that scikit-learn loads only where models are fitted

    key = {"tf": tf, "train_cells": ",".join(plan.train), "test_cell": plan.test}
    names = [*methods, *((SIGNAL, CHANCE) if reference else ())]
    result: list[dict] = []
    try:
        test = test_bins(bins, tf, plan, statistics)
        rows = training(bins, tf, plan, limit, seed)
    except NotEstimable as reason:
        for method in names:
            result += not_estimable(key | {"method": method}, str(reason))
        return pd.DataFrame(result, columns=COLUMNS)
    fitted, reasons, said = {}, {}, note(bins, plan)
    unknown = _untested(bins, tf, plan)
    for method, candidates in methods.items():
        read = [
            unknown[name] for name in bins.names if name in unknown and name in estimators.reads(candidates, bins.names)
        ]
        if read:
            reasons[method] = read[0]
            continue
        try:
            fitted[method] = estimators.fit(candidates, *rows)
        except NotEstimable as reason:
            reasons[method] = str(reason)
    del rows
    scores = {}
    if fitted:
        every = scored(bins, plan, test, lambda X: np.stack([e.decision_function(X) for e in fitted.values()]))
        scores = dict(zip(fitted, every, strict=True))
    if reference:
        scores[CHANCE] = np.zeros(len(test.labels), np.float32)
        try:
            scores[SIGNAL] = mean_signal(bins, plan, test)
        except NotEstimable as reason:
            reasons[SIGNAL] = str(reason)
    tokens, labels = shuffles(bins, tf, plan, test)
    for method in names:
        about = key | {"method": method}
        if method in reasons:
            result += not_estimable(about, reasons[method])
            continue
        result += measured(about, scores[method], test, statistics["level"], said)
        alone = best_site if method == "motif" else getattr(fitted.get(method), "on_sequences", None)
        if alone is not None and (found := alone(tokens)) is not None:
            result += measured_on_shuffles(about, labels, found, said)
    return pd.DataFrame(result, columns=COLUMNS)


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """The challenge's combined score of each method over all TFs and test cells; higher is better.

    It covers four metrics, with the area under the precision-recall curve interpolated as in the challenge, and all
    pairs of TF and test cell. It is the sum of -log10 of rank / (number of methods with a value + 1), where this ratio
    counts at most as one half. Equal values share their mean rank; a method without a value is last.

    Parameters
    ----------
    table : DataFrame
        Rows of `evaluate`. The method `chance` is not ranked.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, `metric` is `rank_score`, `tf` and `test_cell` are `all`. Empty if no method has a value.
    """
    given = table[table["metric"].isin(CONTEST) & (table["method"] != CHANCE)]
    wide = given.pivot_table(
        index=["tf", "train_cells", "test_cell", "metric"], columns="method", values="value", sort=False, dropna=False
    )
    wide = wide.dropna(how="all")
    if wide.empty:
        return pd.DataFrame(columns=COLUMNS)
    place = wide.rank(axis=1, ascending=False, na_option="bottom")
    share = place.div(wide.notna().sum(axis=1) + 1, axis=0)
    total = -np.log10(np.minimum(share, 0.5)).sum()
    n_pair = len(wide) // len(CONTEST)
    result = {
        "tf": "all",
        "train_cells": "",
        "test_cell": "all",
        "method": total.index,
        "metric": "rank_score",
        "value": total.to_numpy(),
        "note": f"{n_pair} pair(s) of TF and test cell; the best possible is "
        f"{-(np.log10(np.minimum(1 / (wide.notna().sum(axis=1) + 1), 0.5))).sum():.4g}",
    }
    return pd.DataFrame(result).reindex(columns=COLUMNS).sort_values("value", ascending=False, ignore_index=True)


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of all TFs, with the combined score at the end.

    Parameters
    ----------
    parts : sequence of DataFrame
        At least one table of `evaluate`.

    Returns
    -------
    DataFrame
        All rows, then those of `ranked`.
    """
    table = pd.concat(parts, ignore_index=True)
    return pd.concat([table, ranked(table)], ignore_index=True)


def write(table: pd.DataFrame, path) -> None:
    """Write `results/celltype.tsv`.

    Parameters
    ----------
    table : DataFrame
        Table of `joined`; only `COLUMNS` are written, missing values as empty cells.
    path : path
        File to write.
    """
    tables.write_tsv(table[COLUMNS], path)
