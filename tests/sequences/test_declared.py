"""What a model from elsewhere was trained on: files of loci and sequences, and what of them is in a test set."""

import gzip

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.io.tally import Tally
from tfbind.sequences import declared, leakage

ROW = {"tf": "USF1", "assay": "chipseq", "genome": "tiny"}
BED = "chr1\t1000\t1101\nchr2\t300\t401\nchr2\t49950\t50100\n"


def random_sequences(rng, n, length=101):
    return dna.decode(rng.integers(0, 4, (n, length)).astype(np.uint8))


def target(chromosomes, rng):
    """Two test positives, one on a declared locus of `BED`, and test negatives that are nowhere."""
    chrom, start = ["chr1", "chr3"], [1050, 2000]
    cut = [chromosomes[c][s : s + 101].upper() for c, s in zip(chrom, start, strict=True)]
    place = {"chrom": chrom, "start": start, "end": [s + 101 for s in start]}
    bound = tables.sequences(id=["p0", "p1"], sequence=cut, label=1, split="test", origin="o", **place)
    texts = random_sequences(rng, 5)
    return bound, tables.sequences(id=list("abcde"), sequence=texts, label=0, split="test", origin="o")


def audited(train, bound, unbound, genome, leaks="remove"):
    source, row = ROW | {"dataset": "s", "genome": genome}, ROW | {"dataset": "t"}
    empty = tables.empty(tables.SEQUENCES, "")
    tests = {"t": (bound, {"x": unbound})}
    options = {"leaks": leaks, "share": 0.5, "model": "k"}
    counts, leaking = leakage.audit(source, "x", (train, empty), {"t": row}, tests, **options)
    assert leaking.empty, "nothing can be left out of a model from elsewhere"
    assert list(counts.columns) == leakage.COLUMNS and set(counts["model"]) == {"k"}
    return counts


def hit(counts):
    found = counts[counts["n_train"] > 0]
    return dict(zip(found["kind"], zip(found["n_train"], found["n_test"], found["action"], strict=True), strict=True))


@pytest.mark.parametrize("leaks", ["remove", "refuse"])
def test_loci_are_compared_by_place_and_by_sequence(tmp_path, genome, chromosomes, rng, leaks):
    (tmp_path / "k.bed").write_text(BED)
    train = declared.read([tmp_path / "k.bed"], "k", genome)
    assert train["sequence"].tolist() == [
        chromosomes[c][s:e].upper() for c, s, e in (("chr1", 1000, 1101), ("chr2", 300, 401), ("chr2", 49950, 50000))
    ]
    here, elsewhere = (audited(train, *target(chromosomes, rng), name, leaks) for name in ("tiny", "other"))
    assert hit(here) == {"overlapping": (1, 1, "refused")}
    assert not hit(elsewhere), "coordinates of another assembly; 51 bp shared of 101 are not near-identical"
    moved = target(chromosomes, rng)[0].assign(start=[1010, 2000], end=[1111, 2101])
    moved["sequence"] = [chromosomes["chr1"][1010:1111].upper(), moved["sequence"][1]]
    assert hit(audited(train, moved, target(chromosomes, rng)[1], "other", leaks)) == {
        "near_identical": (1, 1, "refused")
    }
    reasons = leakage.refused(pd.concat([here, here.assign(model=np.nan, action="none")]))
    assert list(reasons) == [("s", "x", "t", "x", "k")] and "1 overlapping" in reasons["s", "x", "t", "x", "k"]


@pytest.mark.parametrize("form", ["fasta", "fastq", "labelled", "counts", "packed"])
def test_sequences_of_every_form_are_found_on_either_strand(tmp_path, chromosomes, rng, form):
    bound, unbound = target(chromosomes, rng)
    texts = [bound["sequence"][1], dna.reverse_complement_text(unbound["sequence"][2]), *random_sequences(rng, 4)]
    lines = {
        "fasta": [f">{i}\n{text}" for i, text in enumerate(texts)],
        "fastq": [f"@r{i}\n{text}\n+\n{'I' * 101}" for i, text in enumerate(texts)],
        "labelled": [f"{text}\t{i % 2}" for i, text in enumerate(texts)],
        "counts": ["sequence\t0\t1", *(f"{text}\t{i}\t3" for i, text in enumerate(texts))],
    }
    content = "\n".join(lines.get(form, lines["fasta"])) + "\n"
    (tmp_path / "k").write_bytes(gzip.compress(content.encode()) if form == "packed" else content.encode())
    counts = audited(declared.read([tmp_path / "k"], "k"), bound, unbound, "")
    assert hit(counts) == {"identical": (1, 1, "refused"), "reverse_complement": (1, 1, "refused")}


def test_loci_longer_than_any_window_are_compared_by_place_alone(tmp_path, genome, chromosomes, rng):
    (tmp_path / "k.bed").write_text("chr3\t0\t20000\nchr4\t29000\t29500\nchr4\t40000\t40500\n")
    tally = Tally()
    train = declared.read([tmp_path / "k.bed"], "k", genome, tally)
    assert train["sequence"].str.len().tolist() == [1, 500, 1]
    said = {why: count for event, why, count in tally.rows if event == "noted"}
    assert said["locus of more than 10,000 bp, compared by its coordinates alone"] == 1
    assert said["locus outside its chromosome, compared by its coordinates alone"] == 1
    assert hit(audited(train, *target(chromosomes, rng), "tiny")) == {"overlapping": (1, 1, "refused")}


def test_coordinates_of_sequences_count_on_a_named_genome_alone(tmp_path, genome):
    (tmp_path / "k.fa").write_text(f">chr1:10-30\n{'ACGTA' * 4}\n>chr9:10-30\n{'CCGTA' * 4}\n")
    (tmp_path / "k.bed").write_text(BED)
    assert declared.read([tmp_path / "k.fa"], "k")["chrom"].isna().all()
    both = declared.read([tmp_path / "k.fa", tmp_path / "k.bed"], "k", genome)
    assert both["chrom"].fillna("").tolist() == ["chr1", "", "chr1", "chr2", "chr2"] and both["id"].is_unique
    assert set(both["split"]) == {"train"}


def test_all_faults_of_all_files_are_said_at_once(tmp_path, genome):
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "foreign.bed").write_text("chrX\t1\t9\n")
    (tmp_path / "words").write_text("ACGTACGTAA\nACGTACGTCC\n")
    with pytest.raises(InputError) as fault:
        declared.read([tmp_path / "empty", tmp_path / "foreign.bed", tmp_path / "words"], "k", genome)
    said = "\n".join(fault.value.faults)
    assert "empty: empty; name the file that says what k was trained on" in said
    assert "1 of 1 intervals lie on chromosomes that" in said and "words: sequences alone, one a line" in said
    (tmp_path / "k.bed").write_text(BED)
    with pytest.raises(InputError, match=r"these are loci; name the genome .* as models\.k\.genome"):
        declared.read([tmp_path / "k.bed"], "k")


def test_what_is_not_declared_is_a_row_of_its_own():
    row = ROW | {"dataset": "s"}
    counts = leakage.not_declared(row, "x", {"s": row, "t": row | {"dataset": "t"}}, [("s", "x"), ("t", "x")], "k")
    assert list(counts.columns) == leakage.COLUMNS and counts["comparison"].tolist() == ["same", "cross"]
    assert set(counts["kind"]) == {"not_declared"} and set(counts["action"]) == {"not tested"}
    assert counts[["n_train", "n_test", "n_removed"]].isna().all(axis=None) and not leakage.refused(counts)
