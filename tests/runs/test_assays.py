"""A new assay is one entry of `assays.ASSAYS`: it runs from the sheet to the page."""

import csv

import pytest
import yaml

import studies
from tfbind import assays
from tfbind.io import tables

TOYS = {
    "reads": ("htselex", assays.Assay("Toy-SELEX", "reads", assays.IN_VITRO, cycles=True)),
    "peaks": ("chipseq", assays.Assay("Toy-seq", "peaks", assays.IN_VIVO)),
}


def _reads(words, said, environment):
    assays.ASSAYS["toy"] = TOYS["reads"][1]
    studies._through(words, said, environment)


def _peaks(words, said, environment):
    assays.ASSAYS["toy"] = TOYS["peaks"][1]
    studies._through(words, said, environment)


@pytest.mark.parametrize(("form", "target"), [("reads", _reads), ("peaks", _peaks)], ids=["reads", "peaks"])
def test_a_new_assay_runs_to_the_page(form, target, tmp_path):
    known, toy = TOYS[form]
    studies.write(tmp_path)
    path = tmp_path / "config.yaml"
    config = yaml.safe_load(path.read_text()) | {"negatives": {"standard": {"kind": "usual"}}}
    config["training"]["epochs"] = 1
    config["statistics"]["resamples"] = 100
    path.write_text(yaml.safe_dump(config))
    sheet = tmp_path / "resources" / "datasets.tsv"
    with open(sheet, newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    (place,) = (number for number, name in enumerate(rows[0]) if name == "assay")
    for row in rows[1:]:
        row[place] = row[place].replace(known, "toy")
    sheet.write_text("".join("\t".join(row) + "\n" for row in rows))
    run = studies.plan(tmp_path, "results/report.html", target=target)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]

    results = tmp_path / "results"
    pairs = tables.read_tsv(results / "transfer.tsv")[["source_assay", "target_assay"]].drop_duplicates()
    other = {"reads": "chipseq", "peaks": "htselex"}[form]
    assert set(pairs.itertuples(index=False, name=None)) == {("toy", other), (other, "toy")}
    summary = tables.read_tsv(results / "summary.tsv")
    assert (summary["n_tf"] == 1).all(), "from the assay in vitro to the one in cells"
    sentences = " ".join(tables.read_tsv(results / "verdicts.tsv")["sentence"])
    ends = (toy.printed, "ChIP-seq") if form == "reads" else ("HT-SELEX", toy.printed)
    assert f"trained on {ends[0]} " in sentences and f"on {ends[1]}" in sentences
    libraries = tables.read_tsv(results / "libraries.tsv").set_index("assay")
    assert libraries["n_jackpot"].notna().to_dict() == {"toy": form == "reads", other: form != "reads"}
    assert libraries["consensus"].notna().to_dict() == {"toy": form == "reads", other: form != "reads"}
    page = (results / "report.html").read_text()
    assert f"Trained on {ends[0]} or on {ends[1]}, tested on {ends[1]}" in page
    assert ">toy<" not in page, "in print it has its name"
