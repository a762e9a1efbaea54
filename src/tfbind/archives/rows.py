"""A row of a sheet as an archive gives it, and what could not be read."""

import re
from dataclasses import dataclass, field

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
Row = dict[str, str]


@dataclass
class Found:
    """Rows of a sheet, and what could not become one.

    Attributes
    ----------
    rows : list of dict
        Column -> text; columns that are not there are empty.
    unread : list of (str, str)
        What it is (an accession, a file name, a TF) and why it gives no row.
    remarks : list of str
        What to know of the whole.
    """

    rows: list[Row] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def __add__(self, other: "Found") -> "Found":
        return Found(self.rows + other.rows, self.unread + other.unread, self.remarks + other.remarks)


def dataset(*words: str) -> str:
    """An id of a dataset from words; a long one is cut before its last word, which tells it from others."""
    *first, last = [re.sub(r"[^A-Za-z0-9.-]+", "-", word).strip("-") for word in words if word]
    return f"{'_'.join(first)[: 63 - len(last)]}_{last}".strip("_")
