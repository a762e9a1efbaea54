"""What the kernels share: vectors, and checks of what they index with, since a compiled loop reads beyond a table."""

import numpy as np
from numba import njit

#: float32 values that a kernel with vectors of its own handles at once; a processor splits them to its own width.
LANES = 32


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty float32 array that starts at a line of the cache: a vector that lies across two takes longer."""
    memory = np.empty(4 * int(np.prod(shape)) + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : len(memory) - 64 + start].view(np.float32).reshape(shape)


@njit(cache=True, nogil=True)
def check_tokens(tokens):
    """Refuse tokens other than 0 to 4, in one pass: each is a row of a table.

    Parameters
    ----------
    tokens : array of uint8
    """
    foreign = np.uint8(0)
    for token in tokens.ravel():
        foreign |= np.uint8(token > 4)
    if foreign:
        raise ValueError("a token above 4; A C G T are 0 to 3, everything else and padding is 4")


@njit(cache=True, nogil=True)
def check_places(places, low, stop, what):
    """Refuse an index below `low` or not below `stop`; `what` names it."""
    flat = places.ravel()
    if len(flat) == 0:
        return
    lowest = highest = flat[0]
    for place in flat:  # without a branch and in the type of the places, so that many are compared at once
        lowest, highest = min(lowest, place), max(highest, place)
    if lowest < low or highest >= stop:
        raise ValueError(what + " lies outside its table")
