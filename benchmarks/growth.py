"""Time and memory against the number of sequences and of TFs: ``python -m benchmarks.growth``.

Each stage handles 10^3 to 10^6 simulated sequences, each time in a process of its own; the workflow runs whole on
simulated TFs and is planned (``snakemake -n``) on more. Writes `growth.tsv`, `growth.md` and `docs/growth.svg`.
"""

import argparse
import gzip
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import yaml

from benchmarks import inputs, page, workflow
from tfbind import dna
from tfbind.io import tables
from tfbind.models import predict, training
from tfbind.sequences import negatives
from tfbind.sequences import positives as of_row
from tfbind.study import schema

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LENGTH = 101
_SETTINGS = {"epochs": 1, "patience": 1, "steps": 0, "batch_size": 1024, "learning_rate": 1e-3, "weight_decay": 0.01}
_SPLIT = {"validation": ["chr4"], "test": ["chr5"], "validation_fraction": 0.1, "test_fraction": 0.1}


def _sheet_row(**fields: str) -> dict[str, str]:
    columns = schema.schema("datasets")["properties"]
    return dict.fromkeys(columns, "") | {"dataset": "d", "tf": "T"} | fields


def _sequences(rows: int, split: str = "") -> pd.DataFrame:
    # Random sequences as a table of positives.
    rng = np.random.default_rng(0)
    letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, rows * LENGTH)]
    sequence = dna.column(letters, np.arange(0, rows * LENGTH + 1, LENGTH))
    chosen = split or np.where(np.arange(rows) % 10, "train", "validation")
    return tables.sequences(id=[f"s{i}" for i in range(rows)], sequence=sequence, label=1, split=chosen, origin="")


def extraction(rows: int, folder: Path) -> Callable[[], object]:
    """Peaks of a 50-Mb genome: read, cut out, repeats dropped, split."""
    reference = inputs.simulated_genome()
    path = folder / "peaks.bed"
    inputs.loci(reference, rows).to_csv(path, sep="\t", header=False, index=False)
    row = _sheet_row(assay="chipseq", path=str(path), format="bed", genome="simulated")
    rng = np.random.default_rng(0)
    return lambda: of_row.positives(row, length=LENGTH, split=_SPLIT, limit=None, genome=reference, rng=rng)


def reading(rows: int, folder: Path) -> Callable[[], object]:
    """Reads of 40 bp of a gzipped FASTQ: read, repeats dropped, split."""
    rng = np.random.default_rng(0)
    path = folder / "reads.fastq.gz"
    with gzip.open(path, "wb", 1) as out:
        for start in range(0, rows, 10_000):
            letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, (min(10_000, rows - start), 40))]
            out.write(b"".join(b"@r\n%s\n+\n%s\n" % (line.tobytes(), b"I" * 40) for line in letters))
    row = _sheet_row(assay="htselex", path=str(path), format="fastq")
    return lambda: of_row.positives(row, length=LENGTH, split=_SPLIT, limit=None, rng=rng)


def shuffling(rows: int, folder: Path) -> Callable[[], object]:
    """Dinucleotide shuffles as negatives."""
    bound = _sequences(rows)
    return lambda: negatives.draw("d", bound, ["dinucleotide"], np.random.default_rng(0))


