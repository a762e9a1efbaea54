"""Readers for files of sequences: FASTA, FASTQ, labelled tables, DeepBind's .seq, and count tables of SELEX cycles.

Every reader takes plain or gzip files, converts to upper case, reads U as T, and turns IUPAC letters into N; each such
change is counted. A file with faults is refused whole, with its faults in one `InputError`.
"""

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import textfile
from tfbind.io.tally import Tally
from tfbind.kernels import fastq as kernel

_IUPAC = str.maketrans("RYSWKMBDHV", "N" * 10)
#: `chrom:start-end`, alone or after a name and `::` (bedtools getfasta -name, -name+). Chromosome names may contain
#: colons (HLA-A*01:01); the last coordinates in a name count.
_PLACE = re.compile(
    r"^(?:\S*::)?(?P<chrom>(?!:)\S+?):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})(?!\d)(?P<rest>[^\s:]*)$"
)
#: The same with other signs between its parts, and with an assembly before them: `hg19_chr9_98614912_98615221_+`,
#: `chr1_3531415_3531662_pos_1`, `chr1-100-200`. Only after `chr`: `peak_1_101` is a number.
_JOINED = re.compile(
    r"^(?:[A-Za-z]+[0-9]+_)?(?P<chrom>(?i:chr)\w*?)(?P<sep>[_-])(?P<start>[0-9]{1,15})(?P=sep)(?P<end>[0-9]{1,15})"
    r"(?P<rest>(?:[_-].*)?)$"
)
#: `range=chr1:86317-86595 ... strand=+` in the description, as the table browser of UCSC writes it.
_RANGE = re.compile(
    r"(?<!\S)range=(?P<chrom>\S+?):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})(?!\d)(?P<rest>.*)", re.DOTALL
)
_MATE = re.compile(r"/([12])$|^\S+/([12])[ \t]|^\S+[ \t]+([12]):[YN]:")  # Illumina, before and since Casava 1.8
#: What holds coordinates -> how the strand stands in the rest of it.
_STRANDS = {_PLACE: r"\(([+-])\)", _JOINED: r"_([+-])(?:_|$)", _RANGE: r"(?<!\S)strand=([+-])"}
#: Column -> the names that a header of a labelled table gives it, in lower case.
_NAMES = {
    "sequence": ("sequence", "seq"),
    "label": ("label", "bound"),
    "chrom": ("chrom", "chr", "chromosome"),
    "start": ("start", "chromstart", "peak_start"),
    "end": ("end", "stop", "chromend", "peak_end"),
    "strand": ("strand",),
}
_CHUNK = 1 << 19  # bytes of a FASTQ parsed at a time; they stay in the processor's cache


def _clean(sequences: list[str], place: Iterable[str], tally: Tally, faults: list[str]) -> list[str]:
    """Convert sequences to upper-case A C G T N; `place` gives the position of each in the file, for messages."""
    # the upper case of a letter outside ASCII may be another letter, or two (`ß`)
    sequences = [sequence.upper() if sequence.isascii() else sequence for sequence in sequences]
    rna = ambiguous = 0
    if not set("".join(sequences)) <= set("ACGTN"):
        rna = sum("U" in sequence for sequence in sequences)
        sequences = [sequence.replace("U", "T") for sequence in sequences]
        translated = [sequence.translate(_IUPAC) for sequence in sequences]
        ambiguous = sum(a != b for a, b in zip(sequences, translated, strict=True))
        sequences = translated
        for sequence, where in zip(sequences, place, strict=True):
            if foreign := set(sequence) - set("ACGTN"):
                faults.append(f"{where}: {min(foreign)!r} is not a letter of DNA; only A C G T U N and IUPAC are read")
    tally.add("changed", "U read as T", rna)
    tally.add("changed", "IUPAC letters read as N", ambiguous)
    return sequences


