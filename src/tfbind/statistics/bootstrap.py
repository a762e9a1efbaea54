"""Intervals and p-values: test sequences are resampled in blocks, and the variance between training seeds is added."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from tfbind.kernels import ranks
from tfbind.statistics import metrics

#: With fewer blocks per class than this, an interval depends on its small-sample correction.
FEW_BLOCKS = 10
#: Resamples used to estimate how much of the seeds' jackknife is noise of the test sequences.
ENOUGH = 100
#: The t quantiles of test sequences and of seeds are averaged with weights variance**WEIGHT. With 1 (Cochran's choice)
#: intervals of two seeds are too wide; with much more they tend to Satterthwaite's, which are too narrow.
WEIGHT = 1.5


class Draws(NamedTuple):
    """The resamples of one test set, shared by every model scored on it.

    A block that holds both classes has two numbers, one among the blocks of positives and one among those of
    negatives.
    """

    codes: np.ndarray  #: (N,) int32: block of each sequence; blocks of positives have the lower numbers
    counts: np.ndarray  #: (B, G) uint16: how often each of B resamples drew each block
    n_positive: int  #: number of blocks of positives
    n_block: int  #: number of blocks of the class that has fewer
    folds: np.ndarray | None = None  #: (N,) int: sequences of other folds are not ranked among each other


class Replicates(NamedTuple):
    """Metrics of one model on one test set, with their resamples; columns as in `metrics.METRICS`."""

    value: np.ndarray  #: (4,) float64: observed, of the ensemble (mean logit of the seeds)
    rows: np.ndarray  #: (B, 4) float64: resample minus observed, widened for few blocks; NaN with one block
    seeds: np.ndarray  #: (4,) float64: variance between training seeds; 0 with one seed
    n_block: int  #: as in `Draws`
    n_seed: int


def blocks(table: pd.DataFrame, size: int) -> np.ndarray:
    """Number of the resampling block of each sequence.

    Parameters
    ----------
    table : DataFrame, N rows
        Columns `chrom` and `start` (0-based).
    size : int
        Length of a block in bp; a sequence belongs to the block that holds its start.

    Returns
    -------
    (N,) int64
        From 0, in order of appearance. A sequence without coordinates is a block of its own.
    """
    placed = table["chrom"].notna() & table["start"].notna()
    names = pd.Series([f"row\x1f{i}" for i in range(len(table))], dtype=object)
    where = np.flatnonzero(placed)
    chrom, start = table["chrom"].to_numpy(object)[where], table["start"].to_numpy(object)[where]
    names.iloc[where] = [f"{c}\x1f{int(s) // size}" for c, s in zip(chrom, start, strict=True)]
    return pd.factorize(names)[0]


def draw(labels: np.ndarray, block: np.ndarray, resamples: int, rng: np.random.Generator) -> Draws:
    """Draw blocks with replacement, in each resample as many as there are.

    A drawn block contributes all its sequences, of both classes, because a positive and its own shuffle vary together.
    Blocks with positives only, with negatives only and with both are drawn separately, so that both classes keep
    their number of blocks. Where one of these three kinds has a single block, which could not vary, blocks of positives
    and blocks of negatives are drawn independently; this can only widen the interval.

    Parameters
    ----------
    labels : (N,) 0/1
        Of the test sequences.
    block : (N,) int
        Block of each sequence, from `blocks`.
    resamples : int
        Number of resamples, B.
    rng : numpy Generator

    Returns
    -------
    Draws
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
    # How often each block is drawn, (B, K), out of the `chosen` ones (K,) bool; others count 0.
    where = np.flatnonzero(chosen)
    size, counts = len(where), np.zeros((resamples, len(chosen)), np.uint16)
    some = max(1, 1_000_000 // size)  # so many resamples at a time, to limit the memory
    for first in range(0, resamples, some):
        n = min(some, resamples - first)
        picks = rng.integers(size, size=(n, size)) + size * np.arange(n)[:, None]
        counts[first : first + n, where] = np.bincount(picks.ravel(), minlength=n * size).reshape(n, size)
    return counts


def ranked(scores: np.ndarray, draws: Draws, kernel: Callable = ranks.resampled) -> np.ndarray:
    """Metrics of the ranks in every resample.

    Of sequences in folds: the metric within each fold, averaged with the numbers of positives that were drawn there.
    Folds without one of the classes are left out. NaN where all are.

    Parameters
    ----------
    scores : (N,) float64
    draws : Draws
        Of the same N test sequences.
    kernel : callable
        A function of `kernels.ranks` with the arguments of `ranks.resampled`; its columns are those of the result.

    Returns
    -------
    (B, M) float64
        By default the columns of `metrics.METRICS`.
    """
    if draws.folds is not None:
        return _within_folds(scores, draws, kernel)
    order = np.argsort(-scores)
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    return kernel(draws.codes[order], last, draws.counts, draws.n_positive)


def _within_folds(scores: np.ndarray, draws: Draws, kernel: Callable) -> np.ndarray:
    total, weights = 0.0, np.zeros(len(draws.counts))
    for fold in np.unique(draws.folds):
        rows = draws.folds == fold
        # the blocks of this fold alone; those of positives come first
        used, codes = np.unique(draws.codes[rows], return_inverse=True)
        counts, first = draws.counts[:, used], int(np.searchsorted(used, draws.n_positive))
        size = np.bincount(codes)
        n_positive, n_negative = counts[:, :first] @ size[:first], counts[:, first:] @ size[first:]
        both = (n_positive > 0) & (n_negative > 0)
        alone = Draws(codes.astype(draws.codes.dtype), counts[both], first, draws.n_block)
        found = ranked(scores[rows], alone, kernel)
        values = np.zeros((len(both), found.shape[1]))
        values[both] = found
        weight = np.where(both, n_positive, 0)
        total, weights = total + weight[:, None] * values, weights + weight
    return total / np.where(weights > 0, weights, np.nan)[:, None]


def replicate(scores: np.ndarray, draws: Draws, measure: Callable = ranked) -> Replicates:
    """The metrics of one model, observed and in all resamples.

    The variance between seeds is a jackknife over ensembles that leave one seed out. The part of it that is noise of
    the test sequences is subtracted, since `rows` already holds it.

    Parameters
    ----------
    scores : (S, N) float64
        Logits, one line per training seed.
    draws : Draws
        Of the same N test sequences.
    measure : callable
        Takes scores (N,) and `Draws`, gives the metrics of every resample: (B, M). By default `metrics.METRICS`, which
        are those of ranks; a metric of the scores themselves takes the sequences as often as `times` says.

    Returns
    -------
    Replicates
        `rows` is NaN where a class has a single block.
    """
    n_seed = len(scores)
    once = draws._replace(counts=np.ones((1, draws.counts.shape[1]), np.uint16))  # each block once: the observed data
    value = measure(scores.mean(0), once)[0]
    rows = measure(scores.mean(0), draws)  # (B, 4)
    seeds = np.zeros(len(value))
    if n_seed > 1:
        few = draws._replace(counts=np.vstack([once.counts, draws.counts[:ENOUGH]]))
        without = np.stack([measure(np.delete(scores, i, 0).mean(0), few) for i in range(n_seed)])  # (S, 1 + R, 4)
        observed, *redrawn = (n_seed - 1) * without.var(0)
        # Leaving a seed out changes the metric partly by noise of the test sequences. Resampling these shows how much;
        # that part is in `rows` already, so it is subtracted.
        seeds = np.maximum(2 * observed - np.mean(redrawn, 0), 0)
    widen = np.sqrt(draws.n_block / (draws.n_block - 1)) if draws.n_block > 1 else np.nan
    return Replicates(value, (rows - value) * widen, seeds, draws.n_block, n_seed)


def times(draws: Draws) -> np.ndarray:
    """How often each resample holds each test sequence.

    Parameters
    ----------
    draws : Draws

    Returns
    -------
    (B, N) uint16
    """
    return draws.counts[:, draws.codes]


def half_width(parts: Sequence[tuple[float, int]], level: float) -> float:
    """Half the width of an interval for a sum of independent parts.

    Parameters
    ----------
    parts : sequence of (float, int)
        Variance of each part and its degrees of freedom. A part without degrees of freedom is left out, unless its
        variance is NaN.
    level : float
        Of the interval, e.g. 0.95.

    Returns
    -------
    float
        Standard deviation of the sum times a mean of the parts' t quantiles, weighted by their variances to the power
        `WEIGHT` (after Cochran and Cox 1950). 0 without variance, NaN where a variance is NaN.
    """
    return _half_width(*_known(parts), (1 - level) / 2)


def _known(parts: Sequence[tuple[float, int]]) -> np.ndarray:
    # Variances and degrees of freedom, (2, K), of the parts that count.
    return np.array([part for part in parts if part[1] > 0 or np.isnan(part[0])]).reshape(-1, 2).T


def _half_width(variances: np.ndarray, freedoms: np.ndarray, tail: float) -> float:
    if np.isnan(variances).any():
        return float("nan")
    if not variances.any():
        return 0.0
    quantiles = -special.stdtrit(freedoms, tail)
    return float(np.average(quantiles, weights=variances**WEIGHT) * np.sqrt(variances.sum()))


def p_of(value: float, parts: Sequence[tuple[float, int]]) -> float:
    """Two-sided p-value of the hypothesis that a value is zero.

    It is the p at which the interval of level 1 - p ends at zero, so p is below 0.05 exactly where the 95 % interval
    excludes zero.

    Parameters
    ----------
    value : float
    parts : sequence of (float, int)
        Variance and degrees of freedom of each independent part of `value`.

    Returns
    -------
    float
        At least 1e-300; 1 for a value of zero. NaN where a variance is NaN, and for a value other than zero without
        any variance.
    """
    variances, freedoms = _known(parts)
    if value == 0 and not np.isnan(variances).any():
        return 1.0
    if not variances.any() or np.isnan(variances).any():
        return float("nan")
    # The p of each part alone has a closed form. The p of their averaged quantiles lies between these, so bisect.
    alone = 2 * special.stdtr(freedoms[variances > 0], -abs(value) / np.sqrt(variances.sum()))
    low, high = np.log(np.clip([alone.min(), alone.max()], 1e-300, 1))
    while high - low > 1e-9:
        middle = (low + high) / 2
        wider = _half_width(variances, freedoms, np.exp(middle) / 2) > abs(value)
        low, high = (middle, high) if wider else (low, middle)
    return float(np.exp(high))


def metric_interval(model: Replicates, column: int, level: float, least: float = 0) -> tuple[float, float]:
    """Interval of one metric of one model.

    Parameters
    ----------
    model : Replicates
    column : int
        Which metric, as an index into `metrics.METRICS`.
    level : float
        Of the interval.
    least : float
        The least value that the metric can have; the largest is 1. With -1, for a correlation, the interval is that of
        Fisher's z (1915).

    Returns
    -------
    low, high : float
        Symmetric on the logit scale of the way from `least` to 1; where the value is `least` or 1, on the plain scale,
        cut to these. NaN where a class has a single block.
    """
    wide = 1 - least
    value = (float(model.value[column]) - least) / wide
    half = half_width(
        [(float(model.rows[:, column].var()), model.n_block - 1), (float(model.seeds[column]), model.n_seed - 1)], level
    )
    half /= wide
    if 0 < value < 1:
        low, high = special.expit(special.logit(value) + np.array([-1, 1]) * half / (value * (1 - value)))
    else:
        low, high = np.clip([value - half, value + half], 0, 1)
    return float(low) * wide + least, float(high) * wide + least


def difference(
    first: Replicates, second: Replicates, level: float, shared_seeds: float | None = None
) -> tuple[float, float, float]:
    """AUROC of one model minus that of another, with its paired interval.

    Parameters
    ----------
    first, second : Replicates
        On the same `Draws` of the same test sequences.
    level : float
        Of the interval.
    shared_seeds : float, optional
        Variance of the difference between training seeds that both models share, from `shared_seeds`; `second` has all
        of these seeds. Default: the seeds of the two models are independent.

    Returns
    -------
    value, low, high : float
        The ends are cut to -1 to 1, and NaN where a class has a single block.
    """
    value, parts = _summed((1, -1), (first, second))
    return _interval(value, parts if shared_seeds is None else [parts[0], (shared_seeds, second.n_seed - 1)], level)


def weighted_sum(weights: Sequence[float], models: Sequence[Replicates], level: float) -> tuple[float, float, float]:
    """A weighted sum of the AUROCs of several models, with its paired interval; of two models, a `difference`.

    Parameters
    ----------
    weights : sequence of float
        One per model.
    models : sequence of Replicates
        On the same `Draws` of the same test sequences, with independent seeds.
    level : float
        Of the interval.

    Returns
    -------
    value, low, high : float
        As of `difference`; 0 where all weights are 0.
    """
    return _interval(*_summed(weights, models), level)


def shared_seeds(first: np.ndarray, second: np.ndarray, labels: np.ndarray) -> float:
    """Variance between training seeds of the difference of two AUROCs, by the jackknife.

    A seed is left out of both models at once, since they share their seeds.

    Parameters
    ----------
    first : (S, N) or (1, N) float
        Logits; (1, N) is a score without seeds.
    second : (S, N) float
    labels : (N,) 0/1

    Returns
    -------
    float
        0 with one seed.
    """
    n = len(second)
    if n < 2:
        return 0.0
    first = np.broadcast_to(first, second.shape)
    means = [[np.delete(scores, i, 0).mean(0) for scores in (first, second)] for i in range(n)]
    left = [np.subtract(*(metrics.measure(labels, mean)[0] for mean in pair)) for pair in means]
    return float((n - 1) * np.var(left))


def difference_p(first: Replicates, second: Replicates) -> float:
    """Two-sided p-value of the hypothesis that two models have the same AUROC.

    Parameters
    ----------
    first, second : Replicates
        On the same `Draws` of the same test sequences.

    Returns
    -------
    float
        From the same variances as the interval of `difference`; NaN as in `p_of`.
    """
    return p_of(*_summed((1, -1), (first, second)))


def _summed(weights: Sequence[float], models: Sequence[Replicates]) -> tuple[float, list[tuple[float, int]]]:
    # The weighted sum of AUROCs, and its variance in two parts: test sequences and training seeds.
    used = [(w, model) for w, model in zip(weights, models, strict=True) if w]
    rows = float(np.var(sum(w * model.rows[:, 0] for w, model in used))) if used else 0.0
    seeds = float(sum(w**2 * model.seeds[0] for w, model in used))
    parts = [(rows, models[0].n_block - 1), (seeds, sum(model.n_seed - 1 for _, model in used))]
    return float(sum(w * model.value[0] for w, model in used)), parts


def _interval(value: float, parts: Sequence[tuple[float, int]], level: float) -> tuple[float, float, float]:
    half = half_width(parts, level)
    low, high = np.clip([value - half, value + half], -1, 1)
    return value, float(low), float(high)
