"""The final model: an evaluated model trained again on all rows of its dataset, to be used and not to be tested.

Nothing is chosen anew, since no row is left to choose by: the settings are those of the evaluated model, the number of
epochs (of a baseline, the strength) is what its validation rows chose.
"""

import math
import os
import shutil
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from tfbind.errors import NotEstimable
from tfbind.io import tables
from tfbind.models import store

#: Key of `extra` in `model.json` that marks a final model.
KEY = "final"
HISTORY = "history.tsv"
HISTORY_COLUMNS = ["seed", "epoch", "split", "metric", "value"]


def rows(table: pd.DataFrame, learns: str = "labels") -> pd.DataFrame:
    """All rows of a table as training rows.

    Parameters
    ----------
    table : sequence table
    learns : {"labels", "intensities"}
        Where intensities are learnt, the test rows stay out: they are of another array design, with a scale of its own.

    Returns
    -------
    sequence table
    """
    kept = table[table["split"] != "test"] if learns == "intensities" else table
    result = kept.assign(split="train").reset_index(drop=True)
    result.attrs = dict(table.attrs)
    return result


def epochs(history: pd.DataFrame) -> int:
    """How many epochs the validation rows chose: the (lower) median over the seeds of the best epoch's number.

    Parameters
    ----------
    history : DataFrame
        `history.tsv` of the evaluated model.

    Returns
    -------
    int
        From 1.
    """
    chosen = history[(history["split"] == "validation") & history["metric"].isin(["auroc", "spearman"])]
    # of equal epochs the first is kept in training too
    best = [int(part["epoch"].loc[part["value"].idxmax()]) + 1 for _, part in chosen.groupby("seed")]
    return statistics.median_low(best)


def fit(
    evaluated: str | os.PathLike,
    positives: pd.DataFrame,
    negatives: pd.DataFrame,
    folder: str | os.PathLike,
    seeds: Sequence[int],
    embed: int = 0,
    learns: str = "labels",
    threads: int = 1,
) -> None:
    """Train the final model of an evaluated one and write the files of a model.

    Its probabilities use the curve of the evaluated model, since its own logits of rows that it has seen are too high.

    Parameters
    ----------
    evaluated : path
        Folder of the evaluated model; with folds, that of fold 0.
    positives, negatives : sequence tables
        All rows train, also those that the leakage audit leaves out of the evaluated model.
    folder : path
        Receives `model.safetensors`, `model.json`, `history.tsv`. ``extra.final`` of the second holds `evaluated` (the
        folder), `weights_sha256` (of its weights), `epochs`, `n_positive` and `n_negative`.
    seeds : sequence of int
        All seeds of the study; those that gave an evaluated model are used.
    embed, learns, threads
        See `training.fit`.

    Raises
    ------
    InputError
        The evaluated model cannot be read.
    """
    from tfbind.models import baseline, networks

    about = store.describe(evaluated)
    kind, folder = about["kind"], Path(folder)
    if "reason" in about:
        store.write_no_model(folder, kind, about["reason"])
        return
    positives, negatives = rows(positives, learns), rows(negatives, learns)
    kept = {key: value for key, value in about["extra"].items() if key in ("dataset", "negatives", "model")}
    note = {"evaluated": os.fspath(evaluated), "weights_sha256": about["weights_sha256"]}
    note |= {"n_positive": len(positives), "n_negative": len(negatives)}
    extra = {"calibration": about["extra"].get("calibration"), **kept}
    if kind not in networks.MODELS:
        options, extra, seed = about["options"], {**extra, KEY: note}, about["seeds"][0]
        if kind == "matrix":  # nothing is trained: the matrix is that of the evaluated model, not that of a file
            same, _ = baseline.load(evaluated)
            baseline.save(folder, kind, options, same, seed, {"domain": about["extra"]["domain"], **extra})
            tables.write_tsv(pd.DataFrame(columns=HISTORY_COLUMNS), folder / HISTORY)
            return
        options = options | ({"strengths": [about["strength"]]} if "strength" in about else {})
        baseline.fit(kind, options, positives, negatives, seed, folder, extra)
        return
    note["epochs"] = epochs(tables.read_tsv(Path(evaluated) / HISTORY))
    try:
        _networks(about, positives, negatives, folder, list(seeds), embed, learns, threads, {**extra, KEY: note})
    except NotEstimable as reason:
        store.write_no_model(folder, kind, str(reason))


def _networks(
    about: Mapping,
    positives: pd.DataFrame,
    negatives: pd.DataFrame,
    folder: Path,
    seeds: list[int],
    embed: int,
    learns: str,
    threads: int,
    extra: dict,
) -> None:
    from tfbind.models import applicability, background, networks, stacks
    from tfbind.models.examples import encode

    networks.set_threads(threads)
    kind, options, training = about["kind"], about["options"], dict(about["extra"]["training"])
    examples = encode(positives, negatives, learns)
    if embed:
        chain = background.fit(examples.tokens)
        examples = examples._replace(chain=chain, window=max(embed, examples.window))
        extra["background"] = background.to_lists(chain)
    # the schedule of the learning rate ends with the last epoch; an epoch holds as many passes as `steps` asks of one
    shorter = extra[KEY]["epochs"] / training["epochs"]
    training |= {"steps": math.ceil(training["steps"] * shorter), "epochs": extra[KEY]["epochs"]}
    used = [seed for seed in seeds if seed in about["seeds"]]
    work, ended = folder / "checkpoints", {}
    shutil.rmtree(work, ignore_errors=True)
    for stack in [[seed] for seed in used] if examples.draw.any() else [used]:
        members = [stacks.Member(seed, options, training["learning_rate"], training["weight_decay"]) for seed in stack]
        progress = stacks.fit_stack(kind, members, examples, seeds.index(stack[0]), training, work / str(stack[0]))
        ended |= dict(zip(stack, progress, strict=True))
    shutil.rmtree(work)
    states = {seed: progress["best"] for seed, progress in ended.items() if progress["best"]}
    failures = {seed: progress["failure"] for seed, progress in ended.items() if not progress["best"]}
    if not states:
        raise NotEstimable("; ".join(failures.values()))
    tables.write_tsv(pd.DataFrame(columns=HISTORY_COLUMNS), folder / HISTORY)
    notes = {"training": training, "failures": failures, "domain": applicability.describe(examples.tokens)}
    networks.save(folder, kind, options, states, examples.window, {**notes, **extra})
