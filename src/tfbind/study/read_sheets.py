"""Read the sheets and check them strictly."""

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from tfbind.assays import FLANKS
from tfbind.errors import InputError
from tfbind.study import schema, study
from tfbind.study.shifts import are_designs

#: Most bytes of a config and of a sheet. To parse YAML takes seconds for each megabyte.
LARGEST, _LARGEST_SHEET = 2**20, 2**25


def read_sheet(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Read a sheet of datasets.

    Parameters
    ----------
    path : Path

    Returns
    -------
    rows : list of (int, dict)
        Line number (from 1) and row: column -> text as written, '' where empty. Empty if the header has faults.
    faults : list of str
        Faults that the sheet alone can show: of its header, of its schema, a dataset id twice, a TF spelled in two
        ways.
    """
    rows, faults = _read_rows(path, "datasets")
    first, spelled, designs = {}, {}, {}
    for number, row in rows:
        other = first.setdefault(row["dataset"].lower(), number)
        if other != number:
            faults.append(
                f"{path.name}:{number}: dataset {row['dataset']!r} is also on line {other} (case does not count)"
            )
        faults += _spelled(path, number, "tf", row, spelled) + _spelled(path, number, "design", row, designs)
    return rows, faults


def other_design(row: Mapping[str, str], rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The test file of a row of intensities: the probes of another array design.

    Parameters
    ----------
    row : mapping of str to str
    rows : iterable of mappings
        All rows of the sheet.

    Returns
    -------
    dict of str to str
        `test_path`, `test_sha256` and `test_design` from the first row of the same format that is another design of
        the same experiment (`shifts.are_designs`), and `test_left_flank` and `test_right_flank` where its constant
        ends are others; empty where the row names a `test_path` itself or is of words, or there is no such row.
    """
    if row["test_path"] or row["format"] == "words":  # every table of words holds the same ones
        return {}
    for other in rows:
        if are_designs(row, other) and other["format"] == row["format"]:
            flanks = {f"test_{side}": other[side] for side in FLANKS if other[side].upper() != row[side].upper()}
            given = {"test_path": other["path"], "test_sha256": other["sha256"], "test_design": other["design"]}
            return given | flanks
    return {}


def read_cells(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Read a sheet of cells.

    Parameters
    ----------
    path : Path

    Returns
    -------
    rows : list of (int, dict)
        Line number (from 1) and row: column -> text as written, '' where empty. Empty if the header has faults.
    faults : list of str
        Faults that the sheet alone can show: of its header, of its schema, a file twice, a cell or TF spelled in two
        ways.
    """
    rows, faults = _read_rows(path, "cells")
    cells, tfs, seen = {}, {}, {}
    for number, row in rows:
        faults += _spelled(path, number, "cell", row, cells) + _spelled(path, number, "tf", row, tfs)
        other = seen.setdefault(row["path"], number)
        if other != number:
            faults.append(f"{path.name}:{number}: path: {row['path']} is also on line {other}; name each file once")
    return rows, faults


def _spelled(path: Path, number: int, column: str, row: dict, known: dict) -> list[str]:
    """The fault of a name that an earlier row writes with other capitals or, of a heterodimer, in another order."""
    # a heterodimer is one TF in whatever order its parts are written, and two TFs must not share file names
    name = study.file_name(row[column]) if column == "tf" else row[column]
    same, line = known.setdefault(name.lower(), (row[column], number))
    if same == row[column]:
        return []
    return [
        f"{path.name}:{number}: {column} {row[column]!r} is {same!r} on line {line}; spell one "
        f"{'TF' if column == 'tf' else column} in one way; if they are two, they must differ in more than case, e.g. "
        f"{row[column]}_{'2' if column == 'design' else 'mouse'}"
    ]


def _read_rows(path: Path, name: str) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows of a sheet with their line numbers, and the faults of its header and those that the schema `name` finds."""
    columns = list(schema.schema(name)["properties"])
    required = schema.schema(name)["required"]
    try:
        text = sheet_text(path, _LARGEST_SHEET, f"the config's `{name}` names it")
    except InputError as error:
        return [], error.faults
    reader = csv.reader(io.StringIO(text, newline=None), delimiter="\t", strict=True)
    lines = []
    try:
        for cells in reader:
            if any("\n" in cell for cell in cells):
                raise csv.Error("a cell runs on into the next line")
            cells = [cell.strip() for cell in cells]
            if any(cells) and not cells[0].startswith("#"):
                lines.append((reader.line_num, cells))
    except csv.Error as error:
        return [], [f"{path.name}:{reader.line_num}: {error}; reading stopped here, is a quotation mark missing?"]
    if not lines:
        return [], [f"{path.name}: the sheet is empty; its header starts with {' '.join(required)}"]
    number, header = lines[0]
    faults = [
        f"{path.name}:{number}: column {c!r} is missing; required are {', '.join(required)}"
        for c in required
        if c not in header
    ]
    faults += [
        f"{path.name}:{number}: unknown column {c!r}{schema.meant(c, columns)}" for c in header if c not in columns
    ]
    faults += [f"{path.name}:{number}: column {c!r} occurs twice" for c in {c for c in header if header.count(c) > 1}]
    if faults and len(header) == 1 and ("," in header[0] or " " in header[0]):
        faults.append(f"{path.name}:{number}: the header has no tab; separate the columns by tabs")
    if faults:
        return [], faults
    rows = []
    for number, cells in lines[1:]:
        if len(cells) > len(header):
            faults.append(f"{path.name}:{number}: {len(cells)} cells under {len(header)} columns")
            continue
        row = dict.fromkeys(columns, "") | dict(zip(header, cells, strict=False))
        faults += [f"{path.name}:{number}: {message}" for message in schema.check(row, schema.schema(name))]
        rows.append((number, row))
    if len(lines) == 1:
        faults.append(f"{path.name}: the sheet has a header and no {'dataset' if name == 'datasets' else 'file'}")
    return rows, faults


def sheet_text(path: Path, largest: int, remedy: str) -> str:
    """Read the text of a sheet or config.

    Parameters
    ----------
    path : Path
    largest : int
        Most bytes.
    remedy : str
        End of the message if the file cannot be read.

    Returns
    -------
    str
        Without BOM.

    Raises
    ------
    InputError
        The file cannot be read, is longer than `largest` or is not UTF-8 text.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(largest + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', error)}); {remedy}") from None
    if len(raw) > largest:
        raise InputError(f"{path.name}: longer than {largest} bytes; name another file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path.name}:{line}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path.name}: holds a NUL, so it is not UTF-8 text; save it as UTF-8")
    return text
