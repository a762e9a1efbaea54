import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from tfbind import dna
from tfbind.io import columns, tables
from tfbind.io.tally import Tally
from tfbind.sequences import negatives, selex
from tfbind.statistics import bootstrap
from tfbind.transfer import evaluate, library_qc


def slow_enrichment(positives, negatives, k):
    def holders(sequences):
        held = {}
        for sequence in sequences:
            windows = (sequence[i : i + k] for i in range(len(sequence) - k + 1))
            for kmer in {dna.canonical(w) for w in windows if set(w) <= set("ACGT")}:
                held[kmer] = held.get(kmer, 0) + 1
        return held

    inside, outside = holders(positives), holders(negatives)
    return {
        kmer: (n + 0.5) / (len(positives) + 1) * (len(negatives) + 1) / (outside.get(kmer, 0) + 0.5)
        for kmer, n in inside.items()
    }


def random_sequences(rng, n, length=20, letters="ACGT", p=None):
    return ["".join(row) for row in rng.choice(list(letters), size=(n, length), p=p)]


@pytest.mark.parametrize("k", [5, 6])
def test_enrichment_finds_a_planted_site_on_either_strand(k):
    rng = np.random.default_rng(0)
    negatives = [*random_sequences(rng, 300), "ACG", "N" * 20]
    positives = random_sequences(rng, 300)
    for i in range(100):
        site = "TGACTCA"[:k] if i % 2 else dna.reverse_complement_text("TGACTCA"[:k])
        positives[i] = positives[i][:7] + site + positives[i][7 + k :]
    kmer, ratio, p_value = library_qc.enrichment(positives, negatives, k)
    assert kmer == dna.canonical("TGACTCA"[:k])
    assert ratio == pytest.approx(slow_enrichment(positives, negatives, k)[kmer])
    assert p_value < 1e-10


def test_enrichment_p_is_fishers_with_bonferroni():
    inside, outside = ["AAAAAA"] * 8 + ["ACACAC"] * 2, ["AAAAAA"] * 1 + ["ACACAC"] * 11
    kmer, _, p_value = library_qc.enrichment(inside, outside, 6)
    exact = stats.fisher_exact([[8, 2], [1, 11]], alternative="greater").pvalue
    assert min(1, exact * 2080) > library_qc.KMER_LEVEL and kmer == ""
    assert p_value == pytest.approx(min(1, exact * 2080))
    kmer, _, p_value = library_qc.enrichment(inside * 5, outside * 5, 6)
    exact = stats.fisher_exact([[40, 10], [5, 55]], alternative="greater").pvalue
    assert kmer == "AAAAAA" and p_value == pytest.approx(exact * 2080)


def test_enrichment_of_two_random_sets_is_none():
    rng = np.random.default_rng(1)
    found = [library_qc.enrichment(random_sequences(rng, 200), random_sequences(rng, 200))[0] for _ in range(20)]
    assert found == [""] * 20
    kmer, ratio, p_value = library_qc.enrichment([], ["ACGTACGT"])
    assert kmer == "" and np.isnan([ratio, p_value]).all()


MODELS = {
    "deepbind": {"kind": "deepbind"},
    "bilstm": {"kind": "bilstm"},
    "composition": {"kind": "composition"},
}


def own(model, value, low=None, high=None, negatives="shuffled", **more):
    return dict.fromkeys(columns.METRIC_COLUMNS) | {
        "source": "d",
        "target": "d",
        "comparison": "same",
        "train_negatives": negatives,
        "test_negatives": negatives,
        "model": model,
        "seed": "ensemble",
        "metric": "auroc",
        "value": value,
        "low": value - 0.01 if low is None and value is not None else low,
        "high": value + 0.01 if high is None and value is not None else high,
        **more,
    }


CONTENT = {"kmer": "CACGTG", "enrichment": 50.0, "motif": "MA0093.4", "motif_auroc": 0.9}
COUNTS = {"n_positive": 50, "n_negative": 60}


def library(*metrics, tf="USF1", assay="htselex", models=MODELS, series="", **content):
    rows = {"d": {"dataset": "d", "tf": tf, "assay": assay, "cycle": "4"}}
    tally = Tally()
    tally.add("read", "records", 100)
    tally.add("dropped", "N", 3)
    tally.add("dropped", "PCR jackpot or a copy with one error: ACGT 4 reads", 4)
    frame = pd.DataFrame(metrics, columns=columns.METRIC_COLUMNS)
    lines = library_qc.judge(
        rows, {"d": tally.frame()}, {"d": COUNTS | CONTENT | content}, frame, models, {"d": series}
    )
    assert list(lines) == library_qc.COLUMNS
    return lines.iloc[0]


