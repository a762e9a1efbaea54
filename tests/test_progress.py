"""What a person is told while a study runs and when it ends."""

import io
import json
import logging
import os
import platform
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.settings import LogHandlerSettingsBase
from snakemake_interface_logger_plugins.tests import MockOutputSettings, TestLogHandlerBase
from typer.testing import CliRunner

from snakemake_logger_plugin_tfbind import LogHandler
from tfbind import cli, job, progress
from tfbind.errors import InputError
from tfbind.io import tables

REPO = Path(__file__).parents[1]
SNAKEMAKE = Path(sys.executable).parent / "snakemake"
START = 1_700_000_000.0
PLAN = {"train": 1, "train_B": 1, "predict": 4, "all": 1}


def event(kind, after, **what):
    return {"event": kind, "time": START + after, **what}


def started(number, rule, after, dataset="B"):
    wildcards = {"dataset": dataset, "negatives": "standard"}
    return event("started", after, job=number, rule=rule, wildcards=wildcards, log=f"logs/{rule}/{dataset}.log")


def begun(jobs=PLAN, host="elsewhere", pid=1):
    return event("plan", 0, jobs=jobs, host=host, pid=pid)


EVENTS = [
    begun(),
    started(3, "train", 1, "USF1_selex"),
    started(4, "train_B", 1),
    event("finished", 41, job=3),
    started(5, "predict", 41, "USF1_selex"),
    event("finished", 51, job=5),
]
FAILED = event("failed", 60, job=4, message="resources/x.bed:3: start 9\nresources/y.bed:1: empty")


def write(folder, events, name="2026-11-23T050000.1Z"):
    path = folder / progress.EVENTS / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in events))
    return path


# What a run left, read


def test_a_run_says_how_far_it_is_and_what_it_does(tmp_path, monkeypatch):
    path = write(tmp_path, EVENTS)
    monkeypatch.setattr(progress.time, "time", lambda: START + 61)
    lines = progress.describe(tmp_path)
    # 40 s a training, 10 s a prediction, 50 s of work in 50 s: one training, three predictions and `all` at the mean
    assert progress.read(path).left() == pytest.approx(40 + 3 * 10 + 25)
    assert progress.read(path).left("train") == 40 and progress.read(path).left("all") is None
    assert lines == [
        "2 of 7 jobs done (29%) after 60 s; about 85 s left",
        "  train: 1 of 2",
        "  predict: 1 of 4",
        "now: train B, standard (log: logs/train_B/B.log)",
    ]


