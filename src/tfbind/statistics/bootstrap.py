"""Intervals and p values: rows resampled in blocks, training seeds added."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import special

from tfbind.kernels import ranks

#: Below this many blocks a class, an interval leans on its small-sample correction.
FEW_BLOCKS = 10
#: Resamples that tell how much of the seeds' jackknife is the noise of the test rows.
ENOUGH = 100
#: Power of the variances that weigh Student's t of rows and of seeds: with 1, Cochran's own, intervals of two seeds
#: are too wide, with much more they tend to Satterthwaite's, which are too narrow.
WEIGHT = 1.5


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
