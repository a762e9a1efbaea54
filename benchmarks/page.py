"""A table of numbers and the page that shows it, with the machine that they come from."""

import datetime
import os
import platform
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent


def made(command: str) -> str:
    """How, when and on what a page was made."""
    return (
        f"Made by `{command}` on {datetime.date.today()}: {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}."
    )


def publish(name: str, title: str, command: str, text: str, table: pd.DataFrame) -> None:
    """Write `{name}.tsv` and `{name}.md` beside this file."""
    table.to_csv(HERE / f"{name}.tsv", sep="\t", index=False, float_format="%.6g")
    (HERE / f"{name}.md").write_text(f"# {title}\n\n{made(command)}\n\n{text}\n\n{markdown(table)}")


def markdown(table: pd.DataFrame) -> str:
    """A table for readers."""
    rows = [table.columns, ["---"] * table.shape[1]]
    for row in table.itertuples(index=False):
        rows.append(["" if pd.isna(value) else f"{value:.4g}" if isinstance(value, float) else value for value in row])
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
