import gzip

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.io.genome import Genome, index
from tfbind.sequences import positives as of_row
from tfbind.sequences import splits

COLUMNS = [
    *("dataset", "tf", "assay", "path", "format", "test_path", "genome", "cell", "lab", "replicate", "cycle"),
    *("input_path", "left_flank", "right_flank", "relaxed_path"),
    *("negatives_path", "test_negatives_path", "negative_names"),
]
SPLIT = {"validation": ["chr3"], "test": ["chr4"], "validation_fraction": 0.1, "test_fraction": 0.2}


def row(**values):
    return {name: str(values.get(name, "")) for name in COLUMNS} | {"dataset": "d"}


def bound(sheet, rng=None, **options):
    options = {"length": 101, "split": SPLIT, "limit": None, "rng": rng or np.random.default_rng(0)} | options
    return of_row.positives(sheet, **options)


def pool(sheet, kind, **options):
    options = {"length": 101, "split": SPLIT, "limit": None, "rng": np.random.default_rng(0)} | options
    return of_row.unbound(sheet, kind, **options)


def texts(n, size, seed=0):
    tokens = np.random.default_rng(seed).integers(0, 4, (n, size)).astype(np.uint8)
    return dna.decode(tokens, np.full(n, size))


@pytest.fixture
def write(tmp_path):
    def write(name, lines):
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
        return tmp_path / name

    return write


def reasons(tally):
    return {(event, reason): count for event, reason, count in tally.rows}


