import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tfbind.io import columns
from tfbind.statistics import over_tfs
from tfbind.transfer import evaluate as ev
from tfbind.transfer import library_qc, summary, verdicts


def pair(tf, drop, half=0.01, **more):
    row = dict.fromkeys(columns.TRANSFER_COLUMNS) | {
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
    return pd.DataFrame(rows, columns=columns.TRANSFER_COLUMNS)


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
    assert over_tfs.wilcoxon(np.array(drops)) == pytest.approx(slow_wilcoxon(drops))


@pytest.mark.parametrize("zeros", [0, 3])
@pytest.mark.parametrize("n", [9, 40])
def test_wilcoxon_is_that_of_scipy(n, zeros):
    drops = np.r_[np.random.default_rng(n).normal(0.3, 1, n), np.zeros(zeros)]
    method = stats.PermutationMethod(n_resamples=2**12, rng=np.random.default_rng(0)) if zeros else "exact"
    there = stats.wilcoxon(drops, zero_method="zsplit", method=method).pvalue
    assert over_tfs.wilcoxon(drops) == pytest.approx(there, abs=0.03 if zeros and n > 9 else 1e-12)
    assert over_tfs.wilcoxon(-drops) == pytest.approx(over_tfs.wilcoxon(drops))


def test_wilcoxon_without_any_difference():
    assert over_tfs.wilcoxon(np.zeros(5)) == 1
    assert np.isnan(over_tfs.wilcoxon(np.array([0.1, np.nan])))


def test_summary_is_a_t_interval_over_tfs():
    drops = [0.02, 0.05, 0.09]
    rows = [pair(f"T{i}", drop) for i, drop in enumerate(drops)]
    line = summary.summary(table(*rows)).iloc[0]
    expected = stats.t.interval(0.95, 2, np.mean(drops), stats.sem(drops))
    assert (line["n_tf"], line["same"], line["drop"]) == pytest.approx((3, 0.9, np.mean(drops)))
    assert line["cross"] == pytest.approx(line["same"] - line["drop"])
    assert (line["low"], line["high"]) == pytest.approx(expected)
    assert line["p_value"] == pytest.approx(0.25)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_summary_is_never_narrower_than_the_tfs_own_uncertainty_at_the_same_level(level):
    # Four independent drops, each with the interval +-0.0196: of their mean it is half as wide.
    rows = [pair(f"T{i}", 0.05 + i / 1e6, half=0.0196) for i in range(4)]
    line = summary.summary(table(*rows), level).iloc[0]
    assert (line["high"] - line["low"]) / 2 == pytest.approx(0.0196 / 2)


def test_an_unknown_uncertainty_is_not_taken_for_none():
    rows = [pair("A", 0.05, half=np.nan), pair("B", 0.05, half=np.nan)]
    line = summary.summary(table(*rows)).iloc[0]
    assert (line["n_tf"], line["drop"]) == (2, 0.05) and line[["low", "high"]].isna().all()
    line = advice(rows, tf=over_tfs.EVERY_TF)
    assert line["verdict"] == "cannot tell" and "has no interval for its loss" in line["sentence"]
    line = summary.summary(table(*rows[:1], *(pair(f"T{i}", 0.05) for i in range(3)))).iloc[0]
    assert line[["low", "high"]].isna().all()


def test_a_pair_without_interval_leaves_its_tf_without_one():
    # A mean of the drops of both and of the interval of one would be two different things.
    rows = [pair("A", 0.0, half=np.nan), pair("A", 0.5, target="A_chip2")]
    line = summary.summary(table(*rows)).iloc[0]
    assert line["drop"] == 0.25 and line[["low", "high"]].isna().all()
    line = advice(rows, tf="A")
    assert line["drop"] == 0.25 and line["verdict"] == "cannot tell" and pd.isna(line["low"])


@pytest.mark.parametrize("drops", [[0, 0, 0.1], [0.1], [0, 0], [0.1, 0.1, 0.2], [0.1, 0, 0.3, 0.4], [-0.1, 0.2, -0.3]])
def test_the_smallest_p_is_that_of_every_choice_of_signs(drops):
    signs = itertools.product([-1, 1], repeat=len(drops))
    smallest = min(over_tfs.wilcoxon(np.array(drops) * sign) for sign in signs)
    assert over_tfs.p_minimum(np.array(drops)) == pytest.approx(smallest)


def test_a_shift_with_drops_of_zero_knows_its_smallest_p():
    rows = [pair(f"T{i}", drop, 0.001) for i, drop in enumerate([0, 0, 0.1])]
    line = summary.shifts(table(*rows)).iloc[0]
    assert (line["p_value"], line["p_minimum"]) == (1, 1)
    said = advice(rows, tf=over_tfs.EVERY_TF)["sentence"]
    assert said.endswith("Wilcoxon p = 1, and so few TFs with a drop other than zero cannot give less than 1.")
    assert np.isnan([over_tfs.p_minimum(np.array(some)) for some in ([], [0.1, np.nan])]).all()


def test_datasets_of_one_tf_are_averaged_first():
    rows = [pair("A", 0.0), pair("A", 0.1, target="A_chip2"), pair("B", 0.2)]
    line = summary.summary(table(*rows)).iloc[0]
    assert line["n_tf"] == 2 and line["drop"] == pytest.approx((0.05 + 0.2) / 2)


def test_one_tf_keeps_its_own_interval():
    line = summary.summary(table(pair("A", 0.05, half=0.03))).iloc[0]
    assert (line["n_tf"], line["low"], line["high"], line["p_value"]) == pytest.approx((1, 0.02, 0.08, 1))


def test_summary_keeps_rows_without_tfs_and_leaves_extra_pairs_out():
    rows = [
        pair("A", None, note="no prediction"),
        pair("A>B", 0.3, model="bilstm"),
        pair("A", 0.3, model="regression", shift="cell", source_assay="chipseq"),
        pair("A", 0.3, model="scan", source_assay="chipseq", target_assay="htselex"),
    ]
    lines = summary.summary(table(*rows))
    assert list(lines) == summary.SUMMARY_COLUMNS
    assert list(lines["model"]) == ["deepbind", "bilstm", "regression", "scan"]
    assert (lines["n_tf"] == 0).all() and lines["drop"].isna().all()
    assert summary.summary(table()).empty


@pytest.mark.parametrize(
    ("assays", "chosen"),
    [
        (("smileseq", "ghtselex"), {("smileseq", "ghtselex")}),
        (("pbm", "htselex"), {("pbm", "htselex")}),
        (("cutandrun", "chipseq"), {("cutandrun", "chipseq")}),
        (("pbm", "smileseq", "dapseq"), {("pbm", "dapseq"), ("smileseq", "dapseq")}),
        (("pbm", "cuttag", "selexseq"), {("pbm", "cuttag"), ("selexseq", "cuttag")}),
        (("pbm", "htselex", "chipseq"), {("htselex", "chipseq")}),
        (("theirs", "chipseq"), {("theirs", "chipseq")}),
        (("b", "a"), {("b", "a")}),
    ],
)
def test_the_cross_assay_table_is_of_one_direction(assays, chosen):
    """The mean of a drop and of that of the way back says nothing."""
    ways = [(one, other) for one in assays for other in assays if one != other]
    for each in (ways, ways[::-1]):
        table = pd.DataFrame(each, columns=["source_assay", "target_assay"]).assign(shift="assay")
        table.loc[len(table)] = [assays[0], assays[0], "cell"]
        found = table[summary.crossing(table)]
        assert set(found[["source_assay", "target_assay"]].itertuples(index=False, name=None)) == chosen


def test_the_interval_over_tfs_covers_their_mean():
    rng = np.random.default_rng(0)
    covered, several = [], table(*(pair(f"T{i}", 0) for i in range(6)))
    for _ in range(300):
        drops = 0.05 + 0.02 * rng.normal(size=6) + 0.01 * rng.normal(size=6)
        means = over_tfs.mean_over_tfs(several.assign(drop=drops, low=drops - 0.0196, high=drops + 0.0196), 0.95)
        covered.append(means["low"] <= 0.05 <= means["high"])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.04)


