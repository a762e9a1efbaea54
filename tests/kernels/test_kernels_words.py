"""Near-identity against a plain comparison of all pairs."""

import numpy as np
import pytest

from tfbind import dna
from tfbind.kernels import words


def slow_words(sequence):
    """The distinct strand-blind words of a sequence."""
    places = range(len(sequence) - words.WORD + 1)
    found = {dna.canonical(sequence[i : i + words.WORD]) for i in places}
    return {word for word in found if "N" not in word}


def slow_near(sequences, others, share, least):
    """All pairs, without an index."""
    first, second = (list(map(slow_words, column)) for column in (sequences, others))
    pairs = np.array([[len(a & b) >= max(least, share * min(len(a), len(b))) for b in second] for a in first], bool)
    return pairs.any(1), pairs.any(0)


def near(sequences, others, share=0.5, least=words.WINDOW, most=1000):
    rows = [(dna.encode(column), np.array([len(s) for s in column], np.int64)) for column in (sequences, others)]
    index = np.sort(words.entries(*rows[1]))
    return words.near(*rows[0], *rows[1], index, share, least, most)


def random_sequence(rng, length):
    return "".join(rng.choice(list("ACGT"), length))


def relatives(rng, n):
    """Random sequences, and others that are cut, shifted, turned, mutated or interrupted copies of some of them."""
    sequences = [random_sequence(rng, rng.integers(12, 120)) for _ in range(n)]
    others = [random_sequence(rng, rng.integers(12, 120)) for _ in range(n)]
    for sequence in sequences[: n // 2]:
        first, last = rng.integers(0, 3) * 5, len(sequence) - rng.integers(0, 3) * 15
        copy = list(random_sequence(rng, rng.integers(0, 40)) + sequence[first:last])
        for i in rng.integers(0, max(len(copy), 1), rng.integers(0, 2)):
            copy[i : i + 1] = rng.choice(list("ACGTN"))
        copy = "".join(copy)
        others.append(dna.reverse_complement_text(copy) if rng.random() < 0.5 else copy)
    return sequences, others


@pytest.mark.parametrize("share, found", [(0.5, 40), (0.8, 20), (1.0, 5)])
def test_near_is_the_plain_comparison_of_all_pairs(share, found, rng):
    sequences, others = relatives(rng, 200)
    slow = slow_near(sequences, others, share, words.WINDOW)
    for ours, theirs in zip(near(sequences, others, share), slow, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found < slow[0].sum() < 90


def test_repeats_count_once():
    """A tandem repeat has few distinct words, so it is near to nothing but its like of many words."""
    repeat = "CA" * 50
    assert not near([repeat], [repeat])[0].any()
    rng = np.random.default_rng(3)
    unique = random_sequence(rng, 60)
    assert not near([repeat + unique], [repeat + random_sequence(rng, 60)])[0].any()
    assert near([repeat + unique], [unique + repeat])[0].all()


def test_what_is_compared_of_a_repeat_is_bounded(rng):
    family = random_sequence(rng, 80)
    copies = [family + random_sequence(rng, 10) for _ in range(30)]
    assert near([family], copies)[1].sum() == 30
    hit, other_hit = near([family], copies, most=5)
    assert hit.all() and 5 <= other_hit.sum() < 30


def test_nothing_and_short_sequences():
    empty = dna.encode([]), np.zeros(0, np.int64)
    assert not len(words.entries(*empty))
    hit, other_hit = near(["ACGT", "N" * 40], ["ACGT", "ACGTTGCA" * 2 + "ACGTAC"])
    assert not hit.any() and not other_hit.any()


def slow_clusters(sequences, share, least):
    """Single linkage over all pairs."""
    found = list(map(slow_words, sequences))
    cluster = list(range(len(sequences)))
    for i, a in enumerate(found):
        for j, b in enumerate(found[:i]):
            if cluster[i] != cluster[j] and len(a & b) >= max(least, share * min(len(a), len(b))):
                old, new = max(cluster[i], cluster[j]), min(cluster[i], cluster[j])
                cluster = [new if c == old else c for c in cluster]
    return np.array(cluster)


def clusters(sequences, share=0.5, most=1000):
    tokens, sizes = dna.encode(sequences), np.array([len(s) for s in sequences], np.int64)
    return words.clusters(tokens, sizes, np.sort(words.entries(tokens, sizes)), share, words.WINDOW, most)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_clusters_are_single_linkage_over_all_pairs(share, rng):
    sequences = [text for column in relatives(rng, 100) for text in column]
    family = random_sequence(rng, 200)  # windows along it: a chain
    sequences = [sequences[i] for i in rng.permutation(len(sequences))]
    sequences += [family[i : i + 60] for i in range(0, 140, 5)]
    found, given_up = clusters(sequences, share)
    np.testing.assert_array_equal(found, slow_clusters(sequences, share, words.WINDOW))
    assert not given_up and len(set(found)) < len(found) - 20


def test_comparisons_in_vain_are_bounded_and_counted(rng):
    shared = random_sequence(rng, 30)  # all hold it, and no two of them are near-identical
    sequences = [random_sequence(rng, 60) + shared + random_sequence(rng, 60) for _ in range(30)]
    found, given_up = clusters(sequences)
    assert not given_up and (found == np.arange(30)).all()
    assert clusters(sequences, most=5)[1] > 0


def test_clusters_of_nothing_and_a_foreign_index():
    empty = dna.encode([]), np.zeros(0, np.int64)
    assert not len(words.clusters(*empty, words.entries(*empty), 0.5, words.WINDOW, 9)[0])
    tokens, sizes = dna.encode(["ACGT" * 10]), np.array([40])
    with pytest.raises(ValueError, match="another table"):
        words.clusters(tokens, sizes, np.array([5], np.uint64), 0.5, words.WINDOW, 9)
