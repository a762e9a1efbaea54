"""Readers for tables of protein-binding microarrays: probes with their intensities, and words with their scores.

A table may be plain or gzip. What its columns are is recognised by the content: by the names in a header, or, without a
header, by the one column of sequences and the numbers beside it.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import sequence_files, textfile
from tfbind.io.tally import Tally

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_MISSING = ("", "na", "nan", "n/a", "#n/a", "null", "none", "-", ".")
_WORDS = "this is a table of words and their scores; give its format as words"
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_DNA = "ACGTUNRYSWKMBDHV"  # with the letters of IUPAC
_OTHER = str.maketrans("ACGT", "TGCA")
#: Column of the table -> the names that headers give it, without case, spaces and signs; the first that is there is
#: taken. Of several signals the most processed comes first, and a mean over pixels before a median, as in DREAM5.
_NAMES = {
    "sequence": ("sequence", "probesequence", "pbmsequence", "dnasequence", "seq"),
    "signal": (
        *(
            "alexa488adjusted",
            "signal",
            "intensity",
            "meansignalintensity",
            "signalmean",
            "meansignal",
            "signalintensity",
        ),
        *("meanintensity", "mediansignalintensity", "signalmedian", "mediansignal", "medianintensity", "fluorescence"),
        *("logintensity", "lnintensity", "log2intensity", "logsignal", "zscore", "alexa488"),
    ),
    "background": (
        *("background", "meanbackgroundintensity", "backgroundmean", "meanbackground", "backgroundintensity"),
        *("medianbackgroundintensity", "backgroundmedian", "medianbackground"),
    ),
    "bad": ("flag", "flags", "badspot", "bad", "isbad", "alexa488flags"),
    "control": ("control", "iscontrol"),
    "row": ("row",),
    "column": ("col", "column"),
}
#: Columns that must hold one value, since a table is one experiment on one array.
_ONE = ("tfid", "tf", "tfname", "protein", "arraytype", "arrayid", "experiment")
_GOOD = ("false", "f", "no", "n", "good", "g", "ok", "pass", *_MISSING)
_BAD = ("true", "t", "yes", "y", "bad", "b", "x", "fail", "flagged")


class _Layout(NamedTuple):
    names: dict[str, int]  # column of the table -> its place in a row
    one: dict[str, int]  # name in the header -> place, of columns that must hold one value
    width: int
    separator: str
    first: int  # line number of the first row


def read_probes(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a table of probes with the intensity of each.

    Without a header, a row has one sequence and one or two numbers, signal and then background: DREAM5 (sequence,
    signal, background), UniPROBE's ranked combinatorial probes (signal, 60-mer), genomic-context PBM (sequence, log
    intensity). With a header, columns may have any order and others may stand beside them: among others the tables of
    IBIS and Codebook (``#id_spot row col control id_probe pbm_sequence linker_sequence mean_signal_intensity
    mean_background_intensity flag``) and the `alldata` tables of UniPROBE's programs, of which the adjusted signal is
    taken. Columns are separated by tabs, or by commas where the first line has no tab.

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts probes read, how the columns were read, and dropped rows: control spots, spots without a sequence or
        without a signal.

    Returns
    -------
    DataFrame
        `sequence`, `signal` (float64, as in the file), and those of the following that the file has: `background`
        (float64, NaN where empty), `bad` (bool: the spot is flagged), `row` and `column` (int64, of the spot). Linkers
        in a column of their own are left out.

    Raises
    ------
    InputError
        Columns that cannot be told apart, rows with another number of columns, numbers or flags that are none, letters
        that are not of DNA, several experiments in one table, no probe left, a file that cannot be read.
    """
    tally = Tally() if tally is None else tally
    layout = _layout(path)
    found = _plain(path, layout)
    if found is None:
        found = _slow(path, layout, tally)
    tally.add("read", "probes", len(found))
    if not {"row", "column"} <= set(found):
        found = found.drop(columns=["row", "column"], errors="ignore")
    for name, reason in (("sequence", "spot without a sequence"), ("signal", "spot without a signal")):
        lacking = found[name].eq("") if name == "sequence" else found[name].isna()
        tally.add("dropped", reason, lacking.sum())
        found = found[~lacking] if lacking.any() else found
    if "control" in found:
        tally.add("dropped", "control spot", found["control"].sum())
        found = found[~found["control"]].drop(columns="control")
    if "background" in found and found["background"].isna().all():
        found = found.drop(columns="background")
    if found.empty:
        raise InputError(f"{path}: no probe with a sequence and a signal is left; check that the right file is named")
    tally.add("read as", f"columns {', '.join(found)}", len(found))
    return found.reset_index(drop=True)


def _rows(path: str | os.PathLike) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(textfile.lines(path), 1) if line.strip())


