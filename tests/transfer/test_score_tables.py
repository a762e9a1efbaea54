"""Scores of other programs: a weight matrix by a script of its own, an image classifier; tables that are refused."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tfbind.celltype import evaluate
from tfbind.errors import InputError
from tfbind.interpretation import tomtom
from tfbind.io import columns as columns_of_tables
from tfbind.io import tables
from tfbind.io.tally import Tally
from tfbind.models import model_card
from tfbind.report.page import render
from tfbind.sequences import leakage
from tfbind.statistics import variance_components
from tfbind.transfer import (
    calibration,
    drop_attribution,
    ladder,
    learning_curves,
    library_qc,
    score_tables,
    transferability,
)
from tfbind.transfer import evaluate as transfer_evaluate
from tfbind.transfer import summary as transfer_summary
from tfbind.transfer import verdicts as transfer_verdicts

REPO = Path(__file__).parents[2]
STATISTICS = {"resamples": 200, "level": 0.95, "block": 1000, "min_examples": 10}


def tfbind(*arguments, cwd):
    command = [sys.executable, "-m", "tfbind.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env={**os.environ, "OMP_NUM_THREADS": "1"})


def images(tasks=("mitosis", "apoptosis"), seeds=3, own=False):
    """The shape of another field: one classifier, a within-sample test and three out-of-sample tests."""
    rng = np.random.default_rng(0)
    parts = []
    for task in tasks:
        for (scope, shift), gain in zip(
            (("A", "none"), ("A2", "day"), ("B", "instrument"), ("C", "laboratory")), (2.2, 2.0, 1.2, 0.4), strict=True
        ):
            label = np.tile([1, 0], 100)
            base = rng.normal(size=200)
            for source in ["A", *([scope] if own and scope != "A" else [])]:
                for seed in range(seeds):
                    value = (gain if source == "A" else 2.2) * label + base + 0.3 * rng.normal(size=200)
                    parts.append(
                        pd.DataFrame(
                            {"tf": task, "source": f"{task}_{source}", "target": f"{task}_{scope}", "label": label}
                            | {"id": [f"image{i}" for i in range(200)], "score": value, "model": "resnet", "seed": seed}
                            | {"block": np.arange(200) // 10, "shift": "none" if source == scope else shift}
                        )
                    )
    return pd.concat(parts, ignore_index=True)


def write(frame, folder, name="scores.tsv"):
    path = folder / name
    frame.to_parquet(path) if name.endswith("parquet") else frame.to_csv(path, sep="\t", index=False)
    return path


def test_the_worked_example_of_the_page(tmp_path):
    # Its commands and its script, as they stand in docs/evaluate.md: a weight matrix that knows nothing of tfbind.
    page = (REPO / "docs" / "evaluate.md").read_text()
    (tmp_path / "pwm.py").write_text(re.search(r"```python\n(.*?)```", page, re.S)[1])
    for line in re.search(r"```bash\n(.*?)```", page, re.S)[1].splitlines():
        words = line.split()
        module = ["-m", "tfbind.cli"] if words[0] == "tfbind" else []
        run = subprocess.run([sys.executable, *module, *words[1:]], cwd=tmp_path, capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
    table = pd.read_csv(tmp_path / "pwm.tsv", sep="\t")
    metrics = tables.read_tsv(tmp_path / "evaluation" / "metrics.tsv")
    cells = metrics[(metrics["seed"] == "ensemble") & (metrics["metric"] == "auroc")]
    assert len(cells) == 17  # nine of USF1 with three datasets, four each of the others
    for cell in cells.to_dict("records"):
        rows = table[(table["source"] == cell["source"]) & (table["target"] == cell["target"])]
        assert cell["value"] == pytest.approx(roc_auc_score(rows["label"], rows["score"]), abs=1e-5)
    ladder = tables.read_tsv(tmp_path / "evaluation" / "ladder.tsv")
    gata = ladder[(ladder["tf"] == "GATA3") & (ladder["source_assay"] == "htselex")].set_index("rung")
    assert gata.loc["assay", "auroc"] > 0.75 and abs(gata.loc["assay", "drop"]) < 0.1
    assert "no such pair" in gata.loc["lab", "note"]
    page = (tmp_path / "evaluation" / "report.html").read_text()
    assert "pwm" in page and "HT-SELEX" in page


@pytest.mark.parametrize("name", ["scores.tsv", "scores.parquet"])
def test_a_table_of_another_field(tmp_path, name):
    path = write(images(), tmp_path, name)
    run = tfbind("evaluate", path.name, "-o", "out", "--resamples", 200, cwd=tmp_path)
    assert run.returncode == 0 and "32 AUROCs, 0 drops" not in run.stderr, run.stderr
    ladder = tables.read_tsv(tmp_path / "out" / "ladder.tsv")
    assert list(ladder["rung"][:4]) == ["none", "day", "instrument", "laboratory"]
    one = ladder[ladder["tf"] == "mitosis"].set_index("rung")
    frame = images(["mitosis"])
    mean = frame.groupby(["target", "id"], sort=False)[["label", "score"]].mean().reset_index()
    expected = {t: roc_auc_score(x["label"], x["score"]) for t, x in mean.groupby("target", sort=False)}
    assert one["auroc"].tolist() == pytest.approx(list(expected.values()), abs=1e-5)
    assert one["loss"].iloc[1:].tolist() == pytest.approx((one["own"] - one["auroc"]).iloc[1:].tolist(), abs=1e-5)
    assert one.loc["laboratory", "loss_low"] > 0.1 and one.loc["day", "loss_low"] < 0.05
    assert one["drop"].isna().all() and one["note"].iloc[1:].str.contains("no target-trained").all()
    over = ladder[ladder["tf"] == "all TFs"].set_index("rung")
    assert over.loc["laboratory", "n_tf"] == 2 and over.loc["laboratory", "loss"] > 0.2
    report = (tmp_path / "out" / "report.html").read_text()
    assert "instrument" in report and name in report


def test_with_target_trained_models_there_are_drops_and_a_summary_of_the_farthest_rung():
    results = score_tables.evaluate(score_tables._checked(images(own=True), "x", 2), STATISTICS)
    drops = results.transfer.set_index(["tf", "shift"])["drop"]
    assert drops.notna().all() and drops["mitosis"].is_monotonic_increasing and drops["mitosis", "laboratory"] > 0.2
    (line,) = results.summary.to_dict("records")
    assert line["n_tf"] == 2 and line["drop"] == pytest.approx(drops.xs("laboratory", level=1).mean())
    assert results.shifts["p_minimum"].tolist() == [0.5] * 3
    sentence = results.verdicts.query("shift == 'laboratory' and tf == 'mitosis'")["sentence"].item()
    assert sentence.startswith("mitosis: retrain. A resnet model trained on the source loses")
    assert not results.unknown


def test_a_source_that_scored_other_examples_is_paired_on_those_of_both_and_counted():
    frame = images(["mitosis"], own=True)
    there = (frame["source"] == "mitosis_A") & (frame["target"] == "mitosis_B")
    number = frame["id"].str.removeprefix("image").astype(int)
    frame = frame[~(there & (number < 40))]
    gone = (frame["target"] == "mitosis_C") & (frame["seed"] == 1) & (frame["id"] == "image7")
    frame = frame[~(gone & (frame["source"] == "mitosis_A"))]
    results = score_tables.evaluate(score_tables._checked(frame, "x", 2), STATISTICS)
    row = results.transfer.set_index("target").loc["mitosis_B"]
    assert (row["n_positive"], row["n_negative"]) == (80, 80)
    on_b = (
        frame[(frame["target"] == "mitosis_B") & (number[frame.index] >= 40)]
        .groupby(["source", "id"])[["label", "score"]]
        .mean()
    )
    own, cross = (roc_auc_score(*on_b.loc[source].to_numpy().T) for source in ("mitosis_B", "mitosis_A"))
    assert (row["same"], row["cross"]) == pytest.approx((own, cross))
    counted = results.tally.frame().set_index("reason")["count"]
    assert counted["resnet, drop from mitosis_A to mitosis_B: examples that one of both scored"] == 40
    assert counted["resnet, mitosis_A to mitosis_C: not scored by every seed"] == 2
    assert results.tally.total("read") == results.tally.total("kept") + results.tally.total("dropped") == len(frame)
    values = results.metrics.query("metric == 'auroc' and seed == 'ensemble'")
    assert len(values) == 7 and values.query("target == 'mitosis_B'")["n_positive"].tolist() == [80, 100]


def test_sets_of_negatives_share_their_positives():
    frame = images(["mitosis"]).assign(negatives=lambda t: np.where(t["label"] == 0, "dark", ""))
    other = frame[frame["label"] == 0].assign(negatives="bright", score=lambda t: t["score"] - 1)
    results = score_tables.evaluate(score_tables._checked(pd.concat([frame, other]), "x", 2), STATISTICS)
    values = results.metrics.query("metric == 'auroc' and seed == 'ensemble' and shift == 'laboratory'")
    values = values[values["value"].notna()].set_index("test_negatives")
    assert set(values.index) == {"dark", "bright"} and (values[["n_positive", "n_negative"]] == 100).all(axis=None)
    assert values.loc["bright", "value"] > values.loc["dark", "value"] + 0.1


def test_facts_of_datasets_make_the_rungs():
    frame = images(["mitosis"], own=True).drop(columns="shift")
    facts = {"A": ("x", "1"), "A2": ("x", "1"), "B": ("x", "2"), "C": ("y", "1")}
    for end in ("source", "target"):
        name = frame[end].str.removeprefix("mitosis_")
        frame[f"{end}_cell"], frame[f"{end}_lab"] = (name.map(lambda n, i=i: facts[n][i]) for i in range(2))
    results = score_tables.evaluate(score_tables._checked(frame, "x", 2), STATISTICS)
    assert results.transfer.set_index("target")["shift"].to_dict() == {
        "mitosis_A2": "replicate",
        "mitosis_B": "lab",
        "mitosis_C": "cell",
    }
    assert set(results.ladder["rung"]) == {"none", "replicate", "lab", "cell", "assay"}
    without = score_tables.evaluate(
        score_tables._checked(images(["mitosis"]).drop(columns="shift"), "x", 2), STATISTICS
    )
    assert set(without.transfer["shift"]) == {score_tables.OTHER}


def test_every_fault_at_once_and_exit_code_2(tmp_path):
    frame = images(["mitosis"], seeds=1).astype({"score": object, "label": object, "seed": object})
    frame.loc[3, "score"], frame.loc[4, "score"] = "nan", "high"
    frame.loc[5, "label"] = 2
    frame.loc[6, "id"] = "image7"
    frame.loc[8, "model"] = ""
    frame.loc[9, "seed"] = "first"
    frame.loc[10, "shift"] = "day"
    run = tfbind("evaluate", write(frame, tmp_path), "-o", tmp_path / "out", cwd=tmp_path)
    said = run.stderr
    assert run.returncode == 2 and "Traceback" not in said and not (tmp_path / "out").exists()
    for part in (
        "row 5, and 1 more: score is 'nan'",
        "row 7: label is '2'",
        "the id 'image7' comes twice",
        "row 10: model is empty",
        "row 11: seed is 'first'",
        "no shift 'day'",
    ):
        assert part in said, (part, said)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop(columns=["score", "model"]), "lacks the column(s) score, model"),
        (lambda t: t.head(0), "holds no score"),
        (lambda t: t.assign(label=np.where(t["seed"] == 1, 1 - t["label"], t["label"])), "has another label elsewhere"),
        (lambda t: t.assign(block=t["block"] + t["seed"]), "has another block elsewhere"),
        (lambda t: t.assign(source_lab=t["seed"]), "mitosis_A has more than one lab"),
        (lambda t: t.assign(shift=np.where(t["seed"] == 0, t["shift"], "far")), "shift"),
    ],
)
def test_refused(tmp_path, change, said):
    with pytest.raises(InputError) as refused:
        score_tables.read(write(change(images(["mitosis"])), tmp_path))
    assert said in str(refused.value)


def test_files_that_are_no_table(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    (tmp_path / "a.xlsx").write_text("")
    (tmp_path / "empty.tsv").write_text("")
    for name in ("a.parquet", "a.xlsx", "empty.tsv", "absent.tsv"):
        with pytest.raises(InputError, match=name):
            score_tables.read(tmp_path / name)


def test_a_cell_with_too_few_examples_is_done_with_exit_code_3(tmp_path):
    frame = images(["mitosis"], seeds=1)
    few = frame[(frame["target"] != "mitosis_C") | frame["id"].isin([f"image{i}" for i in range(10)])]
    run = tfbind("evaluate", write(few, tmp_path), "--output", "out", "--resamples", 100, cwd=tmp_path)
    assert run.returncode == 3 and "mitosis_A to mitosis_C: 5 test positives" in run.stderr
    assert (tmp_path / "out" / "report.html").exists()


WORDS = {"1": ["001", "002", "1e5"], "NA": ["NA", "nan", "None", "True"]}


def test_ids_that_look_like_something_else_survive_every_table(tmp_path):
    """Datasets 001 and 1e5, TFs 1 and NA, models 1e5 and 007, negatives True: nothing is a number, a gap or a truth."""
    rng = np.random.default_rng(0)
    rows = {
        dataset: {"dataset": dataset, "tf": tf, "assay": "chipseq" if i % 2 else "htselex"}
        | {"cell": "1e3" if i % 2 else "", "lab": f"0{i}", "replicate": "01", "cycle": "" if i % 2 else "04"}
        for tf, datasets in WORDS.items()
        for i, dataset in enumerate(datasets)
    }
    parts = []
    for tf, datasets in WORDS.items():
        for target in datasets:
            label = np.tile([1, 0], 60)
            for source, model, seed in itertools.product(datasets, ("1e5", "007"), ("0", "1")):
                gain = 0.2 if model == "007" else 2.0 if source == target else 1.0
                frame = {"tf": tf, "source": source, "target": target, "model": model, "seed": seed, "label": label}
                frame |= {"id": [f"{i:03}" for i in range(120)], "negatives": np.where(label, "", "True")}
                frame |= {"score": gain * label + rng.normal(size=120), "block": [f"{i // 6:02}" for i in range(120)]}
                frame |= {f"source_{fact}": rows[source][fact] for fact in score_tables.FACTS}
                parts.append(
                    pd.DataFrame(frame | {f"target_{fact}": rows[target][fact] for fact in score_tables.FACTS})
                )
    table = score_tables.read(write(pd.concat(parts, ignore_index=True), tmp_path))
    assert set(table["source"]) == set(rows) and set(table["tf"]) == set(WORDS)
    results = score_tables.evaluate(table, STATISTICS)
    results.write(tmp_path / "out")
    read = {name: tables.read_tsv(tmp_path / "out" / f"{name}.tsv") for name in results._fields[:-1]}
    for name, frame in read.items():
        for column in set(frame) - tables.NUMBERS:
            wanted = getattr(results, name)[column].astype("str").fillna("")
            assert frame[column].fillna("").tolist() == wanted.tolist(), (name, column)
        assert all(frame[column].dtype.kind in "if" for column in set(frame) & tables.NUMBERS), name

    # what the jobs after an evaluation do with the tables that it wrote
    metrics, drops = read["metrics"], read["transfer"]
    assert set(variance_components.split(metrics, rows)["model"]) == {"1e5", "007"}
    contents, logs = {}, {}
    for i, dataset in enumerate(rows):
        reads = [pd.Series(["".join(rng.choice(list("ACGT"), 20)) for _ in range(50)], dtype="str") for _ in "ab"]
        contents[dataset] = library_qc.content(rows[dataset], *reads)
        tally = Tally()
        tally.add("read", "001" if i else "NA", 50)
        tables.write_tsv(tally.frame(), tmp_path / "log.tsv")
        logs[dataset] = tables.read_tsv(tmp_path / "log.tsv")
    models = {"1e5": {"kind": "deepbind"}, "007": {"kind": "composition"}}
    tables.write_tsv(library_qc.judge(rows, logs, contents, metrics, models), tmp_path / "libraries.tsv")
    health = tables.read_tsv(tmp_path / "libraries.tsv")
    assert health["dataset"].tolist() == list(rows) and health["model"].tolist() == ["1e5"] * len(rows)
    assert health["replicate"].eq("01").all() and set(health["cycle"].dropna()) == {"04"}
    summary, verdicts = transfer_summary.summary(drops, 0.95), transfer_verdicts.verdicts(drops, health, 0.95)
    assert set(summary["model"]) == {"1e5", "007"} and set(verdicts["tf"]) >= set(WORDS)
    pd.testing.assert_series_equal(summary["drop"], results.summary["drop"], rtol=1e-4)
    card = model_card.evaluated("001", "True", {"1e5": "whole"}, metrics)
    assert set(card["target"]) == set(WORDS["1"]) and card["value"].notna().all()
    audit = pd.DataFrame(columns=leakage.COLUMNS)
    about = {"tfbind": "0", "date": "", "command": "", "seeds": [0], "libraries": {}, "inputs": {}, "config": ""}
    logs = {dataset: {"positives": log} for dataset, log in logs.items()}
    more = {"verdicts": verdicts, "libraries": health, "audit": audit, "logs": logs, "provenance": about}
    render(tmp_path / "report.html", "ids", {**read, **more})
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert all(f">{dataset}<" in page or f"{dataset} " in page for dataset in rows) and ">100000" not in page


def test_every_column_of_every_table_is_a_number_or_text_by_its_name():
    """A column of numbers that is not named as one would be read as text: its arithmetic fails at once."""
    modules = (
        learning_curves,
        calibration,
        drop_attribution,
        evaluate,
        transfer_evaluate,
        ladder,
        leakage,
        library_qc,
        tomtom,
        model_card,
    )
    modules += (columns_of_tables, transfer_summary, transferability, variance_components)
    lists = [v for m in modules for k, v in vars(m).items() if k.endswith("COLUMNS") and isinstance(v, list)]
    columns = set().union(*lists)
    words = {"tf", "source", "target", "source_assay", "target_assay", "shift", "comparison", "model", "seed", "metric"}
    words |= {"train_negatives", "test_negatives", "note", "sentence", "verdict", "cause", "adaptation", "against"}
    words |= {"needs", "role", "sign", "curve", "component", "rung", "kind", "action", "reading", "method", "cell"}
    words |= {"train_cells", "test_cell", "dataset", "assay", "lab", "replicate", "cycle", "kmer", "consensus", "motif"}
    words |= {"filter", "match", "match_tf", "kinship", "alike_to", "left_out", "series"}
    assert columns - tables.NUMBERS == words


def test_the_level_reaches_every_interval(tmp_path):
    table = score_tables.read(write(images(tuple("abcdef"), seeds=2, own=True), tmp_path))
    wide, narrow = (score_tables.evaluate(table, STATISTICS | {"level": level}) for level in (0.99, 0.8))
    for name in ("metrics", "transfer", "shifts", "ladder", "variance"):
        inner, outer = getattr(narrow, name), getattr(wide, name)
        known = inner["low"].notna()
        assert known.any() and known.equals(outer["low"].notna()), name
        width = (outer["high"] - outer["low"] - inner["high"] + inner["low"])[known]
        assert (width >= 0).all() and (width > 0).mean() > 0.5, name
