"""Peak files: narrowPeak, BED and the formats of peak callers."""

import math
import os

import numpy as np
import pandas as pd

from tfbind.errors import InputError
from tfbind.io import peak_formats, textfile
from tfbind.io.tally import Tally


def read_peaks(path: str | os.PathLike, format: str, tally: Tally | None = None) -> pd.DataFrame:
    """Read the peaks of a file, gzip or not.

    Reads narrowPeak (BED6+4), BED (3 columns or more) and the formats of other programs (`peak_formats`). Comments,
    ``track`` and ``browser`` lines, blank lines and a line of column names are skipped.

    Parameters
    ----------
    path : path
    format : {"narrowpeak", "bed", "peaks"}
        ``peaks``: recognised by the columns.
    tally : Tally, optional
        Counts peaks read, and midpoints taken as summits (a BED file, offset -1, a summit outside its peak). For
        layouts other than plain BED and narrowPeak, ``read as`` says which column was taken as the summit.

    Returns
    -------
    DataFrame
        `chrom`, `start`, `end` (bp, 0-based half-open), `summit` (bp on the chromosome: start + offset for narrowPeak,
        the midpoint for BED), `score` (signalValue for narrowPeak, column 5 for BED, NaN where there is none);
        ``attrs["path"]`` is the file. If every row of a narrowPeak has the same signalValue (0 in files of MACS3
        hmmratac and bdgpeakcall), the score is instead the first of the columns 5 (score), 8 (pValue) and 9 (qValue)
        that differs between rows.

    Raises
    ------
    InputError
        Lines are malformed (the first `textfile.LISTED` are listed), the file has no peaks or cannot be read.
    """
    tally = Tally() if tally is None else tally
    rows, faults, others = [], [], []
    without = outside = 0
    layout, lines = peak_formats.read(path, format)
    for number, fields in lines:
        try:
            columns = layout.convert(fields)
            chrom, start, end, score, offset = parse(columns, layout.narrow)
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
            continue
        summit = (start + end) // 2
        if not layout.narrow or offset == -1:
            without += end - start > 1  # one base is its own middle
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
        raise InputError(textfile.listed(faults))
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


#: Columns that rank the peaks of a narrowPeak if signalValue is the same in all, in this order.
_RANKING = ("column 5 (score)", "column 8 (pValue)", "column 9 (qValue)")


def _ranking(score: pd.Series, others: np.ndarray, narrow: bool, tally: Tally) -> np.ndarray:
    """The first column (N,) that differs between peaks of one score, noted in the tally; the score if none does."""
    given = f"{'signalValue' if narrow else 'score'} is {score.iloc[0]:g} in every row"
    for name, values in zip(_RANKING, others.T, strict=False):
        if not np.isnan(values).any() and (values != values[0]).any():
            tally.add("changed", f"{given}: ranked by {name}", len(score))
            return values
    tally.add(
        "noted", f"{given}, and no other column ranks the peaks: of overlapping windows the first is kept", len(score)
    )
    return score.to_numpy()


def parse(fields: list[str], narrow: bool) -> tuple[str, int, int, float, int]:
    """Read and check one row of BED or narrowPeak.

    Parameters
    ----------
    fields : list of str
    narrow : bool
        Whether the row is narrowPeak, with exactly ten columns, or BED, with three or more.

    Returns
    -------
    chrom : str
    start, end : int
        In bp, 0-based half-open.
    score : float
        signalValue of narrowPeak, column 5 of BED; NaN where there is none.
    offset : int
        Summit from the start in bp; -1 where narrowPeak has none, 0 for BED.

    Raises
    ------
    ValueError
        The row is malformed; the message says what is wrong and how to correct it.
    """
    least = 10 if narrow else 3
    if len(fields) < least:
        if len(" ".join(fields).split()) >= least:
            raise ValueError(f"{textfile.shown(fields[0])} is separated by spaces; separate the columns by tabs")
        kind = "narrowPeak has 10; without a summit column, give its format as bed" if narrow else "BED has 3 or more"
        raise ValueError(f"{len(fields)} column(s) where {kind}")
    if narrow and len(fields) > 10:
        raise ValueError(f"{len(fields)} columns where narrowPeak has 10; if these are its first ten, cut -f1-10")
    chrom, start, end = place(fields)
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


def place(fields: list[str]) -> tuple[str, int, int]:
    """Read and check where a row of BED lies.

    Parameters
    ----------
    fields : list of str
        Three columns or more; a strand in the sixth.

    Returns
    -------
    chrom : str
    start, end : int
        In bp, 0-based half-open.

    Raises
    ------
    ValueError
        As for `parse`.
    """
    chrom = fields[0].strip()
    if not chrom or chrom != fields[0]:
        raise ValueError(f"chromosome name {fields[0]!r} is empty or has spaces around it; remove them")
    start, end = _integer(fields[1], "start"), _integer(fields[2], "end")
    if start < 0:
        raise ValueError(f"start {start} is negative; the first base of a chromosome is 0")
    if start >= end:
        raise ValueError(f"start {start} is not below end {end}; BED is 0-based half-open")
    if len(fields) > 5 and fields[5] not in peak_formats.STRANDS:
        raise ValueError(f"strand {fields[5]!r} is none of + - .; correct it, or keep columns 1 to 5 alone (cut -f1-5)")
    return chrom, start, end


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
