import math

import numpy as np
import pandas as pd
import pytest

from tfbind.io import tables
from tfbind.models import stacks, store, training
from tfbind.models.examples import LabelledTables
from tfbind.statistics import bootstrap, metrics
from tfbind.transfer import learning_curves
from tfbind.transfer.learning_curves import Curve

TRAINING = {"epochs": 4, "patience": 4, "steps": 300, "batch_size": 64, "learning_rate": 0.03, "weight_decay": 0.0}
STATISTICS = {"resamples": 200, "level": 0.95, "block": 1000, "min_examples": 20}
ABOUT = {
    **{"tf": "T", "source": "s", "source_assay": "htselex", "target": "t", "target_assay": "chipseq"},
    **{"shift": "assay", "train_negatives": "n", "test_negatives": "n", "model": "deepbind"},
}


def planted(n, motif, seed, length=30):
    """Positives hold `motif`; negatives are random bases. A fifth each for validation, two for testing."""
    rng = np.random.default_rng(seed)

    def table(label):
        rows = ["".join(rng.choice(list("ACGT"), length)) for _ in range(n)]
        if label:
            at = rng.integers(0, length - len(motif), n)
            rows = [row[:i] + motif + row[i + len(motif) :] for row, i in zip(rows, at, strict=True)]
        split = np.array(["validation", "test", "test", "train", "train"])[np.arange(n) % 5]
        return tables.sequences(
            id=[f"{label}.{i}" for i in range(n)], sequence=rows, label=label, split=split, origin="made"
        )

    return LabelledTables(table(1), table(0))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A network trained on one motif."""
    folder = tmp_path_factory.mktemp("source")
    examples = planted(500, "CACGTGAC", 0)
    training.fit("deepbind", {"filters": 4, "width": 8}, *examples, [0, 1], TRAINING, folder, {})
    return folder, examples


def run(source, target, work, **options):
    given = {"shots": [4, 128, 100_000], "adaptations": ["head", "finetune", "retrain", "joint"], "draws": 2}
    given |= {"steps": 100, **options}
    config = {"training": TRAINING, "transfer": {"retrain": given}, "statistics": STATISTICS}
    return learning_curves.pair(*source, target, ABOUT, config, "whole", work)


def test_another_motif_must_be_learnt(source, tmp_path):
    target = planted(500, "TTAATTAA", 1)
    table, crossings = run(source, target, tmp_path / "w")
    assert list(table) == learning_curves.RETRAIN_COLUMNS and list(crossings) == learning_curves.CROSSING_COLUMNS
    assert not (tmp_path / "w").exists()
    value = table.set_index(["adaptation", "n_target"])["value"]
    assert sorted(value.index.get_level_values(1).unique()) == [0, 4, 128]  # 400 rows cannot give 100,000
    assert 0.35 < value["direct", 0] < 0.65
    assert value["retrain", 128] > value["direct", 0] + 0.2
    assert ((table["low"] < table["value"]) & (table["value"] < table["high"])).all()
    star = crossings.set_index(["adaptation", "against"])
    assert star.loc[("retrain", "direct"), "n_star"] <= 128
    assert star.loc[("retrain", "direct"), "low"] <= star.loc[("retrain", "direct"), "n_star"]
    said = star.loc[("retrain", "direct"), "sentence"]
    assert said.startswith("T, s to t: training from scratch beats using the source model as it is from")
    again, _ = run(source, target, tmp_path / "w")
    pd.testing.assert_frame_equal(table, again)


def test_the_same_motif_need_not_be_retrained(source, tmp_path):
    table, crossings = run(source, planted(500, "CACGTGAC", 2), tmp_path, shots=[4, 16], adaptations=["retrain"])
    value = table.set_index("adaptation")["value"]
    assert value["direct"] > 0.95 > value["retrain"].max()
    assert crossings["n_star"].tolist() == [math.inf]
    assert crossings["sentence"].iloc[0].endswith("as it is with up to 16 target examples.")


def test_what_cannot_be_estimated_says_why(source, tmp_path):
    target = planted(40, "TTAATTAA", 1)  # 16 test rows of a class
    table, crossings = run(source, target, tmp_path)
    assert table["value"].isna().all() and "fewer than 20" in table["note"].iloc[0]
    assert crossings.empty
    nothing = tables.empty(tables.SEQUENCES, "library collapsed")
    assert run(source, LabelledTables(nothing, nothing), tmp_path)[0]["note"].tolist() == ["library collapsed"]
    store.write_no_model(tmp_path / "m", "deepbind", "too few")
    table, _ = run((tmp_path / "m", source[1]), planted(500, "TTAATTAA", 1), tmp_path)
    assert table["note"].tolist() == ["too few"]


def test_a_killed_run_goes_on(source, tmp_path, monkeypatch):
    target = planted(300, "TTAATTAA", 3)
    options = {"shots": [16, 32], "adaptations": ["retrain"], "draws": 1}
    whole = run(source, target, tmp_path / "a", **options)[0]
    fit, seen = stacks.fit_stack, []

    def killed(*arguments, **more):
        if len(seen) == 1:
            raise KeyboardInterrupt
        seen.append(arguments[-1])
        return fit(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(stacks, "fit_stack", killed)
        with pytest.raises(KeyboardInterrupt):
            run(source, target, tmp_path / "b", **options)
    assert seen[0].exists()
    pd.testing.assert_frame_equal(run(source, target, tmp_path / "b", **options)[0], whole)


def curve(n, value, spread=0.0, draws=0.0, resamples=2000, seed=0):
    rng = np.random.default_rng(seed)
    rows = np.broadcast_to(rng.normal(size=resamples) * spread, (len(n), resamples))
    return Curve(np.array(n), np.array(value, float), rows, np.full(len(n), draws**2), 3, 100)


def test_the_crossing_of_straight_lines():
    rising = curve([16, 64, 256, 1024], [0.6, 0.7, 0.8, 0.9])
    level = curve([0], [0.75])
    star, low, high = learning_curves.crossing(rising, level, 0.95, np.random.default_rng(0))
    assert star == low == high == pytest.approx(128, rel=0.15)
    above = learning_curves.crossing(rising, curve([0], [0.5]), 0.95, np.random.default_rng(0))
    assert above == (0, 0, 0)
    assert learning_curves.crossing(rising, curve([0], [0.95]), 0.95, np.random.default_rng(0))[0] == math.inf


def test_a_dip_does_not_hide_a_later_crossing():
    """The monotone fit pools what falls: 0.80 and 0.70 become 0.75."""
    dipping = curve([16, 64, 256, 1024], [0.6, 0.8, 0.7, 0.9])
    star = learning_curves.crossing(dipping, curve([0], [0.74]), 0.95, np.random.default_rng(0))[0]
    assert 16 < star < 64


def test_shared_test_rows_cancel_and_draws_do_not():
    rising, level = ([16, 64, 256, 1024], [0.6, 0.7, 0.8, 0.9]), ([0], [0.75])
    paired = learning_curves.crossing(
        curve(*rising, spread=0.05), curve(*level, spread=0.05), 0.95, np.random.default_rng(0)
    )
    assert paired[1] == paired[2]
    _, low, high = learning_curves.crossing(curve(*rising, draws=0.02), curve(*level), 0.95, np.random.default_rng(0))
    assert low < 128 < high and 2 < high / low < 8


def test_the_interval_of_the_crossing_covers_the_truth():
    """Curves with known truth: the crossing at 128 lies in about 95 % of the intervals."""
    rng, covered, true = np.random.default_rng(1), 0, np.array([0.6, 0.7, 0.8, 0.9])
    for _ in range(100):
        noise, common = rng.normal(size=4) * 0.02, rng.normal() * 0.03
        rows = np.broadcast_to(rng.normal(size=200) * 0.03, (4, 200))
        first = Curve(np.array([16, 64, 256, 1024]), true + noise + common, rows, np.full(4, 0.02**2), 3, 100)
        second = Curve(np.array([0]), np.array([0.75 + common]), rows[:1], np.zeros(1), 1, 100)
        _, low, high = learning_curves.crossing(first, second, 0.95, rng)
        covered += low <= 128 <= high
    assert 0.9 <= covered / 100 <= 1


def test_rows_of_the_table_are_metric_intervals():
    rng = np.random.default_rng(2)
    labels = np.repeat([1, 0], 150)
    logits = rng.normal(size=(2, 300)) + labels
    drawn = bootstrap.draw(labels, np.arange(300), 300, rng)
    found = learning_curves.curves({("direct", 0): logits[:1], ("retrain", 16): logits}, drawn)
    assert found["retrain"].value[0] == pytest.approx(np.mean([metrics.measure(labels, row)[0] for row in logits]))
    alone = bootstrap.metric_interval(bootstrap.replicate(logits[:1], drawn), 0, 0.95)
    assert learning_curves.interval(found["direct"], 0, 0.95) == pytest.approx(alone)


def test_a_crossing_that_the_means_do_not_show_says_so():
    # Isotonic regression lifts a last point that lies below the one before it.
    rng = np.random.default_rng(0)
    said = set()
    for _ in range(60):
        found = {
            name: learning_curves.Curve(
                n := np.array(shots), rng.uniform(0.7, 0.9, len(n)), np.zeros((len(n), 5)), 0 * n, 2, 9
            )
            for name, shots in {"direct": [0], "finetune": [16, 64], "retrain": [16, 64]}.items()
        }
        table, crossings = learning_curves.tabulate(ABOUT, found, np.repeat([1, 0], 9), 0.95)
        last = table.groupby("adaptation")["value"].last()
        for row in crossings.to_dict("records"):
            ahead = last[row["adaptation"]] > last[row["against"]]
            beats = " does not beat " not in row["sentence"]
            otherwise = row["sentence"].endswith(", of curves made monotone; the means at 64 examples say otherwise.")
            assert (ahead != beats) == otherwise
            said.add((ahead, beats))
    assert {(True, True), (False, False), (False, True)} <= said
