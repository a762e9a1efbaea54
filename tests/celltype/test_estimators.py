import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

from tfbind.celltype import estimators
from tfbind.errors import NotEstimable

MOTIF, OPEN, SPREAD, NOISE = range(4)


def made(count, seed, bend=0.0):
    """Bins of known log-odds in a motif, accessibility, its square (if bent) and nothing else."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((count, 4)).astype(np.float32)
    logits = -7 + 2.5 * X[:, MOTIF] + 2 * X[:, OPEN] + bend * (X[:, SPREAD] ** 2 - 1)
    return X, (rng.random(count) < expit(logits)).astype(np.uint8), logits


def every():
    return {
        "organisers": estimators.Organisers([MOTIF, OPEN]),
        "catchitt": estimators.Catchitt(OPEN),
        "elastic_net": estimators.ElasticNet(),
        "boosting": estimators.Boosting(25),
    }


@pytest.fixture(scope="module")
def rows():
    return made(30_000, 1), made(60_000, 3)


@pytest.mark.parametrize("name", every())
def test_each_comes_close_to_the_generating_model(rows, name):
    (X, y, _), (Xt, yt, truth) = rows
    estimator = every()[name].fit(X, y)
    found = average_precision_score(yt, estimator.decision_function(Xt))
    alone = max(average_precision_score(yt, Xt[:, column]) for column in (MOTIF, OPEN))
    # trees approximate a line by steps: about a thousand bound bins leave them 6 points short
    assert found > average_precision_score(yt, truth) - (0.08 if name == "boosting" else 0.02)
    assert found > alone + 0.05


@pytest.mark.parametrize("name", every())
def test_a_row_scores_the_same_whatever_lies_beside_it_and_a_fit_repeats(rows, name):
    X, y = rows[0][0][:4000], rows[0][1][:4000]
    first, second = (clone(every()[name]).fit(X, y) for _ in range(2))
    scores = first.decision_function(X)
    np.testing.assert_array_equal(scores, second.decision_function(X))
    np.testing.assert_allclose(first.decision_function(X[::7]), scores[::7], rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(first.predict(X), scores > 0)


@pytest.mark.parametrize("name", every())
def test_one_class_is_not_estimable(name):
    with pytest.raises(NotEstimable, match="bound and unbound"):
        every()[name].fit(np.zeros((10, 4), np.float32), np.zeros(10))


def test_only_bins_in_peaks_of_accessibility_are_fitted_and_scored():
    X, y, _ = made(20_000, 4)
    gate = (X[:, OPEN] > 0).astype(np.float32)
    y_outside_is_wrong = np.where(gate > 0, y, X[:, MOTIF] < 0)
    gated = estimators.Organisers([MOTIF, OPEN], gate=4).fit(np.c_[X, gate], y_outside_is_wrong)
    scores = gated.decision_function(np.c_[X, gate])
    assert np.isneginf(scores[gate == 0]).all() and np.isfinite(scores[gate > 0]).all()
    alone = estimators.Organisers([MOTIF, OPEN]).fit(X[gate > 0], y[gate > 0])
    np.testing.assert_allclose(scores[gate > 0], alone.decision_function(X[gate > 0]), rtol=1e-5)
    with pytest.raises(NotEstimable, match="peak of accessibility"):
        estimators.Organisers([MOTIF], gate=4).fit(np.c_[X, gate * 0], y)


def test_squares_see_what_a_line_cannot():
    X, y, truth = made(40_000, 5, bend=1.0)
    Xt, yt, truth = made(40_000, 6, bend=1.0)
    line = LogisticRegression().fit(X, y).decision_function(Xt)
    squares = estimators.Catchitt(OPEN).fit(X, y).decision_function(Xt)
    best = average_precision_score(yt, truth)
    assert average_precision_score(yt, line) < best - 0.1
    assert average_precision_score(yt, squares) > best - 0.03


def test_first_negatives_stand_for_the_genome_and_cover_the_accessibility_of_the_positives():
    rng = np.random.default_rng(7)
    bound, unbound = rng.normal(3, 1, 500), rng.normal(0, 1, 100_000)
    weight = estimators.Catchitt(0)._first(bound, unbound)
    drawn = weight > 0
    # ten a positive, plus at most four a positive: matched to the positives' histogram where there are enough
    assert 5000 < drawn.sum() < 7500
    counts, edges = np.histogram(bound, 20)
    there = np.histogram(unbound, edges)[0]
    taken = np.histogram(unbound[drawn], edges)[0]
    rich = there > 4 * counts
    assert rich.sum() > 5
    assert (taken[rich] >= 0.6 * np.minimum(4 * counts, there)[rich]).all()
    assert (taken[~rich & (there > 0)] == there[~rich & (there > 0)]).all()
    # weighted back, the matched sample has the genome's distribution: both samples together are twice the uniform one
    inside = (unbound >= edges[0]) & (unbound <= edges[-1])
    expected = 0.05 * (inside.sum() * 2 + (~inside).sum())
    assert abs(weight.sum() - expected) < 0.1 * expected
    assert np.average(unbound[inside & drawn], weights=weight[inside & drawn]) == pytest.approx(
        unbound[inside].mean(), abs=0.1
    )


def test_hard_negatives_are_the_highest_unbound_bins_and_bounded():
    model = estimators.Catchitt(0)
    unbound = np.arange(1000.0)
    weight = np.where(unbound < 400, 0.5, 0.0)  # 200 in all: at most 30 join
    harder = model._harder(weight, np.array([900.0, 2000]), unbound)
    assert (np.flatnonzero(harder != weight) == np.arange(970, 1000)).all() and (harder[970:] == 1).all()
    harder = model._harder(weight, np.full(100, 990.0), unbound)  # none below the positives' first percentile
    assert (np.flatnonzero(harder != weight) == np.arange(990, 1000)).all()
    assert (model._harder(weight, np.full(9, 2000.0), unbound) == weight).all()
    tied = model._harder(weight, np.zeros(9), np.zeros(1000))  # equal scores cannot be told apart: none joins
    assert (tied == weight).all()


def test_rounds_add_negatives_and_their_probabilities_are_averaged(rows):
    X, y, _ = rows[0]
    model = estimators.Catchitt(OPEN, rounds=3).fit(X, y)
    assert len(model.coef_) == 3 and model.n_negatives_ == sorted(model.n_negatives_)
    standard = (X[:50] - model.mean_) / model.scale_
    each = expit(np.c_[standard, standard**2] @ model.coef_.T + model.intercept_)  # (50, 3)
    np.testing.assert_allclose(expit(model.decision_function(X[:50])), each.mean(1), rtol=1e-4)


def test_the_choice_is_made_on_the_rows_apart_and_fitted_on_all():
    X, y, _ = made(6000, 8)
    even = np.ones(6000)
    first, apart = np.arange(6000) < 3000, np.arange(6000) >= 4000
    columns = [estimators.Column(NOISE), estimators.Column(MOTIF), estimators.Column(OPEN)]
    assert estimators.fit(columns, X, y, even, first, apart).column == MOTIF
    turned = np.where(apart[:, None], X[:, [NOISE, MOTIF, SPREAD, NOISE]], X)
    assert estimators.fit(columns, turned, y, even, first, apart).column == OPEN
    # the rows stand for a genome full of motifs in closed regions
    weight = np.where((y == 0) & (X[:, MOTIF] > 1) & (X[:, OPEN] < 0), 1e6, 1.0)
    assert estimators.fit(columns, X, y, weight, first, apart).column != MOTIF
    assert estimators.fit(columns[:2] + columns[:1], X, y, even, first, apart & False).column == MOTIF  # the middle one
    both = estimators.fit([estimators.ElasticNet(1e-9), estimators.ElasticNet(1.0)], X, y, even, first, apart)
    assert both.strength == 1
    np.testing.assert_array_equal(both.coef_, estimators.ElasticNet(1.0).fit(X, y).coef_)


def test_rows_are_sampled_to_a_bound():
    y = np.repeat([1, 0], [100, 10_000])
    rows = estimators._sample(y, 10, 10**6, np.random.default_rng(0))
    assert (y[rows] == 1).sum() == 100 and len(rows) == 1100 and (np.diff(rows) > 0).all()
    rows = estimators._sample(y, 10, 550, np.random.default_rng(0))
    assert (y[rows] == 1).sum() == 50 and len(rows) == 550
    assert len(estimators._sample(y, 1e6, 10**9, np.random.default_rng(0))) == len(y)


def test_every_method_has_its_columns_by_name():
    names = [
        *("gc", *estimators._ORGANISERS, "motif_lse", "motif2_max", "motif_flank_max", "accessibility_median"),
        *("accessibility_before_max", "accessibility_mean_-50", "accessibility_mean_-250", "accessibility_in_peak"),
    ]
    built = estimators.build(names, 0)
    X = np.arange(2.0 * len(names)).reshape(2, -1)
    assert list(built) == ["accessibility", "motif", "organisers", "catchitt", "elastic_net", "boosting"]
    assert (built["motif"][0].fit(X, None).decision_function(X) == X[:, names.index("motif_max")]).all()
    assert (built["accessibility"][0].decision_function(X) == X[:, names.index("accessibility_mean")]).all()
    assert names[built["organisers"][0].gate] == "accessibility_in_peak"
    near, wide = built["catchitt"]
    assert names[near.match] == "accessibility_median"
    assert {names[i] for i in near.columns} == {
        *("motif_max", "motif_lse", "motif2_max", "accessibility_mean", "accessibility_median")
    }
    assert {names[i] for i in wide.columns} - {names[i] for i in near.columns} == {
        *("motif_flank_max", "accessibility_before_max", "accessibility_mean_-50")
    }
