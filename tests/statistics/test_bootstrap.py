"""The resamples; intervals and tests of them are held in `tests/transfer/test_evaluation.py`."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tfbind.errors import NotEstimable
from tfbind.statistics import bootstrap, metrics


@pytest.mark.parametrize("n_positive", [1, 3, 40])
@pytest.mark.parametrize("size", [1, 5])
def test_every_resample_holds_both_classes_and_as_many_blocks_of_each(n_positive, size):
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat([1, 0], [n_positive, 60]))
    draws = bootstrap.draw(labels, np.arange(len(labels)) // size, 500, rng)
    positives, negatives = np.split(draws.counts, [draws.n_positive], axis=1)
    for counts, blocks in ((positives, draws.n_positive), (negatives, draws.counts.shape[1] - draws.n_positive)):
        assert (counts.sum(1) == blocks).all(), "as many as there are, whatever the other class drew"
    assert set(draws.codes[labels == 1]) == set(range(draws.n_positive))


def test_a_metric_of_the_scores_themselves_has_an_interval_too():
    """The Brier score, which is no function of ranks, by `times`; against repeated rows."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 80)
    scores = rng.normal(size=(3, 80)) + labels
    draws = bootstrap.draw(labels, np.arange(80) // 4, 200, rng)

    def brier(logits, draws):
        errors, held = (labels - 1 / (1 + np.exp(-logits))) ** 2, bootstrap.times(draws)
        return (held * errors).sum(1, keepdims=True) / held.sum(1, keepdims=True)

    found = bootstrap.replicate(scores, draws, brier)
    mean = scores.mean(0)
    assert found.value == pytest.approx([np.mean((labels - 1 / (1 + np.exp(-mean))) ** 2)])
    rows = np.repeat(np.arange(80), draws.counts[7][draws.codes])
    drawn = np.mean((labels[rows] - 1 / (1 + np.exp(-mean[rows]))) ** 2)
    widen = np.sqrt(draws.n_block / (draws.n_block - 1))
    assert found.rows[7] == pytest.approx((drawn - found.value) * widen)
    assert found.seeds[0] >= 0 and bootstrap.metric_interval(found, 0, 0.95)[0] < found.value[0]


def test_metrics_of_folds_are_those_within_folds_averaged_over_positives():
    """Against each fold alone and repeated rows; an offset between the models of two folds changes nothing."""
    rng = np.random.default_rng(2)
    labels, folds = rng.integers(0, 2, 120), np.repeat([0, 1, 2], [60, 40, 20])
    scores = rng.normal(size=(3, 120)) + labels
    block = np.arange(120) // 5
    draws = bootstrap.draw(labels, block, 50, rng)._replace(folds=folds)
    found = bootstrap.replicate(scores, draws)
    moved = bootstrap.replicate(scores + 10.0 * folds, draws)
    np.testing.assert_allclose(found.value, moved.value)
    np.testing.assert_allclose(found.rows, moved.rows)
    np.testing.assert_allclose(found.value, metrics.measure(labels, scores.mean(0), folds))
    held = bootstrap.times(draws)
    for b in range(50):
        rows = np.repeat(np.arange(120), held[b])
        parts = [rows[folds[rows] == fold] for fold in range(3)]
        values = [metrics.measure(labels[part], scores.mean(0)[part]) for part in parts]
        wanted = np.average(values, axis=0, weights=[labels[part].sum() for part in parts])
        widened = (wanted - found.value) * np.sqrt(draws.n_block / (draws.n_block - 1))
        np.testing.assert_allclose(found.rows[b], widened)


def test_a_fold_without_one_class_is_left_out():
    labels = np.array([1, 0, 1, 0, 1, 1])
    folds = np.array([0, 0, 0, 0, 1, 1])
    scores = np.array([4.0, 1, 2, 3, 9, 9])
    assert metrics.measure(labels, scores, folds)[0] == 0.75
    draws = bootstrap.draw(labels, np.arange(6), 200, np.random.default_rng(0))._replace(folds=folds)
    found = bootstrap.ranked(scores, draws)
    drawn = bootstrap.times(draws)[:, [0, 2]].any(1)  # else no fold holds both classes, and there is no value
    assert 0.5 < drawn.mean() < 1 and (np.isfinite(found).all(1) == drawn).all()
    assert 0.5 <= np.nanmean(found[:, 0]) <= 1
    with pytest.raises(NotEstimable, match="no fold holds test rows of both classes"):
        metrics.measure(labels, scores, labels)


def test_delong_of_folds_is_that_of_independent_parts():
    rng = np.random.default_rng(3)
    folds = np.repeat([0, 1], [200, 100])
    p_values = []
    for _ in range(300):
        labels = rng.permutation(np.repeat([0, 1], 150))
        common, own = rng.normal(size=300), rng.normal(size=(2, 300))
        both = labels + common + own + 5 * folds
        p_values.append(metrics.delong_p(labels, *both, folds))
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.05)
    assert metrics.delong_p(labels, *both, 0 * folds) == pytest.approx(metrics.delong_p(labels, *both))


def test_the_interval_of_a_correlation_is_that_of_fishers_z():
    for value in (-0.9, -0.2, 0.0, 0.7):
        rows = np.random.default_rng(0).normal(0, 0.05, (400, 1))
        model = bootstrap.Replicates(np.array([value]), rows, np.zeros(1), 10**6, 1)
        half = bootstrap.half_width([(rows.var(), 10**6)], 0.95) / (1 - value**2)
        expected = np.tanh(np.arctanh(value) + np.array([-half, half]))
        assert bootstrap.metric_interval(model, 0, 0.95, least=-1) == pytest.approx(expected, abs=1e-12)


def test_seeds_leave_both_models_at_once():
    rng = np.random.default_rng(3)
    labels = np.repeat([1, 0], 200)
    scores = rng.normal(size=(3, 400)) + labels
    assert bootstrap.shared_seeds(scores, scores, labels) == 0
    matrix = rng.normal(size=(1, 400)) + labels
    left = [roc_auc_score(labels, np.delete(scores, i, 0).mean(0)) for i in range(3)]
    assert bootstrap.shared_seeds(matrix, scores, labels) == pytest.approx(2 * np.var(left))


@pytest.mark.parametrize("n_seed", [1, 3])
def test_a_difference_is_the_sum_with_weights_of_one_and_minus_one_and_takes_shared_seeds(n_seed):
    rng = np.random.default_rng(4)
    labels = np.repeat([1, 0], 60)
    draws = bootstrap.draw(labels, np.arange(120) // 3, 200, rng)
    first, second = (rng.normal(size=(n_seed, 120)) + labels * skill for skill in (2, 1))
    models = [bootstrap.replicate(scores, draws) for scores in (first, second)]
    found = bootstrap.difference(*models, 0.95)
    assert found == bootstrap.weighted_sum([1, -1], models, 0.95)
    assert found == bootstrap.weighted_sum([1, 0, -1], [models[0], models[0], models[1]], 0.95)
    assert bootstrap.weighted_sum([0, 0], models, 0.95) == (0, 0, 0)
    value, low, high = found
    assert value == models[0].value[0] - models[1].value[0] and low < value < high
    none = bootstrap.difference(*models, 0.95, 0.0)
    assert none[0] == value and none[2] - none[1] <= high - low
    rows = (models[0].rows[:, 0] - models[1].rows[:, 0]).var()
    half = bootstrap.half_width([(rows, models[0].n_block - 1), (0.01, n_seed - 1)], 0.95)
    shared = bootstrap.difference(*models, 0.95, 0.01)
    assert shared == (value, *np.clip([value - half, value + half], -1, 1))
