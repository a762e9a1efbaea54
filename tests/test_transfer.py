import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from tfbind import dna, transfer
from tfbind import evaluation as ev
from tfbind.tables import Tally


def pair(tf, drop, half=0.01, **more):
    row = dict.fromkeys(ev.TRANSFER_COLUMNS) | {
        "tf": tf,
        "source": f"{tf}_selex",
        "target": f"{tf}_chip",
        "source_assay": "htselex",
        "target_assay": "chipseq",
        "shift": "assay",
        "train_negatives": "shuffled",
        "test_negatives": "shuffled",
        "model": "deepbind",
        "note": "",
    }
    if drop is not None:
        row |= {"same": 0.9, "cross": 0.9 - drop, "drop": drop, "low": drop - half, "high": drop + half}
    return row | more


def table(*rows):
    return pd.DataFrame(rows, columns=ev.TRANSFER_COLUMNS)


def slow_wilcoxon(drops):
    """All sign flips of the mid-ranks."""
    ranks = stats.rankdata(np.abs(drops))
    observed = abs(np.sum(np.sign(drops) * ranks))
    flips = [abs(np.dot(signs, ranks)) for signs in itertools.product([-1, 1], repeat=len(drops))]
    return np.mean(np.array(flips) >= observed - 1e-9)


@pytest.mark.parametrize(
    "drops",
    [[0.1], [0.1, 0.2, 0.3], [0.1, -0.2, 0.3, 0.4], [0.1, 0.1, -0.1, 0.2, 0.2], [0.01, 0.02, 0.03, 0.04, 0.05, 0.06]],
)
def test_wilcoxon_is_exact(drops):
    assert transfer.wilcoxon(np.array(drops)) == pytest.approx(slow_wilcoxon(drops))


def test_wilcoxon_without_any_difference():
    assert transfer.wilcoxon(np.zeros(5)) == 1


def test_summary_is_a_t_interval_over_factors():
    drops = [0.02, 0.05, 0.09]
    rows = [pair(f"T{i}", drop) for i, drop in enumerate(drops)]
    line = transfer.summary(table(*rows)).iloc[0]
    expected = stats.t.interval(0.95, 2, np.mean(drops), stats.sem(drops))
    assert (line["n_tf"], line["same"], line["drop"]) == pytest.approx((3, 0.9, np.mean(drops)))
    assert line["cross"] == pytest.approx(line["same"] - line["drop"])
    assert (line["low"], line["high"]) == pytest.approx(expected)
    assert line["p_value"] == pytest.approx(0.25)


def test_summary_is_never_narrower_than_a_standard_error_of_the_factors_own():
    rows = [pair(f"T{i}", 0.05 + i / 1e6, half=0.0196) for i in range(4)]
    line = transfer.summary(table(*rows)).iloc[0]
    assert line["high"] - line["low"] == pytest.approx(2 * (0.0196 / stats.norm.isf(0.025)) / np.sqrt(4))


def test_datasets_of_one_factor_are_averaged_first():
    rows = [pair("A", 0.0), pair("A", 0.1, target="A_chip2"), pair("B", 0.2)]
    line = transfer.summary(table(*rows)).iloc[0]
    assert line["n_tf"] == 2 and line["drop"] == pytest.approx((0.05 + 0.2) / 2)


def test_one_factor_keeps_its_own_interval():
    line = transfer.summary(table(pair("A", 0.05, half=0.03))).iloc[0]
    assert (line["n_tf"], line["low"], line["high"], line["p_value"]) == pytest.approx((1, 0.02, 0.08, 1))


def test_summary_keeps_rows_without_factors_and_leaves_extra_pairs_out():
    rows = [
        pair("A", None, note="no prediction"),
        pair("A>B", 0.3, model="bilstm"),
        pair("A", 0.3, model="regression", shift="cell", source_assay="chipseq"),
        pair("A", 0.3, model="scan", source_assay="chipseq", target_assay="htselex"),
    ]
    lines = transfer.summary(table(*rows))
    assert list(lines) == transfer.SUMMARY_COLUMNS
    assert list(lines["model"]) == ["deepbind", "bilstm", "regression", "scan"]
    assert (lines["n_tf"] == 0).all() and lines["drop"].isna().all()
    assert transfer.summary(table()).empty


