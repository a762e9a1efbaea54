"""One self-contained page with the answer: how far each model travels, and when it must be retrained.

The page needs no network, no script and no font file. Numbers are formatted here, words and layout stand in
`page.html.j2`. The same frames give the same bytes.
"""

import os
from collections.abc import Mapping

import matplotlib
import matplotlib.style
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from tfbind import __version__
from tfbind.io import atomic
from tfbind.report import figure, references, table, wording
from tfbind.report import provenance as report_provenance
from tfbind.report.provenance import as_tables
from tfbind.report.sections import (
    answer,
    drop_attribution,
    drops,
    leakage,
    learning_curves,
    library_qc,
    matrix,
    unsupervised_adaptation,
)
from tfbind.report.sections import calibration as report_calibration
from tfbind.report.sections import celltype as report_celltype
from tfbind.report.sections import curves as report_curves
from tfbind.report.sections import ladder as report_ladder
from tfbind.report.sections import records as report_records
from tfbind.report.sections import summary as report_summary
from tfbind.report.sections import variance as report_variance
from tfbind.report.sections.curves import curve_panels
from tfbind.report.sections.motifs import lessons
from tfbind.sequences.leakage import COLUMNS
from tfbind.transfer.score_tables import Results
from tfbind.transfer.verdicts import REUSABLE_LOSS, WIDEST_INTERVAL


