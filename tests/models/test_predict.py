import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.models import baseline, networks, predict, store


def network(kind="deepbind", seed=0, **options):
    torch.manual_seed(seed)
    return networks.build(kind, options).eval()


def random_texts(rng, n, low, high):
    return ["".join(rng.choice(list("ACGT"), rng.integers(low, high + 1))) for _ in range(n)]


def whole(model, text):
    with torch.inference_mode():
        return model(torch.from_numpy(dna.encode([text]))).item()


@pytest.mark.parametrize("kind", ["deepbind", "bilstm"])
def test_whole_does_not_depend_on_the_batch(kind):
    texts = random_texts(np.random.default_rng(0), 23, 20, 60)
    model = network(kind)
    for batch in (1, 7, 512):
        found = predict.score(model, dna.encode(texts), batch=batch)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, [whole(model, text) for text in texts], atol=1e-5)


@pytest.mark.parametrize("kind", ["deepbind", "bilstm"])
@pytest.mark.parametrize("batch", [1, 50, 512])
def test_a_scan_is_the_best_window_and_an_occupancy_the_sum_of_odds(kind, batch):
    window = 20
    texts = random_texts(np.random.default_rng(1), 9, 14, 50)  # some shorter than the window
    texts[0], texts[1] = texts[0][:17], texts[1][:20].ljust(20, "A")
    model = network(kind)
    logits = [[whole(model, text[i : i + window]) for i in range(max(len(text) - window, 0) + 1)] for text in texts]
    found = predict.score(model, dna.encode(texts), "scan", window, batch)
    np.testing.assert_allclose(found, [max(each) for each in logits], atol=1e-5)
    found = predict.score(model, dna.encode(texts), "occupancy", window, batch)
    np.testing.assert_allclose(found, [np.log(np.exp(each).sum()) for each in logits], atol=1e-5)


def test_a_scan_leaves_out_windows_that_cannot_be_read():
    model, text = network("bilstm"), "".join(np.random.default_rng(2).choice(list("ACGT"), 40))
    holed = text + "N" * 30 + text
    found = predict.score(model, dna.encode([holed]), "scan", 20)
    windows = [holed[i : i + 20] for i in range(len(holed) - 19)]
    readable = [w for w in windows if len(w.strip("N")) >= model.shortest]
    assert 42 < len(readable) < len(windows)
    logits = [whole(model, w) for w in readable]
    np.testing.assert_allclose(found, [max(logits)], atol=1e-5)
    found = predict.score(model, dna.encode([holed]), "occupancy", 20)
    np.testing.assert_allclose(found, [np.log(np.exp(logits).sum())], atol=1e-5)


def test_bad_readings_are_refused():
    tokens = dna.encode(["ACGT" * 10])
    with pytest.raises(InputError, match="reading is 'half'; use one of whole, scan, occupancy, embed"):
        predict.score(network(), tokens, "half")
    with pytest.raises(InputError, match="trained without; train it with `reading: embed`"):
        predict.score(network(), tokens, "embed", 50)
    with pytest.raises(InputError, match="window's length in bp, not None"):
        predict.score(network(), tokens, "scan")


def table(texts, label, name, split=None):
    rows = np.arange(len(texts))
    return tables.sequences(
        id=[f"{name}{i}" for i in rows],
        sequence=texts,
        label=label,
        split=np.where(rows % 3 == 0, "train", "test") if split is None else split,
        origin="made",
    )


@pytest.mark.parametrize("reading", ["whole", "scan"])
def test_predict_scores_test_rows_in_table_order(tmp_path, reading):
    rng = np.random.default_rng(3)
    nets = {5: network(seed=1), 8: network(seed=2)}
    states = {seed: net.state_dict() for seed, net in nets.items()}
    networks.save(tmp_path, "deepbind", {}, states, 25, {})
    targets = {
        "b": (table(random_texts(rng, 7, 30, 40), 1, "p"), {"x": table(random_texts(rng, 6, 30, 40), 0, "n")}),
        "a": (
            table(random_texts(rng, 4, 30, 40), 1, "q"),
            {
                "y": table(random_texts(rng, 3, 30, 40), 0, "m"),
                "x": table(random_texts(rng, 5, 30, 40), 0, "o"),
            },
        ),
    }
    found = predict.predict(tmp_path, targets, reading)
    assert list(found) == tables.PREDICTIONS.names
    expected = []
    for target, (positives, negatives) in targets.items():
        for label, rows in {"": positives, **negatives}.items():
            test = rows[rows["split"] == "test"]
            scores = {
                str(seed): predict.score(net, dna.encode(test["sequence"].tolist()), reading, 25)
                for seed, net in nets.items()
            }
            scores["ensemble"] = (scores["5"] + scores["8"]) / 2
            for seed, values in scores.items():
                for (_, row), value in zip(test.iterrows(), values, strict=True):
                    expected.append((target, row["id"], row["label"], label, seed, value))
    assert [tuple(row[:5]) for row in expected] == [tuple(row[:5]) for row in found.itertuples(index=False)]
    np.testing.assert_allclose(found["score"], [row[5] for row in expected], atol=1e-6)
    tables.write(found, tmp_path / "p.parquet", tables.PREDICTIONS)
    assert tables.read(tmp_path / "p.parquet", tables.PREDICTIONS).equals(found)


