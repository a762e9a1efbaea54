"""Metrics of scores on labelled sequences, and the variance of AUROC (DeLong et al. 1988)."""

from collections.abc import Callable

import numpy as np
from scipy import special

from tfbind.errors import NotEstimable
from tfbind.kernels import ranks

CURVE_POINTS = 60
#: Over all sequences together; equal scores are one threshold. `auprc` is average precision, not interpolated. A recall
#: is the largest at any threshold whose precision is at least 90 % (10 % FDR) or 50 %; 0 where there is none.
METRICS = ("auroc", "auprc", "recall_at_10fdr", "recall_at_50fdr")
#: The auPRC that the ENCODE-DREAM challenge scored with, by PRROC (Grau, Grosse and Keilwagen 2015): interpolated after
#: Davis and Goadrich (2006), while `auprc` is average precision. For a single positive that ranks second it is 0.25,
#: and `auprc` is 0.5.
INTERPOLATED = "auprc_davis_goadrich"
#: Share of the probes of an array, the brightest ones, that `auroc_top_probes` tells from the others.
TOP = 0.01


def beyond(auroc: float, floor: float) -> float:
    """Share of the way from the composition floor to a perfect AUROC of 1.

    Parameters
    ----------
    auroc : float
        Of the model.
    floor : float
        AUROC of the composition model; one below chance counts as 0.5.

    Returns
    -------
    float
        1 for a perfect model, 0 at the floor, negative below it. 0 where the floor is 1, NaN where `auroc` is NaN.
    """
    floor = max(floor, 0.5)
    return (auroc - floor) / (1 - floor) if floor < 1 else 0.0


def measure(labels: np.ndarray, scores: np.ndarray, folds: np.ndarray | None = None) -> np.ndarray:
    """All `METRICS` of one set of scores.

    Parameters
    ----------
    labels : (N,) 0/1
    scores : (N,) float
        Higher for likelier positives.
    folds : (N,) int, optional
        Each metric then is that within folds, averaged over the positives of the folds that hold both classes.

    Returns
    -------
    (4,) float64

    Raises
    ------
    NotEstimable
        One class has no sequence.
    """
    if folds is not None:
        parts = of_folds(labels, folds)
        found = [measure(np.asarray(labels)[rows], np.asarray(scores)[rows]) for rows, _ in parts]
        return np.average(found, axis=0, weights=[weight for _, weight in parts])
    positive, scores = np.asarray(labels) == 1, np.asarray(scores)
    classes = {"positives": np.sort(scores[positive]), "negatives": np.sort(scores[~positive])}
    for name, found in classes.items():
        if not len(found):
            raise NotEstimable(f"no {name} among the test rows")
    return ranks.resampled(*ranks.merged(*classes.values()), np.ones((1, 2), np.uint16), 1)[0]


