"""What a second core is worth to the workflow: ``python -m benchmarks.cores [ROUNDS]``.

PyTorch takes all cores for each process unless told otherwise, and two processes of two threads on two cores spend
their time waiting for each other. A reduced simulated study, from its files to its report, runs with one and with two
cores in turn, each from the start; writes `cores.tsv` and `cores.md`. Needs two idle cores.
"""

import os
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from benchmarks import page, workflow
from tfbind.simulation import simulate

GOAL = 1.7


def study(folder: Path) -> None:
    """Two TFs in five sets, two networks and two baselines each, trained for less than a demo."""
    simulate.study(folder, tfs=("USF1", "GATA3"))
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["training"] = {"steps": 200}
    config["statistics"]["resamples"] = 500
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def main(rounds: int) -> None:
    """Run, print and write the table."""
    rows = []
    for number in range(1, rounds + 1):
        for cores in (1, 2) if number % 2 else (2, 1):
            with tempfile.TemporaryDirectory() as name:
                study(Path(name))
                load = os.getloadavg()[0]
                run = workflow.snakemake(Path(name), "--cores", cores)
            measured = {"seconds": run.seconds, "processor": run.processor, "jobs": run.jobs}
            rows.append({"round": number, "cores": cores, **measured, "load before": load})
            print("round {round} cores {cores}: {seconds:.0f} s, {jobs} jobs".format(**rows[-1]), flush=True)
    table = pd.DataFrame(rows)
    seconds = table.pivot(index="round", columns="cores", values="seconds")
    ratio = seconds[1] / seconds[2]
    page.publish(
        "cores",
        "What a second core is worth",
        "python -m benchmarks.cores",
        f"A simulated study of {table['jobs'].iloc[0]} jobs, from its files to its report, with `--cores 1` and "
        f"`--cores 2` in turn. Ratio of the times: {ratio.median():.2f} ({ratio.min():.2f} to {ratio.max():.2f}; goal "
        f"{GOAL}). `processor`: seconds of all jobs together; `load before`: what else the machine was doing (the "
        "average number of running processes in the minute before).",
        table,
    )
    if ratio.median() < GOAL:
        sys.exit(f"two cores are worth {ratio.median():.2f}, not {GOAL}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
