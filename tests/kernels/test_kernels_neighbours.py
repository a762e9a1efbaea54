import numpy as np
import pytest

from tfbind.kernels import neighbours


def plain(grid, size):
    rows, columns = grid.shape
    found = np.full(grid.shape, np.nan)
    for i in range(rows):
        for j in range(columns):
            if not np.isnan(grid[i, j]):
                top = max(0, min(i - size // 2, rows - size))
                left = max(0, min(j - size // 2, columns - size))
                found[i, j] = np.nanmedian(grid[top : top + size, left : left + size])
    return found


@pytest.mark.parametrize("size", [1, 3, 5, 15])
@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (4, 4), (17, 23), (40, 16)])
def test_local_medians(rng, shape, size):
    grid = rng.normal(size=shape)
    grid[rng.random(shape) < 0.2] = np.nan
    np.testing.assert_array_equal(neighbours.local_medians(grid, size), plain(grid, size))


def test_a_block_has_a_place():
    with pytest.raises(ValueError, match="at least one place"):
        neighbours.local_medians(np.zeros((3, 3)), 0)
