"""A study of references alone, in folds, from reads to the page: rows in every table, cards, scores of files."""

import json

import numpy as np
import pytest
import yaml

import studies
from tfbind.io import tables
from tfbind.models import score_files, store

MODELS = {
    "composition": {"kind": "composition"},
    "matrix": {"kind": "matrix"},
    "filed": {"kind": "matrix", "file": "mine/known.meme", "readout": "occupancy", "tfs": ["USF1"]},
    "absent": {"kind": "matrix", "tax_groups": ["plants"]},
    "kmers": {"kind": "kmers", "k": 6},
    "pwm": {"kind": "pwm", "k": 6},
    "gapped_kmers": {"kind": "gapped_kmers", "length": 6, "k": 4},
    "gapped_scan": {"trained_as": "gapped_kmers", "reading": "scan"},
}
MEME = "MEME version 4\nMOTIF M1 x\nletter-probability matrix: nsites= 50\n"
ROWS = {"C": "0 1 0 0", "A": "1 0 0 0", "G": "0 0 1 0", "T": "0 0 0 1"}


def reads(path, rng, size, word):
    lines = []
    for i in range(400):
        text = "".join(rng.choice(list("ACGT"), size))
        label, at = i % 2, rng.integers(2, size - 8)
        lines.append(f"{text[:at] + word + text[at + len(word) :] if label else text}\t{label}")
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("references"), np.random.default_rng(0)
    (folder / "mine").mkdir()
    (folder / "mine" / "known.meme").write_text(MEME + "\n".join(ROWS[base] for base in "CACGTG") + "\n")
    sheet = ["dataset\ttf\tassay\tformat\tpath"]
    for name, assay, size in (("A", "htselex", 20), ("B", "chipseq", 60)):
        reads(folder / f"{name}.tsv", rng, size, "CACGTG")
        sheet.append(f"{name}\tUSF1\t{assay}\tlabelled\t{name}.tsv")
    (folder / "sheet.tsv").write_text("\n".join(sheet) + "\n")
    config = {"datasets": "sheet.tsv", "negatives": {"n": {"kind": "provided"}}, "models": MODELS, "seeds": [0]}
    config |= {"split": {"folds": 3}, "statistics": {"resamples": 100, "min_examples": 10}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    run = studies.through(folder)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return folder


def test_references_are_rows_of_every_table(study):
    transfer = tables.read_tsv(study / "results" / "transfer.tsv").set_index(["source", "model"])
    for source, model in ((s, m) for s in "AB" for m in MODELS if m != "absent"):
        row = transfer.loc[(source, model)]
        assert float(row["cross"]) > (0.3 if model == "composition" else 0.8), (source, model)
    assert (transfer.loc[[("A", "matrix"), ("B", "matrix"), ("A", "filed")], "drop"].astype(float) == 0).all()
    assert "no matrix named 'USF1' (JASPAR2026, CORE, plants)" in transfer.loc[("A", "absent"), "note"]
    libraries = tables.read_tsv(study / "results" / "libraries.tsv").set_index("dataset")
    assert set(libraries["model"]) <= {"kmers", "pwm", "gapped_kmers", "gapped_scan"}
    assert (study / "results" / "report.html").stat().st_size > 10_000


def test_their_models_have_cards_and_score_files(study):
    for model in ("matrix", "filed", "kmers", "pwm", "gapped_kmers"):
        folder = study / "results" / "models" / "A" / "n" / model
        card = (folder / "MODEL.md").read_text()
        assert card.startswith(f"# USF1: {MODELS[model]['kind']} ") and "| B | chipseq | cross |" in card
        assert ("by the known matrix" in card) == (MODELS[model]["kind"] == "matrix")
        assert str(study) not in card + json.dumps(store.describe(folder))
        scorer = score_files.Scorer(folder)
        assert scorer.reading == "whole" and all((store.of_fold(folder, i) / "model.json").exists() for i in (1, 2))
    assert "No model: JASPAR has no matrix" in (study / "results/models/A/n/absent/MODEL.md").read_text()


def test_an_edit_of_the_matrix_fits_what_reads_it_and_one_of_the_sheet_nothing(study):
    assert studies.is_done(studies.plan(study))
    sheet = (study / "sheet.tsv").read_text().splitlines()
    noted = [f"{line}\t{'note' if i == 0 else 'x'}" for i, line in enumerate(sheet)]
    (study / "sheet.tsv").write_text("\n".join(noted) + "\n")
    assert "fit" not in studies.planned(studies.plan(study))
    path = study / "mine" / "known.meme"
    path.write_text(path.read_text() + "0.25 0.25 0.25 0.25\n")
    assert studies.planned(studies.plan(study))["fit"] == 2
