"""The column contract of every stored table; how it is read and written; what was kept and dropped.

Every file is written under a temporary name and renamed, so a killed job or a full disk leaves no half table. What was
damaged afterwards is refused when it is read: a Parquet table by the checksums of its pages, a TSV by its end.
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
#: signal (null where there is none); `origin` says where a row came from (a peak, a cycle, the row it was made from);
#: `draw` is 0 for every seed, or k for the k-th seed only (fresh negatives).
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
#: One row per scored sequence and seed, in the order of the target's tables. `negatives` names the set a label-0 row
#: belongs to and is empty for positives, which count in every set (but see `external_scores.predictions`); `seed`
#: is an integer or `ensemble`; `score` is a logit.
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
#: Labels of the bins of chromosomes as runs of bins ``[first, stop)``; unbound bins are those that no run names, and
#: the one row of label 0 of each chromosome says how many bins it has.
LABELS = pa.schema(
    [
        pa.field("chrom", pa.string(), nullable=False),
        pa.field("first", pa.int64(), nullable=False),
        pa.field("stop", pa.int64(), nullable=False),
        pa.field("label", pa.int8(), nullable=False),
    ]
)
#: The columns of TSV tables that hold numbers, of whatever table. Every other column is text: ids and labels may be any
#: word, 001, 1e5, NA and True too, and come back as they were written.
NUMBERS = frozenset(
    [
        *("value", "low", "high", "same", "cross", "drop", "floor", "own", "auroc", "target_trained", "x", "y"),
        *("drop_low", "drop_high", "loss", "loss_low", "loss_high", "gain", "gain_low", "gain_high"),
        *("p_value", "p_delong", "p_minimum", "p_holm", "q_value", "own_rank", "own_p_value"),
        *("n", "n_positive", "n_negative", "n_bound", "n_unbound", "n_tf", "n_pair", "n_level", "n_target", "n_star"),
        *("n_train", "n_test", "n_removed", "n_read", "n_dropped", "n_jackpot", "n_sites", "count", "most", "epoch"),
        *("enrichment", "entropy", "entropy_negative", "excess", "held", "motif_auroc", "effect", "importance"),
        *("ece", "ece_chance", "ece_chance_high", "log_loss", "temperature", "bias", "predicted", "observed"),
        *("freedom", "sd", "share"),
    ]
)
SPLITS = ("train", "validation", "test")


def sequences(**columns) -> pd.DataFrame:
    """A sequence table from its columns; those left out take their neutral value.

    Parameters
    ----------
    **columns
        Any columns of `SEQUENCES`; `id`, `sequence`, `label` and `origin` are required. Scalars are repeated.
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
    """`frame` with exactly the columns, order and types of `schema`; a missing column or an empty cell is refused."""
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
    """Write a Parquet table of the given contract, with the format, the versions and `note` in its metadata."""
    table = pa.Table.from_pandas(conform(frame, schema), schema=schema, preserve_index=False)
    about = {"tfbind": VERSION, "note": note(frame), "versions": json.dumps(versions("pandas", "pyarrow"))}
    table = table.replace_schema_metadata(about)
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)


def read(path: str | os.PathLike, schema: pa.Schema = SEQUENCES) -> pd.DataFrame:
    """Read a table that `write` wrote, with its note; one that is damaged, of another version or with other columns is
    refused."""
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
    """Target -> its positives and its negatives by label: one file a target, one a pair of target and label."""
    found = {target: (read(path), {}) for target, path in zip(targets, positives, strict=True)}
    for (target, label), path in zip(labelled, negatives, strict=True):
        found[target][1][label] = read(path)
    return found


def chosen(
    targets: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]], pairs: Iterable[tuple[str, str]]
) -> dict[str, tuple[pd.DataFrame, dict[str, pd.DataFrame]]]:
    """All targets of `read_targets`, of their negatives only those of some pairs of target and label."""
    found = {target: (positives, {}) for target, (positives, _) in targets.items()}
    for target, label in pairs:
        found[target][1][label] = targets[target][1][label]
    return found


def empty(schema: pa.Schema, note: str) -> pd.DataFrame:
    """A table without rows that says why: what depends on it is not estimable, everything else goes on."""
    frame = conform(schema.empty_table().to_pandas(), schema)
    frame.attrs["note"] = note
    return frame


def note(frame: pd.DataFrame) -> str:
    """Why a table is empty; '' for others."""
    return frame.attrs.get("note", "")


def write_tsv(frame: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a tab-separated table: six significant digits, missing cells empty."""
    with atomic.replacing(path) as temporary:
        frame.to_csv(temporary, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


def read_tsv(path: str | os.PathLike) -> pd.DataFrame:
    """Read a tab-separated table with a header.

    Parameters
    ----------
    path : path
        Half a table (it ends inside a line) is refused.

    Returns
    -------
    DataFrame
        Columns of `NUMBERS` as numbers, all others as text; only empty cells are missing.
    """
    with open(path, "rb") as file:
        header = file.readline().decode("utf-8-sig").rstrip("\r\n").split("\t")
        file.seek(-min(1, os.fstat(file.fileno()).st_size), os.SEEK_END)
        if file.read() != b"\n":
            raise InputError(f"{path}: damaged (it ends inside a line); {atomic.AGAIN}")
    types = {name: "str" for name in header if name not in NUMBERS}
    return pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""], dtype=types)


def versions(*libraries: str) -> dict[str, str]:
    """The versions that a file is written with: of tfbind, Python and the libraries given."""
    return {"tfbind": __version__, "python": platform.python_version()} | {n: metadata.version(n) for n in libraries}


def digest(path: str | os.PathLike, algorithm: str = "sha256") -> str:
    """The checksum of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
