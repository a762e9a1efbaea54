from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tfbind import dna, negatives, tables
from tfbind.faults import InputError


def texts(n, size, seed=0):
    tokens = np.random.default_rng(seed).integers(0, 4, (n, size)).astype(np.uint8)
    return dna.decode(tokens, np.full(n, size))


def positives(sequences, split="train", **columns):
    ids = [f"d/p{i}" for i in range(len(sequences))]
    return tables.sequences(id=ids, sequence=sequences, label=1, origin="x", split=split, **columns)


@pytest.fixture
def reads():
    return positives(texts(120, 20), np.repeat(["train", "validation", "test"], [80, 20, 20]))


@pytest.fixture
def peaks(chromosomes):
    """Windows of the tiny genome: chr4 tests, chr3 validates."""
    rng = np.random.default_rng(5)
    parts = []
    for chrom, n in {"chr1": 40, "chr2": 40, "chr3": 15, "chr4": 15}.items():
        start = 6_000 + 101 * rng.choice(200, n, replace=False)
        parts.append(pd.DataFrame({"chrom": chrom, "start": start, "end": start + 101}))
    where = pd.concat(parts, ignore_index=True)
    sequence = [
        chromosomes[c][s:e].upper() for c, s, e in zip(where["chrom"], where["start"], where["end"], strict=True)
    ]
    split = where["chrom"].map({"chr3": "validation", "chr4": "test"}).fillna("train").tolist()
    return positives(sequence, split, strand="+", **{name: where[name] for name in where})


def draw(table, *kinds, seed=3, **options):
    return negatives.draw("d", table, kinds, np.random.default_rng(seed), **options)


def steps(text):
    return Counter(pairwise(text))


def gc(text):
    return sum(base in "GC" for base in text)


def reasons(tally):
    return {(event, reason): count for event, reason, count in tally.rows}


@pytest.mark.parametrize("kind", ["dinucleotide", "pairs"])
def test_shuffles_inherit_from_their_positive(peaks, kind):
    table, _ = draw(peaks, kind)
    assert tables.conform(table, tables.SEQUENCES).equals(table)
    assert sorted(table["origin"]) == sorted(peaks["id"]) and table["id"].is_unique
    assert table["id"].str.fullmatch(rf"d/{kind}\d+").all()
    source = peaks.set_index("id").loc[table["origin"]].reset_index()
    for name in ("split", "chrom", "start", "end"):
        assert (table[name] == source[name]).all()
    assert set(table["label"]) == {0} and table["score"].isna().all()
    same = [steps(a) == steps(b) for a, b in zip(table["sequence"], source["sequence"], strict=True)]
    assert all(same) if kind == "dinucleotide" else np.mean(same) < 0.05


def test_unknown_bases_stay_in_the_shuffle():
    (source,) = texts(1, 60)
    source = source[:20] + "N" + source[20:30] + "NN" + source[30:] + "N"
    table, _ = draw(positives([source]), "dinucleotide")
    assert steps(table["sequence"][0]) == steps(source) and table["sequence"][0] != source


def test_sequences_without_another_shuffle_are_dropped_and_counted():
    table, tally = draw(positives(["A" * 20, "ACACACACAC", "AAAATTTT", *texts(5, 20)]), "dinucleotide")
    assert sorted(table["origin"]) == ["d/p3", "d/p4", "d/p5", "d/p6", "d/p7"] or "d/p2" in set(table["origin"])
    assert not {"d/p0", "d/p1"} & set(table["origin"])
    lost = reasons(tally)["dropped", "train: dinucleotide: its shuffles are bound sequences themselves (10 tries)"]
    assert lost == 8 - len(table)


def test_no_shuffle_is_a_positive_or_occurs_twice():
    every = [a + b + "CG" + c for a in "ACGT" for b in ("AT", "TA", "GA") for c in ("TTA", "ATA", "GAT")]
    table, tally = draw(positives(every), "dinucleotide", ratio=5)
    key = table["sequence"].map(dna.canonical)
    assert key.is_unique and not set(key) & {dna.canonical(s) for s in every}
    assert reasons(tally)["dropped", "same negative again (either strand)"] > 0


