"""k-mers against a dictionary of strings."""

from collections import Counter

import numpy as np
import pytest

from tfbind import dna, kmers

TEXTS = ["ACGTNACGTTGCA", "GGGG", "AC", "NNNNNNN", "TTTTACCCGGGTAAAA", ""]


def number(word):
    return sum("ACGT".index(base) * 4**i for i, base in enumerate(reversed(word)))


def words(text, k):
    return [text[i : i + k] for i in range(len(text) - k + 1)]


@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_codes_equal_the_words(k):
    tokens = dna.encode(TEXTS)
    for row, both, text in zip(kmers.codes(tokens, k), kmers.canonical(tokens, k), TEXTS, strict=True):
        known = [word if set(word) <= set("ACGT") else None for word in words(text, k)]
        places = len(known)
        assert row[:places].tolist() == [-1 if word is None else number(word) for word in known]
        smaller = [
            -1 if word is None else min(number(word), number(dna.reverse_complement_text(word))) for word in known
        ]
        assert both[:places].tolist() == smaller and (row[places:] == -1).all() and (both[places:] == -1).all()


@pytest.mark.parametrize("k", [1, 3, 6])
def test_held_counts_sequences_not_places(k):
    wanted = Counter()
    for text in TEXTS:
        known = {word for word in words(text, k) if set(word) <= set("ACGT")}
        wanted.update({min(number(word), number(dna.reverse_complement_text(word))) for word in known})
    found = kmers.held(dna.encode(TEXTS), k)
    assert {i: int(n) for i, n in enumerate(found) if n} == wanted and found.shape == (4**k,)


def test_turned_twice_is_the_same():
    assert np.array_equal(kmers.turned(4)[kmers.turned(4)], np.arange(256))
    assert kmers.turned(3)[number("AAC")] == number("GTT")
