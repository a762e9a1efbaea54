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
    bound = np.asarray(labels) == 1
    logits = np.asarray(logits, np.float64)
    counts = {"n_positive": int(bound.sum()), "n_negative": int((~bound).sum())}
    if not min(counts.values()):
        return None
    wanted = np.where(bound, (counts["n_positive"] + 1) / (counts["n_positive"] + 2), 1 / (counts["n_negative"] + 2))

    from scipy.optimize import minimize  # imported only where a curve is fitted

    def loss(curve):
        x = curve[0] * logits + curve[1]
        slack = _sigmoid(x) - wanted
        return (np.logaddexp(0, x) - wanted * x).mean(), np.array([(slack * logits).mean(), slack.mean()])

    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
    return {"slope": float(found.x[0]), "intercept": float(found.x[1]), **counts}


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
    return _sigmoid(curve["slope"] * np.asarray(logits, np.float64) + curve["intercept"])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))
