import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from tfbind import dna, libraries
from tfbind import evaluation as ev
from tfbind.tables import Tally


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
    kmer, ratio, p_value = libraries.enrichment(positives, negatives, k)
    assert kmer == dna.canonical("TGACTCA"[:k])
    assert ratio == pytest.approx(slow_enrichment(positives, negatives, k)[kmer])
    assert p_value < 1e-10


def test_enrichment_p_is_fishers_with_bonferroni():
    inside, outside = ["AAAAAA"] * 8 + ["ACACAC"] * 2, ["AAAAAA"] * 1 + ["ACACAC"] * 11
    kmer, _, p_value = libraries.enrichment(inside, outside, 6)
    exact = stats.fisher_exact([[8, 2], [1, 11]], alternative="greater").pvalue
    assert min(1, exact * 2080) > libraries.KMER_LEVEL and kmer == ""
    assert p_value == pytest.approx(min(1, exact * 2080))
    kmer, _, p_value = libraries.enrichment(inside * 5, outside * 5, 6)
    exact = stats.fisher_exact([[40, 10], [5, 55]], alternative="greater").pvalue
    assert kmer == "AAAAAA" and p_value == pytest.approx(exact * 2080)


def test_enrichment_of_two_random_sets_is_none():
    rng = np.random.default_rng(1)
    found = [libraries.enrichment(random_sequences(rng, 200), random_sequences(rng, 200))[0] for _ in range(20)]
    assert found == [""] * 20
    kmer, ratio, p_value = libraries.enrichment([], ["ACGTACGT"])
    assert kmer == "" and np.isnan([ratio, p_value]).all()


MODELS = {
    "deepbind": {"kind": "deepbind"},
    "bilstm": {"kind": "bilstm"},
    "composition": {"kind": "composition"},
}


def own(model, value, low=None, high=None, negatives="shuffled", **more):
    return dict.fromkeys(ev.METRIC_COLUMNS) | {
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


def library(*metrics, enrichments=("CACGTG", 50.0, 0.0), motif=("MA0093.4", 0.9), models=MODELS):
    rows = {"d": {"dataset": "d", "tf": "USF1", "assay": "htselex", "cycle": "4"}}
    tally = Tally()
    tally.add("read", "records", 100)
    tally.add("dropped", "N", 3)
    tally.add("dropped", "short", 4)
    frame = pd.DataFrame(metrics, columns=ev.METRIC_COLUMNS)
    logs, counts = {"d": tally.frame()}, {"d": (50, 60)}
    lines = libraries.judge(rows, logs, counts, frame, {"d": enrichments}, {"d": motif}, models)
    assert list(lines) == libraries.COLUMNS
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
        enrichments=("", float("nan"), 1.0),
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
        draws = ev.draw(labels, np.arange(len(labels)), 200, rng)
        model = ev.replicate(fitted.decision_function(counts[~train])[None], draws)
        yield own(name, model.value[0], *ev.metric_interval(model, 0, 0.95))


def test_the_own_motif_is_missed_where_it_is_missing():
    good, weak = own("deepbind", 0.95), own("deepbind", 0.65)
    absent = ("MA0093.4", 0.52)
    assert library(good, own("composition", 0.5), motif=absent)["verdict"].startswith("weak: USF1: the sequences are")
    assert library(weak, own("composition", 0.5), motif=absent)["verdict"].startswith("poor")
    assert library(weak, own("composition", 0.5), motif=("", np.nan))["verdict"].startswith("weak: USF1: 30%")


def test_own_motif_alone():
    rng = np.random.default_rng(0)
    reads = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(400)]
    bound = [read[:10] + "GTCACGTGAC" + read[20:] for read in reads[:200]]
    name, value = libraries.own_motif("usf1", bound, reads[200:])
    assert name.startswith("MA0093") and value > 0.95
    assert libraries.own_motif("usf1", reads[:200], reads[200:])[1] < libraries.MOTIF_PRESENT
    assert libraries.own_motif("no such factor", bound, reads)[0] == ""
    assert libraries.own_motif("USF1", [], reads)[0] == ""


@pytest.mark.parametrize("tf, verdict", [("GABPA", "poor"), ("ZNF143", "poor"), ("USF1", "good")])
def test_real_selex_libraries(real, tf, verdict):
    path = real / "selex" / "nrlb" / f"{tf}_R0_vs_R4.tsv.gz"
    frame = pd.read_csv(path, sep="\t", names=["sequence", "label"])
    frame = frame[frame["sequence"].str.fullmatch("[ACGT]+")].drop_duplicates("sequence")
    frame = frame.sample(10_000, random_state=0).reset_index(drop=True)
    bound, initial = (list(frame["sequence"][frame["label"] == label]) for label in (1, 0))
    found = libraries.enrichment(bound, initial)
    motif = libraries.own_motif(tf, bound, initial)
    line = library(*composition_and_kmers(frame, np.random.default_rng(0)), enrichments=found, motif=motif)
    assert (motif[1] > libraries.MOTIF_PRESENT) == (tf == "USF1")
    assert line["verdict"].startswith(verdict), line["verdict"]
    assert (line["kmer"] == "CACGTG") == (tf == "USF1")
    if tf != "USF1":
        assert line["kmer"].count("C") >= 5
