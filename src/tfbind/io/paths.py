"""Where files are: those that a sheet names, downloads, what the simulation writes, what another program gives."""

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Columns of the sheet that name a file; each has its `*sha256` column.
PATHS = ("path", "test_path", "negatives_path", "test_negatives_path", "input_path", "relaxed_path")
TFS = ("USF1", "GATA3", "CTCF")
#: Cells, and the factor whose motif opens chromatin there.
COFACTORS = {"k562": "FOS::JUN", "hepg2": "HNF4A"}
CYCLES = (1, 2, 3, 4)
#: Cells of the cell-type task: the format of their accessibility, and how many fragments were sequenced.
CELLS = {"k562": ("bw", 300_000), "hepg2": ("bam", 240_000), "h1": ("tsv.gz", 360_000)}


def scores_file(source: str, negatives: str, target: str, test_negatives: str) -> str:
    """Where a program puts the scores of one target's test rows, relative to the `path` of its label."""
    return f"{source}/{negatives}/{target}.{test_negatives}.tsv"


def simulated(tfs: Sequence[str] = TFS) -> list[str]:
    """Names of all files that `simulate.study` writes, relative to its folder."""
    peaks = [f"{tf}_{cell}.narrowPeak" for tf, cell in chips(tfs)]
    reads = [f"{tf}_selex_{cycle}.fastq.gz" for tf in tfs for cycle in CYCLES]
    fixed = ["genome.fa", "blacklist.bed", "selex_0.fastq.gz", "config.yaml", "datasets.tsv", "truth.json"]
    cells = [path for _, _, _, path in cell_files(tfs)] + ["genes.gtf", "cells.tsv", "truth_bins.parquet"]
    return sorted(peaks + reads + fixed + cells)


def chips(tfs: Sequence[str]) -> list[tuple[str, str]]:
    """TF and cell of each simulated ChIP-seq experiment."""
    first, *rest = COFACTORS
    return [(tfs[0], first), *((tfs[0], cell) for cell in rest), *((tf, first) for tf in tfs[1:])]


def cell_files(tfs: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Cell, kind, factor and name of every file of the sheet of cells."""
    rows = []
    for cell, (suffix, _) in CELLS.items():
        rows.append((cell, "accessibility", "", f"open_{cell}.{suffix}"))
        rows.append((cell, "accessibility_peaks", "", f"open_{cell}.bed"))
        rows.append((cell, "expression", "", f"rna_{cell}.tsv"))
        for tf in tfs:
            rows += [(cell, what, tf, f"{tf}_{cell}_{what}.narrowPeak") for what in ("conservative", "relaxed")]
    return rows


def checksum_column(path_column: str) -> str:
    """`test_path` -> `test_sha256`, `path` -> `sha256`."""
    return path_column.removesuffix("path") + "sha256"


def is_url(source: str) -> bool:
    """Whether a source is to be fetched rather than read in place."""
    return source.startswith(("https://", "http://", "ftp://"))


def local(source: str) -> str:
    """Where a URL is fetched to, relative to the working directory; a path is returned as it is."""
    if not is_url(source):
        return source
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", Path(unquote(urlsplit(source).path)).name)[-100:].lstrip(".") or "file"
    return f"resources/downloads/{hashlib.sha256(source.encode()).hexdigest()[:12]}/{name}"


def cache() -> Path:
    """The folder in which downloads are kept."""
    if folder := os.environ.get("TFBIND_CACHE"):
        return Path(folder)
    import pooch  # loads the HTTP library

    return Path(pooch.os_cache("tfbind"))


def cached_copy(url: str, checksum: str) -> Path:
    """Where the cache keeps the content of a URL that has a checksum, or has none (``''``)."""
    return cache() / hashlib.sha256(url.encode()).hexdigest()[:12] / (checksum.replace(":", "-") or "unverified")


def fetched(url: str, checksum: str = "", path: str | os.PathLike = "") -> tuple[int, str] | None:
    """Size in bytes and day (``2026-11-30``, UTC) of the download of a URL: of the cached copy, else of `path`.

    None where neither is there. Without a checksum a URL is fetched once, so the day says of which day its content is.
    """
    for copy in (cached_copy(url, checksum), *([Path(path)] if path else [])):
        if copy.is_file():
            about = copy.stat()
            return about.st_size, datetime.fromtimestamp(about.st_mtime, UTC).date().isoformat()
    return None
