"""How well a model ranks held-out sequences, how much it loses on another dataset, and how uncertain both are.

Variances come from one paired, stratified block bootstrap (Efron & Tibshirani 1993). Whole blocks of a chromosome are
drawn with all their sequences of both classes. Blocks that hold one class only are drawn among themselves, and a
sequence without coordinates is a block of its own, so that both classes keep their size. Every model on the same test
sequences gets the same draws. The variance between training seeds is added.

Of rows in folds, each scored by the models of its own fold, every metric is that within folds, averaged with the
numbers of their positives: the models of two folds have no common scale. The resamples are drawn of all folds together.

Seeds are not resampled: a resample repeats some seeds, and the mean of fewer different models ranks worse, so that loss
would be mistaken for uncertainty. Instead, the variance between seeds is their jackknife (Efron & Stein 1981), from the
ensembles that leave one seed out, which all have the same size. The part of it that is noise of the test sequences is
in the bootstrap already and is subtracted.

With few blocks or seeds, an estimated variance is too often too small. Three corrections: the bootstrap deviations are
widened by sqrt(G / (G - 1)) for G blocks; the seeds of both models of a drop have one common variance; and the t
quantiles of test sequences and of seeds are averaged with weights that grow with their variances (Cochran & Cox 1950;
see `bootstrap.WEIGHT`). Satterthwaite's degrees of freedom fail for two seeds, which half the time look alike by
chance. The interval of a metric is symmetric on the logit scale, so that it stays between 0 and 1 and keeps its
coverage near them. With one seed there is no seed part, and the note says so. `benchmarks/coverage.py` measures the
coverage of these intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind.assays import form
from tfbind.errors import InputError, NotEstimable
from tfbind.io import columns, tables
from tfbind.seeding import generator
from tfbind.sequences import probes, splits
from tfbind.statistics import bootstrap
from tfbind.statistics.metrics import (
    INTENSITY_METRICS,
    LEAST,
    METRICS,
    curve,
    delong_p,
    measure,
    of_folds,
    of_intensities,
    within_folds,
)
from tfbind.study.shifts import is_tested_on, shift

#: Composition above this AUROC gets a note: if so simple a model separates the negatives, every AUROC is too high.
HIGH_FLOOR = 0.6
#: Notes that `verdicts.verdicts` reads: either the interval of the difference between the model's AUROC and that of
#: composition on the same sequences is not above zero, or the interval of the AUROC is not above 0.5.
NOT_ABOVE_FLOOR = "the target-trained model is not above composition"
SOURCE_NOT_ABOVE_FLOOR = "the source-trained model is not above composition"
#: Shares of the way from the composition floor to a perfect AUROC of 1. Below the first, a model has learnt little more
#: than composition (HT-SELEX of GABPA and ZNF143: below 0.1); from the second on, mostly sequence (USF1: 0.8). A share
#: and not a difference, since in inserts of 20 bp the motif itself changes the composition.
POOR_SHARE = 0.15
GOOD_SHARE = 0.5
#: Thresholds of the probes of an array, in robust standard deviations above the median, at which the AUROC is given
#: beside that of the config: how the answer changes when the cut moves.
MOVED = (2.0, 3.0, 4.0, 6.0, 8.0)
ONE_ARRAY = "it has no test rows: probes of one array design overlap, so a test needs those of another design"
#: AUROC that the TF's own JASPAR motif must reach alone for the motif to count as present. Of the real datasets, good
#: ones are at 0.68 and above; reads of GABPA, ZNF143 and NFE2 and peaks of NFE2 are below 0.60.
MOTIF_PRESENT = 0.6


def _keys(table: pd.DataFrame) -> pd.Index:
    # Negatives of two sets may have the same id, that of their positive.
    negatives = table["negatives"].where(table["label"] == 0, "").astype(str)
    return pd.Index(negatives.to_numpy(object) + "\x1f" + table["id"].astype(str).to_numpy(object))


def _of_set(positives: pd.DataFrame, negatives: Mapping[str, pd.DataFrame], label: str) -> pd.DataFrame:
    # The test rows of one set of negatives, with the note of a table that is empty for a stated reason.
    parts = [positives.assign(negatives=""), *(t.assign(negatives=x) for x, t in negatives.items() if x == label)]
    test = pd.concat(parts, ignore_index=True)
    test = test[splits.is_tested(test)]
    test.attrs["note"] = next(filter(None, map(tables.note, parts)), "")
    return test


def matched(predictions: pd.DataFrame, test: pd.DataFrame, negatives: str, name: str) -> tuple[list[str], np.ndarray]:
    """Scores of each seed, in the order of the test sequences.

    Parameters
    ----------
    predictions : prediction table
        Of one target. Positives whose `negatives` is empty count in every set, others only in the set named there.
    test : DataFrame, N rows
        The target's test rows of one set of negatives: `id, label, negatives`.
    negatives : str
        Name of that set.
    name : str
        What error messages call the predictions.

    Returns
    -------
    seeds : list of str
        The numbered seeds in order; empty where only the ``ensemble`` was stored.
    scores : (S, N) float64
        Logits, one line per seed, or the ensemble alone (S = 1).

    Raises
    ------
    NotEstimable
        No negative of this set has a prediction.
    InputError
        The test rows repeat an id; a seed has not exactly one finite score for each; or a stored ensemble is not the
        mean logit of its seeds.
    """
    mine = predictions[predictions["negatives"].isin(["", negatives])]
    if not (mine["label"] == 0).any():
        raise NotEstimable(f"no prediction of {name}")
    wanted = _keys(test)
    faults, scores = [], {}
    if not wanted.is_unique:
        twice = wanted[wanted.duplicated()][0].split("\x1f")[-1]
        raise InputError(f"{name}: the test rows repeat the id {twice!r}; make ids unique")
    for seed, part in mine.groupby("seed", sort=False):
        keys = _keys(part)
        missing, extra = wanted.difference(keys), keys.difference(wanted)
        if len(missing) or len(extra) or len(keys) != len(wanted):
            example = (*missing, *extra, *keys[keys.duplicated()])[0].split("\x1f")[-1]
            faults.append(
                f"{name}, seed {seed}: {len(keys)} predictions for {len(wanted)} test rows, e.g. {example!r} "
                "does not have exactly one partner; predict again from the current tables"
            )
            continue
        where = keys.get_indexer(wanted)
        values = part["score"].to_numpy(float)[where]
        if not np.isfinite(values).all():
            count = int((~np.isfinite(values)).sum())
            faults.append(f"{name}, seed {seed}: {count} scores are not finite; train this model again")
        scores[str(seed)] = values
    if faults:
        raise InputError(faults)
    ensemble = scores.pop("ensemble", None)
    if not scores:
        return [], ensemble[None]
    seeds = sorted(scores, key=int)
    stacked = np.stack([scores[seed] for seed in seeds])
    if ensemble is not None and not np.allclose(stacked.mean(0), ensemble, rtol=1e-3, atol=1e-3):
        raise InputError(f"{name}: the ensemble is not the mean logit of its seeds; predict again")
    return seeds, stacked


class _Cell(NamedTuple):
    seeds: Sequence[str] = ()
    scores: np.ndarray | None = None  # (S, N)
    replicates: bootstrap.Replicates | None = None
    probes: bootstrap.Replicates | None = None  # of `INTENSITY_METRICS`, for probes of an array
    reason: str = ""  # why there are none


def draws_of(test: pd.DataFrame, target: str, negatives: str, statistics: Mapping) -> bootstrap.Draws:
    """The bootstrap resamples of a target's test sequences.

    Parameters
    ----------
    test : DataFrame
        Test rows of one set of negatives: `label, chrom, start`.
    target, negatives : str
        Names of the dataset and the set; they seed the random choice and appear in messages.
    statistics : mapping
        `resamples`, `block` (bp) and `min_examples` of the config.

    Returns
    -------
    Draws

    Raises
    ------
    NotEstimable
        The table is empty for a stated reason, a class has fewer than `min_examples` sequences, or of rows in folds
        none has both classes.
    """
    if tables.note(test):
        raise NotEstimable(tables.note(test))
    least = statistics["min_examples"]
    for label, name in ((1, "positives"), (0, f"negatives {negatives}")):
        count = int((test["label"] == label).sum())
        if count < least:
            raise NotEstimable(f"{count} test {name} of {target}, fewer than {least}")
    rng = generator("bootstrap", target, negatives)
    block = bootstrap.blocks(test, statistics["block"])
    draws = bootstrap.draw(test["label"].to_numpy(), block, statistics["resamples"], rng)
    if (folds := _folds(test)) is not None:
        of_folds(test["label"].to_numpy(), folds)
    return draws._replace(folds=folds)


def _folds(test: pd.DataFrame) -> np.ndarray | None:
    # The fold of each test row; None where all are tested by the same models.
    if "split" not in test:
        return None
    found = splits.folds(test)
    return found if len(set(found)) > 1 else None


def _cell(
    key: tuple[str, str, str],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    target: str,
    test: pd.DataFrame,
    test_negatives: str,
    draws: bootstrap.Draws | NotEstimable,
) -> _Cell:
    if isinstance(draws, NotEstimable):
        raise draws
    name = f"{'/'.join(key)} on {target}/{test_negatives}"
    if key not in predictions:
        raise NotEstimable(f"no prediction of {name}")
    table = predictions[key]
    if table.empty:
        raise NotEstimable(tables.note(table) or f"no prediction of {name}")
    seeds, scores = matched(table[table["target"] == target], test, test_negatives, name)
    of_probes = None
    if "intensity" in test:
        of_probes = bootstrap.replicate(scores, draws, of_intensities(test["intensity"].to_numpy()))
    return _Cell(seeds, scores, bootstrap.replicate(scores, draws), of_probes)


def _unranked(labels: np.ndarray, folds: np.ndarray | None) -> list[str]:
    # Folds whose test rows cannot be ranked, since one class is absent there.
    if folds is None:
        return []
    ranked = np.concatenate([rows for rows, _ in of_folds(labels, folds)])
    n, without = len(labels) - len(ranked), sorted(set(folds) - set(folds[ranked]))
    return [f"{n} test rows of fold {', '.join(map(str, without))} are of one class and left out"] if n else []


def _caveats(*models: bootstrap.Replicates) -> list[str]:
    notes = []
    if min(model.n_seed for model in models) < 2:
        notes.append("one seed: the interval holds the test rows alone")
    n_block = models[0].n_block
    if n_block < 2:
        notes.append("all rows of a class lie in one block: no interval")
    elif n_block < bootstrap.FEW_BLOCKS:
        notes.append(f"only {n_block} blocks of test rows")
    if n_block > 1 and any(np.isnan(model.rows).any() for model in models):
        notes.append("in some resamples no fold holds rows of both classes: no interval")
    if n_block > 1 and all((model.rows[:, 0] == 0).all() for model in models):
        notes.append("every resample gives the same AUROC: the true interval is wider")
    return notes


def _metrics(labels: np.ndarray, cell: _Cell, level: float, folds: np.ndarray | None) -> Iterator[dict]:
    if cell.replicates is None:
        yield from ({"seed": "ensemble", "metric": metric, "note": cell.reason} for metric in METRICS)
        return
    for seed, scores in zip(cell.seeds, cell.scores, strict=False):
        for metric, value in zip(METRICS, measure(labels, scores, folds), strict=True):
            yield {"seed": seed, "metric": metric, "value": value, "note": ""}
    note = "; ".join(_unranked(labels, folds) + _caveats(cell.replicates))
    for column, metric in enumerate(METRICS):
        low, high = bootstrap.metric_interval(cell.replicates, column, level)
        value = cell.replicates.value[column]
        yield {"seed": "ensemble", "metric": metric, "value": value, "low": low, "high": high, "note": note}


def _of_probes(intensities: np.ndarray | None, cell: _Cell, level: float) -> Iterator[dict]:
    # What needs no cut, or shows how much the cut matters: `INTENSITY_METRICS`, and AUROC at the thresholds `MOVED`.
    if intensities is None:
        return
    if cell.replicates is None:
        yield from ({"seed": "ensemble", "metric": metric, "note": cell.reason} for metric in INTENSITY_METRICS)
        return
    for column, metric in enumerate(INTENSITY_METRICS):
        low, high = bootstrap.metric_interval(cell.probes, column, level, LEAST[metric])
        value = {"value": cell.probes.value[column], "low": low, "high": high}
        notes = _caveats(cell.replicates) + (["all scores are equal"] if np.isnan(value["value"]) else [])
        yield {"seed": "ensemble", "metric": metric, "note": "; ".join(notes)} | value
    for row in probes.thresholds(intensities, cell.scores.mean(0), MOVED).itertuples():
        counts = {"n_positive": row.n_positive, "n_negative": row.n_negative}
        yield {
            "seed": "ensemble",
            "metric": f"auroc_from_{row.threshold:g}_sd",
            "value": row.auroc,
            "note": "",
        } | counts


def _drop(labels: np.ndarray, own: _Cell, other: _Cell, floor: _Cell, level: float, folds: np.ndarray | None) -> dict:
    cells = {"same": own, "cross": other, "floor": floor}
    row: dict = {name: float(c.replicates.value[0]) for name, c in cells.items() if c.replicates is not None}
    reasons = [cell.reason for cell in (own, other) if cell.replicates is None]
    if reasons:
        return row | {"note": "; ".join(dict.fromkeys(reasons))}
    row["drop"], row["low"], row["high"] = bootstrap.difference(own.replicates, other.replicates, level)
    row["p_value"] = bootstrap.difference_p(own.replicates, other.replicates)
    notes = _unranked(labels, folds) + _caveats(own.replicates, other.replicates)
    try:
        row["p_delong"] = delong_p(labels, own.scores.mean(0), other.scores.mean(0), folds)
    except NotEstimable:  # of a fold; all test rows together are at least `min_examples`
        notes.append("a fold has one positive or one negative: no p by DeLong")
    if floor.replicates is not None and floor is not own:
        if row["floor"] > HIGH_FLOOR:
            notes.append(f"composition alone reaches {row['floor']:.2f}")
        for cell, note in ((own, NOT_ABOVE_FLOOR), (other, SOURCE_NOT_ABOVE_FLOOR)):
            above_floor = bootstrap.difference(cell.replicates, floor.replicates, level)[1]
            above_chance = bootstrap.metric_interval(cell.replicates, 0, level)[0] - 0.5
            # `not` also covers NaN: without an interval there is no evidence of being above.
            if not (above_floor > 0 and above_chance > 0):
                notes.append(note)
    return row | {"note": "; ".join(notes)}


def named(
    rows: Mapping[str, Mapping[str, str]], source: str, target: str, trained: str, test_negatives: str, model: str
) -> dict[str, str]:
    """The columns that identify one cell: `KEY`, `NEGATIVES` and `comparison`.

    Parameters
    ----------
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    source, target : str
        Datasets.
    trained, test_negatives : str
        Kinds of negatives in training and in the test.
    model : str
        Label of the model.

    Returns
    -------
    dict of str to str
        `comparison` is ``same`` where source and target are one dataset, else ``cross``. `tf` is ``A>B`` for a source
        of TF A and a target of TF B.
    """
    tfs = dict.fromkeys([rows[source]["tf"], rows[target]["tf"]])
    return {
        "tf": ">".join(tfs),
        "source": source,
        "source_assay": rows[source]["assay"],
        "target": target,
        "target_assay": rows[target]["assay"],
        "shift": shift(rows[source], rows[target]),
        "comparison": "same" if source == target else "cross",
        "train_negatives": trained,
        "test_negatives": test_negatives,
        "model": model,
    }


def on_target(
    target: str,
    test_negatives: str,
    test: pd.DataFrame,
    runs: Sequence[tuple[str, str]],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    rows: Mapping[str, Mapping[str, str]],
    config: Mapping,
    refused: Mapping[tuple[str, ...], str] = MappingProxyType({}),
) -> tuple[list[dict], list[dict], list[pd.DataFrame]]:
    """Metrics, drops and curves of every source and model on the same test sequences of one target.

    Parameters
    ----------
    target, test_negatives : str
    test : DataFrame
        The test rows: `id, label, negatives, chrom, start`; of an array also `intensity`. If empty for a stated reason
        (`tables.empty`), nothing is estimable.
    runs : sequence of (str, str)
        Sources and the kind of negatives that they were trained against. The target is among them: the others are
        compared with its models.
    predictions : mapping of (str, str, str) to DataFrame
        Prediction table of each source, kind of training negatives and model.
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    config : mapping
        `models` and `statistics` of the validated config.
    refused : mapping of tuple of str to str
        Reason for each cell (source, training negatives, target, test negatives) that must not be estimated.

    Returns
    -------
    metrics, transfer : list of dict
        Rows of these tables of `evaluate`.
    curves : list of DataFrame
        Parts of its third table.

    Raises
    ------
    InputError
        Predictions do not match the test rows (see `matched`); every fault at once.
    """
    statistics, models = config["statistics"], config["models"]
    level = statistics["level"]
    composition = next((label for label, model in models.items() if model.get("kind") == "composition"), None)
    labels, folds = test["label"].to_numpy(), _folds(test)
    intensities = test["intensity"].to_numpy() if "intensity" in test else None
    draws: bootstrap.Draws | NotEstimable
    try:
        draws = draws_of(test, target, test_negatives, statistics)
    except NotEstimable as fault:
        draws = fault
    cells, faults = {}, []
    for key in ((*run, model) for run in runs for model in models):
        try:
            cell = *key[:2], target, test_negatives
            if reason := refused.get(cell) or refused.get((*cell, key[2])):
                raise NotEstimable(reason)
            cells[key] = _cell(key, predictions, target, test, test_negatives, draws)
        except NotEstimable as fault:
            cells[key] = _Cell(reason=str(fault))
        except InputError as fault:
            faults += fault.faults
    if faults:
        raise InputError(faults)
    metrics, transfer, curves = [], [], []
    for (source, trained, model), cell in cells.items():
        about = named(rows, source, target, trained, test_negatives, model)
        about |= {"n_positive": int((labels == 1).sum()), "n_negative": int((labels == 0).sum())}
        metrics += [about | row for row in _metrics(labels, cell, level, folds)]
        metrics += [about | row for row in _of_probes(intensities, cell, level)]
        if cell.scores is not None:
            for kind in ("roc", "pr"):
                x, y = curve(labels, within_folds(cell.scores.mean(0), folds), kind)
                curves.append(pd.DataFrame(about | {"curve": kind, "x": x, "y": y}))
        if source != target:
            own = cells.get((target, trained, model), _Cell(reason=f"no {trained} for {target}"))
            floor = cells.get((target, trained, composition), _Cell())
            transfer.append(about | _drop(labels, own, cell, floor, level, folds))
    return metrics, transfer, curves


def as_tables(
    metrics: list[dict], transfer: list[dict], curves: list[pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The three tables of `evaluate` from what `on_target` returned.

    Parameters
    ----------
    metrics, transfer : list of dict
        Rows of any number of targets.
    curves : list of DataFrame

    Returns
    -------
    metrics, transfer, curves : DataFrame
        Columns `METRIC_COLUMNS`, `TRANSFER_COLUMNS`, `CURVE_COLUMNS`.
    """
    points = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=columns.CURVE_COLUMNS)
    return (
        pd.DataFrame(metrics, columns=columns.METRIC_COLUMNS),
        pd.DataFrame(transfer, columns=columns.TRANSFER_COLUMNS),
        points[columns.CURVE_COLUMNS],
    )


