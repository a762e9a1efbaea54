"""Calibration on the target: whether scores are probabilities there, and how many target examples correct them.

AUROC cannot show this: a model can keep its AUROC on a target and still give wrong probabilities. The ensemble logit of
each source model is taken as log odds in four ways: unchanged; with the difference between the log odds of both priors
added, which needs only the shares of positives; with a temperature fitted on n target examples; and with a temperature
and a bias (Guo et al. 2017; Platt 1999, with his smoothed labels, so that few examples cannot make a model certain).

Only test sequences have predictions. So the n examples are drawn from one half of the blocks of the target's test
sequences and the fit is tested on the other half, then the reverse; this is repeated and averaged.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import special

from tfbind.errors import InputError, NotEstimable
from tfbind.io.columns import KEY, NEGATIVES
from tfbind.models import platt
from tfbind.seeding import generator
from tfbind.sequences import splits
from tfbind.statistics.bootstrap import blocks
from tfbind.statistics.over_tfs import within_tf
from tfbind.study.shifts import rank
from tfbind.transfer.evaluate import cases, matched, named

#: Numbers of target examples to fit on, and how many times each number is drawn.
SHOTS, REPEATS = (16, 64, 256, 1024), 5
#: Bins of equal width for the expected calibration error (ECE), and how many sets of perfectly calibrated labels are
#: drawn for its value by chance.
BINS, DRAWS = 15, 100
#: The smallest slope, a temperature of 100, for scores that rank no better than chance.
FLATTEST = 0.01
#: The report draws curves without adaptation and after so many target examples.
SHOWN = 64
ADAPTATIONS = ("none", "prior", "temperature", "temperature and bias")
CALIBRATION_COLUMNS = [
    *(*KEY, *NEGATIVES, "adaptation", "n_target", "ece", "ece_chance", "ece_chance_high", "log_loss", "temperature"),
    *("bias", "predicted", "observed", "n_positive", "n_negative", "note"),
]
OVER_COLUMNS = [
    *("shift", "source_assay", "target_assay", *NEGATIVES, "adaptation", "n_target", "n_tf", "ece", "low", "high"),
    *("ece_chance", "log_loss", "predicted", "observed"),
]
RELIABILITY_COLUMNS = [*KEY, *NEGATIVES, "adaptation", "n_target", "predicted", "observed", "n"]


def _bins(p: np.ndarray) -> np.ndarray:
    return np.minimum((p * BINS).astype(int), BINS - 1)


def reliability(labels: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points of a reliability curve: predicted against observed share of positives in bins of equal width.

    Parameters
    ----------
    labels : (N,) 0/1
    logits : (N,) float
        Read as log odds.

    Returns
    -------
    predicted : (K,) float64
        Mean probability in each of the `BINS` bins that hold a sequence; empty bins are left out.
    observed : (K,) float64
        Share of positives.
    n : (K,) int64
        Number of sequences.
    """
    p = special.expit(logits)
    n = np.bincount(_bins(p), minlength=BINS)
    known = n > 0
    predicted, observed = (np.bincount(_bins(p), x, BINS)[known] / n[known] for x in (p, np.asarray(labels, float)))
    return predicted, observed, n[known]


