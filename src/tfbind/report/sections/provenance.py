"""Versions, seeds, configuration and inputs."""

from collections.abc import Mapping

from tfbind.report.provenance import as_tables

TITLE, ANCHOR, NEEDS = "Versions and inputs", "provenance", ("provenance",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """What the part of the template shows."""
    return {"provenance": as_tables(tables["provenance"])}
