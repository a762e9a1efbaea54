"""A large study on a small machine, unattended: ``make soak``, or ``python -m benchmarks.soak --tfs 4`` for a taste.

Simulated TFs in two assays, two negative sets, every kind of model, three seeds. Writes `soak.tsv` and `soak.md`: for
each rule its jobs, their time, the most memory that one held, and what of the time is start-up. All of it is read from
the study, so one that has ended is told again. Ends with 1 where a job held more than `--cap` MB.
"""

import argparse
import ast
import re
import resource
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import pandas as pd
import yaml

from benchmarks import growth, inputs, page, workflow

_DEMO = yaml.safe_load((inputs.REPO / "config.yaml").read_text())
# Short windows and the demo's few steps: what is asked is whether thousands of jobs end well, not how well they learn.
LENGTH = 51
CHANGED = {
    "negatives": {
        "standard": {"kind": {"chipseq": "dinucleotide", "htselex": "input"}},
        "shuffled": {"kind": "dinucleotide"},
    },
    "models": _DEMO["models"],
    "training": _DEMO["training"],
    "seeds": [0, 1, 2],
    "statistics": {},
}
#: Rules whose script has another name.
_SCRIPTS = {
    "extract_positives": "positives",
    "draw_negatives": "negatives",
    "audit_source": "audit",
    "audit": "audit_table",
    "report_page": "report",
}


#: What Python says of each import where `PYTHONPROFILEIMPORTTIME` is set: microseconds, those below it left out.
IMPORT = re.compile(r"^import time:\s+(\d+) \|", re.MULTILINE)


def start(rule: str) -> float:
    """Seconds of processor time that the imports take with which a rule's script begins."""
    tree = ast.parse((inputs.REPO / "workflow" / "scripts" / f"{_SCRIPTS.get(rule, rule)}.py").read_text())
    lines = "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom)))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", lines], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def jobs(folder: Path) -> pd.DataFrame:
    """One row per job: its rule, seconds on the wall, the most memory in MB, seconds of the imports after its start."""
    found = []
    for path in sorted((folder / "logs").rglob("*.tsv")):
        row = pd.read_csv(path, sep="\t", na_values="-").iloc[-1]
        rule = path.relative_to(folder / "logs").parts[0].removesuffix(".tsv")
        log = path.with_suffix(".log")
        later = sum(map(int, IMPORT.findall(log.read_text()))) / 1e6 if log.exists() else 0.0
        found.append({"rule": rule, "seconds": row["s"], "megabytes": row["max_rss"], "later": later})
    return pd.DataFrame(found)


def elapsed(folder: Path) -> float:
    """Seconds of Snakemake's runs that did a job, each from its start, the name of its log, to the log's last line."""
    logs = [log for log in (folder / ".snakemake" / "log").glob("*.log") if "%) done" in log.read_text()]
    began = [datetime.fromisoformat(log.name.removesuffix(".snakemake.log")).timestamp() for log in logs]
    return sum(log.stat().st_mtime for log in logs) - sum(began)


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tfs", type=int, default=50)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--cap", type=float, default=2000, help="MB that a job may hold at most")
    parser.add_argument("--folder", type=Path, help="keeps the study, and goes on with it; a temporary one by default")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = (arguments.folder or Path(name)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        growth.study(folder, arguments.tfs, LENGTH, **CHANGED)
        workflow.snakemake(folder, "--cores", arguments.cores, PYTHONPROFILEIMPORTTIME="1")
        found, wall, pages = jobs(folder), elapsed(folder), (folder / "results" / "report.html").stat().st_size
    by_rule = found.groupby("rule", sort=False)
    table = by_rule.agg(
        jobs=("seconds", "size"), seconds=("seconds", "sum"), megabytes=("megabytes", "max"), start=("later", "sum")
    )
    table = table.reset_index()
    table["start"] += [start(rule) * count for rule, count in zip(table["rule"], table["jobs"], strict=True)]
    table = table.sort_values("seconds", ascending=False)
    print(table.to_string(index=False))
    most, share = table["megabytes"].max(), table[["seconds", "start"]].sum() / (arguments.cores * wall)
    page.publish(
        "soak",
        "A large study on a small machine",
        f"python -m benchmarks.soak --tfs {arguments.tfs} --cores {arguments.cores}",
        f"{arguments.tfs} TFs x 2 assays (500 peaks of {LENGTH} bp, 1,000 reads of 20 bp) x 2 negative sets, "
        f"{len(_DEMO['models'])} labels of models, 3 seeds: "
        f"{len(found)} jobs in {wall / 60:.3g} min on {arguments.cores} cores. Of the time of the cores, jobs fill "
        f"{share['seconds']:.0%}; the rest is Snakemake itself, and a core without a job to do. Imports are "
        f"{share['start'] / share['seconds']:.0%} of the jobs' time. The most memory that a job held: "
        f"{most:.0f} MB, cap {arguments.cap:.0f} MB. The report: {pages / 1e6:.2g} MB.\n\n"
        "`seconds`: of all jobs of a rule, on the wall; `megabytes`: the most that one of them held (Snakemake's "
        "`benchmark:`); `start`: seconds for the imports of these jobs, at their beginning and later.",
        table,
    )
    if most > arguments.cap:
        sys.exit(f"a job held {most:.0f} MB, more than {arguments.cap:.0f} MB")


if __name__ == "__main__":
    main()
