from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.models import baseline, predict
from tfbind.sequences import negatives, other_tf_negatives
from tfbind.sequences import positives as of_row
from tfbind.study.schema import schema
from tfbind.transfer import evaluate

PLACE = ["chrom", "start", "end"]


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
    lost = reasons(tally)["dropped", "train: dinucleotide: its shuffles are positives themselves (10 tries)"]
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
        for name in ("provided", "input", "other_tf")
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


def near(windows, regions, margin=0):
    """The plain oracle: of every window and every region, whether they come closer than `margin` bp, (N, M)."""
    (c, s, e), (chrom, start, end) = (t[PLACE].to_numpy(object).T for t in (windows, regions))
    return (c[:, None] == chrom) & (s[:, None] - margin < end) & (start - margin < e[:, None])


def apart(windows):
    """Whether no window overlaps another."""
    return near(windows, windows).sum() == len(windows)


@pytest.fixture
def wide(peaks):
    """The windows, and their peaks: those that start at an even base are inside a wider one."""
    start, end = peaks["start"] - peaks["start"] % 151, peaks["end"] + peaks["start"] % 149
    start, end = start.where(peaks["start"] % 2 == 0, peaks["start"]), end.where(peaks["start"] % 2 == 0, peaks["end"])
    where = peaks.assign(start=start, end=end)[PLACE]
    return peaks.assign(origin=[f"{c}:{s}-{e}" for c, s, e in where.to_numpy()]), where


@pytest.mark.parametrize("distance", [(300, 600), (0, 150), (200, 200)])
def test_flanks_lie_beside_the_edge_of_their_own_peak(wide, genome, chromosomes, tmp_path, distance):
    peaks, edges = wide
    black = pd.DataFrame({"chrom": ["chr1", "chr4"], "start": [8_000, 10_000], "end": [9_000, 13_000]})
    black.to_csv(tmp_path / "black.bed", sep="\t", header=False, index=False)
    relaxed = pd.DataFrame({"chrom": ["chr2", "chr4"], "start": [8_000, 14_000], "end": [9_000, 14_010]})
    avoid = pd.concat([edges, relaxed], ignore_index=True)
    table, tally = draw(
        peaks, "flank", ratio=2, genome=genome, avoid=avoid, distance=distance, blacklist=tmp_path / "black.bed"
    )
    assert len(table) > 30 and len(table) + tally.total("dropped") == 2 * len(peaks)
    sides, used = Counter(), {"left": set(), "right": set()}
    for row in table.itertuples():
        i = peaks.index[peaks["id"] == row.origin][0]
        gaps = {"left": edges["start"][i] - row.end, "right": row.start - edges["end"][i]}
        side = max(gaps, key=gaps.get)
        sides[side] += 1
        used[side].add(gaps[side])
        assert distance[0] <= gaps[side] <= distance[1]
        assert (row.chrom, row.split) == (peaks["chrom"][i], peaks["split"][i])
        assert row.sequence == chromosomes[row.chrom][row.start : row.end].upper() and len(row.sequence) == 101
    assert min(sides.values()) > 0.35 * len(table)
    assert distance[0] == distance[1] or all(np.ptp(list(gaps)) > 0.7 * np.ptp(distance) for gaps in used.values())
    assert not near(table, avoid, distance[0]).any() and not near(table, black).any() and not near(table, peaks).any()
    assert apart(table)
    assert not table["sequence"].str.contains("N").any()


@pytest.mark.parametrize("kind", ["flank", "other_tf"])
def test_windows_around_peaks_of_one_base_are_bound_as_a_whole(genome, others, kind):
    """The peaks reach nowhere near as far as their windows; the splits share a chromosome."""
    start = np.arange(6_000, 26_000, 350)
    points = positives(texts(58, 101), ["train", "test"] * 29, chrom="chr4", start=start, end=start + 101)
    points = points.assign(origin=[f"chr4:{at + 50}-{at + 51}" for at in start])
    pool, _ = other_tf_negatives.pool([table.assign(split="test") for table in others], np.random.default_rng(2))
    pool = pd.concat([pool, pool.assign(split="train")], ignore_index=True)
    table, _ = draw(points, kind, genome=genome, distance=(0, 150), unbound={"other_tf": pool}, gc=False)
    assert table["split"].value_counts().min() > 15
    assert not near(table, points).any() and apart(table)


