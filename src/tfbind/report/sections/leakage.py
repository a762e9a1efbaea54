"""Training and validation sequences that are also in a test set."""

from collections.abc import Mapping

import pandas as pd

from tfbind.report import table, wording
from tfbind.sequences.leakage import NOT_DECLARED, ONE_LIBRARY

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
        `foreign` (a sentence for each model from elsewhere), `table` (the counts of those that leak; see `table.shown`)
        and `link` (the download of all counts).
    """
    return {"audit": _audit(tables["audit"])}


def _audit(audit: pd.DataFrame) -> dict:
    """A sentence on leakage, sentences on whole libraries, and a table of the pairs of datasets that leak."""
    pair, is_own = ["source", "target"], audit["model"].isna() | (audit["model"] == "")
    found = audit[audit["n_train"] > 0]
    both = found[found["kind"] != ONE_LIBRARY]
    leaks = both[is_own[both.index]]
    n, n_leaking = len(audit[is_own][pair].drop_duplicates()), len(leaks[pair].drop_duplicates())
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
    shown = pd.concat([both, libraries]).sort_index()
    columns = [
        table.Column("Source → target", lambda r: f"{wording.word(r['source'])} → {wording.word(r['target'])}"),
        table.NEGATIVES,
        table.Column("From elsewhere", lambda r: wording.word(r["model"])),
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
        "foreign": [_foreign(model, rows) for model, rows in audit[~is_own].groupby("model", sort=False)],
        "libraries": list(dict.fromkeys(libraries["note"])),
        "table": table.shown(shown, columns, **options),
        "link": table.download(audit, "audit"),
    }


def _foreign(model: str, rows: pd.DataFrame) -> str:
    """A sentence on a model from elsewhere: what is declared of its training, and what follows."""
    pair = ["source", "target"]
    n = len(rows[pair].drop_duplicates())
    silent = len(rows[rows["kind"] == NOT_DECLARED][pair].drop_duplicates())
    refused = len(rows[rows["action"] == "refused"][pair].drop_duplicates())
    if silent == n:
        return f"{model}: not declared what it was trained on (trained_on), so it may have been trained on any test row"
    pairs = f"{wording.count(refused)} of {wording.count(n)} pairs of source and target"
    said = f"{model}: declared training rows are in the test set of {pairs}"
    said += "; its scores there are refused" if refused else ""
    return said + (f"; for {wording.count(silent)} pairs nothing is declared" if silent else "")
