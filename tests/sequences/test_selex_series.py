"""The cycles of a SELEX library: in order, swapped, of another library."""

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest

from tfbind import dna, motifs
from tfbind.io import sequence_files
from tfbind.io.tally import Tally
from tfbind.sequences import selex, selex_series
from tfbind.simulation import reads
from tfbind.simulation.energies import Energies


def library(site, seed=0, size=4000, cycles=(0, 1, 2, 3, 4), pool=60_000, enriched=(0.01, 0.02, 0.07, 0.25, 0.6)):
    """Distinct inserts of 20 bp: each cycle holds the site in the share `enriched`, and later ones share molecules."""
    rng = np.random.default_rng(seed)
    found = {}
    for cycle in cycles:
        # cycle 0 is of molecules that no later cycle has; the pool of a later one is smaller
        made = np.random.default_rng(1000 * seed + (cycle > 0))
        molecules = made.integers(0, 4, (pool, 20), dtype=np.uint8)
        starts = made.integers(0, 20 - len(site) + 1, pool)
        bound = np.arange(pool) % 2 == 0
        molecules[np.flatnonzero(bound)[:, None], starts[bound][:, None] + np.arange(len(site))] = dna.encode([site])[0]
        within = pool if cycle == 0 else pool // 2**cycle
        counts = rng.binomial(size, enriched[cycle])
        kept = [
            rng.choice(np.flatnonzero(which[:within]), n, replace=False)
            for which, n in ((bound, min(counts, within // 2)), (~bound, min(size - counts, within // 2)))
        ]
        found[cycle] = dna.decode(rng.permutation(molecules[np.concatenate(kept)]))
    return found


def swapped(series, one, two):
    """The series with two labels exchanged."""
    return series | {one: series[two], two: series[one]}


def said(series):
    """The verdict without the words and shares."""
    return selex_series.check(series).verdict.split(";")[0]


def test_a_right_series_is_in_order_and_its_words_are_those_of_the_site():
    series = library("TGACTCAT")
    found = selex_series.check(series)
    assert found.verdict.startswith("in order; ATGAGTCA and 9 more words in ")
    assert found.words[0] == dna.canonical("TGACTCAT") and len(set(found.words)) == 10
    for cycle, inserts in series.items():  # counted with plain strings, on the inserts that chose no word
        both = set(found.words) | {dna.reverse_complement_text(word) for word in found.words}
        rest = inserts[1::2]
        held = sum(any(word in insert for word in both) for insert in rest)
        assert found.shares[cycle] == pytest.approx(held / len(rest))


@pytest.mark.parametrize(("one", "two"), list(combinations(range(5), 2)))
def test_every_exchange_of_two_labels_is_named(one, two):
    assert said(swapped(library("TGACTCAT"), one, two)) == f"swapped: cycles {one} and {two}"


def test_another_order_is_told():
    series = library("TGACTCAT")
    turned = {0: series[0], 1: series[2], 2: series[3], 3: series[4], 4: series[1]}
    assert said(turned) == "swapped: the words rise in the order 0, 4, 1, 2, 3"


@pytest.mark.parametrize("cycles", [(0, 4), (1, 4), (3, 4), (0, 1, 3), (2, 3, 4)])
def test_some_cycles_are_enough_to_tell_a_swap(cycles):
    series = library("TGACTCAT", cycles=cycles)
    assert said(series) == "in order"
    one, two = cycles[0], cycles[-1]
    assert said(swapped(series, one, two)) == f"swapped: cycles {one} and {two}"


def test_a_cycle_of_another_tf_is_named_with_the_words_of_both():
    series, other = library("TGACTCAT"), library("CCGGAAGT", seed=7)
    for cycle in (3, 4):
        assert said(series | {cycle: other[cycle]}).startswith(f"another library: cycle {cycle}: each is rich in other")
    verdict = said({0: series[0], 3: series[3], 4: other[4]})  # nobody can say which of the two
    assert verdict.startswith("another library: cycles 3 and 4: ")
    assert "ATGAGTCA in cycle 3" in verdict and "ACTTCCGG in cycle 4" in verdict


def test_a_cycle_of_another_library_of_the_same_tf_lacks_the_inserts_of_its_neighbours():
    series, other = library("TGACTCAT"), library("TGACTCAT", seed=7)
    for cycle in (2, 3, 4):
        assert said(series | {cycle: other[cycle]}).startswith(f"another library: cycle {cycle}: it shares 0 inserts")


def test_inserts_of_another_length_are_of_another_library():
    series = library("TGACTCAT")
    series[2] = [insert[:14] for insert in series[2]]
    assert said(series).startswith("another library: cycle 2: inserts of 20 bp in cycle 0, 20 bp in cycle 1, 14 bp")


def test_a_file_under_two_labels_is_named():
    series = library("TGACTCAT")
    turned = [dna.reverse_complement_text(insert) for insert in series[3]]
    assert said(series | {4: turned}) == "the same reads: cycles 3 and 4 share 4000 inserts"


def test_without_selection_there_is_no_alarm():
    alarms = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        series = {cycle: dna.decode(rng.integers(0, 4, (2000, 20), dtype=np.uint8)) for cycle in range(5)}
        alarms += said(series) != "not selected: no words rise"
    assert alarms <= 1
    rich = dna.decode(np.random.default_rng(0).choice(4, (4000, 20), p=[0.1, 0.7, 0.1, 0.1]).astype(np.uint8))
    assert said({0: series[0], 4: rich}) == "not selected: composition explains the words that rise"


def test_one_cycle_alone_cannot_be_told():
    assert said({4: library("TGACTCAT")[4]}).startswith("cannot tell: only one cycle")
    assert said({}).startswith("cannot tell")
    assert said({0: [], 4: library("TGACTCAT")[4]}).startswith("cannot tell")


def test_two_cycles_of_two_tfs_are_named():
    one, other = library("CCACGTGG")[4], library("TGACTCAT", seed=1)[4]
    found = selex_series.check({1: one, 2: other}).verdict
    assert found.startswith("another library: cycles 1 and 2: each is rich in other words")


@pytest.mark.parametrize(
    ("cycles", "why"),
    [
        ({1: ["ACGTACGTAC"], 2: ["CCGTACGTAC"]}, "only one cycle has inserts"),
        ({1: ["ACGTACG", "CCCTACG"], 2: ["CCGTACG", "TTGTACG"]}, "inserts of 7 bp are shorter than the words of 8 bp"),
    ],
)
def test_what_is_too_little_is_said(cycles, why):
    assert selex_series.check(cycles).verdict.startswith(f"cannot tell: {why}")


def test_the_words_that_dinucleotides_explain_are_those_of_a_markov_chain():
    rng = np.random.default_rng(0)
    tokens = rng.choice(4, (500, 14), p=[0.4, 0.3, 0.2, 0.1]).astype(np.uint8)
    words = np.array([0, 27, 65535 - 27])
    pairs = np.ones((4, 4))
    for row in tokens:
        for a, b in pairwise(row):
            pairs[a, b] += 1
    expected = 0.0
    texts = {selex_series._text(word) for word in words}
    for text in texts | {dna.reverse_complement_text(text) for text in texts}:
        letters = dna.encode([text])[0]
        chance = pairs[letters[0]].sum() / pairs.sum()
        for a, b in pairwise(letters):
            chance *= pairs[a, b] / pairs[a].sum()
        expected += chance * (14 - 8 + 1)
    assert selex_series._by_dinucleotides(tokens, words) == pytest.approx(1 - np.exp(-expected))


def distinct(inserts, counts=None):
    """The inserts that a dataset has."""
    return selex.inserts(inserts, "", "", Tally(), counts)["sequence"].tolist()


@pytest.mark.parametrize("tf", ["CTCF", "GATA1", "MAX"])
def test_a_simulated_library(tf):
    rng = np.random.default_rng(0)
    series = {0: dna.decode(reads.library(15_000, 20, rng))}
    energies = Energies(motifs.of_tf(tf).take([0]), (tf,))
    series |= {cycle: distinct(dna.decode(tokens)) for cycle, tokens, _ in reads.htselex(energies, 15_000, rng)}
    assert said(series) == "in order"
    for one, two in combinations(series, 2):
        assert said(swapped(series, one, two)) == f"swapped: cycles {one} and {two}"


def real_series(folder):
    """TF -> cycle -> inserts of the real series; the FASTQ of ALX4 holds one read a line."""
    alx4 = {c: folder / "deepselex" / f"ALX4_TGTGTC20NGA_W_{c}.fastq.gz" for c in range(5)}
    yield "ALX4", {c: distinct(pd.read_csv(path, header=None, dtype=str)[0]) for c, path in alx4.items()}
    fastq = folder / "mubind"
    gata3 = {c: fastq / f"GATA3_TGTCGT20NGA_AC_{c}.fastq.gz" for c in (2, 3, 4)}
    gata3[0] = fastq / "ZeroCycle_ES0_TGTCGT20NGA_0.fastq.gz"
    gata4 = {c: fastq / f"GATA4_TAAAAT20NAAA_Y_{c}.fastq.gz" for c in (1, 2, 3, 4)}
    for tf, paths in (("GATA3", gata3), ("GATA4", gata4)):
        yield tf, {c: distinct(sequence_files.read_fastq(path)["sequence"]) for c, path in paths.items()}
    table = sequence_files.read_counts(fastq / "countTable.0.CTCF_ESAJ_TAGCGA20NGCT.tsv.gz")
    there = {c: table[c] > 0 for c in range(5)}
    yield "CTCF", {c: distinct(table["sequence"][some], table[c][some].to_numpy()) for c, some in there.items()}


def test_real_series_pass_and_their_swaps_are_found(real):
    words = {"ALX4": "TAATTAGA", "GATA3": "AGATAAGA", "GATA4": "AGATAAGA", "CTCF": "CCACTAGG"}
    found = dict(real_series(real / "selex"))
    for tf, series in found.items():
        assert selex_series.check(series).verdict.startswith(f"in order; {words[tf]} and 9 more"), tf
        for one, two in pairwise(sorted(series)):
            assert said(swapped(series, one, two)) == f"swapped: cycles {one} and {two}", tf
    for one, two in (("GATA3", "CTCF"), ("GATA4", "GATA3"), ("CTCF", "ALX4")):
        for cycle in (3, 4):
            verdict = said(found[one] | {cycle: found[two][cycle]})
            assert verdict.startswith(f"another library: cycle {cycle}: "), (one, two, cycle)
