"""The networks: modules that map ``(N, L)`` uint8 tokens to ``(N,)`` logits, the same for both strands of a sequence.

Token 4 means no known base, be it an N or padding: padding never changes a logit. `MODELS` maps the word used in a
config to the class; constructor arguments are the config's keys.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv1d, max_pool1d

from tfbind import dna
from tfbind.dna import UNKNOWN
from tfbind.errors import InputError, ResourceError
from tfbind.io import atomic, tables
from tfbind.kernels import detectors, recurrent
from tfbind.models import applicability, store
from tfbind.models.interface import Network, check
from tfbind.models.interface import compiled as _compiled
from tfbind.models.selection import Selection

_ONE_HOT = torch.cat([torch.eye(4), torch.full((1, 4), 0.25)])
_COMPLEMENT = torch.tensor([3, 2, 1, 0, 4], dtype=torch.uint8)


class _BestWindow(torch.autograd.Function):
    """`best_window_dense` for the CPU, by table look-ups and with the gradient of the winning windows alone."""

    @staticmethod
    def forward(ctx, tokens, weight):
        best, where = detectors.scan(tokens.numpy(), weight.detach().numpy())
        ctx.tokens, ctx.where, ctx.width = tokens, where, weight.shape[2]
        return torch.from_numpy(best)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        gradient = detectors.gradient(ctx.tokens.numpy(), ctx.where, upstream.contiguous().numpy(), ctx.width)
        return None, torch.from_numpy(gradient)


def best_window(tokens: Tensor, weight: Tensor) -> Tensor:
    """The highest match of each motif detector over all windows of both strands.

    Sequences are read as if unknown bases (a quarter of each base) went on beyond both ends. A window without a known
    base never wins.

    Parameters
    ----------
    tokens : (N, L) uint8
    weight : (F, 4, K) float32
        F detectors of K bp.

    Returns
    -------
    (N, F) float32
        Minus infinity for a sequence without a known base.

    Raises
    ------
    ValueError
        On the CPU: tokens that are not (N, L) uint8 of 0 to 4.
    """
    if _compiled(weight):
        return _BestWindow.apply(tokens, weight)
    return best_window_dense(tokens, weight)


def best_window_dense(tokens: Tensor, weight: Tensor) -> Tensor:
    """The result of `best_window` by one convolution, for accelerators.

    Parameters
    ----------
    tokens : (N, L) uint8
    weight : (F, 4, K) float32
        F detectors of K bp.

    Returns
    -------
    (N, F) float32
        Minus infinity for a sequence without a known base.
    """
    filters, _, width = weight.shape
    padded = nn.functional.pad(tokens, (width - 1, width - 1), value=UNKNOWN)  # (N, L + 2K - 2)
    one_hot = _ONE_HOT.to(weight)[padded.int()].transpose(1, 2)  # (N, 4, L + 2K - 2)
    both = torch.cat([weight, weight.flip(1, 2)])  # (2F, 4, K)
    match = conv1d(one_hot, both)  # (N, 2F, P)
    held = max_pool1d((padded != UNKNOWN).to(weight)[:, None], width, 1)  # (N, 1, P)
    match = match.masked_fill(held == 0, -torch.inf).unflatten(1, (2, filters))  # (N, 2, F, P)
    # max with an index, not amax: the first of equal windows takes the whole gradient, the forward strand first
    return match.transpose(1, 2).flatten(2).max(-1).values


class _PooledWords(torch.autograd.Function):
    """`pooled_words_dense` for the CPU, by table look-ups."""

    @staticmethod
    def forward(ctx, tokens, table, bias, size):
        pooled, source = detectors.pool(tokens.numpy(), table.detach().numpy(), bias.detach().numpy(), size)
        ctx.tokens, ctx.source, ctx.size, ctx.width = tokens, source, size, len(table)
        return torch.from_numpy(pooled)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        upstream = upstream.contiguous().numpy()
        gradients = detectors.pool_gradient(ctx.tokens.numpy(), ctx.source, upstream, ctx.size, ctx.width)
        return None, *map(torch.from_numpy, gradients), None


def pooled_words(tokens: Tensor, embedding: Tensor, weight: Tensor, bias: Tensor, size: int) -> Tensor:
    """3-mers embedded, convolved, through a ReLU and a maximum over `size` neighbours.

    Parameters
    ----------
    tokens : (N, L) uint8
    embedding : (65, E) float32
        One row per 3-mer in alphabetical order, the last for a 3-mer with an unknown base.
    weight : (C, E, K) float32
        C channels of K 3-mers.
    bias : (C,) float32
    size : int
        Windows under one maximum, stride 1.

    Returns
    -------
    (S, N, C) float32, ``S = L - 2 - (K - 1) - (size - 1)``
        A window without a known base counts as 0.

    Raises
    ------
    ValueError
        On the CPU: tokens that are not (N, L) uint8 of 0 to 4, or S below 0.
    """
    if _compiled(weight):
        table = torch.einsum("we,cek->kwc", embedding, weight).contiguous()
        return _PooledWords.apply(tokens, table, bias, size)
    return pooled_words_dense(tokens, embedding, weight, bias, size)


def pooled_words_dense(tokens: Tensor, embedding: Tensor, weight: Tensor, bias: Tensor, size: int) -> Tensor:
    """The result of `pooled_words`, layer by layer, for accelerators.

    Parameters
    ----------
    tokens : (N, L) uint8
    embedding : (65, E) float32
        One row per 3-mer in alphabetical order, the last for a 3-mer with an unknown base.
    weight : (C, E, K) float32
        C channels of K 3-mers.
    bias : (C,) float32
    size : int
        Windows under one maximum, stride 1.

    Returns
    -------
    (S, N, C) float32, ``S = L - 2 - (K - 1) - (size - 1)``
        A window without a known base counts as 0.
    """
    t = tokens.long()
    words = 16 * t[:, :-2] + 4 * t[:, 1:-1] + t[:, 2:]  # (N, L - 2)
    known = (tokens != UNKNOWN).to(weight)[:, None]  # (N, 1, L)
    words = words.masked_fill(-max_pool1d(-known, 3, 1)[:, 0] == 0, 64)
    x = torch.relu(conv1d(embedding[words].transpose(1, 2), weight, bias))  # (N, C, P)
    # after a ReLU, zero never beats a window that holds a base
    x = x * max_pool1d(known, weight.shape[2] + 2, 1)
    if torch.jit.is_tracing():  # for ONNX, which has no unfold
        return max_pool1d(x, size, 1).permute(2, 0, 1)
    # max_pool1d has no deterministic gradient on a GPU
    return x.unfold(2, size, 1).max(-1).values.permute(2, 0, 1).contiguous()  # (S, N, C)


class _Recurrence(torch.autograd.Function):
    """`recur_dense` for the CPU, by compiled loops; the gradients of the weights are sums over many steps at once."""

    @staticmethod
    def forward(ctx, x, last, most, shelf, *parameters):
        x, last = x.detach().numpy(), last.numpy()
        ways = [recurrent.lay_out(*(each.detach().numpy() for each in parameters[i : i + 3])) for i in (0, 3)]
        found = _both(lambda way: recurrent.read(x, last, ways[way], way == 1, most, shelf))
        ctx.last, ctx.most, ctx.ways, ctx.shape = last, most, ways, x.shape
        ctx.save_for_backward(*(torch.from_numpy(part) for each in found for part in each))
        return torch.from_numpy(np.concatenate([each.output[:, : ways[0].hidden] for each in found], 1))

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        parts = [part.numpy() for part in ctx.saved_tensors]
        found = recurrent.Read(*parts[:3]), recurrent.Read(*parts[3:])
        shares, wanted = np.split(upstream.numpy(), 2, 1), any(ctx.needs_input_grad[4:])

        def gradient(way: int) -> tuple:
            given = shares[way], found[way], ctx.last, ctx.shape, ctx.ways[way]
            return recurrent.gradient(*given, way == 1, ctx.most, wanted)

        (to_x, *one), (more, *other) = _both(gradient)
        to_x += more
        weights = [None if each is None else torch.from_numpy(each) for each in (*one, *other)]
        return torch.from_numpy(to_x), None, None, None, *weights


def _both(do: Callable) -> list:
    """What `do` gives for 0 and for 1, in two threads where torch may use more than one."""
    if torch.get_num_threads() == 1:
        return [do(0), do(1)]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(do, (0, 1)))


def recur(
    forwards: nn.LSTM, backwards: nn.LSTM, x: Tensor, last: Tensor, readout: str, shelf: recurrent.Shelf
) -> Tensor:
    """What two one-way LSTMs of one layer read out of sequences, the second from the last step to the first.

    Parameters
    ----------
    forwards, backwards : nn.LSTM
        One layer of H units, one direction; started from zero states.
    x : (S, N, C) float32
        S steps of N sequences.
    last : (N,) int64
        The last step of each sequence; those after it are padding.
    readout : {"last", "max"}
        The output of the step that each LSTM reads last, or the maximum of each unit over the steps.
    shelf : Shelf
        Memory for the gradient.

    Returns
    -------
    (N, 2H) float32

    Raises
    ------
    ValueError
        On the CPU: a last step outside the sequence.
    """
    if not _compiled(forwards.weight_hh_l0):
        return recur_dense(forwards, backwards, x, last, readout)
    parameters = [
        parameter
        for lstm in (forwards, backwards)
        for parameter in (lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0 + lstm.bias_hh_l0)
    ]
    learns = torch.is_grad_enabled() and any(each.requires_grad for each in (x, *parameters))
    return _Recurrence.apply(x, last, readout == "max", shelf if learns else None, *parameters)


def recur_dense(forwards: nn.LSTM, backwards: nn.LSTM, x: Tensor, last: Tensor, readout: str) -> Tensor:
    """The result of `recur`, layer by layer, for accelerators.

    Parameters
    ----------
    forwards, backwards : nn.LSTM
        One layer of H units, one direction.
    x : (S, N, C) float32
        S steps of N sequences.
    last : (N,) int64
        The last step of each sequence without padding.
    readout : {"last", "max"}
        The output of the last step that each LSTM reads, or the maximum of each unit over the steps.

    Returns
    -------
    (N, 2H) float32
    """
    steps = torch.arange(x.shape[0], device=x.device)[:, None]
    turned = (last - steps).clamp(min=0)[..., None].expand_as(x)
    # two one-way passes, the second over reversed steps, so that the state used has not seen the padding
    states = forwards(x)[0], backwards(x.gather(0, turned))[0]  # (S, N, H) each
    if readout == "max":
        beyond = (steps > last)[..., None]
        return torch.cat([state.masked_fill(beyond, -torch.inf).amax(0) for state in states], 1)
    rows = torch.arange(last.shape[0], device=x.device)
    return torch.cat([state[last, rows] for state in states], 1)


def _drop(x: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Dropout drawn from the generator alone, so that a network drops the same values alone and in a stack."""
    if x.device.type == "cpu":  # bernoulli_ makes the same of the same numbers, in twice the time
        kept = (torch.empty_like(x, dtype=torch.float64).uniform_(generator=generator) < 1 - share).to(x)
    else:
        kept = torch.empty_like(x).bernoulli_(1 - share, generator=generator)
    return x * kept.div_(1 - share)


