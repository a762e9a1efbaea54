"""The resamples; intervals and tests of them are held in `tests/transfer/test_evaluation.py`."""

import numpy as np
import pytest

from tfbind.statistics import bootstrap


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
