"""Numbers and names as the page prints them."""

import re
from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup, escape

from tfbind.assays import printed
from tfbind.statistics.over_tfs import EVERY_TF

#: How a verdict begins -> (style, sign); the sign and the word carry the meaning without the colour.
VERDICTS = {
    "reuse": ("reuse", "●"),
    "good": ("reuse", "●"),
    "fine-tune": ("tune", "◐"),
    "weak": ("tune", "◐"),
    "retrain": ("retrain", "○"),
    "cannot tell": ("unsure", "?"),
    "poor": ("poor", "×"),
}
#: The libraries whose version can change a number.
LIBRARIES = (
    *("numpy", "pandas", "scipy", "scikit-learn", "numba", "torch", "pytorch-lightning", "safetensors"),
    *("pyfaidx", "pysam", "pybedtools", "pyjaspar", "matplotlib", "snakemake"),
)
MISSING = "–"


def auroc(value: float) -> str:
    """An AUROC with three decimals, as in 0.957; NaN is `MISSING`."""
    return MISSING if pd.isna(value) else f"{value:.3f}"


def points(value: float) -> str:
    """A difference of AUROCs (0.048) in points (4.8), with a true minus sign; NaN is `MISSING`."""
    if pd.isna(value):
        return MISSING
    text = f"{100 * value:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def drop(value: float, low: float, high: float) -> str:
    """A drop with its interval, as in `4.8 points (3.1 to 6.4)`.

    Parameters
    ----------
    value : float
        A fraction of 1, as in 0.048.
    low, high : float
        Ends of its interval, fractions of 1. If either is NaN, the text says "no interval".

    Returns
    -------
    str
        `MISSING` where `value` is NaN.
    """
    if pd.isna(value):
        return MISSING
    interval = "no interval" if pd.isna(low) or pd.isna(high) else f"{points(low)} to {points(high)}"
    return f"{points(value)} points ({interval})"


def in_points(value: float, low: float, high: float) -> str:
    """A drop with its interval in a column of points, as in `4.8 (3.1 to 6.4)`.

    Parameters
    ----------
    value, low, high : float
        Fractions of 1. Where `low` or `high` is NaN the value stands alone.

    Returns
    -------
    str
        `MISSING` where `value` is NaN.
    """
    if pd.isna(value) or pd.isna(low) or pd.isna(high):
        return points(value)
    return f"{points(value)} ({points(low)} to {points(high)})"


def tested(row: Mapping, name: str = "p_value") -> str:
    """A p-value over TFs, marked with an asterisk where so few TFs cannot give a smaller one.

    Parameters
    ----------
    row : mapping
        `n_tf`, `p_value`, `p_minimum`.
    name : str
        The p-value to print.

    Returns
    -------
    str
        `MISSING` of one TF, which has no test over TFs.
    """
    if row["n_tf"] < 2:
        return MISSING
    least = row["p_minimum"] > 0.05 and row["p_value"] == row["p_minimum"]
    return p_value(row[name]) + ("*" if least else "")


def p_value(value: float) -> str:
    """A p-value: two decimals, three below 0.1, and `< 0.001` for what is smaller; NaN is `MISSING`."""
    if pd.isna(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def count(value: float) -> str:
    """A count with narrow spaces between the thousands; NaN is `MISSING`."""
    return MISSING if pd.isna(value) else f"{int(value):,}".replace(",", "\u202f")


def word(value: object) -> str:
    """A text cell; a missing or empty one is `MISSING`."""
    return MISSING if pd.isna(value) or value == "" else str(value)


def assay(value: object) -> str:
    """An assay as it is written in a paper; one that is not known as it is."""
    return printed(word(value))


def against(row: Mapping) -> str:
    """The negatives of a row: one name where training and test have the same kind, else both names."""
    train, test = word(row["train_negatives"]), word(row["test_negatives"])
    return test if train == test else f"{train} in training, {test} in test"


def estimate(value: float, low: float, high: float) -> str:
    """An AUROC with its interval, as in `0.957 (0.940 to 0.970)`.

    Parameters
    ----------
    value : float
        NaN is shown as `MISSING`.
    low, high : float
        Ends of the interval. If either is NaN, the AUROC stands alone.

    Returns
    -------
    str
    """
    interval = "" if pd.isna(low) or pd.isna(high) else f" ({auroc(low)} to {auroc(high)})"
    return auroc(value) + interval


def end(row: Mapping, end: str) -> str:
    """The source or target of a row: its dataset, or its assay in a row over all TFs.

    Parameters
    ----------
    row : mapping
        `tf`, and for the chosen end the dataset (as `source`) and the assay (as `source_assay`).
    end : {"source", "target"}

    Returns
    -------
    str
        `MISSING` where the row names none.
    """
    return assay(row[f"{end}_assay"]) if row["tf"] == EVERY_TF else word(row[end])


def percent(share: float) -> str:
    """A share in per cent, without decimals; NaN is `MISSING`."""
    return MISSING if pd.isna(share) else f"{100 * share:.0f} %".replace("-", "−")


def with_interval(value: float, low: float, high: float) -> str:
    """An AUROC, or an auPRC, with its interval, as in `0.600 (0.500 to 0.700)`.

    Parameters
    ----------
    value : float
        NaN is shown as `MISSING`, without an interval.
    low, high : float
        Ends of the interval. If `low` is NaN, the value stands alone.

    Returns
    -------
    str
    """
    if pd.isna(value) or pd.isna(low):
        return auroc(value)
    return f"{auroc(value)} ({auroc(low)} to {auroc(high)})"


def badge(verdict: object) -> dict[str, str]:
    """How a verdict is shown: `style`, `sign` and `word`, and as `text` what follows its first colon."""
    said, _, text = word(verdict).partition(": ")
    style, sign = next((look for start, look in VERDICTS.items() if said.startswith(start)), ("unsure", "?"))
    return {"style": style, "sign": sign, "word": said, "text": text}


def breakable(name: str) -> Markup:
    """A dataset's name, escaped, that may break after an underscore, a dash or a dot."""
    return Markup(re.sub(r"(?<=[_.-])(?=.)", "<wbr>", str(escape(name))))
