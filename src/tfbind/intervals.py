"""Peak files, and the windows that are cut around their summits. Coordinates are 0-based half-open everywhere."""

import math
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from tfbind import dna, layouts, text
from tfbind.faults import InputError, ResourceError
from tfbind.tables import Tally

if TYPE_CHECKING:
    import pybedtools

#: Share of unknown bases above which a sequence is dropped.
UNKNOWN_SHARE = 0.1
_ABSENT_SHARE = 0.05
_OUTSIDE_SHARE = 0.01


class Chromosomes(Protocol):
    """What is asked of a genome; `genome.Genome` offers it."""

    path: os.PathLike
    lengths: Mapping[str, int]

    def resolve(self, chrom: str) -> str:
        """The genome's own name of a chromosome."""

    def windows(self, chrom, start, end) -> np.ndarray:
        """Tokens of intervals."""


def read_peaks(path: str | os.PathLike, format: str, tally: Tally | None = None) -> pd.DataFrame:
    """Read the peaks of a file, gzip or not.

    narrowPeak (BED6+4), BED (3 columns or more) and what other programs write: see `layouts`. Comments, ``track`` and
    ``browser`` lines, blank lines and a line of column names are skipped. Every malformed line is listed in one
    `InputError`, and so is a file without peaks.

    Parameters
    ----------
    path : path
    format : {"narrowpeak", "bed", "peaks"}
        ``peaks``: as the columns tell.
    tally : Tally, optional
        Counts peaks read, and midpoints taken (a BED file, offset -1, a summit outside its peak); of other layouts
        than plain BED and narrowPeak it says what was taken for the summit, under ``read as``.

    Returns
    -------
    DataFrame
        `chrom`, `start`, `end` (bp), `summit` (bp, absolute: start + offset for narrowPeak, the midpoint for BED),
        `score` (signalValue for narrowPeak, column 5 for BED, NaN where there is none); ``attrs["path"]`` is the file.
        Where every row of a narrowPeak has the same signalValue (0 of MACS3 hmmratac and bdgpeakcall), the first of
        the columns 5 (score), 8 (pValue) and 9 (qValue) that differs between rows is the score instead.
    """
    tally = Tally() if tally is None else tally
    rows, faults, others = [], [], []
    without = outside = 0
    layout, lines = layouts.read(path, format)
    for number, fields in lines:
        try:
            columns = layout.convert(fields)
            chrom, start, end, score, offset = parse(columns, layout.narrow)
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
            continue
        summit = (start + end) // 2
        if not layout.narrow or offset == -1:
            without += 1
        elif start + offset >= end:
            outside += 1
        else:
            summit = start + offset
        rows.append((chrom, start, end, summit, score))
        if layout.narrow:
            others.append([_ranked_by(columns[i]) for i in (4, 7, 8)])
    if not rows and not faults:
        faults.append(f"{path}: 0 peaks in this file; check that the right file is named")
    if faults:
        raise InputError(text.listed(faults))
    tally.add("read", "peaks", len(rows))
    if layout.about:
        tally.add("read as", layout.about, len(rows))
    tally.add("changed", "no summit in the file: midpoint taken", without)
    tally.add("changed", "summit outside its peak: midpoint taken", outside)
    peaks = pd.DataFrame(rows, columns=["chrom", "start", "end", "summit", "score"])
    if len(peaks) > 1 and peaks["score"].nunique(dropna=False) == 1 and not peaks["score"].isna().all():
        values = np.array(others, float).reshape(len(peaks), -1)
        peaks["score"] = _ranking(peaks["score"], values, layout.narrow, tally)
    peaks.attrs["path"] = str(path)
    return peaks


