"""AUROC against the number of target examples."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tfbind.report import figure as report_figure
from tfbind.report import table, wording
from tfbind.report.figure import COLOURS

TITLE, ANCHOR, NEEDS = "Retraining", "retrain", ("retrain", "crossings")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """AUROC by the number of target examples, in figures, sentences and a table.

    Parameters
    ----------
    tables : mapping
        `retrain` and `crossings` (columns as in `learning_curves`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used, since the colours are those of the adaptations.

    Returns
    -------
    dict
        `retrain`, with `figures` (`title`, `svg` and `said`, the sentences from `crossings`; pairs without an AUROC
        have none), `table` (see `table.shown`) and `link` (the download of `crossings`). `filtered`: a list of that
        table, for its menus.
    """
    found = _retrain(tables["retrain"], tables["crossings"])
    return {"retrain": found, "filtered": [found["table"]]}


#: What is done with the target examples -> how the legend names it.
_ADAPTATIONS = {"direct": "as it is", "head": "last layers trained on", "finetune": "all trained on"} | {
    "joint": "trained on both", "retrain": "trained from scratch"
}  # fmt: skip


def _retrain(retrain: pd.DataFrame, crossings: pd.DataFrame) -> dict:
    """The learning curves of each pair of datasets, their sentences, and the table of all numbers."""
    known = retrain[retrain["value"].notna()]
    keys = ["tf", "source", "target", "test_negatives", "model"]
    most = np.log2(max(known["n_target"].max(), 4)) if len(known) else 2.0
    figures = []
    for i, (key, group) in enumerate(known.groupby(keys, sort=False)):
        figure = Figure(figsize=(4.4, 2.5))
        axes = figure.subplots()
        for (name, title), colour in zip(_ADAPTATIONS.items(), COLOURS, strict=False):
            line = group[group["adaptation"] == name].sort_values("n_target")
            if line.empty:
                continue
            if name == "direct":
                axes.axhline(line["value"].iloc[0], color=colour, linewidth=1.1, label=title)
                axes.axhspan(line["low"].iloc[0], line["high"].iloc[0], color=colour, alpha=0.12, linewidth=0)
                continue
            x = np.log2(line["n_target"].to_numpy(float))
            axes.plot(x, line["value"], "o-", color=colour, markersize=3, linewidth=1.1, label=title)
            axes.fill_between(x, line["low"], line["high"], color=colour, alpha=0.12, linewidth=0)
        ticks = np.arange(4, most + 1, 2)
        axes.set_xticks(ticks, [f"{int(2**tick):,}" for tick in ticks])
        axes.set_xlabel("target examples", labelpad=2)
        axes.set_ylabel("AUROC on the target")
        axes.legend(fontsize=7, frameon=False)
        figure.subplots_adjust(0.13, 0.16, 0.98, 0.97)
        tf, source, target, negatives, model = map(wording.word, key)
        title = f"{tf}, {source} → {target}, {model}, negatives: {negatives}"
        mine = (crossings[keys] == list(key)).all(axis=1)
        label = f"AUROC by number of target examples of {title}. The numbers are in the table below."
        shown = report_figure.saved(report_figure.svg(figure, f"retrain{i}", label), f"retrain{i}")
        figures.append({"title": title, "said": crossings.loc[mine, "sentence"].tolist()} | shown)
    columns = [
        table.Column("Source → target", lambda r: f"{wording.word(r['source'])} → {wording.word(r['target'])}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("The source model", lambda r: _ADAPTATIONS.get(r["adaptation"], wording.word(r["adaptation"]))),
        table.Column("Target examples", lambda r: wording.count(r["n_target"]), True),
        table.Column("AUROC (interval)", lambda r: wording.estimate(r["value"], r["low"], r["high"]), True),
    ]
    options = {"caption": "AUROC by number of target examples", "name": "retrain", "empty": "No pair was asked for."}
    options["choose"] = ("Source → target", "The source model")
    return {
        "figures": figures,
        "table": table.shown(retrain, columns, **options),
        "link": table.download(crossings, "crossings"),
    }
