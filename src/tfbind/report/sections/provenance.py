"""Versions, seeds, configuration and inputs."""

from collections.abc import Mapping

from tfbind.report.provenance import as_tables

TITLE, ANCHOR, NEEDS = "Versions and inputs", "provenance", ("provenance",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """Versions, seeds, configuration and inputs in reading order.

    Parameters
    ----------
    tables : mapping
        `provenance`, as `report.provenance.provenance` returns it, or with other keys.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `provenance`, with `facts`, `maps` and `texts` (see `as_tables`).
    """
    return {"provenance": as_tables(tables["provenance"])}
