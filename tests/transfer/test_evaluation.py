import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from tfbind.errors import InputError, NotEstimable
from tfbind.io import columns, tables
from tfbind.statistics import bootstrap
from tfbind.statistics.metrics import CURVE_POINTS, METRICS, curve, delong, delong_p, measure, mid_ranks
from tfbind.study import shifts
from tfbind.transfer import evaluate as ev

LEVEL = 0.95


def slow_auroc(labels, scores):
    positives, negatives = scores[labels == 1], scores[labels == 0]
    return np.mean([(p > n) + 0.5 * (p == n) for p in positives for n in negatives])


def slow_delong(labels, scores):
    """The structural components of DeLong 1988, pair by pair."""
    above, below = [], []
    for s in scores:
        wins = (s[labels == 1][:, None] > s[labels == 0]) + 0.5 * (s[labels == 1][:, None] == s[labels == 0])
        above.append(wins.mean(1))
        below.append(wins.mean(0))
    m, n = (labels == 1).sum(), (labels == 0).sum()
    return np.cov(above) / m + np.cov(below) / n


def simulated(rng, n_positive, n_negative, gain=1.0, decimals=8):
    labels = rng.permutation(np.repeat([1, 0], [n_positive, n_negative]))
    return labels, np.round(rng.normal(size=len(labels)) + gain * labels, decimals)


def rows_of(n):
    return pd.DataFrame({"chrom": [None] * n, "start": [None] * n})


@pytest.mark.parametrize("decimals", [0, 1, 8])
def test_auroc_and_delong_equal_the_pairwise_oracle(decimals):
    rng = np.random.default_rng(0)
    labels, first = simulated(rng, 30, 50, decimals=decimals)
    second = np.round(first + rng.normal(size=80), decimals)
    aucs, covariance = delong(labels, np.stack([first, second]))
    assert aucs == pytest.approx([slow_auroc(labels, first), slow_auroc(labels, second)])
    assert measure(labels, first)[0] == pytest.approx(aucs[0])
    assert covariance == pytest.approx(slow_delong(labels, np.stack([first, second])))
    z = (aucs[0] - aucs[1]) / np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert delong_p(labels, first, second) == pytest.approx(2 * stats.norm.sf(abs(z)))


def test_delong_by_hand():
    # Positives 2, 4; negatives 1, 3. Placements of the positives 1/2 and 1, of the negatives 1 and 1/2; variance of
    # each 1/8, over two rows of a class 1/16, together 1/8.
    aucs, covariance = delong(np.array([1, 1, 0, 0]), np.array([[2.0, 4, 1, 3]]))
    assert (aucs[0], covariance[0, 0]) == pytest.approx((0.75, 0.125))


def test_delong_agrees_with_the_exponential_model_in_a_large_sample():
    # Hanley & McNeil 1982, exact for exponential scores: AUROC r / (1 + r) for a ratio r of means.
    rng = np.random.default_rng(5)
    n = 20_000
    scores = np.concatenate([rng.exponential(3, n), rng.exponential(1, n)])
    aucs, covariance = delong(np.repeat([1, 0], n), scores)
    a = 0.75
    exact = (a * (1 - a) + (n - 1) * (a / (2 - a) - a**2) + (n - 1) * (2 * a**2 / (1 + a) - a**2)) / n**2
    assert aucs[0] == pytest.approx(a, abs=4 * np.sqrt(exact))
    assert covariance[0, 0] == pytest.approx(exact, rel=0.03)


def test_delong_p_without_variance():
    labels = np.repeat([1, 0], 10)
    perfect, constant = labels * 1.0, np.zeros(20)
    assert delong_p(labels, perfect, perfect) == 1
    assert delong_p(labels, perfect, np.exp(perfect)) == 1
    assert np.isnan(delong_p(labels, perfect, constant))


def test_delong_refuses_a_single_row_of_a_class():
    with pytest.raises(NotEstimable):
        delong(np.array([1, 0, 0]), np.arange(3.0))


@pytest.mark.parametrize("labels", [[1, 1, 1], [0, 0, 0]])
def test_one_class_is_not_estimable(labels):
    with pytest.raises(NotEstimable):
        measure(np.array(labels), np.arange(3.0))


def test_constant_scores():
    labels, scores = np.array([1, 0, 0, 0]), np.zeros(4)
    assert measure(labels, scores) == pytest.approx([0.5, 0.25, 0, 0])


def test_recall_at_fdr():
    # Precision after each row: 1, 1/2, 2/3, 1/2 (positives 2 of 3 found), then 3/5.
    labels, scores = np.array([1, 0, 1, 0, 1]), np.arange(5.0)[::-1]
    assert measure(labels, scores)[2:] == pytest.approx([1 / 3, 1])
    # Ties cannot be cut: the first threshold takes the negative along.
    assert measure(np.array([1, 0]), np.zeros(2))[2] == 0


