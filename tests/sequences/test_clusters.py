"""Rows without coordinates that resemble each other are not parted by a split."""

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.io import tables
from tfbind.io.tally import Tally
from tfbind.seeding import generator
from tfbind.sequences import clusters, leakage, positives, splits

SPLIT = {"validation": [], "test": [], "validation_fraction": 0.1, "test_fraction": 0.2}
CLUSTER = SPLIT | {"without_coordinates": "cluster", "share": 0.5}


def texts(rng, n, length=101):
    return dna.decode(rng.integers(0, 4, (n, length)).astype(np.uint8))


def families(rng, n=300, genome=400, copies=4):
    """Shifted windows of the same places, on either strand, in random order; and which place each is of."""
    places = texts(rng, n, genome)
    rows = [(place, start) for place in range(n) for start in rng.integers(0, 40, copies)]
    rows = [rows[i] for i in rng.permutation(len(rows))]
    found = [places[place][start : start + 101] for place, start in rows]
    found = [dna.reverse_complement_text(text) if rng.random() < 0.5 else text for text in found]
    return found, np.array([place for place, _ in rows])


def table(sequences, **columns):
    return tables.sequences(id=sequences, sequence=sequences, label=1, origin="x", **columns)


def straddling(frame):
    """How many rows of the training have a near-identical row that is held out."""
    seen = frame["split"] == "train"
    return int(leakage.near(frame["sequence"][seen], frame["sequence"][~seen], 0.5)[0].sum())


def test_clusters_are_the_families_whatever_the_strand_and_the_order(rng):
    sequences, place = families(rng)
    found, given_up = clusters.clusters(pd.Series(sequences), 0.5)
    assert not given_up
    assert len(set(zip(found, place, strict=True))) == len(set(place)) == len(set(found))
    assert (found == [place.tolist().index(p) for p in place]).all(), "named by the first sequence"


def test_equal_sequences_are_linked_however_short_they_are():
    found, _ = clusters.clusters(pd.Series(["ACGTT", "GATTACA", "AACGT", "ACGTT"]), 0.5)
    assert found.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("folds", [1, 4])
def test_no_two_near_identical_rows_straddle(folds, rng):
    frame = table(families(rng)[0])
    shares = {}
    for word, split in {"hash": SPLIT, "cluster": CLUSTER}.items():
        frame["split"] = splits.assign(frame, split | {"folds": folds})
        seen = [splits.of_fold(frame, fold) for fold in range(folds)]
        shares[word] = sum(map(straddling, seen))
        tested = np.mean([(view["split"] == "test").mean() for view in seen])
        assert tested == pytest.approx(0.25 if folds == 4 else 0.2, abs=0.06)
    assert shares["hash"] > 200 and shares["cluster"] == 0


def test_a_row_unlike_all_others_keeps_the_split_of_its_hash(rng):
    alone = table(texts(rng, 500))
    assert (splits.assign(alone, CLUSTER) == splits.assign(alone, SPLIT)).all()


def test_the_split_of_a_cluster_does_not_depend_on_the_order_or_on_other_rows(rng):
    sequences, _ = families(rng, 50)
    first = splits.assign(table(sequences), CLUSTER)
    order = rng.permutation(len(sequences))
    more = [sequences[i] for i in order] + texts(rng, 200)
    assert (splits.assign(table(more), CLUSTER).to_numpy()[: len(order)] == first.to_numpy()[order]).all()


@pytest.mark.parametrize("folds", [1, 5])
def test_a_giant_cluster_trains_and_is_counted(folds, rng):
    tally, family = Tally(), texts(rng, 1, 400)[0]
    giant = [family[start : start + 101] for start in range(150)]
    frame = table(giant + texts(rng, 250))
    frame["split"] = splits.assign(frame, CLUSTER | {"folds": folds}, tally=tally)
    assert set(frame["split"][:150]) == {"train"} and frame["split"][150:].nunique() > 2
    noted = {reason: count for event, reason, count in tally.rows if event == "noted"}
    assert noted["near-identical to another sequence: split together"] == 150
    # by chance the hash of the giant may be of the training split, where it fills nothing
    alone = splits.assign(table([min(dna.canonicals(pd.Series(giant)))]), SPLIT | {"folds": folds})[0]
    assert noted.get("in a cluster larger than a held-out split: trains", 0) == (150 if alone != "train" else 0)


def test_rows_with_coordinates_go_by_chromosome(rng):
    family = texts(rng, 1, 120)[0]
    frame = table([family[:101], family[10:111]], chrom=["chr1", "chr2"])
    assert splits.assign(frame, CLUSTER | {"test": ["chr1"]}).tolist() == ["test", "train"]


def row(path, **fields):
    columns = ["test_path", "negatives_path", "test_negatives_path", "input_path", "cycle", "left_flank"]
    given = dict.fromkeys([*columns, "right_flank", "trim", "negative_names", "genome"], "")
    return given | {"dataset": "d", "tf": "T", "assay": "chipseq", "format": "labelled", "path": str(path)} | fields


def drawn(row, split=CLUSTER):
    options = {"length": 101, "split": split, "limit": None}
    made = positives.positives(row, **options, rng=generator("a"))
    return made[0], positives.unbound(row, "provided", **options, rng=generator("b"))[0]


def test_negatives_go_where_the_positives_are_that_they_resemble(tmp_path, rng):
    sequences, place = families(rng, 200)
    label = rng.integers(0, 2, len(sequences))
    lines = [f"{text}\t{value}" for text, value in zip(sequences, label, strict=True)]
    (tmp_path / "a.tsv").write_text("sequence\tlabel\n" + "\n".join(lines) + "\n")
    of = dict(zip(sequences, place, strict=True))
    for split, whole in ((SPLIT, False), (CLUSTER, True)):
        bound, unbound = drawn(row(tmp_path / "a.tsv"), split)
        both = pd.concat([bound, unbound])
        assert (both.groupby(both["sequence"].map(of))["split"].nunique() == 1).all() == whole
        assert (bound["split"].value_counts().index.size, unbound["split"].nunique()) == (3, 3)


def test_a_test_file_stays_the_test_set(tmp_path, rng):
    sequences, _ = families(rng, 100)
    for name, part in {"a.fa": sequences[:300], "b.fa": sequences[300:]}.items():
        (tmp_path / name).write_text("".join(f">{i}\n{text}\n" for i, text in enumerate(part)))
    given = row(tmp_path / "a.fa", test_path=str(tmp_path / "b.fa"), format="fasta")
    bound, tally = positives.positives(given, length=101, split=CLUSTER | {"folds": 3}, limit=None, rng=generator("a"))
    assert set(bound["split"]) == {"train", "validation", "test"}
    tests = set(dna.canonicals(pd.Series(sequences[300:])))
    assert set(dna.canonicals(bound["sequence"][bound["split"] == "test"])) == tests
    assert ("noted", "near-identical to another sequence: split together") in {each[:2] for each in tally.rows}
