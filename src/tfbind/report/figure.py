"""Figures of the page: one style, one colour for each model, small SVG."""

import io
import re
from collections.abc import Iterable
from xml.etree import ElementTree

import matplotlib
import matplotlib.style
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

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
            element.set(key, value)
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-label", label)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


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
