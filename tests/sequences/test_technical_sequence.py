"""Technical sequence in SELEX reads, simulated with a known truth, and the real libraries, which have none."""

import numpy as np
import pandas as pd
import pytest

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import sequence_files, tables
from tfbind.io.tally import Tally
from tfbind.kernels import shuffle
from tfbind.sequences import negatives, selex, technical_sequence

EVEN = (0.25, 0.25, 0.25, 0.25)
ADAPTOR = "AGATCGGAAGAGCACACGTC"


def column(tokens):
    return pd.Series(dna.decode(tokens, np.full(len(tokens), tokens.shape[1])), dtype="str")


def told(bound, unbound):
    return list(technical_sequence.told_apart(column(bound), column(unbound)))


def random(rng, n, size, bases=EVEN):
    return rng.choice(4, (n, size), p=bases).astype(np.uint8)


def selected(rng, n, size, share=0.4, motif="CACGTG", bases=EVEN):
    """Inserts of which a share holds a motif, anywhere and on either strand."""
    inserts, motif = random(rng, n, size, bases), dna.encode([motif])
    for row in np.flatnonzero(rng.random(n) < share):
        start = rng.integers(size - motif.shape[1] + 1)
        site = motif if rng.random() < 0.5 else dna.reverse_complement(motif)
        inserts[row, start : start + motif.shape[1]] = site
    return inserts


def barcodes(rng, count, size, others=()):
    """Random barcodes that are none of the others, nor begin or end with the same four bases."""
    found = []
    while len(found) < count:
        word = "".join(rng.choice(list("ACGT"), size))
        if all(word[:4] != x[:4] and word[-4:] != x[-4:] for x in (*found, *others)):
            found.append(word)
    return found


def joined(rng, inserts, words, at="left"):
    """Each insert behind (or before) one of the words."""
    chosen = dna.encode([words[i] for i in rng.integers(len(words), size=len(inserts))])
    return np.concatenate([chosen, inserts] if at == "left" else [inserts, chosen], 1)


def cut(rng, inserts, before, size, behind=ADAPTOR):
    """Reads of one size: so many random bases, a word and an insert, or an insert of some length and the adaptor."""
    rows = []
    for insert in dna.decode(inserts):
        start, word, length = before(rng)
        rows.append(("".join(rng.choice(list("ACGT"), start)) + word + insert[:length] + behind)[:size])
    tokens = dna.encode(rows, size)
    missing = tokens == dna.UNKNOWN
    tokens[missing] = rng.integers(4, size=missing.sum())
    return tokens


def both_strands(rng, inserts):
    turned = dna.reverse_complement(inserts)
    return np.where(rng.random(len(inserts))[:, None] < 0.5, inserts, turned)


def words_of(sentence):
    return {word for word in sentence.replace(",", " ").split() if set(word) <= set("ACGT")}


@pytest.mark.parametrize("n", [400, 1500])
@pytest.mark.parametrize("share", [0, 0.4, 0.9])
def test_sample_barcodes_before_a_constant_flank(rng, n, share):
    """The inputs of the case: four barcodes of their own in each class, TGATCC and GGATTA in both."""
    mine = barcodes(rng, 4, 4)
    theirs = barcodes(rng, 4, 4, mine)
    made = [
        joined(rng, joined(rng, joined(rng, inserts, ["TGATCC"]), words), ["GGATTA"], "right")
        for inserts, words in ((selected(rng, n, 20, share), mine), (random(rng, n, 20), theirs))
    ]
    (sentence,) = told(*made)
    assert sentence.startswith("bases 1 to 4 of the 36 bp") and "TGATCC behind them is constant in both" in sentence
    assert {*mine, *theirs} <= words_of(sentence)
    assert "in all 100% of the positive and 0% of the negative reads" in sentence
    assert "demultiplex" in sentence and "left_flank NNNNTGATCC in the sheet" in sentence
    tally = Tally()
    trimmed = [selex.inserts(column(part), "NNNNTGATCC", "GGATTA", tally)["sequence"] for part in made]
    assert [len(x) for x in trimmed[0]] == [20] * len(trimmed[0]) and not list(technical_sequence.told_apart(*trimmed))