@pytest.mark.parametrize("decimals", [1, 12])  # ties, none
def test_measure_equals_scikit_learn(decimals):
    rng = np.random.default_rng(4)
    labels = (rng.random(20_000) < 0.2).astype(int)
    scores = np.round(rng.normal(size=len(labels)) + labels, decimals)
    precision, recall, _ = precision_recall_curve(labels, scores)
    expected = [roc_auc_score(labels, scores), average_precision_score(labels, scores)]
    expected += [recall[precision >= 1 - fdr].max() for fdr in (0.1, 0.5)]
    np.testing.assert_allclose(measure(labels, scores), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"dataset": "a"}, "none"),
        ({}, "replicate"),
        ({"replicate": "2"}, "replicate"),
        ({"lab": "y", "replicate": "2"}, "lab"),
        ({"cell": "", "lab": "y"}, "cell"),
        ({"assay": "htselex", "cell": "z", "lab": "y"}, "assay"),
    ],
)
def test_shift_is_the_largest_difference(change, expected):
    row = {"dataset": "a", "assay": "chipseq", "cell": "c", "lab": "x", "replicate": "1"}
    other = {**row, "dataset": "b", **change}
    assert shifts.shift(row, other) == shifts.shift(other, row) == expected


def test_blocks():
    table = pd.DataFrame({"chrom": ["1", "1", "1", "2", None, None], "start": [0, 99, 100, 0, None, None]})
    assert bootstrap.blocks(table.astype({"start": "Int64"}), 100).tolist() == [0, 0, 1, 2, 3, 4]


def test_draws_keep_both_classes_and_whole_blocks():
    labels, block = np.array([1, 1, 1, 0, 0, 0]), np.array([7, 7, 8, 7, 8, 9])
    draws = bootstrap.draw(labels, block, 50, np.random.default_rng(0))
    assert draws.codes.tolist() == [0, 0, 1, 2, 3, 4]
    assert (draws.n_positive, draws.n_block) == (2, 2)
    assert (draws.counts[:, :2].sum(1) == 2).all() and (draws.counts[:, 2:].sum(1) == 3).all()
    assert draws.counts.max() == 3


def test_interval_of_rows_equals_scipy_bootstrap():
    rng = np.random.default_rng(3)
    labels, scores = simulated(rng, 150, 200)
    draws = bootstrap.draw(labels, bootstrap.blocks(rows_of(350), 1), 4000, rng)
    ours = bootstrap.metric_interval(bootstrap.replicate(scores[None], draws), 0, LEVEL)
    theirs = stats.bootstrap(
        (scores[labels == 1], scores[labels == 0]),
        lambda p, n, axis: stats.mannwhitneyu(p, n, axis=axis).statistic / (p.shape[axis] * n.shape[axis]),
        n_resamples=4000,
        rng=rng,
    ).standard_error
    value = measure(labels, scores)[0]
    half = stats.t.isf(0.025, 149) * theirs / (value * (1 - value))
    logit = np.log(value / (1 - value))
    assert ours == pytest.approx([1 / (1 + np.exp(-logit - sign * half)) for sign in (-1, 1)], abs=0.004)


def test_blocks_widen_the_interval_of_rows_that_move_together():
    rng = np.random.default_rng(4)
    block = np.repeat(np.arange(40), 20)
    labels = np.tile([1, 0], 400)
    scores = labels + rng.normal(size=800) + np.repeat(rng.normal(size=40), 20) * np.where(labels, 2, -2)
    widths = [
        np.diff(
            bootstrap.metric_interval(bootstrap.replicate(scores[None], bootstrap.draw(labels, b, 500, rng)), 0, LEVEL)
        )[0]
        for b in (block, np.arange(800))
    ]
    assert widths[0] > 1.5 * widths[1]


def test_seed_part_is_the_jackknife_variance_without_the_noise_of_the_rows():
    rng = np.random.default_rng(6)
    labels, scores = simulated(rng, 200, 200)
    scores = scores + rng.normal(size=(4, 1)) * rng.normal(size=400)
    draws = bootstrap.draw(labels, np.arange(400), 150, rng)

    def jackknife(rows):
        without = [roc_auc_score(labels[rows], np.delete(scores, i, 0).mean(0)[rows]) for i in range(4)]
        return 3 / 4 * np.square(without - np.mean(without)).sum()

    redrawn = [np.repeat(np.arange(400), count[draws.codes]) for count in draws.counts[: bootstrap.ENOUGH]]
    expected = 2 * jackknife(slice(None)) - np.mean([jackknife(rows) for rows in redrawn])
    assert bootstrap.replicate(scores, draws).seeds[0] == pytest.approx(expected)


