"""A small version of `make coverage`: the intervals hold the truth as often as they say."""

import numpy as np
import pandas as pd
import pytest
from benchmarks import coverage

from tfbind.seeding import generator
from tfbind.statistics import bootstrap


def covered(found):
    return pd.DataFrame(found, columns=["interval", "covered"]).groupby("interval")["covered"].mean()


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_an_auroc_and_a_drop_are_covered(seeds):
    # 300 studies: three Monte-Carlo standard errors at 95 % are 3.8 points.
    shares = covered(coverage.of_one_tf(rows=200, blocks=20, seeds=seeds, studies=300))
    assert shares[["auroc", "drop"]].between(0.912, 0.988).all(), shares


def test_a_mean_over_tfs_is_covered_where_a_bootstrap_over_tfs_is_not():
    shares = covered(coverage.over_tfs(tfs=4, studies=120))
    assert 0.92 < shares["mean over TFs"] <= 0.995
    assert shares["mean over TFs, percentile bootstrap"] < 0.88


def test_a_mean_over_few_tfs_that_agree_by_chance_is_covered():
    # Student's t misses in more than half of such studies, one standard error of the TFs' own uncertainty in a fifth.
    found = list(coverage.over_tfs(tfs=3, studies=200, spread=0.0))
    assert sum(name == "mean over TFs, agreeing" for name, _ in found) > 25
    assert covered(found)["mean over TFs, agreeing"] > 0.92 and covered(found)["mean over TFs"] > 0.95


def test_the_test_can_fail(monkeypatch):
    # Rows resampled as if they were independent, and seeds left out: what the intervals are there to prevent.
    draw = bootstrap.draw
    monkeypatch.setattr(coverage, "BLOCK", 1.0)
    monkeypatch.setattr(bootstrap, "draw", lambda labels, block, *rest: draw(labels, np.arange(len(labels)), *rest))
    assert covered(coverage.of_one_tf(rows=500, blocks=10, seeds=1, studies=60))["auroc"] < 0.88


def test_simulated_aurocs_are_those_stated():
    rng = generator("test")
    found = [coverage.study(rng, 2000, 500, 3, (0.93, 0.88)) for _ in range(40)]
    values = np.array([[model.value[0] for model in one.models] for one in found])
    error = values.std(0) / np.sqrt(len(values))
    assert (np.abs(values.mean(0) - found[0].expected) < 4 * error).all() and (error < 0.005).all()


def test_the_stored_coverage_is_between_93_and_97_percent():
    table = pd.read_csv(coverage.HERE / "coverage.tsv", sep="\t")
    assert list(table) == ["interval", "nominal", "covered", "n"] and (table["n"] >= 200).all()
    assert {"auroc", "drop"} <= {name.split(",")[0] for name in table["interval"]}
    # Over few TFs the interval is the wider of two that each hold what they say: never less than that, often more.
    few = table["interval"].isin([f"mean over TFs, {n} TFs" for n in (2, 3, 4)])
    assert table.loc[~few, "covered"].between(0.93, 0.97).all() and table.loc[few, "covered"].between(0.93, 0.995).all()


def test_folds_are_covered_where_all_folds_together_are_not():
    found = coverage.of_folds(folds=3, seeds=1, offset=1.0, studies=200).set_index("interval")
    within, together = (found.loc[[f"auroc, {how}", f"drop, {how}"]] for how in ("within folds", "all folds together"))
    # three Monte-Carlo standard errors at 95 % are 4.6 points
    assert within["covered"].between(0.9, 1).all() and within["bias"].abs().max() < 0.005
    assert together["covered"].max() < 0.7


def test_the_stored_coverage_of_folds_is_between_93_and_97_percent():
    table = pd.read_csv(coverage.HERE / "coverage_folds.tsv", sep="\t")
    within = table[table["interval"].str.endswith("within folds")]
    assert len(within) == 24 and (within["n"] >= 200).all() and within["covered"].between(0.93, 0.97).all()
    assert within["bias"].abs().max() < 0.002