def render(
    path: str | os.PathLike,
    *,
    title: str,
    verdicts: pd.DataFrame,
    summary: pd.DataFrame,
    shifts: pd.DataFrame,
    metrics: pd.DataFrame,
    transfer: pd.DataFrame,
    libraries: pd.DataFrame,
    ladder: pd.DataFrame,
    variance: pd.DataFrame,
    calibration: pd.DataFrame,
    reliability: pd.DataFrame,
    curves: pd.DataFrame,
    audit: pd.DataFrame,
    logs: Mapping[str, Mapping[str, pd.DataFrame]],
    provenance: Mapping[str, object],
    causes: pd.DataFrame | None = None,
    retrain: pd.DataFrame | None = None,
    crossings: pd.DataFrame | None = None,
    adaptation: pd.DataFrame | None = None,
    transferability: pd.DataFrame | None = None,
    celltype: pd.DataFrame | None = None,
    motifs: tuple[pd.DataFrame, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Write the report: one HTML file without scripts that loads nothing, the same bytes for the same input.

    Parameters
    ----------
    path : path
        Written under a temporary name and renamed.
    title : str
    verdicts : DataFrame
        `tf, source_assay, target_assay, model, verdict, sentence`, and `shift`, `train_negatives`,
        `test_negatives` where there are several. A verdict begins with a key of `VERDICTS`.
    summary, shifts, metrics, transfer, libraries, ladder, variance, calibration, reliability, curves, audit : DataFrame
        The tables of the same names under results/. AUROCs and drops are fractions of 1; a drop of 0.048 is
        shown as 4.8 points. Of the metrics, the rows of the seed `ensemble` are shown.
    logs : mapping
        Dataset -> table (`positives`, `negatives:<label>`) -> frame of `event, reason, count`.
    provenance : mapping
        Plain values, mappings, lists or frames, shown under their keys in the given order. A date comes from
        here: the page holds none of its own.
    causes : DataFrame, optional
        The table of the same name; without it the page has no such section.
    retrain, crossings : DataFrame, optional
        The tables of the same names; without them the page has no section on retraining.
    adaptation, transferability : DataFrame, optional
        The tables of the same names; without them the page has no section on targets without labels.
    celltype : DataFrame, optional
        The table of the same name; without it the page has no such section.
    motifs : (DataFrame, mapping), optional
        The table of the same name and the motifs (`tomtom.tabulate`); likewise.
    """
    ensemble = metrics[metrics["seed"].astype(str) == "ensemble"]
    scores = ensemble[ensemble["metric"] == "auroc"]
    names = dict.fromkeys(pd.concat([metrics["model"], transfer["model"], curves["model"]]).dropna())
    models = {
        model: (
            figure.COLOURS[i % len(figure.COLOURS)],
            figure.MARKERS[(i + i // len(figure.COLOURS)) % len(figure.MARKERS)],
        )
        for i, model in enumerate(names)
    }
    drawn = report_curves.drawn(curves)
    with matplotlib.style.context(figure.STYLE, after_reset=True):
        forests = drops.forests(transfer, models)
        panels = curve_panels(drawn, scores, models)
        rungs = report_ladder.rungs(ladder, models)
        reliabilities = report_calibration.reliabilities(reliability, models)
        waterfalls = None if causes is None else drop_attribution.causes(causes)
        learning = None if retrain is None else learning_curves.retrain(retrain, crossings)
    records, reasons = report_records.logs(logs)
    environment = Environment(
        loader=PackageLoader("tfbind", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    matrices, pairs = matrix.matrices(scores), drops.pairs(transfer)
    cells = None if celltype is None else report_celltype.celltype(celltype)
    filtered = [matrices, pairs, *(part["table"] for part in (learning, cells) if part)]
    page = environment.get_template("report/page.html.j2").render(
        title=title,
        answers=answer.answers(verdicts, crossings),
        verdict_link=table.download(verdicts, "verdicts"),
        badge=wording.badge,
        breakable=wording.breakable,
        reusable=wording.points(REUSABLE_LOSS),
        widest=wording.points(WIDEST_INTERVAL),
        summary=report_summary.summary(summary, shifts),
        shifts=report_summary.shifts(shifts),
        matrices=matrices,
        menus=table.rules(part["menus"] for part in filtered),
        metrics_link=table.download(ensemble, "metrics"),
        palette=figure.palette(),
        models={model: colour for model, (colour, _) in models.items()},
        ladder=report_ladder.ladder(ladder),
        rungs=rungs,
        variance=report_variance.variance(variance),
        calibration=report_calibration.calibration(calibration),
        reliabilities=reliabilities,
        causes=waterfalls,
        retrain=learning,
        unlabelled=None if adaptation is None else unsupervised_adaptation.unlabelled(adaptation, transferability),
        forests=forests,
        pairs=pairs,
        panels=panels,
        curves_link=table.download(drawn[list(curves.columns)], "curves"),
        lessons=None if motifs is None else lessons(*motifs),
        libraries=library_qc.libraries(libraries),
        audit=leakage.audit(audit),
        celltype=cells,
        records=records,
        reasons=reasons,
        tfbind=__version__,
        references=references.references(),
        bibtex=references.BIBTEX,
        bibtex_link=table.link(references.BIBTEX.encode(), "references.bib", "application/x-bibtex;charset=utf-8"),
        provenance=as_tables(provenance),
    )
    with atomic.replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def of_scores(
    path: str | os.PathLike, results: Results, source: str | os.PathLike, title: str, statistics: Mapping
) -> None:
    """The same page for a table of scores (`score_tables.evaluate`), which has no libraries to judge.

    Parameters
    ----------
    path : path
        Of the page.
    results : scores.Results
    source : path
        The table of scores, for its checksum.
    title : str
    statistics : mapping
        As given to `score_tables.evaluate`.
    """
    seeds = sorted(set(results.metrics["seed"].dropna()) - {"ensemble"})
    named = {name: getattr(results, name) for name in results._fields if name != "tally"}
    render(
        path,
        title=title,
        libraries=pd.DataFrame(),
        audit=pd.DataFrame(columns=COLUMNS),
        logs={"scores": {"scores": results.tally.frame()}},
        provenance=report_provenance.provenance(
            {"scores": {"path": str(source)}}, {"seeds": seeds, "statistics": dict(statistics)}
        ),
        **named,
    )
