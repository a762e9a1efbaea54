"""Where the variance of the drops comes from."""

import pandas as pd

from tfbind.report import table, wording


def variance(variance: pd.DataFrame) -> dict:
    """The table of variance components."""
    columns = [
        table.Column("Between", lambda r: wording.word(r["component"])),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.Column("Negatives", wording.against),
        table.Column("Levels", lambda r: wording.count(r["n_level"]), True),
        table.Column("Degrees of freedom", lambda r: wording.count(r["freedom"]), True),
        table.Column("SD (interval)", lambda r: wording.drop(r["sd"], r["low"], r["high"]), True),
        table.Column(
            "Share of variance", lambda r: wording.MISSING if pd.isna(r["share"]) else f"{r['share']:.0%}", True
        ),
        table.Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    return table.shown(
        variance,
        columns,
        caption="Spread of AUROC on one target between models trained on different data",
        name="variance",
        empty="No model was trained with numbered seeds.",
    )
