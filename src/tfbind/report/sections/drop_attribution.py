"""What explains a drop."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from tfbind.report import figure as report_figure
from tfbind.report import table, wording
from tfbind.report.figure import COLOURS

TITLE, ANCHOR, NEEDS = "Causes", "causes", ("causes",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """A waterfall of the parts of each drop, and their table.

    Parameters
    ----------
    tables : mapping
        `causes` (`drop_attribution.COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `causes`, with `figures` and `table` (see `table.shown`). A figure has `title`, `said` (a sentence), `untested`
        (the causes without a switch, and why) and what `figure.saved` adds. Where the drop is not estimable,
        `svg` is empty and `said` gives the reason.
    """
    return {"causes": _causes(tables["causes"])}


def _causes(causes: pd.DataFrame) -> dict:
    """The waterfall of each pair of datasets, its sentence, and the table of all numbers."""
    keys = ["tf", "source", "target", "test_negatives", "model"]
    figures = []
    for i, (key, group) in enumerate(causes.groupby(keys, sort=False)):
        tf, source, target, negatives, model = map(wording.word, key)
        title = f"{tf}, {source} → {target}, {model}, negatives: {negatives}"
        whole = group[group["metric"] == "drop"].iloc[0]
        if pd.isna(whole["value"]):
            figures.append({"title": title, "svg": "", "said": wording.word(whole["note"]), "untested": []})
            continue
        parts = group[group["metric"] == "part"]
        untested = [f"{row['cause']}: {row['note']}" for row in parts[parts["value"].isna()].to_dict("records")]
        label = f"What the drop of {title} is made of. {whole['sentence']}"
        shown = report_figure.saved(report_figure.svg(_waterfall(group), f"causes{i}", label), f"causes{i}")
        figures.append({"title": title, "said": whole["sentence"], "untested": untested} | shown)
    columns = [
        table.Column("Source → target", lambda r: f"{wording.word(r['source'])} → {wording.word(r['target'])}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("Cause", lambda r: wording.word(r["cause"])),
        table.Column("Number", lambda r: wording.word(r["metric"])),
        table.Column(
            "Value (interval)",
            lambda r: (wording.estimate if r["metric"] == "auroc" else wording.drop)(r["value"], r["low"], r["high"]),
            True,
        ),
    ]
    options = {"caption": "What each drop is made of", "name": "causes", "empty": "No pair was asked for."}
    return {"figures": figures, "table": table.shown(causes, columns, **options)}


def _waterfall(group: pd.DataFrame) -> Figure:
    """From the AUROC of the target-trained model down to that of the source model, a bar for each part."""
    values = group.set_index(["metric", "cause"])
    parts = values.loc["part"].dropna(subset=["value"]).sort_values("value", ascending=False, kind="stable")
    ends = [("trained on the target", "target"), ("trained on the source", "source")]
    figure = Figure(figsize=(5.6, 0.7 + 0.27 * (len(parts) + 2)))
    axes = figure.subplots()
    low = high = top = values.loc[("auroc", "target"), "value"]
    for y, (_, part) in enumerate(parts.iterrows(), 1):
        loss = part["value"] >= 0
        look = {"color": COLOURS[1] if loss else COLOURS[0], "hatch": "" if loss else "////", "edgecolor": "white"}
        axes.barh(y, part["value"], left=top - part["value"], height=0.62, linewidth=0, **look)
        axes.plot([top, top], [y - 1, y + 0.31], color="#999999", linewidth=0.6)
        top -= part["value"]
        reach = [top + part["value"] - part["high"], top + part["value"] - part["low"]]
        axes.plot(reach, [y, y], color="#1d2125", linewidth=1)
        low, high = min(low, *reach), max(high, *reach)
        axes.annotate(
            f"{wording.points(-part['value'])}",
            (min(reach), y),
            (-4, 0),
            textcoords="offset points",
            ha="right",
            va="center",
        )
    for y, (_, name) in zip((0, len(parts) + 1), ends, strict=True):
        value = values.loc[("auroc", name), "value"]
        axes.plot([value, value], [y - 0.31, y + 0.31], color="#1d2125", linewidth=2.4)
        axes.annotate(wording.auroc(value), (value, y), (5, 0), textcoords="offset points", ha="left", va="center")
        low, high = min(low, value), max(high, value)
    room = max(high - low, 0.01)
    axes.set_xlim(low - 0.16 * room, high + 0.14 * room)
    axes.set_ylim(len(parts) + 1.6, -0.6)
    axes.set_yticks(range(len(parts) + 2), [ends[0][0], *parts.index, ends[1][0]])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("AUROC on the target", labelpad=2)
    figure.subplots_adjust(0.27, 0.46 / figure.get_figheight(), 0.985, 0.99)
    return figure