def test_a_shuffle_does_not_depend_on_the_rows_beside_it():
    table = positives(texts(50, 40))
    whole, _ = negatives.dinucleotide(table, np.random.default_rng(1))
    part, _ = negatives.dinucleotide(table.iloc[[30, 4]], np.random.default_rng(1))
    assert part["sequence"].tolist() == whole.set_index("origin").loc[["d/p30", "d/p4"], "sequence"].tolist()


@pytest.mark.parametrize("kind", ["dinucleotide", "pairs", "genomic"])
def test_draws_give_each_seed_its_own_training_negatives(peaks, genome, kind):
    table, _ = draw(peaks, kind, draws=3, ratio=2, genome=genome, margin=0)
    assert table["id"].is_unique
    assert Counter(zip(table["split"], table["draw"], strict=True)) == {
        ("train", 1): 160,
        ("train", 2): 160,
        ("train", 3): 160,
        ("validation", 0): 30,
        ("test", 0): 30,
    }
    sets = [set(table["sequence"][table["draw"] == k]) for k in (1, 2, 3)]
    assert len(sets[0] & sets[1]) < 20 and len(sets[1] & sets[2]) < 20


@pytest.mark.parametrize("kind", list(negatives.NEGATIVES))
def test_the_same_generator_gives_the_same_table(peaks, genome, kind):
    unbound = {
        name: positives(texts(300, 101, 9), peaks["split"].sample(300, replace=True, random_state=0))
        for name in ("provided", "input")
    }
    options = {"genome": genome, "unbound": unbound, "margin": 50}
    assert draw(peaks, kind, **options)[0].equals(draw(peaks, kind, **options)[0])
    assert not draw(peaks, kind, **options)[0].equals(draw(peaks, kind, seed=4, **options)[0])


def test_genomic_windows(peaks, genome, chromosomes, tmp_path):
    (tmp_path / "black.bed").write_text("chr1\t30000\t45000\nchr4\t27000\t28000\n")
    avoid = pd.DataFrame({"chrom": ["chr2", "chr4"], "start": [30_000, 29_000], "end": [31_000, 29_010]})
    table, tally = draw(
        peaks, "genomic", ratio=2, genome=genome, avoid=avoid, margin=120, blacklist=tmp_path / "black.bed"
    )
    assert len(table) == 2 * len(peaks) and not any(event == "changed" for event, _, _ in tally.rows)
    for name in tables.SPLITS:
        mine, theirs = (t[t["split"] == name] for t in (table, peaks))
        assert Counter(mine["sequence"].map(gc)) == Counter([*theirs["sequence"].map(gc)] * 2)
        assert set(mine["chrom"]) <= set(theirs["chrom"])
    assert table["sequence"].tolist() == [
        chromosomes[c][s:e].upper() for c, s, e in zip(table["chrom"], table["start"], table["end"], strict=True)
    ]
    assert not table["sequence"].str.contains("N").any()
    far = pd.concat([avoid, peaks[["chrom", "start", "end"]]])
    black = pd.DataFrame({"chrom": ["chr1", "chr4"], "start": [30_000, 27_000], "end": [45_000, 28_000]})
    for i, w in enumerate(table.itertuples()):
        others = table.drop(index=i)
        for regions, margin in ((far, 120), (black, 0), (others, 0)):
            near = (
                (regions["chrom"] == w.chrom)
                & (regions["start"] - margin < w.end)
                & (w.start < regions["end"] + margin)
            )
            assert not near.any()


def test_gc_that_the_genome_lacks_is_counted_by_bin(peaks, genome):
    odd = positives(["G" * 101, "GC" * 50 + "A", *peaks["sequence"][:5]], chrom="chr1", start=1, end=102)
    avoid = peaks.loc[peaks["chrom"] == "chr1", ["chrom", "start", "end"]]
    table, tally = draw(odd, "genomic", genome=genome, margin=0, avoid=avoid)
    assert len(table) == 7
    changed = {reason: n for event, reason, n in tally.rows if event == "changed"}
    assert changed == {
        "train: genomic: GC 95-100 %: nearest GC taken": 2,
    }
    counts = table["sequence"].map(gc)
    exact = Counter(peaks["sequence"][:5].map(gc))
    assert not exact - Counter(counts)
    text = dna.decode(genome.tokens("chr1")[None].copy(), np.array([genome.lengths["chr1"]]))[0]
    for s, e in zip(avoid["start"], avoid["end"], strict=True):
        text = text[:s] + "N" * (e - s) + text[e:]
    best = max(gc(w) for w in (text[i : i + 101] for i in range(102, len(text) - 100)) if "N" not in w)
    assert counts.max() == best < 95