def test_predict_without_test_rows_is_an_empty_table(tmp_path):
    networks.save(tmp_path, "deepbind", {}, {0: network().state_dict()}, 25, {})
    none = table(["ACGTACGT"], 1, "p", "train")
    found = predict.predict(tmp_path, {"a": (none, {"x": none})})
    assert len(found) == 0
    assert len(predict.predict(tmp_path, {})) == 0


def test_a_target_that_is_too_short_is_named(tmp_path):
    networks.save(tmp_path, "bilstm", {}, {0: network("bilstm").state_dict()}, 25, {})
    short = table(["ACGTACGT"], 1, "p", "test")
    with pytest.raises(InputError, match=r"target a: bilstm: 1 sequence\(s\) hold fewer than 14 bp"):
        predict.predict(tmp_path, {"a": (short, {})})


def test_a_baseline_comes_through_the_same_door(tmp_path):
    rng = np.random.default_rng(4)
    positives, negatives = random_texts(rng, 60, 30, 30), random_texts(rng, 60, 30, 30)
    positives = [text.replace("A", "G") for text in positives]
    split = np.where(np.arange(60) % 3 == 0, "validation", "train")
    tables_ = table(positives, 1, "p", split), table(negatives, 0, "n", split)
    estimator = baseline.fit("composition", {}, *tables_, 7, tmp_path)
    target = random_texts(rng, 5, 35, 40)
    found = predict.predict(tmp_path, {"a": (table(target, 1, "t", "test"), {})})
    assert list(found["seed"]) == ["7"] * 5 + ["ensemble"] * 5
    np.testing.assert_array_equal(found["score"], np.tile(estimator.decision_function(target), 2))
    scanned = predict.predict(tmp_path, {"a": (table(target, 1, "t", "test"), {})}, "scan")
    best = [max(estimator.decision_function([t[i : i + 30] for i in range(len(t) - 29)])) for t in target]
    np.testing.assert_allclose(scanned["score"][:5], best)


def test_all_runs_together_are_each_alone(tmp_path):
    rng = np.random.default_rng(6)
    for name, kind in (("a", "deepbind"), ("b", "bilstm")):
        states = {seed: network(kind, seed).state_dict() for seed in (0, 1)}
        networks.save(tmp_path / name, kind, {}, states, 30, {})
    split = np.where(np.arange(60) % 3 == 0, "validation", "train")
    positives = table([text.replace("A", "G") for text in random_texts(rng, 60, 30, 30)], 1, "p", split)
    for i, options in enumerate([{}, {"tax_groups": ["fungi"]}, {"k": 1}, {}]):
        options = {"tax_groups": ["nematodes"], "release": "JASPAR2014"} | options
        unbound = table(random_texts(rng, 60, 30, 30), 0, "n", split)
        baseline.fit("regression", options, positives, unbound, 3, tmp_path / f"r{i}")
    baseline.fit("composition", {}, positives, unbound, 3, tmp_path / "c")
    store.write_no_model(tmp_path / "none", "deepbind", "too few rows")
    targets = {
        "long": (table(random_texts(rng, 7, 30, 40), 1, "t"), {"x": table(random_texts(rng, 6, 30, 40), 0, "u")}),
        "short": (
            table(random_texts(rng, 7, 20, 30), 1, "v"),
            {label: table(random_texts(rng, 5, 20, 30), 0, label) for label in ("x", "y")},
        ),
    }
    labels = [{"long": ["x"], "short": ["y", "x"]}, {"long": [], "short": ["x"]}]
    runs = [
        predict.Run(tmp_path / name, reading, asked)
        for asked in labels
        for name in ("a", "r0", "none", "b", "r1", "r2", "c", "r3")
        for reading in ("scan", "occupancy", "whole")
    ]
    for run, together in zip(runs, predict.predict_all(runs, targets), strict=True):
        own = {t: (targets[t][0], {x: targets[t][1][x] for x in asked}) for t, asked in run.negatives.items()}
        alone = predict.predict(run.folder, own, run.reading)
        assert together.equals(alone) and together.attrs == alone.attrs
        assert len(together) or run.folder.name == "none"
        if len(together):  # and neither is more than the plain reading of each table
            stored = predict.stored(run.folder)
            chosen = targets["long"][0][targets["long"][0]["split"] == "test"]
            logits = predict.score(stored.model, dna.encode(chosen["sequence"]), run.reading, stored.window)
            assert together["score"][: len(chosen)].tolist() == logits[0].tolist()