def test_seeds_that_differ_by_the_noise_of_rows_alone_have_no_part():
    # As many rows as models, all independent: the jackknife sees noise, which the resampled rows hold already.
    rng = np.random.default_rng(8)
    labels = np.tile([1, 0], 150)
    draws = bootstrap.draw(labels, np.arange(300), 200, rng)
    parts = [bootstrap.replicate(labels + rng.normal(size=(3, 300)), draws) for _ in range(30)]
    rows = np.mean([part.rows[:, 0].var() for part in parts])
    assert np.mean([part.seeds[0] for part in parts]) < 0.4 * rows


def test_equal_seeds_have_no_seed_part():
    rng = np.random.default_rng(6)
    labels, scores = simulated(rng, 50, 50)
    draws = bootstrap.draw(labels, np.arange(100), 200, np.random.default_rng(1))
    once, thrice = (bootstrap.replicate(np.stack([scores] * s), draws) for s in (1, 3))
    assert np.abs(thrice.seeds).max() < 1e-12
    assert bootstrap.metric_interval(once, 0, LEVEL) == pytest.approx(
        bootstrap.metric_interval(thrice, 0, LEVEL), abs=1e-6
    )


def test_half_width():
    # One part is Student's interval; two parts lie between those of their own quantiles; none is no width.
    t = [stats.t.isf(0.025, freedom) for freedom in (2, 30)]
    assert bootstrap.half_width([(4.0, 2)], LEVEL) == pytest.approx(2 * t[0])
    assert bootstrap.half_width([(4.0, 2), (9.0, 0)], LEVEL) == pytest.approx(2 * t[0])
    weights = np.array([4.0, 1.0]) ** bootstrap.WEIGHT
    assert bootstrap.half_width([(4.0, 2), (1.0, 30)], LEVEL) == pytest.approx(weights @ t / weights.sum() * np.sqrt(5))
    assert bootstrap.half_width([(0.0, 2), (1.0, 30)], LEVEL) == pytest.approx(t[1])
    assert bootstrap.half_width([(0.0, 9)], LEVEL) == bootstrap.half_width([(1.0, 0)], LEVEL) == 0
    assert np.isnan(bootstrap.half_width([(np.nan, 0), (1.0, 30)], LEVEL))


def test_an_interval_near_one_stays_below_it_and_one_that_is_perfect_has_none():
    rng = np.random.default_rng(0)
    labels, scores = simulated(rng, 60, 60, gain=3.2)
    draws = bootstrap.draw(labels, np.arange(120), 300, rng)
    model = bootstrap.replicate(scores[None], draws)
    low, high = bootstrap.metric_interval(model, 0, LEVEL)
    assert model.value[0] > 0.97 and model.value[0] - low > 1.5 * (high - model.value[0]) and high < 1
    assert bootstrap.metric_interval(bootstrap.replicate(labels[None] * 1.0, draws), 0, LEVEL) == (1, 1)


def test_blocks_bring_both_classes_along():
    # Positives and their negatives move together: drawn apart, the same rows would give a far wider interval.
    rng = np.random.default_rng(4)
    block, labels = np.repeat(np.arange(40), 10), np.tile([1, 0], 200)
    scores = labels + rng.normal(size=400) + 2 * rng.normal(size=40)[block]
    together = bootstrap.draw(labels, block, 500, rng)
    assert (together.counts[:, :40] == together.counts[:, 40:]).all()
    apart = bootstrap.draw(labels, block + 100 * labels, 500, rng)
    sd = [bootstrap.replicate(scores[None], draws).rows[:, 0].std() for draws in (together, apart)]
    assert sd[1] > 1.4 * sd[0]


def test_a_lone_block_of_its_kind_is_drawn_with_the_others_of_its_class():
    labels, block = np.array([1, 0, 1, 0, 1, 0, 1]), np.array([0, 0, 1, 1, 2, 3, 3])
    draws = bootstrap.draw(labels, block, 400, np.random.default_rng(0))  # block 2 holds positives alone
    assert (draws.n_positive, draws.n_block) == (4, 3) and draws.codes.tolist() == [0, 4, 1, 5, 2, 6, 3]
    assert (draws.counts[:, :4].sum(1) == 4).all() and (draws.counts[:, 4:].sum(1) == 3).all()
    assert (draws.counts.astype(float).std(0) > 0.5).all()


def test_one_block_gives_no_interval():
    labels = np.repeat([1, 0], 30)
    draws = bootstrap.draw(labels, np.zeros(60, int), 100, np.random.default_rng(0))
    model = bootstrap.replicate(np.random.default_rng(1).normal(size=(2, 60)), draws)
    assert np.isnan(bootstrap.metric_interval(model, 0, LEVEL)).all()