def _finish(path, kind: str, count: int, tally: Tally, faults: list[str]) -> None:
    if not count and not faults:
        faults.append(f"{path}: 0 {kind} in this file; check that the right file is named")
    if faults:
        raise InputError(textfile.listed(faults))
    tally.add("read", kind, count)


def read_fasta(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a FASTA file.

    Coordinates are read from names of the form ``chrom:start-end``, also after another name (``name::chrom:start-end``,
    as bedtools getfasta writes), and with a suffix such as ``_shuf`` or ``(+)``; from names such as
    ``chr1_3531415_3531662_pos_1``, ``hg19_chr9_98614912_98615221_+`` and ``chr1-100-200``; and from UCSC's
    ``range=chr1:86317-86595 ... strand=+`` in the description. They are used only if *all* records have them in one of
    these forms and all lengths agree with one convention: ``end - start`` bp (0-based half-open) or one more (1-based
    inclusive). Lines that begin with ``;`` are skipped.

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts records read, and sequences with U or IUPAC letters.

    Returns
    -------
    DataFrame
        `name` (up to the first space), `sequence`, `chrom`, `start`, `end` (bp, 0-based half-open), `strand` (``-``
        where the name or description says so, else ``+``). The last four are null if no coordinates were read;
        ``attrs["nowhere"]`` says why ('' otherwise).

    Raises
    ------
    InputError
        Text before the first ``>``, a record without name or sequence, a letter that is not of DNA, no records, a file
        that breaks off or cannot be read.
    """
    tally = Tally() if tally is None else tally
    names, described, parts, at, faults = [], [], [], [], []
    number = 0
    try:
        for number, line in enumerate(textfile.lines(path), 1):
            if line.startswith(">"):
                name, more, *_ = (*line[1:].split(None, 1), "", "")
                names.append(name)
                described.append(more)
                parts.append([])
                at.append(number)
            elif line.strip() and not line.startswith(";"):
                if not names:
                    raise InputError(
                        f"{path}:{number}: {textfile.shown(line)} stands before the first '>'; is this FASTA?"
                    )
                parts[-1].append(line.strip())
    except textfile.Truncated as error:
        raise InputError(f"{error} (it breaks off in record {len(names)})") from None
    where = [f"{path}:{line}: record {i} ({name})" for i, (line, name) in enumerate(zip(at, names, strict=True), 1)]
    for place, name, pieces in zip(where, names, parts, strict=True):
        if not name:
            faults.append(f"{place}: no name; name every record")
        if not pieces:
            faults.append(f"{place}: no sequence; delete the record or fetch the file again")
    sequences = _clean(["".join(pieces) for pieces in parts], where, tally, faults)
    _finish(path, "FASTA records", len(names), tally, faults)
    table = pd.DataFrame({"name": pd.Series(names, dtype="str"), "sequence": pd.Series(sequences, dtype="str")})
    places, why = _places(table, described)
    table = pd.concat([table, places], axis=1)
    table.attrs["nowhere"] = why
    return table


def _places(table: pd.DataFrame, described: list[str]) -> tuple[pd.DataFrame, str]:
    # Coordinates of FASTA records, in the first form that all have; and why there are none.
    names = table["name"].to_list()
    for form, texts in ((_PLACE, names), (_JOINED, names), (_RANGE, described)):
        matches = [form.search(text) for text in texts]
        if all(matches):
            strands = [re.search(_STRANDS[form], match["rest"]) for match in matches]
            found = {
                "chrom": [match["chrom"] for match in matches],
                "start": [int(match["start"]) for match in matches],
                "end": [int(match["end"]) for match in matches],
                "strand": [strand[1] if strand else "+" for strand in strands],
            }
            return _agreeing(table, found, names, "names")
    lacking = [name for name in names if not _PLACE.match(name)]
    return _nowhere(table), f"{len(lacking)} of {len(table)} names hold no chrom:start-end, e.g. {lacking[0][:40]}"


def _nowhere(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"chrom": None, "start": None, "end": None, "strand": None}, index=table.index)


def _agreeing(table: pd.DataFrame, found: dict[str, list], shown: list[str], what: str) -> tuple[pd.DataFrame, str]:
    # Coordinates as 0-based half-open ones, where all agree with the lengths of the sequences in one convention.
    start, end = np.array(found["start"]), np.array(found["end"])
    extra = table["sequence"].str.len().to_numpy() - (end - start)
    if not ((extra == 0).all() or (extra == 1).all()) or (start < extra).any():
        first = int(np.flatnonzero((extra != extra[0]) | (extra < 0) | (extra > 1) | (start < extra))[0])
        size = len(table["sequence"].iloc[first])
        return _nowhere(table), f"{what} and lengths do not agree, e.g. {shown[first][:60]} of {size} bp"
    return pd.DataFrame(found | {"start": start - extra, "end": end}, index=table.index), ""


def read_fastq(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read the sequences of a FASTQ file (Cock et al. 2010), wrapped records included.

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts reads, reads with U or IUPAC letters, and dropped reads: those without a base, which trimmers leave.

    Returns
    -------
    DataFrame
        One column, `sequence`, in the order of the file. Qualities are not kept.

    Raises
    ------
    InputError
        A malformed record, more or fewer qualities than bases, mates 1 and 2 in one file, a letter that is not of DNA,
        no read with a base, a file that breaks off or cannot be read.
    """
    tally = Tally() if tally is None else tally
    if (plain := _plain_fastq(path)) is not None:
        _finish(path, "reads", len(plain), tally, [])
        return pd.DataFrame({"sequence": plain})
    sequences, faults = [], []
    try:
        for _, sequence in _fastq(path, textfile.lines(path)):
            sequences.append(sequence)
    except textfile.Truncated as error:
        faults.append(f"{error} (it breaks off in record {len(sequences) + 1})")
    except InputError as error:
        faults += error.faults
    where = (f"{path}: record {i}" for i in range(1, len(sequences) + 1))
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "reads", len(sequences), tally, faults)
    if not any(sequences):
        raise InputError(f"{path}: record 1 to {len(sequences)}: no sequence; check how the reads were trimmed")
    tally.add("dropped", "read without a base", sequences.count(""))
    return pd.DataFrame({"sequence": pd.Series(list(filter(None, sequences)), dtype="str")})


