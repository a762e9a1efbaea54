import gzip

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io import sequence_files
from tfbind.io.tally import Tally
from tfbind.sequences import selex


@pytest.fixture
def write(tmp_path):
    def write(text):
        (tmp_path / "f").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "f"

    return write


def faults(reader, path):
    with pytest.raises(InputError) as error:
        reader(path)
    return error.value.faults


@pytest.mark.parametrize("pack", [str.encode, lambda t: gzip.compress(t.encode())])
def test_fasta(write, pack):
    tally = Tally()
    found = sequence_files.read_fasta(write(pack("; old comment\n>a first\nAC\r\ngu\n\n>b\nRYN\n")), tally)
    assert found[["name", "sequence"]].to_numpy().tolist() == [["a", "ACGT"], ["b", "NNN"]]
    assert found[["chrom", "start", "end", "strand"]].isna().all(axis=None)
    assert tally.rows == [
        ("changed", "U read as T", 1),
        ("changed", "IUPAC letters read as N", 1),
        ("read", "FASTA records", 2),
    ]


@pytest.mark.parametrize(
    ("names", "starts"),
    [
        (["chr1:10-14", "c|x:0-4_shuf"], [10, 0]),  # 0-based half-open
        (["chr1:10-13", "chrX:1-4(-)"], [9, 0]),  # 1-based inclusive
        (["chr1:10-14", "chrX:1-4"], None),  # one of each
        (["chr1:10-14", "peak"], None),
        (["chr1:0-3", "chr1:5-8"], None),  # base 0 cannot be 1-based
        # bedtools getfasta -name, -name with -s, of a peak without a name, of one that is called by a place
        (["p0::chr1:10-14", "p1::chrX:0-4(-)", "::chr2:3-7", "chr9:1-2::chr3:5-9(+)"], [10, 0, 3, 5]),
        (["HLA-A*01:01:10-14", "p::HLA-A*01:01:2-6"], [10, 2]),  # chromosomes with colons in their names
        (["p0(+)", "p1(-)"], None),  # -nameOnly -s
    ],
)
def test_coordinates_in_names(write, names, starts):
    found = sequence_files.read_fasta(write("".join(f">{name} more\nACGT\n" for name in names)))
    if starts is None:
        assert found[["chrom", "start", "end", "strand"]].isna().all(axis=None)
        said = found.attrs["nowhere"]
        assert "names hold no chrom:start-end, e.g. p" in said or "names and lengths do not agree, e.g. chr" in said
    else:
        assert found["start"].tolist() == starts
        assert (found["end"] - found["start"]).tolist() == [4] * len(names)
        assert found["chrom"].tolist() == [name.rpartition("::")[2].rsplit(":", 1)[0] for name in names]
        assert found.attrs["nowhere"] == ""
        assert found["strand"].tolist() == ["-" if "(-)" in name else "+" for name in names]


@pytest.mark.parametrize(
    ("names", "places"),
    [
        (
            ["chr1_10_13_pos_1", "chr4_GL383528v1_alt_1_4_neg_12", "chrUn_gl000220_6_9"],  # 1-based inclusive
            [("chr1", 9, "+"), ("chr4_GL383528v1_alt", 0, "+"), ("chrUn_gl000220", 5, "+")],
        ),
        (
            ["hg19_chr9_10_14_+", "hg19_chrX_0_4_-", "mm9_chr1_random_3_7_-_shuf"],  # 0-based half-open
            [("chr9", 10, "+"), ("chrX", 0, "-"), ("chr1_random", 3, "-")],
        ),
        (["chr1-10-14", "chrX-0-4"], [("chr1", 10, "+"), ("chrX", 0, "+")]),
        (
            ["a range=chr1:10-13 5'pad=0 3'pad=0 strand=+", "b\trange=chrX:1-4 5'pad=0 strand=- repeatMasking=none"],
            [("chr1", 9, "+"), ("chrX", 0, "-")],
        ),
        (
            ["hg18_chr1_10_13_+\trange=chr1:10-13", "hg18_chrX_1_4_-\trange=chrX:1-4"],
            [("chr1", 9, "+"), ("chrX", 0, "-")],
        ),
        (["chr1_10_13", "chrX_1_5"], "names and lengths do not agree, e.g. chrX_1_5 of 4 bp"),
        (["chr1_0_3", "chrX_5_8"], "names and lengths do not agree, e.g. chr1_0_3 of 4 bp"),
        (["chr1_10_14", "chr1:10-14"], "1 of 2 names hold no chrom:start-end, e.g. chr1_10_14"),
        (["peak_1_4", "peak_5_8"], "2 of 2 names hold no chrom:start-end, e.g. peak_1_4"),
        (["chr2", "chr2"], "2 of 2 names hold no chrom:start-end, e.g. chr2"),
        (["a range=chr1:10-13 strand=+", "b"], "2 of 2 names hold no chrom:start-end, e.g. a"),
    ],
)
def test_coordinates_in_other_forms(write, names, places):
    found = sequence_files.read_fasta(write("".join(f">{name}\nacGT\n" for name in names)))
    assert found["sequence"].tolist() == ["ACGT"] * len(names)
    assert found["name"].tolist() == [name.split()[0] for name in names]
    if isinstance(places, str):
        assert found[["chrom", "start", "end", "strand"]].isna().all(axis=None) and found.attrs["nowhere"] == places
    else:
        assert list(found[["chrom", "start", "strand"]].itertuples(index=False, name=None)) == places
        assert (found["end"] - found["start"] == 4).all() and found.attrs["nowhere"] == ""


