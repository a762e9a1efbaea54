"""A file of the user's, what it is taken for, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tfbind.proposal import names
from tfbind.proposal.recognise import Look

#: What stands where nothing is known; `tfbind validate` names each.
OPEN = "?"


class Answers(NamedTuple):
    """What the command line says: name of a file -> value; '' for all files that leave it open.

    Attributes
    ----------
    tf, assay, genome : dict of str to str
    """

    tf: Mapping[str, str] = {}
    assay: Mapping[str, str] = {}
    genome: Mapping[str, str] = {}


@dataclass
class Item:
    """A file, what it is taken for, and why.

    Attributes
    ----------
    look : Look
    said : names.Said
    shown : str
        Its path as the sheet will name it.
    row : dict of str to str
        Its row of the sheet; empty where it has none.
    use : str
        What becomes of a file without a row.
    why : dict of str to str
        Column -> the reason of its value.
    asked : dict of str to str
        Column -> what the user has to say.
    notes : list of str
    inside : list of str
        Assemblies that hold its peaks, where no genome is given.
    """

    look: Look
    said: names.Said
    shown: str
    row: dict[str, str] = field(default_factory=dict)
    use: str = ""
    why: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def drop(self, use: str) -> None:
        """Take its row away, and say what becomes of the file."""
        self.row, self.why, self.asked, self.notes, self.use = {}, {}, {}, [], use

    def put(self, column: str, value: str, why: str) -> None:
        """Fill a column of its row.

        Parameters
        ----------
        column, value : str
        why : str
            The reason.
        """
        self.row[column], self.why[column] = value, why
        self.asked.pop(column, None)

    def ask(self, column: str, question: str) -> None:
        """Leave a column of its row open.

        Parameters
        ----------
        column : str
        question : str
            What the user has to say, and how.
        """
        self.row[column], self.asked[column] = OPEN, question
        self.why.pop(column, None)


def answer(given: Mapping[str, str], item: Item) -> tuple[str, bool]:
    """What the command line says of a file.

    Parameters
    ----------
    given : mapping of str to str
        One of `Answers`.
    item : Item

    Returns
    -------
    value : str
        '' for nothing.
    named : bool
        Whether it was said of this file alone.
    """
    path = item.look.path
    for key in (str(path), path.name):
        if key in given:
            return given[key], True
    return given.get("", ""), False