def _plain_fastq(path) -> pd.Series | None:
    # A fast reader for files of plain four-line records. None for any other file: `_fastq` reads it or reports faults.
    letters, ends, last, rest, mates = [], [np.zeros(1, np.int64)], 0, b"", 0
    try:
        with textfile.binary(path) as stream, textfile.whole(path):
            while True:
                chunk = stream.read(_CHUNK)
                data = rest + (chunk or b"\n")  # the last line may lack its end
                found, until, unread, named = kernel.parse(np.frombuffer(data, np.uint8))
                mates |= named
                if mates == 3 or (chunk and not len(until)):  # not plain, or longer than a chunk
                    return None
                letters.append(found)
                ends.append(until + last)
                last += len(found)
                rest = data[unread:]
                if not chunk:
                    break
    except textfile.Truncated:
        return None
    return dna.column(np.concatenate(letters), np.concatenate(ends)) if last and not rest else None


def first_reads(path: str | os.PathLike, count: int) -> list[tuple[str, str]]:
    """Name and sequence of the first reads of a FASTQ, of which no more is read.

    Parameters
    ----------
    path : path
        Plain or gzip.
    count : int
        At most so many.

    Returns
    -------
    list of (str, str)
        The name ends before the first white space; the sequence is in upper case, as it stands otherwise.

    Raises
    ------
    InputError
        As `read_fastq`, for what is wrong among these reads.
    """
    found = islice(_fastq(path, textfile.lines(path)), count)
    return [((header[1:].split() or [""])[0], sequence.upper()) for header, sequence in found]


