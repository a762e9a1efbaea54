"""What every network is: tokens in, logits out."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from tfbind.dna import UNKNOWN
from tfbind.errors import InputError


def compiled(weight: Tensor) -> bool:
    """Whether the compiled kernels can take this weight: float32 on the CPU.

    An export to ONNX can follow only torch's own operations.

    Parameters
    ----------
    weight : tensor

    Returns
    -------
    bool
    """
    return weight.device.type == "cpu" and weight.dtype == torch.float32 and not torch.jit.is_tracing()


class Network(nn.Module):
    """Base class of the networks that can be trained.

    ``forward(tokens, generator)`` gives the logits (N,) of ``(N, L)`` uint8 tokens. In training, everything random
    comes from `generator` alone (a torch Generator of the tokens' device).
    """

    shortest = 1  # bp that a sequence must hold from its first to its last known base
    pace = 1.0  # by which the learning rate of a config is multiplied, where the weights are of another size

    def begin(self, tokens: np.ndarray, labels: np.ndarray) -> None:
        """Set random weights to better ones, found in the training sequences; by default, nothing is done.

        Parameters
        ----------
        tokens : (N, L) uint8
        labels : (N,) float32
            1 positive, 0 negative.
        """

    @staticmethod
    def together(networks: Sequence["Network"], tokens: Tensor, generators: Sequence[torch.Generator | None]) -> Tensor:
        """Logits of K networks that read the same tokens.

        Parameters
        ----------
        networks : sequence of K Network
        tokens : (N, L) uint8
        generators : sequence of K torch Generator or None
            One per network, for training; None in evaluation mode.

        Returns
        -------
        (K, N) float32
        """
        return torch.stack([network(tokens, chance) for network, chance in zip(networks, generators, strict=True)])


def check(tokens: Tensor) -> None:
    """Refuse tokens that are not (N, L) uint8 of 0 to 4, since each is used as an index into a table.

    On an accelerator the values are not looked at, since that would make every call wait: `predict.score` checks them
    beforehand.

    Parameters
    ----------
    tokens : tensor

    Raises
    ------
    InputError
        Another shape or dtype; on the CPU, a token above 4.
    """
    if tokens.dtype != torch.uint8 or tokens.ndim != 2:
        raise InputError(f"tokens are (N, L) uint8, not {tuple(tokens.shape)} {tokens.dtype}")
    if tokens.device.type == "cpu" and not torch.onnx.is_in_onnx_export() and tokens.numel() and tokens.max() > UNKNOWN:
        raise InputError(f"token {int(tokens.max())}: A C G T are 0 to 3, everything else and padding is {UNKNOWN}")
