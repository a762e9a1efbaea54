"""Targets on an array: what needs no cut, and what moves with the cut."""

import re
from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording

TITLE, ANCHOR, NEEDS = "Arrays", "arrays", ("metrics",)
_CUT = re.compile(r"auroc_from_(.+)_sd")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of the metrics of intensities, one row for each source, target and model.

    Parameters
    ----------
    tables : mapping
        `metrics` (`columns.METRIC_COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict or None
        `arrays`, a table (see `table.shown`). None where no target has intensities.
    """
    metrics = table.ensembles(tables["metrics"])
    if not (metrics["metric"] == "spearman").any():
        return None
    found = _arrays(metrics)
    return {"arrays": found, "filtered": [found]}


def _arrays(metrics: pd.DataFrame) -> dict:
    """The table of the metrics of intensities."""
    keys = ["tf", "source", "target", "train_negatives", "test_negatives", "model"]
    of_arrays = metrics.groupby(keys, sort=False)["metric"].transform(lambda names: (names == "spearman").any())
    metrics = metrics[of_arrays]
    cuts = [name for name in metrics["metric"].unique() if _CUT.fullmatch(name)]
    rows = []
    for key, group in metrics.groupby(keys, sort=False):
        named = group.set_index("metric").to_dict("index")
        rows.append(dict(zip(keys, key, strict=True)) | {"named": named})

    def cell(name):
        def text(row):
            found = row["named"].get(name)
            return (
                wording.MISSING
                if found is None
                else wording.with_interval(*(found[k] for k in ("value", "low", "high")))
            )

        return text

    def moved(row):
        return " / ".join(wording.auroc(row["named"].get(name, {"value": float("nan")})["value"]) for name in cuts)

    columns = [
        table.Column("TF", lambda r: wording.word(r["tf"])),
        table.Column("Source → target", lambda r: f"{wording.word(r['source'])} → {wording.word(r['target'])}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("Spearman (interval)", cell("spearman"), True),
        table.Column("Brightest 1 % (interval)", cell("auroc_top_probes"), True),
        table.Column("AUROC (interval)", cell("auroc"), True),
        table.Column(f"AUROC from {' / '.join(_CUT.fullmatch(name)[1] for name in cuts)} SD", moved, True),
    ]
    chosen = metrics[metrics["metric"].isin(["spearman", "auroc_top_probes", "auroc", *cuts])]
    return table.shown(
        pd.DataFrame(rows),
        columns,
        raw=chosen,
        caption="Probes of an array as targets: metrics without a cut, and AUROC as the cut moves",
        name="arrays",
        empty="No target has intensities.",
        choose=("TF", "Model"),
    )