def test_peaks(genome, chromosomes, write):
    lines = [f"{c}\t{s}\t{s + 40}\tp\t{s % 7}" for c in chromosomes for s in range(6_000, 20_000, 500)]
    sheet = row(assay="chipseq", format="bed", path=write("p.bed", lines))
    table, tally = bound(sheet, genome=genome)
    assert tables.conform(table, tables.SEQUENCES).equals(table)
    assert len(table) == len(lines) == tally.total("kept")
    assert set(table["label"]) == {1} and table["id"].tolist() == [f"d/p{i}" for i in range(len(lines))]
    assert (table["split"] == table["chrom"].map({"chr4": "test", "chr3": "validation"}).fillna("train")).all()
    assert table["sequence"].tolist() == [
        chromosomes[c][s:e].upper() for c, s, e in zip(table["chrom"], table["start"], table["end"], strict=True)
    ]
    assert ((table["start"] + table["end"]) // 2 == table["origin"].str.extract(r":(\d+)-")[0].astype(int) + 20).all()
    with pytest.raises(InputError, match="peaks need a genome"):
        bound(sheet)


def test_split_chromosomes_in_either_naming(fasta, genome, write):
    lines = [f"{c}\t{s}\t{s + 40}" for c in ("I", "IV") for s in range(6_000, 9_000, 500)]
    sheet = row(assay="chipseq", format="bed", path=write("p.bed", lines))
    mapped = Genome(fasta, {"I": "chr1", "III": "chr3", "IV": "chr4"})
    for split in (SPLIT, SPLIT | {"test": ["IV"], "validation": ["III"]}):
        assert bound(sheet, genome=mapped, split=split)[0]["split"].tolist() == ["train"] * 6 + ["test"] * 6
    with pytest.raises(InputError, match=r"split\.test: .* has none of chr21, only chr1"):
        bound(sheet, genome=mapped, split=SPLIT | {"test": ["chr21"]})


def test_longer_sequences_are_cut_to_the_centre(write):
    long, short, minus, masked = (
        texts(1, 104)[0],
        texts(1, 60, 1)[0],
        texts(1, 104, 2)[0],
        "N" * 11 + texts(1, 90, 3)[0],
    )
    lines = [">chr1:1000-1104", long, ">chr2:0-60", short, ">chr2:500-604(-)", minus, ">chr1:3-104", masked]
    table, tally = bound(row(assay="chipseq", format="fasta", path=write("s.fa", lines)))
    assert table["sequence"].tolist() == [long[1:102], short, minus[1:102]]
    assert table[["start", "end"]].to_numpy().tolist() == [[1001, 1102], [0, 60], [502, 603]]
    assert reasons(tally)["changed", "longer than 101 bp: centre taken"] == 2
    assert reasons(tally)["dropped", "more than 10 % unknown bases"] == 1


def test_test_path_is_all_test_and_the_rest_never(write):
    train, test = texts(400, 50), texts(60, 50, 1)
    train[:3] = test[0], dna.reverse_complement_text(test[1]), train[5]
    sheet = row(
        assay="chipseq",
        format="labelled",
        path=write("a.tsv", [f"{s}\t1" for s in train]),
        test_path=write("b.tsv", [f"{s}\t{i % 2}" for i, s in enumerate(test)]),
    )
    table, tally = bound(sheet)
    assert table[table["split"] == "test"]["sequence"].tolist() == test[1::2]
    left = table[table["split"] != "test"]
    alone = splits.assign(left, SPLIT)
    assert (alone == "test").any()
    assert (left["split"] == alone.replace("test", "train")).all()
    assert reasons(tally)["dropped", "same sequence in the test set (either strand)"] == 1
    assert reasons(tally)["dropped", "same sequence again (either strand)"] == 1
    assert len(left) == 398
    table, tally = pool(sheet, "provided")
    assert table["sequence"].tolist() == test[2::2] and set(table["split"]) == {"test"}  # test[0] is bound too
    assert reasons(tally)["dropped", "also a positive of this dataset (either strand)"] == 1


def test_a_table_without_labels_is_positives_or_a_file_of_negatives(write):
    """All rows of `path` are positives, all of `negatives_path` negatives; those with coordinates go by chromosome."""
    sequences = texts(8, 50)
    lines = [f"chr{i % 4 + 1}\t{100 * i + 1}\t{100 * i + 50}\t9.5\t{s}" for i, s in enumerate(sequences)]
    header = "chr\tpeak_start\tpeak_end\tpileup\tsequence"
    sheet = row(
        assay="chipseq",
        format="labelled",
        path=write("a.tsv", [header, *lines[:4]]),
        negatives_path=write("b.tsv", [header, *lines[4:]]),
    )
    for (table, _), label, start in ((bound(sheet), 1, 0), (pool(sheet, "provided"), 0, 400)):
        assert table["label"].tolist() == [label] * 4
        assert table["split"].tolist() == ["train", "train", "validation", "test"]
        assert table["start"].tolist() == list(range(start, start + 400, 100))


def test_the_limit_is_a_random_choice_that_spares_the_test_rows(write):
    sheet = row(assay="chipseq", format="labelled", path=write("a.tsv", [f"{s}\t1" for s in texts(500, 40)]))
    whole, _ = bound(sheet)
    cut, tally = bound(sheet, limit=100)
    assert (cut["split"] != "test").sum() == 100
    assert (cut["split"] == "test").sum() == (whole["split"] == "test").sum()
    surplus = (whole["split"] != "test").sum() - 100
    assert reasons(tally)["dropped", "beyond the limit of 100 (random choice)"] == surplus
    assert cut.equals(bound(sheet, limit=100)[0])
    other = bound(sheet, np.random.default_rng(1), limit=100)[0]
    assert set(other["sequence"]) != set(cut["sequence"])


def test_names_that_mark_negatives(write):
    sequences = texts(4, 30)
    lines = [x for i, s in enumerate(sequences) for x in (f">r{i}{'_shuf' * (i % 2)} more", s)]
    sheet = row(assay="chipseq", format="fasta", path=write("s.fa", lines), negative_names="_shuf$")
    assert bound(sheet)[0]["sequence"].tolist() == sequences[::2]
    assert pool(sheet, "provided")[0]["sequence"].tolist() == sequences[1::2]
    with pytest.raises(InputError, match="not a regular expression"):
        bound(sheet | {"negative_names": "("})


def test_files_of_negatives(write):
    names = ("path", "negatives_path", "test_path", "test_negatives_path")
    sequences = {name: texts(20, 30, i) for i, name in enumerate(names)}
    files = {n: write(f"{n}.fa", [x for i, s in enumerate(q) for x in (f">{i}", s)]) for n, q in sequences.items()}
    sheet = row(assay="chipseq", format="fasta", **files)
    table, _ = pool(sheet, "provided")
    test = table["split"] == "test"
    assert table[test]["sequence"].tolist() == sequences["test_negatives_path"]
    assert table[~test]["sequence"].tolist() == sequences["negatives_path"]
    assert set(table["label"]) == {0} and table["id"][0] == "d/provided0"


def test_counts_choose_their_cycle(write):
    sequences = texts(30, 12)
    lines = [f"{s}\t{int(i < 10)}\t{int(5 <= i < 20)}\t{2 * int(i >= 15)}" for i, s in enumerate(sequences)]
    sheet = row(assay="htselex", format="counts", path=write("c.tsv", lines))
    table, _ = bound(sheet)
    assert table["sequence"].tolist() == sequences[15:]
    assert set(table["score"]) == {2.0} and set(table["origin"]) == {"cycle 2"} and table["chrom"].isna().all()
    assert bound(sheet | {"cycle": "1"})[0]["sequence"].tolist() == sequences[5:20]
    table, tally = pool(sheet | {"cycle": "1"}, "input")
    assert table["sequence"].tolist() == sequences[:5]
    assert reasons(tally)["dropped", "also a positive of this dataset (either strand)"] == 5
    with pytest.raises(InputError, match="no cycle 4; the table has the cycles 0, 1, 2"):
        bound(sheet | {"cycle": "4"})
    with pytest.raises(InputError, match="cycle 0 is the unselected library"):
        bound(sheet | {"cycle": "0"})


def test_reads_and_their_input(write):
    def fastq(name, sequences):
        return write(name, [x for s in sequences for x in ("@r", f"TG{s}CC", "+", "I" * (len(s) + 4))])

    selected, initial = texts(300, 14), texts(300, 14, 1)
    initial[:2] = selected[7], dna.reverse_complement_text(selected[8])
    sheet = row(
        assay="htselex",
        format="fastq",
        path=fastq("a.fq", selected + selected[:20]),
        input_path=fastq("b.fq", initial),
        left_flank="TG",
        right_flank="CC",
        cycle=3,
    )
    table, _ = bound(sheet, length=10)
    assert table["sequence"].tolist() == selected and table["score"].tolist() == [2] * 20 + [1] * 280
    assert set(table["origin"]) == {"cycle 3"} and set(table["split"]) == set(tables.SPLITS)
    found, _ = pool(sheet, "input")
    assert found["sequence"].tolist() == initial[2:] and set(found["origin"]) == {"cycle 0"}


def test_offers():
    def offered(**values):
        return [sorted(of_row.offers(row(**values))[name]) for name in tables.SPLITS]

    none, some = [[], [], []], [["provided"]] * 3
    assert offered(assay="chipseq", format="bed", path="a") == none
    assert offered(assay="chipseq", format="deepbind", path="a") == some
    assert offered(assay="chipseq", format="fasta", path="a", negative_names="x") == some
    assert offered(assay="chipseq", format="fasta", path="a", test_path="b", negatives_path="c") == [*some[:2], []]
    assert offered(assay="chipseq", format="fasta", path="a", test_path="b", test_negatives_path="c") == [
        [],
        [],
        *some[:1],
    ]
    assert offered(assay="htselex", format="counts", path="a") == [["input"]] * 3
    assert offered(assay="htselex", format="labelled", path="a", input_path="b") == [["input", "provided"]] * 3


@pytest.mark.parametrize(("assay", "form"), [("chipseq", "fastq"), ("chipseq", "counts"), ("htselex", "bed")])
def test_formats_of_another_assay(assay, form):
    with pytest.raises(InputError, match=f"{assay} takes no {form} file"):
        bound(row(assay=assay, format=form, path="x"))


def test_nothing_left(write):
    sheet = row(assay="chipseq", format="labelled", path=write("a.tsv", [f"{s}\t0" for s in texts(5, 9)]))
    with pytest.raises(InputError, match="no positive is left for d"):
        bound(sheet)


def test_real_deepbind(real):
    folder = real / "chipseq" / "deepbind_encode"
    files = {"path": folder / "REST_GM12878_NRSF_HudsonAlpha_AC.seq.gz"}
    files["test_path"] = folder / "REST_GM12878_NRSF_HudsonAlpha_B.seq.gz"
    sheet = row(assay="chipseq", format="deepbind", **files)
    table, tally = bound(sheet)
    again = reasons(tally)["dropped", "same sequence again (either strand)"]
    with gzip.open(files["path"], "rt") as lines:
        assert len(table) + again == 500 + sum(1 for _ in lines) - 1
    unbound, _ = pool(sheet, "provided")
    assert len(unbound) == 500 and set(unbound["split"]) == {"test"}


def binned(chromosomes, selected=True):
    """Lines of a table of bins of 200 bp: cycles 0 to 2, every tenth bin of which is enriched, but one in none."""
    rng = np.random.default_rng(0)
    lines = ["chrom\tstart\tend\t0\t1\tYWE_MAX_cycle2\tYWE_JUN_cycle2"]
    for chrom in chromosomes:
        for i in range(30, 100):
            first, *later = rng.poisson([40, 8, 8, 8])
            later[1] += 100 * (selected and i % 10 == 0)
            later[2] += 100 * (i % 10 == 5)
            lines.append("\t".join(map(str, (chrom, 200 * i, 200 * i + 200, first, *later))))
    return lines


def test_bins_of_a_genome_are_peaks_from_there_on(genome, chromosomes, write):
    sheet = row(assay="ghtselex", format="bins", tf="MAX", path=write("b.tsv", binned(chromosomes)))
    table, tally = bound(sheet, genome=genome)
    assert (table["start"] % 2000 == 100 - 50).all() and (table["end"] - table["start"] == 101).all()
    assert len(table) == 7 * len(chromosomes) == tally.total("read") - tally.total("dropped")
    assert set(table["split"]) == {"train", "validation", "test"} and (table["score"] > 1).all()
    other, _ = bound(sheet | {"tf": "JUN"}, genome=genome)
    assert (other["start"] % 2000 == 1100 - 50).all()
    nothing, _ = bound(sheet | {"path": write("n.tsv", binned(chromosomes, selected=False))}, genome=genome)
    assert nothing.empty and "is enriched over its background" in tables.note(nothing)
    assert of_row.offers(sheet) == {"train": set(), "validation": set(), "test": set()}


@pytest.mark.parametrize("form", ["bed", "peaks"])
def test_bins_are_no_peaks(genome, write, form):
    path = write("b.bed", [f"chr1\t{200 * i}\t{200 * i + 200}\t{i}\t{2 * i}" for i in range(5)])
    with pytest.raises(InputError, match="read counts in bins of a genome and no peaks; write bins in the col"):
        bound(row(assay="ghtselex", format=form, tf="MAX", path=path), genome=genome)


def test_real_selex(real):
    folder = real / "selex" / "mubind"
    sheet = row(assay="htselex", format="counts", path=folder / "countTable.0.CTCF_ESAJ_TAGCGA20NGCT.tsv.gz", cycle=4)
    initial, _ = pool(sheet, "input")
    raw = pd.read_csv(sheet["path"], sep="\t", header=None)
    selected = set(raw[0][raw[5] > 0].map(dna.canonical))
    expected = {dna.canonical(s) for s in raw[0][raw[1] > 0] if "N" not in s} - selected
    assert set(initial["sequence"].map(dna.canonical)) == expected and len(initial) == len(expected)


@pytest.fixture
def other_length(write):
    """A row whose cycle 4 holds a barcode of 4 bp before the flank that begins the reads of cycle 0."""

    def row_of(bound_size=20, input_size=20, **values):
        reads = [
            [f"TGATCC{s}GGATTA" for s in texts(300, size, size + i)] for i, size in enumerate((bound_size, input_size))
        ]
        bound = [f"{code}{read}" for code, read in zip(texts(300, 4, 5), reads[0], strict=True)]
        paths = (
            write(f"{name}.fa", [x for s in part for x in (">r", s)])
            for name, part in (("c4", bound), ("c0", reads[1]))
        )
        names = dict(zip(("path", "input_path"), paths, strict=True))
        return row(assay="htselex", format="fasta", cycle=4, **names) | values

    return row_of


def test_cycle_0_of_another_length_is_refused_by_name(other_length):
    with pytest.raises(
        InputError, match=r"c0\.fa: the inserts of the negatives have 32 bp, those of the positives in .*c4\.fa 36 bp"
    ) as error:
        pool(other_length(), "input")
    assert len(error.value.faults) == 1 and "the column trim" in error.value.faults[0]


@pytest.mark.parametrize(
    ("side", "sizes", "length"), [("left", (20, 20), 32), ("right", (20, 20), 32), ("left", (14, 20), 30)]
)
def test_trim_cuts_to_the_common_length(other_length, side, sizes, length):
    sheet = other_length(*sizes, trim=side)
    (made, tally), (unbound, _) = bound(sheet), pool(sheet, "input")
    assert set(made["sequence"].str.len()) == set(unbound["sequence"].str.len()) == {length}
    untrimmed = bound(sheet | {"trim": ""})[0]["sequence"]
    longer = untrimmed.str.len().iloc[0]
    expected = untrimmed.str[longer - length :] if side == "left" else untrimmed.str[:length]
    assert made["sequence"].tolist() == expected.tolist()
    if longer > length:
        assert reasons(tally)["changed", f"insert of {longer} bp cut to {length} bp, {side} end off"] == 300
    named = other_length(*sizes, left_flank="NNNN", trim=side)  # flanks go first
    assert set(bound(named)[0]["sequence"].str.len()) == {length - 4}


def test_a_collapsed_library_beside_a_sound_cycle_0(write):
    copies = [">r", "ACGTTGCAACCGGATTACAG"] * 90
    paths = [write("p.fa", copies + [x for s in texts(50, 20) for x in (">r", s)])]
    paths.append(write("n.fa", [x for s in texts(50, 20, 3) for x in (">r", s)]))
    sheet = row(assay="htselex", format="fasta", path=paths[0], input_path=paths[1])
    table, _ = pool(sheet, "input")
    assert table.empty and tables.note(table).startswith("library collapsed: ACGTT")


def test_real_yeast_peaks(real, tmp_path):
    index(real / "genome" / "sacCer3.fa.gz", tmp_path / "g.fa")
    sheet = row(assay="chipseq", format="bed", path=real / "peaks" / "sacCer3_chexmix" / "Abf1_CX.bed.gz")
    numerals = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI"]
    genome = Genome(tmp_path / "g.fa", {f"chr{i}": f"chr{n}" for i, n in enumerate(numerals, 1)})
    table, _ = bound(sheet, genome=genome)
    assert len(table) > 650 and (table["split"] == "test").sum() == (table["chrom"] == "chrIV").sum() > 0
    with pytest.raises(InputError, match=r"the genome chrI, chrII, chrIII; .*genomes\.<name>\.chromosomes"):
        bound(sheet, genome=Genome(tmp_path / "g.fa"), split=SPLIT | {"test": ["chrIV"], "validation": ["chrI"]})


def test_sequences_with_coordinates_meet_the_genome(fasta, genome, write):
    lines = [x for i, s in enumerate(texts(40, 50)) for x in (f">1:{6000 + 100 * i}-{6050 + 100 * i}", s)]
    sheet = row(assay="chipseq", format="fasta", path=write("s.fa", lines))
    with pytest.raises(InputError, match=r"s\.fa: 40 of 40 intervals .* says 1, the genome chr1"):
        bound(sheet, genome=genome)
    black = write("black.bed", ["chr1\t6049\t6100"])
    table, tally = bound(sheet, genome=Genome(fasta, {"1": "chr4"}), blacklist=write("b.bed", ["1\t6049\t6100"]))
    assert set(table["chrom"]) == {"chr4"} and set(table["split"]) == {"test"} and len(table) == 39
    assert reasons(tally)["dropped", "blacklist"] == 1
    assert len(bound(sheet, genome=Genome(fasta, {"1": "chr4"}), blacklist=black)[0]) == 40


def test_all_peaks_dropped(genome, write):
    sheet = row(assay="chipseq", format="bed", path=write("p.bed", ["chr1\t5100\t5200"]))
    with pytest.raises(InputError, match="no positive is left"):
        bound(sheet, genome=genome)


@pytest.mark.parametrize("form", ["{place}", "p{i}::{place}", "p{i}::{place}(+)", "::{place}"])
def test_names_of_getfasta_are_split_by_their_chromosomes(write, form):
    sequences = texts(90, 101)
    places = [f"chr{1 + i % 3}:{500 * i}-{500 * i + 101}" for i in range(90)]
    lines = [x for i, s in enumerate(sequences) for x in (">" + form.format(i=i, place=places[i]), s)]
    sheet = row(assay="chipseq", format="fasta", path=write("p.fa", lines))
    table, tally = bound(sheet, split=SPLIT | {"validation": ["chr2"], "test": ["chr1"]})
    assert table["split"].tolist() == ["test", "validation", "train"] * 30
    assert not [reason for event, reason in reasons(tally) if event == "noted"]


def test_folds_without_a_row_are_said(genome, write):
    def noted(names, folds):
        peaks = write("p.bed", [f"{c}\t{s}\t{s + 40}" for c in names for s in range(6000, 20_000, 500)])
        sheet = row(assay="chipseq", format="bed", path=peaks, genome="tiny")
        return {r: n for (e, r), n in reasons(bound(sheet, genome=genome, split=SPLIT | {"folds": folds})[1]).items()}

    assert not any("no row in fold" in reason for reason in noted(["chr1", "chr2", "chr3"], 3))
    (said,) = (each for each in noted(["chr1"], 3).items() if "no row in fold" in each[0])
    lacking = [str(fold) for fold in range(3) if fold != splits.fold_of_chromosomes(genome.lengths, 3)["chr1"]]
    where = f"no row in fold {', '.join(lacking)} of 3, since all of it is on chr1"
    assert said == (f"{where}: where these would validate or train alone, there is no model", 28)


def test_chromosomes_of_the_config_that_split_nothing_are_said(genome, write):
    def noted(sheet, **options):
        return {reason: n for (event, reason), n in reasons(bound(sheet, **options)[1]).items() if event == "noted"}

    sequences = texts(60, 101)
    plain = write("p.fa", [x for i, s in enumerate(sequences) for x in (f">peak_{i}", s)])
    hashed = "split by a hash of the sequence, not by the chromosomes of split.validation and split.test"
    why = "60 of 60 names hold no chrom:start-end, e.g. peak_0"
    assert noted(row(assay="chipseq", format="fasta", path=plain)) == {f"p.fa: {hashed}: {why}": 60}
    one = [x for i, s in enumerate(sequences) for x in (f">chr1:{500 * i}-{500 * i + 101 + (i == 7)}", s)]
    found = noted(row(assay="chipseq", format="fasta", path=write("one.fa", one)))
    assert found == {f"one.fa: {hashed}: names and lengths do not agree, e.g. chr1:3500-3602 of 101 bp": 60}
    table = write("t.tsv", [f"{s}\t1" for s in sequences])
    found = noted(row(assay="chipseq", format="labelled", path=table))
    assert found == {f"t.tsv: {hashed}: the file has no coordinates": 60}
    # nothing is held out by chromosome, or all of the file trains: nothing to say
    assert not noted(row(assay="chipseq", format="fasta", path=plain), split=SPLIT | {"validation": [], "test": []})
    assert not noted(row(assay="htselex", format="fasta", path=plain))
    # coordinates on other chromosomes than the config names
    one = [x for i, s in enumerate(sequences) for x in (f">chr1:{500 * i}-{500 * i + 101}", s)]
    sheet = row(assay="chipseq", format="fasta", path=write("one.fa", one))
    said = noted(sheet, split=SPLIT | {"validation": ["chr1"], "test": ["8"], "validation_fraction": 0})
    assert said == {"one.fa: on no chromosome of split.test (8), but on chr1": 60}
    few = noted(sheet)
    assert len(few) == 2 and all("one.fa: on no chromosome of split." in reason for reason in few), "one block, no hash"
    places = [splits.BLOCK * i for i in range(splits.FEWEST_BLOCKS)]
    far = [x for s, at in zip(texts(len(places), 101), places, strict=True) for x in (f">chr1:{at}-{at + 101}", s)]
    sheet = row(assay="chipseq", format="fasta", path=write("far.fa", far))
    blocks = "split by a hash of blocks of 100 kb, not by the chromosomes of split.validation and split.test"
    assert noted(sheet) == {f"far.fa: {blocks}: all of it is on chr1": len(places)}
    # names that the genome lacks, in the split and in the blacklist
    peaks = write("p.bed", [f"{c}\t{s}\t{s + 40}" for c in ("chr1", "chr3", "chr4") for s in range(6000, 20_000, 500)])
    sheet = row(assay="chipseq", format="bed", path=peaks, genome="tiny")
    black = write("b.bed", ["chr1\t6049\t6100", "chrM\t1\t5", "chrM\t10\t50"])
    said = noted(sheet, genome=genome, blacklist=black, split=SPLIT | {"test": ["chr4", "chr44", "4"]})
    assert said == {
        "chromosome of split.test that the genome tiny lacks (chr44, 4)": 2,
        "region of the blacklist on a chromosome that the genome lacks (chrM)": 2,
    }
