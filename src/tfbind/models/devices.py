"""Where networks run: on a GPU only where it is faster for them than the processor.

A step of a small stack takes less time than the calls that start it on a GPU. How long a step takes is estimated from
the stack and its batch with times fitted to ``benchmarks/gpu.tsv``: one H200 beside one thread of a Xeon, on
2026-11-26, PyTorch 2.11. Other hardware has other times; `VARIABLE` decides where they mislead.
"""

import logging
import os
from collections.abc import Sequence
from typing import NamedTuple

import torch

from tfbind.errors import InputError
from tfbind.models.networks import BiLSTM, DeepBind, Network

log = logging.getLogger(__name__)
#: Environment variable: `cpu`, `gpu`, or `auto` (the default).
VARIABLE = "TFBIND_ACCELERATOR"


class Times(NamedTuple):
    """Time of a step, or of a batch that is scored: milliseconds.

    Attributes
    ----------
    step, network, sequence, work : float
        For the step; for each network; for each sequence and network; for each sequence and unit of `work`.
    """

    step: float
    network: float
    sequence: float
    work: float


#: Whether it is training, and the kind -> times on one processor thread and on a GPU. In training each row of the table
#: is met exactly. A single row of scoring tells work from calls on neither device: the processor's time counts as work
#: and the GPU's as calls, so that the GPU is not taken for less than it is known to be good for.
_TIMES = {
    (True, DeepBind): (Times(1.80125, 0, 2.91205e-3, 5.23006e-8), Times(3.03836, 0.663329, 0, 4.93821e-9)),
    (True, BiLSTM): (Times(0, 0, 7.57682e-2, 1.22748e-7), Times(0, 4.57214, 0, 5.90395e-9)),
    (False, DeepBind): (Times(0, 0, 0, 2.41953e-8), Times(0, 0.558743, 0, 0)),
    (False, BiLSTM): (Times(0, 0, 0, 1.72190e-7), Times(0, 8.45675, 0, 0)),
}


def work(network: Network, length: int) -> int | None:
    """Multiplications of a network for one sequence: of the detectors on one strand, or of the LSTM.

    Parameters
    ----------
    network : Network
    length : int
        Of the sequence in bp.

    Returns
    -------
    int or None
        None for a kind that was not measured.
    """
    if isinstance(network, DeepBind):
        filters, _, width = network.weight.shape
        return filters * width * (length + width - 1)
    if isinstance(network, BiLSTM):
        lstm = network.forwards
        steps = -(-max(length - network.shortest + 1, 1) // network.stride)
        return 2 * steps * 4 * lstm.hidden_size * (lstm.input_size + lstm.hidden_size)
    return None


def milliseconds(networks: Sequence[Network], batch: int, length: int, training: bool) -> tuple[float, float] | None:
    """Time of a step of training, or of a batch that is scored, as measured.

    Parameters
    ----------
    networks : sequence of Network
        Of one kind.
    batch : int
        Sequences.
    length : int
        Of a sequence in bp.
    training : bool

    Returns
    -------
    (float, float) or None
        On one processor thread, and on a GPU; None for a kind that was not measured.
    """
    works = [work(network, length) for network in networks]
    if None in works:
        return None
    count, total = len(networks), sum(works)
    processor, gpu = (
        each.step + each.network * count + batch * (each.sequence * count + each.work * total)
        for each in _TIMES[training, type(networks[0])]
    )
    return processor, gpu


def choose(networks: Sequence[Network], batch: int, length: int, training: bool) -> str:
    """The device that is faster for a stack, or the one that `VARIABLE` names; says which and why where there is a GPU.

    Parameters
    ----------
    networks : sequence of Network
        Of one kind.
    batch : int
        Sequences at a time.
    length : int
        Of a sequence in bp.
    training : bool
        Whether they are trained or score.

    Returns
    -------
    str
        `cpu` or `gpu`. A GPU is one of CUDA. A kind that was not measured takes the GPU.

    Raises
    ------
    InputError
        `VARIABLE` is another word, or asks for a GPU where there is none.
    """
    asked, seen = os.environ.get(VARIABLE) or "auto", torch.cuda.is_available()
    if asked not in ("cpu", "gpu", "auto"):
        raise InputError(f"{VARIABLE} is {asked!r}; set it to cpu, gpu or auto")
    if asked == "gpu" and not seen:
        raise InputError(f"{VARIABLE} is gpu, but torch sees no GPU here; unset it, or mend what `tfbind doctor` says")
    if not seen:
        return "cpu"
    chosen, why = asked, f"{VARIABLE} says so"
    if asked == "auto":
        expected = milliseconds(networks, batch, length, training)
        chosen, why = "gpu", "this kind was not measured"
        if expected is not None:
            chosen = "cpu" if expected[0] <= expected[1] else "gpu"
            what = "a step" if training else f"{batch} sequences"
            why = "about {:.3g} ms on a processor thread, {:.3g} ms on a GPU for {}".format(*expected, what)
    kind = type(networks[0]).__name__
    log.info("%s %d %s on the %s: %s", "training" if training else "scoring with", len(networks), kind, chosen, why)
    return chosen
