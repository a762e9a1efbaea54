"""Means over TFs, their intervals and their signed-rank tests."""

import numpy as np
import pandas as pd
from scipy import special

from tfbind.statistics.metrics import mid_ranks

#: The `tf` of a verdict over all TFs.
EVERY_TF = "all TFs"


def _spread(low: pd.Series, high: pd.Series, level: float) -> pd.Series:
    return (high - low) / (-2 * special.ndtri((1 - level) / 2))


def _per_tf(transfer: pd.DataFrame, level: float) -> pd.DataFrame:
    # Pairs of one TF share test rows and models, so their errors do not average out: the mean spread bounds
    # that of their mean. Where one pair has no interval, neither has the mean over the pairs.
    table = transfer.assign(spread=_spread(transfer["low"], transfer["high"], level))
    return table.groupby("tf", sort=False)[["same", "cross", "drop", "low", "high", "spread"]].mean(skipna=False)


def wilcoxon(drops: np.ndarray) -> float:
    """Exact two-sided p of Wilcoxon's signed-rank test that drops (n,) centre on zero; zeros are split; NaN stays."""
    drops = np.asarray(drops, float)
    if np.isnan(drops).any():
        return float("nan")
    known = drops != 0
    # Twice a mid-rank is a whole number, with ties too; a zero, half on either side, tells the sides not apart.
    ranks = (2 * mid_ranks(np.abs(drops))).astype(int)[known]
    above = ranks[drops[known] > 0].sum()
    less = min(above, ranks.sum() - above)
    chances = np.zeros(less + 1)  # of each sum of the ranks on one side, each rank there or not with one half
    chances[0] = 1
    for rank in ranks:
        chances[rank:] += chances[: max(0, less + 1 - rank)]
        chances /= 2
    return float(min(1, 2 * chances.sum()))


def p_minimum(drops: np.ndarray) -> float:
    """The smallest p that `wilcoxon` can reach with drops (n,) of these sizes, whatever their signs.

    0.25 with three TFs, 0.03 with six. A drop of exactly zero has no sign and counts as no TF: of 0, 0 and 0.1 it is 1.
    NaN without drops, or where one is NaN.
    """
    drops = np.asarray(drops, float)
    if not len(drops) or np.isnan(drops).any():
        return float("nan")
    return float(min(1, 2.0 ** (1 - np.count_nonzero(drops))))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (Holm 1979) of one family (n,); NaN stays NaN and is not counted."""
    p_values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = np.full(len(p_values), np.nan)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def mean_over_tfs(transfer: pd.DataFrame, level: float) -> dict[str, float]:
    """Mean drop of the TFs in `transfer`, with its interval and p.

    Several pairs of one TF are averaged first. The interval is Student's t over the TFs, whose spread
    already holds each TF's own uncertainty; it is never narrower than the interval at the same level that this
    uncertainty alone gives (normal), so that a few drops equal by chance are not taken for certainty. Where one
    pair has no interval there is none. One TF keeps its own interval.

    Parameters
    ----------
    transfer : DataFrame
        Rows of one model, kind of negatives and shift.
    level : float

    Returns
    -------
    dict
        `n_tf`, `same`, `cross`, `drop`, `low`, `high`, `p_value`, `p_minimum`; `n_tf` alone where no drop was
        estimable.
    """
    tfs = _per_tf(transfer[transfer["drop"].notna()], level)
    n = len(tfs)
    if n == 0:
        return {"n_tf": 0}
    means = tfs[["same", "cross", "drop"]].mean().to_dict()
    if n == 1:
        low, high = tfs["low"].iloc[0], tfs["high"].iloc[0]
    else:
        tail = (1 - level) / 2
        within = -special.ndtri(tail) * np.sqrt(np.mean(tfs["spread"].to_numpy() ** 2))  # NaN where a spread is
        between = -special.stdtrit(n - 1, tail) * float(tfs["drop"].std())
        half = np.maximum(between, within) / np.sqrt(n)
        low, high = means["drop"] - half, means["drop"] + half
    drops = tfs["drop"].to_numpy()
    about = {"p_value": wilcoxon(drops), "p_minimum": p_minimum(drops)}
    return {"n_tf": n, **means, "low": low, "high": high} | about


def within_tf(transfer: pd.DataFrame) -> pd.DataFrame:
    """The rows of source and target of the same TF, without extra pairs."""
    return transfer[~transfer["tf"].astype(str).str.contains(">", regex=False)]
