"""Learning curves: AUROC on the target after using n target examples in several ways.

- `direct`: the source model, unchanged.
- `head`: its dense layers are fine-tuned, its detectors stay fixed.
- `finetune`: all of it is fine-tuned.
- `retrain`: a new network is trained on the n examples only.
- `joint`: a new network is trained on the source's sequences and the n examples; these are repeated, at most 16-fold,
  to about as many as the source's.

Each is trained for a number of steps fixed beforehand. Target validation sequences are not used, since nothing is
selected. Fine-tuning starts from each seed of the source model. Networks trained on the same examples are trained as
one stack.
"""

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import NotEstimable
from tfbind.io import columns, tables
from tfbind.models import predict, store
from tfbind.models.examples import LabelledTables, encode
from tfbind.models.networks import Network, build, load, one_thread
from tfbind.seeding import generator
from tfbind.statistics import bootstrap
from tfbind.statistics.bootstrap import Replicates
from tfbind.transfer import evaluate

ADAPTATIONS = ("direct", "head", "finetune", "retrain", "joint")
#: Passes over the examples, at least, and over the sequences of a joint training; fine-tuning takes this share of the
#: learning rate.
PASSES, JOINT_PASSES, GENTLE = 8, 2, 0.3
#: Largest number of copies of a target example in a joint training.
MOST = 16
#: `crossings.tsv` compares each adaptation with `direct`, and `retrain` with `finetune`.
CROSSING_COLUMNS = [
    *(*columns.KEY, *columns.NEGATIVES, "adaptation", "against", "n_star", "low", "high", "most", "sentence")
]
RETRAIN_COLUMNS = [
    *(*columns.KEY, "comparison", *columns.NEGATIVES, "adaptation", "n_target", "metric", "value", "low", "high"),
    *("n_positive", "n_negative", "note"),
]


