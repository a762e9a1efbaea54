"""Jobs and submissions to a cluster against the number of TFs: ``python -m benchmarks.cluster``.

Studies of `benchmarks.growth` (two datasets, one network, the floor and three labels a TF) are planned with the slurm
profile. Writes `cluster.tsv` and `cluster.md`; needs no cluster.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import pandas as pd

from benchmarks import growth, page, workflow

_SUBMITTED = re.compile(r"^(?:\[[^]]+\] Group job \w+|rule (?!all:)\w+:)", re.MULTILINE)


def measure(tfs: int) -> dict[str, float]:
    """Counts of one study, and the seconds of processor time of its plan and of the start of one of its jobs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        growth.study(folder, tfs)
        planned = workflow.snakemake(folder, "--workflow-profile", "profiles/slurm", "--dry-run", "--printshellcmds")
        one = workflow.snakemake(folder, "--cores", 1, "--dry-run", "results/positives/T0_chip.parquet")
    submissions = len(_SUBMITTED.findall(planned.said))
    return {
        "TFs": tfs,
        "jobs": planned.jobs,
        "submissions": submissions,
        "planning": planned.processor,
        "start": one.processor,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tfs", type=int, nargs="*", default=[1, 10, 100, 1000])
    rows = []
    for tfs in parser.parse_args().tfs:
        rows.append(measure(tfs))
        print(*rows[-1].values(), sep="\t", flush=True)
    page.publish(
        "cluster",
        "Jobs and submissions to a cluster",
        " ".join(["python -m benchmarks.cluster", *sys.argv[1:]]),
        "`jobs`: of the workflow; `submissions`: to SLURM, with the groups of `profiles/slurm`. `planning`: seconds of "
        "processor time until the first submission; `start`: the same for one job, which reads the study anew.",
        pd.DataFrame(rows),
    )


if __name__ == "__main__":
    main()
