"""What a file is, by its content: it is given to the readers of a run, and what they take it for counts."""

import re
import tempfile
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import pandas as pd

from tfbind.errors import InputError
from tfbind.io import binned_counts, genome, peaks, probe_tables, sequence_files, textfile
from tfbind.io.tally import Tally

#: Lines of a table, and reads or records, by which a file is recognised; peaks and chromosomes are read to the end.
LINES, READS = 20_000, 2_000
#: So many records of a FASTA are looked at where none is longer than a window.
RECORDS = 100_000
#: A FASTA with a record of more bp is a genome: no window is as long.
LONGEST_WINDOW = 10_000
_CHROMOSOME = re.compile(r"(chr)?([0-9]{1,2}[LR]?|[XYWZM]|MT|[IVX]+)", re.I)
_DNA = re.compile(r"[ACGTUNacgtun.]{6,}")
#: What the fourth column of ENCODE's blacklists says.
_BLACK = {
    "high signal region",
    "low mappability",
    "low_mappability_island",
    "satellite_repeat",
    "high_mappability_island",
}
_READERS = {
    "deepbind": sequence_files.read_deepbind,
    "words": probe_tables.read_words,
    "labelled": sequence_files.read_labelled,
    "counts": sequence_files.read_counts,
    "probes": probe_tables.read_probes,
}
_SIGNAL = ("fixedstep", "variablestep", "track type=wiggle", "track type=bedgraph")
_STATED = {
    "labelled": "sequences, each with 0 or 1",
    "deepbind": "DeepBind's .seq: sequences, each with Bound 0 or 1",
    "counts": "sequences with the reads of each cycle",
    "probes": "probes with their intensities",
    "words": "words with their E-scores",
}


@dataclass
class Look:
    """What was seen of a file.

    Attributes
    ----------
    path : Path
        As the user named it.
    kind : str
        ``peaks``, ``bins``, ``reads``, ``fasta``, ``table`` (of sequences); ``genome`` (FASTA), ``sizes`` (names and
        lengths of chromosomes), ``blacklist``; ``other`` for what stands in no sheet of datasets; '' for what cannot be
        used, for its `faults`.
    format : str
        The word of the sheet; '' where it has none, `?` where two fit.
    about : str
        What it is, in words.
    faults : list of str
        Why it cannot be used.
    peaks : DataFrame, optional
        `chrom`, `start`, `end` (0-based half-open) of peaks, of bins, and of sequences with coordinates.
    chromosomes : dict of str to int
        Name -> bp: of a genome, of sizes, and of the first records of a FASTA.
    sequences : list of str
        Of the first reads, records, rows or probes, in upper case.
    first : str
        Name of the first read.
    cycles : list of int
        Of a table of counts.
    negative_names : str
        Regular expression for the names of negatives in a FASTA; '' for none.
    """

    path: Path
    kind: str = ""
    format: str = ""
    about: str = ""
    faults: list[str] = field(default_factory=list)
    peaks: pd.DataFrame | None = None
    chromosomes: dict[str, int] = field(default_factory=dict)
    sequences: list[str] = field(default_factory=list)
    first: str = ""
    cycles: list[int] = field(default_factory=list)
    negative_names: str = ""

    @property
    def length(self) -> int:
        """The length in bp that at least 80 % of the sequences have; 0 for none."""
        sizes = pd.Series([len(sequence) for sequence in self.sequences], dtype=int)
        share = sizes.value_counts(normalize=True)
        return int(share.index[0]) if len(share) and share.iloc[0] >= 0.8 else 0

    @property
    def median(self) -> int:
        """The median length of the sequences in bp."""
        return int(pd.Series([len(sequence) for sequence in self.sequences]).median()) if self.sequences else 0


def look(path: Path) -> Look:
    """Recognise a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    Look
        Never raises for what is in the file: `faults` says why it cannot be used.
    """
    found = Look(path)
    try:
        _look(found)
    except InputError as error:
        found.kind, found.faults = "", error.faults
    return found


