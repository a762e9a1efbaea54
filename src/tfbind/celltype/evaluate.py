"""Where does a factor bind in a cell that it was never assayed in? The task of the ENCODE-DREAM challenge.

Bins of 200 bp every 50 bp are bound (B), unbound (U) or ambiguous (A). Methods learn from the bins of some cells and
chromosomes and rank those of another cell on other chromosomes. What they choose by themselves they choose on a cell
and on chromosomes apart from both. Ambiguous bins are neither trained on nor scored.

A genome has millions of bins and a factor binds few, so an area under the ROC curve near 1 may go with a precision near
the base rate: every table has the area under the precision-recall curve beside it, a method `chance` whose value is
the base rate, and the same scores against as many dinucleotide shuffles of the bound bins as there are bound bins.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
#: Against dinucleotide shuffles of the bound bins, one each.
SHUFFLED = ("shuffled_auroc", "shuffled_auprc")
#: The row that holds the base rate: constant scores.
CHANCE = "chance"
SIGNAL = "mean_signal"
#: Bins whose features are held at once while scoring: 0.2 GB a million.
_CHUNK = 1_000_000


class Bins(Protocol):
    """The bins of one factor in every cell, a chromosome at a time."""

    names: Sequence[str]  #: of the features

    def labels(self, cell: str, chrom: str) -> np.ndarray:
        """`UNBOUND`, `BOUND`, or anything else for a bin that is not scored: (B,) uint8."""

    def matrix(self, cell: str, chrom: str, index: np.ndarray) -> np.ndarray:
        """Features of the bins `index` (M,): (M, P) float32."""

    def tokens(self, chrom: str, index: np.ndarray) -> np.ndarray:
        """Sequences of the bins `index` (M,): (M, 200) uint8."""

    def unmeasured(self, cell: str, chrom: str) -> Mapping[str, str]:
        """Features that mean nothing on a chromosome of a cell -> what was not measured there."""


def chromosomes(
    names: Iterable[str], split: Mapping, unused: Sequence[str] = (), resolve: Callable[[str], str] = str
) -> dict[str, list[str]]:
    """The chromosomes of each split, in the order of the genome; what neither `split` nor `unused` names trains.

    `resolve` gives the genome's own name of a chromosome that the config names.
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
    """Who trains, who chooses, who tests."""

    train: tuple[str, ...]  #: cells
    select: str  #: the cell that chooses
    test: str  #: the cell that is scored
    chromosomes: Mapping[str, Sequence[str]]  #: of each split

    def note(self) -> str:
        """What of the protocol too few cells leave out; see `note` for the rest."""
        if self.test in self.train:
            return "one cell: trained, chosen and tested on different chromosomes of it"
        return "one training cell: chosen on other chromosomes of it" if len(self.train) == 1 else ""


class Test(NamedTuple):
    """The scored bins of a test cell."""

    chrom: np.ndarray  #: (N,) int16, place in the test chromosomes
    index: np.ndarray  #: (N,) int64, bin of the chromosome
    labels: np.ndarray  #: (N,) uint8, 1 bound
    draws: bootstrap.Draws | None  #: None where the bins are too few


def plan(cells: Sequence[str], test: str, chromosomes: Mapping[str, Sequence[str]]) -> Plan:
    """All other cells train, the one after the test cell chooses; a cell alone does all on chromosomes of its own.

    Parameters
    ----------
    cells : sequence of str
        Cells with peaks of the factor.
    test : str
    chromosomes : mapping
        `train`, `validation`, `test`.
    """
    others = [cell for cell in cells if cell != test] or [test]
    place = list(cells).index(test) if test in cells else -1
    after = [*cells[place + 1 :], *cells[:place], *others]
    return Plan(tuple(others), next(cell for cell in after if cell in others), test, chromosomes)


def _sampled(
    bins: Bins, tf: str, pairs: Sequence[tuple[str, str]], limit: int, seed: int
) -> Iterator[tuple[str, str, np.ndarray, np.ndarray, np.ndarray]]:
    """Of each (cell, chromosome): the chosen bins, their labels, and how many bins each stands for."""
    counts = np.zeros(2)
    for cell, chrom in pairs:
        counts += np.bincount(bins.labels(cell, chrom), minlength=2)[:2]
    share = np.minimum(1, limit / np.maximum(counts, 1))  # of unbound, of bound
    for cell, chrom in pairs:
        labels = bins.labels(cell, chrom)
        rng = generator(seed, "celltype", tf, cell, chrom)
        index = np.flatnonzero(labels <= BOUND)
        index = index[rng.random(len(index)) < share[labels[index]]]
        yield cell, chrom, index, labels[index], 1 / share[labels[index]]