def _alone(row: dict) -> dict:
    # The `transfer` row of a TF's only dataset, made from its row of metrics.
    about = {name: row[name] for name in columns.TRANSFER_COLUMNS if name in row and name not in ("low", "high")}
    return about | {
        "same": row.get("value"),
        "note": row["note"] if "value" not in row else "the only dataset of its TF: nothing to transfer from",
    }


def cases(
    tf: str,
    rows: Mapping[str, Mapping[str, str]],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    config: Mapping,
) -> Iterator[tuple[str, str, pd.DataFrame, list[tuple[str, str]], bool]]:
    """The cases that `evaluate` goes through: each target of a TF with each kind of test negatives.

    Parameters
    ----------
    tf : str
        Its datasets are the targets.
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    tests : mapping of str to (DataFrame, mapping)
        Positives of each target, and its negatives by kind: sequence tables.
    config : mapping
        `negatives` and `transfer` of the validated config.

    Yields
    ------
    target, test_negatives : str
    test : DataFrame
        The test rows, with a column `negatives` (empty for positives); where all are probes of an array, `intensity`.
    runs : list of (str, str)
        Sources, with those of `extra_pairs`, and kinds of training negatives.
    alone : bool
        Whether the target is its only source.
    """
    options = config["transfer"]
    targets = [dataset for dataset, row in rows.items() if row["tf"] == tf]
    for target, test_negatives in product(targets, config["negatives"]):
        if test_negatives not in tests[target][1]:  # the label does not apply to this dataset
            continue
        extra = [source for source, other in options.get("extra_pairs", []) if other == target]
        sources = [*targets, *(source for source in dict.fromkeys(extra) if source not in targets)]
        everywhere = options.get("test_negatives", "same") == "all"
        trained = list(config["negatives"]) if everywhere else [test_negatives]
        sources = [source for source in sources if not is_tested_on(rows[source], rows[target])]
        runs = [(s, label) for s, label in product(sources, trained) if s not in tests or label in tests[s][1]]
        test = _of_set(*tests[target], test_negatives)
        if form(rows[target]["assay"]) == "intensities" and test.empty:
            test.attrs["note"] = tables.note(test) or ONE_ARRAY
        if form(rows[target]["assay"]) == "intensities" and test["score"].notna().all():  # not where shuffles test
            test = test.assign(intensity=test["score"])
        yield target, test_negatives, test, runs, len(sources) == 1


