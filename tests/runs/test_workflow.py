"""The workflow as a user runs it: a small simulated study through every stage."""

import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from studies import (
    REPO,
    assert_same,
    code_of_rules,
    is_done,
    plan,
    planned,
    results,
)
from studies import run as snakemake
from tfbind import code_digest

#: Of a message in `tables`, which all stages stand on.
MESSAGE = "the table lacks the column"


def small_study(folder, simulated=None):
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
    if simulated:
        shutil.copytree(simulated, folder / "resources" / "simulated")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, simulated):
    """The small study, run with eight cores; the study and the environment are in folders with a space."""
    folder = small_study(tmp_path_factory.mktemp("eight cores"), simulated)
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
    assert is_done(plan(finished))


#: Rules whose job is a dataset; those of one job, after all; those that show what a row says to readers.
OF_A_DATASET = ("extract_positives", "draw_negatives", "audit_source", "fit", "train", "predict", "interpret")
TABLES = {"audit", "summarise", "motifs", "cards", "report_page"}
READERS = {"cards", "report_page"}


def with_config(folder, change, *asked, **options):
    """What is planned once `change` has been done to the config, which then is as before."""
    path = folder / "config.yaml"
    before = path.read_text()
    config = yaml.safe_load(before)
    change(config)
    try:
        path.write_text(yaml.safe_dump(config))
        return planned(plan(folder, *asked, **options))
    finally:
        path.write_text(before)


def with_sheet(folder, change):
    """What is planned once `change` has been done to the sheet, which then is as before."""
    path = folder / "resources" / "datasets.tsv"
    before = path.read_text()
    header, *rows = (line.split("\t") for line in before.splitlines())
    table = [dict.fromkeys(header, "") | dict(zip(header, row, strict=False)) for row in rows]
    change(table)
    columns = list(dict.fromkeys(column for row in table for column in row))
    lines = [columns, *([row.get(column, "") for column in columns] for row in table)]
    try:
        path.write_text("".join("\t".join(line) + "\n" for line in lines))
        return planned(plan(folder))
    finally:
        path.write_text(before)


def test_a_new_row_plans_its_own_jobs_only(finished):
    demo = pd.read_csv(REPO / "resources" / "datasets.tsv", sep="\t", dtype=str, keep_default_na=False)
    row = demo[demo["dataset"] == "CTCF_selex"].iloc[0].to_dict()
    jobs = with_sheet(finished, lambda rows: rows.append(row))
    assert jobs["extract_positives"] == 1 and jobs["draw_negatives"] == 1 and jobs["evaluate"] == 1, jobs
    # and the other dataset of the TF, whose rows may be in the new one: what is equal there is kept
    assert jobs["audit_source"] == jobs["train"] == jobs["fit"] == jobs["predict"] == 2, jobs
    assert not {"simulate", "index_genome"} & set(jobs)


def test_a_new_tf_plans_one_job_of_each_kind(finished):
    demo = pd.read_csv(REPO / "resources" / "datasets.tsv", sep="\t", dtype=str, keep_default_na=False)
    row = demo[demo["dataset"] == "CTCF_selex"].iloc[0].to_dict() | {"dataset": "MAX_selex", "tf": "MAX"}
    jobs = with_sheet(finished, lambda rows: rows.append(row))
    assert {rule: jobs.get(rule) for rule in OF_A_DATASET} == dict.fromkeys(OF_A_DATASET, 1)
    # adaptation without labels takes backgrounds from other TFs
    others = {"adapt_unlabelled", "adaptation"}
    assert jobs["evaluate"] == 1 and set(jobs) <= {*OF_A_DATASET, "evaluate", *TABLES, *others}, jobs


def test_a_new_label_plans_one_job_a_dataset(finished):
    """A network, then negatives."""
    jobs = with_config(finished, lambda config: config["models"].update(small={"kind": "deepbind", "filters": 4}))
    assert {jobs.get(rule) for rule in ("train", "predict", "interpret")} == {5}, jobs
    assert not {"extract_positives", "draw_negatives", "audit_source", "fit"} & set(jobs), jobs
    jobs = with_config(finished, lambda config: config["negatives"].update(shuffled={"kind": "dinucleotide"}))
    assert {jobs.get(rule) for rule in OF_A_DATASET[1:]} == {5} and "extract_positives" not in jobs, jobs


@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("note", "seen twice", None),
        ("accession", "ENCSR000AAA", None),
        ("batch", "b2", None),
        ("lab", "another", {*OF_A_DATASET, "adapt", "adapt_unlabelled"}),
        ("replicate", "2", {*OF_A_DATASET, "adapt", "adapt_unlabelled"}),
        ("cell", "gm12878", {*OF_A_DATASET} - {"audit_source"}),
        ("left_flank", "TGTCGA", {"index_genome"}),
        ("input_path", "../collapsed.fastq", {"index_genome"}),
    ],
)
def test_an_edited_cell_of_the_sheet_plans_what_reads_it(finished, column, value, kept):
    """What readers alone look at makes nothing anew that is computed; who made the data does not change the data."""

    def edit(rows):
        next(row for row in rows if row["dataset"] == "USF1_selex")[column] = value

    jobs = with_sheet(finished, edit)
    if kept is None:
        assert set(jobs) <= READERS, jobs
    else:
        assert jobs and not kept & set(jobs), jobs


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("report.page", {"report_page"}),
        ("interpretation.tomtom", {"interpret", "motifs", "report_page"}),
        ("statistics.variance_components", {"summarise", "report_page"}),
        ("celltype.tf_bins", {"celltype", "celltype_network"}),
        ("sequences.negatives", {"draw_negatives", "explain"}),
        ("models.training", {"train"}),
    ],
)
def test_the_code_that_a_rule_stands_on_is_a_parameter_of_it(module, rules):
    of_rules = {rule: code_digest.closure(*named) for rule, named in code_of_rules().items() if named}
    assert {rule for rule, modules in of_rules.items() if module in modules} == rules