@pytest.mark.parametrize("kind", ["roc", "pr"])
def test_curves_are_short_and_keep_their_ends(kind):
    labels, scores = simulated(np.random.default_rng(0), 500, 500)
    x, y = curve(labels, scores, kind)
    assert len(x) <= CURVE_POINTS + 1
    assert (x[0], x[-1]) == (0, 1) and (np.diff(x) >= 0).all()
    area = np.trapezoid(y, x)
    assert area == pytest.approx(measure(labels, scores)[0 if kind == "roc" else 1], abs=0.02)


def cases(count):
    """Labels of both classes and scores, with few, some and no ties, of 2 to 400 rows."""
    rng = np.random.default_rng(5)
    for i in range(count):
        size = int(rng.choice([2, 3, 5, 20, 400]))
        labels = rng.permutation(np.arange(size) < rng.integers(1, size)).astype(int)
        scores = np.round(rng.normal(size=size) + labels, (0, 1, 12)[i % 3])
        yield labels, scores if i % 5 else scores.astype(np.float32)


def test_curves_equal_those_of_scikit_learn():
    for labels, scores in cases(2000):
        for kind in ("roc", "pr"):
            if kind == "roc":
                x, y, _ = roc_curve(labels, scores, drop_intermediate=False)
                along = x + y
            else:
                y, x, _ = precision_recall_curve(labels, scores)
                x, y = x[::-1], y[::-1]
                along = x
            chosen = np.searchsorted(along, np.linspace(0, along[-1], CURVE_POINTS))
            chosen = np.unique(np.append(chosen, len(along) - 1))
            for found, expected in zip(curve(labels, scores, kind), (x[chosen], y[chosen]), strict=True):
                np.testing.assert_array_equal(found, expected)


def test_ranks_and_quantiles_equal_those_of_scipy():
    for _, scores in cases(2000):
        np.testing.assert_array_equal(mid_ranks(scores), stats.rankdata(scores))
    scores = np.round(np.random.default_rng(6).normal(size=(3, 400)), 1)
    np.testing.assert_array_equal(mid_ranks(scores), stats.rankdata(scores, axis=1))
    for level in (0.8, 0.9, 0.95, 0.99):
        for freedom in (*range(1, 300), 1e3, 1e6):
            expected = np.average([stats.t.isf((1 - level) / 2, freedom)], weights=[0.3**bootstrap.WEIGHT]) * np.sqrt(
                0.3
            )
            assert bootstrap.half_width([(0.3, freedom)], level) == expected


# A study: GATA3 by SELEX and ChIP-seq, MAX by ChIP-seq, one set of negatives, scores with a known gain.


def dataset(name, tf, assay, **more):
    empty = {"cell": "", "lab": "", "replicate": ""}
    return {"dataset": name, "tf": tf, "assay": assay, **empty, **more}


ROWS = {
    row["dataset"]: row
    for row in (
        dataset("g_selex", "GATA3", "htselex"),
        dataset("g_chip", "GATA3", "chipseq", cell="T47D"),
        dataset("m_chip", "MAX", "chipseq", cell="K562"),
    )
}
CONFIG = {
    "models": {"deepbind": {"kind": "deepbind"}, "composition": {"kind": "composition"}},
    "negatives": {"shuffled": {}},
    "transfer": {"test_negatives": "same", "extra_pairs": []},
    "statistics": {"resamples": 200, "level": 0.95, "block": 1000, "min_examples": 20},
}


def test_rows(target, n=60, labels=("shuffled",)):
    chip = ROWS[target]["assay"] == "chipseq"
    parts = []
    for label, name in [(1, ""), *((0, label) for label in labels)]:
        part = pd.DataFrame({"id": [f"{target}{i}" for i in range(n)], "label": label, "negatives": name})
        part["chrom"] = "chr1" if chip else None
        part["start"] = np.arange(n) * 500 if chip else None
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


test_rows.__test__ = False


def predicted(tests, targets, gain, seeds=(0, 1, 2), ensemble=True, word=0):
    rng = np.random.default_rng(word)
    parts = []
    for target in targets:
        test = tests[target]
        common = rng.normal(size=len(test)) + gain * test["label"].to_numpy()
        scores = {str(seed): common + 0.2 * rng.normal(size=len(test)) for seed in seeds}
        if ensemble:
            scores["ensemble"] = np.mean(list(scores.values()), 0)
        parts += [
            test[["id", "label", "negatives"]].assign(target=target, seed=seed, score=values)
            for seed, values in scores.items()
        ]
    return pd.concat(parts, ignore_index=True).sample(frac=1, random_state=word)