class Head(nn.Module):
    """Dropout, an optional dense layer with its own dropout, and the linear read-out: (N, F) -> (N,).

    Parameters
    ----------
    features : int
        F.
    hidden : int
        Units of the dense layer; 0 for none.
    dropout : float
        Share of values dropped before each layer in training.
    """

    def __init__(self, features: int, hidden: int, dropout: float):
        super().__init__()
        self.dropout = dropout
        self.dense = nn.Linear(features, hidden) if hidden else None
        self.readout = nn.Linear(hidden or features, 1)

    def forward(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Logits of sequences from their features.

        Parameters
        ----------
        x : (N, F) float32
        generator : torch Generator or None
            Draws the dropout in training.

        Returns
        -------
        (N,) float32
        """
        if self.training:
            x = _drop(x, self.dropout, generator)
        if self.dense is not None:
            x = torch.relu(self.dense(x))
            if self.training:
                x = _drop(x, self.dropout, generator)
        return self.readout(x).squeeze(1)


class DeepBind(Network):
    """Motif detectors, their best match on either strand, a linear read-out (Alipanahi et al. 2015).

    Parameters
    ----------
    filters : int
        Number of motif detectors, F.
    width : int
        Their length in bp, K; both ends of a sequence are extended by ``K - 1`` unknown bases.
    hidden : int
        Units of a dense layer before the read-out; 0 for none.
    dropout : float
        Share of values dropped before each layer of the head in training.
    """

    def __init__(self, filters: int = 16, width: int = 24, hidden: int = 0, dropout: float = 0.25):
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(filters, 4, width))
        self.bias = nn.Parameter(torch.zeros(filters))
        self.head = Head(filters, hidden, dropout)

    def forward(self, tokens: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits of sequences.

        Parameters
        ----------
        tokens : (N, L) uint8
        generator : torch Generator, optional
            Draws the dropout in training.

        Returns
        -------
        (N,) float32

        Raises
        ------
        InputError
            Tokens that are not (N, L) uint8 of 0 to 4, see `check`.
        """
        return self.together([self], tokens, [generator])[0]

    @staticmethod
    def together(
        networks: Sequence["DeepBind"], tokens: Tensor, generators: Sequence[torch.Generator | None]
    ) -> Tensor:
        """Logits of K networks of one `width`, by one scan over the filters of all.

        Parameters
        ----------
        networks : sequence of K DeepBind
        tokens : (N, L) uint8
        generators : sequence of K torch Generator or None
            One per network, for training; None in evaluation mode.

        Returns
        -------
        (K, N) float32

        Raises
        ------
        InputError
            Tokens that are not (N, L) uint8 of 0 to 4, see `check`.
        """
        check(tokens)
        match = best_window(tokens, torch.cat([network.weight for network in networks]))  # (N, sum of F)
        parts = match.split([len(network.weight) for network in networks], 1)
        each = zip(networks, parts, generators, strict=True)
        return torch.stack([network.head(torch.relu(part + network.bias), chance) for network, part, chance in each])


def trim(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Sequences moved to start at their first known base, with their sizes.

    Parameters
    ----------
    tokens : (N, L) uint8

    Returns
    -------
    tokens : (N, M) uint8
        M is the largest size.
    sizes : (N,) int64
        From the first to the last known base, in bp; 0 without one.
    """
    known = tokens != UNKNOWN
    first = known.int().argmax(1)
    last = tokens.shape[1] - known.flip(1).int().argmax(1)
    sizes = torch.where(known.any(1), last - first, 0)
    longest = tokens.shape[1] if torch.jit.is_tracing() else int(sizes.max()) if len(sizes) else 0
    columns = torch.arange(longest, device=tokens.device)
    return _take(tokens, first[:, None] + columns, columns < sizes[:, None]), sizes


def _take(tokens: Tensor, source: Tensor, inside: Tensor) -> Tensor:
    """`tokens` at the columns `source`, unknown where not `inside`: all (N, L)."""
    return tokens.gather(1, source.clamp(0, tokens.shape[1] - 1)).masked_fill(~inside, UNKNOWN)


def other_strand(tokens: Tensor, sizes: Tensor) -> Tensor:
    """Reverse complement of trimmed sequences.

    Parameters
    ----------
    tokens : (N, L) uint8
        As `trim` gives them; padding stays at the right end.
    sizes : (N,) int64
        In bp.

    Returns
    -------
    (N, L) uint8
    """
    source = sizes[:, None] - 1 - torch.arange(tokens.shape[1], device=tokens.device)
    return _take(_COMPLEMENT.to(tokens.device)[tokens.int()], source, source >= 0)


def _mutated(tokens: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """`tokens` (N, L), where each known base is drawn anew with probability `share`."""
    drawn = {"size": tokens.shape, "generator": generator, "device": tokens.device}
    hit = (torch.rand(**drawn) < share) & (tokens != UNKNOWN)
    return torch.where(hit, torch.randint(4, **drawn, dtype=torch.uint8), tokens)


class BiLSTM(Network):
    """ECBLSTM (Trabelsi et al. 2019): 3-mer embedding, convolution, bidirectional LSTM.

    The logit is the mean over both strands; in training each sequence is read on a random strand. Unlike the published
    form, the embedding is learned with the rest.

    Parameters
    ----------
    filters, width : int
        Convolution over the embedded 3-mers: channels, and length in 3-mers.
    units : int
        Units of each direction of the LSTM.
    embedding : int
        Values per 3-mer.
    hidden : int
        Units of a dense layer before the read-out; 0 for none.
    dropout : float
        Share of values dropped before the LSTM and before each layer of the head in training.
    stride : int
        Positions from one step of the LSTM to the next: 1 (as published), or up to 3 without losing a position, since
        each step holds the maximum of 3.
    readout : {"last", "max"}
        Output of the LSTM that is used: the last state of each direction (as published), or the maximum of each unit
        over the positions.
    mutation : float
        Share of the bases drawn anew in training.

    Raises
    ------
    InputError
        `readout` is another word.
    """

    pool = 3

    def __init__(
        self,
        filters: int = 32,
        width: int = 10,
        units: int = 50,
        embedding: int = 50,
        hidden: int = 0,
        dropout: float = 0.3,
        stride: int = 1,
        readout: str = "last",
        mutation: float = 0,
    ):
        super().__init__()
        if readout not in ("last", "max"):
            raise InputError(f"readout is {readout!r}; use last or max")
        self.stride, self.readout, self.mutation = stride, readout, mutation
        self.shortest = 3 + (width - 1) + (self.pool - 1)  # bp: one step of the LSTM
        self.embedding = nn.Embedding(65, embedding)
        self.convolution = nn.Conv1d(embedding, filters, width)
        self.dropout = dropout
        self.forwards = nn.LSTM(filters, units)
        self.backwards = nn.LSTM(filters, units)
        self.head = Head(2 * units, hidden, dropout)
        self._shelf = recurrent.Shelf()

    def forward(self, tokens: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits of sequences.

        Parameters
        ----------
        tokens : (N, L) uint8
        generator : torch Generator, optional
            Draws strands, mutations and dropout in training.

        Returns
        -------
        (N,) float32

        Raises
        ------
        InputError
            Tokens that are not (N, L) uint8 of 0 to 4, see `check`; a sequence that holds fewer than `shortest` bp from
            its first to its last known base.
        """
        check(tokens)
        tokens, sizes = trim(tokens)
        if (sizes < self.shortest).any():
            raise InputError(
                f"bilstm: {int((sizes < self.shortest).sum())} sequence(s) hold fewer than {self.shortest} bp "
                f"(the shortest {int(sizes.min())} bp); use longer sequences or a smaller width"
            )
        other = other_strand(tokens, sizes)
        if self.training:
            turn = torch.rand(len(tokens), 1, generator=generator, device=tokens.device) < 0.5
            tokens = torch.where(turn, other, tokens)
            tokens = _mutated(tokens, self.mutation, generator) if self.mutation else tokens
            return self._read(tokens, sizes, generator)
        return (self._read(tokens, sizes) + self._read(other, sizes)) / 2

    def _read(self, tokens: Tensor, sizes: Tensor, generator: torch.Generator | None = None) -> Tensor:
        return self.read(self.answers(tokens), sizes, generator)

    def answers(self, tokens: Tensor) -> Tensor:
        """Output of the convolution, ReLU and maximum on one strand, which the LSTM reads.

        Parameters
        ----------
        tokens : (N, L) uint8
            Trimmed.

        Returns
        -------
        (S, N, C) float32
            C filters at S positions, one every `stride` bp.
        """
        c = self.convolution
        return pooled_words(tokens, self.embedding.weight, c.weight, c.bias, self.pool)[:: self.stride]

    def read(self, x: Tensor, sizes: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits of sequences from the output of the convolution.

        Parameters
        ----------
        x : (S, N, C) float32
            From `answers`.
        sizes : (N,) int64
            Of the sequences, in bp.
        generator : torch Generator, optional
            Draws the dropout in training.

        Returns
        -------
        (N,) float32
        """
        if self.training:
            x = _drop(x, self.dropout, generator)  # (S, N, C)
        last = (sizes - self.shortest) // self.stride  # (N,): the last step without padding
        read = recur(self.forwards, self.backwards, x, last, self.readout, self._shelf)  # (N, 2H)
        return self.head(read, generator)


MODELS: dict[str, type[Network]] = {"deepbind": DeepBind, "bilstm": BiLSTM, "selection": Selection}


def one_thread() -> None:
    """Use one torch thread in this process: two threads on a shared core train up to a hundred times slower."""
    set_threads(1)


def set_threads(count: int) -> None:
    """Use `count` torch threads in this process, and check it: a library imported later may have set its own number.

    Parameters
    ----------
    count : int

    Raises
    ------
    ResourceError
        torch runs another number of threads.
    """
    torch.set_num_threads(count)
    if torch.get_num_threads() != count:
        raise ResourceError(f"torch runs {torch.get_num_threads()} threads, not {count}; set OMP_NUM_THREADS={count}")


def build(kind: str, options: Mapping) -> Network:
    """A new network with random weights.

    Parameters
    ----------
    kind : str
        A key of `MODELS`.
    options : mapping
        Constructor arguments.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        `kind`, an option or its value is unknown.
    """
    if kind not in MODELS:
        raise InputError(f"model kind {kind!r} is unknown; use one of {', '.join(MODELS)}")
    try:
        return MODELS[kind](**options)
    except TypeError as error:
        raise InputError(
            f"model {kind}: {error}; see the options of tfbind.models.networks.{MODELS[kind].__name__}"
        ) from error


def restore(kind: str, options: Mapping, state: Mapping[str, Tensor]) -> Network:
    """A network with stored weights, in evaluation mode.

    Parameters
    ----------
    kind : str
        A key of `MODELS`.
    options : mapping
        Constructor arguments.
    state : mapping of str to tensor
        State dict: weights by name.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        `kind`, an option or its value is unknown.
    RuntimeError
        `state` has other weights than the network.
    """
    with torch.random.fork_rng(devices=[]):  # reading a model must not change random numbers drawn later
        network = build(kind, options)
    network.load_state_dict(state)
    return network.eval()


def save(
    folder: str | os.PathLike,
    kind: str,
    options: Mapping,
    states: Mapping[int, Mapping[str, Tensor]],
    window: int,
    extra: Mapping,
) -> None:
    """Write `model.safetensors` and `model.json`, with the logits of a few sequences for `model_card.verify`.

    Parameters
    ----------
    folder : path
    kind : str
        A key of `MODELS`.
    options : mapping
        Constructor arguments.
    states : mapping of int to state dict
        The weights of each seed; stored under ``{seed}.{name}``.
    window : int
        The commonest length of a training sequence, in bp.
    extra : mapping
        Anything else to keep, as JSON.
    """
    folder = Path(folder)
    tensors = {
        f"{seed}.{name}": value.detach().cpu().contiguous()
        for seed, state in states.items()
        for name, value in state.items()
    }
    networks = {seed: restore(kind, options, state) for seed, state in states.items()}
    probes = applicability.probes(max([window, *(network.shortest for network in networks.values())]))
    with torch.inference_mode():
        logits = {seed: network(torch.from_numpy(dna.encode(probes))).tolist() for seed, network in networks.items()}
    description = {
        "format": store.VERSION,
        "versions": tables.versions("torch", "numpy"),
        "kind": kind,
        "options": dict(options),
        "seeds": list(states),
        "window": window,
        "check": {"sequences": probes, "logits": logits},
        "extra": dict(extra),
    }
    (folder / store.DESCRIPTION).unlink(missing_ok=True)  # written last: without it there is no model
    with atomic.replacing(folder / store.WEIGHTS) as temporary:
        save_file(tensors, temporary, {"format": "pt"})
    description["weights_sha256"] = tables.digest(folder / store.WEIGHTS)
    with atomic.replacing(folder / store.DESCRIPTION) as temporary:
        temporary.write_text(json.dumps(description, indent=1) + "\n")


def load(folder: str | os.PathLike) -> dict[int, Network]:
    """The networks that `save` wrote, by seed, in evaluation mode; also those of format 1.

    Parameters
    ----------
    folder : path

    Returns
    -------
    dict of int to Network

    Raises
    ------
    InputError
        A later format, an unknown kind or option, weights of another shape, or files that are missing, damaged or not
        as they were written. A folder without a model.
    """
    folder = Path(folder)
    description = store.describe(folder)
    found = description.get("format")
    if found not in (1, store.VERSION):
        raise InputError(
            f"{folder / store.DESCRIPTION}: format {found!r}, not {store.VERSION} or the older 1; another version of "
            "tfbind wrote it: use that one, or train the model again"
        )
    try:
        tensors = load_file(store.intact(folder / store.WEIGHTS, description.get("weights_sha256")))
    except SafetensorError as error:
        raise InputError(
            f"{folder / store.WEIGHTS}: not a safetensors file ({error}); train the model again"
        ) from error
    networks = {}
    for seed in description["seeds"]:
        prefix = f"{seed}."
        state = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
        try:
            networks[seed] = restore(
                description["kind"], description["options"], store.renamed(state) if found == 1 else state
            )
        except RuntimeError as error:
            raise InputError(
                f"{folder / store.WEIGHTS}: seed {seed} does not fit {store.DESCRIPTION} ({error})"
            ) from error
    return networks
