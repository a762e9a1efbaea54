"""Means over TFs for every shift and pair of assays."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording

TITLE, ANCHOR, NEEDS = "Other shifts", "shifts", ("shifts",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of the mean drop over TFs, for every shift and pair of assays.

    Parameters
    ----------
    tables : mapping
        `shifts` (`transfer.summary.SHIFT_COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `shifts`, a table (see `table.shown`). `tested`: whether any row is over several TFs and has a p-value.
    """
    return {"shifts": _shifts(tables["shifts"]), "tested": bool((tables["shifts"]["n_tf"] > 1).any())}


def _shifts(shifts: pd.DataFrame) -> dict:
    """The table of the means over TFs for every shift and pair of assays."""
    columns = [
        table.Column("Shift", lambda r: wording.word(r["shift"])),
        table.Column("From → to", lambda r: f"{wording.assay(r['source_assay'])} → {wording.assay(r['target_assay'])}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("Same", lambda r: wording.auroc(r["same"]), True),
        table.Column("Cross", lambda r: wording.auroc(r["cross"]), True),
        table.Column("Drop, points (interval)", lambda r: wording.in_points(r["drop"], r["low"], r["high"]), True),
        table.Column("p", wording.tested, True),
        table.Column("p, Holm", lambda r: wording.tested(r, "p_holm").rstrip("*"), True),
    ]
    return table.shown(
        shifts,
        columns,
        caption="The drop by the largest difference between source and target, mean over TFs",
        name="shifts",
        empty="No pair of datasets in this study differs in replicate, laboratory, cell or assay.",
    )