@pytest.fixture
def study():
    tests = {name: test_rows(name) for name in ROWS}
    gata = ["g_selex", "g_chip"]
    predictions = {
        ("g_selex", "shuffled", "deepbind"): predicted(tests, gata, 0.8, word=1),
        ("g_chip", "shuffled", "deepbind"): predicted(tests, gata, 2.0, word=2),
        ("m_chip", "shuffled", "deepbind"): predicted(tests, ["m_chip", "g_chip"], 0.1, word=3),
        ("g_selex", "shuffled", "composition"): predicted(tests, gata, 0.1, seeds=[0], word=4),
        ("g_chip", "shuffled", "composition"): predicted(tests, gata, 0.6, seeds=[0], word=5),
        ("m_chip", "shuffled", "composition"): predicted(tests, ["m_chip", "g_chip"], 0, seeds=[0], word=6),
    }
    return tests, predictions


def run(study, tf="GATA3", refused=None, **changes):
    tests, predictions = study
    parts = {}
    for target, table in tests.items():
        bound, unbound = (part.assign(split="test") for part in (table.query("label == 1"), table.query("label == 0")))
        parts[target] = bound, {label: part.drop(columns="negatives") for label, part in unbound.groupby("negatives")}
    return ev.evaluate(tf, ROWS, predictions, parts, {**CONFIG, **changes}, refused or {})


@pytest.mark.parametrize(
    ("fold", "reason"),
    [
        (lambda test: test["label"], "no fold holds test rows of both classes"),
        (lambda test: (test["start"] == 0).astype(int), ""),
    ],
    ids=["none", "one of each"],
)
def test_folds_that_cannot_be_ranked_are_said(study, fold, reason):
    """No fold with both classes leaves the cell without a value; one with a row of each leaves DeLong's p out."""
    tests, predictions = study
    tests["g_chip"]["split"] = [f"fold{i}/3" for i in fold(tests["g_chip"])]
    rows = {name: row for name, row in ROWS.items() if name != "m_chip"}
    runs = [(name, "shuffled") for name in ("g_chip", "g_selex")]
    metrics, transfer, _ = ev.on_target("g_chip", "shuffled", tests["g_chip"], runs, predictions, rows, CONFIG)
    found = pd.DataFrame(transfer).set_index("model").loc["deepbind"]
    if reason:
        assert {row["note"] for row in metrics} == {found["note"]} == {reason}
        return
    assert found["low"] < found["drop"] < found["high"] and 0 < found["p_value"] < 1
    assert pd.isna(found.get("p_delong")) and "one positive or one negative: no p by DeLong" in found["note"]


def test_every_cell_has_its_rows(study):
    metrics, transfer, curves = run(study)
    assert list(metrics) == columns.METRIC_COLUMNS and list(transfer) == columns.TRANSFER_COLUMNS
    assert list(curves) == columns.CURVE_COLUMNS
    # 2 sources x 2 targets x 4 metrics x (3 seeds + ensemble, 1 seed + ensemble)
    assert len(metrics) == 2 * 2 * 4 * (4 + 2)
    ensemble = metrics[metrics["seed"] == "ensemble"]
    assert ensemble[["value", "low", "high"]].notna().all(axis=None)
    assert (ensemble["low"] <= ensemble["value"]).all() and (ensemble["value"] <= ensemble["high"]).all()
    assert metrics.loc[metrics["seed"] != "ensemble", "low"].isna().all()
    assert (metrics["n_positive"] == 60).all() and (metrics["n_negative"] == 60).all()
    assert set(zip(transfer["source"], transfer["target"], strict=True)) == {
        ("g_selex", "g_chip"),
        ("g_chip", "g_selex"),
    }
    assert set(curves["curve"]) == {"roc", "pr"}


def test_values_and_drops_are_those_of_the_joined_rows(study):
    tests, predictions = study
    metrics, transfer, _ = run(study)
    key = ["id", "label", "negatives"]
    aucs, joined = {}, {}
    for source in ("g_selex", "g_chip"):
        table = predictions[source, "shuffled", "deepbind"].query("target == 'g_chip' and seed == 'ensemble'")
        joined[source] = tests["g_chip"].merge(table, on=key, validate="1:1")
        aucs[source] = slow_auroc(joined[source]["label"].to_numpy(), joined[source]["score"].to_numpy())
        row = metrics.query(
            "source == @source and target == 'g_chip' and seed == 'ensemble' and metric == 'auroc' and "
            "model == 'deepbind'"
        )
        assert row["value"].item() == pytest.approx(aucs[source])
    drop = transfer.query("target == 'g_chip' and model == 'deepbind'").iloc[0]
    assert (drop["shift"], drop["same"], drop["cross"]) == pytest.approx(("assay", aucs["g_chip"], aucs["g_selex"]))
    assert drop["drop"] == pytest.approx(aucs["g_chip"] - aucs["g_selex"])
    assert drop["low"] < drop["drop"] < drop["high"]
    scores = [joined[source]["score"].to_numpy() for source in ("g_chip", "g_selex")]
    assert drop["p_delong"] == pytest.approx(delong_p(joined["g_chip"]["label"].to_numpy(), *scores))
    floor = transfer.query("target == 'g_chip' and model == 'composition'").iloc[0]
    assert drop["floor"] == floor["same"] == floor["floor"] > ev.HIGH_FLOOR
    assert "composition alone" in drop["note"] and ev.NOT_ABOVE_FLOOR not in drop["note"]


