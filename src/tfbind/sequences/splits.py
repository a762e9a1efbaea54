"""Which sequences train, validate and test a model.

By chromosome where there are coordinates, so that overlapping windows stay in one split. By a hash of the sequence
where there are none: it is the same for both strands, so a read and its reverse complement stay in one split.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind import dna, seeding
from tfbind.io.tables import SPLITS


def assign(table: pd.DataFrame, split: Mapping) -> pd.Series:
    """The split of each sequence.

    Parameters
    ----------
    table : sequence table
    split : mapping
        `validation` and `test`: lists of chromosome names; `validation_fraction` and `test_fraction`: shares of the
        sequences without coordinates, chosen by a hash that is the same for both strands.

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
    test, validation = split["test_fraction"], split["validation_fraction"]
    keys = dna.canonicals(table["sequence"][~placed]).tolist()
    u = np.array([seeding.stable_hash("split", key) for key in keys], np.uint64) / 2.0**64
    chosen[~placed] = np.select([u < test, u < test + validation], ["test", "validation"], SPLITS[0])
    return pd.Series(chosen, index=table.index, dtype="str")
