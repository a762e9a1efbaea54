"""How far a run is: the display of `snakemake --logger tfbind`, the events that it writes, and `tfbind progress`."""

import contextlib
import glob
import json
import logging
import os
import platform
import re
import shutil
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from tfbind import job
from tfbind.errors import InputError

#: The rules of the workflow. `train_2`, the same for datasets with other outputs, belongs to the stage `train`.
# fmt: off
STAGES = [
    "simulate", "fetch", "index_genome", "extract_positives", "draw_negatives", "audit_source", "audit_foreign",
    "audit", "train", "fit", "take_scores", "predict", "interpret", "evaluate", "summarise", "adapt", "retrain",
    "explain", "causes", "adapt_unlabelled", "adaptation", "celltype", "celltype_network", "celltype_table", "motifs",
    "report_page", "cards", "final", "final_cards",
]
# fmt: on
#: Where the events of runs are, under the working folder: a file a run, named by its start, one JSON object a line.
EVENTS = Path(".tfbind") / "run"
#: Lines that are printed where a run failed; the second also where it was stopped.
HINTS = [
    "`tfbind validate CONFIG` reads every file, `tfbind doctor` looks at this machine.",
    "What is done is kept: the same command goes on from here.",
]
#: Rows of a long list that are shown at the end of a run.
_SHOWN = 20
#: Messages of Snakemake before it starts and when it stops that a person does not need; all of it is in its log.
_CHATTER = (
    "Using shell",
    "Conda environments",
    "Singularity containers",
    "Group jobs",
    "Assuming unrestricted",
    "host: ",
    "Exiting because a job execution failed",
)
_MUTE = "it left no message in its log"
#: Exceptions that say only that a job failed: `JOB_ERROR` follows.
_BARE = ("RuleException", "CalledProcessError")


def stage(rule: str) -> str:
    """The stage that a rule belongs to; a rule that is not of this workflow is a stage of its own."""
    return max((name for name in STAGES if rule == name or rule.startswith(f"{name}_")), key=len, default=rule)


@dataclass
class Job:
    """One job that runs or failed: its stage, what it is for, its log, when it started (epoch, s), what it said."""

    stage: str
    what: str
    log: str
    start: float
    message: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, [self.stage, self.what])) + (f" (log: {self.log})" if self.log else "")


@dataclass
class Run:
    """The state of a run, from its events; all times are theirs, in epoch seconds.

    Attributes
    ----------
    planned, done : Counter
        Jobs of each stage, in the order of the stages.
    seconds : Counter
        Time that the finished jobs of each stage took.
    running, failed : dict of int to Job
        By the job's number.
    errors : list of str
        Messages of Snakemake that belong to no job.
    spans : dict of str to (float, float)
        For each stage, the earliest start of its finished jobs and the end of the last.
    first, last : float or None
        When the first job started, and the last event before the end.
    process : (str, int) or None
        Machine and process id of the run.
    ended : bool or None
        Whether it ended well; None while it runs.
    """

    planned: Counter = field(default_factory=Counter)
    done: Counter = field(default_factory=Counter)
    seconds: Counter = field(default_factory=Counter)
    running: dict[int, Job] = field(default_factory=dict)
    failed: dict[int, Job] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    spans: dict[str, tuple[float, float]] = field(default_factory=dict)
    first: float | None = None
    last: float | None = None
    process: tuple[str, int] | None = None
    ended: bool | None = None

    def take(self, event: dict) -> None:
        """Update the state by an event."""
        kind, now = event["event"], event["time"]
        if kind == "plan":
            self.process = event["host"], event["pid"]
            for rule, count in event["jobs"].items():
                self.planned[stage(rule)] += count
        elif kind == "started":
            self.first = now if self.first is None else self.first
            what = ", ".join(event["wildcards"].values())
            self.running[event["job"]] = Job(stage(event["rule"]), what, event["log"], now)
            self.failed.pop(event["job"], None)  # it is tried again
        elif kind in ("finished", "failed", "stopped") and (ended := self.running.pop(event["job"], None)):
            if kind == "failed":
                ended.message = event["message"]
                self.failed[event["job"]] = ended
            elif kind == "finished":
                self.done[ended.stage] += 1
                self.seconds[ended.stage] += now - ended.start
                begin, _ = self.spans.get(ended.stage, (ended.start, now))
                self.spans[ended.stage] = min(begin, ended.start), now
        elif kind == "error":
            self.errors.append(event["message"])
        elif kind == "ended":
            self.ended = event["ok"]
        if self.first is not None and kind != "ended":
            self.last = now

    def elapsed(self) -> float:
        """Seconds from the first job's start to the last event."""
        return self.last - self.first if self.first is not None else 0.0

    def left(self, of: str = "") -> float | None:
        """Seconds that the rest, or the rest of one stage, takes at the pace so far; None before anything is done.

        Each stage by the mean of its own jobs, one that has none yet by the mean of all; as many jobs side by side as
        there were so far.
        """
        count, everything = self.done.total(), self.seconds.total()
        if not count or (of and not self.done[of]):
            return None
        work = sum(
            (self.seconds[name] / self.done[name] if self.done[name] else everything / count) * (n - self.done[name])
            for name, n in self.planned.items()
            if not of or name == of
        )
        return work * self.elapsed() / everything if everything else 0.0


