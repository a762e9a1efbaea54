"""What the contestants work on: the real study's public files where the point allows, else simulated ones."""

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna, seeding
from tfbind.io import download, genome, paths
from tfbind.sequences import negatives
from tfbind.sequences import positives as of_row
from tfbind.study import config
from tfbind.study.study import Study

REPO = Path(__file__).parents[1]
FOLDER = Path(tempfile.gettempdir()) / f"tfbind-bench-{os.getuid()}"


@cache
def study_of_real_data() -> Study:
    """The study of `make real`."""
    return config.load(REPO / "resources" / "real" / "config.yaml")


def row(dataset: str) -> dict[str, str]:
    """A row of the real study, its files fetched."""
    found = dict(study_of_real_data().datasets[dataset])
    for column in paths.PATHS:
        if found[column]:
            place = FOLDER / paths.local(found[column])
            if not place.exists():
                download.fetch(found[column], found[paths.checksum_column(column)], place)
            found[column] = str(place)
    return found


@cache
def positives(dataset: str) -> pd.DataFrame:
    """The bound sequences of a dataset of the real study."""
    options = {**study_of_real_data().config["sequence"], "split": study_of_real_data().config["split"]}
    table, _ = of_row.positives(row(dataset), **options, rng=np.random.default_rng(0))
    return table


def tables(dataset: str, seeds: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positives and negatives of a dataset as the workflow makes them, label `standard`, for so many seeds."""
    about, study = row(dataset), study_of_real_data()
    options = {"length": study.config["sequence"]["length"], "split": study.config["split"]}
    label = study.config["negatives"]["standard"]
    bound, _ = of_row.positives(
        about, **options, limit=study.config["sequence"]["limit"], rng=seeding.generator("positives", dataset)
    )
    provided, _ = of_row.unbound(about, "provided", **options, limit=None, rng=seeding.generator("provided", dataset))
    unbound, _ = negatives.draw(
        dataset,
        bound,
        study.kinds("standard", about["assay"]),
        seeding.generator("negatives", dataset, "standard"),
        ratio=label["ratio"],
        draws=seeds if label["fresh"] else 1,
        unbound={"provided": provided},
    )
    return bound, unbound


def fastq(dataset: str, copies: int) -> Path:
    """The reads of a dataset of the real study, so many times one after the other, gzipped."""
    path = FOLDER / f"{dataset}x{copies}.fastq.gz"
    if not path.exists():
        path.write_bytes(Path(row(dataset)["path"]).read_bytes() * copies)
    return path


@cache
def examples(dataset: str, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (rows, L) and labels (rows,): bound sequences of the real study and their shuffles, in random order."""
    rng = np.random.default_rng(0)
    bound = positives(dataset)
    bound = bound.iloc[rng.choice(len(bound), rows // 2, replace=len(bound) < rows // 2)].reset_index(drop=True)
    bound["id"] = [f"p{i}" for i in range(len(bound))]
    shuffled, _ = negatives.dinucleotide(bound, rng)
    tokens = dna.encode([*bound["sequence"], *shuffled["sequence"]])
    labels = np.repeat(np.float32([1, 0]), [len(bound), len(shuffled)])
    order = rng.permutation(len(labels))
    return tokens[order], labels[order]


@cache
def simulated_genome(chromosomes: int = 5, length: int = 10_000_000) -> genome.Genome:
    """A random FASTA with a GC landscape and unknown ends, indexed."""
    path = FOLDER / f"simulated_{chromosomes}x{length}.fa"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        raw = path.with_suffix(".raw")
        with open(raw, "wb") as out:
            for i in range(chromosomes):
                gc = np.repeat(np.clip(rng.normal(0.42, 0.06, length // 1000), 0.2, 0.8), 1000)
                strong, first = rng.random(length) < gc, rng.random(length) < 0.5
                text = np.where(strong, np.where(first, *b"GC"), np.where(first, *b"AT")).astype(np.uint8)
                text[:10_000] = ord("N")
                lines = np.full((length // 60, 61), ord("\n"), np.uint8)
                lines[:, :60] = text[: length // 60 * 60].reshape(-1, 60)
                out.write(f">chr{i + 1}\n".encode() + lines.tobytes())
        genome.index(raw, path)
        raw.unlink()
    return genome.Genome(path)


def loci(reference: genome.Genome, rows: int, length: int = 101) -> pd.DataFrame:
    """Random windows `chrom`, `start`, `end` away from the ends, in random order."""
    rng = np.random.default_rng(1)
    names = rng.choice(list(reference.lengths), rows)
    sizes = np.array([reference.lengths[name] for name in names])
    start = rng.integers(20_000, sizes - 20_000)
    return pd.DataFrame({"chrom": names, "start": start, "end": start + length})
