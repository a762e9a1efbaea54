"""A model of selection: binding energies, and the share of molecules of a sequence that is bound.

The energies are those of ProBound (Rube et al. 2022): terms of bases and of neighbouring bases, the same on both
strands. Every window of a sequence is a site, so that the logit of a long window is its occupancy.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv1d, logsigmoid, max_pool1d, pad

from tfbind import kmers
from tfbind.dna import UNKNOWN
from tfbind.errors import InputError
from tfbind.kernels import energies
from tfbind.models.interface import Network, check, compiled

_TURNED = [3, 2, 1, 0, UNKNOWN]
#: bp of the word that training starts from, how strongly it does (kT a base), and what is added to counts of words.
_WORD, _STRENGTH, _PSEUDO = 8, 1.0, 5.0
#: kT of a unit of the weights of neighbouring bases: of many weights, each learns little.
_APART = 0.2


class _Occupancy(torch.autograd.Function):
    """`occupancy_dense` for the CPU, by table look-ups."""

    @staticmethod
    def forward(ctx, tokens, table, overhang):
        tokens, size = tokens.numpy(), table.shape[2]
        total, shares = energies.occupancy(tokens, table.detach().numpy(), overhang, ctx.needs_input_grad[1])
        ctx.given = tokens, shares, size, overhang
        return torch.from_numpy(total)

    @staticmethod
    @once_differentiable
    def backward(ctx, upstream):
        tokens, shares, size, overhang = ctx.given
        found = energies.gradient(tokens, shares, upstream.contiguous().numpy(), size, overhang)
        return None, torch.from_numpy(found), None


def occupancy(tokens: Tensor, table: Tensor, overhang: int) -> Tensor:
    """The log of the sum of Boltzmann factors over all windows of both strands.

    Parameters
    ----------
    tokens : (N, L) uint8
        What lies before the first and after the last known base does not count.
    table : (M, 2, K - 1, 25) float32
        M ways of binding a window of K bp, see `Selection.table`.
    overhang : int
        How far windows reach beyond either end, in bp, less than K; further where a sequence is shorter than a window,
        as far as they hold all of it. A window that holds no known base is left out.

    Returns
    -------
    (M, N) float32
        `energies.NONE` or little more for a sequence without a known base.

    Raises
    ------
    ValueError
        On the CPU: tokens that are not (N, L) uint8 of 0 to 4, or an overhang outside 0 to K - 1.
    """
    if compiled(table):
        return _Occupancy.apply(tokens, table, overhang)
    if torch.jit.is_tracing():  # a convolution in ONNX needs weights of known shape: the energies become constants
        table = torch.tensor(table.tolist())
    return occupancy_dense(tokens, table, overhang)


def occupancy_dense(tokens: Tensor, table: Tensor, overhang: int) -> Tensor:
    """The result of `occupancy` by one convolution, for accelerators.

    Parameters
    ----------
    tokens : (N, L) uint8
        As of `occupancy`.
    table : (M, 2, K - 1, 25) float32
        As of `occupancy`.
    overhang : int
        In bp.

    Returns
    -------
    (M, N) float32
    """
    count, _, size, pairs = table.shape
    width, length = size + 1, tokens.shape[1]
    padded = pad(tokens, (size, size), value=UNKNOWN).long()  # (N, L + 2K - 2)
    hot = torch.eye(pairs).to(table)[5 * padded[:, :-1] + padded[:, 1:]].transpose(1, 2)  # (N, 25, L + 2K - 3)
    sums = conv1d(hot, table.flatten(0, 1).transpose(1, 2))  # (N, 2M, P), P = L + K - 1
    known = tokens != UNKNOWN
    first, last = known.int().argmax(1), length - known.flip(1).int().argmax(1)  # (N,)
    reach = (width - (last - first)).clamp(min=overhang)
    start = torch.arange(length + size, device=tokens.device) - size  # (P,)
    read = (start >= (first - reach)[:, None]) & (start <= (last + reach - width)[:, None])
    read = read & (max_pool1d((padded != UNKNOWN).to(table)[:, None], width, 1)[:, 0] > 0)  # (N, P)
    sums = sums.masked_fill(~read[:, None], float(energies.NONE))
    return torch.logsumexp(sums.unflatten(1, (count, 2)).flatten(2), 2).t()


class Readout(nn.Module):
    """From the occupancy of each mode to the logit: (M, N) -> (N,).

    In training the logit is that of a read being selected, ``rounds * log(Z / (1 + Z)) + bias``, where Z sums up the
    modes, each with its own concentration, and unspecific binding. A logit that is scored leaves the saturation out:
    ``rounds * log(Z) + bias`` ranks sequences alike, tells strong sites apart, and is free of the concentration at
    which the reads were selected.

    Parameters
    ----------
    modes : int
        M.
    saturation : bool
        Whether it counts in training that no molecule can be more than bound.
    rounds : float
        Power of the share that is bound.
    """

    def __init__(self, modes: int, saturation: bool, rounds: float):
        super().__init__()
        self.saturation, self.rounds = saturation, rounds
        self.concentration = nn.Parameter(torch.zeros(modes))  # logs, as the next
        self.unspecific = nn.Parameter(torch.full((1,), -4.0))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, sums: Tensor) -> Tensor:
        """Logits of sequences.

        Parameters
        ----------
        sums : (M, N) float32
            Log-occupancy of each mode at a concentration of one.

        Returns
        -------
        (N,) float32
        """
        return self.rounds * self.bound(sums) + self.bias

    def bound(self, sums: Tensor) -> Tensor:
        """Log of the share that is bound, or of Z where saturation does not count.

        Parameters
        ----------
        sums : (M, N) float32

        Returns
        -------
        (N,) float32
        """
        unspecific = self.unspecific[:, None].expand_as(sums[:1])
        z = torch.logsumexp(torch.cat([sums + self.concentration[:, None], unspecific]), 0)
        return logsigmoid(z) if self.saturation and self.training else z


class Selection(Network):
    """Binding energies of bases and neighbouring bases, summed up over all sites (ProBound; Rube et al. 2022).

    The logit is one of reads of a SELEX cycle against reads of cycle 0, so its loss is the likelihood of the two
    compositions, given the sequences. The same strand-blind sum over all windows scores a sequence of any length.

    Parameters
    ----------
    width : int
        Of a site in bp, K.
    modes : int
        Ways of binding, each with energies of its own.
    dinucleotides : bool
        Whether neighbouring bases have energies, beside each base by itself.
    overhang : float
        Share of a site that may lie beyond the ends of a sequence, 0 to less than 1: the flanks of an insert are bound
        too. A base that is not known, there or within, has the mean energy of all bases and a penalty that is learnt.
    saturation : bool
        Whether it counts in training that no molecule can be more than bound.
    rounds : float
        Power of the share that is bound in the composition of the positives. The number of cycles is that of an ideal
        selection; carried-over molecules make real ones weaker.

    Raises
    ------
    InputError
        `overhang` is not from 0 to less than 1, or `width` is below 2.
    """

    pace = 5.0  # energies are of several kT, weights of other networks much smaller

    def __init__(
        self,
        width: int = 16,
        modes: int = 1,
        dinucleotides: bool = True,
        overhang: float = 0.5,
        saturation: bool = True,
        rounds: float = 1.0,
    ):
        super().__init__()
        if width < 2 or not 0 <= overhang < 1:
            raise InputError(f"selection: width {width} is at least 2, overhang {overhang} from 0 to less than 1")
        self.overhang = int(overhang * width)  # bp
        # minus energies, in kT
        self.bases = nn.Parameter(0.05 * torch.randn(modes, width, 4))
        self.pairs = nn.Parameter(torch.zeros(modes, width - 1, 4, 4)) if dinucleotides else None
        self.missing = nn.Parameter(torch.full((modes,), 0.5))
        self.head = Readout(modes, saturation, rounds)

    def begin(self, tokens: np.ndarray, labels: np.ndarray) -> None:
        """Start from the most enriched word of 8 bp, in the middle of the site.

        From random energies training often ends with a part of the motif, or with the motif at the edge of the site.

        Parameters
        ----------
        tokens : (N, L) uint8
        labels : (N,) float32
            1 positive, 0 negative.
        """
        width = self.bases.shape[1]
        k = min(_WORD, width)
        bound, unbound = (kmers.held(tokens[labels == label], k) for label in (1, 0))
        share = (labels == 1).sum() / max((labels == 0).sum(), 1)
        word = int(((bound + _PSEUDO) / (unbound * share + _PSEUDO)).argmax())
        start = (width - k) // 2
        with torch.no_grad():
            for i in range(k):
                base = word >> 2 * (k - 1 - i) & 3
                self.bases[0, start + i, base] += _STRENGTH
                self.bases[1:, start + i, base] += _STRENGTH / 2  # further modes are free to find their own way

    def energies(self) -> tuple[Tensor, Tensor]:
        """Minus the energies, in kT: of bases, and of neighbouring bases beyond those of the bases by themselves.

        Returns
        -------
        bases : (M, K, 4)
            Mean 0 at each place.
        pairs : (M, K - 1, 4, 4)
            Mean 0 over either base.
        """
        bases = self.bases - self.bases.mean(2, keepdim=True)
        if self.pairs is None:
            return bases, bases.new_zeros(len(bases), bases.shape[1] - 1, 4, 4)
        pairs = _APART * self.pairs
        pairs = pairs - pairs.mean(2, keepdim=True)
        return bases, pairs - pairs.mean(3, keepdim=True)

    def table(self) -> Tensor:
        """Minus the energy of each dinucleotide at each place of a site on either strand.

        The first base of each dinucleotide counts, and the second of the last one. The strongest base of each place has
        energy 0, so that a concentration is that in units of which the best site is half bound, however specific the
        energies become in training.

        Returns
        -------
        (M, 2, K - 1, 25) float32
            Five times the first base, plus the second; A, C, G, T, unknown.
        """
        bases, pairs = self.energies()
        modes, width, _ = bases.shape
        letters = torch.cat([bases, -self.missing[:, None, None].expand(modes, width, 1)], 2)  # (M, K, 5)
        letters = letters - bases.amax(2, keepdim=True)
        letters = torch.stack([letters, letters[..., _TURNED].flip(1)], 1)  # (M, 2, K, 5)
        last = pad(letters[:, :, -1:, None], (0, 0, 0, 0, width - 2, 0))  # (M, 2, K - 1, 1, 5)
        table = letters[:, :, :-1, :, None] + last
        if self.pairs is not None:
            both = torch.stack([pairs, pairs.flip(1, 2, 3).transpose(2, 3)], 1)  # (M, 2, K - 1, 4, 4)
            table = table + pad(both, (0, 1, 0, 1))
        return table.flatten(3)

    def motif(self) -> Tensor:
        """Shares of the bases at each place of the sites that are bound where all sites are equally common.

        Returns
        -------
        (M, K, 4) float32
        """
        bases, pairs = self.energies()
        forth, back = [bases[:, 0]], [torch.zeros_like(bases[:, 0])]
        for place in range(pairs.shape[1]):  # the sums over all bases before a place, and behind it
            forth.append(torch.logsumexp(forth[-1][:, :, None] + pairs[:, place], 1) + bases[:, place + 1])
            behind = pairs[:, -1 - place] + (bases[:, -1 - place] + back[-1])[:, None]
            back.append(torch.logsumexp(behind, 2))
        return torch.softmax(torch.stack(forth, 1) + torch.stack(back[::-1], 1), 2)

    def forward(self, tokens: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits of sequences.

        Parameters
        ----------
        tokens : (N, L) uint8
        generator : torch Generator, optional
            Nothing is drawn.

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
        networks: Sequence["Selection"], tokens: Tensor, generators: Sequence[torch.Generator | None]
    ) -> Tensor:
        """Logits of K networks of one width and overhang: the tokens are read once.

        Parameters
        ----------
        networks : sequence of K Selection
        tokens : (N, L) uint8
        generators : sequence of K torch Generator or None
            One per network; nothing is drawn.

        Returns
        -------
        (K, N) float32

        Raises
        ------
        InputError
            Tokens that are not (N, L) uint8 of 0 to 4, see `check`.
        """
        check(tokens)
        sums = occupancy(tokens, torch.cat([network.table() for network in networks]), networks[0].overhang)
        parts = sums.split([len(network.bases) for network in networks])
        return torch.stack([network.head(part) for network, part in zip(networks, parts, strict=True)])