def _ranked_by(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:  # a dot stands for none
        return np.nan


#: Columns of a narrowPeak that rank its peaks where signalValue does not, in that order.
_RANKING = ("column 5 (score)", "column 8 (pValue)", "column 9 (qValue)")


def _ranking(score: pd.Series, others: np.ndarray, narrow: bool, tally: Tally) -> np.ndarray:
    """The first column (N,) that tells peaks of one and the same score apart, said in the tally; else the score."""
    given = f"{'signalValue' if narrow else 'score'} is {score.iloc[0]:g} in every row"
    for name, values in zip(_RANKING, others.T, strict=False):
        if not np.isnan(values).any() and (values != values[0]).any():
            tally.add("changed", f"{given}: ranked by {name}", len(score))
            return values
    tally.add(
        "noted", f"{given}, and no other column ranks the peaks: of overlapping windows the first stays", len(score)
    )
    return score.to_numpy()


def parse(fields: list[str], narrow: bool) -> tuple[str, int, int, float, int]:
    """Chromosome, start, end, score (NaN: none) and summit offset of a line; ValueError says what is wrong with it."""
    least = 10 if narrow else 3
    if len(fields) < least:
        if len(" ".join(fields).split()) >= least:
            raise ValueError(f"{text.shown(fields[0])} is separated by spaces; separate the columns by tabs")
        kind = "narrowPeak has 10; without a summit column, give its format as bed" if narrow else "BED has 3 or more"
        raise ValueError(f"{len(fields)} column(s) where {kind}")
    if narrow and len(fields) > 10:
        raise ValueError(f"{len(fields)} columns where narrowPeak has 10; if these are its first ten, cut -f1-10")
    chrom = fields[0].strip()
    if not chrom or chrom != fields[0]:
        raise ValueError(f"chromosome name {fields[0]!r} is empty or has spaces around it; remove them")
    start, end = _integer(fields[1], "start"), _integer(fields[2], "end")
    if start < 0:
        raise ValueError(f"start {start} is negative; the first base of a chromosome is 0")
    if start >= end:
        raise ValueError(f"start {start} is not below end {end}; BED is 0-based half-open")
    if len(fields) > 5 and fields[5] not in layouts.STRANDS:
        raise ValueError(f"strand {fields[5]!r} is none of + - .; correct it, or keep columns 1 to 5 alone (cut -f1-5)")
    score, offset = math.nan, 0
    if narrow:
        score = _number(fields[6], "signalValue")
        for name, value in zip(("score", "pValue", "qValue"), (fields[4], fields[7], fields[8]), strict=True):
            _number(value, name)
        offset = _integer(fields[9], "summit offset")
        if offset < -1:
            raise ValueError(f"summit offset {offset} is below -1; write -1 where there is no summit")
    elif len(fields) > 4 and fields[4] not in (".", ""):
        score = _number(fields[4], "score")
    return chrom, start, end, score, offset


def _integer(value: str, name: str) -> int:
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise ValueError(f"{name} {value!r} is not a whole number; a header line needs a # in front")
    return int(value)


def _number(value: str, name: str) -> float:
    try:
        number = math.nan if "_" in value else float(value)  # float() reads 1_0 as ten
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} {value!r} is not a finite number; correct or delete the line, or write 0")
    return number


def named(table: pd.DataFrame, genome: Chromosomes, tally: Tally) -> pd.DataFrame:
    """`table` under the genome's chromosome names, without the few rows on chromosomes that the genome lacks.

    More than 5 % of such rows is an `InputError` that shows both styles of names.
    """
    source = table.attrs.get("path", "the peaks")
    chrom = table["chrom"].map(genome.resolve)
    absent = ~chrom.isin(list(genome.lengths))
    if absent.sum() > _ABSENT_SHARE * len(table):
        theirs = ", ".join(table["chrom"][absent].drop_duplicates().head(3))
        ours = ", ".join(list(genome.lengths)[:3])
        raise InputError(
            f"{source}: {absent.sum()} of {len(table)} intervals lie on chromosomes that {genome.path} lacks: the file "
            f"says {theirs}, the genome {ours}; map the names under genomes.<name>.chromosomes"
            f"{by_chr(table['chrom'][absent], genome)} or name another genome"
        )
    tally.add("dropped", "chromosome absent from the genome", absent.sum())
    kept = table.assign(chrom=chrom)[~absent].reset_index(drop=True)
    kept.attrs = table.attrs
    return kept


