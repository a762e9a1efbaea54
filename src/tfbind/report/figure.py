"""Figures of the page: one style, one colour for each model, small SVG."""

import io
import re
from collections.abc import Iterable, Mapping
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from tfbind.statistics.over_tfs import EVERY_TF

#: All TFs of a study of so many are drawn; of a larger study the few with the largest drops.
WHOLE, FEW = 8, 3
#: Okabe and Ito's colours, yellow last since it is weak on white.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#56b4e9", "#e69f00", "#f0e442")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")
STYLE = {
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


def looks(models: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Model -> its colour and marker, the same in every figure of the page; the first 56 pairs all differ."""
    return {
        model: (COLOURS[i % len(COLOURS)], MARKERS[(i + i // len(COLOURS)) % len(MARKERS)])
        for i, model in enumerate(models)
    }


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


def tfs(tables: Mapping) -> set[str] | None:
    """The TFs of which figures are drawn, where not all are: those with the `FEW` largest drops among the verdicts.

    Parameters
    ----------
    tables : mapping
        `verdicts`, with `tf` and, where known, `drop`.

    Returns
    -------
    set of str, or None
        None where the study has no more than `WHOLE` TFs: all are drawn.
    """
    if "verdicts" not in tables:
        return None
    verdicts = tables["verdicts"].reindex(columns=["tf", "drop"])
    largest = verdicts[verdicts["tf"] != EVERY_TF].groupby("tf", sort=False)["drop"].max()
    if len(largest) <= WHOLE:
        return None
    return set(largest.sort_values(ascending=False, kind="stable").index[:FEW])


def of(rows: pd.DataFrame, drawn: set[str] | None) -> pd.DataFrame:
    """The rows of the TFs that are drawn, and those over all TFs.

    Parameters
    ----------
    rows : DataFrame
        With column `tf`.
    drawn : set of str, or None
        From `tfs`.

    Returns
    -------
    DataFrame
    """
    return rows if drawn is None else rows[rows["tf"].isin([*drawn, EVERY_TF])]


def left_out(drawn: set[str] | None) -> str:
    """A sentence on the TFs that are not drawn; empty where all are."""
    return "" if drawn is None else f"Drawn are the {len(drawn)} TFs with the largest drops; the download has all."


def saved(drawing: Markup, name: str) -> dict:
    """A figure with the file that a reader can save of it, as the template's macro `files` takes it.

    Parameters
    ----------
    drawing : Markup
        From `svg`.
    name : str
        File name, without suffix.

    Returns
    -------
    dict
        `svg`, and `file`, a link (see `table.link`) that is percent-encoded.
    """
    head = '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"'
    alone = str(drawing).replace("<svg", head, 1)
    return {
        "svg": drawing,
        "file": {"name": f"{name}.svg", "href": _url(alone)},
    }


def _url(drawing: str) -> Markup:
    # Percent signs for what ends a URL or looks like one; a third shorter than base64. An SVG has & and " as they are
    # in HTML, and its attributes take either quote.
    plain = drawing.replace("'", "&#39;").replace('"', "'").replace("%", "%25").replace("#", "%23")
    plain = plain.replace("://", ":%2F%2F").replace("\n", "%0A").replace("&", "%26")
    return Markup("data:image/svg+xml;charset=utf-8," + plain.replace("<", "%3C").replace("url(", "url%28"))


# A value that begins with # is a reference: colours stand inside style attributes.
_REFERENCE = re.compile(r"^#(.+)|url\(#([^)]*)\)")


def svg(figure: Figure, name: str, label: str) -> Markup:
    """A figure as inline SVG: no namespace, style sheet or metadata, coordinates to a tenth of a point.

    Parameters
    ----------
    figure : Figure
        Made and drawn under `STYLE`, which keeps texts as text and makes ids the same each time.
    name : str
        Goes before each id. Unique on the page, so that the ids are, too.
    label : str
        Text for screen readers.

    Returns
    -------
    Markup
        Without the ids that nothing refers to.
    """
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
            elif key == "style":
                value = _terse(value)
            if value:
                element.set(key, value)
    _unwrap(root)
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", label)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


#: Declarations that say what holds anyway, on the page and in a file: its `font-family` stands on the root.
_IDLE = {"stroke-linejoin: miter", "stroke-linecap: square", "stroke-dashoffset: 0", "font-family: 'DejaVu Sans'"}


def _terse(style: str) -> str:
    return ";".join(part.replace(": ", ":") for part in style.split("; ") if part not in _IDLE)


def _unwrap(element: ElementTree.Element) -> None:
    """Groups without attributes give way to what they hold; an element without content is left out."""
    kept = []
    for child in element:
        _unwrap(child)
        if child.tag in ("g", "defs") and not (len(child) or child.attrib):
            continue
        kept += list(child) if child.tag == "g" and not child.attrib else [child]
    element[:] = kept


def _round(value: str) -> str:
    """Coordinates rounded to a tenth of a point; signs and drawing commands stay."""
    words = value.replace("(", "( ").replace(")", " )").replace(",", " ").split()
    short = []
    for text in words:
        try:
            short.append(f"{float(text):.1f}".removesuffix(".0"))
        except ValueError:
            short.append(text)
    return re.sub(r" ?([A-Za-z()]) ?", r"\1", " ".join(short))
