"""A study in folds: every row is tested once, by models that have not seen its chromosome, and the jobs are as many."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

import studies
from tfbind import dna
from tfbind.io import tables
from tfbind.models import predict, store
from tfbind.sequences import leakage, splits
from tfbind.statistics import metrics
from tfbind.study import config

FOLDS = 3
PEAKS, READS = studies.DATASETS


def write(folder, simulated, folds):
    studies.write(folder)
    written = yaml.safe_load((folder / "config.yaml").read_text())
    written["split"] |= {"folds": folds, "without_coordinates": "cluster"}
    written["training"] = {"epochs": 1, "steps": 0, "batch_size": 64}
    (folder / "config.yaml").write_text(yaml.safe_dump(written))
    shutil.copytree(simulated, folder / "resources" / "simulated")
    return folder


@pytest.fixture(scope="module")
def folded(tmp_path_factory, simulated):
    folder = write(tmp_path_factory.mktemp("folded"), simulated, FOLDS)
    run = studies.through(folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return folder


def read(folder, dataset):
    paths = f"positives/{dataset}.parquet", f"negatives/{dataset}/standard.parquet"
    return [tables.read(folder / "results" / path) for path in paths]


def seen(folder, dataset, fold):
    """The rows that the models of a fold have trained on or been chosen by."""
    of_fold = f"fold{fold}/" if fold else ""
    results = folder / "results"
    bound, unbound, _ = leakage.trainable(
        results / "positives" / f"{dataset}.parquet",
        results / "negatives" / dataset / "standard.parquet",
        results / "audit" / dataset / f"{of_fold}standard.parquet",
        fold,
    )
    rows = pd.concat([bound, unbound])
    return rows[rows["split"] != "test"]


def test_a_row_is_tested_once_by_the_models_of_its_fold(folded):
    models = config.load(folded / "config.yaml").config["models"]
    for source in studies.DATASETS:
        for model in ("deepbind", "composition"):
            reading = models[model].get("reading", "whole")
            made = folded / "results" / "models" / source / "standard" / model
            scores = tables.read(
                folded / "results" / "predictions" / source / "standard" / f"{model}.parquet", tables.PREDICTIONS
            )
            for target in studies.DATASETS:
                bound, unbound = read(folded, target)
                rows = pd.concat([bound, unbound], ignore_index=True)
                mine = scores[(scores["target"] == target) & (scores["seed"] == "ensemble")]
                keys = mine["negatives"] + mine["id"]
                assert keys.is_unique and set(mine["id"]) == set(rows["id"])
                fold_of = splits.folds(rows)
                assert set(fold_of) == set(range(FOLDS))
                found = np.empty(len(rows))
                for fold in range(FOLDS):
                    here = fold_of == fold
                    network = predict.stored(store.of_fold(made, fold), "cpu")
                    tokens = dna.encode(rows["sequence"][here])
                    found[here] = predict.score(network.model, tokens, reading, network.window)[0]
                np.testing.assert_allclose(mine["score"], found, rtol=1e-4, atol=1e-4)


def test_no_model_has_seen_what_it_is_tested_on(folded):
    for target in studies.DATASETS:
        rows = pd.concat(read(folded, target))
        for fold in range(FOLDS):
            tested = rows[splits.folds(rows) == fold]
            for source in studies.DATASETS:
                known = seen(folded, source, fold)
                assert set(known["split"]) == {"train", "validation"}
                assert not set(known["chrom"].dropna()) & set(tested["chrom"].dropna())
                assert (leakage.compare(known, tested, 0.5)[0] == len(leakage.KINDS)).all()
                # and it is not known by chance: what was left out is noted in the model of that fold
                model = store.of_fold(folded / "results" / "models" / source / "standard" / "deepbind", fold)
                assert store.describe(model)["extra"]["fold"] == fold


def test_the_metrics_are_those_within_folds_over_all_rows(folded):
    found = tables.read_tsv(folded / "results" / "metrics.tsv")
    for row in found[(found["seed"] == "ensemble") & (found["metric"] == "auroc")].to_dict("records"):
        bound, unbound = read(folded, row["target"])
        assert (row["n_positive"], row["n_negative"]) == (len(bound), len(unbound))
        rows = pd.concat([bound, unbound])
        path = folded / "results" / "predictions" / row["source"] / "standard" / f"{row['model']}.parquet"
        scores = tables.read(path, tables.PREDICTIONS)
        scores = scores[(scores["target"] == row["target"]) & (scores["seed"] == "ensemble")]["score"].to_numpy()
        parts = [(splits.folds(rows) == fold, rows["label"].to_numpy()) for fold in range(FOLDS)]
        values = [metrics.measure(labels[here], scores[here])[0] for here, labels in parts]
        weights = [(labels[here] == 1).sum() for here, labels in parts]
        assert row["value"] == pytest.approx(np.average(values, weights=weights), abs=1e-5)
        assert row["low"] <= row["value"] <= row["high"]
    drops = tables.read_tsv(folded / "results" / "transfer.tsv")
    assert (
        drops["drop"].notna().all()
        and drops["note"].isna().all() | ~drops["note"].fillna("").str.contains("fold").any()
    )


def test_a_card_tells_of_the_folds(folded):
    card = (folded / "results" / "models" / PEAKS / "standard" / "deepbind" / "MODEL.md").read_text()
    assert "In 3 folds by chromosome. This is the model of fold 0" in card


def test_folds_plan_the_jobs_of_one_split(folded, simulated, tmp_path):
    once = studies.planned(studies.plan(write(tmp_path, simulated, 1), "--forceall"))
    assert studies.planned(studies.plan(folded, "--forceall")) == once and once["train"] == 2
    assert studies.is_done(studies.plan(folded))