def test_a_flank_without_place_is_dropped_with_the_first_reason(genome, tmp_path):
    """chr1 is 60,000 bp with N from 5,000 to 5,400; a window of 101 bp, exactly 300 bp from the edge."""
    where = {
        "d/p0": (0, 59_900),  # no side has room
        "d/p1": (5_500, 5_501),  # N to the left, the other side is free
        "d/p2": (4_950, 4_951),  # N to the right, the left side is closed by the blacklist
        "d/p3": (20_000, 20_001),  # blacklist on both sides
        "d/p4": (30_000, 30_001),  # a peak on either side
        "d/p5": (40_000, 40_001),  # two of three find a place
    }
    black = "\n".join(["chr1\t4600\t4601", "chr1\t20350\t20351", "chr1\t19650\t19651"])
    (tmp_path / "black.bed").write_text(black + "\n")
    avoid = pd.DataFrame({"chrom": "chr1", "start": [29_600, 30_400], "end": [29_610, 30_410]})
    options = {"genome": genome, "blacklist": tmp_path / "black.bed", "avoid": avoid, "distance": (300, 300)}
    lost = {}
    for name, (start, end) in where.items():
        middle = (start + end) // 2
        one = positives(texts(1, 101, 8), chrom="chr1", start=middle - 50, end=middle + 51)
        one = one.assign(id=name, origin=f"chr1:{start}-{end}")
        table, tally = draw(one, "flank", ratio=3 if name == "d/p5" else 1, **options)
        lost[name] = [reason.split(": ")[-1] for event, reason, _ in tally.rows if event == "dropped"]
        assert len(table) == {"d/p1": 1, "d/p5": 2}.get(name, 0)
    assert lost == {
        "d/p0": ["the end of the chromosome"],
        "d/p1": [],
        "d/p2": ["the blacklist"],
        "d/p3": ["the blacklist"],
        "d/p4": ["peaks of the TF"],
        "d/p5": ["other windows"],
    }


@pytest.fixture
def others(genome, chromosomes):
    """Positives of two other TFs: windows at every 60th base of all chromosomes, so that neighbours overlap."""
    found = []
    for tf, first in {"e": 500, "f": 530}.items():
        rows = []
        for chrom, size in genome.lengths.items():
            start = np.arange(first, size - 101, 240)
            rows.append(pd.DataFrame({"chrom": chrom, "start": start, "end": start + 101}))
        where = pd.concat(rows, ignore_index=True)
        where["sequence"] = [chromosomes[c][s:e].upper() for c, s, e in where[PLACE].to_numpy()]
        where = where[~where["sequence"].str.contains("N")].reset_index(drop=True)
        split = where["chrom"].map({"chr3": "validation", "chr4": "test"}).fillna("train")
        ids = [f"{tf}/p{i}" for i in range(len(where))]
        found.append(tables.sequences(id=ids, label=1, origin="x", split=split, strand="+", **dict(where.items())))
    return found


def test_peaks_of_other_tfs_are_not_bound_here_and_have_the_gc_of_the_positives(peaks, others):
    pool, read = other_tf_negatives.pool(others, np.random.default_rng(2))
    assert read.total("read") == len(pool) + read.total("dropped") and read.total("dropped") > 100
    avoid = pd.DataFrame({"chrom": ["chr1", "chr4"], "start": [20_000, 15_000], "end": [25_000, 20_000]})
    table, tally = draw(peaks, "other_tf", unbound={"other_tf": pool}, avoid=avoid)
    assert table["split"].value_counts().to_dict() == {"train": 80, "validation": 15, "test": 15}
    assert not near(table, pd.concat([avoid, peaks])).any() and apart(table)
    known = pd.concat(others).set_index("id")
    for name in ("sequence", "split", "chrom", "start"):
        assert (table[name].to_numpy() == known.loc[table["origin"], name].to_numpy()).all()
    moved = sum(n for event, _, n in tally.rows if event == "changed")
    for name in tables.SPLITS:
        mine, theirs = (sorted(t["sequence"][t["split"] == name].map(gc)) for t in (table, peaks))
        differ = sum((Counter(theirs) - Counter(mine)).values())
        moved -= differ
        assert np.abs(np.subtract(mine, theirs)).mean() < 3
    assert moved == 0
    rich = peaks[peaks["sequence"].map(gc) > 45]
    off = [
        abs(draw(rich, "other_tf", unbound={"other_tf": pool}, gc=match)[0]["sequence"].map(gc).mean() - target)
        for match, target in ((True, rich["sequence"].map(gc).mean()), (False, pool["sequence"].map(gc).mean()))
    ]
    assert max(off) < 4 < abs(rich["sequence"].map(gc).mean() - pool["sequence"].map(gc).mean())
    few, tally = draw(peaks, "other_tf", unbound={"other_tf": pool}, ratio=5)
    lacking = {reason.split(":")[0]: count for event, reason, count in tally.rows if event == "short"}
    assert {name: (few["split"] == name).sum() + lacking.get(name, 0) for name in tables.SPLITS} == {
        "train": 400,
        "validation": 75,
        "test": 75,
    }


