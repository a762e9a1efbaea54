import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tfbind.statistics import variance_components


def nested(*names):
    """Levels of `variance_components.sums` from the names of each value's groups."""
    return np.stack([pd.factorize(pd.MultiIndex.from_arrays(names[: i + 1]))[0] for i in range(len(names))], 1)


def projection(codes):
    one = np.eye(codes.max() + 1)[codes]
    return one @ np.diag(1 / one.sum(0)) @ one.T


def test_sums_equal_the_quadratic_forms_of_an_unbalanced_design():
    # E[y'Ay] = trace(A Z Z') for each random effect Z: dense matrices instead of counts.
    rng = np.random.default_rng(0)
    n = 40
    a, b, c = rng.integers(2, size=n), rng.integers(2, size=n), rng.integers(3, size=n)
    levels = nested(np.zeros(n, int), a, b, c, np.arange(n))
    y = rng.normal(size=n)
    squares, coefficients, freedom = variance_components.sums(y, levels)
    for f in range(4):
        form = projection(levels[:, f + 1]) - projection(levels[:, f])
        assert squares[f] == pytest.approx(y @ form @ y) and freedom[f] == pytest.approx(np.trace(form))
        for h in range(4):
            z = np.eye(levels[:, h + 1].max() + 1)[levels[:, h + 1]]
            assert coefficients[f, h] == pytest.approx(np.trace(form @ z @ z.T), abs=1e-9)


def test_one_way_is_the_textbook_estimator():
    rng = np.random.default_rng(1)
    y = rng.normal(size=(6, 4)) + 2 * rng.normal(size=(6, 1))
    group = np.repeat(np.arange(6), 4)
    between, within = variance_components.solve(
        *variance_components.sums(y.ravel(), nested(np.zeros(24, int), group, np.arange(24)))
    )
    mean_square = stats.f_oneway(*y).statistic * y.var(1, ddof=1).mean()
    assert within == pytest.approx(y.var(1, ddof=1).mean())
    assert between == pytest.approx((mean_square - within) / 4)


SD = {"assay": 0.05, "cell": 0.03, "lab": 0.02, "replicate": 0.01, "seed": 0.005}


def study(rng, n_tf, assays=2, cells=2, labs=2, replicates=2, seeds=3):
    lines, rows = [], {}
    for tf in range(n_tf):
        for a in range(assays):
            for c in range(cells):
                for b in range(labs):
                    for r in range(replicates):
                        rows[f"{tf}{a}{c}{b}{r}"] = {"assay": f"a{a}", "cell": f"c{c}", "lab": f"l{b}"}
        mine = [name for name in rows if name.startswith(str(tf)) and len(name) == len(str(tf)) + 4]
        for target in mine[:2]:
            effects: dict = {}
            for source in mine:
                value = 0.8
                for depth, factor in enumerate(("assay", "cell", "lab", "replicate"), len(str(tf)) + 1):
                    value += effects.setdefault(source[:depth], SD[factor] * rng.normal())
                for seed in range(seeds):
                    about = {"tf": f"T{tf}", "source": source, "target": target, "model": "m", "seed": str(seed)}
                    about |= {"train_negatives": "n", "test_negatives": "n", "metric": "auroc"}
                    lines.append(about | {"value": value + SD["seed"] * rng.normal()})
    return pd.DataFrame(lines), rows


def test_known_components_are_found():
    lines = variance_components.split(*study(np.random.default_rng(0), 9, replicates=2)).set_index("component")
    assert list(lines.index) == list(variance_components.COMPONENTS)
    for name, sd in SD.items():
        line = lines.loc[name]
        assert line["sd"] == pytest.approx(sd, rel=0.5) and line["low"] < sd * 1.3 and sd < line["high"] * 1.3, name
    assert lines["share"].sum() == pytest.approx(1) and lines["share"].idxmax() == "assay"


def test_the_level_reaches_the_intervals():
    made = study(np.random.default_rng(0), 9)
    wide, usual, narrow = (
        variance_components.split(*made, *level).set_index("component") for level in ([0.99], [], [0.8])
    )
    assert usual.equals(variance_components.split(*made, 0.95).set_index("component"))
    assert usual["sd"].equals(wide["sd"]) and usual["sd"].equals(narrow["sd"])
    for inner, outer in ((narrow, usual), (usual, wide)):
        assert (outer["low"] <= inner["low"]).all() and (outer["high"] >= inner["high"]).all()
        assert (outer["high"] - outer["low"] > inner["high"] - inner["low"]).all()


def test_what_the_design_cannot_tell_apart_is_refused_in_words():
    metrics, rows = study(np.random.default_rng(0), 3, labs=1, replicates=1, seeds=1)
    lines = variance_components.split(metrics, rows).set_index("component")
    assert lines.loc[["lab", "replicate", "seed"], "sd"].isna().all()
    assert lines.loc["lab", "note"] == "not estimable: nothing has two: each cell has one laboratory; held by cell"
    assert lines.loc["seed", "note"].endswith("each model was trained once; held by cell")
    assert "fewer than 5 TFs" in lines.loc["assay", "note"] and lines.loc["assay", "low"] is not None
    nameless = {name: {**row, "lab": ""} for name, row in rows.items()}
    assert (
        variance_components.split(metrics, nameless)
        .set_index("component")
        .loc["lab", "note"]
        .startswith("not estimable: no lab is stated")
    )


def test_without_numbered_seeds_there_is_no_row():
    metrics, rows = study(np.random.default_rng(0), 2)
    assert variance_components.split(metrics.assign(seed="ensemble"), rows).empty
