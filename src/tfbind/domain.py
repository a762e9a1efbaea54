"""What a model was trained on and what its logits mean, stored with it, so that a score can be judged later."""

from collections.abc import Mapping

import numpy as np

from tfbind import dna
from tfbind.splits import generator

#: Between these quantiles of the training rows a sequence is like them.
QUANTILES = (0.001, 0.999)


def probes(length: int) -> list[str]:
    """Eight fixed random sequences by which a stored model is known again, three longer, one with an unknown base."""
    rng = generator("probes", length)
    tokens = rng.integers(0, 4, (8, 2 * length)).astype(np.uint8)
    sizes = np.array([length] * 5 + [length + 1, length + length // 2, 2 * length])
    tokens[np.arange(2 * length) >= sizes[:, None]] = dna.UNKNOWN
    tokens[4, length // 2] = dna.UNKNOWN
    return dna.decode(tokens, sizes)


def describe(tokens: np.ndarray) -> dict:
    """The range of the length in bp and of the share of G and C of ``(N, L)`` training tokens, between `QUANTILES`."""
    sizes, gc = dna.lengths(tokens), dna.gc(tokens)
    low, high = QUANTILES
    return {
        name: [float(np.quantile(v, low, method="lower")), float(np.quantile(v, high, method="higher"))]
        for name, v in (("length", sizes), ("gc", gc))
    }


def outside(tokens: np.ndarray, known: Mapping) -> np.ndarray:
    """In what each row of ``(N, L)`` tokens leaves the range of the training rows: (N,) str.

    `length`, `composition`, both with a comma between them, or nothing.
    """
    words = np.full(len(tokens), "", object)
    for name, values, word in (("length", dna.lengths(tokens), "length"), ("gc", dna.gc(tokens), "composition")):
        low, high = known[name]
        for row in np.flatnonzero((values < low) | (values > high)):
            words[row] += f",{word}" if words[row] else word
    return words


def calibrate(labels: np.ndarray, logits: np.ndarray) -> dict | None:
    """Platt's logistic curve (1999, with his targets) from logits to the probability of being bound.

    It holds for the ratio of bound to unbound among these rows.

    Parameters
    ----------
    labels : (N,) 0 or 1
    logits : (N,) float

    Returns
    -------
    dict
        `slope` (at least 0), `intercept`, and the rows behind them, `n_positive` and `n_negative`; None without rows of
        both classes.
    """
    bound = np.asarray(labels) == 1
    logits = np.asarray(logits, np.float64)
    counts = {"n_positive": int(bound.sum()), "n_negative": int((~bound).sum())}
    if not min(counts.values()):
        return None
    wanted = np.where(bound, (counts["n_positive"] + 1) / (counts["n_positive"] + 2), 1 / (counts["n_negative"] + 2))

    from scipy.optimize import minimize  # it loads for those who fit

    def loss(curve):
        x = curve[0] * logits + curve[1]
        slack = _sigmoid(x) - wanted
        return (np.logaddexp(0, x) - wanted * x).mean(), np.array([(slack * logits).mean(), slack.mean()])

    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0, None), (None, None)])
    return {"slope": float(found.x[0]), "intercept": float(found.x[1]), **counts}


def probability(logits: np.ndarray, curve: Mapping) -> np.ndarray:
    """Probability of being bound, (N,) float64, by a curve of `calibrate`."""
    return _sigmoid(curve["slope"] * np.asarray(logits, np.float64) + curve["intercept"])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(x / 2))
