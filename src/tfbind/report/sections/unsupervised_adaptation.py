"""Adaptation without labels of the target."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording
from tfbind.statistics.over_tfs import EVERY_TF
from tfbind.transfer.transferability import foreseen, gained

TITLE, ANCHOR, NEEDS = "Without labels", "unlabelled", ("adaptation", "transferability")


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """What adaptation without target labels gains, and whether the drop could be predicted.

    Parameters
    ----------
    tables : mapping
        `adaptation` and `transferability` (`ADAPTATION_COLUMNS` and `SIGN_COLUMNS` of `transfer.transferability`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `unlabelled`, with `said` (sentences on gains, then on predictions), `table` (of `adaptation`, over all TFs
        first; see `table.shown`) and `link` (the download of `transferability`).
    """
    return {"unlabelled": _unlabelled(tables["adaptation"], tables["transferability"])}


def _unlabelled(adaptation: pd.DataFrame, transferability: pd.DataFrame) -> dict:
    """Gains without target labels, over all TFs first, and whether the drop could be predicted."""
    columns = [
        table.Column("TF", lambda r: wording.word(r["tf"])),
        table.Column("Source → target", lambda r: f"{wording.end(r, 'source')} → {wording.end(r, 'target')}"),
        table.Column("Model", lambda r: wording.word(r["model"])),
        table.NEGATIVES,
        table.Column("Adaptation", lambda r: wording.word(r["adaptation"]).replace("_", " ")),
        table.Column("Needs", lambda r: wording.word(r["needs"])),
        table.Column("AUROC (interval)", lambda r: wording.estimate(r["value"], r["low"], r["high"]), True),
        table.Column("Gain, points", lambda r: wording.in_points(r["gain"], r["gain_low"], r["gain_high"]), True),
        table.Column("Drop left, points", lambda r: wording.in_points(r["drop"], r["drop_low"], r["drop_high"]), True),
    ]
    first = adaptation["tf"] != EVERY_TF
    options = {"caption": "Adaptations without target labels", "name": "adaptation", "empty": "No pair was asked for."}
    return {
        "said": [*gained(adaptation), *foreseen(transferability)],
        "table": table.shown(adaptation.loc[first.sort_values(kind="stable").index], columns, **options),
        "link": table.download(transferability, "transferability"),
    }
