"""What two datasets of one TF differ in."""

from collections.abc import Mapping

#: What two datasets of one TF may differ in, the largest last.
SHIFTS = ("none", "replicate", "lab", "cell", "assay")


def shift(source: Mapping[str, str], target: Mapping[str, str]) -> str:
    """The largest difference between two rows of the sheet: one of `SHIFTS`.

    Two datasets that differ in no column are replicates. An empty column differs from a filled one: that they
    are the same is not known.
    """
    if source["dataset"] == target["dataset"]:
        return SHIFTS[0]
    different = (name for name in SHIFTS[:1:-1] if source.get(name, "") != target.get(name, ""))
    return next(different, SHIFTS[1])


def rank(shift: str) -> int:
    """Place of a shift among `SHIFTS`; words of a table of scores come after them."""
    return SHIFTS.index(shift) if shift in SHIFTS else len(SHIFTS)
