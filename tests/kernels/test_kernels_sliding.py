"""Every window of a stretch against the scan of that window as a sequence of its own."""

import numpy as np
import pytest

from tfbind.kernels import detectors, sliding


@pytest.mark.parametrize(
    ("filters", "width", "window"), [(3, 6, 6), (16, 5, 17), (18, 24, 24), (33, 24, 60), (1, 1, 9)]
)
def test_windows_are_those_that_a_scan_reads_one_by_one(rng, filters, width, window):
    tokens = rng.integers(0, 4, 400).astype(np.uint8)
    tokens[rng.random(400) < 0.05] = 4
    tokens[100 : 100 + window + 3] = 4  # a few windows without a base
    tokens[:3] = tokens[-2:] = 4
    weight = rng.normal(size=(filters, 4, width)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, window)
    wanted = detectors.scan(np.ascontiguousarray(windows), weight)[0]
    found = sliding.best(tokens, weight, window)
    assert found.shape == wanted.shape and np.isneginf(wanted).any()
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    turned = sliding.best(np.where(tokens == 4, 4, 3 - tokens)[::-1].astype(np.uint8), weight, window)
    np.testing.assert_allclose(turned[::-1], found, atol=1e-5)


@pytest.mark.parametrize(("tokens", "window"), [(np.zeros(30, np.int64), 20), (np.full(30, 5, np.uint8), 20),
                                                (np.zeros(30, np.uint8), 9), (np.zeros(30, np.uint8), 31),
                                                (np.zeros((3, 30), np.uint8), 20)])  # fmt: skip
def test_what_does_not_fit_is_refused(tokens, window):
    with pytest.raises(ValueError):
        sliding.best(tokens, np.zeros((2, 4, 10), np.float32), window)
