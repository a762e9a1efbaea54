"""Binding in a cell that a method was not trained on: the task of the ENCODE-DREAM challenge."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table as report_table
from tfbind.report import wording
from tfbind.report.table import Column

TITLE, ANCHOR, NEEDS = "Other cells", "celltype", ("celltype",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The sentence and the table on the bins of other cells.

    Parameters
    ----------
    tables : mapping
        `celltype` (columns as in `celltype.evaluate`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict or None
        None where `celltype` has no rows. Otherwise `celltype`, with `sentence` (which method ranks highest) and
        `table` (see `table.shown`), and `filtered`: a list of that table, for its menus.
    """
    found = _celltype(tables["celltype"])
    return found and {"celltype": found, "filtered": [found["table"]]}


def _celltype(table: pd.DataFrame) -> dict | None:
    """The sentence and the table of this task; None where the study has no cells."""
    if table.empty:
        return None
    names = ["auprc", "auroc", "recall_at_50fdr", "shuffled_auroc"]
    key = ["tf", "train_cells", "test_cell", "method"]
    rows = table[table["metric"] != "rank_score"]
    values = rows.pivot_table(index=key, columns="metric", values="value", sort=False, dropna=False)
    wide = rows[rows["metric"] == "auprc"].join(values.reindex(columns=names), on=key)
    columns = [
        Column("TF", lambda r: wording.word(r["tf"])),
        Column("Trained in", lambda r: wording.word(r["train_cells"]).replace(",", ", ")),
        Column("Tested in", lambda r: wording.word(r["test_cell"])),
        Column("Method", lambda r: wording.word(r["method"])),
        Column(
            "Bound / unbound bins", lambda r: f"{wording.count(r['n_bound'])} / {wording.count(r['n_unbound'])}", True
        ),
        Column("auPRC (interval)", lambda r: wording.with_interval(r["value"], r["low"], r["high"]), True),
        Column("AUROC", lambda r: wording.auroc(r["auroc"]), True),
        Column("Recall at 50 % FDR", lambda r: wording.auroc(r["recall_at_50fdr"]), True),
    ]
    shown = report_table.shown(
        wide,
        columns,
        caption="Bins of a cell and of chromosomes that no method was trained or chosen on",
        name="celltype",
        empty="No TF of this study could be tested.",
        raw=table,
        choose=("TF", "Method"),
    )
    return {"sentence": _contest(wide, table[table["metric"] == "rank_score"]), "table": shown}


def _contest(wide: pd.DataFrame, ranks: pd.DataFrame) -> str:
    """A sentence: which method ranks highest, and what the simplest methods reach."""
    means = wide.groupby("method")["value"].mean()
    if ranks.empty or means.isna().all():
        return "No method could be tested."
    best = ranks.iloc[0]["method"]
    text = f"Highest over all TFs and cells ranks {best}: its mean area under the precision-recall curve is "
    text += wording.auroc(means[best])
    simple = [name for name in ("accessibility", "motif", "mean_signal") if name in means and name != best]
    others = [f"{name.replace('_', ' ')} alone {wording.auroc(means[name])}" for name in simple]
    others += [f"chance {wording.auroc(means['chance'])}"] if "chance" in means else []
    text += f", against {', '.join(others)}." if others else "."
    motif = wide[wide["method"] == "motif"]
    if motif["shuffled_auroc"].notna().any():
        shuffled, whole = wording.auroc(motif["shuffled_auroc"].mean()), wording.auroc(motif["auroc"].mean())
        text += (
            f" The motif alone has a mean AUROC of {shuffled} against shuffles of the bound bins and of {whole} over "
        )
        text += "the genome; both hide how few of its best bins are bound."
    return text
