import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from interpretation.test_tomtom import learner, shares, turned
from report.test_report import Page, assert_closed, render, study
from tfbind.interpretation import logos, tomtom


@pytest.fixture(scope="module")
def known():
    chip = {
        "ensemble.sites": (shares("USF1"), np.nan),
        "0.0": (shares("USF1"), 0.8),
        "0.1": (shares("NFYA"), 0.2),
        "1.0": (shares("USF1"), 0.9),
        "1.1": (turned(shares("NFYA")), 0.1),
    }
    selex = {"ensemble.sites": (turned(shares("USF1")), np.nan)}
    selex |= {"0.0": (shares("USF1"), 1.0), "1.0": (shares("USF1"), 1.0)}
    return tomtom.tabulate([learner("USF1", "peaks", "chipseq", chip), learner("USF1", "reads", "htselex", selex)])


def test_a_letter_is_as_high_as_its_share_of_the_information():
    share = np.array([[1, 0, 0, 0], [0.25] * 4, [0, 0.5, 0.5, 0]])
    svg = ElementTree.fromstring(logos.draw(share, "a logo"))
    marks = [(use.get("href"), *map(float, re.findall(r"[\d.]+", use.get("transform")))) for use in svg.iter("use")]
    bit, high = logos._BIT, 2 * logos._BIT
    assert [(name, tall, x, y) for name, _, _, _, tall, x, y in marks] == [
        ("#baseA", 2 * bit, 0, 0),
        ("#baseC", bit / 2, 20, high - bit / 2),
        ("#baseG", bit / 2, 20, high - bit),
    ]


def test_every_letter_of_a_logo_is_defined_and_fills_its_box():
    svg = ElementTree.fromstring(logos.letters())
    outlines = {path.get("id"): path.get("d") for path in svg.iter("path")}
    assert list(outlines) == ["baseA", "baseC", "baseG", "baseT"]
    for outline in outlines.values():
        values = np.array(re.findall(r"-?[\d.]+(?:e-\d+)?", outline), float).reshape(-1, 2)
        np.testing.assert_allclose([values.min(0), values.max(0)], [[0, 0], [1, 1]], atol=0.01)


def test_a_label_is_escaped():
    svg = logos.draw(np.eye(4), '"><script>alert(1)</script>')
    assert ElementTree.fromstring(svg).get("aria-label") == '"><script>alert(1)</script>' and "<script" not in svg


def test_a_motif_turns_to_the_strand_and_place_of_the_known_one():
    whole = shares("CTCF")
    found, place = logos.turn(turned(whole)[2:-4], whole)
    np.testing.assert_array_equal(found, whole[4:-2])
    assert place == 4
    assert logos.turn(whole, whole[3:])[1] == -3


def test_sentences_name_the_match_of_each_assay_and_what_only_one_taught(known):
    own, other, only = logos.told(known[0])
    match = r"USF1 \(MA\d+\.\d, q = \S+\) is the best match\."
    assert re.fullmatch(rf"ChIP-seq \(peaks\) taught the TF’s own motif: {match}", own)
    assert re.fullmatch(rf"HT-SELEX \(reads\) taught the TF’s own motif: {match}", other)
    assert re.fullmatch(r"Only ChIP-seq \(peaks\) taught NFYA \(MA\d+\.\d; 15% of the effect of all filters\)\.", only)


@pytest.mark.parametrize(
    ("kinship", "said"),
    [
        ("alike", "taught a motif like the TF’s own: USF1"),
        ("other", "taught another motif than the TF’s own: USF1"),
        (np.nan, "taught nothing that is known: USF1"),
    ],
)
def test_sentences_say_what_a_match_is_to_the_tf(known, kinship, said):
    rows = known[0][known[0]["filter"] == "sites"]
    sentence = logos.told(rows.assign(kinship=kinship, alike_to=np.nan))[0]
    assert said in sentence and re.search(r", its own MA\d+\.\d is match 1\.$", sentence)
    unknown = logos.told(rows.assign(kinship=kinship, alike_to=np.nan, own=np.nan))[0]
    assert unknown.endswith(", JASPAR has none.")


def test_what_both_assays_taught_or_is_faint_is_no_difference(known):
    table = known[0]
    faint = table.assign(importance=table["importance"].where(table["match_tf"] != "NFYA", 0.02))
    assert len(logos.told(faint)) == 2
    alone = table[table["source"] == "peaks"]
    assert len(logos.told(alone)) == 1


def test_a_source_without_a_motif_says_why(known):
    none = learner("USF1", "reads", "htselex", {})
    none = none._replace(table=pd.DataFrame([{"note": "library collapsed"}], columns=tomtom.LEARNT))
    table, _ = tomtom.tabulate([none])
    assert logos.told(table) == ["HT-SELEX (reads) taught no motif: library collapsed."]
    (of_tf,) = logos.section(table, {})
    assert of_tf["models"][0]["reference"] is None


def test_filters_of_like_matches_are_one_in_the_mean_over_seeds(known):
    peaks = logos.taught(known[0][known[0]["source"] == "peaks"])
    assert peaks["match_tf"].tolist() == ["USF1", "NFYA"] and peaks["filters"].tolist() == [2, 2]
    np.testing.assert_allclose(peaks["importance"], [0.85, 0.15])


def test_logos_stand_side_by_side_and_stay_small(known):
    (of_tf,) = logos.section(*known)
    (part,) = of_tf["models"]
    assert [len(figure["logos"]) for figure in part["figures"]] == [3, 2]
    drawn = [logo["svg"] for figure in part["figures"] for logo in figure["logos"]] + [part["reference"]["svg"]]
    assert max(map(len, drawn)) < 6000
    assert len({re.search(r'width="(\d+)"', svg)[1] for svg in drawn}) == 1
    starts = {re.search(r"matrix\(10 0 0 [\d.]+ (\d+)", svg)[1] for svg in drawn if "USF1" in svg}
    assert len(starts) == 1  # the same motif begins at the same place in each


def test_the_page_shows_them_closed_escaped_and_small(known, tmp_path):
    """A dataset's or model's name is text, whatever it holds; and twenty TFs leave the page below 5 MB."""
    table, motifs = known
    evil = "<img src=x onerror=alert(1)>"
    renamed = table.assign(model=evil)
    motifs = {name.replace("/deepbind/", f"/{evil}/"): share for name, share in motifs.items()}
    whole = study(["USF1"], models={"deepbind": 0.9}, extra=False, points=20)
    render(tmp_path / "without.html", **whole)
    render(tmp_path / "with.html", **whole, motifs=(renamed, motifs))
    without, html = ((tmp_path / f"{name}.html").read_text() for name in ("without", "with"))
    page = Page(html)
    assert_closed(page, html)
    assert "What did each assay teach?" in html and "What did each assay teach?" not in without
    assert "<img" not in html and "&lt;img src=x onerror=alert(1)&gt;" in html
    assert len([svg for svg in page.all("svg") if svg.get("class") == "logo"]) == 6
    assert all(svg.get("aria-label") for svg in page.all("svg"))
    assert 20 * (len(html) - len(without)) < 1.5e6
