"""Writes bigWig files, whole or not at all."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tfbind.errors import NotEstimable, ResourceError
from tfbind.io import atomic

#: ``add(chrom, start, values, step)``: single bases of a chromosome, `step` bp from each other; NaN: no value.
Add = Callable[[str, int, np.ndarray, int], None]
_LEAST, _EACH = 2**16, 6  # bytes of a file, and of each value with its share of the summaries
#: Most values of a file with summaries, from which browsers draw large regions: pyBigWig makes them in memory, 14 bytes
#: for each value.
SUMMARISED = 2**25


@contextmanager
def writing(path: str | os.PathLike, lengths: Mapping[str, int], most: int, empty: str) -> Iterator[Add]:
    """Give a function that adds values to a bigWig, which is renamed to `path` if the block succeeds.

    Parameters
    ----------
    path : path
        A file of this name is replaced.
    lengths : mapping of str to int
        Of the chromosomes in bp. Values are added in this order, along each chromosome.
    most : int
        Most values that will be added: the space for them is tried first, and above `SUMMARISED` the file has no
        summaries.
    empty : str
        Why there may be no value at all, for the message.

    Yields
    ------
    Add

    Raises
    ------
    NotEstimable
        No value was added.
    ResourceError
        The disk is full.
    """
    import pyBigWig

    count = 0
    with atomic.replacing(path) as temporary:
        # pyBigWig crashes where the disk is full
        with open(temporary, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, _LEAST + _EACH * most)
            file.truncate(0)
        with pyBigWig.open(str(temporary), "w") as out:
            out.addHeader(list(lengths.items()), maxZooms=10 if most <= SUMMARISED else 0)

            def add(chrom: str, start: int, values: np.ndarray, step: int = 1) -> None:
                nonlocal count
                edges = np.flatnonzero(np.diff(np.isfinite(values), prepend=False, append=False)).reshape(-1, 2)
                for low, high in edges.tolist():
                    part = values[low:high].astype(np.float32)
                    out.addEntries(chrom, start + low * step, values=part, span=1, step=step)
                    count += len(part)

            yield add
        if not count:
            raise NotEstimable(f"{path}: not written, since it would hold no value: {empty}")
        if (held := _held(temporary)) != count:
            raise ResourceError(f"{path}: {held} of {count} values reached the disk; free some space and run it again")


def _held(path: Path) -> int:
    import pyBigWig

    try:
        with pyBigWig.open(str(path)) as written:
            return written.header()["nBasesCovered"]
    except RuntimeError:
        return 0
