"""ENCODE and ENA: turn accessions and queries into rows of a sheet, for a person to read and correct.

Nothing is guessed. If the archive does not offer exactly one fitting file, or a file name does not fit its study's
profile, there is no row; the reason is written as a comment at the end of the sheet.

`TFBIND_ENCODE` and `TFBIND_ENA` name other servers with the interface of the archives (a mirror of the portal, a test).
"""

import csv
import os
import time
from collections.abc import Sequence
from pathlib import Path

from tfbind.archives import ena, encode, rows
from tfbind.assays import form
from tfbind.errors import InputError
from tfbind.io import atomic, hosts, paths
from tfbind.study import read_sheets, schema, sources

# ----------------------------------------------------------------------------------------------------------- sheets


def resolve(accession: str, assembly: str = "") -> list[rows.Row]:
    """Ask an archive for the file or files of an accession, as rows of a sheet.

    Parameters
    ----------
    accession : str
        An ENCODE experiment (for its preferred peaks) or file; a run or a study (for all its runs) of ENA.
    assembly : str
        ENCODE only: assembly of the peaks, such as ``GRCh38``. Required for an experiment; a file of another assembly
        is refused. Default: any, for a file.

    Returns
    -------
    list of dict
        Column -> text; one row for ENCODE, one for each run for ENA.

    Raises
    ------
    InputError
        The archive does not know the accession, offers no usable file or several, or names a host that is not allowed.
    ResourceError
        The archive cannot be reached or gives an unexpected answer.
    """
    if accession.startswith("ENC"):
        return [_named(encode.encode_resolve(accession, assembly), encode.encode())]
    return [_named(ena.ena_row(record), ena.ena()) for record in ena.ena_ask(accession)]


def _named(row: rows.Row, asked: str) -> rows.Row:
    """Return `row`; refuse it if the archive's file is on a host that nobody named."""
    hosts.check_host(row["path"], hosts.allowed(asked), f"{row['accession']} is at ")
    return row


def query(tfs: Sequence[str], assembly: str = "", studies: Sequence[str] = (), profile: str = "") -> rows.Found:
    """Find experiments on some TFs: ChIP-seq in ENCODE if an assembly is given, SELEX in studies of ENA.

    Parameters
    ----------
    tfs : sequence of str
        Exact names. Empty takes all TFs of the studies; ENCODE needs at least one.
    assembly : str
        As ENCODE writes it, such as ``GRCh38``; '' leaves ENCODE out.
    studies : sequence of str
        Accessions of ENA.
    profile : str
        How the studies' file names are read, a key of `ena.PROFILES`; required with `studies`.

    Returns
    -------
    Found
        One row for each ChIP-seq experiment and each SELEX cycle, and the reasons for those that give none.

    Raises
    ------
    InputError
        Arguments that lack or contradict each other, all at once; an unknown study; a file on a host that is not
        allowed.
    ResourceError
        An archive cannot be reached or gives an unexpected answer.
    """
    faults = []
    if assembly and not tfs:
        faults.append("--assembly: name the TFs with --tf")
    if not assembly and not studies:
        faults.append("--tf: say where to look: --assembly GRCh38 for ENCODE, --study and --profile for ENA")
    if studies and profile not in ena.PROFILES:
        faults.append(
            f"--profile: {profile!r}; the names of a study's files are read by one of {', '.join(ena.PROFILES)}"
        )
    if faults:
        raise InputError(faults)
    found = rows.Found()
    for tf in tfs if assembly else ():
        found += encode.encode_search(tf, assembly)
    if studies:
        runs = {record["run_accession"]: record for study in studies for record in ena.ena_ask(study)}
        records = list(runs.values())
        found += ena.ena_sheet(records, profile, tfs)
        found.remarks.append(f"{', '.join(studies)}: {len(records)} runs, names read as {profile}; a row is one cycle")
    for row in found.rows:
        _named(row, encode.encode() if form(row["assay"]) == "peaks" else ena.ena())
    return found


def resolve_sheet(path: Path, folder: Path, assembly: str = "") -> rows.Found:
    """Read a sheet and replace each accession in its path columns by a URL and checksum.

    Text that a person wrote is kept: other cells of a row are filled from the archive only if they are empty.

    Parameters
    ----------
    path : Path
        A sheet of datasets.
    folder : Path
        Folder of the new sheet; relative paths are rewritten relative to it.
    assembly : str
        Assembly of the peaks of ENCODE's experiments, such as ``GRCh38``; required for an experiment.

    Returns
    -------
    Found
        All rows of the sheet.

    Raises
    ------
    InputError
        With the faults of all rows: faults of the sheet, accessions without one usable file, of several runs, or of
        another TF than the row's.
    ResourceError
        An archive cannot be reached or gives an unexpected answer.
    """
    lines, faults = read_sheets.read_sheet(path)
    for number, row in lines:
        for column in paths.PATHS:
            try:
                _resolve_cell(row, column, assembly)
            except InputError as error:
                faults += [f"{path.name}:{number}: {column}: {fault}" for fault in error.faults]
            if row[column] and not paths.is_url(row[column]) and not Path(row[column]).is_absolute():
                row[column] = os.path.relpath(path.parent / row[column], folder)
    if faults:
        raise InputError(faults)
    return rows.Found([row for _, row in lines])


def _resolve_cell(row: rows.Row, column: str, assembly: str) -> None:
    accession = row[column]
    if not sources.ACCESSION.fullmatch(accession):
        return
    files = resolve(accession, assembly)
    if len(files) > 1:
        raise InputError(f"{accession} has {len(files)} runs; a row is one of them (tfbind fetch --study lists them)")
    if row["tf"] and files[0].get("tf", row["tf"]) not in (row["tf"], ""):
        raise InputError(f"{accession} is of the TF {files[0]['tf']}, this row of {row['tf']}")
    checksum = paths.checksum_column(column)
    row[column], row[checksum] = files[0]["path"], row[checksum] or files[0]["sha256"]
    if column == "path":
        row |= {key: value for key, value in files[0].items() if not row[key]}


def write_sheet(found: rows.Found, path: Path) -> None:
    """Write rows as a sheet, with the reasons for what gave no row as comments at its end.

    Parameters
    ----------
    found : Found
        Its remarks become comments at the top.
    path : Path
        Written under a temporary name, then renamed. Columns that are empty in all rows are left out, unless required.

    Raises
    ------
    ResourceError
        The disk is full or the folder cannot be written.
    """
    columns = schema.schema("datasets")["properties"]
    required = schema.schema("datasets")["required"]
    used = [name for name in columns if name in required or any(row.get(name) for row in found.rows)]
    with atomic.replacing(path) as temporary, open(temporary, "w", newline="") as file:
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        remarks = [f"Written by tfbind fetch on {time.strftime('%Y-%m-%d')}. Read and correct it before use."]
        out.writerows([f"# {remark}"] for remark in [*remarks, *found.remarks])
        out.writerow(used)
        for row in found.rows:
            out.writerow([" ".join(row.get(column, "").split()) for column in used])
        if found.unread:
            out.writerow([f"# Not in this sheet ({len(found.unread)}), and why:"])
            out.writerows([f"# {what}", " ".join(why.split())] for what, why in found.unread)