def _fields(line: str, separator: str) -> list[str]:
    return textfile.fields(line, separator)


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or text.lower() in _MISSING[1:]


def _layout(path: str | os.PathLike) -> _Layout:
    # Which column is what. Lines that begin with # are comments, but for the last one where it names the columns.
    for number, line in _rows(path):
        separator = "\t" if "\t" in line else ","
        comment = line.startswith("#")
        fields = _fields(line.lstrip("#"), separator)
        if any(map(_is_number, fields)) and not comment:
            return _unnamed(path, number, fields, separator)
        said = [re.sub(r"[^a-z0-9]", "", field.lower()) for field in fields]
        names = {}
        for name, known in _NAMES.items():
            if there := next((word for word in known if word in said), ""):
                if said.count(there) > 1:
                    raise InputError(
                        f"{path}:{number}: two columns are called {fields[said.index(there)]!r}; delete one"
                    )
                names[name] = said.index(there)
        if "sequence" not in names and "escore" in said:
            raise InputError(f"{path}:{number}: {_WORDS}")
        if {"sequence", "signal"} <= set(names):
            adjusted = said[names["signal"]] == "alexa488adjusted"
            names = {
                name: at for name, at in names.items() if not (adjusted and name in ("background", "row", "column"))
            }
            one = {fields[at]: at for at, word in enumerate(said) if word in _ONE}
            return _Layout(names, one, len(fields), separator, number + 1)
        if comment:
            continue
        if decimal := next((field for field in fields if _DECIMAL_COMMA.fullmatch(field)), ""):
            raise InputError(f"{path}:{number}: {decimal!r} is not a number; decimals follow a point")
        lacking = " and ".join(name for name in ("sequence", "signal") if name not in names)
        hint = "" if len(fields) > 1 else "; columns are separated by tabs or commas, and decimals follow a point"
        raise InputError(
            f"{path}:{number}: no column of the {lacking} among {', '.join(map(textfile.shown, fields[:12]))}{hint}; "
            "call them sequence and signal in a header line"
        )
    raise InputError(f"{path}: 0 probes in this file; check that the right file is named")


def _unnamed(path: str | os.PathLike, number: int, fields: list[str], separator: str) -> _Layout:
    # an empty cell is a number that is missing
    texts = [at for at, field in enumerate(fields) if field and not _is_number(field)]
    numbers = [at for at in range(len(fields)) if at not in texts]
    if len(texts) == 2 and len(numbers) >= 1 and dna.reverse_complement_text(fields[texts[0]]) == fields[texts[1]]:
        raise InputError(f"{path}:{number}: {_WORDS}")
    if len(texts) != 1 or len(numbers) > 2:
        raise InputError(
            f"{path}:{number}: {len(texts)} columns of text and {len(numbers)} of numbers, and no header; a table "
            "without one has a sequence, its signal and at most a background: name the columns in a header line"
        )
    if len(numbers) > 1 and texts[0] > 0:  # the first of them may number the rows
        raise InputError(
            f"{path}:{number}: a number stands before the sequence and another one beside it; without a header only "
            "sequence, signal, background in this order are read: name the columns in a header line"
        )
    if not set(fields[texts[0]].upper()) <= set(_DNA):
        raise InputError(
            f"{path}:{number}: {textfile.shown(fields[texts[0]])} is no sequence; where other lines stand above the "
            "header, delete them or begin them with #"
        )
    names = {"sequence": texts[0], **dict(zip(("signal", "background"), numbers, strict=False))}
    return _Layout(names, {}, len(fields), separator, number)


