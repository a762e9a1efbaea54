"""The ladder: the same model on its own held-out data, another replicate, laboratory, cell and assay.

Each rung has two differences. The *drop* is paired: it compares with the target-trained model on the same test
sequences. The *loss* compares with the AUROC of the source model on its own held-out sequences, as tables of one
within-sample and several out-of-sample tests do. It needs no target-trained model, but includes that one test set may
be harder than another.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from tfbind.io.columns import KEY, NEGATIVES
from tfbind.statistics.over_tfs import EVERY_TF, mean_over_tfs, within_tf
from tfbind.study.shifts import SHIFTS
from tfbind.transfer.summary import GROUP

LADDER_COLUMNS = [
    *("tf", "source_assay", *GROUP, "rung", "target_assay", "n_tf", "n_pair", "own", "auroc", "low", "high"),
    *("target_trained", "drop", "drop_low", "drop_high", "loss", "loss_low", "loss_high"),
    *("n_positive", "n_negative", "note"),
]
_PAIR = [*KEY, *NEGATIVES]
#: What identifies a line of the ladder, together with its TF.
_RUNG = ["source_assay", *GROUP, "shift", "target_assay"]
#: The columns of each value's interval.
_INTERVALS = {"auroc": ("low", "high"), "drop": ("drop_low", "drop_high"), "loss": ("loss_low", "loss_high")}


def pairs(metrics: pd.DataFrame, transfer: pd.DataFrame) -> pd.DataFrame:
    """Drop and loss of each source, target and model, with the source's own AUROC.

    Parameters
    ----------
    metrics, transfer : DataFrame
        From `evaluate.evaluate`, all TFs; extra pairs of two TFs are left out.

    Returns
    -------
    DataFrame
        One row for each pair with an AUROC: `KEY`, `NEGATIVES` and the numbers of `LADDER_COLUMNS`. NaN marks a drop
        that was not estimable, and the loss of a dataset on itself. The interval of the loss combines those of two
        independent AUROCs (Newcombe 1998); in fact both share their seeds, so it is rather too wide.
    """
    cells = metrics[(metrics["seed"].astype(str) == "ensemble") & (metrics["metric"] == "auroc")]
    cells = within_tf(cells[cells["value"].notna()]).rename(columns={"value": "auroc"})
    on_itself = cells.loc[cells["comparison"] == "same", ["source", *NEGATIVES, "auroc", "low", "high"]]
    on_itself = on_itself.rename(columns={"auroc": "own", "low": "own_low", "high": "own_high"})
    drops = transfer.rename(columns={"same": "target_trained", "low": "drop_low", "high": "drop_high"})
    drops = drops[["source", "target", *NEGATIVES, "target_trained", "drop", "drop_low", "drop_high"]]
    table = cells[[*_PAIR, "auroc", "low", "high", "n_positive", "n_negative"]]
    table = table.merge(on_itself, how="left", on=["source", *NEGATIVES])
    table = table.merge(drops[drops["drop"].notna()], how="left", on=["source", "target", *NEGATIVES])
    table["loss"] = table["own"] - table["auroc"]
    below = np.hypot(table["own"] - table["own_low"], table["high"] - table["auroc"])
    above = np.hypot(table["own_high"] - table["own"], table["auroc"] - table["low"])
    table["loss_low"], table["loss_high"] = table["loss"] - below, table["loss"] + above
    table.loc[table["shift"] == SHIFTS[0], ["loss", "loss_low", "loss_high"]] = np.nan
    return table


def rungs(found: pd.Series) -> list[str]:
    """The rungs in order, from the dataset itself on.

    Parameters
    ----------
    found : Series of str
        The shifts of all pairs.

    Returns
    -------
    list of str
        All of `SHIFTS`; where a table of scores has other words, ``none`` and then its words in order of appearance.
    """
    words = list(dict.fromkeys([SHIFTS[0], *found]))
    return list(SHIFTS) if set(words) <= set(SHIFTS) else sorted(words, key=lambda word: word != SHIFTS[0])


def _mean(rows: pd.DataFrame, value: str, level: float) -> tuple[float, float, float]:
    low, high = _INTERVALS[value]
    frame = rows[["tf"]].assign(drop=rows[value], same=np.nan, cross=np.nan, low=rows[low], high=rows[high])
    mean = mean_over_tfs(frame, level)
    return tuple(mean.get(name, np.nan) for name in ("drop", "low", "high"))


def _over_tfs(rows: pd.DataFrame, level: float) -> dict:
    line = {"n_tf": rows["tf"].nunique(), "n_pair": len(rows)}
    line |= rows.groupby("tf")[["own", "target_trained"]].mean().mean().to_dict()
    line |= rows[["n_positive", "n_negative"]].sum().to_dict()
    for value, interval in _INTERVALS.items():
        line |= dict(zip((value, *interval), _mean(rows, value, level), strict=True))
    return line


def _of_each_tf(table: pd.DataFrame) -> dict[tuple, dict]:
    """The lines that `_over_tfs` would give for each (TF, *`_RUNG`); for one TF they are plain means, made at once."""
    keys = ["tf", *_RUNG]
    groups = table.groupby(keys, sort=False)
    parts = [groups.size().rename("n_pair"), groups[["own", "target_trained"]].mean()]
    parts.append(groups[["n_positive", "n_negative"]].sum())
    for value, interval in _INTERVALS.items():
        known = table[table[value].notna()]
        parts.append(known.groupby(keys, sort=False)[[value, *interval]].mean())
    lines = pd.concat(parts, axis=1)
    return {key: {"n_tf": 1} | line for key, line in zip(lines.index, lines.to_dict("records"), strict=True)}


def ladder(metrics: pd.DataFrame, transfer: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Every rung of every TF and model, then the means over TFs.

    Parameters
    ----------
    metrics, transfer : DataFrame
        From `evaluate.evaluate`, all TFs.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `LADDER_COLUMNS`. `own` is the AUROC of the source models on their own held-out sequences, `auroc` (with `low`,
        `high`) that on the rung's targets, `target_trained` that of models trained on these targets. Several pairs of
        one TF are averaged first, then TFs as in `over_tfs.mean_over_tfs`; rows over TFs have `EVERY_TF` as `tf` and
        exist with two TFs or more. Test sequences are counted once per pair. A rung that a TF lacks has a row whose
        `note` says so.
    """
    table = pairs(metrics, transfer)
    order = rungs(table["shift"])
    of_each = _of_each_tf(table)
    lines = [
        line
        for tf, rows in table.groupby("tf", sort=False)
        for line in _of(tf, rows, order, lambda key, _, tf=tf: of_each[tf, *key])
    ]
    if table["tf"].nunique() > 1:
        lines += _of(EVERY_TF, table, order, lambda _, rows: _over_tfs(rows, level))
    found = pd.DataFrame(lines, columns=LADDER_COLUMNS)
    share = ["auroc", *_INTERVALS["auroc"]]
    found[share] = found[share].astype(float).clip(0, 1)
    return found


def _of(tf: str, table: pd.DataFrame, order: list[str], told: Callable[[tuple, pd.DataFrame], dict]) -> Iterator[dict]:
    for key, rows in table.groupby(["source_assay", *GROUP], sort=False):
        about = {"tf": tf} | dict(zip(["source_assay", *GROUP], key, strict=True))
        for rung in order:
            here = rows[rows["shift"] == rung]
            if here.empty:
                what = (
                    "no model was scored on its own held-out rows" if rung == SHIFTS[0] else "no such pair of datasets"
                )
                yield about | {"rung": rung, "n_tf": 0, "n_pair": 0, "note": what}
            for target_assay, some in here.groupby("target_assay", sort=False) if len(here) else ():
                note = "no target-trained model on the same rows" if some["drop"].isna().all() else ""
                yield (
                    about
                    | {"rung": rung, "target_assay": target_assay, "note": note * (rung != SHIFTS[0])}
                    | told((*key, rung, target_assay), some)
                )
