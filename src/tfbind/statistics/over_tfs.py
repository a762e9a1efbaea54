"""Mean drops over TFs, their intervals and their signed-rank tests."""

import numpy as np
import pandas as pd
from scipy import special

from tfbind.statistics.metrics import mid_ranks

#: The `tf` of table rows that are about all TFs.
EVERY_TF = "all TFs"


def _spread(low: pd.Series, high: pd.Series, level: float) -> pd.Series:
    # The standard error of which a normal interval has this width.
    return (high - low) / (-2 * special.ndtri((1 - level) / 2))


def _per_tf(transfer: pd.DataFrame, level: float) -> pd.DataFrame:
    # Pairs of one TF share test sequences and models, so their errors do not average out: the standard error of their
    # mean is at most the mean of their standard errors, which is used. If one pair has no interval, the mean has none.
    table = transfer.assign(spread=_spread(transfer["low"], transfer["high"], level))
    return table.groupby("tf", sort=False)[["same", "cross", "drop", "low", "high", "spread"]].mean(skipna=False)


def wilcoxon(drops: np.ndarray) -> float:
    """Exact two-sided p-value of Wilcoxon's signed-rank test (1945) that drops centre on zero.

    Parameters
    ----------
    drops : (n,) float
        One per TF. Zeros are ranked with the rest and count half on either side.

    Returns
    -------
    float
        1 without any drop other than zero; NaN where a drop is NaN.
    """
    drops = np.asarray(drops, float)
    if np.isnan(drops).any():
        return float("nan")
    known = drops != 0
    # Twice a mid-rank is a whole number even with ties. A zero adds the same to both sides, so it is left out.
    ranks = (2 * mid_ranks(np.abs(drops))).astype(int)[known]
    above = ranks[drops[known] > 0].sum()
    less = min(above, ranks.sum() - above)
    chances = np.zeros(less + 1)  # of each rank sum on one side, where each rank lies with probability one half
    chances[0] = 1
    for rank in ranks:
        chances[rank:] += chances[: max(0, less + 1 - rank)]
        chances /= 2
    return float(min(1, 2 * chances.sum()))


def p_minimum(drops: np.ndarray) -> float:
    """The smallest p-value that `wilcoxon` can give for so many drops, whatever their signs.

    Parameters
    ----------
    drops : (n,) float
        One per TF. A drop of exactly zero has no sign and is not counted: for 0, 0 and 0.1 the result is 1.

    Returns
    -------
    float
        0.25 with three TFs, 0.03 with six. NaN without drops, or where one is NaN.
    """
    drops = np.asarray(drops, float)
    if not len(drops) or np.isnan(drops).any():
        return float("nan")
    return float(min(1, 2.0 ** (1 - np.count_nonzero(drops))))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (Holm 1979) of one family of tests.

    Parameters
    ----------
    p_values : (n,) float
        NaN for a test that was not made; it does not count in the family.

    Returns
    -------
    (n,) float64
        At most 1, in the order given; NaN stays NaN.
    """
    p_values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = np.full(len(p_values), np.nan)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def mean_over_tfs(transfer: pd.DataFrame, level: float) -> dict[str, float]:
    """Mean drop of the TFs in `transfer`, with its interval and p-value.

    Several pairs of one TF are averaged first. The interval is Student's t over the TFs, whose spread already includes
    the uncertainty of each TF. It is never narrower than the normal interval that this uncertainty alone gives, so that
    a few drops that agree by chance do not look certain. With one TF, the interval is that TF's own.

    Parameters
    ----------
    transfer : DataFrame
        Columns `tf, same, cross, drop, low, high`: rows of one model, kind of negatives and shift. Rows without a drop
        are left out.
    level : float
        Of the intervals, both those in `transfer` and the result.

    Returns
    -------
    dict of str to float
        `n_tf`, `same`, `cross`, `drop`, `low`, `high`, `p_value`, `p_minimum`; only `n_tf` (0) where no drop was
        estimable. `low` and `high` are NaN where any pair has no interval.
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
        within = -special.ndtri(tail) * np.sqrt(np.mean(tfs["spread"].to_numpy() ** 2))  # NaN if any spread is NaN
        between = -special.stdtrit(n - 1, tail) * float(tfs["drop"].std())
        half = np.maximum(between, within) / np.sqrt(n)
        low, high = means["drop"] - half, means["drop"] + half
    drops = tfs["drop"].to_numpy()
    about = {"p_value": wilcoxon(drops), "p_minimum": p_minimum(drops)}
    return {"n_tf": n, **means, "low": low, "high": high} | about


def within_tf(transfer: pd.DataFrame) -> pd.DataFrame:
    """The rows whose source and target are of the same TF.

    Parameters
    ----------
    transfer : DataFrame
        With column `tf`, which is ``A>B`` for an extra pair of two TFs.

    Returns
    -------
    DataFrame
        `transfer` without the extra pairs.
    """
    return transfer[~transfer["tf"].astype(str).str.contains(">", regex=False)]
