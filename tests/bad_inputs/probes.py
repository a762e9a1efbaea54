"""Tables of protein-binding microarrays."""

from bad_inputs import Case, packed, sequences

PROBES = sequences(200, 35)
PRIMER = "GTCTGTGTTCCGTTGTCCGTGCTG"
#: Most signals are near 100, those of the last twenty far above.
SIGNALS = [100 + i % 37 if i < 180 else 5000 + i for i in range(200)]
TABLE = "".join(f"{probe}\t{signal}\n" for probe, signal in zip(PROBES, SIGNALS, strict=True))
HEADER = "sequence\tsignal\tbackground\tflag\trow\tcol\n"
SPOTS = [f"{p}\t{s}\t9\t0\t{i // 20}\t{i % 20}\n" for i, (p, s) in enumerate(zip(PROBES, SIGNALS, strict=True))]
WORDS = "AAAAAAAC\tGTTTTTTT\t0.49\nA.TTCCGGT\tACCGGAA.T\t0.48\nAAAAAAAG\tCTTTTTTT\t0.3\n"
PBM = {"assay": "pbm", "genome": ""}


def array(number, name, says, code, content, file="a.txt", config=None, **row):
    """A case of one array, and its other design where `row` names a `test_path`."""
    config = {"negatives": {"others": {"kind": "usual"}}, **(config or {})}
    return Case(number, name, says, code, {file: content, "b.txt": TABLE}, {**PBM, **row}, config=config)


