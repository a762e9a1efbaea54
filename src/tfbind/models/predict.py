"""Logits of sequences by a trained model of any kind, read whole or in windows of the training length."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from tfbind import dna, seeding
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.models import background, devices, networks, store
from tfbind.models.networks import Network, load, one_thread
from tfbind.sequences import splits

READINGS = ("whole", "scan", "occupancy", "embed")
#: Readings in windows of the training length.
IN_WINDOWS = ("scan", "occupancy")
#: ``(N, L)`` uint8 tokens -> ``(..., N)`` float64 logits.
Reader = Callable[[np.ndarray], np.ndarray]
#: Number of surroundings in which `embed` reads a sequence.
_SURROUNDINGS = 8
_BATCH = 512  # sequences or windows at a time


def reader(network: Network | Sequence[Network], batch: int = _BATCH) -> Reader:
    """A function from tokens to logits of one network, or of several of one kind.

    Parameters
    ----------
    network : Network, or sequence of K Network
        Set to evaluation mode; the tokens go to the device of the first.
    batch : int
        Most sequences that are read at a time.

    Returns
    -------
    Reader
        (N, L) uint8 -> (N,) float64; of a sequence of networks (K, N).
    """
    alone = isinstance(network, torch.nn.Module)
    stack = [network] if alone else list(network)
    device = next(stack[0].parameters()).device
    for each in stack:
        each.eval()

    def read(tokens: np.ndarray) -> np.ndarray:
        logits = np.empty((len(stack), len(tokens)))
        with torch.inference_mode():
            for start in range(0, len(tokens), batch):
                part = torch.from_numpy(np.ascontiguousarray(tokens[start : start + batch])).to(device)
                found = stack[0].together(stack, part, [None] * len(stack))
                logits[:, start : start + batch] = found.double().cpu().numpy()
        return logits[0] if alone else logits

    return read


def score(
    model: Network | Sequence[Network] | Reader,
    tokens: np.ndarray,
    reading: str = "whole",
    window: int | None = None,
    batch: int = _BATCH,
    chain: background.Chain | None = None,
) -> np.ndarray:
    """Logits of sequences, read whole, in windows, or in random surroundings.

    Parameters
    ----------
    model : network, networks of one kind, or function of tokens
    tokens : (N, L) uint8
    reading : {"whole", "scan", "occupancy", "embed"}
        `scan`: the maximum over all windows of `window` bp (step 1), each read as a sequence of its own. A sequence no
        longer than the window is read whole; a window that holds fewer bp than the model can read is left out.
        `occupancy`: the log of the summed odds of these windows, ``log(sum(exp(logit)))``, so that several weak sites
        count together.
        `embed`: a sequence shorter than the window is set into the middle of each of eight random surroundings, and its
        logit is their mean; a longer one is read whole.
    window : int
        In bp; the training length. Not for `whole`.
    batch : int
        Sequences or windows at a time.
    chain : Chain
        The surroundings of `embed` are drawn from it: the chain of the training.

    Returns
    -------
    (N,) or, of several networks, (K, N) float64

    Raises
    ------
    InputError
        `reading` is unknown; tokens are not (N, L) uint8 of 0 to 4; `window` or `chain` is missing where the reading
        needs it; a sequence is too short for the network.
    """
    return score_each(model, tokens, [reading], window, batch, chain)[reading]


def score_each(
    model: Network | Sequence[Network] | Reader,
    tokens: np.ndarray,
    readings: Sequence[str],
    window: int | None = None,
    batch: int = _BATCH,
    chain: background.Chain | None = None,
) -> dict[str, np.ndarray]:
    """Logits of sequences by several readings; windows that two readings share are scored once.

    Parameters
    ----------
    model, tokens, window, batch, chain
        As for `score`.
    readings : sequence of str
        Of `READINGS`.

    Returns
    -------
    dict of str to (N,) or (K, N) float64
        Reading -> what `score` gives.

    Raises
    ------
    InputError
        As for `score`.
    """
    if tokens.dtype != np.uint8 or tokens.ndim != 2:
        raise InputError(f"tokens are (N, L) uint8, not {tokens.shape} {tokens.dtype}")
    if tokens.max(initial=0) > dna.UNKNOWN:
        raise InputError(f"token {tokens.max()}: A C G T are 0 to 3, everything else and padding is {dna.UNKNOWN}")
    stack = model if isinstance(model, Sequence) else [model]
    read = reader(model, batch) if isinstance(stack[0], torch.nn.Module) else model
    found = {}
    for reading in readings:
        if reading not in READINGS:
            raise InputError(f"reading is {reading!r}; use one of {', '.join(READINGS)}")
        if reading != "whole" and (not window or window < 1):
            raise InputError(f"a {reading} needs the window's length in bp, not {window!r}")
        if reading in found:
            continue
        if reading == "whole":
            found[reading] = read(tokens)
        elif reading == "embed":
            found[reading] = _embedded(read, tokens, window, chain)
        else:
            found |= _windowed(read, tokens, window, batch, getattr(stack[0], "shortest", 1))
    return found


def _windowed(read: Reader, tokens: np.ndarray, window: int, batch: int, shortest: int) -> dict[str, np.ndarray]:
    # The logits by each reading of `IN_WINDOWS`, from one pass over the windows.
    if tokens.shape[1] <= window or not len(tokens):
        return dict.fromkeys(IN_WINDOWS, read(tokens))
    windows = np.lib.stride_tricks.sliding_window_view(tokens, window, axis=1)  # (N, S, window)
    rows, best, summed = max(1, batch // windows.shape[1]), [], []
    for start in range(0, len(tokens), rows):
        part = windows[start : start + rows]  # (R, S, window)
        n, s, _ = part.shape
        sizes = dna.lengths(tokens[start : start + rows])
        chosen = np.arange(s) <= np.maximum(sizes - window, 0)[:, None]  # (R, S)
        chosen &= span(part.reshape(n * s, window)).reshape(n, s) >= shortest
        chosen[~chosen.any(1), 0] = True
        found = read(part[chosen])  # (..., M)
        logits = np.full((*found.shape[:-1], n, s), -np.inf)
        logits[..., chosen] = found
        best.append(logits.max(-1))
        summed.append(np.logaddexp.reduce(logits, -1))
    return {"scan": np.concatenate(best, -1), "occupancy": np.concatenate(summed, -1)}


def _embedded(read: Reader, tokens: np.ndarray, window: int, chain: background.Chain | None) -> np.ndarray:
    if chain is None:
        raise InputError("reading is 'embed', but the model was trained without; train it with `reading: embed`")
    size = dna.lengths(tokens)
    short, long = np.flatnonzero(size < window), np.flatnonzero(size >= window)
    # the same surroundings for every sequence of every table: a logit depends on its sequence alone
    made = background.draw(chain, _SURROUNDINGS, window, seeding.generator("surroundings", window))
    start, inserts = (window - size[short]) // 2, tokens[short, :window]
    middle = np.mean([read(background.embed(inserts, one[None], start)) for one in made], 0)
    both = np.concatenate([middle, read(tokens[long])], -1)
    return both[..., np.argsort(np.concatenate([short, long]))]


def span(tokens: np.ndarray) -> np.ndarray:
    """Length of each sequence from its first to its last known base.

    Parameters
    ----------
    tokens : (N, L) uint8

    Returns
    -------
    (N,) int64
        In bp; 0 without a known base.
    """
    known = tokens != dna.UNKNOWN
    return np.where(known.any(1), dna.lengths(tokens) - known.argmax(1), 0)


class Stored(NamedTuple):
    """A stored model, ready to score.

    Attributes
    ----------
    seeds : list of int
    model : list of networks, or Reader
        Gives logits (K, N), one row per seed.
    window : int
        The commonest length of its training sequences in bp; of a model trained in surroundings, their length.
    chain : Chain or None
        Its training sequences were set into surroundings from this chain; None without surroundings.
    estimator : object, optional
        The baseline that `model` reads with; None for networks.
    """

    seeds: list[int]
    model: list[Network] | Reader
    window: int
    chain: background.Chain | None
    estimator: object = None


def stored(folder: str | os.PathLike, device: str | None = None) -> Stored:
    """The models stored in a folder, networks or not.

    Parameters
    ----------
    folder : path
    device : str, optional
        Where networks are put; by default where they score faster, see `devices.choose`.

    Returns
    -------
    Stored

    Raises
    ------
    InputError
        The folder holds no model that this version can read: missing or damaged files, an unknown kind or format.
    """
    description = store.describe(folder)
    if description["kind"] in networks.MODELS:
        stack = load(folder)
        if device is None:
            chosen = devices.choose(list(stack.values()), _BATCH, description["window"], training=False)
            device = chosen.replace("gpu", "cuda")
        stack = {seed: network.to(device) for seed, network in stack.items()}
        lists = description["extra"].get("background")
        chain = background.from_lists(lists) if lists else None
        return Stored(list(stack), list(stack.values()), description["window"], chain)
    from tfbind.models import baseline  # scikit-learn and the motifs are imported only where a baseline is read

    if description["kind"] not in baseline.ESTIMATORS:
        known = ", ".join([*networks.MODELS, *sorted(baseline.ESTIMATORS)])
        raise InputError(f"{folder}: model kind {description['kind']!r} is unknown; use one of {known}")
    estimator, _ = baseline.load(folder)
    read = lambda tokens: estimator.decision_function(dna.decode(tokens))[None]  # noqa: E731
    return Stored(description["seeds"], read, description["window"], None, estimator)


class Run(NamedTuple):
    """One set of predictions to make.

    Attributes
    ----------
    folder : path
        Of a stored model, as written by `training.fit` or `baseline.fit`.
    reading : {"whole", "scan", "occupancy", "embed"}
        See `score`.
    negatives : mapping of str to sequence of str
        Target -> labels of its negatives to score, in order.
    folds : int
        Models of so many folds are stored there (see `store.of_fold`). Each scores the rows of its own fold. A row that
        is tested in every fold has the mean logit of all.
    """

    folder: str | os.PathLike
    reading: str
    negatives: Mapping[str, Sequence[str]]
    folds: int = 1


def predict(
    folder: str | os.PathLike,
    targets: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    reading: str = "whole",
) -> pd.DataFrame:
    """Score the test rows of every target with every seed of a stored model, and with their ensemble.

    Parameters
    ----------
    folder : path
        As written by `training.fit` or `baseline.fit`.
    targets : mapping
        Name of the target -> its positives, and its negatives by label (sequence tables).
    reading : {"whole", "scan", "occupancy", "embed"}
        See `score`.

    Returns
    -------
    predictions table
        `score` is a logit. For each target in turn: positives (with empty `negatives`), then each set of negatives; for
        each of these the seeds in turn, then `ensemble` (the mean logit over the seeds); rows in table order. Empty,
        with the reason as its note, where there is no model.

    Raises
    ------
    InputError
        The model cannot be read, or it cannot score a target, which the message names.
    """
    labels = {target: list(negatives) for target, (_, negatives) in targets.items()}
    return next(predict_all([Run(folder, reading, labels)], targets))


def predict_all(
    runs: Sequence[Run], targets: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]]
) -> Iterator[pd.DataFrame]:
    """Score like `predict` for several models and readings: each model is loaded once, each table is encoded once.

    Motifs are scored once per table, not once per regression. Where the window holds every sequence of a table whole, a
    scan or an occupancy is the same as the whole reading and is not computed again.

    Parameters
    ----------
    runs : sequence of Run
    targets : mapping
        Name of the target -> its positives, and its negatives by label (sequence tables); all that the runs name.

    Yields
    ------
    predictions table
        One per run, in turn, as `predict` gives it; empty, with the reason as its note, where there is no model.

    Raises
    ------
    InputError
        A model cannot be read, or it cannot score a target, which the message names.
    """
    one_thread()
    folders = {run.folder: [store.of_fold(run.folder, fold) for fold in range(run.folds)] for run in runs}
    reasons = {folder: _reason(each) for folder, each in folders.items()}
    models_of = {each: stored(each) for folder, of in folders.items() if not reasons[folder] for each in of}
    seeds_of = {
        folder: _seeds([models_of[each].seeds for each in of]) for folder, of in folders.items() if not reasons[folder]
    }
    reasons |= {folder: "no seed gave a model in every fold" for folder, seeds in seeds_of.items() if not seeds}
    usable = [run for run in runs if not reasons[run.folder]]
    rows, scores = {}, {}
    for target, (positives, negatives) in targets.items():
        for label, table in {"": positives, **negatives}.items():
            rows[target, label] = table[splits.is_tested(table)]
            readers = [run for run in usable if label in ("", *run.negatives[target])]
            wanted = dict.fromkeys((run.folder, run.reading) for run in readers)
            tokens, fold_of = dna.encode(rows[target, label]["sequence"]), splits.folds(rows[target, label])
            try:
                for fold in range(max((run.folds for run in readers), default=0)):
                    mine = (fold_of == fold) | (fold_of < 0)
                    of_fold = {(store.of_fold(folder, fold), reading): (folder, reading) for folder, reading in wanted}
                    made = _of_table(of_fold, models_of, tokens if mine.all() else tokens[mine])
                    for key, (folder, reading) in of_fold.items():
                        logits = made[key][[models_of[key[0]].seeds.index(seed) for seed in seeds_of[folder]]]
                        place = folder, reading, target, label
                        if mine.all() and len(folders[folder]) == 1:
                            scores[place] = logits
                            continue
                        found = scores.setdefault(place, np.zeros((len(logits), len(tokens))))
                        found[:, mine] += logits / np.where(fold_of[mine] < 0, len(folders[folder]), 1)
            except InputError as error:
                raise InputError(f"target {target}: {error}") from error
    for run in runs:
        if reasons[run.folder]:
            yield tables.empty(tables.PREDICTIONS, reasons[run.folder])
            continue
        parts = []
        for target in run.negatives:
            for label in ("", *run.negatives[target]):
                logits, table = scores[run.folder, run.reading, target, label], rows[target, label]
                frame = {"target": target, "id": table["id"].array, "label": table["label"].array, "negatives": label}
                seeds = [*seeds_of[run.folder], "ensemble"]
                for seed, each in zip(seeds, [*logits, logits.mean(0)], strict=True):
                    parts.append(pd.DataFrame({**frame, "seed": str(seed), "score": each}))
        empty = pd.DataFrame(columns=tables.PREDICTIONS.names)
        yield tables.conform(pd.concat(parts or [empty], ignore_index=True), tables.PREDICTIONS)


def _reason(folders: Sequence[str | os.PathLike]) -> str:
    # Why the models of all folds cannot be used; '' where they can.
    reasons = [store.describe(folder).get("reason", "") for folder in folders]
    if len(folders) == 1:
        return reasons[0]
    return "; ".join(f"fold {fold}: {reason}" for fold, reason in enumerate(reasons) if reason)


def _seeds(of_folds: Sequence[Sequence[int]]) -> list[int]:
    # The seeds that gave a model in every fold.
    return [seed for seed in of_folds[0] if all(seed in seeds for seeds in of_folds)]


def _of_table(
    wanted: Iterable[tuple[str | os.PathLike, str]],
    models_of: Mapping[str | os.PathLike, Stored],
    tokens: np.ndarray,
) -> dict[tuple[str | os.PathLike, str], np.ndarray]:
    """(folder, reading) -> logits (K, N) of one table; results that two of them share are computed once."""
    held = {(f, reading): reading in IN_WINDOWS and tokens.shape[1] <= models_of[f].window for f, reading in wanted}
    plain = dict.fromkeys(f for f, reading in wanted if reading == "whole" or held[f, reading])
    done = {}
    if estimators := {f: models_of[f].estimator for f in plain if models_of[f].estimator is not None}:
        from tfbind.models import estimator  # imported already, with the estimators

        parts = estimator.logits(list(estimators.values()), dna.decode(tokens))
        done = {(f, "whole"): logits[None] for f, logits in zip(estimators, parts, strict=True)}
    missing = {}
    for folder, reading in wanted:
        if (folder, "whole" if held[folder, reading] else reading) not in done:
            missing.setdefault(folder, []).append("whole" if held[folder, reading] else reading)
    for folder, readings in missing.items():
        model = models_of[folder]
        found = score_each(model.model, tokens, readings, model.window, chain=model.chain)
        done |= {(folder, reading): logits for reading, logits in found.items()}
    return {key: done[key[0], "whole" if held[key] else key[1]] for key in wanted}
