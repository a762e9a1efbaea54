"""What a model from elsewhere was trained on: files of loci and of sequences, as a table for `leakage.audit`."""

import os
import re
from collections.abc import Sequence
from itertools import islice

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import chromosomes, peaks, probe_tables, sequence_files, tables, textfile
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally

#: Loci of more bp are compared by their coordinates alone: no window of a study is as long, and they may be a genome.
LONGEST = 10_000
_SAMPLE = 200  # lines by which a file is recognised
_CUT = 10_000  # loci that are cut at a time
_DNA = re.compile(r"[ACGTUNacgtun.]{6,}")
#: Readers of tables with sequences, in the order in which they are tried.
_TABLES = (
    sequence_files.read_deepbind,
    sequence_files.read_labelled,
    sequence_files.read_counts,
    probe_tables.read_probes,
)


def read(
    paths: Sequence[str | os.PathLike], model: str, genome: Genome | None = None, tally: Tally | None = None
) -> pd.DataFrame:
    """Read the files that say what a model was trained on; each is recognised by its content.

    Parameters
    ----------
    paths : sequence of path
        Loci in any format of `peak_formats`; sequences as FASTA, FASTQ, or a table that `sequence_files` or
        `probe_tables` reads, labels ignored.
    model : str
        Its label in the config, for ids and messages.
    genome : Genome, optional
        What coordinates are of. Without it, those of sequences are not used, and loci are refused.
    tally : Tally, optional
        Counts what is read, and loci that are compared in part: on chromosomes that the genome lacks, or longer than
        `LONGEST`.

    Returns
    -------
    sequence table
        Every row has the split `train`. A locus has its sequence from the genome, cut at the ends of the chromosome;
        one of more than `LONGEST` bp, or outside its chromosome, has a single N.

    Raises
    ------
    InputError
        A file is missing, empty, not recognised or malformed; loci without `genome`, or of which more than 5 % lie on
        chromosomes that it lacks. All faults at once.
    """
    tally = Tally() if tally is None else tally
    parts, faults = [], []
    for path in paths:
        try:
            parts.append(_read(path, model, genome, tally))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    found = pd.concat(parts, ignore_index=True)
    columns = {name: found[name] for name in ("sequence", "chrom", "start", "end")}
    ids = [f"{model}/{i}" for i in range(len(found))]
    return tables.sequences(id=ids, label=1, split="train", origin="declared", **columns)


def _read(path: str | os.PathLike, model: str, genome: Genome | None, tally: Tally) -> pd.DataFrame:
    head = list(islice((line for line in textfile.lines(path) if line.strip()), _SAMPLE))
    if not head:
        raise InputError(f"{path}: empty; name the file that says what {model} was trained on, or leave trained_on out")
    if head[0].startswith((">", ";")):
        table = sequence_files.read_fasta(path, tally)
    elif head[0].startswith("@"):
        table = sequence_files.read_fastq(path, tally)
    elif 2 * sum(map(_holds_dna, head)) > len(head):
        if not any("\t" in line or "," in line for line in head[1:]):
            raise InputError(
                f"{path}: sequences alone, one a line: neither FASTQ nor FASTA; make FASTA of them, e.g. with awk "
                "'{print \">\" NR; print}'"
            )
        table = _table(path, tally)
    else:
        return _loci(path, model, genome, tally)
    if "chrom" not in table or genome is None:
        return table[["sequence"]].assign(chrom=None, start=None, end=None)
    chrom = table["chrom"].map(genome.resolve, na_action="ignore")
    known = chrom.isin(list(genome.lengths))
    placed = {name: table[name].where(known, None) for name in ("start", "end")}
    return table.assign(chrom=chrom.where(known, None), **placed)


def _holds_dna(line: str) -> bool:
    return any(_DNA.fullmatch(cell.strip('" ')) for cell in re.split("[\t,]", line))


def _table(path: str | os.PathLike, tally: Tally) -> pd.DataFrame:
    faults = []
    for reader in _TABLES:
        own = Tally()
        try:
            table = reader(path, own)
        except InputError as error:
            faults.append(error.faults)
            continue
        for row in own.rows:
            tally.add(*row)
        return table
    # the reader that came furthest says what is wrong; the first wants nothing but its header
    raise InputError(min(faults[1:], key=len)[:3])


def _loci(path: str | os.PathLike, model: str, genome: Genome | None, tally: Tally) -> pd.DataFrame:
    table = peaks.read_peaks(path, "peaks", tally)
    if genome is None:
        raise InputError(
            f"{path}: these are loci; name the genome that they lie on, a key of `genomes`, as models.{model}.genome"
        )
    table = chromosomes.named(table, genome, tally)[["chrom", "start", "end"]]
    end = np.minimum(table["end"].to_numpy(), table["chrom"].map(genome.lengths).to_numpy())
    start, size = table["start"].to_numpy(), end - table["start"].to_numpy()
    tally.add("noted", f"locus of more than {LONGEST:,} bp, compared by its coordinates alone", (size > LONGEST).sum())
    tally.add("noted", "locus outside its chromosome, compared by its coordinates alone", (size <= 0).sum())
    sequence = np.full(len(table), "N", object)
    cut = np.flatnonzero((size > 0) & (size <= LONGEST))
    for some in np.array_split(cut, max(1, len(cut) // _CUT)):
        if len(some):
            tokens = genome.windows(table["chrom"].iloc[some], start[some], end[some])
            sequence[some] = dna.decode(tokens, size[some])
    return table.assign(sequence=pd.Series(sequence, dtype="str"))
