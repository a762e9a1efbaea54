from fractions import Fraction
from itertools import pairwise

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


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_auroc_equals_scikit_learn(decimals):
    rng = np.random.default_rng(2)
    labels = rng.permutation(np.repeat([1, 0], [40, 70]))
    scores = np.round(rng.normal(size=110) + labels, decimals).astype(np.float32)
    found = ranks.auroc(scores[labels == 1], scores[labels == 0])
    assert found == pytest.approx(roc_auc_score(labels, scores), abs=1e-14)


def slow_interpolated(labels, scores):
    """Davis and Goadrich 2006, section 4, in fractions: all points between the thresholds, then trapezoids."""
    labels, scores = np.asarray(labels).tolist(), np.asarray(scores).tolist()
    points, (tp, fp) = [], (0, 0)
    for threshold in sorted(set(scores), reverse=True):
        here = [label for label, score in zip(labels, scores, strict=True) if score == threshold]
        up, right = sum(here), len(here) - sum(here)
        if not points and up:
            points.append((Fraction(0), Fraction(up, up + right)))
        for x in range(1, up + 1):
            points.append((Fraction(tp + x), (tp + x) / (tp + x + fp + Fraction(right, up) * x)))
        tp, fp = tp + up, fp + right
        points.append((Fraction(tp), Fraction(tp, tp + fp)))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))
    return float(area / tp)


def interpolated(labels, scores):
    labels, scores = np.asarray(labels), np.asarray(scores)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    codes = np.where(labels == 1, 0, 1).astype(np.int32)
    return ranks.interpolated(codes[order], last, np.ones((1, 2), np.uint16), 1)[0, 0]


@pytest.mark.parametrize("decimals", [0, 1, 8])
@pytest.mark.parametrize("sizes", [(5, 2000), (40, 70), (70, 40), (1, 9)])
def test_the_interpolated_curve_is_that_of_davis_and_goadrich(decimals, sizes):
    rng = np.random.default_rng(sum(sizes))
    labels = rng.permutation(np.repeat([1, 0], sizes))
    scores = np.round(rng.normal(size=sum(sizes)) + labels, decimals)
    assert interpolated(labels, scores) == pytest.approx(slow_interpolated(labels, scores), abs=1e-12)
    codes = np.where(labels == 1, rng.integers(6, size=len(labels)), 6 + rng.integers(9, size=len(labels)))
    counts = rng.integers(1, 4, size=(3, 15)).astype(np.uint16)
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    result = ranks.interpolated(codes[order].astype(np.int32), last, counts, 6)
    for (value,), count in zip(result, counts, strict=True):
        rows = np.repeat(np.arange(len(labels)), count[codes])
        assert value == pytest.approx(slow_interpolated(labels[rows], scores[rows]), abs=1e-12)


def runif(seed):
    """R's set.seed(seed) and its Mersenne Twister, in the generator of numpy."""
    keys = []
    for i in range(50 + 625):
        seed = (69069 * seed + 1) % 2**32
        keys += [seed] * (i >= 50)
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(keys[1:], np.uint32), 624))
    return lambda n, low, high: (
        low + (high - low) * 2.3283064365386963e-10 * twister.randint(2**32, size=n, dtype=np.uint32)
    )


def test_the_interpolated_area_is_that_of_prroc():
    # PRROC's own test holds this value of Davis and Goadrich's program for two samples of R's runif.
    draw = runif(101)
    scores = np.concatenate([draw(100, 0.3, 1.0), draw(100, 0.0, 0.6)])
    assert scores[0] == pytest.approx(0.3 + 0.7 * 0.37219838, abs=1e-8)
    assert interpolated(np.repeat([1, 0], 100), scores) == pytest.approx(0.9018680216532841, abs=1e-12)


@pytest.mark.parametrize(
    ("labels", "scores", "area"),
    [
        ([1, 1, 0, 0], [4, 3, 2, 1], 1),
        ([0, 1], [2, 1], 0.25),
        ([0, 1] * 250, [1.0] * 500, 0.5),  # one threshold: the share of positives
        (
            [1, 0, 1, 1, 0, 1],
            [3, 2, 2, 2, 1, 1],
            (1 + (1 + 2 / 2.5) / 2 + (2 / 2.5 + 3 / 4) / 2 + (3 / 4 + 4 / 6) / 2) / 4,
        ),
    ],
)
def test_interpolated_areas_by_hand(labels, scores, area):
    assert interpolated(labels, np.array(scores, float)) == pytest.approx(area)
