"""Windows of one length around the summits of peaks."""

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import binned_counts, chromosomes, intervals
from tfbind.io.peaks import read_peaks
from tfbind.io.tally import Tally

#: Share of unknown bases above which a sequence is dropped.
UNKNOWN_SHARE = 0.1
_OUTSIDE_SHARE = 0.01


def peaks_of(path: str | os.PathLike, row: Mapping[str, str], tally: Tally | None = None) -> pd.DataFrame:
    """The peaks of a file of a row: of peaks, or of read counts in bins.

    Parameters
    ----------
    path : path
    row : mapping of str to str
        One row of the sheet; `format` is read, and of ``bins`` `cycle` and `tf`.
    tally : Tally, optional

    Returns
    -------
    DataFrame
        As `peaks.read_peaks`.

    Raises
    ------
    InputError, NotEstimable
        As `peaks.read_peaks` and `binned_counts.read_bins`.
    """
    if row["format"] == "bins":
        return binned_counts.read_bins(path, row["cycle"], row["tf"], tally)
    return read_peaks(path, row["format"], tally)


def placed(peaks: pd.DataFrame, genome: chromosomes.Chromosomes, tally: Tally) -> tuple[pd.DataFrame, pd.Series]:
    """Peaks under the names of the genome's chromosomes, and which of them end beyond.

    Parameters
    ----------
    peaks : table of `peaks_of`
    genome : Chromosomes
        Only its names and lengths are read.
    tally : Tally
        Counts the peaks dropped, on chromosomes that the genome lacks.

    Returns
    -------
    peaks : DataFrame
    beyond : (N,) Series of bool
        Whether a peak ends beyond its chromosome.

    Raises
    ------
    InputError
        More than 5 % of the peaks lie on unknown chromosomes, or more than 1 % end beyond their chromosome.
    """
    source = peaks.attrs.get("path", "the peaks")
    peaks = chromosomes.named(peaks, genome, tally)
    beyond = peaks["end"] > peaks["chrom"].map(genome.lengths)
    if beyond.sum() > _OUTSIDE_SHARE * len(peaks):
        first = peaks[beyond].iloc[0]
        raise InputError(
            f"{source}: {beyond.sum()} of {len(peaks)} peaks end beyond their chromosome, e.g. {first['chrom']}:"
            f"{first['start']}-{first['end']} in {genome.path} of {genome.lengths[first['chrom']]} bp; the peaks are "
            "probably of another genome build"
        )
    return peaks, beyond


def windows(
    peaks: pd.DataFrame,
    length: int,
    genome: chromosomes.Chromosomes,
    blacklist: str | os.PathLike | None,
    tally: Tally,
) -> pd.DataFrame:
    """Windows centred on the summits, no two overlapping.

    Parameters
    ----------
    peaks : table of `peaks_of`
    length : int
        In bp; the summit is base ``length // 2`` of its window.
    genome : Chromosomes
    blacklist : path, optional
        BED of regions to avoid.
    tally : Tally
        Counts the peaks and windows dropped: chromosome absent from the genome, peak ends beyond its chromosome, window
        off an end, identical window, blacklist, more than 10 % unknown bases, overlap with a stronger window.

    Returns
    -------
    DataFrame
        `sequence`, `chrom`, `start`, `end` (0-based half-open), `score`, `origin` (the peak as ``chrom:start-end``
        under the genome's name), in the order of the file.

    Raises
    ------
    InputError
        More than 5 % of the peaks lie on unknown chromosomes, more than 1 % end beyond their chromosome, or the
        blacklist names no chromosome of the genome.
    """
    peaks, beyond = placed(peaks, genome, tally)
    size = peaks["chrom"].map(genome.lengths)
    tally.add("dropped", "peak ends beyond the chromosome", beyond.sum())
    start = peaks["summit"] - length // 2
    off = ~beyond & ((start < 0) | (start + length > size))
    tally.add("dropped", "window beyond the end of the chromosome", off.sum())
    table = pd.DataFrame(
        {
            "chrom": peaks["chrom"],
            "start": start,
            "end": start + length,
            "score": peaks["score"],
            "origin": peaks["chrom"] + ":" + peaks["start"].astype(str) + "-" + peaks["end"].astype(str),
        }
    )[~(beyond | off)]

    def drop(which: np.ndarray, reason: str) -> None:
        nonlocal table
        tally.add("dropped", reason, which.sum())
        table = table[~which].reset_index(drop=True)

    ranked = table.sort_values("score", ascending=False, kind="stable", na_position="last")
    drop(ranked.duplicated(["chrom", "start"]).reindex(table.index).to_numpy(), "same window as a stronger peak")
    if blacklist:
        drop(intervals.overlapping(table, intervals.read_blacklist(blacklist, genome, tally)), "blacklist")
    tokens = genome.windows(table["chrom"], table["start"], table["end"])
    table["sequence"] = pd.Series(dna.decode(tokens, np.full(len(tokens), length)), dtype="str")
    drop((tokens == dna.UNKNOWN).sum(1) > UNKNOWN_SHARE * length, "more than 10 % unknown bases")
    drop(~intervals.strongest(table), "overlaps a stronger window")
    return table
