"""How far a run is, read from Snakemake's own log, and what a person is told when it starts and ends."""

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tfbind.faults import InputError

_TIME = "%a %b %d %H:%M:%S %Y"
_LINE = re.compile(
    r"(?:    )?\[(?P<time>\w{3} \w{3} +\d+ [\d:]{8} \d{4})\]$"  # what belongs to a group of jobs stands further right
    r"|(?:    )?(?:local)?(?:rule|checkpoint) (?P<rule>\w+):$"
    r"|(?:    )?Error in rule (?P<failed>\w+):?"
    r"|(?:    ){1,2}(?P<key>wildcards|log|jobid): (?P<value>.*)$"
    r"|Finished jobid: (?P<finished>\d+)"
    r"|(?P<counted>\w+) +(?P<count>\d+)$"
)


@dataclass
class Job:
    """One job of a run: its rule, what it is for, when it started and how long it took (seconds; None: it runs)."""

    rule: str
    start: datetime
    what: str = ""
    log: str = ""
    took: float | None = None


@dataclass
class Run:
    """A run as its log tells it; times are those of the log."""

    planned: Counter = field(default_factory=Counter)
    jobs: dict[str, Job] = field(default_factory=dict)
    failed: list[Job] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None

    def done(self) -> Counter:
        """Finished jobs of each rule."""
        return Counter(job.rule for job in self.jobs.values() if job.took is not None)

    def elapsed(self) -> float:
        """Seconds from the first job's start to the last event."""
        return (self.last - self.first).total_seconds() if self.first and self.last else 0.0

    def left(self) -> float | None:
        """Seconds that the rest takes at the pace so far; None before anything is done.

        Each rule by the mean of its own jobs, one that has none yet by the mean of all; as many jobs side by side as
        there were so far.
        """
        ended = [job for job in self.jobs.values() if job.took is not None]
        if not ended:
            return None
        everything = sum(job.took for job in ended)
        done, means = self.done(), {}
        for rule in self.planned:
            times = [job.took for job in ended if job.rule == rule]
            means[rule] = sum(times) / len(times) if times else everything / len(ended)
        work = sum(means[rule] * (count - done[rule]) for rule, count in self.planned.items())
        return work * self.elapsed() / everything if everything else 0.0


def say(lines: list[str]) -> None:
    """Print to standard error, where Snakemake speaks."""
    print("", *lines, sep="\n", file=sys.stderr)


def read(path: Path) -> Run:
    """The run that a log of Snakemake tells of."""
    run, job, now, table = Run(), None, None, False
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("Job stats"):
            run, table = Run(), True
        found = _LINE.match(line)
        if not found:
            continue
        if found["time"]:
            now, table = datetime.strptime(found["time"], _TIME), False
            run.first, run.last = run.first or now, now
        elif found["counted"] and table and found["counted"] != "total":
            run.planned[found["counted"]] = int(found["count"])
        elif found["rule"] and now:
            job = Job(found["rule"], now)
        elif found["failed"] and now:
            job = Job(found["failed"], now)
            run.failed.append(job)
        elif found["key"] and job:
            if found["key"] == "jobid":
                if job not in run.failed:
                    run.jobs[found["value"]] = job
            elif found["key"] == "log":
                job.log = found["value"].split(" (")[0]
            else:
                job.what = ", ".join(pair.split("=", 1)[-1] for pair in found["value"].split(", "))
        elif found["finished"] and found["finished"] in run.jobs:
            ended = run.jobs[found["finished"]]
            ended.took = (now - ended.start).total_seconds()
    return run


def latest(folder: Path) -> Path:
    """The newest log of Snakemake under a study's working directory."""
    logs = sorted((folder / ".snakemake" / "log").glob("*.snakemake.log"))
    if not logs:
        raise InputError(f"{folder}: no run was started here; name the folder given to snakemake --directory")
    return logs[-1]


def duration(seconds: float) -> str:
    """In words, two units at most: `45 s`, `12 min`, `3 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{round(seconds)} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def describe(folder: Path) -> list[str]:
    """How far the latest run of a folder is, which jobs run, and how long the rest takes."""
    run = read(latest(folder))
    total, done = sum(run.planned.values()), run.done()
    if not total:
        return ["nothing was to be done"]
    count = sum(done.values())
    left = run.left()
    end = f"; about {duration(left)} left" if left and count < total and not run.failed else ""
    lines = [f"{count} of {total} jobs done ({count / total:.0%}) after {duration(run.elapsed())}{end}"]
    lines += [f"  {rule}: {done[rule]} of {n}" for rule, n in run.planned.items() if rule != "all"]
    if run.failed:
        return lines + failed(run)
    now = [job for job in run.jobs.values() if job.took is None]
    return lines + [f"now: {job.rule} {job.what} (log: {job.log})" for job in now]


def failed(run: Run) -> list[str]:
    """What failed, where its log is, and what to do."""
    jobs = {(job.rule, job.what, job.log) for job in run.failed}
    return [
        *(f"failed: {rule} {what} (log: {log})" for rule, what, log in sorted(jobs)),
        "The reason stands above, behind `Error:` or at the end of the traceback.",
        "`tfbind validate --files CONFIG` reads every file, `tfbind doctor` looks at this machine.",
        "What is done is kept: the same command goes on from here.",
    ]


def summary(folder: Path) -> list[str]:
    """The answer of a finished run, and where to look."""
    from tfbind import tables  # pandas loads when a run has ended

    results = folder / "results"
    lines = []
    if (path := results / "verdicts.tsv").exists():
        sentences = tables.read_tsv(path)["sentence"].dropna().tolist()
        lines += sentences[:20] + ([f"... and {len(sentences) - 20} more in {path}"] if len(sentences) > 20 else [])
    if (path := results / "metrics.tsv").exists():
        metrics = tables.read_tsv(path)
        cells = metrics[(metrics["metric"] == "auroc") & (metrics["seed"] == "ensemble")]
        empty = int(cells["value"].isna().sum())
        lines.append(
            f"{len(cells)} source-target-model cells for {cells['tf'].nunique()} TFs"
            + (f", {empty} of them not estimable (`note` says why)" if empty else "")
        )
    return [
        *lines,
        f"open {results / 'report.html'}",
        f"tables: {results / 'summary.tsv'}, transfer.tsv, metrics.tsv; models with their cards: {results / 'models'}/",
    ]
