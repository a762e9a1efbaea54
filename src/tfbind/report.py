"""One self-contained page with the answer: how far each model travels, and when it must be retrained.

The page needs no network, no script and no font file. Numbers are formatted here, words and layout stand in
`report.html.j2`. The same frames give the same bytes.
"""

import base64
import gzip
import io
import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from tfbind import __version__, tables
from tfbind.evaluation import SHIFTS
from tfbind.resources import digest
from tfbind.transfer import EVERY_TF, REUSABLE_LOSS, WIDEST_INTERVAL

#: Okabe and Ito's colours, yellow last since it is weak on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00", "#f0e442")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
ASSAYS = {"chipseq": "ChIP-seq", "htselex": "HT-SELEX"}
#: How a verdict begins -> (style, sign); the sign and the word carry the meaning without the colour.
VERDICTS = {
    "reuse": ("reuse", "●"),
    "good": ("reuse", "●"),
    "fine-tune": ("tune", "◐"),
    "weak": ("tune", "◐"),
    "retrain": ("retrain", "○"),
    "cannot tell": ("unsure", "?"),
    "poor": ("poor", "×"),
}
#: The columns of a sheet row that name a file, each with its checksum.
FILES = ("path", "test_path", "input_path", "relaxed_path", "negatives_path", "test_negatives_path")
#: The libraries whose version can change a number.
LIBRARIES = (
    *("numpy", "pandas", "scipy", "scikit-learn", "numba", "torch", "pytorch-lightning", "safetensors"),
    *("pyfaidx", "pysam", "pybedtools", "pyjaspar", "matplotlib", "snakemake"),
)
#: Tables longer than this are cut on the page (never in the download), larger downloads are compressed.
LONGEST, HEAVIEST = 1500, 100_000
#: Points of all curves together; each keeps 16 to 60 of its own.
POINTS = 60_000
PANEL = ["tf", "target", "test_negatives"]
MISSING = "–"

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "tfbind",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#777777",
    "axes.labelcolor": "#333333",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.2,
}


@dataclass(frozen=True)
class Column:
    """A column of a shown table: heading, cells from a row, and whether the cells are numbers."""

    heading: str
    cell: Callable[[dict], object]
    number: bool = False


def auroc(value: float) -> str:
    """An AUROC with three decimals, as in 0.957."""
    return MISSING if pd.isna(value) else f"{value:.3f}"


def points(value: float) -> str:
    """A difference of AUROCs in points (hundredths), as in 4.8, with a true minus sign."""
    if pd.isna(value):
        return MISSING
    text = f"{100 * value:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")


def drop(value: float, low: float, high: float) -> str:
    """A drop with its interval: `4.8 points (3.1 to 6.4)`; what is missing is said."""
    if pd.isna(value):
        return MISSING
    interval = "no interval" if pd.isna(low) or pd.isna(high) else f"{points(low)} to {points(high)}"
    return f"{points(value)} points ({interval})"


def p_value(value: float) -> str:
    """A p-value with two significant digits, never rounded to zero."""
    if pd.isna(value):
        return MISSING
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def count(value: float) -> str:
    """A count with thin spaces between the thousands."""
    return MISSING if pd.isna(value) else f"{int(value):,}".replace(",", "\u202f")


def word(value: object) -> str:
    """A text cell; a missing one is a dash."""
    return MISSING if pd.isna(value) or value == "" else str(value)


def assay(value: object) -> str:
    """An assay as it is written in a paper."""
    return ASSAYS.get(value, word(value))


def against(row: Mapping) -> str:
    """The negatives of a row: one name when training and test agree, both when they do not."""
    train, test = word(row["train_negatives"]), word(row["test_negatives"])
    return test if train == test else f"{train} in training, {test} in test"


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
    return {"name": name + suffix, "href": f"data:{kind};base64,{base64.b64encode(data).decode()}"}


def colour_of(value: float) -> int:
    """The step of the colour scale, 0 for an AUROC of 0.50 and less to 50 for 1.00."""
    return int(np.clip(np.rint(100 * value), 50, 100)) - 50


