"""What goes wrong with the files that users bring, one case each: a small study with one thing amiss.

`number` is that of the list of 70 that the project was given (see `tests/test_bad_inputs.py`); a case is a study in a
folder of its own, and what `tfbind validate` says of it, with its exit code.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

CONFIG = {
    "datasets": "sheet.tsv",
    "genomes": {"tiny": {"fasta": "genome.fa"}},
    "split": {"validation": ["chr2"], "test": ["chr3"]},
    "negatives": {"shuffled": {"kind": "dinucleotide"}},
    "models": {"floor": {"kind": "composition"}},
}


def sequences(count: int, size: int, seed: int = 0) -> list[str]:
    """Random sequences, no two alike."""
    letters = np.random.default_rng(seed).choice(list("ACGT"), (count, size))
    return ["".join(row) for row in letters]


#: A genome of three chromosomes, as text by name.
CHROMOSOMES = dict(zip(("chr1", "chr2", "chr3"), sequences(3, 9_000, 1), strict=True))


def fasta(records: Mapping[str, str], width: int = 60) -> str:
    """FASTA text of named sequences."""
    lines = []
    for name, text in records.items():
        lines += [f">{name}", *(text[i : i + width] for i in range(0, len(text), width))]
    return "\n".join(lines) + "\n"


def fastq(reads: list[str]) -> str:
    """FASTQ text of reads."""
    return "".join(f"@r{i}\n{read}\n+\n{'I' * len(read)}\n" for i, read in enumerate(reads))


def peak(chrom: str = "chr1", start: object = 1000, end: object = 1040, signal: object = 5, summit: object = 20) -> str:
    """A line of narrowPeak."""
    return f"{chrom}\t{start}\t{end}\t.\t0\t.\t{signal}\t-1\t-1\t{summit}\n"


def bed(*intervals: tuple[str, int, int]) -> str:
    """Lines of BED."""
    return "".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in intervals)


def spaced(count: int = 20, name: str = "chr1") -> str:
    """Sound peaks on one chromosome, 120 bp apart."""
    return "".join(peak(name, 500 + 120 * i, 540 + 120 * i) for i in range(count))


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes
    ----------
    number : int
        Of the list of 70.
    name : str
        What is amiss.
    says : tuple of str
        What the user reads, in parts.
    code : int
        The exit code.
    files : dict
        Name -> content; the first is the `path` of the only row, unless `row` says otherwise.
    row : dict
        Columns of the only row that differ from a row of ChIP-seq peaks.
    sheet : bytes, optional
        A whole sheet instead.
    config : dict or bytes
        Keys that differ from `CONFIG`, or a whole config.
    """

    number: int
    name: str
    says: tuple[str, ...]
    code: int = 2
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    row: Mapping[str, str] = field(default_factory=dict)
    sheet: bytes | None = None
    config: Mapping | bytes = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the study; returns its config."""
        files = {"genome.fa": fasta(CHROMOSOMES), "a.narrowPeak": spaced(), **self.files}
        path = next(iter(self.files), "a.narrowPeak")
        row = {"dataset": "d", "tf": "USF1", "assay": "chipseq", "path": path, "genome": "tiny", **self.row}
        sheet = "\t".join(row) + "\n" + "\t".join(row.values()) + "\n"
        files["sheet.tsv"] = sheet if self.sheet is None else self.sheet
        config = self.config
        files["config.yaml"] = config if isinstance(config, bytes) else yaml.safe_dump({**CONFIG, **config})
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / "config.yaml"


def packed(text: str) -> bytes:
    """Gzip of a text, the same at every time."""
    return gzip.compress(text.encode(), mtime=0)


#: Columns of a row of SELEX reads.
SELEX = {"assay": "htselex", "genome": ""}
