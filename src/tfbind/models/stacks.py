"""Stacks: networks that learn from the same sequences, trained together with Lightning; a batch is read once for all.

A network of a stack ends with the same weights as if it were trained alone: the order of the sequences depends on the
epoch alone, dropout and strand on the network's seed and the epoch, and no network sees another's loss. So a run that
was interrupted ends with the weights of one that was not.
"""

import contextlib
import logging
import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.plugins.environments import LightningEnvironment
from pytorch_lightning.plugins.io import TorchCheckpointIO
from torch.nn.functional import binary_cross_entropy_with_logits, huber_loss, pad
from torch.utils.data import DataLoader

from tfbind.errors import NotEstimable, ResourceError
from tfbind.io import atomic
from tfbind.kernels import ranks
from tfbind.models import devices, platt
from tfbind.models import examples as model_examples
from tfbind.models.examples import Batches
from tfbind.models.networks import Network, build
from tfbind.seeding import generator, stable_hash
from tfbind.statistics import metrics

log = logging.getLogger(__name__)
_LAST = "last.ckpt"
_WARM_UP = 0.1  # share of all steps
_VALIDATION_BATCH = 1024
_VECTORS = 64  # values: a multiple of the vector width of torch on any processor


class Member(NamedTuple):
    """Properties of one network of a stack that the others do not share.

    Attributes
    ----------
    seed : int
    options : mapping
        Constructor arguments; the networks of a `deepbind` stack have one `width`.
    learning_rate, weight_decay : float
    start : mapping, optional
        Weights to start from (a state dict) instead of random ones.
    head_only : bool
        Whether the head alone is trained; all other weights stay as they are.
    """

    seed: int
    options: Mapping
    learning_rate: float
    weight_decay: float
    start: Mapping | None = None
    head_only: bool = False