@pytest.mark.parametrize("seeds", [[0, 0], [1, 0], [1, 1]])
def test_the_p_of_a_drop_is_below_a_level_where_its_interval_leaves_zero_out(study, seeds):
    tests, predictions = study
    for strength, (source, many) in enumerate(zip(("g_selex", "g_chip"), seeds, strict=True)):
        table = predicted(tests, ["g_selex", "g_chip"], 0.4 + 0.3 * strength, word=3 + strength)
        predictions[source, "shuffled", "deepbind"] = table if many else table[table["seed"] == "ensemble"]
    for target in ("g_chip", "g_selex"):
        chosen = f"target == '{target}' and model == 'deepbind'"
        p = run(study)[1].query(chosen)["p_value"].item()
        assert 0 < p < 1
        for level, outside in ((1 - 1.001 * p, True), (1 - 0.999 * p, False)):
            drop = run(study, statistics={**CONFIG["statistics"], "level": level})[1].query(chosen).iloc[0]
            assert drop["p_value"] == p and (drop["low"] > 0 or drop["high"] < 0) == outside, (level, p)


def test_p_of_one_part_is_that_of_students_t_and_of_two_lies_between():
    for value, variance, freedom in ((0.1, 0.004, 7), (-0.5, 0.001, 99), (3.0, 1e-4, 2000)):
        alone = 2 * stats.t.sf(abs(value) / np.sqrt(variance), freedom)
        assert bootstrap.p_of(value, [(variance, freedom), (0.0, 0)]) == pytest.approx(max(alone, 1e-300), rel=1e-6)
    parts = [(0.003, 59), (0.001, 4)]
    for value in (1e-6, 0.05, 0.2, 1.0):
        low, high = sorted(2 * stats.t.sf(value / np.sqrt(0.004), freedom) for _, freedom in parts)
        p = bootstrap.p_of(value, parts)
        assert low <= p <= high and bootstrap.half_width(parts, 1 - p) == pytest.approx(value, rel=1e-4)


def test_p_is_missing_where_the_interval_is_and_one_where_nothing_differs():
    assert np.isnan(bootstrap.p_of(0.1, [(np.nan, 0), (0.001, 4)])) and np.isnan(bootstrap.p_of(0.0, [(np.nan, 0)]))
    assert np.isnan(bootstrap.p_of(0.1, [(0.0, 9), (0.0, 0)]))  # no resample differs: the true variance is larger
    assert bootstrap.p_of(0.0, [(0.0, 9), (0.0, 0)]) == bootstrap.p_of(0.0, [(0.1, 9), (0.2, 4)]) == 1


def test_the_p_of_a_drop_holds_blocks_and_seeds_where_delong_takes_rows_for_independent(rng):
    # No model is better; the rows of a block rise and fall together. 200 studies: three standard errors are 4.6 points.
    small = {"ours": [], "delong": []}
    labels, block = np.arange(200) % 2, np.arange(200) // 20
    for _ in range(200):
        draws = bootstrap.draw(labels, block, 200, rng)
        scores = [labels + rng.normal(size=(2, 10))[labels, block] + 0.5 * rng.normal(size=(3, 200)) for _ in range(2)]
        models = [bootstrap.replicate(some, draws) for some in scores]
        small["ours"].append(bootstrap.difference_p(*models) < 0.05)
        small["delong"].append(delong_p(labels, *(some.mean(0) for some in scores)) < 0.05)
    assert np.mean(small["ours"]) < 0.096 and np.mean(small["delong"]) > 0.2


def test_a_target_model_no_better_than_composition_is_noted(study):
    tests, predictions = study
    predictions["g_chip", "shuffled", "deepbind"] = predicted(tests, ["g_selex", "g_chip"], 0.5, word=9)
    _, transfer, _ = run(study)
    note = transfer.query("target == 'g_chip' and model == 'deepbind'")["note"].item()
    assert ev.NOT_ABOVE_FLOOR in note