def test_edited_code_plans_the_stages_that_stand_on_it(finished, tmp_path):
    """A line of code plans its stage and those after it; a comment and a message in other words, nothing."""
    shutil.copytree(REPO / "src", tmp_path / "src")
    shutil.copytree(REPO / "workflow" / "schemas", tmp_path / "workflow" / "schemas")
    edits = {
        "statistics/variance_components": lambda text: f"{text}\nedited = 1\n",
        "sequences/negatives": lambda text: f"{text}\n# what is no code\n",
        "io/tables": lambda text: text.replace(MESSAGE, MESSAGE.upper()),
    }
    for module, edit in edits.items():
        path = tmp_path / "src" / "tfbind" / f"{module}.py"
        path.write_text(edit(before := path.read_text()))
        assert path.read_text() != before
    run = snakemake(finished, "--cores", "1", "--dry-run", env=os.environ | {"PYTHONPATH": str(tmp_path / "src")})
    assert set(planned(run)) == {"summarise", "adaptation", "cards", "report_page"}


@pytest.mark.parametrize(
    ("keys", "value", "made", "kept"),
    [
        (("report", "title"), "Another", {"report_page"}, None),
        (("statistics", "resamples"), 201, {"evaluate", "summarise"}, {"train", "fit", "predict", "draw_negatives"}),
        (("training", "epochs"), 3, {"train", "predict", "evaluate"}, {"fit", "draw_negatives", "audit_source"}),
    ],
)
def test_a_changed_setting_plans_what_reads_it(finished, keys, value, made, kept):
    rules = set(with_config(finished, lambda config: config.setdefault(keys[0], {}).update({keys[1]: value})))
    assert rules == made if kept is None else made <= rules and not kept & rules


def test_touched_files_with_the_same_content_plan_nothing(finished):
    touched = [path for path in (finished / "resources").rglob("*") if path.is_file()] + [finished / "collapsed.fa"]
    for path in touched:
        os.utime(path)
    assert planned(plan(finished)) == {}, [path.name for path in touched]


def test_a_copy_of_the_folder_plans_nothing(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "copied")
    assert is_done(plan(tmp_path / "copied"))


def test_snakemake_report_is_written(finished):
    run = snakemake(finished, "--report", finished / "snakemake.html")
    assert run.returncode == 0, run.stderr[-2000:]
    assert "summary.tsv" in (finished / "snakemake.html").read_text()


def test_an_invalid_study_runs_no_job_and_says_everything(tmp_path):
    folder = small_study(tmp_path / "invalid")
    text = (folder / "config.yaml").read_text().replace("kind: deepbind", "kind: deepbnd")
    text = text.replace("epochs: 2", "epoch: 2")
    (folder / "config.yaml").write_text(text)
    run = snakemake(folder, "--cores", "1")
    assert run.returncode != 0 and not (folder / "results").exists()
    assert "deepbnd" in run.stderr and "did you mean 'epochs'" in run.stderr


def test_what_depends_on_the_rows_of_other_tfs(tmp_path, fasta):
    """Negatives with an `other_tf` set among them are made anew for a new row of the sheet; all meet every model."""
    study = {"datasets": "sheet.tsv", "models": {"floor": {"kind": "composition"}}}
    study |= {"genomes": {"tiny": {"fasta": str(fasta)}}, "transfer": {"test_negatives": "all"}}
    (tmp_path / "peaks.bed").write_text("chr1\t7000\t7001\n")
    rows = [f"{name}\t{name[0]}\tchipseq\tpeaks.bed\ttiny" for name in ("A1", "A2", "B", "C")]
    (tmp_path / "sheet.tsv").write_text("\n".join(["dataset\ttf\tassay\tpath\tgenome", *rows]) + "\n")

    def needed(**labels):
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(study | {"negatives": labels}))
        run = plan(tmp_path, "--printshellcmds", "results/predictions/A1/beside/floor.parquet")
        needs, made = {}, None
        for line in run.stdout.splitlines():
            what, _, files = line.strip().partition(": ")
            if what == "input":
                made = set(files.split(", "))
            elif what == "output" and made:
                needs |= dict.fromkeys(files.split(", "), made)
                made = None
        return lambda output, folder: {Path(n).stem for n in needs[output] if n.startswith(f"results/{folder}/")}

    read = needed(aliens={"kind": "other_tf"}, beside={"kind": "flank"})
    assert read("results/negatives/A1/aliens.parquet", "positives") == {"A1", "A2", "B", "C"}
    assert read("results/predictions/A1/aliens/floor.parquet", "negatives") == {"aliens", "beside"}
    read = needed(beside={"kind": "flank"})
    assert read("results/negatives/A2/beside.parquet", "positives") == {"A2"}


def test_a_config_elsewhere_names_files_beside_itself(tmp_path):
    """As `make adaptation` does; of each library the last cycle meets the peaks without their labels."""
    config = REPO / "resources" / "adaptation" / "config.yaml"
    jobs = planned(plan(tmp_path, config=config))
    assert jobs.get("adapt_unlabelled") == 4 and jobs.get("adaptation") == 1, jobs


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