def test_the_interval_over_factors_covers_their_mean():
    rng = np.random.default_rng(0)
    covered, factors = [], table(*(pair(f"T{i}", 0) for i in range(6)))
    for _ in range(300):
        drops = 0.05 + 0.02 * rng.normal(size=6) + 0.01 * rng.normal(size=6)
        means = transfer.mean_over_tfs(factors.assign(drop=drops, low=drops - 0.0196, high=drops + 0.0196), 0.95)
        covered.append(means["low"] <= 0.05 <= means["high"])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)


def test_shifts_know_the_smallest_possible_p():
    rows = [pair(f"T{i}", 0.01 * (i + 1)) for i in range(6)]
    rows += [pair(f"T{i}", 0.01 * (i + 1), shift="cell", source_assay="chipseq") for i in range(3)]
    rows += [pair("T9", None, shift="none", source_assay="chipseq", note="the only dataset")]
    rows += [pair("T9", None, source_assay="chipseq", target_assay="htselex")]
    lines = transfer.shifts(table(*rows))
    assert list(lines) == transfer.SHIFT_COLUMNS
    assert list(lines["shift"]) == ["cell", "assay", "assay"]
    assert list(lines["n_tf"]) == [3, 6, 0]
    assert list(lines["p_minimum"][:2]) == list(lines["p_value"][:2]) == [0.25, 0.03125]
    assert lines.iloc[2][["drop", "p_value", "p_minimum", "p_holm"]].isna().all()


def test_holm_is_the_closure_of_bonferroni():
    p = np.random.default_rng(1).random(6) ** 3
    subsets = [s for k in range(1, 7) for s in itertools.combinations(range(6), k)]
    closed = [max(min(1, len(s) * p[list(s)].min()) for s in subsets if i in s) for i in range(6)]
    assert transfer.holm(p) == pytest.approx(closed)
    assert transfer.holm([0.01, np.nan, 0.5, 0.02]) == pytest.approx([0.03, np.nan, 0.5, 0.04], nan_ok=True)


def test_p_of_a_shift_is_adjusted_for_the_models_beside_it():
    rows = [pair(f"T{i}", 0.01 * (i + 1), model=model) for i in range(6) for model in ("deepbind", "bilstm")]
    rows += [pair(f"T{i}", 0.01 * (i + 1), shift="cell", source_assay="chipseq") for i in range(6)]
    lines = transfer.shifts(table(*rows))
    assert lines["p_holm"].tolist() == [0.03125, 0.0625, 0.0625]


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
    kmer, ratio, p_value = transfer.enrichment(positives, negatives, k)
    assert kmer == dna.canonical("TGACTCA"[:k])
    assert ratio == pytest.approx(slow_enrichment(positives, negatives, k)[kmer])
    assert p_value < 1e-10


def test_enrichment_p_is_fishers_with_bonferroni():
    inside, outside = ["AAAAAA"] * 8 + ["ACACAC"] * 2, ["AAAAAA"] * 1 + ["ACACAC"] * 11
    kmer, _, p_value = transfer.enrichment(inside, outside, 6)
    exact = stats.fisher_exact([[8, 2], [1, 11]], alternative="greater").pvalue
    assert min(1, exact * 2080) > transfer.KMER_LEVEL and kmer == ""
    assert p_value == pytest.approx(min(1, exact * 2080))
    kmer, _, p_value = transfer.enrichment(inside * 5, outside * 5, 6)
    exact = stats.fisher_exact([[40, 10], [5, 55]], alternative="greater").pvalue
    assert kmer == "AAAAAA" and p_value == pytest.approx(exact * 2080)


def test_enrichment_of_two_random_sets_is_none():
    rng = np.random.default_rng(1)
    found = [transfer.enrichment(random_sequences(rng, 200), random_sequences(rng, 200))[0] for _ in range(20)]
    assert found == [""] * 20
    kmer, ratio, p_value = transfer.enrichment([], ["ACGTACGT"])
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
    lines = transfer.libraries(rows, logs, counts, frame, {"d": enrichments}, {"d": motif}, models)
    assert list(lines) == transfer.LIBRARY_COLUMNS
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


