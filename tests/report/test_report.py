import base64
import gzip
import hashlib
import io
import itertools
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml

from tfbind.io import tables
from tfbind.io.paths import local
from tfbind.report import figure, picture, table, wording
from tfbind.report import page as pages
from tfbind.report import provenance as report_provenance
from tfbind.report.sections.curves import thin
from tfbind.sequences.leakage import KINDS, ONE_LIBRARY
from tfbind.statistics import variance_components as split
from tfbind.transfer import ladder as steps
from tfbind.transfer.transferability import ADAPTATION_COLUMNS, SIGN_COLUMNS

SKILL = {"deepbind": 0.93, "deepbind_scan": 0.925, "bilstm": 0.945, "regression": 0.88, "composition": 0.62}
LABELS = ("dinucleotide", "genomic")
ANSWERS = ("reuse", "fine-tune or retrain", "retrain", "cannot tell", "poor data")
LIBRARIES = {"torch": "2.15.0", "pandas": "3.1.1"}
ELEMENTS_WITHOUT_END = {"meta", "link", "br", "img", "input", "hr", "col", "wbr"}


def roc(skill, n):
    """A concave ROC of the given area, and the precision-recall curve of balanced classes with it."""
    x = np.linspace(0, 1, n) ** 2
    y = x ** ((1 - skill) / skill)
    return (x, y), (y[1:], y[1:] / (y[1:] + x[1:]))


def render(path, *, title, **tables):
    """The page of these tables."""
    pages.render(path, title, tables)


def study(tfs, poor="", models=SKILL, extra=True, points=60):
    """A plausible study: each TF with HT-SELEX and ChIP-seq of two cells; `poor` names a weak library."""
    rng = np.random.default_rng(7)
    metrics, transfer, curves, libraries, audit, logs, verdicts = [], [], [], [], [], {}, []
    pairs = []
    for tf in tfs:
        sets = {f"{tf}_selex": "htselex", f"{tf}_K562": "chipseq", f"{tf}_GM12878": "chipseq"}
        pairs += [(tf, s, sets[s], t, sets[t]) for s in sets for t in sets]
        for dataset, assay in sets.items():
            kept = int(rng.integers(3000, 20000))
            good = dataset != poor
            libraries.append(
                dict(dataset=dataset, tf=tf, assay=assay, lab="lab1",
                     cell="" if assay == "htselex" else dataset.partition("_")[2], replicate="1",
                     cycle="4" if assay == "htselex" else "", n_read=kept + 812, n_dropped=812,
                     n_positive=kept, n_negative=kept, kmer="CCGGAAGT", enrichment=8.4 if good else 1.1,
                     n_jackpot=20 if assay == "htselex" else np.nan, entropy=10.2, entropy_negative=10.9,
                     consensus="ACCGGAAG" if good else "", excess=46.1 if good else np.nan,
                     held=0.31 if good else np.nan,
                     series="swapped: cycles 2 and 3; ACCGGAAG in 1.00% (cycle 2)" if assay == "htselex" else "",
                     motif="MA0062.4", motif_auroc=0.84 if good else 0.52,
                     model="deepbind", auroc=0.951 if good else 0.553, low=0.94 if good else 0.51,
                     high=0.96 if good else 0.59, floor=0.55,
                     verdict=f"{'good' if good else 'poor'}: {tf}: {'far' if good else 'not'} above composition")
            )  # fmt: skip
            rows = [("read", "records", kept + 812), ("dropped", "duplicate sequence", 800),
                    ("dropped", "more than 10 % N", 12), ("kept", "", kept)]  # fmt: skip
            log = pd.DataFrame(rows, columns=["event", "reason", "count"])
            logs[dataset] = {"positives": log} | {f"negatives:{label}": log.tail(2) for label in LABELS}
    if extra:
        pairs.append(("ELK1>GABPA", "ELK1_selex", "htselex", "GABPA_K562", "chipseq"))
    for tf, source, source_assay, target, target_assay in pairs:
        shift = "none" if source == target else "assay" if source_assay != target_assay else "cell"
        for label in LABELS:
            base = dict(tf=tf, source=source, source_assay=source_assay, target=target, shift=shift,
                        target_assay=target_assay, train_negatives=label, test_negatives=label)  # fmt: skip
            audit += [
                base | dict(comparison="same" if shift == "none" else "cross", model=np.nan, kind=kind, n_train=0,
                            n_test=0, n_removed=0, action="none", note=np.nan)
                for kind in (*KINDS, ONE_LIBRARY)
            ]  # fmt: skip
            void = poor in (source, target) and poor and source != target
            for model, skill in models.items():
                loss = {"none": 0, "cell": 0.01, "assay": 0.05}[shift] * (0.2 if model == "composition" else 1)
                cross = np.nan if void else skill - loss + rng.normal(0, 0.004)
                note = "fewer than 20 negatives in the test split (11)" if void else ""
                n = dict(n_positive=11 if void else 2114, n_negative=2114)
                for metric, value in {"auroc": cross, "auprc": cross - 0.01}.items():
                    for seed in ("0", "ensemble"):
                        metrics.append(
                            base | n | dict(comparison="same" if shift == "none" else "cross", model=model,
                                            seed=seed, metric=metric, value=value, low=value - 0.008,
                                            high=value + 0.007, note=note)
                        )  # fmt: skip
                if not void:
                    for name, (x, y) in zip(("roc", "pr"), roc(cross, points), strict=True):
                        curves += [
                            dict(tf=tf, source=source, target=target, shift=shift, train_negatives=label,
                                 test_negatives=label, model=model, curve=name, x=a, y=b)
                            for a, b in zip(x, y, strict=True)
                        ]  # fmt: skip
                if shift != "none":
                    drop = skill - cross
                    transfer.append(
                        base | n | dict(model=model, same=skill, cross=cross, drop=drop, low=drop - 0.011,
                                        high=drop + 0.012, p_value=np.nan if void else 2e-5, floor=0.55,
                                        note=note)
                    )  # fmt: skip
    for i, tf in enumerate(tfs):
        for j, (source, target) in enumerate([("htselex", "chipseq"), ("chipseq", "htselex"), ("chipseq", "chipseq")]):
            for k, model in enumerate(("deepbind", "bilstm")):
                verdict, drop = ANSWERS[(i + j + k) % len(ANSWERS)], 0.048 - 0.01 * ((i + j) % 7)
                verdicts.append(
                    dict(tf=tf, source_assay=source, target_assay=target, model=model, n=1, same=0.93, floor=0.55,
                         shift="cell" if source == target else "assay", train_negatives="genomic",
                         test_negatives=LABELS[k], drop=drop, low=drop - 0.011, high=drop + 0.012, verdict=verdict,
                         sentence=f"{tf}: {verdict}. A deepbind model trained on HT-SELEX loses 4.8 points "
                                  "of AUROC (3.1 to 6.4, 95% interval) on ChIP-seq.")
                )  # fmt: skip
    summary, shifts = [], []
    for model, skill in models.items():
        for label in LABELS:
            row = dict(model=model, train_negatives=label, test_negatives=label, n_tf=len(tfs), same=skill,
                       cross=skill - 0.048, drop=0.048, low=0.031, high=0.064, p_value=0.25)  # fmt: skip
            summary.append(row)
            for shift, source, target in (("cell", "chipseq", "chipseq"), ("assay", "htselex", "chipseq")):
                shifts.append(
                    dict(shift=shift, source_assay=source, target_assay=target) | row | dict(p_minimum=0.25, p_holm=1.0)
                )
    provenance = {
        "tfbind": "0.1.0",
        "date": "2026-11-22",
        "command": "snakemake --cores 2",
        "seeds": [0, 1, 2],
        "libraries": LIBRARIES,
        "inputs": {
            f"data/{tf}.bed.gz": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" for tf in tfs
        },
        "config": "sequence:\n  length: 101\nstatistics:\n  resamples: 1000\n  level: 0.95\n",
    }
    frames = dict(verdicts=verdicts, summary=summary, shifts=shifts, metrics=metrics, transfer=transfer,
                  libraries=libraries, curves=curves, audit=audit)  # fmt: skip
    cells = pd.DataFrame(metrics), pd.DataFrame(transfer)
    rows = {row["dataset"]: {**row, "lab": "lab1"} for row in libraries} | {
        name: {"assay": "", "cell": "", "lab": ""} for name in ("ELK1_selex", "GABPA_K562")
    }
    known = cells[0].query("seed == 'ensemble' and metric == 'auroc' and train_negatives == test_negatives")
    known = known[known["value"].notna()].drop(columns=["seed", "metric", "value", "low", "high", "comparison"])
    ways = [("none", 0, 0.12), ("prior", 0, 0.1), ("temperature", 64, 0.06), ("temperature and bias", 64, 0.04)]
    frames["calibration"] = pd.concat(
        [
            known.assign(
                adaptation=name, n_target=n, ece=error, ece_chance=0.02, ece_chance_high=0.03, log_loss=0.3
            ).assign(temperature=2.0, bias=0.0, predicted=0.6, observed=0.5)
            for name, n, error in ways
        ]
    )
    frames["reliability"] = pd.concat(
        [
            known.assign(adaptation=name, n_target=n, predicted=p, observed=p**2, n=50)
            for name, n in (("none", 0), ("temperature and bias", 64))
            for p in np.arange(1, 30, 2) / 30
        ]
    )
    frames |= dict(ladder=steps.ladder(*cells), variance=split.split(cells[0], rows))
    return (
        {"title": "Transfer of " + ", ".join(tfs[:3])}
        | {k: pd.DataFrame(v) for k, v in frames.items()}
        | dict(logs=logs, provenance=provenance)
    )


