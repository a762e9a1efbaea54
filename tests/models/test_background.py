import numpy as np
import pytest

from tfbind import dna
from tfbind.models import background


def sample(n=4000, length=20, seed=0):
    """Sequences in which C is never followed by G."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 4, (n, length)).astype(np.uint8)
    tokens[:, 1:][(tokens[:, :-1] == 1) & (tokens[:, 1:] == 2)] = 3
    return tokens


def shares(tokens):
    pair = np.bincount((4 * tokens[:, :-1].astype(int) + tokens[:, 1:]).ravel(), minlength=16)
    return pair / pair.sum()


def test_drawn_background_has_the_dinucleotides_of_the_fitted():
    tokens = sample()
    made = background.draw(background.fit(tokens), 4000, 50, np.random.default_rng(1))
    assert made.shape == (4000, 50) and made.dtype == np.uint8 and made.max() == 3
    np.testing.assert_allclose(shares(made), shares(tokens), atol=0.005)


def test_padding_and_unknown_bases_are_not_counted():
    tokens = sample(50)
    padded = np.pad(tokens, ((0, 0), (0, 30)), constant_values=dna.UNKNOWN)
    for a, b in zip(background.fit(tokens), background.fit(padded), strict=True):
        np.testing.assert_allclose(a, b)


def test_a_sequence_lies_whole_in_its_surroundings():
    tokens = dna.encode(["ACGTACGT", "GGGGG", "T" * 12])
    around = np.full((1, 12), 0, np.uint8)
    found = dna.decode(background.embed(tokens, around, np.array([3, 7, 0])))
    assert found == ["AAAACGTACGTA", "AAAAAAAGGGGG", "T" * 12]


def test_places_are_uniform_and_longer_sequences_stay():
    tokens = np.full((6000, 40), dna.UNKNOWN, np.uint8)
    tokens[:, :10] = 3
    tokens[:5] = 1
    chain = background.Chain(np.array([1.0, 0, 0, 0]), np.array([[1.0, 0, 0, 0]] * 4))
    found = background.surround(tokens, 30, chain, np.random.default_rng(2))
    np.testing.assert_array_equal(found[:5], tokens[:5])
    assert (found[5:, 30:] == dna.UNKNOWN).all()
    assert ((found[5:, :30] == 3).sum(1) == 10).all()
    starts = np.bincount((found[5:, :30] == 3).argmax(1), minlength=21)
    assert len(starts) == 21 and starts.min() > 0.7 * starts.mean()


def test_the_class_cannot_be_told_by_length_or_surroundings():
    """Positives shorter than negatives, the worst case: within the window nothing but the insert tells them apart."""
    positives, negatives = sample(3000, 14, seed=3), sample(3000, 20, seed=4)
    tokens = np.full((6000, 20), dna.UNKNOWN, np.uint8)
    tokens[:3000, :14], tokens[3000:] = positives, negatives
    found = background.surround(tokens, 101, background.fit(tokens), np.random.default_rng(5))
    assert (dna.lengths(found) == 101).all()
    np.testing.assert_allclose(shares(found[:3000]), shares(found[3000:]), atol=0.004)


def test_the_chain_survives_json():
    chain = background.fit(sample(10))
    for a, b in zip(chain, background.from_lists(background.to_lists(chain)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_sequence():
    chain = background.fit(np.empty((0, 0), np.uint8))
    assert chain.first == pytest.approx([0.25] * 4)
    assert background.surround(np.empty((0, 0), np.uint8), 10, chain, np.random.default_rng(0)).shape == (0, 10)
