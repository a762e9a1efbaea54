"""Whether the scores can be read as probabilities on the target."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tfbind.report import figure, table, wording
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
        `title` and what `figure.saved` adds: the pair of datasets with the largest shift. `few`: a sentence on TFs that
        are not drawn. `numbers`: the download of the curves. `n`: target examples of the corrections shown.
    """
    drawn = figure.tfs(tables)
    return {
        "calibration": _calibration(tables["calibration"]),
        "reliabilities": _reliabilities(figure.of(tables["reliability"], drawn), models),
        "few": figure.left_out(drawn),
        "numbers": table.download(figure.of(tables["reliability"], drawn), "reliability"),
        "n": SHOWN,
    }


def _calibration(calibration: pd.DataFrame) -> dict:
    """Mean expected calibration error over TFs: a row for each shift and model, a column for each correction."""
    over = over_tfs(calibration)
    keys = ["shift", "source_assay", "target_assay", *GROUP]
    wanted = [("none", 0), ("prior", 0), ("temperature", SHOWN), ("temperature and bias", SHOWN)]
    lines = []
    for key, rows in over.groupby(keys, sort=False):
        found = {(row["adaptation"], row["n_target"]): row for row in rows.to_dict("records")}
        lines.append(dict(zip(keys, key, strict=True)) | {"found": found} | found.get(("none", 0), {"n_tf": 0}))

    def column(name: str, n: int) -> table.Column:
        heading = {"none": "As it is", "prior": "Prior known"}.get(name, name.capitalize())
        return table.Column(heading, lambda r: wording.auroc(r["found"].get((name, n), {"ece": np.nan})["ece"]), True)

    columns = [
        table.Column("From → to", _way),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("TFs", lambda r: wording.count(r["n_tf"]), True),
        table.Column("Predicted / true", lambda r: f"{r['predicted']:.2f} / {r['observed']:.2f}", True),
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


def _way(row: Mapping) -> str:
    ends = f"{wording.assay(row['source_assay'])} → {wording.assay(row['target_assay'])}"
    return {"none": f"{ends}, own test", "assay": ends}.get(row["shift"], f"{ends}, another {row['shift']}")


def _reliabilities(reliability: pd.DataFrame, models: dict) -> list[dict]:
    """Curves of the pair with the largest shift, for each TF and negatives, with and without target examples."""
    cross = reliability[reliability["source"] != reliability["target"]]
    cross = cross.assign(rank=[-rank(shift) for shift in cross["shift"]])
    cross = cross.sort_values(["rank", "source", "target"], kind="stable")
    figures = []
    for i, ((tf, negatives), group) in enumerate(cross.groupby(["tf", "test_negatives"], sort=False)):
        source, target = group[["source", "target"]].iloc[0]
        pair = group[(group["source"] == source) & (group["target"] == target)]
        drawing = Figure(figsize=(5.2, 2.5))
        sides = (("none", "as it is"), ("temperature and bias", f"temperature and bias of {SHOWN} examples"))
        for axes, (name, title) in zip(drawing.subplots(1, 2, sharey=True), sides, strict=True):
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
            some = pair[pair["adaptation"] == name]
            for model, line in some.groupby("model", sort=False):
                axes.plot(line["predicted"], line["observed"], color=models[model][0], linewidth=1.1)
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
            axes.set_title(title if len(some) else f"{title}: too few", loc="left", fontsize=8.5)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_xlabel("predicted probability", labelpad=2)
        drawing.axes[0].set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        drawing.axes[0].set_ylabel("share of positives", labelpad=1)
        drawing.subplots_adjust(0.085, 0.17, 0.985, 0.9, wspace=0.1)
        title = f"{tf}, {source} → {target}, negatives: {negatives}"
        label = f"Reliability curves of {title}, before and after {SHOWN} target examples"
        shown = figure.saved(svg(drawing, f"reliability{i}", label), f"reliability{i}")
        figures.append({"title": title} | shown)
    return figures
