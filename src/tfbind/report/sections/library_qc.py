"""Quality of the datasets."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording

TITLE, ANCHOR, NEEDS = "Libraries", "libraries", ("libraries",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of the quality of each dataset.

    Parameters
    ----------
    tables : mapping
        `libraries` (`library_qc.COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `libraries`, a table (see `table.shown`); its verdicts are badges (see `wording.badge`).
    """
    return {"libraries": _libraries(tables["libraries"])}


def _brief(badge: dict[str, str]) -> dict[str, str]:
    """A verdict whose reasons are told in full where there is something to mend."""
    return badge | {"text": badge["text"].partition(";")[0]} if badge["word"] == "good" else badge


def _libraries(libraries: pd.DataFrame) -> dict:
    """The table of the datasets, each with its verdict."""

    def interval(row):
        if pd.isna(row["auroc"]):
            return wording.MISSING
        return f"{wording.auroc(row['auroc'])} ({wording.auroc(row['low'])} to {wording.auroc(row['high'])})"

    def enrichment(row):
        if pd.isna(row["enrichment"]):
            return wording.MISSING
        return f"{wording.word(row['kmer'])} × {row['enrichment']:.3g}"

    def own_motif(row):
        if pd.isna(row["motif_auroc"]):
            return wording.MISSING
        return f"{wording.word(row['motif'])} {wording.auroc(row['motif_auroc'])}"

    def measured(row):
        parts = [wording.assay(row["assay"]), wording.word(row["cell"])]
        parts += [f"cycle {row['cycle']}"] * (wording.word(row["cycle"]) != wording.MISSING)
        return ", ".join(part for part in parts if part != wording.MISSING) or wording.MISSING

    columns = [
        table.Column("Dataset", lambda r: wording.word(r["dataset"])),
        table.Column("Measured", measured),
        table.Column("Positives", lambda r: wording.count(r["n_positive"]), True),
        table.Column("Top k-mer × enrichment", enrichment, True),
        table.Column("Own motif alone", own_motif, True),
        table.Column("Own AUROC (interval)", interval, True),
        table.Column("Floor", lambda r: wording.auroc(r["floor"]), True),
        table.Column("Verdict", lambda r: _brief(wording.badge(r["verdict"]))),
    ]
    return table.shown(
        libraries,
        columns,
        caption="Health of each library: can a model trained on it predict its own held-out part?",
        name="libraries",
        empty="No library was judged.",
    )
