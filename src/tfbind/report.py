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
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
import numpy as np
import pandas as pd
import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from tfbind import __version__, logos, tables
from tfbind.audit import COLUMNS, ONE_LIBRARY
from tfbind.calibration import SHOWN, over_tfs
from tfbind.evaluation import INTERPOLATED
from tfbind.layout import PATHS, checksum_column, fetched, is_url, local
from tfbind.scores import Results
from tfbind.shifts import SHIFTS
from tfbind.transfer import EVERY_TF, GROUP, REUSABLE_LOSS, WIDEST_INTERVAL, rank
from tfbind.transferability import foreseen, gained

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
#: The libraries whose version can change a number.
LIBRARIES = (
    *("numpy", "pandas", "scipy", "scikit-learn", "numba", "torch", "pytorch-lightning", "safetensors"),
    *("pyfaidx", "pysam", "pybedtools", "pyjaspar", "matplotlib", "snakemake"),
)
#: Tables longer than this are cut on the page (never in the download), larger downloads are compressed.
LONGEST, HEAVIEST = 1500, 100_000
#: More TFs than that are not shown all at once.
MANY = 4
#: Points of all curves together; each keeps 16 to 60 of its own.
POINTS = 60_000
PANEL = ["tf", "target", "test_negatives"]
MISSING = "–"

#: Every work that the page cites, in the order of its numbers.
BIBTEX = Path(__file__).with_suffix(".bib").read_text(encoding="utf-8")

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
    return _link(data, name + suffix, kind)


def _link(data: bytes, name: str, kind: str) -> dict[str, str]:
    return {"name": name, "href": f"data:{kind};base64,{base64.b64encode(data).decode()}"}


def references() -> list[str]:
    """The works that the page cites, in the order of their numbers, as a list of references writes them."""
    written = []
    for entry in re.findall(r"^@\w+\{\w+,\n(.*?)\n\}$", BIBTEX, re.M | re.S):
        of = dict(re.findall(r"^  (\w+) = \{(.*)\},?$", entry, re.M))
        names = [re.sub("[,.{}]", "", name.replace(". ", "")) for name in of["author"].split(" and ")]
        who = ", ".join(names).replace(", others", " et al.") + (f" ({of['year']})" if "year" in of else "")
        where = " ".join(of[key] for key in ("journal", "booktitle", "publisher", "volume") if key in of)
        where += f", {of['pages']}" if "pages" in of else ""
        said = [who.rstrip("."), of["title"], where, of.get("note", "")]
        text = ". ".join(filter(None, said)).replace("--", "–")
        written.append(text + (f". doi:{of['doi']}" if "doi" in of else "."))
    return written


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
    choose: tuple[str, ...] = (),
) -> dict:
    """What the template's table macro needs.

    `raw` is the frame to download when it is not `frame`; `choose` are the headings by which a reader may filter.
    """
    rows = [[column.cell(row) for column in columns] for row in frame.head(LONGEST).to_dict("records")]
    cut = f"The first {LONGEST} of {len(frame)} rows; the download has all." if len(frame) > LONGEST else ""
    raw = frame if raw is None else raw
    link = download(raw, name)
    places = [[column.heading for column in columns].index(heading) for heading in choose]
    menus = _menus({columns[place].heading: [row[place] for row in rows] for place in places})
    marks = [[menu["words"].index(row[place]) for menu, place in zip(menus, places, strict=True)] for row in rows]
    return dict(columns=columns, rows=rows, caption=caption, cut=cut, empty=empty, link=link, menus=menus, marks=marks)


def _menus(words: Mapping[str, Iterable[str]], first: bool = False) -> list[dict]:
    """A menu for each heading: its distinct words, and which of the first menu is chosen at the start (else all)."""
    menus = [{"name": name, "words": list(dict.fromkeys(some)), "chosen": None} for name, some in words.items()]
    if first:
        menus[0]["chosen"] = 0
    return menus


def _summary(summary: pd.DataFrame, shifts: pd.DataFrame) -> dict:
    # The adjusted p-values stand with the other shifts; the file keeps the columns of the paper's table.
    crossing = shifts[(shifts["source_assay"] == "htselex") & (shifts["target_assay"] == "chipseq")]
    rows = summary.merge(crossing.loc[crossing["shift"] == "assay", [*GROUP, "p_minimum", "p_holm"]], how="left")
    columns = [
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("TFs", lambda r: count(r["n_tf"]), True),
        Column("Same assay", lambda r: auroc(r["same"]), True),
        Column("Cross assay", lambda r: auroc(r["cross"]), True),
        Column("Drop (interval)", lambda r: drop(r["drop"], r["low"], r["high"]), True),
        Column("p", lambda r: p_value(r["p_value"]), True),
        Column("p, Holm", lambda r: p_value(r["p_holm"]), True),
        Column("Smallest p", lambda r: p_value(r["p_minimum"]), True),
    ]
    return _shown(
        rows,
        columns,
        raw=summary,
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
        Column("p, Holm", lambda r: p_value(r["p_holm"]), True),
        Column("Smallest p", lambda r: p_value(r["p_minimum"]), True),
    ]
    return _shown(
        shifts,
        columns,
        caption="The drop by the largest difference between source and target, mean over TFs",
        name="shifts",
        empty="No pair of datasets in this study differs in replicate, laboratory, cell or assay.",
    )