def test_extra_pairs_join_tfs(study):
    _, transfer, _ = run(study, transfer={"test_negatives": "same", "extra_pairs": [["m_chip", "g_chip"]]})
    pair = transfer[transfer["source"] == "m_chip"]
    assert set(pair["tf"]) == {"MAX>GATA3"} and set(pair["target"]) == {"g_chip"} and pair["drop"].notna().all()


def test_the_only_dataset_of_a_tf_keeps_its_row(study):
    metrics, transfer, _ = run(study, "MAX")
    assert metrics["value"].notna().all()
    assert transfer["drop"].isna().all() and transfer["note"].str.contains("only dataset").all()
    assert len(transfer) == 2 and transfer["same"].notna().all()


def test_absent_predictions_and_few_rows_leave_a_note(study):
    _, predictions = study
    del predictions["g_selex", "shuffled", "deepbind"]
    metrics, transfer, _ = run(study)
    empty = metrics[(metrics["source"] == "g_selex") & (metrics["model"] == "deepbind")]
    assert empty["value"].isna().all() and empty["note"].str.contains("no prediction").all()
    assert len(empty) == 2 * len(METRICS)
    assert transfer.query("model == 'deepbind'")["drop"].isna().all()
    many = {**CONFIG["statistics"], "min_examples": 61}
    metrics, transfer, curves = run(study, statistics=many)
    assert metrics["value"].isna().all() and metrics["note"].str.contains("fewer than 61").all()
    assert transfer["note"].str.contains("fewer than 61").all() and curves.empty


def test_a_refused_cell_says_why_and_no_other_changes(study):
    before = run(study)[0]
    cell = {"source": "g_selex", "train_negatives": "shuffled", "target": "g_chip", "test_negatives": "shuffled"}
    metrics, transfer, _ = run(study, refused={tuple(cell.values()): "refused: 3 identical"})
    mine = (metrics[list(cell)] == list(cell.values())).all(axis=1)
    assert metrics[mine]["value"].isna().all() and set(metrics[mine]["note"]) == {"refused: 3 identical"}
    assert set(metrics[mine]["model"]) == {"deepbind", "composition"}
    keys = [*cell, "model", "seed", "metric"]
    pd.testing.assert_frame_equal(
        metrics[~mine].reset_index(drop=True),
        before.merge(metrics[~mine][keys], on=keys).reset_index(drop=True),
    )
    lost = transfer[(transfer["source"] == "g_selex") & (transfer["target"] == "g_chip")]
    assert lost["drop"].isna().all() and lost["same"].notna().all()
    assert lost["note"].str.contains("refused: 3 identical").all()


def test_all_test_negatives(study):
    tests, predictions = study
    labels = ("shuffled", "genomic")
    tests |= {name: test_rows(name, labels=labels) for name in ("g_selex", "g_chip")}
    for source in ("g_selex", "g_chip"):
        for label in labels:
            predictions[source, label, "deepbind"] = predicted(tests, ["g_selex", "g_chip"], 1)
    options = {"negatives": {"shuffled": {}, "genomic": {}}, "models": {"deepbind": {"kind": "deepbind"}}}
    everything = run(study, **options, transfer={"test_negatives": "all"})[1]
    assert len(everything.groupby(["train_negatives", "test_negatives"])) == 4
    assert everything["drop"].notna().all() and everything["floor"].isna().all()
    assert len(run(study, **options)[1].groupby(["train_negatives", "test_negatives"])) == 2


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda t: t[~((t["id"] == "g_chip7") & (t["label"] == 1) & (t["seed"] == "1"))], "119 predictions for 120"),
        (lambda t: pd.concat([t, t[t["target"] == "g_chip"].iloc[[0]]]), "121 predictions for 120"),
        (lambda t: t.assign(id=t["id"].replace("g_chip7", "other")), "120 predictions for 120"),
        (lambda t: t.assign(score=t["score"].where(t["id"] != "g_chip7", np.nan)), "not finite"),
        (lambda t: t.assign(score=t["score"] + (t["seed"] == "ensemble")), "not the mean logit"),
    ],
)
def test_rows_that_do_not_match_are_refused_all_at_once(study, damage, said):
    _, predictions = study
    for source in ("g_selex", "g_chip"):
        predictions[source, "shuffled", "deepbind"] = damage(predictions[source, "shuffled", "deepbind"])
    with pytest.raises(InputError) as refused:
        run(study)
    for source in ("g_selex", "g_chip"):
        assert any(said in fault and source in fault for fault in refused.value.faults)


