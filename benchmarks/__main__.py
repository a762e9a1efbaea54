"""Run the benchmarks and write `results.tsv` and `results.md` beside this file.

``python -m benchmarks [WORD ...]`` runs the cases whose name or peer holds a word, and writes nothing.
"""

import importlib
import os
import sys

import numpy as np
import pandas as pd

MODULES = ("sequences", "motifs", "ranking", "networks", "signal", "probes")


def main(words: list[str]) -> None:
    """Run, print, and write the whole table where nothing was left out."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from benchmarks import page, race
    from tfbind.models import networks

    for module in MODULES:
        importlib.import_module(f"benchmarks.{module}")
    rows = []
    for case in race.CASES:
        if words and not any(word in f"{case.name} {case.against}" for word in words):
            continue
        networks.one_thread()  # a library may have set it back
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
        table.to_csv(page.HERE / "results.tsv", sep="\t", index=False, float_format="%.4g")
        (page.HERE / "results.md").write_text(
            f"# How fast, beside its peers\n\n{page.made('make bench')} Ratio of items per second, ours over the "
            "peer's: the median of rounds in which both sides take turns in one process, one torch thread, with the "
            f"lowest and the highest round.\n\n{page.markdown(shown(table))}"
        )
    missed = [row["name"] for row in rows if row["ratio"] < row["goal"]]
    if missed:
        sys.exit(f"{len(missed)} of {len(rows)} goals missed: {'; '.join(missed)}")


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The table for readers."""
    spread = [f"{row.ratio:.1f} ({row.low:.1f} to {row.high:.1f})" for row in table.itertuples()]
    columns = {"name": "what", "against": "against", "goal": "goal"}
    return table.rename(columns=columns)[list(columns.values())].assign(**{"ratio (lowest to highest)": spread})


main(sys.argv[1:])
