"""Intervals of tables: overlaps, the strongest of overlapping ones, blacklists. Coordinates are 0-based half-open."""

import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tfbind.errors import InputError, ResourceError
from tfbind.io import chromosomes, peaks
from tfbind.io.tally import Tally

if TYPE_CHECKING:
    import pybedtools


def together(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join several peak tables into one.

    Parameters
    ----------
    tables : sequence of DataFrame
        From `peaks.read_peaks`; at least one.

    Returns
    -------
    DataFrame
        All rows, numbered from 0. ``attrs["path"]`` lists all files, for messages.
    """
    whole = pd.concat(tables, ignore_index=True)
    whole.attrs["path"] = ", ".join(dict.fromkeys(table.attrs["path"] for table in tables))
    return whole


def overlapping(table: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Find the rows of a table that share at least one base with any row of another.

    Parameters
    ----------
    table, others : DataFrame
        Columns `chrom`, `start`, `end` (bp, 0-based half-open). Either may be empty.

    Returns
    -------
    (N,) bool
        One value for each row of `table`.

    Raises
    ------
    ResourceError
        bedtools is not installed.
    """
    hit = np.zeros(len(table), bool)
    if len(table) and len(others):
        import pybedtools

        found = _bed(table).intersect(_bed(others), u=True)
        hit[[int(interval.name) for interval in found]] = True
        pybedtools.cleanup()
    return hit


def strongest(table: pd.DataFrame) -> np.ndarray:
    """Choose among overlapping intervals those with the highest score, so that no two kept ones overlap.

    Intervals are taken from the highest score down, and each is kept unless it overlaps one that is kept already. So,
    if A overlaps B and B overlaps C, a kept A excludes B but not C.

    Parameters
    ----------
    table : DataFrame
        Columns `chrom`, `start`, `end` (bp, 0-based half-open) and `score`; NaN is the lowest score. Of equal scores
        the first in coordinate order is kept.

    Returns
    -------
    (N,) bool
        True for the rows to keep.

    Raises
    ------
    ResourceError
        bedtools is not installed.
    """
    keep = np.zeros(len(table), bool)
    if not len(table):
        return keep
    import pybedtools

    clusters: dict[str, list[int]] = {}
    for interval in _bed(table).sort().cluster():
        clusters.setdefault(interval.fields[-1], []).append(int(interval.name))
    pybedtools.cleanup()
    start, end = table["start"].to_numpy(), table["end"].to_numpy()
    score = table["score"].fillna(-np.inf).to_numpy(float)
    for rows in clusters.values():
        kept: list[int] = []
        for row in sorted(rows, key=lambda r: (-score[r], start[r], end[r], r)):
            if all(end[row] <= start[other] or end[other] <= start[row] for other in kept):
                kept.append(row)
        keep[kept] = True
    return keep


def _bed(table: pd.DataFrame) -> "pybedtools.BedTool":
    import pybedtools  # loaded only where intervals are compared

    if shutil.which("bedtools") is None:
        raise ResourceError(
            "bedtools is not installed: apt-get install bedtools, or conda install -c bioconda bedtools, "
            "or brew install bedtools"
        )
    # the letter in front keeps bedtools from reading a chromosome called #1 or track1 as a comment
    return pybedtools.BedTool.from_dataframe(
        pd.DataFrame(
            {"chrom": "c" + table["chrom"], "start": table["start"], "end": table["end"], "name": range(len(table))}
        )
    )


def read_blacklist(
    path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally | None = None
) -> pd.DataFrame:
    """Read a BED file of regions to avoid, under the genome's chromosome names.

    Parameters
    ----------
    path : path
        BED, gzip or not.
    genome : Chromosomes
    tally : Tally, optional
        Counts regions on chromosomes that the genome lacks; they are left out.

    Returns
    -------
    DataFrame
        Columns as of `peaks.read_peaks`.

    Raises
    ------
    InputError
        A line is malformed, the file is empty or cannot be read, or none of its chromosomes is in the genome.
    """
    regions = peaks.read_peaks(path, "bed")
    chrom = regions["chrom"].map(genome.resolve)
    known = chrom.isin(list(genome.lengths))
    if not known.any():
        raise InputError(
            f"{path}: names {', '.join(regions['chrom'].drop_duplicates().head(3))}, the genome {genome.path} "
            f"{', '.join(list(genome.lengths)[:3])}; map the names under genomes.<name>.chromosomes"
            f"{chromosomes.by_chr(regions['chrom'], genome)}"
        )
    if tally is not None:
        names = ", ".join(regions["chrom"][~known].drop_duplicates().head(3))
        tally.add("noted", f"region of the blacklist on a chromosome that the genome lacks ({names})", (~known).sum())
    return regions.assign(chrom=chrom)[known].reset_index(drop=True)
