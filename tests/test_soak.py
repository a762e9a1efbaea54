"""The page of the large study: what it reads from the study that ran."""

import os
import sys
from datetime import datetime

import pytest
from benchmarks import growth, page, soak, workflow

_HEADER = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """A folder as two runs of Snakemake leave it, 60 s and 40 s long, and a third that had nothing to do."""
    monkeypatch.setattr(page, "HERE", tmp_path)
    monkeypatch.setattr(growth, "study", lambda *_, **__: None)
    monkeypatch.setattr(workflow, "snakemake", lambda *_, **__: None)
    took = {"train/T0/a.tsv": ("30.0", "900.5"), "train/T1/a.tsv": ("20.0", "800"), "summarise.tsv": ("0.1", "-")}
    for name, (seconds, megabytes) in took.items():
        path = tmp_path / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{_HEADER}{seconds}\t0:00:01\t{megabytes}" + "\tNA" * 7 + "\n")
    for day, seconds, said in ((1, 60, "2 of 2 steps (100%) done"), (2, 40, "1 of 1 steps (100%) done"), (3, 9, "")):
        start = f"2026-01-0{day}T100000.250000"
        log = tmp_path / ".snakemake" / "log" / f"{start}.snakemake.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(said)
        os.utime(log, (datetime.fromisoformat(start).timestamp() + seconds,) * 2)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "report.html").write_bytes(bytes(2_000_000))
    return tmp_path


def test_the_page_sums_up_jobs_and_runs(ended, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["soak", "--folder", str(ended)])
    soak.main()
    told = (ended / "soak.md").read_text()
    assert "3 jobs in 1.67 min on 2 cores" in told and "jobs fill 25%" in told
    assert "held: 900 MB, cap 2000 MB. The report: 2 MB." in told
    assert "| train | 2 | 50 | 900.5 |" in told and "| summarise | 1 | 0.1 |  |" in told
    assert str(ended) not in told


def test_more_memory_than_the_cap_ends_with_an_error(ended, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["soak", "--folder", str(ended), "--cap", "850"])
    monkeypatch.setattr(soak, "start", lambda rule: 0.5)  # what starts take is told above
    with pytest.raises(SystemExit, match="held 900 MB, more than 850 MB"):
        soak.main()
