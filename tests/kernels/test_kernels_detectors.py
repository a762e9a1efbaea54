import numpy as np
import pytest

from tfbind.kernels import detectors

ROWS = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0.25] * 4])


def oracle(tokens, weight):
    """Every window of both strands in turn, in float64; the strict > keeps the first of equals."""
    filters, _, width = weight.shape
    best = np.full((len(tokens), filters), -np.inf)
    where = np.full((len(tokens), filters), -1)
    edge = np.full(width - 1, 4)
    for row, sequence in enumerate(tokens):
        text = np.concatenate([edge, sequence, edge])
        windows = len(text) - width + 1
        for strand in (0, 1):
            for start in range(windows):
                window = text[start : start + width]
                if (window == 4).all():
                    continue
                hot = ROWS[window]
                if strand:
                    hot = hot[::-1, ::-1]
                for f in range(filters):
                    value = (hot.T * weight[f]).sum()
                    if value > best[row, f]:
                        best[row, f] = value
                        where[row, f] = start + strand * windows
    return best, where


def oracle_gradient(tokens, where, upstream, width):
    filters = where.shape[1]
    out = np.zeros((filters, 4, width))
    edge = np.full(width - 1, 4)
    for row, sequence in enumerate(tokens):
        text = np.concatenate([edge, sequence, edge])
        windows = len(text) - width + 1
        for f in range(filters):
            if where[row, f] < 0:
                continue
            strand, start = divmod(where[row, f], windows)
            hot = ROWS[text[start : start + width]]
            out[f] += upstream[row, f] * (hot[::-1, ::-1] if strand else hot).T
    return out


def random_tokens(rng, n=12, length=40):
    tokens = rng.integers(0, 5, (n, length), dtype=np.uint8)
    tokens[1, length // 2 :] = 4  # padding
    tokens[2] = 4  # no base at all
    tokens[3, :5] = 4
    tokens[4, 3:length] = 4  # shorter than a detector
    return tokens


@pytest.mark.parametrize("width", [1, 2, 5, 12, 13, 24])
def test_scan_equals_the_oracle(width):
    rng = np.random.default_rng(width)
    tokens = random_tokens(rng)
    weight = rng.normal(size=(3, 4, width)).astype(np.float32)
    best, where = detectors.scan(tokens, weight)
    expected, position = oracle(tokens, weight)
    np.testing.assert_allclose(best, expected, rtol=1e-5, atol=1e-5)
    if width > 5:  # short detectors meet the same word twice, where rounding may decide
        np.testing.assert_array_equal(where, position)
    upstream = rng.normal(size=best.shape).astype(np.float32)
    np.testing.assert_allclose(
        detectors.gradient(tokens, where, upstream, width),
        oracle_gradient(tokens, where, upstream, width),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("width", [3, 6, 24])
def test_ties_go_to_the_first_window_and_the_forward_strand(width):
    rng = np.random.default_rng(width)
    tokens = rng.integers(0, 5, (20, 30), dtype=np.uint8)
    tokens[0] = 0
    # multiples of 4, so that every sum is exact and many are equal
    weight = 4 * rng.integers(-1, 2, (5, 4, width)).astype(np.float32)
    best, where = detectors.scan(tokens, weight)
    expected, position = oracle(tokens, weight)
    np.testing.assert_array_equal(best, expected)
    np.testing.assert_array_equal(where, position)


def test_no_sequences():
    best, where = detectors.scan(np.empty((0, 20), np.uint8), np.zeros((2, 4, 5), np.float32))
    assert best.shape == where.shape == (0, 2)


def oracle_pool(tokens, table, bias, size):
    width, _, channels = table.shape
    windows = tokens.shape[1] - 2 - (width - 1)
    value = np.zeros((len(tokens), windows, channels))
    for row, text in enumerate(tokens):
        for p in range(windows):
            if (text[p : p + width + 2] != 4).any():
                value[row, p] = bias
                for k in range(width):
                    a, b, c = text[p + k : p + k + 3].astype(int)
                    value[row, p] += table[k, 64 if 4 in (a, b, c) else 16 * a + 4 * b + c]
    value = np.maximum(value, 0)
    near = np.stack([value[:, i : windows - size + 1 + i] for i in range(size)])  # (size, N, S, C)
    pooled = near.max(0)
    source = np.where(pooled > 0, near.argmax(0), -1)
    return pooled.transpose(1, 0, 2), source.transpose(1, 0, 2)


@pytest.mark.parametrize(("width", "size", "whole"), [(10, 3, False), (1, 1, False), (4, 2, True)])
def test_pool_equals_the_oracle(width, size, whole):
    rng = np.random.default_rng(width)
    tokens = random_tokens(rng)
    draw = (lambda *n: rng.integers(-2, 3, n)) if whole else (lambda *n: rng.normal(size=n))
    table, bias = draw(width, 65, 5).astype(np.float32), draw(5).astype(np.float32)
    pooled, source = detectors.pool(tokens, table, bias, size)
    expected, place = oracle_pool(tokens, table.astype(float), bias.astype(float), size)
    assert pooled.shape == (40 - 2 - (width - 1) - (size - 1), 12, 5)
    np.testing.assert_allclose(pooled, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(source, place)

    upstream = rng.normal(size=pooled.shape).astype(np.float32)
    d_table, d_bias = np.zeros(table.shape), np.zeros(bias.shape)
    for s, row, c in np.argwhere(source >= 0):
        p, share = s + source[s, row, c], upstream[s, row, c]
        d_bias[c] += share
        for k in range(width):
            a, b, d = tokens[row, p + k : p + k + 3].astype(int)
            d_table[k, 64 if 4 in (a, b, d) else 16 * a + 4 * b + d, c] += share
    found = detectors.pool_gradient(tokens, source, upstream, size, width)
    np.testing.assert_allclose(found[0], d_table, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[1], d_bias, rtol=1e-4, atol=1e-4)