@pytest.mark.parametrize(
    "loss, expected",
    [
        ((0.007, 0.002, 0.013), "reuse"),
        ((-0.05, -0.3, 0.01), "reuse"),
        ((0.05, 0.03, 0.07), "retrain"),
        ((0.3, 0.1, 0.5), "retrain"),
        ((0.02, 0.01, 0.03), "fine-tune or retrain"),
        ((0.05, -0.1, 0.2), "cannot tell"),
        ((0.05, np.nan, np.nan), "cannot tell"),
    ],
)
def test_classes_of_a_loss(loss, expected):
    assert transfer.classify(*loss) == expected


def health(*lines):
    frame = pd.DataFrame(lines, columns=["dataset", "model", "verdict"])
    return frame.reindex(columns=transfer.LIBRARY_COLUMNS)


def advice(rows, libraries=None, tf="USF1", level=0.95):
    frame = table(*rows)
    good = health(*((source, "deepbind", "good") for source in frame["source"].unique()))
    lines = transfer.verdicts(frame, good if libraries is None else libraries, level)
    assert list(lines) == transfer.VERDICT_COLUMNS
    return lines[lines["tf"] == tf].iloc[0]


@pytest.mark.parametrize(
    "drop, half, expected",
    [
        (0.007, 0.006, "USF1: reuse. A deepbind model trained on HT-SELEX loses 0.7 points of AUROC (0.1 to 1.3, "),
        (-0.03, 0.01, "USF1: reuse. A deepbind model trained on HT-SELEX gains 3.0 points of AUROC (2.0 to 4.0, "),
        (0.06, 0.02, "USF1: retrain. A deepbind model trained on HT-SELEX loses 6.0 points of AUROC (4.0 to 8.0, "),
        (0.02, 0.02, "USF1: fine-tune or retrain. "),
        (0.05, 0.2, "USF1: cannot tell. A deepbind model trained on HT-SELEX loses 5.0 points of AUROC (-15.0 to "),
        (0.05, np.nan, "USF1: cannot tell. A deepbind model trained on HT-SELEX and scored on ChIP-seq has no "),
        (None, 0, "USF1: cannot tell. No drop from HT-SELEX to ChIP-seq could be estimated: few rows."),
    ],
)
def test_sentence_of_a_verdict(drop, half, expected):
    line = advice([pair("USF1", drop, half, note="few rows")])
    assert line["sentence"].startswith(expected)
    assert line["verdict"] == expected.split(": ")[1].split(".")[0]


def test_one_dataset_alone_is_no_advice():
    line = advice([pair("USF1", None, shift="none", source_assay="chipseq", note="the only dataset of its TF")])
    assert line["sentence"] == "USF1: cannot tell. The only dataset of its TF."


def test_shifts_within_an_assay_are_named():
    line = advice([pair("USF1", 0.001, 0.001, shift="cell", source_assay="chipseq")])
    assert line["sentence"].endswith("on ChIP-seq of another cell.")


def test_poor_data_is_no_advice():
    line = advice([pair("USF1", 0.0, 0.01, note=ev.NOT_ABOVE_FLOOR)])
    assert line["verdict"] == "poor data" and ev.NOT_ABOVE_FLOOR[1:] in line["sentence"]
    line = advice([pair("USF1", 0.2, 0.01)], health(("USF1_selex", "deepbind", "poor: USF1: nothing")))
    assert line["verdict"] == "poor data" and line["sentence"].startswith(
        "USF1: poor data. No source taught more than composition. A deepbind model "
    )
    assert line["drop"] == 0.2