def test_repeated_ids_are_refused(study):
    tests, _ = study
    tests["g_chip"]["id"] = tests["g_chip"]["id"].replace("g_chip7", "g_chip8")
    with pytest.raises(InputError, match="repeat the id 'g_chip8'"):
        run(study)


def test_scores_of_a_foreign_ensemble_alone(study):
    _, predictions = study
    for key, table in predictions.items():
        predictions[key] = table[table["seed"] == "ensemble"]
    metrics, transfer, _ = run(study)
    assert set(metrics["seed"]) == {"ensemble"} and metrics["low"].notna().all()
    assert transfer["note"].str.contains("one seed").all()


def test_tables_are_the_same_again_and_do_not_depend_on_other_models(study):
    first, second = run(study), run(study)
    for a, b in zip(first, second, strict=True):
        pd.testing.assert_frame_equal(a, b)
    alone = run(study, models={"deepbind": {"kind": "deepbind"}})[0]
    whole = first[0].query("model == 'deepbind'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, whole)


def test_a_label_that_does_not_apply_to_a_dataset_makes_no_cell(study):
    tests, predictions = study
    tests["g_chip"] = test_rows("g_chip", labels=("shuffled", "pairs"))
    predictions["g_chip", "pairs", "deepbind"] = predicted(tests, ["g_chip"], 1)
    metrics, transfer, _ = run((tests, predictions), negatives={"shuffled": {}, "pairs": {}})
    paired = metrics[(metrics["train_negatives"] == "pairs") | (metrics["test_negatives"] == "pairs")]
    assert set(zip(paired["source"], paired["target"], strict=True)) == {("g_chip", "g_chip")}
    assert "pairs" not in set(transfer["train_negatives"]) | set(transfer["test_negatives"])


def test_targets_with_intensities_have_metrics_that_need_no_cut():
    rng = np.random.default_rng(0)
    signal = rng.exponential(1000, 400)
    label = signal > np.sort(signal)[-41]
    ids = [f"x{i}" for i in range(400)]
    table = tables.sequences(
        id=ids, sequence=["ACGT"] * 400, label=label.astype(int), split="test", score=signal, origin="a"
    )
    sets = {"P": (table[label].reset_index(drop=True), {"n": table[~label].reset_index(drop=True)})}
    about = {"dataset": "P", "tf": "T", "assay": "pbm", "cell": "", "lab": "l", "replicate": "", "design": "A"}
    scores = np.log(signal) + rng.normal(0, 0.5, 400)
    made = [
        pd.DataFrame({"target": "P", "id": ids, "label": label.astype(int), "seed": seed, "score": scores + noise})
        for seed, noise in (("0", 0.1), ("1", -0.1))
    ]
    predictions = pd.concat(made).assign(negatives=lambda t: np.where(t["label"] == 1, "", "n"))
    config = {
        "models": {"m": {"kind": "deepbind"}}, "negatives": {"n": {}}, "transfer": {},
        "statistics": {"resamples": 200, "level": 0.95, "block": 1000, "min_examples": 20},
    }  # fmt: skip
    metrics, *_ = ev.evaluate("T", {"P": about}, {("P", "n", "m"): predictions}, sets, config)
    whole = metrics[metrics["seed"] == "ensemble"].set_index("metric")
    spearman = stats.spearmanr(signal, scores).statistic
    assert whole.loc["spearman", "value"] == pytest.approx(spearman)
    assert whole.loc["spearman", "low"] < spearman < whole.loc["spearman", "high"] < 1
    top = signal >= np.sort(signal)[-4]
    assert whole.loc["auroc_top_probes", "value"] == pytest.approx(roc_auc_score(top, scores))
    middle = np.median(signal)
    spread = 1.4826 * np.median(np.abs(signal - middle))
    for threshold in ev.MOVED:
        there = signal >= middle + threshold * spread
        row = whole.loc[f"auroc_from_{threshold:g}_sd"]
        assert row["n_positive"] == there.sum() and row["value"] == pytest.approx(roc_auc_score(there, scores))
    # the other design of the experiment is what tests: it is no source of its own
    twin = about | {"dataset": "Q", "design": "B"}
    other = about | {"dataset": "R", "design": "B", "lab": "k"}
    nothing = table.iloc[:0], {"n": table.iloc[:0]}
    rows = {"P": about, "Q": twin, "R": other}
    both = ev.evaluate("T", rows, {("P", "n", "m"): predictions}, sets | {"Q": nothing, "R": nothing}, config)
    found = set(both[0][["source", "target"]].itertuples(index=False, name=None))
    assert found == {(a, b) for a in "PQR" for b in "PQR"} - {("P", "Q"), ("Q", "P")}
    assert (both[1].loc[both[1]["target"] == "R", "note"].str.contains(ev.ONE_ARRAY)).all()