def test_a_line_that_is_being_written_is_left_for_later(tmp_path):
    path = write(tmp_path, EVENTS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    assert progress.read(path).done.total() == 1
    path.write_bytes(whole)
    assert progress.read(path).done.total() == 2


def test_a_failed_job_is_named_with_its_log_and_its_own_message(tmp_path):
    write(tmp_path, [*EVENTS, FAILED, event("ended", 61, ok=False)])
    lines = progress.describe(tmp_path)
    assert "left" not in lines[0]
    assert lines[3:] == [
        "failed: train B, standard (log: logs/train_B/B.log)",
        "  resources/x.bed:3: start 9",
        "  resources/y.bed:1: empty",
        "`tfbind validate CONFIG` reads every file, `tfbind doctor` looks at this machine.",
        "What is done is kept: the same command goes on from here.",
    ]


def test_a_job_that_is_tried_again_has_not_failed(tmp_path):
    run = progress.read(write(tmp_path, [*EVENTS, FAILED, started(4, "train_B", 62)]))
    assert not run.failed and run.running[4].start == START + 62


def test_a_run_that_was_killed_is_told_from_one_that_runs_or_was_stopped(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for pid, there, words in (
        (ended.pid, True, "it was killed, and runs no more"),
        (ended.pid, False, "now: train B"),  # nobody can tell from here
        (os.getpid(), True, "now: train B"),
    ):
        write(tmp_path, [begun(host=platform.node() if there else "elsewhere", pid=pid), *EVENTS[1:]])
        told = "\n".join(progress.describe(tmp_path))
        assert words in told and ("killed" in told) == words.startswith("it was killed")
        assert ("goes on from here" in told) == ("killed" in told)
    write(tmp_path, [*EVENTS, event("ended", 60, ok=False)])
    assert progress.describe(tmp_path)[-2:] == ["it was stopped", progress.HINTS[-1]]


def test_the_newest_run_counts_and_none_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no run was started here"):
        progress.describe(tmp_path)
    log = tmp_path / ".snakemake" / "log" / "2026-11-23T050000.1.snakemake.log"
    log.parent.mkdir(parents=True)
    log.write_text("Nothing to be done (all requested files are present and up to date).\n")
    with pytest.raises(InputError, match=f"left no events.*{log.name}"):
        progress.describe(tmp_path)
    write(tmp_path, EVENTS)
    write(tmp_path, [begun({}), event("ended", 1, ok=True)], "2026-11-24T050000.1Z")
    assert progress.describe(tmp_path) == ["nothing was to be done"]


@pytest.mark.parametrize("locale", ["C", "de_DE.UTF-8"])
def test_any_locale_reads_them(tmp_path, locale):
    write(tmp_path, [*EVENTS, FAILED])
    environment = {**os.environ, "LC_ALL": locale, "LANGUAGE": "de"}
    code = "import pathlib; from tfbind import progress; print(*progress.describe(pathlib.Path()), sep='\\n')"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert run.returncode == 0 and run.stdout.startswith("2 of 7 jobs done") and "\n  resources/x.bed:3" in run.stdout


def test_as_a_command(tmp_path):
    write(tmp_path, EVENTS)
    run = CliRunner().invoke(cli.app, ["progress", str(tmp_path)])
    assert run.exit_code == 0 and run.output.splitlines() == progress.describe(tmp_path)


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
    assert not any("report.html" in line or "summary.tsv" in line for line in progress.summary(tmp_path))
    for name in ("report.html", "summary.tsv"):
        (tmp_path / "results" / name).touch()
    lines = progress.summary(tmp_path)
    assert lines[0] == "TF0: reuse." and lines[20].startswith("... and 3 more in")
    assert lines[21] == "2 source-target-model cells for 2 TFs, 1 of them not estimable (`note` says why)"
    assert lines[22] == f"open {tmp_path}/results/report.html" and "results/models" in lines[23]


# Stages and their lines


def test_the_rules_of_the_workflow_are_the_stages():
    text = "".join(path.read_text() for path in (REPO / "workflow" / "rules").glob("*.smk"))
    rules = set(re.findall(r"^\s*(?:rule|checkpoint) (\w+):", text, re.MULTILINE))
    rules |= set(re.findall(r'in plan\.variants\("(\w+)"', re.sub(r"\(\s+", "(", text)))
    assert rules == set(progress.STAGES)
    assert [progress.stage(rule) for rule in rules] == list(rules)
    assert progress.stage("train_2") == "train" and progress.stage("adapt_unlabelled_2") == "adapt_unlabelled"
    assert progress.stage("trainer") == "trainer" and progress.stage("all") == "all"


def of(events):
    run = progress.Run()
    for each in events:
        run.take(each)
    return run


def test_one_line_a_stage_with_its_bar_counts_and_time():
    lines = progress.table(of([*EVENTS, FAILED]), START + 60, 90, 24)
    assert [line for line, _ in lines] == [
        f"train    [{'#' * 15}{'.' * 15}]  1/2  1 failed",
        f"predict  [{'#' * 7}{'.' * 23}]  1/4  about 35 s left",  # 30 s of work, where 50 s took 59
        "2 of 7 jobs done (29%) after 59 s",
    ]
    assert [state for _, state in lines] == ["failed", "begun", "total"]
    ended = [*EVENTS[:4], event("finished", 70, job=4)]
    assert progress.table(of(ended), START + 70, 60, 24)[0] == (f"train    [{'#' * 10}]  2/2  took 69 s", "done")


@pytest.mark.parametrize(("width", "height"), [(200, 60), (80, 24), (40, 10), (20, 5), (5, 3)])
def test_lines_keep_within_the_terminal_and_show_first_what_failed_and_runs(width, height):
    plan = {f"stage{i:02}": 10_000 for i in range(40)}
    ends = [x for i in range(10) for x in (started(i, f"stage{i:02}", i), event("finished", i + 1, job=i))]
    broken = [started(90, "stage20", 11), event("failed", 12, job=90, message="x")]
    lines = progress.table(of([begun(plan), *ends, *broken, started(91, "stage30", 12)]), START + 13, width, height)
    assert max(len(line) for line, _ in lines) < width and len(lines) < height
    shown = [line for line, _ in lines]
    assert (
        shown[-1] == "10 of 400000 jobs done (0%) after 13 s; about 144 h 26 min left"[: width - 1]
        or "left" not in shown[-1]
    )
    if height >= 5:
        assert any(line.startswith("stage20") for line in shown)
    if height >= 10:
        assert any(line.startswith("stage30") for line in shown)


# The records of Snakemake's log, made up


def record(kind=None, text="", level=logging.INFO, **what):
    made = logging.LogRecord("snakemake.logging", level, "x.py", 1, text, (), None)
    made.__dict__.update(what, **({"event": kind} if kind else {}))
    return made


def begins(number, rule, log="", **wildcards):
    return record("job_info", jobid=number, rule_name=rule, wildcards=wildcards, log=[log] if log else [])


def ends(number):
    return record("job_finished", job_id=number)


def fails(number, text=None):
    return record("job_error", level=logging.ERROR, jobid=number, rule_msg=text)


def planned(**jobs):
    return record("run_info", stats={**jobs, "total": sum(jobs.values())})


class Terminal(io.StringIO):
    def isatty(self):
        return True


def screen(text):
    """What a terminal shows of a text: the few signs that are used, no more."""
    rows, row, column, i = [""], 0, 0, 0
    while i < len(text):
        if found := re.compile(r"\x1b\[(\d*)([AJm])").match(text, i):
            i = found.end()
            if found[2] == "A":
                row -= int(found[1])
            elif found[2] == "J":
                rows = [*rows[:row], rows[row][:column]]
            continue
        if text[i] == "\r":
            column = 0
        elif text[i] == "\n":
            row, column = row + 1, 0
            rows += [""] * (row == len(rows))
        else:
            assert text[i].isprintable(), text[i - 5 : i + 5]
            line = rows[row].ljust(column)
            rows[row], column = line[:column] + text[i] + line[column + 1 :], column + 1
        i += 1
    return [line.rstrip() for line in rows]


@pytest.fixture
def watch(tmp_path, monkeypatch):
    """A watch that draws when something happens, not by a clock of its own."""
    monkeypatch.chdir(tmp_path)
    made = []

    def make(stream, **options):
        made.append(progress.Watch(stream, tick=1e6, **options))
        made[-1].take(record("workflow_started"))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_terminal_shows_each_line_once_and_keeps_what_jobs_print(watch, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(progress, "_size", lambda _: (80, 24))
    seen = watch(stream, colour=False)
    seen.pause = 0
    for each in (planned(train=2, predict=1, all=1), record(text="SLURM run ID: x"), begins(1, "train", dataset="A")):
        seen.take(each)
    stream.write("bedtools: a warning\n")
    for each in (ends(1), begins(2, "train_B"), record(level=logging.WARNING, text="a file is old"), ends(2)):
        seen.take(each)
    middle = screen(stream.getvalue())
    assert sum(line.startswith("train ") for line in middle) == 1
    assert sum(line.startswith("bedtools: a warning") for line in middle) == 1 and "a file is old" in middle
    assert middle[-1].startswith("2 of 4 jobs done (50%)") and "SLURM run ID: x" not in middle
    for each in (begins(3, "predict"), ends(3), begins(4, "all"), ends(4), record(text="\nreuse", said=True)):
        seen.take(each)
    seen.close()
    shown = screen(stream.getvalue())
    assert shown[-2:] == ["reuse", ""] and shown[-4].startswith("4 of 4 jobs done (100%)")
    assert sum("jobs done" in line for line in shown) == sum(line.startswith("predict") for line in shown) == 1


@pytest.mark.parametrize("colour", [True, False])
def test_colours_are_for_those_who_want_them(watch, colour):
    stream = Terminal()
    seen = watch(stream, colour=colour)
    for each in (planned(train=1, predict=1), begins(1, "train"), ends(1), begins(2, "predict"), fails(2)):
        seen.take(each)
    seen.close()
    assert ("\x1b[32mtrain" in stream.getvalue()) == ("\x1b[31mpredict" in stream.getvalue()) == colour


def test_a_pipe_gets_plain_lines(watch):
    stream = io.StringIO()
    seen = watch(stream)
    seen.take(planned(train=2, all=1))
    for number in (1, 2):
        for each in (begins(number, "train", dataset="A"), record(text="Select jobs to execute..."), ends(number)):
            seen.take(each)
    for each in (begins(3, "all"), ends(3), record(text="reuse", said=True)):
        seen.take(each)
    seen.close()
    text = stream.getvalue()
    assert "\x1b" not in text and "\r" not in text
    assert text.splitlines() == [
        "job    count",
        "-----  -----",
        "train      2",
        "all        1",
        "total      3",
        "",
        "train: 2 of 2 in 0 s (2 of 3 jobs done (67%) after 0 s)",
        "3 of 3 jobs done (100%) after 0 s",
        "reuse",
    ]


def test_a_pipe_hears_of_a_long_stage_now_and_then(watch):
    stream = io.StringIO()
    seen = watch(stream)
    seen.tick, seen.often = 0.005, 0.02
    for each in (planned(train=3), begins(1, "train"), ends(1), begins(2, "train")):
        seen.take(each)
    while "running: train 1" not in stream.getvalue():  # ends when it is there
        time.sleep(0.005)
    assert "1 of 3 jobs done (33%)" in stream.getvalue()


def test_quiet_leaves_the_stages_out_and_not_the_events(watch, tmp_path):
    for quiet, heard in (("progress", True), ("all", False)):
        stream = io.StringIO()
        seen = watch(stream, quiet=quiet)
        for each in (planned(train=2), begins(1, "train"), ends(1), begins(2, "train"), fails(2, "no memory")):
            seen.take(each)
        seen.take(record(text="hints", said=True))
        seen.close()
        said = ["", "failed: train", "  it left no message in its log: no memory", "hints"]
        assert stream.getvalue().splitlines() == said * heard
        assert progress.describe(tmp_path)[0].startswith("1 of 2 jobs done (50%)")
        assert "failed: train" in progress.describe(tmp_path)


def test_a_dry_run_prints_the_plan_and_leaves_no_events(watch, tmp_path):
    stream = io.StringIO()
    seen = watch(stream, dry=True)
    for each in (record(text="Building DAG of jobs..."), planned(fetch=2, train=4, train_B=1, all=1)):
        seen.take(each)
    for each in (begins(1, "train"), planned(fetch=2, train=4, train_B=1, all=1), record(text="This was a dry-run")):
        seen.take(each)
    seen.close()
    table = ["job    count", "-----  -----", "fetch      2", "train      5", "all        1", "total      8"]
    assert stream.getvalue().splitlines()[:7] == ["Building DAG of jobs...", *table]
    assert len(stream.getvalue().splitlines()) == 9 and not (tmp_path / progress.EVENTS).exists()


def test_of_jobs_submitted_together_those_failed_that_say_so(watch, tmp_path):
    seen = watch(io.StringIO())
    seen.take(planned(fit=1, predict=1))
    for number, rule, log in ((1, "fit", "a.log"), (2, "predict", "b.log")):
        seen.take(begins(number, rule, log))
    (tmp_path / "a.log").write_text("INFO:root:x\nError: b.bed:1: empty\n")
    seen.take(record("group_error", job_error_info=[{"jobid": 1}, {"jobid": 2}], aux_logs=[], groupid="x"))
    seen.take(fails(1))
    seen.take(fails(2))
    assert {number: each.message for number, each in seen.run.failed.items()} == {1: "b.bed:1: empty"}
    assert not seen.run.running


@pytest.mark.parametrize(
    ("bare", "words"),
    [
        ("returned non-zero exit status 3.", "it left no message in its log: returned non-zero exit status 3."),
        ("died with <Signals.SIGINT: 2>.", "stopped with Ctrl-C"),
        ("died with <Signals.SIGKILL: 9>.", "Most often the machine had too little memory"),
    ],
)
def test_a_job_without_a_message_is_told_by_how_it_ended(watch, bare, words):
    stream = io.StringIO()
    seen = watch(stream)
    text = f"RuleException:\nCalledProcessError in file \"a.smk\", line 3:\nCommand 'python a.py' {bare}"
    for each in (planned(fit=1), begins(1, "fit", "none.log")):
        seen.take(each)
    seen.take(record("error", text, logging.ERROR, exception="RuleException"))
    seen.take(fails(1))
    seen.take(record("error", "WorkflowError:\nMissing output", logging.ERROR, exception="WorkflowError"))
    seen.close()
    assert words in seen.run.failed[1].message and "a.py" not in stream.getvalue()
    assert stream.getvalue().count(words) == 1 and "Missing output" in stream.getvalue()


def test_the_log_of_an_earlier_try_is_not_taken_for_this_one(watch, tmp_path):
    """Killed on another machine before it could begin its log."""
    (tmp_path / "a.log").write_text("Error: of yesterday\n")
    os.utime(tmp_path / "a.log", (time.time() - 3600,) * 2)
    seen = watch(io.StringIO())
    for each in (planned(fit=1), begins(1, "fit", "a.log"), fails(1, "cancelled")):
        seen.take(each)
    assert seen.run.failed[1].message == "it left no message in its log: cancelled"
    seen.take(begins(1, "fit", "a.log"))
    (tmp_path / "a.log").write_text("Error: of today\n")
    os.utime(tmp_path / "a.log", (0, 0))  # a file server's clock may be anywhere
    seen.take(fails(1))
    assert seen.run.failed[1].message == "of today"
    (tmp_path / "a.log").write_text("Error: of a moment ago\n")
    seen.take(begins(1, "fit", "a.log"))  # told late: it has ended by now
    seen.take(fails(1))
    assert seen.run.failed[1].message == "of a moment ago"


def test_many_failures_are_cut_at_the_end_and_whole_on_request(watch, tmp_path):
    stream = io.StringIO()
    seen = watch(stream, quiet="progress")
    seen.take(planned(fit=30))
    for number in range(30):
        seen.take(begins(number, "fit", dataset=f"D{number}"))
        seen.take(fails(number))
    seen.close()
    assert stream.getvalue().count("failed: fit D") == 20 and "... and 10 more" in stream.getvalue()
    assert sum(line.startswith("failed: fit D") for line in progress.describe(tmp_path)) == 30


def test_a_disk_that_takes_no_events_is_said_once_and_stops_nothing(watch, tmp_path):
    (tmp_path / ".tfbind").write_text("no folder")
    stream = io.StringIO()
    seen = watch(stream)
    for each in (planned(fit=1), begins(1, "fit"), ends(1)):
        seen.take(each)
    seen.close()
    assert stream.getvalue().count("not written: ") == 1 and "1 of 1 jobs done" in stream.getvalue()


def test_a_sink_that_fills_up_leaves_whole_lines(watch, tmp_path):
    stream = io.StringIO()
    seen = watch(stream)
    seen.take(planned(fit=2))
    name = Path(seen.sink.name)
    seen.sink.close()

    class Full(io.StringIO):
        def flush(self):
            raise OSError(28, "No space left on device")

    seen.sink = Full()
    seen.sink.name = str(name)
    for each in (begins(1, "fit"), ends(1)):
        seen.take(each)
    assert stream.getvalue().count("No space left on device") == 1
    assert progress.read(name).planned == {"fit": 2} and seen.run.done["fit"] == 1


def test_ten_thousand_jobs_draw_no_more_often_than_an_eye_sees(watch, monkeypatch):
    """A clock that goes on by a millisecond with each look: what is drawn is bound by time, not by jobs."""
    now = [START]

    def clock():
        now[0] += 0.001
        return now[0]

    monkeypatch.setattr(progress.time, "time", clock)
    stream = Terminal()
    seen = watch(stream)
    seen.take(planned(train=10_000, all=1))
    for number in range(10_000):
        seen.take(begins(number, "train"))
        seen.take(ends(number))
    drawn = stream.getvalue().count("\x1b[J")
    assert 10 < drawn <= (now[0] - START) / seen.pause + 2
    assert seen.run.done["train"] == 10_000 and not seen.run.running


class TestPlugin(TestLogHandlerBase):
    """Snakemake's own tests of a logger: any event, in any order."""

    __test__ = True

    @pytest.fixture(autouse=True)
    def strict(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        def refuse(self, record):
            raise  # called amid the handler's `except`

        monkeypatch.setattr(LogHandler, "handleError", refuse)
        yield
        os.environ.pop(job.WATCHED, None)

    def get_log_handler_cls(self):
        return LogHandler

    def get_log_handler_settings(self):
        return LogHandlerSettingsBase()


# How a job ends


def script(log, body, **environment):
    code = f"from tfbind import job\nfrom tfbind.errors import InputError\njob.begin({str(log)!r})\n{body}"
    environment = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)


def test_a_refusal_ends_in_its_message_in_log_and_terminal(tmp_path):
    log = tmp_path / "a.log"
    says = 'import os\nprint("printed")\nos.system("echo of a program >&2")\n'
    run = script(log, says + 'raise InputError(["a.bed:1: x", "a.bed:2: y"])')
    assert run.returncode == 1 and run.stdout == "" and run.stderr == "Error: a.bed:1: x\na.bed:2: y\n"
    assert log.read_text().splitlines()[-2:] == ["Error: a.bed:1: x", "a.bed:2: y"]
    assert {"printed", "of a program"} <= set(log.read_text().splitlines()) and "Traceback" not in log.read_text()
    assert job.message(log) == "a.bed:1: x\na.bed:2: y"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{}['x']", "KeyError: 'x'"),
        ("open('/no/such')", "/no/such: No such file or directory"),
        ("raise ValueError", "ValueError"),
    ],
)
def test_what_nobody_foresaw_leaves_its_traceback_in_the_log_alone(tmp_path, body, said):
    run = script(tmp_path / "a.log", body)
    assert run.returncode == 1 and run.stderr == f"Error: {said}\n"
    assert "Traceback" in (tmp_path / "a.log").read_text() and job.message(tmp_path / "a.log") == said


def test_a_job_that_somebody_stops_says_so_without_a_traceback(tmp_path):
    run = script(
        tmp_path / "a.log", "import signal as s\ns.signal(s.SIGINT, s.default_int_handler)\ns.raise_signal(s.SIGINT)"
    )
    assert run.stderr == "Error: stopped with Ctrl-C\n" and "Traceback" not in (tmp_path / "a.log").read_text()


def test_a_job_keeps_silent_where_its_message_is_told_and_speaks_where_its_log_takes_none(tmp_path):
    """The marked standard error is that of a Snakemake which tells the message itself; on a full disk it cannot."""
    read, marked = os.pipe()
    environment = {**os.environ, job.WATCHED: job.identity(marked)}
    for log in (tmp_path / "a.log", "/dev/full"):
        code = f"from tfbind import errors, job\njob.begin({str(log)!r})\nraise errors.InputError('a.bed:1: x')"
        assert subprocess.run([sys.executable, "-c", code], stderr=marked, env=environment).returncode == 1
    os.close(marked)
    with open(read) as told:
        assert told.read() == "Error: a.bed:1: x\n"
    assert job.message(tmp_path / "a.log") == "a.bed:1: x"


def test_a_job_that_ends_well_says_nothing_here(tmp_path):
    run = script(tmp_path / "a.log", "import logging\nlogging.info('fold 1')")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    assert "fold 1" in (tmp_path / "a.log").read_text() and job.message(tmp_path / "a.log") == ""
    assert job.message(tmp_path / "none.log") == ""


# Snakemake itself

SNAKEFILE = """
from tfbind import progress
rule all:
    input: expand("late/{x}", x=["A", "B"])
rule train:
    output: "out/A"
    log: "logs/train/A.log"
    script: "job.py"
rule train_B:
    output: "out/B"
    log: "logs/train/B.log"
    script: "job.py"
rule predict:
    input: "out/{x}"
    output: "late/{x}"
    log: "logs/predict/{x}.log"
    script: "job.py"
onsuccess:
    progress.say(["the answer"])
onerror:
    progress.say(progress.HINTS)
"""
SCRIPT = """
from pathlib import Path
from tfbind import errors, job
job.begin(snakemake.log[0])
if snakemake.output[0] == "late/B" and not Path("mended").exists():
    raise errors.InputError("resources/x.bed:3: start 9 is behind end 4; swap them")
Path(snakemake.output[0]).write_text("x")
"""


def snakemake(folder, *arguments, **options):
    for name, text in (("Snakefile", SNAKEFILE), ("job.py", SCRIPT)):
        if not (folder / name).exists():
            (folder / name).write_text(text)
    command = [SNAKEMAKE, "--cores", "2", "--logger", "tfbind", *arguments]
    return subprocess.run(command, cwd=folder, **({"capture_output": True, "text": True} | options))


def test_a_run_of_snakemake_tells_its_stages_and_what_failed(tmp_path):
    dry = snakemake(tmp_path, "--dry-run")
    assert re.findall(r"^(\w+) +(\d+)$", dry.stdout, re.MULTILINE) == (
        [("train", "2"), ("predict", "2"), ("all", "1"), ("total", "5")]
    )
    assert not (tmp_path / ".tfbind").exists()
    run = snakemake(tmp_path, "--keep-going")
    message = "resources/x.bed:3: start 9 is behind end 4; swap them"
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.count(message) == 1 and f"failed: predict B (log: logs/predict/B.log)\n  {message}" in run.stderr
    assert "Traceback" not in run.stderr and run.stderr.index(message) < run.stderr.index(progress.HINTS[-1])
    assert "train: 2 of 2 in" in run.stderr and "CalledProcessError" not in run.stderr
    assert len(run.stderr.splitlines()) < 24
    log = next((tmp_path / ".snakemake" / "log").iterdir()).read_text()
    assert "Error in rule predict" in log and log.count("Finished jobid") == 3 and progress.HINTS[-1] in log
    described = progress.describe(tmp_path)
    assert described[0].startswith("3 of 5 jobs done (60%)") and f"  {message}" in described
    (tmp_path / "mended").touch()
    quiet = snakemake(tmp_path, "--quiet")
    assert quiet.returncode == 0 and quiet.stderr.strip() == "the answer"
    assert progress.describe(tmp_path)[0].startswith("2 of 2 jobs done (100%)")
    again = snakemake(tmp_path)
    assert "Nothing to be done" in again.stderr and progress.describe(tmp_path) == ["nothing was to be done"]


def test_all_that_snakemake_says_is_there_for_the_asking(tmp_path):
    """--printshellcmds, as --verbose: Snakemake's own lines, and what failed at their end."""
    run = snakemake(tmp_path, "--printshellcmds")
    assert "Error in rule predict" in run.stderr and "rule train_B" in run.stderr
    assert run.stderr.count("resources/x.bed:3") == 1
    assert progress.describe(tmp_path)[0].startswith(("2 of 5", "3 of 5"))


@pytest.mark.parametrize("option", ["verbose", "debug_dag", "printshellcmds"])
def test_who_asks_for_details_gets_snakemakes_own_lines(option, monkeypatch):
    settings = MockOutputSettings()
    settings.printshellcmds, settings.quiet = False, {Quietness.RULES, Quietness.PROGRESS}
    monkeypatch.setenv("NO_COLOR", "1")
    seen = progress.Watch.of(settings)
    # a quiet Snakemake would log no end of a job
    assert seen.speaks and seen.quiet == "progress" and not seen.colour and not settings.quiet
    seen.close()
    setattr(settings, option, True)
    seen = progress.Watch.of(settings)
    assert not seen.speaks
    seen.close()


def test_on_a_terminal_the_lines_are_drawn_in_place(tmp_path):
    (tmp_path / "mended").touch()
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"TERM": "xterm"}
    options = {"capture_output": False, "stdin": theirs, "stdout": theirs, "stderr": theirs, "env": environment}
    assert snakemake(tmp_path, **options).returncode == 0
    os.close(theirs)
    told = b""
    try:
        while part := os.read(ours, 65536):
            told += part
    except OSError:  # so ends a terminal that nobody writes to
        pass
    os.close(ours)
    text = told.decode()
    shown = screen(text)
    assert sum(line.startswith("train ") for line in shown) == sum(line.startswith("predict ") for line in shown) == 1
    assert "the answer" in shown and any("5 of 5 jobs done (100%)" in line for line in shown)
    assert "\x1b[32m" in text
