"""What goes wrong with the files that `tfbind score` reads and writes.

A case is a call in a folder that holds `genome.fa` with its index, `a.fa`, `a.bed`, `a.vcf`, the models `net`, `floor`
(composition) and `none` (training gave no model), and a folder `dir`.
"""

from dataclasses import dataclass, field

from bad_inputs import CHROMOSOMES, fasta

BED = ["--bed", "a.bed", "--genome", "genome.fa"]


@dataclass(frozen=True)
class Call:
    """One call: what is amiss, its words after `tfbind score MODEL`, what a user reads, and the exit code."""

    name: str
    words: list[str]
    says: tuple[str, ...]
    code: int = 2
    model: str = "net"
    files: dict[str, str] = field(default_factory=dict)
    made: tuple[str, ...] = ()  # files that there are afterwards


CASES = [
    Call("track_of_nothing", ["--track", "t.bw"], ("name one file to score",)),
    Call("track_without_a_genome", ["--track", "t.bw", "--bed", "a.bed"], ("--bed and --vcf need --genome FASTA",)),
    Call("track_of_an_unindexed_fasta", ["--track", "t.bw", "--fasta", "a.fa"], ("a.fa.fai: not found; ", "samtools faidx")),
    Call("track_of_standard_input", ["--track", "t.bw", "--fasta", "-"], ("-.fai: not found",)),
    Call("track_of_variants", ["--track", "t.bw", "--vcf", "a.vcf", "--genome", "genome.fa"], ("a VCF has single places",)),
    Call("track_of_another_kind", ["--track", "t.tsv", "--fasta", "genome.fa"], ("--track t.tsv: a track is a bigWig",)),
    Call("track_beside_scores", ["--track", "t.bw", "--out", "o.tsv", *BED], ("--track writes the track alone",)),
    Call("track_with_a_reading", ["--track", "t.bw", "--reading", "scan", *BED], ("of windows read whole",)),
    Call("step_of_zero", ["--track", "t.bw", "--step", "0", *BED], ("--step 0: 1 or more",)),
    Call("value_that_is_none", ["--track", "t.bw", "--value", "odds", *BED], ("use one of logit, probability",)),
    Call("probability_without_a_calibration", ["--track", "t.bw", "--value", "probability", *BED], ("no calibration; use",)),
    Call("step_without_a_track", ["--step", "5", *BED], ("--step and --value are for --track",)),
    Call("regions_with_many_faults", ["--track", "t.bw", *BED],
         ("a.bed:1: chr9:1-5 does not lie inside", "a.bed:2: start 9 is not below end 3", "a.bed:4: chrX:0-7 does not"),
         files={"a.bed": "chr9\t1\t5\nchr1\t9\t3\nchr1\t5\t90\nchrX\t0\t7\n"}),
    Call("no_regions", ["--track", "t.bw", *BED], ("a.bed: 0 intervals",), files={"a.bed": "# none\n"}),
    Call("no_window_fits", ["--track", "t.bw", *BED], ("t.bw: not written, since it would hold no value",), 3,
         files={"a.bed": "chr1\t0\t9\n"}),
    Call("one_region_has_no_value", ["--track", "t.bw", *BED], ("1 of the merged regions have no value",), 3,
         files={"a.bed": "chr1\t0\t9\nchr1\t100\t140\n"}, made=("t.bw",)),
    Call("track_onto_the_genome", ["--track", "genome.bw", "--fasta", "genome.bw"], ("this is a file that is read",)),
    Call("scores_onto_their_input", ["--fasta", "a.fa", "--out", "a.fa"], ("--out a.fa: this is a file that is read",)),
    Call("scores_onto_the_genome", ["--out", "dir/../genome.fa", *BED], ("this is a file that is read; name another",)),
    Call("scores_onto_the_index", ["--out", "genome.fa.fai", *BED], ("this is a file that is read; name another",)),
    Call("two_outputs_of_one_name", ["--hits", "h.bed", "--out", "./h.bed", *BED], ("also named by --out; give each its own",)),
    Call("output_into_the_model", ["--hits", "net/model.json", *BED], ("lies in the folder of the model; write elsewhere",)),
    Call("output_that_is_a_folder", ["--hits", "dir", *BED], ("--hits dir: is a folder; name a file",)),
    Call("output_below_a_file", ["--hits", "a.fa/h.bed", *BED], ("a.fa",), 4),
    Call("effects_of_unknown_form", ["--attributions", "a.wig", *BED], ("a.wig: the end of the name says what to write",)),
    Call("bigwig_of_records", ["--attributions", "x.bw", "--fasta", "a.fa"], ("FASTA records have no place on a genome",)),
    Call("bedgraph_of_records", ["--attributions", "x.bedGraph", "--fasta", "a.fa"], ("no place on a genome; write a .tsv",)),
    Call("effects_of_variants", ["--attributions", "x.tsv", "--vcf", "a.vcf", "--genome", "genome.fa"], ("use --fasta or --bed",)),
    Call("instances_of_composition", ["--hits", "h.bed", *BED], ("floor is a composition model: it counts short words and "
         "knows no motif",), model="floor"),
    Call("smallest_effect_of_nothing", ["--hits", "h.bed", "--min-effect", "-1", *BED], ("--min-effect -1: a site adds more",)),
    Call("smallest_effect_that_is_no_number", ["--hits", "h.bed", "--min-effect", "nan", *BED], ("--min-effect nan",)),
    Call("sequence_too_long_to_explain", ["--hits", "h.bed", *BED], ("a.bed:1: the interval is 6000 bp long, more than 5000; cut",),
         files={"a.bed": "chr1\t0\t6000\n"}),
    Call("record_too_long_to_explain", ["--attributions", "x.tsv", "--fasta", "a.fa"],
         ("record 1 (a) is 6000 bp long, more than 5000; cut it",), files={"a.fa": fasta({"a": CHROMOSOMES["chr1"][:6000]})}),
    Call("sequence_of_unknown_bases", ["--attributions", "x.tsv", "--fasta", "a.fa", "--out", "o.tsv"],
         ("1 of 2 sequences hold fewer than 1 bp",), 3, files={"a.fa": ">a\nNNNN\n>b\n" + "ACGT" * 8 + "\n"},
         made=("o.tsv", "x.tsv")),
    Call("model_that_was_not_trained", ["--track", "t.bw", "--fasta", "genome.fa"], ("too few reads",), 3, model="none"),
    Call("folder_without_a_model", ["--track", "t.bw", "--fasta", "genome.fa"], ("give the folder of a trained model",), model="dir"),
]  # fmt: skip
