"""The workflow as a user runs it: a small simulated study through every stage."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from studies import REPO, assert_same, command, results
from studies import run as snakemake


def small_study(folder):
    """The shipped demo with fewer TFs, epochs and seeds: USF1 in two assays, GATA3 in one, collapsed libraries:
    the selected one of ELK1, the initial one of CTCF."""
    (folder / "resources").mkdir(parents=True)
    config = yaml.safe_load((REPO / "config.yaml").read_text())
    config["training"] = {"epochs": 2, "steps": 0, "batch_size": 64}
    config["seeds"] = [0, 1]
    config["statistics"]["resamples"] = 200
    config["transfer"]["retrain"] |= {"shots": [16], "draws": 1, "steps": 20}
    config["transfer"]["causes"] = {"models": ["deepbind"], "targets": ["chipseq"], "steps": 4}
    config["transfer"]["unlabelled"] = {"models": ["deepbind_scan"], "targets": ["chipseq"]}
    config["transfer"]["unlabelled"] |= {"adaptations": ["contrast"], "sequences": 200, "steps": 20}
    config["celltype"] = {"test_cells": ["h1"], "tfs": ["USF1"], "methods": ["motif", "organisers"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    header, *rows = (REPO / "resources" / "datasets.tsv").read_text().splitlines()
    rows = [row for row in rows if row.startswith(("USF1_k562", "USF1_selex", "GATA3_selex"))]
    (folder / "collapsed.fa").write_text("".join(f">{i}\nACGTTGCAACCGGATTACAG\n" for i in range(200)))
    initial = "simulated/selex_0.fastq.gz"
    ctcf = next(row for row in (REPO / "resources" / "datasets.tsv").read_text().splitlines() if "CTCF_selex" in row)
    rows.append(ctcf.replace("CTCF_selex\t", "CTCF_blank\t").replace(initial, "../collapsed.fastq"))
    (folder / "collapsed.fastq").write_text(f"@a\nTGTCGT{'ACGT' * 5}GACTGC\n+\n{'I' * 32}\n" * 200)
    rows.append("ELK1_selex\tELK1\thtselex\t../collapsed.fa" + "\t" * (header.count("\t") - 3))
    (folder / "resources" / "datasets.tsv").write_text("\n".join([header, *rows]) + "\n")
    (folder / "resources" / "cells.tsv").write_text((REPO / "resources" / "cells.tsv").read_text())
    return folder


def planned(run):
    """Rule -> number of jobs of a dry run."""
    lines = run.stdout.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("job ")), None)
    table = [line.split() for line in lines[start + 2 :]] if start is not None else []
    rows = itertools.takewhile(lambda row: len(row) == 2 and row[0] != "total", table)
    return {rule: int(number) for rule, number in rows if rule != "all"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The small study, run with eight cores; the study and the environment are in folders with a space."""
    folder = small_study(tmp_path_factory.mktemp("eight cores"))
    environment = tmp_path_factory.mktemp("an environment") / "venv"
    environment.symlink_to(sys.prefix)
    run = snakemake(folder, "--cores", "8", program=(environment / "bin" / "python", "-m", "snakemake"))
    assert run.returncode == 0, run.stderr[-4000:]
    return folder


def test_every_stage_leaves_its_tables(finished):
    summary = pd.read_csv(finished / "results" / "summary.tsv", sep="\t")
    assert list(summary.columns) == (
        ["model", "train_negatives", "test_negatives", "n_tf", "same", "cross", "drop", "low", "high", "p_value"]
    )
    config = yaml.safe_load((finished / "config.yaml").read_text())
    assert set(summary["model"]) == set(config["models"])
    floor = summary.set_index("model").loc["composition"]
    assert floor["same"] == 0.5, "composition tells true shuffles apart"
    metrics = pd.read_csv(finished / "results" / "metrics.tsv", sep="\t")
    assert set(metrics["metric"]) == {"auroc", "auprc", "recall_at_10fdr", "recall_at_50fdr"}
    assert set(metrics["seed"]) == {"0", "1", "ensemble"}
    assert {"same", "cross"} == set(metrics["comparison"])
    page = (finished / "results" / "report.html").read_text()
    assert "USF1" in page and "<script" not in page


def test_a_library_that_cannot_be_used_stays_with_its_reason(finished):
    metrics = pd.read_csv(finished / "results" / "metrics.tsv", sep="\t")
    for tf, what in {"ELK1": "library collapsed", "CTCF": "input: library collapsed"}.items():
        mine = metrics[metrics["tf"] == tf]
        assert len(mine) and mine["value"].isna().all() and mine["note"].str.startswith(what).all(), tf
    assert "library collapsed" in (finished / "results" / "report.html").read_text()


