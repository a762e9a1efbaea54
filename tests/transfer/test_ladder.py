import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tfbind.io import columns
from tfbind.study.shifts import SHIFTS
from tfbind.transfer import ladder

CHIP = {"source_assay": "chipseq", "target_assay": "chipseq", "train_negatives": "n", "test_negatives": "n"}


def cell(tf, source, target, shift, value, half=0.02, model="m", **more):
    comparison = "same" if source == target else "cross"
    row = {"tf": tf, "source": source, "target": target, "shift": shift, "comparison": comparison, "model": model}
    row |= CHIP | {"seed": "ensemble", "metric": "auroc", "value": value, "low": value - half, "high": value + half}
    return row | {"n_positive": 50, "n_negative": 60, "note": ""} | more


def pair(tf, source, target, shift, same, drop, **more):
    row = {
        "tf": tf,
        "source": source,
        "target": target,
        "shift": shift,
        "model": "m",
        "same": same,
        "cross": same - drop,
    }
    return row | CHIP | {"drop": drop, "low": drop - 0.01, "high": drop + 0.01, "note": ""} | more


@pytest.fixture
def tables():
    cells, drops = [], []
    for i, tf in enumerate(("A", "B", "C")):
        cells += [cell(tf, f"{tf}1", f"{tf}1", "none", 0.95), cell(tf, f"{tf}2", f"{tf}2", "none", 0.93)]
        cells += [cell(tf, f"{tf}1", f"{tf}2", "lab", 0.90 + i / 100), cell(tf, f"{tf}2", f"{tf}1", "lab", 0.88)]
        drops += [pair(tf, f"{tf}1", f"{tf}2", "lab", 0.93, 0.03 - i / 100)]
        drops += [pair(tf, f"{tf}2", f"{tf}1", "lab", 0.95, 0.07)]
    cells += [cell("A>B", "A1", "B1", "lab", 0.5)]
    drops += [pair("A>B", "A1", "B1", "lab", 0.95, 0.45)]
    return pd.DataFrame(cells, columns=columns.METRIC_COLUMNS), pd.DataFrame(drops, columns=columns.TRANSFER_COLUMNS)


def test_rungs_of_one_tf_are_means_of_its_pairs(tables):
    lines = ladder.ladder(*tables)
    assert list(lines) == ladder.LADDER_COLUMNS
    one = lines[lines["tf"] == "A"].set_index("rung")
    assert list(one.index) == list(SHIFTS)
    assert one.loc["none", ["own", "auroc", "n_pair"]].tolist() == pytest.approx([0.94, 0.94, 2])
    lab = one.loc["lab"]
    assert lab[["auroc", "target_trained", "drop", "loss"]].tolist() == pytest.approx([0.89, 0.94, 0.05, 0.05])
    # Newcombe: both halves are 0.02, so that of each loss is their root of squares; pairs of one TF do not average out.
    assert lab["loss_high"] - lab["loss"] == pytest.approx(0.02 * np.sqrt(2))
    assert lab[["n_positive", "n_negative"]].tolist() == [100, 120]
    assert one.loc[["replicate", "cell", "assay"], "note"].eq("no such pair of datasets").all()
    assert one.loc[["replicate", "cell", "assay"], "n_pair"].eq(0).all()


def test_over_tfs_it_is_students_interval_without_extra_pairs(tables):
    lab = ladder.ladder(*tables).query("tf == 'all TFs'").set_index("rung").loc["lab"]
    drops = np.array([0.05, 0.045, 0.04])
    assert (lab["n_tf"], lab["n_pair"], lab["drop"]) == pytest.approx((3, 6, drops.mean()))
    low, high = stats.t.interval(0.95, 2, drops.mean(), stats.sem(drops))
    assert (lab["drop_low"], lab["drop_high"]) == pytest.approx((low, high))


def test_without_target_trained_models_the_loss_remains(tables):
    metrics, transfer = tables
    lines = ladder.ladder(metrics, transfer.assign(drop=np.nan))
    lab = lines[lines["rung"] == "lab"]
    assert (
        lab["drop"].isna().all() and lab["loss"].notna().all() and lab["note"].str.contains("no target-trained").all()
    )


def test_a_source_without_its_own_test_says_so(tables):
    metrics, transfer = tables
    lines = ladder.ladder(metrics[metrics["comparison"] == "cross"], transfer).query("rung == 'none'")
    assert (lines["note"] == "no model was scored on its own held-out rows").all() and lines["auroc"].isna().all()


def test_the_interval_of_a_loss_covers():
    # Two independent AUROCs with logit-normal errors, near 1 where intervals are skewed.
    rng = np.random.default_rng(0)
    truth, sd, z = np.array([3.0, 2.0]), np.array([0.25, 0.15]), stats.norm.isf(0.025)
    expected = 1 / (1 + np.exp(-truth))
    seen = truth + sd * rng.normal(size=(1000, 2))
    value, low, high = (1 / (1 + np.exp(-(seen + k * z * sd))) for k in (0, -1, 1))
    cells = [
        cell(str(k), f"s{k}", t, shift, value[k, i], low=low[k, i], high=high[k, i])
        for k in range(1000)
        for i, (t, shift) in enumerate(((f"s{k}", "none"), ("t", "lab")))
    ]
    rows = ladder.pairs(pd.DataFrame(cells), pd.DataFrame(columns=columns.TRANSFER_COLUMNS)).query("shift == 'lab'")
    covered = rows["loss_low"].le(expected[0] - expected[1]) & rows["loss_high"].ge(expected[0] - expected[1])
    assert len(rows) == 1000 and covered.mean() == pytest.approx(0.95, abs=0.021)
