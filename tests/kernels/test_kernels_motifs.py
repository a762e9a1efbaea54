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


def scan(tokens, first, size, matrices):
    """Largest and summed bits, each sequence's results one row further down and each motif's in reverse order."""
    widths = np.array([len(matrix) for matrix in matrices])
    words = kernel.encode(tokens, first, size, np.maximum(widths[0] - size, 0), max(8, widths.max()))
    rows, columns = np.arange(len(tokens)) + 1, np.arange(len(matrices))[::-1].copy()
    best, total = np.zeros((2, len(tokens) + 1, len(matrices)), np.float32)
    odds = kernel.tables(matrices)
    found = np.zeros((2, len(odds), len(tokens), kernel.MOTIFS), np.float32)
    kernel.scan(words, np.abs(size - widths.min()) + 1, odds, *found)
    for each, out in zip(found, (best, total), strict=True):
        kernel.spread(each, rows, columns, out)  # the order of the motifs turned back is its own inverse
    assert not best[0].any() and not total[0].any()
    shift = np.array([kernel.TOP - matrix.max(1).sum() for matrix in matrices])
    return np.log2(best[1:, ::-1]) - shift, np.log2(total[1:, ::-1]) - shift


def agree(found, sequence, matrix):
    bits = plain(sequence, matrix) + plain(sequence, matrix[::-1, ::-1])
    assert found[0] == pytest.approx(max(bits), abs=1e-3)
    assert found[1] == pytest.approx(math.log2(math.fsum(2**b for b in bits)), abs=1e-3)


@pytest.mark.parametrize("width", [1, 3, 4, 5, 8, 9, 12, 13, 21, 33])
def test_scan_equals_a_plain_loop(width):
    rng = np.random.default_rng(width)
    matrices = rng.normal(-1, 2, (19, width, 4)).astype(np.float32)
    tokens = rng.integers(0, 5, (40, 41), dtype=np.uint8)
    first = rng.integers(0, 8, 40)
    size = rng.integers(0, 42 - 8, 40)
    found = np.stack(scan(tokens, first, size, matrices), 2)
    for row in range(40):
        for column in (0, 1, 15, 16, 18):
            agree(found[row, column], tokens[row, first[row] :][: size[row]], matrices[column])


def test_motifs_of_several_widths_share_a_table():
    rng = np.random.default_rng(0)
    matrices = [rng.normal(-1, 2, (width, 4)).astype(np.float32) for width in (9, 7, 8, 5, 12)]
    tokens, size = rng.integers(0, 5, (20, 30), dtype=np.uint8), rng.integers(12, 31, 20)
    found = np.stack(scan(tokens, np.zeros(20, int), size, matrices), 2)
    for row in range(20):
        for column, matrix in enumerate(matrices):
            agree(found[row, column], tokens[row, : size[row]], matrix)


def test_no_bit_depends_on_how_many_sequences_are_scanned():
    rng = np.random.default_rng(1)
    matrices = [rng.normal(-1, 2, (width, 4)).astype(np.float32) for width in (5, 8, 11, 21, 6, 7, 9, 10, 12)]
    tokens = rng.integers(0, 4, (2 * kernel._MANY, 40), dtype=np.uint8)
    tokens[rng.random(tokens.shape) < 0.01] = 4  # some sequences have no 6-mer of their own
    first, size = np.zeros(len(tokens), int), np.full(len(tokens), 40)
    many = scan(tokens, first, size, matrices)
    few = [scan(tokens[i::20], first[i::20], size[i::20], matrices) for i in range(20)]
    for kind in range(2):
        for i in range(20):
            assert np.array_equal(many[kind][i::20], few[i][kind])


def test_best_site_has_the_top_exponent():
    matrices = np.random.default_rng(0).normal(0, 3, (5, 11, 4))
    best, _ = scan(matrices.argmax(2).astype(np.uint8), np.zeros(5, int), np.full(5, 11), matrices)
    assert np.allclose(np.diag(best), matrices.max(2).sum(1), atol=1e-3)
