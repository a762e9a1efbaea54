"""How the numbers were computed, and who published the methods."""

from collections.abc import Mapping

from tfbind import __version__
from tfbind.report import references, table

TITLE, ANCHOR, NEEDS = "Methods", "methods", ()


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The version of tfbind and the references.

    Parameters
    ----------
    tables : mapping
        None is read.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `tfbind`, the version; `references`, a list of text; `bibtex`, the same as BibTeX, and `bibtex_link`, its
        download.
    """
    bibtex = references.bibtex()
    return {
        "tfbind": __version__,
        "references": references.references(),
        "bibtex": bibtex,
        "bibtex_link": table.link(bibtex.encode(), "references.bib", "application/x-bibtex;charset=utf-8"),
    }
