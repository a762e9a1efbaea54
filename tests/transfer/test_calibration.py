import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from torchmetrics.functional.classification import binary_calibration_error

from tfbind.models import platt
from tfbind.statistics import bootstrap
from tfbind.transfer import calibration
from transfer.test_evaluation import CONFIG, ROWS, predicted, test_rows

test_rows.__test__ = False


def drawn(n=4000, slope=0.5, bias=0.7, seed=0):
    """Logits that are too sure (slope below 1) and lean to one side."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.normal(size=n)
    return (rng.random(n) < special.expit(slope * logits + bias)).astype(int), logits


class Scores(ClassifierMixin, BaseEstimator):
    """Scikit-learn's view of logits that are there already."""

    def fit(self, x, y):
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, x):
        return x[:, 0]

    def predict(self, x):
        return (x[:, 0] > 0).astype(int)


def test_ece_and_log_loss_equal_those_of_other_libraries():
    labels, logits = drawn()
    p = special.expit(logits)
    theirs = binary_calibration_error(torch.tensor(p), torch.tensor(labels), n_bins=calibration.BINS, norm="l1")
    assert calibration.ece(labels, p) == pytest.approx(float(theirs), abs=1e-6)
    assert calibration.log_loss(labels, logits) == pytest.approx(log_loss(labels, p))
    observed, mean = calibration_curve(labels, p, n_bins=calibration.BINS)
    ours = calibration.reliability(labels, logits)
    assert ours[0] == pytest.approx(mean) and ours[1] == pytest.approx(observed) and ours[2].sum() == len(labels)


@pytest.mark.parametrize("n", [40, 4000])
def test_temperature_and_bias_are_platts_as_scikit_learn_fits_them(n):
    labels, logits = drawn(n)
    theirs = CalibratedClassifierCV(FrozenEstimator(Scores().fit(None, None)), method="sigmoid").fit(
        logits[:, None], labels
    )
    slope, bias = platt.fit(labels, logits, True, calibration.FLATTEST)
    expected = theirs.predict_proba(logits[:, None])[:, 1]
    assert special.expit(slope * logits + bias) == pytest.approx(expected, abs=1e-4)


def test_temperature_is_that_of_scikit_learn():
    # Theirs has no smoothed labels: equal in a large sample only.
    labels, logits = drawn(20_000, bias=0)
    theirs = CalibratedClassifierCV(FrozenEstimator(Scores().fit(None, None)), method="temperature").fit(
        logits[:, None], labels
    )
    slope, bias = platt.fit(labels, logits, False, calibration.FLATTEST)
    assert bias == 0 and slope == pytest.approx(0.5, rel=0.05)
    expected = theirs.predict_proba(logits[:, None])[:, 1]
    assert special.expit(slope * logits) == pytest.approx(expected, abs=2e-3)


def test_few_separated_or_inverted_examples_stay_finite():
    labels = np.repeat([1, 0], 8)
    slope, bias = platt.fit(labels, 100.0 * (labels - 0.5), True, calibration.FLATTEST)
    assert 0 < slope < 0.2 and abs(bias) < 1e-6
    for inverted in (False, True):
        assert (
            platt.fit(labels, (-labels if inverted else 0 * labels) * 1.0, True, calibration.FLATTEST)[0]
            == calibration.FLATTEST
        )


def study(gain_of_target=2.0, n=300, scale=4.0):
    tests = {name: test_rows(name, n=n) for name in ("g_selex", "g_chip")}
    predictions = {
        ("g_selex", "shuffled", "deepbind"): predicted(tests, tests, gain_of_target, word=1),
        ("g_chip", "shuffled", "deepbind"): predicted(tests, tests, 2.0, word=2),
    }
    for table in predictions.values():
        table["score"] *= scale
    parts = {}
    for target, table in tests.items():
        bound, unbound = (part.assign(split="test") for part in (table.query("label == 1"), table.query("label == 0")))
        parts[target] = bound, {"shuffled": unbound.drop(columns="negatives")}
    rows = {name: ROWS[name] for name in tests}
    return "GATA3", rows, predictions, parts, {**CONFIG, "models": {"deepbind": {"kind": "deepbind"}}}