def test_all_faults_of_a_fasta(write):
    found = faults(sequence_files.read_fasta, write(">a\nACXT\n>\nAC\n>c\n>d\nAC-GT\n>e\nAC\n"))
    assert [f.split("record ")[1][0] for f in found] == ["2", "3", "1", "4"]
    assert "0 FASTA records" in faults(sequence_files.read_fasta, write(""))[0]
    assert "before the first '>'" in faults(sequence_files.read_fasta, write("ACGT\n"))[0]
    broken = gzip.compress(b"".join(b">%d\nACGTTGCA\n" % i**3 for i in range(900)))[:-600]
    assert "breaks off in record" in faults(sequence_files.read_fasta, write(broken))[0]


def test_fastq_plain_and_wrapped(write):
    path = write("@a\nACGT\n+a\n@@@@\n@b x\nAC\nGN\n+\n@+\nII\n\n")
    assert sequence_files.read_fastq(path)["sequence"].tolist() == ["ACGT", "ACGN"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@a\nACGT\n+\nIII\n@b\nAC\n+\nII\n", r"record 1 .*5 qualities for 4 bases"),
        ("@a\nACGT\n+\nIIII\n@b\nACGT\n@c\nACGT\n+\nIIII\n", r"record 2 .*4 qualities for 10 bases"),
        ("@a\nACGT\n+\nIIII\nACGT\n", r"record 2 .*begins with '@'"),
        ("@a\nACGT\n+\nIIII\n@b\nAC", r"record 2 .*the file ends"),
        ("@a\nACGT\n+\nII", r"record 1 .*2 qualities for 4 bases"),
        ("@a\n+\n\n", r"record 1 .*no sequence"),
        (">a\nACGT\n", r"record 1 .*begins with '@'"),
        ("", "0 reads"),
        ("@a\nACEF\n+\nIIII\n@b\nAC\n+\nII\n@c\nPP\n+\nII\n", r"record 1: 'E'.*\n.*record 3: 'P'"),
    ],
)
def test_broken_fastq(write, text, words):
    with pytest.raises(InputError, match=words):
        sequence_files.read_fastq(write(text))


def test_truncated_fastq_names_the_record(write):
    rng = np.random.default_rng(0)
    text = "".join(f"@{i}\n{''.join(rng.choice(list('ACGT'), 20))}\n+\n{'I' * 20}\n" for i in range(3000))
    (fault,) = faults(sequence_files.read_fastq, write(gzip.compress(text.encode())[:-3000]))
    record = int(fault.split("record ")[1].rstrip(")"))
    assert 100 < record < 3000


@pytest.mark.parametrize("header", ["", "sequence\tlabel\n", "seq\tBound\n"])
def test_labelled(write, header):
    found = sequence_files.read_labelled(write(header + "acgt\t1\nACGA\t0\n\n"))
    assert found.to_numpy().tolist() == [["ACGT", 1], ["ACGA", 0]]