def _look(found: Look) -> None:
    path = found.path
    with textfile.binary(path) as stream, textfile.whole(path):
        head = stream.read(1 << 16).decode("utf-8-sig", "replace").splitlines()
    head = [line for line in head if line.strip("\0 \t")]
    if not head:
        raise InputError(f"{path}: empty; name another file, or make this one again")
    first = head[0]
    cells = [cell.strip().strip('"').lstrip("#").lower() for cell in first.split("\t")]
    if first.startswith((">", ";")):
        _fasta(found)
    elif re.match(r"@(HD|SQ|RG|PG|CO)\t", first):
        raise InputError(f"{path}: this is SAM, alignments; call peaks on them, e.g. with MACS, and give these")
    elif first.startswith("@"):
        reads = sequence_files.first_reads(path, READS)
        found.kind = found.format = "fastq"
        found.kind, found.first, found.sequences = "reads", reads[0][0], [read for _, read in reads if read]
        found.about = f"FASTQ; {_sizes(found)}"
    elif first.startswith(("##fileformat=VCF", "#CHROM\tPOS\tID")):
        _other(found, "variants; `tfbind score --vcf` scores them with a trained model")
    elif first.lower().startswith(_SIGNAL):
        _other(found, "a signal along the genome, not peaks; give the peaks that were called on it")
    elif {"path", "what", "cell"} <= set(cells) or {"dataset", "tf", "path"} <= set(cells):
        _other(found, "a sheet of tfbind")
    else:
        _rows(found)


def _other(found: Look, about: str) -> None:
    found.kind, found.about = "other", about


def _sizes(found: Look) -> str:
    count = (
        f"the first {len(found.sequences)} sequences" if len(found.sequences) >= READS else f"{len(found.sequences)}"
    )
    size = f"of {found.length} bp" if found.length else f"of {found.median} bp (median), lengths differ"
    return f"{count} {size}"


def _fasta(found: Look) -> None:
    records: list[tuple[str, int]] = []
    for name, size in genome.lengths(found.path):
        records.append((name, size))
        if len(records) == RECORDS and max(size for _, size in records) <= LONGEST_WINDOW:
            break  # reads, of which there may be millions
    if not records:
        raise InputError(f"{found.path}: 0 records; this is not a FASTA file")
    found.format, found.chromosomes = "fasta", dict(records)
    largest = max(size for _, size in records)
    named = len(dict(records)) == len(records) and all(_CHROMOSOME.fullmatch(name) for name, _ in records)
    if largest > LONGEST_WINDOW or (named and largest > 1000):
        _genome(found)
        return
    table = _of_head(found.path, _records(found.path), sequence_files.read_fasta)
    found.kind, found.sequences = "fasta", table["sequence"].tolist()
    found.about = f"FASTA; {_sizes(found)}"
    if table["chrom"].notna().all():
        found.peaks = table[["chrom", "start", "end"]].assign(
            start=table["start"].astype(int), end=table["end"].astype(int)
        )
        found.about += ", with coordinates in their names"
    shuffled = sum(name.endswith("_shuf") for name, _ in records)
    found.negative_names = "_shuf$" if 0 < shuffled < len(records) else ""


def _genome(found: Look) -> None:
    total = sum(found.chromosomes.values())
    found.kind = "genome"
    found.about = f"FASTA of a genome: {len(found.chromosomes)} records, {total:,} bp"


def as_genome(found: Look) -> None:
    """Take a FASTA of short records for a genome after all, since peaks name its records."""
    _genome(found)
    found.peaks, found.sequences, found.negative_names = None, [], ""


def _records(path: Path) -> list[str]:
    # The lines of the first records of a FASTA.
    taken, count = [], 0
    for line in textfile.lines(path):
        count += line.startswith(">")
        if count > READS:
            break
        taken.append(line)
    return taken


def _of_head(path: Path, lines: list[str], read, *arguments):
    # What a reader makes of the first lines of a file; its messages name the file.
    with tempfile.TemporaryDirectory() as folder:
        head = Path(folder) / "head"
        head.write_text("\n".join(lines) + "\n", encoding="utf-8")
        try:
            return read(head, *arguments)
        except InputError as error:
            raise InputError([fault.replace(str(head), str(path)) for fault in error.faults]) from None


def _rows(found: Look) -> None:
    path = found.path
    lines = list(islice(textfile.lines(path), LINES))
    rows = [line.split("\t") for line in lines if line.strip() and not line.startswith(("#", "track", "browser"))]
    if not rows:
        raise InputError(f"{path}: {len(lines)} lines and no data among them; check that the right file is named")
    sample = rows[1:201] or rows

    def most(test) -> bool:
        return 2 * sum(map(test, sample)) > len(sample)

    def whole(*cells: str) -> bool:
        return all(cell.isascii() and cell.isdigit() for cell in cells)

    if path.suffix == ".fai":
        _other(found, "the index of a FASTA; it is found by its name, beside it")
    elif most(lambda f: len(f) == 9 and whole(f[3], f[4]) and f[6] in "+-." and f[7] in "012."):
        _other(
            found, "genes or features (GTF, GFF); the cell-type task reads where genes start (`genes` in the config)"
        )
    elif most(lambda f: any(_DNA.fullmatch(cell.strip('" ')) for cell in _cells(f))):
        if most(lambda f: len(f) == 1 and len(_cells(f)) == 1):
            raise InputError(
                f"{path}: sequences alone, one a line: neither FASTQ nor FASTA; make FASTA of them, e.g. with awk "
                "'{print \">\" NR; print}'"
            )
        _table(found, lines)
    elif most(lambda f: len(f) == 2 and whole(f[1]) and ":" not in f[0]):
        found.kind = "sizes"
        found.chromosomes = {row[0]: int(row[1]) for row in rows if len(row) == 2 and whole(row[1])}
        found.about = f"lengths of {len(found.chromosomes)} chromosomes: no sequence, so no genome to cut windows from"
    elif most(lambda f: len(f) == 4 and whole(*f[1:3]) and "." in f[3]) and _touch(sample):
        _other(found, "a signal along the genome (bedGraph), not peaks; give the peaks that were called on it")
    else:
        _placed(found, rows)


