import os
import subprocess
import sys

import numpy as np
import pytest

from tfbind import dna, seeding
from tfbind.io import tables
from tfbind.sequences import splits

SPLIT = {"validation": ["chr8"], "test": ["chr1", "chr9"], "validation_fraction": 0.1, "test_fraction": 0.2}


def table(sequences, chrom=None):
    return tables.sequences(id=sequences, sequence=sequences, label=1, origin="x", chrom=chrom)


def test_by_chromosome():
    found = splits.assign(table(["A"] * 5, ["chr1", "chr8", "chr9", "chr10", "chr2"]), SPLIT)
    assert found.tolist() == ["test", "validation", "test", "train", "train"]


def test_one_chromosome_that_is_not_held_out_is_split_by_blocks(rng):
    """Else all of it would train; places of one block stay together, and go where they go in any other file."""
    place = np.sort(rng.integers(0, 60_000_000, 6_000))
    rows = table(["ACGT"] * 6_000, ["chr7"] * 6_000).assign(start=place)
    found = splits.assign(rows, SPLIT)
    shares = found.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.06) and shares["validation"] == pytest.approx(0.1, abs=0.05)
    assert (found.groupby(place // splits.BLOCK).nunique() == 1).all()
    some = rows[::7]
    assert (splits.assign(some, SPLIT) == found[::7]).all()
    for chrom, split in (("chr8", SPLIT), ("chr7", SPLIT | {"validation": [], "test": []})):
        assert splits.assign(rows.assign(chrom=chrom), split).nunique() == 1
    two = rows.assign(chrom=["chr7", "chr6"] * 3_000)
    assert set(splits.assign(two, SPLIT)) == {"train"}


def test_by_hash_in_the_wanted_shares_and_strand_blind(rng):
    texts = dna.decode(rng.integers(0, 4, (20_000, 20)).astype(np.uint8), np.full(20_000, 20))
    found = splits.assign(table(texts), SPLIT)
    shares = found.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.012) and shares["validation"] == pytest.approx(0.1, abs=0.009)
    assert (splits.assign(table([dna.reverse_complement_text(t) for t in texts]), SPLIT) == found).all()
    order = rng.permutation(20_000)
    again = splits.assign(table([texts[i] for i in order]), SPLIT)
    assert (again.to_numpy() == found.to_numpy()[order]).all()


def test_mixed_rows_and_index():
    rows = table(["ACGT", "ACGT"], ["chr1", None])
    rows.index = [5, 2]
    found = splits.assign(rows, SPLIT)
    assert found.index.tolist() == [5, 2] and found[5] == "test"


def test_hashes_are_the_same_in_every_process():
    code = "from tfbind.seeding import stable_hash as h, generator as g; print(h('a', 1), g('a').integers(10**9))"
    command = [sys.executable, "-c", code]
    runs = {subprocess.check_output(command, env={**os.environ, "PYTHONHASHSEED": seed}) for seed in ("1", "2")}
    assert runs == {f"{seeding.stable_hash('a', 1)} {seeding.generator('a').integers(10**9)}\n".encode()}
    assert seeding.stable_hash("ab", "c") != seeding.stable_hash("a", "bc")
    assert seeding.stable_hash("a") != seeding.stable_hash("b")


LENGTHS = {"chr1": 90, "chr2": 60, "chr3": 50, "chr10": 30, "chrM": 1}


def test_chromosomes_form_folds_of_about_one_length_whatever_the_dataset():
    fold = splits.fold_of_chromosomes(LENGTHS, 3)
    assert fold == {"chr1": 0, "chr2": 1, "chr3": 2, "chr10": 2, "chrM": 1}
    assert splits.fold_of_chromosomes(dict(reversed(LENGTHS.items())), 3, ["chr1"]) == fold
    rows = table(["A"] * 4, ["chr10", "chr1", "chrM", "chr1"])
    found = splits.assign(rows, SPLIT | {"folds": 3}, LENGTHS)
    assert found.tolist() == ["fold2/3", "fold0/3", "fold1/3", "fold0/3"], "the chromosomes of SPLIT are not read"
    other = splits.assign(rows.iloc[::-1], SPLIT | {"folds": 3}, LENGTHS)
    assert (other.loc[rows.index] == found).all()


def test_without_a_genome_the_names_of_chromosomes_are_hashed():
    rows = table(["A"] * 60, [f"chr{i}" for i in range(60)])
    found = splits.assign(rows, SPLIT | {"folds": 4})
    assert found.value_counts().between(5, 25).all() and found.nunique() == 4
    assert (splits.assign(rows[7:9], SPLIT | {"folds": 4}) == found[7:9]).all()


def test_hashes_form_equal_folds_strand_blind(rng):
    texts = dna.decode(rng.integers(0, 4, (20_000, 20)).astype(np.uint8))
    found = splits.assign(table(texts), SPLIT | {"folds": 5})
    assert found.value_counts(normalize=True).between(0.19, 0.21).all() and found.nunique() == 5
    turned = table([dna.reverse_complement_text(t) for t in texts])
    assert (splits.assign(turned, SPLIT | {"folds": 5}) == found).all()


def test_every_row_is_tested_in_one_fold_validates_in_one_and_trains_in_the_others():
    rows = table(["A"] * 6)
    rows["split"] = ["fold0/4", "fold1/4", "fold2/4", "fold3/4", "train", "test"]
    rows.attrs["note"] = "kept"
    seen = [splits.of_fold(rows, fold) for fold in range(4)]
    assert all(view.attrs == rows.attrs for view in seen)
    assert seen[0]["split"].tolist() == ["test", "validation", "train", "train", "train", "test"]
    assert seen[3]["split"].tolist() == ["validation", "train", "train", "test", "train", "test"]
    for row in range(4):
        words = [view["split"][row] for view in seen]
        assert (words.count("test"), words.count("validation"), words.count("train")) == (1, 1, 2)
    assert splits.folds(rows).tolist() == [0, 1, 2, 3, -1, -1]
    assert splits.is_tested(rows).tolist() == [True] * 4 + [False, True]
    assert splits.parts(rows) == ["train", "validation", "test", "fold0/4", "fold1/4", "fold2/4", "fold3/4"]
    one = table(["A"] * 3)
    one["split"] = ["train", "test", "validation"]
    assert splits.of_fold(one, 2) is one and splits.parts(one) == ["train", "validation", "test"]
    assert splits.parts(one.assign(split="fold10/12")).index("fold10/12") == 3
