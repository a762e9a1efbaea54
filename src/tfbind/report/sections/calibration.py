"""Whether the scores can be read as probabilities on the target."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tfbind.report import table, wording
from tfbind.report.figure import svg
from tfbind.study.shifts import rank
from tfbind.transfer.calibration import SHOWN, over_tfs
from tfbind.transfer.summary import GROUP

TITLE, ANCHOR, NEEDS = "Calibration", "calibration", ("calibration", "reliability")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The table of calibration errors and the reliability curves.

    Parameters
    ----------
    tables : mapping
        `calibration` and `reliability` (columns as in `transfer.calibration`).
    models : mapping of str to (str, str)
        Model label -> colour and marker. The curves use the colour.

    Returns
    -------
    dict
        `calibration`, a table (see `table.shown`). `reliabilities`, one figure for each TF and kind of negatives, with
        `title` and `svg`: the pair of datasets with the largest shift.
    """
    return {
        "calibration": _calibration(tables["calibration"]),
        "reliabilities": _reliabilities(tables["reliability"], models),
    }


def _calibration(calibration: pd.DataFrame) -> dict:
    """Mean expected calibration error over TFs: a row for each shift and model, a column for each correction."""
    over = over_tfs(calibration)
    keys = ["shift", "source_assay", "target_assay", *GROUP]
    ways = {"none": [0], "prior": [0], "temperature": [16, 64, 256], "temperature and bias": [16, 64, 256]}
    wanted = [(name, n) for name, shots in ways.items() for n in shots]
    lines = []
    for key, rows in over.groupby(keys, sort=False):
        found = {(row["adaptation"], row["n_target"]): row for row in rows.to_dict("records")}
        lines.append(dict(zip(keys, key, strict=True)) | {"found": found} | found.get(("none", 0), {"n_tf": 0}))

    def column(name: str, n: int) -> table.Column:
        heading = {"none": "As it is", "prior": "Prior known"}.get(name, f"{name.capitalize()}, n = {n}")
        return table.Column(heading, lambda r: wording.auroc(r["found"].get((name, n), {"ece": np.nan})["ece"]), True)

    columns = [
        table.Column("Shift", lambda r: wording.word(r["shift"])),
        table.Column("From → to", lambda r: f"{wording.assay(r['source_assay'])} → {wording.assay(r['target_assay'])}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.Column("Negatives", wording.against),
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("Predicted / true share", lambda r: f"{r['predicted']:.2f} / {r['observed']:.2f}", True),
        *(column(name, n) for name, n in wanted),
        table.Column("By chance", lambda r: wording.auroc(r["ece_chance"]), True),
    ]
    return table.shown(
        pd.DataFrame(lines, columns=[*keys, "found", "n_tf", "predicted", "observed", "ece_chance"]),
        columns,
        caption="Expected calibration error, mean over TFs",
        name="calibration",
        empty="No model was scored on enough test rows.",
        raw=calibration,
    )


def _reliabilities(reliability: pd.DataFrame, models: dict) -> list[dict]:
    """Curves of the pair with the largest shift, for each TF and negatives, with and without target examples."""
    cross = reliability[reliability["source"] != reliability["target"]]
    cross = cross.assign(rank=[-rank(shift) for shift in cross["shift"]])
    cross = cross.sort_values(["rank", "source", "target"], kind="stable")
    figures = []
    for i, ((tf, negatives), group) in enumerate(cross.groupby(["tf", "test_negatives"], sort=False)):
        source, target = group[["source", "target"]].iloc[0]
        pair = group[(group["source"] == source) & (group["target"] == target)]
        figure = Figure(figsize=(5.2, 2.5))
        sides = (("none", "as it is"), ("temperature and bias", f"temperature and bias of {SHOWN} examples"))
        for axes, (name, title) in zip(figure.subplots(1, 2, sharey=True), sides, strict=True):
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
            some = pair[pair["adaptation"] == name]
            for model, line in some.groupby("model", sort=False):
                axes.plot(line["predicted"], line["observed"], color=models[model][0], linewidth=1.1)
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
            axes.set_title(title if len(some) else f"{title}: too few", loc="left", fontsize=8.5)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_xlabel("predicted probability", labelpad=2)
        figure.axes[0].set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        figure.axes[0].set_ylabel("share of positives", labelpad=1)
        figure.subplots_adjust(0.085, 0.17, 0.985, 0.9, wspace=0.1)
        title = f"{tf}, {source} → {target}, negatives: {negatives}"
        label = f"Reliability curves of {title}, before and after {SHOWN} target examples"
        figures.append({"title": title, "svg": svg(figure, f"reliability{i}", label)})
    return figures
