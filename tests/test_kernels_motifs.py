import math

import numpy as np
import pytest

from tfbind.kernels import motifs as kernel


def plain(sequence, matrix):
    """Odds of every site, the slow way: loops over positions and bases."""
    width = len(matrix)
    overhang = max(width - len(sequence), 0)
    padded = [4] * overhang + list(sequence) + [4] * overhang
    odds = []
    for start in range(len(padded) - width + 1):
        bits = 0.0
        for place, base in enumerate(padded[start : start + width]):
            column = [float(v) for v in matrix[place]]
            bits += sum(column) / 4 if base == 4 else column[base]
        odds.append(bits)
    return odds


@pytest.mark.parametrize("width", [1, 3, 4, 5, 8, 9, 12, 13, 21, 33])
def test_scan_equals_a_plain_loop(width):
    rng = np.random.default_rng(width)
    matrices = rng.normal(-1, 2, (3, width, 4)).astype(np.float32)
    tokens = rng.integers(0, 5, (40, 41), dtype=np.uint8)
    first = rng.integers(0, 8, 40)
    size = rng.integers(0, 42 - 8, 40)
    odds, shift = kernel.tables(matrices)
    best, total = kernel.scan(tokens, first, size, width, odds)
    for row in range(40):
        for column in range(3):
            bits = plain(tokens[row, first[row] : first[row] + size[row]], matrices[column])
            assert np.log2(best[row, column]) - shift[column] == pytest.approx(max(bits), abs=1e-3)
            expected = math.log2(math.fsum(2**b for b in bits))
            assert np.log2(total[row, column]) - shift[column] == pytest.approx(expected, abs=1e-3)


def test_best_site_has_the_top_exponent():
    matrices = np.random.default_rng(0).normal(0, 3, (5, 11, 4))
    odds, shift = kernel.tables(matrices)
    sites = matrices.argmax(2).astype(np.uint8)
    best, _ = kernel.scan(sites, np.zeros(5, int), np.full(5, 11), 11, odds)
    assert np.allclose(np.log2(np.diag(best)), kernel.TOP, atol=1e-3)
    assert np.allclose(kernel.TOP - shift, matrices.max(2).sum(1))
