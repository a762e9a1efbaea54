"""The difference between two datasets of one TF."""

from collections.abc import Mapping

#: Differences between two datasets of one TF, the largest last.
SHIFTS = ("none", "replicate", "lab", "cell", "assay")


def shift(source: Mapping[str, str], target: Mapping[str, str]) -> str:
    """Find the largest difference between a source and a target.

    Parameters
    ----------
    source, target : mapping of str to str
        Their rows of the sheet. A column that is empty in one row and filled in the other counts as different, since it
        is not known whether they are the same.

    Returns
    -------
    str
        One of `SHIFTS`: `none` for a dataset and itself, `replicate` for two datasets of the same assay, cell and
        laboratory, also if no column differs.
    """
    if source["dataset"] == target["dataset"]:
        return SHIFTS[0]
    different = (name for name in SHIFTS[:1:-1] if source.get(name, "") != target.get(name, ""))
    return next(different, SHIFTS[1])


def rank(shift: str) -> int:
    """Place of a shift among `SHIFTS`, from 0; other words, from a table of scores, come after them."""
    return SHIFTS.index(shift) if shift in SHIFTS else len(SHIFTS)