def _fastq(path, stream: Iterator[str]) -> Iterator[tuple[str, str]]:
    # Header and sequence of each record.
    record, mates = 0, set()
    for header in stream:
        if not header:
            continue
        record += 1
        where = f"{path}: record {record} ({header})"
        if not header.startswith("@"):
            raise InputError(f"{where}: a FASTQ record begins with '@'; reading stopped here")
        if mate := _MATE.search(header):
            mates.add(mate[1] or mate[2] or mate[3])
            if len(mates) == 2:
                raise InputError(f"{where}: mates 1 and 2 in one file; give read 1 in a file of its own")
        sequence, line = "", next(stream, None)
        while line is not None and not line.startswith("+"):
            sequence += line
            line = next(stream, None)
        if line is None:
            raise InputError(f"{where}: the file ends inside this record; fetch it again")
        quality = ""
        while len(quality) < len(sequence):
            line = next(stream, None)
            if line is None:
                raise InputError(f"{where}: {len(quality)} qualities for {len(sequence)} bases, then the file ends")
            quality += line
        if len(quality) != len(sequence):
            raise InputError(
                f"{where}: {len(quality)} qualities for {len(sequence)} bases; correct the record, reading stopped here"
            )
        yield header, sequence


def _rows(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(textfile.lines(path), 1):
        if line.strip():
            yield number, line.split("\t")


def _is_header(fields: list[str]) -> bool:
    # A header begins with a word that is not a sequence. If only numbers follow that word, it is a row with a fault.
    word, *others = (field.strip() for field in fields)
    numbers = all(re.fullmatch(r"-?[0-9.]+", other) for other in others)
    named = word.lower().startswith(("seq", "#")) or not numbers
    return bool(set(word.upper()) - set("ACGTUNRYSWKMBDHV")) and named


def _whole(field: str) -> int | None:
    # A count or a label, also written as a float (12.0, 1e+05); None for any other text.
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?([eE]\+?[0-9]{1,2})?", field := field.strip()):
        return None
    value = float(field)
    return int(value) if value < 10**9 and value.is_integer() else None


def read_labelled(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a table of sequences, and labels, separated by tabs or commas.

    Without a header, or with one that names no ``sequence`` or ``seq``, the columns are sequence and label. A header
    with such a name names the columns, in any order: ``label`` or ``bound``; ``chrom`` (``chr``), ``start``, ``end``
    and ``strand``; others are not read. Of two columns, the one beside the sequence is the label. Coordinates are used
    as those of FASTA names are, see `read_fasta`.

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts sequences read, and those with U or IUPAC letters; notes columns that are not read.

    Returns
    -------
    DataFrame
        `sequence`; `label` (int8: 1 positive, 0 negative), unless a header of other than two columns names none; where
        the header names them `chrom`, `start`, `end` (bp, 0-based half-open) and `strand`, null if they are not used,
        and ``attrs["nowhere"]`` says why ('' otherwise).

    Raises
    ------
    InputError
        A row with another number of columns than the header (without one: two), without a sequence, with a label other
        than 0 and 1 or a letter that is not of DNA; a header that names a column twice, or no label beside a column of
        0 and 1; no rows; a file that cannot be read.
    """
    tally = Tally() if tally is None else tally
    rows, where, faults = [], [], []
    sign, width, at, header = "\t", 2, {"sequence": 0, "label": 1}, []
    for i, (number, line) in enumerate((n, line) for n, line in enumerate(textfile.lines(path), 1) if line.strip()):
        if i == 0 and "\t" not in line and "," in line:
            sign = ","
        fields = textfile.fields(line, sign)
        if i == 0 and (named := _named(path, number, fields)):
            at, width, header = named, len(fields), fields
            continue
        if i == 0 and _is_header(fields):
            continue
        if len(fields) != width:
            hint = "separate them by a tab" if len(fields[0].split()) > 1 else "sequence and label are read"
            hint = f"the header names {', '.join(header)}" if header else hint
            faults.append(f"{path}:{number}: {len(fields)} column(s) where there should be {width}; {hint}")
        elif "label" in at and _whole(fields[at["label"]]) not in (0, 1):
            faults.append(f"{path}:{number}: label {fields[at['label']]!r} is neither 0 nor 1")
        elif not fields[at["sequence"]]:
            faults.append(f"{path}:{number}: no sequence")
        else:
            rows.append(fields)
            where.append(f"{path}:{number}")
    unread = [column for column in range(len(header)) if column not in at.values()]
    if "label" not in at:
        for column in unread:
            if {_whole(row[column]) for row in rows} == {0, 1}:
                faults.append(f"{path}: {header[column]!r} holds 0 and 1 and no column is called label; name it so")
        tally.add("noted", f"{Path(path).name}: no column label, so all its sequences are of one class", len(rows))
    if unread:
        tally.add("noted", f"columns not read: {', '.join(header[column] for column in unread)}", len(rows))
    sequences = _clean([row[at["sequence"]] for row in rows], where, tally, faults)
    _finish(path, "labelled sequences", len(sequences), tally, faults)
    table = pd.DataFrame({"sequence": pd.Series(sequences, dtype="str")})
    if "label" in at:
        table["label"] = np.array([_whole(row[at["label"]]) for row in rows], np.int8)
    if not {"chrom", "start", "end"} <= set(at):
        return table
    places, why = _columns(table, rows, at)
    table = pd.concat([table, places], axis=1)
    table.attrs["nowhere"] = why
    return table


def _named(path, number: int, fields: list[str]) -> dict[str, int]:
    # Column -> its place in a header that names the sequence; empty for any other line.
    names = [field.lstrip("#").strip().lower() for field in fields]
    if not set(names) & set(_NAMES["sequence"]):
        return {}
    found = {column: [i for i, name in enumerate(names) if name in words] for column, words in _NAMES.items()}
    if twice := [column for column, places in found.items() if len(places) > 1]:
        raise InputError(
            f"{path}:{number}: {' and '.join(fields[i] for i in found[column])} both name the column {column}; keep one"
            for column in twice
        )
    at = {column: places[0] for column, places in found.items() if places}
    return {"sequence": at["sequence"], "label": 1 - at["sequence"]} if len(fields) == 2 else at


def _columns(table: pd.DataFrame, rows: list[list[str]], at: dict[str, int]) -> tuple[pd.DataFrame, str]:
    # Coordinates of a table's own columns; and why there are none.
    chrom, start, end = ([row[at[column]] for row in rows] for column in ("chrom", "start", "end"))
    shown = [f"{a}:{b}-{c}" for a, b, c in zip(chrom, start, end, strict=True)]
    start, end = [_whole(text) for text in start], [_whole(text) for text in end]
    lacking = [i for i, values in enumerate(zip(chrom, start, end, strict=True)) if None in values or not values[0]]
    if lacking:
        said = f"{len(lacking)} of {len(rows)} rows hold no chrom, start and end, e.g. {shown[lacking[0]][:40]}"
        return _nowhere(table), said
    strand = ["-" if "strand" in at and row[at["strand"]] == "-" else "+" for row in rows]
    return _agreeing(table, {"chrom": chrom, "start": start, "end": end, "strand": strand}, shown, "coordinates")


def read_deepbind(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read the .seq format of DeepBind (Alipanahi et al. 2015).

    A header names the tab-separated columns FoldID, EventID, seq and Bound; FoldID and further columns are not read.

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts sequences read, and those with U or IUPAC letters.

    Returns
    -------
    DataFrame
        `name` (EventID), `sequence`, `label` (int8, from Bound: 1 positive, 0 negative).

    Raises
    ------
    InputError
        EventID, seq or Bound is missing; a row has another number of columns than the header, no sequence, a Bound
        other than 0 and 1 or a letter that is not of DNA; no rows; a file that cannot be read.
    """
    tally = Tally() if tally is None else tally
    names, sequences, labels, where, faults = [], [], [], [], []
    columns: dict[str, int] = {}
    width = 0
    for i, (number, fields) in enumerate(_rows(path)):
        if i == 0:
            columns, width = {name.strip(): at for at, name in enumerate(fields)}, len(fields)
            if missing := [name for name in ("EventID", "seq", "Bound") if name not in columns]:
                raise InputError(
                    f"{path}:{number}: no column {', '.join(missing)}; a .seq file begins with the tab-separated "
                    "header FoldID EventID seq Bound"
                )
            continue
        if len(fields) != width:
            faults.append(f"{path}:{number}: {len(fields)} columns where the header has {width}")
        elif _whole(fields[columns["Bound"]]) not in (0, 1):
            faults.append(f"{path}:{number}: Bound {fields[columns['Bound']]!r} is neither 0 nor 1")
        elif not fields[columns["seq"]].strip():
            faults.append(f"{path}:{number}: no sequence")
        else:
            names.append(fields[columns["EventID"]])
            sequences.append(fields[columns["seq"]].strip())
            labels.append(_whole(fields[columns["Bound"]]))
            where.append(f"{path}:{number}")
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "sequences", len(sequences), tally, faults)
    return pd.DataFrame(
        {
            "name": pd.Series(names, dtype="str"),
            "sequence": pd.Series(sequences, dtype="str"),
            "label": np.array(labels, np.int8),
        }
    )


def read_counts(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a table of sequences and their read counts, one tab-separated column for each SELEX cycle.

    Without a header the count columns are cycles 0, 1, 2, ...; a header names each by its number (``3``, ``cycle_3``,
    ``R3``). Whole numbers may be written as floats (``12.0``, ``1e+05``).

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts sequences read, and those with U or IUPAC letters.

    Returns
    -------
    DataFrame
        `sequence`, then one int64 column of read counts for each cycle, named by the cycle number (int).

    Raises
    ------
    InputError
        No count columns, or a header that does not give each one cycle number; a row has another number of columns, no
        sequence, a count that is not a whole number below 10^9 or a letter that is not of DNA; no rows; a file that
        cannot be read.
    """
    tally = Tally() if tally is None else tally
    sequences, counts, where, faults = [], [], [], []
    cycles: list[int] = []
    for i, (number, fields) in enumerate(_rows(path)):
        if i == 0:
            cycles = list(range(len(fields) - 1))
            if not cycles:
                raise InputError(f"{path}:{number}: one column; sequence and counts are separated by tabs")
            if _is_header(fields):
                found = [re.fullmatch(r"[A-Za-z_. -]*([0-9]{1,3})", name.strip()) for name in fields[1:]]
                if not all(found) or len({int(match[1]) for match in found}) < len(found):
                    raise InputError(
                        f"{path}:{number}: the header {', '.join(fields[1:])} does not give each count column one "
                        "cycle number; name the columns 0, 1, 2, ..."
                    )
                cycles = [int(match[1]) for match in found]
                continue
        if len(fields) != len(cycles) + 1:
            faults.append(f"{path}:{number}: {len(fields)} columns where the first line has {len(cycles) + 1}")
        elif None in (found := [_whole(field) for field in fields[1:]]):
            faults.append(
                f"{path}:{number}: counts {' '.join(fields[1:])!r} are not all whole numbers of reads; give the raw "
                "counts, 0 where a sequence was not read"
            )
        elif not fields[0].strip():
            faults.append(f"{path}:{number}: no sequence")
        else:
            sequences.append(fields[0].strip())
            counts.append(found)
            where.append(f"{path}:{number}")
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "counted sequences", len(sequences), tally, faults)
    table = pd.DataFrame(np.array(counts, np.int64), columns=cycles)
    table.insert(0, "sequence", pd.Series(sequences, dtype="str"))
    return table