def test_shifts_know_the_smallest_possible_p():
    rows = [pair(f"T{i}", 0.01 * (i + 1)) for i in range(6)]
    rows += [pair(f"T{i}", 0.01 * (i + 1), shift="cell", source_assay="chipseq") for i in range(3)]
    rows += [pair("T9", None, shift="none", source_assay="chipseq", note="the only dataset")]
    rows += [pair("T9", None, source_assay="chipseq", target_assay="htselex")]
    lines = summary.shifts(table(*rows))
    assert list(lines) == summary.SHIFT_COLUMNS
    assert list(lines["shift"]) == ["cell", "assay", "assay"]
    assert list(lines["n_tf"]) == [3, 6, 0]
    assert list(lines["p_minimum"][:2]) == list(lines["p_value"][:2]) == [0.25, 0.03125]
    assert lines.iloc[2][["drop", "p_value", "p_minimum", "p_holm"]].isna().all()


def test_holm_is_the_closure_of_bonferroni():
    p = np.random.default_rng(1).random(6) ** 3
    subsets = [s for k in range(1, 7) for s in itertools.combinations(range(6), k)]
    closed = [max(min(1, len(s) * p[list(s)].min()) for s in subsets if i in s) for i in range(6)]
    assert over_tfs.holm(p) == pytest.approx(closed)
    assert over_tfs.holm([0.01, np.nan, 0.5, 0.02]) == pytest.approx([0.03, np.nan, 0.5, 0.04], nan_ok=True)


