"""What the workflow costs beside its work, as ratios against another checkout: ``python -m benchmarks.lean OTHER``.

Both builds take turns on one machine, in one environment, each with its own `src`. `--tfs` simulated TFs as in
`benchmarks.soak`, on two cores. Writes `lean.tsv` and `lean.md`.
"""

import argparse
import datetime
import os
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks import growth, inputs, page, soak

_SNAKEMAKE = Path(sys.executable).parent / "snakemake"


class Build:
    """A checkout, run from outside."""

    def __init__(self, checkout: Path):
        self.checkout = checkout.resolve()

    def run(self, folder: Path, *arguments: object, **variables: str) -> dict:
        """Seconds on the wall and of the processor, jobs planned or done, and what Snakemake said."""
        command = [_SNAKEMAKE, "--snakefile", self.checkout / "Snakefile", "--directory", folder, *arguments]
        config = folder / "config.yaml"
        command += ["--configfile", config if config.exists() else self.checkout / "config.yaml"]
        environment = os.environ | {"PYTHONPATH": str(self.checkout / "src"), "OMP_NUM_THREADS": "1"} | variables
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        options = {"cwd": self.checkout, "env": environment, "capture_output": True, "text": True}
        done = subprocess.run(list(map(str, command)), **options)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        said = done.stdout + done.stderr
        if done.returncode:
            sys.exit(f"{self.checkout}: snakemake ended with {done.returncode}:\n{said[-4000:]}")
        processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"wall": wall, "processor": processor, "said": said}


