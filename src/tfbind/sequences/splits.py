"""Which sequences train, validate and test a model.

By chromosome where there are coordinates, so that overlapping windows stay in one split. By a hash of the sequence
where there are none: it is the same for both strands, so a read and its reverse complement stay in one split. A file
of one chromosome that is not held out, such as that of a tutorial, would train alone: it is split by a hash of blocks.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind import dna, seeding
from tfbind.io.tables import SPLITS

#: Length in bp of the blocks of a chromosome that stay in one split.
BLOCK = 100_000


def assign(table: pd.DataFrame, split: Mapping) -> pd.Series:
    """The split of each sequence.

    Parameters
    ----------
    table : sequence table
    split : mapping
        `validation` and `test`: lists of chromosome names; `validation_fraction` and `test_fraction`: shares of the
        sequences without coordinates, chosen by a hash that is the same for both strands, and of the blocks of a table
        that is `in_blocks`.

    Returns
    -------
    Series of str
        `train`, `validation` or `test`, aligned with `table`.
    """
    chosen = np.full(len(table), SPLITS[0], object)
    chrom = table["chrom"]
    placed = chrom.notna().to_numpy()
    for name in ("validation", "test"):
        chosen[placed & chrom.isin(split.get(name, [])).to_numpy()] = name
    keys = np.full(len(table), None, object)
    keys[~placed] = dna.canonicals(table["sequence"][~placed]).to_numpy(object)
    if in_blocks(table, split):
        keys[placed] = [
            f"{name}:{start // BLOCK}" for name, start in zip(chrom[placed], table["start"][placed], strict=True)
        ]
    hashed = np.array([key is not None for key in keys], bool)
    test, validation = split["test_fraction"], split["validation_fraction"]
    u = np.array([seeding.stable_hash("split", key) for key in keys[hashed]], np.uint64) / 2.0**64
    chosen[hashed] = np.select([u < test, u < test + validation], ["test", "validation"], SPLITS[0])
    return pd.Series(chosen, index=table.index, dtype="str")


def in_blocks(table: pd.DataFrame, split: Mapping) -> bool:
    """Whether all places of a table are on one chromosome, and the config holds out others alone.

    Parameters
    ----------
    table : sequence table
    split : mapping
        As for `assign`.

    Returns
    -------
    bool
    """
    held = {name for key in SPLITS[1:] for name in split.get(key, [])}
    there = table["chrom"].dropna().unique()
    return bool(held) and len(there) == 1 and there[0] not in held
