"""The sheet of a folder laid out as the data of IBIS 2024: ``python resources/ibis/sheet.py DATA my/datasets.tsv``.

DATA holds the folders CHS, GHTS, HTS, SMS and PBM, or `train` with them. README.md says what each file name means.
"""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd

from tfbind.errors import InputError, ResourceError
from tfbind.io import tables

#: Folder of an assay -> the word of the sheet, the format, and the names of its files: their groups fill the columns.
ASSAYS = {
    "CHS": ("chipseq", "peaks", r"(?P<replicate>.+)\.peaks"),
    "GHTS": ("ghtselex", "peaks", r"(?P<replicate>.+)\.C(?P<cycle>\d+)\.peaks"),
    "HTS": ("htselex", "fastq", r"(?P<tf>.+)_(?P<replicate>R\d+)_C(?P<cycle>\d+)_(?P<note>lf.*_rf.*)\.fastq(\.gz)?"),
    "SMS": ("smileseq", "fastq", r"(?P<replicate>.+)\.fastq(\.gz)?"),
    "PBM": ("pbm", "probes", r"(?P<note>QNZS|SD)_(?P<replicate>.+)\.tsv(\.gz)?"),
}
#: The training files of IBIS are of the one array design, its test files of the other.
DESIGN = "ME"


def sheet(folder, normalised="QNZS", tfs=()):
    """One row for each training file.

    Parameters
    ----------
    folder : Path
        With the folders of assays, of TFs in them, and of files in those; `train` may stand before them.
    normalised : {"QNZS", "SD"}
        Which of the two tables of each array is taken. Both hold the same probes: as two rows they would test each
        other.
    tfs : sequence of str
        TFs to take; empty takes all.

    Returns
    -------
    rows : DataFrame
        In the order of assays, TFs and files.
    left_out : list of str
        Files that are in no row, and why.

    Raises
    ------
    InputError
        No file is of the form that IBIS gives; a TF is not there.
    """
    base = folder / "train" if (folder / "train").is_dir() else folder
    rows, left_out, known = [], [], set()
    for assay, (word, form, name) in ASSAYS.items():
        for path in sorted(path for path in (base / assay).glob("*/*") if path.is_file()):
            tf, found = path.parent.name, re.fullmatch(name, path.name)
            known.add(tf)
            if tfs and tf not in tfs:
                continue
            if not found or found.groupdict().get("tf", tf) != tf:
                left_out.append(f"{path}: no file name that IBIS gives to {assay} data of {tf}")
                continue
            row = {"cycle": "", "design": DESIGN if assay == "PBM" else "", "note": ""} | found.groupdict()
            if assay == "PBM" and row["note"] != normalised:
                left_out.append(f"{path}: the same probes as in its {normalised} table")
                continue
            cycle = f"_C{row['cycle']}" if row["cycle"] else ""
            row |= {"dataset": f"{tf}_{assay}_{row['replicate']}{cycle}", "tf": tf, "assay": word, "format": form}
            row |= {"path": str(path.absolute()), "genome": "hg38" if form == "peaks" else ""}
            rows.append(row)
    faults = [
        f"{base}: no data of {tf}; there are {', '.join(sorted(known))}" for tf in tfs if known and tf not in known
    ]
    if not rows and not faults:
        faults = [*left_out, f"{base}: no file of IBIS; it holds {', '.join(ASSAYS)}, each with a folder for every TF"]
    if faults:
        raise InputError(faults)
    columns = ["dataset", "tf", "assay", "path", "format", "genome", "replicate", "cycle", "design", "note"]
    return pd.DataFrame(rows, columns=columns), left_out


def main(arguments=None):
    """Write the sheet; the files that it leaves out go to standard error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the unpacked training data")
    parser.add_argument("sheet", type=Path, help="the sheet to write")
    parser.add_argument("--tf", nargs="+", default=[], help="take these TFs only")
    parser.add_argument("--pbm", choices=("QNZS", "SD"), default="QNZS", help="normalisation of the arrays")
    given = parser.parse_args(arguments)
    try:
        rows, left_out = sheet(given.data, given.pbm, given.tf)
        tables.write_tsv(rows, given.sheet)
    except (InputError, ResourceError) as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for line in left_out:
        print(f"left out: {line}", file=sys.stderr)
    print(f"{given.sheet}: {len(rows)} datasets of {rows['tf'].nunique()} TFs, {len(left_out)} file(s) left out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
