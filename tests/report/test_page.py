"""The page in a real browser: it is quiet, asks for nothing, filters, and serves a phone, paper and a keyboard."""

import pandas as pd
import pytest

import browser
from report.test_report import learning, render, study

TFS = ["GABPA", "CTCF", "GATA3", "ELK1", "USF1"]


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Five TFs, more than are shown at once, opened in a browser."""
    if browser.PROGRAM is None:
        pytest.skip(f"no browser here to open the page in: none of {', '.join(browser.NAMES)}")
    folder = tmp_path_factory.mktemp("page")
    frames = study(TFS, models={"deepbind": 0.93, "composition": 0.62}, extra=False, points=10)
    retrain, crossings = learning("USF1")
    about = {"tf": "USF1", "shift": "assay", "source_assay": "htselex", "target_assay": "chipseq"}
    negatives = {"train_negatives": "x", "test_negatives": "x"}
    verdict = pd.DataFrame([about | negatives | {"model": "deepbind", "verdict": "reuse", "sentence": "It loses 0.7."}])
    frames["verdicts"] = pd.concat([frames["verdicts"], verdict])
    render(folder / "page.html", **frames, retrain=retrain, crossings=crossings.assign(**about))
    opened = browser.Browser(folder / "profile")
    opened.open((folder / "page.html").as_uri())
    opened.url = (folder / "page.html").as_uri()
    yield opened
    opened.close()


def shown(page, what):
    """The texts of the elements that are on the page and not hidden."""
    found = f"[...document.querySelectorAll({what!r})].filter(e => e.checkVisibility())"
    return page.ask(f"{found}.map(e => e.innerText.trim())")


def choose(page, region, menu, word):
    """Choose a word in a menu with the keyboard alone."""
    selects = f"[...document.querySelectorAll('{region} .filters select')]"
    options = page.ask(f"{selects}[{menu}].focus(), [...document.activeElement.options].map(o => o.text)")
    page.press("Home", *["ArrowDown"] * options.index(word))
    assert page.ask("document.activeElement.selectedOptions[0].text") == word


def test_it_opens_without_a_word_and_asks_for_nothing(page):
    assert page.requests == [page.url] and page.noise == []
    assert page.ask("[...document.links].every(a => a.protocol == 'data:' || document.querySelector(a.hash))")
    assert page.ask("[...document.querySelectorAll('svg')].length") > 10
    assert "When does retraining pay? deepbind, USF1: from 260 on." in page.ask("document.body.textContent")


def test_the_matrix_is_filtered(page):
    assert shown(page, "#matrix h3") == TFS[:1]  # of many TFs one at a time
    choose(page, "#matrix", 0, "GATA3")
    assert shown(page, "#matrix h3") == ["GATA3"]
    assert shown(page, "#matrix caption") == ["deepbind", "composition"] * 2
    choose(page, "#matrix", 1, "composition")
    choose(page, "#matrix", 2, "genomic")
    assert shown(page, "#matrix caption") == ["composition"]
    assert shown(page, "#matrix .set") == ["Negatives: genomic"]
    choose(page, "#matrix", 0, "all")
    assert shown(page, "#matrix h3") == TFS and shown(page, "#matrix caption") == ["composition"] * 5


def test_a_long_table_is_filtered(page):
    page.ask("document.querySelector('#drops details:last-of-type').open = true")
    every = shown(page, "#drops tbody tr")
    for menu, word in enumerate(("CTCF", "cell", "deepbind", "dinucleotide")):
        choose(page, "#drops", menu, word)
    rows = [row.split("\t") for row in shown(page, "#drops tbody tr")]
    assert len(every) == len(TFS) * 6 * 2 * 2 and len(rows) == 2
    assert all(row[0] == "CTCF" and row[2:5] == ["cell", "deepbind", "dinucleotide"] for row in rows)


def test_the_picture_is_filtered_and_unfolded_by_keyboard(page):
    rows = "#answer .picture tr[data-0]"
    assert len(shown(page, rows)) == len(TFS) * 6 + 1
    choose(page, "#answer", 0, "GATA3")
    assert len(shown(page, rows)) == 6 and shown(page, "#answer article h4") == ["GATA3"]
    choose(page, "#answer", 2, "retrain")
    assert all(row.startswith("GATA3") and row.endswith("retrain") for row in shown(page, rows))
    choose(page, "#answer", 0, "all")
    choose(page, "#answer", 2, "all")
    page.ask(f"document.querySelector('{rows} a').focus()")
    page.press("Enter")
    assert page.ask("document.querySelector(location.hash).closest('article').innerText").startswith("GABPA")


def test_no_table_is_wider_than_the_page(page):
    """At 1,300 px and more, with all folds open."""
    try:
        for width in (1300, 2560):
            page.resize(width)
            page.ask("document.querySelectorAll('details').forEach(e => e.open = true)")
            wide = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1)"
            assert page.ask(f"{wide}.map(e => e.ariaLabel)") == []
        page.resize(400)
        assert page.ask("document.documentElement.scrollWidth <= innerWidth")
        assert page.ask("document.querySelector('.picture').offsetWidth <= innerWidth")
    finally:
        page.open(page.url)
        page.resize(1200)


def test_a_phone_and_paper_hold_it(page):
    try:
        page.resize(390, 800)
        assert page.ask("document.documentElement.scrollWidth <= innerWidth")
        page.resize(1000, media="print")
        assert not shown(page, ".filters") and not shown(page, "nav") and len(shown(page, "section")) > 10
    finally:
        page.resize(1200)


def test_a_keyboard_skips_to_the_answer(page):
    page.ask("document.activeElement.blur(), scrollTo(0, 0)")
    page.open(page.url)
    page.press("Tab")
    assert page.ask("document.activeElement.innerText") == "Skip to the answer"
    assert page.ask("document.activeElement.getBoundingClientRect().left") >= 0
    page.press("Enter")
    assert page.ask("location.hash") == "#answer"