def _estimate(value: float, low: float, high: float) -> str:
    """An AUROC with its interval: `0.957 (0.94 to 0.97)`."""
    interval = "" if pd.isna(low) or pd.isna(high) else f" ({auroc(low)} to {auroc(high)})"
    return auroc(value) + interval


def _ladder(ladder: pd.DataFrame) -> dict:
    """The rungs over TFs, or of the only TF."""
    shown = ladder[ladder["tf"] == EVERY_TF]
    shown = ladder if shown.empty else shown
    columns = [
        Column("Rung", lambda r: r["rung"]),
        Column("Trained on → tested on", lambda r: f"{assay(r['source_assay'])} → {assay(r['target_assay'])}"),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("TFs", lambda r: count(r["n_tf"]), True),
        Column("Pairs", lambda r: count(r["n_pair"]), True),
        Column("AUROC (interval)", lambda r: _estimate(r["auroc"], r["low"], r["high"]), True),
        Column("Trained on target", lambda r: auroc(r["target_trained"]), True),
        Column("Drop (interval)", lambda r: drop(r["drop"], r["drop_low"], r["drop_high"]), True),
        Column("Loss (interval)", lambda r: drop(r["loss"], r["loss_low"], r["loss_high"]), True),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    return _shown(
        shown,
        columns,
        caption="The ladder: the same model ever farther from its source",
        name="ladder",
        empty="No model was scored.",
        raw=ladder,
    )


def _rungs(ladder: pd.DataFrame, models: dict) -> list[dict]:
    """One figure for each TF and kind of negatives: AUROC by rung, a panel for each source assay."""
    known = ladder[(ladder["train_negatives"] == ladder["test_negatives"]) & ladder["auroc"].notna()]
    known = known.iloc[np.argsort(known["tf"] != EVERY_TF, kind="stable")]
    order = list(dict.fromkeys(ladder["rung"]))
    figures = []
    for i, ((tf, negatives), group) in enumerate(known.groupby(["tf", "test_negatives"], sort=False)):
        sides = list(dict.fromkeys(group["source_assay"]))
        figure = Figure(figsize=(3.6 * len(sides) + 0.4, 2.4))
        for axes, side in zip(figure.subplots(1, len(sides), sharey=True, squeeze=False)[0], sides, strict=True):
            some = group[group["source_assay"] == side]
            present = [model for model in models if model in set(some["model"])]
            for j, model in enumerate(present):
                line = some[some["model"] == model]
                x = line["rung"].map(order.index).to_numpy(float) + 0.5 * ((j + 0.5) / len(present) - 0.5)
                colour, marker = models[model]
                axes.vlines(x, line["low"], line["high"], color=colour, linewidth=1)
                axes.plot(x, line["auroc"], marker, color=colour, markersize=4, markeredgewidth=0, linestyle="none")
                axes.plot(x, line["target_trained"], "_", color=colour, markersize=7)
            axes.axhline(0.5, color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
            axes.set_xlim(-0.5, len(order) - 0.5)
            axes.set_xticks(range(len(order)), ["own test", *order[1:]])
            axes.set_title(f"trained on {assay(side)}" if word(side) != MISSING else "", loc="left", fontsize=8.5)
        figure.axes[0].set_ylabel("AUROC")
        figure.subplots_adjust(0.5 / figure.get_figwidth(), 0.12, 0.99, 0.9, wspace=0.08)
        label = f"AUROC of {tf} by rung of the ladder, negatives {negatives}. The numbers are in the table below."
        figures.append({"title": f"{tf}, negatives: {negatives}", "svg": _svg(figure, f"ladder{i}", label)})
    return figures


def _variance(variance: pd.DataFrame) -> dict:
    columns = [
        Column("Between", lambda r: word(r["component"])),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("Levels", lambda r: count(r["n_level"]), True),
        Column("Degrees of freedom", lambda r: count(r["freedom"]), True),
        Column("SD (interval)", lambda r: drop(r["sd"], r["low"], r["high"]), True),
        Column("Share of variance", lambda r: MISSING if pd.isna(r["share"]) else f"{r['share']:.0%}", True),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    return _shown(
        variance,
        columns,
        caption="Spread of AUROC on one target between models trained on different data",
        name="variance",
        empty="No model was trained with numbered seeds.",
    )


def _calibration(calibration: pd.DataFrame) -> dict:
    """Mean expected calibration error over TFs: a row for each shift and model, a column for each way to mend it."""
    over = over_tfs(calibration)
    keys = ["shift", "source_assay", "target_assay", *GROUP]
    ways = {"none": [0], "prior": [0], "temperature": [16, 64, 256], "temperature and bias": [16, 64, 256]}
    wanted = [(name, n) for name, shots in ways.items() for n in shots]
    lines = []
    for key, rows in over.groupby(keys, sort=False):
        found = {(row["adaptation"], row["n_target"]): row for row in rows.to_dict("records")}
        lines.append(dict(zip(keys, key, strict=True)) | {"found": found} | found.get(("none", 0), {"n_tf": 0}))

    def column(name: str, n: int) -> Column:
        heading = {"none": "As it is", "prior": "Prior known"}.get(name, f"{name.capitalize()}, n = {n}")
        return Column(heading, lambda r: auroc(r["found"].get((name, n), {"ece": np.nan})["ece"]), True)

    columns = [
        Column("Shift", lambda r: word(r["shift"])),
        Column("From → to", lambda r: f"{assay(r['source_assay'])} → {assay(r['target_assay'])}"),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("TFs", lambda r: count(r["n_tf"]), True),
        Column("Predicted / true share", lambda r: f"{r['predicted']:.2f} / {r['observed']:.2f}", True),
        *(column(name, n) for name, n in wanted),
        Column("By chance", lambda r: auroc(r["ece_chance"]), True),
    ]
    return _shown(
        pd.DataFrame(lines, columns=[*keys, "found", "n_tf", "predicted", "observed", "ece_chance"]),
        columns,
        caption="Expected calibration error, mean over TFs",
        name="calibration",
        empty="No model was scored on enough test rows.",
        raw=calibration,
    )


def _reliabilities(reliability: pd.DataFrame, models: dict) -> list[dict]:
    """For each TF and kind of negatives, the curves of its farthest pair before and after a few target examples."""
    cross = reliability[reliability["source"] != reliability["target"]]
    cross = cross.assign(rank=[-rank(shift) for shift in cross["shift"]])
    cross = cross.sort_values(["rank", "source", "target"], kind="stable")
    figures = []
    for i, ((tf, negatives), group) in enumerate(cross.groupby(["tf", "test_negatives"], sort=False)):
        source, target = group[["source", "target"]].iloc[0]
        pair = group[(group["source"] == source) & (group["target"] == target)]
        figure = Figure(figsize=(5.2, 2.5))
        sides = (("none", "as it is"), ("temperature and bias", f"temperature and bias of {SHOWN} examples"))
        for axes, (name, title) in zip(figure.subplots(1, 2, sharey=True), sides, strict=True):
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=(0, (1, 2)))
            some = pair[pair["adaptation"] == name]
            for model, line in some.groupby("model", sort=False):
                axes.plot(line["predicted"], line["observed"], color=models[model][0], linewidth=1.1)
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
            axes.set_title(title if len(some) else f"{title}: too few", loc="left", fontsize=8.5)
            axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            axes.set_xlabel("predicted probability", labelpad=2)
        figure.axes[0].set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
        figure.axes[0].set_ylabel("share of positives", labelpad=1)
        figure.subplots_adjust(0.085, 0.17, 0.985, 0.9, wspace=0.1)
        title = f"{tf}, {source} → {target}, negatives: {negatives}"
        label = f"Reliability curves of {title}, before and after {SHOWN} target examples"
        figures.append({"title": title, "svg": _svg(figure, f"reliability{i}", label)})
    return figures


#: What is done with target examples -> its line.
_ADAPTATIONS = {"direct": "as it is", "head": "last layers trained on", "finetune": "all trained on"} | {
    "joint": "trained on both", "retrain": "trained from scratch"
}  # fmt: skip


def _retrain(retrain: pd.DataFrame, crossings: pd.DataFrame) -> dict:
    """The learning curves of each pair, what they say, and their numbers."""
    known = retrain[retrain["value"].notna()]
    keys = ["tf", "source", "target", "test_negatives", "model"]
    most = np.log2(max(known["n_target"].max(), 4)) if len(known) else 2.0
    figures = []
    for i, (key, group) in enumerate(known.groupby(keys, sort=False)):
        figure = Figure(figsize=(4.4, 2.5))
        axes = figure.subplots()
        for (name, title), colour in zip(_ADAPTATIONS.items(), COLOURS, strict=False):
            line = group[group["adaptation"] == name].sort_values("n_target")
            if line.empty:
                continue
            if name == "direct":
                axes.axhline(line["value"].iloc[0], color=colour, linewidth=1.1, label=title)
                axes.axhspan(line["low"].iloc[0], line["high"].iloc[0], color=colour, alpha=0.12, linewidth=0)
                continue
            x = np.log2(line["n_target"].to_numpy(float))
            axes.plot(x, line["value"], "o-", color=colour, markersize=3, linewidth=1.1, label=title)
            axes.fill_between(x, line["low"], line["high"], color=colour, alpha=0.12, linewidth=0)
        ticks = np.arange(4, most + 1, 2)
        axes.set_xticks(ticks, [f"{int(2**tick):,}" for tick in ticks])
        axes.set_xlabel("target examples", labelpad=2)
        axes.set_ylabel("AUROC on the target")
        axes.legend(fontsize=7, frameon=False)
        figure.subplots_adjust(0.13, 0.16, 0.98, 0.97)
        tf, source, target, negatives, model = map(word, key)
        title = f"{tf}, {source} → {target}, {model}, negatives: {negatives}"
        mine = (crossings[keys] == list(key)).all(axis=1)
        label = f"AUROC by number of target examples of {title}. The numbers are in the table below."
        svg = _svg(figure, f"retrain{i}", label)
        figures.append({"title": title, "svg": svg, "said": crossings.loc[mine, "sentence"].tolist()})
    columns = [
        Column("Source → target", lambda r: f"{word(r['source'])} → {word(r['target'])}"),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("The source model", lambda r: _ADAPTATIONS.get(r["adaptation"], word(r["adaptation"]))),
        Column("Target examples", lambda r: count(r["n_target"]), True),
        Column("AUROC (interval)", lambda r: _estimate(r["value"], r["low"], r["high"]), True),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    options = {"caption": "AUROC by number of target examples", "name": "retrain", "empty": "No pair was asked for."}
    options["choose"] = ("Source → target", "The source model")
    return {"figures": figures, "table": _shown(retrain, columns, **options), "link": download(crossings, "crossings")}


def _causes(causes: pd.DataFrame) -> dict:
    """The waterfall of each pair, what it says, and its numbers."""
    keys = ["tf", "source", "target", "test_negatives", "model"]
    figures = []
    for i, (key, group) in enumerate(causes.groupby(keys, sort=False)):
        tf, source, target, negatives, model = map(word, key)
        title = f"{tf}, {source} → {target}, {model}, negatives: {negatives}"
        whole = group[group["metric"] == "drop"].iloc[0]
        if pd.isna(whole["value"]):
            figures.append({"title": title, "svg": "", "said": word(whole["note"]), "untested": []})
            continue
        parts = group[group["metric"] == "part"]
        untested = [f"{row['cause']}: {row['note']}" for row in parts[parts["value"].isna()].to_dict("records")]
        svg = _svg(_waterfall(group), f"causes{i}", f"What the drop of {title} is made of. {whole['sentence']}")
        figures.append({"title": title, "svg": svg, "said": whole["sentence"], "untested": untested})
    columns = [
        Column("Source → target", lambda r: f"{word(r['source'])} → {word(r['target'])}"),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("Cause", lambda r: word(r["cause"])),
        Column("Number", lambda r: word(r["metric"])),
        Column(
            "Value (interval)",
            lambda r: (_estimate if r["metric"] == "auroc" else drop)(r["value"], r["low"], r["high"]),
            True,
        ),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    options = {"caption": "What each drop is made of", "name": "causes", "empty": "No pair was asked for."}
    return {"figures": figures, "table": _shown(causes, columns, **options)}


def _waterfall(group: pd.DataFrame) -> Figure:
    """From the AUROC of the target-trained model down to that of the source model, a bar for each part."""
    values = group.set_index(["metric", "cause"])
    parts = values.loc["part"].dropna(subset=["value"]).sort_values("value", ascending=False, kind="stable")
    ends = [("trained on the target", "target"), ("trained on the source", "source")]
    figure = Figure(figsize=(5.6, 0.7 + 0.27 * (len(parts) + 2)))
    axes = figure.subplots()
    low = high = top = values.loc[("auroc", "target"), "value"]
    for y, (_, part) in enumerate(parts.iterrows(), 1):
        loss = part["value"] >= 0
        look = {"color": COLOURS[1] if loss else COLOURS[0], "hatch": "" if loss else "////", "edgecolor": "white"}
        axes.barh(y, part["value"], left=top - part["value"], height=0.62, linewidth=0, **look)
        axes.plot([top, top], [y - 1, y + 0.31], color="#999999", linewidth=0.6)
        top -= part["value"]
        reach = [top + part["value"] - part["high"], top + part["value"] - part["low"]]
        axes.plot(reach, [y, y], color="#1d2125", linewidth=1)
        low, high = min(low, *reach), max(high, *reach)
        axes.annotate(
            f"{points(-part['value'])}", (min(reach), y), (-4, 0), textcoords="offset points", ha="right", va="center"
        )
    for y, (_, name) in zip((0, len(parts) + 1), ends, strict=True):
        value = values.loc[("auroc", name), "value"]
        axes.plot([value, value], [y - 0.31, y + 0.31], color="#1d2125", linewidth=2.4)
        axes.annotate(auroc(value), (value, y), (5, 0), textcoords="offset points", ha="left", va="center")
        low, high = min(low, value), max(high, value)
    room = max(high - low, 0.01)
    axes.set_xlim(low - 0.16 * room, high + 0.14 * room)
    axes.set_ylim(len(parts) + 1.6, -0.6)
    axes.set_yticks(range(len(parts) + 2), [ends[0][0], *parts.index, ends[1][0]])
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("AUROC on the target", labelpad=2)
    figure.subplots_adjust(0.27, 0.46 / figure.get_figheight(), 0.985, 0.99)
    return figure


def _unlabelled(adaptation: pd.DataFrame, transferability: pd.DataFrame) -> dict:
    """What was gained without target labels, over TFs first, and whether the drop could be foreseen."""
    columns = [
        Column("TF", lambda r: word(r["tf"])),
        Column("Source → target", lambda r: f"{_end(r, 'source')} → {_end(r, 'target')}"),
        Column("Model", lambda r: word(r["model"])),
        Column("Negatives", against),
        Column("Adaptation", lambda r: word(r["adaptation"]).replace("_", " ")),
        Column("Needs", lambda r: word(r["needs"])),
        Column("AUROC (interval)", lambda r: _estimate(r["value"], r["low"], r["high"]), True),
        Column("Gain over direct use", lambda r: drop(r["gain"], r["gain_low"], r["gain_high"]), True),
        Column("Drop left", lambda r: drop(r["drop"], r["drop_low"], r["drop_high"]), True),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    first = adaptation["tf"] != EVERY_TF
    options = {"caption": "Adaptations without target labels", "name": "adaptation", "empty": "No pair was asked for."}
    return {
        "said": [*gained(adaptation), *foreseen(transferability)],
        "table": _shown(adaptation.loc[first.sort_values(kind="stable").index], columns, **options),
        "link": download(transferability, "transferability"),
    }


def _end(row: Mapping, end: str) -> str:
    return assay(row[f"{end}_assay"]) if row["tf"] == EVERY_TF else word(row[end])


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
        choose=("TF", "Shift", "Model", "Negatives"),
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

    def entropy(row):
        if pd.isna(row["entropy"]):
            return MISSING
        return f"{row['entropy']:.2f} ({row['entropy_negative']:.2f})"

    def own_motif(row):
        if pd.isna(row["motif_auroc"]):
            return MISSING
        return f"{word(row['motif'])} {auroc(row['motif_auroc'])}"

    def consensus(row):
        if pd.isna(row["held"]):
            return MISSING if row["assay"] != "htselex" else "none"
        return f"{word(row['consensus'])} × {row['excess']:.3g}"

    columns = [
        Column("Dataset", lambda r: word(r["dataset"])),
        Column("TF", lambda r: word(r["tf"])),
        Column("Assay", lambda r: assay(r["assay"])),
        Column("Cell", lambda r: word(r["cell"])),
        Column("Lab", lambda r: word(r["lab"])),
        Column("Rep.", lambda r: word(r["replicate"]), True),
        Column("Cycle", lambda r: word(r["cycle"]), True),
        Column("Read", lambda r: count(r["n_read"]), True),
        Column("Dropped", lambda r: count(r["n_dropped"]), True),
        Column("Positives", lambda r: count(r["n_positive"]), True),
        Column("Negatives", lambda r: count(r["n_negative"]), True),
        Column("Jackpot reads", lambda r: count(r["n_jackpot"]), True),
        Column("Entropy, bits (negatives)", entropy, True),
        Column("Top k-mer × enrichment", enrichment, True),
        Column("Consensus × excess", consensus, True),
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


def _audit(audit: pd.DataFrame) -> dict:
    """What leaked: a sentence, what it says of whole libraries, and a table of the cells that leak."""
    cell = ["source", "target", "train_negatives", "test_negatives"]
    found = audit[audit["n_train"] > 0]
    leaks = found[found["kind"] != ONE_LIBRARY]
    n, n_leaking = len(audit[cell].drop_duplicates()), len(leaks[cell].drop_duplicates())
    said = f"Nothing leaked: no training row of any of the {count(n)} pairs of source and target is in its test set."
    if not n:
        said = "No pair of source and target was audited."
    if n_leaking:
        actions = {"removed": "left out of the training", "refused": "reason enough to refuse the pair"}
        done = " and ".join(actions[action] for action in leaks["action"].unique())
        share = f"{count(n_leaking)} of {count(n)} pairs of source and target"
        said = f"In {share} training rows are in the test set too; they were {done}."
    libraries = found[(found["kind"] == ONE_LIBRARY) & (found["action"] != "none")]
    shown = pd.concat([leaks, libraries]).sort_index()
    columns = [
        Column("Source → target", lambda r: f"{word(r['source'])} → {word(r['target'])}"),
        Column("Negatives", against),
        Column("Leak", lambda r: word(r["kind"]).replace("_", " ")),
        Column("Training rows", lambda r: count(r["n_train"]), True),
        Column("Test rows", lambda r: count(r["n_test"]), True),
        Column("Left out", lambda r: count(r["n_removed"]), True),
        Column("Action", lambda r: word(r["action"])),
        Column("Note", lambda r: "" if pd.isna(r["note"]) else r["note"]),
    ]
    caption = "Training and validation rows that are in a test set"
    options = {"caption": caption, "name": "audit", "empty": "No pair leaks.", "raw": audit}
    return {
        "said": said,
        "libraries": list(dict.fromkeys(libraries["note"])),
        "table": _shown(shown, columns, **options),
        "link": download(audit, "audit"),
    }


def _lessons(table: pd.DataFrame, motifs: Mapping[str, np.ndarray]) -> dict:
    """What each model has learnt: logos and sentences of each factor, and what its filters answer to."""
    factors = logos.section(table, motifs, ASSAYS)
    for part in (part for factor in factors for part in factor["models"]):
        for logo in (logo for figure in part["figures"] for logo in figure["logos"]):
            logo["said"] = _like(logo["row"])
    keys = ["tf", "source", "source_assay", "train_negatives", "model"]
    found = [logos.taught(rows) for _, rows in table.groupby(keys, sort=False)]
    columns = [
        Column("TF", lambda r: word(r["tf"])),
        Column("Source", lambda r: word(r["source"])),
        Column("Assay", lambda r: assay(r["source_assay"])),
        Column("Negatives", lambda r: word(r["train_negatives"])),
        Column("Model", lambda r: word(r["model"])),
        Column("Filters like", lambda r: f"{word(r['match_tf'])} {word(r['match'])}"),
        Column("The factor’s own", lambda r: _KINSHIP[r["kinship"]]),
        Column("Filters", lambda r: count(r["filters"]), True),
        Column("Share of the effect", lambda r: _percent(r["importance"]), True),
        Column("q", lambda r: p_value(r["q_value"]), True),
    ]
    shown = _shown(
        pd.concat(found) if found else pd.DataFrame(),
        columns,
        caption="What the filters of each model answer to, all seeds together",
        name="motifs",
        empty="No filter answers to a known motif.",
        raw=table,
        choose=("TF", "Model"),
    )
    return {"letters": logos.letters(), "factors": factors, "table": shown}


_KINSHIP = {"own": "yes", "alike": "like it", "other": "no"}


def _percent(share: float) -> str:
    return MISSING if pd.isna(share) else f"{100 * share:.0f} %".replace("-", "−")


def _like(row: Mapping) -> str:
    """The line under a logo."""
    which = "sites" if row["filter"] == logos.SITES else f"filters, {_percent(row['importance'])} of the effect"
    return f"{which}: {row['match_tf']} {row['match']}, q = {row['q_value']:.1g}"


def _celltype(table: pd.DataFrame) -> dict | None:
    """The sentence and the table of the cell-type task; None where the study has no cells."""
    if table.empty:
        return None
    names = ["auprc", INTERPOLATED, "auroc", "recall_at_50fdr", "recall_at_10fdr", "shuffled_auroc"]
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
        Column("auPRC, interpolated", lambda r: auroc(r[INTERPOLATED]), True),
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
        choose=("TF", "Method"),
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


def badge(verdict: object) -> dict[str, str]:
    """How a verdict is shown: `style`, `sign`, `word`, and what the verdict says after a colon as `text`."""
    said, _, text = word(verdict).partition(": ")
    style, sign = next((look for start, look in VERDICTS.items() if said.startswith(start)), ("unsure", "?"))
    return {"style": style, "sign": sign, "word": said, "text": text}


def breakable(name: str) -> Markup:
    """A dataset's name, escaped, that may break after an underscore, a dash or a dot."""
    return Markup(re.sub(r"(?<=[_.-])(?=.)", "<wbr>", str(escape(name))))


def _pays(crossings: pd.DataFrame | None) -> dict[tuple, list[str]]:
    """From how many target examples on retraining pays: sentences by TF, shift, assays and negatives."""
    if crossings is None:
        return {}
    found: dict[tuple, list[str]] = {}
    chosen = crossings[(crossings["adaptation"] == "retrain") & (crossings["against"] == "direct")]
    for row in chosen.to_dict("records"):
        said = f"{row['model']}, {row['sentence'].removeprefix(row['tf'] + ', ')}"
        found.setdefault(tuple(row[name] for name in _DIRECTION), []).append(said)
    return found


_DIRECTION = ("tf", "shift", "source_assay", "target_assay", "train_negatives", "test_negatives")


def _answers(verdicts: pd.DataFrame, crossings: pd.DataFrame | None) -> list[dict]:
    """One entry for each TF, that over all TFs first; in each, ChIP-seq targets and large shifts first."""
    pays = _pays(crossings)
    columns = ["shift", "test_negatives", "train_negatives"]
    rows = verdicts.assign(**{name: "" for name in columns if name not in verdicts})
    order = [
        (tf != EVERY_TF, target != "chipseq", -rank(shift))
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
            item = {"badge": badge(row["verdict"]), "sentence": sentence, "about": ", ".join(about)}
            items.append(item | {"pays": pays.get(tuple(row[name] for name in _DIRECTION), [])})
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


def _rules(regions: Iterable[list[dict]]) -> list[int]:
    """For the n-th menu of any region, the most words that one has: so many rules of the style sheet are needed."""
    sizes = ([len(menu["words"]) for menu in menus] for menus in regions)
    return [max(column) for column in zip_longest(*sizes, fillvalue=0)]


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else str(index)


def _matrices(scores: pd.DataFrame) -> dict:
    """The grids of each TF and kind of negatives, and the menus to choose among them."""
    matrices = []
    for tf, of_tf in scores.groupby("tf", sort=False):
        sets = []
        for (test, train), of_set in of_tf.groupby(["test_negatives", "train_negatives"], sort=False):
            grids = [{"model": model} | _grid(cells) for model, cells in of_set.groupby("model", sort=False)]
            names = {"test_negatives": test, "train_negatives": train}
            sets.append({"negatives": against(names), "grids": grids})
        matrices.append({"tf": tf, "sets": sets})
    sets = [one for matrix in matrices for one in matrix["sets"]]
    words = {
        "TF": [matrix["tf"] for matrix in matrices],
        "Model": [grid["model"] for one in sets for grid in one["grids"]],
        "Negatives": [one["negatives"] for one in sets],
    }
    return {"tfs": matrices, "menus": _menus(words, first=len(matrices) > MANY)}


_REFERENCE = re.compile(r"^#(.+)|url\(#([^)]*)\)")  # a colour never stands alone


def _svg(figure: Figure, name: str, label: str) -> Markup:
    """A figure as inline SVG: no namespace, style sheet or metadata; ids unique on the page by `name`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ElementTree.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}style", "}metadata")):
                parent.remove(child)
    values = [value for element in root.iter() for value in element.attrib.values()]
    used = {found for value in values for pair in _REFERENCE.findall(value) for found in pair}
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
            elif _REFERENCE.search(value):
                value = _REFERENCE.sub(lambda found: found[0].replace("#", f"#{name}-"), value)
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
    rows = rows.assign(extra=extra, rank=[rank(shift) for shift in rows["shift"]])
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
    cross = cross.assign(rank=[-rank(shift) for shift in cross["shift"]]).sort_values(["rank", "source"], kind="stable")
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


def provenance(
    rows: Mapping[str, Mapping[str, str]], config: Mapping, cells: Iterable[Mapping[str, str]] = ()
) -> dict[str, object]:
    """What a result rests on: versions, seeds, the input files with their SHA-256, the whole configuration.

    Parameters
    ----------
    rows : {dataset: row of the sheet}
    config : mapping
        Plain values.
    cells : iterable of rows of the sheet of cells

    Returns
    -------
    dict
        For `render`. Of each file that was read: what for, its name or URL, the SHA-256 of what is at hand (of a
        URL, of what was fetched), beside the checksum that was given where that is another one; the given one where
        nothing is at hand; the day on which a URL was fetched. The same for the same study on any day, and wherever
        its folder lies: of a path within the working directory, the part below it is shown.
    """
    rows, config, cells = _below(f"{Path.cwd()}/", [rows, config, list(cells)])
    files = [(name, row.get(key), row.get(checksum_column(key), "")) for name, row in rows.items() for key in PATHS]
    files += [
        (" ".join(filter(None, (row["cell"], row["what"], row.get("tf")))), row["path"], row.get("sha256", ""))
        for row in cells
    ]
    for name, options in (config.get("genomes") or {}).items():
        given = {"fasta": "sha256", "blacklist": "blacklist_sha256", "genes": "genes_sha256"}
        files += [(name, options.get(key), options.get(checksum, "")) for key, checksum in given.items()]
    for label, options in (config.get("models") or {}).items():
        if options.get("kind") == "scores":  # of another program
            files += [(label, str(path), "") for path in sorted(Path(options["path"]).rglob("*.tsv"))]
    return {
        "tfbind": __version__,
        "python": platform.python_version(),
        "seeds": list(config["seeds"]),
        "library versions": {name: metadata.version(name) for name in LIBRARIES},
        "input files": [_input(name, str(path), given or "") for name, path, given in files if path],
        "configuration": yaml.safe_dump(config, sort_keys=False, allow_unicode=True),
    }


def _input(name: str, source: str, given: str) -> dict[str, str]:
    path = local(source)
    line = {"for": name, "file": source, "sha256": given or "not given"}
    if os.path.isfile(path):
        line["sha256"] = tables.digest(path)
        algorithm, _, expected = given.rpartition(":")
        if expected and tables.digest(path, algorithm or "sha256") != expected:
            line["sha256"] += f" ({given} was given)"
    if is_url(source) and (found := fetched(source, given, path)):
        line["fetched"] = found[1]
    return line


def _below(folder: str, value: object) -> object:
    """Plain values with what lies in `folder` named from there."""
    if isinstance(value, Mapping):
        return {key: _below(folder, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_below(folder, item) for item in value]
    return value.removeprefix(folder) if isinstance(value, str) else value


def _provenance(provenance: Mapping) -> dict:
    """Plain values in reading order: short facts, then mappings as small tables, then texts of many lines."""
    facts, maps, texts = [], [], []

    def table(key: str, heads: list[str], rows: list[list[str]]) -> None:
        name = "provenance_" + re.sub(r"\W+", "_", key)
        maps.append((key, heads, rows, download(pd.DataFrame(rows, columns=heads), name)))

    for key, value in provenance.items():
        if isinstance(value, pd.DataFrame):
            table(key, [str(c) for c in value.columns], value.astype(str).to_numpy().tolist())
        elif isinstance(value, Mapping):
            table(key, ["name", "value"], [[str(k), str(v)] for k, v in value.items()])
        elif isinstance(value, str) and "\n" in value.strip():
            texts.append((key, value))
        elif isinstance(value, Iterable) and not isinstance(value, str):
            value = list(value)
            if value and all(isinstance(item, Mapping) for item in value):
                heads = list(dict.fromkeys(str(k) for item in value for k in item))
                table(key, heads, [[str(item.get(h, "")) for h in heads] for item in value])
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
        The table of the same name and the motifs (`matching.tabulate`); likewise.
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
        rungs = _rungs(ladder, models)
        reliabilities = _reliabilities(reliability, models)
        waterfalls = None if causes is None else _causes(causes)
        learning = None if retrain is None else _retrain(retrain, crossings)
    records, reasons = _logs(logs)
    environment = Environment(
        loader=PackageLoader("tfbind", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    matrices, pairs = _matrices(scores), _pairs(transfer)
    cells = None if celltype is None else _celltype(celltype)
    filtered = [matrices, pairs, *(part["table"] for part in (learning, cells) if part)]
    page = environment.get_template("report.html.j2").render(
        title=title,
        answers=_answers(verdicts, crossings),
        verdict_link=download(verdicts, "verdicts"),
        badge=badge,
        breakable=breakable,
        reusable=points(REUSABLE_LOSS),
        widest=points(WIDEST_INTERVAL),
        summary=_summary(summary, shifts),
        shifts=_shifts(shifts),
        matrices=matrices,
        menus=_rules(part["menus"] for part in filtered),
        metrics_link=download(ensemble, "metrics"),
        palette=palette(),
        models={model: colour for model, (colour, _) in models.items()},
        ladder=_ladder(ladder),
        rungs=rungs,
        variance=_variance(variance),
        calibration=_calibration(calibration),
        reliabilities=reliabilities,
        causes=waterfalls,
        retrain=learning,
        unlabelled=None if adaptation is None else _unlabelled(adaptation, transferability),
        forests=forests,
        pairs=pairs,
        panels=panels,
        curves_link=download(drawn[list(curves.columns)], "curves"),
        lessons=None if motifs is None else _lessons(*motifs),
        libraries=_libraries(libraries),
        audit=_audit(audit),
        celltype=cells,
        records=records,
        reasons=reasons,
        tfbind=__version__,
        references=references(),
        bibtex=BIBTEX,
        bibtex_link=_link(BIBTEX.encode(), "references.bib", "application/x-bibtex;charset=utf-8"),
        provenance=_provenance(provenance),
    )
    with tables.replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")


def of_scores(
    path: str | os.PathLike, results: Results, source: str | os.PathLike, title: str, statistics: Mapping
) -> None:
    """The same page for a table of scores (`scores.evaluate`), which has no libraries to judge.

    Parameters
    ----------
    path : path
        Of the page.
    results : scores.Results
    source : path
        The table of scores, for its checksum.
    title : str
    statistics : mapping
        As given to `scores.evaluate`.
    """
    seeds = sorted(set(results.metrics["seed"].dropna()) - {"ensemble"})
    named = {name: getattr(results, name) for name in results._fields if name != "tally"}
    render(
        path,
        title=title,
        libraries=pd.DataFrame(),
        audit=pd.DataFrame(columns=COLUMNS),
        logs={"scores": {"scores": results.tally.frame()}},
        provenance=provenance({"scores": {"path": str(source)}}, {"seeds": seeds, "statistics": dict(statistics)}),
        **named,
    )
