"""ROC and precision-recall curves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tfbind.report import figure as report_figure
from tfbind.report import table
from tfbind.report.figure import svg
from tfbind.study.shifts import rank

TITLE, ANCHOR, NEEDS = "Curves", "curves", ("curves", "metrics")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """ROC and precision-recall curves of each target.

    Parameters
    ----------
    tables : mapping
        `curves` (`columns.CURVE_COLUMNS`) and `metrics` (`columns.METRIC_COLUMNS`), which has the number of positives
        and negatives.
    models : mapping of str to (str, str)
        Model label -> colour and marker. The curves use the colour.

    Returns
    -------
    dict
        `panels`, one for each TF: `tf` and its `panels`, one for each target and kind of negatives, with `target`,
        `negatives`, `farthest` (the source with the largest shift, None without another source), `rate` (share of
        positives, or "unknown") and what `figure.saved` adds. `few`: on TFs that are not drawn. `curves_link`: the
        download of the points that are drawn.
    """
    ensembles = table.ensembles(tables["metrics"])
    drawn = report_figure.tfs(tables)
    aurocs, thinned = ensembles[ensembles["metric"] == "auroc"], _drawn(report_figure.of(tables["curves"], drawn))
    return {
        "few": report_figure.left_out(drawn).removesuffix("; the download has all."),
        "panels": _curve_panels(thinned, aurocs, models),
        "curves_link": table.download(thinned[list(tables["curves"].columns)], "curves"),
    }


#: About how many points all curves have together; each keeps 16 to 60.
POINTS = 12_000
#: Columns that name a panel.
PANEL = ["tf", "target", "test_negatives"]


def thin(x: np.ndarray, y: np.ndarray, most: int) -> np.ndarray:
    """Indices of the points of a curve to draw: at most `most`, with both ends, evenly spaced along its length.

    Parameters
    ----------
    x, y : (N,) float
        Points of the curve in order, as fractions of 1.
    most : int
        At least 2.

    Returns
    -------
    (M,) int
        Ascending, M <= most; all of them where the curve has no more points.
    """
    if len(x) <= most:
        return np.arange(len(x))
    along = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    chosen = np.searchsorted(along, np.linspace(0, along[-1], most)).clip(0, len(x) - 1)
    chosen[0], chosen[-1] = 0, len(x) - 1
    return np.unique(chosen)


def _drawn(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves that are shown, thinned: of each target, its own models and those of the source farthest from it."""
    rows = curves[curves["train_negatives"] == curves["test_negatives"]]
    cross = rows[rows["source"] != rows["target"]]
    cross = cross.assign(rank=[-rank(shift) for shift in cross["shift"]]).sort_values(["rank", "source"], kind="stable")
    farthest = cross.drop_duplicates(PANEL)[[*PANEL, "source"]].rename(columns={"source": "farthest"})
    rows = rows.merge(farthest, on=PANEL, how="left")
    rows = rows[(rows["source"] == rows["target"]) | (rows["source"] == rows["farthest"])]
    lines = rows.groupby([*PANEL, "source", "model", "curve"], sort=False)
    most = int(np.clip(POINTS // max(1, lines.ngroups), 16, 60))
    x, y = rows["x"].to_numpy(float), rows["y"].to_numpy(float)
    kept = [line[thin(x[line], y[line], most)] for line in lines.indices.values()]
    return rows.iloc[np.concatenate(kept)] if kept else rows


def _curve_panels(drawn: pd.DataFrame, scores: pd.DataFrame, models: dict) -> list[dict]:
    """ROC and precision-recall curves of each target, one figure for each kind of negatives."""
    known = scores[scores["n_positive"].notna() & scores["n_negative"].notna()].drop_duplicates(PANEL)
    known = known.set_index(PANEL)
    base = (known["n_positive"] / (known["n_positive"] + known["n_negative"])).to_dict()
    panels: dict[str, list] = {}
    figure = _panels()
    for i, ((tf, target, negatives), group) in enumerate(drawn.groupby(PANEL, sort=False)):
        rate = base.get((tf, target, negatives))
        for axes, curve in zip(figure.axes, ("roc", "pr"), strict=True):
            _draw(axes, group[group["curve"] == curve], [0, 1] if curve == "roc" else [rate, rate], models)
        source = group["farthest"].iat[0]
        label = f"ROC and precision-recall curves of {target}, negatives {negatives}"
        panels.setdefault(tf, []).append(
            {
                "target": target,
                "farthest": None if pd.isna(source) else source,
                "negatives": negatives,
                "rate": "unknown" if rate is None else f"{rate:.2f}",
            }
            | report_figure.saved(svg(figure, f"curve{i}", label), f"curves{i}")
        )
    return [{"tf": tf, "panels": of_tf} for tf, of_tf in panels.items()]


def _panels() -> Figure:
    """Empty ROC and precision-recall axes. Ticks are slow to make, so the same pair of axes serves every target."""
    figure = Figure(figsize=(5.2, 2.55))
    names = (("false positive rate", "true positive rate"), ("recall", "precision"))
    for axes, (x, y) in zip(figure.subplots(1, 2), names, strict=True):
        axes.set_xlabel(x, labelpad=2)
        axes.set_ylabel(y, labelpad=1)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    figure.subplots_adjust(0.085, 0.17, 0.985, 0.97, wspace=0.27)
    return figure


def _draw(axes, rows: pd.DataFrame, chance: list, models: dict) -> None:
    for line in list(axes.lines):
        line.remove()
    if chance[0] is not None:
        axes.plot([0, 1], chance, color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
    for (source, target, model), line in rows.groupby(["source", "target", "model"], sort=False):
        own = source == target
        style = {"linestyle": "-", "linewidth": 1.3} if own else {"linestyle": (0, (3, 1.6)), "linewidth": 1}
        axes.plot(line["x"], line["y"], color=models[model][0], **style)
