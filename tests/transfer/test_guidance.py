"""Each rule of the advice on simulated studies in which it is known whether it was right."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from tfbind.statistics.over_tfs import EVERY_TF
from tfbind.transfer import guidance
from tfbind.transfer.evaluate import POOR_SHARE

KEY = dict(zip(guidance.DIRECTION, ("T", "assay", "htselex", "chipseq", "g", "g"), strict=True))
CALIBRATION = [*guidance.DIRECTION, "model", "adaptation", "n_target", "ece", "ece_chance_high"]


def half(values):
    """Half the width of Student's interval of the mean."""
    return special.stdtrit(len(values) - 1, 0.975) * values.std(ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize(("n", "spread", "wanted"), [(3, 0.05, 0.05), (6, 0.04, 0.02), (12, 0.06, 0.02)])
def test_so_many_tfs_give_the_interval_in_the_stated_share_of_studies(n, spread, wanted):
    rng = np.random.default_rng(n)
    narrow, advised = [], []
    while len(narrow) < 1500:
        drops = rng.normal(0.05, spread, n)
        if half(drops) <= wanted:
            continue
        total = guidance.tfs_needed(half(drops), n, wanted)
        if total is not None:
            advised.append(total)
            narrow.append(half(np.append(drops, rng.normal(0.05, spread, total - n))) <= wanted)
    assert 0.8 - 3 * np.sqrt(0.16 / 1500) <= np.mean(narrow) <= 0.96
    # Nor is it waste: at the true spread, a third of the advised number would be too few.
    less = np.median(advised) // 3
    assert special.stdtrit(less - 1, 0.975) * spread / np.sqrt(less) > wanted


def test_more_tfs_are_asked_for_by_a_wider_interval_and_none_where_it_is_hopeless():
    totals = [guidance.tfs_needed(h, 6, 0.02) for h in (0.021, 0.03, 0.05)]
    assert totals == sorted(totals) and totals[0] > 6
    assert guidance.tfs_needed(1.0, 3, 0.02) is None


def auc_and_error(positive, negative):
    """DeLong's standard error of the difference of two AUROCs of the same rows; (N, 2) scores of each class."""
    places = [(p[:, None] > q[None]).astype(float) for p, q in zip(positive.T, negative.T, strict=True)]
    difference = places[0] - places[1]
    rows, columns = difference.mean(1), difference.mean(0)
    return np.sqrt(rows.var(ddof=1) / len(rows) + columns.var(ddof=1) / len(columns))


def test_so_many_rows_give_the_interval_in_the_stated_share_of_studies():
    rng = np.random.default_rng(5)

    def width(n):
        own = rng.normal(0, 1, (n, 1))
        positive, negative = (own[i::2] + rng.normal(0, 1, (n // 2, 2)) for i in (0, 1))
        return 1.96 * auc_and_error(positive + np.array([2.0, 1.5]), negative)

    shares = []
    for _ in range(60):
        now = width(120)
        total = guidance.rows_needed(now, 120, now / 2)
        shares.append(width(total + total % 2) <= now / 2)
    assert np.mean(shares) >= 0.8 - 3 * np.sqrt(0.16 / 60)
    assert guidance.rows_needed(0.1, 120, 0.02) is None


def test_a_later_cycle_mends_a_poor_library():
    """Selection makes bound inserts ten times more frequent a cycle; the advised cycle is no longer poor."""
    rng = np.random.default_rng(1)
    mended = []
    for start in rng.uniform(1e-5, 3e-3, 200):
        shares = [start * 10**c / (start * 10**c + 1 - start) for c in range(1, 6)]
        cycles = [
            2 * (0.5 + share / 2) - 1 for share in shares
        ]  # beyond a floor of 0.5, of a model that sees all sites
        poor = [c for c, beyond in enumerate(cycles, 1) if beyond < POOR_SHARE]
        if not poor:
            continue
        about = {"assay": "htselex", "cycle": str(poor[-1]), "series": "in order", "verdict": "poor: T: nothing"}
        rule, cycle, sentence = guidance._library("lib", {"lib": about})
        assert rule == "library" and f"sequence cycle {cycle}" in sentence
        mended.append(cycles[int(cycle) - 1] >= POOR_SHARE)
    assert len(mended) > 50 and all(mended)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"assay": "htselex", "cycle": "3", "series": "swapped: cycles 2 and 3; AC"}, "check the labels of its cycles"),
        ({"assay": "htselex", "cycle": "3", "series": "not selected"}, "repeat the experiment"),
        ({"assay": "htselex", "cycle": "6", "series": "in order"}, "repeat the experiment"),
        ({"assay": "htselex", "cycle": "", "series": ""}, "sequence a later cycle"),
        ({"assay": "chipseq", "cycle": np.nan, "series": np.nan}, "take another replicate"),
    ],
)
def test_a_poor_dataset_is_mended_by_what_ails_it(facts, said):
    assert said in guidance._library("lib", {"lib": facts})[2]


