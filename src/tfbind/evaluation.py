"""How well a model ranks held-out rows, how much it loses on another experiment, and how sure that is.

Variances come from one paired, stratified block bootstrap (Efron & Tibshirani 1993): whole blocks of a
chromosome are drawn, with all their rows of both classes; blocks that hold one class alone are drawn among
themselves, and rows without coordinates are blocks of their own, so that both classes keep their size. Every
model on the same test rows meets the same draws. To them comes the variance of the training seeds.

A draw of seeds repeats some, and a mean of fewer different models ranks worse: to score the drawn ensemble
would take that loss for uncertainty. The seeds' variance is therefore their jackknife (Efron & Stein 1981),
from the ensembles that leave one seed out; these are all of one size. What the noise of the test rows adds to it
stands in the bootstrap already, and is taken off.

Few blocks or seeds give too small a variance too often. Three remedies: the deviations of the rows are
widened by sqrt(G / (G - 1)) for G blocks; the seeds of the two models of a drop have one common variance; and
Student's t of rows and of seeds are averaged with weights that grow with their variances (Cochran & Cox 1950;
see `WEIGHT`), where Satterthwaite's degrees of freedom fail for two seeds, since half the time these look
alike by chance. An interval of a metric is symmetric on the logit scale, so that it stays inside 0 and 1 and
covers near them. With one seed there is no seed part and the note says so. `benchmarks/coverage.py` measures what
all of this covers.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from tfbind import tables
from tfbind.faults import InputError, NotEstimable
from tfbind.kernels import ranks
from tfbind.shifts import shift
from tfbind.splits import generator

#: Composition above this AUROC is worth a note: negatives that so simple a model tells apart flatter every
#: number.
HIGH_FLOOR = 0.6
#: Below this many blocks a class, an interval leans on its small-sample correction.
FEW_BLOCKS = 10
#: Resamples that tell how much of the seeds' jackknife is the noise of the test rows.
ENOUGH = 100
#: Power of the variances that weigh Student's t of rows and of seeds: with 1, Cochran's own, intervals of two seeds
#: are too wide, with much more they tend to Satterthwaite's, which are too narrow.
WEIGHT = 1.5
#: Notes that `transfer.verdicts` reads: the interval of a model's AUROC less that of composition on the same rows is
#: not above zero, or that of the AUROC not above 0.5.
NOT_ABOVE_FLOOR = "the target-trained model is not above composition"
SOURCE_NOT_ABOVE_FLOOR = "the source-trained model is not above composition"
#: Share of the way from the composition floor to a perfect AUROC of 1. Up to the first, a model is composition with
#: some noise (HT-SELEX of GABPA and ZNF143: below 0.1); from the second on, sequence tells most of it (USF1: 0.8). A
#: share and not a difference, since in inserts of 20 bp a motif itself shifts the composition.
POOR_SHARE = 0.15
GOOD_SHARE = 0.5
#: AUROC that the TF's own JASPAR motif must reach alone for the motif to count as present. Of the real sets, sound
#: ones lie at 0.68 and above, GABPA, ZNF143 and NFE2 reads and NFE2 peaks below 0.60.
MOTIF_PRESENT = 0.6
CURVE_POINTS = 60
KEY = ["tf", "source", "source_assay", "target", "target_assay", "shift"]
NEGATIVES = ["train_negatives", "test_negatives", "model"]
METRIC_COLUMNS = [
    *(*KEY, "comparison", *NEGATIVES, "seed", "metric", "value", "low", "high"),
    *("n_positive", "n_negative", "note"),
]
TRANSFER_COLUMNS = [
    *(*KEY, *NEGATIVES, "n_positive", "n_negative", "same", "cross", "drop", "low", "high"),
    *("p_value", "p_delong", "floor", "note"),
]
CURVE_COLUMNS = ["tf", "source", "target", "shift", *NEGATIVES, "curve", "x", "y"]


#: Pooled over all rows; equal scores are one threshold. Average precision is not interpolated; a recall is the largest
#: among the thresholds whose precision is at least 90 % or 50 %, 0 where there is none.
METRICS = ("auroc", "auprc", "recall_at_10fdr", "recall_at_50fdr")
#: The auPRC of the ENCODE-DREAM challenge's own scoring, which took PRROC (Grau, Grosse and Keilwagen 2015):
#: interpolated after Davis and Goadrich (2006), where `auprc` is average precision. One positive that ranks second has
#: 0.25 by the first and 0.5 by the second.
INTERPOLATED = "auprc_davis_goadrich"


def beyond(auroc: float, floor: float) -> float:
    """Share of the way from the composition floor to a perfect AUROC of 1; a floor below chance (0.5) is chance."""
    floor = max(floor, 0.5)
    return (auroc - floor) / (1 - floor) if floor < 1 else 0.0


def measure(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """All `METRICS`, (4,) float64, of labels (N,) 0/1 and scores (N,); one class alone is not estimable."""
    positive, scores = np.asarray(labels) == 1, np.asarray(scores)
    classes = {"positives": np.sort(scores[positive]), "negatives": np.sort(scores[~positive])}
    for name, found in classes.items():
        if not len(found):
            raise NotEstimable(f"no {name} among the test rows")
    return ranks.resampled(*ranks.merged(*classes.values()), np.ones((1, 2), np.uint16), 1)[0]


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 along the last axis of (..., N) values without NaN, equal values at the mean of theirs: float64."""
    ranks = np.empty(values.shape)
    for place in np.ndindex(values.shape[:-1]):
        _, group, counts = np.unique(values[place], return_inverse=True, return_counts=True)
        ranks[place] = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return ranks