def by_chr(names: Iterable[str], genome: Chromosomes) -> str:
    """How a message goes on where the names of a file and of a genome differ by ``chr`` in front alone; else ''."""
    other = layouts.with_or_without_chr(genome.lengths)
    return " (`chromosomes: chr` will do: they differ by chr alone)" if any(name in other for name in names) else ""


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


def read_blacklist(path: str | os.PathLike, genome: Chromosomes, tally: Tally | None = None) -> pd.DataFrame:
    """A BED of regions to avoid, under the genome's names.

    A list that names none of its chromosomes is refused; regions on others are counted in `tally`.
    """
    regions = read_peaks(path, "bed")
    chrom = regions["chrom"].map(genome.resolve)
    known = chrom.isin(list(genome.lengths))
    if not known.any():
        raise InputError(
            f"{path}: names {', '.join(regions['chrom'].drop_duplicates().head(3))}, the genome {genome.path} "
            f"{', '.join(list(genome.lengths)[:3])}; map the names under genomes.<name>.chromosomes"
            f"{by_chr(regions['chrom'], genome)}"
        )
    if tally is not None:
        names = ", ".join(regions["chrom"][~known].drop_duplicates().head(3))
        tally.add("noted", f"region of the blacklist on a chromosome that the genome lacks ({names})", (~known).sum())
    return regions.assign(chrom=chrom)[known].reset_index(drop=True)


def windows(
    peaks: pd.DataFrame,
    length: int,
    genome: Chromosomes,
    blacklist: str | os.PathLike | None,
    tally: Tally,
) -> pd.DataFrame:
    """Windows centred on the summits, no two overlapping.

    Parameters
    ----------
    peaks : table of `read_peaks`
    length : int
        In bp; the summit is base ``length // 2`` of its window.
    genome : Chromosomes
    blacklist : path of a BED file, or None
    tally : Tally
        Counts what is dropped: absent chromosome, beyond the chromosome's end, window off an end, identical window,
        blacklist, more than 10 % unknown bases, overlap with a stronger window.

    Returns
    -------
    DataFrame
        `sequence`, `chrom`, `start`, `end`, `score`, `origin` (the peak as ``chrom:start-end`` under the genome's
        name), in the order of the file.

    Raises
    ------
    InputError
        Where more than 5 % of the peaks lie on unknown chromosomes or more than 1 % end beyond their chromosome.
    """
    source = peaks.attrs.get("path", "the peaks")
    peaks = named(peaks, genome, tally)
    size = peaks["chrom"].map(genome.lengths)
    beyond = peaks["end"] > size
    if beyond.sum() > _OUTSIDE_SHARE * len(peaks):
        first = peaks[beyond].iloc[0]
        raise InputError(
            f"{source}: {beyond.sum()} of {len(peaks)} peaks end beyond their chromosome, e.g. {first['chrom']}:"
            f"{first['start']}-{first['end']} in {genome.path} of {genome.lengths[first['chrom']]} bp; the peaks are "
            "probably of another genome build"
        )
    tally.add("dropped", "peak ends beyond the chromosome", beyond.sum())
    start = peaks["summit"] - length // 2
    off = ~beyond & ((start < 0) | (start + length > size))
    tally.add("dropped", "window runs off the chromosome", off.sum())
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
        drop(overlapping(table, read_blacklist(blacklist, genome, tally)), "blacklist")
    tokens = genome.windows(table["chrom"], table["start"], table["end"])
    table["sequence"] = pd.Series(dna.decode(tokens, np.full(len(tokens), length)), dtype="str")
    drop((tokens == dna.UNKNOWN).sum(1) > UNKNOWN_SHARE * length, "more than 10 % unknown bases")
    drop(~strongest(table), "overlaps a stronger window")
    return table