def test_p_of_a_shift_is_adjusted_for_the_models_beside_it():
    rows = [pair(f"T{i}", 0.01 * (i + 1), model=model) for i in range(6) for model in ("deepbind", "bilstm")]
    rows += [pair(f"T{i}", 0.01 * (i + 1), shift="cell", source_assay="chipseq") for i in range(6)]
    lines = summary.shifts(table(*rows))
    assert lines["p_holm"].tolist() == [0.03125, 0.0625, 0.0625]


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
    assert verdicts.classify(*loss) == expected


def health(*lines):
    frame = pd.DataFrame(lines, columns=["dataset", "model", "verdict"])
    return frame.reindex(columns=library_qc.COLUMNS)


def advice(rows, libraries=None, tf="USF1", level=0.95):
    frame = table(*rows)
    good = health(*((source, "deepbind", "good") for source in frame["source"].unique()))
    lines = verdicts.verdicts(frame, good if libraries is None else libraries, level)
    assert list(lines) == verdicts.VERDICT_COLUMNS
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


def test_a_verdict_says_where_a_reference_ranks_the_target_no_worse():
    rows = [pair("USF1", 0.01, 0.005, cross=0.9), pair("USF1", 0.0, 0.0, model="pwm", cross=0.9123)]
    rows += [pair("USF1", 0.0, 0.0, model="known", cross=0.91), pair("USF1", None, model="kmers", note="none")]
    frame = table(*rows)
    good = health((frame["source"].iloc[0], "deepbind", "good"))

    def sentence(references, frame=frame):
        return verdicts.verdicts(frame, good, 0.95, references).iloc[0]["sentence"]

    plain = sentence(())
    assert "reference" not in plain and sentence(["kmers"]) == plain
    said = " The reference {} ranks the target no worse: AUROC {}, the model 0.900."
    assert sentence(["known", "pwm", "kmers"]) == plain + said.format("pwm", "0.912")
    assert sentence(["known"]) == plain + said.format("known", "0.910")
    worse = frame.assign(cross=frame["cross"].where(frame["model"] == "deepbind", 0.8999))
    assert sentence(["known", "pwm"], worse) == plain and sentence(["deepbind"]) == plain


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


