"""Genomes."""

from bad_inputs import CHROMOSOMES, Case, fasta, packed

KEPT = ("20 read, peaks; 20 kept, train",)
WHOLE = fasta(CHROMOSOMES)
FIRST = CHROMOSOMES["chr1"]
PEAKS = "a.narrowPeak"


def genome(number, name, says, code, content, **options):
    """A case whose genome is amiss and whose peaks are sound."""
    files = {"genome.fa": content, **options.pop("files", {})}
    return Case(number, name, says, code, files, {"path": PEAKS}, **options)


CASES = [
    genome(18, "soft_masked_genome", KEPT, 0, fasta({**CHROMOSOMES, "chr1": FIRST[:4000] + FIRST[4000:].lower()})),
    genome(20, "ambiguous_letters_in_the_genome", KEPT, 0, fasta({**CHROMOSOMES, "chr1": "RYKMSWBDHV" * 40 + FIRST[400:]})),
    genome(20, "letters_that_are_no_dna", ("genome.fa:2: record 'chr1' holds 'P'; only A C G T N and IUPAC",), 2,
           fasta({"chr1": "PEPTIDE"})),
    genome(24, "an_index_of_another_genome_lies_beside", KEPT, 0, WHOLE, files={"genome.fa.fai": "chr9\t7\t6\t60\t61\n"}),
    genome(25, "genome_packed_by_gzip", KEPT, 0, packed(WHOLE)),
    genome(26, "two_records_of_one_name", ("genome.fa:302: name 'chr1' occurs twice; names must differ",), 2,
           WHOLE.replace(">chr3", ">chr1").replace(">chr2\n", "")),
    genome(26, "record_without_sequence", ("genome.fa:455: record 'chrM' has no sequence; delete it or fetch",), 2,
           WHOLE + ">chrM\n>chrX\nACGT\n"),
    genome(26, "words_after_the_name", KEPT, 0, WHOLE.replace(">chr1", ">chr1 dna:chromosome GRCh38")),
    genome(26, "name_that_is_no_ascii", ("genome.fa:1: name 'chr1é' is not plain ASCII; rename the record",), 2,
           WHOLE.replace(">chr1", ">chr1é")),
    genome(27, "ragged_lines", ("genome.fa:5: record 'x' has lines of unequal length (4 bp after 2 bp); wrap it anew",), 2,
           ">x\nACGT\nACGT\nAC\nACGT\n"),
    genome(27, "old_macintosh_line_ends_in_the_genome", ("genome.fa:1: a line ends in a carriage return alone; use tr",), 2,
           WHOLE.replace("\n", "\r")),
    genome(27, "windows_line_ends_in_the_genome", KEPT, 0, WHOLE.replace("\n", "\r\n")),
    genome(6, "empty_genome", ("genome.fa: 0 records; this is not a FASTA file",), 2, ""),
    genome(10, "genome_cut_short", ("genome.fa: the gzip file ends early or is damaged",), 2, packed(WHOLE)[:-900]),
    genome(11, "peaks_given_as_the_genome", ("genome.fa:1: b'chr1", "before the first '>'; is this a FASTA file?"), 2,
           "chr1\t5\t9\n"),
    genome(14, "genome_of_another_checksum", ("genome.fa: SHA-256 is ", "expected " + "1" * 64), 2, WHOLE,
           config={"genomes": {"tiny": {"fasta": "genome.fa", "sha256": "1" * 64}}}),
    genome(2, "blacklist_in_other_names", ("black.bed: names 1, the genome", "map the names under genomes.<name>"), 2,
           WHOLE, files={"black.bed": "1\t0\t400\n"},
           config={"genomes": {"tiny": {"fasta": "genome.fa", "blacklist": "black.bed"}}}),
    genome(2, "names_mapped_to_a_chromosome_that_is_not_there", ("chromosomes maps to chr8, absent from", "it has chr1"),
           2, WHOLE, config={"genomes": {"tiny": {"fasta": "genome.fa", "chromosomes": {"8": "chr8"}}}}),
]  # fmt: skip