def test_a_library_is_judged_by_its_best_model_above_composition():
    line = library(own("deepbind", 0.9), own("bilstm", 0.95), own("composition", 0.5))
    assert (line["model"], line["auroc"], line["floor"]) == ("bilstm", 0.95, 0.5)
    assert (line["n_read"], line["n_dropped"], line["n_positive"], line["n_negative"]) == (100, 7, 50, 60)
    assert line["verdict"].startswith("good: USF1: 90%") and "CACGTG (50.0 times)" in line["verdict"]


@pytest.mark.parametrize(
    "metrics, word",
    [
        ([own("deepbind", 0.61), own("composition", 0.60)], "poor: USF1: little beyond composition was learnt (0.61,"),
        ([own("deepbind", 0.80, low=0.55), own("composition", 0.60)], "cannot tell: USF1: too few held-out rows"),
        ([own("deepbind", 0.80, low=np.nan), own("composition", 0.60)], "cannot tell: USF1: too few"),
        ([own("deepbind", 0.75), own("composition", 0.60)], "weak: USF1: 38%"),
        ([own("deepbind", 0.75), own("composition", 0.30)], "good: USF1: 50%"),  # a floor below chance is chance
        ([own("deepbind", 0.98), own("composition", 0.91)], "good"),  # a high floor is no fault in itself
        ([own("deepbind", 0.98)], "cannot tell: USF1: 0.98, without a composition model"),
        ([own("deepbind", None, note="12 test positives")], "cannot tell: USF1: 12 test positives"),
        ([], "cannot tell: USF1: no model was scored"),
    ],
)
def test_verdict_on_a_library(metrics, word):
    assert library(*metrics)["verdict"].startswith(word)


def test_a_library_reads_its_own_ensemble_rows_only():
    line = library(
        own("deepbind", 0.7),
        own("composition", 0.6),
        own("deepbind", 0.99, seed="1"),
        own("deepbind", 0.99, metric="auprc"),
        own("deepbind", 0.99, source="e"),
        own("deepbind", 0.99, target="e", comparison="cross"),
        own("deepbind", 0.99, test_negatives="genomic"),
        own("deepbind", 0.99, negatives="genomic"),  # a later set of negatives
        kmer="",
        enrichment=np.nan,
    )
    assert line["auroc"] == 0.7 and "no k-mer is enriched" in line["verdict"]


def composition_and_kmers(frame, rng):
    """Held-out logits of composition and of canonical k-mers, by logistic regression."""

    def words(*sizes):
        return lambda s: [dna.canonical(s[i : i + k]) for k in sizes for i in range(len(s) - k + 1)]

    train = np.arange(len(frame)) < 0.75 * len(frame)
    for name, sizes, strength in (("composition", (1, 2), 1), ("deepbind", (4, 5, 6), 0.02)):
        counts = CountVectorizer(analyzer=words(*sizes), dtype=float).fit_transform(frame["sequence"])
        fitted = LogisticRegression(C=strength, max_iter=300).fit(counts[train], frame["label"][train])
        labels = frame["label"].to_numpy()[~train]
        draws = bootstrap.draw(labels, np.arange(len(labels)), 200, rng)
        model = bootstrap.replicate(fitted.decision_function(counts[~train])[None], draws)
        yield own(name, model.value[0], *bootstrap.metric_interval(model, 0, 0.95))


def test_the_own_motif_is_missed_where_it_is_missing():
    good, weak = own("deepbind", 0.95), own("deepbind", 0.65)
    floor = own("composition", 0.5)
    assert library(good, floor, motif_auroc=0.52)["verdict"].startswith("weak: USF1: positives and negatives are")
    assert library(weak, floor, motif_auroc=0.52)["verdict"].startswith("poor")
    assert library(weak, floor, motif="", motif_auroc=np.nan)["verdict"].startswith("weak: USF1: 30%")


def test_own_motif_alone():
    rng = np.random.default_rng(0)
    reads = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(400)]
    bound = [read[:10] + "GTCACGTGAC" + read[20:] for read in reads[:200]]
    name, value = library_qc.own_motif("usf1", bound, reads[200:])
    assert name.startswith("MA0093") and value > 0.95
    assert library_qc.own_motif("usf1", reads[:200], reads[200:])[1] < evaluate.MOTIF_PRESENT
    assert library_qc.own_motif("no such TF", bound, reads)[0] == ""
    assert library_qc.own_motif("USF1", [], reads)[0] == ""


