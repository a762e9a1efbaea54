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
        `pairs`, a table (see `table.shown`) that starts with the rows of the best model of each source. `left_out`: for
        each pair of assays that leaves out TFs, the pair and their names. None in a study of one assay.
    """
    rows = tables["assay_pairs"]
    if rows.empty:
        return None
    found = _pairs(rows)
    short = rows[(rows["n_left_out"] > 0) & (rows["model"] == BEST)]
    left_out = [(_way(row), row["left_out"]) for row in short.to_dict("records")]
    return {"pairs": found, "best": BEST, "left_out": left_out, "filtered": [found]}


def _way(row: Mapping) -> str:
    return f"{wording.assay(row['source_assay'])} → {wording.assay(row['target_assay'])}"


def _pairs(pairs: pd.DataFrame) -> dict:
    """The table of the means over the TFs of each pair of assays."""
    columns = [
        table.Column("From → to", _way),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column(
            "TFs", lambda r: f"{wording.count(r['n_tf'])} of {wording.count(r['n_tf'] + r['n_left_out'])}", True
        ),
        table.Column("Floor", lambda r: wording.auroc(r["floor"]), True),
        table.Column("Same", lambda r: wording.auroc(r["same"]), True),
        table.Column("Cross", lambda r: wording.auroc(r["cross"]), True),
        table.Column("Drop, points (interval)", lambda r: wording.in_points(r["drop"], r["low"], r["high"]), True),
        table.Column("p", wording.tested, True),
    ]
    return table.shown(
        pairs,
        columns,
        caption="The drop from each assay to each other one, mean over the TFs whose datasets are sound",
        name="assay_pairs",
        empty="This study has one assay.",
        choose=("Model",),
    )
