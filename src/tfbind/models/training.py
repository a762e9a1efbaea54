"""Training of the networks: one per seed, from two sequence tables. A run that was killed can go on where it was.

The networks of the seeds are trained as a stack (see `stacks`).
"""

import hashlib
import inspect
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tfbind.errors import NotEstimable
from tfbind.io import atomic, tables
from tfbind.models import background, store
from tfbind.seeding import generator

if TYPE_CHECKING:  # torch and Lightning are imported only where something is trained
    from tfbind.models.examples import Examples

log = logging.getLogger(__name__)
HISTORY = "history.tsv"
#: What `search` draws: learning rates and weight decays log-uniform between these bounds, and one of these dropouts.
_RATES, _DECAYS, _DROPOUTS = (1e-3, 5e-2), (1e-3, 0.3), (0.0, 0.1, 0.25, 0.5)


def fit(
    kind: str,
    options: Mapping,
    positives: pd.DataFrame,
    negatives: pd.DataFrame,
    seeds: Sequence[int],
    training: Mapping,
    folder: str | os.PathLike,
    extra: Mapping,
    embed: int = 0,
    threads: int = 1,
    learns: str = "labels",
) -> dict[int, str]:
    """Train one network per seed and store them together.

    The best epoch of a seed is the one with the highest AUROC over its validation sequences, or the highest Spearman
    correlation where intensities are learnt. A run that was killed goes on where it was when it is called again with
    the same arguments.

    Parameters
    ----------
    kind : str
        A key of `networks.MODELS`.
    options : mapping
        Its constructor arguments.
    positives, negatives : sequence tables
        The k-th seed (from 1) sees rows whose `draw` is 0 or k.
    seeds : sequence of int
    training : mapping
        `epochs`, `patience` (epochs without a better one), `steps` (at least that many in all epochs), `batch_size`,
        `learning_rate` (the highest of the schedule), `weight_decay`, `search` (settings tried, see `search`; 0: none).
    folder : path
        Receives `model.safetensors`, `model.json`, `history.tsv`; holds `checkpoints` during training.
    extra : mapping
        Kept in `model.json`.
    embed : int
        In bp. Shorter sequences are set into random surroundings of this length (see `background`), whose chain is kept
        in `model.json`. 0: none are.
    threads : int
        Number of torch threads. A second helps a `bilstm` on idle cores only, which then reads in both directions at
        once, and may change the last bits of its weights.
    learns : {"labels", "intensities"}
        Intensities are the `score` of both tables, which every row must have; see `examples.encode`.

    Returns
    -------
    dict of int to str
        The seeds that gave no usable model, and why; kept in `model.json` too. Where no seed gave one, or the rows
        cannot be trained on, the folder holds no model but the reason.

    Raises
    ------
    InputError
        `kind` or an option is unknown, or a sequence is too short for the network.
    ResourceError
        The GPU has too little memory, or torch does not take the number of threads.
    """
    from tfbind.models import applicability, stacks
    from tfbind.models.examples import encode
    from tfbind.models.networks import restore, save, set_threads

    set_threads(threads)
    folder, seeds, extra = Path(folder), list(seeds), dict(extra)
    try:
        examples = encode(positives, negatives, learns)
        for index in range(len(seeds)):
            _check_classes(examples, index)
    except NotEstimable as reason:
        store.write_no_model(folder, kind, tables.note(positives) or tables.note(negatives) or str(reason))
        return dict.fromkeys(seeds, str(reason))
    if embed:
        chain = background.fit(examples.tokens[examples.split == "train"])
        examples = examples._replace(chain=chain, window=max(embed, examples.window))
        extra["background"] = background.to_lists(chain)
    work = _workspace(folder / "checkpoints", examples, kind, dict(options), seeds, dict(training), embed)
    if training.get("search"):
        options, training, extra["search"] = search(kind, options, examples, seeds[0], training, work / "search")
    # seeds with negatives of their own share no batch
    groups = [[i] for i in range(len(seeds))] if examples.draw.any() else [list(range(len(seeds)))]
    ended = {}
    for stack in groups:
        members = [stacks.Member(seeds[i], options, training["learning_rate"], training["weight_decay"]) for i in stack]
        progress = stacks.fit_stack(kind, members, examples, stack[0], training, work / str(seeds[stack[0]]))
        ended |= zip([seeds[i] for i in stack], progress, strict=True)
    kept = {seed: progress for seed, progress in ended.items() if progress["best"]}
    failures = {seed: progress["failure"] for seed, progress in ended.items() if not progress["best"]}
    for reason in failures.values():
        log.warning("%s", reason)
    if not kept:
        shutil.rmtree(work)
        store.write_no_model(folder, kind, "; ".join(failures.values()))
        return failures
    columns = ["seed", "epoch", "split", "metric", "value"]
    history = pd.DataFrame([row for progress in kept.values() for row in progress["history"]], columns=columns)
    tables.write_tsv(history, folder / HISTORY)
    scores = {seed: progress["score"] for seed, progress in kept.items()}
    chosen_by = "validation_auroc" if examples.signal is None else "validation_spearman"
    notes = {"training": dict(training), chosen_by: scores, "failures": failures}
    states = {seed: progress["best"] for seed, progress in kept.items()}
    notes["domain"] = applicability.describe(examples.tokens[examples.split == "train"])
    networks = [restore(kind, options, state) for state in states.values()]
    notes["calibration"] = stacks.calibrate(networks, examples)
    save(folder, kind, options, states, examples.window, {**notes, **extra})
    shutil.rmtree(work)
    return failures


