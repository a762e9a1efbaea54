"""Every paired drop."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from tfbind.assays import is_in_vivo
from tfbind.report import figure as report_figure
from tfbind.report import table, wording
from tfbind.study.shifts import SHIFTS, rank

TITLE, ANCHOR, NEEDS = "Drops", "drops", ("transfer",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """Forest plots and the table of all paired drops.

    Parameters
    ----------
    tables : mapping
        `transfer` (`columns.TRANSFER_COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker of its drops. Its order is that of the models in each plot.

    Returns
    -------
    dict
        `forests`, one for each shift, direction and kind of negatives, with `title`, `headline` (True for
        another assay tested in cells; these come first) and what `figure.saved` adds. `few`: a sentence on TFs that are
        not drawn. `pairs`, the table (see `table.shown`). `filtered`: a
        list of that table, for its menus.
    """
    found, drawn = _pairs(tables["transfer"]), report_figure.tfs(tables)
    forests = _forests(report_figure.of(tables["transfer"], drawn), models)
    return {"forests": forests, "few": report_figure.left_out(drawn), "pairs": found, "filtered": [found]}


def _pairs(transfer: pd.DataFrame) -> dict:
    """The table of all paired drops."""
    columns = [
        table.Column("TF", lambda r: wording.word(r["tf"])),
        table.Column("Source → target", lambda r: f"{wording.word(r['source'])} → {wording.word(r['target'])}"),
        table.Column("Shift", lambda r: wording.word(r["shift"])),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("Floor", lambda r: wording.auroc(r["floor"]), True),
        table.Column("Same", lambda r: wording.auroc(r["same"]), True),
        table.Column("Cross", lambda r: wording.auroc(r["cross"]), True),
        table.Column("Drop, points (interval)", lambda r: wording.in_points(r["drop"], r["low"], r["high"]), True),
        table.Column("p", lambda r: wording.p_value(r["p_value"]), True),
    ]
    return table.shown(
        transfer,
        columns,
        caption="Every drop: one row for each source, target, model and kind of negatives (AUROC)",
        name="transfer",
        empty="No model was tested on another dataset in this study.",
        choose=("TF", "Shift", "Model", "Negatives"),
    )


def _trim(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _forest(rows: pd.DataFrame, models: dict[str, tuple[str, str]], name: str, label: str) -> Markup:
    """Drops in points with their intervals: a block for each pair of datasets, in it a line for each model."""
    pairs = list(dict.fromkeys(zip(rows["tf"], rows["source"], rows["target"], strict=True)))
    present = [model for model in models if model in set(rows["model"])]
    pitch = 1 / (len(present) + 1.2)
    block = max(0.42, 0.15 * (len(present) + 1))
    height = block * len(pairs) + 0.55
    texts = [(_trim(tf, 34), _trim(f"{source} → {target}", 48)) for tf, source, target in pairs]
    # Inches: a bold letter is about 0.085 wide, a small one 0.062.
    left = max(max(0.085 * len(tf), 0.062 * len(route)) for tf, route in texts) + 0.2
    width = left + 4.4
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, 0.45 / height, 4.3 / width, 1 - 0.5 / height))
    place = {pair: -i for i, pair in enumerate(pairs)}
    for i in range(len(pairs)):
        if i % 2:
            axes.axhspan(-i - 0.5, -i + 0.5, color="#f5f5f3", linewidth=0, zorder=0)
    axes.axvline(0, color="#888888", linewidth=0.8, zorder=1)
    for j, model in enumerate(present):
        some = rows[rows["model"] == model]
        keys = zip(some["tf"], some["source"], some["target"], strict=True)
        y = np.array([place[key] for key in keys]) + ((len(present) - 1) / 2 - j) * pitch
        x, low, high = (100 * some[column].to_numpy(float) for column in ("drop", "low", "high"))
        colour, marker = models[model]
        told = ~np.isnan(x)
        axes.hlines(y[told], low[told], high[told], color=colour, linewidth=1.3, zorder=2)
        axes.plot(x[told], y[told], marker, color=colour, markersize=4.6, markeredgewidth=0, zorder=3)
        for hidden in y[~told]:
            axes.text(0, hidden, " not estimable", color="#666666", fontsize=7, va="center")
    axes.set_ylim(0.5 - len(pairs), 0.5)
    axes.set_yticks([])
    beside = {"transform": axes.get_yaxis_transform(), "ha": "right", "clip_on": False}
    for i, (tf, route) in enumerate(texts):
        axes.text(-0.02, 0.02 - i, tf, va="bottom", color="#1a1a1a", fontweight="bold", **beside)
        axes.text(-0.02, -0.02 - i, route, va="top", color="#555555", fontsize=7, **beside)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("drop in AUROC (points; right of zero: training on the target is better)")
    axes.grid(axis="x", color="#e4e4e0", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    return report_figure.svg(figure, name, label)


def _forests(transfer: pd.DataFrame, models: dict) -> list[dict]:
    """A forest plot for each kind of pair: the drop of each TF with its interval."""
    rows = transfer[transfer["train_negatives"] == transfer["test_negatives"]]
    rows = rows[rows["shift"] != SHIFTS[0]]
    extra = rows["tf"].astype(str).str.contains(">", regex=False)
    rows = rows.assign(extra=extra, rank=[rank(shift) for shift in rows["shift"]])
    forests = []
    keys = ["extra", "rank", "target_assay", "source_assay", "shift", "test_negatives"]
    grouped = rows.sort_values(["extra", "rank"], ascending=[True, False], kind="stable").groupby(keys, sort=False)
    for i, ((is_extra, _, target, source, shift, negatives), group) in enumerate(grouped):
        route = f"{wording.assay(source)} → {wording.assay(target)}"
        kind = "Another TF" if is_extra else f"Shift of {wording.word(shift)}"
        title = f"{kind}, {route}, negatives: {wording.word(negatives)}"
        label = f"Forest plot of drops in AUROC with intervals. {title}. The numbers are in the table below."
        headline = not is_extra and shift == "assay" and is_in_vivo(target)
        shown = report_figure.saved(_forest(group, models, f"forest{i}", label), f"drops{i}")
        forests.append({"title": title, "headline": headline} | shown)
    return sorted(forests, key=lambda forest: not forest["headline"])
