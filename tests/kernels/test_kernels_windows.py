import numpy as np
import pytest
from scipy.stats import chisquare

from tfbind import dna
from tfbind.kernels import windows


@pytest.fixture
def tokens(rng):
    tokens = rng.integers(0, 4, 3000).astype(np.uint8)
    tokens[rng.integers(0, 3000, 12)] = 4
    return tokens


def open_windows(tokens, length):
    """Start -> GC count of every window without a closed position."""
    cut = {s: tokens[s : s + length] for s in range(len(tokens) - length + 1)}
    return {s: int(np.isin(w, (1, 2)).sum()) for s, w in cut.items() if not (w == 4).any()}


@pytest.mark.parametrize("bases", [7, 60, 5000])
def test_cut(tokens, rng, bases):
    letters = np.frombuffer(b"ACGTN", np.uint8)[tokens].tobytes()
    lines = b"\r\n".join(letters[i : i + bases] for i in range(0, len(letters), bases))
    text = np.frombuffer(b">c\n" + lines, np.uint8)
    start = rng.integers(0, 2900, 40)
    end = start + rng.integers(1, 101, 40)
    end[0] = 3000
    out = np.full((40, int((end - start).max())), 4, np.uint8)
    lines = np.array([[0, 1, 2], [3, bases, bases + 2]])
    windows.cut(text, lines, np.ones(40, np.int64), start, end, out)
    for row, s, e in zip(out, start, end, strict=True):
        assert (row[: e - s] == tokens[s:e]).all() and (row[e - s :] == 4).all()


def test_cut_reads_every_letter_as_dna_does():
    out = np.empty((1, 256), np.uint8)
    first = np.zeros(1, np.int64)
    windows.cut(np.arange(256, dtype=np.uint8), np.array([[0, 256, 257]]), first, first, first + 256, out)
    assert (out[0] == dna.CODE).all()


@pytest.mark.parametrize("length", [1, 20, 75, 3000, 4000])
def test_gc_counts_and_candidates(tokens, length):
    expected = open_windows(tokens, length)
    assert (windows.gc_counts(tokens, length) == np.bincount(list(expected.values()), minlength=length + 1)).all()
    wanted = np.zeros(length + 1, np.int64)
    wanted[[length // 2, length // 3]] = 1
    starts = [s for s, g in expected.items() if wanted[g]]
    assert windows.candidates(tokens, length, wanted).tolist() == starts


@pytest.mark.parametrize("exhaust", [False, True])
def test_sample_meets_the_counts_without_overlap(tokens, rng, exhaust):
    allowed, before = open_windows(tokens, 20), tokens.copy()
    wanted = np.bincount(rng.choice(list(allowed.values()), 30), minlength=21)
    left = wanted.copy()
    starts = windows.sample(tokens, 20, left, rng, exhaust)
    assert not left.any()
    assert (np.bincount([allowed[s] for s in starts], minlength=21) == wanted).all()
    assert np.diff(np.sort(starts)).min() >= 20
    covered = np.concatenate([np.arange(s, s + 20) for s in starts])
    assert (tokens[covered] == 4).all()
    assert (np.delete(tokens, covered) == np.delete(before, covered)).all()


def test_what_cannot_be_had_stays_wanted(tokens, rng):
    allowed = open_windows(tokens, 20)
    wanted = np.zeros(21, np.int64)
    wanted[20] = 5
    assert 20 not in allowed.values()
    for exhaust in (False, True):
        assert len(windows.sample(tokens, 20, wanted, rng, exhaust)) == 0
    assert wanted[20] == 5
    assert len(windows.sample(tokens[:10], 20, wanted, rng)) == 0


@pytest.mark.parametrize("exhaust", [False, True])
def test_each_window_is_equally_likely(exhaust):
    tokens = np.array([0, 1, 2, 0, 3, 1, 0, 2, 3, 3], np.uint8)
    starts = [s for s, g in open_windows(tokens, 4).items() if g == 2]
    rng = np.random.default_rng(3)
    wanted = np.array([0, 0, 1, 0, 0])
    seen = [windows.sample(tokens.copy(), 4, wanted.copy(), rng, exhaust)[0] for _ in range(3000)]
    assert chisquare([seen.count(s) for s in starts]).pvalue > 1e-3
    assert len(starts) > 2