def ece(labels: np.ndarray, p: np.ndarray) -> float:
    """Expected calibration error (ECE) of probabilities.

    Parameters
    ----------
    labels : (N,) 0/1
        At least one.
    p : (N,) float
        Probabilities.

    Returns
    -------
    float
        Distance between mean probability and share of positives in each of `BINS` bins, averaged over all sequences.
    """
    return float(np.abs(np.bincount(_bins(p), np.asarray(labels, float) - p)).sum() / len(p))


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Mean negative log likelihood of the labels.

    Parameters
    ----------
    labels : (N,) 0/1
    logits : (N,) float
        Read as log odds.

    Returns
    -------
    float
        In nats.
    """
    return float(np.mean(np.logaddexp(0, np.where(np.asarray(labels) == 1, -1, 1) * logits)))


def _draw(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray | None:
    # Indices of n sequences with the same share of positives as all, at least one per class; None if there are too few.
    classes = [np.flatnonzero(labels == 1), np.flatnonzero(labels != 1)]
    n_positive = int(np.clip(round(n * len(classes[0]) / max(len(labels), 1)), 1, n - 1))
    if n > len(labels) or len(classes[0]) < n_positive or len(classes[1]) < n - n_positive:
        return None
    return np.concatenate(
        [rng.choice(c, k, replace=False) for c, k in zip(classes, (n_positive, n - n_positive), strict=True)]
    )


def _fitted(
    labels: np.ndarray, logits: np.ndarray, halves: np.ndarray, n: int, bias: bool, words: Sequence[object]
) -> Iterator[tuple[np.ndarray, float, float]]:
    """For each repeat: logits of all sequences, each corrected by the fit on the other half; mean slope and bias."""
    for repeat in range(REPEATS):
        rng = generator("calibration", *words, n, repeat)  # the same examples for every model
        mended, found = np.empty(len(logits)), []
        for half in (0, 1):
            there, other = np.flatnonzero(halves == half), halves != half
            rows = _draw(labels[there], n, rng)
            if rows is None:
                return
            found.append(platt.fit(labels[there[rows]], logits[there[rows]], bias, FLATTEST))
            mended[other] = found[-1][0] * logits[other] + found[-1][1]
        slope, offset = np.mean(found, 0)
        yield mended, float(slope), float(offset)


def _by_chance(logits: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    # Mean and 97.5 % quantile of the ECE when labels are drawn with exactly these probabilities.
    p = special.expit(logits)
    found = [ece(rng.random(len(p)) < p, p) for _ in range(DRAWS)]
    return float(np.mean(found)), float(np.quantile(found, 0.975))


def on_target(
    target: str,
    test_negatives: str,
    test: pd.DataFrame,
    runs: Sequence[tuple[str, str]],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    rows: Mapping[str, Mapping[str, str]],
    config: Mapping,
    shares: Mapping[str, float],
) -> tuple[list[dict], list[dict]]:
    """Calibration of every source and model on the test sequences of one target.

    Parameters
    ----------
    target, test_negatives : str
    test : DataFrame
        Rows of the test sequences: `id, label, negatives, chrom, start`.
    runs : sequence of (str, str)
        Sources and the kind of negatives that they were trained against; other kinds than `test_negatives` are skipped.
    predictions : mapping of (str, str, str) to DataFrame
        Prediction table of each source, kind of training negatives and model.
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    config : mapping
        `models` and `statistics` of the validated config.
    shares : mapping of str to float
        Share of positives among each source's own test sequences; for a source without one, `prior` has no numbers.

    Returns
    -------
    calibration, reliability : list of dict
        Rows of the two tables of `calibrate`; empty where a class has fewer than `min_examples` test sequences. A
        model without usable predictions has no row; `evaluate` says why.
    """
    calibration: list[dict] = []
    curves: list[dict] = []
    labels = test["label"].to_numpy()
    counts = {"n_positive": int((labels == 1).sum()), "n_negative": int((labels == 0).sum())}
    if min(counts.values()) < config["statistics"]["min_examples"]:
        return calibration, curves
    block = blocks(test, config["statistics"]["block"])
    halves = generator("halves", target, test_negatives).integers(2, size=block.max() + 1)[block]
    for source, trained in runs:
        for model in config["models"]:
            key = (source, trained, model)
            if trained != test_negatives or key not in predictions:
                continue
            try:
                mine = predictions[key]
                _, scores = matched(mine[mine["target"] == target], test, test_negatives, "/".join(key))
            except (NotEstimable, InputError):
                continue
            about = named(rows, source, target, trained, test_negatives, model)
            for line, logits in _lines(labels, scores.mean(0), halves, shares.get(source), (target, test_negatives)):
                calibration.append(about | counts | line)
                if logits is not None and line["n_target"] in (0, SHOWN) and line["adaptation"] in ADAPTATIONS[::3]:
                    fitted = {name: line[name] for name in ("adaptation", "n_target")}
                    points = zip(*reliability(labels, logits), strict=True)
                    curves += [
                        about | fitted | dict(zip(("predicted", "observed", "n"), p, strict=True)) for p in points
                    ]
    return calibration, curves


def _lines(
    labels: np.ndarray, logits: np.ndarray, halves: np.ndarray, share: float | None, words: Sequence[object]
) -> Iterator[tuple[dict, np.ndarray | None]]:
    rng = generator("calibrated", *words)
    observed = float(np.mean(labels == 1))
    offset = np.nan
    if share is not None and 0 < share < 1:
        offset = float(special.logit(observed) - special.logit(share))
    ways = [("none", 0, [(logits, 1.0, 0.0)]), ("prior", 0, [(logits + offset, 1.0, offset)])]
    ways += [
        (name, n, list(_fitted(labels, logits, halves, n, name == ADAPTATIONS[3], words)))
        for n in SHOTS
        for name in ADAPTATIONS[2:]
    ]
    for name, n, found in ways:
        line = {"adaptation": name, "n_target": n, "observed": observed, "note": ""}
        if not found:
            yield line | {"note": f"fewer than {n} examples in a half of the test rows"}, None
            continue
        if np.isnan(found[0][0]).any():
            yield line | {"note": "the source's own share of positives is not known"}, None
            continue
        several = [
            {
                "ece": ece(labels, special.expit(mended)),
                "log_loss": log_loss(labels, mended),
                "temperature": 1 / slope,
                "bias": bias,
                "predicted": float(special.expit(mended).mean()),
            }
            for mended, slope, bias in found
        ]
        line |= {column: float(np.mean([one[column] for one in several])) for column in several[0]}
        line["ece_chance"], line["ece_chance_high"] = _by_chance(found[0][0], rng)
        yield line, found[0][0]


def calibrate(
    tf: str,
    rows: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    config: Mapping,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Calibration of every model on the datasets of one TF.

    Parameters
    ----------
    tf : str
        Its datasets are the targets.
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    predictions : mapping of (str, str, str) to DataFrame
        Prediction table of each source, kind of training negatives and model.
    tests : mapping of str to (DataFrame, mapping)
        Positives of each target, and its negatives by kind: sequence tables.
    config : mapping
        `models`, `negatives`, `transfer` and `statistics` of the validated config.

    Returns
    -------
    calibration : DataFrame
        `CALIBRATION_COLUMNS`: `ece` and `log_loss` without and with each adaptation; `ece_chance` and
        `ece_chance_high`, mean and 97.5 % quantile of the ECE of perfectly calibrated scores. `predicted` (mean
        probability) minus `observed` (share of positives) is the shift of the prior. Where an adaptation was not
        possible, its numbers are NaN and `note` says why.
    reliability : DataFrame
        `RELIABILITY_COLUMNS`: points of the curves.
    """
    calibration: list[dict] = []
    curves: list[dict] = []
    for target, test_negatives, test, runs, _ in cases(tf, rows, tests, config):
        shares = {}
        for source, (positives, negatives) in tests.items():
            n = [
                int(splits.is_tested(table).sum())
                for table in (positives, negatives.get(test_negatives, positives[:0]))
            ]
            shares[source] = n[0] / max(sum(n), 1)
        parts = on_target(target, test_negatives, test, runs, predictions, rows, config, shares)
        calibration, curves = calibration + parts[0], curves + parts[1]
    return as_tables(calibration, curves)