@pytest.mark.parametrize("sign", ["\t", ","])
def test_a_labelled_table_names_its_columns(write, sign):
    def read(*lines):
        return sequence_files.read_labelled(write("".join(line.replace(" ", sign) + "\n" for line in lines)))

    two = [["ACGT", 1], ["ACGA", 0]]
    for header in ("label sequence", "Label Seq", "y seq", '"label" "sequence"'):
        assert read(header, '1 "acgt"', "0 ACGA").to_numpy().tolist() == two, header
    assert read("ACGT 1", "ACGA 0").to_numpy().tolist() == two
    found = read("#chrom start end Sequence label strand more", "chr1 9 13 ACGT 1 - x", "chr2 0 4 ACGA 0 + y")
    assert found[["sequence", "label"]].to_numpy().tolist() == two
    places = [["chr1", 9, 13, "-"], ["chr2", 0, 4, "+"]]
    assert found[["chrom", "start", "end", "strand"]].to_numpy().tolist() == places and found.attrs["nowhere"] == ""
    found = read("chr peak_start peak_end count sequence", "chr1 10 13 1 ACGT", "chr2 1 4 3 ACGA")
    assert "label" not in found
    assert found[["chrom", "start", "end"]].to_numpy().tolist() == [["chr1", 9, 13], ["chr2", 0, 4]]
    for wrong, said in (
        ("chr2 0 5", "coordinates and lengths do not agree, e.g. chr2:0-5 of 4 bp"),
        ("chr2 . 4", "1 of 2 rows hold no chrom, start and end, e.g. chr2:.-4"),
        (" 1 4", "1 of 2 rows hold no chrom, start and end, e.g. :1-4"),
    ):
        found = read("chr start end sequence", "chr1 10 13 ACGT", f"{wrong} ACGA")
        assert found["chrom"].isna().all() and found.attrs["nowhere"] == said


def test_a_table_without_labels_is_of_one_class(write):
    tally = Tally()
    found = sequence_files.read_labelled(write("sequence\nACGT\nACGA\n"), tally)
    assert found["sequence"].tolist() == ["ACGT", "ACGA"] and list(found) == ["sequence"]
    assert tally.rows[0] == ("noted", "f: no column label, so all its sequences are of one class", 2)
    tally = Tally()
    sequence_files.read_labelled(write("id,sequence,n\na,ACGT,1\nb,ACGA,1\n"), tally)
    assert ("noted", "columns not read: id, n", 2) in tally.rows


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,sequence,target\na,ACGT,1\nb,ACGA,0\n", "'target' holds 0 and 1 and no column is called label"),
        ("label\tseq\tsequence\n1\tACGT\tACGA\n", "f:1: seq and sequence both name the column sequence"),
        ("label,sequence\n1,ACGT\n2,ACGT\n", "f:3: label '2' is neither 0 nor 1"),
        (
            "label,sequence,id\n1,ACGT\n",
            "f:2: 2 column.s. where there should be 3; the header names label, sequence, id",
        ),
        ("label,sequence,id\n1,,x\n", "f:2: no sequence"),
        ("id,sequence,label\nx,ACXT,1\n", "f:2: 'X' is not a letter of DNA"),
        ("sequence\tscore\nACGT\t7.5\n", "f:2: label '7.5' is neither 0 nor 1"),
        ("id,label,sequence\n", "0 labelled sequences"),
    ],
)
def test_faults_of_a_table_with_named_columns(write, text, words):
    with pytest.raises(InputError, match=words):
        sequence_files.read_labelled(write(text))


def test_all_faults_of_a_labelled_file(write):
    found = faults(sequence_files.read_labelled, write("ACGT\t2\nACGT 1\nACGT\t1\tx\n\t1\nACQT\t1\nACGT\t\nACGT\t1\n"))
    assert sorted(int(f.split(":")[1]) for f in found) == [1, 2, 3, 4, 5, 6]
    assert "0 labelled" in faults(sequence_files.read_labelled, write("sequence\tlabel\n"))[0]


def test_deepbind_by_column_name(write):
    found = sequence_files.read_deepbind(write("EventID\tFoldID\tBound\tseq\ne1\tA\t1\tacgt\ne2\tB\t0\tACGA\n"))
    assert found.to_numpy().tolist() == [["e1", "ACGT", 1], ["e2", "ACGA", 0]]


