"""Models fitted on the bins of the cell-type task; X has one line per 200-bp bin, and the columns of `features`.

All follow scikit-learn: `fit(X, y)` and `decision_function(X)`. A method may have several candidates (`build`); `fit`
chooses one of them on a cell and on chromosomes that the candidates were not fitted on.

The models follow the ENCODE-DREAM challenge: the organisers' baseline, the winning entry of Keilwagen, Posch and Grau
(2019, Genome Biology 20:9; their program is Catchitt), and the trees of Anchor (Li, Quang and Guan 2019, Genome
Research 29:281). They differ from the originals in that each bin has features of its own; see docs/celltype.md.
"""

import re
from collections.abc import Sequence

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import average_precision_score
from sklearn.utils.validation import check_is_fitted

from tfbind.errors import NotEstimable
from tfbind.seeding import generator

_ROWS = 65536


class _Binary(ClassifierMixin, BaseEstimator):
    """Checks that there are two classes, and standardises the columns."""

    def _start(self, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        X, y = np.asarray(X), np.asarray(y)
        if set(np.unique(y)) != {0, 1}:
            raise NotEstimable("training needs bound and unbound bins")
        self.classes_ = np.array([0, 1])
        self.n_features_in_ = X.shape[1]
        return X, y

    def _scale(self, X: np.ndarray, weight: np.ndarray | None = None) -> None:
        mean = np.average(X, axis=0, weights=weight)
        scale = np.sqrt(np.average((X - mean.astype(X.dtype)) ** 2, axis=0, weights=weight))
        self.mean_ = mean.astype(np.float32)
        self.scale_ = np.where(scale > 1e-6, scale, 1).astype(np.float32)

    def _standard(self, X: np.ndarray) -> np.ndarray:
        return (np.asarray(X, np.float32) - self.mean_) / self.scale_

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Class of each bin: 1 where the logit is positive, else 0.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.

        Returns
        -------
        (N,) int
        """
        return (self.decision_function(X) > 0).astype(int)


def _sample(y: np.ndarray, ratio: float, most: int, rng: np.random.Generator) -> np.ndarray:
    """Positions of a sample: bound bins and at most `ratio` unbound ones per bound bin, about `most` in all; sorted."""
    bound, unbound = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    if len(bound) * (1 + ratio) > most:
        bound = rng.choice(bound, max(1, int(most / (1 + ratio))), replace=False)
    wanted = int(ratio * len(bound))
    if wanted < len(unbound):
        unbound = rng.choice(unbound, wanted, replace=False)
    return np.sort(np.concatenate([bound, unbound]))


class Column(BaseEstimator):
    """One feature used as the score, e.g. the accessibility of a bin; a trained model must score better than this.

    Parameters
    ----------
    column : int
        Position of the feature in X.
    """

    def __init__(self, column: int):
        self.column = column

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Do nothing: this score has no parameters to learn.

        Parameters
        ----------
        X : (N, P) float32
            Not used.
        y : (N,) int
            Not used.

        Returns
        -------
        Column
            Itself.
        """
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Values of the feature, as the score of each bin.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.

        Returns
        -------
        (N,) float32
            Not a logit: the feature in its own unit.
        """
        return X[:, self.column]


class Organisers(_Binary):
    """The organisers' baseline: logistic regression by stochastic gradient on motif scores and accessibility.

    Bins outside the peaks of accessibility are neither used for training nor scored: their logit is minus infinity.
    Features are standardised, which the organisers' own code leaves out.

    Parameters
    ----------
    columns : sequence of int
        Positions of the features: mean, maximum and quantiles of the motif's scores, and the mean accessibility.
    gate : int, optional
        Position of the feature that is above 0 inside a peak of accessibility; without one all bins are scored.
    seed : int
        Sets the order in which bins are visited.
    """

    def __init__(self, columns: Sequence[int], gate: int | None = None, seed: int = 0):
        self.columns = columns
        self.gate = gate
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Fit on the bins inside peaks of accessibility, with equal weight for both classes.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.
        y : (N,) int
            1 for a bound bin, 0 for an unbound one.

        Returns
        -------
        Organisers
            Itself, fitted.

        Raises
        ------
        NotEstimable
            If a class is missing, among all bins or inside the peaks of accessibility.
        """
        X, y = self._start(X, y)
        rows = np.arange(len(X)) if self.gate is None else np.flatnonzero(X[:, self.gate] > 0)
        if len(np.unique(y[rows])) < 2:
            raise NotEstimable("no bound or no unbound bin lies in a peak of accessibility")
        X = X[rows][:, list(self.columns)]
        self._scale(X)
        regression = SGDClassifier(loss="log_loss", class_weight="balanced", average=True, random_state=self.seed)
        regression.fit(self._standard(X), y[rows])
        self.coef_, self.intercept_ = regression.coef_[0], float(regression.intercept_[0])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Logit that each bin is bound.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.

        Returns
        -------
        (N,) float32
            Minus infinity outside the peaks of accessibility, where a `gate` was given.
        """
        check_is_fitted(self, "coef_")
        logits = self._standard(X[:, list(self.columns)]) @ self.coef_ + self.intercept_
        return logits if self.gate is None else np.where(X[:, self.gate] > 0, logits, -np.inf)


class Catchitt(_Binary):
    """Logistic regression on features and their squares, trained in rounds on negatives that are hard to classify.

    Two classes of independent normal features, fitted by maximum conditional likelihood, are such a regression. The
    first negatives are two samples of unbound bins: a uniform one (ten per positive), and one whose accessibility is
    distributed as that of the positives, weighted by the inverse of its sampling rate. After each round, unbound bins
    that the mean of the models so far scores like bound ones are added with weight 1. The logit is that of the mean
    probability over the rounds.

    Parameters
    ----------
    match : int
        Position of the accessibility that negatives are matched in (the median).
    columns : sequence of int, optional
        Positions of the features; all by default.
    rounds : int
        Number of models.
    strength : float
        scikit-learn's C of a regression on standardised columns: a large value is a weak penalty.
    seed : int
        Seed for drawing the first negatives.

    Attributes
    ----------
    coef_ : (rounds, 2 C) float64
        Weights of the C standardised columns, then of their squares.
    intercept_ : (rounds,) float64
        Intercept of each model.
    n_negatives_ : list of int
        Number of negatives in each round.
    """

    def __init__(
        self,
        match: int,
        columns: Sequence[int] | None = None,
        rounds: int = 5,
        strength: float = 0.1,
        seed: int = 0,
    ):
        self.match = match
        self.columns = columns
        self.rounds = rounds
        self.strength = strength
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Fit `rounds` models; any unbound bin may become a hard negative.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.
        y : (N,) int
            1 for a bound bin, 0 for an unbound one.

        Returns
        -------
        Catchitt
            Itself, fitted.

        Raises
        ------
        NotEstimable
            If a class is missing.
        """
        X, y = self._start(X, y)
        bound, unbound = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
        weight = self._first(X[bound, self.match], X[unbound, self.match])  # (unbound,); 0 where not drawn
        used = np.concatenate([np.ones(len(bound)), weight])
        order = np.concatenate([bound, unbound])
        self._scale(self._taken(X)[order[used > 0]], used[used > 0])
        self.coef_, self.intercept_, self.n_negatives_ = np.empty((0, 2 * len(self.mean_))), np.empty(0), []
        regression = LogisticRegression(C=self.strength, warm_start=True, max_iter=2000)
        for number in range(self.rounds):
            chosen = np.flatnonzero(weight > 0)
            rows = np.concatenate([bound, unbound[chosen]])
            regression.fit(self._squared(X[rows]), y[rows], np.concatenate([np.ones(len(bound)), weight[chosen]]))
            self.n_negatives_.append(len(chosen))
            self.coef_ = np.concatenate([self.coef_, regression.coef_])
            self.intercept_ = np.append(self.intercept_, regression.intercept_)
            if number + 1 < self.rounds:
                scores = self.decision_function(X)
                weight = self._harder(weight, scores[bound], scores[unbound])
        return self

    def _first(self, bound: np.ndarray, unbound: np.ndarray) -> np.ndarray:
        """Weights (unbound,) of the first negatives, from the accessibility of both classes; 0 where not drawn."""
        rng = generator(self.seed, "catchitt")
        share = min(1.0, 10 * len(bound) / len(unbound))
        weight = (rng.random(len(unbound)) < share).astype(float)
        counts, edges = np.histogram(bound, 20)
        place = np.searchsorted(edges, unbound, "right") - 1
        place[unbound == edges[-1]] = len(counts) - 1  # a histogram includes its right edge
        inside = (place >= 0) & (place < len(counts))
        there = np.bincount(place[inside], minlength=len(counts))
        matched = np.minimum(1, 4 * counts / np.maximum(there, 1))
        drawn = inside.copy()
        drawn[inside] = rng.random(int(inside.sum())) < matched[place[inside]]
        weight[drawn] += share / matched[place[drawn]]
        return weight

    def _harder(self, weight: np.ndarray, bound: np.ndarray, unbound: np.ndarray) -> np.ndarray:
        """Weights after adding unbound bins that score like bound ones, at most 15 % of the present total weight."""
        most = int(0.15 * weight.sum())
        if most >= len(unbound):
            ceiling = -np.inf
        else:
            ceiling = np.partition(unbound, len(unbound) - 1 - most)[len(unbound) - 1 - most]
        hard = (unbound > ceiling) & (unbound >= np.quantile(bound, 0.01))
        return np.where(hard, np.maximum(weight, 1.0), weight)

    def _taken(self, X: np.ndarray) -> np.ndarray:
        return X if self.columns is None else X[:, list(self.columns)]

    def _squared(self, X: np.ndarray) -> np.ndarray:
        X = self._standard(self._taken(X))
        return np.concatenate([X, X * X], 1)

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Logit of the mean probability over the rounds that each bin is bound.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.

        Returns
        -------
        (N,) float64
        """
        check_is_fitted(self, "coef_")
        result = np.empty(len(X))
        for start in range(0, len(X), _ROWS):
            logits = self._squared(X[start : start + _ROWS]) @ self.coef_.T.astype(np.float32) + self.intercept_
            # log(mean p) - log(mean (1 - p)), both computed as logs: p may round to 0 or 1
            result[start : start + _ROWS] = _log_mean(-np.logaddexp(0, -logits)) - _log_mean(-np.logaddexp(0, logits))
        return result


def _log_mean(values: np.ndarray) -> np.ndarray:
    return np.logaddexp.reduce(values, axis=1) - np.log(values.shape[1])


class ElasticNet(_Binary):
    """Logistic regression with L1 and L2 penalties on all features.

    Parameters
    ----------
    strength : float
        scikit-learn's C: a large value is a weak penalty.
    share : float
        Share of the L1 penalty.
    ratio : float
        Unbound bins per bound bin: at most this many are drawn, by `seed`.
    most : int
        About the largest number of bins to fit on.
    seed : int
        Seed of the sample and of the solver.
    """

    def __init__(
        self, strength: float = 0.1, share: float = 0.5, ratio: float = 10, most: int = 200_000, seed: int = 0
    ):
        self.strength = strength
        self.share = share
        self.ratio = ratio
        self.most = most
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Fit on a sample of the bins.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.
        y : (N,) int
            1 for a bound bin, 0 for an unbound one.

        Returns
        -------
        ElasticNet
            Itself, fitted.

        Raises
        ------
        NotEstimable
            If a class is missing.
        """
        X, y = self._start(X, y)
        rows = _sample(y, self.ratio, self.most, generator(self.seed, "elastic net"))
        self._scale(X[rows])
        regression = LogisticRegression(
            solver="saga", C=self.strength, l1_ratio=self.share, max_iter=1000, tol=5e-3, random_state=self.seed
        )
        regression.fit(self._standard(X[rows]), y[rows])
        self.coef_, self.intercept_ = regression.coef_[0], float(regression.intercept_[0])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Logit that each bin is bound.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.

        Returns
        -------
        (N,) float32
        """
        check_is_fitted(self, "coef_")
        return self._standard(X) @ self.coef_ + self.intercept_


class Boosting(_Binary):
    """Gradient-boosted histogram trees on all features.

    Parameters
    ----------
    rounds : int
        Number of trees.
    depth : int
        Largest depth of a tree.
    rate : float
        Learning rate.
    ratio : float
        Unbound bins per bound bin: at most this many are drawn, by `seed`.
    most : int
        About the largest number of bins to fit on.
    seed : int
        Seed of the sample and of the trees.
    """

    def __init__(
        self,
        rounds: int = 200,
        depth: int = 7,
        rate: float = 0.1,
        ratio: float = 50,
        most: int = 1_000_000,
        seed: int = 0,
    ):
        self.rounds = rounds
        self.depth = depth
        self.rate = rate
        self.ratio = ratio
        self.most = most
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray):
        """Grow the trees on a sample of the bins.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.
        y : (N,) int
            1 for a bound bin, 0 for an unbound one.

        Returns
        -------
        Boosting
            Itself, fitted.

        Raises
        ------
        NotEstimable
            If a class is missing.
        """
        X, y = self._start(X, y)
        rows = _sample(y, self.ratio, self.most, generator(self.seed, "boosting"))
        self.trees_ = HistGradientBoostingClassifier(
            learning_rate=self.rate,
            max_iter=self.rounds,
            max_depth=self.depth,
            max_leaf_nodes=None,
            early_stopping=False,
            random_state=self.seed,
        )
        self.trees_.fit(X[rows], y[rows])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Logit that each bin is bound.

        Parameters
        ----------
        X : (N, P) float32
            Features of the bins.

        Returns
        -------
        (N,) float64
        """
        check_is_fitted(self, "trees_")
        return self.trees_.decision_function(X)


#: Features of the organisers' baseline; then those of Catchitt: for every motif, of the bin and of its neighbours.
_ORGANISERS = (
    *("motif_mean", "motif_max", "motif_q99", "motif_q95", "motif_q90", "motif_q75", "motif_q50"),
    "accessibility_mean",
)
_OF_BIN = re.compile(r"motif\d*_(max|lse)|accessibility_(mean|median)")
_OF_NEIGHBOURS = re.compile(
    r"motif\d*_flank_(max|lse)|accessibility_(min|max|(before|after)_(min|max)|mean_[+-](50|150))"
)


def build(names: Sequence[str], seed: int) -> dict[str, list[BaseEstimator]]:
    """Candidates of every method, by its name in the tables; `fit` chooses among them.

    Parameters
    ----------
    names : sequence of str
        Names of the features, as `features.names` gives them. They must include those of a motif and of accessibility.
    seed : int
        Seed of all candidates.

    Returns
    -------
    dict of str to list of estimators
        Unfitted. Methods with one candidate have nothing to choose.
    """
    place = {name: i for i, name in enumerate(names)}
    near = [i for name, i in place.items() if _OF_BIN.fullmatch(name)]
    wide = near + [i for name, i in place.items() if _OF_NEIGHBOURS.fullmatch(name)]
    organisers = [place[name] for name in _ORGANISERS]
    return {
        "accessibility": [Column(place["accessibility_mean"])],
        "motif": [Column(place["motif_max"])],
        "organisers": [Organisers(organisers, place.get("accessibility_in_peak"), seed)],
        "catchitt": [Catchitt(place["accessibility_median"], columns, seed=seed) for columns in (near, wide)],
        "elastic_net": [
            ElasticNet(strength, share, seed=seed) for strength in (0.01, 0.1, 1.0) for share in (0.2, 0.8)
        ],
        "boosting": [Boosting(rounds, seed=seed) for rounds in (50, 200)],
    }


def reads(candidates: Sequence[BaseEstimator], names: Sequence[str]) -> set[str]:
    """Which features the candidates of a method use; all of them where a candidate does not say.

    Parameters
    ----------
    candidates : sequence of estimators
        Candidates of one method, as `build` gives them.
    names : sequence of str
        Names of all features, in the order of the columns of X.

    Returns
    -------
    set of str
    """
    found: set[str] = set()
    for candidate in candidates:
        if hasattr(candidate, "reads"):
            found |= set(candidate.reads(names))
            continue
        about = candidate.get_params()
        columns = about["columns"] if about.get("columns") is not None else range(len(names))
        columns = [about["column"]] if "column" in about else columns
        found |= {names[i] for i in (*columns, about.get("gate"), about.get("match")) if i is not None}
    return found


def fit(
    candidates: Sequence[BaseEstimator],
    X: np.ndarray,
    y: np.ndarray,
    weight: np.ndarray,
    first: np.ndarray,
    apart: np.ndarray,
) -> BaseEstimator:
    """Fit the candidates on some bins, choose one on other bins, and fit that one on all of them.

    Parameters
    ----------
    candidates : sequence of estimators
        At least one; with one alone nothing is chosen.
    X : (N, P) float32
        Features of the bins.
    y : (N,) int
        1 for a bound bin, 0 for an unbound one.
    weight : (N,) float64
        How many bins of the genome each bin of X stands for; used for the choice only.
    first : (N,) bool
        Bins that the candidates are fitted on before the choice.
    apart : (N,) bool
        Bins used to choose: the candidate with the highest area under the precision-recall curve is taken. If they lack
        a class, the middle candidate is.

    Returns
    -------
    estimator
        Fitted on all bins.

    Raises
    ------
    NotEstimable
        If a class is missing among the bins that a candidate is fitted on.
    """
    chosen = candidates[len(candidates) // 2]
    if len(candidates) > 1 and len(np.unique(y[apart])) == len(np.unique(y[first])) == 2:
        values = []
        for candidate in candidates:
            scores = clone(candidate).fit(X[first], y[first]).decision_function(X[apart])
            values.append(average_precision_score(y[apart], scores, sample_weight=weight[apart]))
        chosen = candidates[int(np.argmax(values))]
    return clone(chosen).fit(X, y)