def training(
    bins: Bins, tf: str, plan: Plan, limit: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Bound bins and a sample of the unbound ones of all training cells, on all chromosomes but those that test.

    Parameters
    ----------
    bins : Bins
    tf : str
    plan : Plan
    limit : int
        At most about this many of each class: a seeded choice of each bin by itself.
    seed : int

    Returns
    -------
    X (N, P) float32, y (N,) uint8, weight (N,) float64, first (N,) bool, apart (N,) bool
        As `estimators.fit` takes them: how many bins a row stands for, which rows are fitted while choosing, and which
        choose. The latter are of a cell and of chromosomes that the former have none of. Chromosomes on which a cell
        has bound bins and no measurement are left out (`note`).
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
    """Features of a chromosome of a cell that would be 0 since nothing was measured there, although it binds there."""
    found = bins.unmeasured(cell, chrom)
    return found if found and (bins.labels(cell, chrom) == BOUND).any() else {}


def note(bins: Bins, plan: Plan) -> str:
    """What of the protocol too few cells leave out, and on which chromosomes of a cell nothing was trained on."""
    left: dict[tuple[str, str], list[str]] = {}
    for cell, chrom in _to_train(plan):
        if what := dict.fromkeys(_gaps(bins, cell, chrom).values()):
            left.setdefault((cell, " and ".join(what)), []).append(chrom)
    lines = [
        f"not trained on {', '.join(some)} of {cell}, where it has no {what}" for (cell, what), some in left.items()
    ]
    return "; ".join(filter(None, [plan.note(), *lines]))


def _untested(bins: Bins, tf: str, plan: Plan) -> dict[str, str]:
    """Features that mean nothing on a test chromosome -> why a method that reads them cannot be tested."""
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
    """The bins that are scored, and their resamples by blocks of a chromosome; too few are not estimable."""
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
    """`score(X)` (K, M) of the test bins in their order, in bounded memory: (K, N) float32."""
    parts = []
    for i, name in enumerate(plan.chromosomes["test"]):
        index = test.index[test.chrom == i]
        for start in range(0, len(index), _CHUNK):
            features = bins.matrix(plan.test, name, index[start : start + _CHUNK])
            parts.append(score(features).astype(np.float32))
    return np.concatenate(parts, 1)


def mean_signal(bins: Bins, plan: Plan, test: Test) -> np.ndarray:
    """Share of the training cells where each test bin is bound, an ambiguous bin counting half: (N,) float32.

    It knows where a factor tends to bind and nothing of the test cell (maxATAC set itself against such a mean).
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
    """Sequences of the bound test bins and of one dinucleotide shuffle each: (2 M, 200) uint8, labels (2 M,)."""
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
    """One row a metric, with its interval by blocks of a chromosome.

    Parameters
    ----------
    about : mapping
        The key columns.
    scores : (N,) or (S, N)
        One row a training seed.
    test : Test
    level : float
    note : str
    """
    scores = np.atleast_2d(scores)
    found = [(METRICS, bootstrap.replicate(scores, test.draws))]
    found.append(((INTERPOLATED,), bootstrap.replicate(scores, test.draws, ranks.interpolated)))
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
    """The same scores where half of the rows are bound, and the others their shuffles."""
    for metric, value in zip(SHUFFLED, measure(labels, scores)[:2], strict=True):
        yield {**about, "metric": metric, "value": value, "n_bound": len(labels) // 2} | {
            "n_unbound": len(labels) // 2,
            "note": note,
        }


def not_estimable(about: Mapping, reason: str) -> Iterator[dict]:
    """The rows of a method without a value."""
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
    """Train every method, score the test cell, and measure.

    Parameters
    ----------
    tf : str
    bins : Bins
    plan : Plan
    methods : mapping of str to estimators
        Name -> what `estimators.fit` chooses from.
    limit : int
        At most about this many bins of each class train, and as many choose.
    seed : int
    statistics : mapping
        Of the config: `resamples`, `level`, `block`, `min_examples`.
    best_site : callable, optional
        Sequences (N, 200) uint8 -> scores (N,) of the factor's own motif, for the comparison with shuffles.
    reference : bool
        Whether to add what needs no features: `mean_signal` and `chance`.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`; a method that cannot be estimated has empty values and says why.
    """
    from tfbind.celltype import estimators  # scikit-learn loads for those who fit

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

    Over the four metrics of the challenge (the area under the precision-recall curve interpolated) and the pairs of TF
    and test cell, the sum of -log10 of rank / (number of methods + 1), which counts at most as one half.
    Equal values share their mean rank; a method without a value is last.

    Parameters
    ----------
    table : DataFrame
        Rows of `evaluate`.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, `metric` is `rank_score`, `tf` and `test_cell` are `all`.
    """
    metrics = [INTERPOLATED if name == "auprc" else name for name in METRICS]
    given = table[table["metric"].isin(metrics) & (table["method"] != CHANCE)]
    wide = given.pivot_table(
        index=["tf", "train_cells", "test_cell", "metric"], columns="method", values="value", sort=False, dropna=False
    )
    wide = wide.dropna(how="all")
    if wide.empty:
        return pd.DataFrame(columns=COLUMNS)
    place = wide.rank(axis=1, ascending=False, na_option="bottom")
    share = place.div(wide.notna().sum(axis=1) + 1, axis=0)
    total = -np.log10(np.minimum(share, 0.5)).sum()
    n_pair = len(wide) // len(metrics)
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
    """One table of all TFs, the combined score last."""
    table = pd.concat(parts, ignore_index=True)
    return pd.concat([table, ranked(table)], ignore_index=True)


def write(table: pd.DataFrame, path) -> None:
    """Write `results/celltype.tsv`."""
    tables.write_tsv(table[COLUMNS], path)