def palette() -> list[tuple[str, str]]:
    """The 51 steps of cividis from 0.50 to 1.00: background, and the text colour that contrasts more."""
    steps = matplotlib.colormaps["cividis"](np.linspace(0, 1, 51))[:, :3]  # (51, 3)
    linear = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    # WCAG contrast with white is 1.05 / (Y + 0.05), with black (Y + 0.05) / 0.05: equal at Y = 0.179.
    ink = np.where(luminance > 0.179, "#000", "#fff")
    return [(matplotlib.colors.to_hex(step), str(text)) for step, text in zip(steps, ink, strict=True)]


def _shown(
    frame: pd.DataFrame,
    columns: list[Column],
    *,
    caption: str,
    name: str,
    empty: str,
    raw: pd.DataFrame | None = None,
) -> dict:
    """What the template's table macro needs; `raw` is the frame to download when it is not `frame`."""
    rows = [[column.cell(row) for column in columns] for row in frame.head(LONGEST).to_dict("records")]
    cut = f"The first {LONGEST} of {len(frame)} rows; the download has all." if len(frame) > LONGEST else ""
    raw = frame if raw is None else raw
    return dict(columns=columns, rows=rows, caption=caption, cut=cut, empty=empty, link=download(raw, name))


def _summary(summary: pd.DataFrame) -> dict:
    columns = [
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("TFs", lambda r: count(r["n_tf"]), True),
        Column("Same assay", lambda r: auroc(r["same"]), True),
        Column("Cross assay", lambda r: auroc(r["cross"]), True),
        Column("Drop (interval)", lambda r: drop(r["drop"], r["low"], r["high"]), True),
        Column("p", lambda r: p_value(r["p_value"]), True),
    ]
    return _shown(
        summary,
        columns,
        caption="Trained on HT-SELEX or on ChIP-seq, tested on ChIP-seq: mean AUROC over TFs",
        name="summary",
        empty="This study has no model to summarise.",
    )


def _shifts(shifts: pd.DataFrame) -> dict:
    columns = [
        Column("Shift", lambda r: word(r["shift"])),
        Column("From → to", lambda r: f"{assay(r['source_assay'])} → {assay(r['target_assay'])}"),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("TFs", lambda r: count(r["n_tf"]), True),
        Column("Same", lambda r: auroc(r["same"]), True),
        Column("Cross", lambda r: auroc(r["cross"]), True),
        Column("Drop (interval)", lambda r: drop(r["drop"], r["low"], r["high"]), True),
        Column("p", lambda r: p_value(r["p_value"]), True),
        Column("Smallest p", lambda r: p_value(r["p_minimum"]), True),
    ]
    return _shown(
        shifts,
        columns,
        caption="The drop by the largest difference between source and target, mean over TFs",
        name="shifts",
        empty="No pair of datasets in this study differs in replicate, laboratory, cell or assay.",
    )


