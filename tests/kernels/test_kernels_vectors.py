"""Every compiled kernel refuses, by name, what it would read or write a table beyond with."""

import numpy as np
import pytest

from tfbind.kernels import detectors, fasta, motifs, ranks, recurrent, shuffle, tracks, vectors, windows, words

N, L = 6, 40
SIZES, SEEDS = np.full(N, L), np.arange(N, dtype=np.uint64)
MATRIX = np.random.default_rng(0).normal(size=(12, 4))


def tokens(*wrong):
    """Rows of A C G T, with one other token where one is given."""
    made = np.tile(np.arange(4, dtype=np.uint8), (N, L // 4))
    made[2, 5] = wrong[0] if wrong else 4
    return made


def encoded(given):
    return motifs.encode(given, np.zeros(N, np.int64), SIZES, np.zeros(N, np.int64), 16)


def gradient(given, where):
    return detectors.gradient(given, where, np.ones(where.shape, np.float32), 8)


def pooled_gradient(given, steps=L - 11):
    source = np.zeros((steps, N, 3), np.int8)
    return detectors.pool_gradient(given, source, np.ones(source.shape, np.float32), 3, 8)


WEIGHT = np.ones((2, 4, 8), np.float32)
TABLE, BIAS = np.ones((8, 65, 3), np.float32), np.zeros(3, np.float32)
BUFFER = np.frombuffer(b">a\nA\n", np.uint8)
ODDS, RANKS = tracks.tables(MATRIX)[0], np.array([0, 9])


@pytest.mark.parametrize(
    "read",
    [
        lambda given: detectors.scan(given, WEIGHT),
        lambda given: gradient(given, np.zeros((N, 2), np.int32)),
        lambda given: detectors.pool(given, TABLE, BIAS, 3),
        pooled_gradient,
        encoded,
        lambda given: shuffle.dinucleotide(given, SIZES, SEEDS),
        lambda given: shuffle.pairs(given, SIZES, SEEDS),
        lambda given: tracks.sites(given.reshape(-1), 4, ODDS, RANKS),
    ],
)
def test_no_table_has_a_row_for_a_token_above_4(read):
    read(tokens())
    for wrong in (5, 15, 255):
        with pytest.raises(ValueError, match="a token above 4"):
            read(tokens(wrong))


def scanned(words=None, positions=L, rows=None, columns=None):
    words = encoded(tokens()) if words is None else words
    odds = motifs.tables([MATRIX, MATRIX])
    best = np.empty((len(odds), N, motifs.MOTIFS), np.float32)
    motifs.scan(words, np.full(N, positions), odds, best, None)
    rows = np.arange(N) if rows is None else rows
    columns = np.arange(2) if columns is None else columns
    motifs.spread(best, rows, columns, np.empty((N, 2), np.float32))


def wrong_words(of, word):
    words = encoded(tokens())
    words[of] = word
    return words


def cut(which=0, start=3, end=9, width=8):
    out = np.full((1, width), 4, np.uint8)
    lines = np.array([[6, 10, 11]])
    text = np.frombuffer(b">chr1\nACGTACGTAC\nACGTACGTAC\n", np.uint8)
    windows.cut(text, lines, np.array([which]), np.array([start]), np.array([end]), out)
    return out


def near(sizes=SIZES, index=None):
    given = tokens()
    index = np.sort(words.entries(given, SIZES)) if index is None else index
    return words.near(given, sizes, given, SIZES, index, 0.5, 8, 9)


def steps(last=5):
    w = recurrent.lay_out(*(np.zeros(shape, np.float32) for shape in ((16, 3), (16, 4), (16,))))
    return recurrent.read(np.zeros((6, N, 3), np.float32), np.full(N, last), w, False, False, None)


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (lambda where=3: gradient(tokens(), np.full((N, 2), where, np.int32)), [2 * (L + 7), -2]),
        (lambda steps=L - 11: pooled_gradient(tokens(), steps), [L, L - 12]),
        (lambda sizes=L: shuffle.dinucleotide(tokens(), np.full(N, sizes), SEEDS), [L + 1, -1]),
        (lambda sizes=L: shuffle.pairs(tokens(), np.full(N, sizes), SEEDS), [L + 1, -1]),
        (lambda seeds=N: shuffle.pairs(tokens(), SIZES, SEEDS[:seeds]), [1]),
        (lambda size=L: motifs.encode(tokens(), SIZES - L, np.full(N, size), SIZES - L, 16), [L + 1, -1]),
        (lambda words=None: scanned(words), [wrong_words(0, 8 * 216), wrong_words(1, (1 << 15) + 1)]),
        (lambda positions=L: scanned(positions=positions), [L + 5, -1]),
        (lambda rows=None: scanned(rows=rows), [np.arange(N) + 1]),
        (lambda columns=None: scanned(columns=columns), [np.array([0, 8]), np.array([0, -1])]),
        (lambda end=200: tracks.steps(np.array([10, end]), np.ones(2, np.float32), 4), [199]),
        (lambda count=4: tracks.sites(tokens().reshape(-1), count, ODDS, RANKS), [5]),
        (lambda rank=9: tracks.sites(tokens().reshape(-1), 4, ODDS, np.array([rank])), [200, -1]),
        (lambda which=0: cut(which), [1, -1]),
        (lambda start=3: cut(start=start), [-1]),
        (lambda end=9: cut(end=end), [12]),
        (lambda end=20: cut(start=end - 4, end=end), [24]),
        (lambda start=0: windows.take(tokens()[0].copy(), 8, np.ones(9, np.int64), np.array([start])), [L - 7, -1]),
        (lambda counts=9: windows.candidates(tokens()[0], 8, np.ones(counts, np.int64)), [8]),
        (lambda sizes=L: words.entries(tokens(), np.full(N, sizes)), [L + 1, -1]),
        (lambda sizes=L: near(np.full(N, sizes)), [L + 1]),
        (lambda row=0: near(index=np.array([row], np.uint64)), [N]),
        (
            lambda code=1: ranks.resampled(np.array([0, code]), np.ones(2, bool), np.ones((1, 2), np.uint16), 1),
            [2, -1],
        ),
        (
            lambda code=1: ranks.interpolated(np.array([0, code]), np.ones(2, bool), np.ones((1, 2), np.uint16), 1),
            [2, -1],
        ),
        (
            lambda rows=2: ranks.interpolated(np.arange(2), np.ones(rows, bool), np.ones((1, 2), np.uint16), 1),
            [1],
        ),
        (lambda scores=1: ranks.merged(np.zeros(scores), np.zeros(0)), [0]),
        (lambda rows=N: gradient(tokens(), np.full((rows, 2), 3, np.int32)), [N - 1, N + 1]),
        (lambda rows=N: pooled_gradient(tokens()[:rows], L - 11), [N - 1]),
        (lambda rows=N: motifs.encode(tokens(), SIZES[:rows] - L, SIZES, SIZES - L, 16), [N - 1]),
        (lambda rows=N: scanned(words=encoded(tokens())[:, :rows]), [N - 1]),
        (lambda last=5: steps(last), [6, -1]),
        (lambda code=256: fasta.parse(BUFFER, np.zeros(code, np.uint8), np.ones(256, bool), True), [255]),
    ],
)
def test_places_beyond_a_table_are_refused(read, wrong):
    read()
    for given in wrong:
        with pytest.raises(ValueError, match=r"outside|differ|fit together|before|another|256 bytes|no score"):
            read(given)


def test_checks_take_views_and_empty_arrays():
    vectors.check_tokens(tokens()[:, ::2])
    vectors.check_tokens(np.empty((0, 5), np.uint8))
    vectors.check_tokens(np.empty((5, 0), np.uint8))
    vectors.check_places(np.empty(0, np.int64), 0, 0, "nothing")
    with pytest.raises(ValueError, match="a token above 4"):
        vectors.check_tokens(tokens(7)[:, 1::2])
