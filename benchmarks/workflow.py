"""The workflow run from outside, as a user does it."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.inputs import REPO

_SNAKEMAKE = Path(sys.executable).parent / "snakemake"


class Run(NamedTuple):
    """How long a run took, and what Snakemake said of its plan.

    Attributes
    ----------
    seconds : float
        On the wall.
    processor : float
        Of the processor, all jobs together.
    jobs : int
    said : str
        All that Snakemake printed.
    """

    seconds: float
    processor: float
    jobs: int
    said: str


def snakemake(folder: Path, *arguments: str | int, **variables: str) -> Run:
    """Run ``config.yaml`` of `folder`, in `folder`; one thread a job, with `variables` of the environment."""
    command: Sequence[str] = [_SNAKEMAKE, "--configfile", folder / "config.yaml", "--directory", folder, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(list(map(str, command)), cwd=REPO, env=environment, capture_output=True, text=True)
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"snakemake ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    said = done.stdout + done.stderr
    totals = [line.split() for line in said.splitlines() if line.startswith("total ")]
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, processor, int(totals[0][1]) if totals else 0, said)