def evaluate(
    tf: str,
    rows: Mapping[str, Mapping[str, str]],
    predictions: Mapping[tuple[str, str, str], pd.DataFrame],
    tests: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    config: Mapping,
    refused: Mapping[tuple[str, ...], str] = MappingProxyType({}),
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Every metric, drop and curve on the datasets of one TF.

    Parameters
    ----------
    tf : str
        Its datasets are the targets. Sources are the same datasets, and those that `extra_pairs` names for a target.
    rows : mapping of str to mapping
        The sheet's row of each dataset.
    predictions : mapping of (str, str, str) to DataFrame
        Prediction table (test rows only) of each source, kind of training negatives and model. An absent one leaves
        its cell without value.
    tests : mapping of str to (DataFrame, mapping)
        Positives of each target, and its negatives by kind: sequence tables. With a table that is empty for a stated
        reason (`tables.empty`), a cell is not estimable for that reason.
    config : mapping
        `models`, `negatives`, `transfer` and `statistics` of the validated config.
    refused : mapping of tuple of str to str
        Reason for each cell (source, training negatives, target, test negatives) that must not be estimated whatever
        its predictions, from `leakage.refused`.

    Returns
    -------
    metrics, transfer, curves : DataFrame
        Columns `METRIC_COLUMNS`, `TRANSFER_COLUMNS`, `CURVE_COLUMNS`. The ensemble has intervals, a single seed only
        its value. `floor` is the AUROC of the target-trained composition model on the same sequences. Where nothing is
        estimable, numbers are NaN and `note` says why. A TF with a single dataset has transfer rows without a drop.

    Raises
    ------
    InputError
        Predictions do not match the test rows; the faults of all targets at once.
    """
    metrics, transfer, curves, faults = [], [], [], []
    for target, test_negatives, test, runs, alone in cases(tf, rows, tests, config):
        try:
            values, drops, points = on_target(target, test_negatives, test, runs, predictions, rows, config, refused)
        except InputError as fault:
            faults += fault.faults
            continue
        if alone:
            drops = [_alone(row) for row in values if (row["seed"], row["metric"]) == ("ensemble", "auroc")]
        metrics, transfer, curves = metrics + values, transfer + drops, curves + points
    if faults:
        raise InputError(faults)
    return as_tables(metrics, transfer, curves)
