"""Metrics of scores on labelled rows, and the variance of AUROC after DeLong."""

import numpy as np
from scipy import special

from tfbind.errors import NotEstimable
from tfbind.kernels import ranks

CURVE_POINTS = 60
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