@pytest.mark.parametrize("only", ["both", "bound", "unbound"])
@pytest.mark.parametrize("end", ["left", "right"])
@pytest.mark.parametrize(("count", "size", "n"), [(2, 4, 400), (4, 4, 400), (8, 6, 1500), (24, 6, 1500), (96, 8, 3000)])
def test_sets_of_barcodes_at_an_end(rng, count, size, n, end, only):
    mine = barcodes(rng, count, size) if count < 96 else ["".join(x) for x in rng.choice(list("ACGT"), (96, size))]
    theirs = ["".join(x) for x in rng.choice(list("ACGT"), (count, size))]
    bound = joined(rng, selected(rng, n, 20), mine, end) if only != "unbound" else selected(rng, n, 20 + size)
    unbound = joined(rng, random(rng, n, 20), theirs, end) if only != "bound" else random(rng, n, 20 + size)
    (sentence, *_) = told(bound, unbound)
    first, last = (int(word) for word in sentence.split()[1:4:2])
    assert last <= size + 2 if end == "left" else first > 18


def test_half_of_a_class_with_barcodes(rng):
    bound = joined(rng, selected(rng, 3000, 20), barcodes(rng, 4, 4))
    bound[::2] = selected(rng, 1500, 24)
    (sentence,) = told(rng.permutation(bound), random(rng, 3000, 24))
    assert sentence.startswith("base")


@pytest.mark.parametrize("inserts", [(20, 24), (18, 19, 20, 21, 22), (16,)])
def test_reads_that_run_into_the_adaptor(rng, inserts):
    """One class with inserts of other lengths, sequenced into the adaptor."""
    bound = cut(rng, selected(rng, 1500, 24), lambda rng: (0, "", rng.choice(inserts)), 30)
    for unbound in (cut(rng, random(rng, 1500, 24), lambda rng: (0, "", 24), 30), random(rng, 1500, 30)):
        sentences = told(bound, unbound)
        assert any("GATC" in word or word in ADAPTOR for x in sentences for word in words_of(x)), sentences
        assert "adaptor" in sentences[0]
    same = cut(rng, random(rng, 1500, 24), lambda rng: (0, "", rng.choice(inserts)), 30)
    assert not told(bound, same)


@pytest.mark.parametrize("places", [6, 18])
def test_a_constant_stretch_at_changing_places(rng, places):
    bound = cut(rng, selected(rng, 1500, 20), lambda rng: (rng.integers(places), "TGATCC", 20), 26 + places, "")
    (sentence, *_) = told(bound, random(rng, 1500, 26 + places))
    assert any(word in "TGATCC" or "GATC" in word for word in words_of(sentence))
    other = cut(rng, random(rng, 1500, 20), lambda rng: (rng.integers(places), "TGATCC", 20), 26 + places, "")
    assert not told(bound, other), "in both classes it tells nothing"


def test_a_barcode_inside_the_reads_of_one_class(rng):
    words = barcodes(rng, 4, 4)
    bound = selected(rng, 1500, 20)
    bound[:, 8:12] = dna.encode([words[i] for i in rng.integers(4, size=1500)])
    (sentence,) = told(bound, random(rng, 1500, 20))
    assert "without any binding" in sentence and words_of(sentence) & set(words)


@pytest.mark.parametrize("word", ["A", "AC", "ACG"])
def test_a_single_base_or_two_of_other_primers(rng, word):
    bound = joined(rng, selected(rng, 400, 20), [word])
    (sentence,) = told(bound, joined(rng, random(rng, 400, 20), ["T" * len(word)]))
    assert sentence.startswith("base")


def test_barcodes_on_reads_of_both_strands(rng):
    made = []
    for inserts, words in (
        (selected(rng, 1500, 20), ["TGATCCA", "ACTTGAC"]),
        (random(rng, 1500, 20), ["GGCATAG", "CATCGTT"]),
    ):
        made.append(both_strands(rng, joined(rng, inserts, words)))
    assert len(told(*made)) == 2, "the left end and its image at the right one"
    bound = joined(rng, selected(rng, 1500, 20), ["TGATCCA", "ACTTGAC"])
    bound = np.concatenate([bound, dna.reverse_complement(bound)[:, -7:]], 1)
    assert len(told(bound, random(rng, 1500, 34))) == 2


