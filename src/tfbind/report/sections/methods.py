"""How the numbers were made, and whose methods they are."""

from collections.abc import Mapping

from tfbind import __version__
from tfbind.report import references, table

TITLE, ANCHOR, NEEDS = "Methods", "methods", ()


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """What the part of the template shows."""
    return {
        "tfbind": __version__,
        "references": references.references(),
        "bibtex": references.BIBTEX,
        "bibtex_link": table.link(references.BIBTEX.encode(), "references.bib", "application/x-bibtex;charset=utf-8"),
    }
