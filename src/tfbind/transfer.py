"""What the drops of all TFs say together: the paper's table, every shift, a verdict."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import special

from tfbind.evaluation import (
    GOOD_SHARE,
    MOTIF_PRESENT,
    NOT_ABOVE_FLOOR,
    POOR_SHARE,
    SOURCE_NOT_ABOVE_FLOOR,
    beyond,
    mid_ranks,
)
from tfbind.shifts import SHIFTS

#: A loss of AUROC below this is not worth new data: less than half of the 4.6 to 4.8 points that the
#: published cross-assay table lost, and about what another set of training seeds moves.
REUSABLE_LOSS = 0.02
#: An interval of the loss wider than this holds both a negligible loss and twice the published one: no
#: advice.
WIDEST_INTERVAL = 0.10

GROUP = ["model", "train_negatives", "test_negatives"]
MEANS = ["n_tf", "same", "cross", "drop", "low", "high", "p_value"]
SUMMARY_COLUMNS = [*GROUP, *MEANS]
SHIFT_COLUMNS = ["shift", "source_assay", "target_assay", *GROUP, *MEANS, "p_minimum", "p_holm"]
#: The `tf` of a verdict over all TFs.
EVERY_TF = "all TFs"
VERDICT_COLUMNS = [
    *("tf", "shift", "source_assay", "target_assay", *GROUP, "n", "drop", "low", "high", "verdict", "sentence")
]
_ASSAY = {"htselex": "HT-SELEX", "chipseq": "ChIP-seq"}
_ELSEWHERE = {"replicate": " of another replicate", "lab": " of another laboratory", "cell": " of another cell"}


def _spread(low: pd.Series, high: pd.Series, level: float) -> pd.Series:
    return (high - low) / (-2 * special.ndtri((1 - level) / 2))


def _per_tf(transfer: pd.DataFrame, level: float) -> pd.DataFrame:
    # Pairs of one TF share test rows and models, so their errors do not average out: the mean spread bounds
    # that of their mean. Where one pair has no interval, neither has the mean over the pairs.
    table = transfer.assign(spread=_spread(transfer["low"], transfer["high"], level))
    return table.groupby("tf", sort=False)[["same", "cross", "drop", "low", "high", "spread"]].mean(skipna=False)


def wilcoxon(drops: np.ndarray) -> float:
    """Exact two-sided p of Wilcoxon's signed-rank test that drops (n,) centre on zero; zeros are split; NaN stays."""
    drops = np.asarray(drops, float)
    if np.isnan(drops).any():
        return float("nan")
    known = drops != 0
    # Twice a mid-rank is a whole number, with ties too; a zero, half on either side, tells the sides not apart.
    ranks = (2 * mid_ranks(np.abs(drops))).astype(int)[known]
    above = ranks[drops[known] > 0].sum()
    less = min(above, ranks.sum() - above)
    chances = np.zeros(less + 1)  # of each sum of the ranks on one side, each rank there or not with one half
    chances[0] = 1
    for rank in ranks:
        chances[rank:] += chances[: max(0, less + 1 - rank)]
        chances /= 2
    return float(min(1, 2 * chances.sum()))


