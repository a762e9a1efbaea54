"""Training and scoring of the networks, beside the same networks as most people write them.

The peers are plain PyTorch: a convolution over one-hot input on each strand, a Dataset that hands out single sequences,
a DataLoader that stacks them.
"""

import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytorch_lightning as lightning
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, conv1d, max_pool1d
from torch.utils.data import DataLoader, Dataset, TensorDataset

from benchmarks import inputs
from benchmarks.race import Side, case
from tfbind import dna
from tfbind.dna import UNKNOWN
from tfbind.models import examples, predict, stacks
from tfbind.models.networks import build

_ROWS = 8192
_ONE_HOT = torch.cat([torch.eye(4), torch.full((1, 4), 0.25)])


class TwoConvolutions(nn.Module):
    """`networks.DeepBind` layer by layer on (N, 4, L) float32: each strand convolved, ReLU, maximum."""

    def __init__(self, filters: int = 16, width: int = 24, dropout: float = 0.25):
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(filters, 4, width))
        self.bias = nn.Parameter(torch.zeros(filters))
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(filters, 1), nn.Flatten(0))

    def forward(self, one_hot: Tensor) -> Tensor:
        """Logits (N,)."""
        extent = self.weight.shape[2] - 1
        padded = nn.functional.pad(one_hot, (extent, extent), value=0.25)
        strands = [torch.relu(conv1d(padded, w, self.bias)).amax(-1) for w in (self.weight, self.weight.flip(1, 2))]
        return self.head(torch.maximum(*strands))


class EagerBiLSTM(nn.Module):
    """`networks.BiLSTM` as published, layer by layer on (N, L) tokens."""

    def __init__(self):
        super().__init__()
        self.embedding, self.convolution = nn.Embedding(65, 50), nn.Conv1d(50, 32, 10)
        self.dropout, self.lstm = nn.Dropout(0.3), nn.LSTM(32, 50, bidirectional=True, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(100, 1), nn.Flatten(0))

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (N,)."""
        t = tokens.long()
        words = (16 * t[:, :-2] + 4 * t[:, 1:-1] + t[:, 2:]).clamp(max=64)
        x = max_pool1d(torch.relu(self.convolution(self.embedding(words).transpose(1, 2))), 3, 1)
        states, _ = self.lstm(self.dropout(x).transpose(1, 2))
        return self.head(torch.cat([states[:, -1, :50], states[:, 0, 50:]], 1))


class DeepRAM(nn.Module):
    """The layers of deepRAM's DeepBind (Trabelsi et al. 2019), rewritten: one strand, two max pools, a sigmoid."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv1d(4, 16, 24)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, one_hot: Tensor) -> Tensor:
        """Probabilities (N, 1)."""
        x = max_pool1d(self.convolution(one_hot).clamp(min=0), 3, 1)
        return self.head(x.max(2).values)


class Singles(Dataset):
    """One sequence at a time."""

    def __init__(self, x: Tensor, y: Tensor):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        return self.x[i], self.y[i]


