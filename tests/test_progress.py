"""What a person is told while a study runs and when it ends."""

import subprocess
import sys
import textwrap

import pandas as pd
import pytest

from tfbind import progress, tables
from tfbind.faults import InputError

START = """Building DAG of jobs...
Job stats:
job          count
---------  -------
train            2
predict          4
all              1
total            7

Select jobs to execute...
[Mon Nov 23 05:00:00 2026]
localrule train:
    output: results/a
    log: logs/train/A.log
    jobid: 3
    wildcards: dataset=USF1_selex, negatives=standard, model=deepbind
[Mon Nov 23 05:00:00 2026]
rule train:
    log: logs/train/B.log
    jobid: 4
    wildcards: dataset=B, negatives=standard, model=deepbind
[Mon Nov 23 05:00:40 2026]
Finished jobid: 3 (Rule: train)
1 of 7 steps (14%) done
[Mon Nov 23 05:00:40 2026]
localrule predict:
    log: logs/predict/A.log
    jobid: 5
    wildcards: dataset=USF1_selex, negatives=standard, model=deepbind
[Mon Nov 23 05:00:50 2026]
Finished jobid: 5 (Rule: predict)
2 of 7 steps (29%) done
"""
ERROR = """[Mon Nov 23 05:01:00 2026]
Error in rule train:
    message: None
    jobid: 4
    output: results/b
    log: logs/train/B.log (check log file(s) for error details)
    wildcards: dataset=B, negatives=standard, model=deepbind
"""


def log(folder, text):
    path = folder / ".snakemake" / "log" / "2026-11-23T050000.1.snakemake.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_run_says_how_far_it_is_and_what_it_does(tmp_path):
    log(tmp_path, START)
    lines = progress.describe(tmp_path)
    # 40 s a training, 10 s a prediction, 50 s of work in 50 s: one training, three predictions and `all` at the mean
    assert lines[0] == "2 of 7 jobs done (29%) after 50 s; about 2 min left"
    assert progress.read(progress.latest(tmp_path)).left() == pytest.approx(40 + 3 * 10 + 25)
    assert lines[1:] == [
        "  train: 1 of 2",
        "  predict: 1 of 4",
        "now: train B, standard, deepbind (log: logs/train/B.log)",
    ]


def test_a_failed_job_is_named_with_its_log(tmp_path):
    lines = progress.describe(log(tmp_path, START + ERROR).parents[2])
    assert "left" not in lines[0] and "failed: train B, standard, deepbind (log: logs/train/B.log)" in lines
    assert any("goes on from here" in line for line in lines)


def test_the_newest_run_counts_and_none_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no run was started here"):
        progress.describe(tmp_path)
    log(tmp_path, "Nothing to be done (all requested files are present and up to date).\n")
    assert progress.describe(tmp_path) == ["nothing was to be done"]


@pytest.mark.parametrize(("seconds", "words"), [(4.4, "4 s"), (89, "89 s"), (100, "2 min"), (12_000, "3 h 20 min")])
def test_a_duration_in_words(seconds, words):
    assert progress.duration(seconds) == words


def test_the_end_says_the_answer_and_where_to_look(tmp_path):
    tables.write_tsv(
        pd.DataFrame({"sentence": [f"TF{i}: reuse." for i in range(23)]}), tmp_path / "results/verdicts.tsv"
    )
    rows = [("USF1", "auroc", "ensemble", 0.9), ("NA", "auroc", "ensemble", None), ("NA", "auroc", "0", 0.8)]
    metrics = pd.DataFrame(rows, columns=["tf", "metric", "seed", "value"])
    tables.write_tsv(metrics, tmp_path / "results/metrics.tsv")
    lines = progress.summary(tmp_path)
    assert lines[0] == "TF0: reuse." and lines[20].startswith("... and 3 more in")
    assert lines[21] == "2 source-target-model cells for 2 TFs, 1 of them not estimable (`note` says why)"
    assert lines[22] == f"open {tmp_path}/results/report.html" and "results/models" in lines[23]


def test_as_a_command(tmp_path):
    log(tmp_path, START)
    run = subprocess.run([sys.executable, "-m", "tfbind.cli", "progress", tmp_path], capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.startswith("2 of 7 jobs done")


GROUP = """Job stats:
job          count
---------  -------
fit              1
predict          1
total            2

[Mon Nov 23 05:00:00 2026] Group job score (jobs in lexicogr. order):

    [Mon Nov 23 05:00:00 2026]
    rule predict:
        output: results/a
        log: logs/predict/A.log
        jobid: 3
        wildcards: dataset=A, negatives=standard
    [Mon Nov 23 05:00:00 2026]
    rule fit:
        log: logs/fit/A.log
        jobid: 4
        wildcards: dataset=A, negatives=standard
"""


def test_jobs_that_are_submitted_together_are_told_apart(tmp_path):
    path = log(tmp_path, GROUP)
    assert [line for line in progress.describe(tmp_path) if line.startswith("now")] == [
        "now: predict A, standard (log: logs/predict/A.log)",
        "now: fit A, standard (log: logs/fit/A.log)",
    ]
    error = "[Mon Nov 23 05:00:30 2026]\nError in rule fit:\n    jobid: 4\n    log: logs/fit/A.log (see there)\n"
    path.write_text(GROUP + textwrap.indent(error, "    "))
    assert any(line.startswith("failed: fit") and "logs/fit/A.log" in line for line in progress.describe(tmp_path))