def say(lines: list[str]) -> None:
    """Print lines through Snakemake's log, so that they appear in order among its own lines."""
    logging.getLogger("snakemake.logging").info("\n".join(["", *lines]), extra={"said": True})


def read(path: Path) -> Run:
    """The run of a file of events. A last line that is still being written is left out."""
    run = Run()
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            run.take(json.loads(line))
    return run


def latest(folder: Path) -> Path:
    """The events of the newest run under a study's working folder."""
    if events := sorted((folder / EVENTS).glob("*.jsonl")):
        return events[-1]
    if logs := sorted((folder / ".snakemake" / "log").glob("*.snakemake.log")):
        raise InputError(
            f"{folder}: its runs left no events, since they ran with an older tfbind or without `--logger tfbind`; "
            f"what Snakemake said of the last: {logs[-1]}"
        )
    raise InputError(f"{folder}: no run was started here; name the folder given to snakemake --directory")


def duration(seconds: float) -> str:
    """A time in words, two units at most: `45 s`, `12 min`, `3 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def headline(run: Run, now: float | None = None) -> str:
    """How many jobs are done, since when, and about how long the rest takes.

    Parameters
    ----------
    run : Run
    now : float, optional
        Epoch seconds, where the run still goes on; else the time of its last event counts.

    Returns
    -------
    str
        Without the rest where nothing is done yet, a job failed or the run has ended.
    """
    total, count = run.planned.total(), run.done.total()
    since = 0.0 if now is None or run.last is None else max(now - run.last, 0.0)
    end = ""
    if count < total and not run.failed and run.ended is None and (left := run.left()) and left > since:
        end = f"; about {duration(left - since)} left"
    return f"{count} of {total} jobs done ({count / total:.0%}) after {duration(run.elapsed() + since)}{end}"


def describe(folder: Path) -> list[str]:
    """How far the latest run of a folder is, which jobs run, and how long the rest takes."""
    run = read(latest(folder))
    if not run.planned:
        return ["nothing was to be done"]
    gone = killed(run)
    runs = run.ended is None and not gone
    lines = [headline(run, time.time() if runs else None)]
    lines += [f"  {name}: {run.done[name]} of {n}" for name, n in run.planned.items() if name != "all"]
    if runs:
        lines += [f"now: {each}" for each in run.running.values()]
    elif gone:
        lines.append("it was killed, and runs no more")
    elif not run.ended and not run.failed and not run.errors:
        lines.append("it was stopped")
    if run.failed or run.errors:
        return lines + failures(run) + HINTS
    return lines if runs or run.ended else lines + HINTS[1:]


def killed(run: Run) -> bool:
    """Whether a run that did not end has no process any more; False on another machine than the one where it ran."""
    if run.ended is not None or run.process is None or run.process[0] != platform.node():
        return False
    try:
        os.kill(run.process[1], 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's
        pass
    return False


def failures(run: Run, most: int | None = None) -> list[str]:
    """Each failed job with its log and its own message, then the errors of Snakemake itself.

    Parameters
    ----------
    run : Run
    most : int, optional
        Failed jobs that are listed; all by default. The others are counted in one line.

    Returns
    -------
    list of str
    """
    jobs = list(run.failed.values())
    lines = []
    for each in jobs[:most]:
        lines += [f"failed: {each}", *(f"  {line}" for line in each.message.splitlines())]
    if len(jobs) > len(jobs[:most]):
        lines.append(f"... and {len(jobs) - len(jobs[:most])} more: `tfbind progress` lists all")
    return lines + [line for error in run.errors for line in error.splitlines()]


def summary(folder: Path) -> list[str]:
    """The verdicts of a finished run, the number of its results, and where its files are, as far as they exist."""
    from tfbind.io import tables

    results = folder / "results"
    lines = []
    if (path := results / "verdicts.tsv").exists():
        sentences = tables.read_tsv(path)["sentence"].dropna().tolist()
        more = [f"... and {len(sentences) - _SHOWN} more in {path}"] if len(sentences) > _SHOWN else []
        lines += sentences[:_SHOWN] + more
    if (path := results / "metrics.tsv").exists():
        metrics = tables.read_tsv(path)
        cells = metrics[(metrics["metric"] == "auroc") & (metrics["seed"] == "ensemble")]
        empty = int(cells["value"].isna().sum())
        lines.append(
            f"{len(cells)} source-target-model cells for {cells['tf'].nunique()} TFs"
            + (f", {empty} of them not estimable (`note` says why)" if empty else "")
        )
    if (path := results / "report.html").exists():  # not after a run for some of the files alone
        lines.append(f"open {path}")
    if (path := results / "summary.tsv").exists():
        lines.append(f"tables: {path}, transfer.tsv, metrics.tsv; models with their cards: {results / 'models'}/")
    return lines


def plan(jobs: dict[str, int]) -> list[str]:
    """The jobs of each stage as a table, with their total."""
    counts = Counter()
    for rule, count in jobs.items():
        counts[stage(rule)] += count
    rows = [*counts.items(), ("total", counts.total())]
    wide = max(len(name) for name, _ in rows)
    return [f"{'job':{wide}}  count", f"{'-' * wide}  -----", *(f"{name:{wide}}  {n:>5}" for name, n in rows)]


def table(run: Run, now: float, width: int, height: int) -> list[tuple[str, str]]:
    """The display of a run on a terminal: one line a stage, then the headline.

    Parameters
    ----------
    run : Run
    now : float
        Epoch seconds.
    width, height : int
        Of the terminal, in characters and lines: no line is longer than `width` - 1, nor are there more than
        `height` - 1. Where the stages are too many, those that are done are left out first, then those that wait.

    Returns
    -------
    list of (str, str)
        A line and its state: `failed`, `done`, `runs`, `begun` (some jobs done, none running), `waits`, or `total` for
        the headline.
    """
    at_work = Counter(each.stage for each in run.running.values())
    broken = Counter(each.stage for each in run.failed.values())
    stages = {}
    for name, count in run.planned.items():
        state = "failed" if broken[name] else "done" if run.done[name] == count else "runs" if at_work[name] else ""
        if name != "all":
            stages[name] = state or ("begun" if run.done[name] else "waits")
    hidden = Counter()
    for state, order in (("done", 1), ("waits", -1), ("begun", -1), ("runs", -1), ("failed", -1)):
        for name in [name for name in stages if stages[name] == state][::order]:
            if len(stages) + bool(hidden) > max(height - 2, 1):
                hidden[stages.pop(name)] += 1
    longest = max(map(len, stages), default=0)
    digits = len(str(max(run.planned.values(), default=0)))
    size = min(width - 1 - longest - 2 * digits - 40, 30)
    lines = []
    for name, state in stages.items():
        done, count = run.done[name], run.planned[name]
        full = size * done // count
        bar = f"  [{'#' * full}{'.' * (size - full)}]" if size >= 5 else ""
        words = [f"{at_work[name]} running"] if at_work[name] else []
        words += [f"{broken[name]} failed"] if broken[name] else []
        if state == "done" and name in run.spans:
            begin, end = run.spans[name]
            words.append(f"took {duration(end - begin)}")
        elif not broken[name] and done and (left := run.left(name)):
            words.append(f"about {duration(left)} left")
        counts = f"{done:>{digits}}/{count:<{digits}}"
        lines.append((f"{name:{longest}}{bar}  {counts}  {', '.join(words)}".rstrip(), state))
    if hidden:
        of = {"done": "done", "waits": "waiting"}
        words = ", ".join(f"{n} {of.get(state, state)}" for state, n in hidden.items())
        lines.append((f"({words}: not shown)", "waits"))
    lines.append((headline(run, now), "total"))
    return [(line[: max(width - 1, 1)], state) for line, state in lines]


class Watch:
    """Shows a run to a person and writes its events to a file; takes the records of Snakemake's log.

    Parameters
    ----------
    stream : text file
        A terminal gets lines that are drawn in place, anything else a plain line for each stage that ends, and one
        now and then.
    speaks : bool, default True
        False leaves the stream to Snakemake's own lines, except for the messages of failed jobs at the end.
    quiet : {"", "progress", "all"}, default ""
        Leaves out the stages, or everything.
    dry : bool, default False
        Only the plan is printed, as a table.
    colour : bool, default True
        On a terminal, stages that are done are green and failed ones red.
    tick : float, default 1.0
        Seconds after which the time is drawn again.
    """

    #: Least seconds from one drawing to the next; between plain lines where something, or nothing, has changed.
    pause, often, seldom = 0.1, 60.0, 600.0

    def __init__(
        self,
        stream: TextIO,
        speaks: bool = True,
        quiet: str = "",
        dry: bool = False,
        colour: bool = True,
        tick: float = 1.0,
    ):
        self.stream, self.speaks, self.quiet, self.dry, self.tick = stream, speaks, quiet, dry, tick
        self.place = stream.isatty() and os.environ.get("TERM") != "dumb"
        self.colour = colour and self.place
        self.run = Run()
        self.sink: TextIO | None = None
        self.begun = self.opened = self.faulty = self.active = self.told = self.closed = False
        self.drawn = 0  # lines below the cursor
        self.last, self.known = 0.0, -1  # when something was drawn, and how many jobs were done then
        self.bare: list[str] = []
        self.lost: set[int] = set()
        self.before: dict[int, tuple | None] = {}  # the log of each job when it began
        self.lock, self.stop = threading.RLock(), threading.Event()
        self.clock: threading.Thread | None = None
        with contextlib.suppress(OSError, ValueError):  # a stream without a descriptor: jobs say their messages, too
            if not dry:
                os.environ[job.WATCHED] = job.identity(stream.fileno())

    @classmethod
    def of(cls, settings) -> "Watch":
        """From Snakemake's options: `--verbose`, `--debug-dag`, `--printshellcmds` show all of Snakemake's output."""
        quiet = {str(word).lower().rpartition(".")[2] for word in settings.quiet or ()}
        speaks = not (settings.verbose or settings.debug_dag or settings.printshellcmds)
        if speaks and not settings.dryrun:
            # A quiet Snakemake logs no end of a job, neither here nor in its file. What is shown is decided here.
            settings.quiet = set()
        return cls(
            sys.stdout if settings.stdout else sys.stderr,
            speaks=speaks,
            quiet="all" if "all" in quiet else "progress" if "progress" in quiet else "",
            dry=settings.dryrun,
            colour=not settings.nocolor and not os.environ.get("NO_COLOR"),
        )

    def take(self, record: logging.LogRecord) -> None:
        """Take a record of Snakemake's log."""
        kind = str(getattr(record, "event", None) or "")
        with self.lock:
            if hasattr(record, "said"):
                self._say(record.getMessage())
            elif taken := getattr(self, f"_{kind}", None):
                taken(record)
            elif not kind:
                self._plain(record)

    def close(self) -> None:
        """Draw for the last time, print the failures not printed yet, and end the events."""
        with self.lock:
            if self.closed:
                return
            self.closed = True
            self.stop.set()
            self._release()
            self._tell()
            if self.begun and not self.faulty and not self.opened and not self.dry:
                self._open({})  # nothing was to be done
            if self.sink:
                run = self.run
                self._event("ended", ok=not run.failed and not run.errors and run.done == run.planned)
                self.sink.close()
            os.environ.pop(job.WATCHED, None)
        if self.clock:
            self.clock.join()

    # Snakemake's events, by their names

    def _workflow_started(self, record) -> None:
        self.begun = True

    def _run_info(self, record) -> None:
        jobs = {rule: count for rule, count in record.stats.items() if rule != "total"}
        if self.dry:
            if self.speaks and not self.told and self.quiet != "all":
                self._print(*plan(jobs), "", "each job, its files and why it runs: add --printshellcmds")
            self.told = True
        elif not self.run.planned:
            self._open(jobs)
            self.active = self.speaks and not self.quiet
            if self.active and not self.place:
                self._print(*plan(jobs), "")
            if self.active:
                self.last = time.time()
                self.clock = threading.Thread(target=self._ticks, daemon=True)
                self.clock.start()

    def _job_info(self, record) -> None:
        if self.dry:
            return
        wildcards = {name: str(value) for name, value in dict(record.wildcards or {}).items()}
        log = str(next(iter(record.log or ()), "")).removesuffix(" (send to storage)")
        self.before[record.jobid] = _stamp(_copy(log))
        self._event("started", job=record.jobid, rule=record.rule_name, wildcards=wildcards, log=log)
        self._draw()

    def _job_finished(self, record) -> None:
        if self.dry:
            return
        ended = self.run.running.get(record.job_id)
        self._event("finished", job=record.job_id)
        if ended and self.active and not self.place and self.run.done[ended.stage] == self.run.planned[ended.stage]:
            begin, end = self.run.spans[ended.stage]
            count = self.run.planned[ended.stage]
            if ended.stage != "all":
                self._print(f"{ended.stage}: {count} of {count} in {duration(end - begin)} ({headline(self.run)})")
                self.last, self.known = time.time(), self.run.done.total()
        self._draw()

    def _group_error(self, record) -> None:
        """Snakemake reports all jobs that were submitted together as failed; those with a message did fail."""
        numbers = [info["jobid"] for info in record.job_error_info]
        messages = {number: self._own(number) for number in numbers}
        self.lost = {number for number in numbers if not messages[number]} if any(messages.values()) else set()

    def _job_error(self, record) -> None:
        number = record.jobid
        if number in self.lost:
            self.lost.remove(number)
            self._event("stopped", job=number)
            return
        bare = self.bare.pop(0) if self.bare else ""
        message = self._own(number) or ": ".join(filter(None, [_MUTE, record.rule_msg, bare]))
        if "SIGINT" in bare:
            message = job.STOPPED
        elif "SIGKILL" in bare:
            message += "\nMost often the machine had too little memory: give fewer --cores, or close other programs."
        failed = self.run.running.get(number)
        self._event("failed", job=number, message=message)
        if failed and self.active and not self.place:
            self._print(f"failed: {failed}")
        self._draw()

    def _error(self, record) -> None:
        self.faulty = True
        if getattr(record, "exception", "") in _BARE and self.run.running:
            self.bare.append(record.getMessage().strip().splitlines()[-1].rpartition("' ")[2])  # without the command
        elif not (self.told and self.run.failed):  # else it only repeats that jobs failed
            if self.sink:
                self._event("error", message=record.getMessage())
            self._heard(record.getMessage())

    def _plain(self, record) -> None:
        text = record.getMessage()
        if record.levelno >= logging.ERROR:
            self.faulty = self.faulty or not self.run.planned
        beyond = self.dry and self.told  # what follows the plan explains the list of jobs that is not shown
        hidden = record.levelno < logging.WARNING and (self.active or self.quiet or beyond)
        if not hidden and not text.startswith(_CHATTER):
            self._heard(text)

    # what is printed

    def _heard(self, text: str) -> None:
        if self.speaks and self.quiet != "all":
            self._print(text)

    def _say(self, text: str) -> None:
        if self.run.done == self.run.planned or self.run.failed or self.faulty:
            self._release()
        self._tell()
        self._heard(text)

    def _tell(self) -> None:
        """Print the failed jobs with their own messages, once."""
        if self.run.failed and not self.told and self.quiet != "all":
            self._release()
            self._print("", *failures(Run(failed=self.run.failed), _SHOWN))
        self.told = self.told or bool(self.run.failed)

    def _own(self, number: int) -> str:
        """The message of a job that runs, from its log."""
        started = self.run.running.get(number)
        log = _copy(started.log) if started else ""
        stamp = _stamp(log)
        # A log of an earlier try is older than the job and unchanged. Either sign alone may mislead: clocks differ, and
        # a record that comes late finds the log already written.
        if stamp is None or (stamp == self.before.get(number) and stamp[2] < (started.start - 60) * 1e9):
            return ""
        return job.message(log)

    def _print(self, *lines: str) -> None:
        clear = "\r\x1b[J" if self.drawn else ""
        self.drawn = 0
        self.stream.write(clear + "\n".join(lines) + "\n")
        self.stream.flush()
        self._draw(at_once=True)

    def _draw(self, at_once: bool = False) -> None:
        """Draw the stages again and put the cursor back above them: output of a job in between stays, above them."""
        now = time.time()
        if not (self.active and self.place) or (now - self.last < self.pause and not at_once):
            return
        lines = self._lines(now)
        self.stream.write("\r\x1b[J" + "\n".join(lines) + f"\r\x1b[{len(lines) - 1}A" * (len(lines) > 1) + "\r")
        self.stream.flush()
        self.drawn, self.last = len(lines), now

    def _lines(self, now: float) -> list[str]:
        colours = {"done": "32", "failed": "31"} if self.colour else {}
        drawn = table(self.run, now, *_size(self.stream))
        return [f"\x1b[{colours[state]}m{line}\x1b[0m" if state in colours else line for line, state in drawn]

    def _release(self) -> None:
        """End the drawing: the last state stays, and later lines come below it."""
        if self.active and self.place:
            self.stream.write("\r\x1b[J" + "\n".join(self._lines(time.time())) + "\n")
            self.stream.flush()
        elif self.active:
            self._print(headline(self.run))
        self.active, self.drawn = False, 0

    def _ticks(self) -> None:
        while not self.stop.wait(self.tick):
            with self.lock:
                now, count = time.time(), self.run.done.total()
                if self.place:
                    self._draw()
                elif self.active and now - self.last >= (self.often if count != self.known else self.seldom):
                    at_work = Counter(each.stage for each in self.run.running.values())
                    running = ", ".join(f"{name} {n}" for name, n in at_work.items())
                    self._print(headline(self.run, now) + (f"; running: {running}" if running else ""))
                    self.last, self.known = now, count

    # what is written

    def _open(self, jobs: dict[str, int]) -> None:
        self.opened = True
        name = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
        path = (EVENTS / f"{name}.jsonl").absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.sink = path.open("a", encoding="utf-8")
        except OSError as error:
            self._unwritten(path, error)
        self._event("plan", jobs=jobs, host=platform.node(), pid=os.getpid())

    def _event(self, kind: str, **what) -> None:
        event = {"event": kind, "time": round(time.time(), 3), **what}
        self.run.take(event)
        if self.sink:
            try:
                self.sink.write(json.dumps(event) + "\n")
                self.sink.flush()
            except OSError as error:
                sink, self.sink = self.sink, None
                self._unwritten(Path(sink.name), error)
                with contextlib.suppress(OSError):
                    sink.close()

    def _unwritten(self, path: Path, error: OSError) -> None:
        self._heard(f"{path}: not written: {error.strerror}; `tfbind progress` does not know the rest of this run")


def _copy(log: str) -> str:
    """A log that Snakemake keeps in a storage as the file that the job writes, where that is on this machine."""
    if "://" not in log and not os.path.isabs(log):
        return log
    below = re.sub(r"^(\w+:/)?/", "", log)
    return next(map(str, Path(".snakemake", "storage").glob(f"*/{glob.escape(below)}")), log)


def _stamp(path: str) -> tuple[int, int, int] | None:
    """Inode, size and time of a file, which change with it; None where there is no file."""
    with contextlib.suppress(OSError):
        state = os.stat(path)
        return state.st_ino, state.st_size, state.st_mtime_ns
    return None


def _size(stream: TextIO) -> tuple[int, int]:
    """Width and height of a terminal; 80 x 24 of one that does not say."""
    with contextlib.suppress(OSError, ValueError):
        width, height = os.get_terminal_size(stream.fileno())
        if width and height:
            return width, height
    return shutil.get_terminal_size()
