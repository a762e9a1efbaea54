"""Scores of sequences by a trained model of any kind, read whole or in windows of the training length."""

import os
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import torch

from tfbind import dna, models, tables
from tfbind.faults import InputError

READINGS = ("whole", "scan")
Reader = Callable[[np.ndarray], np.ndarray]


def reader(network: torch.nn.Module, batch: int = 512) -> Reader:
    """A network as a function of tokens: ``(N, L)`` uint8 -> ``(N,)`` float64 logits, `batch` rows at a time."""
    device = next(network.parameters()).device
    network.eval()

    def read(tokens: np.ndarray) -> np.ndarray:
        logits = [np.empty(0)]
        with torch.inference_mode():
            for start in range(0, len(tokens), batch):
                part = torch.from_numpy(np.ascontiguousarray(tokens[start : start + batch])).to(device)
                logits.append(network(part).double().cpu().numpy())
        return np.concatenate(logits)

    return read


def score(
    model: torch.nn.Module | Reader,
    tokens: np.ndarray,
    reading: str = "whole",
    window: int | None = None,
    batch: int = 512,
) -> np.ndarray:
    """Logits of sequences.

    Parameters
    ----------
    model : network, or function of tokens
    tokens : (N, L) uint8
    reading : {"whole", "scan"}
        `scan`: the maximum over all windows of `window` bp (step 1), each read as a sequence of its own. A sequence no
        longer than the window is read whole; a window with fewer known bases than the model can read is left out.
    window : int
        In bp; the training length. Only for `scan`.
    batch : int
        Sequences or windows at a time.

    Returns
    -------
    (N,) float64
    """
    if reading not in READINGS:
        raise InputError(f"reading is {reading!r}; use one of {', '.join(READINGS)}")
    shortest = getattr(model, "shortest", 1)
    read = reader(model, batch) if isinstance(model, torch.nn.Module) else model
    if reading == "whole":
        return read(tokens)
    if not window or window < 1:
        raise InputError(f"a scan needs the window's length in bp, not {window!r}")
    if tokens.shape[1] <= window:
        return read(tokens)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, window, axis=1)  # (N, S, window)
    best = np.empty(len(tokens))
    rows = max(1, batch // windows.shape[1])
    for start in range(0, len(tokens), rows):
        part = windows[start : start + rows]  # (R, S, window)
        n, s, _ = part.shape
        sizes = dna.lengths(tokens[start : start + rows])
        chosen = np.arange(s) <= np.maximum(sizes - window, 0)[:, None]  # (R, S)
        chosen &= _span(part.reshape(n * s, window)).reshape(n, s) >= shortest
        chosen[~chosen.any(1), 0] = True
        logits = np.full((n, s), -np.inf)
        logits[chosen] = read(part[chosen])
        best[start : start + rows] = logits.max(1)
    return best


def _span(tokens: np.ndarray) -> np.ndarray:
    """From the first to the last known base of each row of ``(N, L)`` tokens, in bp: (N,)."""
    known = tokens != dna.UNKNOWN
    return np.where(known.any(1), dna.lengths(tokens) - known.argmax(1), 0)


def readers(folder: str | os.PathLike) -> tuple[dict[int, torch.nn.Module | Reader], int]:
    """The models stored in a folder, by seed, and the commonest length of their training sequences in bp."""
    description = models.describe(folder)
    if description["kind"] in models.MODELS:
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return {seed: network.to(device) for seed, network in models.load(folder).items()}, description["window"]
    from tfbind import baseline  # scikit-learn and the motif library load only for those who need them

    if description["kind"] not in baseline.ESTIMATORS:
        known = ", ".join([*models.MODELS, *sorted(baseline.ESTIMATORS)])
        raise InputError(f"{folder}: model kind {description['kind']!r} is unknown; use one of {known}")
    estimator, _ = baseline.load(folder)
    (seed,) = description["seeds"]
    return {seed: lambda tokens: estimator.decision_function(dna.decode(tokens))}, description["window"]


def predict(
    folder: str | os.PathLike,
    targets: Mapping[str, tuple[pd.DataFrame, Mapping[str, pd.DataFrame]]],
    reading: str = "whole",
) -> pd.DataFrame:
    """Score the test rows of every target with every seed of a stored model, and with their ensemble.

    Parameters
    ----------
    folder : path
        As written by `training.fit` or `baseline`.
    targets : mapping
        Name of the target -> its positives, and its negatives by label.
    reading : {"whole", "scan"}
        See `score`.

    Returns
    -------
    predictions table
        For each target in turn: positives (with empty `negatives`), then each set of negatives; for each of these the
        seeds in turn, then `ensemble` (the mean logit over the seeds); rows in table order. Empty, with the reason as
        its note, where there is no model.
    """
    models.one_thread()
    reason = models.describe(folder).get("reason")
    if reason is not None:
        return tables.empty(tables.PREDICTIONS, reason)
    seeds, window = readers(folder)
    parts = []
    for target, (positives, negatives) in targets.items():
        for label, table in {"": positives, **negatives}.items():
            rows = table[table["split"] == "test"]
            tokens = dna.encode(rows["sequence"])
            try:
                scores = {str(seed): score(model, tokens, reading, window) for seed, model in seeds.items()}
            except InputError as error:
                raise InputError(f"target {target}: {error}") from error
            scores["ensemble"] = np.mean(list(scores.values()), 0)
            for seed, logits in scores.items():
                frame = {"target": target, "id": rows["id"].array, "label": rows["label"].array}
                parts.append(pd.DataFrame({**frame, "negatives": label, "seed": seed, "score": logits}))
    empty = pd.DataFrame(columns=tables.PREDICTIONS.names)
    return tables.conform(pd.concat(parts or [empty], ignore_index=True), tables.PREDICTIONS)