MOTIFS = ("CACGTG", "GATAAG", "TTCCGGAAGT", "ATGACTCATC", "CCACCAGGGGGC")


@pytest.mark.parametrize("n", [200, 1500])
@pytest.mark.parametrize("bases", [EVEN, (0.4, 0.1, 0.1, 0.4), (0.05, 0.45, 0.45, 0.05), (0.6, 0.1, 0.1, 0.2)])
@pytest.mark.parametrize("size", [14, 20, 30])
def test_no_strength_of_selection_is_technical(rng, size, bases, n):
    for motif in MOTIFS:
        for share in (0.4, 0.9, 1):
            bound = np.unique(selected(rng, n, size, share, motif, bases), axis=0)
            unbound = np.unique(random(rng, n, size, bases), axis=0)
            assert not told(rng.permutation(bound), rng.permutation(unbound)), (motif, share)
            shuffled = shuffle.dinucleotide(bound, np.full(len(bound), size), np.arange(len(bound), dtype=np.uint64))
            assert not told(bound, shuffled), (motif, share, "shuffles")


def test_a_flank_that_completes_the_site_prefers_one_end(rng):
    """A third of the sites at one end on one strand, graded, the others anywhere: PAX5 and GATA4 do so."""
    bound = selected(rng, 3000, 20, 0.5, "AAGCGTGAC")
    for row in np.flatnonzero(rng.random(3000) < 0.25):
        bound[row, 14:] = dna.encode(["AAGCGT"])
        bound[row, 14 + rng.integers(6)] = rng.integers(4)
    assert not told(bound, random(rng, 3000, 20))


def test_the_head_of_a_sorted_file(rng):
    """Nothing but the first base tells such reads apart, and it is named."""
    bound, rest = selected(rng, 1000, 20), random(rng, 4000, 20)
    unbound = rest[np.lexsort(rest.T[::-1])][:1000]
    (sentence,) = told(bound, unbound)
    assert sentence.startswith("base") and any(word.startswith("A") for word in words_of(sentence))


def test_repeats_and_few_reads(rng):
    repeats = dna.encode([("CA" * 12)[i % 2 :][:20] for i in range(600)])
    rows = repeats.copy()
    rows[np.arange(600)[:, None], rng.integers(20, size=(600, 4))] = rng.integers(4, size=(600, 4))
    assert not told(rows[:300], rows[300:])
    assert not told(joined(rng, random(rng, 19, 20), ["TGATCC"]), random(rng, 500, 26))
    assert not list(technical_sequence.told_apart(pd.Series([], dtype="str"), pd.Series([], dtype="str")))
    with_n = column(random(rng, 300, 20)).str.slice_replace(3, 4, "N")
    assert not list(technical_sequence.told_apart(with_n, column(random(rng, 300, 20))))


def table(sequences, label=1, split="train"):
    ids = [f"d/{label}{i}" for i in range(len(sequences))]
    return tables.sequences(id=ids, sequence=sequences.to_numpy(), label=label, split=split, origin="r")


def test_negatives_refuse_reads_that_technical_sequence_tells_apart(rng):
    bound = table(column(joined(rng, selected(rng, 600, 20), ["CCAT", "GGTA", "ACGT"])))
    pool = table(column(joined(rng, random(rng, 600, 20), ["TTGA", "CAGC", "GTGT"])), 0)
    options = {"unbound": {"input": pool}, "reads": True}
    for kind in ("input", "dinucleotide"):
        with pytest.raises(InputError, match="d: bases 1 to 4 of the 24 bp separate positive from negative reads"):
            negatives.draw("d", bound, [kind], np.random.default_rng(0), **options)
    inside = bound.assign(sequence=bound["sequence"].str[4:])
    pool = pool.assign(sequence=pool["sequence"].str[4:])
    made, _ = negatives.draw("d", inside, ["input"], np.random.default_rng(0), **options | {"unbound": {"input": pool}})
    assert len(made) == 600