def test_all_faults_of_a_deepbind_file(write):
    head = "FoldID\tEventID\tseq\tBound\n"
    found = faults(
        sequence_files.read_deepbind, write(head + "A\te\tACGT\t0.5\nA\te\tACGT\nA\te\t\t1\nA\te\tAC!T\t1\n")
    )
    assert sorted(int(f.split(":")[1]) for f in found) == [2, 3, 4, 5]
    assert "no column EventID, seq, Bound" in faults(sequence_files.read_deepbind, write("A\te1\tACGT\t1\n"))[0]
    assert "0 sequences" in faults(sequence_files.read_deepbind, write(head))[0]


@pytest.mark.parametrize(
    ("header", "cycles"), [("", [0, 1, 2]), ("seq\t0\t3\t4\n", [0, 3, 4]), ("seq\tcycle_1\tR2\tRound 4\n", [1, 2, 4])]
)
def test_counts(write, header, cycles):
    found = sequence_files.read_counts(write(header + "ACGT\t0\t2\t5\nACGA\t1\t0\t0\n"))
    assert list(found) == ["sequence", *cycles]
    assert found[cycles].to_numpy().tolist() == [[0, 2, 5], [1, 0, 0]]


def test_all_faults_of_a_count_table(write):
    found = faults(
        sequence_files.read_counts, write("ACGT\t0\t2\nACGT\t-1\t2\nACGT\t1\nACGT\t1.5\t2\n\t1\t1\nA?\t1\t1\n")
    )
    assert sorted(int(f.split(":")[1]) for f in found) == [2, 3, 4, 5, 6]
    assert "one cycle number" in faults(sequence_files.read_counts, write("seq\t3b1\t4\nACGT\t1\t1\n"))[0].replace(
        "  ", " "
    )
    assert "one cycle number" in faults(sequence_files.read_counts, write("seq\tR1\tC1\nACGT\t1\t1\n"))[0]


def random_reads(n, size, seed=1):
    rng = np.random.default_rng(seed)
    return dna.decode(rng.integers(0, 4, (n, size)).astype(np.uint8), np.full(n, size))


def test_inserts_against_a_plain_loop():
    library = random_reads(300, 8)
    sequences = [*library, *library[:40], *map(dna.reverse_complement_text, library[20:60]), "ACGTNCGT", "ACG", "ACGTA"]
    tally = Tally()
    found = selex.inserts(sequences, "", "", tally)
    expected = {}
    for s in sequences:
        if len(s) == 8 and "N" not in s:
            twin = next((t for t in expected if t in (s, dna.reverse_complement_text(s))), s)
            expected[twin] = expected.get(twin, 0) + 1
    assert dict(zip(found["sequence"], found["count"], strict=True)) == expected
    assert tally.rows == [
        ("dropped", "insert is not 8 bp", 2),
        ("dropped", "insert with N", 1),
        ("dropped", "same insert again (either strand)", 380 - len(expected)),
    ]


def test_counts_weigh_the_reads():
    tally = Tally()
    found = selex.inserts(["AACC", "GGTT", "ACCA", "AC"], "", "", tally, np.array([5, 2, 7, 1]))
    assert found.to_numpy().tolist() == [["AACC", 7], ["ACCA", 7]]
    assert tally.rows[0] == ("dropped", "insert is not 4 bp", 1)


def test_flanks_are_trimmed_with_one_mismatch():
    inner = random_reads(50, 10)
    sequences = [f"TGTCG{s}GAAC" for s in inner]
    sequences[0] = "AGTCG" + sequences[0][5:]
    sequences[1] = sequences[1][:-4] + "GATC"
    sequences[2] = "AATCG" + sequences[2][5:]  # two mismatches
    tally = Tally()
    assert selex.inserts(sequences, "TGTCG", "gaac", tally)["sequence"].tolist() == inner[:2] + inner[3:]
    assert tally.rows == [("dropped", "flank does not match", 1)]


def test_wrong_flanks_show_the_consensus():
    sequences = [f"TGTCG{s}GAAC" for s in random_reads(50, 10)]
    with pytest.raises(InputError, match=r"50 of 50 reads lack the flanks; the reads show left TGTCG \(given AAAAA\)"):
        selex.inserts(sequences, "AAAAA", "GAAC", Tally())
    with pytest.raises(InputError, match="right GAAC"):
        selex.inserts(sequences, "", "TTTT", Tally())
    with pytest.raises(InputError, match="shorter than the flanks"):
        selex.inserts(["ACG", "CGA"], "ACG", "CGA", Tally())


