"""Final models: asked for after a study is done, they are all that is made, of all rows, and the evaluation stays."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

import studies
from tfbind import cli, dna
from tfbind.io import tables
from tfbind.models import baseline, final, model_card, predict, store
from tfbind.study import config

MODELS = ("deepbind", "composition")


@pytest.fixture(scope="module")
def done(tmp_path_factory, local):
    """A study that was done without final models, and then asked for them; what was planned then."""
    folder = tmp_path_factory.mktemp("final") / "study"
    shutil.copytree(local, folder)
    before = {name: (folder / name).read_bytes() for name in studies.results(folder)}
    written = yaml.safe_load((folder / "config.yaml").read_text())
    (folder / "config.yaml").write_text(yaml.safe_dump(written | {"final": True}))
    planned = studies.planned(studies.plan(folder))
    run = studies.through(folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return folder, before, planned


def places(folder):
    for dataset in studies.DATASETS:
        for model in MODELS:
            yield (
                dataset,
                model,
                *(folder / "results" / kind / dataset / "standard" / model for kind in ("models", "final")),
            )


def test_only_they_are_made_and_nothing_else_changes(done):
    folder, before, planned = done
    assert planned == {"final": 2, "final_cards": 1}
    assert all((folder / name).read_bytes() == content for name, content in before.items())
    new = {str(name) for name in set(studies.results(folder)) - set(before)}
    files = ("model.safetensors", "model.json", "history.tsv", "MODEL.md", "evaluation.tsv")
    assert new == {str((last / name).relative_to(folder)) for *_, last in places(folder) for name in files}
    assert studies.is_done(studies.plan(folder))


def test_all_rows_train_as_long_as_the_validation_chose(done):
    folder, *_ = done
    for dataset, model, evaluated, last in places(folder):
        about, old = store.describe(last), store.describe(evaluated)
        counts = []
        for name in (f"positives/{dataset}", f"negatives/{dataset}/standard"):
            rows = tables.read(folder / "results" / f"{name}.parquet")
            assert set(rows["split"]) == {"train", "validation", "test"}
            counts.append(len(rows))
        note = about["extra"]["final"]
        assert [note["n_positive"], note["n_negative"]] == counts
        assert note["weights_sha256"] == old["weights_sha256"] and note["evaluated"].endswith(f"standard/{model}")
        assert about["extra"]["calibration"] == old["extra"]["calibration"] and about["seeds"] == old["seeds"]
        assert about["weights_sha256"] != old["weights_sha256"]
        if model == "composition":
            assert about["strength"] == old["strength"]
            continue
        history = tables.read_tsv(evaluated / "history.tsv")
        values = history[history["metric"] == "auroc"]["value"].tolist()
        assert note["epochs"] == 1 + values.index(max(values)) == about["extra"]["training"]["epochs"]
        assert about["options"] == old["options"] and len(tables.read_tsv(last / "history.tsv")) == 0


def test_the_number_of_epochs_is_the_median_over_the_seeds():
    rows = []
    for seed, values in enumerate(([0.5, 0.9, 0.9], [0.8, 0.7], [0.1, 0.2, 0.3, 0.4], [0.6])):
        rows += [(seed, epoch, "validation", "auroc", value) for epoch, value in enumerate(values)]
        rows += [(seed, epoch, "validation", "loss", 9 + epoch) for epoch in range(len(values))]
        rows += [(seed, epoch, "train", "loss", 9) for epoch in range(len(values))]
    history = pd.DataFrame(rows, columns=["seed", "epoch", "split", "metric", "value"])
    assert final.epochs(history[history["seed"] < 3]) == 2 and final.epochs(history) == 1  # 2, 1, 4, 1


def test_rows_that_leak_and_test_rows_are_seen(done):
    """Without the labels of any row, the fit would be another: a composition has one optimum for its rows."""
    from tfbind.models.baseline import Composition

    folder, *_ = done
    *_, last = next(place for place in places(folder) if place[1] == "composition")
    both = [
        tables.read(folder / "results" / f"{name}.parquet")
        for name in (f"positives/{studies.DATASETS[0]}", f"negatives/{studies.DATASETS[0]}/standard")
    ]
    texts, labels = ([value for table in both for value in table[column]] for column in ("sequence", "label"))
    fitted = Composition(strengths=[store.describe(last)["strength"]]).fit(texts, np.array(labels))
    stored = predict.stored(last)
    np.testing.assert_allclose(stored.model(dna.encode(texts[:50]))[0], fitted.decision_function(texts[:50]), atol=1e-6)


def test_the_card_says_so_and_keeps_the_evaluation(done):
    folder, *_ = done
    for dataset, model, evaluated, last in places(folder):
        card = (last / "MODEL.md").read_text()
        assert "**This is the final model.**" in card and f"`results/models/{dataset}/standard/{model}`" in card
        assert "no row is left to judge it" in card and "## Evaluation of the evaluated model" in card
        assert (last / "evaluation.tsv").read_bytes() == (evaluated / "evaluation.tsv").read_bytes()
        own = (evaluated / "MODEL.md").read_text()
        assert f"`results/final/{dataset}/standard/{model}`" in own and "This is the final model" not in own
        assert model_card.verify(last) < 1e-5


def test_score_takes_it_on_request(done, tmp_path):
    folder, *_ = done
    *_, evaluated, last = next(places(folder))
    (tmp_path / "a.fa").write_text(">a\n" + "ACGTTGCA" * 13 + "\n")
    words = ["--fasta", str(tmp_path / "a.fa"), "--assay", "chipseq"]
    rows = {}
    for place, option in ((evaluated, []), (evaluated, ["--final"]), (last, []), (last, ["--final"])):
        run = CliRunner().invoke(cli.app, ["score", str(place), *words, *option])
        assert run.exit_code == 0, run.exception
        assert ("this is the final model" in run.stderr) == (place == last or bool(option))
        rows[place, *option] = run.stdout
    one, *others = (rows[key] for key in rows if key != (evaluated,))
    assert all(other == one for other in others) and rows[evaluated,] != one


def test_a_model_without_a_final_one_is_told(tmp_path):
    place = tmp_path / "results" / "models" / "D" / "n" / "m"
    with pytest.raises(ValueError, match=r"final/D/n/m: no final model; set `final: true` in the config and run"):
        store.final_of(place)
    with pytest.raises(ValueError, match="not results/models/DATASET/NEGATIVES/MODEL of a study"):
        store.final_of(tmp_path / "model")


def test_a_model_that_was_not_trained_has_no_final_one(tmp_path):
    store.write_no_model(tmp_path / "m", "deepbind", "too few reads")
    final.fit(tmp_path / "m", None, None, tmp_path / "f", [0])
    assert store.describe(tmp_path / "f")["reason"] == "too few reads"
    assert {path.name for path in (tmp_path / "f").iterdir()} == {"model.safetensors", "model.json", "history.tsv"}


@pytest.mark.parametrize("kind", baseline.ESTIMATORS)
def test_a_baseline_of_each_kind_has_one(tmp_path, kind):
    rng = np.random.default_rng(0)
    texts = ["".join(row) for row in rng.choice(list("ACGT"), (80, 24))]
    texts[:40] = [f"{text[:9]}CACGTG{text[15:]}" for text in texts[:40]]
    table = pd.DataFrame({"sequence": texts, "label": [1] * 40 + [0] * 40, "draw": 0})
    table["split"] = ["train", "train", "validation", "test"] * 20
    (tmp_path / "m.pfm").write_text("1 9 1\n9 0 0\n0 0 9\n0 0 0\n")
    options = {"matrix": {"file": str(tmp_path / "m.pfm")}, "gapped_kmers": {"length": 5, "k": 3}}.get(kind, {})
    halves = [half.reset_index(drop=True) for half in (table.iloc[:40], table.iloc[40:])]
    baseline.fit(kind, options, *halves, 0, tmp_path / "m")
    (tmp_path / "m.pfm").unlink()
    final.fit(tmp_path / "m", *halves, tmp_path / "f", [0])
    about, old = store.describe(tmp_path / "f"), store.describe(tmp_path / "m")
    assert about["extra"]["final"]["n_positive"] == 40 and "epochs" not in about["extra"]["final"]
    assert about["extra"]["calibration"] == old["extra"]["calibration"]
    assert (about["weights_sha256"] == old["weights_sha256"]) == (kind == "matrix")
    assert "validation" not in set(tables.read_tsv(tmp_path / "f" / "history.tsv")["split"])
    assert model_card.verify(tmp_path / "f") == 0


def test_intensities_of_another_design_stay_out():
    table = pd.DataFrame({"split": ["train", "validation", "test"], "score": [1.0, 2.0, 3.0]})
    assert list(final.rows(table, "intensities")["score"]) == [1, 2]
    assert list(final.rows(table)["score"]) == [1, 2, 3] and set(final.rows(table)["split"]) == {"train"}


def test_it_is_off_unless_asked_for(done):
    folder, *_ = done
    loaded = config.load(folder / "config.yaml").config
    assert loaded["final"] is True
    text = yaml.safe_load((folder / "config.yaml").read_text())
    del text["final"]
    (folder / "without.yaml").write_text(yaml.safe_dump(text))
    assert config.load(folder / "without.yaml").config["final"] is False
    assert json.loads((next(places(folder))[3] / "model.json").read_text())["kind"] == "deepbind"