class Plain(lightning.LightningModule):
    """A network in Lightning as the tutorials show it."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def training_step(self, batch: tuple, _: int) -> Tensor:
        """Loss of one batch."""
        loss = binary_cross_entropy_with_logits(self.network(batch[0]), batch[1])
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), 1e-3)


def _tensors(rows: int = _ROWS) -> tuple[Tensor, Tensor, Tensor]:
    tokens, labels = inputs.examples("USF1_h1", rows)
    tokens = torch.from_numpy(tokens)
    return tokens, _ONE_HOT[tokens.int()].transpose(1, 2).contiguous(), torch.from_numpy(labels)


def _lightning(network: nn.Module, loader: object, epochs: int) -> None:
    with stacks._quiet():
        warnings.simplefilter("ignore")
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Plain(network), loader)


def _ours(kind: str, options: dict, batch: int, epochs: int, networks: int = 1) -> Side:
    """`stacks.fit_stack` with its validation, schedule and checkpoints; `networks` of them in one stack."""
    tokens, labels = inputs.examples("USF1_h1", _ROWS)
    split = np.where(np.arange(_ROWS) < _ROWS - 256, "train", "validation").astype(object)
    encoded = examples.Examples(tokens, labels, split, np.zeros(_ROWS, np.int16), tokens.shape[1])
    settings = {"epochs": epochs, "patience": epochs, "steps": 0, "batch_size": batch}
    members = [stacks.Member(seed, options, 1e-3, 0.0) for seed in range(networks)]

    def run() -> list[dict]:
        with tempfile.TemporaryDirectory() as folder:
            return stacks.fit_stack(kind, members, encoded, 0, settings, Path(folder))

    return Side(run, (_ROWS - 256) * epochs * networks)


def _peer_in_lightning(network: type[nn.Module], x: Tensor, y: Tensor, batch: int, epochs: int) -> Side:
    loader = DataLoader(Singles(x, y), batch, shuffle=True)
    return Side(lambda: _lightning(network(), loader, epochs), len(y) * epochs)


def _training(filters: int, batch: int):
    _, one_hot, labels = _tensors()
    ours = _ours("deepbind", {"filters": filters}, batch, 8)
    return ours, _peer_in_lightning(lambda: TwoConvolutions(filters), one_hot, labels, batch, 2)


@case("deepbind training, 16 filters, batch 256", "Lightning, per-sample one-hot Dataset", 6)
def train_256():
    """Ours validates, keeps the best epoch and writes checkpoints; the peer trains alone."""
    return _training(16, 256)


@case("deepbind training, 16 filters, batch 1024", "Lightning, per-sample one-hot Dataset", 8)
def train_1024():
    """The same with larger batches."""
    return _training(16, 1024)


def _loop(network: nn.Module, batches: Iterable) -> None:
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for x, y in batches:
        loss = binary_cross_entropy_with_logits(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@case("8 deepbind networks on one dataset, 16 filters, batch 128", "8 sequential fits in plain PyTorch", 8)
def train_stack():
    """Ours is one stack, with validation, best epochs and checkpoints; the peer two convolutions in a plain loop."""
    _, one_hot, labels = _tensors(2048)
    loader = DataLoader(TensorDataset(one_hot, labels), 128, shuffle=True)

    def peer() -> None:
        for _ in range(8):
            _loop(TwoConvolutions(16), loader)

    return _ours("deepbind", {}, 128, 4, networks=8), Side(peer, 8 * len(labels))


@case("deepbind training, 128 filters, batch 256", "eager PyTorch, two convolutions", 12)
def train_wide():
    """A plain loop over preloaded batches on both sides."""
    tokens, one_hot, labels = _tensors(2048)
    ours, theirs = (list(zip(x.split(256), labels.split(256), strict=True)) for x in (tokens, one_hot))
    peer = Side(lambda: _loop(TwoConvolutions(128), theirs), len(labels))
    return Side(lambda: _loop(build("deepbind", {"filters": 128}), ours), len(labels)), peer


@case("deepbind training, 3 seeds in a stack", "deepRAM's layers and loop, rewritten (one strand, batch 128, BCE)", 10)
def train_deepram():
    """Ours as a study trains it, batch 128; the peer's input is padded by 23 columns, its optimiser Adagrad."""
    _, one_hot, labels = _tensors(2048)
    padded = nn.functional.pad(one_hot, (23, 23), value=0.25)
    loader = DataLoader(Singles(padded, labels[:, None]), 128, shuffle=True)

    def peer() -> None:
        network = DeepRAM()
        optimizer = torch.optim.Adagrad(network.parameters(), lr=0.01, weight_decay=1e-6)
        for x, y in loader:
            loss = binary_cross_entropy(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return _ours("deepbind", {}, 128, 4, networks=3), Side(peer, len(labels))


@case("bilstm training, published form, batch 128", "Lightning, per-sample Dataset, eager layers", 2.5)
def train_bilstm():
    """Ours reads a random strand of each sequence; the peer reads one strand."""
    tokens, _, labels = _tensors()
    return _ours("bilstm", {}, 128, 1), _peer_in_lightning(EagerBiLSTM, tokens, labels, 128, 1)


def _scoring(filters: int):
    tokens, one_hot, _ = _tensors()
    network = build("deepbind", {"filters": filters}).eval()
    plain = TwoConvolutions(filters).eval()
    names = {"head.readout.weight": "head.1.weight", "head.readout.bias": "head.1.bias"}
    plain.load_state_dict({names.get(name, name): value for name, value in network.state_dict().items()})
    rows = len(tokens) if filters < 64 else 1024

    def peer() -> np.ndarray:
        with torch.inference_mode():
            return np.concatenate([plain(part).numpy() for part in one_hot[:rows].split(1024)])

    known = (tokens != UNKNOWN).all(1).numpy()[:rows]
    ours = predict.score(network, tokens.numpy())[:rows]
    np.testing.assert_allclose(ours[known], peer()[known], atol=1e-4)
    return Side(lambda: predict.score(network, tokens.numpy(), batch=1024), len(tokens)), Side(peer, rows)


@case("deepbind scoring, 16 filters", "eager PyTorch, two convolutions", 2.5)
def score_16():
    """Both strands, the same weights."""
    return _scoring(16)


@case("deepbind scoring, 128 filters", "eager PyTorch, two convolutions", 14)
def score_128():
    """Both strands, the same weights."""
    return _scoring(128)


@case("bilstm scoring, published form", "eager layers, oneDNN's LSTM", 2)
def score_bilstm():
    """Both strands, the same weights."""
    tokens, _, _ = _tensors(2048)
    network, plain = build("bilstm", {}).eval(), EagerBiLSTM().eval()
    state = network.state_dict()
    for ours, suffix in (("forwards", ""), ("backwards", "_reverse")):
        names = [name for name in state if name.startswith(f"{ours}.")]
        state |= {f"lstm.{name.removeprefix(f'{ours}.')}{suffix}": state.pop(name) for name in names}
    plain.load_state_dict({name.replace("head.readout", "head.1"): value for name, value in state.items()})
    known = (tokens != UNKNOWN).all(1)
    tokens, batch = tokens[known].contiguous(), 512
    strands = tokens, torch.from_numpy(dna.reverse_complement(tokens.numpy()))

    def peer() -> np.ndarray:
        with torch.inference_mode():
            parts = [[plain(part) for part in strand.split(batch)] for strand in strands]
        return ((torch.cat(parts[0]) + torch.cat(parts[1])) / 2).numpy()

    np.testing.assert_allclose(predict.score(network, tokens.numpy()), peer(), atol=1e-4)
    return Side(lambda: predict.score(network, tokens.numpy(), batch=batch), len(tokens)), Side(peer, len(tokens))
