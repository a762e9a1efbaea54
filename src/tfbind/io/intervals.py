"""Peak files, and the windows that are cut around their summits. Coordinates are 0-based half-open everywhere."""

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
    """Tables of `read_peaks` as one; messages name all their files."""
    whole = pd.concat(tables, ignore_index=True)
    whole.attrs["path"] = ", ".join(dict.fromkeys(table.attrs["path"] for table in tables))
    return whole


def overlapping(table: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Which rows of `table` share a base with any row of `others` (both `chrom`, `start`, `end`): (N,) bool."""
    hit = np.zeros(len(table), bool)
    if len(table) and len(others):
        import pybedtools

        found = _bed(table).intersect(_bed(others), u=True)
        hit[[int(interval.name) for interval in found]] = True
        pybedtools.cleanup()
    return hit


def strongest(table: pd.DataFrame) -> np.ndarray:
    """Of intervals that overlap, keep the one with the highest `score`: (N,) bool, no two kept rows overlap.

    Taken from the strongest down, so in a chain the far neighbours of a kept row stay. Ties go to the first in
    coordinate order; a missing score is the lowest.
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
    import pybedtools  # it loads for those who compare intervals

    if shutil.which("bedtools") is None:
        raise ResourceError(
            "bedtools is not installed: apt-get install bedtools, or conda install -c bioconda bedtools, "
            "or brew install bedtools"
        )
    # the letter keeps bedtools from reading a chromosome called #1 or track1 as a comment
    return pybedtools.BedTool.from_dataframe(
        pd.DataFrame(
            {"chrom": "c" + table["chrom"], "start": table["start"], "end": table["end"], "name": range(len(table))}
        )
    )


def read_blacklist(
    path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally | None = None
) -> pd.DataFrame:
    """A BED of regions to avoid, under the genome's names.

    A list that names none of its chromosomes is refused; regions on others are counted in `tally`.
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
