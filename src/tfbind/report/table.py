"""Tables of the page: columns, menus, downloads."""

import base64
import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import pandas as pd

from tfbind.report import wording

#: The most rows that the page shows of a table (a download has all), and the most bytes of an uncompressed download.
LONGEST, HEAVIEST = 200, 40_000
#: Where a study has more TFs than this, the matrix starts with the first TF alone.
MANY = 2


@dataclass(frozen=True)
class Column:
    """A column of a shown table.

    Attributes
    ----------
    heading : str
    cell : callable
        From a row (column -> value) to its cell: text, or a verdict as `wording.badge` returns it.
    number : bool
        Whether the cells are numbers, which are aligned on the right.
    shared : bool
        Whether the caption says a word that all rows share, in place of the column.
    """

    heading: str
    cell: Callable[[dict], object]
    number: bool = False
    shared: bool = False


#: The negatives of a row: a column where a study has several kinds.
NEGATIVES = Column("Negatives", wording.against, shared=True)


def ensembles(metrics: pd.DataFrame) -> pd.DataFrame:
    """The metrics of the ensembles: those that the page shows.

    Parameters
    ----------
    metrics : DataFrame
        `columns.METRIC_COLUMNS`; `seed` is a number or ``ensemble``.

    Returns
    -------
    DataFrame
        The rows of the ensembles, with all columns and their index.
    """
    return metrics[metrics["seed"].astype(str) == "ensemble"]


def download(frame: pd.DataFrame, name: str) -> dict[str, str]:
    """A table as a link that holds the file.

    Parameters
    ----------
    frame : DataFrame
        Written as TSV without its index: six significant digits, missing cells empty; gzipped above `HEAVIEST` bytes.
    name : str
        File name without suffix.

    Returns
    -------
    dict
        `name`, with the suffix ``.tsv`` or ``.tsv.gz``, and `href`, a ``data:`` URL.
    """
    data = frame.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n").encode()
    kind, suffix = "text/tab-separated-values;charset=utf-8", ".tsv"
    if len(data) > HEAVIEST:
        data, kind, suffix = gzip.compress(data, mtime=0), "application/gzip", ".tsv.gz"
    return link(data, name + suffix, kind)


def link(data: bytes, name: str, kind: str) -> dict[str, str]:
    """A link that holds its file.

    Parameters
    ----------
    data : bytes
        The content of the file.
    name : str
        File name with suffix.
    kind : str
        Media type, as in ``application/gzip``.

    Returns
    -------
    dict
        `name` and `href`, a ``data:`` URL in base64.
    """
    return {"name": name, "href": f"data:{kind};base64,{base64.b64encode(data).decode()}"}


def shown(
    frame: pd.DataFrame,
    columns: list[Column],
    *,
    caption: str,
    name: str,
    empty: str,
    raw: pd.DataFrame | None = None,
    choose: tuple[str, ...] = (),
) -> dict:
    """A table as the template's macro `table` takes it: what a reader compares; the rest is in its download.

    A column without any value is left out, and one that is `shared` where its rows are all alike. The notes of the rows
    (column `note`) stand below the table, each once.

    Parameters
    ----------
    frame : DataFrame
        Its first `LONGEST` rows are shown.
    columns : list of Column
        What is shown of each row, from left to right.
    caption : str
    name : str
        File name of the download, without suffix.
    empty : str
        A sentence to show instead where `frame` has no rows.
    raw : DataFrame, optional
        What is downloaded; `frame` by default.
    choose : tuple of str
        Headings by which a reader may filter the rows. Their cells are text.

    Returns
    -------
    dict
        `columns`, `caption`, `empty`; `rows`, a list of cells each; `cut`, a sentence where rows are left out, else
        empty; `link` (see `download`); `menus` (see `filter_menus`); `marks`, for each row the positions of its cells
        in the words of the menus; `notes`, pairs of a letter and a note, and `noted`, the letter of each row or an
        empty text.

    Raises
    ------
    ValueError
        A heading of `choose` is not one of `columns`.
    """
    rows = [[column.cell(row) for column in columns] for row in frame.head(LONGEST).to_dict("records")]
    headings = [column.heading for column in columns]
    chosen = [headings.index(heading) for heading in choose]
    kept = []
    for place, column in enumerate(columns):
        cells = [row[place] for row in rows]
        if rows and place and column.shared and all(cell == cells[0] for cell in cells):
            caption += f"; {column.heading.lower()}: {cells[0]}" if cells[0] != wording.MISSING else ""
        elif not rows or not place or any(cell not in ("", wording.MISSING) for cell in cells):
            kept.append(place)
    chosen = [place for place in chosen if place in kept]
    menus = filter_menus({headings[place]: [row[place] for row in rows] for place in chosen})
    marks = [[menu["words"].index(row[place]) for menu, place in zip(menus, chosen, strict=True)] for row in rows]
    notes, noted = _notes(frame.head(LONGEST))
    return {
        "columns": [columns[place] for place in kept],
        "rows": [[row[place] for place in kept] for row in rows],
        "caption": caption,
        "cut": f"The first {LONGEST} of {len(frame)} rows; the download has all." if len(frame) > LONGEST else "",
        "empty": empty,
        "link": download(frame if raw is None else raw, name),
        "menus": menus,
        "marks": marks,
        "notes": notes,
        "noted": noted,
    }


def _notes(frame: pd.DataFrame) -> tuple[list[tuple[str, str]], list[str]]:
    """Each note of a table with its letter, and the letter of each row."""
    said = [wording.word(note) for note in frame["note"]] if "note" in frame else [wording.MISSING] * len(frame)
    letters: dict[str, str] = {}
    for note in said:
        if note != wording.MISSING:
            letters.setdefault(note, letter(len(letters)))
    return [(mark, note) for note, mark in letters.items()], [letters.get(note, "") for note in said]


def letter(index: int) -> str:
    """The mark of a footnote: a to z, then 26 and so on."""
    return chr(ord("a") + index) if index < 26 else str(index)


def filter_menus(words: Mapping[str, Iterable[str]], first: bool = False) -> list[dict]:
    """A menu for each heading, from which a reader chooses one word or all.

    Parameters
    ----------
    words : mapping of str to iterable of str
        Heading -> the words of its column, which may repeat.
    first : bool
        Whether the first menu starts at its first word. Every other menu starts at "all".

    Returns
    -------
    list of dict
        `name`, the heading; `words`, each once, in the order given; `chosen`, position of the word chosen at the
        start, None for all.
    """
    menus = [{"name": name, "words": list(dict.fromkeys(some)), "chosen": None} for name, some in words.items()]
    if first:
        menus[0]["chosen"] = 0
    return menus


def rules(regions: Iterable[list[dict]]) -> list[int]:
    """The most words that any region's n-th menu has, for each n: so many rules does the style sheet need for it."""
    sizes = ([len(menu["words"]) for menu in menus] for menus in regions)
    return [max(column) for column in zip_longest(*sizes, fillvalue=0)]
