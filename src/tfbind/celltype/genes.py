"""Genes of an annotation and their expression in a cell."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd

from tfbind.errors import InputError
from tfbind.io import chromosomes, peaks, textfile
from tfbind.io.tally import Tally

#: Feature types of GFF3 -> those of GTF, where every gene has the type gene.
_GFF3 = {"mRNA": "transcript", "ncRNA_gene": "gene", "pseudogene": "gene", "protein_coding_gene": "gene"}


def read_genes(path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally | None = None) -> pd.DataFrame:
    """Start sites of the genes of an annotation.

    Parameters
    ----------
    path : path
        Plain or gzip. GTF: lines of feature ``gene``, or ``transcript`` where there are none. GFF3: features ``gene``,
        ``ncRNA_gene``, ``pseudogene`` and ``protein_coding_gene``, or ``transcript`` and ``mRNA``. Both have nine
        columns; GFF3 is recognised by ``=`` in the ninth. BED of genes or start sites: a name in column 4, a strand in
        column 6.
    genome : Chromosomes
        Names and lengths of the chromosomes. Genes elsewhere are left out.
    tally : Tally, optional
        Counts genes kept, and those on no chromosome of the genome.

    Returns
    -------
    DataFrame
        `chrom`, `tss` (bp, 0-based), `gene` (identifier without its version), `name`; sorted by `chrom` and `tss`.

    Raises
    ------
    InputError
        If a line is malformed, or the file has no gene, or none on a chromosome of the genome.
    """
    tally = Tally() if tally is None else tally
    rows, faults = {"gene": [], "transcript": [], "bed": []}, []
    for number, line in enumerate(textfile.lines(path), 1):
        if line.startswith("##FASTA"):  # a GFF3 may end in sequences
            break
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        fields = line.split("\t")
        try:
            if len(fields) == 9 and fields[1:2] and not fields[1].isdecimal():
                gff3 = re.match(r"\s*[^\s=;\"]+=", fields[8]) is not None
                if (feature := _GFF3.get(fields[2], fields[2]) if gff3 else fields[2]) in ("gene", "transcript"):
                    rows[feature].append(_annotated(fields, _gff3(fields[8]) if gff3 else _gtf(fields[8])))
            elif len(fields) >= 4:
                rows["bed"].append(_bed(fields))
            else:
                raise ValueError(f"{len(fields)} column(s) where GTF and GFF3 have 9 and BED of genes 4 or more")
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
    found = rows["bed"] or rows["gene"] or rows["transcript"]
    if not found and not faults:
        faults.append(f"{path}: 0 genes in this file; it needs lines of feature gene, or BED lines with a name")
    if faults:
        raise InputError(textfile.listed(faults))
    table = pd.DataFrame(found, columns=["chrom", "tss", "gene", "name"])
    table = _placed(table, path, genome, tally)
    tally.add("kept", "genes", len(table))
    return table


def _placed(
    table: pd.DataFrame, path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally
) -> pd.DataFrame:
    """Genes under the genome's chromosome names; those elsewhere are left out and counted."""
    chrom = table["chrom"].map(genome.resolve)
    inside = chrom.isin(list(genome.lengths)) & (table["tss"] < chrom.map(genome.lengths).fillna(0))
    if not inside.any():
        chromosomes.refuse(path, table["chrom"].drop_duplicates().tolist(), genome)
    tally.add("dropped", "gene on no chromosome of the genome", (~inside).sum())
    return table.assign(chrom=chrom)[inside].sort_values(["chrom", "tss"], kind="stable").reset_index(drop=True)


def _gtf(text: str) -> tuple[str, str]:
    """Identifier and name of a gene from the ninth column of GTF."""
    attributes = dict(re.findall(r'(\w+) "?([^";]*)"?', text))
    if "gene_id" not in attributes:
        raise ValueError(f"no gene_id in {text!r}")
    return attributes["gene_id"], attributes.get("gene_name", attributes["gene_id"])


def _gff3(text: str) -> tuple[str, str]:
    """Identifier and name of a gene from the ninth column of GFF3; in ``gene:ID`` the type in front is removed.

    The identifier is the gene_id of GENCODE and Ensembl, else the Parent, else the ID.
    """
    pairs = (pair.partition("=") for pair in text.split(";"))
    attributes = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
    own = attributes.get("gene_id") or attributes.get("Parent") or attributes.get("ID")
    if not own:
        raise ValueError(f"no gene_id, ID or Parent in {text!r}")
    own = re.sub(r"^gene[:-]", "", own)
    return own, next((attributes[key] for key in ("gene_name", "Name", "gene") if attributes.get(key)), own)