@pytest.mark.parametrize("lengths", [(30, 20), (20, 30)])
def test_negatives_refuse_classes_that_the_length_tells_apart(rng, lengths):
    parts = [
        table(column(random(rng, 100, size)), label, split)
        for split, sizes in (("train", (20, 20)), ("test", lengths))
        for label, size in zip((1, 0), sizes, strict=True)
    ]
    bound, pool = pd.concat(parts[::2], ignore_index=True), pd.concat(parts[1::2], ignore_index=True)
    with pytest.raises(InputError, match=rf"positives' length \({lengths[0]} bp\) is left for test"):
        negatives.draw("d", bound, ["provided"], np.random.default_rng(0), unbound={"provided": pool})


@pytest.mark.parametrize(("mine", "theirs"), [((50, 101), (50, 101)), ((50, 101), (30, 80)), ((60, 62), (50, 72))])
def test_lengths_that_vary_in_both_classes(rng, mine, theirs):
    def varied(span, label):
        texts = zip(column(random(rng, 200, 100)), rng.integers(*span, 200), strict=True)
        return table(pd.Series([text[:n] for text, n in texts], dtype="str"), label)

    arguments = "d", varied(mine, 1), ["provided"], np.random.default_rng(0)
    unbound = {"provided": varied(theirs, 0)}
    if mine == theirs:
        assert len(negatives.draw(*arguments, unbound=unbound)[0]) == 200
        return
    with pytest.raises(
        InputError, match=f"d: the length of the train rows separates .*: positives {mine[0]} to {mine[1] - 1}"
    ):
        negatives.draw(*arguments, unbound=unbound)


def test_real_libraries_have_none(real):
    """Every HT-SELEX library of the public data against cycle 0, its own shuffles and another TF's reads."""
    folder, libraries = real / "selex", {}

    def inserts(sequences, counts=None):
        column = pd.Series(list(sequences), dtype="str")
        found = selex.inserts(column, "", "", Tally(), counts)["sequence"]
        return found[:: max(1, len(found) // 20_000)]  # some files are sorted

    for path in sorted((folder / "nrlb").glob("*.gz")):
        labelled = sequence_files.read_labelled(path)
        libraries[path.name] = [inserts(labelled["sequence"][labelled["label"] == label]) for label in (1, 0)]
    name = "mubind/GATA{}_{}.fastq.gz"
    files = {
        3: (
            ["TGTCGT20NGA_AC_2", "TGTCGT20NGA_AC_3", "TGTCGT20NGA_AC_4"],
            "mubind/ZeroCycle_ES0_TGTCGT20NGA_0.fastq.gz",
        ),
        4: ([f"TAAAAT20NAAA_Y_{i}" for i in (2, 3, 4)], name.format(4, "TAAAAT20NAAA_Y_1")),
    }
    for number, (cycles, initial) in files.items():
        unselected = inserts(sequence_files.read_fastq(folder / initial)["sequence"])
        for cycle in cycles:
            selected = sequence_files.read_fastq(folder / name.format(number, cycle))["sequence"]
            libraries[cycle] = [inserts(selected), unselected]
    counts = sequence_files.read_counts(folder / "mubind" / "countTable.0.CTCF_ESAJ_TAGCGA20NGCT.tsv.gz")
    cycles = [inserts(counts["sequence"][counts[i] > 0], counts[i][counts[i] > 0].to_numpy()) for i in range(5)]
    libraries |= {f"CTCF {i}": [cycles[i], cycles[0]] for i in range(1, 5)}
    series = []
    for i in range(5):  # one sequence a line
        lines = pd.read_csv(folder / f"deepselex/ALX4_TGTGTC20NGA_W_{i}.fastq.gz", header=None)[0]
        series.append(inserts(line.strip() for line in lines))
    libraries |= {f"ALX4 {i}": [series[i], series[0]] for i in range(1, 5)}
    assert len(libraries) > 55
    largest = 0.0
    for library, (bound, unbound) in libraries.items():
        tokens = dna.encode(bound)
        size = np.full(len(tokens), tokens.shape[1])
        shuffled = shuffle.dinucleotide(tokens, size, np.arange(len(tokens), dtype=np.uint64))
        for other in (unbound, column(shuffled), cycles[4]):
            if other is bound or len(other[0]) != len(bound[0]):
                continue
            found = technical_sequence.strongest(bound, other)
            assert found < 0.8 * technical_sequence.LEAST, library
            largest = max(largest, found)
    assert largest > 0.2, "the margin that the docs give"
