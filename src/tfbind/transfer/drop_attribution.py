"""The causes of a drop: the source is made to resemble its target, in one respect at a time and in every combination.

Each cause is a switch from the source's property to the target's. For a set S of switches, a network is trained on
source sequences that resemble the target's in the respects of S, and scored on the target's test sequences: v(S), an
AUROC. What remains between all switches together and the target-trained network is the rest. The part of a cause is its
Shapley value (1953), the mean of what it adds over all orders in which the k switches can be turned on:

    part(i) = sum over S without i of |S|! (k - |S| - 1)! / k! * (v(S and i) - v(S))

So the parts and the rest sum exactly to the drop. Zhang et al. 2023 ("Why did the model fail?") describe a change of
performance as such a game; they weight test examples, while here training changes and the test sequences stay the same.

- `negatives`: negatives of the target's kind are drawn for the source's positives. A kind that cannot be drawn so
  (windows of the genome, a published set) is replaced by pieces of the target's negatives, chosen to differ in GC from
  the positives by as much as in the target.
- `length`: source sequences shorter than the target's are trained in random surroundings of the target's length. If the
  source's are longer, the target's sequences are set into surroundings when they are scored. Without this switch, the
  model's own `reading` is used.
- `size`: as many training sequences as the target has. If the source has fewer, the target's network is trained on as
  few instead.
- `composition`: sequences are drawn with the most equal weights that give the negatives the target's dinucleotide
  shares (entropy balancing, Hainmueller 2012). Surroundings, if any, get the target's composition.
- `strength`: if the source has more peaks than the target, the strongest ones, as many as the target has.
- `cycle`, `cell`: another dataset of the source's TF and assay, from the target's cycle or cell.

Every seed draws its own training sequences, by the same random numbers in every setting, so that the variance between
seeds includes this draw. Validation sequences are not used, since nothing is selected.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import factorial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.assays import form, has_cycles, is_in_vivo, printed
from tfbind.errors import NotEstimable
from tfbind.io import columns, tables
from tfbind.kmers import composition
from tfbind.models import background, predict
from tfbind.models.examples import Examples, LabelledTables, encode
from tfbind.models.networks import Network, one_thread, restore
from tfbind.seeding import generator
from tfbind.sequences.negatives import NEGATIVES
from tfbind.statistics import bootstrap
from tfbind.statistics.bootstrap import Replicates
from tfbind.study.negative_kinds import KINDS
from tfbind.transfer import evaluate

CAUSES = ("negatives", "length", "size", "composition", "strength", "cycle", "cell")
#: Name of the part of a drop that no switch explains.
REST = "rest"
COLUMNS = [
    *(*columns.KEY, "comparison", *columns.NEGATIVES, "cause", "metric", "value", "low", "high"),
    *("n_positive", "n_negative", "note", "sentence"),
]
#: Numbers of training sequences that differ by at most this share count as equal.
_ALIKE = 0.1
#: Least effective size of a weighted set, as a share of its size (Kish 1965).
_WORTH = 0.3
#: How many times surroundings are drawn anew during a training, at most.
_SURROUNDINGS = 8
_RIDGE = 1e-3


def _train(rows: LabelledTables) -> LabelledTables:
    # The training rows; `NotEstimable` if a class has none.
    kept = rows.train()
    for name, table in kept._asdict().items():
        if table.empty:
            raise NotEstimable(f"no {name} in the training rows")
    return kept


class Game(NamedTuple):
    """One source, one target, and what the switches need.

    Attributes
    ----------
    source, target : LabelledTables
        Training rows.
    other : LabelledTables or None
        Training rows of the dataset that replaces the source under `cycle` or `cell`.
    reading : {"whole", "scan", "occupancy", "embed"}
        How a source network reads the target while `length` is off, see `predict.score`.
    names : tuple of str
        Seed the random choices, so that the same names give the same draws.
    """

    source: LabelledTables
    target: LabelledTables
    other: LabelledTables | None
    reading: str
    names: tuple[str, ...]


def untestable(game: Game, source: Mapping[str, str], target: Mapping[str, str]) -> dict[str, str]:
    """Why causes cannot be tested on a pair.

    Parameters
    ----------
    game : Game
    source, target : mapping of str to str
        Their rows of the sheet; `assay`, `cell` and `tf` are used.

    Returns
    -------
    dict of str to str
        The reason for each of `CAUSES`; empty where the cause can be tested.
    """
    why = dict.fromkeys(CAUSES, "")
    kinds, lengths = ({rows.kind() for rows in game[:2]}, {rows.length() for rows in game[:2]})
    n_source, n_target = len(game.source.positives), len(game.target.positives)
    if len(kinds) == 1:
        why["negatives"] = f"both are set against {min(kinds)}"
    if len(lengths) == 1:
        why["length"] = f"both are {min(lengths)} bp"
    more = n_source > n_target * (1 + _ALIKE)
    if not more and n_target <= n_source * (1 + _ALIKE):
        why["size"] = f"about as many training rows: {n_source:,} and {n_target:,} positives"
    one = source["assay"] if source["assay"] == target["assay"] else ""
    if not one:
        why["strength"] = why["cell"] = "not both are of one assay"
    elif form(one) != "peaks":
        why["strength"] = "they have no peaks"
    elif game.source.positives["score"].isna().any():
        why["strength"] = "the peaks of the source have no scores"
    elif not more:
        why["strength"] = "the source has no more peaks than the target"
    if not has_cycles(source["assay"]):
        why["cycle"] = "the source has no cycles"
    elif game.other is None:
        by_target = has_cycles(target["assay"])
        wanted = "usable dataset of the target's cycle" if by_target else "usable earlier cycle"
        why["cycle"] = f"no {wanted} of {source['tf']} from the same library in the sheet"
    if one and not is_in_vivo(one):
        why["cell"] = "they are not from cells"
    elif one and source["cell"] == target["cell"]:
        why["cell"] = f"both are of {source['cell'] or 'no stated cell'}"
    elif one and game.other is None:
        why["cell"] = (
            f"no other usable {printed(one)} of {source['tf']} in {target['cell'] or 'the target’s cell'} in the sheet"
        )
    return why


def shapley(k: int) -> np.ndarray:
    """The matrix that turns the values of all coalitions into the Shapley values (1953) of k players.

    Parameters
    ----------
    k : int
        Number of players.

    Returns
    -------
    (k, 2^k) float64
        To be multiplied by the values of the coalitions; player i is in coalition c if bit i of c is set.
    """
    matrix = np.zeros((k, 2**k))
    for c in range(2**k):
        size = c.bit_count()
        for i in range(k):
            if c >> i & 1:
                matrix[i, c] = factorial(size - 1) * factorial(k - size) / factorial(k)
            else:
                matrix[i, c] = -factorial(size) * factorial(k - size - 1) / factorial(k)
    return matrix


def tilt(
    negatives: np.ndarray, wanted: np.ndarray, others: Sequence[np.ndarray] = ()
) -> tuple[list[np.ndarray], float]:
    """The most equal weights under which the mean of some features reaches a given value.

    The weights are exponential in the features (entropy balancing, Hainmueller 2012). If few sequences have such
    features, the mean is moved only part of the way, in steps of a tenth, so that the effective size of each set (Kish
    1965) stays at least `_WORTH` of its size.

    Parameters
    ----------
    negatives : (N, F) float
        Features of the sequences whose mean is moved.
    wanted : (F,) float
        The mean to reach.
    others : sequence of (M, F) float
        Features of further sets, which get weights by the same function of the features.

    Returns
    -------
    weights : list of float64 arrays
        (N,) for `negatives`, then (M,) for each of `others`; each sums to 1.
    share : float
        How far the mean was moved, 0 to 1 of the way.
    """
    from scipy.optimize import minimize  # imported here, since it loads slowly

    centre, scale = negatives.mean(0), np.where(negatives.std(0) > 0, negatives.std(0), 1)
    tables_ = [(table - centre) / scale for table in (negatives, *others)]
    way, slope = (wanted - centre) / scale, np.zeros(negatives.shape[1])
    chosen, reached = [np.full(len(table), 1 / len(table)) for table in tables_], 0.0
    for share in np.arange(1, 11) / 10:

        def dual(slope, goal=share * way):
            at = tables_[0] @ slope
            odds = np.exp(at - at.max())
            value = np.log(odds.mean()) + at.max() - slope @ goal + _RIDGE * slope @ slope / 2
            return value, odds @ tables_[0] / odds.sum() - goal + _RIDGE * slope

        slope = minimize(dual, slope, jac=True, method="L-BFGS-B").x
        odds = [np.exp(at - at.max()) for at in (table @ slope for table in tables_)]
        weights = [each / each.sum() for each in odds]
        if min(1 / (each @ each) / len(each) for each in weights) < _WORTH:
            break
        chosen, reached = weights, float(share)
    return chosen, reached


def _features(rows: pd.DataFrame, k: int) -> np.ndarray:
    return composition(dna.encode(rows["sequence"]), k)


def _some(table: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    return table.iloc[np.sort(rng.choice(len(table), n, replace=False))] if n < len(table) else table


def _weighted(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    # Drawn by weight, with replacement. A repeated row gets an id of its own, and so its own shuffle.
    share = table["weight"].to_numpy() / table["weight"].sum()
    drawn = table.iloc[np.sort(rng.choice(len(table), len(table), p=share))]
    return drawn.assign(id=drawn["id"] + "." + drawn.groupby("id").cumcount().astype(str))


class _Player:
    """Makes the training examples of every setting, and scores with the networks trained on them."""

    def __init__(self, game: Game):
        self.game = game
        self.chains = {name: background.fit(self._tokens(rows)) for name, rows in self._datasets().items()}
        self.lengths = {name: rows.length() for name, rows in self._datasets().items()}
        wanted = _features(game.target.negatives, 2).mean(0)
        self.weighted, self.moved = {}, {}
        for name, rows in self._datasets().items():
            if name != "target":
                (negatives, positives), self.moved[name] = tilt(
                    _features(rows.negatives, 2), wanted, [_features(rows.positives, 2)]
                )
                self.weighted[name] = LabelledTables(
                    rows.positives.assign(weight=positives), rows.negatives.assign(weight=negatives)
                )

    def _datasets(self) -> dict[str, LabelledTables]:
        named = dict(zip(("source", "target", "other"), self.game[:3], strict=True))
        return {name: rows for name, rows in named.items() if rows is not None}

    @staticmethod
    def _tokens(rows: LabelledTables) -> np.ndarray:
        return dna.encode(pd.concat([rows.positives["sequence"], rows.negatives["sequence"]]))

    def of_target(self, n: int, seed: int) -> Examples:
        """The target's own examples: `n` positives, and negatives in proportion."""
        positives, negatives = self.game.target
        share = min(n / len(positives), 1)
        kept = [
            _some(t, round(share * len(t)), self._chance(seed, name))
            for t, name in ((positives, "b"), (negatives, "u"))
        ]
        return encode(*kept)

    def of_source(self, switched: frozenset[str], seed: int) -> Examples:
        """The source's examples, made to resemble the target's in the respects of `switched`."""
        name = self._dataset(switched)
        positives, negatives = self.weighted[name]
        per_positive, n = len(negatives) / len(positives), min(len(positives), len(self.game.source.positives))
        n_target = len(self.game.target.positives)
        if "strength" in switched:
            positives = positives.sort_values("score", ascending=False, kind="stable").head(n_target)
        if "size" in switched:
            n = min(n, n_target)
        positives = _some(positives, n, self._chance(seed, "b"))
        negatives = _some(negatives, round(per_positive * len(positives)), self._chance(seed, "u"))
        inside = "length" in switched and self.lengths[name] < self.lengths["target"]
        if "composition" in switched:
            positives, negatives = (
                _weighted(t, self._chance(seed, f"w{i}")) for i, t in enumerate((positives, negatives))
            )
        if "negatives" in switched:
            negatives = self._negatives(positives, len(negatives), self._chance(seed, "n"))
        examples = encode(*(tables.conform(t, tables.SEQUENCES) for t in (positives, negatives)))
        if inside:
            examples = examples._replace(chain=self._chain(switched), window=self.lengths["target"])
        return examples

    def _dataset(self, switched: frozenset[str]) -> str:
        return "other" if switched & {"cycle", "cell"} else "source"

    def _chain(self, switched: frozenset[str]) -> background.Chain:
        return self.chains["target" if "composition" in switched else self._dataset(switched)]

    def _chance(self, seed: int, what: str) -> np.random.Generator:
        return generator("causes", *self.game.names, seed, what)

    def _negatives(self, positives: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
        # `n` negatives of the target's kind for these positives.
        kind = self.game.target.kind()
        if kind in KINDS and KINDS[kind].shuffles:
            return NEGATIVES[kind](positives, rng, ratio=n / len(positives))[0]
        tokens = dna.encode(self.game.target.negatives["sequence"])
        tokens = tokens[rng.integers(len(tokens), size=2 * n)]
        sizes, wanted = dna.lengths(tokens), rng.choice(positives["sequence"].str.len(), 2 * n)
        start = rng.integers(0, np.maximum(sizes - wanted, 0) + 1)
        texts = dna.decode(tokens, sizes)
        pieces = dna.encode([s[a : a + w] for s, a, w in zip(texts, start, wanted, strict=True)])
        for width in np.unique(wanted[wanted > sizes]):  # pieces shorter than wanted are set into surroundings
            some = (wanted == width) & (wanted > sizes)
            filled = background.surround(pieces[some], int(width), self.chains["target"], rng)
            pieces = np.pad(
                pieces, ((0, 0), (0, max(filled.shape[1] - pieces.shape[1], 0))), constant_values=dna.UNKNOWN
            )
            pieces[some, : filled.shape[1]] = filled
        apart = _features(self.game.target.negatives, 1).mean(0) - _features(self.game.target.positives, 1).mean(0)
        (weights,), _ = tilt(composition(pieces, 1), _features(positives, 1).mean(0) + apart)
        chosen = rng.choice(2 * n, n, p=weights)
        sequence = dna.decode(pieces[chosen])
        return tables.sequences(
            id=[f"{kind}{i}" for i in range(n)], sequence=sequence, label=0, split="train", origin=kind
        )

    def read(self, networks: Sequence[Network], tokens: np.ndarray, switched: frozenset[str]) -> np.ndarray:
        """Logits (K, M) of the test sequences by the K networks of a setting."""
        own, target = self.lengths[self._dataset(switched)], self.lengths["target"]
        if "length" not in switched:
            return predict.score(networks, tokens, self.game.reading, own)
        if own < target:
            return predict.score(networks, tokens)
        return predict.score(networks, tokens, "embed", own, chain=self._chain(switched))


def _trained(kind: str, options: Mapping, examples: Examples, seed: int, settings: Mapping) -> Network:
    from tfbind.models import stacks  # Lightning loads where something is trained

    batches = -(-len(examples.labels) // settings["batch_size"])
    epochs = int(np.clip(settings["steps"] // batches, 1, _SURROUNDINGS))
    member = stacks.Member(seed, options, settings["learning_rate"], settings["weight_decay"])
    with tempfile.TemporaryDirectory() as work:
        (state,) = stacks.fit_stack(kind, [member], examples, 0, {**settings, "epochs": epochs}, Path(work))
    if not state["best"]:
        raise NotEstimable(state["failure"])
    return restore(kind, options, state["best"])


def play(
    game: Game,
    switches: Sequence[str],
    test: pd.DataFrame,
    model: tuple[str, Mapping],
    seeds: Sequence[int],
    settings: Mapping,
) -> tuple[dict[frozenset[str] | str, np.ndarray], dict[str, float]]:
    """Train networks in every setting and score the target's test sequences.

    Parameters
    ----------
    game : Game
    switches : sequence of str
        Those of `CAUSES` that can be tested.
    test : DataFrame, M rows
        The target's test rows.
    model : (str, mapping)
        Kind and constructor arguments of the networks.
    seeds : sequence of int
        Training seeds, S of them.
    settings : mapping
        `training` of the config, with `steps`.

    Returns
    -------
    logits : dict
        (S, M) float64 for each set of switches (a frozenset) and for ``target``, the target-trained networks; if
        `size` is a switch and the source has fewer training sequences, also for ``few``, target networks trained on as
        few.
    moved : dict of str to float
        How far the composition of ``source`` and ``other`` could be moved to the target's, 0 to 1.

    Raises
    ------
    NotEstimable
        A training gave no usable network.
    """
    one_thread()
    player, tokens = _Player(game), dna.encode(test["sequence"])
    n_source, n_target = len(game.source.positives), len(game.target.positives)
    found: dict[frozenset[str] | str, np.ndarray] = {}
    few = "size" in switches and n_source < n_target
    for name, n in (("target", n_target), *([("few", n_source)] if few else [])):
        networks = [_trained(*model, player.of_target(n, seed), seed, settings) for seed in seeds]
        found[name] = predict.score(networks, tokens, game.reading, player.lengths["target"])
    players = [name for name in switches if not (few and name == "size")]
    for size in range(len(players) + 1):
        for switched in map(frozenset, combinations(players, size)):
            networks = [_trained(*model, player.of_source(switched, seed), seed, settings) for seed in seeds]
            found[switched] = player.read(networks, tokens, switched)
    return found, player.moved


def parts(
    found: Mapping[frozenset[str] | str, np.ndarray], drawn: bootstrap.Draws, level: float
) -> dict[tuple[str, str], tuple[float, float, float]]:
    """The drop and its parts with their intervals, from one bootstrap of all settings together.

    Parameters
    ----------
    found : mapping of (frozenset or str) to (S, M) float
        Logits of each setting, from `play`.
    drawn : bootstrap.Draws
        Of the M test sequences.
    level : float
        Of the intervals.

    Returns
    -------
    dict of (str, str) to (float, float, float)
        Value, low and high for each cause and metric: ``("source", "auroc")``, ``("target", "auroc")``, ``("all",
        "drop")``, and for each cause ``part`` and ``alone`` (what its switch adds when turned on alone). `REST` has a
        ``part`` only. All parts sum to the drop.
    """
    settings = list(found)
    each = [bootstrap.replicate(found[name], drawn) for name in settings]
    players = sorted(max((s for s in settings if isinstance(s, frozenset)), key=len), key=CAUSES.index)
    index = {name: i for i, name in enumerate(settings)}

    def unit(name: frozenset[str] | str) -> np.ndarray:
        return np.eye(len(settings))[index[name]]

    coalitions = [frozenset(p for i, p in enumerate(players) if c >> i & 1) for c in range(2 ** len(players))]
    nothing, everything = frozenset(), frozenset(players)
    last = "few" if "few" in found else "target"
    wanted = {("all", "drop"): unit("target") - unit(nothing)}
    for player, weights in zip(players, shapley(len(players)), strict=True):
        wanted[player, "part"] = sum(w * unit(c) for w, c in zip(weights, coalitions, strict=True))
        wanted[player, "alone"] = unit(frozenset([player])) - unit(nothing)
    if last == "few":
        wanted["size", "part"] = wanted["size", "alone"] = unit("target") - unit("few")
    wanted[REST, "part"] = unit(last) - unit(everything)
    results = {
        ("source", "auroc"): _level(each[index[nothing]], level),
        ("target", "auroc"): _level(each[index["target"]], level),
    }
    return results | {name: bootstrap.weighted_sum(weights, each, level) for name, weights in wanted.items()}


def _level(model: Replicates, level: float) -> tuple[float, float, float]:
    return float(model.value[0]), *bootstrap.metric_interval(model, 0, level)


_WORDS = {
    "negatives": "the kind of negatives",
    "length": "the length of the sequences",
    "size": "the number of training rows",
    "composition": "base composition",
    "strength": "the strength of the peaks",
    "cycle": "the SELEX cycle",
    "cell": "the cell",
}
_RESTS = {"assay": "the assay itself", "cell": "the cell", "lab": "the laboratory", "replicate": "the replicate"}


def sentence(about: Mapping, found: Mapping[tuple[str, str], tuple[float, float, float]]) -> str:
    """The causes of one drop as a sentence.

    Parameters
    ----------
    about : mapping
        `tf`, `source`, `target` and `shift` of the pair.
    found : mapping of (str, str) to (float, float, float)
        From `parts`.

    Returns
    -------
    str
        In points of AUROC: the drop, the parts whose interval excludes zero with the largest first, and the names of
        the others.
    """

    def said(value: float, low: float, high: float) -> str:
        value, low, high = (round(100 * x, 1) + 0.0 for x in (value, low, high))
        return f"{value:.1f} ({low:.1f} to {high:.1f})"

    drop = found["all", "drop"]
    text = f"{about['tf']}, {about['source']} to {about['target']}: "
    if drop[1] <= 0 <= drop[2]:
        text += f"the loss of {said(*drop)} points cannot be told from none"
    elif drop[0] < 0:
        text += f"nothing is lost: {said(*(-drop[0], -drop[2], -drop[1]))} points are gained"
    else:
        text += f"of the {said(*drop)} points that are lost"
    words = _WORDS | {REST: _RESTS[about["shift"]]}
    each = sorted(((v, name) for (name, metric), v in found.items() if metric == "part"), key=lambda x: -x[0][0])
    losses = [f"{said(*v)} come from {words[name]}" for v, name in each if v[1] > 0]
    gains = [f"{words[name]} gives {said(-v[0], -v[2], -v[1])} back" for v, name in each if v[2] < 0]
    unsure = [words[name] for v, name in each if v[1] <= 0 <= v[2]]
    text += f", {', '.join(losses)}" if losses else ""
    text += f"; {', '.join(gains)}" if gains else ""
    text += f"; not to be told from nothing: {', '.join(unsure)}" if unsure else ""
    return text + "."


def pair(
    source: LabelledTables,
    target: LabelledTables,
    other: LabelledTables | None,
    rows: Sequence[Mapping[str, str]],
    about: Mapping[str, object],
    config: Mapping,
    model: Mapping,
) -> pd.DataFrame:
    """The rows of `causes.tsv` for one source, target and model.

    Parameters
    ----------
    source, target : LabelledTables
        All sequences of the two datasets.
    other : LabelledTables or None
        The dataset that replaces the source under `cycle` or `cell`; ignored if empty for a stated reason.
    rows : (mapping, mapping)
        The sheet's rows of source and target.
    about : mapping
        `columns.KEY` and `columns.NEGATIVES` of the pair.
    config : mapping
        `training`, `statistics` and `seeds` of the validated config, and `steps` of its `transfer.causes`.
    model : mapping
        `kind`, constructor arguments and `reading` of the networks.

    Returns
    -------
    DataFrame
        `COLUMNS`: the drop, its parts and the two AUROCs. A cause that cannot be tested has a row without value whose
        `note` says why; where the whole drop is not estimable, there is one such row, with ``all`` as `cause`.
    """
    about = {**about, "comparison": "cross"}
    test = pd.concat([t[(t["split"] == "test") & (t["draw"] == 0)] for t in target], ignore_index=True)
    labels = test["label"].to_numpy()
    about |= {"n_positive": int((labels == 1).sum()), "n_negative": int((labels == 0).sum())}
    level, options = config["statistics"]["level"], dict(model)
    reading, kind = options.pop("reading"), options.pop("kind")
    try:
        if reason := next(filter(None, map(tables.note, (*source, *target))), ""):
            raise NotEstimable(reason)
        drawn = evaluate.draws_of(test, str(about["target"]), str(about["test_negatives"]), config["statistics"])
        names = (str(about["source"]), str(about["target"]), str(about["test_negatives"]))
        if other is not None and any(map(tables.note, other)):
            other = None
        game = Game(_train(source), _train(target), other and _train(other), reading, names)
        why = untestable(game, *rows)
        switches = [name for name in CAUSES if not why[name]]
        settings = {**config["training"], "steps": config["steps"], "patience": 1}
        found, moved = play(game, switches, test, (kind, options), config["seeds"], settings)
        results = parts(found, drawn, level)
    except NotEstimable as reason:
        return pd.DataFrame([{**about, "cause": "all", "metric": "drop", "note": str(reason)}], columns=COLUMNS)
    return pd.DataFrame(_lines(about, results, why, moved), columns=COLUMNS)


def _lines(about: Mapping, results: Mapping, why: Mapping[str, str], moved: Mapping[str, float]) -> Iterator[dict]:
    notes = dict(why)
    if min(moved.values()) < 1:
        notes["composition"] = f"few rows look like the target: moved {min(moved.values()):.0%} of the way"
    for (cause, metric), (value, low, high) in results.items():
        line = {**about, "cause": cause, "metric": metric, "value": value, "low": low, "high": high}
        said = sentence(about, results) if metric == "drop" else ""
        yield line | {"note": notes.get(cause, ""), "sentence": said}
    yield from ({**about, "cause": cause, "metric": "part", "note": note} for cause, note in why.items() if note)
