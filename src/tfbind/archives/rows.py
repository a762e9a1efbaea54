"""Rows of a sheet from an archive, and the items that could not become rows."""

import re
from dataclasses import dataclass, field

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
Row = dict[str, str]


@dataclass
class Found:
    """Rows of a sheet, and the items that could not become rows.

    Attributes
    ----------
    rows : list of dict
        Column -> text; columns that are missing are empty.
    unread : list of (str, str)
        An item (an accession, a file name, a TF) and the reason why it gives no row.
    remarks : list of str
        Remarks on the rows as a whole.
    """

    rows: list[Row] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __add__(self, other: "Found") -> "Found":
        return Found(self.rows + other.rows, self.unread + other.unread, self.remarks + other.remarks)


def dataset(*words: str) -> str:
    """Make the id of a dataset from words, at most 64 characters; words before the last, unique one are cut."""
    *first, last = [re.sub(r"[^A-Za-z0-9.-]+", "-", word).strip("-") for word in words if word]
    return f"{'_'.join(first)[: 63 - len(last)]}_{last}".strip("_")