def test_a_genome_that_is_too_small(peaks, genome):
    with pytest.raises(InputError, match=r"too small: \d+ windows of 101 bp are missing on chr4"):
        draw(peaks[peaks["split"] == "test"], "genomic", genome=genome, margin=0, ratio=30)
    with pytest.raises(InputError, match="too small"):
        draw(peaks, "genomic", genome=genome, margin=40_000)


def test_windows_of_several_lengths(genome):
    mixed = positives(texts(10, 60) + texts(10, 90, 1), chrom="chr1", start=1, end=2)
    table, _ = draw(mixed, "genomic", genome=genome)
    key = Counter((len(s), gc(s)) for s in mixed["sequence"])
    assert Counter((len(s), gc(s)) for s in table["sequence"]) == key


def test_splits_on_one_chromosome_do_not_share_windows(genome):
    same = positives(texts(60, 101), ["train"] * 30 + ["test"] * 30, chrom="chr4", start=1, end=102)
    table, _ = draw(same, "genomic", genome=genome, margin=0)
    covered = np.concatenate([np.arange(s, e) for s, e in zip(table["start"], table["end"], strict=True)])
    assert len(table) == 60 and len(np.unique(covered)) == len(covered)


def test_unbound_rows_keep_their_split_and_the_ratio(reads):
    pool = positives(texts(400, 20, 1), np.repeat(["train", "validation", "test"], [250, 10, 140]))
    table, tally = draw(reads, "input", unbound={"input": pool}, ratio=2)
    assert table["split"].value_counts().to_dict() == {"train": 160, "test": 40, "validation": 10}
    assert reasons(tally)["short", "validation: input: fewer unbound sequences than 2 per positive"] == 30
    assert set(table["sequence"]) <= set(pool["sequence"]) and table["sequence"].is_unique
    table, _ = draw(reads, "provided", unbound={"provided": pool})
    assert table["split"].value_counts().to_dict() == {"test": 140, "train": 80, "validation": 10}


def test_unbound_rows_that_are_positives_or_of_another_length_are_dropped(reads):
    known = [reads["sequence"][0], dna.reverse_complement_text(reads["sequence"][1]), reads["sequence"][119]]
    pool = positives([*known, *texts(3, 22, 5), *texts(80, 20, 6)])
    table, tally = draw(reads[reads["split"] == "train"], "input", unbound={"input": pool}, seed=1)
    assert reasons(tally)["dropped", "train: input: also a positive (either strand)"] == 2
    length = "train: input: not 20 bp like the positives: the length would tell them apart"
    assert reasons(tally)["dropped", length] == 3
    assert not set(table["sequence"]) & {known[0], known[1]}


def test_each_split_takes_the_first_kind_that_it_can(reads):
    pool = positives(texts(30, 20, 1), "test")
    table, tally = draw(reads, "provided", "dinucleotide", unbound={"provided": pool})
    kinds = table["id"].str.extract(r"/([a-z]+)")[0]
    assert Counter(zip(table["split"], kinds, strict=True)) == {
        ("train", "dinucleotide"): 80,
        ("validation", "dinucleotide"): 20,
        ("test", "provided"): 30,
    }
    assert tally.total("kept") == len(table)


def test_no_kind_possible_says_what_each_needs(reads):
    with pytest.raises(InputError) as error:
        draw(reads, "input", "provided", "genomic", unbound={"input": positives(texts(3, 20), "test")})
    assert len(error.value.faults) == 2
    assert "train rows: input needs cycle-0 reads for train; provided needs labelled unbound" in error.value.faults[0]
    assert "genomic needs a genome and coordinates" in error.value.faults[1]
    with pytest.raises(InputError, match="no kind shuffled; there are dinucleotide"):
        draw(reads, "shuffled")
