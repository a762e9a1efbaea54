"""Leaks between what trains and what tests, against plain comparisons and planted ones."""

import json

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.io import sequence_files, tables, tally
from tfbind.sequences import leakage, selex, splits
from tfbind.sequences.splits import assign
from tfbind.study.schema import schema

ROW = {"tf": "USF1", "assay": "chipseq", "genome": ""}
SPLIT = {"validation_fraction": 0.1, "test_fraction": 0.2}


def random_sequences(rng, n, length=101):
    return dna.decode(rng.integers(0, 4, (n, length)).astype(np.uint8))


def rows(sequence, name="d/p", split="train", label=1, **columns):
    ids = [f"{name}{i}" for i in range(len(sequence))]
    return tables.sequences(id=ids, sequence=sequence, label=label, split=split, origin="o", **columns)


def kinds(train, test, one_genome=True):
    words = [*leakage.KINDS, "none"]
    return [[words[code] for code in codes] for codes in leakage.compare(train, test, 0.5, one_genome)]


def test_each_kind_is_found_and_counted_under_the_plainest(rng):
    texts = random_sequences(rng, 6)
    shifted = texts[2][30:] + "ACGT" * 7 + "AC"
    other = dna.reverse_complement_text(texts[3][:95]) + "ACGTAC"
    place = {"chrom": ["chr1", "chr1", "chr1", "chr1", "chr2", "chr1"], "start": [0, 1000, 2000, 3000, 0, 9000]}
    train = rows(texts, **place, end=[start + 101 for start in place["start"]])
    test = rows(
        [texts[0], dna.reverse_complement_text(texts[1]), shifted, other, texts[4][:40] + texts[5][:61]],
        split="test",
        chrom=["chr1", "chr1", "chr3", "chr3", "chr1"],
        start=[0, 1000, 0, 500, 8950],
        end=[101, 1101, 101, 601, 9001],
    )
    here, there = kinds(train, test)
    assert here == ["identical", "reverse_complement", "near_identical", "near_identical", "none", "overlapping"]
    assert there == ["identical", "reverse_complement", "near_identical", "near_identical", "overlapping"]
    here, there = kinds(train, test, one_genome=False)  # the assembly of one is not that of the other
    assert here[5] == "near_identical" and there[4] == "near_identical"


def test_windows_that_only_touch_do_not_overlap(rng):
    train = rows(random_sequences(rng, 1), chrom="chr1", start=[0], end=[101])
    test = rows(random_sequences(rng, 1), split="test", chrom="chr1", start=[101], end=[202])
    assert kinds(train, test) == [["none"], ["none"]]


@pytest.mark.parametrize("shift, near", [(0, True), (40, True), (43, True), (44, False), (80, False)])
def test_shifted_windows_are_near_up_to_half_their_words(shift, near, rng):
    (locus,) = random_sequences(rng, 1, 201)
    train, test = rows([locus[:101]]), rows([locus[shift : shift + 101] + "A"], split="test")
    assert (kinds(train, test)[0] != ["none"]) is near


@pytest.mark.parametrize("length", [14, 20])
@pytest.mark.parametrize("motif", ["GTCACGTGAC", "CCGCCCCCTGGTG"])
def test_inserts_that_share_a_strong_motif_do_not_leak(length, motif, rng):
    """Every insert holds the same site; only copies count, however many pairs differ by a base."""
    tokens = rng.integers(0, 4, (4000, length)).astype(np.uint8)
    places = rng.integers(0, length - len(motif) + 1, len(tokens))
    tokens[np.arange(len(tokens))[:, None], places[:, None] + np.arange(len(motif))] = dna.encode([motif])[0]
    bound = rows(dna.decode(tokens))
    bound = bound[~dna.canonicals(bound["sequence"]).duplicated()].reset_index(drop=True)
    bound["split"] = assign(bound, SPLIT)
    train, test = bound[bound["split"] != "test"], bound[bound["split"] == "test"].reset_index(drop=True)
    assert set(kinds(train.reset_index(drop=True), test)[0]) == {"none"}


def test_longer_inserts_are_near_where_they_are_copies(rng):
    """Of 40 bp, a copy with an error is near and a site in other bases is not."""
    insert, other = random_sequences(rng, 2, 40)
    copy = insert[:36] + dna.reverse_complement_text(insert[36]) + insert[37:]
    site = "GGTCACGTGACC"
    train = rows([copy, other[:14] + site + other[26:]])
    test = rows([insert, insert[:14] + site + insert[26:]], split="test")
    assert kinds(train, test) == [["near_identical", "none"], ["near_identical", "none"]]


