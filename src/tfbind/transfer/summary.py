"""Mean drops over all TFs: the cross-assay table of the paper, and the same for every shift."""

import numpy as np
import pandas as pd

from tfbind.assays import ASSAYS, is_from_vitro
from tfbind.statistics import over_tfs
from tfbind.study.shifts import SHIFTS, rank
from tfbind.transfer.evaluate import MOTIF_PRESENT

GROUP = ["model", "train_negatives", "test_negatives"]
MEANS = ["n_tf", "same", "cross", "drop", "low", "high", "p_value"]
SUMMARY_COLUMNS = [*GROUP, *MEANS]
PAIR_COLUMNS = ["source_assay", "target_assay", *GROUP, "n_tf", "floor", *MEANS[1:], "p_minimum", "p_holm"]
PAIR_COLUMNS += ["n_left_out", "left_out"]
SHIFT_COLUMNS = ["shift", "source_assay", "target_assay", *GROUP, *MEANS, "p_minimum", "p_holm"]


#: The source and the target of the published cross-assay table.
PUBLISHED = ("htselex", "chipseq")


def _place(assay: str) -> tuple[int, str]:
    # Of an assay among all; a word of a table of scores comes after them.
    return [*ASSAYS, assay].index(assay), assay


def crossing(table: pd.DataFrame) -> pd.Series:
    """The rows of the cross-assay table.

    Parameters
    ----------
    table : DataFrame
        With columns `shift, source_assay, target_assay`.

    Returns
    -------
    Series of bool
        From HT-SELEX to ChIP-seq, as published. In a study without these, from any assay in vitro to any in cells; and
        without those, from any to the first of the targets in the order of `assays.ASSAYS`: never both directions.
    """
    ways = list(zip(table["source_assay"], table["target_assay"], strict=True))
    across = table["shift"] == "assay"
    first = min(table["target_assay"][across], key=_place, default=None)
    found = (
        [way == PUBLISHED for way in ways],
        [is_from_vitro(*way) for way in ways],
        [target == first for _, target in ways],
    )
    masks = [across & np.array(mask, bool) for mask in found]
    return next((mask for mask in masks if mask.any()), across)


def summary(transfer: pd.DataFrame, level: float = 0.95, chosen: pd.Series | None = None) -> pd.DataFrame:
    """The cross-assay table, means over TFs: see `crossing`.

    Parameters
    ----------
    transfer : DataFrame
        `columns.TRANSFER_COLUMNS`, all TFs; extra pairs of two TFs are left out.
    level : float
        Of the intervals.
    chosen : Series of bool, optional
        Marks other rows of `transfer` to average.

    Returns
    -------
    DataFrame
        `SUMMARY_COLUMNS`, one row for each model and pair of negatives, from `over_tfs.mean_over_tfs`. Where no drop
        was estimable, `n_tf` is 0 and the rest NaN.
    """
    pairs = over_tfs.within_tf(transfer[crossing(transfer) if chosen is None else chosen])
    groups = transfer[GROUP].drop_duplicates().itertuples(index=False)
    rows = (
        dict(zip(GROUP, group, strict=True))
        | over_tfs.mean_over_tfs(pairs[(pairs[GROUP] == list(group)).all(axis=1)], level)
        for group in groups
    )
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def shifts(transfer: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Mean drops over TFs for every shift and direction of a study.

    Parameters
    ----------
    transfer : DataFrame
        `columns.TRANSFER_COLUMNS`, all TFs; extra pairs of two TFs are left out.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `SHIFT_COLUMNS`, from the smallest shift to the largest. `p_minimum` is the smallest p-value that so many TFs
        can give. `p_holm` is adjusted for the number of models compared at the same shift, direction and negatives.
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


#: The `model` of the rows in which each source has the model that is best on its own held-out rows.
BEST = "best of its source"


def is_sound(verdict: object, motif_auroc: float = float("nan")) -> bool:
    """Whether a dataset counts in `assay_pairs`: by its own rows alone, so no transfer is looked at.

    Parameters
    ----------
    verdict : str
        Of `library_qc.judge`, on the dataset's held-out rows.
    motif_auroc : float
        What the TF's own JASPAR matrix reaches alone on the dataset's rows; NaN if unknown.

    Returns
    -------
    bool
        False for ``poor``. For ``cannot tell``, as of an array without another design to test on, whether the matrix
        reaches `evaluate.MOTIF_PRESENT`. Else True, also without a verdict (a table of scores).
    """
    if str(verdict).startswith("cannot tell"):
        return bool(motif_auroc >= MOTIF_PRESENT)
    return not str(verdict).startswith("poor")


def assay_pairs(transfer: pd.DataFrame, libraries: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """One row for each pair of assays: the mean drop over TFs whose source and target are sound.

    Parameters
    ----------
    transfer : DataFrame
        `columns.TRANSFER_COLUMNS`, all TFs; extra pairs of two TFs are left out.
    libraries : DataFrame
        From `library_qc.judge`; `dataset, model, verdict, motif_auroc` are used. See `is_sound`.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `PAIR_COLUMNS`. First the rows of `BEST`, then those of each model. `floor` is the mean AUROC of composition on
        the same test rows. `n_left_out` and `left_out` count and name the TFs of which no sound pair is left. `p_holm`
        is adjusted over the pairs of assays, for each model and kind of negatives.
    """
    rows = over_tfs.within_tf(transfer[transfer["shift"] == "assay"])
    about = libraries.set_index("dataset").reindex(columns=["model", "verdict", "motif_auroc"])
    sound = {row.Index: is_sound(row.verdict, row.motif_auroc) for row in about.itertuples()}
    is_best = rows["model"] == rows["source"].map(about["model"].astype(object))
    rows = pd.concat([rows[is_best].assign(model=BEST), rows])
    ends = rows[["source", "target"]].itertuples(index=False)
    rows = rows.assign(sound=[all(sound.get(dataset, True) for dataset in pair) for pair in ends])
    keys = PAIR_COLUMNS[: 2 + len(GROUP)]
    found = []
    for key, group in rows.groupby(keys, sort=False):
        used = group[group["sound"] & group["drop"].notna()]
        left = [tf for tf in group["tf"].unique() if tf not in set(used["tf"])]
        line = dict(zip(keys, key, strict=True)) | over_tfs.mean_over_tfs(used, level)
        line["floor"] = used.groupby("tf")["floor"].mean().mean()
        found.append(line | {"n_left_out": len(left), "left_out": ", ".join(left)})
    table = pd.DataFrame(found, columns=PAIR_COLUMNS)
    table["p_holm"] = table.groupby(GROUP, sort=False)["p_value"].transform(lambda p: over_tfs.holm(p.to_numpy(float)))
    return table