def test_every_model_says_what_it_has_learnt_or_why_not(finished):
    motifs = pd.read_csv(finished / "results" / "motifs.tsv", sep="\t")
    assert set(motifs["model"]) == {"deepbind", "bilstm_scan", "regression"}
    of_model = motifs.groupby(["source", "model"])
    assert len(of_model) == 5 * 3
    rows, note = of_model.size(), of_model["note"].first()
    assert (rows.loc[["USF1_k562", "USF1_selex", "GATA3_selex"]] >= 10).all()
    for source, why in {"ELK1_selex": "library collapsed", "CTCF_blank": "input: library collapsed"}.items():
        assert (rows.loc[source] == 1).all() and note.loc[source].str.startswith(why).all()
    strongest = motifs[motifs["model"] == "regression"].groupby("source").first()
    assert strongest.loc["USF1_selex", "kinship"] in ("own", "alike")
    assert "What did each assay teach?" in (finished / "results" / "report.html").read_text()


def test_a_finished_study_plans_nothing(finished):
    run = snakemake(finished, "--cores", "1", "--dry-run")
    assert "Nothing to be done" in run.stdout + run.stderr


def test_a_new_row_plans_its_own_jobs_only(finished):
    sheet = finished / "resources" / "datasets.tsv"
    before = sheet.read_text()
    demo = (REPO / "resources" / "datasets.tsv").read_text().splitlines()
    try:
        sheet.write_text(before + next(row for row in demo if row.startswith("CTCF_selex")) + "\n")
        jobs = planned(snakemake(finished, "--cores", "1", "--dry-run"))
    finally:
        sheet.write_text(before)
    assert jobs.get("extract_positives") == 1 and jobs.get("train") == 2 and jobs.get("evaluate") == 1, jobs
    assert not {"simulate", "index_genome"} & set(jobs)


def dry_run(folder, **options):
    run = snakemake(folder, "--cores", "1", "--dry-run", **options)
    assert run.returncode == 0, run.stderr[-2000:]
    return set(planned(run))


@pytest.mark.parametrize(
    ("module", "line", "rules"),
    [
        ("report", "edited = 1", {"report_page"}),
        ("matching", "edited = 1", {"interpret", "motifs", "report_page"}),
        ("variance", "edited = 1", {"summarise", "adaptation", "cards", "report_page"}),
        ("cells", "edited = 1", {"celltype", "celltype_table", "report_page"}),
        ("negatives", "# what is no code", set()),
    ],
)
def test_edited_code_plans_the_stages_that_stand_on_it(finished, tmp_path, module, line, rules):
    shutil.copytree(REPO / "src", tmp_path / "src")
    shutil.copytree(REPO / "workflow" / "schemas", tmp_path / "workflow" / "schemas")
    with (tmp_path / "src" / "tfbind" / f"{module}.py").open("a") as out:
        out.write(f"{line}\n")
    assert dry_run(finished, env=os.environ | {"PYTHONPATH": str(tmp_path / "src")}) == rules


@pytest.mark.parametrize(
    ("keys", "value", "made", "kept"),
    [
        (("report", "title"), "Another", {"report_page"}, None),
        (("statistics", "resamples"), 201, {"evaluate", "summarise"}, {"train", "fit", "predict", "draw_negatives"}),
        (("training", "epochs"), 3, {"train", "predict", "evaluate"}, {"fit", "draw_negatives", "audit_source"}),
    ],
)
def test_a_changed_setting_plans_what_reads_it(finished, keys, value, made, kept):
    path = finished / "config.yaml"
    before = path.read_text()
    config = yaml.safe_load(before)
    config.setdefault(keys[0], {})[keys[1]] = value
    try:
        path.write_text(yaml.safe_dump(config))
        rules = dry_run(finished)
    finally:
        path.write_text(before)
    assert rules == made if kept is None else made <= rules and not kept & rules


def test_touched_files_with_the_same_content_plan_nothing(finished):
    touched = [path for path in (finished / "resources").rglob("*") if path.is_file()] + [finished / "collapsed.fa"]
    for path in touched:
        os.utime(path)
    assert dry_run(finished) == set(), [path.name for path in touched]


def test_snakemake_report_is_written(finished):
    run = snakemake(finished, "--report", finished / "snakemake.html")
    assert run.returncode == 0, run.stderr[-2000:]
    assert "summary.tsv" in (finished / "snakemake.html").read_text()