def delong(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs of several models on one test set, and their covariance.

    DeLong, DeLong & Clarke-Pearson 1988, by mid-ranks as in Sun & Xu 2014: O(M N log N). Rows count as
    independent and models as fixed: neither blocks nor seeds enter.

    Parameters
    ----------
    labels : (N,) 0/1, at least two of each
    scores : (M, N)

    Returns
    -------
    aucs (M,), covariance (M, M)
    """
    scores = np.atleast_2d(scores)
    positive = np.asarray(labels) == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise NotEstimable("DeLong's variance needs two positives and two negatives")
    everywhere = mid_ranks(scores)  # (M, N)
    above = (everywhere[:, positive] - mid_ranks(scores[:, positive])) / n  # (M, m)
    below = 1 - (everywhere[:, ~positive] - mid_ranks(scores[:, ~positive])) / m  # (M, n)
    return above.mean(1), np.atleast_2d(np.cov(above)) / m + np.atleast_2d(np.cov(below)) / n


def delong_p(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """Two-sided p that two models share one AUROC on these rows; NaN where the difference has no variance."""
    aucs, covariance = delong(labels, np.stack([first, second]))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    difference = aucs[0] - aucs[1]
    # Identical rankings leave rounding noise where the difference is exactly zero.
    if variance <= 1e-15:
        return 1.0 if abs(difference) < 1e-12 else float("nan")
    return float(2 * special.ndtr(-abs(difference) / np.sqrt(variance)))


class Draws(NamedTuple):
    """The resamples of one set of test rows, shared by every model scored on it."""

    codes: np.ndarray  #: (N,) int32: block of each row; those of positives first
    counts: np.ndarray  #: (B, G) uint16: how often each resample drew each block
    n_positive: int  #: blocks of positives
    n_block: int  #: blocks of the class that has fewer


class Replicates(NamedTuple):
    """One model on one set of test rows; columns as in `METRICS`."""

    value: np.ndarray  #: (4,) observed
    rows: np.ndarray  #: (B, 4) deviations when rows are drawn
    seeds: np.ndarray  #: (4,) variance between trainings; 0 with one seed
    n_block: int
    n_seed: int


def blocks(table: pd.DataFrame, size: int) -> np.ndarray:
    """The block of each row, (N,) int64: `size` bp of a chromosome, or the row alone without coordinates."""
    placed = table["chrom"].notna() & table["start"].notna()
    names = pd.Series([f"row\x1f{i}" for i in range(len(table))], dtype=object)
    where = np.flatnonzero(placed)
    chrom, start = table["chrom"].to_numpy(object)[where], table["start"].to_numpy(object)[where]
    names.iloc[where] = [f"{c}\x1f{int(s) // size}" for c, s in zip(chrom, start, strict=True)]
    return pd.factorize(names)[0]


def draw(labels: np.ndarray, block: np.ndarray, resamples: int, rng: np.random.Generator) -> Draws:
    """Draw blocks with replacement, as many as there are.

    A block brings its rows of both classes along, since a positive and its own shuffle rise and fall together.
    Blocks of positives alone, of negatives alone and of both are drawn among themselves. Where one of these kinds
    has a single block, which could not vary, positives and negatives are drawn apart: a wider interval, at worst.

    Parameters
    ----------
    labels : (N,) 0/1
    block : (N,) int
        Block of each row, from `blocks`.
    resamples : int
    rng : numpy Generator
    """
    positive = np.asarray(labels) == 1
    inside, names = pd.factorize(block)
    holds = np.zeros((2, len(names)), bool)  # positives, negatives
    holds[0, inside[positive]] = holds[1, inside[~positive]] = True
    kinds = holds[0] + 2 * holds[1]
    apart = (np.bincount(kinds, minlength=4) == 1).any()
    drawn = [_drawn(holds[0], resamples, rng), _drawn(holds[1], resamples, rng)] if apart else []
    if not apart:
        whole = sum(_drawn(kinds == kind, resamples, rng) for kind in np.unique(kinds))
        drawn = [whole, whole]
    sizes = holds.sum(1)
    column = np.cumsum(holds, 1) - 1  # of each block among those of its class
    codes = np.where(positive, column[0, inside], sizes[0] + column[1, inside]).astype(np.int32)
    counts = np.hstack([counts[:, held] for counts, held in zip(drawn, holds, strict=True)])
    return Draws(codes, counts, int(sizes[0]), int(sizes.min()))


def _drawn(chosen: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    # How often each of the chosen blocks (K,) comes: (B, K), as many draws as blocks.
    where = np.flatnonzero(chosen)
    size, counts = len(where), np.zeros((resamples, len(chosen)), np.uint16)
    some = max(1, 1_000_000 // size)  # resamples at a time, which bounds the memory
    for first in range(0, resamples, some):
        n = min(some, resamples - first)
        picks = rng.integers(size, size=(n, size)) + size * np.arange(n)[:, None]
        counts[first : first + n, where] = np.bincount(picks.ravel(), minlength=n * size).reshape(n, size)
    return counts


def _ranked(scores: np.ndarray, draws: Draws, kernel: Callable = ranks.resampled) -> np.ndarray:
    order = np.argsort(-scores)
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    return kernel(draws.codes[order], last, draws.counts, draws.n_positive)


def replicate(scores: np.ndarray, draws: Draws, kernel: Callable = ranks.resampled) -> Replicates:
    """Every ranking metric of one model over all resamples.

    Parameters
    ----------
    scores : (S, N) logits
        One row a training seed.
    draws : Draws
        Of the same N test rows.
    kernel : callable
        Of `kernels.ranks`; what its columns hold, the columns of the result hold. By default `METRICS`.
    """
    n_seed = len(scores)
    once = draws._replace(counts=np.ones((1, draws.counts.shape[1]), np.uint16))  # the rows as they are
    value = _ranked(scores.mean(0), once, kernel)[0]
    rows = _ranked(scores.mean(0), draws, kernel)  # (B, 4)
    seeds = np.zeros(len(value))
    if n_seed > 1:
        few = draws._replace(counts=np.vstack([once.counts, draws.counts[:ENOUGH]]))
        without = np.stack(
            [_ranked(np.delete(scores, i, 0).mean(0), few, kernel) for i in range(n_seed)]
        )  # (S, 1 + R, 4)
        observed, *redrawn = (n_seed - 1) * without.var(0)
        # Seeds differ on the very rows, too; by as much as redrawing these adds, the rows' part already holds it.
        seeds = np.maximum(2 * observed - np.mean(redrawn, 0), 0)
    widen = np.sqrt(draws.n_block / (draws.n_block - 1)) if draws.n_block > 1 else np.nan
    return Replicates(value, (rows - value) * widen, seeds, draws.n_block, n_seed)


def half_width(parts: Sequence[tuple[float, int]], level: float) -> float:
    """Half of an interval for a sum of independent parts.

    Parameters
    ----------
    parts : sequence of (float, int)
        Variance of each part and its degrees of freedom; a part with none does not widen the interval.
    level : float

    Returns
    -------
    float
        Standard deviation of the sum times the parts' quantiles of Student's t, averaged with weights that grow as
        their variances to the power `WEIGHT`. NaN where a variance is.
    """
    return _half_width(*_known(parts), (1 - level) / 2)


def _known(parts: Sequence[tuple[float, int]]) -> np.ndarray:
    # Variances and degrees of freedom (2, K) of the parts that widen an interval.
    return np.array([part for part in parts if part[1] > 0 or np.isnan(part[0])]).reshape(-1, 2).T


def _half_width(variances: np.ndarray, freedoms: np.ndarray, tail: float) -> float:
    if np.isnan(variances).any():
        return float("nan")
    if not variances.any():
        return 0.0
    quantiles = -special.stdtrit(freedoms, tail)
    return float(np.average(quantiles, weights=variances**WEIGHT) * np.sqrt(variances.sum()))


def p_of(value: float, parts: Sequence[tuple[float, int]]) -> float:
    """Two-sided p that a value differs from zero by chance: the interval at the level 1 - p ends at zero.

    So p is below 0.05 where the interval at 95 % lies on one side of zero, and nowhere else.

    Parameters
    ----------
    value : float
    parts : sequence of (float, int)
        As for `half_width`.

    Returns
    -------
    float
        1e-300 at least. NaN where a variance is, and for a value other than zero that has no variance at all.
    """
    variances, freedoms = _known(parts)
    if value == 0 and not np.isnan(variances).any():
        return 1.0
    if not variances.any() or np.isnan(variances).any():
        return float("nan")
    # Each part's own quantiles have a closed form, and p, from their average, lies between those.
    alone = 2 * special.stdtr(freedoms[variances > 0], -abs(value) / np.sqrt(variances.sum()))
    low, high = np.log(np.clip([alone.min(), alone.max()], 1e-300, 1))
    while high - low > 1e-9:
        middle = (low + high) / 2
        wider = _half_width(variances, freedoms, np.exp(middle) / 2) > abs(value)
        low, high = (middle, high) if wider else (low, middle)
    return float(np.exp(high))


def metric_interval(model: Replicates, column: int, level: float) -> tuple[float, float]:
    """Interval of one metric of one model, symmetric on the logit scale; at 0 and 1, on its own."""
    value = float(model.value[column])
    half = half_width(
        [(float(model.rows[:, column].var()), model.n_block - 1), (float(model.seeds[column]), model.n_seed - 1)], level
    )
    if 0 < value < 1:
        low, high = special.expit(special.logit(value) + np.array([-1, 1]) * half / (value * (1 - value)))
    else:
        low, high = np.clip([value - half, value + half], 0, 1)
    return float(low), float(high)


def difference(first: Replicates, second: Replicates, level: float) -> tuple[float, float, float]:
    """AUROC of `first` minus that of `second` on the same draws of the same rows, with paired interval."""
    value, parts = _paired(first, second)
    half = half_width(parts, level)
    low, high = np.clip([value - half, value + half], -1, 1)
    return value, float(low), float(high)


def difference_p(first: Replicates, second: Replicates) -> float:
    """Two-sided p that both have one AUROC, of the same draws and seeds as the interval of `difference`."""
    return p_of(*_paired(first, second))


def _paired(first: Replicates, second: Replicates) -> tuple[float, list[tuple[float, int]]]:
    # The difference of two AUROCs, and the parts of its variance: test rows and trainings.
    rows = float((first.rows[:, 0] - second.rows[:, 0]).var())
    seeds = float(first.seeds[0] + second.seeds[0])
    parts = [(rows, first.n_block - 1), (seeds, first.n_seed + second.n_seed - 2)]
    return float(first.value[0] - second.value[0]), parts


def curve(labels: np.ndarray, scores: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """About `CURVE_POINTS` points of the ROC (``roc``) or precision-recall (``pr``) curve, ends included."""
    order = np.argsort(scores, kind="stable")[::-1]
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # rows of one score are taken together
    bound = np.cumsum(labels[order] == 1)[ends]
    true, false = (np.append(0, counts) for counts in (bound, ends + 1 - bound))
    recall = true / true[-1]
    if kind == "roc":
        x, y = false / false[-1], recall
        along = x + y
    else:
        x, y = recall, np.append(1, bound / (ends + 1))
        along = x
    chosen = np.searchsorted(along, np.linspace(0, along[-1], CURVE_POINTS))
    chosen = np.unique(np.append(chosen, len(along) - 1))
    return x[chosen], y[chosen]


def _keys(table: pd.DataFrame) -> pd.Index:
    # Two sets of negatives may both call a row after its positive.
    negatives = table["negatives"].where(table["label"] == 0, "").astype(str)
    return pd.Index(negatives.to_numpy(object) + "\x1f" + table["id"].astype(str).to_numpy(object))


def _of_set(positives: pd.DataFrame, negatives: Mapping[str, pd.DataFrame], label: str) -> pd.DataFrame:
    # The test rows of one set of negatives, with the reason where one of both tables is empty for a reason.
    parts = [positives.assign(negatives=""), *(t.assign(negatives=x) for x, t in negatives.items() if x == label)]
    test = pd.concat(parts, ignore_index=True).query("split == 'test'")
    test.attrs["note"] = next(filter(None, map(tables.note, parts)), "")
    return test


def matched(predictions: pd.DataFrame, test: pd.DataFrame, negatives: str, name: str) -> tuple[list[str], np.ndarray]:
    """Scores in the order of the test rows, one row a seed.

    Parameters
    ----------
    predictions : prediction table of one target
        Bound rows count in every set where `negatives` is empty, else in that set alone.
    test : DataFrame
        Its test rows of one set of negatives: `id, label, negatives`.
    negatives : str
        That set.
    name : str
        What a fault calls the predictions.

    Returns
    -------
    seeds, scores : list of str, (S, N) float64
        The numbered seeds in order; or no name and the ``ensemble`` alone where there are none. Every row
        must meet exactly one score of every seed, and a stored ensemble must be the mean logit of its seeds;
        otherwise InputError.
    """
    mine = predictions[predictions["negatives"].isin(["", negatives])]
    if not (mine["label"] == 0).any():
        raise NotEstimable(f"no prediction of {name}")
    wanted = _keys(test)
    faults, scores = [], {}
    if not wanted.is_unique:
        twice = wanted[wanted.duplicated()][0].split("\x1f")[-1]
        raise InputError(f"{name}: the test rows repeat the id {twice!r}; make ids unique")
    for seed, part in mine.groupby("seed", sort=False):
        keys = _keys(part)
        missing, extra = wanted.difference(keys), keys.difference(wanted)
        if len(missing) or len(extra) or len(keys) != len(wanted):
            example = (*missing, *extra, *keys[keys.duplicated()])[0].split("\x1f")[-1]
            faults.append(
                f"{name}, seed {seed}: {len(keys)} predictions for {len(wanted)} test rows, e.g. {example!r} "
                "does not have exactly one partner; predict again from the current tables"
            )
            continue
        where = keys.get_indexer(wanted)
        values = part["score"].to_numpy(float)[where]
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            faults.append(f"{name}, seed {seed}: {count} scores are not finite; train this model again")
        scores[str(seed)] = values
    if faults:
        raise InputError(faults)
    ensemble = scores.pop("ensemble", None)
    if not scores:
        return [], ensemble[None]
    seeds = sorted(scores, key=int)
    stacked = np.stack([scores[seed] for seed in seeds])
    if ensemble is not None and not np.allclose(stacked.mean(0), ensemble, rtol=1e-3, atol=1e-3):
        raise InputError(f"{name}: the ensemble is not the mean logit of its seeds; predict again")
    return seeds, stacked


class _Cell(NamedTuple):
    seeds: Sequence[str] = ()
    scores: np.ndarray | None = None  # (S, N)
    replicates: Replicates | None = None
    reason: str = ""  # why there are none


def draws_of(test: pd.DataFrame, target: str, negatives: str, statistics: Mapping) -> Draws:
    """The resamples of a target's test rows as `statistics` of the config asks; NotEstimable if they are too few."""
    if tables.note(test):
        raise NotEstimable(tables.note(test))
    least = statistics["min_examples"]
    for label, name in ((1, "positives"), (0, f"negatives {negatives}")):
        count = int((test["label"] == label).sum())
        if count < least:
            raise NotEstimable(f"{count} test {name} of {target}, fewer than {least}")
    rng = generator("bootstrap", target, negatives)
    block = blocks(test, statistics["block"])
    return draw(test["label"].to_numpy(), block, statistics["resamples"], rng)


def _cell(
    key: tuple[str, str, str],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    target: str,
    test: pd.DataFrame,
    test_negatives: str,
    draws: Draws | NotEstimable,
) -> _Cell:
    if isinstance(draws, NotEstimable):
        raise draws
    name = f"{'/'.join(key)} on {target}/{test_negatives}"
    if key not in predictions:
        raise NotEstimable(f"no prediction of {name}")
    table = predictions[key]
    if table.empty:
        raise NotEstimable(tables.note(table) or f"no prediction of {name}")
    seeds, scores = matched(table[table["target"] == target], test, test_negatives, name)
    return _Cell(seeds, scores, replicate(scores, draws))


def _caveats(*models: Replicates) -> list[str]:
    notes = []
    if min(model.n_seed for model in models) < 2:
        notes.append("one seed: the interval holds the test rows alone")
    n_block = models[0].n_block
    if n_block < 2:
        notes.append("all rows of a class lie in one block: no interval")
    elif n_block < FEW_BLOCKS:
        notes.append(f"only {n_block} blocks of test rows")
    if n_block > 1 and all((model.rows[:, 0] == 0).all() for model in models):
        notes.append("every resample gives the same AUROC: the true interval is wider")
    return notes


def _metrics(labels: np.ndarray, cell: _Cell, level: float) -> Iterator[dict]:
    if cell.replicates is None:
        yield from ({"seed": "ensemble", "metric": metric, "note": cell.reason} for metric in METRICS)
        return
    for seed, scores in zip(cell.seeds, cell.scores, strict=False):
        for metric, value in zip(METRICS, measure(labels, scores), strict=True):
            yield {"seed": seed, "metric": metric, "value": value, "note": ""}
    note = "; ".join(_caveats(cell.replicates))
    for column, metric in enumerate(METRICS):
        low, high = metric_interval(cell.replicates, column, level)
        value = cell.replicates.value[column]
        yield {"seed": "ensemble", "metric": metric, "value": value, "low": low, "high": high, "note": note}


def _drop(labels: np.ndarray, own: _Cell, other: _Cell, floor: _Cell, level: float) -> dict:
    cells = {"same": own, "cross": other, "floor": floor}
    row: dict = {name: float(c.replicates.value[0]) for name, c in cells.items() if c.replicates is not None}
    reasons = [cell.reason for cell in (own, other) if cell.replicates is None]
    if reasons:
        return row | {"note": "; ".join(dict.fromkeys(reasons))}
    row["drop"], row["low"], row["high"] = difference(own.replicates, other.replicates, level)
    row["p_value"] = difference_p(own.replicates, other.replicates)
    row["p_delong"] = delong_p(labels, own.scores.mean(0), other.scores.mean(0))
    notes = _caveats(own.replicates, other.replicates)
    if floor.replicates is not None and floor is not own:
        if row["floor"] > HIGH_FLOOR:
            notes.append(f"composition alone reaches {row['floor']:.2f}")
        for cell, note in ((own, NOT_ABOVE_FLOOR), (other, SOURCE_NOT_ABOVE_FLOOR)):
            above_floor = difference(cell.replicates, floor.replicates, level)[1]
            above_chance = metric_interval(cell.replicates, 0, level)[0] - 0.5
            # Without an interval (NaN) there is no evidence of being above, either.
            if not (above_floor > 0 and above_chance > 0):
                notes.append(note)
    return row | {"note": "; ".join(notes)}


def named(
    rows: Mapping[str, Mapping[str, str]], source: str, target: str, trained: str, test_negatives: str, model: str
) -> dict[str, str]:
    """The columns of `KEY`, `NEGATIVES` and `comparison` of one cell; a source of another TF shows as ``A>B``."""
    tfs = dict.fromkeys([rows[source]["tf"], rows[target]["tf"]])
    return {
        "tf": ">".join(tfs),
        "source": source,
        "source_assay": rows[source]["assay"],
        "target": target,
        "target_assay": rows[target]["assay"],
        "shift": shift(rows[source], rows[target]),
        "comparison": "same" if source == target else "cross",
        "train_negatives": trained,
        "test_negatives": test_negatives,
        "model": model,
    }


def on_target(
    target: str,
    test_negatives: str,
    test: pd.DataFrame,
    runs: Sequence[tuple[str, str]],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    rows: Mapping[str, Mapping[str, str]],
    config: Mapping,
    refused: Mapping[tuple[str, str, str, str], str] = MappingProxyType({}),
) -> tuple[list[dict], list[dict], list[pd.DataFrame]]:
    """Metrics, drops and curves of every source and model on the same test rows of one target.

    Parameters
    ----------
    target, test_negatives : str
    test : DataFrame
        The test rows: `id, label, negatives, chrom, start`. Empty for a reason (`tables.empty`), nothing is estimable.
    runs : sequence of (str, str)
        Sources and what they were trained against; the target among them, whose models the others are compared with.
    predictions, rows, config, refused
        As for `evaluate`.

    Returns
    -------
    metrics, transfer, curves
        Rows of the three tables of `evaluate`.
    """
    statistics, models = config["statistics"], config["models"]
    level = statistics["level"]
    composition = next((label for label, model in models.items() if model.get("kind") == "composition"), None)
    labels = test["label"].to_numpy()
    draws: Draws | NotEstimable
    try:
        draws = draws_of(test, target, test_negatives, statistics)
    except NotEstimable as fault:
        draws = fault
    cells, faults = {}, []
    for key in ((*run, model) for run in runs for model in models):
        try:
            if reason := refused.get((*key[:2], target, test_negatives)):
                raise NotEstimable(reason)
            cells[key] = _cell(key, predictions, target, test, test_negatives, draws)
        except NotEstimable as fault:
            cells[key] = _Cell(reason=str(fault))
        except InputError as fault:
            faults += fault.faults
    if faults:
        raise InputError(faults)
    metrics, transfer, curves = [], [], []
    for (source, trained, model), cell in cells.items():
        about = named(rows, source, target, trained, test_negatives, model)
        about |= {"n_positive": int((labels == 1).sum()), "n_negative": int((labels == 0).sum())}
        metrics += [about | row for row in _metrics(labels, cell, level)]
        if cell.scores is not None:
            for kind in ("roc", "pr"):
                x, y = curve(labels, cell.scores.mean(0), kind)
                curves.append(pd.DataFrame(about | {"curve": kind, "x": x, "y": y}))
        if source != target:
            own = cells.get((target, trained, model), _Cell(reason=f"no {trained} for {target}"))
            floor = cells.get((target, trained, composition), _Cell())
            transfer.append(about | _drop(labels, own, cell, floor, level))
    return metrics, transfer, curves


def as_tables(
    metrics: list[dict], transfer: list[dict], curves: list[pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What `on_target` gave, for any number of targets, as the three tables of `evaluate`."""
    points = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=CURVE_COLUMNS)
    return (
        pd.DataFrame(metrics, columns=METRIC_COLUMNS),
        pd.DataFrame(transfer, columns=TRANSFER_COLUMNS),
        points[CURVE_COLUMNS],
    )


def _alone(row: dict) -> dict:
    # The row of `transfer` of a TF's only dataset, from that of its metrics.
    about = {name: row[name] for name in TRANSFER_COLUMNS if name in row and name not in ("low", "high")}
    return about | {
        "same": row.get("value"),
        "note": row["note"] if "value" not in row else "the only dataset of its TF: nothing to transfer from",
    }


def cases(
    tf: str,
    rows: Mapping[str, Mapping[str, str]],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    config: Mapping,
) -> Iterator[tuple[str, str, pd.DataFrame, list[tuple[str, str]], bool]]:
    """What `evaluate` goes through: (target, its negatives, test rows, runs, whether the target is its only source)."""
    options = config["transfer"]
    targets = [dataset for dataset, row in rows.items() if row["tf"] == tf]
    for target, test_negatives in product(targets, config["negatives"]):
        if test_negatives not in tests[target][1]:  # the label does not apply to this dataset
            continue
        extra = [source for source, other in options.get("extra_pairs", []) if other == target]
        sources = [*targets, *(source for source in dict.fromkeys(extra) if source not in targets)]
        everywhere = options.get("test_negatives", "same") == "all"
        trained = list(config["negatives"]) if everywhere else [test_negatives]
        runs = [(s, label) for s, label in product(sources, trained) if s not in tests or label in tests[s][1]]
        yield target, test_negatives, _of_set(*tests[target], test_negatives), runs, len(sources) == 1


def evaluate(
    tf: str,
    rows: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    config: Mapping,
    refused: Mapping[tuple[str, str, str, str], str] = MappingProxyType({}),
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Every metric, every drop and every curve on the datasets of one TF.

    Parameters
    ----------
    tf : str
        Its datasets are the targets; sources are the same datasets and those that `extra_pairs` name for one.
    rows : {dataset: row of the sheet}
    predictions : {(source, train_negatives, model): prediction table}
        Test rows only. One that is absent leaves a cell without value; one that does not match the test rows
        is refused.
    tests : {target: (positives, {negatives: table})}
        Sequence tables as for `prediction.predict`. What meets one that is empty for a reason (`tables.empty`) is not
        estimable for that reason.
    config : mapping
        `models`, `negatives`, `transfer` and `statistics` of the validated config.
    refused : {(source, train_negatives, target, test_negatives): reason}
        Cells that are not estimable whatever their predictions, from `audit.refused`.

    Returns
    -------
    metrics, transfer, curves : DataFrame
        Columns `METRIC_COLUMNS`, `TRANSFER_COLUMNS`, `CURVE_COLUMNS`. Intervals are given for the ensemble; a
        single seed has its value alone. `floor` is the AUROC of the target-trained composition model on the
        same rows. A TF with one dataset has its transfer rows too, without a drop.
    """
    metrics, transfer, curves, faults = [], [], [], []
    for target, test_negatives, test, runs, alone in cases(tf, rows, tests, config):
        try:
            values, drops, points = on_target(target, test_negatives, test, runs, predictions, rows, config, refused)
        except InputError as fault:
            faults += fault.faults
            continue
        if alone:
            drops = [_alone(row) for row in values if (row["seed"], row["metric"]) == ("ensemble", "auroc")]
        metrics, transfer, curves = metrics + values, transfer + drops, curves + points
    if faults:
        raise InputError(faults)
    return as_tables(metrics, transfer, curves)
