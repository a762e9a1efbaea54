"""The benchmark beside deepRAM: what is kept between runs, and what its page concludes."""

import sys

import pandas as pd
import pytest
from benchmarks import deepram, page


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The program, each trainer's AUROC invented; returns the sets that it ran."""
    monkeypatch.setattr(page, "HERE", tmp_path)
    monkeypatch.setattr(deepram, "TABLE", tmp_path / "deepram.tsv")

    def program(*arguments, searched=0.93):
        ran = []

        def measure(name, job, settings, steps):
            ran.append((name, job))
            aurocs = {deepram.PEER: 0.91, deepram.ONE: 0.905 if name == "MYC_h1" else 0.92, deepram.ALL: 0.92}
            if job != deepram.PEER:
                aurocs = {job: 0.9 if job == deepram.PEER_OWN else searched + 0.001 * len(name)}
            row = {"dataset": name, "seen": 10**6, "budget": f"{settings} x {steps}"}
            return [row | {"trainer": trainer, "auroc": auroc} for trainer, auroc in aurocs.items()]

        monkeypatch.setattr(deepram, "measure", measure)
        monkeypatch.setattr(sys, "argv", ["deepram", *arguments])
        deepram.main()
        return ran

    return program


def test_a_set_is_run_once_under_a_budget_and_the_page_shows_what_is_there(run, tmp_path):
    assert run("ELK1_gm12878") == [("ELK1_gm12878", job) for job in deepram.JOBS]
    assert "tfbind, 3 seeds: 1 of 1" in (tmp_path / "deepram.md").read_text()
    rest = run()
    assert len(rest) == sum(map(len, deepram.JOBS.values())) - len(deepram.JOBS)
    assert "ELK1_gm12878" not in dict(rest)
    assert "tfbind, 3 seeds: 8 of 8" in (tmp_path / "deepram.md").read_text()
    assert run() == []
    run("MYC_h1", "--steps", "2000")
    assert pd.read_csv(deepram.TABLE, sep="\t")["dataset"].unique().tolist() == ["MYC_h1"]


@pytest.mark.parametrize(("searched", "verdict"), [(0.93, "pays"), (0.88, "does not pay")])
def test_the_page_says_where_deepram_is_reached_and_whether_the_search_pays(run, tmp_path, searched, verdict):
    run(searched=searched)
    said = (tmp_path / "deepram.md").read_text()
    assert "tfbind, 1 seed: 7 of 8, having seen at most 0.16% of" in said and "not on MYC_h1 (-0.0050)" in said
    assert f"`training.search` {verdict} for itself" in said
