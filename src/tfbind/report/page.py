"""One self-contained page with the answer: how well each model transfers, and when it must be retrained.

The page needs no network, no script and no font file. A section is a module of `sections`, which formats the numbers,
and the template beside it, which holds the text. The same tables give the same bytes.
"""

import os
from collections.abc import Mapping

import matplotlib.style
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfbind.io import atomic
from tfbind.report import figure, table
from tfbind.report import provenance as report_provenance
from tfbind.report.sections import (
    answer,
    arrays,
    assay_pairs,
    calibration,
    celltype,
    curves,
    drop_attribution,
    drops,
    ladder,
    leakage,
    learning_curves,
    library_qc,
    matrix,
    methods,
    motifs,
    provenance,
    records,
    shifts,
    summary,
    unsupervised_adaptation,
)
from tfbind.transfer.score_tables import Results

#: In the order of the page. A section has `TITLE`, `ANCHOR`, the tables that it `NEEDS`, and `show`, which returns the
#: names that its template uses, or None to leave the section out. `filtered` among them (what has menus) is for
#: `render`, not for the template.
SECTIONS = (
    *(answer, summary, assay_pairs, shifts, ladder, matrix, drops, curves, arrays),
    *(drop_attribution, learning_curves, unsupervised_adaptation, calibration, motifs),
    *(library_qc, leakage, celltype, records, methods, provenance),
)


def render(path: str | os.PathLike, title: str, tables: Mapping[str, object]) -> None:
    """Write the report: one HTML file without scripts that loads nothing, the same bytes for the same input.

    Parameters
    ----------
    path : path
        Written under a temporary name and renamed.
    title : str
        Heading of the page.
    tables : mapping
        Name -> table. A section is left out where one of its tables is absent or None. DataFrames have the names of the
        files of results/ (`metrics`, `transfer`, `verdicts`, ...); their AUROCs and drops are fractions of 1, and a
        drop of 0.048 is shown as 4.8 points. `logs`: dataset -> table (`positives`, `negatives:<label>`) -> DataFrame
        of `event, reason, count`. `motifs`: the table and the motifs, as `tomtom.tabulate` returns them. `provenance`:
        plain values, mappings, lists or DataFrames, shown under their keys in the given order. The page adds no date:
        one that it shows was given in `provenance`.

    Raises
    ------
    ResourceError
        The file cannot be written: the disk is full, or the folder is read-only.
    """
    tables = {name: given for name, given in tables.items() if given is not None}
    named = [tables[name]["model"] for name in ("metrics", "transfer", "curves") if name in tables]
    looks = figure.looks(dict.fromkeys(pd.concat(named).dropna()) if named else ())
    environment = Environment(
        loader=PackageLoader("tfbind", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sections, filtered = [], []
    with matplotlib.style.context(figure.STYLE, after_reset=True):
        for section in SECTIONS:
            shown = section.show(tables, looks) if set(section.NEEDS) <= set(tables) else None
            if shown is not None:
                filtered += shown.pop("filtered", [])
                name = section.__name__.rpartition(".")[2]
                colours = {model: colour for model, (colour, _) in looks.items()}
                body = environment.get_template(f"sections/{name}.html.j2").render(models=colours, **shown)
                sections.append({"title": section.TITLE, "anchor": section.ANCHOR, "body": Markup(body)})
    menus = table.rules(part["menus"] for part in filtered)
    page = environment.get_template("page.html.j2").render(
        title=title, sections=sections, menus=menus, palette=figure.palette()
    )
    with atomic.replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def of_scores(
    path: str | os.PathLike, results: Results, source: str | os.PathLike, title: str, statistics: Mapping
) -> None:
    """Write the same page for a table of scores, without the sections for which it has no data (libraries, motifs).

    Parameters
    ----------
    path : path
        Of the page; written under a temporary name and renamed.
    results : score_tables.Results
        What `score_tables.evaluate` returned.
    source : path
        The table of scores, named on the page with its checksum.
    title : str
        Heading of the page.
    statistics : mapping
        As given to `score_tables.evaluate`; shown in the configuration.

    Raises
    ------
    ResourceError
        The file cannot be written: the disk is full, or the folder is read-only.
    """
    seeds = sorted(set(results.metrics["seed"].dropna()) - {"ensemble"})
    named = {name: getattr(results, name) for name in results._fields if name != "tally"}
    made = {"seeds": seeds, "statistics": dict(statistics)}
    named["provenance"] = report_provenance.provenance({"scores": {"path": str(source)}}, made)
    render(path, title, named | {"logs": {"scores": {"scores": results.tally.frame()}}})
