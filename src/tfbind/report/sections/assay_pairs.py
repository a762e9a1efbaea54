"""Every pair of assays: the mean drop over TFs."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording
from tfbind.transfer.summary import BEST

TITLE, ANCHOR, NEEDS = "Pairs of assays", "assay-pairs", ("assay_pairs",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of all pairs of assays.

    Parameters
    ----------
    tables : mapping
        `assay_pairs` (`transfer.summary.PAIR_COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict or None
        `pairs`, a table (see `table.shown`) that starts with the rows of the best model of each source. None in a study
        of one assay.
    """
    if tables["assay_pairs"].empty:
        return None
    found = _pairs(tables["assay_pairs"])
    return {"pairs": found, "best": BEST, "filtered": [found]}


def _pairs(pairs: pd.DataFrame) -> dict:
    """The table of the means over the TFs of each pair of assays."""
    columns = [
        table.Column("From → to", lambda r: f"{wording.assay(r['source_assay'])} → {wording.assay(r['target_assay'])}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.Column("Negatives", wording.against),
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("Floor", lambda r: wording.auroc(r["floor"]), True),
        table.Column("Same", lambda r: wording.auroc(r["same"]), True),
        table.Column("Cross", lambda r: wording.auroc(r["cross"]), True),
        table.Column("Drop (interval)", lambda r: wording.drop(r["drop"], r["low"], r["high"]), True),
        table.Column("p", lambda r: wording.p_value(r["p_value"]), True),
        table.Column("Smallest p", lambda r: wording.p_value(r["p_minimum"]), True),
        table.Column("Left out", lambda r: "" if pd.isna(r["left_out"]) else r["left_out"]),
    ]
    return table.shown(
        pairs,
        columns,
        caption="The drop from each assay to each other one, mean over the TFs whose datasets are sound",
        name="assay_pairs",
        empty="This study has one assay.",
        choose=("Model",),
    )