def over_tfs(calibration: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The mean expected calibration error over TFs, for each shift, model and adaptation.

    Parameters
    ----------
    calibration : DataFrame
        From `calibrate`, all TFs; extra pairs of two TFs and rows without `ece` are left out.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `OVER_COLUMNS`, from the smallest shift to the largest. Pairs of one TF are averaged first. The interval is
        Student's t over TFs; NaN with one TF.
    """
    known = within_tf(calibration[calibration["ece"].notna()])
    lines = []
    for key, rows in known.groupby(OVER_COLUMNS[:8], sort=False):
        of_tf = rows.groupby("tf", sort=False)[["ece", "ece_chance", "log_loss", "predicted", "observed"]].mean()
        half = np.nan
        if len(of_tf) > 1:
            half = -special.stdtrit(len(of_tf) - 1, (1 - level) / 2) * of_tf["ece"].std() / np.sqrt(len(of_tf))
        line = dict(zip(OVER_COLUMNS[:8], key, strict=True)) | {"n_tf": len(of_tf)} | of_tf.mean().to_dict()
        lines.append(
            line | dict(zip(("low", "high"), np.clip([line["ece"] - half, line["ece"] + half], 0, 1), strict=True))
        )
    table = pd.DataFrame(lines, columns=OVER_COLUMNS)
    return table.sort_values("shift", key=lambda s: s.map(rank), kind="stable", ignore_index=True)


def as_tables(calibration: list[dict], curves: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The two tables of `calibrate` from the rows that `on_target` returned.

    Parameters
    ----------
    calibration, curves : list of dict
        Rows of any number of targets.

    Returns
    -------
    calibration, reliability : DataFrame
        `CALIBRATION_COLUMNS` and `RELIABILITY_COLUMNS`.
    """
    return pd.DataFrame(calibration, columns=CALIBRATION_COLUMNS), pd.DataFrame(curves, columns=RELIABILITY_COLUMNS)
