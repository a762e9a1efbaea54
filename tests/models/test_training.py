import json
import logging
import os
import signal
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from scipy import stats
from sklearn.metrics import roc_auc_score

from tfbind import dna
from tfbind.errors import NotEstimable, ResourceError
from tfbind.io import tables
from tfbind.models import networks, predict, stacks, store, training
from tfbind.models.examples import encode

TRAINING = {"epochs": 4, "patience": 4, "steps": 0, "batch_size": 32, "learning_rate": 0.01, "weight_decay": 0.0}
SMALL = {"filters": 4, "width": 8}


def planted(n, motif, seed, draws=(0,), length=30):
    """Positives hold `motif` on a random strand; negatives are random bases."""
    rng = np.random.default_rng(seed)
    other = motif.translate(str.maketrans("ACGT", "TGCA"))[::-1]

    def sequences(count, sites):
        rows = ["".join(rng.choice(list("ACGT"), length)) for _ in range(count)]
        for i in range(count if sites else 0):
            at = rng.integers(0, length - len(motif))
            rows[i] = rows[i][:at] + (motif, other)[i % 2] + rows[i][at + len(motif) :]
        return rows

    def table(label, draw):
        split = np.where(np.arange(n) % 5 == 0, "validation", "train")
        ids = [f"{label}.{draw}.{i}" for i in range(n)]
        return tables.sequences(
            id=ids, sequence=sequences(n, label), label=label, split=split, origin="made", draw=draw
        )

    return table(1, 0), pd.concat([table(0, draw) for draw in draws], ignore_index=True)


def fit(folder, seeds=(0,), kind="deepbind", options=SMALL, data=None, **changes):
    positives, negatives = data or planted(150, "CACGTGA", 0)
    settings = {**TRAINING, **changes}
    return training.fit(kind, options, positives, negatives, seeds, settings, folder, {"dataset": "d"})


def weights(folder):
    return {name: value.numpy() for name, value in load_file(folder / "model.safetensors").items()}


def assert_same(a, b):
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize(("kind", "options"), [("deepbind", SMALL), ("bilstm", {"units": 6, "filters": 6})])
def test_it_learns_a_planted_motif(tmp_path, kind, options, caplog):
    with caplog.at_level(logging.INFO):
        epochs = 8 if kind == "deepbind" else 14
        failures = fit(tmp_path, (0, 1), kind, options, planted(400, "CACGTGA", 0), epochs=epochs, learning_rate=0.03)
    assert failures == {}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["history.tsv", "model.json", "model.safetensors"]
    description = store.describe(tmp_path)
    assert description["seeds"] == [0, 1]
    assert description["window"] == 30
    assert description["extra"]["dataset"] == "d"
    history = tables.read_tsv(tmp_path / "history.tsv")
    assert list(history) == ["seed", "epoch", "split", "metric", "value"]
    auroc = history[history["metric"] == "auroc"]
    best = auroc.groupby("seed")["value"].max()
    assert (best > 0.9).all()
    for seed in ("0", "1"):
        assert description["extra"]["validation_auroc"][seed] == pytest.approx(best[seed], abs=1e-5)
    text = caplog.text
    assert "seed 1 epoch 0: train loss" in text
    for noise in ("GPU", "litlogger", "Tip", "SLURM"):
        assert noise not in text


