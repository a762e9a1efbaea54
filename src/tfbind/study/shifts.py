"""The difference between two datasets of one TF."""

from collections.abc import Mapping

from tfbind.assays import form

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


def are_designs(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two rows are two array designs of one experiment: then each is the test set of the other.

    Parameters
    ----------
    one, other : mapping of str to str
        Their rows of the sheet.

    Returns
    -------
    bool
        True where both have intensities and a design, and differ in it, not in TF, assay, cell and laboratory.
    """
    designs = one.get("design", ""), other.get("design", "")
    if not all(designs) or designs[0] == designs[1]:
        return False
    alike = all(one[key] == other[key] for key in ("tf", "assay", "cell", "lab"))
    return alike and form(one["assay"]) == "intensities"


def is_tested_on(source: Mapping[str, str], target: Mapping[str, str]) -> bool:
    """Whether a target is tested on the probes that a source is trained on, so that it is no target of it.

    Parameters
    ----------
    source, target : mapping of str to str
        Their rows of the sheet; `test_design` is the design of the probes that test a row, where a row of the sheet
        gave them (`sheet.other_design`).

    Returns
    -------
    bool
        True for two designs of one experiment, and, of whatever TF and laboratory, where the source has intensities of
        the design that tests the target.
    """
    design = source.get("design", "")
    own = bool(design) and form(source["assay"]) == "intensities" and target.get("test_design", "") == design
    return own or are_designs(source, target)


def rank(shift: str) -> int:
    """Place of a shift among `SHIFTS`, from 0; other words, from a table of scores, come after them."""
    return SHIFTS.index(shift) if shift in SHIFTS else len(SHIFTS)
