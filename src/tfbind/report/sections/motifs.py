"""The motifs that the models have learnt."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from tfbind import dna
from tfbind.interpretation import logos, tomtom
from tfbind.report import figure, wording
from tfbind.report import table as report_table
from tfbind.report.table import Column

TITLE, ANCHOR, NEEDS = "Motifs", "motifs", ("motifs",)


def show(tables: Mapping, models: Mapping[str, tuple[str, str]]) -> dict | None:
    """Logos, sentences and a table of the motifs that the models have learnt.

    Parameters
    ----------
    tables : mapping
        `motifs`: the table (`tomtom.COLUMNS`) and the motifs (name -> shares, (W, 4) float), as `tomtom.tabulate`
        returns them.
    models : mapping of str to (str, str)
        Model label -> colour and marker; not used.

    Returns
    -------
    dict
        `lessons`, with `letters` (the SVG that defines the letters of all logos), `tfs` (one for each TF, see
        `logos.section`; each logo has in `said` the line under it, each model in `saved` what `figure.saved` returns),
        `numbers` (the download of the logos' shares), `few` and `table` (see `table.shown`). `breakable`: the
        function.
    """
    found = _lessons(*tables["motifs"], figure.tfs(tables))
    return {"lessons": found, "breakable": wording.breakable, "filtered": [found["table"]]}


def _lessons(table: pd.DataFrame, motifs: Mapping[str, np.ndarray], drawn: set[str] | None) -> dict:
    """What each model has learnt: logos and sentences of each TF, and the table of the motifs of the filters."""
    tfs = logos.section(figure.of(table, drawn), motifs)
    for place, part in enumerate(part for tf in tfs for part in tf["models"]):
        for logo in (logo for of_source in part["figures"] for logo in of_source["logos"]):
            logo["said"] = _like(logo["row"])
        part["saved"] = part["reference"] and figure.saved(_sheet(part), f"logos{place}")
    keys = ["tf", "source", "source_assay", "train_negatives", "model"]
    found = [logos.taught(rows) for _, rows in table.groupby(keys, sort=False)]
    columns = [
        Column("TF", lambda r: wording.word(r["tf"])),
        Column("Source", lambda r: wording.word(r["source"])),
        Column("Assay", lambda r: wording.assay(r["source_assay"])),
        Column("Negatives", lambda r: wording.word(r["train_negatives"]), shared=True),
        Column("Model", lambda r: wording.word(r["model"])),
        Column("Filters like", lambda r: f"{wording.word(r['match_tf'])} {wording.word(r['match'])}"),
        Column("The TF’s own", lambda r: _KINSHIP[r["kinship"]]),
        Column("Filters", lambda r: wording.count(r["filters"]), True),
        Column("Share of the effect", lambda r: wording.percent(r["importance"]), True),
        Column("q", lambda r: wording.p_value(r["q_value"]), True),
    ]
    shown = report_table.shown(
        pd.concat(found) if found else pd.DataFrame(),
        columns,
        caption="What the filters of each model answer to, all seeds together",
        name="motifs",
        empty="No filter answers to a known motif.",
        raw=table,
        choose=("TF", "Model"),
    )
    rows = [logo["row"] for tf in tfs for part in tf["models"] for of in part["figures"] for logo in of["logos"]]
    names = dict.fromkeys(name for row in rows for name in (tomtom.name(row), row["match"], row["own"]))
    shares = [
        pd.DataFrame(motifs[name], columns=list(dna.ALPHABET)).rename_axis("position").reset_index().assign(motif=name)
        for name in names
        if name in motifs
    ]
    numbers = pd.concat(shares)[["motif", "position", *dna.ALPHABET]] if shares else pd.DataFrame()
    return {"letters": logos.letters(), "tfs": tfs, "table": shown} | {
        "numbers": report_table.download(numbers, "logos"),
        "few": figure.left_out(drawn),
    }


def _sheet(part: Mapping) -> Markup:
    """The logos of a model below each other, as one drawing."""
    lines = [(part["reference"]["svg"], part["reference"]["name"])]
    for of_source in part["figures"]:
        lines += [(logo["svg"], f"{of_source['source']}, {logo['said']}") for logo in of_source["logos"]]
    step, drawn = 46, []
    for i, (svg, said) in enumerate(lines):
        drawn.append(str(svg).replace("<svg", f'<svg y="{i * step}"', 1))
        drawn.append(f'<text x="330" y="{i * step + 30}" font-size="11">{escape(said)}</text>')
    defined = str(logos.letters()).partition(">")[2].removesuffix("</svg>")
    size = f'width="860" height="{len(lines) * step}" viewBox="0 0 860 {len(lines) * step}"'
    return Markup(f'<svg {size} role="img" aria-label="Logos">{defined}{"".join(drawn)}</svg>')


_KINSHIP = {"own": "yes", "alike": "like it", "other": "no"}


def _like(row: Mapping) -> str:
    """The line under a logo."""
    which = "sites" if row["filter"] == tomtom.SITES else f"filters, {wording.percent(row['importance'])} of the effect"
    return f"{which}: {row['match_tf']} {row['match']}, q = {row['q_value']:.1g}"
