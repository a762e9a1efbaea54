"""Metrics of intensities, against plain ones; those of labels are held in `tests/kernels` and `tests/transfer`."""

import time

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from tfbind.errors import NotEstimable
from tfbind.statistics import bootstrap, metrics


def plain(intensities, scores, top):
    both = len(set(intensities)) > 1 and len(set(scores)) > 1
    rho = stats.spearmanr(intensities, scores)[0] if both else np.nan
    return [rho, roc_auc_score(top, scores) if 0 < sum(top) < len(top) else np.nan]


@pytest.mark.parametrize("decimals", [0, 1, 8])  # many ties, some, none
@pytest.mark.parametrize("count", [2, 30, 700])
def test_metrics_of_intensities(rng, count, decimals):
    intensities = np.round(np.exp(rng.normal(size=count)), decimals)
    scores = np.round(np.log(intensities + 1) + rng.normal(size=count), decimals)
    ranked = sorted(intensities, reverse=True)
    least = ranked[max(1, round(count / 100)) - 1]
    top = [value >= least for value in intensities]
    np.testing.assert_array_equal(metrics.top_probes(intensities), top)
    for (name, metric), expected in zip(
        metrics.INTENSITY_METRICS.items(), plain(intensities, scores, top), strict=True
    ):
        if np.isnan(expected):
            with pytest.raises(NotEstimable, match="all test probes"):
                metric(intensities, scores)
        else:
            assert metric(intensities, scores) == pytest.approx(expected, abs=1e-12), name
            assert metrics.LEAST[name] <= expected <= 1


@pytest.mark.parametrize("decimals", [0, 8])
@pytest.mark.parametrize("size", [1, 4])
def test_their_resamples_are_those_of_repeated_rows(rng, decimals, size):
    intensities = np.round(np.exp(rng.normal(size=300)), decimals)
    scores = np.round(rng.normal(size=(2, 300)) + intensities, decimals)
    draws = bootstrap.draw(intensities > 1, np.arange(300) // size, 60, rng)
    found = bootstrap.replicate(scores, draws, metrics.of_intensities(intensities))
    mean, top = scores.mean(0), metrics.top_probes(intensities)
    assert found.value == pytest.approx(plain(intensities, mean, top), abs=1e-12)
    widen = np.sqrt(draws.n_block / (draws.n_block - 1))
    for resample, row in zip(draws.counts, found.rows, strict=True):
        held = np.repeat(np.arange(300), resample[draws.codes])
        expected = (np.array(plain(intensities[held], mean[held], top[held])) - found.value) * widen
        assert row == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_what_has_no_value():
    for few in ([], [1.0]):
        for metric in metrics.INTENSITY_METRICS.values():
            with pytest.raises(NotEstimable, match="fewer than two"):
                metric(np.array(few), np.array(few))
    with pytest.raises(NotEstimable, match="one score"):
        metrics.spearman(np.arange(5.0), np.zeros(5))
    assert metrics.auroc_top_probes(np.arange(5.0), np.zeros(5)) == 0.5
    with pytest.raises(NotEstimable, match="as bright"):
        metrics.auroc_top_probes(np.ones(5), np.arange(5.0))


def test_a_million_probes_take_a_second(rng):
    intensities, scores = rng.normal(size=(2, 1_000_000))
    metrics.spearman(intensities[:10], scores[:10])  # compiled
    start = time.process_time()
    value = metrics.spearman(intensities, scores)
    assert time.process_time() - start < 3
    assert value == pytest.approx(stats.spearmanr(intensities, scores)[0], abs=1e-12)
