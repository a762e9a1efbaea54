"""Means over TFs from one assay to another."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording
from tfbind.transfer.summary import GROUP, PUBLISHED, crossing

TITLE, ANCHOR, NEEDS = "Assay to assay", "summary", ("summary", "shifts")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of the mean drop over TFs from one assay to another (`transfer.summary.crossing`).

    Parameters
    ----------
    tables : mapping
        `summary` (`transfer.summary.SUMMARY_COLUMNS`) and `shifts` (`SHIFT_COLUMNS`), which has the assays, and the
        smallest and the adjusted p-values.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `summary`, a table (see `table.shown`); the download is `summary` as it was given. Of a table of scores without
        assays, `summary` holds the means over its farthest shift instead. `source`, `target`: the assays in words.
        `published`: whether they are those of the published table. `tested`: whether a mean is over several TFs.
    """
    across = tables["shifts"][crossing(tables["shifts"])]
    source, target = _named(across["source_assay"]), _named(across["target_assay"])
    return {
        "summary": _summary(tables["summary"], across, f"Trained on {source} or on {target}, tested on {target}"),
        "source": source,
        "target": target,
        "tested": bool((tables["summary"]["n_tf"] > 1).any()),
        "published": set(zip(across["source_assay"], across["target_assay"], strict=True)) == {PUBLISHED},
    }


def _named(assays: pd.Series) -> str:
    return " or ".join(wording.assay(assay) for assay in assays.unique()) or "another dataset"


def _summary(summary: pd.DataFrame, across: pd.DataFrame, ends: str) -> dict:
    """The table of the means over TFs from one assay to another."""
    rows = summary.assign(p_minimum=float("nan"), p_holm=float("nan"))
    if len(across) and not across.duplicated(GROUP).any():  # one pair of assays: `shifts` has the adjusted p-values
        rows = summary.merge(across[[*GROUP, "p_minimum", "p_holm"]], how="left")
    columns = [
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("Same assay", lambda r: wording.auroc(r["same"]), True),
        table.Column("Cross assay", lambda r: wording.auroc(r["cross"]), True),
        table.Column("Drop, points (interval)", lambda r: wording.in_points(r["drop"], r["low"], r["high"]), True),
        table.Column("p", wording.tested, True),
        table.Column("p, Holm", lambda r: wording.tested(r, "p_holm").rstrip("*"), True),
    ]
    return table.shown(
        rows,
        columns,
        raw=summary,
        caption=f"{ends}: mean AUROC over TFs",
        name="summary",
        empty="This study has no model to summarise.",
    )
