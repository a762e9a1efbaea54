"""Training and validation sequences that are also in a test set."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording
from tfbind.sequences.leakage import ONE_LIBRARY

TITLE, ANCHOR, NEEDS = "Leaks", "audit", ("audit",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """Whether training or validation sequences are in a test set, in a sentence and a table.

    Parameters
    ----------
    tables : mapping
        `audit` (`leakage.COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `audit`, with `said` (the sentence), `libraries` (a sentence for each two datasets that look like one library),
        `table` (the counts of those that leak; see `table.shown`) and `link` (the download of all counts).
    """
    return {"audit": _audit(tables["audit"])}


def _audit(audit: pd.DataFrame) -> dict:
    """A sentence on leakage, sentences on whole libraries, and a table of the pairs of datasets that leak."""
    pair = ["source", "target"]
    found = audit[audit["n_train"] > 0]
    leaks = found[found["kind"] != ONE_LIBRARY]
    n, n_leaking = len(audit[pair].drop_duplicates()), len(leaks[pair].drop_duplicates())
    pairs = f"any of the {wording.count(n)} pairs of source and target"
    said = f"Nothing leaked: no training row of {pairs} is in its test set."
    if not n:
        said = "No pair of source and target was audited."
    if n_leaking:
        actions = {"removed": "left out of the training", "refused": "reason enough to refuse the pair"}
        done = " and ".join(actions[action] for action in leaks["action"].unique())
        share = f"{wording.count(n_leaking)} of {wording.count(n)} pairs of source and target"
        said = f"In {share} training rows are in the test set too; they were {done}."
    libraries = found[(found["kind"] == ONE_LIBRARY) & (found["action"] != "none")]
    shown = pd.concat([leaks, libraries]).sort_index()
    columns = [
        table.Column("Source → target", lambda r: f"{wording.word(r['source'])} → {wording.word(r['target'])}"),
        table.NEGATIVES,
        table.Column("Leak", lambda r: wording.word(r["kind"]).replace("_", " ")),
        table.Column("Training rows", lambda r: wording.count(r["n_train"]), True),
        table.Column("Test rows", lambda r: wording.count(r["n_test"]), True),
        table.Column("Left out", lambda r: wording.count(r["n_removed"]), True),
        table.Column("Action", lambda r: wording.word(r["action"])),
    ]
    caption = "Training and validation rows that are in a test set"
    options = {"caption": caption, "name": "audit", "empty": "No pair leaks.", "raw": audit}
    return {
        "said": said,
        "libraries": list(dict.fromkeys(libraries["note"])),
        "table": table.shown(shown, columns, **options),
        "link": table.download(audit, "audit"),
    }