def test_sound_pairs_stand_for_poor_ones():
    rows = [pair("USF1", 0.3), pair("USF1", 0.005, 0.001, source="USF1_b"), pair("USF1", 0.007, 0.001, source="USF1_c")]
    libraries = health(
        ("USF1_selex", "deepbind", "poor"), ("USF1_b", "deepbind", "good"), ("USF1_c", "deepbind", "weak")
    )
    line = advice(rows, libraries)
    assert (line["verdict"], line["n"], line["drop"]) == ("reuse", 2, pytest.approx(0.006))
    assert line["sentence"].endswith("Pairs left out for poor data: 1 of 3.")


def test_the_model_is_the_sources_best_and_not_the_targets():
    rows = [pair("USF1", 0.3, model="deepbind"), pair("USF1", 0.0, 0.001, model="bilstm")]
    line = advice(rows, health(("USF1_selex", "deepbind", "good")))
    assert (line["model"], line["drop"], line["verdict"]) == ("deepbind", 0.3, "retrain")
    line = advice(rows, health(("USF1_selex", None, "cannot tell: no model was scored")))
    assert line["verdict"] == "cannot tell" and "no model was scored" in line["sentence"]


def test_over_factors():
    rows = [pair(f"T{i}", 0.05 + 0.001 * i, 0.001) for i in range(3)]
    line = advice(rows, tf=transfer.EVERY_TF)
    assert (line["verdict"], line["n"]) == ("retrain", 3)
    assert "Wilcoxon p = 0.25, and so few TFs cannot give less than 0.25." in line["sentence"]
    rows += [pair(f"T{i}", 0.05 + 0.001 * i, 0.001) for i in range(3, 6)]
    assert advice(rows, tf=transfer.EVERY_TF)["sentence"].endswith("Wilcoxon p = 0.031.")


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
    name, value = transfer.own_motif("usf1", bound, reads[200:])
    assert name.startswith("MA0093") and value > 0.95
    assert transfer.own_motif("usf1", reads[:200], reads[200:])[1] < transfer.MOTIF_PRESENT
    assert transfer.own_motif("no such factor", bound, reads)[0] == ""
    assert transfer.own_motif("USF1", [], reads)[0] == ""


def test_a_poor_target_library_is_no_ground_for_a_verdict():
    lines = health(("USF1_selex", "deepbind", "good"), ("USF1_chip", "deepbind", "poor: USF1: little"))
    line = advice([pair("USF1", 0.1)], lines)
    assert line["verdict"] == "poor data" and "the target library holds little" in line["sentence"].lower()


def test_tfs_of_poor_data_do_not_enter_the_advice_over_tfs():
    rows = [pair("USF1", 0.01), pair("ELK1", 0.03), pair("GABPA", 0.46)]
    lines = [
        ("USF1_selex", "deepbind", "good"),
        ("ELK1_selex", "deepbind", "weak"),
        ("GABPA_selex", "deepbind", "poor"),
    ]
    sentence = advice(rows, health(*lines), tf=transfer.EVERY_TF)["sentence"]
    assert sentence.startswith("2 TFs: ") and "loses 2.0 points" in sentence
    assert sentence.endswith("TFs left out for poor data: 1.")


@pytest.mark.parametrize("tf, verdict", [("GABPA", "poor"), ("ZNF143", "poor"), ("USF1", "good")])
def test_real_selex_libraries(real, tf, verdict):
    path = real / "selex" / "nrlb" / f"{tf}_R0_vs_R4.tsv.gz"
    frame = pd.read_csv(path, sep="\t", names=["sequence", "label"])
    frame = frame[frame["sequence"].str.fullmatch("[ACGT]+")].drop_duplicates("sequence")
    frame = frame.sample(10_000, random_state=0).reset_index(drop=True)
    bound, initial = (list(frame["sequence"][frame["label"] == label]) for label in (1, 0))
    found = transfer.enrichment(bound, initial)
    motif = transfer.own_motif(tf, bound, initial)
    line = library(*composition_and_kmers(frame, np.random.default_rng(0)), enrichments=found, motif=motif)
    assert (motif[1] > transfer.MOTIF_PRESENT) == (tf == "USF1")
    assert line["verdict"].startswith(verdict), line["verdict"]
    assert (line["kmer"] == "CACGTG") == (tf == "USF1")
    if tf != "USF1":
        assert line["kmer"].count("C") >= 5