def test_libraries_that_cannot_be_used():
    with pytest.raises(InputError, match=r"mixed length \(10 bp 75%, 12 bp 25%\)"):
        selex.inserts(random_reads(75, 10) + random_reads(25, 12), "", "", Tally())
    with pytest.raises(NotEstimable, match="library collapsed: ACGTTTACCA is 60 of 110 reads"):
        selex.inserts(["ACGTTTACCA"] * 60 + random_reads(50, 10), "", "", Tally())
    with pytest.raises(NotEstimable, match="has an N"):
        selex.inserts(["ACN", "NNA"], "", "", Tally())
    with pytest.raises(NotEstimable, match="no read"):
        selex.inserts([], "", "", Tally())


def slow_jackpots(counts):
    """The last gap among the most frequent hundredth, read by read."""
    falling, least = sorted(counts, reverse=True), None
    for i in range(max(1, len(counts) // 100)):
        if i + 1 < len(counts) and falling[i] >= 5 * falling[i + 1] and falling[i] >= 10:
            least = falling[i]
    return [least is not None and n >= least for n in counts]


def test_a_jackpot_is_a_gap_in_the_counts(rng):
    assert not selex.jackpot(rng.zipf(2.5, 3000)).any()  # the smooth tail of a late cycle
    for counts in ([1] * 99 + [10], [1] * 99 + [9], [2] * 99 + [10], [3] * 99 + [14], [7], [1, 12], []):
        counts = np.array(counts, np.int64)
        assert selex.jackpot(counts).tolist() == slow_jackpots(counts), counts
    for _ in range(50):
        counts = np.concatenate([rng.geometric(0.6, 1000), rng.integers(5, 500, rng.integers(0, 12))])
        rng.shuffle(counts)
        assert selex.jackpot(counts).tolist() == slow_jackpots(counts)


def test_jackpots_go_with_their_errors_and_are_counted():
    library = random_reads(400, 20)
    errors = [library[0][:i] + base + library[0][i + 1 :] for i, base in ((0, "T"), (9, "C"), (19, "A"))]
    errors[1] = dna.reverse_complement_text(errors[1])
    errors = [e for e in errors if dna.canonical(e) != dna.canonical(library[0])]
    sequences = [*library, *library[:1] * 29, *errors, *library[5:9]]
    tally = Tally()
    found = selex.inserts(sequences, "", "", tally)
    assert found["sequence"].tolist() == library[1:]
    name = f"PCR jackpot or a copy with one error: {library[0]} 30 reads"
    assert tally.rows[0][0] == "dropped" and tally.rows[0][1].startswith(name) and tally.rows[0][2] == 30 + len(errors)
    assert tally.rows[1] == ("dropped", "same insert again (either strand)", 4)
    assert tally.total("dropped") + len(found) == len(sequences)
    tally = Tally()
    found = selex.inserts(sequences, "", "", tally, jackpots="keep")
    assert len(found) == 400 + len(errors)
    assert tally.rows[0][0] == "noted" and tally.total("dropped") + len(found) == len(sequences)


def test_real_jackpots(real):
    """The adapter of the sequencer stands in cycle 2 as often as nothing that was selected; later cycles have none."""
    name = "selex/mubind/GATA3_TGTCGT20NGA_AC_{}.fastq.gz"
    for cycle, jackpots in ((2, ["TCGTATGCCGTCTTCTGCTT"]), (4, [])):
        tally = Tally()
        selex.inserts(sequence_files.read_fastq(real / name.format(cycle))["sequence"], "", "", tally)
        named = [reason for _, reason, _ in tally.rows if reason.startswith(selex.JACKPOT)]
        assert [reason.split(": ")[1].split()[0] for reason in named] == jackpots


def test_real_conventions_of_coordinates(real):
    ctcf = sequence_files.read_fasta(real / "chipseq/ctcf_keras_genomics/CTCF_valid.fa.gz")
    assert (ctcf["end"] - ctcf["start"] == 101).all()
    assert ctcf["start"][0] == int(ctcf["name"][0].split(":")[1].split("-")[0]) - 1
    yamda = sequence_files.read_fasta(real / "chipseq/yamda/H1_POU5F1_ChIP_HAIB_shuffled.fa.gz")
    assert yamda["start"][0] == 15711006 and (yamda["end"] - yamda["start"] == 100).all()
    nanog = sequence_files.read_fasta(real / "chipseq/nanog_gkmexplain/NANOG_H1_positives_test.fa.gz")
    assert nanog["chrom"].notna().all() and not nanog["sequence"].str.contains("[a-z]").any()


def test_a_real_table_that_ends_in_a_nul(real):
    assert (
        sequence_files.read_labelled(real / "selex/nrlb/ELK1_R0_vs_R3.tsv.gz")["label"].value_counts().tolist()
        == [25000] * 2
    )


def test_real_fastq(real):
    found = sequence_files.read_fastq(real / "selex/mubind/ZeroCycle_ES0_TGTCGT20NGA_0.fastq.gz")
    assert len(found) == 54128 and (found["sequence"].str.len() == 20).all()
    assert isinstance(found, pd.DataFrame)


def test_fastq_reads_without_a_base_are_dropped_and_counted(tmp_path):
    """What trimmers leave; blank lines, either line end, lower case, names behind the plus, several gzip members."""
    path = tmp_path / "a.fastq.gz"
    for name, parts in {
        "first": [b"@a\n\n+\n\n@b\nACGT\n+\nIIII\n"],
        "last": [b"@b\nACGT\n+\nIIII\n@a\n\n+\n\n\n\n"],
        "unended": [b"@b\nACGT\n+\nIIII\n@a\n\n+"],
        "lines": [b"@b\r\nacgt\r\n+b\r\nIIII\r\n@a\r\n\r\n+a\r\n\r\n"],
        "short": [b"@a\n+\n@b\nACGT\n+\n@III\n"],
        "members": [b"@a\n\n+\n\n@b\nAC", b"GT\n+\nIIII\n", b""],
    }.items():
        path.write_bytes(b"".join(map(gzip.compress, parts)))
        tally = Tally()
        assert sequence_files.read_fastq(path, tally)["sequence"].tolist() == ["ACGT"], name
        assert tally.rows == [("read", "reads", 2), ("dropped", "read without a base", 1)], name
    path.write_bytes(b"@a\n\n+\n\n@b\n\n+\n\n")
    with pytest.raises(InputError, match=r"record 1 to 2: no sequence; check how the reads were trimmed"):
        sequence_files.read_fastq(path)


def test_counts_and_labels_that_were_written_as_floats(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("seq\tR0\tR4\nACGT\t12.0\t1e+05\nacga\t0.0\t 3.\n\n")
    assert sequence_files.read_counts(path).to_numpy().tolist() == [["ACGT", 12, 100_000], ["ACGA", 0, 3]]
    for wrong in ("1.5", "nan", "", "-1", "1e9", "1e-3", "1_0", "inf", "1,0"):
        path.write_text(f"ACGT\t12.0\t1\nACGA\t{wrong}\t3\n")
        with pytest.raises(
            InputError, match=r"a\.tsv:2: counts .* are not all whole numbers of reads; give the raw counts"
        ):
            sequence_files.read_counts(path)
    path.write_text("ACGT\t1.0\nACGA\t0.0\n")
    assert sequence_files.read_labelled(path)["label"].tolist() == [1, 0]
    path.write_text("ACGT\t1.0\nACGA\t0.5\n")
    with pytest.raises(InputError, match=r"a\.tsv:2: label '0\.5'"):
        sequence_files.read_labelled(path)


def test_flanks_with_any_base():
    inner = random_reads(50, 10)
    barcodes = random_reads(50, 4, seed=9)
    sequences = [f"{code}TGATCC{s}GA" for code, s in zip(barcodes, inner, strict=True)]
    assert selex.inserts(sequences, "NNNNTGATCC", "NN", Tally())["sequence"].tolist() == inner


def test_the_first_reads_are_read_and_no_more(tmp_path):
    path = tmp_path / "a.fastq"
    path.write_text("@r1 1:N:0\nacgu\n+\nIIII\n@r2\nAC\nGT\n+\nII\nII\n@r3\nA\n+\nIII\n")
    assert sequence_files.first_reads(path, 2) == [("r1", "ACGU"), ("r2", "ACGT")]
    with pytest.raises(InputError, match=r"record 3 \(@r3\): 3 qualities for 1 bases"):
        sequence_files.first_reads(path, 3)