def p_minimum(drops: np.ndarray) -> float:
    """The smallest p that `wilcoxon` can reach with drops (n,) of these sizes, whatever their signs.

    0.25 with three TFs, 0.03 with six. A drop of exactly zero has no sign and counts as no TF: of 0, 0 and 0.1 it is 1.
    NaN without drops, or where one is NaN.
    """
    drops = np.asarray(drops, float)
    if not len(drops) or np.isnan(drops).any():
        return float("nan")
    return float(min(1, 2.0 ** (1 - np.count_nonzero(drops))))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (Holm 1979) of one family (n,); NaN stays NaN and is not counted."""
    p_values = np.asarray(p_values, float)
    known = np.flatnonzero(~np.isnan(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    adjusted = np.full(len(p_values), np.nan)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def mean_over_tfs(transfer: pd.DataFrame, level: float) -> dict[str, float]:
    """Mean drop of the TFs in `transfer`, with its interval and p.

    Several pairs of one TF are averaged first. The interval is Student's t over the TFs, whose spread
    already holds each TF's own uncertainty; it is never narrower than the interval at the same level that this
    uncertainty alone gives (normal), so that a few drops equal by chance are not taken for certainty. Where one
    pair has no interval there is none. One TF keeps its own interval.

    Parameters
    ----------
    transfer : DataFrame
        Rows of one model, kind of negatives and shift.
    level : float

    Returns
    -------
    dict
        `n_tf`, `same`, `cross`, `drop`, `low`, `high`, `p_value`, `p_minimum`; `n_tf` alone where no drop was
        estimable.
    """
    tfs = _per_tf(transfer[transfer["drop"].notna()], level)
    n = len(tfs)
    if n == 0:
        return {"n_tf": 0}
    means = tfs[["same", "cross", "drop"]].mean().to_dict()
    if n == 1:
        low, high = tfs["low"].iloc[0], tfs["high"].iloc[0]
    else:
        tail = (1 - level) / 2
        within = -special.ndtri(tail) * np.sqrt(np.mean(tfs["spread"].to_numpy() ** 2))  # NaN where a spread is
        between = -special.stdtrit(n - 1, tail) * float(tfs["drop"].std())
        half = np.maximum(between, within) / np.sqrt(n)
        low, high = means["drop"] - half, means["drop"] + half
    drops = tfs["drop"].to_numpy()
    about = {"p_value": wilcoxon(drops), "p_minimum": p_minimum(drops)}
    return {"n_tf": n, **means, "low": low, "high": high} | about


def within_tf(transfer: pd.DataFrame) -> pd.DataFrame:
    """The rows of source and target of the same TF, without extra pairs."""
    return transfer[~transfer["tf"].astype(str).str.contains(">", regex=False)]


def rank(shift: str) -> int:
    """Place of a shift among `SHIFTS`; words of a table of scores come after them."""
    return SHIFTS.index(shift) if shift in SHIFTS else len(SHIFTS)


def summary(transfer: pd.DataFrame, level: float = 0.95, chosen: pd.Series | None = None) -> pd.DataFrame:
    """The cross-assay table: trained on HT-SELEX, tested on ChIP-seq, means over TFs.

    Parameters
    ----------
    transfer : DataFrame
        `evaluation.TRANSFER_COLUMNS`, all TFs; extra pairs of different TFs are left aside.
    level : float
    chosen : Series of bool
        Other rows of `transfer` to take the means over.

    Returns
    -------
    DataFrame
        `SUMMARY_COLUMNS`, one row for each model and pair of negatives, also where ``n_tf`` is 0. See
        `mean_over_tfs`.
    """
    if chosen is None:
        crossing = (transfer["source_assay"] == "htselex") & (transfer["target_assay"] == "chipseq")
        chosen = crossing & (transfer["shift"] == "assay")
    pairs = within_tf(transfer[chosen])
    groups = transfer[GROUP].drop_duplicates().itertuples(index=False)
    rows = (
        dict(zip(GROUP, group, strict=True)) | mean_over_tfs(pairs[(pairs[GROUP] == list(group)).all(axis=1)], level)
        for group in groups
    )
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def shifts(transfer: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """The same table for every shift and direction that the study holds.

    Returns
    -------
    DataFrame
        `SHIFT_COLUMNS`, from the smallest shift to the largest. `p_minimum` is the smallest p that the TFs
        allow; `p_holm` is adjusted for the number of models compared under the same shift, direction and
        negatives.
    """
    keys = SHIFT_COLUMNS[: 3 + len(GROUP)]
    rows = []
    for key, group in within_tf(transfer[transfer["shift"] != SHIFTS[0]]).groupby(keys, sort=False):
        means = mean_over_tfs(group, level)
        rows.append(dict(zip(keys, key, strict=True)) | means)
    table = pd.DataFrame(rows, columns=SHIFT_COLUMNS)
    family = table.groupby([key for key in keys if key != "model"], sort=False)["p_value"]
    table["p_holm"] = family.transform(lambda p: holm(p.to_numpy(float)))
    return table.sort_values("shift", key=lambda s: s.map(rank), kind="stable", ignore_index=True)


def classify(drop: float, low: float, high: float) -> str:
    """The verdict on a loss of AUROC with its interval, data of good quality taken for granted.

    ``reuse``: at most `REUSABLE_LOSS` lost, even at the upper end. ``retrain``: more, even at the lower end.
    ``fine-tune or retrain``: the interval holds `REUSABLE_LOSS`. ``cannot tell``: no interval, or one that
    holds it and is wider than `WIDEST_INTERVAL`.
    """
    if not np.isfinite([drop, low, high]).all():
        return "cannot tell"
    if high < REUSABLE_LOSS:
        return "reuse"
    if low > REUSABLE_LOSS:
        return "retrain"
    return "cannot tell" if high - low > WIDEST_INTERVAL else "fine-tune or retrain"


def _loss(drop: float, low: float, high: float, level: float) -> str:
    # + 0.0 turns the -0.0 of a rounded small gain into 0.0.
    points = [round(100 * x, 1) + 0.0 for x in (drop, low, high)]
    if points[0] < 0:
        points = [-points[0], -points[2], -points[1]]
        word = "gains"
    else:
        word = "loses"
    return f"{word} {points[0]:.1f} points of AUROC ({points[1]:.1f} to {points[2]:.1f}, {level:.0%} interval)"


def _way(key: Mapping[str, str]) -> tuple[str, str]:
    ends = ("source", "target")
    source, target = (_ASSAY.get(key[f"{end}_assay"], key[f"{end}_assay"]) or f"the {end}" for end in ends)
    return source, target + _ELSEWHERE.get(key["shift"], "")


def _said(model: str, key: Mapping[str, str], loss: tuple[float, float, float], level: float, n: int = 1) -> str:
    source, target = _way(key)
    who = f"A {model.replace(', ', ' or ')} model trained on {source}"
    mean = f", in the mean of {n} pairs" if n > 1 else ""
    if np.isfinite(loss).all():
        return f"{who} {_loss(*loss, level)} on {target}{mean}."
    return f"{who} and scored on {target} has no interval for its loss{mean}."


def _doubts(row: Mapping, health: Mapping[str, Mapping]) -> list[str]:
    """Why a drop says nothing about the shift; an empty list where it does.

    A library that is poor by its own held-out rows is judged again by what the pair's rows show: the source by what it
    reaches on the target, the target by its own model there, each beside the composition floor of the same rows. Where
    there is no floor, the held-out rows of the library stand.
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
            doubts.append(f"the {end} library hardly holds the factor's own motif")
    return doubts + [NOT_ABOVE_FLOOR] * (NOT_ABOVE_FLOOR in note)