def barren():
    """A study in which nothing could be compared: every table has its columns and no row."""
    whole = study(["GABPA"], extra=False, points=10)
    frames = {k: v.head(0) for k, v in whole.items() if isinstance(v, pd.DataFrame)}
    return whole | frames | {"logs": {}, "provenance": {}}


class Page(HTMLParser):
    """Elements with their attributes and text; refuses tags that do not nest."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), tuple(self.open)))
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        if tag not in ELEMENTS_WITHOUT_END:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in (*self.open, tag)
        self.elements.append((tag, dict(attrs), tuple(self.open)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module")
def three():
    return study(["GABPA", "CTCF", "GATA3"], poor="GATA3_selex")


@pytest.fixture(scope="module")
def small():
    return study(["MAX"], models={"deepbind": 0.93, "composition": 0.62}, extra=False, points=20)


@pytest.fixture(scope="module")
def html(folder, three):
    render(folder / "three.html", **three)
    return (folder / "three.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


@pytest.fixture(scope="module")
def plain(folder, small):
    """The page of a study that asks for nothing beyond the comparisons."""
    render(folder / "plain.html", **small)
    return (folder / "plain.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full(folder, small):
    """The page of a study with every further section, other verdicts, a pair without scores and rows that leaked."""
    retrain, crossings = learning("<b>TF")
    failed = retrain.iloc[[0]].assign(source="c", value=np.nan, low=np.nan, high=np.nan, note="too few here")
    adaptation, signs = unlabelled("<b>TF")
    gone = (small["metrics"]["source"] == "MAX_selex") & (small["metrics"]["target"] == "MAX_K562")
    changed = {"verdicts": VERDICTS, "metrics": small["metrics"][~gone], "audit": leaky(small["audit"])}
    changed |= {"celltype": pd.DataFrame(CELLTYPE), "causes": pd.DataFrame(waterfall("<b>TF"))}
    changed |= {"retrain": pd.concat([retrain, failed], ignore_index=True), "crossings": crossings}
    render(folder / "full.html", **small | changed, adaptation=adaptation, transferability=signs)
    return (folder / "full.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def poorer(folder, small):
    """The page of a study whose tables are cut, whose leaks were refused, and where no cell could be tested."""
    audit = leaky(small["audit"])
    changed = {"celltype": pd.DataFrame(CELLTYPE[:1]).assign(value=np.nan, note="too few")}
    changed |= {"audit": audit.assign(action=audit["action"].replace("removed", "refused"))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "LONGEST", 5)
        render(folder / "poorer.html", **small | changed)
    return (folder / "poorer.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nothing(folder):
    """The page of a study in which nothing could be compared."""
    render(folder / "nothing.html", **barren())
    return (folder / "nothing.html").read_text(encoding="utf-8")


def section(html, name, following):
    """The page from the anchor of one section to that of another."""
    return html[html.index(f'id="{name}"') : html.index(f'id="{following}"')]


def loads(page):
    """Whatever a browser would fetch, navigate to or run."""
    for tag, attributes, _ in page.elements:
        for key, value in attributes.items():
            if key in ("src", "srcset", "href", "xlink:href", "action", "data", "poster", "background"):
                yield tag, key, value or ""


def assert_closed(page, html):
    for tag, key, value in loads(page):
        assert value.startswith(("#", "data:")), (tag, key, value)
    assert not {"script", "iframe", "object", "embed", "base", "form"} & {tag for tag, _, _ in page.elements}
    assert not any(key.startswith("on") for _, attributes, _ in page.elements for key in attributes)
    style = "".join(re.findall(r"<style>(.*?)</style>", html, re.S))
    assert "@import" not in style and not re.search(r"url\((?!#)", html)
    assert "http://" not in html and "https://" not in html
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = re.findall(r"url\(#([^)]*)\)", html) + [v[1:] for _, _, v in loads(page) if v.startswith("#")]
    assert targets and set(targets) <= set(ids)


def test_loads_nothing_and_every_anchor_leads_somewhere(page, html):
    assert_closed(page, html)


def test_structure_serves_a_keyboard_and_a_screen_reader(page):
    levels = [int(tag[1]) for tag, _, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    first_link = page.all("a")[0]
    assert first_link["class"] == "skip" and first_link["href"] == "#answer"
    assert len(page.all("caption")) == len(page.all("table")) > 10
    assert all(th.get("scope") in ("row", "col", "rowgroup") for th in page.all("th"))
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in page.all("svg"))
    assert all("div" in above for tag, _, above in page.elements if tag == "table")
    assert page.all("html")[0]["lang"] == "en"
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))


def test_tables_sit_in_their_own_scroll_container(html):
    assert len(re.findall(r'<div class="scroll"[^>]*>\s*<table', html)) == html.count("<table")


def test_the_sheet_and_the_config_become_the_provenance_wherever_the_study_lies(folder, monkeypatch):
    reads = folder / "reads.fasta"
    reads.write_text(">a\nACGT\n")
    rows = {"GABPA_selex": {"path": str(reads), "sha256": "", "test_path": "", "input_path": "gone.fa"}}
    config = {"seeds": [3, 5], "genomes": {"hg38": {"fasta": "hg38.fa", "sha256": "abc"}}, "sequence": {"length": 101}}
    found = report_provenance.provenance(rows, config)
    assert found["seeds"] == [3, 5] and found["library versions"]["pandas"] == pd.__version__
    assert yaml.safe_load(found["configuration"]) == config
    assert found["input files"] == [
        {"for": "GABPA_selex", "file": str(reads), "sha256": hashlib.sha256(reads.read_bytes()).hexdigest()},
        {"for": "GABPA_selex", "file": "gone.fa", "sha256": "not given"},
        {"for": "hg38", "file": "hg38.fa", "sha256": "abc"},
    ]
    assert found == report_provenance.provenance(rows, config)
    monkeypatch.chdir(folder)
    there = config | {"genomes": {"hg38": {"fasta": f"{folder}/hg38.fa", "sha256": "abc"}}}
    here = report_provenance.provenance(rows, there)
    assert [row["file"] for row in here["input files"]] == ["reads.fasta", "gone.fa", "hg38.fa"]
    assert here["configuration"] == found["configuration"]


def test_every_file_that_was_read_is_in_the_provenance_as_it_was_found(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TFBIND_CACHE", str(folder / "cache"))
    urls = {name: f"https://example.org/{name}" for name in ("peaks.bed", "hg.fa", "atac.bed", "away.bed")}
    held = {name: f"{name} as found".encode() for name in (*urls, "black.bed", "genes.gtf", "tpm.tsv", "k/A/x/A.x.tsv")}
    del held["away.bed"]
    for name, content in held.items():
        path = folder / (local(urls[name]) if name in urls else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (86400 * 365, 86400 * 365 + 5))
    sha256 = {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}
    md5 = "md5:" + hashlib.md5(held["hg.fa"]).hexdigest()
    rows = {
        "A": {"path": urls["peaks.bed"], "sha256": "", "relaxed_path": urls["away.bed"], "relaxed_sha256": "e" * 64}
    }
    genome = {"fasta": urls["hg.fa"], "sha256": md5, "blacklist": "black.bed", "blacklist_sha256": "f" * 64}
    genome |= {"genes": str(folder / "genes.gtf"), "genes_sha256": sha256["genes.gtf"]}
    models = {"m": {"kind": "deepbind"}, "k": {"kind": "scores", "path": str(folder / "k")}}
    cells = [
        {"cell": "K562", "what": "accessibility", "tf": "", "path": urls["atac.bed"], "sha256": ""},
        {"cell": "K562", "what": "expression", "tf": "", "path": str(folder / "tpm.tsv"), "sha256": ""},
    ]
    found = report_provenance.provenance(rows, {"seeds": [0], "genomes": {"hg": genome}, "models": models}, cells)
    day = "1971-01-01"
    assert found["input files"] == [
        {"for": "A", "file": urls["peaks.bed"], "sha256": sha256["peaks.bed"], "fetched": day},
        {"for": "A", "file": urls["away.bed"], "sha256": "e" * 64},
        {"for": "K562 accessibility", "file": urls["atac.bed"], "sha256": sha256["atac.bed"], "fetched": day},
        {"for": "K562 expression", "file": "tpm.tsv", "sha256": sha256["tpm.tsv"]},
        {"for": "hg", "file": urls["hg.fa"], "sha256": sha256["hg.fa"], "fetched": day},
        {"for": "hg", "file": "black.bed", "sha256": f"{sha256['black.bed']} ({'f' * 64} was given)"},
        {"for": "hg", "file": "genes.gtf", "sha256": sha256["genes.gtf"]},
        {"for": "k", "file": "k/A/x/A.x.tsv", "sha256": sha256["k/A/x/A.x.tsv"]},
    ]
    # The day is that of the download where the cache still has it, not that of the copy in the study.
    cached = folder / "cache" / hashlib.sha256(urls["peaks.bed"].encode()).hexdigest()[:12] / "unverified"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(held["peaks.bed"])
    os.utime(cached, (0, 0))
    assert report_provenance.provenance(rows, {"seeds": [0]})["input files"][0]["fetched"] == "1970-01-01"


VERDICTS = pd.DataFrame(
    [
        ("MAX", "cell", "chipseq", "chipseq", "g", "g", "deepbind", "reuse", "MAX: reuse. One."),
        ("MAX", "assay", "chipseq", "htselex", "g", "g", "deepbind", "retrain", "MAX: retrain. Two."),
        ("MAX", "assay", "htselex", "chipseq", "g", "d", "deepbind", "retrain", "MAX: retrain. Three."),
        ("all TFs", "assay", "htselex", "chipseq", "g", "g", "", "retrain", "2 TFs: retrain. Four."),
    ],
    columns=[
        *("tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives", "model"),
        *("verdict", "sentence"),
    ],
)


def test_verdicts_over_all_tfs_come_first_then_the_largest_shift_onto_chip(full):
    found = re.findall(r"<div>(.*?)<span class=\"route\">(.*?)</span>", full)
    assert found == [
        ("2 TFs: retrain. Four.", "HT-SELEX → ChIP-seq, negatives: g"),
        ("Three.", "HT-SELEX → ChIP-seq, model deepbind, negatives: g in training, d in test"),
        ("One.", "ChIP-seq → ChIP-seq, another cell, model deepbind, negatives: g"),
        ("Two.", "ChIP-seq → HT-SELEX, model deepbind, negatives: g"),
    ]


def test_what_to_do_next_stands_below_its_verdict(folder, small):
    about = VERDICTS.iloc[[1, 3]].drop(columns=["verdict"])
    advice = about.assign(rule="rows", n_more=[5, 6], sentence=["<b>Measure</b> 5 more.", "Measure 6 more."])
    render(folder / "next.html", **small | {"verdicts": VERDICTS, "guidance": advice})
    html = (folder / "next.html").read_text(encoding="utf-8")
    found = re.findall(r'<div>([^<]*)<span class="pays"><b>Next:</b> (.*?)</span>', html)
    assert found == [
        ("2 TFs: retrain. Four.", "Measure 6 more."),
        ("Two.", "&lt;b&gt;Measure&lt;/b&gt; 5 more."),
    ]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        ("fine-tune or retrain", ("tune", "◐", "fine-tune or retrain", "")),
        ("good: MAX: 61% of the way", ("reuse", "●", "good", "MAX: 61% of the way")),
        ("poor data", ("poor", "×", "poor data", "")),
        ("cannot tell: MAX: few", ("unsure", "?", "cannot tell", "MAX: few")),
        (np.nan, ("unsure", "?", "–", "")),
    ],
)
def test_badges(verdict, expected):
    assert tuple(wording.badge(verdict).values()) == expected


def test_the_answer_comes_first_and_in_words(page, html):
    text = " ".join(page.text)
    assert "loses 4.8 points of AUROC (3.1 to 6.4, 95% interval)" in text
    first, last = text.index("The answer for each TF"), text.index("Versions, seeds")
    assert first < text.index("the table of the paper") < text.index("Source × target: AUROC") < last
    for verdict in ANSWERS:
        assert re.search(
            rf'<span class="badge [a-z]+"><span class="sign" aria-hidden="true">.</span> {verdict}</span>',
            html,
        )


def test_numbers_are_written_as_a_paper_writes_them(page):
    text = " ".join(page.text)
    assert "0.930" in text and "0.882" in text and "4.8 (3.1 to 6.4)" in text and "< 0.001" in text


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (wording.auroc(0.9566), "0.957"),
        (wording.auroc(np.nan), "–"),
        (wording.points(-0.0004), "0.0"),
        (wording.points(-0.012), "−1.2"),
        (wording.drop(0.048, 0.031, 0.0642), "4.8 points (3.1 to 6.4)"),
        (wording.drop(0.048, np.nan, np.nan), "4.8 points (no interval)"),
        (wording.drop(np.nan, np.nan, np.nan), "–"),
        (wording.p_value(0.0), "< 0.001"),
        (wording.p_value(0.0312), "0.031"),
        (wording.p_value(0.25), "0.25"),
        (wording.count(12345.0), "12\u202f345"),
        (wording.count(np.nan), "–"),
    ],
)
def test_formats(got, expected):
    assert got == expected


def test_a_cell_without_value_is_hatched_and_gives_its_reason(html, three):
    scores = three["metrics"].query("seed == 'ensemble' and metric == 'auroc'")
    body = html[html.index('id="matrix"') : html.index('id="drops"')]
    assert scores["value"].isna().sum() == 40
    # The extra pair's grid has one source and one target; every other grid is whole.
    assert body.count('class="void"') == 40
    assert body.count("not estimable<sup>") == 40
    assert body.count("</sup> fewer than 20 negatives in the test split (11)</li>") == 10
    assert body.count("positives, 2\u202f114 negatives") == len(scores) - 40


def test_the_matrix_shows_each_score_once_under_its_source_and_target(html):
    cell = re.search(r'<tr><th scope="row">GABPA_<wbr>K562</th><td class="h(\d+)" title="[^"]*"><b>([\d.]+)</b>', html)
    assert figure.colour_of(float(cell[2])) == int(cell[1])
    assert "ELK1&gt;GABPA" in html


def test_a_pair_that_was_never_scored_is_said_to_be_so(full):
    assert full.count("</sup> not scored in this study</li>") == 4


def test_two_designs_of_one_array_are_no_pair(folder, small):
    metrics = small["metrics"].assign(source_assay="pbm", target_assay="pbm")
    metrics = metrics[(metrics["source"] != "MAX_selex") | (metrics["target"] != "MAX_K562")]
    render(folder / "designs.html", **small | {"metrics": metrics})
    text = (folder / "designs.html").read_text(encoding="utf-8")
    assert text.count("</sup> two designs of one array: each is the test set of the other</li>") == 4
    assert "not scored in this study" not in text


def test_the_page_says_how_rows_were_split(folder, small, plain):
    assert "AUROC is computed once over all test sequences" in plain and "a hash that both strands share" in plain
    assert " folds" not in plain
    config = yaml.safe_dump({"seeds": [0], "split": {"folds": 5, "without_coordinates": "cluster"}})
    render(folder / "folds.html", **small | {"provenance": {"configuration": config}})
    text = (folder / "folds.html").read_text(encoding="utf-8")
    assert "All rows are tested, in 5 folds:" in text and "AUROC is computed within each fold" in text
    assert "are those of the first fold alone" in text
    assert "once over all test sequences" not in text and "sequences without by clusters of similar sequences" in text


@pytest.mark.parametrize(("source", "said"), [("htselex", True), ("pbm", False)])
def test_the_published_table_is_named_where_the_assays_are_its_own(folder, small, source, said):
    shifts = small["shifts"].replace({"source_assay": {"htselex": source}})
    render(folder / "ends.html", **small | {"shifts": shifts})
    text = (folder / "ends.html").read_text(encoding="utf-8")
    assert (": the table of the paper, completed" in text) == said
    assert ("with the TFs and the assays of this study" in text) != said


def test_text_on_the_colour_scale_can_be_read():
    def luminance(colour):
        rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    steps = figure.palette()
    assert len(steps) == 51
    for background, ink in steps:
        low, high = sorted([luminance(background), {"#000": 0, "#fff": 1}[ink]])
        assert (high + 0.05) / (low + 0.05) >= 4.5
    light = [luminance(background) for background, _ in steps]
    assert np.all(np.diff(light) > 0)
    assert (figure.colour_of(0.3), figure.colour_of(0.5), figure.colour_of(0.957), figure.colour_of(1.0)) == (
        0,
        0,
        46,
        50,
    )


def test_every_table_can_be_taken_away(page, three):
    links = {a["download"]: a["href"] for a in page.all("a") if "download" in a}

    def frame(name):
        head, _, body = links[name].partition(",")
        data = base64.b64decode(body)
        if name.endswith(".gz"):
            assert head == "data:application/gzip;base64"
            data = gzip.decompress(data)
        return pd.read_csv(io.BytesIO(data), sep="\t", keep_default_na=False, na_values=[""])

    for name in ("summary", "shifts", "transfer", "libraries", "verdicts"):
        expected, got = three[name], frame(f"{name}.tsv")
        assert list(got) == list(expected) and len(got) == len(expected)
    np.testing.assert_allclose(frame("summary.tsv")["drop"], three["summary"]["drop"], rtol=1e-5)
    drawn = frame("curves.tsv.gz")
    assert list(drawn) == list(three["curves"])
    assert {f"{x:.6g}" for x in drawn["x"]} <= {f"{x:.6g}" for x in three["curves"]["x"]}
    assert len(drawn) < len(three["curves"])  # CTCF_K562's model on CTCF_selex is not the first of the farthest
    assert set(frame("metrics.tsv.gz")["seed"]) == {"ensemble"}
    records = frame("records.tsv")
    assert list(records) == ["dataset", "table", "event", "reason", "count"]
    assert len(records) == sum(len(log) for of_dataset in three["logs"].values() for log in of_dataset.values())


def test_every_figure_can_be_taken_away(full, page):
    """A saved figure is a drawing of its own, with every id that it refers to; its numbers are a download."""
    for shown in (Page(full), page):
        links = {a["download"]: a["href"] for a in shown.all("a") if a.get("download", "").endswith(".svg")}
        ids = {attributes.get("id") for _, attributes, _ in shown.elements}
        drawn = {attributes["href"] for _, attributes, _ in shown.elements if "#save-" in attributes.get("href", "")}
        assert len(links) > 8 and {href[1:] for href in drawn} <= ids
        for name, href in links.items():
            head, _, body = href.partition(",")
            drawing = ElementTree.fromstring(unquote(body))
            assert head == "data:image/svg+xml;charset=utf-8" and drawing.tag == "{http://www.w3.org/2000/svg}svg"
            held = {element.get("id") for element in drawing.iter()} - {None}
            asked = {v[1:] for e in drawing.iter() for k, v in e.items() if k.endswith("href")}
            assert asked <= held, name
    drawing = ElementTree.fromstring(unquote(links["answer.svg"].partition(",")[2]))
    texts = ["".join(element.itertext()) for element in drawing.iter()]
    assert {"GABPA", "reuse", "4.8 (3.7 to 6.0)", "HT-SELEX → ChIP-seq, negatives: genomic"} <= set(texts)


def test_the_picture_says_in_words_what_it_draws(html, three):
    """Each verdict is a row with its drop, interval and word; the floor of its pair is in the text of the drawing."""
    rows = re.findall(r'<tr role="row" data-0=.*?</tr>', html)
    assert len(rows) == len(three["verdicts"]) and html.index(rows[0]) < html.index("In sentences")
    for row in rows:
        drop = re.search(r"<td role=\"cell\">(−?[\d.]+) \((.*?)\)</td>", row)
        assert f"drop {drop[1]} points, of composition alone 38.0" in row
        word = re.search(r'aria-hidden="true">.</span> ([a-z -]+)</span></td></tr>', row)[1]
        style = wording.badge(word)["style"]
        assert word in ANSWERS and f'href="#mark-{style}"' in row and f'class="span {style}"' in row
        assert re.search(r'<a href="#tf\d+">', row)
    for _, group in itertools.groupby(rows, key=lambda row: html.rindex("<tbody", 0, html.index(row))):
        drops = [float(re.search(r"cell\">(−?[\d.]+) ", row)[1].replace("−", "-")) for row in group]
        assert drops == sorted(drops, reverse=True)


def test_a_mark_stands_where_its_number_is():
    """Positions along the axis are those of the ticks; what lies beyond the axis ends in an arrow."""
    row = {"tf": "T", "source_assay": "htselex", "target_assay": "chipseq", "shift": "assay", "verdict": "retrain"}
    drops = pd.DataFrame([row | {"drop": 0.1, "low": -2.0, "high": 0.2, "same": 0.9, "floor": 0.6}])
    found = picture.picture(drops, {"T": 0})
    svg = found["groups"][0]["rows"][0]["svg"]
    ticks = dict(re.findall(r'<text x="([\d.]+)%".*?>(−?\d+)</text>', found["axis"]))
    where = {float(text.replace("−", "-")): float(x) for x, text in ticks.items()}
    assert float(re.search(r'mark-retrain" x="([\d.]+)%', svg)[1]) == pytest.approx(where[10], abs=0.1)
    assert float(re.search(r'mark-floor" x="([\d.]+)%', svg)[1]) == pytest.approx(where[30], abs=0.1)
    assert float(re.search(r' x2="([\d.]+)%', svg)[1]) == pytest.approx(where[20], abs=0.1)
    assert 'x1="0.0%"' in svg and "mark-less" in svg and "mark-more" not in svg
    assert picture.picture(drops.assign(drop=np.nan), {"T": 0}) is None


def test_a_large_study_is_folded_and_its_figures_are_of_few_tfs(folder):
    tfs = [f"F{i}" for i in range(30)]
    frames = study(tfs, models={"deepbind": 0.93, "composition": 0.62}, extra=False, points=10)
    frames["verdicts"]["drop"] = np.linspace(0.3, 0, len(frames["verdicts"]))
    render(folder / "thirty.html", **frames)
    html = (folder / "thirty.html").read_text(encoding="utf-8")
    assert_closed(Page(html), html)
    groups = re.findall(r"<tbody role=.*?</tbody>", html, re.S)
    assert len(groups) == 6 and all(g.count("<tr") - 1 - g.count('class="folded"') == picture.FIRST for g in groups)
    assert "24 more TFs" in html and "Show all 180 rows" in html
    assert set(re.findall(r"<summary>(F\d+)</summary>", section(html, "curves", "calibration"))) == {"F0", "F1", "F2"}
    assert html.count("Drawn are the 3 TFs with the largest drops") == 3
    assert (folder / "thirty.html").stat().st_size < 1_500_000


def test_one_tf_has_no_test_over_tfs(folder, plain):
    whole = study(["MAX"], models={"deepbind": 0.93}, extra=False, points=10)
    whole["summary"] = whole["summary"].assign(p_value=1.0)
    whole["shifts"] = whole["shifts"].assign(p_value=1.0, p_minimum=1.0)
    render(folder / "one.html", **whole)
    html = (folder / "one.html").read_text(encoding="utf-8")
    for body in (section(html, "summary", "shifts"), section(html, "shifts", "ladder")):
        assert ">p<" not in body and "1.00" not in re.sub('href="data:[^"]*"', "", body) and "sterisk" not in body


def test_a_table_holds_what_is_compared(html):
    """A column that says the same in each row, or nothing, is in the caption or gone; notes are footnotes."""
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["same", "same"], "c": ["", ""], "note": ["few", ""]})
    columns = [table.Column(n.upper(), lambda r, n=n: wording.word(r[n]), shared=n == "b") for n in "abc"]
    shown = table.shown(frame, columns, caption="Things", name="things", empty="", choose=("A", "B"))
    assert [column.heading for column in shown["columns"]] == ["A"] and shown["caption"] == "Things; b: same"
    assert shown["notes"] == [("a", "few")] and shown["noted"] == ["a", ""]
    assert [menu["name"] for menu in shown["menus"]] == ["A"]
    assert '<td class="n">–</td>' * 4 not in section(html, "ladder", "matrix")  # an own test has no drop and no loss


def test_records_are_summed_by_event(page, three):
    log = three["logs"]["CTCF_K562"]["positives"]
    text = "".join(page.text)
    kept = wording.count(log.loc[log["event"] == "kept", "count"].sum())
    assert f"CTCF_K562positives{wording.count(int(log['count'].iat[0]))}812{kept}" in text
    assert "more than 10 % N" in text


def test_a_poor_library_is_marked(html):
    mark = r'GATA3_selex</th>.*<span class="badge poor">.*poor</span> <span class="quiet">GATA3: not above composition<'
    assert re.search(mark, html)


def test_hostile_names_stay_text(folder):
    evil = "<script>alert('x')</script>&\"$\\frac{"
    frames = study([evil, "A&B"], models={"<b>\"'&": 0.9, "composition": 0.6}, extra=False, points=20)
    frames["provenance"]["config"] = "</pre><script>\n'\"&"
    frames["provenance"]["<img src=x onerror=y>"] = "<i>"
    frames["logs"]["<u>&"] = {
        "positives": pd.DataFrame([("dropped", "<b>N</b>", 3)], columns=["event", "reason", "count"])
    }
    frames["metrics"].loc[frames["metrics"]["source"] != frames["metrics"]["target"], ["value", "note"]] = [
        np.nan,
        '"><hr>',
    ]
    frames["title"] = "</title><script>&"
    render(folder / "evil.html", **frames)
    html = (folder / "evil.html").read_text(encoding="utf-8")
    page = Page(html)
    assert_closed(page, html)
    assert "<script" not in html and "<b>N" not in html and not page.all("img") and not page.all("hr")
    text = "".join(page.text)
    for name in (evil, "A&B", "<b>\"'&", "</title><script>&", "<b>N</b>", '"><hr>', "<img src=x onerror=y>"):
        assert name in text
    assert f"{evil}_selex → " in text  # in the SVG too, where a dollar would begin a formula


def celltype_rows(tf, method, auprc, **others):
    about = {"tf": tf, "train_cells": "a,b", "test_cell": "c", "method": method, "n_bound": 10, "n_unbound": 990}
    yield about | {"metric": "auprc", "value": auprc, "low": auprc - 0.1, "high": auprc + 0.1, "note": "few"}
    yield from (about | {"metric": metric, "value": value} for metric, value in others.items())


CELLTYPE = [
    *celltype_rows("T", "catchitt", 0.6, auroc=0.97),
    *celltype_rows("U", "catchitt", 0.4, auroc=0.95),
    *celltype_rows("T", "motif", 0.2, auroc=0.9, shuffled_auroc=0.96),
    *celltype_rows("T", "chance", 0.01, auroc=0.5),
    *celltype_rows("U", "motif", np.nan),
    {"tf": "all", "test_cell": "all", "method": "catchitt", "metric": "rank_score", "value": 3.0},
    {"tf": "all", "test_cell": "all", "method": "motif", "metric": "rank_score", "value": 2.0},
]


def test_other_cells_have_a_section_where_there_are_any(full, plain, poorer):
    assert "ranks catchitt: its mean area under the precision-recall curve is 0.500, against motif alone 0.200" in full
    assert "chance 0.010." in full and "AUROC of 0.960 against shuffles" in full and "of 0.900 over the genome;" in full
    assert "0.600 (0.500 to 0.700)" in full and full.count(">a, b<") == 5 and 'href="#celltype"' in full
    assert_closed(Page(full), full)
    assert "celltype" not in plain
    assert "No method could be tested." in poorer and "too few" in poorer


def test_same_input_same_bytes(folder, small, plain):
    render(folder / "again.html", **small)
    assert (folder / "again.html").read_text(encoding="utf-8") == plain
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("make", [lambda: study(["MAX"], "MAX_K562", {"deepbind": 0.93}, False, 20), barren])
def test_frames_read_from_disk_give_the_same_page(folder, make):
    """Empty cells come back as NaN, empty tables without types, and the curves of each TF with their own index."""
    whole, read = make(), {}
    for name, frame in whole.items():
        if isinstance(frame, pd.DataFrame):
            tables.write_tsv(frame, folder / f"{name}.tsv")
            read[name] = tables.read_tsv(folder / f"{name}.tsv")
    half = len(read["curves"]) // 2
    read["curves"] = pd.concat([read["curves"][:half], read["curves"][half:].reset_index(drop=True)])
    pages = []
    for name, frames in (("memory", whole), ("disk", whole | read)):
        render(folder / f"{name}.html", **frames)
        pages.append((folder / f"{name}.html").read_text(encoding="utf-8"))
    memory, disk = (re.sub(r'="data:[^"]*"', "", page) for page in pages)
    assert memory == disk


def test_a_study_without_a_single_comparison_still_reads(nothing):
    page = Page(nothing)
    text = "".join(page.text)
    assert "nothing to carry over" in text and "No curve could be drawn" in text and "No library was judged" in text
    assert not page.all("svg") and not page.all("table")


def leaky(audit):
    """An audit that found rows, and two libraries that are one."""
    audit = audit.astype({"note": object})
    audit.loc[1, ["n_train", "n_test", "n_removed", "action"]] = [311, 310, 311, "removed"]
    one = audit.index[audit["kind"] == ONE_LIBRARY][0]
    audit.loc[one, ["n_train", "action", "note"]] = [1568, "reported", "a and <b> look like one library"]
    return audit


def test_the_audit_says_in_a_sentence_whether_anything_leaked(plain, full, poorer, nothing):
    clean, found, refused, none = (section(html, "audit", "records") for html in (plain, full, poorer, nothing))
    assert "Nothing leaked: no training row of any of the 9 pairs" in clean and "<table" not in clean
    assert "In 1 of 9 pairs of source and target training rows are in the test set too; they were left out" in found
    assert (
        "<p>a and &lt;b&gt; look like one library.</p>" in found and ">311<" in found and "reverse complement" in found
    )
    assert "reason enough to refuse the pair" in refused
    assert "No pair of source and target was audited" in none


def test_the_audit_says_of_each_model_from_elsewhere_what_is_declared(small, folder):
    audit = small["audit"].astype({"note": object, "model": object})
    theirs = audit[audit["kind"] == "identical"].assign(model="theirs")
    theirs.loc[theirs.index[0], ["n_train", "n_test", "action"]] = [7, 6, "refused"]
    silent = theirs.assign(model="silent", kind="not_declared", n_train=np.nan, n_test=np.nan, action="not tested")
    changed = small | {"audit": pd.concat([audit, theirs, silent], ignore_index=True)}
    render(folder / "foreign.html", **changed)
    html = section((folder / "foreign.html").read_text(encoding="utf-8"), "audit", "records")
    assert "Nothing leaked: no training row of any of the 9 pairs" in html, "of the models that are trained here"
    assert "theirs: declared training rows are in the test set of 1 of 9 pairs" in html and ">theirs<" in html
    assert "silent: not declared what it was trained on" in html and ">silent<" not in html


def test_twenty_tfs_fit_in_five_megabytes(folder):
    frames = study([f"FACTOR{i}" for i in range(20)])
    render(folder / "twenty.html", **frames)
    html = (folder / "twenty.html").read_text(encoding="utf-8")
    assert (folder / "twenty.html").stat().st_size < 5_000_000
    page = Page(html)
    assert_closed(page, html)
    assert all(f"FACTOR{i}_selex" in html for i in range(20))


def test_a_long_table_says_that_it_was_cut(poorer, small):
    assert f"The first 5 of {len(small['transfer'])} rows; the download has all." in poorer


def test_one_colour_a_model_everywhere(html):
    legends = re.findall(r'style="background:(#[0-9a-f]{6})"></span>(\w+)</li>', html)
    assert len(legends) == 4 * len(SKILL) and len(set(legends)) == len(SKILL) == len({c for c, _ in legends})
    drawn = set(re.findall(r"stroke:(#[0-9a-f]{6})", html))
    assert {colour for colour, _ in legends} - {"#000000"} <= drawn


def test_thinned_curves_keep_their_ends_and_their_area():
    (x, y), _ = roc(0.93, 400)
    kept = thin(x, y, 30)
    assert len(kept) <= 30 and np.all(np.diff(kept) > 0)
    assert (kept[0], kept[-1]) == (0, 399)
    assert np.trapezoid(y[kept], x[kept]) == pytest.approx(np.trapezoid(y, x), abs=0.003)
    assert thin(x, y, 400).tolist() == list(range(400))


def test_curves_show_the_farthest_source(page):
    text = " ".join(page.text)
    assert "base rate 0.50 dashed: trained on CTCF_selex" in text
    assert "base rate 0.50 dashed: trained on CTCF_GM12878" in text  # of the SELEX target, the first ChIP set by name


def learning(tf, spread=0.02):
    """Curves of one pair that cross at 256 examples."""
    about = {"tf": tf, "source": "a", "target": "b", "train_negatives": "x", "test_negatives": "x", "model": "deepbind"}
    about |= {"shift": "assay", "source_assay": "htselex", "target_assay": "chipseq"}
    points_ = [("direct", 0, 0.8)] + [("retrain", n, v) for n, v in ((16, 0.6), (256, 0.8), (4096, 0.9))]
    rows = [
        about | {"adaptation": name, "n_target": n, "value": v, "low": v - spread, "high": v + spread, "note": ""}
        for name, n, v in points_
    ]
    said = f"{tf}: from 260 on."
    return pd.DataFrame(rows), pd.DataFrame([about | {"adaptation": "retrain", "against": "direct", "sentence": said}])


def test_learning_curves_are_shown_where_there_are_some(full, html):
    assert 'id="retrain"' not in html
    page = Page(full)
    assert_closed(page, full)
    assert "<b>TF" not in full and "<b>TF: from 260 on." in page.text
    assert sum("Learning curves" in a.get("aria-label", "") for a in page.all("div")) == 1
    assert " too few here" in page.text and "trained from scratch" in page.text


def waterfall(tf):
    """The parts of one drop, a cause without a switch, and a pair that was not explained."""
    about = {"tf": tf, "source": "a", "target": "b", "train_negatives": "x", "test_negatives": "x"}
    about |= {"model": "deepbind", "sentence": np.nan, "note": np.nan}
    values = [("source", "auroc", 0.8), ("target", "auroc", 0.87), ("all", "drop", 0.07), ("length", "part", 0.08)]
    values += [("negatives", "part", -0.03), ("rest", "part", 0.02), ("length", "alone", 0.04)]
    rows = [about | {"cause": c, "metric": m, "value": v, "low": v - 0.01, "high": v + 0.01} for c, m, v in values]
    rows[2]["sentence"] = f"{tf}: 8.0 come from the length."
    rows.append(about | {"cause": "cycle", "metric": "part", "value": np.nan, "note": "no <earlier> cycle"})
    rows.append(about | {"source": "c", "cause": "all", "metric": "drop", "value": np.nan, "note": "too <little>"})
    return rows


def test_waterfalls_are_shown_where_there_are_causes(full, html):
    assert 'id="causes"' not in html
    page = Page(full)
    assert_closed(page, full)
    assert "<b>TF" not in full and "<earlier>" not in full
    assert {"<b>TF: 8.0 come from the length.", "too <little>"} <= set(page.text)
    assert "No switch here: cycle: no <earlier> cycle." in page.text
    assert sum("Causes: " in a.get("aria-label", "") for a in page.all("div")) == 1
    shown = full[full.index('id="causes0-') if 'id="causes0-' in full else full.index('id="causes"') :]
    for label in ("−8.0", "3.0", "−2.0", "0.870", "0.800", "trained on the target"):
        assert f">{label}<" in shown, label


def unlabelled(tf):
    """What a pair gains without labels, and what was foreseen of it."""
    about = {"tf": tf, "source": "a", "source_assay": "htselex", "target": "b", "target_assay": "chipseq"}
    about |= {"shift": "assay", "comparison": "cross", "train_negatives": "x", "test_negatives": "x"}
    about |= {"model": "deepbind", "needs": "nothing", "metric": "auroc", "value": 0.9, "drop": 0.05, "n_tf": 1}
    rows = [
        about | {"tf": name, "adaptation": adaptation, "role": role, "gain": gain}
        for name in (tf, "all TFs")
        for adaptation, role, gain in (("direct", "direct", np.nan), ("both_strands", "adaptation", 0.0))
    ]
    said = {"tf": "all TFs", "sign": "error_mean", "note": "1 sound TF(s), fewer than 6: nothing can be predicted"}
    found = pd.DataFrame(rows).reindex(columns=ADAPTATION_COLUMNS)
    return found, pd.DataFrame([about | said]).reindex(columns=SIGN_COLUMNS)


def test_what_is_gained_without_labels_is_shown_where_it_was_asked_for(full, html):
    assert 'id="unlabelled"' not in html
    page = Page(full)
    assert_closed(page, full)
    assert "<b>TF" not in full and "both strands" in page.text
    said = " ".join(page.text)
    assert "used as it is, the model loses 5.0 points" in said and "nothing can be predicted" in said