def library(rng, n, motif="TGATAAGA", length=20, strong=0.95):
    """Inserts of a late cycle: all hold a site, some of its bases drawn anew."""
    tokens = rng.integers(0, 4, (n, length)).astype(np.uint8)
    places = rng.integers(0, length - len(motif) + 1, n)[:, None] + np.arange(len(motif))
    drawn = np.where(rng.random(places.shape) < strong, dna.encode([motif]), rng.integers(0, 4, places.shape))
    tokens[np.arange(n)[:, None], places] = drawn
    column = pd.Series(dna.decode(tokens), dtype="str")
    return column[~dna.canonicals(column).duplicated()].reset_index(drop=True)


def test_one_library_under_two_names_is_told_from_one_motif_in_two(rng):
    whole = library(rng, 40_000)
    first, second = whole.sample(9000, random_state=1), whole.sample(9000, random_state=2)
    second = dna.reverse_complements(second)
    shared, sentence = leakage.one_library(("a", "b"), first, second)
    assert shared == dna.canonicals(first).isin(dna.canonicals(second)).sum() > 1000
    assert sentence.startswith("a and b look like one library: 2") and f"({shared})" in sentence
    shared, sentence = leakage.one_library(("a", "b"), first, library(rng, 9000))
    assert not sentence
    # so short that chance alone shares reads by the hundred
    short, again = library(rng, 9000, length=12), library(rng, 9000, length=12)
    shared, sentence = leakage.one_library(("a", "b"), short, again)
    assert shared > 100 and not sentence
    assert leakage.one_library(("a", "b"), first, first[:0]) == (0, "")


def test_what_chance_shares_is_counted_by_plain_draws(rng):
    """Two libraries drawn apart, without a motif and with one: as many are shared as the chain expects."""
    for motif, most in (("A", 1.25), ("TGATAA", 2.5)):
        one, two = library(rng, 6000, motif, 11), library(rng, 6000, motif, 11)
        shared = dna.canonicals(one).isin(dna.canonicals(two)).sum()
        assert 1 / most < shared / leakage.expected(one, two) < most, motif


def pair(rng):
    """A source of 60 + 60 rows, and a target in whose test rows ten of them stand."""
    bound, unbound = random_sequences(rng, 60), random_sequences(rng, 60)
    split = ["train"] * 40 + ["validation"] * 10 + ["test"] * 10
    source = rows(bound, "s/p", split), rows(unbound, "s/n", split, label=0)
    tested = rows([*bound[:3], dna.reverse_complement_text(bound[45]), *random_sequences(rng, 20)], "t/p", "test")
    others = [*unbound[:2], unbound[3][20:] + "ACGTACGTACGTACGTACGT", bound[4], unbound[55]]
    target = tested, rows([*others, *random_sequences(rng, 10)], "t/n", "test", label=0)
    return source, target


def audited(source, target, leaks="remove", **changed):
    row = ROW | {"dataset": "s"} | changed
    targets = {"s": row, "t": row | {"dataset": "t"}}
    tests = {"s": (source[0], {"x": source[1]}), "t": (target[0], {"x": target[1]})}
    return leakage.audit(row, "x", source, targets, tests, leaks=leaks, share=0.5)


def test_leaks_are_counted_by_kind_and_left_out_of_training(rng):
    source, target = pair(rng)
    counts, leaking = audited(source, target)
    assert list(counts.columns) == leakage.COLUMNS
    own, cross = (counts[counts["target"] == t].set_index("kind") for t in ("s", "t"))
    assert set(own.index) == {*leakage.KINDS, leakage.ONE_LIBRARY} and not own["n_train"].any()
    # a bound row among the unbound ones of the test counts with the bound; a test row is no training row
    wanted = {"identical": 4, "reverse_complement": 1, "overlapping": 0, "near_identical": 0, "shared_negatives": 3}
    assert cross["n_train"].drop(leakage.ONE_LIBRARY).to_dict() == wanted
    assert cross["n_test"].drop(leakage.ONE_LIBRARY).to_dict() == wanted
    assert (cross["n_removed"] == cross["n_train"]).all()
    assert set(cross["action"][cross["n_train"] > 0]) == {"removed"}
    assert set(leaking["id"]) == {"s/p0", "s/p1", "s/p2", "s/p4", "s/p45", "s/n0", "s/n1", "s/n3"}
    assert set(leaking["target"]) == {"t"}

    bound, unbound, said = leakage.without(*source, leaking)
    assert (len(bound), len(unbound)) == (55, 57) and "8 rows" in said and "shared_negatives 3" in said
    counts, leaking = audited((bound, unbound), target)
    assert not counts["n_train"].any() and leaking.empty


