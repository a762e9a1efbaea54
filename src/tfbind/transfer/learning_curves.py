"""How many examples of the target are worth a training of its own: a source model meets n of them in several ways.

- `direct`: the source model as it is.
- `head`: its dense layers trained on, the detectors as they are.
- `finetune`: all of it trained on.
- `retrain`: a new network, trained on the n examples alone.
- `joint`: a new network, trained on the source's rows and the n examples, which count as much, at most 16-fold.

Each is trained for a number of steps fixed beforehand and never sees a validation row of the target: there is nothing
to select. What starts from the source model starts from each of its seeds, and all that meets the same examples trains
as one stack.
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
from tfbind.models.examples import encode
from tfbind.models.networks import Network, build, load, one_thread
from tfbind.seeding import generator
from tfbind.statistics import bootstrap
from tfbind.statistics.bootstrap import Replicates
from tfbind.transfer import evaluate

ADAPTATIONS = ("direct", "head", "finetune", "retrain", "joint")
#: Passes over the examples at least, and over the rows of a joint training; what trains on takes smaller steps.
PASSES, JOINT_PASSES, GENTLE = 8, 2, 0.3
#: Weight of a target row among the source's, at most.
MOST = 16
#: `crossings` weighs each adaptation against `direct`, and these against each other.
CROSSING_COLUMNS = [
    *(*columns.KEY, *columns.NEGATIVES, "adaptation", "against", "n_star", "low", "high", "most", "sentence")
]
RETRAIN_COLUMNS = [
    *(*columns.KEY, "comparison", *columns.NEGATIVES, "adaptation", "n_target", "metric", "value", "low", "high"),
    *("n_positive", "n_negative", "note"),
]


class Examples(NamedTuple):
    """Training rows of both classes.

    Attributes
    ----------
    positives, negatives : sequence tables
    """

    positives: pd.DataFrame
    negatives: pd.DataFrame

    def train(self) -> "Examples":
        """The training rows that every seed sees, or the first seed's where each has its own."""
        return Examples(*(t[(t["split"] == "train") & (t["draw"] <= 1)].reset_index(drop=True) for t in self))

    def some(self, n: int, rng: np.random.Generator) -> "Examples":
        """`n` of them, half of each class."""
        return Examples(*(t.iloc[np.sort(rng.choice(len(t), n // 2, replace=False))] for t in self))


def scores(
    folder: Path,
    source: Examples,
    target: Examples,
    test: Sequence[str],
    settings: Mapping,
    options: Mapping,
    names: tuple[str, ...],
    work: Path,
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Every adaptation at every number of examples.

    Parameters
    ----------
    folder : path
        A stored network, trained on `source`.
    source, target : Examples
        All rows of both datasets; training rows alone are used.
    test : sequence of str
        The target's test sequences, M of them.
    settings : mapping
        `training` of the config.
    options : mapping
        `transfer.retrain` of the config: `shots`, `adaptations`, `draws`, `steps`, and `reading` of the source model.
    names : tuple of str
        What the random choices are named by.
    work : path
        Holds checkpoints meanwhile.

    Yields
    ------
    adaptation, n, logits (D, M)
        One row a draw of the n examples: the mean logit over the source's seeds. `direct` has one row, and n = 0.
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
    source: Examples,
    some: Examples,
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


def _joint(source: Examples, some: Examples) -> Examples:
    parts = []
    for mine, theirs in zip(source, some, strict=True):
        copies = int(np.clip(len(mine) // max(len(theirs), 1), 1, MOST))
        parts.append(pd.concat([mine, *[theirs] * copies], ignore_index=True).assign(draw=0))
    return Examples(*parts)


class Curve(NamedTuple):
    """AUROC at each number of examples.

    Attributes
    ----------
    n : (P,) int
        Ascending.
    value : (P,) float64
        Mean over the draws of the examples.
    rows : (P, B) float64
        Deviations when test rows are drawn.
    draws : (P,) float64
        Variance of the mean between draws of the examples; 0 with one draw.
    count : int
        Draws of the examples.
    n_block : int
    """

    n: np.ndarray
    value: np.ndarray
    rows: np.ndarray
    draws: np.ndarray
    count: int
    n_block: int


def curves(found: Mapping[tuple[str, int], np.ndarray], drawn: bootstrap.Draws) -> dict[str, Curve]:
    """The learning curve of each adaptation from its logits, (D, M) at each n, on the same draws of the test rows."""
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
    """Interval of the i-th point of a curve: test rows and draws of the examples."""
    point = Replicates(
        np.array([curve.value[i]]), curve.rows[i][:, None], np.array([curve.draws[i]]), curve.n_block, curve.count
    )
    return bootstrap.metric_interval(point, 0, level)


def crossing(first: Curve, second: Curve, level: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """From how many examples on the first curve lies above the second.

    Both curves are made monotone (isotonic regression over the logarithm of n) and joined by straight lines; a curve
    with one point is level. Uncertainty: the same crossing in every resample of the test rows, with normal noise of the
    size that the draws of the examples show.

    Returns
    -------
    n_star, low, high : float
        0 where the first curve is above from its smallest number on; infinity where it is not above at its largest.
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
    from scipy.optimize import isotonic_regression  # it loads for those who compare curves

    return np.full(len(fine), y[0]) if len(x) == 1 else np.interp(fine, x, isotonic_regression(y).x)


def tabulate(
    about: Mapping[str, object], found: Mapping[str, Curve], labels: np.ndarray, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `retrain.tsv` and of `crossings.tsv` of one pair.

    Parameters
    ----------
    about : mapping
        `columns.KEY` and `columns.NEGATIVES` of the pair.
    found : mapping of str to Curve
    labels : (M,) 0/1
        Of the test rows.
    level : float
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
        if (found[name].value[-1] > found[against].value[-1]) == math.isinf(star):  # the means at most examples differ
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
    """One crossing in plain words."""
    least, most = int(curve.n[0]), int(curve.n[-1])

    def number(n: float) -> str:
        return f"fewer than {least:,}" if n <= least else f"more than {most:,}" if math.isinf(n) else f"{_round(n):,}"

    pair = f"{about['tf']}, {about['source']} to {about['target']}"
    if math.isinf(star):
        return f"{pair}: {_WORDS[name]} does not beat {_WORDS[against]} with up to {most:,} target examples."
    text = f"{pair}: {_WORDS[name]} beats {_WORDS[against]} from {number(star)} target examples on"
    return f"{text} ({number(low)} to {number(high)})."


def _round(n: float) -> int:
    # two figures: more would pretend
    digits = max(int(math.log10(n)) - 1, 0)
    return int(round(n / 10**digits) * 10**digits)


def pair(
    folder: Path,
    source: Examples,
    target: Examples,
    about: Mapping[str, object],
    config: Mapping,
    reading: str,
    work: Path,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Everything of one source model and one target: the tables of `tabulate`.

    Parameters
    ----------
    folder : path
        The source model.
    source, target : Examples
    about : mapping
        See `tabulate`.
    config : mapping
        `training`, `transfer` and `statistics` of the validated config.
    reading : str
        How the source model reads the target when used as it is.
    work : path
        Holds checkpoints meanwhile: a run that was killed goes on where it was.
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
