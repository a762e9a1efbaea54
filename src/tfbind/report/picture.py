"""The answer in one picture: the drop of each TF and pair of assays, with interval, floor, zero and verdict.

A row is drawn once, in shares of its width, and used twice: in a table that a keyboard, a screen reader and a narrow
window can deal with, and in a file to keep. The shape of a mark says the verdict without its colour.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from tfbind.assays import is_in_vivo
from tfbind.report import figure, table, wording
from tfbind.statistics.over_tfs import EVERY_TF
from tfbind.study.shifts import rank
from tfbind.transfer.verdicts import REUSABLE_LOSS

#: Rows of each pair of assays that are shown at the start, without that over all TFs.
FIRST = 10
#: The axis goes no farther than this beyond the outermost drop or floor; longer intervals end in an arrow.
REACH = 0.15
GROUP = ["shift", "source_assay", "target_assay", "train_negatives", "test_negatives"]
_COLOURS = {"reuse": "#00775a", "tune": "#9a6200", "retrain": "#b94700", "unsure": "#5f666c", "poor": "#99307a"}
_SHAPES = {
    "reuse": '<circle r="5" fill="{}"/>',
    "tune": '<circle r="4.5" fill="#fff" stroke="{0}" stroke-width="1.5"/><path d="M0 -5A5 5 0 0 0 0 5z" fill="{0}"/>',
    "retrain": '<circle r="4.3" fill="#fff" stroke="{}" stroke-width="2.2"/>',
    "unsure": '<circle r="6.5" fill="#fff"/><text y="4.5" font-size="13" font-weight="700" text-anchor="middle" '
    'fill="{}">?</text>',
    "poor": '<path d="M-4.5 -4.5L4.5 4.5M-4.5 4.5L4.5 -4.5" stroke="{}" stroke-width="2.2"/>',
}
_INK = "#1d2125"
MARKS = Markup(
    "<defs>"
    + "".join(f'<g id="mark-{name}">{_SHAPES[name].format(colour)}</g>' for name, colour in _COLOURS.items())
    + f'<path id="mark-floor" d="M0 8V-2M-4 -9H4L0 -2z" fill="{_INK}" stroke="{_INK}"/>'
    + f'<path id="mark-less" d="M7 -4L1 0L7 4" fill="none" stroke="{_INK}" stroke-width="1.5"/>'
    + f'<path id="mark-more" d="M-7 -4L-1 0L-7 4" fill="none" stroke="{_INK}" stroke-width="1.5"/>'
    + "<style>.span{stroke-width:2.5}.span.unsure,.span.poor{stroke-dasharray:5 3}"
    + "".join(f".span.{name}{{stroke:{colour}}}" for name, colour in _COLOURS.items())
    + "</style></defs>"
)
_HIGH, _WIDE = 22, 460  # of a row and of its chart in the file


def picture(verdicts: pd.DataFrame, places: Mapping[str, int]) -> dict | None:
    """The rows of the picture, by pair of assays, and the file that holds them all.

    Parameters
    ----------
    verdicts : DataFrame
        `tf`, `GROUP`, `verdict`, and where known `drop, low, high, same, floor` (fractions of 1).
    places : mapping of str to int
        TF -> number of its entry below the picture.

    Returns
    -------
    dict or None
        None where no drop is known. `groups`, targets in cells and large shifts first: `way` and `rows`, over all TFs
        first and then by drop, the largest first: `tf`, `model` (of a mean over TFs), `place`, `badge`, `drop` (text),
        `svg`, `marks` (positions in the menus), `folded`. `axis`: the drawing of the axis, with the marks that the rows
        refer to. `menus` (see `table.filter_menus`), `folded` (whether any row is), `count` of rows, `floors` (whether
        one is known), `keys` (drawings for the legend) and `file` (see `figure.saved`).
    """
    columns = ["tf", *GROUP, "model", "n", "same", "floor", "drop", "low", "high", "verdict"]
    known = verdicts.reindex(columns=columns)
    if known["drop"].isna().all():
        return None
    known[GROUP] = known[GROUP].astype(object).where(known[GROUP].notna(), "")
    known = known.assign(of_floor=known["same"].astype(float) - known["floor"].astype(float))
    order = [
        (not is_in_vivo(target), -rank(shift), tf != EVERY_TF, -drop if pd.notna(drop) else np.inf)
        for tf, target, shift, drop in known[["tf", "target_assay", "shift", "drop"]].itertuples(index=False)
    ]
    known = known.iloc[sorted(range(len(known)), key=order.__getitem__)]
    ends = _ends(known)
    several = len(known[GROUP[3:]].drop_duplicates()) > 1
    ways = [_way(row, several) for row in known.to_dict("records")]
    known = known.assign(way=ways)
    words = {
        "TF": sorted(known["tf"].unique(), key=lambda tf: (tf != EVERY_TF, tf)),
        "Pair of assays": list(dict.fromkeys(ways)),
        "Verdict": list(dict.fromkeys(known["verdict"])),
    }
    groups = []
    for way, rows in known.groupby("way", sort=False):
        single = rows["tf"] != EVERY_TF
        folded = single & (single.cumsum() > FIRST)
        group = []
        for row, hidden in zip(rows.to_dict("records"), folded, strict=True):
            at = [words[name].index(word) for name, word in zip(words, (row["tf"], way, row["verdict"]), strict=True)]
            model = wording.word(row["model"]) if row["tf"] == EVERY_TF else ""
            about = {
                "tf": row["tf"],
                "model": model.removeprefix(wording.MISSING),
                "place": places[row["tf"]],
                "badge": wording.badge(row["verdict"]),
            }
            drop = wording.in_points(row["drop"], row["low"], row["high"])
            group.append(about | {"drop": drop, "svg": _row(row, ends), "marks": at, "folded": bool(hidden)})
        groups.append({"way": way, "rows": group})
    return {
        "groups": groups,
        "axis": _axis(ends, MARKS + _rules(ends)),
        "menus": table.filter_menus(words),
        "folded": any(row["folded"] for group in groups for row in group["rows"]),
        "count": len(known),
        "floors": bool(known["of_floor"].notna().any()),
        "keys": {name: _key(name) for name in ("zero", "limit", "floor")},
        **figure.saved(_file(groups, known, ends), "answer"),
    }


def _way(row: Mapping, several: bool) -> str:
    source, target = (wording.assay(row[f"{end}_assay"]) for end in ("source", "target"))
    known = {source, target} != {wording.MISSING}
    parts = [f"{source} → {target}"] * known + [f"another {row['shift']}"] * (row["shift"] not in ("assay", "none", ""))
    parts += [f"negatives: {wording.against(row)}"] * several
    return ", ".join(parts) or "Source → target"


def _ends(known: pd.DataFrame) -> tuple[float, float]:
    """The drops at the left and the right end of the axis."""
    inner = [0, 2 * REUSABLE_LOSS, *known["drop"].dropna(), *known["of_floor"].dropna()]
    outer = [*inner, *known["low"].dropna(), *known["high"].dropna()]
    low, high = max(min(outer), min(inner) - REACH), min(max(outer), max(inner) + REACH)
    room = 0.03 * (high - low)
    return low - room, high + room


def _share(value: float, ends: tuple[float, float]) -> str:
    return f"{100 * (value - ends[0]) / (ends[1] - ends[0]):.1f}%"


def _line(x: str, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="3 3"' if dashed else ""
    return f'<line x1="{x}" x2="{x}" y2="100%" stroke="{"#6d747a" if dashed else _INK}"{dash}/>'


def _rules(ends: tuple[float, float]) -> Markup:
    """Zero and the limit of a negligible loss, which every row refers to."""
    lines = _line(_share(0, ends)) + _line(_share(REUSABLE_LOSS, ends), True)
    return Markup(f'<defs><g id="rules">{lines}</g></defs>')


def _mark(name: str, x: str) -> str:
    return f'<use href="#mark-{name}" x="{x}" y="50%"/>'


def _drawn(row: Mapping, ends: tuple[float, float]) -> str:
    """Zero, the limit of a negligible loss, the floor, the interval and the mark of a row."""
    style = wording.badge(row["verdict"])["style"]
    parts = ['<use href="#rules"/>']
    if pd.notna(row["of_floor"]):
        parts.append(_mark("floor", _share(row["of_floor"], ends)))
    if pd.notna(row["low"]) and pd.notna(row["high"]):
        low, high = (_share(np.clip(row[end], *ends), ends) for end in ("low", "high"))
        parts.append(f'<line class="span {style}" x1="{low}" x2="{high}" y1="50%" y2="50%"/>')
        parts += [_mark("less", "0%")] * (row["low"] < ends[0]) + [_mark("more", "100%")] * (row["high"] > ends[1])
    if pd.notna(row["drop"]):
        parts.append(_mark(style, _share(row["drop"], ends)))
    return "".join(parts)


def _said(row: Mapping) -> str:
    if pd.isna(row["drop"]):
        return "no drop estimable"
    floor = f", of composition alone {wording.points(row['of_floor'])}" if pd.notna(row["of_floor"]) else ""
    return f"drop {wording.points(row['drop'])} points{floor}"


def _row(row: Mapping, ends: tuple[float, float]) -> Markup:
    return Markup(f'<svg role="img" aria-label="{escape(_said(row))}">{_drawn(row, ends)}</svg>')


def _ticks(ends: tuple[float, float]) -> Iterable[float]:
    span = 100 * (ends[1] - ends[0])
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100) if span / step <= 8)
    first, last = np.ceil(100 * ends[0] / step), np.floor(100 * ends[1] / step)
    return [n * step / 100 for n in range(int(first), int(last) + 1)]


def _axis(ends: tuple[float, float], defined: str = "") -> Markup:
    ticks = [
        f'<line x1="{_share(x, ends)}" x2="{_share(x, ends)}" y1="16" y2="100%" stroke="#6d747a"/>'
        f'<text x="{_share(x, ends)}" y="12" font-size="11" text-anchor="middle" fill="{_INK}">'
        f"{wording.points(x).removesuffix('.0')}</text>"
        for x in _ticks(ends)
    ]
    label = "Axis: points of AUROC lost, from {} to {}".format(*(wording.points(x) for x in ends))
    return Markup(f'<svg role="img" aria-label="{label}">{defined}{"".join(ticks)}</svg>')


def _key(name: str) -> Markup:
    drawn = {"zero": _line("50%"), "limit": _line("50%", True), "floor": _mark("floor", "50%")}[name]
    return Markup(f'<svg role="img" aria-label="mark" width="18" height="{_HIGH}">{drawn}</svg>')


def _file(groups: list[dict], known: pd.DataFrame, ends: tuple[float, float]) -> Markup:
    """The whole picture as one drawing: what the table shows, beside each other as in print."""
    left = 24 + max(7 * len(row["tf"] + row["model"]) for group in groups for row in group["rows"])
    rows = iter(known.to_dict("records"))
    text = '<text x="{:.0f}" y="{}"{}>{}</text>'
    chart = '<svg x="{:.0f}" y="{}" width="{}" height="{}">{}</svg>'
    y, parts = (
        _HIGH,
        [MARKS + _rules(ends), text.format(left, 14, "", "points of AUROC lost by training on the source")],
    )
    inside = str(_axis(ends)).partition(">")[2].removesuffix("</svg>")
    parts.append(chart.format(left, y, _WIDE, _HIGH, inside))
    for group in groups:
        y += _HIGH + 6
        parts.append(text.format(0, y + 15, ' font-weight="700"', escape(group["way"])))
        for shown in group["rows"]:
            y += _HIGH
            parts.append(text.format(10, y + 15, "", escape(" ".join(filter(None, (shown["tf"], shown["model"]))))))
            parts.append(chart.format(left, y, _WIDE, _HIGH, _drawn(next(rows), ends)))
            parts.append(text.format(left + _WIDE + 12, y + 15, "", escape(shown["drop"])))
            parts.append(text.format(left + _WIDE + 150, y + 15, "", escape(shown["badge"]["word"])))
    keys = {"zero": "no loss", "limit": f"{wording.points(REUSABLE_LOSS)} points", "floor": "composition alone"}
    y += _HIGH + 12
    for place, (name, said) in enumerate(keys.items()):
        inside = str(_key(name)).partition(">")[2].removesuffix("</svg>")
        parts.append(chart.format(left + 160 * place, y, 18, _HIGH, inside))
        parts.append(text.format(left + 160 * place + 24, y + 15, "", said))
    size = f"{left + _WIDE + 300:.0f} {y + _HIGH + 6:.0f}"
    wide, high = size.split()
    label = "Drop of each TF and pair of assays"
    head = f'<svg width="{wide}" height="{high}" viewBox="0 0 {size}" font-size="12" role="img" aria-label="{label}">'
    return Markup(f'{head}<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>')