def _plain(path: str | os.PathLike, layout: _Layout) -> pd.DataFrame | None:
    # A fast reader for tables without a fault, an empty cell or an odd letter; None for any other, which `_slow` reads.
    kinds = {name: pa.float64() if name in ("signal", "background") else pa.string() for name in layout.names}
    kinds |= {"row": pa.int64(), "column": pa.int64()}
    places = {at: name for name, at in layout.names.items()} | {at: f"={name}" for name, at in layout.one.items()}
    names = [places.get(at, f"-{at}") for at in range(layout.width)]
    wanted = [name for name in names if not name.startswith("-")]
    try:
        with textfile.binary(path) as stream, textfile.whole(path):
            for _ in range(layout.first - 1):
                if b"\r" in stream.readline(textfile.LONGEST).removesuffix(b"\n").removesuffix(b"\r"):
                    return None
            found = csv.open_csv(
                stream,
                csv.ReadOptions(use_threads=False, column_names=names),
                csv.ParseOptions(delimiter=layout.separator, quote_char=False),
                csv.ConvertOptions(
                    column_types={name: kinds.get(name, pa.string()) for name in wanted},
                    include_columns=wanted,
                    null_values=[],
                    strings_can_be_null=False,
                ),
            ).read_all()
    except (textfile.Truncated, pa.ArrowInvalid):
        return None
    if not all(
        not bytes(chunk.buffers()[2] or b"").translate(None, b"ACGT") and pc.min(pc.binary_length(chunk)).as_py()
        for chunk in found["sequence"].chunks
    ):
        return None
    if any(len(pc.unique(found[name])) > 1 for name in wanted if name.startswith("=")):
        return None
    table = {"sequence": pd.Series(found["sequence"].cast(pa.large_string()), dtype="str")}
    for name in _NAMES.keys() & set(wanted) - {"sequence"}:
        values = found[name]
        if name in ("bad", "control"):
            flags = {text: _flag(text.strip().strip('"').strip()) for text in pc.unique(values).to_pylist()}
            if None in flags.values():
                return None
            table[name] = values.to_pandas().map(flags).astype(bool)
        else:
            table[name] = values.to_numpy()
            if name in ("signal", "background") and not np.isfinite(table[name]).all():
                return None
    table = pd.DataFrame({name: table[name] for name in _NAMES if name in table})
    return table if len(table) else None


def _slow(path: str | os.PathLike, layout: _Layout, tally: Tally) -> pd.DataFrame:
    # Row by row, with the place of each fault.
    values: dict[str, list] = {name: [] for name in layout.names}
    first: dict[str, str] = {}
    where, faults = [], []
    try:
        for number, line in _rows(path):
            if number < layout.first:
                continue
            place, fields = f"{path}:{number}", _fields(line, layout.separator)
            if len(fields) != layout.width:
                faults.append(f"{place}: {len(fields)} columns where the first line has {layout.width}")
                continue
            for name, at in layout.one.items():
                if fields[at] != first.setdefault(name, fields[at]):
                    faults.append(
                        f"{place}: {name} is {fields[at]!r}, and {first[name]!r} in the first row; a table holds one "
                        "experiment on one array: write each into a file of its own"
                    )
                    first[name] = fields[at]
            row, wrong = _row(fields, layout.names)
            faults += [f"{place}: {fault}" for fault in wrong]
            if not wrong:
                where.append(place)
                for name, value in row.items():
                    values[name].append(value)
    except textfile.Truncated as error:
        faults.append(f"{error} (it breaks off after {len(where)} rows)")
    sequences = sequence_files._clean(values["sequence"], where, tally, faults)
    sequence_files._finish(path, "probes", len(where), Tally(), faults)
    table = {"sequence": pd.Series(sequences, dtype="str")}
    kinds = {"signal": float, "background": float, "bad": bool, "control": bool, "row": np.int64, "column": np.int64}
    for name, kind in kinds.items():
        if name in values:
            table[name] = np.array(values[name], kind)
    return pd.DataFrame(table)


def _row(fields: list[str], names: Mapping[str, int]) -> tuple[dict, list[str]]:
    row, wrong = {}, []
    for name, at in names.items():
        text = fields[at]
        if name == "sequence":
            row[name] = "" if text.lower() in _MISSING else text
        elif name in ("bad", "control"):
            if (flag := _flag(text)) is None:
                wrong.append(f"{text!r} is not a flag; write 0 for a good spot and 1 for one that is not to be used")
            row[name] = flag
        elif name in ("row", "column"):
            if not re.fullmatch(r"[0-9]{1,9}", text):
                wrong.append(f"{name} {text!r} is not a whole number; call the column something else if it is no place")
            row[name] = text
        else:
            missing = text.lower() in _MISSING
            if not missing and (not _NUMBER.fullmatch(text) or not np.isfinite(float(text))):
                wrong.append(
                    f"{name} {text!r} is not a number; decimals follow a point, and an empty cell is one without"
                )
            row[name] = np.nan if missing else text
    return row, wrong


def _flag(text: str) -> bool | None:
    # Whether a spot is flagged, as it is by any number but 0 and 100 (GenePix: 100 good, -50 not found, -75 absent).
    word = text.lower()
    if _NUMBER.fullmatch(word):
        return float(word) not in (0, 100)
    return False if word in _GOOD else True if word in _BAD else None


