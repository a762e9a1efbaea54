"""Files of motifs in the forms of MEME, TRANSFAC, HOMER, JASPAR and PFM."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import textfile

#: Probabilities in a file that does not state its number of sites count as so many sites, for the pseudo-counts.
SITES = 100
#: Probabilities of a position that are rounded to two decimals may sum to 1 plus or minus this.
_ROUNDING = 0.03
_MOST = 1e12  # no count is higher; sums and products of larger values would be no numbers
_REMEDY = "give counts or probabilities of A C G T, in MEME, JASPAR, HOMER, TRANSFAC or PFM form"


class Matrix(NamedTuple):
    """One motif of a file.

    Attributes
    ----------
    name, id : str
        As the file has them; each is the other where the file has only one, or the name of the file.
    counts : (W, 4) float64
        Columns A C G T. Probabilities are multiplied by the number of sites.
    """

    name: str
    id: str
    counts: np.ndarray


@dataclass
class _Record:
    # One motif of a file as it is written: rows of texts, each with its line.
    name: str = ""
    id: str = ""
    line: int = 1
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    letters: str = ""  # the order of the columns, one row per position; '' where this is to be found out
    sites: float = 0
    width: str = ""  # as the file states it


def read(path: str | os.PathLike) -> list[Matrix]:
    """Every motif of a file.

    The form is recognised by the content: MEME (minimal, or its text output), TRANSFAC, HOMER, JASPAR (with letters and
    brackets or without), and PFM (four rows, with letters or without, or one row per position; names as ``>NAME``).
    Values are counts, or probabilities where each position sums to 1. Probabilities count as the `nsites` of a MEME
    file, else as `SITES` sites. A background that the file states is not read.

    Parameters
    ----------
    path : path
        Plain or gzip.

    Returns
    -------
    list of Matrix
        In the order of the file.

    Raises
    ------
    InputError
        Nothing to read, another alphabet, a value that is neither a count nor a probability, rows of different lengths,
        a matrix whose rows may be bases or positions. All faults of the file at once.
    """
    lines = [(number, line) for number, line in enumerate(textfile.lines(path), 1) if line.strip()]
    faults: list[str] = []
    stem = Path(path).name.removesuffix(".gz").rsplit(".", 1)[0]
    if any(re.match(r"\s*MEME version", line, re.IGNORECASE) for _, line in lines[:100]):
        records = list(_meme(lines, faults))
    elif any(re.match(r"P[0O]\s", line) for _, line in lines):
        records = list(_transfac(lines))
    else:
        records = list(_blocks(lines, stem))
    found = []
    for record in records:
        name = record.name or record.id or stem
        try:
            found.append(Matrix(name, record.id or name, _counts(record)))
        except InputError as error:
            faults += error.faults
    if not records and not faults:
        faults.append(f"1: no motif found; {_REMEDY}")
    if faults:
        raise InputError([f"{path}:{fault}" for fault in textfile.listed(faults)])
    return found


def _meme(lines: Sequence[tuple[int, str]], faults: list[str]) -> Iterator[_Record]:
    record, rows = None, False
    for number, line in lines:
        words = line.split()
        if re.match(r"\s*ALPHABET", line):
            letters = line.split("=")[-1].strip() if "=" in line else line.split('"')[1:2] or "ACGT"
            if letters not in ("ACGT", ["DNA"], "ACGU", ["RNA"]):
                faults.append(f"{number}: the alphabet {letters!r} is not ACGT; only motifs of DNA are read")
        elif words[0] == "MOTIF" and len(words) > 1:
            if record is not None:
                yield record
            alternative = words[2] if len(words) > 2 and words[2] != "width" else ""
            record, rows = _Record(alternative, words[1], number, letters=dna.ALPHABET), False
        elif line.strip().startswith("letter-probability matrix"):
            record = record or _Record(line=number, letters=dna.ALPHABET)
            stated = dict(re.findall(r"(\w+)\s*=\s*(\S+)", line))
            record.line, record.width, rows = number, stated.get("w", ""), True
            sites = stated.get("nsites", "0")
            if _is_number(sites) and 0 <= float(sites) <= _MOST:
                record.sites = float(sites)
            else:
                faults.append(f"{number}: nsites= {sites} is not a number of sites; leave it out")
        elif rows and re.match(r"[-+]?[.\d]|nan|inf", words[0], re.IGNORECASE):
            record.rows.append((number, words))
        else:
            rows = False
    if record is not None:
        yield record


def _transfac(lines: Sequence[tuple[int, str]]) -> Iterator[_Record]:
    record, rows = _Record(), False
    for number, line in [*lines, (0, "//")]:
        key, *words = line.split()
        if key == "//":
            if record.letters:
                yield record
            record, rows = _Record(), False
        elif key in ("P0", "PO"):
            record.letters, record.line, rows = "".join(words).upper().replace("U", "T"), number, True
        elif rows and key.isdigit():
            # the consensus letter at the end is not read
            record.rows.append((number, words[:4] if len(words) == 5 and words[4].isalpha() else words))
        else:
            rows = False
            text = " ".join(words)
            if key == "AC":
                record.id = text
            elif key == "NA" or (key in ("ID", "DE") and not record.name):
                record.name = text
    # a record of a file that ends without // has been given by the line added above


def _blocks(lines: Sequence[tuple[int, str]], stem: str) -> Iterator[_Record]:
    record = None
    for number, line in lines:
        words = re.sub(r"[\[\]|:]", " ", line).split()
        if line.startswith("#") or not words:
            continue
        letters = "".join(words[-4:]).upper().replace("U", "T")
        if line.startswith(">"):
            if record is not None:
                yield record
            record = _header(line[1:], number, stem)
        elif len(words) in (4, 5) and sorted(letters) == sorted(dna.ALPHABET):
            record = record or _Record(stem, stem, number)
            record.letters = letters
        elif record is None and not any(map(_is_number, words)):
            record = _Record(line.strip(), line.strip(), number)
        else:
            record = record or _Record(stem, stem, number)
            record.rows.append((number, words))
    if record is not None:
        yield record


def _header(text: str, number: int, stem: str) -> _Record:
    fields = [part.strip() for part in text.split("\t")]
    if len(fields) > 2 and _is_number(fields[2]):  # HOMER: consensus, name, threshold of the log odds
        return _Record(re.split(r"[(/]", fields[1])[0], fields[1], number, letters=dna.ALPHABET)
    words = text.split()
    return _Record(" ".join(words[1:]), words[0] if words else stem, number)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _counts(record: _Record) -> np.ndarray:
    # (W, 4) counts; InputError with every fault, each beginning with its line.
    named = f"motif {textfile.shown(record.id or record.name)}" if record.id or record.name else "the motif"
    if not record.rows:
        raise InputError(f"{record.line}: {named} has no row of numbers; {_REMEDY}")
    rows = [(number, list(words)) for number, words in record.rows]
    lettered = [words[0].upper().replace("U", "T") for _, words in rows if words[0].upper() in list("ACGTU")]
    if lettered:
        if sorted(lettered) != sorted(dna.ALPHABET) or len(rows) != 4:
            said = " ".join(words[0][:20] for _, words in rows[:8])
            raise InputError(f"{rows[0][0]}: {named} has the rows {said}; write one each of A C G T")
        rows = [(number, words[1:]) for number, words in rows]
    elif record.letters and all(len(words) == 5 for _, words in rows):
        rows = [(number, words[1:]) for number, words in rows]  # the first column counts the positions
    faults, values = [], []
    for number, words in rows:
        values.append([])
        for word in words:
            if not _is_number(word):
                advice = "write a point, not a comma" if "," in word else _REMEDY
                faults.append(f"{number}: {named}: {textfile.shown(word)} is not a number; {advice}")
            elif not 0 <= float(word) <= _MOST:
                advice = "log odds cannot be read" if float(word) < 0 else f"it must be a number up to {_MOST:g}"
                faults.append(f"{number}: {named}: {word}: {advice}; {_REMEDY}")
            else:
                values[-1].append(float(word))
    if faults:
        raise InputError(faults)
    by_position = bool(record.letters) and not lettered
    wide = {len(row) for row in values}
    first = rows[0][0]
    if by_position and wide != {4}:
        number, found = next((n, len(row)) for (n, _), row in zip(rows, values, strict=True) if len(row) != 4)
        raise InputError(f"{number}: {named}: {found} values in the row of a position; give 4, for A C G T")
    if len(wide) > 1:
        number, found = next(
            (n, len(row)) for (n, _), row in zip(rows, values, strict=True) if len(row) != len(values[0])
        )
        raise InputError(
            f"{number}: {named}: {found} values, {len(values[0])} in the row before; write rows of one length"
        )
    table = np.array(values, float)
    if not table.size:
        raise InputError(f"{first}: {named} has no number; {_REMEDY}")
    if not lettered and not by_position:
        by_position = _are_positions(table, first, named)
    table = table if by_position else table.T  # (W, 4)
    order = record.letters if by_position and record.letters else "".join(lettered) or dna.ALPHABET
    if sorted(order) != sorted(dna.ALPHABET):
        raise InputError(f"{record.line}: {named}: the columns {order!r} are not A C G T; only motifs of DNA are read")
    table = table[:, [order.index(base) for base in dna.ALPHABET]]
    places = [number for number, _ in rows] if by_position else [first] * len(table)
    return _checked(record, table, places, named)


def _are_positions(table: np.ndarray, line: int, named: str) -> bool:
    # Whether each row of a table without letters is a position, and not a base.
    if 4 not in table.shape:
        height, width = table.shape
        raise InputError(f"{line}: {named}: {height} rows of {width} values; give 4 rows, or 4 values in a row")
    if table.shape != (4, 4):
        return table.shape[1] == 4
    positions, bases = (np.ptp(table.sum(axis)) <= _ROUNDING * table.sum(axis).max() for axis in (1, 0))
    if positions == bases:
        raise InputError(
            f"{line}: {named}: 4 rows of 4 values may be bases or positions; begin each row with A, C, G or T"
        )
    return bool(positions)


def _checked(record: _Record, table: np.ndarray, places: Sequence[int], named: str) -> np.ndarray:
    # Counts of (W, 4) counts or probabilities.
    faults, total = [], table.sum(1)
    if record.width and record.width != str(len(table)):
        faults.append(f"{record.line}: {named}: {len(table)} rows, but w= {record.width}; is the file whole?")
    shares = total.max() <= 1 + _ROUNDING
    for i, (number, found) in enumerate(zip(places, total, strict=True), 1):
        if not found:
            faults.append(f"{number}: {named}: position {i} holds no base; {_REMEDY}")
        elif shares and abs(found - 1) > _ROUNDING:
            faults.append(f"{number}: {named}: the probabilities of position {i} sum to {found:g}; make it 1")
    if faults:
        raise InputError(faults)
    return table / total[:, None] * (record.sites or SITES) if shares else table