def _pairs(transfer: pd.DataFrame) -> dict:
    columns = [
        Column("TF", lambda r: word(r["tf"])),
        Column("Source → target", lambda r: f"{word(r['source'])} → {word(r['target'])}"),
        Column("Shift", lambda r: word(r["shift"])),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("n⁺ / n⁻", lambda r: f"{count(r['n_positive'])} / {count(r['n_negative'])}", True),
        Column("Floor", lambda r: auroc(r["floor"]), True),
        Column("Same", lambda r: auroc(r["same"]), True),
        Column("Cross", lambda r: auroc(r["cross"]), True),
        Column("Drop (interval)", lambda r: drop(r["drop"], r["low"], r["high"]), True),
        Column("p", lambda r: p_value(r["p_value"]), True),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    return _shown(
        transfer,
        columns,
        caption="Every drop: one row for each source, target, model and kind of negatives (AUROC)",
        name="transfer",
        empty="No source meets another target in this study.",
    )


def _libraries(libraries: pd.DataFrame) -> dict:
    def interval(row):
        if pd.isna(row["auroc"]):
            return MISSING
        return f"{auroc(row['auroc'])} ({auroc(row['low'])} to {auroc(row['high'])})"

    def enrichment(row):
        if pd.isna(row["enrichment"]):
            return MISSING
        return f"{word(row['kmer'])} × {row['enrichment']:.3g}"

    def own_motif(row):
        if pd.isna(row["motif_auroc"]):
            return MISSING
        return f"{word(row['motif'])} {auroc(row['motif_auroc'])}"

    columns = [
        Column("Dataset", lambda r: word(r["dataset"])),
        Column("TF", lambda r: word(r["tf"])),
        Column("Assay", lambda r: assay(r["assay"])),
        Column("Cell", lambda r: word(r["cell"])),
        Column("Lab", lambda r: word(r["lab"])),
        Column("Rep.", lambda r: _plain(r["replicate"]), True),
        Column("Cycle", lambda r: _plain(r["cycle"]), True),
        Column("Read", lambda r: count(r["n_read"]), True),
        Column("Dropped", lambda r: count(r["n_dropped"]), True),
        Column("Positives", lambda r: count(r["n_positive"]), True),
        Column("Negatives", lambda r: count(r["n_negative"]), True),
        Column("Top k-mer × enrichment", enrichment, True),
        Column("Own motif alone", own_motif, True),
        Column("Model", lambda r: word(r["model"])),
        Column("Own AUROC (interval)", interval, True),
        Column("Floor", lambda r: auroc(r["floor"]), True),
        Column("Verdict", lambda r: badge(r["verdict"])),
    ]
    return _shown(
        libraries,
        columns,
        caption="Health of each library: can a model trained on it predict its own held-out part?",
        name="libraries",
        empty="No library was judged.",
    )


def _celltype(table: pd.DataFrame) -> dict | None:
    """The sentence and the table of the cell-type task; None where the study has no cells."""
    if table.empty:
        return None
    names = ["auprc", "auroc", "recall_at_50fdr", "recall_at_10fdr", "shuffled_auroc"]
    key = ["tf", "train_cells", "test_cell", "method"]
    rows = table[table["metric"] != "rank_score"]
    values = rows.pivot_table(index=key, columns="metric", values="value", sort=False, dropna=False)
    wide = rows[rows["metric"] == "auprc"].join(values.reindex(columns=names), on=key)
    columns = [
        Column("TF", lambda r: word(r["tf"])),
        Column("Trained in", lambda r: word(r["train_cells"]).replace(",", ", ")),
        Column("Tested in", lambda r: word(r["test_cell"])),
        Column("Method", lambda r: word(r["method"])),
        Column("Bound / unbound bins", lambda r: f"{count(r['n_bound'])} / {count(r['n_unbound'])}", True),
        Column("auPRC (interval)", lambda r: _with_interval(r["value"], r["low"], r["high"]), True),
        Column("AUROC", lambda r: auroc(r["auroc"]), True),
        Column("Recall at 50 % FDR", lambda r: auroc(r["recall_at_50fdr"]), True),
        Column("at 10 % FDR", lambda r: auroc(r["recall_at_10fdr"]), True),
        Column("AUROC against shuffles", lambda r: auroc(r["shuffled_auroc"]), True),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    shown = _shown(
        wide,
        columns,
        caption="Bins of a cell and of chromosomes that no method was trained or chosen on",
        name="celltype",
        empty="No factor of this study could be tested.",
        raw=table,
    )
    return {"sentence": _contest(wide, table[table["metric"] == "rank_score"]), "table": shown}


def _contest(wide: pd.DataFrame, ranks: pd.DataFrame) -> str:
    """Who ranks highest, and what the simplest methods reach."""
    means = wide.groupby("method")["value"].mean()
    if ranks.empty or means.isna().all():
        return "No method could be tested."
    best = ranks.iloc[0]["method"]
    text = f"Highest over all factors and cells ranks {best}: its mean area under the precision-recall curve is "
    text += auroc(means[best])
    simple = [name for name in ("accessibility", "motif", "mean_signal") if name in means and name != best]
    others = [f"{name.replace('_', ' ')} alone {auroc(means[name])}" for name in simple]
    others += [f"chance {auroc(means['chance'])}"] if "chance" in means else []
    text += f", against {', '.join(others)}." if others else "."
    motif = wide[wide["method"] == "motif"]
    if motif["shuffled_auroc"].notna().any():
        shuffled, whole = auroc(motif["shuffled_auroc"].mean()), auroc(motif["auroc"].mean())
        text += (
            f" The motif alone has a mean AUROC of {shuffled} against shuffles of the bound bins and of {whole} over "
        )
        text += "the genome; both hide how few of its best bins are bound."
    return text


def _with_interval(value: float, low: float, high: float) -> str:
    if pd.isna(value) or pd.isna(low):
        return auroc(value)
    return f"{auroc(value)} ({auroc(low)} to {auroc(high)})"


def _plain(value: object) -> str:
    """A sheet value that a reader of TSV may have turned into a float."""
    return f"{value:g}" if isinstance(value, float) and not np.isnan(value) else word(value)


def badge(verdict: object) -> dict[str, str]:
    """How a verdict is shown: `style`, `sign`, `word`, and what the verdict says after a colon as `text`."""
    said, _, text = word(verdict).partition(": ")
    style, sign = next((look for start, look in VERDICTS.items() if said.startswith(start)), ("unsure", "?"))
    return {"style": style, "sign": sign, "word": said, "text": text}


def breakable(name: str) -> Markup:
    """A dataset's name, escaped, that may break after an underscore, a dash or a dot."""
    return Markup(re.sub(r"(?<=[_.-])(?=.)", "<wbr>", str(escape(name))))


def _answers(verdicts: pd.DataFrame) -> list[dict]:
    """One entry for each TF, that over all TFs first; in each, ChIP-seq targets and large shifts first."""
    columns = ["shift", "test_negatives", "train_negatives"]
    rows = verdicts.assign(**{name: "" for name in columns if name not in verdicts})
    order = [
        (tf != EVERY_TF, target != "chipseq", -_rank(shift))
        for tf, target, shift in zip(rows["tf"], rows["target_assay"], rows["shift"], strict=True)
    ]
    rows = rows.iloc[sorted(range(len(rows)), key=order.__getitem__)]
    answers = []
    for tf, of_tf in rows.groupby("tf", sort=False):
        items = []
        for row in of_tf.to_dict("records"):
            about = [f"{assay(row['source_assay'])} → {assay(row['target_assay'])}"]
            about += [f"another {row['shift']}"] * (row["shift"] in ("replicate", "lab", "cell"))
            about += [f"model {row['model']}"] * (word(row["model"]) != MISSING)
            about += [f"negatives: {against(row)}"] * (word(row["test_negatives"]) != MISSING)
            sentence = str(row["sentence"]).removeprefix(f"{tf}: {row['verdict']}. ")
            items.append({"badge": badge(row["verdict"]), "sentence": sentence, "about": ", ".join(about)})
        answers.append({"tf": tf, "verdicts": items})
    return answers


def _grid(cells: pd.DataFrame) -> dict:
    """One source x target table of AUROCs; a cell without value carries a letter and, below, its reason."""
    targets = list(dict.fromkeys(cells["target"]))
    sources = sorted(
        dict.fromkeys(cells["source"]),
        key=lambda s: (s not in targets, targets.index(s) if s in targets else 0),
    )
    known = {(row["source"], row["target"]): row for row in cells.to_dict("records")}
    reasons: dict[str, str] = {}
    rows = []
    for source in sources:
        row = []
        for target in targets:
            cell = known.get((source, target), {"value": np.nan, "note": "not scored in this study"})
            if pd.isna(cell["value"]):
                reason = word(cell["note"]) if word(cell["note"]) != MISSING else "no reason given"
                row.append({"mark": reasons.setdefault(reason, _letter(len(reasons))), "reason": reason})
                continue
            low, high = cell["low"], cell["high"]
            n = f"{count(cell['n_positive'])} positives, {count(cell['n_negative'])} negatives"
            n += "" if word(cell["note"]) == MISSING else f"; {cell['note']}"
            row.append(
                {
                    "value": auroc(cell["value"]),
                    "interval": "" if pd.isna(low) or pd.isna(high) else f"{auroc(low)}–{auroc(high)}",
                    "n": n,
                    "step": colour_of(cell["value"]),
                    "same": source == target,
                }
            )
        rows.append({"source": source, "cells": row})
    return {"targets": targets, "rows": rows, "reasons": [(mark, reason) for reason, mark in reasons.items()]}


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else str(index)


def _matrices(scores: pd.DataFrame) -> list[dict]:
    matrices = []
    for tf, of_tf in scores.groupby("tf", sort=False):
        sets = []
        for (test, train), of_set in of_tf.groupby(["test_negatives", "train_negatives"], sort=False):
            grids = [{"model": model} | _grid(cells) for model, cells in of_set.groupby("model", sort=False)]
            names = {"test_negatives": test, "train_negatives": train}
            sets.append({"negatives": against(names), "grids": grids})
        matrices.append({"tf": tf, "sets": sets})
    return matrices


def _svg(figure: Figure, name: str, label: str) -> Markup:
    """A figure as inline SVG: no namespace, style sheet or metadata; ids unique on the page by `name`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}style", "}metadata")):
                parent.remove(child)
    used = {value.partition("#")[2].rstrip(")") for e in root.iter() for value in e.attrib.values() if "#" in value}
    for element in root.iter():
        element.tag = element.tag.partition("}")[2]
        element.tail = None
        if element.tag != "text":
            element.text = None
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            key = key.partition("}")[2] or key
            if key == "id":
                if value not in used:
                    continue
                value = f"{name}-{value}"
            elif value.startswith(("#", "url(#")):
                value = value.replace("#", f"#{name}-")
            elif key in ("d", "x", "y", "transform"):
                if value.startswith("rotate(-0 "):
                    continue
                value = _round(value)
            element.set(key, value)
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", label)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _round(value: str) -> str:
    """Coordinates to a tenth of a point; signs and commands stay."""
    words = value.replace("(", "( ").replace(")", " )").replace(",", " ").split()
    short = []
    for text in words:
        try:
            short.append(f"{float(text):.1f}".removesuffix(".0"))
        except ValueError:
            short.append(text)
    return re.sub(r" ?([A-Za-z()]) ?", r"\1", " ".join(short))


def _trim(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _forest(rows: pd.DataFrame, models: dict[str, tuple[str, str]], name: str, label: str) -> Markup:
    """Drops in points with their intervals: one block for each pair, one line for each model."""
    pairs = list(dict.fromkeys(zip(rows["tf"], rows["source"], rows["target"], strict=True)))
    present = [model for model in models if model in set(rows["model"])]
    pitch = 1 / (len(present) + 1.2)
    block = max(0.42, 0.15 * (len(present) + 1))
    height = block * len(pairs) + 0.55
    texts = [(_trim(tf, 34), _trim(f"{source} → {target}", 48)) for tf, source, target in pairs]
    # In inches: about 0.085 for a bold letter, 0.062 for a small one.
    left = max(max(0.085 * len(tf), 0.062 * len(route)) for tf, route in texts) + 0.2
    width = left + 4.4
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((left / width, 0.45 / height, 4.3 / width, 1 - 0.5 / height))
    place = {pair: -i for i, pair in enumerate(pairs)}
    for i in range(len(pairs)):
        if i % 2:
            axes.axhspan(-i - 0.5, -i + 0.5, color="#f5f5f3", linewidth=0, zorder=0)
    axes.axvline(0, color="#888888", linewidth=0.8, zorder=1)
    for j, model in enumerate(present):
        some = rows[rows["model"] == model]
        keys = zip(some["tf"], some["source"], some["target"], strict=True)
        y = np.array([place[key] for key in keys]) + ((len(present) - 1) / 2 - j) * pitch
        x, low, high = (100 * some[column].to_numpy(float) for column in ("drop", "low", "high"))
        colour, marker = models[model]
        told = ~np.isnan(x)
        axes.hlines(y[told], low[told], high[told], color=colour, linewidth=1.3, zorder=2)
        axes.plot(x[told], y[told], marker, color=colour, markersize=4.6, markeredgewidth=0, zorder=3)
        for hidden in y[~told]:
            axes.text(0, hidden, " not estimable", color="#666666", fontsize=7, va="center")
    axes.set_ylim(0.5 - len(pairs), 0.5)
    axes.set_yticks([])
    beside = {"transform": axes.get_yaxis_transform(), "ha": "right", "clip_on": False}
    for i, (tf, route) in enumerate(texts):
        axes.text(-0.02, 0.02 - i, tf, va="bottom", color="#1a1a1a", fontweight="bold", **beside)
        axes.text(-0.02, -0.02 - i, route, va="top", color="#555555", fontsize=7, **beside)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("drop in AUROC (points; right of zero: training on the target is better)")
    axes.grid(axis="x", color="#e4e4e0", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    return _svg(figure, name, label)


def _forests(transfer: pd.DataFrame, models: dict) -> list[dict]:
    rows = transfer[transfer["train_negatives"] == transfer["test_negatives"]]
    rows = rows[rows["shift"] != SHIFTS[0]]
    extra = rows["tf"].astype(str).str.contains(">", regex=False)
    rows = rows.assign(extra=extra, rank=[_rank(shift) for shift in rows["shift"]])
    forests = []
    keys = ["extra", "rank", "target_assay", "source_assay", "shift", "test_negatives"]
    grouped = rows.sort_values(["extra", "rank"], ascending=[True, False], kind="stable").groupby(keys, sort=False)
    for i, ((is_extra, _, target, source, shift, negatives), group) in enumerate(grouped):
        route = f"{assay(source)} → {assay(target)}"
        kind = "Another TF" if is_extra else f"Shift of {word(shift)}"
        title = f"{kind}, {route}, negatives: {word(negatives)}"
        label = f"Forest plot of drops in AUROC with intervals. {title}. The numbers are in the table below."
        headline = not is_extra and shift == "assay" and target == "chipseq"
        svg = _forest(group, models, f"forest{i}", label)
        forests.append({"title": title, "svg": svg, "headline": headline})
    return sorted(forests, key=lambda forest: not forest["headline"])


def _rank(shift: str) -> int:
    return SHIFTS.index(shift) if shift in SHIFTS else len(SHIFTS)


def thin(x: np.ndarray, y: np.ndarray, most: int) -> np.ndarray:
    """Which points of a curve to draw: at most `most`, both ends among them, evenly spaced along its length.

    Parameters
    ----------
    x, y : (N,) float arrays
    most : int, at least 2

    Returns
    -------
    (M,) int array
        Rising indices, M <= most.
    """
    if len(x) <= most:
        return np.arange(len(x))
    along = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    chosen = np.searchsorted(along, np.linspace(0, along[-1], most)).clip(0, len(x) - 1)
    chosen[0], chosen[-1] = 0, len(x) - 1
    return np.unique(chosen)


def _drawn(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves that are shown: of each target, its own models and those of the farthest source, thinned."""
    rows = curves[curves["train_negatives"] == curves["test_negatives"]]
    cross = rows[rows["source"] != rows["target"]]
    cross = cross.assign(rank=[-_rank(shift) for shift in cross["shift"]]).sort_values(
        ["rank", "source"], kind="stable"
    )
    farthest = cross.drop_duplicates(PANEL)[[*PANEL, "source"]].rename(columns={"source": "farthest"})
    rows = rows.merge(farthest, on=PANEL, how="left")
    rows = rows[(rows["source"] == rows["target"]) | (rows["source"] == rows["farthest"])]
    lines = rows.groupby([*PANEL, "source", "model", "curve"], sort=False)
    most = int(np.clip(POINTS // max(1, lines.ngroups), 16, 60))
    x, y = rows["x"].to_numpy(float), rows["y"].to_numpy(float)
    kept = [line[thin(x[line], y[line], most)] for line in lines.indices.values()]
    return rows.iloc[np.concatenate(kept)] if kept else rows


def _curve_panels(drawn: pd.DataFrame, scores: pd.DataFrame, models: dict) -> list[dict]:
    """ROC and precision-recall of each target, one figure for each kind of negatives."""
    known = scores[scores["n_positive"].notna() & scores["n_negative"].notna()].drop_duplicates(PANEL)
    known = known.set_index(PANEL)
    base = (known["n_positive"] / (known["n_positive"] + known["n_negative"])).to_dict()
    panels: dict[str, list] = {}
    figure = _panels()
    for i, ((tf, target, negatives), group) in enumerate(drawn.groupby(PANEL, sort=False)):
        rate = base.get((tf, target, negatives))
        for axes, curve in zip(figure.axes, ("roc", "pr"), strict=True):
            _draw(axes, group[group["curve"] == curve], [0, 1] if curve == "roc" else [rate, rate], models)
        source = group["farthest"].iat[0]
        label = f"ROC and precision-recall curves of {target}, negatives {negatives}"
        panels.setdefault(tf, []).append(
            {
                "target": target,
                "farthest": None if pd.isna(source) else source,
                "negatives": negatives,
                "rate": "unknown" if rate is None else f"{rate:.2f}",
                "svg": _svg(figure, f"curve{i}", label),
            }
        )
    return [{"tf": tf, "panels": of_tf} for tf, of_tf in panels.items()]


def _panels() -> Figure:
    """Empty ROC and precision-recall axes: ticks are slow to make, so every target is drawn on the same pair."""
    figure = Figure(figsize=(5.2, 2.55))
    names = (("false positive rate", "true positive rate"), ("recall", "precision"))
    for axes, (x, y) in zip(figure.subplots(1, 2), names, strict=True):
        axes.set_xlabel(x, labelpad=2)
        axes.set_ylabel(y, labelpad=1)
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    figure.subplots_adjust(0.085, 0.17, 0.985, 0.97, wspace=0.27)
    return figure


def _draw(axes, rows: pd.DataFrame, chance: list, models: dict) -> None:
    for line in list(axes.lines):
        line.remove()
    if chance[0] is not None:
        axes.plot([0, 1], chance, color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
    for (source, target, model), line in rows.groupby(["source", "target", "model"], sort=False):
        own = source == target
        style = {"linestyle": "-", "linewidth": 1.3} if own else {"linestyle": (0, (3, 1.6)), "linewidth": 1}
        axes.plot(line["x"], line["y"], color=models[model][0], **style)


def _logs(logs: Mapping[str, Mapping[str, pd.DataFrame]]) -> tuple[dict, list[dict]]:
    whole = [
        frame[["event", "reason", "count"]].assign(dataset=dataset, table=table.replace("negatives:", "negatives: "))
        for dataset, of_dataset in logs.items()
        for table, frame in of_dataset.items()
    ]
    order = ["dataset", "table", "event", "reason", "count"]
    whole = pd.concat(whole)[order].reset_index(drop=True) if whole else pd.DataFrame(columns=order)
    events = [
        "read",
        "changed",
        "dropped",
        "kept",
        *sorted(set(whole["event"]) - {"read", "changed", "dropped", "kept"}),
    ]
    totals = whole.pivot_table(
        index=["dataset", "table"], columns="event", values="count", aggfunc="sum", sort=False, observed=True
    ).reindex(columns=events)
    totals = totals.dropna(axis="columns", how="all").reset_index()
    columns = [Column("Dataset", lambda r: word(r["dataset"])), Column("Table", lambda r: r["table"])]
    columns += [
        Column(event.capitalize(), lambda r, event=event: count(r[event]), True)
        for event in totals.columns
        if event in events
    ]
    shown = _shown(
        totals,
        columns,
        caption="Records of each dataset: how many were read, changed, dropped and kept",
        name="records",
        empty="No counts were handed to this report.",
        raw=whole,
    )
    details = []
    for dataset, rows in whole.groupby("dataset", sort=False):
        body = [[r["table"], r["event"], r["reason"], count(r["count"])] for r in rows.to_dict("records")]
        details.append({"dataset": dataset, "rows": body})
    return shown, details


def provenance(rows: Mapping[str, Mapping[str, str]], config: Mapping) -> dict[str, object]:
    """What a result rests on: versions, seeds, the input files with their SHA-256, the whole configuration.

    Parameters
    ----------
    rows : {dataset: row of the sheet}
        A checksum that the sheet does not give is computed where the file is at hand.
    config : mapping
        Plain values.

    Returns
    -------
    dict
        For `render`; the same for the same study on any day.
    """
    files = [
        (name, row.get(key), row.get(key.replace("path", "sha256"))) for name, row in rows.items() for key in FILES
    ]
    genomes = (config.get("genomes") or {}).items()
    files += [(name, options.get("fasta"), options.get("sha256")) for name, options in genomes]
    files += [(name, options.get("blacklist"), None) for name, options in genomes]
    inputs = [
        {"for": name, "file": str(path), "sha256": given or (digest(path) if os.path.isfile(path) else "not given")}
        for name, path, given in files
        if path
    ]
    return {
        "tfbind": __version__,
        "python": platform.python_version(),
        "seeds": list(config["seeds"]),
        "library versions": {name: metadata.version(name) for name in LIBRARIES},
        "input files": inputs,
        "configuration": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def _provenance(provenance: Mapping) -> dict:
    """Plain values in reading order: short facts, then mappings as small tables, then texts of many lines."""
    facts, maps, texts = [], [], []
    for key, value in provenance.items():
        if isinstance(value, pd.DataFrame):
            maps.append((key, [str(c) for c in value.columns], value.astype(str).to_numpy().tolist()))
        elif isinstance(value, Mapping):
            maps.append((key, ["name", "value"], [[str(k), str(v)] for k, v in value.items()]))
        elif isinstance(value, str) and "\n" in value.strip():
            texts.append((key, value))
        elif isinstance(value, Iterable) and not isinstance(value, str):
            value = list(value)
            if value and all(isinstance(item, Mapping) for item in value):
                heads = list(dict.fromkeys(str(k) for item in value for k in item))
                maps.append((key, heads, [[str(item.get(h, "")) for h in heads] for item in value]))
            else:
                facts.append((key, ", ".join(map(str, value))))
        else:
            facts.append((key, str(value)))
    return {"facts": facts, "maps": maps, "texts": texts}


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
    curves: pd.DataFrame,
    logs: Mapping[str, Mapping[str, pd.DataFrame]],
    provenance: Mapping[str, object],
    celltype: pd.DataFrame | None = None,
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
    summary, shifts, metrics, transfer, libraries, curves : DataFrame
        The tables of the same names under results/. AUROCs and drops are fractions of 1; a drop of 0.048 is
        shown as 4.8 points. Of the metrics, the rows of the seed `ensemble` are shown.
    logs : mapping
        Dataset -> table (`positives`, `negatives:<label>`) -> frame of `event, reason, count`.
    provenance : mapping
        Plain values, mappings, lists or frames, shown under their keys in the given order. A date comes from
        here: the page holds none of its own.
    celltype : DataFrame, optional
        The table of the same name; without it the page has no such section.
    """
    ensemble = metrics[metrics["seed"].astype(str) == "ensemble"]
    scores = ensemble[ensemble["metric"] == "auroc"]
    names = dict.fromkeys(pd.concat([metrics["model"], transfer["model"], curves["model"]]).dropna())
    models = {
        model: (COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)])
        for i, model in enumerate(names)
    }
    drawn = _drawn(curves)
    with matplotlib.style.context(_STYLE, after_reset=True):
        forests = _forests(transfer, models)
        panels = _curve_panels(drawn, scores, models)
    records, reasons = _logs(logs)
    environment = Environment(
        loader=PackageLoader("tfbind", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        title=title,
        answers=_answers(verdicts),
        verdict_link=download(verdicts, "verdicts"),
        badge=badge,
        breakable=breakable,
        reusable=points(REUSABLE_LOSS),
        widest=points(WIDEST_INTERVAL),
        summary=_summary(summary),
        shifts=_shifts(shifts),
        matrices=_matrices(scores),
        metrics_link=download(ensemble, "metrics"),
        palette=palette(),
        models={model: colour for model, (colour, _) in models.items()},
        forests=forests,
        pairs=_pairs(transfer),
        panels=panels,
        curves_link=download(drawn[list(curves.columns)], "curves"),
        libraries=_libraries(libraries),
        celltype=None if celltype is None else _celltype(celltype),
        records=records,
        reasons=reasons,
        provenance=_provenance(provenance),
    )
    with tables.replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