def test_over_tfs():
    rows = [pair(f"T{i}", 0.05 + 0.001 * i, 0.001) for i in range(3)]
    line = advice(rows, tf=over_tfs.EVERY_TF)
    assert (line["verdict"], line["n"]) == ("retrain", 3)
    assert "Wilcoxon p = 0.25, and so few TFs cannot give less than 0.25." in line["sentence"]
    rows += [pair(f"T{i}", 0.05 + 0.001 * i, 0.001) for i in range(3, 6)]
    assert advice(rows, tf=over_tfs.EVERY_TF)["sentence"].endswith("Wilcoxon p = 0.031.")


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
    sentence = advice(rows, health(*lines), tf=over_tfs.EVERY_TF)["sentence"]
    assert sentence.startswith("2 TFs: ") and "loses 2.0 points" in sentence
    assert sentence.endswith("TFs left out for poor data: 1.")


def test_a_best_model_that_was_not_scored_there_is_named():
    line = advice([pair("USF1", 0.1)], health(("USF1_selex", "bilstm", "good: USF1: 90%")))
    assert line["sentence"] == (
        "USF1: cannot tell. No drop from HT-SELEX to ChIP-seq could be estimated: bilstm, the best model of its "
        "source, was not scored there."
    )


def test_pairs_of_assays_leave_out_what_is_not_sound_and_name_it():
    pbm = {"source_assay": "pbm", "floor": 0.6}
    rows = [pair(tf, 0.02 * number, floor=0.5) for number, tf in enumerate("ABCD", 1)]
    rows += [pair(tf, 0.1, source=f"{tf}_pbm", model=model, **pbm) for tf in "AB" for model in ("deepbind", "bilstm")]
    rows += [pair("A>B", 0.3), pair("A", 0.4, shift="cell", source="A_other")]
    best = {f"{tf}_selex": "deepbind" for tf in "ABCD"} | {"A_pbm": "bilstm", "B_pbm": "deepbind"}
    health = pd.DataFrame([{"dataset": name, "model": model, "verdict": "good: x"} for name, model in best.items()])
    health.loc[health["dataset"] == "D_selex", "verdict"] = "poor: D"
    health.loc[len(health)] = {"dataset": "C_chip", "model": "deepbind", "verdict": "cannot tell: C: few"}
    found = summary.assay_pairs(table(*rows), health)
    assert list(found) == summary.PAIR_COLUMNS
    shown = found.set_index(["model", "source_assay"])
    assert list(shown.index) == [
        *((summary.BEST, "htselex"), (summary.BEST, "pbm")),
        *(("deepbind", "htselex"), ("deepbind", "pbm"), ("bilstm", "pbm")),
    ]
    reads = shown.loc[summary.BEST, "htselex"]
    assert (reads["n_tf"], reads["n_left_out"], reads["left_out"]) == (2, 2, "C, D")
    assert reads["drop"] == pytest.approx(0.03) and reads["floor"] == 0.5, "A and B alone"
    same = over_tfs.mean_over_tfs(table(*rows[:2]), 0.95)
    assert reads[["low", "high", "p_value"]].to_list() == pytest.approx(
        [same[key] for key in ("low", "high", "p_value")]
    )
    arrays = shown.loc[summary.BEST, "pbm"]
    assert arrays["n_tf"] == 2 and arrays["left_out"] == "" and arrays["p_holm"] == 1
    assert shown.loc[("bilstm", "pbm"), "n_tf"] == 2
    assert summary.assay_pairs(table(*rows).iloc[:0], health).empty
    # C's ChIP-seq has no held-out rows: it counts once its own motif alone separates the classes
    health["motif_auroc"] = np.where(health["dataset"] == "C_chip", 0.59, np.nan)
    assert summary.assay_pairs(table(*rows), health)["left_out"].iloc[0] == "C, D"
    health.loc[health["dataset"] == "C_chip", "motif_auroc"] = 0.6
    assert summary.assay_pairs(table(*rows), health)["left_out"].iloc[0] == "D"