def _is_poor(about: Mapping) -> bool:
    return str(about.get("verdict", "")).startswith("poor")


def _why(doubts: list[list[str]]) -> str:
    # What holds for every pair, else everything with its number of pairs.
    found = list(dict.fromkeys(doubt for of_pair in doubts for doubt in of_pair))
    common = [doubt for doubt in found if all(doubt in of_pair for of_pair in doubts)]
    if common:
        return common[0]
    return "; ".join(f"{doubt} ({sum(doubt in x for x in doubts)} of {len(doubts)} pairs)" for doubt in found)


def _of_tf(pairs: pd.DataFrame, health: Mapping[str, Mapping], key: Mapping[str, str], level: float) -> dict:
    tf, (source, target) = key["tf"], _way(key)
    about = pairs["source"].map(lambda name: health.get(name, {}))
    best = about.map(lambda of: of.get("model")).astype(object)
    chosen = pairs[pairs["model"] == best]
    line = {**key, "model": ", ".join(chosen["model"].unique()), "n": int(chosen["drop"].notna().sum())}
    if not line["n"]:
        notes = chosen["note"] if len(chosen) else about.map(lambda of: of.get("verdict"))
        if not len(chosen) and best.notna().any():  # a label for other TFs
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
    return line


def verdicts(transfer: pd.DataFrame, libraries: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """What to do, for each TF and direction, in a sentence that holds its uncertainty; then over the TFs.

    The model is the best on the source's own held-out rows (`libraries`), never chosen on the target.
    Several pairs of one TF are averaged, those of poor data left out where others remain.

    Parameters
    ----------
    transfer, libraries : DataFrame
        As made by `evaluation.evaluate` and `libraries.judge`.
    level : float

    Returns
    -------
    DataFrame
        `VERDICT_COLUMNS`. `verdict` is one of `classify`, or ``poor data``: the target-trained model is not
        above its composition floor, or a library is poor by its own held-out rows and the pair's rows do not show
        otherwise, so that the loss says nothing about the shift. Each sentence is about the rows of `transfer` that
        it speaks of. Rows over TFs have `EVERY_TF` as `tf`, leave TFs of poor data out (the other tables hold them) and
        stand where at least two remain; `n` counts pairs, or there TFs.
    """
    columns = ["model", "verdict", "auroc", "floor", "motif_auroc"]
    health = libraries.set_index("dataset").reindex(columns=columns).to_dict("index")
    keys = ["tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives"]
    # A TF with one dataset has rows of shift none: they say why there is no verdict.
    lines = [
        _of_tf(pairs, health, dict(zip(keys, key, strict=True)), level)
        for key, pairs in transfer.groupby(keys, sort=False)
    ]
    used = set(libraries["model"].dropna())
    sound = transfer[[not _doubts(row, health) for row in transfer.to_dict("records")]]
    over = ["shift", "source_assay", "target_assay", *GROUP]
    everyone = shifts(transfer, level).set_index(over)["n_tf"]
    for row in shifts(sound, level).to_dict("records"):
        if row["model"] in used and row["n_tf"] > 1:
            key = {name: row[name] for name in keys[1:]}
            loss = (row["drop"], row["low"], row["high"])
            line = key | dict(zip(("drop", "low", "high"), loss, strict=True))
            line |= {"tf": EVERY_TF, "n": row["n_tf"], "model": row["model"], "verdict": classify(*loss)}
            said = _said(row["model"], key, loss, level)
            line["sentence"] = f"{row['n_tf']} TFs: {line['verdict']}. {said} Wilcoxon p = {row['p_value']:.2g}"
            if row["p_minimum"] > 1 - level:
                # A drop of exactly zero has no sign: it counts as no TF.
                signed = "" if row["p_minimum"] == 2.0 ** (1 - row["n_tf"]) else " with a drop other than zero"
                line["sentence"] += f", and so few TFs{signed} cannot give less than {row['p_minimum']:.2g}"
            line["sentence"] += "."
            left_out = int(everyone[tuple(row[name] for name in over)] - row["n_tf"])
            if left_out:
                line["sentence"] += f" TFs left out for poor data: {left_out}."
            lines.append(line)
    return pd.DataFrame(lines, columns=VERDICT_COLUMNS)