def test_a_machine_of_many_cores_hears_nothing_of_loaders(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(tmp_path)


def test_stored_weights_are_the_best_epochs(tmp_path):
    data = planted(150, "CACGTGA", 3)
    fit(tmp_path, data=data, epochs=6)
    both = pd.concat(data)
    rows = both[both["split"] == "validation"]
    tokens = torch.from_numpy(dna.encode(rows["sequence"].tolist()))
    with torch.inference_mode():
        logits = networks.load(tmp_path)[0](tokens).numpy()
    history = tables.read_tsv(tmp_path / "history.tsv")
    best = history.loc[history["metric"] == "auroc", "value"].max()
    assert roc_auc_score(rows["label"], logits) == pytest.approx(best, abs=1e-5)


def test_a_seed_trains_the_same_whatever_ran_before(tmp_path):
    fit(tmp_path / "both", (0, 1))
    torch.manual_seed(5)
    torch.rand(3)
    fit(tmp_path / "alone", (1,))
    both = weights(tmp_path / "both")
    assert_same({n: v for n, v in both.items() if n.startswith("1.")}, weights(tmp_path / "alone"))
    assert not np.array_equal(both["0.weight"], both["1.weight"])


def test_training_leaves_torchs_generator_alone(tmp_path):
    torch.manual_seed(9)
    expected = torch.rand(2)
    torch.manual_seed(9)
    fit(tmp_path)
    torch.testing.assert_close(torch.rand(2), expected, rtol=0, atol=0)


def test_each_seed_sees_its_own_draw(tmp_path):
    positives, negatives = planted(100, "CACGTGA", 0, draws=(1, 2))
    fit(tmp_path / "a", (0, 1), data=(positives, negatives))
    first = negatives[negatives["draw"] == 1]
    fit(tmp_path / "b", (0,), data=(positives, first))
    a = {n: v for n, v in weights(tmp_path / "a").items() if n.startswith("0.")}
    assert_same(a, weights(tmp_path / "b"))
    fit(tmp_path / "c", (0, 1), data=(positives, first))
    assert "no negatives in the train split" in reason(tmp_path / "c")


def reason(folder):
    """Why a folder holds no model."""
    assert (folder / "model.safetensors").read_bytes() == b""
    return json.loads((folder / "model.json").read_text())["reason"]


def test_the_threads_that_are_given_are_used_and_checked(tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr(
        stacks, "fit_stack", lambda *_: used.append(torch.get_num_threads()) or [dict(best={}, failure="")]
    )
    for threads in (2, 1):
        training.fit("deepbind", SMALL, *planted(50, "CACGTGA", 0), [0], TRAINING, tmp_path, {}, threads=threads)
    assert used == [2, 1]


def test_patience_ends_training(tmp_path):
    rng = np.random.default_rng(0)
    positives, negatives = planted(100, "CACGTGA", 0)
    noise = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(100)]
    fit(tmp_path, data=(positives.assign(sequence=noise), negatives), epochs=60, patience=2)
    history = tables.read_tsv(tmp_path / "history.tsv")
    auroc = history.loc[history["metric"] == "auroc", "value"].to_numpy()
    assert len(auroc) == auroc.argmax() + 3 < 60


RUN = """
import logging, os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_training import fit

class Killed(logging.StreamHandler):
    def emit(self, record):
        super().emit(record)
        if sys.argv[3] and sys.argv[3] in record.getMessage():
            os.kill(os.getpid(), signal.SIGKILL)

logging.basicConfig(level=logging.INFO, handlers=[Killed(sys.stderr)])
fit(__import__("pathlib").Path(sys.argv[2]), (0, 1), epochs=12, patience=12)
"""


def ran(folder, killed_at=""):
    """The status and the words of a training in a process of its own, killed as soon as it has said something."""
    command = [sys.executable, "-c", RUN, os.path.dirname(__file__), str(folder), killed_at]
    environment = os.environ | {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "1", "SLURM_JOB_NAME": "train"}
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=environment)
    return done.returncode, done.stderr.splitlines()


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    fit(tmp_path / "whole", (0, 1), epochs=12, patience=12)
    status, seen = ran(tmp_path / "killed", "seed 1 epoch 4")
    assert status == -signal.SIGKILL, seen[-5:]
    assert not (tmp_path / "killed" / "model.json").exists()
    status, rest = ran(tmp_path / "killed")
    seen += rest
    assert status == 0, seen[-5:]
    for once in ("seed 0 epoch 0:", "seed 0 epoch 11:", "seed 1 epoch 3:", "seed 1 epoch 11:"):
        assert sum(once in line for line in seen) == 1
    assert not any("SLURM" in line or "requeu" in line for line in seen)
    assert_same(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    for name in ("history.tsv", "model.json"):
        assert (tmp_path / "killed" / name).read_text() == (tmp_path / "whole" / name).read_text()
    assert not (tmp_path / "killed" / "checkpoints").exists()


def interrupt(monkeypatch, after):
    """Ends the run like a kill would, after `after` checkpoints."""
    saved = stacks._AtomicIO.save_checkpoint
    count = iter(range(100))

    def save(self, *arguments, **options):
        saved(self, *arguments, **options)
        if next(count) + 1 == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(stacks._AtomicIO, "save_checkpoint", save)


def test_a_run_killed_when_it_was_to_stop_does_not_train_on(tmp_path, monkeypatch):
    data = planted(100, "CACGTGA", 4)
    data[0]["sequence"] = data[1]["sequence"].to_numpy()[::-1].copy()  # nothing to learn
    fit(tmp_path / "whole", data=data, epochs=30, patience=2)
    epochs = tables.read_tsv(tmp_path / "whole" / "history.tsv")["epoch"].nunique()
    assert epochs < 30
    with monkeypatch.context() as patch:
        interrupt(patch, epochs)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            fit(tmp_path / "killed", data=data, epochs=30, patience=2)
    assert (tmp_path / "killed" / "checkpoints").exists()
    fit(tmp_path / "killed", data=data, epochs=30, patience=2)
    assert_same(weights(tmp_path / "killed"), weights(tmp_path / "whole"))
    a, b = ((tmp_path / name / "history.tsv").read_text() for name in ("killed", "whole"))
    assert a == b


def test_checkpoints_of_other_data_or_settings_are_not_used(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, 2)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            fit(tmp_path / "a")
    other = planted(150, "CACGTGA", 1)
    fit(tmp_path / "a", data=other)
    fit(tmp_path / "b", data=other)
    assert_same(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_checkpoints_without_surroundings_are_not_used_with_them(tmp_path, monkeypatch):
    data = planted(150, "CACGTGA", 0)

    def embedded(folder, width):
        training.fit("deepbind", SMALL, *data, [0], TRAINING, folder, {}, embed=width)

    with monkeypatch.context() as patch:
        interrupt(patch, 2)
        with pytest.raises((KeyboardInterrupt, SystemExit)):
            embedded(tmp_path / "a", 0)
    embedded(tmp_path / "a", 60)
    embedded(tmp_path / "b", 60)
    assert_same(weights(tmp_path / "a"), weights(tmp_path / "b"))


def test_a_diverging_seed_fails_and_the_others_stay(tmp_path, monkeypatch):
    losses = stacks.Task._losses

    def diverge(self, *batch):
        bad = [self.members[i].seed == 1 for i in self._active()]
        found = losses(self, *batch)
        return torch.where(torch.tensor(bad, device=found.device), torch.nan, found)

    monkeypatch.setattr(stacks.Task, "_losses", diverge)
    failures = fit(tmp_path, (0, 1))
    assert list(failures) == [1]
    assert "seed 1" in failures[1]
    description = json.loads((tmp_path / "model.json").read_text())
    assert description["seeds"] == [0]
    assert description["extra"]["failures"] == {"1": failures[1]}
    fit(tmp_path / "alone", (1,))
    assert "seed 1" in reason(tmp_path / "alone")
    assert not (tmp_path / "alone" / "checkpoints").exists()


def test_too_little_memory_on_a_gpu_is_told_with_the_remedies(tmp_path, monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(stacks.Task, "_losses", full)
    with pytest.raises(ResourceError, match=r"lower training\.batch_size, or .* TFBIND_ACCELERATOR=cpu"):
        fit(tmp_path, (0, 1))
    assert not (tmp_path / "model.json").exists()


def test_a_constant_model_fails(tmp_path):
    data = planted(60, "CACGTGA", 0)
    for table in data:
        table["sequence"] = "ACGT" * 6
    fit(tmp_path, data=data)
    assert "seed 0: the model gives every validation row the same score" in reason(tmp_path)


def test_few_rows_are_passed_over_until_there_are_enough_steps(tmp_path, monkeypatch):
    batches = []
    losses = stacks.Task._losses

    def count(self, logits, labels):
        if self.training:
            batches.append(len(labels))
        return losses(self, logits, labels)

    monkeypatch.setattr(stacks.Task, "_losses", count)
    fit(tmp_path / "a")  # 240 training rows in batches of at most 32, 4 epochs
    assert len(batches) == 32 and sum(batches) == 4 * 240
    batches.clear()
    fit(tmp_path / "b", steps=50)
    assert len(batches) == 64 and sum(batches) == 8 * 240
    epochs = tables.read_tsv(tmp_path / "b" / "history.tsv")["epoch"]
    assert sorted(epochs.unique()) == [0, 1, 2, 3]


def test_splits_without_a_class_give_no_model_but_the_reason(tmp_path):
    positives, negatives = planted(60, "CACGTGA", 0)
    fit(tmp_path / "a", data=(positives.assign(split="train"), negatives))
    assert "no positives in the validation split" in reason(tmp_path / "a")
    nothing = tables.empty(tables.SEQUENCES, "library collapsed")
    fit(tmp_path / "b", data=(nothing, nothing))
    assert reason(tmp_path / "b") == "library collapsed"
    assert predict.predict(tmp_path / "b", {}).attrs["note"] == "library collapsed"
    fit(tmp_path / "c", data=(positives, nothing))
    assert reason(tmp_path / "c") == "library collapsed"


def test_unbalanced_classes_weigh_the_same(tmp_path):
    positives, negatives = planted(300, "CACGTGA", 0)
    few = positives.groupby("split").head(30)
    fit(tmp_path, data=(few, negatives), epochs=10, learning_rate=0.03)
    network = networks.load(tmp_path)[0]
    both = pd.concat([few, negatives])
    rows = both[both["split"] == "train"]
    with torch.inference_mode():
        logits = network(torch.from_numpy(dna.encode(rows["sequence"].tolist()))).numpy()
    chance = 1 / (1 + np.exp(-logits))
    assert 0.35 < (chance[rows["label"] == 1].mean() + chance[rows["label"] == 0].mean()) / 2 < 0.65


def members(rates=(0.01, 0.03), dropouts=(0.25, 0.0), seeds=(0, 1)):
    return [
        stacks.Member(seed, {**SMALL, "dropout": dropout}, rate, decay)
        for seed, rate, dropout, decay in zip(seeds, rates, dropouts, (0.0, 0.1), strict=True)
    ]


@pytest.mark.parametrize(
    ("kind", "small"), [("deepbind", SMALL), ("bilstm", {"units": 4, "filters": 4}), ("selection", {"modes": 2})]
)
def test_a_stack_gives_each_network_what_it_has_alone(tmp_path, kind, small):
    examples = encode(*planted(150, "CACGTGA", 0))
    settings = {**TRAINING, "patience": 1, "epochs": 6}
    stack = [m._replace(options={**small, "dropout": m.options["dropout"]}) for m in members()]
    if kind == "selection":  # which drops nothing
        stack = [m._replace(options=small) for m in stack]
    together = stacks.fit_stack(kind, stack, examples, 0, settings, tmp_path / "together")
    for i, member in enumerate(stack):
        (alone,) = stacks.fit_stack(kind, [member], examples, 0, settings, tmp_path / str(i))
        assert len(alone["history"]) == len(together[i]["history"])
        np.testing.assert_allclose([row[4] for row in alone["history"]], [r[4] for r in together[i]["history"]], 1e-5)
        for name, value in alone["best"].items():
            torch.testing.assert_close(together[i]["best"][name], value, rtol=1e-5, atol=1e-6)
            if kind == "selection":
                assert torch.equal(together[i]["best"][name], value), name
    assert any(not torch.equal(value, together[1]["best"][name]) for name, value in together[0]["best"].items())


def test_search_halves_and_keeps_the_best_setting(tmp_path):
    data = planted(200, "CACGTGA", 0)
    fit(tmp_path, (0, 1), data=data, epochs=8, patience=8, search=7, learning_rate=1e-5)
    extra = store.describe(tmp_path)["extra"]
    tried = extra["search"]
    assert len(tried) == 7 and tried[0]["learning_rate"] == 1e-5
    assert sorted(row["epochs"] for row in tried) == [2, 2, 2, 4, 4, 6, 8]  # 7, 4, 2, 1 are left after 2, 4, 6 epochs
    best = max(tried, key=lambda row: row["auroc"])
    assert best["auroc"] > tried[0]["auroc"]
    assert extra["training"]["learning_rate"] == best["learning_rate"]
    assert store.describe(tmp_path)["options"]["dropout"] == best["dropout"]
    assert tables.read_tsv(tmp_path / "history.tsv")["seed"].unique().tolist() == ["0", "1"]


def test_embedded_reads_train_in_windows_of_the_given_length(tmp_path):
    data = planted(1500, "CACGTGA", 0, length=16)
    settings = {**TRAINING, "epochs": 10, "learning_rate": 0.03, "steps": 600}
    training.fit("deepbind", {"filters": 8, "width": 8}, *data, [0], settings, tmp_path, {}, embed=60)
    description = store.describe(tmp_path)
    assert description["window"] == 60 and len(description["extra"]["background"][1]) == 4
    history = tables.read_tsv(tmp_path / "history.tsv")
    assert history.loc[history["metric"] == "auroc", "value"].max() > 0.9
    test = planted(100, "CACGTGA", 1, length=16)
    targets = {"t": (test[0].assign(split="test"), {"x": test[1].assign(split="test")})}
    scores = predict.predict(tmp_path, targets, "embed")
    own = scores[scores["seed"] == "ensemble"]
    assert roc_auc_score(own["label"], own["score"]) > 0.9
    one = {"t": (targets["t"][0].iloc[[7]], {})}
    alone = predict.predict(tmp_path, one, "embed")["score"].iloc[0]
    assert alone == pytest.approx(own["score"].iloc[7], abs=1e-5)  # whatever stands beside it


def graded(n=600, seed=0):
    """Probes whose signal grows with the number of sites, on a scale with a long tail; the top tenth is bound."""
    rng = np.random.default_rng(seed)
    rows, score = ["".join(rng.choice(list("ACGT"), 30)) for _ in range(n)], np.empty(n)
    for i in range(n):
        sites = i % 3
        rows[i] = "CACGTGA" * sites + rows[i][7 * sites :]
        score[i] = np.exp(3 * sites + rng.normal(0, 0.3))
    split = np.where(np.arange(n) % 5 == 0, "validation", "train")
    table = tables.sequences(id=rows, sequence=rows, label=0, split=split, origin="made", score=score)
    bound = table["score"] >= table["score"].quantile(0.9)
    return table[bound].assign(label=1), table[~bound]


def test_intensities_are_learnt_in_place_of_labels(tmp_path):
    positives, negatives = graded()
    settings = {**TRAINING, "epochs": 10, "learning_rate": 0.03}
    arguments = ("deepbind", SMALL, positives, negatives, (0, 1), settings)
    assert training.fit(*arguments, tmp_path / "a", {}, learns="intensities") == {}
    both = pd.concat([positives, negatives])
    both = both[both["split"] == "validation"]
    tokens = torch.from_numpy(dna.encode(both["sequence"]))
    with torch.inference_mode():
        logits = [network(tokens).numpy() for network in networks.load(tmp_path / "a").values()]
    history = tables.read_tsv(tmp_path / "a" / "history.tsv").set_index("metric")
    assert set(history.index) == {"loss", "spearman"}
    best = history.loc["spearman"].groupby("seed")["value"].max()
    extra = store.describe(tmp_path / "a")["extra"]
    for seed, own in zip("01", logits, strict=True):
        rho = stats.spearmanr(both["score"], own)[0]
        assert rho > 0.8 and rho == pytest.approx(best[seed], abs=1e-5)
        assert extra["validation_spearman"][seed] == pytest.approx(rho, abs=1e-6)
    assert extra["calibration"]["slope"] > 0, "probabilities are those of the labels"
    # the same whatever the scale, and each seed as if it were alone
    scaled = [table.assign(score=np.log(table["score"])) for table in (positives, negatives)]
    training.fit("deepbind", SMALL, *scaled, (0, 1), settings, tmp_path / "b", {}, learns="intensities")
    training.fit("deepbind", SMALL, *scaled, (1,), settings, tmp_path / "c", {}, learns="intensities")
    assert_same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    alone, together = weights(tmp_path / "c"), weights(tmp_path / "a")
    assert_same(alone, {name: together[name] for name in alone})


def test_no_intensity_no_model(tmp_path):
    positives, negatives = graded()
    negatives.loc[negatives.index[:7], "score"] = np.nan
    arguments = ("deepbind", SMALL, positives, negatives, (0, 1), TRAINING, tmp_path, {})
    failures = training.fit(*arguments, learns="intensities")
    lacking = "7 of 600 sequences have no intensity to learn; take negatives of kind provided, or learn labels"
    assert failures == {0: lacking, 1: lacking}
    with pytest.raises(NotEstimable, match="no intensity to learn"):
        store.usable(tmp_path)


def test_normal_scores_of_the_probes_that_are_learnt():
    positives, negatives = graded(50)
    negatives = pd.concat([negatives, negatives.iloc[:5].assign(split="test", score=1e9)])
    found = encode(positives, negatives, "intensities").signal
    learnt = pd.concat([positives, negatives])["split"] != "test"
    score = pd.concat([positives, negatives])["score"][learnt]
    expected = [stats.norm.ppf(((score < x).sum() + ((score == x).sum() + 1) / 2 - 0.375) / 50.25) for x in score]
    np.testing.assert_allclose(found[learnt], expected, atol=1e-6)
    assert (found[~learnt] == 0).all() and encode(positives, negatives).signal is None
