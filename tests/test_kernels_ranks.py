import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from tfbind.kernels import ranks


def oracle(labels, scores):
    """The metrics of repeated rows, by scikit-learn."""
    precision, recall, _ = precision_recall_curve(labels, scores)
    return [
        roc_auc_score(labels, scores),
        average_precision_score(labels, scores),
        recall[precision >= 0.9].max(),
        recall[precision >= 0.5].max(),
    ]


@pytest.mark.parametrize("decimals", [0, 1, 8])  # many ties, some, none
def test_weights_equal_repeated_rows(decimals):
    rng = np.random.default_rng(1)
    labels = rng.permutation(np.repeat([1, 0], [40, 70]))
    scores = np.round(rng.normal(size=110) + labels, decimals)
    codes = np.where(labels == 1, rng.integers(6, size=110), 6 + rng.integers(9, size=110)).astype(np.int32)
    counts = rng.integers(4, size=(30, 15)).astype(np.uint16)
    counts[:, [0, 6]] += 1
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    result = ranks.resampled(codes[order], last, counts, 6)
    for row, count in zip(result, counts, strict=True):
        rows = np.repeat(np.arange(110), count[codes])
        assert row == pytest.approx(oracle(labels[rows], scores[rows]), abs=1e-12)
