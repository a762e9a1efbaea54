"""Formats of the files in a sheet, by suffix and by column."""

import re

#: File suffix (without .gz) -> format of the sheet.
SUFFIXES = {
    ".narrowpeak": "narrowpeak", ".bed": "bed", ".broadpeak": "peaks", ".gappedpeak": "peaks",
    ".xls": "peaks", ".fa": "fasta", ".fasta": "fasta", ".fna": "fasta",
    ".fastq": "fastq", ".fq": "fastq", ".seq": "deepbind", ".tsv": "labelled",
}  # fmt: skip
#: What a row holds, beside the columns of the sheet, of the array of another design that tests it.
OF_TEST = ("test_design", "test_left_flank", "test_right_flank")
#: Kind of file in the sheet of cells -> file suffix (without .gz) -> format.
_PEAKS = {".narrowpeak": "narrowpeak", ".bed": "bed"} | dict.fromkeys([".broadpeak", ".gappedpeak", ".xls"], "peaks")
_TABLE = dict.fromkeys([".tsv", ".txt", ".results", ".tab"], "tpm")
CELL_SUFFIXES = {
    "accessibility": {".bw": "bigwig", ".bigwig": "bigwig", ".bam": "bam", ".cram": "bam"}
    | dict.fromkeys([".tsv", ".bed", ".bedpe"], "fragments"),
    "accessibility_peaks": _PEAKS, "expression": _TABLE, "conservative": _PEAKS, "relaxed": _PEAKS,
}  # fmt: skip
#: An ENCODE experiment or file; a run or a study of ENA, SRA or DDBJ.
ACCESSION = re.compile(r"ENC(SR|FF)[0-9]{3}[A-Z]{3}|[EDS]RR[0-9]{6,}|PRJ(EB|NA|DB)[0-9]+|[EDS]RP[0-9]{6,}")
BY_TF = ("conservative", "relaxed")