def test_a_few_target_examples_mend_what_is_too_sure():
    table, curves = calibration.calibrate(*study())
    assert list(table) == calibration.CALIBRATION_COLUMNS and list(curves) == calibration.RELIABILITY_COLUMNS
    assert len(table) == 4 * (2 + 2 * len(calibration.SHOTS))
    cell = table[(table["source"] == "g_selex") & (table["target"] == "g_chip")].set_index(["adaptation", "n_target"])
    error = cell["ece"]
    assert error["none", 0] > 0.1 > error["temperature and bias", 64] > error["temperature and bias", 256]
    assert error["none", 0] > cell["ece_chance_high"]["none", 0] > cell["ece_chance"]["none", 0]
    assert cell["log_loss"]["temperature", 64] < cell["log_loss"]["none", 0]
    # The scores are positive for positives and centred on 0 for negatives: what is wanted is a bias, too.
    assert cell["bias"]["temperature and bias", 256] < -1 and cell["temperature"]["temperature", 256] > 1
    assert cell["note"]["temperature", 1024] == "fewer than 1024 examples in a half of the test rows"
    assert np.isnan(error["temperature", 1024])
    shown = curves[(curves["source"] == "g_selex") & (curves["target"] == "g_chip")]
    assert set(shown["adaptation"]) == {"none", "temperature and bias"}
    assert (shown.groupby("adaptation")["n"].sum() == 600).all()
    pd.testing.assert_frame_equal(table, calibration.calibrate(*study())[0])


def test_what_was_fitted_was_not_tested_on_the_same_rows():
    # Scores without any information: a fit on the tested rows themselves would beat the truth, log(2).
    cell = calibration.calibrate(*study(gain_of_target=0.0))[0].query("source == 'g_selex' and n_target == 16")
    assert (cell["log_loss"] > np.log(2)).all()


def test_halves_do_not_share_a_block():
    test = test_rows("g_chip", n=300)
    block = bootstrap.blocks(test, 1000)
    seen = []

    def spy(labels, logits, halves, share, words):
        seen.append(halves)
        return iter(())

    arguments = study()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "_lines", spy)
        calibration.calibrate(*arguments)
    halves = seen[-1]
    assert 0.3 < halves.mean() < 0.7 and all(len(set(halves[block == b])) == 1 for b in np.unique(block))


def test_a_known_prior_is_corrected_exactly():
    rng = np.random.default_rng(0)
    n = np.array([20_000, 2_000])  # as many negatives as tenfold the positives; the source had as many of both
    labels = np.repeat([0, 1], n)
    logits = 2 * (labels * 2.0 - 1 + rng.normal(size=n.sum()))  # log odds of two normals at equal shares
    lines = {line["adaptation"]: line for line, _ in calibration._lines(labels, logits, labels * 0, 0.5, ())}
    assert lines["none"]["ece"] > 0.05 and lines["prior"]["ece"] < 0.01
    assert lines["none"]["predicted"] - lines["none"]["observed"] > 0.1
    assert lines["prior"]["predicted"] == pytest.approx(1 / 11, abs=0.005)
    assert lines["prior"]["bias"] == pytest.approx(-np.log(10))
    unknown = {line["adaptation"]: line for line, _ in calibration._lines(labels, logits, labels * 0, None, ())}
    assert "not known" in unknown["prior"]["note"]


def test_over_tfs():
    table = pd.concat([calibration.calibrate(*study())[0].assign(tf=tf) for tf in ("A", "B")])
    table.loc[table["tf"] == "B", "ece"] += 0.1
    over = calibration.over_tfs(table).query("shift == 'assay' and adaptation == 'none' and source_assay == 'htselex'")
    (line,) = over.to_dict("records")
    mine = table.query("source == 'g_selex' and target == 'g_chip' and adaptation == 'none'")["ece"].mean()
    assert (line["n_tf"], line["ece"]) == pytest.approx((2, mine)) and line["low"] == 0 and line["high"] > mine + 0.3
