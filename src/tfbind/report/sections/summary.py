"""Means over TFs from HT-SELEX to ChIP-seq."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording
from tfbind.transfer.summary import GROUP

TITLE, ANCHOR, NEEDS = "Assay to assay", "summary", ("summary", "shifts")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of the mean drop over TFs from HT-SELEX to ChIP-seq.

    Parameters
    ----------
    tables : mapping
        `summary` (`transfer.summary.SUMMARY_COLUMNS`) and `shifts` (`SHIFT_COLUMNS`), which has the smallest and the
        adjusted p-values.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `summary`, a table (see `table.shown`); the download is `summary` as it was given. Of a table of scores without
        these assays, `summary` holds the means over its farthest shift instead.
    """
    return {"summary": _summary(tables["summary"], tables["shifts"])}


def _summary(summary: pd.DataFrame, shifts: pd.DataFrame) -> dict:
    """The table of the means over TFs from HT-SELEX to ChIP-seq."""
    # The adjusted p-values are in `shifts`, since `summary` keeps the columns of the paper's table.
    crossing = shifts[(shifts["source_assay"] == "htselex") & (shifts["target_assay"] == "chipseq")]
    rows = summary.merge(crossing.loc[crossing["shift"] == "assay", [*GROUP, "p_minimum", "p_holm"]], how="left")
    columns = [
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.Column("Negatives", wording.against),
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("Same assay", lambda r: wording.auroc(r["same"]), True),
        table.Column("Cross assay", lambda r: wording.auroc(r["cross"]), True),
        table.Column("Drop (interval)", lambda r: wording.drop(r["drop"], r["low"], r["high"]), True),
        table.Column("p", lambda r: wording.p_value(r["p_value"]), True),
        table.Column("p, Holm", lambda r: wording.p_value(r["p_holm"]), True),
        table.Column("Smallest p", lambda r: wording.p_value(r["p_minimum"]), True),
    ]
    return table.shown(
        rows,
        columns,
        raw=summary,
        caption="Trained on HT-SELEX or on ChIP-seq, tested on ChIP-seq: mean AUROC over TFs",
        name="summary",
        empty="This study has no model to summarise.",
    )