def selected(rng, n, share, site="GTCACGTGAC", length=20):
    """Inserts of which a share holds a site on either strand."""
    tokens = rng.integers(0, 4, (n, length)).astype(np.uint8)
    for row in np.flatnonzero(rng.random(n) < share):
        at = rng.integers(0, length - len(site) + 1)
        tokens[row, at : at + len(site)] = dna.encode([site])[0]
    return pd.Series(dna.decode(tokens), dtype="str")


def drifted(rng, n, length=20):
    """Inserts without a site, rich in C and in runs of it, as PCR may leave them."""
    tokens = np.empty((n, length), np.uint8)
    tokens[:, 0] = rng.integers(0, 4, n)
    steps = np.cumsum([[0.28, 0.3, 0.2, 0.22], [0.15, 0.5, 0.15, 0.2], [0.25, 0.3, 0.2, 0.25], [0.2, 0.4, 0.2, 0.2]], 1)
    for i in range(1, length):
        tokens[:, i] = (rng.random(n)[:, None] > steps[tokens[:, i - 1]]).sum(1)
    return pd.Series(dna.decode(tokens), dtype="str")


def test_a_consensus_is_what_composition_does_not_explain(rng):
    initial = selected(rng, 6000, 0)
    kmer, excess, held = library_qc.consensus(selected(rng, 6000, 0.1), initial)
    assert kmer in dna.canonical("GTCACGTGAC") and excess > 10 and 0.08 < held < 0.12
    assert library_qc.consensus(selected(rng, 6000, 0), initial)[0] == ""
    rich = drifted(rng, 6000)
    top = library_qc.enrichment(list(rich), list(initial))[0]  # k-mers are enriched, but no site is
    assert "CCC" in top or "GGG" in top
    assert library_qc.consensus(rich, initial)[0] == ""
    assert library_qc.consensus(initial[:0], initial)[0] == ""


def test_the_excess_of_a_consensus_is_over_shuffles(rng):
    inside = selected(rng, 3000, 0)
    inside[:300] = "ACGTTGCA" + inside[:300].str.slice(8)
    kmer, excess, held = library_qc.consensus(inside, selected(rng, 3000, 0))
    assert kmer == dna.canonical("ACGTTGCA")
    assert held == sum(kmer in s or kmer in dna.reverse_complement_text(s) for s in inside) / 3000
    shuffled, _ = negatives.dinucleotide(
        tables.sequences(id=map(str, inside.index), sequence=inside, label=1, origin=""), rng
    )
    by_chance = sum(kmer in s or kmer in dna.reverse_complement_text(s) for s in shuffled["sequence"]) / 3000
    assert excess == pytest.approx(held / by_chance, rel=0.5)