def scores(
    folder: Path,
    source: LabelledTables,
    target: LabelledTables,
    test: Sequence[str],
    settings: Mapping,
    options: Mapping,
    names: tuple[str, ...],
    work: Path,
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Test logits of every adaptation at every number of target examples.

    Parameters
    ----------
    folder : path
        A stored network, trained on `source`.
    source, target : LabelledTables
        All sequences of both datasets; only training rows are used.
    test : sequence of str
        The target's test sequences, M of them.
    settings : mapping
        `training` of the config.
    options : mapping
        `transfer.retrain` of the config (`shots`, `adaptations`, `draws`, `steps`), and the `reading` of the source
        model.
    names : tuple of str
        Seed the random choices, so that the same names draw the same examples.
    work : path
        Folder for checkpoints.

    Yields
    ------
    adaptation : str
    n : int
        Number of target examples; 0 for `direct`. Numbers that the target's training rows do not reach are skipped.
    logits : (D, M) float64
        Mean over the source model's seeds, one line per draw of the n examples; D = 1 for `direct`.

    Raises
    ------
    NotEstimable
        There is no source model, or a training gave no usable network.
    InputError
        The stored model is missing or damaged.
    """
    one_thread()
    description = store.describe(folder)
    if "reason" in description:
        raise NotEstimable(description["reason"])
    networks = load(folder)
    tokens = dna.encode(list(test))
    stored = predict.stored(folder)
    direct = predict.score(stored.model, tokens, options["reading"], stored.window, chain=stored.chain)
    yield "direct", 0, direct.mean(0, keepdims=True)
    source, target = source.train(), target.train()
    available = 2 * min(map(len, target))
    for n in options["shots"]:
        if n > available:
            continue
        found: dict[str, list] = {}
        for number in range(options["draws"]):
            some = target.some(n, generator("shots", *names, n, number))
            place = work / f"{n}-{number}"
            for name, logits in _adapted(networks, description, source, some, tokens, settings, options, place):
                found.setdefault(name, []).append(logits)
        yield from ((name, n, np.stack(rows)) for name, rows in found.items())


def _adapted(
    networks: Mapping[int, Network],
    description: Mapping,
    source: LabelledTables,
    some: LabelledTables,
    tokens: np.ndarray,
    settings: Mapping,
    options: Mapping,
    work: Path,
) -> Iterator[tuple[str, np.ndarray]]:
    from tfbind.models import stacks  # Lightning loads where something is trained

    rate, decay = settings["learning_rate"], settings["weight_decay"]
    alone = {"retrain": {}, "finetune": {"start": True}, "head": {"start": True, "head_only": True}}
    wanted = [name for name in alone if name in options["adaptations"]]
    members = []
    for name in wanted:
        for seed, network in networks.items():
            start = network.state_dict() if "start" in alone[name] else None
            own = rate if start is None else GENTLE * rate
            only = "head_only" in alone[name]
            members.append(stacks.Member(seed, description["options"], own, decay, start, only))
    groups = [(wanted, members, some)] if wanted else []
    if "joint" in options["adaptations"]:
        fresh = [stacks.Member(seed, description["options"], rate, decay) for seed in networks]
        groups.append((["joint"], fresh, _joint(source, some)))
    for names, stack, rows in groups:
        examples = encode(*rows)
        batches = -(-len(examples.labels) // settings["batch_size"])
        passes = JOINT_PASSES if names == ["joint"] else PASSES
        steps = {**settings, "epochs": 1, "steps": max(options["steps"], passes * batches)}
        progress = stacks.fit_stack(description["kind"], stack, examples, 0, steps, work / names[0])
        for i, name in enumerate(names):
            part = progress[i * len(networks) : (i + 1) * len(networks)]
            trained = []
            for state in part:
                if not state["best"]:
                    raise NotEstimable(f"{name}: {state['failure']}")
                network = build(description["kind"], description["options"])
                network.load_state_dict(state["best"])
                trained.append(network)
            yield name, predict.score(trained, tokens).mean(0)


def _joint(source: LabelledTables, some: LabelledTables) -> LabelledTables:
    parts = []
    for mine, theirs in zip(source, some, strict=True):
        copies = int(np.clip(len(mine) // max(len(theirs), 1), 1, MOST))
        parts.append(pd.concat([mine, *[theirs] * copies], ignore_index=True).assign(draw=0))
    return LabelledTables(*parts)


class Curve(NamedTuple):
    """AUROC at each number of target examples.

    Attributes
    ----------
    n : (P,) int
        Numbers of examples, ascending.
    value : (P,) float64
        AUROC, mean over the draws of the examples.
    rows : (P, B) float64
        Deviation of `value` in each resample of the test sequences.
    draws : (P,) float64
        Variance of the mean over the draws of the examples; 0 with one draw.
    count : int
        Number of draws of the examples.
    n_block : int
        As in `bootstrap.Draws`.
    """

    n: np.ndarray
    value: np.ndarray
    rows: np.ndarray
    draws: np.ndarray
    count: int
    n_block: int


def curves(found: Mapping[tuple[str, int], np.ndarray], drawn: bootstrap.Draws) -> dict[str, Curve]:
    """The learning curve of each adaptation, all on the same resamples of the test sequences.

    Parameters
    ----------
    found : mapping of (str, int) to (D, M) float
        Logits of each adaptation and number of examples, as from `scores`; D is the same at each n.
    drawn : bootstrap.Draws
        Of the M test sequences.

    Returns
    -------
    dict of str to Curve
    """
    result = {}
    for name in dict.fromkeys(name for name, _ in found):
        shots = sorted(n for other, n in found if other == name)
        each = [[bootstrap.replicate(row[None], drawn) for row in found[name, n]] for n in shots]
        values = np.array([[point.value[0] for point in points] for points in each])  # (P, D)
        count = values.shape[1]
        result[name] = Curve(
            np.array(shots),
            values.mean(1),
            np.stack([np.mean([point.rows[:, 0] for point in points], 0) for points in each]),
            values.var(1, ddof=1) / count if count > 1 else np.zeros(len(shots)),
            count,
            each[0][0].n_block,
        )
    return result


def interval(curve: Curve, i: int, level: float) -> tuple[float, float]:
    """Interval of one point of a curve.

    Parameters
    ----------
    curve : Curve
    i : int
        Index of the point.
    level : float
        Of the interval.

    Returns
    -------
    low, high : float
        From the variance between resamples of the test sequences and between draws of the examples.
    """
    point = Replicates(
        np.array([curve.value[i]]), curve.rows[i][:, None], np.array([curve.draws[i]]), curve.n_block, curve.count
    )
    return bootstrap.metric_interval(point, 0, level)


def crossing(first: Curve, second: Curve, level: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """The number of examples from which on the first curve lies above the second.

    Both curves are made monotone (isotonic regression over the logarithm of n) and interpolated linearly; a curve with
    a single point is constant. The interval is from the same crossing in every resample of the test sequences, with
    normal noise added that has the variance between draws of the examples.

    Parameters
    ----------
    first, second : Curve
        On the same resamples of the test sequences.
    level : float
        Of the interval.
    rng : numpy Generator
        For the noise.

    Returns
    -------
    n_star, low, high : float
        0 where the first curve is above from its smallest number of examples on; infinity where it is not above at its
        largest.
    """
    observed = _cross(first, first.value, second, second.value)
    count = first.rows.shape[1]
    found = np.empty(count)
    for b in range(count):
        noisy = [
            curve.value + curve.rows[:, b] + rng.normal(size=len(curve.n)) * np.sqrt(curve.draws)
            for curve in (first, second)
        ]
        found[b] = _cross(first, noisy[0], second, noisy[1])
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return observed, float(low), float(high)


def _cross(first: Curve, one: np.ndarray, second: Curve, other: np.ndarray) -> float:
    x = np.log2(first.n)
    fine = np.linspace(x[0], x[-1], 16 * len(x))
    above = _level(x, one, fine) > _level(np.log2(np.maximum(second.n, 1)), other, fine)
    if not above[-1]:
        return math.inf
    below = np.flatnonzero(~above)
    return 0.0 if not len(below) else float(2 ** fine[below[-1] + 1])


def _level(x: np.ndarray, y: np.ndarray, fine: np.ndarray) -> np.ndarray:
    from scipy.optimize import isotonic_regression  # imported here, since it loads slowly

    return np.full(len(fine), y[0]) if len(x) == 1 else np.interp(fine, x, isotonic_regression(y).x)


def tabulate(
    about: Mapping[str, object], found: Mapping[str, Curve], labels: np.ndarray, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `retrain.tsv` and `crossings.tsv` of one pair.

    Parameters
    ----------
    about : mapping
        `columns.KEY` and `columns.NEGATIVES` of the pair.
    found : mapping of str to Curve
        The curve of each adaptation, `direct` among them.
    labels : (M,) 0/1
        Of the test sequences.
    level : float
        Of the intervals.

    Returns
    -------
    retrain : DataFrame
        `RETRAIN_COLUMNS`: AUROC of each adaptation at each number of examples.
    crossings : DataFrame
        `CROSSING_COLUMNS`: from how many examples on (`n_star`) an adaptation is above another (`against`), 0 and
        infinity as in `crossing`; `most` is the largest number tried.
    """
    rows, crossings = [], []
    size = {"n_positive": int((labels == 1).sum()), "n_negative": int((labels == 0).sum())}
    for name, curve in found.items():
        for i, n in enumerate(curve.n):
            low, high = interval(curve, i, level)
            row = {"comparison": "cross", "adaptation": name, "n_target": int(n), "metric": "auroc", "note": ""}
            rows.append(about | row | size | {"value": curve.value[i], "low": low, "high": high})
    pairs = [(name, "direct") for name in found if name != "direct"]
    pairs += [("retrain", "finetune")] if {"retrain", "finetune"} <= set(found) else []
    for name, against in pairs:
        words = tuple(map(str, about.values()))
        star, low, high = crossing(found[name], found[against], level, generator("crossing", *words, name, against))
        most = int(found[name].n[-1])
        row = {"adaptation": name, "against": against, "n_star": star, "low": low, "high": high, "most": most}
        said = sentence(about, name, against, star, low, high, found[name])
        # The observed means at the largest number of examples may contradict the monotone curves.
        if (found[name].value[-1] > found[against].value[-1]) == math.isinf(star):
            said = f"{said[:-1]}, of curves made monotone; the means at {most:,} examples say otherwise."
        crossings.append(about | row | {"sentence": said})
    return pd.DataFrame(rows, columns=RETRAIN_COLUMNS), pd.DataFrame(crossings, columns=CROSSING_COLUMNS)


_WORDS = {
    "retrain": "training from scratch",
    "finetune": "fine-tuning all of it",
    "head": "fine-tuning its last layers",
    "joint": "training on both together",
    "direct": "using the source model as it is",
}


def sentence(about: Mapping, name: str, against: str, star: float, low: float, high: float, curve: Curve) -> str:
    """One crossing as a sentence.

    Parameters
    ----------
    about : mapping
        `tf`, `source` and `target` of the pair.
    name, against : str
        The adaptations of the first and the second curve.
    star, low, high : float
        From `crossing`.
    curve : Curve
        The first curve.

    Returns
    -------
    str
        Numbers are rounded to two digits.
    """
    least, most = int(curve.n[0]), int(curve.n[-1])

    def number(n: float) -> str:
        return f"fewer than {least:,}" if n <= least else f"more than {most:,}" if math.isinf(n) else f"{_round(n):,}"

    pair = f"{about['tf']}, {about['source']} to {about['target']}"
    if math.isinf(star):
        return f"{pair}: {_WORDS[name]} does not beat {_WORDS[against]} with up to {most:,} target examples."
    text = f"{pair}: {_WORDS[name]} beats {_WORDS[against]} from {number(star)} target examples on"
    return f"{text} ({number(low)} to {number(high)})."


def _round(n: float) -> int:
    # Two digits; more would suggest a precision that is not there.
    digits = max(int(math.log10(n)) - 1, 0)
    return int(round(n / 10**digits) * 10**digits)


def pair(
    folder: Path,
    source: LabelledTables,
    target: LabelledTables,
    about: Mapping[str, object],
    config: Mapping,
    reading: str,
    work: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The learning curves of one source model on one target, and where they cross.

    Parameters
    ----------
    folder : path
        The source model.
    source, target : LabelledTables
        All sequences of both datasets.
    about : mapping
        `columns.KEY` and `columns.NEGATIVES` of the pair.
    config : mapping
        `training`, `transfer` and `statistics` of the validated config.
    reading : {"whole", "scan", "occupancy", "embed"}
        How the unchanged source model reads the target, see `predict.score`.
    work : path
        Folder for checkpoints, from which an interrupted run continues; removed at the end.

    Returns
    -------
    retrain, crossings : DataFrame
        `RETRAIN_COLUMNS` and `CROSSING_COLUMNS`, see `tabulate`. Where the pair is not estimable, the first is one row
        without value whose `note` says why, and the second is empty.

    Raises
    ------
    InputError
        The stored model is missing or damaged.
    """
    level = config["statistics"]["level"]
    test = pd.concat([t[(t["split"] == "test") & (t["draw"] == 0)] for t in target], ignore_index=True)
    try:
        if note := tables.note(target.positives) or tables.note(target.negatives):
            raise NotEstimable(note)
        drawn = evaluate.draws_of(test, str(about["target"]), str(about["test_negatives"]), config["statistics"])
        options = {**config["transfer"]["retrain"], "reading": reading}
        names = (str(about["source"]), str(about["target"]), str(about["test_negatives"]))
        found = {
            (name, n): logits
            for name, n, logits in scores(
                folder, source, target, test["sequence"], config["training"], options, names, work
            )
        }
    except NotEstimable as reason:
        shutil.rmtree(work, ignore_errors=True)
        row = {**about, "comparison": "cross", "metric": "auroc", "note": str(reason)}
        return pd.DataFrame([row], columns=RETRAIN_COLUMNS), pd.DataFrame(columns=CROSSING_COLUMNS)
    shutil.rmtree(work, ignore_errors=True)
    return tabulate(about, curves(found, drawn), test["label"].to_numpy(), level)
