"""AUROC and drop from one shift to the next larger one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tfbind.report import figure, table, wording
from tfbind.report.figure import svg
from tfbind.statistics.over_tfs import EVERY_TF

TITLE, ANCHOR, NEEDS = "Ladder", "ladder", ("ladder", "variance")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """AUROC from the source's own test to ever larger shifts, and the variance components.

    Parameters
    ----------
    tables : mapping
        `ladder` (`ladder.LADDER_COLUMNS`) and `variance` (`variance_components.VARIANCE_COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker of its AUROCs. Its order is that of the models in each plot.

    Returns
    -------
    dict
        `ladder` and `variance`, tables (see `table.shown`). `rungs`, one figure for each TF and kind of negatives, over
        all TFs first, with `title` (see `figure.saved`). `few`: a sentence on TFs that are not drawn. `unsplit`: a
        sentence for each component that the study cannot tell.
    """
    few = figure.tfs(tables)
    return {
        "ladder": _ladder(tables["ladder"]),
        "rungs": _rungs(figure.of(tables["ladder"], few and set()), models),
        "few": few and "Drawn is the mean over TFs; the download has each TF.",
        "variance": _variance(tables["variance"]),
        "unsplit": _unsplit(tables["variance"]),
    }


def _ladder(ladder: pd.DataFrame) -> dict:
    """The table of the means over TFs, or of the only TF, without the rungs that the study does not have."""
    shown = ladder[ladder["tf"] == EVERY_TF]
    shown = ladder if shown.empty else shown
    shown = shown[shown["auroc"].notna()]
    columns = [
        table.Column("Rung", lambda r: r["rung"]),
        table.Column(
            "Trained on → tested on",
            lambda r: f"{wording.assay(r['source_assay'])} → {wording.assay(r['target_assay'])}",
        ),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("AUROC (interval)", lambda r: wording.estimate(r["auroc"], r["low"], r["high"]), True),
        table.Column("Trained on target", lambda r: wording.auroc(r["target_trained"]), True),
        table.Column("Drop, points", lambda r: wording.in_points(r["drop"], r["drop_low"], r["drop_high"]), True),
        table.Column("Loss, points", lambda r: wording.in_points(r["loss"], r["loss_low"], r["loss_high"]), True),
    ]
    return table.shown(
        shown,
        columns,
        caption="The ladder: the same model ever farther from its source",
        name="ladder",
        empty="No model was scored.",
        raw=ladder,
    )


def _rungs(ladder: pd.DataFrame, models: dict) -> list[dict]:
    """One figure for each TF and kind of negatives: AUROC by rung, a panel for each source assay."""
    known = ladder[(ladder["train_negatives"] == ladder["test_negatives"]) & ladder["auroc"].notna()]
    known = known.iloc[np.argsort(known["tf"] != EVERY_TF, kind="stable")]
    order = list(dict.fromkeys(ladder["rung"]))
    figures = []
    for i, ((tf, negatives), group) in enumerate(known.groupby(["tf", "test_negatives"], sort=False)):
        sides = list(dict.fromkeys(group["source_assay"]))
        drawing = Figure(figsize=(3.6 * len(sides) + 0.4, 2.4))
        for axes, side in zip(drawing.subplots(1, len(sides), sharey=True, squeeze=False)[0], sides, strict=True):
            some = group[group["source_assay"] == side]
            present = [model for model in models if model in set(some["model"])]
            for j, model in enumerate(present):
                line = some[some["model"] == model]
                x = line["rung"].map(order.index).to_numpy(float) + 0.5 * ((j + 0.5) / len(present) - 0.5)
                colour, marker = models[model]
                axes.vlines(x, line["low"], line["high"], color=colour, linewidth=1)
                axes.plot(x, line["auroc"], marker, color=colour, markersize=4, markeredgewidth=0, linestyle="none")
                axes.plot(x, line["target_trained"], "_", color=colour, markersize=7)
            axes.axhline(0.5, color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
            axes.set_xlim(-0.5, len(order) - 0.5)
            axes.set_xticks(range(len(order)), ["own test", *order[1:]])
            axes.set_title(
                f"trained on {wording.assay(side)}" if wording.word(side) != wording.MISSING else "",
                loc="left",
                fontsize=8.5,
            )
        drawing.axes[0].set_ylabel("AUROC")
        drawing.subplots_adjust(0.5 / drawing.get_figwidth(), 0.12, 0.99, 0.9, wspace=0.08)
        label = f"AUROC of {tf} by rung of the ladder, negatives {negatives}. The numbers are in the table below."
        shown = figure.saved(svg(drawing, f"ladder{i}", label), f"ladder{i}")
        figures.append({"title": f"{tf}, negatives: {negatives}"} | shown)
    return figures


def _unsplit(variance: pd.DataFrame) -> list[str]:
    """Why a component of the variance has no number, once for all models."""
    absent = variance[variance["sd"].isna()]
    reasons = absent["note"].astype(str).str.removeprefix("not estimable: ")
    return list(dict.fromkeys(absent["component"] + ": " + reasons))


def _variance(variance: pd.DataFrame) -> dict:
    """The table of the variance components that the study can tell."""
    columns = [
        table.Column("Between", lambda r: wording.word(r["component"])),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("Levels", lambda r: wording.count(r["n_level"]), True),
        table.Column("Degrees of freedom", lambda r: wording.count(r["freedom"]), True),
        table.Column("SD, points (interval)", lambda r: wording.in_points(r["sd"], r["low"], r["high"]), True),
        table.Column(
            "Share of variance", lambda r: wording.MISSING if pd.isna(r["share"]) else f"{r['share']:.0%}", True
        ),
    ]
    return table.shown(
        variance[variance["sd"].notna()],
        columns,
        caption="Spread of AUROC on one target between models trained on different data",
        name="variance",
        empty="No model was trained with numbered seeds.",
        raw=variance,
    )
