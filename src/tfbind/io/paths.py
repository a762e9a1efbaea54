"""Paths of files: those that a sheet names, downloads, files of the simulation, scores of other programs."""

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

import platformdirs

from tfbind.assays import ASSAYS, IN_VIVO

#: Columns of the sheet that name a file; each has its `*sha256` column.
PATHS = ("path", "test_path", "negatives_path", "test_negatives_path", "input_path", "relaxed_path")
TFS = ("USF1", "GATA3", "CTCF")
#: Simulated cells, and the TF whose motif opens chromatin there.
COFACTORS = {"k562": "FOS::JUN", "hepg2": "HNF4A"}
CYCLES = (1, 2, 3, 4)
#: The assays of a simulated study that names none, the late cycle of SELEX-seq, and the array designs of a PBM.
SIMULATED, LATE, DESIGNS = ("chipseq", "htselex"), 3, ("A", "B")
#: What the names of simulated experiments hold beside TF and cell, where it is not the assay; and how the peaks of an
#: assay are written, where it is not narrowPeak: suffix and format.
_STEMS = {"chipseq": "", "htselex": "_selex"}
_PEAKS = {"chipexo": ("bed", "bed"), "cutandrun": ("seacr.bed", "peaks")}
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


def experiments(tfs: Sequence[str] = TFS, assays: Iterable[str] = SIMULATED, cycle: int = 3) -> list[dict[str, str]]:
    """The simulated experiments, as rows of a sheet.

    Parameters
    ----------
    tfs : sequence of str
    assays : iterable of str
        Keys of `assays.ASSAYS`; the rows are in the order there. In vivo the first TF is assayed in all cells, the
        others in the first cell. An assay that takes `bins` has a second experiment, of which these are written.
    cycle : int
        Of reads that have one file a cycle.

    Returns
    -------
    list of dict
        `dataset`, `tf`, `assay`, `path`, `format`, `cell`, `replicate`, `cycle`, `input_path` and `design`, each ''
        where the assay has none.
    """
    empty = dict.fromkeys(("format", "replicate", "cycle", "input_path", "design"), "")
    rows = []
    for assay in [assay for assay in ASSAYS if assay in set(assays)]:
        about, stem = ASSAYS[assay], _STEMS.get(assay, f"_{assay}")
        in_vivo = about.side == IN_VIVO
        for tf, cell in chips(tfs) if in_vivo else [(tf, "") for tf in tfs]:
            name = f"{tf}{stem}_{cell}" if cell else f"{tf}{stem}"
            row = empty | {"dataset": name, "tf": tf, "assay": assay, "cell": cell}
            if about.form == "peaks":
                suffix, layout = _PEAKS.get(assay, ("narrowPeak", ""))
                binned = not in_vivo and "bins" in about.formats
                rows.append(row | {"path": f"{name}.{suffix}", "format": layout, "replicate": "1" if binned else ""})
                bins = {"dataset": f"{name}_bins", "path": f"{name}_bins.tsv.gz", "format": "bins", "replicate": "2"}
                rows += [row | bins] if binned else []
            elif about.form == "intensities":
                for design in DESIGNS:
                    path = {"dataset": f"{name}_{design}", "path": f"{name}_{design}.tsv"}
                    rows.append(row | path | {"format": "probes", "design": design})
            elif assay == "selexseq":
                rows.append(row | {"path": f"{name}.tsv.gz", "format": "counts", "cycle": str(LATE)})
            elif about.cycles:
                path = {"path": f"{name}_{cycle}.fastq.gz", "cycle": str(cycle), "input_path": "selex_0.fastq.gz"}
                rows.append(row | path)
            else:
                rows.append(row | {"path": f"{name}.fastq.gz"})
    return rows


def simulated(tfs: Sequence[str] = TFS, assays: Iterable[str] = SIMULATED) -> list[str]:
    """Names of all files that `simulate.study` writes.

    Parameters
    ----------
    tfs : sequence of str
    assays : iterable of str
        Keys of `assays.ASSAYS`.

    Returns
    -------
    list of str
        Relative to its folder, sorted.
    """
    made = {
        row[column]
        for cycle in CYCLES
        for row in experiments(tfs, assays, cycle)
        for column in ("path", "input_path")
        if row[column]
    }
    fixed = ["genome.fa", "blacklist.bed", "config.yaml", "datasets.tsv", "truth.json"]
    cells = [path for _, _, _, path in cell_files(tfs)] + ["genes.gtf", "cells.tsv", "truth_bins.parquet"]
    return sorted([*made, *fixed, *cells])


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
