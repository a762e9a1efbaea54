"""One verdict per TF and pair of assays, in words: reuse, fine-tune, retrain, poor data or cannot tell."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tfbind.assays import printed
from tfbind.statistics import over_tfs
from tfbind.statistics.metrics import beyond
from tfbind.study.shifts import SHIFTS
from tfbind.transfer import summary
from tfbind.transfer.evaluate import GOOD_SHARE, MOTIF_PRESENT, NOT_ABOVE_FLOOR, POOR_SHARE, SOURCE_NOT_ABOVE_FLOOR

#: A loss of AUROC below this does not justify new data: it is less than half of the 4.6 to 4.8 points lost in the
#: published cross-assay table, and about as much as AUROC changes with another set of training seeds.
REUSABLE_LOSS = 0.02
#: An interval of the loss wider than this can hold both a negligible loss and twice the published one, so no advice is
#: given.
WIDEST_INTERVAL = 0.10
VERDICT_COLUMNS = [
    *("tf", "shift", "source_assay", "target_assay", *summary.GROUP, "n", "same", "floor", "drop", "low", "high"),
    *("verdict", "sentence"),
]
_ELSEWHERE = {"replicate": " of another replicate", "lab": " of another laboratory", "cell": " of another cell"}


def classify(drop: float, low: float, high: float) -> str:
    """The verdict on a loss of AUROC, assuming that the data are good.

    Parameters
    ----------
    drop, low, high : float
        The loss and its interval, as fractions of 1; NaN where not estimated.

    Returns
    -------
    str
        ``reuse``: the upper end is below `REUSABLE_LOSS`. ``retrain``: the lower end is above it. ``fine-tune or
        retrain``: the interval holds `REUSABLE_LOSS`. ``cannot tell``: there is no interval, or it holds
        `REUSABLE_LOSS` and is wider than `WIDEST_INTERVAL`.
    """
    if not np.isfinite([drop, low, high]).all():
        return "cannot tell"
    if high < REUSABLE_LOSS:
        return "reuse"
    if low > REUSABLE_LOSS:
        return "retrain"
    return "cannot tell" if high - low > WIDEST_INTERVAL else "fine-tune or retrain"


def _loss(drop: float, low: float, high: float, level: float) -> str:
    # + 0.0 turns the -0.0 of a small rounded gain into 0.0.
    points = [round(100 * x, 1) + 0.0 for x in (drop, low, high)]
    if points[0] < 0:
        points = [-points[0], -points[2], -points[1]]
        word = "gains"
    else:
        word = "loses"
    return f"{word} {points[0]:.1f} points of AUROC ({points[1]:.1f} to {points[2]:.1f}, {level:.0%} interval)"


def _way(key: Mapping[str, str]) -> tuple[str, str]:
    ends = ("source", "target")
    source, target = (printed(key[f"{end}_assay"]) or f"the {end}" for end in ends)
    return source, target + _ELSEWHERE.get(key["shift"], "")


def _said(model: str, key: Mapping[str, str], loss: tuple[float, float, float], level: float, n: int = 1) -> str:
    source, target = _way(key)
    who = f"A {model.replace(', ', ' or ')} model trained on {source}"
    mean = f", in the mean of {n} pairs" if n > 1 else ""
    if np.isfinite(loss).all():
        return f"{who} {_loss(*loss, level)} on {target}{mean}."
    return f"{who} and scored on {target} has no interval for its loss{mean}."


def _doubts(row: Mapping, health: Mapping[str, Mapping]) -> list[str]:
    """Reasons why a drop says nothing about the shift; an empty list where it does.

    A library that is poor on its own held-out sequences is judged again on the target's test sequences: the source by
    its AUROC there, the target by that of its own model, each compared with the composition floor on the same
    sequences. Without such a floor, the judgement on the library's own held-out sequences stays.
    """
    note = str(row["note"])
    ends = (
        ("target", "same", NOT_ABOVE_FLOOR, "the target library holds little beyond composition"),
        ("source", "cross", SOURCE_NOT_ABOVE_FLOOR, "no source taught {}more than composition"),
    )
    doubts = []
    for end, value, not_above, little in ends:
        about = health.get(row[end], {})
        if not _is_poor(about):
            continue
        here = pd.notna(row["floor"])
        auroc, floor = (row[value], row["floor"]) if here else (about["auroc"], about["floor"])
        share = beyond(auroc, floor)
        if not share >= POOR_SHARE or (here and not_above in note):
            doubts.append(little.format("" if not here or not_above in note else "much "))
        elif about["motif_auroc"] < MOTIF_PRESENT and share < GOOD_SHARE:
            doubts.append(f"the {end} library hardly holds the TF's own motif")
    return doubts + [NOT_ABOVE_FLOOR] * (NOT_ABOVE_FLOOR in note)


def _is_poor(about: Mapping) -> bool:
    return str(about.get("verdict", "")).startswith("poor")


def _why(doubts: list[list[str]]) -> str:
    # The first reason that all pairs share; if there is none, every reason with its number of pairs.
    found = list(dict.fromkeys(doubt for of_pair in doubts for doubt in of_pair))
    common = [doubt for doubt in found if all(doubt in of_pair for of_pair in doubts)]
    if common:
        return common[0]
    return "; ".join(f"{doubt} ({sum(doubt in x for x in doubts)} of {len(doubts)} pairs)" for doubt in found)


def _better(pairs: pd.DataFrame, used: pd.DataFrame, references: Sequence[str]) -> str:
    # A sentence on the best reference that was scored on all of these pairs; '' if it ranks them no better.
    model, means = used["cross"].mean(), {}
    for label in references:
        both = used[["source", "target"]].merge(pairs.loc[pairs["model"] == label, ["source", "target", "cross"]])
        if len(both) == len(used) and both["cross"].notna().all():
            means[label] = both["cross"].mean()
    best = max(means, key=means.get, default=None)
    if best is None or means[best] < model:
        return ""
    return f" The reference {best} ranks the target no worse: AUROC {means[best]:.3f}, the model {model:.3f}."


def _of_tf(
    pairs: pd.DataFrame,
    health: Mapping[str, Mapping],
    key: Mapping[str, str],
    level: float,
    references: Sequence[str] = (),
) -> dict:
    tf, (source, target) = key["tf"], _way(key)
    about = pairs["source"].map(lambda name: health.get(name, {}))
    best = about.map(lambda of: of.get("model")).astype(object)
    chosen = pairs[pairs["model"] == best]
    line = {**key, "model": ", ".join(chosen["model"].unique()), "n": int(chosen["drop"].notna().sum())}
    if not line["n"]:
        notes = chosen["note"] if len(chosen) else about.map(lambda of: of.get("verdict"))
        if not len(chosen) and best.notna().any():  # the best model has no row here, e.g. a label used for other TFs
            notes = best.dropna() + ", the best model of its source, was not scored there"
        reasons = (str(note).removeprefix(f"cannot tell: {tf}: ") for note in notes.dropna() if note)
        why = "; ".join(dict.fromkeys(reasons)) or "no model was chosen"
        if key["shift"] != SHIFTS[0]:
            why = f"no drop from {source} to {target} could be estimated: {why}"
        return line | {
            "verdict": "cannot tell",
            "sentence": f"{tf}: cannot tell. {why[0].upper() + why[1:]}.",
        }
    chosen = chosen[chosen["drop"].notna()]
    doubts = [_doubts(row, health) for row in chosen.to_dict("records")]
    sound = chosen[[not of_pair for of_pair in doubts]]
    used = chosen if sound.empty else sound
    loss = tuple(used[["drop", "low", "high"]].mean(skipna=False))
    line |= dict(zip(("drop", "low", "high"), loss, strict=True)) | {"n": len(used)}
    line |= used[["same", "floor"]].mean().to_dict()
    line |= {"model": ", ".join(used["model"].unique()), "verdict": classify(*loss)}
    said = _said(line["model"], key, loss, level, len(used))
    if sound.empty:
        why = _why(doubts)
        sentence = f"{tf}: poor data. {why[0].upper() + why[1:]}. {said}"
        if why != NOT_ABOVE_FLOOR and chosen["floor"].isna().any():
            sentence += " The libraries are judged by their own held-out rows: composition was not scored on these."
        return line | {"verdict": "poor data", "sentence": sentence}
    line["sentence"] = f"{tf}: {line['verdict']}. {said}"
    called = [name for name in dict.fromkeys([*sound["source"], *sound["target"]]) if _is_poor(health.get(name, {}))]
    if called:
        line["sentence"] += f" Poor by its own held-out rows, but not by these: {', '.join(called)}."
    left_out = len(chosen) - len(sound)
    if left_out:
        line["sentence"] += f" Pairs left out for poor data: {left_out} of {len(chosen)}."
    line["sentence"] += _better(pairs, used, [label for label in references if label not in set(used["model"])])
    return line


def verdicts(
    transfer: pd.DataFrame, libraries: pd.DataFrame, level: float = 0.95, references: Sequence[str] = ()
) -> pd.DataFrame:
    """What to do with a source model, for each TF and direction and then over TFs, in a sentence with its uncertainty.

    The model is the one that is best on the source's own held-out sequences (`libraries`); it is never chosen on the
    target. Several pairs of one TF are averaged; pairs with poor data are left out if others remain.

    Parameters
    ----------
    transfer : DataFrame
        From `evaluate.evaluate`, all TFs.
    libraries : DataFrame
        From `library_qc.judge`. Used are `dataset, model, verdict, auroc, floor, motif_auroc` where present.
    level : float
        Of the intervals in `transfer`.
    references : sequence of str
        From `library_qc.references`. Where one ranks the target no worse than the model, the sentence says so.

    Returns
    -------
    DataFrame
        `VERDICT_COLUMNS`. `verdict` is one of `classify`, or ``poor data``: the target-trained model is not above its
        composition floor, or a library is poor on its own held-out sequences and the target's test sequences do not
        show otherwise, so the loss says nothing about the shift. Rows over TFs have `EVERY_TF` as `tf`. They leave out
        TFs with poor data (other tables keep them) and exist where at least two TFs remain. `n` counts pairs; in rows
        over TFs it counts TFs. `same` and `floor` are means over the same pairs, or TFs.
    """
    columns = ["model", "verdict", "auroc", "floor", "motif_auroc"]
    health = libraries.set_index("dataset").reindex(columns=columns).to_dict("index")
    keys = ["tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives"]
    # A TF with a single dataset has rows with the shift `none`, which say why there is no verdict.
    lines = [
        _of_tf(pairs, health, dict(zip(keys, key, strict=True)), level, references)
        for key, pairs in transfer.groupby(keys, sort=False)
    ]
    used = set(libraries["model"].dropna())
    sound = transfer[[not _doubts(row, health) for row in transfer.to_dict("records")]]
    over = ["shift", "source_assay", "target_assay", *summary.GROUP]
    everyone = summary.shifts(transfer, level).set_index(over)["n_tf"]
    floors = sound[sound["drop"].notna()].groupby([*over, "tf"])["floor"].mean().groupby(over).mean()
    for row in summary.shifts(sound, level).to_dict("records"):
        if row["model"] in used and row["n_tf"] > 1:
            key = {name: row[name] for name in keys[1:]}
            loss = (row["drop"], row["low"], row["high"])
            line = key | dict(zip(("drop", "low", "high"), loss, strict=True))
            line |= {"tf": over_tfs.EVERY_TF, "n": row["n_tf"], "model": row["model"], "verdict": classify(*loss)}
            line |= {"same": row["same"], "floor": floors[tuple(row[name] for name in over)]}
            said = _said(row["model"], key, loss, level)
            line["sentence"] = f"{row['n_tf']} TFs: {line['verdict']}. {said} Wilcoxon p = {row['p_value']:.2g}"
            if row["p_minimum"] > 1 - level:
                # A drop of exactly zero has no sign, so its TF is not counted.
                signed = "" if row["p_minimum"] == 2.0 ** (1 - row["n_tf"]) else " with a drop other than zero"
                line["sentence"] += f", and so few TFs{signed} cannot give less than {row['p_minimum']:.2g}"
            line["sentence"] += "."
            left_out = int(everyone[tuple(row[name] for name in over)] - row["n_tf"])
            if left_out:
                line["sentence"] += f" TFs left out for poor data: {left_out}."
            lines.append(line)
    return pd.DataFrame(lines, columns=VERDICT_COLUMNS)