def test_in_folds_a_row_leaks_where_it_trains_and_its_like_is_tested(rng):
    texts, negative = random_sequences(rng, 6), random_sequences(rng, 3)
    fold = [f"fold{i % 3}/3" for i in range(6)]
    source = rows(texts, "s/p", fold), rows(negative, "s/n", fold[:3], label=0)
    # of the target: row 0 in the same fold, row 1 in another one; row 2 in a test file, which every fold tests
    target = rows([texts[0], texts[1], texts[2]], "t/p", ["fold0/3", "fold0/3", "test"])
    targets = {name: ROW | {"dataset": name} for name in ("s", "t")}
    tests = {
        "s": (source[0], {"x": source[1]}),
        "t": (target, {"x": rows(random_sequences(rng, 3), "t/n", fold[:3], label=0)}),
    }
    for leaks in ("remove", "refuse"):
        options = {"leaks": leaks, "share": 0.5}
        counts, leaking = leakage.audit_folds(targets["s"], "x", source, targets, tests, 3, **options)
        assert len(leaking) == 3
        found = [set(each["id"]) for each in leaking]
        assert found == ([{"s/p1", "s/p2"}, {"s/p2"}, set()] if leaks == "remove" else [set()] * 3)
        row = counts[(counts["target"] == "t") & (counts["kind"] == "identical")].iloc[0]
        assert (row["n_train"], row["n_test"]) == (3, 3), "once for each fold in which it leaks"
        assert row["action"] == ("removed" if leaks == "remove" else "refused")
        assert not counts.loc[counts["target"] == "s", "n_train"].any(), "no row of a fold is in another fold"
    # each fold alone
    for number in range(3):
        seen = [splits.of_fold(table, number) for table in source]
        held = {
            name: (splits.of_fold(bound, number), {"x": splits.of_fold(sets["x"], number)})
            for name, (bound, sets) in tests.items()
        }
        alone = leakage.audit(targets["s"], "x", seen, targets, held, leaks="remove", share=0.5)[1]
        options = {"leaks": "remove", "share": 0.5}
        assert alone.equals(leakage.audit_folds(targets["s"], "x", source, targets, tests, 3, **options)[1][number])


def test_without_folds_in_the_tables_every_fold_leaks_alike(rng, monkeypatch):
    source, target = pair(rng)
    targets = {name: ROW | {"dataset": name} for name in ("s", "t")}
    tests = {"s": (source[0], {"x": source[1]}), "t": (target[0], {"x": target[1]})}
    once, alone = audited(source, target)
    calls, audit = [], leakage.audit
    monkeypatch.setattr(leakage, "audit", lambda *args, **options: calls.append(0) or audit(*args, **options))
    counts, leaking = leakage.audit_folds(targets["s"], "x", source, targets, tests, 4, leaks="remove", share=0.5)
    assert counts.equals(once) and len(calls) == 1
    assert len(leaking) == 4 and all(each.equals(alone) for each in leaking)


def test_a_cell_is_refused_instead_where_the_config_says_so(rng):
    source, target = pair(rng)
    counts, leaking = audited(source, target, "refuse")
    assert leaking.empty and not counts["n_removed"].any()
    reasons = leakage.refused(counts)
    assert list(reasons) == [("s", "x", "t", "x")]
    assert reasons["s", "x", "t", "x"] == (
        "refused: training rows are in the test set (4 identical, 1 reverse complement, 3 shared negatives)"
    )
    assert not leakage.refused(audited(source, target)[0])


def test_one_library_is_named_in_the_counts_and_may_refuse_the_pair(rng):
    whole = library(rng, 3000)
    tested = assign(rows(whole), SPLIT)
    source = rows(whole[:2000], "s/p", tested[:2000]), rows(random_sequences(rng, 9, 20), "s/n", "train", label=0)
    target = rows(whole[1000:], "t/p", tested[1000:]), rows(random_sequences(rng, 9, 20), "t/n", "test", label=0)
    counts, leaking = audited(source, target, assay="htselex")
    line = counts[(counts["kind"] == leakage.ONE_LIBRARY) & (counts["target"] == "t")].iloc[0]
    assert line["action"] == "reported" and line["note"].startswith("s and t look like one library: 5")
    assert leaking.empty, "the split by a hash keeps shared reads on one side"
    reasons = leakage.refused(audited(source, target, "refuse", assay="htselex")[0])
    assert "look like one library" in reasons["s", "x", "t", "x"]


