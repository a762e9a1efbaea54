"""What was read, dropped and kept."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table as report_table
from tfbind.report import wording
from tfbind.report.table import Column

TITLE, ANCHOR, NEEDS = "Kept and dropped", "records", ("logs",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """How many records of each dataset were read, changed, dropped and kept, and why.

    Parameters
    ----------
    tables : mapping
        `logs`: dataset -> table (`positives`, `negatives:<label>`) -> DataFrame of `event`, `reason`, `count`.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `records`, the table of the totals by event, and `reasons`, that of the reasons (see `table.shown`). `filtered`:
        a list of the latter, for its menus.
    """
    records, reasons = _logs(tables["logs"])
    return {"records": records, "reasons": reasons, "filtered": [reasons]}


def _logs(logs: Mapping[str, Mapping[str, pd.DataFrame]]) -> tuple[dict, dict]:
    """The table of what was read, dropped and kept, and that of the reasons."""
    whole = [
        frame[["event", "reason", "count"]].assign(dataset=dataset, table=table.replace("negatives:", "negatives: "))
        for dataset, of_dataset in logs.items()
        for table, frame in of_dataset.items()
    ]
    order = ["dataset", "table", "event", "reason", "count"]
    whole = pd.concat(whole)[order].reset_index(drop=True) if whole else pd.DataFrame(columns=order)
    events = [
        "read",
        "changed",
        "dropped",
        "kept",
        *sorted(set(whole["event"]) - {"read", "changed", "dropped", "kept"}),
    ]
    totals = whole.pivot_table(
        index=["dataset", "table"], columns="event", values="count", aggfunc="sum", sort=False, observed=True
    ).reindex(columns=events)
    totals = totals.dropna(axis="columns", how="all").reset_index()
    columns = [Column("Dataset", lambda r: wording.word(r["dataset"])), Column("Table", lambda r: r["table"])]
    columns += [
        Column(event.capitalize(), lambda r, event=event: wording.count(r[event]), True)
        for event in totals.columns
        if event in events
    ]
    shown = report_table.shown(
        totals,
        columns,
        caption="Records of each dataset: how many were read, changed, dropped and kept",
        name="record_totals",
        empty="No counts were handed to this report.",
    )
    columns = [Column(name.capitalize(), lambda r, name=name: wording.word(r[name])) for name in order[:-1]]
    columns.append(Column("Records", lambda r: wording.count(r["count"]), True))
    options = {"caption": "Records by reason", "name": "records", "empty": "", "choose": ("Dataset", "Event")}
    return shown, report_table.shown(whole, columns, **options)
