"""The verdicts."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tfbind.assays import is_in_vivo
from tfbind.report import picture, table, wording
from tfbind.statistics.over_tfs import EVERY_TF
from tfbind.study.shifts import rank
from tfbind.transfer.verdicts import REUSABLE_LOSS, WIDEST_INTERVAL

TITLE, ANCHOR, NEEDS = "Answer", "answer", ("verdicts",)
#: TFs whose sentences are shown at the start.
FIRST = 6


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The picture of all drops, then the verdicts of each TF as badges and sentences.

    Parameters
    ----------
    tables : mapping
        `verdicts` (`verdicts.VERDICT_COLUMNS`; `shift` and the negatives may be absent) and, if there are any,
        `crossings` (`learning_curves.CROSSING_COLUMNS`) and `guidance` (`guidance.GUIDANCE_COLUMNS`).
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `picture` (see `picture.picture`), None where no drop is known. `answers`, one for each TF, that over all TFs
        first, then by its largest drop: `tf` and its `verdicts`, those on targets in cells first, then by shift, the
        largest first. Each verdict has `badge` (see `wording.badge`), `sentence`, `about` (assays, shift, model,
        negatives), `next` (sentences of `guidance`) and `pays` (sentences from `crossings` on retraining against direct
        use).
        `first`: how many of them are shown at the start. `filtered`: a list of the picture, for its menus.
        `verdict_link`: the download. `badge`: the function. `reusable`, `widest`: the limits of the verdicts in points,
        as text.
    """
    answers = _answers(tables["verdicts"], tables.get("crossings"), tables.get("guidance"))
    drawn = picture.picture(tables["verdicts"], {answer["tf"]: place for place, answer in enumerate(answers)})
    return {
        "answers": answers,
        "first": FIRST,
        "picture": drawn,
        "filtered": [drawn] if drawn else [],
        "verdict_link": table.download(tables["verdicts"], "verdicts"),
        "badge": wording.badge,
        "reusable": wording.points(REUSABLE_LOSS),
        "widest": wording.points(WIDEST_INTERVAL),
    }


def _pays(crossings: pd.DataFrame | None) -> dict[tuple, list[str]]:
    """From how many target examples on retraining is better, in sentences by TF, shift, assays and negatives."""
    if crossings is None:
        return {}
    found: dict[tuple, list[str]] = {}
    chosen = crossings[(crossings["adaptation"] == "retrain") & (crossings["against"] == "direct")]
    for row in chosen.to_dict("records"):
        said = f"{row['model']}, {row['sentence'].removeprefix(row['tf'] + ', ')}"
        found.setdefault(tuple(row[name] for name in _DIRECTION), []).append(said)
    return found


_DIRECTION = ("tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives")


def _following(guidance: pd.DataFrame | None) -> dict[tuple, list[str]]:
    """What to do next after each verdict, by TF, shift, assays, negatives and model."""
    found: dict[tuple, list[str]] = {}
    for row in [] if guidance is None else guidance.to_dict("records"):
        key = (*(row[name] for name in _DIRECTION), str(row["model"]))
        found.setdefault(key, []).append(row["sentence"])
    return found


def _answers(verdicts: pd.DataFrame, crossings: pd.DataFrame | None, guidance: pd.DataFrame | None) -> list[dict]:
    """One entry for each TF, that over all TFs first; in each entry, targets in cells and large shifts first."""
    pays, following = _pays(crossings), _following(guidance)
    columns = ["shift", "test_negatives", "train_negatives"]
    rows = verdicts.assign(**{name: "" for name in columns if name not in verdicts})
    order = [
        (tf != EVERY_TF, not is_in_vivo(target), -rank(shift))
        for tf, target, shift in zip(rows["tf"], rows["target_assay"], rows["shift"], strict=True)
    ]
    rows = rows.iloc[sorted(range(len(rows)), key=order.__getitem__)]
    largest = rows.groupby("tf")["drop"].max().fillna(-np.inf) if "drop" in rows else dict.fromkeys(rows["tf"], 0)
    order = [(tf != EVERY_TF, -largest[tf]) for tf in rows["tf"]]
    rows = rows.iloc[sorted(range(len(rows)), key=order.__getitem__)]
    answers = []
    for tf, of_tf in rows.groupby("tf", sort=False):
        items = []
        for row in of_tf.to_dict("records"):
            about = [f"{wording.assay(row['source_assay'])} → {wording.assay(row['target_assay'])}"]
            about += [f"another {row['shift']}"] * (row["shift"] in ("replicate", "lab", "cell"))
            about += [f"model {row['model']}"] * (wording.word(row["model"]) != wording.MISSING)
            about += [f"negatives: {wording.against(row)}"] * (wording.word(row["test_negatives"]) != wording.MISSING)
            sentence = str(row["sentence"]).removeprefix(f"{tf}: {row['verdict']}. ")
            item = {"badge": wording.badge(row["verdict"]), "sentence": sentence, "about": ", ".join(about)}
            key = tuple(row[name] for name in _DIRECTION)
            items.append(item | {"pays": pays.get(key, []), "next": following.get((*key, str(row["model"])), [])})
        answers.append({"tf": tf, "verdicts": items})
    return answers
