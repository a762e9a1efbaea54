"""Platt scaling: logits to calibrated probabilities."""

from collections.abc import Mapping

import numpy as np


def calibrate(labels: np.ndarray, logits: np.ndarray) -> dict | None:
    """Fit the logistic curve from logits to the probability of being a positive (Platt 1999, with his targets).

    The curve holds for the ratio of positives to negatives among these sequences.

    Parameters
    ----------
    labels : (N,) int
        1 positive, 0 negative.
    logits : (N,) float

    Returns
    -------
    dict or None
        `slope` (at least 0), `intercept`, and the numbers of sequences behind them, `n_positive` and `n_negative`; None
        without sequences of both classes.
    """
    positive = np.asarray(labels) == 1
    counts = {"n_positive": int(positive.sum()), "n_negative": int((~positive).sum())}
    if not min(counts.values()):
        return None
    slope, intercept = fit(positive, np.asarray(logits, np.float64))
    return {"slope": slope, "intercept": intercept, **counts}


def fit(labels: np.ndarray, logits: np.ndarray, bias: bool = True, flattest: float = 0.0) -> tuple[float, float]:
    """Slope and bias that make ``slope * logits + bias`` the most likely log odds, by Newton's method.

    Labels are Platt's (1999): with P positives and N negatives, a positive counts as (P + 1) / (P + 2) and a negative
    as 1 / (N + 2), so that there is always one finite optimum.

    Parameters
    ----------
    labels : (N,) 0/1
    logits : (N,) float64
    bias : bool
        Whether a bias is fitted; otherwise it is 0.
    flattest : float
        A smaller slope is set to it, and the bias fitted again.

    Returns
    -------
    slope, bias : float
        `slope` is 1 / temperature.
    """
    positive = np.asarray(labels) == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    wanted = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    scale = max(float(np.abs(logits).max(initial=0)), 1e-12)
    columns = np.stack([logits / scale, np.ones(len(logits))], 1)  # (N, 2)
    found = _newton(columns[:, : 1 + bias], wanted, 0)
    slope, rest = float(found[0] / scale), float(found[1]) if bias else 0.0
    if slope < flattest:
        slope = flattest
        rest = float(_newton(columns[:, 1:], wanted, slope * logits)[0]) if bias else 0.0
    return slope, rest


def _newton(design: np.ndarray, wanted: np.ndarray, given: np.ndarray | int) -> np.ndarray:
    # The weights (K,) of the columns (N, K) that make ``given + design @ weights`` the most likely log odds.
    def loss(weights: np.ndarray) -> float:
        z = given + design @ weights
        return float(np.sum(np.logaddexp(0, z) - wanted * z))

    weights = np.zeros(design.shape[1])
    for _ in range(100):
        p = sigmoid(given + design @ weights)
        gradient = design.T @ (p - wanted)
        step = np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(len(weights)), gradient)
        while loss(weights - step) > loss(weights) and np.abs(step).max() > 1e-10:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() < 1e-8:
            break
    return weights


def probability(logits: np.ndarray, curve: Mapping) -> np.ndarray:
    """Probability of being a positive, by a curve of `calibrate`.

    Parameters
    ----------
    logits : (N,) float
    curve : mapping
        `slope` and `intercept`.

    Returns
    -------
    (N,) float64
    """
    return sigmoid(curve["slope"] * np.asarray(logits, np.float64) + curve["intercept"])


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), for any x without a warning: `scipy.special.expit` without the import of scipy.

    Parameters
    ----------
    x : array of float64

    Returns
    -------
    array of float64
        Of the shape of `x`, from 0 to 1.
    """
    return 0.5 * (1 + np.tanh(x / 2))
