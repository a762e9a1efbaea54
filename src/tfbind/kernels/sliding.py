"""The best match of motif detectors in every window along a chromosome, where overlapping windows share the work.

A window is read as if unknown bases went on beyond both ends (`detectors.scan`). So a detector lies inside the window,
or over its left or right end. What lies inside is the same for all windows that hold it: each match is computed once,
and a window takes the highest of its run (van Herk 1992). What lies over the left end of a window that starts at `p`
depends on `p` alone, what lies over the right end on the last base alone: sums over the last or the first weights of a
detector, which grow by one weight from base to base.

Both strands of sixteen detectors are the 32 lanes of a vector, as in `detectors`.
"""

import numpy as np
from numba import njit

from tfbind.kernels.vectors import LANES, aligned, check_tokens

UNKNOWN = 4
_HALF = LANES // 2


def best(tokens: np.ndarray, weight: np.ndarray, window: int) -> np.ndarray:
    """The highest sum of weights that each detector finds in each window, over both strands.

    Parameters
    ----------
    tokens : (L,) uint8
        One stretch of a chromosome; an unknown base counts as a quarter of each base.
    weight : (F, 4, K) float32
        F detectors of K bp, bases in the order A C G T.
    window : int
        In bp, from K to L; each window is read as `detectors.scan` reads a sequence of its own.

    Returns
    -------
    (L - window + 1, F) float32
        Row p: the window that starts at p. Minus infinity without a known base.

    Raises
    ------
    ValueError
        Tokens of another type or shape, or above 4; a window shorter than a detector or longer than the stretch.
    """
    if tokens.dtype != np.uint8 or tokens.ndim != 1:
        raise ValueError(f"tokens are (L,) uint8, not {tokens.shape} {tokens.dtype}")
    check_tokens(tokens)
    filters, _, width = weight.shape
    if not width <= window <= len(tokens):
        raise ValueError(f"windows of {window} bp do not fit detectors of {width} bp and a stretch of {len(tokens)} bp")
    found = np.empty((len(tokens) - window + 1, filters), np.float32)
    inside, left, right = np.empty((3, len(tokens), _HALF), np.float32)
    for first in range(0, filters, _HALF):
        letters = _lanes(weight[first : first + _HALF])
        _match(tokens, *_rows(letters[::-1]), inside, right)
        # against the direction of the tokens, so that a match stands where it starts
        _match(tokens[::-1], *_rows(letters), inside[::-1], left[::-1])
        _highest(inside, left, right, width, window, found[:, first : first + _HALF])
    return found


def _lanes(weight: np.ndarray) -> np.ndarray:
    """Weights by place, letter and lane: (K, 5, 32)."""
    filters, _, width = weight.shape
    forward = np.zeros((_HALF, 4, width), np.float32)
    forward[:filters] = weight
    both = np.concatenate([forward, forward[:, ::-1, ::-1]])  # (32, 4, K)
    letters = np.empty((width, UNKNOWN + 1, LANES), np.float32)
    letters[:, :UNKNOWN] = both.transpose(2, 1, 0)
    letters[:, UNKNOWN] = letters[:, :UNKNOWN].mean(1)
    return letters


def _rows(letters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights by letter, (5, K * 32), and what unknown bases at the first j places add, (K * 32,)."""
    table, beyond = aligned((UNKNOWN + 1, letters.shape[0] * LANES)), aligned((letters.shape[0] * LANES,))
    table[:] = letters.transpose(1, 0, 2).reshape(UNKNOWN + 1, -1)
    beyond[:] = (letters[:, UNKNOWN].cumsum(0) - letters[:, UNKNOWN]).ravel()
    return table, beyond


@njit(cache=True, nogil=True)
def _match(tokens, table, beyond, inside, edge):  # pragma: no cover (compiled)
    # inside[p]: the detector whose first place is over the last token read, p; edge[p]: the best of those that reach
    # beyond it. `sums`: the weights from each place j on, with the one of j over p.
    width = len(beyond) // LANES
    sums, ends = np.zeros(len(beyond) + LANES, np.float32), np.empty(len(beyond), np.float32)
    unknown = 0  # unknown bases up to p
    for p in range(len(tokens)):
        unknown = unknown + 1 if tokens[p] == UNKNOWN else 0
        row = table[tokens[p]]
        for x in range(len(beyond)):
            sums[x] = row[x] + sums[x + LANES]
            ends[x] = sums[x] + beyond[x]
        count = width - unknown  # those from here on hold no known base
        while count > 2:  # halves: long loops without a memory of the maximum, which become vectors
            half = (count - 1) // 2
            count -= half
            low, high = ends[LANES : LANES * (1 + half)], ends[LANES * count : LANES * (count + half)]
            for x in range(half * LANES):
                low[x] = low[x] if low[x] > high[x] else high[x]
        for i in range(_HALF):
            edge[p, i] = max(ends[LANES + i], ends[LANES + _HALF + i]) if count == 2 else -np.inf
            inside[p, i] = max(sums[i], sums[_HALF + i]) if unknown < width else -np.inf


@njit(cache=True, nogil=True)
def _highest(inside, left, right, width, window, found):  # pragma: no cover (compiled)
    # the maximum of each run of `run` rows: runs meet one block border at most, so the highest up to the border and
    # the highest from it on are enough
    run = window - width + 1
    windows, filters = found.shape
    rows = windows + run - 1
    ahead = inside[:rows].copy()  # highest from each row to the end of its block
    for p in range(rows - 2, -1, -1):
        if (p + 1) % run:
            for i in range(_HALF):
                ahead[p, i] = max(ahead[p, i], ahead[p + 1, i])
    for p in range(1, rows):  # and from the start of its block to each row
        if p % run:
            for i in range(_HALF):
                inside[p, i] = max(inside[p, i], inside[p - 1, i])
    for p in range(windows):
        for i in range(filters):
            value = max(ahead[p, i], inside[p + run - 1, i])
            found[p, i] = max(value, left[p, i], right[p + window - 1, i])
