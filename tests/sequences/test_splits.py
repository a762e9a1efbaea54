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
