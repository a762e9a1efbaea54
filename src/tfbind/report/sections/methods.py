"""How the numbers were computed, and who published the methods."""

from collections.abc import Mapping

import yaml

from tfbind import __version__
from tfbind.report import references, table
from tfbind.sequences.splits import by_cluster

TITLE, ANCHOR, NEEDS = "Methods", "methods", ()


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """The version of tfbind and the references.

    Parameters
    ----------
    tables : mapping
        `provenance`, where it is there: its `configuration` says how rows were split.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `folds`, and `clusters`, whether rows without coordinates were split by them; `tfbind`, the version;
        `references`, a list of text; `bibtex`, the same as BibTeX, and `bibtex_link`, its download.
    """
    bibtex, split = references.bibtex(), _split(tables)
    return {
        "folds": split.get("folds", 1),
        "clusters": by_cluster(split),
        "tfbind": __version__,
        "references": references.references(),
        "bibtex": bibtex,
        "bibtex_link": table.link(bibtex.encode(), "references.bib", "application/x-bibtex;charset=utf-8"),
    }


def _split(tables: Mapping) -> Mapping:
    # `split` of the configuration; empty for a table of scores.
    text = tables.get("provenance", {}).get("configuration", "")
    return (yaml.safe_load(text) or {}).get("split", {})