def test_entropy_of_a_library():
    kmers = ["".join(dna.ALPHABET[code // 4**i % 4] for i in range(3)) for code in range(64)]
    assert library_qc.entropy(kmers, 3) == pytest.approx(5)  # 32 strand-blind 3-mers, all alike
    assert library_qc.entropy(["AAAAAA"] * 9, 3) == 0 and np.isnan(library_qc.entropy(["AC"], 3))
    rng = np.random.default_rng(0)
    initial, site = selected(rng, 4000, 0), selected(rng, 4000, 0.5)
    assert library_qc.entropy(site) < library_qc.entropy(initial) - 0.3 > 10


def test_the_content_of_a_library_fills_its_columns(rng):
    row = {"tf": "USF1", "assay": "htselex"}
    found = library_qc.content(row, selected(rng, 3000, 0.3), selected(rng, 2000, 0))
    assert set(found) <= set(library_qc.COLUMNS) and (found["n_positive"], found["n_negative"]) == (3000, 2000)
    assert found["consensus"] and found["motif_auroc"] > 0.6
    assert "consensus" not in library_qc.content(row | {"assay": "chipseq"}, *[selected(rng, 300, 0)] * 2)


def test_verdicts_name_what_a_selex_library_shows():
    learnt = own("deepbind", 0.9), own("composition", 0.5)
    line = library(*learnt, consensus="TCACGTGA", excess=40.0, held=0.123)
    assert "; its consensus is TCACGTGA (40.0 times, in 12.3% of the inserts)" in line["verdict"]
    nothing = own("deepbind", 0.56), own("composition", 0.54)
    without = {"tf": "GABPA", "kmer": "CCCCCC", "consensus": "", "excess": np.nan, "held": np.nan}
    line = library(*nothing, **without)
    assert line["verdict"].startswith(
        "poor: GABPA: no enriched k-mer; a model trained on this learns composition (0.56, floor 0.54)"
    )
    assert "CCCCCC (50.0 times), which its composition explains" in line["verdict"]
    line = library(*nothing, assay="chipseq")
    assert "its most enriched k-mer is CACGTG (50.0 times)" in line["verdict"] and pd.isna(line["n_jackpot"])


def test_jackpots_of_a_library_are_counted_and_named_where_there_are_many():
    line = library(own("deepbind", 0.9), own("composition", 0.5))
    assert line["n_jackpot"] == 4 and "; PCR jackpots are 4% of the reads" in line["verdict"]


def test_a_library_with_a_jackpot_from_its_reads_to_its_verdict(rng):
    """What the reads of one molecule, copied and misread, would have passed for is left out."""
    good = selected(rng, 3000, 0)
    lucky = "CCGATTTGACCAGGTTACTG"
    errors = [lucky[:i] + base + lucky[i + 1 :] for i in range(20) for base in "ACGT"]
    sequences = pd.concat([good, pd.Series([lucky] * 900 + errors)])
    found = {}
    for jackpots in ("remove", "keep"):
        tally = Tally()
        inserts = selex.inserts(sequences, "", "", tally, jackpots=jackpots)["sequence"]
        found[jackpots] = library_qc.consensus(inserts, selected(rng, 3000, 0))[0]
    assert found["keep"] in lucky + dna.reverse_complement_text(lucky) and found["keep"] and found["remove"] == ""


@pytest.mark.parametrize("tf, verdict", [("GABPA", "poor"), ("ZNF143", "poor"), ("USF1", "good")])
def test_real_selex_libraries(real, tf, verdict):
    path = real / "selex" / "nrlb" / f"{tf}_R0_vs_R4.tsv.gz"
    frame = pd.read_csv(path, sep="\t", names=["sequence", "label"])
    frame = frame[frame["sequence"].str.fullmatch("[ACGT]+")].drop_duplicates("sequence")
    frame = frame.sample(10_000, random_state=0).reset_index(drop=True)
    bound, initial = (frame["sequence"][frame["label"] == label].reset_index(drop=True) for label in (1, 0))
    found = library_qc.content({"tf": tf, "assay": "htselex"}, bound, initial)
    line = library(*composition_and_kmers(frame, np.random.default_rng(0)), tf=tf, **found)
    assert (line["motif_auroc"] > evaluate.MOTIF_PRESENT) == (tf == "USF1")
    assert line["verdict"].startswith(f"{verdict}: {tf}: "), line["verdict"]
    assert (line["kmer"] == "CACGTG") == (tf == "USF1")
    if tf != "USF1":
        assert line["kmer"].count("C") >= 5
    if tf == "GABPA":
        assert "no enriched k-mer; a model trained on this learns composition" in line["verdict"]
    assert ("CACGTG" in line["consensus"]) == (tf == "USF1") and (line["consensus"] == "") == (tf == "GABPA")


def cycle(share, seed, size=1500):
    """Inserts of 20 bp, a share of which holds TGACTCAT."""
    rng = np.random.default_rng(seed)
    inserts = random_sequences(rng, size)
    return [insert[:6] + "TGACTCAT" + insert[14:] if rng.random() < share else insert for insert in inserts]


SHARES = {0: 0.0, 1: 0.02, 2: 0.1, 3: 0.4, 4: 0.8}


def dataset(number, share, initial=True):
    """The row of a cycle, with its positives and negatives."""
    row = {"tf": "JUN", "assay": "htselex", "lab": "a", "ligand": "AB20NC", "cycle": str(number)}
    bound = pd.DataFrame({"sequence": cycle(share, number), "origin": f"cycle {number}"})
    origin = ["cycle 0" if initial else "d/p1"] * 1500
    return row, (bound, pd.DataFrame({"sequence": cycle(0, 0), "origin": origin}))


def test_the_cycles_of_a_library_are_its_rows_and_its_cycle_0():
    made = {f"c{number}": dataset(number, SHARES[number]) for number in (2, 3, 4)}
    made["other_lab"] = (made["c2"][0] | {"lab": "b"}, made["c4"][1])
    made["no_cycle"] = (made["c2"][0] | {"cycle": ""}, made["c4"][1])
    rows, sequences = ({name: pair[i] for name, pair in made.items()} for i in (0, 1))
    found = library_qc.of_series(rows, sequences, {})
    assert set(found) == {"c2", "c3", "c4", "other_lab"} and found["c2"] == found["c3"] == found["c4"]
    assert found["c2"].startswith("in order; ATGAGTCA and 9 more words in ") and "(cycle 0), " in found["c2"]
    assert "(cycle 2)" in found["other_lab"] and "(cycle 3)" not in found["other_lab"]  # its own library
    swapped = rows | {"c2": rows["c3"], "c3": rows["c2"]}
    assert library_qc.of_series(swapped, sequences, {})["c4"].startswith("swapped: cycles 2 and 3; ")
    shuffles = {f"c{number}": dataset(number, SHARES[number], initial=False)[1] for number in (3, 4)}
    assert "cycle 0" not in library_qc.of_series({name: rows[name] for name in shuffles}, shuffles, {})["c4"]


def test_replicates_are_libraries_of_their_own():
    made = {f"c{number}": dataset(number, SHARES[number]) for number in (2, 3, 4)}
    rows, sequences = ({name: pair[i] for name, pair in made.items()} for i in (0, 1))
    again = {f"{name}b": row | {"replicate": "2"} for name, row in rows.items()}
    exchanged = {"c2b": sequences["c4"], "c3b": sequences["c3"], "c4b": sequences["c2"]}
    found = library_qc.of_series(rows | again, sequences | exchanged, {})
    assert found["c2"].startswith("in order; ") and found["c2b"].startswith("swapped: cycles 2 and 4; ")
    unnamed = {name: row | {"replicate": ""} for name, row in (rows | again).items()}
    found = library_qc.of_series(unnamed, sequences | exchanged, {})
    assert set(found.values()) == {
        "cannot tell: two files hold cycle 2, 3, 4; write in replicate which library each row is of"
    }


def test_a_count_table_brings_all_its_cycles(tmp_path):
    columns = {number: cycle(share, number) for number, share in SHARES.items()}
    lines = [
        "\t".join([f"AC{insert}GT", *("2" if number == column else "0" for column in columns)])
        for number, inserts in columns.items()
        for insert in inserts
    ]
    (tmp_path / "a.tsv").write_text("\n".join(lines))
    row, pair = dataset(4, 0.8)
    flanks = {"path": tmp_path / "a.tsv", "left_flank": "AC", "right_flank": "GT"}
    found = library_qc.of_series({"d": row | {"cycle": ""}}, {"d": pair}, {"d": flanks})
    assert found["d"].startswith("in order; ") and all(f"(cycle {number})" in found["d"] for number in SHARES)


def test_a_verdict_names_cycles_that_are_no_series():
    metrics = own("deepbind", 0.9), own("composition", 0.5)
    line = library(*metrics, series="swapped: cycles 2 and 3; ATGAGTCA and 9 more words")
    assert line["series"].startswith("swapped: cycles 2 and 3; ATGAGTCA")
    assert line["verdict"].startswith("good: ") and line["verdict"].endswith("; its cycles: swapped: cycles 2 and 3")
    assert "cycles" not in library(*metrics, series="in order; ATGAGTCA and 9 more words")["verdict"]


def test_a_dataset_without_held_out_rows_has_the_first_scored_model_where_its_motif_is_there():
    nothing = [own(model, None, note="one array") for model in ("deepbind", "bilstm", "composition")]
    away = [
        own(model, value, comparison="cross", target="chip")
        for model, value in (("deepbind", None), ("bilstm", 0.7), ("regression", 0.9), ("composition", 0.5))
    ]
    line = library(*nothing, *away, motif="MA0093.4", motif_auroc=0.74)
    assert (
        line["verdict"] == ("cannot tell: USF1: one array; its own motif MA0093.4 alone reaches 0.74 on its rows")
        and line["model"] == "bilstm"
    ), "whatever the others reach"
    line = library(*nothing, *away, motif="MA0093.4", motif_auroc=0.59)
    assert line["verdict"] == "cannot tell: USF1: one array" and pd.isna(line["model"])


def test_a_reference_is_chosen_only_where_no_other_model_was_scored_and_a_matrix_never():
    models = MODELS | {"known": {"kind": "matrix"}, "pwm": {"kind": "pwm"}, "scan": {"trained_as": "known"}}
    models |= {"floor_scan": {"trained_as": "composition"}}
    assert library_qc.references(models) == ["known", "pwm", "scan"]
    beside = own("known", 0.99), own("scan", 0.99), own("floor_scan", 0.98), own("pwm", 0.97), own("composition", 0.5)
    assert library(*beside, own("deepbind", 0.8), models=models)["model"] == "deepbind"
    assert library(*beside, own("deepbind", None, note="no seed"), models=models)["model"] == "pwm"
    away = [own(model, 0.9, comparison="cross", target="chip") for model in ("known", "pwm", "bilstm")]
    nothing = own("deepbind", None, note="one array")
    assert library(nothing, *away, models=models)["model"] == "bilstm"
    assert library(nothing, *away[:2], models=models)["model"] == "pwm"
    assert library(nothing, away[0], models=models)["model"] is None