def test_the_places_of_the_tfs_other_datasets_are_bound_too(peaks, others):
    pool, _ = other_tf_negatives.pool(others, np.random.default_rng(2))
    half = peaks.iloc[::2].reset_index(drop=True)
    both = [draw(half, "other_tf", unbound={"other_tf": pool}, bound=more, ratio=2)[0] for more in ([], [peaks])]
    assert [near(table, peaks).any() for table in both] == [True, False]


def test_the_nearest_gc_is_taken_where_the_other_tfs_have_no_such_sequence():
    mine = positives(["GGGGGAAAAA", "GGGGAAAAAA", "GTATATATAT"])
    rows = tables.sequences(
        id=list("abcd"),
        label=1,
        origin="x",
        split="train",
        sequence=["CCCCCTTTTA", "TTTTTTTTTC", "CCCCCCCCCC", "CCTTTTTTTT"],
    )
    table, tally = draw(mine, "other_tf", unbound={"other_tf": rows})
    assert sorted(table["origin"]) == ["a", "b", "d"]
    assert reasons(tally)["changed", "train: other_tf: GC 40-45 %: nearest GC taken"] == 1
    assert set(table["score"].isna()) == {True} and table["id"].str.startswith("d/other_tf").all()


def test_reads_of_other_tfs_keep_their_split_and_are_not_bound_here(reads):
    own = positives(texts(3, 20, 77))
    rows = [
        *(reads["sequence"][0], dna.reverse_complement_text(reads["sequence"][1])),
        dna.reverse_complement_text(own["sequence"][2]),
        *texts(3, 22, 5),
        *texts(300, 20, 6),
    ]
    split = np.resize(["train", "train", "train", "validation", "test"], len(rows))
    pool, _ = other_tf_negatives.pool(
        [positives(rows[:100], split[:100]), positives(rows[100:], split[100:])], np.random.default_rng(1)
    )
    table, tally = draw(reads, "other_tf", unbound={"other_tf": pool}, bound=[own])
    assert not set(table["sequence"].map(dna.canonical)) & {dna.canonical(s) for s in rows[:6]}
    assert sum(n for (_, r), n in reasons(tally).items() if "also bound by this TF" in r) == 3
    assert sum(n for (_, r), n in reasons(tally).items() if "would learn the length" in r) == 3
    assert (pool.set_index("sequence")["split"][table["sequence"]].to_numpy() == table["split"].to_numpy()).all()
    assert table["split"].value_counts().to_dict() == {"train": 80, "validation": 20, "test": 20}


def test_a_pool_holds_nothing_twice_and_keeps_the_test_row():
    first = positives(["AACCGGTTAC", "AAAAAAAAAC", "ACGTACGTAA"], ["train", "train", "test"])
    second = positives(["GTAACCGGTT", "AAAAAAAAAG", "TTACGTACGT"], ["test", "train", "validation"])
    pool, tally = other_tf_negatives.pool([first, second], np.random.default_rng(0))
    assert sorted(pool["split"]) == ["test", "test", "train", "train"] and set(pool["sequence"]) >= {
        "GTAACCGGTT",
        "ACGTACGTAA",
    }
    assert reasons(tally)["dropped", "bound by several other TFs: same sequence (either strand)"] == 2
    where = {"chrom": "chr1", "start": [100, 105], "end": [110, 115]}
    pool, tally = other_tf_negatives.pool(
        [positives(texts(2, 10), ["train", "test"], **where)], np.random.default_rng(0)
    )
    assert pool["split"].tolist() == ["test"] and tally.total("dropped") == 1


