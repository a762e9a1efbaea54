"""Shared by the kernels: vectors, and checks of indices, since a compiled loop reads beyond the end of a table."""

import numpy as np
from numba import njit

#: float32 values that a kernel with vectors of its own handles at once; a processor splits them to its own width.
LANES = 32


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty array that starts at a line of the cache: a vector that lies across two lines takes longer.

    Parameters
    ----------
    shape : tuple of int

    Returns
    -------
    float32
        Of that shape, not filled.
    """
    memory = np.empty(4 * int(np.prod(shape)) + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : len(memory) - 64 + start].view(np.float32).reshape(shape)


@njit(cache=True, nogil=True)
def check_tokens(tokens):
    """Refuse tokens other than 0 to 4, in one pass: each is a row of a table.

    Parameters
    ----------
    tokens : array of uint8

    Raises
    ------
    ValueError
        A token above 4.
    """
    foreign = np.uint8(0)
    for token in tokens.ravel():
        foreign |= np.uint8(token > 4)
    if foreign:
        raise ValueError("a token above 4; A C G T are 0 to 3, everything else and padding is 4")


@njit(cache=True, nogil=True)
def check_places(places, low, stop, what):
    """Refuse an index outside a table.

    Parameters
    ----------
    places : array of int
        The indices.
    low, stop : int
        The least index allowed, and the one after the largest.
    what : str
        Names the index in the message.

    Raises
    ------
    ValueError
        An index below `low` or not below `stop`.
    """
    flat = places.ravel()
    if len(flat) == 0:
        return
    lowest = highest = flat[0]
    for place in flat:  # no branch, and in the type of the indices, so that many are compared at once
        lowest, highest = min(lowest, place), max(highest, place)
    if lowest < low or highest >= stop:
        raise ValueError(what + " lies outside its table")
