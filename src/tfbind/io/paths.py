"""Paths of files: those that a sheet names, downloads, files of the simulation, scores of other programs."""

import hashlib
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import platformdirs

#: Columns of the sheet that name a file; each has its `*sha256` column.
PATHS = ("path", "test_path", "negatives_path", "test_negatives_path", "input_path", "relaxed_path")
TFS = ("USF1", "GATA3", "CTCF")
#: Simulated cells, and the TF whose motif opens chromatin there.
COFACTORS = {"k562": "FOS::JUN", "hepg2": "HNF4A"}
CYCLES = (1, 2, 3, 4)
#: Simulated cells of the cell-type task: file suffix of the accessibility, and number of fragments sequenced.
CELLS = {"k562": ("bw", 300_000), "hepg2": ("bam", 240_000), "h1": ("tsv.gz", 360_000)}


def scores_file(source: str, negatives: str, target: str, test_negatives: str) -> str:
    """Path of the file in which another program writes its scores of one target's test sequences.

    Parameters
    ----------
    source : str
        Dataset that the program was trained on.
    negatives : str
        Label of the negatives that it was trained with.
    target : str
        Dataset that it scores.
    test_negatives : str
        Label of the target's negatives.

    Returns
    -------
    str
        Relative to the `path` of the model's label in the config.
    """
    return f"{source}/{negatives}/{target}.{test_negatives}.tsv"


def simulated(tfs: Sequence[str] = TFS) -> list[str]:
    """Names of all files that `simulate.study` writes, relative to its folder, sorted."""
    peaks = [f"{tf}_{cell}.narrowPeak" for tf, cell in chips(tfs)]
    reads = [f"{tf}_selex_{cycle}.fastq.gz" for tf in tfs for cycle in CYCLES]
    fixed = ["genome.fa", "blacklist.bed", "selex_0.fastq.gz", "config.yaml", "datasets.tsv", "truth.json"]
    cells = [path for _, _, _, path in cell_files(tfs)] + ["genes.gtf", "cells.tsv", "truth_bins.parquet"]
    return sorted(peaks + reads + fixed + cells)


def chips(tfs: Sequence[str]) -> list[tuple[str, str]]:
    """TF and cell of each simulated ChIP-seq experiment: the first TF in every cell, the others in the first cell."""
    first, *rest = COFACTORS
    return [(tfs[0], first), *((tfs[0], cell) for cell in rest), *((tf, first) for tf in tfs[1:])]


def cell_files(tfs: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Cell, kind of file, TF ('' where it is of no TF) and file name of each row of the simulated sheet of cells."""
    rows = []
    for cell, (suffix, _) in CELLS.items():
        rows.append((cell, "accessibility", "", f"open_{cell}.{suffix}"))
        rows.append((cell, "accessibility_peaks", "", f"open_{cell}.bed"))
        rows.append((cell, "expression", "", f"rna_{cell}.tsv"))
        for tf in tfs:
            rows += [(cell, what, tf, f"{tf}_{cell}_{what}.narrowPeak") for what in ("conservative", "relaxed")]
    return rows


def checksum_column(path_column: str) -> str:
    """The sheet's checksum column of a path column: `test_path` -> `test_sha256`, `path` -> `sha256`."""
    return path_column.removesuffix("path") + "sha256"


def is_url(source: str) -> bool:
    """Whether a source has to be downloaded: it begins with https, http or ftp."""
    return source.startswith(("https://", "http://", "ftp://"))


def local(source: str) -> str:
    """Path that a URL is downloaded to, relative to the working directory; a path is returned unchanged."""
    if not is_url(source):
        return source
    name = re.sub(r"[^A-Za-z0-9_.-]+", "_", Path(unquote(urlsplit(source).path)).name)[-100:].lstrip(".") or "file"
    return f"resources/downloads/{hashlib.sha256(source.encode()).hexdigest()[:12]}/{name}"


def cache() -> Path:
    """The folder that downloads are kept in: `TFBIND_CACHE`, by default the user's cache folder."""
    if folder := os.environ.get("TFBIND_CACHE"):
        return Path(folder)
    return platformdirs.user_cache_path("tfbind")


def cached_copy(url: str, checksum: str) -> Path:
    """Path of the content of a URL in the cache, there or not.

    Parameters
    ----------
    url : str
    checksum : str
        SHA-256, or `md5:` and an MD5; '' for content that is not verified.

    Returns
    -------
    Path
    """
    return cache() / hashlib.sha256(url.encode()).hexdigest()[:12] / (checksum.replace(":", "-") or "unverified")


def fetched(url: str, checksum: str = "", path: str | os.PathLike = "") -> tuple[int, str] | None:
    """Size and date of the download of a URL.

    Without a checksum a URL is downloaded only once, so the date is that of its content.

    Parameters
    ----------
    url : str
    checksum : str
        SHA-256, or `md5:` and an MD5; '' for content that is not verified.
    path : path
        A copy to look at if the cache has none; '' for no other.

    Returns
    -------
    tuple of (int, str) or None
        Bytes, and the day in UTC (``2026-11-30``) from the copy's time of change. None if neither copy is there.
    """
    for copy in (cached_copy(url, checksum), *([Path(path)] if path else [])):
        if copy.is_file():
            about = copy.stat()
            return about.st_size, datetime.fromtimestamp(about.st_mtime, UTC).date().isoformat()
    return None
