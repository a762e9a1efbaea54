"""Columns and types of every stored table, and how tables are written and read.

Every file is written under a temporary name and renamed, so a killed job or a full disk leaves no half table. A file
that was damaged later is refused when it is read: a Parquet table by the checksums of its pages, a TSV by its end.
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tfbind import __version__
from tfbind.errors import InputError
from tfbind.io import atomic

VERSION = "1"
#: Positives and negatives. Coordinates are 0-based half-open, null for SELEX; `score` is the experiment's own
#: signal (null where there is none); `origin` says where a sequence came from (a peak, a cycle, the sequence it was
#: made from); `draw` is 0 for negatives of every seed, or k for those of the k-th seed only (fresh negatives).
SEQUENCES = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("sequence", pa.string(), nullable=False),
        pa.field("label", pa.int8(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("chrom", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("end", pa.int64()),
        pa.field("strand", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("draw", pa.int16(), nullable=False),
    ]
)
#: One row per scored sequence and seed, in the order of the target's tables. `negatives` is the label of the set that
#: a negative belongs to; it is empty for positives, which count in every set (but see `external_scores.predictions`).
#: `seed` is an integer or `ensemble`; `score` is a logit.
PREDICTIONS = pa.schema(
    [
        pa.field("target", pa.string(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("label", pa.int8(), nullable=False),
        pa.field("negatives", pa.string(), nullable=False),
        pa.field("seed", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
    ]
)
#: Labels of the bins of chromosomes, as runs of bins ``[first, stop)``. Bins that no run includes are unbound. Each
#: chromosome has one row of label 0, which says how many bins it has.
LABELS = pa.schema(
    [
        pa.field("chrom", pa.string(), nullable=False),
        pa.field("first", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
        pa.field("label", pa.int8(), nullable=False),
    ]
)
#: Columns of any TSV table that hold numbers. All others are text: ids and labels may be any word, even 001, 1e5, NA or
#: True, and are read as they were written.
NUMBERS = frozenset(
    [
        *("value", "low", "high", "same", "cross", "drop", "floor", "own", "auroc", "target_trained", "x", "y"),
        *("drop_low", "drop_high", "loss", "loss_low", "loss_high", "gain", "gain_low", "gain_high"),
        *("p_value", "p_delong", "p_minimum", "p_holm", "q_value", "own_rank", "own_p_value"),
        *("n", "n_positive", "n_negative", "n_bound", "n_unbound", "n_tf", "n_pair", "n_level", "n_target", "n_star"),
        *("n_train", "n_test", "n_removed", "n_left_out", "n_read", "n_dropped", "n_jackpot", "n_sites"),
        *("count", "most", "epoch"),
        *("enrichment", "entropy", "entropy_negative", "excess", "held", "motif_auroc", "effect", "importance"),
        *("ece", "ece_chance", "ece_chance_high", "log_loss", "temperature", "bias", "predicted", "observed"),
        *("freedom", "sd", "share"),
    ]
)
SPLITS = ("train", "validation", "test")


def sequences(**columns) -> pd.DataFrame:
    """Make a sequence table from its columns; columns that are not given take their default.

    Parameters
    ----------
    **columns
        Any columns of `SEQUENCES`. `id`, `sequence`, `label` (1 positive, 0 negative) and `origin` are required. A
        scalar is repeated in all rows. Defaults: `split` '', `draw` 0, the others null.

    Returns
    -------
    sequence table
        All columns of `SEQUENCES`, with their types.

    Raises
    ------
    ValueError
        A required column has empty cells.
    """
    neutral = {
        "split": "",
        "chrom": None,
        "start": None,
        "end": None,
        "strand": None,
        "score": None,
        "draw": 0,
    }
    frame = pd.DataFrame({"id": columns["id"]})
    for name in SEQUENCES.names[1:]:
        values = columns.get(name, neutral.get(name))
        frame[name] = values.array if isinstance(values, pd.Series) else values
    return conform(frame, SEQUENCES)


def conform(frame: pd.DataFrame, schema: pa.Schema) -> pd.DataFrame:
    """Give a table exactly the columns, order and types of a schema.

    Parameters
    ----------
    frame : DataFrame
        Further columns are left out.
    schema : Arrow schema

    Returns
    -------
    DataFrame
        A copy, rows numbered from 0. Columns of type int64 become ``Int64`` of pandas, which can be null.

    Raises
    ------
    ValueError
        A column is missing, a column that must be full has empty cells, or a value does not fit its type.
    """
    missing = [name for name in schema.names if name not in frame]
    if missing:
        raise ValueError(f"the table lacks the column(s) {', '.join(missing)}")
    frame = frame[schema.names].reset_index(drop=True)
    for field in schema:
        if not field.nullable and frame[field.name].isna().any():
            raise ValueError(f"column {field.name} has empty cells")
    types = {
        pa.string(): "str",
        pa.int64(): "Int64",
        pa.int16(): "int16",
        pa.int8(): "int8",
        pa.float64(): "float64",
    }
    return frame.astype({field.name: types[field.type] for field in schema})


def write(frame: pd.DataFrame, path: str | os.PathLike, schema: pa.Schema = SEQUENCES) -> None:
    """Write a Parquet table; the metadata holds the format, the versions of libraries and `note`.

    Parameters
    ----------
    frame : DataFrame
        ``attrs["note"]``, if there, says why the table is empty.
    path : path
        Written under a temporary name, then renamed.
    schema : Arrow schema
        Columns and types, for `conform`.

    Raises
    ------
    ValueError
        The table does not fit the schema.
    ResourceError
        The disk is full or the folder cannot be written.
    """
    table = pa.Table.from_pandas(conform(frame, schema), schema=schema, preserve_index=False)
    about = {"tfbind": VERSION, "note": note(frame), "versions": json.dumps(versions("pandas", "pyarrow"))}
    table = table.replace_schema_metadata(about)
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read(path: str | os.PathLike, schema: pa.Schema = SEQUENCES) -> pd.DataFrame:
    """Read a Parquet table that `write` wrote.

    Parameters
    ----------
    path : path
    schema : Arrow schema
        Columns that the file must have, in this order.

    Returns
    -------
    DataFrame
        With the types of the schema; ``attrs["note"]`` says why a table is empty ('' for others).

    Raises
    ------
    InputError
        The file is damaged, of another format version or has other columns. A missing file is a FileNotFoundError.
    """
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        about = table.schema.metadata or {}
        if about.get(b"tfbind") != VERSION.encode() or table.schema.names != schema.names:
            raise ValueError(f"not a table of format {VERSION} with the columns {', '.join(schema.names)}")
        frame = conform(table.to_pandas(), schema)
        frame.attrs["note"] = about[b"note"].decode()
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise InputError(f"{path}: damaged, or of another version ({error}); {atomic.AGAIN}") from error
    return frame


def read_targets(
    targets: Sequence[str],
    positives: Sequence[str | os.PathLike],
    labelled: Sequence[tuple[str, str]],
    negatives: Sequence[str | os.PathLike],
) -> dict[str, tuple[pd.DataFrame, dict[str, pd.DataFrame]]]:
    """Read the positives and negatives of several targets.

    Parameters
    ----------
    targets : sequence of str
        Dataset ids.
    positives : sequence of path
        One file for each target, in the same order.
    labelled : sequence of (str, str)
        Pairs of target and label of negatives.
    negatives : sequence of path
        One file for each pair, in the same order.

    Returns
    -------
    dict
        Target -> (sequence table of its positives, label -> sequence table of negatives).

    Raises
    ------
    InputError
        A file is damaged or not a sequence table.
    ValueError
        The number of files is not that of targets or pairs.
    """
    found = {target: (read(path), {}) for target, path in zip(targets, positives, strict=True)}
    for (target, label), path in zip(labelled, negatives, strict=True):
        found[target][1][label] = read(path)
    return found


def chosen(
    targets: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]], pairs: Iterable[tuple[str, str]]
) -> dict[str, tuple[pd.DataFrame, dict[str, pd.DataFrame]]]:
    """Select negatives by target and label; all targets and their positives stay.

    Parameters
    ----------
    targets : mapping
        Target -> (positives, label -> negatives), from `read_targets`.
    pairs : iterable of (str, str)
        Pairs of target and label to keep.

    Returns
    -------
    dict
        Target -> (positives, label -> negatives); the tables are not copied.
    """
    found = {target: (positives, {}) for target, (positives, _) in targets.items()}
    for target, label in pairs:
        found[target][1][label] = targets[target][1][label]
    return found


def empty(schema: pa.Schema, note: str) -> pd.DataFrame:
    """Make a table without rows that says why it is empty.

    Results that depend on it are not estimable; everything else goes on.

    Parameters
    ----------
    schema : Arrow schema
    note : str
        The reason.

    Returns
    -------
    DataFrame
        No rows, with the columns and types of the schema; ``attrs["note"]`` is the reason.
    """
    frame = conform(schema.empty_table().to_pandas(), schema)
    frame.attrs["note"] = note
    return frame


def note(frame: pd.DataFrame) -> str:
    """The reason why a table is empty, as `empty` or `read` attached it.

    Parameters
    ----------
    frame : DataFrame

    Returns
    -------
    str
        '' for a table that has no reason.
    """
    return frame.attrs.get("note", "")


def write_tsv(frame: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a tab-separated table with a header: floats with six significant digits, missing cells empty.

    Parameters
    ----------
    frame : DataFrame
        The index is not written.
    path : path
        Written under a temporary name, then renamed.

    Raises
    ------
    ResourceError
        The disk is full or the folder cannot be written.
    """
    with atomic.replacing(path) as temporary:
        frame.to_csv(temporary, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def read_tsv(path: str | os.PathLike) -> pd.DataFrame:
    """Read a tab-separated table with a header.

    Parameters
    ----------
    path : path

    Returns
    -------
    DataFrame
        Columns of `NUMBERS` as numbers, all others as text. Only empty cells are missing.

    Raises
    ------
    InputError
        The file does not end with a line end, so it is only part of a table.
    """
    with open(path, "rb") as file:
        header = file.readline().decode("utf-8-sig").rstrip("\r\n").split("\t")
        file.seek(-min(1, os.fstat(file.fileno()).st_size), os.SEEK_END)
        if file.read() != b"\n":
            raise InputError(f"{path}: damaged (it ends inside a line); {atomic.AGAIN}")
    types = {name: "str" for name in header if name not in NUMBERS}
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""], dtype=types)


def versions(*libraries: str) -> dict[str, str]:
    """Versions of tfbind, Python and the libraries given, by name."""
    return {"tfbind": __version__, "python": platform.python_version()} | {n: metadata.version(n) for n in libraries}


def digest(path: str | os.PathLike, algorithm: str = "sha256") -> str:
    """Compute the checksum of a file.

    Parameters
    ----------
    path : path
    algorithm : str
        A name of `hashlib`, such as ``md5``.

    Returns
    -------
    str
        In hexadecimal, lower case.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