CASES = [
    array(29, "probes_of_one_array_alone", ("no test set: probes of one array overlap", "name the probes of another array "
          "design in test_path"), 0, TABLE),
    array(29, "probes_of_two_designs", ("200 noted, probe, of which 20 reach probes.threshold 4", "20 kept, test"), 0,
          "".join(f"{p[::-1]}\t{s}\n" for p, s in zip(PROBES, SIGNALS, strict=True)),
          test_path="b.txt"),
    array(29, "probes_of_mixed_length", ("a.txt: probes of mixed length (", "write each length into its own file"), 2,
          "".join(f"{p[: 35 - 9 * (i % 2)]}\t{s}\n" for i, (p, s) in enumerate(zip(PROBES, SIGNALS, strict=True)))),
    array(31, "every_probe_has_an_n", ("d: not estimable: a.txt: every probe has an N",), 3,
          "".join(f"{p[:9]}N{p[10:]}\t{s}\n" for p, s in zip(PROBES, SIGNALS, strict=True))),
    array(32, "a_primer_that_is_not_declared", (f"a.txt: at least 90% of the probes end in {PRIMER}, a constant part, "
          f"not a site; write {PRIMER} in right_flank of the sheet, which cuts it off",), 2,
          TABLE.replace("\t", f"{PRIMER}\t")),
    array(32, "another_primer_declared", ("a.txt: 200 of 200 probes lack the right_flank ACGTACGTAC; they show " + PRIMER,),
          2, TABLE.replace("\t", f"{PRIMER}\t"), right_flank="ACGTACGTAC"),
    array(32, "some_probes_without_the_primer", ("20 dropped, probe without the constant ends", "180 noted, probe, of"), 0,
          "".join(f"{p}{PRIMER if i > 19 else p[:24]}\t{s}\n" for i, (p, s) in enumerate(zip(PROBES, SIGNALS, strict=True))),
          right_flank=PRIMER),
    array(10, "array_cut_short", ("a.txt: the gzip file ends early or is damaged",), 2, packed(TABLE)[:-900]),
    array(11, "a_fasta_instead_of_an_array", ("a.txt:1: no column of the sequence and signal among '>a'",), 2,
          ">a\nACGT\n"),
    array(11, "peaks_instead_of_an_array", ("a.txt:1: 'chr1' is no sequence",), 2, "chr1\t5\t9\n"),
    array(11, "words_instead_of_probes", ("a.txt:1: this is a table of words and their scores; give its format as words",),
          2, WORDS),
    array(11, "probes_instead_of_words", ("a.txt:1: 2 column(s); word, reverse complement and E-score are separated",), 2,
          TABLE, format="words"),
    array(6, "an_array_without_rows", ("a.txt: 0 probes in this file; check that the right file is named",), 2, HEADER),
    array(56, "signals_that_are_none", ("a.txt:201: signal '1,5' is not a number; decimals follow a point", "a.txt:202: "
          "signal 'inf' is not", "a.txt:203: 1 columns where the first line has 2", "a.txt:204: 'E' is not a letter"), 2,
          TABLE + f"{PROBES[0]}\t1,5\n{PROBES[1]}\tinf\n{PROBES[2]}\nACGE\t5\n"),
    array(56, "columns_without_names", ("a.txt:1: 1 columns of text and 3 of numbers, and no header; a table without one",),
          2, TABLE.replace("\n", "\t1\t2\n")),
    array(56, "several_experiments_in_one_table", ("a.txt:202: tf_id is 'TF_2', and 'TF_1' in the first row; a table holds "
          "one experiment on one array",), 2, "tf_id\tsequence\tsignal\n" + "".join(
              f"TF_{1 + (i > 199)}\t{p}\t{s}\n" for i, (p, s) in enumerate(zip(2 * PROBES, 2 * SIGNALS, strict=True)))),
    array(56, "spots_flagged_the_wrong_way_round", ("a.txt: 195 of 200 spots are flagged; if the column says which spots "
          "are good, write 0 for these and 1 for the others",), 2,
          HEADER + "".join(spot.replace("\t9\t0", "\t9\t1") if i > 4 else spot for i, spot in enumerate(SPOTS))),
    array(56, "two_spots_on_one_place", ("a.txt: two spots on one row and column; a table holds one array",), 2,
          HEADER + "".join(SPOTS) + f"{PROBES[0][::-1]}\t5\t1\t0\t0\t0\n"),
    array(56, "flagged_and_empty_spots", ("1 dropped, spot without a signal", "2 dropped, spot without a sequence",
          "3 dropped, flagged spot", "194 changed, background subtracted",
          "194 changed, spatial trend divided out (15 x 15 spots)"), 0,
          HEADER + "".join(["\t5\t1\t0\t90\t1\n", "NA\t5\t1\t0\t90\t2\n", f"{PROBES[0][::-1]}\t\t1\t0\t90\t3\n",
                            *(spot.replace("\t9\t0", "\t9\t-100") for spot in SPOTS[:3]), *SPOTS[3:197]])),
    array(30, "an_array_of_one_signal", ("d: not estimable: a.txt: over half of the probes have one and the same signal",), 3,
          "".join(f"{p}\t{100 + (i > 150) * i}\n" for i, p in enumerate(PROBES))),
    array(30, "a_threshold_that_no_probe_reaches", ("d: not estimable: a.txt: none of its probes reaches probes.threshold",), 3, TABLE,
          config={"probes": {"threshold": 1e6}}),
    array(56, "a_threshold_that_is_none", ("config.yaml: probes.threshold: -1 is less than or equal to the minimum of 0",),
          2, TABLE, config={"probes": {"threshold": -1}}),
    array(33, "top_words_alone", ("1 dropped, gapped word: only words without gaps are read", "32894 noted, 2 of 32896 words "
          "of 8 bp are in the table, those of E-score 0.3 or more; it is not known whether the others are",), 3, WORDS,
          format="words"),
    array(56, "words_with_a_fault", ("a.txt:4: E-score 0.6 is not within -0.5 to 0.5", "a.txt:5: 'GTTA' is not the reverse "
          "complement of AAAC"), 2, WORDS + "AAAAAAAT\tATTTTTTT\t0.6\nAAAC\tGTTA\t0.1\n", format="words"),
]  # fmt: skip
