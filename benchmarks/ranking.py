"""Metrics of many scores."""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.race import Side, case
from tfbind.statistics.metrics import measure


@case("AUROC, AUPRC and both recalls of a million scores", "scikit-learn's AUROC and AUPRC", 7)
def metrics():
    """Simulated scores with ties, one bound row in five; equal to 1e-12."""
    rng = np.random.default_rng(0)
    labels = (rng.random(1_000_000) < 0.2).astype(np.int8)
    scores = np.round(rng.normal(size=len(labels)) + labels, 5)

    def peer() -> tuple[float, float]:
        return roc_auc_score(labels, scores), average_precision_score(labels, scores)

    np.testing.assert_allclose(measure(labels, scores)[:2], peer(), rtol=0, atol=1e-12)
    return Side(lambda: measure(labels, scores)), Side(peer)