def read_words(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a table of words (8-mers) with their scores, as UniPROBE gives them.

    A row has a word, its reverse complement, the E-score (-0.5 to 0.5; Berger et al. 2006), and, where the table has
    them, the median intensity and the Z-score. A header is optional; with one, the scores may have any order and others
    may stand beside them. Columns are separated by tabs, or by commas where the first line has no tab.

    Parameters
    ----------
    path : path
        Plain or gzip.
    tally : Tally, optional
        Counts words read, and dropped rows: gapped words (``A.TTCCGGT``) and words without an E-score. Notes how many
        words the table lacks.

    Returns
    -------
    DataFrame
        `word`, `escore`, `median`, `zscore` (float64, NaN where the table has none), in the order of the file.
        ``attrs["lacks"]`` is '' for a table that holds every word of its length, or its reverse complement; else it
        says what it lacks: in a table of the top words alone, no other word is known to be a negative.

    Raises
    ------
    InputError
        A row with another number of columns, without a word, with an E-score that is none, or whose second column is
        not the reverse complement of its first; words of several lengths; no word without a gap; a file that cannot be
        read.
    """
    tally = Tally() if tally is None else tally
    scores: dict[str, int] = {}
    width, separator = 0, "\t"
    rows, where, faults = [], [], []
    gapped = unscored = count = 0
    try:
        for i, (number, line) in enumerate(_rows(path)):
            place = f"{path}:{number}"
            if i == 0:
                separator = "\t" if "\t" in line else ","
            fields = _fields(line, separator)
            if i == 0:
                width = len(fields)
                scores = _scores(place, fields)
                if not any(map(_is_number, fields)):
                    continue
            if len(fields) != width:
                faults.append(f"{place}: {len(fields)} columns where the first line has {width}")
                continue
            count += 1
            word, other = fields[0].upper(), fields[1].upper()
            values = {name: fields[at] for name, at in scores.items()}
            if not set(word) <= set("ACGT.") or len(word.strip(".")) < 4:
                faults.append(f"{place}: {textfile.shown(fields[0])} is not a word of A, C, G, T and gaps (.)")
            elif word != other[::-1].translate(_OTHER):
                faults.append(f"{place}: {textfile.shown(fields[1])} is not the reverse complement of {word}")
            elif wrong := [
                f"{name} {text!r}"
                for name, text in values.items()
                if text.lower() not in _MISSING and not _NUMBER.fullmatch(text)
            ]:
                faults.append(f"{place}: {', '.join(wrong)} is not a number")
            elif "." in word:
                gapped += 1
            elif values["escore"].lower() in _MISSING:
                unscored += 1
            elif abs(float(values["escore"])) > 0.5:
                faults.append(f"{place}: E-score {values['escore']} is not within -0.5 to 0.5")
            else:
                found = {name: np.nan if text.lower() in _MISSING else float(text) for name, text in values.items()}
                rows.append({"word": word, **found})
                where.append(place)
    except textfile.Truncated as error:
        faults.append(f"{error} (it breaks off after {count} rows)")
    sizes = {len(row["word"]): place for row, place in zip(reversed(rows), reversed(where), strict=True)}
    if len(sizes) > 1:
        said = ", ".join(f"{size} bp in {place}" for size, place in sorted(sizes.items()))
        faults.append(f"{path}: words of several lengths ({said}); write each length into a file of its own")
    if not rows and not faults:
        faults.append(f"{path}: 0 words without a gap in this file; check that the right file is named")
    if faults:
        raise InputError(textfile.listed(faults))
    tally.add("read", "words", count)
    tally.add("dropped", "gapped word: only words without gaps are read", gapped)
    tally.add("dropped", "word without an E-score", unscored)
    table = pd.DataFrame(rows).reindex(columns=["word", "escore", "median", "zscore"])
    table["word"] = table["word"].astype("str")
    size = len(rows[0]["word"])
    whole = (4**size + (4 ** (size // 2) if size % 2 == 0 else 0)) // 2  # a word or its reverse complement
    there = dna.canonicals(table["word"]).nunique()
    table.attrs["lacks"] = ""
    if there < whole:
        least = table["escore"].min()
        table.attrs["lacks"] = (
            f"{there} of {whole} words of {size} bp are in the table, those of E-score {least:g} or more; it is "
            "not known whether the others are negatives"
        )
        tally.add("noted", table.attrs["lacks"], whole - there)
    return table


def _scores(place: str, fields: list[str]) -> dict[str, int]:
    # Score -> its column: by the names of a header, or in UniPROBE's order.
    if len(fields) < 3:
        raise InputError(
            f"{place}: {len(fields)} column(s); word, reverse complement and E-score are separated by tabs"
        )
    if any(map(_is_number, fields)):
        return dict(zip(("escore", "median", "zscore"), range(2, min(len(fields), 5)), strict=False))
    said = [re.sub(r"[^a-z0-9]", "", field.lower()) for field in fields]
    known = {"escore": ("escore", "enrichmentscore"), "median": ("median", "medianintensity"), "zscore": ("zscore",)}
    found = {name: said.index(word) for name, words in known.items() for word in words if word in said}
    if "escore" not in found:
        raise InputError(f"{place}: no column of the E-score among {', '.join(map(textfile.shown, fields[:12]))}")
    return found