def test_a_row_is_scored_by_the_models_of_its_fold_and_a_row_of_a_test_file_by_all(tmp_path):
    rng, nets = np.random.default_rng(8), {}
    for fold in range(3):
        nets[fold] = {seed: network(seed=10 * fold + seed) for seed in (5, 8, 9)[: 3 - (fold == 1)]}  # one has failed
        states = {seed: net.state_dict() for seed, net in nets[fold].items()}
        networks.save(store.of_fold(tmp_path, fold), "deepbind", {}, states, 25, {})
    assert store.of_fold(tmp_path, 0) == tmp_path and store.of_fold(tmp_path, 2).name == "fold2"
    split = np.array(["fold0/3", "test", "fold2/3", "train", "fold1/3", "test", "fold2/3"])
    rows = table(random_texts(rng, 7, 30, 40), 1, "t", split)
    only = table(random_texts(rng, 3, 20, 50), 0, "u", "fold1/3")
    run = predict.Run(tmp_path, "scan", {"a": ["x"]}, 3)
    found = next(predict.predict_all([run], {"a": (rows, {"x": only})}))
    assert list(found["seed"].unique()) == ["5", "8", "ensemble"], "the seeds that every fold has"
    for seed in (5, 8):
        own = [predict.score(nets[fold][seed], dna.encode(rows["sequence"]), "scan", 25) for fold in range(3)]
        wanted = [
            np.mean(own, 0)[i] if word == "test" else own[int(word[4])][i] for i, word in enumerate(split) if i != 3
        ]
        mine = found[(found["seed"] == str(seed)) & (found["negatives"] == "")]
        assert mine["id"].tolist() == rows["id"].drop(3).tolist()
        np.testing.assert_allclose(mine["score"], wanted, atol=1e-6)
        other = found[(found["seed"] == str(seed)) & (found["negatives"] == "x")]["score"]
        np.testing.assert_allclose(
            other, predict.score(nets[1][seed], dna.encode(only["sequence"]), "scan", 25), atol=1e-6
        )


def test_one_fold_without_a_model_leaves_no_score_and_says_which(tmp_path):
    networks.save(tmp_path, "deepbind", {}, {0: network().state_dict()}, 25, {})
    store.write_no_model(store.of_fold(tmp_path, 1), "deepbind", "no positives in the validation split")
    networks.save(store.of_fold(tmp_path, 2), "deepbind", {}, {1: network().state_dict()}, 25, {})
    targets = {"a": (table(["ACGT" * 8], 1, "t", "fold0/3"), {})}
    found = next(predict.predict_all([predict.Run(tmp_path, "whole", {"a": []}, 3)], targets))
    assert found.empty and tables.note(found) == "fold 1: no positives in the validation split"
    networks.save(store.of_fold(tmp_path, 1), "deepbind", {}, {1: network().state_dict()}, 25, {})
    found = next(predict.predict_all([predict.Run(tmp_path, "whole", {"a": []}, 3)], targets))
    assert found.empty and tables.note(found) == "no seed gave a model in every fold"


def test_an_unknown_kind_is_refused(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({"kind": "oracle"}))
    with pytest.raises(InputError, match=r"'oracle' is unknown; use one of deepbind, bilstm"):
        predict.predict(tmp_path, {})


def test_prediction_needs_no_lightning():
    code = "import sys, tfbind.models.predict; sys.exit('pytorch_lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