def test_results_are_the_same_after_a_kill_and_with_one_core(finished, tmp_path):
    """SIGKILL in the middle of training, then the rest with one core: byte for byte the files of eight cores."""
    folder = small_study(tmp_path / "killed")
    options = {"cwd": REPO, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command(folder, "--cores", "2"), **options, start_new_session=True)
    deadline = time.monotonic() + 300
    while not list((folder / "results").glob("models/*/*/*/checkpoints/*")) and time.monotonic() < deadline:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    refused = snakemake(folder, "--cores", "1")  # as beside a run that still goes on
    assert refused.returncode and "no other Snakemake process" in refused.stderr and "--unlock" in refused.stderr
    assert snakemake(folder, "--unlock").returncode == 0
    run = snakemake(folder, "--cores", "1")
    assert run.returncode == 0, run.stderr[-4000:]
    assert_same(folder, finished)


def test_an_invalid_study_runs_no_job_and_says_everything(tmp_path):
    folder = small_study(tmp_path / "invalid")
    text = (folder / "config.yaml").read_text().replace("kind: deepbind", "kind: deepbnd")
    text = text.replace("epochs: 2", "epoch: 2")
    (folder / "config.yaml").write_text(text)
    run = snakemake(folder, "--cores", "1")
    assert run.returncode != 0 and not (folder / "results").exists()
    assert "deepbnd" in run.stderr and "did you mean 'epochs'" in run.stderr


def test_what_depends_on_the_rows_of_other_tfs(tmp_path, fasta):
    """An `other_tf` set is made anew for a new row of the sheet, one beside the peaks is not; both meet every model."""
    labels = {"aliens": {"kind": "other_tf"}, "beside": {"kind": "flank"}}
    study = {"datasets": "sheet.tsv", "negatives": labels, "models": {"floor": {"kind": "composition"}}}
    study |= {"genomes": {"tiny": {"fasta": str(fasta)}}, "transfer": {"test_negatives": "all"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(study))
    (tmp_path / "peaks.bed").write_text("chr1\t7000\t7001\n")
    rows = [f"{name}\t{name[0]}\tchipseq\tpeaks.bed\ttiny" for name in ("A1", "A2", "B", "C")]
    (tmp_path / "sheet.tsv").write_text("\n".join(["dataset\ttf\tassay\tpath\tgenome", *rows]) + "\n")
    target = "results/predictions/A1/aliens/floor.parquet"
    run = snakemake(tmp_path, "--cores", "1", "--dry-run", "--printshellcmds", target)
    needs, made = {}, None
    for line in run.stdout.splitlines():
        what, _, files = line.strip().partition(": ")
        if what == "input":
            made = set(files.split(", "))
        elif what == "output" and made:
            needs[files.split(", ")[0]], made = made, None

    def read(output, folder):
        return {Path(name).stem for name in needs[output] if name.startswith(f"results/{folder}/")}

    assert read("results/negatives/A1/aliens.parquet", "positives") == {"A1", "A2", "B", "C"}
    assert read("results/negatives/A2/beside.parquet", "positives") == {"A2"}
    assert read("results/predictions/A1/aliens/floor.parquet", "negatives") == {"aliens", "beside"}


def test_a_config_elsewhere_names_files_beside_itself(tmp_path):
    """As `make adaptation` does; of each library the last cycle meets the peaks without their labels."""
    config = REPO / "resources" / "adaptation" / "config.yaml"
    run = snakemake(tmp_path, "--cores", "1", "--dry-run", config=config)
    jobs = planned(run)
    assert jobs.get("adapt_unlabelled") == 4 and jobs.get("adaptation") == 1, run.stdout[-2000:] + run.stderr[-2000:]


def test_the_scheduler_looks_for_jobs_when_one_has_ended_and_not_besides(study):
    run = snakemake(study, "--cores", "1", "--verbose", "--until", "audit_source")
    assert run.returncode == 0, run.stderr[-2000:]
    told = run.stdout + run.stderr
    assert 7 <= told.count("Finished jobid:") + 2 >= told.count("Ready jobs:"), "it wakes for nothing"


def test_a_damaged_file_is_refused_by_name_and_costs_no_table(finished, tmp_path):
    """The last test of this study: what lies between is made again only when a table asks for it."""
    shutil.copytree(finished / "results", tmp_path / "results")
    damaged = finished / "results" / "predictions" / "USF1_selex" / "standard" / "composition.parquet"
    damaged.write_bytes(damaged.read_bytes()[:3000])
    run = snakemake(finished, "--cores", "1")
    assert run.returncode and f"{damaged.relative_to(finished)}: damaged" in run.stderr and "delete it" in run.stderr
    damaged.unlink()
    run = snakemake(finished, "--cores", "1")
    assert run.returncode == 0, run.stderr[-2000:]
    gone = set(results(tmp_path)) - set(results(finished))
    assert {name.parts[1] for name in gone} == {"predictions", "evaluation"}
    for name in gone:
        (tmp_path / name).unlink()
    assert_same(finished, tmp_path)