def test_other_libraries_that_collapsed_pass_their_reason_on(reads):
    empty = tables.empty(tables.SEQUENCES, "library collapsed")
    pool, _ = other_tf_negatives.pool([empty, empty], np.random.default_rng(0))
    table, _ = draw(reads, "other_tf", unbound={"other_tf": pool})
    assert table.empty and tables.note(table) == "other_tf: library collapsed"
    with pytest.raises(InputError, match="other_tf needs positives of other TFs of the same length for test"):
        draw(reads, "other_tf", unbound={"other_tf": positives(texts(50, 22))})


def test_without_gc_matching_genomic_windows_have_the_gc_of_the_genome(peaks, genome):
    rich = peaks[(peaks["split"] == "train") & (peaks["sequence"].map(gc) > 50)]
    mean = {
        match: draw(rich, "genomic", genome=genome, gc=match, ratio=3)[0]["sequence"].map(gc).mean()
        for match in (True, False)
    }
    tokens = np.concatenate([genome.tokens("chr1"), genome.tokens("chr2")])
    share = np.isin(tokens, (1, 2)).sum() / (tokens < 4).sum()
    assert mean[True] == pytest.approx(rich["sequence"].map(gc).mean())
    assert abs(mean[False] / 101 - share) < 0.05 < abs(mean[True] / 101 - share)


def test_unbound_rows_keep_their_split_and_the_ratio(reads):
    pool = positives(texts(400, 20, 1), np.repeat(["train", "validation", "test"], [250, 10, 140]))
    table, tally = draw(reads, "input", unbound={"input": pool}, ratio=2)
    assert table["split"].value_counts().to_dict() == {"train": 160, "test": 40, "validation": 10}
    assert reasons(tally)["short", "validation: input: fewer negatives than 2 per positive"] == 30
    assert set(table["sequence"]) <= set(pool["sequence"]) and table["sequence"].is_unique
    table, _ = draw(reads, "provided", unbound={"provided": pool})
    assert table["split"].value_counts().to_dict() == {"test": 140, "train": 80, "validation": 10}


def test_unbound_rows_that_are_positives_or_of_another_length_are_dropped(reads):
    known = [reads["sequence"][0], dna.reverse_complement_text(reads["sequence"][1]), reads["sequence"][119]]
    pool = positives([*known, *texts(3, 22, 5), *texts(80, 20, 6)])
    table, tally = draw(reads[reads["split"] == "train"], "input", unbound={"input": pool}, seed=1)
    assert reasons(tally)["dropped", "train: input: also a positive (either strand)"] == 2
    length = "train: input: not 20 bp like the positives: a model would learn the length"
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
    assert (
        "train rows: input needs cycle-0 reads for train; provided needs sequences labelled as" in error.value.faults[0]
    )
    assert "genomic needs a genome and coordinates" in error.value.faults[1]
    with pytest.raises(InputError, match="no kind shuffled; there are dinucleotide"):
        draw(reads, "shuffled")


def test_a_model_of_one_set_is_tested_against_another_where_the_config_asks(peaks, genome, tmp_path):
    """Composition learns the GC of windows that are not matched; against shuffles that is worth nothing."""
    rich = peaks[peaks["sequence"].map(gc) > 45].reset_index(drop=True)
    config = {"models": {"floor": {"kind": "composition"}}, "negatives": {"free": {}, "shuffles": {}}}
    config["statistics"] = {"resamples": 100, "level": 0.95, "block": 1000, "min_examples": 5}
    rows, tests, predictions = {}, {}, {}
    for name in ("one", "two"):
        rows[name] = {"dataset": name, "tf": "T", "assay": "chipseq", "cell": name}
        sets = {"free": draw(rich, "genomic", genome=genome, gc=False)[0], "shuffles": draw(rich, "dinucleotide")[0]}
        tests[name] = rich, sets
        for label, table in sets.items():
            baseline.fit("composition", {}, rich, table, 0, tmp_path / name / label)
    for name in rows:
        for label in config["negatives"]:
            predictions[name, label, "floor"] = predict.predict(tmp_path / name / label, tests)
    found = {}
    for asked in ("same", "all"):
        metrics, transfer, _ = evaluate.evaluate(
            "T", rows, predictions, tests, config | {"transfer": {"test_negatives": asked}}
        )
        assert len(transfer) == {"same": 4, "all": 8}[asked]
        own = metrics[(metrics["comparison"] == "same") & (metrics["metric"] == "auroc") & (metrics["source"] == "one")]
        own = own[own["seed"] == "ensemble"].set_index(["train_negatives", "test_negatives"])["value"]
        cross = transfer[transfer["source"] == "one"].set_index(["train_negatives", "test_negatives"])["cross"]
        assert cross.to_dict() == own.to_dict(), "the two datasets are the same"
        found[asked] = own.to_dict()
    assert set(found["same"]) == {("free", "free"), ("shuffles", "shuffles")}
    assert found["same"].items() <= found["all"].items() and len(found["all"]) == 4
    assert found["all"]["free", "free"] > 0.7
    assert found["all"]["free", "shuffles"] == found["all"]["shuffles", "shuffles"] == 0.5