def test_a_library_that_cannot_be_used_says_so(rng):
    _, target = pair(rng)
    reason = "library collapsed"
    counts, leaking = audited((tables.empty(tables.SEQUENCES, reason),) * 2, target)
    assert leaking.empty and set(counts["note"]) == {reason}


def test_training_without_rows_says_why(rng):
    source, _ = pair(rng)
    everything = pd.DataFrame({"id": source[0]["id"], "kind": "identical", "target": "t"})
    bound, unbound, _ = leakage.without(*source, everything)
    assert bound.empty and "in a test set" in tables.note(bound) and not tables.note(unbound)


def test_a_model_is_outdated_when_other_rows_leak(rng, tmp_path):
    source, target = pair(rng)
    _, leaking = audited(source, target)
    (tmp_path / "model.json").write_text(json.dumps({"kind": "deepbind"}))
    assert "run the workflow again" in leakage.outdated(tmp_path, leaking)  # made before there was an audit
    leakage.stamp(tmp_path, leaking)
    assert json.loads((tmp_path / "model.json").read_text())["left_out"] == 8
    assert not leakage.outdated(tmp_path, leaking)
    assert not leakage.outdated(tmp_path, leaking[::-1].assign(target="another"))  # the same rows
    assert "and 8 were left out" in leakage.outdated(tmp_path, leaking[1:])


def test_blocks_of_rows_change_nothing(rng, monkeypatch):
    source, target = pair(rng)
    whole = leakage.near(source[0]["sequence"], target[0]["sequence"], 0.5)
    monkeypatch.setattr(leakage, "_BASES", 700)
    for ours, theirs in zip(leakage.near(source[0]["sequence"], target[0]["sequence"], 0.5), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert whole[0].sum() == 4


def test_config_words():
    options = schema("config")["properties"]["audit"]["properties"]
    assert set(options) == {"leaks", "share"} and options["leaks"]["enum"] == ["remove", "refuse"]


@pytest.mark.parametrize("source, target, least", [("H1-hESC", "HepG2", 295), ("HepG2", "H1-hESC", 310)])
def test_real_peaks_of_two_cells_share_loci(real, source, target, least):
    """USF1 of H1 and HepG2: no coordinates, and most test windows are training windows of the other cell, shifted."""
    name = "chipseq/deepbind_encode/USF1_{}_USF-1_HudsonAlpha_{}.seq.gz"
    train, test = (sequence_files.read_deepbind(real / name.format(*x)) for x in ((source, "AC"), (target, "B")))
    positive, negative = (test[test["label"] == x]["sequence"] for x in (1, 0))
    train = rows(train["sequence"][train["label"] == 1])
    found = np.array(kinds(train, rows(positive, split="test"))[1])
    assert least <= (found == "near_identical").sum() < 400 and (found == "identical").sum() > 10
    assert set(kinds(train, rows(negative, split="test"))[0]) == {"none"}


def test_real_reads_of_one_library(real):
    """GATA3 of two publications: 1,568 of 25,000 reads are shared."""
    nrlb = sequence_files.read_labelled(real / "selex" / "nrlb" / "GATA3_R0_vs_R4.tsv.gz")
    nrlb = nrlb["sequence"][nrlb["label"] == 1]
    mubind = sequence_files.read_fastq(real / "selex" / "mubind" / "GATA3_TGTCGT20NGA_AC_4.fastq.gz")["sequence"]
    mubind = selex.inserts(mubind, "", "", tally.Tally())["sequence"]
    shared, sentence = leakage.one_library(("NRLB", "mubind"), nrlb, mubind)
    assert shared == 1568 and sentence.startswith("NRLB and mubind look like one library: 6.3% of the inserts")
    other = sequence_files.read_labelled(real / "selex" / "nrlb" / "MAX_R0_vs_R4.tsv.gz")
    assert not leakage.one_library(("MAX", "mubind"), other["sequence"][other["label"] == 1], mubind)[1]
