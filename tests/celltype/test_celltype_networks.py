import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tfbind import dna
from tfbind.celltype import estimators, networks
from tfbind.errors import NotEstimable

SITE = dna.encode(["GGGAAATTTCCC"])[0]


def made(count, seed):
    """Bound: a planted site in an open bin; a site in a closed bin and an open bin without one are not."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, 4, (count, 200), dtype=np.uint8)
    site, is_open = rng.random((2, count)) < 0.5
    for row in np.flatnonzero(site):
        start = rng.integers(0, 188)
        tokens[row, start : start + 12] = SITE
    profile = rng.standard_normal((count, 21)) + 3 * is_open[:, None]
    return np.concatenate([tokens, profile], 1).astype(np.float32), (site & is_open).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted():
    X, y = made(2000, 1)
    return {m: networks.Network(m, steps=250, rate=0.01).fit(X, y) for m in ("deepbind", "deepbind_track")}


def test_a_track_tells_what_the_sequence_cannot(fitted):
    X, y = made(1000, 2)
    areas = {name: roc_auc_score(y, model.decision_function(X)) for name, model in fitted.items()}
    assert 0.75 < areas["deepbind"] < 0.9  # a site is seen, whether it is open is not
    assert areas["deepbind_track"] > 0.95
    assert (fitted["deepbind"].predict(X) == (fitted["deepbind"].decision_function(X) > 0)).all()


def test_sequence_alone_ignores_the_profile_and_only_it_scores_shuffles(fitted):
    X, _ = made(50, 3)
    other = X.copy()
    other[:, 200:] = 7
    alone, tracked = fitted["deepbind"], fitted["deepbind_track"]
    np.testing.assert_array_equal(alone.decision_function(X), alone.decision_function(other))
    assert np.abs(tracked.decision_function(X) - tracked.decision_function(other)).max() > 0.1
    np.testing.assert_array_equal(alone.on_sequences(X[:, :200].astype(np.uint8)), alone.decision_function(X))
    assert tracked.on_sequences(X[:, :200].astype(np.uint8)) is None


@pytest.mark.parametrize("method", networks.NETWORKS)
def test_every_network_trains_and_repeats(method):
    X, y = made(100, 4)
    first, second = (networks.Network(method, steps=2, batch=8).fit(X, y) for _ in range(2))
    scores = first.decision_function(X)
    assert scores.shape == (100,) and np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, second.decision_function(X))
    with pytest.raises(NotEstimable):
        networks.Network(method).fit(X, np.zeros(100))


def test_bins_become_tokens_and_the_profile_in_order():
    class TFBins:
        names = ("gc", "accessibility_mean_+50", "accessibility_mean", "accessibility_mean_-50", "accessibility_median")

        def labels(self, cell, chrom):
            return np.zeros(3, np.uint8)

        def tokens(self, chrom, index):
            return np.repeat(np.asarray(index, np.uint8)[:, None] % 4, 200, 1)

        def matrix(self, cell, chrom, index):
            return np.tile(np.arange(5, dtype=np.float32), (len(index), 1))

        def unmeasured(self, cell, chrom):
            return {"accessibility_mean": "accessibility"} if chrom == "chrY" else {}

    found = networks.Sequences(TFBins())
    matrix = found.matrix("c", "chr1", np.array([1, 3]))
    assert matrix.shape == (2, 203) and (matrix[:, :200] == [[1], [3]]).all()
    assert matrix[0, 200:].tolist() == [3, 2, 1]  # -50, 0, +50
    assert found.names[200:] == ["accessibility_mean_-50", "accessibility_mean", "accessibility_mean_+50"]
    assert found.unmeasured("k", "chrY") == {"accessibility_mean": "accessibility"} and not found.unmeasured(
        "k", "chr1"
    )
    for method, reads in (("deepbind", 0), ("deepbind_track", 3)):
        assert len(estimators.reads(networks.build([method], 1, 0)[method], found.names)) == 200 + reads
