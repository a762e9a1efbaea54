"""What the drops of all TFs say together: the paper's table, every shift, a verdict."""

import pandas as pd

from tfbind.statistics import over_tfs
from tfbind.study.shifts import SHIFTS, rank

GROUP = ["model", "train_negatives", "test_negatives"]
MEANS = ["n_tf", "same", "cross", "drop", "low", "high", "p_value"]
SUMMARY_COLUMNS = [*GROUP, *MEANS]
SHIFT_COLUMNS = ["shift", "source_assay", "target_assay", *GROUP, *MEANS, "p_minimum", "p_holm"]


def summary(transfer: pd.DataFrame, level: float = 0.95, chosen: pd.Series | None = None) -> pd.DataFrame:
    """The cross-assay table: trained on HT-SELEX, tested on ChIP-seq, means over TFs.

    Parameters
    ----------
    transfer : DataFrame
        `columns.TRANSFER_COLUMNS`, all TFs; extra pairs of different TFs are left aside.
    level : float
    chosen : Series of bool
        Other rows of `transfer` to take the means over.

    Returns
    -------
    DataFrame
        `SUMMARY_COLUMNS`, one row for each model and pair of negatives, also where ``n_tf`` is 0. See
        `mean_over_tfs`.
    """
    if chosen is None:
        crossing = (transfer["source_assay"] == "htselex") & (transfer["target_assay"] == "chipseq")
        chosen = crossing & (transfer["shift"] == "assay")
    pairs = over_tfs.within_tf(transfer[chosen])
    groups = transfer[GROUP].drop_duplicates().itertuples(index=False)
    rows = (
        dict(zip(GROUP, group, strict=True))
        | over_tfs.mean_over_tfs(pairs[(pairs[GROUP] == list(group)).all(axis=1)], level)
        for group in groups
    )
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def shifts(transfer: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The same table for every shift and direction that the study holds.

    Returns
    -------
    DataFrame
        `SHIFT_COLUMNS`, from the smallest shift to the largest. `p_minimum` is the smallest p that the TFs
        allow; `p_holm` is adjusted for the number of models compared under the same shift, direction and
        negatives.
    """
    keys = SHIFT_COLUMNS[: 3 + len(GROUP)]
    rows = []
    for key, group in over_tfs.within_tf(transfer[transfer["shift"] != SHIFTS[0]]).groupby(keys, sort=False):
        means = over_tfs.mean_over_tfs(group, level)
        rows.append(dict(zip(keys, key, strict=True)) | means)
    table = pd.DataFrame(rows, columns=SHIFT_COLUMNS)
    family = table.groupby([key for key in keys if key != "model"], sort=False)["p_value"]
    table["p_holm"] = family.transform(lambda p: over_tfs.holm(p.to_numpy(float)))
    return table.sort_values("shift", key=lambda s: s.map(rank), kind="stable", ignore_index=True)