def commit(checkout: Path) -> str:
    """The commit of a checkout."""
    command = ["git", "-C", checkout, "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def planned(said: str) -> int:
    """The jobs of a dry run."""
    return int(next(line.split()[1] for line in said.splitlines() if line.startswith("total ")))


def plan(build: Build, _: int) -> dict[str, float]:
    """The demo, planned; and one of its jobs, as a cluster job does before its script."""
    with tempfile.TemporaryDirectory() as name:
        whole = build.run(Path(name), "--dry-run", "--cores", 1)
        one = build.run(Path(name), "--dry-run", "--cores", 1, "--target-jobs", "extract_positives:dataset=USF1_k562")
    return {
        "plan of the demo, processor s": whole["processor"],
        "start of a cluster job, processor s": one["processor"],
    }


def whole(build: Build, tfs: int) -> dict[str, float]:
    """The study, run on two cores."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        growth.study(folder, tfs, soak.LENGTH, **soak.CHANGED)
        run = build.run(folder, "--cores", 2)
        jobs = soak.jobs(folder)
    return {
        f"study of {tfs} TFs, jobs": len(jobs),
        f"study of {tfs} TFs, processor s": run["processor"],
        f"study of {tfs} TFs, wall s on two cores": run["wall"],
        f"study of {tfs} TFs, most memory of a job, MB": jobs["megabytes"].max(),
    }


def imports(build: Build, tfs: int) -> dict[str, float]:
    """The share of imports in the time of the jobs of the study: Python says of every module how long it took."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        growth.study(folder, tfs, soak.LENGTH, **soak.CHANGED)
        timed = {"PYTHONPROFILEIMPORTTIME": "1"}
        run, snakemake = build.run(folder, "--cores", 1, **timed), build.run(folder, "--cores", 1, "--dry-run", **timed)
        jobs = soak.jobs(folder)
    found = [sum(map(int, soak.IMPORT.findall(each["said"]))) / 1e6 for each in (run, snakemake)]
    share = (found[0] - found[1] + jobs["later"].sum()) / jobs["seconds"].sum()
    return {f"study of {tfs} TFs, share of imports in its jobs": share}


def demo(build: Build, _: int) -> dict[str, float]:
    """The demo, run on two cores."""
    with tempfile.TemporaryDirectory() as name:
        run = build.run(Path(name), "--cores", 2)
    return {"demo, processor s": run["processor"], "demo, wall s on two cores": run["wall"]}


def in_one_process(tfs: int) -> float:
    """Seconds of processor time of the scripts of the study, all of them in this process, without Snakemake's own.

    Snakemake plans and gives each script its inputs, as always; only what a script does is clocked.
    """
    from snakemake import cli
    from snakemake.script import PythonScript

    spent, alone = [], threading.Lock()

    def here(_: PythonScript, path: str, edit: bool = False) -> None:
        with alone:
            start = time.process_time()
            runpy.run_path(path, run_name="__main__")
            spent.append(time.process_time() - start)

    PythonScript.execute_script = here
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        growth.study(folder, tfs, soak.LENGTH, **soak.CHANGED)
        try:
            cli.main(
                ["--cores", "1", "--directory", name, "--configfile", str(folder / "config.yaml"), "--quiet", "all"]
            )
        except SystemExit as ended:
            if ended.code:
                raise
    return sum(spent)


def _in_a_child(tfs: int) -> float:
    command = [sys.executable, "-m", "benchmarks.lean", "--in-one-process", str(tfs)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=inputs.REPO, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def race(measure: Callable, ours: Build, other: Build, tfs: int, rounds: int) -> list[dict]:
    """One row a figure: the median of each build over rounds in turn, and of the ratios of each round."""
    found: list[tuple[dict, dict]] = []
    for _ in range(rounds):
        found.append((measure(ours, tfs), measure(other, tfs)))
        print(*found[-1], sep="\n", flush=True)
    rows = []
    for what in found[0][0]:
        pairs = [(a[what], b[what]) for a, b in found]
        ratios = [a / b for a, b in pairs]
        row = {"what": what, "rounds": rounds, "other": statistics.median(b for _, b in pairs)}
        row |= {"now": statistics.median(a for a, _ in pairs), "ratio": statistics.median(ratios)}
        rows.append(row | {"least": min(ratios), "most": max(ratios)})
    return rows


MEASURES = {"plan": plan, "study": whole, "imports": imports, "demo": demo}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", nargs="?", type=Path, help="checkout of the other build")
    parser.add_argument("--tfs", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--what", nargs="*", choices=[*MEASURES, "process"], default=[*MEASURES, "process"])
    parser.add_argument("--in-one-process", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_one_process:
        print(in_one_process(arguments.in_one_process))
        return
    if not arguments.other:
        parser.error("name the checkout of the other build")
    ours, other = Build(inputs.REPO), Build(arguments.other)
    rows = []
    for name in arguments.what:
        if name in MEASURES:
            rows += race(MEASURES[name], ours, other, arguments.tfs, arguments.rounds)
    if "process" in arguments.what:
        pairs = []
        for _ in range(arguments.rounds):
            run = whole(ours, arguments.tfs)[f"study of {arguments.tfs} TFs, processor s"]
            pairs.append((run, _in_a_child(arguments.tfs)))
        ratios = [a / b for a, b in pairs]
        row = {"what": f"study of {arguments.tfs} TFs, workflow over the same scripts in one process, processor s"}
        row |= {"rounds": arguments.rounds, "other": statistics.median(b for _, b in pairs)}
        row |= {"now": statistics.median(a for a, _ in pairs), "ratio": statistics.median(ratios)}
        rows.append(row | {"least": min(ratios), "most": max(ratios)})
    table = pd.DataFrame(rows).assign(commit=commit(ours.checkout), against=commit(other.checkout))
    table["date"] = str(datetime.date.today())
    print(table.to_string(index=False))
    before = page.HERE / "lean.tsv"
    if before.exists():  # what was not measured now keeps its row, with the commit and the day that it is of
        kept = pd.read_csv(before, sep="\t")
        table = pd.concat([kept[~kept["what"].isin(table["what"])], table], ignore_index=True)
    page.publish(
        "lean",
        "What the workflow costs beside its work",
        "python -m benchmarks.lean OTHER [--what ...]",
        "Medians of rounds in which both builds took turns; `ratio`: of this build (`commit`) over the other one "
        "(`against`), or of the workflow over the same scripts in one process, with the least and the most of the "
        "rounds. A row is of the day that it names.",
        table,
    )


if __name__ == "__main__":
    main()
