"""The motifs that the models have learnt."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind.interpretation import logos, tomtom
from tfbind.report import table as report_table
from tfbind.report import wording
from tfbind.report.table import Column

TITLE, ANCHOR, NEEDS = "Motifs", "motifs", ("motifs",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """Logos, sentences and a table of the motifs that the models have learnt.

    Parameters
    ----------
    tables : mapping
        `motifs`: the table (`tomtom.COLUMNS`) and the motifs (name -> shares, (W, 4) float), as `tomtom.tabulate`
        returns them.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `lessons`, with `letters` (the SVG that defines the letters of all logos), `tfs` (one for each TF, see
        `logos.section`; each logo has in `said` the line under it) and `table` (see `table.shown`). `breakable`: the
        function.
    """
    found = _lessons(*tables["motifs"])
    return {"lessons": found, "breakable": wording.breakable, "filtered": [found["table"]]}


def _lessons(table: pd.DataFrame, motifs: Mapping[str, np.ndarray]) -> dict:
    """What each model has learnt: logos and sentences of each TF, and the table of the motifs of the filters."""
    tfs = logos.section(table, motifs)
    for part in (part for tf in tfs for part in tf["models"]):
        for logo in (logo for figure in part["figures"] for logo in figure["logos"]):
            logo["said"] = _like(logo["row"])
    keys = ["tf", "source", "source_assay", "train_negatives", "model"]
    found = [logos.taught(rows) for _, rows in table.groupby(keys, sort=False)]
    columns = [
        Column("TF", lambda r: wording.word(r["tf"])),
        Column("Source", lambda r: wording.word(r["source"])),
        Column("Assay", lambda r: wording.assay(r["source_assay"])),
        Column("Negatives", lambda r: wording.word(r["train_negatives"])),
        Column("Model", lambda r: wording.word(r["model"])),
        Column("Filters like", lambda r: f"{wording.word(r['match_tf'])} {wording.word(r['match'])}"),
        Column("The TF’s own", lambda r: _KINSHIP[r["kinship"]]),
        Column("Filters", lambda r: wording.count(r["filters"]), True),
        Column("Share of the effect", lambda r: wording.percent(r["importance"]), True),
        Column("q", lambda r: wording.p_value(r["q_value"]), True),
    ]
    shown = report_table.shown(
        pd.concat(found) if found else pd.DataFrame(),
        columns,
        caption="What the filters of each model answer to, all seeds together",
        name="motifs",
        empty="No filter answers to a known motif.",
        raw=table,
        choose=("TF", "Model"),
    )
    return {"letters": logos.letters(), "tfs": tfs, "table": shown}


_KINSHIP = {"own": "yes", "alike": "like it", "other": "no"}


def _like(row: Mapping) -> str:
    """The line under a logo."""
    which = "sites" if row["filter"] == tomtom.SITES else f"filters, {wording.percent(row['importance'])} of the effect"
    return f"{which}: {row['match_tf']} {row['match']}, q = {row['q_value']:.1g}"
