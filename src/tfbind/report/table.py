"""Tables of the page: columns, menus, downloads."""

import base64
import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import pandas as pd

#: Tables longer than this are cut on the page (never in the download), larger downloads are compressed.
LONGEST, HEAVIEST = 1500, 100_000
#: More TFs than that are not shown all at once.
MANY = 4


@dataclass(frozen=True)
class Column:
    """A column of a shown table: heading, cells from a row, and whether the cells are numbers."""

    heading: str
    cell: Callable[[dict], object]
    number: bool = False


def ensembles(metrics: pd.DataFrame) -> pd.DataFrame:
    """The metrics that the page shows: those of the ensembles."""
    return metrics[metrics["seed"].astype(str) == "ensemble"]


def download(frame: pd.DataFrame, name: str) -> dict[str, str]:
    """A table as a `data:` link.

    Parameters
    ----------
    frame : DataFrame
        Written as TSV with six significant digits, missing cells empty; compressed above `HEAVIEST` bytes.
    name : str
        File name without suffix.

    Returns
    -------
    dict
        `name` (with suffix) and `href`.
    """
    data = frame.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n").encode()
    kind, suffix = "text/tab-separated-values;charset=utf-8", ".tsv"
    if len(data) > HEAVIEST:
        data, kind, suffix = gzip.compress(data, mtime=0), "application/gzip", ".tsv.gz"
    return link(data, name + suffix, kind)


def link(data: bytes, name: str, kind: str) -> dict[str, str]:
    """A link that holds its file."""
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
    """What the template's table macro needs.

    `raw` is the frame to download when it is not `frame`; `choose` are the headings by which a reader may filter.
    """
    rows = [[column.cell(row) for column in columns] for row in frame.head(LONGEST).to_dict("records")]
    cut = f"The first {LONGEST} of {len(frame)} rows; the download has all." if len(frame) > LONGEST else ""
    raw = frame if raw is None else raw
    link = download(raw, name)
    places = [[column.heading for column in columns].index(heading) for heading in choose]
    menus = filter_menus({columns[place].heading: [row[place] for row in rows] for place in places})
    marks = [[menu["words"].index(row[place]) for menu, place in zip(menus, places, strict=True)] for row in rows]
    return dict(columns=columns, rows=rows, caption=caption, cut=cut, empty=empty, link=link, menus=menus, marks=marks)


def filter_menus(words: Mapping[str, Iterable[str]], first: bool = False) -> list[dict]:
    """A menu for each heading: its distinct words, and which of the first menu is chosen at the start (else all)."""
    menus = [{"name": name, "words": list(dict.fromkeys(some)), "chosen": None} for name, some in words.items()]
    if first:
        menus[0]["chosen"] = 0
    return menus


def rules(regions: Iterable[list[dict]]) -> list[int]:
    """For the n-th menu of any region, the most words that one has: so many rules of the style sheet are needed."""
    sizes = ([len(menu["words"]) for menu in menus] for menus in regions)
    return [max(column) for column in zip_longest(*sizes, fillvalue=0)]