def _cells(fields: list[str]) -> list[str]:
    return fields if len(fields) > 1 else fields[0].split(",")


def _touch(rows: list[list[str]]) -> bool:
    return 2 * sum(a[0] == b[0] and a[2] == b[1] for a, b in pairwise(rows) if len(a) == len(b) == 4) > len(rows)


def _placed(found: Look, rows: list[list[str]]) -> None:
    path = found.path
    if binned_counts.are_bins(path):
        found.kind = found.format = "bins"
        found.about = "read counts in bins of a genome, by cycle"
        return
    numbers = [sum(word.isdigit() for cell in row for word in cell.split()) for row in rows]
    if 2 * sum(count < 2 for count in numbers) > len(rows) and not any(len(row) > 1 for row in rows):
        raise InputError(f"{path}: text without columns of numbers, so no data")
    tally = Tally()
    found.peaks = peaks.read_peaks(path, "peaks", tally)
    found.kind = found.format = "peaks"
    said = next((why for event, why, _ in tally.rows if event == "read as"), "BED")
    said = "narrowPeak" if said.startswith("narrowPeak by") else said
    found.about = f"{len(found.peaks)} peaks; {said}"
    words = [row[3].strip().lower() for row in rows if len(row) > 3]
    if words and 2 * sum(word in _BLACK for word in words) > len(words):
        found.kind, found.format, found.about = "blacklist", "", f"a blacklist of {len(found.peaks)} regions"


def _table(found: Look, lines: list[str]) -> None:
    # Every reader of tables is tried: the names of columns and the kinds of cells leave one in nearly all cases.
    tables, faults = {}, {}
    for name, read in _READERS.items():
        try:
            tables[name] = _of_head(found.path, lines, read)
        except InputError as error:
            faults[name] = error.faults
    both = "counts" in tables and "probes" in tables
    if both and (tables["counts"].drop(columns="sequence") == 0).any(axis=None):
        del tables["probes"]  # a sequence that a cycle lacks; an array has a signal everywhere
        both = False
    labelled = "labelled" in tables and "label" in tables["labelled"]
    order = ("deepbind", "words", *(("labelled",) if labelled else ()), "counts", "probes", "labelled")
    name = next((name for name in order if name in tables), "")
    if not name:
        # the reader that came furthest says what is wrong
        raise InputError(min(faults.values(), key=len)[:3] if faults else f"{found.path}: not recognised")
    table = tables[name]
    found.kind, found.format = "table", "?" if both and not labelled else name
    found.sequences = table["word" if name == "words" else "sequence"].tolist()
    found.about = f"{_STATED[name]}; {_sizes(found)}"
    if found.format == "?":
        found.about = f"sequences with whole numbers, which may be counts of cycles or intensities; {_sizes(found)}"
    if name == "words" and len(lines) < LINES and table.attrs["lacks"]:
        found.about += f"; {table.attrs['lacks']}"
    if name == "counts":
        found.cycles = [int(cycle) for cycle in table if cycle != "sequence"]
    if name == "labelled" and "chrom" in table and table["chrom"].notna().all():
        found.peaks = table[["chrom", "start", "end"]].assign(
            start=table["start"].astype(int), end=table["end"].astype(int)
        )


def same_run(one: Look, other: Look) -> bool:
    """Whether two files of reads are the mates of one run: their first reads have one name.

    Parameters
    ----------
    one, other : Look

    Returns
    -------
    bool
    """
    names = [re.sub(r"[/_.][12]$", "", each.first) for each in (one, other)]
    # a name of the sequencer, with the spot's place, or a run of SRA and the number of the read; others may be numbered
    spot = re.fullmatch(r"\S*(:[0-9]+){3,}\S*|[SED]RR[0-9]+\.\S+", names[0])
    return spot is not None and names[0] == names[1] and one.path != other.path
