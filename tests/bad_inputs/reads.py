"""Files of sequences and SELEX reads."""

from bad_inputs import SELEX, Case, fasta, fastq, packed, sequences

READS = sequences(60, 20)
COUNTS = "".join(f"{read}\t{i % 3}\t{i % 5}\t{1 + i % 2}\n" for i, read in enumerate(READS))


def selex(number, name, says, code, content, file="a.fastq", **row):
    """A case of SELEX reads."""
    return Case(number, name, says, code, {file: content}, {**SELEX, **row})


def shown(number, name, says, code, content, file="a.fa", **row):
    """A case of sequences of peaks."""
    return Case(number, name, says, code, {file: content}, {"genome": "", **row})


CASES = [
    shown(20, "ambiguous_letters", ("1 changed, IUPAC letters read as N", "2 read, FASTA records"), 0,
          fasta({"a": "ACGTR" + READS[0], "b": READS[1]})),
    selex(29, "reads_of_mixed_length", ("a.fastq: inserts of mixed length (20 bp 75%, 14 bp 25%)", "left_flank"), 2,
          fastq(READS + [read[:14] for read in READS[:20]])),
    selex(29, "a_few_reads_of_another_length", ("5 dropped, insert is not 20 bp",), 0,
          fastq(READS + [read[:14] for read in READS[:5]])),
    selex(30, "library_of_one_read", ("d: not estimable: library collapsed: ", "is 91 of 150 reads"), 3,
          fastq(READS + [READS[0]] * 90).replace("\n" + READS[0], "\n" + "ACGTTGCAACCGGATTACAG")),
    selex(31, "every_insert_has_an_n", ("d: not estimable: every insert has an N",), 3,
          fastq([read[:9] + "N" + read[10:] for read in READS])),
    selex(31, "reads_of_flanks_alone", ("60 of 60 reads lack the flanks", "correct left_flank and right_flank"), 2,
          fastq(["TGTCGTGACTGC"] * 60), left_flank="TGTCGT", right_flank="GACTGC"),
    selex(32, "flanks_of_another_library", ("a.fastq: 60 of 60 reads lack the flanks; the reads show left TGTCGT (given "
                                            "AAAAAA), right GACTGC (given CCCCCC); correct left_flank and right_flank",),
          2, fastq([f"TGTCGT{read}GACTGC" for read in READS]), left_flank="AAAAAA", right_flank="CCCCCC"),
    selex(33, "cycles_with_a_gap", ("kept, train",), 0, "seq\t1\t2\t4\n" + COUNTS, "a.tsv", format="counts", cycle="4"),
    selex(33, "cycle_that_the_table_lacks", ("a.tsv: no cycle 3; the table has the cycles 1, 2, 4",), 2,
          "seq\t1\t2\t4\n" + COUNTS, "a.tsv", format="counts", cycle="3"),
    selex(33, "cycle_named_3b1", ("a.tsv:1: the header", "3b1", "one cycle number; name the columns 0, 1, 2"), 2,
          "seq\t0\t2\t3b1\n" + COUNTS, "a.tsv", format="counts"),
    selex(33, "cycle_named_3b1_in_the_sheet", ("sheet.tsv:2: cycle: '3b1' is not of the form", "A whole number"), 2,
          fastq(READS), cycle="3b1"),
    selex(33, "two_columns_of_one_cycle", ("a.tsv:1: the header", "one cycle number"), 2,
          "seq\tR1\tR01\tR2\n" + COUNTS, "a.tsv", format="counts"),
    selex(33, "a_first_row_with_a_fault_is_no_header", ("a.tsv:1: 'E' is not a letter of DNA",), 2,
          "ACGEACGTACGTACGTACGT\t5\t3\t1\n" + COUNTS, "a.tsv", format="counts"),
    selex(33, "counts_that_are_none", ("a.tsv:61: counts '1 -1 2' are not all whole", ":62: counts '1 1.5 2'"), 2,
          COUNTS + f"{READS[0]}\t1\t-1\t2\n{READS[1]}\t1\t1.5\t2\n{READS[2]}\t{10**12}\t1\t1\n", "a.tsv", format="counts"),
    selex(35, "qualities_of_another_length", ("record 61 (@bad): 23 qualities for 4 bases",), 2,
          fastq(READS) + "@bad\nACGT\n+\nIIIIIIIIIIIIIIIIIIIIIII\n"),
    selex(35, "record_of_three_lines", ("record 1 (@r0): ", "correct the record, reading stopped here"), 2,
          "".join(f"@r{i}\n{read}\n+\n" for i, read in enumerate(READS))),
    selex(35, "file_ends_in_a_record", ("a.fastq: record 61 (@bad): the file ends inside this record; fetch it again",), 2,
          fastq(READS) + "@bad\nACGT"),
    selex(36, "mates_in_one_file", ("record 2 (@r0/2): mates 1 and 2 in one file; give read 1 in a file of its own",), 2,
          "".join(f"@r{i // 2}/{1 + i % 2}\n{read}\n+\n{'I' * 20}\n" for i, read in enumerate(READS))),
    selex(37, "rna_letters", ("60 changed, U read as T", "60 read, reads"), 0,
          fastq(["U" + read[1:] for read in READS])),
    selex(37, "protein_letters", ("a.fastq: record 61: 'E' is not a letter of DNA; only A C G T U N and IUPAC are read",), 2,
          fastq([*READS, "PEPTIDEPEPTIDEPEPTID"])),
    selex(6, "no_reads", ("a.fastq: 0 reads in this file; check that the right file is named",), 2, ""),
    selex(10, "reads_cut_short", ("ends early or is damaged; download it again (it breaks off in record",), 2,
          packed(fastq(sequences(3000, 20)))[:-3000], "a.fastq.gz"),
    selex(11, "fasta_named_fastq", ("a.fastq: record 1 (>r): a FASTQ record begins with '@'",), 2, ">r\nACGT\n"),
    shown(9, "table_separated_by_spaces", ("a.tsv:1: 1 column(s) where there should be 2; separate them by a tab",), 2,
          f"{READS[0]} 1\n", "a.tsv"),
    shown(54, "labels_that_are_none", ("a.tsv:2: label '2' is neither 0 nor 1", "a.tsv:3: label 'yes'"), 2,
          f"{READS[0]}\t1\n{READS[1]}\t2\n{READS[2]}\tyes\n", "a.tsv"),
    shown(54, "a_labelled_first_row_with_a_fault_is_no_header", ("a.tsv:1: label '7' is neither 0 nor 1",), 2,
          f"ACGX{READS[0]}\t7\n{READS[1]}\t1\n", "a.tsv"),
    shown(44, "no_positive_in_the_file", ("a.tsv: no positive is left for d; its log says why",), 2,
          "".join(f"{read}\t0\n" for read in READS), "a.tsv"),
    shown(56, "seq_file_without_its_header", ("a.seq:1: no column EventID, seq, Bound; a .seq file begins with",), 2,
          f"A\te1\t{READS[0]}\t1\n", "a.seq"),
    shown(21, "one_sequence_on_both_strands", ("1 dropped, same sequence again (either strand)",), 0,
          fasta({"a": "AACCGGTTTTACGATCAGCA", "b": "TGCTGATCGTAAAACCGGTT", "c": READS[0]})),
    Case(48, "one_file_as_positives_and_negatives", ("sheet.tsv:2: negatives_path: ", "is named twice in this row"), 2,
         {"a.fa": fasta(dict(zip("abc", READS, strict=False))), "b/c.fa": ""}, {"negatives_path": "b/../a.fa"}),
    shown(26, "record_of_reads_without_sequence", ("a.fa:3: record 2 (b): no sequence; delete the record",), 2,
          f">a\n{READS[0]}\n>b\n>c\n{READS[1]}\n"),
]  # fmt: skip
