"""Training of the networks with Lightning: one ensemble of seeds from two tables, resumable after any kill.

Everything random in an epoch (order, dropout, strand) is a function of the seed and the epoch, so a run that was
interrupted ends with the weights of one that was not, and a seed trains the same whatever ran before it.
"""

import hashlib
import json
import logging
import math
import os
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.plugins.io import TorchCheckpointIO
from sklearn.metrics import roc_auc_score
from torch.nn.functional import binary_cross_entropy_with_logits

from tfbind import data, models, tables
from tfbind.faults import NotEstimable
from tfbind.splits import generator, stable_hash

log = logging.getLogger(__name__)

HISTORY = "history.tsv"
_WARM_UP = 0.1  # share of all steps
_VALIDATION_BATCH = 1024


class Examples(lightning.LightningDataModule):
    """The training and validation rows of one seed.

    An epoch is one pass over the training rows; several where `epochs` of them would be fewer than `steps` batches.
    """

    def __init__(self, examples: data.Examples, seed: int, index: int, training: Mapping):
        super().__init__()
        self.examples, self.seed, self.batch_size = examples, seed, training["batch_size"]
        self.train, self.validation = (examples.rows(split, index) for split in ("train", "validation"))
        batches = -(-len(self.train) // self.batch_size)
        self.passes = max(1, -(-training["steps"] // (training["epochs"] * batches)))
        self.steps = training["epochs"] * self.passes * batches

    def train_dataloader(self) -> data.Batches:
        """Called anew for each epoch: the order of the rows depends on seed and epoch alone."""
        order = generator("order", self.seed, self.trainer.current_epoch)
        return data.Batches(self.examples, self.train, self.batch_size, order, self.passes)

    def val_dataloader(self) -> data.Batches:
        """Validation rows in table order."""
        return data.Batches(self.examples, self.validation, _VALIDATION_BATCH)


class Task(lightning.LightningModule):
    """One network, its loss and its schedule; keeps the weights of the best epoch and the history in the checkpoint.

    Parameters
    ----------
    network : nn.Module
    seed : int
    training : mapping
        See `fit`.
    positive_weight : float
        Weight of a positive row in the loss: negatives per positive.
    steps : int
        Optimiser steps if no epoch is saved.
    """

    def __init__(self, network: torch.nn.Module, seed: int, training: Mapping, positive_weight: float, steps: int):
        super().__init__()
        self.network, self.seed, self.training_options, self.steps = network, seed, training, steps
        self.positive_weight = torch.tensor(positive_weight)
        self.progress = {"best": {}, "score": -math.inf, "stale": 0, "history": []}
        self.losses: list[torch.Tensor] = []
        self.outputs: list[tuple[torch.Tensor, torch.Tensor]] = []

    def configure_optimizers(self) -> dict:
        """AdamW; the rate climbs linearly, then falls along a cosine to zero."""
        rate, decay = self.training_options["learning_rate"], self.training_options["weight_decay"]
        optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=decay, fused=True)
        climb = max(1, round(_WARM_UP * self.steps))

        def factor(step: int) -> float:
            if step < climb:
                return (step + 1) / climb
            return 0.5 * (1 + math.cos(math.pi * (step - climb) / max(1, self.steps - climb)))

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _loss(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return binary_cross_entropy_with_logits(logits, labels, pos_weight=self.positive_weight.to(logits))

    def on_train_start(self) -> None:
        """A run killed after its last epoch does not train further."""
        self._stop_if_stale()

    def on_train_epoch_start(self) -> None:
        """Dropout and strands of an epoch do not depend on the epochs before it."""
        torch.manual_seed(stable_hash("epoch", self.seed, self.current_epoch))
        self.losses.clear()

    def training_step(self, batch: tuple, _: int) -> torch.Tensor:
        """Loss of one batch."""
        tokens, labels = batch
        loss = self._loss(self.network(tokens), labels)
        self.losses.append(loss.detach())
        return loss

    def validation_step(self, batch: tuple, _: int) -> None:
        """Keeps the logits: the metrics are pooled over all rows."""
        tokens, labels = batch
        self.outputs.append((self.network(tokens), labels))

    def on_validation_epoch_end(self) -> None:
        """Metrics of the epoch; keeps its weights if they are the best so far."""
        logits, labels = (torch.cat(part).cpu() for part in zip(*self.outputs, strict=True))
        self.outputs.clear()
        train_loss = torch.stack(self.losses).mean().item()
        if not (math.isfinite(train_loss) and torch.isfinite(logits).all()):
            raise NotEstimable(
                f"seed {self.seed}: the loss is {train_loss} in epoch {self.current_epoch}; "
                "lower training.learning_rate"
            )
        score = float(roc_auc_score(labels.numpy(), logits.numpy()))
        loss = self._loss(logits, labels).item()
        progress = self.progress
        for split, metric, value in (
            ("train", "loss", train_loss),
            ("validation", "loss", loss),
            ("validation", "auroc", score),
        ):
            progress["history"].append((self.seed, self.current_epoch, split, metric, value))
        if score > progress["score"] and logits.min() < logits.max():
            best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
            progress |= {"best": best, "score": score, "stale": 0}
        else:
            progress["stale"] += 1
        log.info(
            "seed %d epoch %d: train loss %.4f, validation loss %.4f, validation AUROC %.4f",
            *(self.seed, self.current_epoch, train_loss, loss, score),
        )
        self._stop_if_stale()

    def _stop_if_stale(self) -> None:
        self.trainer.should_stop = self.progress["stale"] >= self.training_options["patience"]

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Best weights and history travel with the last weights, in one file."""
        checkpoint["progress"] = self.progress

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Counterpart of `on_save_checkpoint`."""
        self.progress = checkpoint["progress"]


class _AtomicIO(TorchCheckpointIO):
    """Lightning's own writer makes its temporary file on another disk, so a kill can leave half a checkpoint."""

    def save_checkpoint(self, checkpoint: dict, path: str | os.PathLike, storage_options: object = None) -> None:
        with tables.replacing(path) as temporary:
            torch.save(checkpoint, temporary)


def fit(
    kind: str,
    options: Mapping,
    positives: pd.DataFrame,
    negatives: pd.DataFrame,
    seeds: Sequence[int],
    training: Mapping,
    folder: str | os.PathLike,
    extra: Mapping,
) -> dict[int, str]:
    """Train one network per seed and store them together.

    The best epoch of a seed is the one with the highest AUROC over its validation rows. A run that was killed goes on
    where it was when it is called again with the same arguments.

    Parameters
    ----------
    kind, options
        A key of `models.MODELS` and its constructor's arguments.
    positives, negatives : sequence tables
        The k-th seed (from 1) sees rows whose `draw` is 0 or k.
    seeds : sequence of int
    training : mapping
        `epochs`, `patience` (epochs without a better one), `steps` (at least that many in all epochs), `batch_size`,
        `learning_rate` (the highest of the schedule), `weight_decay`.
    folder : path
        Receives `model.safetensors`, `model.json`, `history.tsv`; holds `checkpoints` meanwhile.
    extra : mapping
        Kept in `model.json`.

    Returns
    -------
    dict of int to str
        The seeds that gave no usable model, and why; kept in `model.json` too. Where none did, or these rows cannot be
        trained on, the folder holds no model but the reason.
    """
    models.one_thread()
    folder = Path(folder)
    examples = data.encode(positives, negatives)
    try:
        for index in range(len(seeds)):
            _check_classes(examples, index)
    except NotEstimable as reason:
        tables.write_no_model(folder, kind, tables.note(positives) or tables.note(negatives) or str(reason))
        return dict.fromkeys(seeds, str(reason))
    work = _workspace(folder / "checkpoints", examples, kind, dict(options), list(seeds), dict(training))
    states, history, scores, failures = {}, [], {}, {}
    for index, seed in enumerate(seeds):
        try:
            progress = _fit_seed(kind, options, examples, seed, index, training, work / str(seed))
        except NotEstimable as error:
            log.warning("%s", error)
            failures[seed] = str(error)
            continue
        states[seed], scores[seed] = progress["best"], progress["score"]
        history += progress["history"]
    if not states:
        shutil.rmtree(work)
        tables.write_no_model(folder, kind, "; ".join(failures.values()))
        return failures
    columns = ["seed", "epoch", "split", "metric", "value"]
    tables.write_tsv(pd.DataFrame(history, columns=columns), folder / HISTORY)
    notes = {"training": dict(training), "validation_auroc": scores, "failures": failures}
    models.save(folder, kind, options, states, examples.window, {**notes, **extra})
    shutil.rmtree(work)
    return failures


def _check_classes(examples: data.Examples, index: int) -> None:
    for split in ("train", "validation"):
        labels = examples.labels[examples.rows(split, index)]
        for label, name in ((1, "positives"), (0, "negatives")):
            if not (labels == label).any():
                raise NotEstimable(f"no {name} in the {split} split; change the split or use more data")


def _workspace(folder: Path, examples: data.Examples, *settings: object) -> Path:
    """The checkpoint folder; what it holds of a run with other data or settings is removed."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in (examples.tokens, examples.labels, examples.draw):
        digest.update(str(array.shape).encode() + array.tobytes())
    digest.update("\t".join(examples.split).encode())
    stamp = folder / "inputs.sha256"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder, ignore_errors=True)
        with tables.replacing(stamp) as temporary:
            temporary.write_text(digest.hexdigest())
    return folder


def _fit_seed(
    kind: str,
    options: Mapping,
    examples: data.Examples,
    seed: int,
    index: int,
    training: Mapping,
    folder: Path,
) -> dict:
    """Train one seed, or finish or merely reread what `folder` holds of it; its `Task.progress`."""
    source = Examples(examples, seed, index, training)
    labels = examples.labels[source.train]
    with torch.random.fork_rng(), warnings.catch_warnings(), _quiet():
        warnings.filterwarnings("ignore", r"Checkpoint directory .* exists and is not empty")  # a resumed run's
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated")  # Lightning's own
        torch.manual_seed(stable_hash("weights", seed))
        weight = float((1 - labels).sum() / labels.sum())
        task = Task(models.build(kind, options), seed, training, weight, source.steps)
        trainer = lightning.Trainer(
            max_epochs=training["epochs"],
            accelerator="auto",
            devices=1,
            deterministic=True,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            callbacks=[
                ModelCheckpoint(
                    folder,
                    "last",
                    every_n_epochs=1,
                    save_on_train_epoch_end=True,
                    enable_version_counter=False,
                )
            ],
            # never the cluster's environment: the workflow's scheduler restarts a job, not Lightning
            plugins=[LightningEnvironment(), _AtomicIO()],
        )
        last = folder / "last.ckpt"
        trainer.fit(task, source, ckpt_path=last if last.exists() else None, weights_only=True)
    if not task.progress["best"]:
        raise NotEstimable(f"seed {seed}: the model gives every validation row the same score")
    return task.progress


class _quiet:
    """Silences what Lightning says about hardware and products; its warnings stay."""

    names = ("pytorch_lightning", "lightning_fabric")

    def __enter__(self):
        self.levels = [logging.getLogger(name).level for name in self.names]
        for name in self.names:
            logging.getLogger(name).setLevel(logging.WARNING)

    def __exit__(self, *_):
        for name, level in zip(self.names, self.levels, strict=True):
            logging.getLogger(name).setLevel(level)