class StackData(lightning.LightningDataModule):
    """The training and validation sequences of a stack.

    An epoch is one pass over the training sequences; several where `epochs` of them would be fewer than `steps`
    batches. To Lightning an epoch is a single item: its own loop over small batches costs more than the batches do.

    Parameters
    ----------
    examples : Examples
        Of `models.examples`.
    index : int
        Position of the seed (from 0) whose `draw` is used.
    training : mapping
        `batch_size`, `steps`, `epochs`.
    """

    def __init__(self, examples: model_examples.Examples, index: int, training: Mapping):
        super().__init__()
        self.examples, self.batch_size = examples, training["batch_size"]
        self.train, self.validation = (examples.rows(split, index) for split in ("train", "validation"))
        batches = -(-len(self.train) // self.batch_size)
        self.passes = max(1, -(-training["steps"] // (training["epochs"] * batches)))
        self.steps = training["epochs"] * self.passes * batches

    def train_dataloader(self) -> DataLoader:
        """The training batches of one epoch, as a single item.

        Called anew for each epoch: the order of the sequences and their surroundings depend on the epoch alone.
        """
        rng = generator("epoch", self.trainer.current_epoch)
        return self._whole(Batches(self.examples.surrounded(rng), self.train, self.batch_size, rng, self.passes))

    def val_dataloader(self) -> DataLoader:
        """The validation batches, sequences in table order, as a single item."""
        examples = self.examples.surrounded(generator("validation"))
        return self._whole(Batches(examples, self.validation, _VALIDATION_BATCH))

    @staticmethod
    def _whole(batches: Batches) -> DataLoader:
        return DataLoader([batches], batch_size=None)


class Task(lightning.LightningModule):
    """A stack with its losses and its schedule; keeps each network's best weights and history in the checkpoint.

    Parameters
    ----------
    networks : sequence of Network
    members : sequence of Member
        One per network.
    training : mapping
        `epochs` and `patience`.
    positive_weight : float
        Weight of a positive in the loss: negatives per positive.
    steps : int
        Optimiser steps of all epochs, where `patience` ends none early.
    halving : bool
        Successive halving (Jamieson and Talwalkar 2016): at regular epochs the worse half of the networks ends.
    learns_signal : bool
        Whether the batches hold signals instead of labels: the loss is Huber's, and the best epoch of a network is that
        of its highest Spearman correlation instead of AUROC.
    """

    def __init__(
        self,
        networks: Sequence[Network],
        members: Sequence[Member],
        training: Mapping,
        positive_weight: float,
        steps: int,
        halving: bool = False,
        learns_signal: bool = False,
    ):
        super().__init__()
        self.automatic_optimization = False
        self.learns_signal = learns_signal
        self.networks, self.members = torch.nn.ModuleList(networks), list(members)
        self.training_options, self.steps = training, steps
        self.positive_weight = torch.tensor(positive_weight)
        self.progress = [
            {"best": {}, "score": -math.inf, "stale": 0, "ended": False, "failure": "", "history": []}
            for _ in self.members
        ]
        rounds = math.ceil(math.log2(len(self.members))) if halving else 0
        self.halvings = {round(training["epochs"] * (i + 1) / (rounds + 1)) for i in range(rounds)}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW. The learning rate of each network rises linearly to its highest, then falls along a cosine to zero."""
        groups = {}
        for network, member in zip(self.networks, self.members, strict=True):
            trained = groups.setdefault((member.learning_rate * network.pace, member.weight_decay), [])
            trained += [weight for weight in network.parameters() if weight.requires_grad]
        options = [
            {"params": trained, "lr": rate, "peak": rate, "weight_decay": decay}
            for (rate, decay), trained in groups.items()
        ]
        return torch.optim.AdamW(options, fused=True)

    def _factor(self, step: int) -> float:
        climb = max(1, round(_WARM_UP * self.steps))
        if step < climb:
            return (step + 1) / climb
        return 0.5 * (1 + math.cos(math.pi * (step - climb) / max(1, self.steps - climb)))

    def _losses(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        # (K, N), (N,) -> (K,). The values of each network are padded to whole vectors: torch takes the exponential of
        # values left over after the last whole vector by another routine, whose last bit may differ. Those left over
        # of a stack are not those left over of each network, so that a network alone would get other bits.
        rows = len(labels)
        filled, labels = (pad(part, (0, -rows % _VECTORS)) for part in (logits, labels))
        if self.learns_signal:
            losses = huber_loss(filled, labels.expand_as(filled), reduction="none")
            return losses[:, :rows].mean(1)
        weight = self.positive_weight.to(logits)
        losses = binary_cross_entropy_with_logits(filled, labels.expand_as(filled), pos_weight=weight, reduction="none")
        return losses[:, :rows].mean(1)

    def _weights(self, i: int) -> dict[str, torch.Tensor]:
        return {name: value.detach().cpu().clone() for name, value in self.networks[i].state_dict().items()}

    def _active(self) -> list[int]:
        return [i for i, progress in enumerate(self.progress) if not progress["ended"]]

    def on_train_start(self) -> None:
        """Stop at once if every network has ended: a run killed after its last epoch is not trained further."""
        self.trainer.should_stop = not self._active()

    def training_step(self, batches: Batches, _: int) -> None:
        """Train all networks that have not ended for one epoch.

        Parameters
        ----------
        batches : Batches
            Of the epoch.
        _ : int
            Position of the item in the epoch, from Lightning; not used.
        """
        optimizer, active = self.optimizers(use_pl_optimizer=False), self._active()
        networks, together = [self.networks[i] for i in active], type(self.networks[0]).together
        chances = [torch.Generator(self.device) for _ in active]
        for i, chance in zip(active, chances, strict=True):
            chance.manual_seed(stable_hash("epoch", self.members[i].seed, self.current_epoch))
        losses = []
        for step, (tokens, labels) in enumerate(batches, self.current_epoch * len(batches)):
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self._factor(step)
            loss = self._losses(together(networks, tokens, chances), labels)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
            losses.append(loss.detach())
        self.train_losses = dict(zip(active, torch.stack(losses).mean(0).tolist(), strict=True))

    def validation_step(self, batches: Batches, _: int) -> None:
        """Note loss and AUROC over all validation sequences; keep the weights of each network at its best so far.

        A network ends after `patience` epochs without a better AUROC, at once where its loss or a logit is not finite,
        or at a halving where it is in the worse half. An epoch in which it gives every sequence the same logit is never
        its best.

        Parameters
        ----------
        batches : Batches
            The validation sequences.
        _ : int
            Position of the item in the epoch, from Lightning; not used.
        """
        active = self._active()
        networks, together = [self.networks[i] for i in active], type(self.networks[0]).together
        parts = [(together(networks, tokens, [None] * len(active)), labels) for tokens, labels in batches]
        logits, labels = (torch.cat(part, -1).cpu() for part in zip(*parts, strict=True))
        for i, own, loss in zip(active, logits, self._losses(logits, labels).tolist(), strict=True):
            self._note(i, self.train_losses[i], loss, own, labels.numpy())
        if self.current_epoch + 1 in self.halvings:
            left = sorted(self._active(), key=lambda i: (-self.progress[i]["score"], i))
            for i in left[-(-len(left) // 2) :]:
                self.progress[i]["ended"] = True
        self.trainer.should_stop = not self._active()

    def _note(self, i: int, train_loss: float, loss: float, logits: torch.Tensor, labels: np.ndarray) -> None:
        progress, seed, epoch = self.progress[i], self.members[i].seed, self.current_epoch
        if not (math.isfinite(train_loss) and torch.isfinite(logits).all()):
            failure = f"seed {seed}: the loss is {train_loss} in epoch {epoch}; lower training.learning_rate"
            progress |= {"best": {}, "score": -math.inf, "ended": True, "failure": failure}
            return
        metric, score = _quality(logits.numpy(), labels, self.learns_signal)
        for split, name, value in (
            ("train", "loss", train_loss),
            ("validation", "loss", loss),
            ("validation", metric, score),
        ):
            progress["history"].append((seed, epoch, split, name, value))
        if score > progress["score"] and logits.min() < logits.max():
            progress |= {"best": self._weights(i), "score": score, "stale": 0}
        else:
            progress["stale"] += 1
            progress["ended"] = progress["stale"] >= self.training_options["patience"]
        log.info(
            "seed %d epoch %d: train loss %.4f, validation loss %.4f, validation %s %.4f",
            *(seed, epoch, train_loss, loss, metric.replace("auroc", "AUROC"), score),
        )

    def on_train_epoch_end(self) -> None:
        """Write one file with all that a run needs to go on.

        Without validation sequences the last weights count as the best.
        """
        if not len(self.trainer.datamodule.validation):
            for i in self._active():
                self.progress[i]["best"] = self._weights(i) if math.isfinite(self.train_losses[i]) else {}
        self.trainer.save_checkpoint(Path(self.trainer.default_root_dir) / _LAST)

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        """Store best weights and history with the last weights."""
        checkpoint["progress"] = self.progress

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Take best weights and history from a checkpoint."""
        self.progress = checkpoint["progress"]


def _quality(logits: np.ndarray, labels: np.ndarray, are_signals: bool) -> tuple[str, float]:
    # Name and value of what the best epoch is chosen by.
    if not are_signals:
        return "auroc", ranks.auroc(*(logits[labels == label] for label in (1, 0)))
    try:
        return "spearman", metrics.spearman(labels, logits)
    except NotEstimable:  # one logit for all, which is never the best
        return "spearman", 0.0


class _AtomicIO(TorchCheckpointIO):
    """Writes whole checkpoints: with Lightning's temporary file, on another disk, a kill can leave half of one."""

    def save_checkpoint(self, checkpoint: dict, path: str | os.PathLike, storage_options: object = None) -> None:
        with atomic.replacing(path) as temporary:
            torch.save(checkpoint, temporary)


def fit_stack(
    kind: str,
    members: Sequence[Member],
    examples: model_examples.Examples,
    index: int,
    training: Mapping,
    folder: Path,
    halving: bool = False,
) -> list[dict]:
    """Train a stack, go on with one that was interrupted, or read the result of a finished one from `folder`.

    Parameters
    ----------
    kind : str
        A key of `networks.MODELS`.
    members : sequence of Member
    examples : Examples
        Of `models.examples`. Without validation sequences each network keeps its last weights.
    index : int
        Position of the seed (from 0) whose `draw` is used.
    training : mapping
        `epochs`, `patience`, `steps`, `batch_size`.
    folder : path
        Holds the checkpoint.
    halving : bool
        Whether the worse half of the networks ends at regular epochs, see `Task`.

    Returns
    -------
    list of dict
        Per member: `best` (state dict), `score` (AUROC of the best epoch), `history` (seed, epoch, split, metric,
        value), `stale` (epochs since the best one), `ended`, `failure`. A member without a usable model has an empty
        `best`, and the reason as its `failure`.

    Raises
    ------
    InputError
        `kind` or an option is unknown, a sequence is too short for the network, or see `devices.choose`.
    ResourceError
        The GPU has too little memory.
    """
    source = StackData(examples, index, training)
    labels = examples.labels[source.train]
    with _quiet():
        networks = []
        for member in members:
            torch.manual_seed(stable_hash("weights", member.seed))
            network = build(kind, member.options)
            if member.start is None:
                network.begin(examples.tokens[source.train], labels)
            else:
                network.load_state_dict(member.start)
            if member.head_only:
                network.requires_grad_(False).head.requires_grad_(True)
            networks.append(network)
        weight = float((1 - labels).sum() / labels.sum())
        batch = min(training["batch_size"], len(source.train))
        task = Task(networks, members, training, weight, source.steps, halving, examples.signal is not None)
        trainer = lightning.Trainer(
            max_epochs=training["epochs"],
            accelerator=devices.choose(networks, batch, source.examples.window, training=True),
            devices=1,
            deterministic=True,
            reload_dataloaders_every_n_epochs=1,
            num_sanity_val_steps=0,
            limit_val_batches=1 if len(source.validation) else 0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=folder,
            # never the cluster's environment: the workflow restarts a job, not Lightning
            plugins=[LightningEnvironment(), _AtomicIO()],
        )
        last = folder / _LAST
        try:
            trainer.fit(task, source, ckpt_path=last if last.exists() else None, weights_only=True)
        except torch.OutOfMemoryError as error:
            remedies = f"lower training.batch_size, or train on the processor with {devices.VARIABLE}=cpu"
            raise ResourceError(
                f"the GPU has too little memory for a stack of {len(members)} ({error}); {remedies}"
            ) from error
    for member, progress in zip(members, task.progress, strict=True):
        if not progress["best"] and not progress["failure"]:
            told = (
                "the model gives every validation row the same score"
                if len(source.validation)
                else "the loss is not finite"
            )
            progress["failure"] = f"seed {member.seed}: {told}"
    return task.progress


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Run Lightning without its remarks on hardware and products, and keep torch's settings as they were."""
    levels = {name: logging.getLogger(name).level for name in ("pytorch_lightning", "lightning_fabric")}
    filling = torch.utils.deterministic.fill_uninitialized_memory
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)` is deprecated")  # Lightning's own
        warnings.filterwarnings("ignore", "The `srun` command is available")  # the workflow submits jobs, not Lightning
        warnings.filterwarnings("ignore", ".* does not have many workers")  # a loader of one item needs none
        for name in levels:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            # filling guards against reads of unwritten memory; it costs a pass over every new tensor
            torch.utils.deterministic.fill_uninitialized_memory = False
            yield
        finally:
            torch.utils.deterministic.fill_uninitialized_memory = filling
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def calibrate(networks: Sequence[Network], examples: model_examples.Examples) -> dict | None:
    """Fit the curve from the mean logit of the seeds to a probability, on the validation sequences of the first seed.

    Parameters
    ----------
    networks : sequence of Network
        In evaluation mode.
    examples : Examples
        Of `models.examples`, with validation sequences.

    Returns
    -------
    dict or None
        `slope` and `intercept` of the logistic curve, `n_positive` and `n_negative`, see `platt.calibrate`; None where
        the validation sequences are not of both classes.
    """
    examples = examples._replace(signal=None).surrounded(generator("validation"))
    batches = Batches(examples, examples.rows("validation", 0), _VALIDATION_BATCH)
    together = type(networks[0]).together
    with torch.inference_mode():
        parts = [(together(networks, tokens, [None] * len(networks)).mean(0), labels) for tokens, labels in batches]
    logits, labels = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
    return platt.calibrate(labels, logits)
