"""What the kernels with vectors of their own share."""

import numpy as np

#: float32 values that a kernel with vectors of its own handles at once; a processor splits them to its own width.
LANES = 32


def aligned(shape: tuple[int, ...]) -> np.ndarray:
    """An empty float32 array that starts at a line of the cache: a vector that lies across two takes longer."""
    memory = np.empty(4 * int(np.prod(shape)) + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : len(memory) - 64 + start].view(np.float32).reshape(shape)
