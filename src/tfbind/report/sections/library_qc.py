"""Quality of the datasets."""

from collections.abc import Mapping

import pandas as pd

from tfbind.assays import form
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

    def entropy(row):
        if pd.isna(row["entropy"]):
            return wording.MISSING
        return f"{row['entropy']:.2f} ({row['entropy_negative']:.2f})"

    def own_motif(row):
        if pd.isna(row["motif_auroc"]):
            return wording.MISSING
        return f"{wording.word(row['motif'])} {wording.auroc(row['motif_auroc'])}"

    def consensus(row):
        if pd.isna(row["held"]):
            return wording.MISSING if form(row["assay"]) != "reads" else "none"
        return f"{wording.word(row['consensus'])} × {row['excess']:.3g}"

    columns = [
        table.Column("Dataset", lambda r: wording.word(r["dataset"])),
        table.Column("TF", lambda r: wording.word(r["tf"])),
        table.Column("Assay", lambda r: wording.assay(r["assay"])),
        table.Column("Cell", lambda r: wording.word(r["cell"])),
        table.Column("Lab", lambda r: wording.word(r["lab"])),
        table.Column("Rep.", lambda r: wording.word(r["replicate"]), True),
        table.Column("Cycle", lambda r: wording.word(r["cycle"]), True),
        table.Column("Read", lambda r: wording.count(r["n_read"]), True),
        table.Column("Dropped", lambda r: wording.count(r["n_dropped"]), True),
        table.Column("Positives", lambda r: wording.count(r["n_positive"]), True),
        table.Column("Negatives", lambda r: wording.count(r["n_negative"]), True),
        table.Column("Jackpot reads", lambda r: wording.count(r["n_jackpot"]), True),
        table.Column("Entropy, bits (negatives)", entropy, True),
        table.Column("Top k-mer × enrichment", enrichment, True),
        table.Column("Consensus × excess", consensus, True),
        table.Column("Own motif alone", own_motif, True),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.Column("Own AUROC (interval)", interval, True),
        table.Column("Floor", lambda r: wording.auroc(r["floor"]), True),
        table.Column("Verdict", lambda r: wording.badge(r["verdict"])),
    ]
    return table.shown(
        libraries,
        columns,
        caption="Health of each library: can a model trained on it predict its own held-out part?",
        name="libraries",
        empty="No library was judged.",
    )