SELEX = ["input", "provided", "dinucleotide", "pairs", "other_tf"]


def drawn(folder, kind, mine=("", ""), theirs=("", ""), named=True):
    """Both classes of a SELEX dataset whose reads have flanks, and those of the other TF others."""
    split = {"test_fraction": 0.2, "validation_fraction": 0.1}
    options = {"length": 101, "limit": None, "split": split, "rng": np.random.default_rng(0)}
    rows = {}
    for i, (name, (left, right)) in enumerate({"A": mine, "B": theirs}.items()):
        inserts = [f"{left}{insert}{right}" for insert in texts(2400, 20, 40 + i)]
        (folder / f"{name}.tsv").write_text("".join(f"{s}\t{int(n < 800)}\n" for n, s in enumerate(inserts[:1600])))
        (folder / f"{name}.fa").write_text("".join(f">r\n{insert}\n" for insert in inserts[:800]))
        (folder / f"{name}_0.fa").write_text("".join(f">r\n{insert}\n" for insert in inserts[1600:]))
        rows[name] = dict.fromkeys(schema("datasets")["properties"], "") | {"dataset": name, "assay": "htselex"}
        rows[name] |= {"format": "labelled", "path": str(folder / f"{name}.tsv")}
        rows[name] |= {"left_flank": left, "right_flank": right} if named else {}
    bound = {name: of_row.positives(row, **options)[0] for name, row in rows.items()}
    unbound = {"other_tf": other_tf_negatives.pool([bound["B"]], np.random.default_rng(0))[0]}
    unbound["provided"] = of_row.unbound(rows["A"], "provided", **options)[0]
    fasta = rows["A"] | {"format": "fasta", "path": str(folder / "A.fa"), "input_path": str(folder / "A_0.fa")}
    unbound["input"] = of_row.unbound(fasta, "input", **options)[0]
    return bound["A"], draw(bound["A"], kind, unbound=unbound)[0]


def profile(table):
    """Share of each base at each place, (20, 4)."""
    return (dna.encode(table["sequence"])[:, :, None] == np.arange(4)).mean(0)


@pytest.mark.parametrize("kind", SELEX)
def test_flanks_of_selex_reads_never_tell_the_class(tmp_path, kind):
    """Two ligands with flanks of their own, named in the sheet: both classes are inserts alone."""
    bound, table = drawn(tmp_path, kind, ("TGTCGT", "GACTGC"), ("CATGAC", "TTCGGA"))
    assert len(bound) == 800 and len(table) > 700
    assert set(bound["sequence"].str.len()) == set(table["sequence"].str.len()) == {20}
    assert np.abs(profile(bound) - profile(table)).max() < 0.1


@pytest.mark.parametrize("kind", SELEX)
def test_flanks_that_the_sheet_does_not_name_are_refused_where_they_tell_the_class(tmp_path, kind):
    flanks = ("TGTCGT", "GACTGC"), ("CATGAC", "TTCGGA")
    if kind in ("input", "provided"):  # the same ligand: the flanks are on both classes alike
        bound, table = drawn(tmp_path, kind, *flanks, named=False)
        assert bound["sequence"].str.startswith("TGTCGT").all() and table["sequence"].str.startswith("TGTCGT").all()
        return
    with pytest.raises(InputError) as error:
        drawn(tmp_path, kind, *flanks, named=False)
    left, right = error.value.faults
    assert "100% of the positive and" in left and "left end TGTCGT" in left and "name it as left_flank" in left
    assert "right end GACTGC" in right


@pytest.mark.parametrize("kind", negatives.NEGATIVES)
def test_a_misspelt_option_of_a_kind_is_refused(kind, reads):
    with pytest.raises(TypeError, match="'ratoi'"):
        negatives.NEGATIVES[kind](reads, np.random.default_rng(0), ratoi=10)