def of_folds(labels: np.ndarray, folds: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """The sequences of each fold that holds both classes, and how many of them are positives.

    Parameters
    ----------
    labels : (N,) 0/1
    folds : (N,) int

    Returns
    -------
    list of ((M,) int64, int)

    Raises
    ------
    NotEstimable
        No fold holds both classes.
    """
    positive, found = np.asarray(labels) == 1, []
    for fold in np.unique(folds):
        rows = np.flatnonzero(folds == fold)
        if 0 < positive[rows].sum() < len(rows):
            found.append((rows, int(positive[rows].sum())))
    if not found:
        raise NotEstimable("no fold holds test rows of both classes")
    return found


def within_folds(scores: np.ndarray, folds: np.ndarray | None) -> np.ndarray:
    """Scores that compare across folds, for curves: the share of its fold that a sequence is above.

    Parameters
    ----------
    scores : (N,) float
    folds : (N,) int, optional
        None leaves the scores as they are.

    Returns
    -------
    (N,) float64
    """
    if folds is None:
        return scores
    found = np.empty(len(scores))
    for fold in np.unique(folds):
        rows = folds == fold
        found[rows] = mid_ranks(scores[rows]) / rows.sum()
    return found


def mid_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks along the last axis; equal values share the mean of their ranks.

    Parameters
    ----------
    values : (..., N)
        Without NaN.

    Returns
    -------
    (..., N) float64
        From 1, for the smallest value.
    """
    ranks = np.empty(values.shape)
    for place in np.ndindex(values.shape[:-1]):
        _, group, counts = np.unique(values[place], return_inverse=True, return_counts=True)
        ranks[place] = (np.cumsum(counts) - (counts - 1) / 2)[group]
    return ranks


def delong(labels: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """AUROCs of several models on one test set, and their covariance.

    DeLong, DeLong & Clarke-Pearson 1988, by mid-ranks as in Sun & Xu 2014: O(M N log N). Sequences count as
    independent and models as fixed: neither blocks nor training seeds enter.

    Parameters
    ----------
    labels : (N,) 0/1
        At least two of each.
    scores : (M, N) float
        One line per model; (N,) is one model.

    Returns
    -------
    aucs : (M,) float64
    covariance : (M, M) float64

    Raises
    ------
    NotEstimable
        Fewer than two positives or two negatives.
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


def delong_p(labels: np.ndarray, first: np.ndarray, second: np.ndarray, folds: np.ndarray | None = None) -> float:
    """Two-sided p-value of the hypothesis that two models have the same AUROC, by DeLong's variance.

    Parameters
    ----------
    labels : (N,) 0/1
        At least two of each.
    first, second : (N,) float
        Scores of the two models.
    folds : (N,) int, optional
        The AUROCs then are those within folds, averaged as in `measure`; folds are independent.

    Returns
    -------
    float
        1 where both AUROCs are the same and their difference has no variance; NaN where they differ without variance.

    Raises
    ------
    NotEstimable
        Fewer than two positives or two negatives.
    """
    both, labels = np.stack([first, second]), np.asarray(labels)
    parts = [(slice(None), 1)] if folds is None else of_folds(labels, folds)
    total, variance, difference = sum(weight for _, weight in parts), 0.0, 0.0
    for rows, weight in parts:
        aucs, covariance = delong(labels[rows], both[:, rows])
        variance += (weight / total) ** 2 * (covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        difference += weight / total * (aucs[0] - aucs[1])
    # Identical rankings leave rounding noise in a variance that is exactly zero.
    if variance <= 1e-15:
        return 1.0 if abs(difference) < 1e-12 else float("nan")
    return float(2 * special.ndtr(-abs(difference) / np.sqrt(variance)))


def curve(labels: np.ndarray, scores: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """About `CURVE_POINTS` points of a ROC or precision-recall curve, with both ends.

    Parameters
    ----------
    labels : (N,) 0/1
        Both classes must occur.
    scores : (N,) float
        Equal scores are one threshold.
    kind : {"roc", "pr"}

    Returns
    -------
    x, y : (K,) float64
        False positive rate and recall (``roc``), or recall and precision (``pr``), from the highest threshold down.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # equal scores are one threshold
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


def top_probes(intensities: np.ndarray) -> np.ndarray:
    """The brightest probes of an array: a share of `TOP`, at least one, and all that are as bright as the last of them.

    Parameters
    ----------
    intensities : (N,) float
        On any scale.

    Returns
    -------
    (N,) bool
    """
    intensities = np.asarray(intensities)
    if not len(intensities):
        return np.zeros(0, bool)
    place = len(intensities) - max(1, round(TOP * len(intensities)))
    return intensities >= np.partition(intensities, place)[place]


def of_intensities(intensities: np.ndarray) -> Callable:
    """What `bootstrap.replicate` takes as `measure` for probes: all `INTENSITY_METRICS` of every resample.

    Which probes are the brightest is decided once, for all resamples.

    Parameters
    ----------
    intensities : (N,) float
        Of the test probes, on any scale.

    Returns
    -------
    callable
        Takes scores (N,) and `bootstrap.Draws`, gives (B, 2); NaN where a resample has no value.
    """
    places, top = _places(intensities), top_probes(intensities)

    def measure(scores: np.ndarray, draws) -> np.ndarray:
        return ranks.of_intensities(places, _places(scores), top, draws.codes, draws.counts)

    return measure


def _places(values: np.ndarray) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _once(intensities: np.ndarray, scores: np.ndarray) -> np.ndarray:
    # Both metrics of the probes as they are.
    if len(intensities) < 2:
        raise NotEstimable("fewer than two test probes have an intensity")
    codes, counts = np.zeros(len(intensities), np.int32), np.ones((1, 1), np.uint16)
    return ranks.of_intensities(_places(intensities), _places(scores), top_probes(intensities), codes, counts)[0]


def spearman(intensities: np.ndarray, scores: np.ndarray) -> float:
    """Spearman's rank correlation of intensities and scores; equal values share the mean of their ranks.

    Parameters
    ----------
    intensities : (N,) float
        Of the test probes, on any scale.
    scores : (N,) float
        Of a model.

    Returns
    -------
    float
        -1 to 1.

    Raises
    ------
    NotEstimable
        Fewer than two probes, or all intensities or all scores are one value.
    """
    value = float(_once(intensities, scores)[0])
    if np.isnan(value):
        raise NotEstimable("all test probes have one intensity, or one score: there is no order to compare")
    return value


def auroc_top_probes(intensities: np.ndarray, scores: np.ndarray) -> float:
    """AUROC with the brightest 1 % of the probes (`top_probes`) as positives and all others as negatives.

    A cut by rank, which every array has; a threshold on the intensities may leave few probes or none.

    Parameters
    ----------
    intensities : (N,) float
        Of the test probes, on any scale.
    scores : (N,) float
        Of a model.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    NotEstimable
        Fewer than two probes, or all are as bright as the brightest 1 %.
    """
    value = float(_once(intensities, scores)[1])
    if np.isnan(value):
        raise NotEstimable("all test probes are as bright as the brightest 1 %")
    return value


#: Name -> metric of intensities (N,) and scores (N,) of probes; the columns of `of_intensities` have this order.
#: `LEAST` holds the least value of each, for `bootstrap.metric_interval`.
INTENSITY_METRICS = {"spearman": spearman, "auroc_top_probes": auroc_top_probes}
LEAST = {"spearman": -1.0, "auroc_top_probes": 0.0}
