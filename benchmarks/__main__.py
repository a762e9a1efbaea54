"""Run the benchmarks and write `results.tsv` and `results.md` beside this file.

``python -m benchmarks [WORD ...]`` runs the cases whose name or peer holds a word, and writes nothing.
"""

import datetime
import importlib
import os
import platform
import sys
from pathlib import Path

import numpy as np
import pandas as pd

MODULES = ("sequences", "motifs", "ranking", "networks", "signal")
HERE = Path(__file__).parent


def main(words: list[str]) -> None:
    """Run, print, and write the whole table where nothing was left out."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks import race
    from tfbind import models

    for module in MODULES:
        importlib.import_module(f"benchmarks.{module}")
    rows = []
    for case in race.CASES:
        if words and not any(word in f"{case.name} {case.against}" for word in words):
            continue
        models.one_thread()  # a library may have set it back
        try:
            ratios = race.race(case)
        except ImportError as error:
            sys.exit(f"{case.against}: {error.name} is not installed; run: make bench")
        row = {"name": case.name, "against": case.against, "goal": case.goal, "ratio": float(np.median(ratios))}
        rows.append(row | {"low": float(ratios.min()), "high": float(ratios.max())})
        print(
            "{ratio:7.1f}  ({low:.1f} to {high:.1f}, goal {goal:g})  {name} | {against}".format(**rows[-1]), flush=True
        )
    if not words:
        table = pd.DataFrame(rows)
        table.to_csv(HERE / "results.tsv", sep="\t", index=False, float_format="%.4g")
        (HERE / "results.md").write_text(page(table))
    missed = [row["name"] for row in rows if row["ratio"] < row["goal"]]
    if missed:
        sys.exit(f"{len(missed)} of {len(rows)} goals missed: {'; '.join(missed)}")


def page(table: pd.DataFrame) -> str:
    """The table for readers."""
    lines = [
        "# How fast, beside its peers",
        "",
        f"Made by `make bench` on {datetime.date.today()}: {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}. Ratio of items per second, ours over the peer's: the median of rounds in "
        "which both sides take turns in one process, one torch thread, with the lowest and the highest round.",
        "",
        "| what | against | goal | ratio (lowest to highest) |",
        "| --- | --- | --- | --- |",
    ]
    for row in table.itertuples():
        lines.append(
            f"| {row.name} | {row.against} | {row.goal:g} | {row.ratio:.1f} ({row.low:.1f} to {row.high:.1f}) |"
        )
    return "\n".join(lines) + "\n"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


main(sys.argv[1:])
