"""Models from elsewhere: the documented network, and the documented program in any language."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from sklearn.metrics import roc_auc_score

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.models import baseline, networks, predict, training
from tfbind.sequences import leakage, negatives
from tfbind.statistics import metrics
from tfbind.study import config
from tfbind.transfer import evaluate, external_scores

REPO = Path(__file__).parents[2]
PAGE = (REPO / "docs" / "extending.md").read_text()


def block(language, word):
    """The code block of the page that holds a word."""
    (found,) = [code for code in re.findall(rf"```{language}\n(.*?)```", PAGE, re.S) if word in code]
    return found


def rows(dataset, label, n, seed, motif=""):
    rng = np.random.default_rng(seed)
    texts = ["".join(rng.choice(list("ACGT"), 24 - len(motif))) for _ in range(n)]
    texts = [t[: (at := int(rng.integers(5, 15)))] + motif + t[at:] for t in texts]
    split = np.array(["train", "train", "train", "validation", "test", "test"])[np.arange(n) % 6]
    kind = "p" if label else "n"
    return tables.sequences(
        id=[f"{dataset}/{kind}{i}" for i in range(n)], sequence=texts, label=label, split=split, origin="made"
    )


@pytest.fixture
def study(tmp_path):
    """A study of two datasets of one TF, as a run leaves it before its models."""
    folder = tmp_path / "my"
    folder.mkdir()
    (folder / "a.fa").write_text(">a\nACGT\n")
    lines = ["dataset\ttf\tassay\tpath", "A\tUSF1\tchipseq\ta.fa", "B\tUSF1\thtselex\ta.fa"]
    (folder / "d.tsv").write_text("\n".join(lines) + "\n")
    settings = {
        "datasets": "d.tsv",
        "negatives": {"x": {"kind": "dinucleotide"}},
        "models": {"m": {"kind": "deepbind"}},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    for k, dataset in enumerate("AB"):
        tables.write(rows(dataset, 1, 300, k, "CACGTG"), folder / f"results/positives/{dataset}.parquet")
        tables.write(rows(dataset, 0, 300, k + 9), folder / f"results/negatives/{dataset}/x.parquet")
        leaking = pd.DataFrame({"id": [f"{dataset}/p0"], "kind": ["identical"], "target": ["B"]})
        tables.write(leaking, folder / f"results/audit/{dataset}/x.parquet", leakage.LEAKING)
    return folder


def targets(folder):
    results = folder / "results"
    names = {d: (results / f"positives/{d}.parquet", results / f"negatives/{d}/x.parquet") for d in "AB"}
    return {d: (tables.read(bound), {"x": tables.read(unbound)}) for d, (bound, unbound) in names.items()}


def test_the_documented_program_takes_part(study):
    (study.parent / "kmers.py").write_text(block("python", "kmers.py TRAIN.fa"))
    python = shlex.quote(sys.executable)
    commands = block("sh", "export-fasta").replace("tfbind ", f"{python} -m tfbind.cli ")
    commands = commands.replace("python kmers.py", f"{python} kmers.py")
    run = subprocess.run(["bash", "-ec", commands], cwd=study.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    added = yaml.safe_load(block("yaml", "kind: scores"))["models"]
    settings = yaml.safe_load((study / "config.yaml").read_text())
    settings["models"] |= added
    (study / "config.yaml").write_text(yaml.safe_dump(settings))
    loaded = config.load(study / "config.yaml")
    assert loaded.config["models"]["kmers"]["path"] == str(study / "kmers")
    found = external_scores.predictions(loaded.config["models"]["kmers"]["path"], "A", "x", targets(study))
    for target, (bound, sets) in targets(study).items():
        mine = found[found["target"] == target]
        test = pd.concat([t[t["split"] == "test"] for t in (bound, sets["x"])])
        assert list(mine["id"]) == list(test["id"]) and set(mine["seed"]) == {"ensemble"}
        assert list(mine["negatives"]) == [""] * 100 + ["x"] * 100
        assert roc_auc_score(mine["label"], mine["score"]) > 0.9


GKM = {
    "gkmtrain": '''! grep -q "^>unbound|" "$1"; ! grep -q "^>bound|" "$2"; cat "$1" "$2" > "$3.model.txt"''',
    "gkmpredict": '''test "$(grep -c . "$2")" -gt 4; awk '/^>/ {print substr($1, 2) "\\t" NR}' "$1" > "$3"''',
}


def test_the_documented_commands_of_lsgkm_bring_its_scores(study):
    """With programs of its names that check what they are given: lsgkm itself is not installed."""
    external_scores.write(config.load(study / "config.yaml"), study, study / "fasta")
    for name, script in GKM.items():
        (study.parent / name).write_text(f"#!/bin/sh\nset -e\n{script}\n")
        (study.parent / name).chmod(0o755)
    environment = os.environ | {"PATH": f"{study.parent}{os.pathsep}{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-ec", block("sh", "gkmtrain")], cwd=study.parent, capture_output=True, text=True, env=environment
    )
    assert run.returncode == 0, run.stderr
    found = external_scores.predictions(study / "lsgkm", "A", "x", targets(study))
    assert found["score"].notna().all() and set(found["target"]) == {"A", "B"}


def test_the_files_hold_the_rows_that_train_and_test(study):
    pairs = external_scores.write(config.load(study / "config.yaml"), study, study / "fasta")
    assert [tuple(row) for row in pairs[["source", "target"]].to_numpy()] == [(s, t) for s in "AB" for t in "AB"]
    assert tables.read_tsv(study / "fasta" / "pairs.tsv").equals(pairs)
    bound, sets = targets(study)["A"]
    for split in ("train", "validation", "test"):
        lines = (study / "fasta" / "A" / "x" / f"{split}.fa").read_text().splitlines()
        wanted = pd.concat([t[t["split"] == split] for t in (bound, sets["x"])])
        wanted = wanted[(split == "test") | (wanted["id"] != "A/p0")]  # it leaks
        assert lines[1::2] == list(wanted["sequence"])
        prefix = wanted["label"].map({1: ">bound|", 0: ">unbound|"})
        assert lines[::2] == list(prefix + wanted["id"])
    with pytest.raises(InputError, match=r"A\.parquet: not there yet; run snakemake first"):
        external_scores.write(config.load(study / "config.yaml"), study / "elsewhere", study / "fasta")


def score_file(study, change=lambda lines: None):
    bound, sets = targets(study)["B"]
    lines = [f"{name}\t0.5" for t in (bound, sets["x"]) for name in external_scores.names(t[t["split"] == "test"])]
    change(lines)
    path = study / "k" / "A" / "x" / "B.x.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("name\tscore\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines.pop(7), "1 of 200 rows have no score, e.g. 'bound|B/p"),
        (lambda lines: lines.append("bound|C/p1\t1"), "'bound|C/p1' is no row of this test set"),
        (lambda lines: lines.append(lines[0]), "is scored twice"),
        (lambda lines: lines.insert(0, "bound|B/p4\tnan"), ":2: score 'nan' is not a finite number"),
        (lambda lines: lines.insert(0, "bound|B/p4 1"), ":2: 1 column(s) where there should be 2"),
    ],
)
def test_scores_that_do_not_fit_are_refused(study, change, message):
    score_file(study, change)
    with pytest.raises(InputError) as fault:
        external_scores.predictions(study / "k", "A", "x", targets(study))
    assert message in str(fault.value) and "B.x.tsv" in str(fault.value)


def two_sets(study, scale):
    """Scores of B with two sets of negatives; the file of the second holds `scale` of those that a program means."""
    bound, sets = targets(study)["B"]
    sets["y"] = rows("B", 0, 300, 77).assign(id=lambda t: t["id"] + "y")
    rng, meant = np.random.default_rng(0), {}
    for label, table in sets.items():
        test = pd.concat([t[t["split"] == "test"] for t in (bound, table)])
        for name, is_bound in zip(external_scores.names(test), test["label"], strict=True):
            meant.setdefault(name, float(is_bound + rng.normal()))
        lines = [
            f"{name}\t{scale(meant[name]) if label == 'y' else meant[name]!r}" for name in external_scores.names(test)
        ]
        path = study / "k" / "A" / "x" / f"B.{label}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    found = external_scores.predictions(study / "k", "A", "x", {"B": (bound, sets)})
    aurocs = {}
    for label, table in sets.items():
        test = pd.concat([bound, table], ignore_index=True).query("split == 'test'").reset_index(drop=True)
        test["negatives"] = test["label"].map({1: "", 0: label})
        _, scores = evaluate.matched(found, test, label, "k")
        names = external_scores.names(test)
        truth = roc_auc_score(test["label"], names.map(meant))
        aurocs[label] = metrics.measure(test["label"], scores[0])[0], truth
    return found, aurocs


@pytest.mark.parametrize("scale", [float, lambda x: 0.01 * x - 9, lambda x: 1e3 * x + 5])
def test_each_file_of_a_program_ranks_its_own_bound_rows(study, scale):
    found, aurocs = two_sets(study, scale)
    for measured, truth in aurocs.values():
        assert measured == pytest.approx(truth) and 0.6 < truth < 0.9
    bound = found[found["label"] == 1]
    same = scale is float
    assert len(bound) == (100 if same else 200) and set(bound["negatives"]) == ({""} if same else {"x", "y"})
    assert len(found) == len(bound) + 200 and not found.duplicated(["id", "label", "negatives"]).any()


def test_an_absent_file_leaves_its_cell_without_value(study):
    score_file(study)
    found = external_scores.predictions(study / "k", "A", "x", targets(study))
    assert set(found["target"]) == {"B"} and len(found) == 200
    nothing = external_scores.predictions(study / "k", "B", "x", targets(study))
    assert nothing.empty and tables.note(nothing) == "no scores under k/B/x"


def test_a_folder_that_is_not_there_is_a_fault_of_the_config(study):
    settings = yaml.safe_load((study / "config.yaml").read_text())
    settings["models"]["k"] = {"kind": "scores", "path": "nowhere"}
    (study / "config.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(InputError, match=r"models\.k\.path: no folder .*nowhere"):
        config.load(study / "config.yaml")


def test_the_workflow_takes_the_scores_and_trains_nothing_for_them(study):
    score_file(study)
    settings = yaml.safe_load((study / "config.yaml").read_text())
    settings["models"] = {"k": {"kind": "scores", "path": "k"}}
    (study / "config.yaml").write_text(yaml.safe_dump(settings))
    command = [Path(sys.executable).parent / "snakemake", "--configfile", study / "config.yaml", "--directory", study]
    command += ["--cores", "1", "--dry-run", "--printshellcmds"]
    run = subprocess.run([*map(str, command)], cwd=REPO, capture_output=True, text=True, env=os.environ)
    assert run.returncode == 0, run.stderr
    jobs = dict(line.split() for line in run.stdout.splitlines() if re.fullmatch(r"\w+ +\d+", line))
    assert jobs["take_scores"] == jobs["audit_foreign"] == "2" and not {"train", "fit", "predict"} & set(jobs)
    assert "input: k/A/x/B.x.tsv, " in run.stdout


def test_the_documented_network_keeps_the_contract_and_trains(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "MODELS", dict(networks.MODELS))
    exec(block("python", "class Mean(Network)"), vars(networks))
    monkeypatch.setitem(networks.MODELS, "mean", networks.MODELS["mean"])
    network = networks.build("mean", {}).eval()
    tokens = dna.encode(["ACGTTGCAGG", "GGGCA", "TTTAA"])
    padded = np.pad(tokens, ((0, 0), (0, 7)), constant_values=dna.UNKNOWN)
    with torch.inference_mode():
        alone, turned, wide = (network(torch.from_numpy(t)) for t in (tokens, dna.reverse_complement(tokens), padded))
    assert torch.equal(alone, turned) and torch.equal(alone, wide)
    bound = rows("A", 1, 120, 0)
    bound["sequence"] = bound["sequence"].str.replace("A", "G")
    settings = {"epochs": 2, "steps": 60, "patience": 4, "batch_size": 32, "learning_rate": 0.1, "weight_decay": 0.0}
    assert training.fit("mean", {}, bound, rows("A", 0, 120, 1), [0], settings, tmp_path, {}) == {}
    scores = predict.predict(tmp_path, {"A": (bound, {"x": rows("A", 0, 120, 1)})})
    assert roc_auc_score(scores["label"], scores["score"]) > 0.8


def test_the_documented_negative_set_enters_as_any_other(monkeypatch, rng):
    monkeypatch.setattr(negatives, "NEGATIVES", dict(negatives.NEGATIVES))
    exec(block("python", "def backwards"), vars(negatives))
    bound = rows("A", 1, 120, 0, "CACGTT")
    unbound, _ = negatives.draw("A", bound, ["backwards"], rng)
    wanted = zip(bound["sequence"].str[::-1], bound["split"], bound["id"], strict=True)
    assert set(zip(unbound["sequence"], unbound["split"], unbound["origin"], strict=True)) == set(wanted)
    assert len(unbound) == len(bound) and set(unbound["label"]) == {0}


def test_the_documented_estimator_is_stored_and_scores(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline, "ESTIMATORS", dict(baseline.ESTIMATORS))
    exec(block("python", "class Middle"), vars(baseline))
    bound = rows("A", 1, 240, 0, "GCGCGCGC")
    baseline.fit("middle", {}, bound, rows("A", 0, 240, 1), 0, tmp_path)
    scores = predict.predict(tmp_path, {"A": (bound, {"x": rows("A", 0, 240, 1)})})
    assert roc_auc_score(scores["label"], scores["score"]) > 0.8
