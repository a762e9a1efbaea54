from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from tfbind import dna
from tfbind.kernels import shuffle


def steps(tokens):
    return Counter(pairwise(tokens.tolist()))


def all_shuffles(text):
    """Every sequence with the dinucleotides and the first base of `text`."""

    def extend(path, left):
        if not +left:
            yield path
        for letter in "ACGTN":
            if left[path[-1] + letter]:
                yield from extend(path + letter, left - Counter([path[-1] + letter]))

    return sorted(extend(text[0], Counter(a + b for a, b in pairwise(text))))


def fixed_exits(text, rng):
    """The common shortcut: each letter's last exit stays as it was, only the others are permuted."""
    exits = {a: [b for x, b in pairwise(text) if x == a] for a in set(text)}
    for out in exits.values():
        if out:
            out[:-1] = [out[i] for i in rng.permutation(len(out) - 1)]
    path = text[0]
    while exits[path[-1]]:
        path += exits[path[-1]].pop(0)
    return path


def rows(text, n):
    return np.repeat(dna.encode([text]), n, 0), np.full(n, len(text)), np.arange(n, dtype=np.uint64) * 977


CASES = ["ACGACTAGCA", "ACGTACCA", "AANCNAACA", "GATTACAGATA"]


@pytest.mark.parametrize("text", CASES)
def test_uniform_over_all_sequences_with_the_same_dinucleotides(text):
    possible = all_shuffles(text)
    assert len(possible) >= 4
    n = 2000 * len(possible)
    tokens, sizes, seeds = rows(text, n)
    seen = Counter(dna.decode(shuffle.dinucleotide(tokens, sizes, seeds), sizes))
    assert set(seen) == set(possible)
    assert chisquare([seen[s] for s in possible]).pvalue > 1e-3


@pytest.mark.parametrize("text", CASES)
def test_the_uniformity_test_rejects_fixed_last_exits(text, rng):
    possible = all_shuffles(text)
    seen = Counter(fixed_exits(text, rng) for _ in range(100 * len(possible)))
    assert set(seen) <= set(possible)
    assert chisquare([seen[s] for s in possible]).pvalue < 1e-6


token_rows = st.lists(st.lists(st.integers(0, 4), min_size=0, max_size=60), min_size=1, max_size=8)


def table(lists):
    sizes = np.array([len(row) for row in lists])
    tokens = np.full((len(lists), max(sizes.max(), 1)), dna.UNKNOWN, np.uint8)
    for i, row in enumerate(lists):
        tokens[i, : len(row)] = row
    return tokens, sizes


@settings(deadline=None, max_examples=200)
@given(token_rows, st.integers(0, 2**63))
def test_counts_and_ends_are_kept_exactly(lists, seed):
    tokens, sizes = table(lists)
    result = shuffle.dinucleotide(tokens, sizes, np.arange(len(tokens), dtype=np.uint64) + np.uint64(seed))
    for before, after, n in zip(tokens, result, sizes, strict=True):
        assert steps(before[:n]) == steps(after[:n])
        assert (before[n:] == after[n:]).all()
        if n:
            assert before[0] == after[0] and before[n - 1] == after[n - 1]


@settings(deadline=None, max_examples=100)
@given(token_rows, st.integers(0, 2**63))
def test_pairs_keep_the_pieces(lists, seed):
    tokens, sizes = table(lists)
    result = shuffle.pairs(tokens, sizes, np.arange(len(tokens), dtype=np.uint64) + np.uint64(seed))
    for before, after, n in zip(tokens, result, sizes, strict=True):
        assert Counter(before[:n]) == Counter(after[:n])
        if n % 2 == 0:
            assert Counter(map(tuple, before[:n].reshape(-1, 2))) == Counter(map(tuple, after[:n].reshape(-1, 2)))


@pytest.mark.parametrize("text", ["AACCGG", "AACCG"])
def test_pairs_are_uniform_over_permutations(text):
    pieces = [text[i : i + 2] for i in range(0, len(text), 2)]
    possible = sorted({"".join(order) for order in permutations(pieces)})
    tokens, sizes, seeds = rows(text, 6000)
    seen = Counter(dna.decode(shuffle.pairs(tokens, sizes, seeds), sizes))
    assert set(seen) == set(possible)
    assert chisquare([seen[s] for s in possible]).pvalue > 1e-3


def test_pairs_break_the_dinucleotide_counts(rng):
    tokens = rng.choice(4, (200, 101), p=[0.3, 0.2, 0.2, 0.3]).astype(np.uint8)
    sizes, seeds = np.full(200, 101), rng.integers(0, 2**63, 200, dtype=np.uint64)
    broken = [steps(a) != steps(b) for a, b in zip(tokens, shuffle.pairs(tokens, sizes, seeds), strict=True)]
    assert np.mean(broken) > 0.99


@pytest.mark.parametrize("kernel", [shuffle.dinucleotide, shuffle.pairs])
def test_a_row_does_not_depend_on_its_neighbours(kernel, rng):
    tokens = rng.integers(0, 5, (50, 40)).astype(np.uint8)
    sizes, seeds = rng.integers(3, 41, 50), rng.integers(0, 2**63, 50, dtype=np.uint64)
    order = rng.permutation(50)
    together = kernel(tokens, sizes, seeds)
    assert (kernel(tokens[order], sizes[order], seeds[order]) == together[order]).all()
    assert (kernel(tokens[3:4], sizes[3:4], seeds[3:4]) == together[3]).all()
    assert not (kernel(tokens, sizes, seeds + np.uint64(1)) == together).all()
