"""Medians over the neighbours of each spot of an array."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def local_medians(grid: np.ndarray, size: int) -> np.ndarray:
    """Median of the known values in the block around each place of a grid.

    Near a margin the block moves inwards, so that it always has the same size (Berger and Bulyk 2009).

    Parameters
    ----------
    grid : (R, C) float64
        NaN where nothing is known.
    size : int
        Rows and columns of a block, odd; a grid with fewer has blocks of all its rows, or columns.

    Returns
    -------
    (R, C) float64
        NaN where the place itself is NaN.

    Raises
    ------
    ValueError
        `size` is below 1.
    """
    if size < 1:
        raise ValueError("a block has at least one place")
    rows, columns = grid.shape
    high, wide = min(size, rows), min(size, columns)
    found = np.full(grid.shape, np.nan)
    block = np.empty(high * wide)
    for i in range(rows):
        top = min(max(i - size // 2, 0), rows - high)
        for j in range(columns):
            if np.isnan(grid[i, j]):
                continue
            left = min(max(j - size // 2, 0), columns - wide)
            n = 0
            for a in range(top, top + high):
                for b in range(left, left + wide):
                    if not np.isnan(grid[a, b]):
                        block[n] = grid[a, b]
                        n += 1
            found[i, j] = np.median(block[:n])
    return found