def in_folds(table):
    fold = table["chrom"].map({"chr1": 0, "chr2": 1, "chr3": 2, "chr4": 2})
    return table.assign(split=[f"fold{i}/3" for i in fold])


@pytest.mark.parametrize("kind", ["dinucleotide", "genomic", "flank"])
def test_negatives_have_the_folds_of_their_positives(kind, peaks, genome):
    peaks = in_folds(peaks)
    table, tally = draw(peaks, kind, genome=genome)
    assert len(table) > 60
    fold = peaks.drop_duplicates("chrom").set_index("chrom")["split"]
    assert (table["split"] == table["chrom"].map(fold)).all()
    kept = {reason: count for event, reason, count in tally.rows if event == "kept"}
    assert kept == table["split"].value_counts().to_dict()


def test_pools_serve_the_folds(reads):
    reads = reads.assign(split=[f"fold{i % 3}/3" for i in range(len(reads))])
    pool = positives(texts(300, 20, 9), [f"fold{i % 3}/3" for i in range(300)])
    for kind, given in (
        ("input", pool),
        ("provided", pool),
        ("other_tf", other_tf_negatives.pool([pool], np.random.default_rng(1))[0]),
    ):
        table, _ = draw(reads, kind, unbound={kind: given})
        assert table["split"].value_counts().to_dict() == reads["split"].value_counts().to_dict(), kind
        assert (given.set_index("sequence")["split"].reindex(table["sequence"]).array == table["split"].array).all()


def test_reads_of_other_tfs_train_beside_the_negatives_and_never_test():
    from tfbind.sequences import drawing

    def library(name, site, split, seed):
        rows = [text[:6] + site + text[6:14] if i % 2 else text for i, text in enumerate(texts(600, 20, seed))]
        table = positives([row[:20] for row in rows], split)
        return table.assign(id=[f"{name}/p{i}" for i in range(600)])

    split = np.repeat(["train", "validation", "test"], [400, 100, 100])
    mine, relative, stranger = (
        library(name, site, split, seed)
        for seed, (name, site) in enumerate([("d", "CACGTG"), ("relative", "CACGTG"), ("stranger", "GGAAGT")])
    )
    options = {"kinds": ["dinucleotide"], "ratio": 1, "fresh": False, "margin": 0, "distance": (0, 1), "gc": False}
    drawn = {}
    for also in ([], ["other_tf"]):
        row = {"dataset": "d", "assay": "htselex", "tf": "X", "format": "fastq"}
        row |= dict.fromkeys(("negative_names", "test_path", "input_path", "negatives_path", "test_negatives_path"), "")
        found = drawing.sets(
            *(row, {"x": options | {"also": also}}, mine),
            **{"sequence": {}, "split": {}, "seeds": 1},
            others={"x": [relative, stranger]} if also else {},
        )
        drawn[bool(also)] = next(found)[1:]
    (plain, _), (both, tally) = drawn[False], drawn[True]
    assert both.iloc[: len(plain)].equals(plain)
    more = both.iloc[len(plain) :]
    assert set(more["sequence"]) <= set(stranger["sequence"]) and both["id"].is_unique
    assert more["split"].value_counts().to_dict() == {"train": 400, "validation": 100}
    log = reasons(tally)
    assert log["dropped", next(r for e, r in log if r.startswith("relative: binds like this TF"))] == 600
    assert log["kept", "train, also other_tf"] == 400
    row |= {"dataset": "d", "assay": "htselex"}
    options |= {"also": ["dinucleotide"], "kinds": ["dinucleotide"]}
    _, table, tally = next(drawing.sets(row, {"x": options}, mine, sequence={}, split={}, seeds=1, others={}))
    assert table["id"].is_unique and not dna.canonicals(table["sequence"]).duplicated().any()
    assert (table["split"] == "train").sum() > 790 and (table["split"] == "test").sum() == 100
    assert reasons(tally)["kept", "train, also dinucleotide"] > 390
    alone = next(
        drawing.sets(
            row, {"x": options | {"also": ["other_tf"]}}, mine, sequence={}, split={}, seeds=1, others={"x": []}
        )
    )
    assert (alone[1]["split"] == "train").sum() == 400, "no other TF: the log says what is missing"
    short = [
        count for event, reason, count in alone[2].rows if event == "short" and reason.startswith("also: other_tf")
    ]
    assert sum(short) == 500
