"""How the numbers were computed, and who published the methods."""

from collections.abc import Mapping

import yaml

from tfbind import __version__
from tfbind.assays import ASSAYS
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
        `folds`, and `clusters`, whether rows without coordinates were split by them; `kinds` and `trained`, the kinds
        of negatives and of models in the configuration; `tfbind`, the version;
        `references`, a list of text; `bibtex`, the same as BibTeX, and `bibtex_link`, its download.
    """
    bibtex, config = references.bibtex(), _configuration(tables)
    split = config.get("split", {})
    return {
        "folds": split.get("folds", 1),
        "clusters": by_cluster(split),
        "kinds": _used(config.get("negatives")),
        "trained": _used(config.get("models")),
        "tfbind": __version__,
        "references": references.references(),
        "bibtex": bibtex,
        "bibtex_link": table.link(bibtex.encode(), "references.bib", "application/x-bibtex;charset=utf-8"),
    }


def _configuration(tables: Mapping) -> Mapping:
    # Empty for a table of scores.
    return yaml.safe_load(tables.get("provenance", {}).get("configuration", "")) or {}


def _used(options: Mapping) -> set[str]:
    """The kinds of a part of the configuration."""
    kinds = {kind for option in (options or {}).values() for kind in _kinds(option.get("kind", []))}
    return kinds.union(*(assay.usual for assay in ASSAYS.values())) if "usual" in kinds else kinds


def _kinds(given: object) -> list[str]:
    # One kind, several in order, or either of them for each assay or form.
    if isinstance(given, str):
        return [given]
    return [kind for one in (given.values() if isinstance(given, Mapping) else given) for kind in _kinds(one)]