def _annotated(fields: list[str], names: tuple[str, str]) -> tuple[str, int, str, str]:
    start, end = _whole(fields[3]), _whole(fields[4])
    if not 1 <= start <= end:
        raise ValueError(f"start {start} and end {end} are not a GTF interval (1-based, both included)")
    return fields[0], end - 1 if fields[6] == "-" else start - 1, _bare(names[0]), names[1]


def _bed(fields: list[str]) -> tuple[str, int, str, str]:
    chrom, start, end = peaks.place(fields)
    minus = len(fields) > 5 and fields[5] == "-"
    return chrom, end - 1 if minus else start, _bare(fields[3]), fields[3]


def _whole(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and len(value) < 16):
        raise ValueError(f"{textfile.shown(value)} is not a whole number")
    return int(value)


#: Identifiers with a version: those of Ensembl (and GENCODE, with the second copy on Y) and of RefSeq. In any other
#: name the last number is part of the gene: RP11-34P13.7 and RP11-34P13.8, MSTRG.1.1 and MSTRG.1.2.
_VERSIONED = re.compile(r"(ENS[A-Z]*\d+|[NX][MR]_\d+)\.\d+(_PAR_Y)?")


def _bare(gene: str) -> str:
    """An identifier without its version."""
    found = _VERSIONED.fullmatch(gene)
    return found[1] + (found[2] or "") if found else gene


def expression(paths: Sequence[str | os.PathLike], genes: pd.DataFrame, tally: Tally | None = None) -> pd.DataFrame:
    """Genes of an annotation with their expression in one cell.

    Parameters
    ----------
    paths : sequence of path
        One table or more, as RSEM, Salmon and ENCODE write them: tab-separated, with a header, a column ``gene_id`` (or
        ``gene`` or ``name``) and a column ``TPM``, in capitals or not. Values of one gene are added up within a
        table; tables are replicates and are averaged.
    genes : DataFrame
        Table of `read_genes`. Genes are found by identifier, without its version, or else by name.
    tally : Tally, optional
        Counts and names genes that no table, or not every table, has, and genes that the annotation lacks.

    Returns
    -------
    DataFrame
        `genes` with a column `tpm`: the mean over the tables that name the gene, NaN where none does.

    Raises
    ------
    InputError
        If a table lacks a column or holds a value that is not a TPM, or no table names a gene of the annotation.
    """
    tally = Tally() if tally is None else tally
    columns = [_tpm(path) for path in paths]
    known = np.stack([genes["gene"].map(table).fillna(genes["name"].map(table)).to_numpy(float) for table in columns])
    there = (~np.isnan(known)).sum(0)
    if not there.any():
        raise InputError(
            f"{paths[0]}: names {', '.join(columns[0].index[:3])}, the genes {', '.join(genes['gene'].head(3))}; none "
            "is found in both, so name the annotation that the table was made with"
        )
    tally.add("kept", "genes with expression", (there > 0).sum())
    names = genes["gene"].to_numpy()
    for which, what in (
        (there == 0, "gene without expression: in no table"),
        ((there > 0) & (there < len(columns)), "gene in some of the tables only: their mean"),
    ):
        tally.add("changed", f"{what} (e.g. {', '.join(names[which][:3])})", which.sum())
    ours = {*genes["gene"], *genes["name"]}
    for path, table in zip(paths, columns, strict=True):
        theirs = [gene for gene in table.index if gene not in ours]
        named = f"gene of {Path(path).name} that the annotation lacks (e.g. {', '.join(theirs[:3])})"
        tally.add("dropped", named, len(theirs))
    return genes.assign(tpm=np.where(there, np.nansum(known, 0) / np.maximum(there, 1), np.nan))


def _tpm(path: str | os.PathLike) -> pd.Series:
    lines: Iterator[str] = textfile.lines(path)
    header = next(lines, "").rstrip("\r").split("\t")
    low = [name.strip().lower() for name in header]
    gene = next((low.index(name) for name in ("gene_id", "gene", "name") if name in low), None)
    if gene is None or "tpm" not in low:
        raise InputError(
            f"{path}: the header {textfile.shown(', '.join(header))} lacks gene_id or TPM; name the columns so"
        )
    rows, faults = [], []
    for number, line in enumerate(lines, 2):
        fields = line.split("\t")
        try:
            value = float(fields[low.index("tpm")])
            if not 0 <= value < np.inf:
                raise ValueError
            rows.append((_bare(fields[gene].strip()), value))
        except (ValueError, IndexError):
            if line.strip():
                faults.append(f"{path}:{number}: {textfile.shown(line)} has no TPM of 0 or more; correct the line")
    if faults or not rows:
        raise InputError(textfile.listed(faults) or [f"{path}: 0 genes in this table"])
    table = pd.DataFrame(rows, columns=["gene", "tpm"])
    return table.groupby("gene", sort=False)["tpm"].sum()