def test_so_many_examples_make_the_scores_probabilities():
    """The advised number is the smallest at which a fit on fresh data is calibrated; a smaller one is not."""
    rng = np.random.default_rng(2)

    def error(n_target):
        truth = rng.normal(0, 2, 4000)
        label = rng.random(4000) < special.expit(truth)
        logits = 4 * truth + 3  # far too certain, and shifted
        if n_target:
            from sklearn.linear_model import LogisticRegression

            fit = LogisticRegression(C=1e6).fit(logits[:n_target, None], label[:n_target])
            logits = fit.decision_function(logits[:, None])
        chance = special.expit(logits)
        bins = np.minimum((chance * 15).astype(int), 14)
        return sum(abs(chance[bins == b].sum() - label[bins == b].sum()) for b in set(bins)) / 4000

    steps = [("none", 0), *(("temperature and bias", n) for n in (16, 64, 256, 1024))]
    table = [KEY | dict(model="m", adaptation=a, n_target=n, ece=error(n), ece_chance_high=0.04) for a, n in steps]
    found = guidance._probabilities(pd.DataFrame(table, columns=CALIBRATION), ["m"])
    assert found[0] == "probabilities" and f"{found[1]} labelled examples mend them" in found[2]
    assert np.mean([error(found[1]) <= 0.04 for _ in range(20)]) >= 0.5
    fine = pd.DataFrame(table[:1], columns=CALIBRATION).assign(ece=0.03)
    assert guidance._probabilities(fine, ["m"]) is None
    never = pd.DataFrame(table[:2], columns=CALIBRATION).assign(ece=[0.3, 0.2])
    _, more, said = guidance._probabilities(never, ["m"])
    assert np.isnan(more) and said.endswith("brings it to 0.20, perfect ones have up to 0.04. Use them as ranks.")
    better = guidance._probabilities(never.assign(ece=[0.3, 0.1]), ["m"])[2]
    assert "brings it to 0.10" in better and "ranks" not in better


def test_each_verdict_has_its_advice():
    verdict = KEY | {"model": "m", "n": 1, "drop": 0.05, "low": -0.05, "high": 0.15, "verdict": "cannot tell"}
    over = verdict | {"tf": EVERY_TF, "n": 3}
    done = verdict | {"tf": "U", "low": 0.04, "high": 0.06, "verdict": "retrain"}
    poor = verdict | {"tf": "V", "verdict": "poor data", "low": np.nan, "high": np.nan}
    cell = KEY | {"source": "a", "target": "b", "model": "m", "drop": 0.05, "n_positive": 100, "n_negative": 150}
    transfer = pd.DataFrame([cell, cell | {"tf": "V", "source": "c"}])
    libraries = pd.DataFrame([{"dataset": "c", "assay": "htselex", "cycle": "2", "verdict": "poor: V: nothing"}])
    found = guidance.guidance(
        pd.DataFrame([verdict, over, done, poor]), transfer, libraries, pd.DataFrame(columns=CALIBRATION)
    )
    assert list(found) == guidance.GUIDANCE_COLUMNS
    assert list(zip(found["tf"], found["rule"], strict=True)) == [("T", "rows"), (EVERY_TF, "tfs"), ("V", "library")]
    rows, tfs, library = found["sentence"]
    assert rows == (
        "The interval is 20.0 points wide: at least 960 more test rows (now 250) give an interval of at most 10 points."
    )
    more = guidance.tfs_needed(0.1, 3, 0.05) - 3
    assert tfs.startswith(f"The interval is 20.0 points wide: {more} more TFs give") and "80%" in tfs
    assert library == "The library c is poor: sequence cycle 3, where more should be bound."


@pytest.mark.parametrize(("drop", "low", "high"), [(0.09, 0.015, 0.11), (-0.03, -0.04, 0.03), (0.1, 0.02, 0.1)])
def test_an_uneven_interval_asks_for_more_rows_and_never_for_fewer(drop, low, high):
    verdict = KEY | {"model": "m", "n": 1, "drop": drop, "low": low, "high": high, "verdict": "fine-tune or retrain"}
    cell = KEY | {"source": "a", "target": "b", "model": "m", "drop": drop, "n_positive": 100, "n_negative": 150}
    libraries, calibration = pd.DataFrame(columns=["dataset"]), pd.DataFrame(columns=CALIBRATION)
    (row,) = guidance.guidance(pd.DataFrame([verdict]), pd.DataFrame([cell]), libraries, calibration).to_dict("records")
    assert row["rule"] == "rows" and row["n_more"] > 0 and "-" not in row["sentence"].split(":")[1].split("give")[0]
