"""Files and answers that `tfbind init` cannot make a study of, or not without a question."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from bad_inputs import CHROMOSOMES, fasta, fastq, packed, peak, sequences, spaced


@dataclass(frozen=True)
class Init:
    """One call of `tfbind init study ...` in a folder.

    Attributes
    ----------
    name : str
    given : tuple of str
        What follows `tfbind init study`.
    says : tuple of str
        What the user reads, in parts.
    code : int
        The exit code; with 2 nothing is written.
    files : dict
        Name -> content, beside `genome.fa` and `USF1.narrowPeak`.
    """

    name: str
    given: tuple[str, ...]
    says: tuple[str, ...]
    code: int = 2
    files: Mapping[str, str | bytes] = field(default_factory=dict)


PEAKS = "".join(spaced(30, name) for name in CHROMOSOMES)
BOTH = ("USF1.narrowPeak", "genome.fa")
READS = fastq(sequences(60, 20))
#: Binary files: name -> content, and what is said of it.
BINARY = {
    "a.cram": (b"CRAM\3\0" + bytes(40), "this is BAM or CRAM, alignments; call peaks on them, e.g. with MACS"),
    "a.bam": (packed("BAM\1" + "\0" * 40), "this is BAM or CRAM, alignments; call peaks on them, e.g. with MACS"),
    "a.bw": (struct.pack("<I", 0x888FFC26) + bytes(60), "this is bigWig, a signal along the genome; give the peaks"),
    "a.bb": (struct.pack("<I", 0x8789F2EB) + bytes(60), "this is bigBed; unpack it with bigBedToBed"),
    "a.2bit": (struct.pack("<4I", 0x1A412743, 0, 1, 0) + bytes(40), "this is 2bit; unpack it with twoBitToFa"),
    "a.xlsx": (
        b"PK\3\4" + bytes(40),
        "this is a zip archive; unpack it or pack it with gzip (a sheet of Excel: save it",
    ),
    "a.xls": (b"\xd0\xcf\x11\xe0" + bytes(40), "this is a document of Excel or Word; save it as tab-separated text"),
    "a.tbi": (packed("TBI\1" + "\0" * 40), "this is an index; name the file that it is of"),
    "a.h5": (b"\x89HDF\r\n\x1a\n" + bytes(40), "this is HDF5"),
}

CASES = [
    Init("every_fault_at_once", ("absent.bed", "empty.bed", "cut.bed.gz", "sam.txt", *BINARY),
         ("absent.bed: no such file; check the path", "empty.bed: empty; name another file", "cut.bed.gz: the gzip file ends early",
          "sam.txt: this is SAM, alignments; call peaks", *(f"{name}: {said}" for name, (_, said) in BINARY.items())),
         files={"empty.bed": "", "cut.bed.gz": packed(PEAKS)[:-20], "sam.txt": "@HD\tVN:1.6\n",
                **{name: content for name, (content, _) in BINARY.items()}}),
    Init("blank_lines_alone", ("blank.bed",), ("blank.bed: empty",), files={"blank.bed": "\n\n \n"}),
    Init("a_header_alone", ("USF1.bed",), ("USF1.bed: 1 lines and no data among them",), files={"USF1.bed": "# chrom\n"}),
    Init("a_web_page", ("USF1.bed",), ("USF1.bed: not a data file, it begins with '<html>",), files={"USF1.bed": "<html>\n"}),
    Init("prose", ("notes.txt",), ("notes.txt: text without columns of numbers, so no data",),
         files={"notes.txt": "peaks of USF1\nmade by hand\n"}),
    Init("sequences_alone", ("USF1_4.fastq",), ("USF1_4.fastq: sequences alone, one a line: neither FASTQ nor FASTA",),
         files={"USF1_4.fastq": "\n".join(sequences(9, 20)) + "\n"}),
    Init("malformed_peaks", ("USF1.bed",), ("USF1.bed:2: start 9 is not below end 3",), files={"USF1.bed": "chr1\t1\t9\nchr1\t9\t3\n"}),
    Init("malformed_reads", ("USF1_4.fastq",), ("USF1_4.fastq: record 2 (@x): 3 qualities for 4 bases",),
         files={"USF1_4.fastq": "@r\nACGT\n+\nIIII\n@x\nACGT\n+\nIII\n"}),
    Init("a_genome_alone", ("genome.fa",), ("no file that a dataset could be made of",)),
    Init("a_folder_without_files", ("none",), ("none: no file here; name your files: tfbind init study FILES...",),
         files={"none/.hidden": ""}),
    Init("a_word_that_is_no_assay", (*BOTH, "--assay", "ChIP"), ("--assay ChIP: no assay 'ChIP'; did you mean chipseq?",)),
    Init("an_assay_of_another_form", (*BOTH, "--assay", "USF1.narrowPeak=htselex"),
         ("USF1.narrowPeak: --assay htselex: HT-SELEX comes as fasta, fastq,", "and this is 90 peaks",)),
    Init("a_tf_that_is_no_name", (*BOTH, "--tf", "../x"), ("--tf ../x: '../x' is not of the form",)),
    Init("an_answer_for_no_file", (*BOTH, "--tf", "other.bed=USF1"), ("--tf other.bed=USF1: no such file",)),
    Init("an_answer_twice", (*BOTH, "--tf", "USF1", "--tf", "USF2"), ("--tf: given twice for all files",)),
    Init("a_genome_without_its_fasta", ("USF1.narrowPeak", "--genome", "tiny"), ("--genome tiny: no genome of this name; give its FASTA",)),
    Init("a_genome_that_the_peaks_leave", ("far.bed", "--genome", "hg38", "--tf", "USF1"),
         ("far.bed: 20 of 20 peaks end beyond their chromosome", "probably of another genome build"),
         files={"far.bed": "".join(f"chr21\t{10**8 + i}\t{10**8 + 90 + i}\n" for i in range(20))}),
    Init("peaks_of_another_build", ("far.bed", "genome.fa", "--tf", "USF1"),
         ("genome = ?: none of genome fits; give the FASTA of its own; far.bed: 20 of 20 peaks end beyond",
          "its places lie inside the chromosomes of hg38, hg19"), 3,
         {"far.bed": "".join(f"chr1\t{10**6 + i}\t{10**6 + 90 + i}\n" for i in range(20))}),
    Init("no_genome", ("USF1.narrowPeak",), ("genome of USF1: no genome among the files; give its FASTA, or name one of UCSC",), 3),
    Init("no_tf", ("a.narrowPeak", "genome.fa"),
         ("tf = ?: the name holds none that JASPAR knows; say it with --tf a.narrowPeak=NAME", "assay = ?: a ChIP of a TF, or open chromatin?"),
         3, {"a.narrowPeak": PEAKS}),
    Init("two_tfs_in_a_name", ("USF1_GATA3.narrowPeak", "genome.fa"),
         ("tf = ?: the file's name holds USF1 and GATA3, and one is meant",), 3, {"USF1_GATA3.narrowPeak": PEAKS}),
    Init("two_genomes_that_fit", ("USF1.narrowPeak", "genome.fa", "other.fa"),
         ("genome = ?: genome, other fit; say one with --genome USF1.narrowPeak=LABEL",), 3,
         {"other.fa": fasta({name: text + "ACGT" for name, text in CHROMOSOMES.items()} | {"chr4": "ACGT" * 3000})}),
    Init("reads_of_no_cycle", ("USF1.fastq",), ("assay = ?: say it with --assay USF1.fastq=NAME",), 3, {"USF1.fastq": READS}),
    Init("reads_of_a_chip", ("USF1_R1.fastq",), ("assay = ?: say it with --assay USF1_R1.fastq=NAME",), 3,
         {"USF1_R1.fastq": fastq(sequences(60, 100))}),
    Init("reads_of_several_lengths", ("USF1_4.fastq",), ("reads of several lengths, as of no SELEX library; of ChIP, give the peaks",), 3,
         {"USF1_4.fastq": fastq([read[: 9 + i % 9] for i, read in enumerate(sequences(60, 20))])}),
    Init("cycle_0_of_another_length", ("USF1_0.fastq", "USF1_4.fastq"),
         ("trim = ?: cycle 0 has reads of 24 bp, this file of 20: write left or right",), 3,
         {"USF1_0.fastq": fastq(sequences(60, 24)), "USF1_4.fastq": READS}),
    Init("whole_numbers_that_may_be_either", ("USF1.tsv",),
         ("format = ?: sequences with whole numbers, which may be counts of cycles or intensities",), 3,
         {"USF1.tsv": "".join(f"{s}\t{i + 2}\t{i + 3}\n" for i, s in enumerate(sequences(60, 35)))}),
    Init("open_chromatin", (*BOTH, "USF1_atac.bed"),
         ("USF1_atac.bed: 1 peaks", "left out: its name is of open chromatin, histone marks or fragments"), 0,
         {"USF1_atac.bed": "chr1\t9\t99\n"}),
    Init("answers_that_nobody_asked_for", (*BOTH, "--tf", "GATA3", "--assay", "htselex"),
         ("tf = USF1: the file's name", "--tf GATA3: without effect", "--assay htselex: without effect"), 0),
    Init("the_same_file_twice", (*BOTH, "USF1.narrowPeak", "genome.fa"), ("USF1.narrowPeak: named twice; taken once",), 0),
    Init("the_same_bytes_under_two_names", (*BOTH, "USF1 copy.narrowPeak"),
         ("USF1 copy.narrowPeak: left out: the same content as USF1.narrowPeak",), 0, {"USF1 copy.narrowPeak": PEAKS}),
    Init("the_same_peaks_packed", (*BOTH, "USF1_b.narrowPeak.gz", "USF1_crlf.bed"),
         ("left out: the same peaks as",), 0,
         {"USF1_b.narrowPeak.gz": packed(PEAKS), "USF1_crlf.bed": PEAKS.replace("\n", "\r\n")}),
    Init("the_same_genome_packed", (*BOTH, "b.fa.gz"), ("left out: a genome with the chromosomes of genomes.genome",), 0,
         {"b.fa.gz": packed(fasta(CHROMOSOMES))}),
    Init("spaces_and_signs_in_names", ("my USF1 (1).narrowPeak", "genome.fa"), ("dataset = my_USF1_1_",), 0,
         {"my USF1 (1).narrowPeak": PEAKS}),
    Init("a_name_that_no_sheet_can_hold", ("a\nb.bed", "c.bed "),
         ("its name ends in a space, or holds a line end or another sign that a sheet cannot; rename it",),
         files={"a\nb.bed": PEAKS, "c.bed ": PEAKS}),
    Init("links_that_lead_nowhere", (".",), ("links/nowhere: not looked at: no file, or a link that leads to none",), 0,
         {"links/nowhere": ""}),
    Init("mates_of_one_run", (*BOTH, "GATA3_R1.fastq", "GATA3_R2.fastq", "--assay", "smileseq"),
         ("left out: mate of", "GATA3_R1.fastq; the first read of each pair holds the insert"), 0,
         {f"GATA3_R{mate}.fastq": fastq(sequences(60, 20, mate)).replace("@r", "@M1:7:FC:1:1101:1:").replace("\n+", "\n+")
          for mate in (1, 2)}),
    Init("relaxed_peaks_alone", ("USF1_relaxed.narrowPeak", "USF1_shuffled.narrowPeak", "genome.fa"),
         ("its name says relaxed; no single file here goes with it", "its name says negative; no single file here"), 0,
         {"USF1_relaxed.narrowPeak": PEAKS, "USF1_shuffled.narrowPeak": PEAKS + peak("chr1", 8000, 8060)}),
]  # fmt: skip
