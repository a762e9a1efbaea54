"""What to do next after a verdict, and why: a few rules, each with the numbers of this study that it reads.

Sample sizes are planned for `SHARE` of the studies that follow the advice, assuming that the new TFs or test rows are
like those at hand and that the mean drop stays what it is.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy import special

from tfbind.assays import form
from tfbind.statistics.over_tfs import EVERY_TF
from tfbind.transfer.verdicts import REUSABLE_LOSS, WIDEST_INTERVAL

DIRECTION = ["tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives"]
GUIDANCE_COLUMNS = [*DIRECTION, "model", "rule", "n_more", "sentence"]
#: In this share of studies the interval becomes as narrow as was asked for, or narrower.
SHARE = 0.8
#: More TFs, or more times the test rows, than these are not advised.
MOST_TFS, MOST_TIMES = 200, 16
#: The interval of a pair is planned for rows this much less telling than they look, for `SHARE` of studies.
MARGIN = 1.1
#: A selection is seldom carried on beyond this cycle.
LAST_CYCLE = 5


def tfs_needed(half: float, n: int, wanted: float, level: float = 0.95, share: float = SHARE) -> int | None:
    """How many TFs a study needs in all for an interval over TFs of a wanted width.

    The sum of squares of m TFs, of which n are known, is that of the n plus what the new ones add; its ratio to the
    known sum follows from the F distribution with m - n and n - 1 degrees of freedom. Its quantile `share` gives the
    width that is not exceeded.

    Parameters
    ----------
    half : float
        Half the width of the present interval, from Student's t over `n` TFs.
    n : int
        At least 2.
    wanted : float
        Half the width that is wanted, in the same unit.
    level : float
        Of the interval.
    share : float
        Share of studies in which the new interval is to be as narrow.

    Returns
    -------
    int or None
        At least n + 1. None where more than `MOST_TFS` would be needed.
    """
    tail = (1 + level) / 2
    variance = n * (half / special.stdtrit(n - 1, tail)) ** 2
    m = np.arange(n + 1, MOST_TFS + 1)
    grown = (n - 1 + (m - n) * special.fdtri(m - n, n - 1, share)) / (m - 1)
    enough = special.stdtrit(m - 1, tail) * np.sqrt(variance * grown / m) <= wanted
    return int(m[enough][0]) if enough.any() else None


def rows_needed(half: float, n: int, wanted: float) -> int | None:
    """How many test rows a target needs in all for an interval of one pair of a wanted width.

    The variance of a drop over test rows falls as one over their number. The variance of the training seeds does not,
    so where seeds matter this is the least number.

    Parameters
    ----------
    half, wanted : float
        Half the width of the present and of the wanted interval.
    n : int
        Present number of test rows.

    Returns
    -------
    int or None
        None where more than `MOST_TIMES` as many would be needed.
    """
    times = (MARGIN * half / wanted) ** 2
    return None if times > MOST_TIMES else int(np.ceil(round(n * times, 6)))


def guidance(
    verdicts: pd.DataFrame,
    transfer: pd.DataFrame,
    libraries: pd.DataFrame,
    calibration: pd.DataFrame,
    level: float = 0.95,
) -> pd.DataFrame:
    """Advice on each verdict, one row for each rule that applies.

    Parameters
    ----------
    verdicts : DataFrame
        `verdicts.VERDICT_COLUMNS`.
    transfer : DataFrame
        `columns.TRANSFER_COLUMNS`, all TFs.
    libraries : DataFrame
        From `library_qc.judge`; `dataset, assay, cycle, series, verdict` are used where present.
    calibration : DataFrame
        `calibration.CALIBRATION_COLUMNS`, all TFs.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        `GUIDANCE_COLUMNS`. `rule` is ``library`` (a poor dataset: what to measure instead), ``tfs`` or ``rows`` (how
        many more would narrow the interval), or ``probabilities`` (how many labelled target examples make the scores
        probabilities). `n_more` is the number of TFs, test rows or examples; NaN where the rule has none.
    """
    about = libraries.set_index("dataset").reindex(columns=["assay", "cycle", "series", "verdict"]).to_dict("index")
    pairs = dict(iter(transfer.groupby(DIRECTION, sort=False)))
    calibrated = dict(iter(calibration.groupby(DIRECTION, sort=False)))
    lines = []
    for row in verdicts.to_dict("records"):
        key = tuple(row[name] for name in DIRECTION)
        models = str(row["model"]).split(", ")
        found = [_size(row, pairs.get(key), models, level)]
        if row["tf"] != EVERY_TF:
            found += [_library(name, about) for name in _poor(row, pairs.get(key), about)]
            found += [_probabilities(calibrated.get(key), models)] if row["verdict"] != "poor data" else []
        head = {name: row[name] for name in [*DIRECTION, "model"]}
        lines += [head | dict(zip(("rule", "n_more", "sentence"), one, strict=True)) for one in found if one]
    return pd.DataFrame(lines, columns=GUIDANCE_COLUMNS)


def _poor(row: Mapping, pairs: pd.DataFrame | None, about: Mapping[str, Mapping]) -> list[str]:
    """The poor datasets of a verdict that their lack of quality decided."""
    if row["verdict"] != "poor data" or pairs is None:
        return []
    names = dict.fromkeys([*pairs["source"], *pairs["target"]])
    return [name for name in names if str(about.get(name, {}).get("verdict", "")).startswith("poor")]


def _library(name: str, about: Mapping[str, Mapping]) -> tuple[str, float, str]:
    row = about[name]
    series = "" if pd.isna(row["series"]) else str(row["series"])
    cycle = pd.to_numeric(row["cycle"], errors="coerce")
    if series.startswith(("swapped", "another library", "the same reads")):
        advice = f"check the labels of its cycles, which are not in order ({series.partition(';')[0]})"
    elif form(row["assay"]) != "reads":
        advice = "take another replicate, or peaks with a stricter threshold"
    elif series.startswith("not selected"):
        advice = "its cycles show no selection, so repeat the experiment"
    elif pd.notna(cycle) and cycle >= LAST_CYCLE:
        advice = f"cycle {cycle:.0f} is late already, so repeat the experiment"
    elif pd.notna(cycle):
        return (
            "library",
            cycle + 1,
            f"The library {name} is poor: sequence cycle {cycle + 1:.0f}, where more should be bound.",
        )
    else:
        advice = "sequence a later cycle"
    return "library", np.nan, f"The dataset {name} is poor: {advice}."


def _size(row: Mapping, pairs: pd.DataFrame | None, models: list[str], level: float) -> tuple[str, float, str] | None:
    """How many TFs or test rows would narrow an interval that decides too little."""
    half = (row["high"] - row["low"]) / 2
    if row["verdict"] not in ("cannot tell", "fine-tune or retrain") or not np.isfinite(half):
        return None
    if row["verdict"] == "cannot tell":
        wanted, goal = WIDEST_INTERVAL / 2, f"an interval of at most {100 * WIDEST_INTERVAL:.0f} points"
    else:
        wanted = abs(row["drop"] - REUSABLE_LOSS)
        goal = f"an interval without {100 * REUSABLE_LOSS:.0f} points, if the mean stays {100 * row['drop']:.1f}"
    said = f"The interval is {200 * half:.1f} points wide: "
    if row["tf"] == EVERY_TF:
        n = int(row["n"])
        total = tfs_needed(half, n, wanted, level) if wanted else None
        if total is None:
            return "tfs", np.nan, f"{said}more than {MOST_TFS} TFs would be needed for {goal}."
        more = f"{total - n} more TF{'s' * (total - n > 1)} give"
        return "tfs", total - n, f"{said}{more} {goal}, in at least {SHARE:.0%} of such studies."
    used = None if pairs is None else pairs[pairs["model"].isin(models) & pairs["drop"].notna()]
    if used is None or used.empty:
        return None
    n = int((used["n_positive"] + used["n_negative"]).mean())
    if row["verdict"] != "cannot tell":  # the side that reaches over the limit has to shrink; sides differ in length
        half = row["drop"] - row["low"] if row["drop"] > REUSABLE_LOSS else row["high"] - row["drop"]
    total = rows_needed(half, n, wanted) if wanted else None
    if total is None:
        advice = f"more than {MOST_TIMES} times the {n} test rows would be needed for {goal}; fine-tune instead."
        return "rows", np.nan, said + advice
    return "rows", total - n, f"{said}at least {total - n} more test rows (now {n}) give {goal}."


def _probabilities(rows: pd.DataFrame | None, models: list[str]) -> tuple[str, float, str] | None:
    """How many target examples bring the calibration error down to what chance gives."""
    if rows is None:
        return None
    rows = rows[rows["model"].isin(models)]
    columns = ["ece", "ece_chance_high"]
    steps = rows.groupby(["adaptation", "n_target"])[columns].mean().dropna()
    if ("none", 0) not in steps.index:
        return None
    before = steps.loc[("none", 0)]
    if before["ece"] <= before["ece_chance_high"]:
        return None
    fitted = steps[steps.index.get_level_values("n_target") > 0].sort_index(level="n_target", sort_remaining=False)
    said = f"Its scores are not probabilities on the target (calibration error {before['ece']:.2f})"
    enough = fitted[fitted["ece"] <= fitted["ece_chance_high"]]
    if enough.empty:
        if fitted.empty:
            return None
        (name, n), best = fitted["ece"].idxmin(), fitted["ece"].min()
        least = fitted.loc[(name, n), "ece_chance_high"]
        said += f": {name} from {n} labelled examples brings it to {best:.2f}, perfect ones have up to {least:.2f}."
        return "probabilities", np.nan, said + " Use them as ranks." * int(best > before["ece"] / 2)
    (name, n), error = enough.index[0], enough["ece"].iloc[0]
    chance = enough["ece_chance_high"].iloc[0]
    said += f": {n} labelled examples mend them, by {name} ({error:.2f}; perfect ones have up to {chance:.2f})."
    return "probabilities", n, said
