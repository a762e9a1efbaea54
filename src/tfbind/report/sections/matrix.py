"""AUROC of every source on every target."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind.assays import form
from tfbind.report import figure, table, wording

TITLE, ANCHOR, NEEDS = "Source × target", "matrix", ("metrics",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """AUROC of every source on every target, one grid for each model.

    Parameters
    ----------
    tables : mapping
        `metrics` (`columns.METRIC_COLUMNS`); the AUROCs of the ensembles are shown.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `matrices`, with `menus` (see `table.filter_menus`) and `tfs`: of each TF its `sets`, one for each pair of
        training and test negatives, with `negatives` and `grids`. A grid has `model`, `targets`, `rows` (`source` and
        `cells`) and `reasons` (letter and reason of the cells without a value). `metrics_link`: the download.
        `breakable`: the function. `few`: a sentence on TFs that are not shown. `palette`: the colour scale. `filtered`:
        a list of `matrices`, for its menus.
    """
    ensembles = table.ensembles(tables["metrics"])
    shown = figure.tfs(tables)
    found = _matrices(figure.of(ensembles[ensembles["metric"] == "auroc"], shown))
    return {
        "matrices": found,
        "metrics_link": table.download(ensembles, "metrics"),
        "breakable": wording.breakable,
        "few": figure.left_out(shown).replace("Drawn", "Shown"),
        "palette": figure.palette(),
        "filtered": [found],
    }


def _absent(source: str, target: str) -> str:
    # Why a study has no such pair.
    if form(source) == form(target) == "intensities":
        return "two designs of one array: each is the test set of the other"
    return "not scored in this study"


def _grid(cells: pd.DataFrame) -> dict:
    """One source x target table of AUROCs; a cell without a value has a letter, and below the table its reason."""
    targets = list(dict.fromkeys(cells["target"]))
    sources = sorted(
        dict.fromkeys(cells["source"]),
        key=lambda s: (s not in targets, targets.index(s) if s in targets else 0),
    )
    known = {(row["source"], row["target"]): row for row in cells.to_dict("records")}
    assays = {row[end]: row[f"{end}_assay"] for row in known.values() for end in ("source", "target")}
    reasons: dict[str, str] = {}
    rows = []
    for source in sources:
        row = []
        for target in targets:
            cell = known.get((source, target), {"value": np.nan, "note": _absent(assays[source], assays[target])})
            if pd.isna(cell["value"]):
                reason = (
                    wording.word(cell["note"]) if wording.word(cell["note"]) != wording.MISSING else "no reason given"
                )
                row.append({"mark": reasons.setdefault(reason, table.letter(len(reasons))), "reason": reason})
                continue
            low, high = cell["low"], cell["high"]
            n = f"{wording.count(cell['n_positive'])} positives, {wording.count(cell['n_negative'])} negatives"
            n += "" if wording.word(cell["note"]) == wording.MISSING else f"; {cell['note']}"
            row.append(
                {
                    "value": wording.auroc(cell["value"]),
                    "interval": "" if pd.isna(low) or pd.isna(high) else f"{wording.auroc(low)}–{wording.auroc(high)}",
                    "n": n,
                    "step": figure.colour_of(cell["value"]),
                    "same": source == target,
                }
            )
        rows.append({"source": source, "cells": row})
    return {"targets": targets, "rows": rows, "reasons": [(mark, reason) for reason, mark in reasons.items()]}


def _matrices(scores: pd.DataFrame) -> dict:
    """The grids of each TF and kind of negatives, and the menus to choose among them."""
    matrices = []
    for tf, of_tf in scores.groupby("tf", sort=False):
        sets = []
        for (test, train), of_set in of_tf.groupby(["test_negatives", "train_negatives"], sort=False):
            grids = [{"model": model} | _grid(cells) for model, cells in of_set.groupby("model", sort=False)]
            names = {"test_negatives": test, "train_negatives": train}
            sets.append({"negatives": wording.against(names), "grids": grids})
        matrices.append({"tf": tf, "sets": sets})
    sets = [one for matrix in matrices for one in matrix["sets"]]
    words = {
        "TF": [matrix["tf"] for matrix in matrices],
        "Model": [grid["model"] for one in sets for grid in one["grids"]],
        "Negatives": [one["negatives"] for one in sets],
    }
    return {"tfs": matrices, "menus": table.filter_menus(words, first=len(matrices) > table.MANY)}