def search(
    kind: str, options: Mapping, examples: "Examples", seed: int, training: Mapping, folder: Path
) -> tuple[dict, dict, list[dict]]:
    """The best of `training["search"]` settings on the validation sequences, by successive halving in one stack.

    The first setting is the given one; the others differ from it in learning rate, weight decay and dropout, drawn at
    random. See `stacks.Task` for the halving.

    Parameters
    ----------
    kind : str
        A key of `networks.MODELS`.
    options : mapping
        Its constructor arguments.
    examples : Examples
        Those that the first seed sees are used.
    seed : int
        Seed of the networks and of the settings drawn.
    training : mapping
        `epochs`, `patience`, `steps`, `batch_size`, `search` (number of settings), and of the first setting
        `learning_rate` and `weight_decay`.
    folder : path
        Holds the checkpoint.

    Returns
    -------
    options, training : dict
        With the best setting filled in.
    tried : list of dict
        Every setting (`learning_rate`, `weight_decay`, `dropout`), `auroc` of its best epoch (None where it gave no
        usable model), and `epochs` after which it ended.

    Raises
    ------
    InputError
        `kind` or an option is unknown, or a sequence is too short for the network.
    ResourceError
        The GPU has too little memory.
    """
    from tfbind.models import networks, stacks

    rng = generator("search", seed)
    members = [stacks.Member(seed, dict(options), training["learning_rate"], training["weight_decay"])]
    drops_out = "dropout" in inspect.signature(networks.MODELS[kind]).parameters
    while len(members) < training["search"]:
        drawn = {**options, "dropout": float(rng.choice(_DROPOUTS))} if drops_out else dict(options)
        rate, decay = (float(np.exp(rng.uniform(*np.log(bounds)))) for bounds in (_RATES, _DECAYS))
        members.append(stacks.Member(seed, drawn, rate, decay))
    progress = stacks.fit_stack(kind, members, examples, 0, training, folder, halving=True)
    tried = [
        {"learning_rate": m.learning_rate, "weight_decay": m.weight_decay, "dropout": m.options.get("dropout")}
        | {"auroc": p["score"] if p["best"] else None, "epochs": len(p["history"]) // 3}
        for m, p in zip(members, progress, strict=True)
    ]
    best = members[max(range(len(members)), key=lambda i: (bool(progress[i]["best"]), progress[i]["score"]))]
    chosen = {**training, "learning_rate": best.learning_rate, "weight_decay": best.weight_decay}
    return dict(best.options), chosen, tried


def _check_classes(examples: "Examples", index: int) -> None:
    for split in ("train", "validation"):
        labels = examples.labels[examples.rows(split, index)]
        for label, name in ((1, "positives"), (0, "negatives")):
            if not (labels == label).any():
                raise NotEstimable(f"no {name} in the {split} split; change the split or use more data")


def _workspace(folder: Path, examples: "Examples", *settings: object) -> Path:
    """The checkpoint folder, emptied first if it holds a run with other data or settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    signal = [] if examples.signal is None else [examples.signal]
    for array in (examples.tokens, examples.labels, examples.draw, *signal):
        digest.update(str(array.shape).encode() + array.tobytes())
    digest.update("\t".join(examples.split).encode())
    stamp = folder / "inputs.sha256"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        with atomic.replacing(stamp) as temporary:
            temporary.write_text(digest.hexdigest())
    return folder
