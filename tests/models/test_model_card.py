"""Models that leave the machine: read without tfbind, recomputed, exported, described."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io import tables
from tfbind.models import applicability, baseline, model_card, networks, platt, predict, store
from tfbind.sequences import leakage

REPO = Path(__file__).parents[2]
KINDS = [
    ("deepbind", {}),
    ("deepbind", {"hidden": 5, "filters": 3, "width": 9}),
    ("bilstm", {}),
    ("bilstm", {"readout": "max", "stride": 3, "hidden": 4}),
    ("selection", {}),
    ("selection", {"width": 7, "modes": 2, "overhang": 0.0, "dinucleotides": False, "rounds": 2.0}),
]


def network(folder, kind="deepbind", options=None, seeds=(0, 7), window=30):
    states = {}
    for seed in seeds:
        torch.manual_seed(seed)
        model = networks.build(kind, options or {})
        for parameter in model.parameters():  # logits of a trained size
            parameter.data = torch.randn_like(parameter) * 0.5
        states[seed] = model.state_dict()
    networks.save(folder, kind, options or {}, states, window, {})
    return folder


def random_texts(n, low, high, seed=0):
    rng = np.random.default_rng(seed)
    return ["".join(rng.choice(list("ACGT"), rng.integers(low, high + 1))) for _ in range(n)]


def logits(folder, texts):
    return predict.score(predict.stored(folder).model, dna.encode(texts))


def edit(folder, change):
    about = json.loads((folder / "model.json").read_text())
    change(about)
    (folder / "model.json").write_text(json.dumps(about))


def test_ten_documented_lines_read_a_model_without_tfbind(tmp_path):
    network(tmp_path)
    block = re.findall(r"```python\n(.*?)```", (REPO / "docs" / "sharing.md").read_text(), re.S)[0]
    assert sum(map(bool, block.splitlines())) == 10 and "tfbind" not in block
    texts = [*random_texts(6, 10, 60), "ACGTNACGTTTNNA", *applicability.probes(30)]
    use = f"print(json.dumps([[float(logit(t, s)) for t in {texts!r}] for s in about['seeds']]))"
    run = subprocess.run([sys.executable, "-c", block + use], cwd=tmp_path, capture_output=True, text=True, check=True)
    np.testing.assert_allclose(json.loads(run.stdout), logits(tmp_path, texts), atol=1e-5)


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_stored_model_is_verified(tmp_path, kind, options):
    network(tmp_path, kind, options)
    assert model_card.verify(tmp_path) <= 1e-6
    weights = load_file(tmp_path / store.WEIGHTS)
    weights["7.head.bias" if kind == "selection" else "7.head.readout.bias"] += 1e-3
    save_file(weights, tmp_path / store.WEIGHTS)
    with pytest.raises(InputError, match=r"model.safetensors: damaged .*copy the folder again"):
        model_card.verify(tmp_path)
    about = json.loads((tmp_path / store.DESCRIPTION).read_text())
    assert len(about.pop("weights_sha256")) == 64 and about["versions"]["torch"] == metadata.version("torch")
    (tmp_path / store.DESCRIPTION).write_text(json.dumps(about))  # as older versions wrote it
    with pytest.raises(InputError, match=r"differ by up to 0\.001; copy the folder again"):
        model_card.verify(tmp_path)


def test_probes_are_the_same_on_every_machine():
    probes = applicability.probes(20)
    assert [len(p) for p in probes] == [20, 20, 20, 20, 20, 21, 30, 40] and sum("N" in p for p in probes) == 1
    assert probes[0] == "TGTCAGAAACGAAAACCGAT"


def test_a_baseline_is_verified_and_not_exported(tmp_path):
    positives = tables.sequences(
        id=[f"p{i}" for i in range(40)],
        sequence=[t.replace("A", "G") for t in random_texts(40, 30, 30)],
        label=1,
        split=["train"] * 30 + ["validation"] * 10,
        origin="made",
    )
    negatives = positives.assign(sequence=random_texts(40, 30, 30, 1), label=0)
    baseline.fit("composition", {}, positives, negatives, 3, tmp_path)
    assert model_card.verify(tmp_path) == 0
    extra = store.describe(tmp_path)["extra"]
    assert extra["domain"]["length"] == [30, 30] and extra["calibration"]["n_positive"] == 10
    with pytest.raises(InputError, match="composition is not a network"):
        model_card.export(tmp_path, tmp_path / "m.onnx")


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_onnx_scores_as_the_network_does(tmp_path, kind, options):
    network(tmp_path, kind, options)
    assert model_card.export(tmp_path, tmp_path / "m.onnx") < 1e-5
    onnx.checker.check_model(onnx.load(tmp_path / "m.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for n, low, high in ((1, 30, 30), (17, 20, 101), (5, 200, 200)):
        texts = random_texts(n, low, high)
        texts[-1] = texts[-1][:8] + "NN" + texts[-1][10:]
        found = session.run(["logit"], {"tokens": dna.encode(texts)})[0]
        assert np.abs(found - logits(tmp_path, texts).mean(0)).max() < 1e-5


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_onnx_takes_no_sequences_and_short_ones_and_scores_none_that_cannot_be_read(tmp_path, kind, options):
    network(tmp_path, kind, options)
    model_card.export(tmp_path, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    shortest = networks.build(kind, options).shortest
    for length in (0, 1, 8, shortest, 101):
        assert session.run(None, {"tokens": np.empty((0, length), np.uint8)})[0].shape == (0,)
    for length in (1, 2, shortest - 1, shortest, shortest + 1, 40):
        for padded in (length, 60):
            texts = ["ACGTACGTGGCATTACGATCAGGATTTACCAGATTACAGGTAC"[:length]] * 2
            found = session.run(None, {"tokens": dna.encode(texts, padded)})[0]
            if length < shortest:
                assert np.isnan(found).all()
            elif length:
                assert np.abs(found - logits(tmp_path, texts).mean(0)).max() < 1e-5
    assert np.isnan(session.run(None, {"tokens": np.full((3, 30), 4, np.uint8)})[0]).all()
    with pytest.raises(Exception, match=r"(?i)out of (data )?bounds|indices"):
        session.run(None, {"tokens": np.full((3, 30), 15, np.uint8)})


@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_a_model_of_format_1_still_scores(tmp_path, kind, options):
    """Format 1 named the layers of the head by their places in a list."""
    network(tmp_path, kind, options)
    texts = random_texts(5, 40, 60)
    expected = logits(tmp_path, texts)
    last = "4" if options.get("hidden") else "1"
    weights = {
        name.replace("head.readout", f"head.{last}").replace("head.dense", "head.1"): value
        for name, value in load_file(tmp_path / store.WEIGHTS).items()
    }
    save_file(weights, tmp_path / store.WEIGHTS)
    edit(tmp_path, lambda about: (about.update(format=1), about.pop("check"), about.pop("weights_sha256")))
    np.testing.assert_array_equal(logits(tmp_path, texts), expected)
    with pytest.raises(NotEstimable, match=r"holds no logits to recompute \(format 1\)"):
        model_card.verify(tmp_path)


def test_what_is_no_model_says_so(tmp_path):
    network(tmp_path / "m")
    torch.save({"a": torch.ones(1)}, tmp_path / "model.pt")
    with pytest.raises(InputError, match="never a file or a pickle"):
        model_card.verify(tmp_path / "model.pt")
    (tmp_path / "m" / store.WEIGHTS).write_bytes((tmp_path / "model.pt").read_bytes())
    with pytest.raises(InputError, match="damaged"):
        model_card.verify(tmp_path / "m")
    edit(tmp_path / "m", lambda about: about.pop("weights_sha256"))  # as of a model of older versions
    with pytest.raises(InputError, match="not a safetensors file"):
        model_card.verify(tmp_path / "m")
    store.write_no_model(tmp_path / "none", "deepbind", "library collapsed")
    with pytest.raises(NotEstimable, match="no model was trained: library collapsed"):
        model_card.export(tmp_path / "none", tmp_path / "m.onnx")


def test_a_card_holds_true_numbers(tmp_path):
    folder = network(tmp_path / "m")
    notes = {"domain": {"length": [30.0, 30.0], "gc": [0.2, 0.7]}}
    notes["calibration"] = {"slope": 0.5, "intercept": -1.0, "n_positive": 12, "n_negative": 34}
    edit(folder, lambda about: about.update(extra=notes))
    rows = tables.sequences(
        id=[f"p{i}" for i in range(10)],
        sequence="ACGT",
        label=1,
        split=["train"] * 6 + ["validation"] * 3 + ["test"],
        origin="made",
    )
    tables.write(rows, tmp_path / "p.parquet")
    tables.write(rows.iloc[:7].assign(label=0), tmp_path / "n.parquet")
    leaking = pd.DataFrame({"id": ["p0", "p7"], "kind": "identical", "target": "B"})
    tables.write(leaking, tmp_path / "l.parquet", leakage.LEAKING)
    (tmp_path / "peaks.bed").write_text("chr1\t0\t10\n")
    about = {"tf": "USF1", "source": "A", "source_assay": "chipseq", "shift": "none", "comparison": "same"}
    about |= {"train_negatives": "s", "test_negatives": "s", "metric": "auroc", "n_positive": 5, "n_negative": 6}
    own = {"target": "A", "target_assay": "chipseq", "model": "d"}
    other = {"target": "B", "target_assay": "htselex", "model": "d_scan"}
    metrics = pd.DataFrame(
        [
            about | own | {"seed": "ensemble", "value": 0.91234, "low": 0.9, "high": 0.95},
            about | own | {"seed": "0", "value": 0.1},
            about | other | {"seed": "ensemble", "note": "too few"},
            about | own | {"source": "B", "seed": "ensemble", "value": 0.2},
        ]
    )
    found = model_card.evaluated("A", "s", {"d": "whole", "d_scan": "scan"}, metrics)
    assert list(found["target"]) == ["A", "B"] and list(found["reading"]) == ["whole", "scan"]
    row = {"dataset": "A", "tf": "USF1", "assay": "chipseq", "cell": "K562", "test_path": ""}
    settings = {
        "split": {"validation": ["chr4"], "test": ["chr1"], "validation_fraction": 0.1, "test_fraction": 0.2},
        "negatives": {"kind": "dinucleotide"},
    }
    files = {source: tmp_path / "peaks.bed" for source in ("https://x.org/peaks.bed", str(tmp_path / "peaks.bed"))}
    paths = {name: tmp_path / f"{name[0]}.parquet" for name in ("positives", "negatives", "leaking")}
    model_card.write_card(folder, row, files, paths, settings, found)
    card = (folder / "MODEL.md").read_text()
    assert f"| https://x.org/peaks.bed | {tables.digest(tmp_path / 'peaks.bed')} |" in card
    assert f"| positives | 5 | 2 | 1 | {tables.digest(tmp_path / 'p.parquet')} |" in card
    assert "| negatives | 5 | 1 | 0 |" in card
    assert "| A | chipseq | same | whole | s | 0.912 | 0.900 to 0.950 | 5 + 6 |  |" in card
    assert "| B | htselex | same | scan | s |  |  | 5 + 6 | too few |" in card
    assert "30 to 30 bp with 20% to 70%" in card and "12 positives and 34 negatives" in card
    assert "Evaluated on chipseq; for any other use" in card and "By a strand-blind hash of the sequence: 10%" in card
    assert "Left out of training for being in a test set: 2 rows (identical 2)." in card
    assert str(tmp_path) not in card
    assert len(tables.read_tsv(folder / "evaluation.tsv")) == 2


@pytest.mark.parametrize(
    ("assay", "chrom", "parts", "said"),
    [
        ("htselex", None, ["fold0/3", "fold1/3"], "In 3 folds by a hash of the sequence."),
        ("chipseq", "chr7", ["fold0/3", "fold1/3"], "In 3 folds by chromosome."),
        # what trains in every fold is in none
        ("pbm", None, ["train", "validation"], "10% for validation. No other array design tests it."),
        ("chipseq", "chr7", ["train", "test"], "By chromosome: chr4 for validation, chr1 for the test"),
    ],
)
def test_the_card_says_how_its_rows_were_split(assay, chrom, parts, said):
    rows = tables.sequences(id=["a", "b"], sequence="ACGT", label=1, split=parts, origin="made", chrom=[chrom, "chr8"])
    rows["chrom"] = [chrom, chrom and "chr8"]
    split = {"validation": ["chr4"], "test": ["chr1"], "validation_fraction": 0.1, "test_fraction": 0.2, "folds": 3}
    assert said in model_card._split({"assay": assay, "test_path": ""}, split, rows)


def tfbind(*arguments):
    return subprocess.run([sys.executable, "-m", "tfbind.cli", *map(str, arguments)], capture_output=True, text=True)


def test_verify_and_export_as_commands(tmp_path):
    network(tmp_path / "m")
    run = tfbind("verify", tmp_path / "m")
    assert run.returncode == 0 and "as stored" in run.stdout
    assert tfbind("export", tmp_path / "m", "--onnx", tmp_path / "m.onnx").returncode == 0
    assert (tmp_path / "m.onnx").stat().st_size > 1000
    edit(tmp_path / "m", lambda about: about["check"]["logits"]["0"].__setitem__(0, 9))
    run = tfbind("verify", tmp_path / "m")
    assert run.returncode == 2 and "copy the folder again" in run.stderr and "Traceback" not in run.stderr


def test_platt_finds_the_curve_that_made_the_labels():
    rng = np.random.default_rng(0)
    x = rng.normal(0, 3, 20_000)
    labels = rng.random(20_000) < platt.probability(x, {"slope": 0.7, "intercept": -1.2})
    curve = platt.calibrate(labels, x)
    assert abs(curve["slope"] - 0.7) < 0.03 and abs(curve["intercept"] + 1.2) < 0.06
    share = [labels[(p := platt.probability(x, curve)) > 0.8].mean(), p[p > 0.8].mean()]
    assert abs(share[0] - share[1]) < 0.02
    assert platt.calibrate(~labels, x)["slope"] == 0, "a model that ranks backwards is not turned round"
    assert platt.calibrate(np.ones(3), np.arange(3)) is None


def test_the_domain_of_the_training_rows():
    tokens = dna.encode(["ACGT" * 5] * 999 + ["AT" * 12] + ["G" * 20] * 0)
    known = applicability.describe(tokens)
    assert known == {"length": [20, 24], "gc": [0.0, 0.5]}
    found = applicability.outside(dna.encode(["ACGT" * 5, "ACGT" * 7, "G" * 20, "G" * 3]), known)
    assert list(found) == ["", "length", "composition", "length,composition"]
