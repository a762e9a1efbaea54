"""Recognise the program that wrote a peak file by its header and columns, and read its rows as BED or narrowPeak.

File names say little: a ``.bed`` file holds narrowPeak at ENCODE and a table of HOMER elsewhere. So the columns decide,
and messages say which column was taken as the summit. `docs/formats.md` lists the programs.
"""

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from tfbind.io import textfile

#: Formats of a peak file in the sheet: narrowPeak (BED6+4), BED, or recognised by its columns.
FORMATS = ("narrowpeak", "bed", "peaks")
STRANDS = ("+", "-", ".", "*")
_SAMPLE = 1000  # rows from which the layout is recognised
_CHROMS = {"chr", "chrom", "chromosome", "seqnames", "seqname"}
_STARTS, _ENDS = {"start", "chromstart", "chrom_start"}, {"end", "stop", "chromend", "chrom_end"}
#: Names, in lower case, of the columns of the chromosome, the start and the end.
COLUMNS = (_CHROMS, _STARTS, _ENDS)
_LENGTHS = {"length", "width"}
#: Columns of summits by the names that programs give them: MACS, LanceOtron.
_SUMMITS = ("abs_summit", "max_coverage_position")
_SCORES = ("fold_enrichment", "signalvalue", "overall_peak_score", "score")
_MITOCHONDRIA = ("chrM", "chrMT", "MT", "M")
_PLACE = re.compile(r"(.+):(\d+)-(\d+)")
#: A binding event of GEM, ChExMix or MultiGPS, and the name of its column.
_POINT, _POINTS = re.compile(r"([^\s:]\S*?):(\d{1,15})(?::[+-])?"), {"position", "point", "location"}


class Layout(NamedTuple):
    """How the rows of a file are read.

    Attributes
    ----------
    narrow : bool
        Whether `convert` returns the ten columns of narrowPeak (summit offset -1: no summit) or those of BED.
    convert : callable
        Fields of a row -> its columns as text. Raises ValueError, which says what is wrong with the row.
    about : str
        Format of the file and place of its summits, for the log; '' for plain narrowPeak and BED.
    """

    narrow: bool
    convert: Callable[[list[str]], list[str]]
    about: str = ""


def read(path: str | os.PathLike, form: str) -> tuple[Layout, Iterator[tuple[int, list[str]]]]:
    """Recognise the layout of a peak file, and read its rows with their line numbers.

    Blank lines, comments, ``track`` and ``browser`` lines and a line of column names are left out. The layout is
    recognised by the column names and the first 1,000 rows.

    Parameters
    ----------
    path : path
        Gzip or not.
    form : {"narrowpeak", "bed", "peaks"}
        Format that the sheet names. A file that can only be another layout is read as that. ``bed`` never takes a
        summit from a file that is valid BED; ``peaks`` does if its columns are those of narrowPeak.

    Returns
    -------
    layout : Layout
    rows : iterator of (int, list of str)
        Line number (from 1) and fields of each row, not converted or checked yet.

    Raises
    ------
    InputError
        The file cannot be read: missing, damaged, binary or a web page. `rows` raises it as well.
    """
    header = _Header()
    rows = _rows(path, header)
    head = list(islice(rows, _SAMPLE))
    return _tell(header, [fields for _, fields in head], form), chain(head, rows)


@dataclass
class _Header:
    """The names of columns above the first row, in lower case, and whether a # stands before them."""

    names: list[str] = field(default_factory=list)
    comment: bool = False


def _rows(path: str | os.PathLike, header: _Header) -> Iterator[tuple[int, list[str]]]:
    first = True
    for number, line in enumerate(textfile.lines(path), 1):
        fields = line.split("\t")
        comment = line.startswith("#")
        left_out = not line.strip() or comment or line.split(None, 1)[0] in ("track", "browser")
        if first and (comment or not left_out) and _named(names := _names(fields)):
            header.names, header.comment = names, comment
            first = comment
        elif not left_out:
            first = False
            yield number, fields


def _names(fields: list[str]) -> list[str]:
    return [field.strip().strip('"').lstrip("#").strip().lower() for field in fields]


def _named(names: list[str]) -> bool:
    return _placed(names) or names[0] in _POINTS


def _placed(names: Iterable[str]) -> bool:
    return bool(_STARTS.intersection(names) and _ENDS.intersection(names))


