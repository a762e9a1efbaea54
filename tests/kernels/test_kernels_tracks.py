import numpy as np
import pytest

from tfbind import dna, motifs
from tfbind.kernels import tracks


@pytest.mark.parametrize("values", [2, 1000])
@pytest.mark.parametrize("length", [40, 170, 200, 3_021])
def test_steps_are_those_of_the_bases(values, length, rng):
    ends = np.unique(np.append(rng.integers(1, length, 60), length))
    level = (rng.integers(0, values, len(ends)) / 7).astype(np.float32)
    bases = np.repeat(level, np.diff(ends, prepend=0))
    count = length // 50
    mean, low, high, median = tracks.steps(ends, level, count)
    rows = bases[: 50 * count].reshape(count, 50)
    np.testing.assert_allclose(mean, rows.mean(1, dtype=float), rtol=1e-6)
    np.testing.assert_array_equal(low, rows.min(1))
    np.testing.assert_array_equal(high, rows.max(1))
    expected = [np.median(bases[50 * i : 50 * i + 200]) for i in range(max(count - 3, 0))]
    np.testing.assert_allclose(median, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["USF1", "CTCF", "GATA3"])
def test_sites_are_those_of_the_log_odds(name, rng):
    matrix = motifs.of_tf(name).matrices[0]
    width, count = len(matrix), 9
    tokens = rng.integers(0, 5, 50 * count + 4 * 10, dtype=np.uint8)
    table, shift = tracks.tables(matrix)
    ranks = np.array([0, 2, 19, 100, 199])
    best, total, bits, ranked = tracks.sites(tokens, count, table, ranks)

    full = np.concatenate([matrix, matrix.mean(1, keepdims=True)], 1).astype(float)
    other = np.concatenate([matrix[::-1, ::-1], matrix[::-1].mean(1, keepdims=True)], 1).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, width)[: 50 * count]
    strands = np.stack([one[np.arange(width), windows].sum(1) for one in (full, other)])
    better = strands.max(0)
    steps = better.reshape(count, 50)
    np.testing.assert_allclose(np.log2(best) - shift, steps.max(1), atol=1e-3)
    np.testing.assert_allclose(bits - shift, steps.mean(1), atol=1e-3)
    odds = np.exp2(strands).sum(0).reshape(count, 50).sum(1)
    np.testing.assert_allclose(np.log2(total) - shift, np.log2(odds), atol=1e-3)
    for i in range(count - 3):
        line = np.sort(better[50 * i : 50 * i + 200])[::-1]
        np.testing.assert_allclose(np.log2(ranked[i]) - shift, line[ranks], atol=1e-3)
    assert dna.UNKNOWN in tokens