def train(rows: int, folder: Path) -> Callable[[], object]:
    """One epoch of `deepbind`, its validation and its files."""
    bound, unbound = _sequences(rows // 2), _sequences(rows - rows // 2).assign(label=0)
    return lambda: training.fit("deepbind", {}, bound, unbound, [0], _SETTINGS, folder, {})


def scoring(rows: int, folder: Path) -> Callable[[], object]:
    """The table of predictions of one `deepbind`."""
    train(1_000, folder)()
    table = _sequences(rows, "test")
    return lambda: predict.predict(folder, {"t": (table, {})})


def regression(rows: int, folder: Path) -> Callable[[], object]:
    """The table of predictions of the motif regression."""
    from tfbind.models import baseline

    bound, unbound = _sequences(500), _sequences(600)[500:].assign(label=0)
    baseline.fit("regression", {"strengths": [0.01]}, bound, unbound, 0, folder)
    table = _sequences(rows, "test")
    return lambda: predict.predict(folder, {"t": (table, {})})


#: Stage -> a function that prepares it for so many sequences and returns the work to be measured.
STAGES = {
    "peaks to table": extraction,
    "reads to table": reading,
    "negatives": shuffling,
    "training, one epoch": train,
    "scoring": scoring,
    "scoring by regression": regression,
}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MB


def measure(stage: str, rows: int) -> dict[str, float]:
    """Seconds of processor time of a stage, and by how many MB it raised the most memory that the process held."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "warm").mkdir()
        STAGES[stage](1_000, Path(name) / "warm")()  # compiles and loads what is loaded once
        work = STAGES[stage](rows, Path(name))
        before, start = _peak(), time.process_time()
        work()
        return {"seconds": time.process_time() - start, "megabytes": _peak() - before}


def study(folder: Path, tfs: int, length: int = LENGTH, **config: object) -> None:
    """TFs with 500 peaks of `length` bp and 1,000 reads of 20 bp each, an 8-mer planted in both, on either strand.

    `config` changes keys of a small config.
    """
    rng = np.random.default_rng(0)

    def planted(rows: int, length: int, site: np.ndarray | None) -> list[str]:
        tokens = rng.integers(0, 4, (rows, length), dtype=np.uint8)
        if site is not None:
            start = rng.integers(0, length - 7, rows)
            tokens[np.arange(rows)[:, None], start[:, None] + np.arange(8)] = site
            turned = rng.random(rows) < 0.5
            tokens[turned] = 3 - tokens[turned, ::-1]
        return dna.decode(tokens)

    def fastq(path: Path, reads: list[str]) -> None:
        path.write_text("".join(f"@{i}\n{read}\n+\n{'I' * len(read)}\n" for i, read in enumerate(reads)))

    fastq(folder / "initial.fastq", planted(2000, 20, None))
    lines = ["dataset\ttf\tassay\tpath\tcycle\tinput_path"]
    for i in range(tfs):
        site = rng.integers(0, 4, 8, dtype=np.uint8)
        peaks = planted(500, length, site)
        (folder / f"{i}.fa").write_text("".join(f">{j}\n{text}\n" for j, text in enumerate(peaks)))
        fastq(folder / f"{i}.fastq", planted(1000, 20, site))
        lines.append(f"T{i}_chip\tT{i}\tchipseq\t{i}.fa\t\t")
        lines.append(f"T{i}_selex\tT{i}\thtselex\t{i}.fastq\t4\tinitial.fastq")
    (folder / "datasets.tsv").write_text("\n".join(lines) + "\n")
    settings = {
        "datasets": "datasets.tsv",
        "sequence": {"length": length},
        "negatives": {"standard": {"kind": {"chipseq": "dinucleotide", "htselex": "input"}}},
        "models": {
            "deepbind": {"kind": "deepbind"},
            "deepbind_scan": {"trained_as": "deepbind", "reading": "scan"},
            "composition": {"kind": "composition"},
        },
        "training": {"epochs": 2, "steps": 0},
        "seeds": [0, 1],
        "statistics": {"resamples": 200},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings | config))


def plot(table: pd.DataFrame, path: Path) -> None:
    """Time and memory of each stage against the sequences, on logarithmic axes from 10 ms and 1 MB up."""
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.hashsalt"] = "tfbind"
    figure = Figure((9, 4), layout="constrained")
    for axis, column, unit, least in zip(
        figure.subplots(1, 2), ("seconds", "megabytes"), ("s", "MB"), (0.01, 1), strict=True
    ):
        for stage, part in table.groupby("stage", sort=False):
            axis.plot(part["count"], part[column].clip(lower=least), "o-", label=stage)
        first = np.array([table["count"].min(), table["count"].max()])
        axis.plot(first, first / first[0] * least, ":", color="grey", label="linear")
        axis.set(xscale="log", yscale="log", xlabel="sequences", ylabel=f"{column} ({unit})")
        axis.spines[["top", "right"]].set_visible(False)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=SIZES[-1], help="sequences at most")
    parser.add_argument("--measured", type=int, nargs="*", default=[1, 10], help="TFs of the runs that are measured")
    parser.add_argument("--planned", type=int, nargs="*", default=[1, 10, 100], help="TFs of those that are planned")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]))))
        return
    rows = []

    def add(stage: str, what: str, count: int, seconds: float, megabytes: float | None, jobs: int | None) -> None:
        rows.append(dict(stage=stage, what=what, count=count, seconds=seconds, megabytes=megabytes, jobs=jobs))
        print(*rows[-1].values(), sep="\t", flush=True)

    for stage in STAGES:
        for count in SIZES:
            if count <= arguments.most:
                command = [sys.executable, "-m", "benchmarks.growth", "--one", stage, str(count)]
                done = subprocess.run(command, cwd=inputs.REPO, check=True, stdout=subprocess.PIPE, text=True)
                found = json.loads(done.stdout.splitlines()[-1])
                add(stage, "sequences", count, found["seconds"], found["megabytes"], None)
    for stage, counts, options in (
        ("workflow, planned", arguments.planned, ["--dry-run", "--quiet", "rules"]),
        ("workflow, run", arguments.measured, ["--cores", 1]),
    ):
        for count in counts:
            with tempfile.TemporaryDirectory() as name:
                study(Path(name), count)
                run = workflow.snakemake(Path(name), *options)
            add(stage, "TFs", count, run.processor, None, run.jobs)
    table = pd.DataFrame(rows).astype({"jobs": "Int64"})
    stages = table[table["what"] == "sequences"]
    plot(stages, inputs.REPO / "docs" / "growth.svg")
    page.publish(
        "growth",
        "Time and memory against size",
        " ".join(["python -m benchmarks.growth", *sys.argv[1:]]),
        said(table),
        table,
    )


def said(table: pd.DataFrame) -> str:
    """The table in words: what the last tenfold costs, and how long the largest plan would take."""
    last = table[table["what"] == "sequences"].groupby("stage", sort=False).tail(2).groupby("stage", sort=False)
    per = "; ".join(f"{stage} {part['seconds'].iloc[1] / part['seconds'].iloc[0]:.1f}" for stage, part in last)
    text = (
        "`seconds`: of processor time, one thread, without start-up; `megabytes`: by how much the most memory ever "
        "held rose above what the process held with its input. For the workflow: whole, all processes together, two "
        "sets and three models a TF; `planned` is `snakemake -n`. For the last tenfold of the sequences the time "
        f"rises, by stage: {per}."
    )
    run, planned = (table[table["stage"] == f"workflow, {how}"].tail(1) for how in ("run", "planned"))
    if len(run) and len(planned):
        run, planned = run.iloc[0], planned.iloc[0]
        job = run["seconds"] / run["jobs"]
        text += (
            f" Of {run['count']} TFs, a job takes {job:.1f} s of a core, start-up included; the {planned['jobs']} "
            f"jobs of {planned['count']} TFs, planned in {planned['seconds']:.0f} s and not run, would take "
            f"{planned['jobs'] * job / 3600:.1f} hours of one."
        )
    return f"{text}\n\n![time and memory against the number of sequences](../docs/growth.svg)"


if __name__ == "__main__":
    main()