def _tell(header: _Header, rows: list[list[str]], form: str) -> Layout:
    """The layout that most rows fit."""

    def most(test: Callable[[list[str]], bool]) -> bool:
        return 2 * sum(map(test, rows)) > len(rows)

    if most(lambda f: _POINT.fullmatch(f[0]) is not None):
        return Layout(True, _point, "events of GEM or ChExMix: summit in column 1, 1-based; score in column 2")
    if most(_is_homer):
        return _homer(most(lambda f: len(f) > 5 and _is_number(f[5])))
    # column names in a comment do not decide if the sheet says that the file is BED or narrowPeak
    if _placed(header.names) and (form == "peaks" or not header.comment) and (table := _table(header.names, most)):
        return table
    if most(lambda f: len(f) == 20 and _is_narrow(f[:10])):
        return Layout(True, _first(10, 20, "IDR"), "IDR's 20 columns: summit in column 10, columns 11 to 20 not read")
    if most(lambda f: len(f) == 17 and _is_broad(f[:9])):
        return Layout(True, _broad(17, "IDR's broadPeak"), "IDR's 17 columns: no summit, columns 10 to 17 not read")
    if most(lambda f: len(f) == 6 and f[5] not in STRANDS and _PLACE.fullmatch(f[5]) is not None):
        return Layout(True, _seacr, "SEACR: summit in the middle of the region of column 6, score in column 4")
    for at in (6, 7):
        if most(lambda f, at=at: _is_lanceotron(f, at)):
            return Layout(
                True,
                _columns("LanceOtron", at + 1, (0, 1, 2), summit=at, score=3),
                f"LanceOtron without its header: summit in column {at + 1} (max_coverage_position), score in column 4",
            )
    if form != "narrowpeak":
        if most(lambda f: len(f) == 8 and _is_sicer(f)):
            convert = _columns("SICER's summary", 8, (0, 1, 2), score=6)
            return Layout(True, convert, "SICER's summary of islands: no summit, score in column 7 (fold change)")
        six = [fields for fields in rows if len(fields) > 5]
        if six and not any(fields[5] in STRANDS for fields in six):
            why = "column 6 is not a strand in any row: columns 5 and on not read, no summit"
            return Layout(False, lambda f: f[:4], f"BED of three columns or four; {why}")
        if most(lambda f: len(f) == 10 and _is_narrow(f)):
            if form == "peaks":
                return Layout(True, list, "narrowPeak by its columns: summit in column 10")
            why = "no summit taken from column 10; format narrowpeak or an empty one takes it"
            return Layout(False, list, f"narrowPeak's columns under format bed: {why}")
    if form == "peaks":
        if most(lambda f: len(f) == 9 and _is_broad(f)):
            return Layout(True, _broad(9, "broadPeak"), "broadPeak: no summit in it, score in column 7 (signalValue)")
        if most(_is_gapped):
            about = "gappedPeak: no summit in it, score in column 13 (signalValue)"
            return Layout(True, _columns("gappedPeak", 15, (0, 1, 2), score=12), about)
    return Layout(form == "narrowpeak", list)


def _table(names: list[str], most: Callable) -> Layout | None:
    """Layout of a table with named columns; None if it is BED with a header."""
    start, end = (next(i for i, name in enumerate(names) if name in known) for known in (_STARTS, _ENDS))
    chrom = next((i for i, name in enumerate(names) if name in _CHROMS), 0)
    length = next((i for i, name in enumerate(names) if name in _LENGTHS), None)
    summit = next((names.index(name) for name in _SUMMITS if name in names), None)
    score = next((names.index(name) for name in _SCORES if name in names), None)

    def spans(fields: list[str], more: int) -> bool:
        cells = [fields[i] for i in (start, end, length) if i < len(fields)]
        return len(cells) == 3 and all(map(is_whole, cells)) and int(cells[1]) - int(cells[0]) + more == int(cells[2])

    one = length is not None and most(lambda f: spans(f, 1))
    # MACS 1.4 counts its summits from the start of the peak
    relative = summit is None and one and {"summit", "tags"} <= set(names)
    if relative:
        summit = names.index("summit")
    if (chrom, start, end) == (0, 1, 2) and summit is None and not one:
        return None
    who = "a table with a header"
    if one and {"pileup", "tags"} & set(names):
        who = "MACS's table"
    elif "max_coverage_position" in names:
        who = "LanceOtron's table"
    about = f"{who}: {names[chrom]}, {names[start]} and {names[end]}, {'1' if one else '0'}-based"
    about += "; no summit in it" if summit is None else f"; summit in column {summit + 1} ({names[summit]})"
    about += "" if score is None else f", score in column {score + 1} ({names[score]})"
    width = 1 + max(chrom, start, end, summit or 0, score or 0)
    return Layout(True, _columns(who, width, (chrom, start, end), summit, score, one, relative), about)


def _columns(
    who: str,
    width: int,
    places: tuple[int, int, int],
    summit: int | None = None,
    score: int | None = None,
    one: bool = False,
    relative: bool = False,
) -> Callable[[list[str]], list[str]]:
    """Make a function that turns rows with the columns at these places into narrowPeak.

    `one`: coordinates and summits count from 1; `relative`: summits count from the start of their peak.
    """

    def convert(fields: list[str]) -> list[str]:
        if len(fields) < width:
            raise ValueError(f"{len(fields)} column(s) where {who} has {width} or more")
        chrom, start, end = (fields[i].strip('"') for i in places)
        if one and is_whole(start):
            if int(start) < 1:
                raise ValueError(f"start {start} is below 1, from which {who} counts")
            start = str(int(start) - 1)
        signal = "0" if score is None else fields[score]
        offset = "-1"
        if summit is not None:
            offset = fields[summit]
            if is_whole(offset) and is_whole(start) and is_whole(end):
                at = int(offset) - one - (0 if relative else int(start))
                offset = str(at if at >= 0 else int(end) - int(start))  # outside its peak: `read_peaks` counts it
        return [chrom, start, end, ".", "0", ".", signal, "-1", "-1", offset]

    return convert


def _first(count: int, width: int, who: str) -> Callable[[list[str]], list[str]]:
    def convert(fields: list[str]) -> list[str]:
        if len(fields) != width:
            raise ValueError(f"{len(fields)} column(s) where {who} has {width}")
        return fields[:count]

    return convert


def _broad(width: int, who: str) -> Callable[[list[str]], list[str]]:
    first = _first(9, width, who)
    return lambda fields: [*first(fields), "-1"]


def _homer(scored: bool) -> Layout:
    convert = _columns("HOMER's table", 6 if scored else 5, (1, 2, 3), score=5 if scored else None, one=True)
    about = "HOMER: columns 2 to 4, 1-based; summit in the middle, where HOMER puts it"
    if scored:
        return Layout(True, convert, f"{about}; score in column 6")
    return Layout(False, lambda fields: convert(fields)[:3], about)


def _seacr(fields: list[str]) -> list[str]:
    place = _PLACE.fullmatch(fields[5]) if len(fields) == 6 else None
    if place is None:
        raise ValueError("not the six columns of SEACR, the last of the form chr:start-end")
    middle = str((int(place[2]) + int(place[3])) // 2)
    return _columns("SEACR", 6, (0, 1, 2), summit=6, score=3)([*fields, middle])


def _point(fields: list[str]) -> list[str]:
    place = _POINT.fullmatch(fields[0])
    if place is None or len(fields) < 2:
        raise ValueError("not an event of GEM or ChExMix: chromosome:base in column 1, its reads in column 2")
    if int(place[2]) < 1:
        raise ValueError(f"base {place[2]} is below 1, from which GEM and ChExMix count")
    return [place[1], str(int(place[2]) - 1), place[2], ".", "0", ".", fields[1].strip(), "-1", "-1", "0"]


def with_or_without_chr(names: Iterable[str]) -> dict[str, str]:
    """Other spelling of each chromosome name -> the name: ``1`` -> ``chr1``, or ``chr1`` -> ``1``.

    Of ``MT``, ``M``, ``chrM`` and ``chrMT``, each leads to the one that is in `names`. Spellings that are names
    themselves are left out.
    """
    names = list(names)
    found = {name[3:] if name.startswith("chr") else f"chr{name}": name for name in names}
    for mitochondrion in set(_MITOCHONDRIA).intersection(names):
        found |= dict.fromkeys(_MITOCHONDRIA, mitochondrion)
    return {other: name for other, name in found.items() if other and other not in names}


def is_whole(value: str) -> bool:
    """Whether a text is a whole number of 0 or more, of at most 15 digits."""
    return value.isascii() and value.isdigit() and len(value) < 16


def _is_number(value: str) -> bool:
    try:
        return "_" not in value and math.isfinite(float(value))
    except ValueError:
        return False


def _is_placed(fields: list[str]) -> bool:
    return len(fields) > 2 and is_whole(fields[1]) and is_whole(fields[2])


def _is_homer(fields: list[str]) -> bool:
    named = len(fields) > 4 and not is_whole(fields[1]) and is_whole(fields[2]) and is_whole(fields[3])
    return named and fields[4] in (*STRANDS, "0", "1")


def _is_signal(fields: list[str]) -> bool:
    """Whether the first nine columns are those of broadPeak and narrowPeak, and not of BED with thick parts."""
    if not (_is_placed(fields) and fields[5] in STRANDS and all(map(_is_number, (fields[4], *fields[6:9])))):
        return False
    thick = is_whole(fields[6]) and is_whole(fields[7])
    return not (thick and int(fields[1]) <= int(fields[6]) <= int(fields[7]) <= int(fields[2]))


def _is_broad(fields: list[str]) -> bool:
    return len(fields) == 9 and _is_signal(fields)


def _is_narrow(fields: list[str]) -> bool:
    return len(fields) == 10 and _is_signal(fields) and is_whole(fields[9].removeprefix("-"))


def _is_gapped(fields: list[str]) -> bool:
    if len(fields) != 15 or not _is_placed(fields) or not is_whole(fields[9]):
        return False
    blocks = all(re.fullmatch(r"\d+(,\d+)*,?", cell) for cell in fields[10:12])
    return blocks and all(map(_is_number, fields[12:15]))


def _is_sicer(fields: list[str]) -> bool:
    return (
        _is_placed(fields)
        and all(map(_is_number, fields[3:8]))
        and all(0 <= float(fields[i]) <= 1 for i in (5, 7))
        and fields[5] not in STRANDS
    )


def _is_lanceotron(fields: list[str], at: int) -> bool:
    return (
        len(fields) > at + 1
        and _is_placed(fields)
        and all(_is_number(value) and 0 <= float(value) <= 1 for value in fields[3:6])
        and is_whole(fields[at])
        and int(fields[1]) <= int(fields[at]) < int(fields[2])
    )
