"""What the models learnt from each assay, for the page: small inline logos, and sentences for each TF and model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tfbind import dna
from tfbind.assays import printed
from tfbind.interpretation import tomtom
from tfbind.interpretation.tomtom import SITES

#: Colours of Okabe and Ito; the letter shows the base without them.
COLOURS = {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#d55e00"}
#: A motif counts as learnt from this share of the whole effect on, and as not learnt below the second one.
TAUGHT, NOT_TAUGHT = 0.03, 0.01
#: Number of filter logos for each source and model.
SHOWN = 3
_STEP, _BIT = 10, 18  # width of a position and height of a bit, in units of the drawing
_LEAST = 0.8  # lower letters cannot be seen


def letters() -> Markup:
    """The drawing that defines the four letters, each in a box of 1 x 1; every logo of the page refers to it."""
    paths = "".join(f'<path id="base{base}" fill="{COLOURS[base]}" d="{_outline(base)}"/>' for base in dna.ALPHABET)
    return Markup(f'<svg width="0" height="0" role="img" aria-label="Letters of the logos"><defs>{paths}</defs></svg>')


def _outline(base: str) -> str:
    path = TextPath((0, 0), base, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    low, high = path.get_extents().get_points()
    text = []
    for points, code in path.iter_segments(simplify=False):
        corners = (np.reshape(points, (-1, 2)) - low) / (high - low) * [1, -1] + [0, 1]
        word = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}[int(code)]
        text.append(word if word == "Z" else word + " ".join(f"{value:.3g}" for value in corners.ravel()))
    return "".join(text)


def draw(share: np.ndarray, label: str, first: int = 0, width: int | None = None) -> Markup:
    """A sequence logo (Schneider and Stephens 1990): each base as high as its share of the position's information.

    Parameters
    ----------
    share : (W, 4) float
        Shares of the bases at each position, columns A C G T.
    label : str
        Text alternative of the drawing, for screen readers.
    first : int
        Position in the drawing at which the motif starts.
    width : int, optional
        Number of positions in the drawing; W by default.

    Returns
    -------
    Markup
        An inline SVG that needs `letters` on the page. Letters too low to be seen are left out.
    """
    width = len(share) if width is None else width
    high = 2 * _BIT
    marks = []
    for i, (position, bits) in enumerate(zip(share, tomtom.information(share), strict=True)):
        y = high
        for base in np.argsort(position, kind="stable"):
            tall = position[base] * max(bits, 0) * _BIT
            if tall >= _LEAST:
                y -= tall
                where = f"{_STEP} 0 0 {tall:.1f} {(first + i) * _STEP} {y:.1f}"
                marks.append(f'<use href="#base{dna.ALPHABET[base]}" transform="matrix({where})"/>')
    size = f'viewBox="0 0 {width * _STEP} {high + 1}" width="{width * _STEP}" height="{high + 1}"'
    line = f'<path stroke="#8d949a" d="M0 {high + 0.5}H{width * _STEP}"/>'
    return Markup(f'<svg class="logo" {size} role="img" aria-label="{escape(label)}">{line}{"".join(marks)}</svg>')


def turn(share: np.ndarray, model: np.ndarray) -> tuple[np.ndarray, int]:
    """A motif on the strand, and at the offset, where it fits another motif best.

    Parameters
    ----------
    share : (W, 4) float
        Shares of the motif to place.
    model : (V, 4) float
        Shares of the motif to fit.

    Returns
    -------
    share : (W, 4) float
        The motif, or its reverse complement.
    place : int
        Position of `model` at which it starts; negative if it starts before.
    """
    weight, best = (model - 0.25).T, (-np.inf, share, 0)
    for strand in (share, share[::-1, ::-1]):
        fits = sum(np.correlate(weight[base], strand[:, base] - 0.25, "full") for base in range(4))
        if fits.max() > best[0]:
            best = fits.max(), strand, int(fits.argmax()) - len(strand) + 1
    return best[1:]


def taught(rows: pd.DataFrame) -> pd.DataFrame:
    """Known motifs that the filters of one model respond to, the most important first.

    Parameters
    ----------
    rows : DataFrame
        Columns `tomtom.COLUMNS`, for one source, kind of negatives and model.

    Returns
    -------
    DataFrame
        One row per group of similar matches: that of the most important filter, with `filters` (number of filters of
        all seeds) and `importance` of the group (the sum, divided by the number of seeds).
    """
    filters = rows[(rows["filter"] != SITES) & rows["alike_to"].notna()]
    filters = filters.sort_values("importance", ascending=False, kind="stable")
    groups = filters.groupby("alike_to", sort=False)["importance"]
    first = filters.drop_duplicates("alike_to").set_index("alike_to", drop=False)
    seeds = rows["seed"][rows["filter"] != SITES].nunique()
    first = first.assign(importance=groups.sum() / max(seeds, 1), filters=groups.size())
    return first.sort_values("importance", ascending=False, kind="stable")


def headline(rows: pd.DataFrame) -> dict | None:
    """The motif that represents one source and model: that of its sites, or for a regression its strongest.

    Parameters
    ----------
    rows : DataFrame
        Columns `tomtom.COLUMNS`, for one source, kind of negatives and model.

    Returns
    -------
    dict or None
        The row as a mapping. None if no motif has a match.
    """
    known = rows[rows["match"].notna()]
    chosen = known[known["filter"] == SITES]
    chosen = known.sort_values("importance", ascending=False, kind="stable") if chosen.empty else chosen
    return None if chosen.empty else chosen.iloc[0].to_dict()


def told(rows: pd.DataFrame) -> list[str]:
    """Sentences: which known motif was learnt from each source, and which from one assay only.

    Parameters
    ----------
    rows : DataFrame
        Columns `tomtom.COLUMNS`, for one TF, kind of negatives and model.

    Returns
    -------
    list of str
        One sentence per source, then one for each motif that only one assay gave.
    """
    said, shares = [], {}
    for (source, assay), mine in rows.groupby(["source", "source_assay"], sort=False):
        place = f"{printed(assay)} ({source})"
        best = headline(mine)
        if best is None:
            said.append(f"{place} taught no motif: {mine['note'].dropna().iloc[0]}.")
            continue
        known = f"{best['match_tf']} ({best['match']}, q = {best['q_value']:.1g})"
        own = f"its own {best['own']} is match {best['own_rank']:.0f}" if pd.notna(best["own"]) else "JASPAR has none"
        said.append(
            {
                "own": f"{place} taught the TF’s own motif: {known} is the best match.",
                "alike": f"{place} taught a motif like the TF’s own: {known} is the best match, {own}.",
                "other": f"{place} taught another motif than the TF’s own: {known} is the best match, {own}.",
            }.get(best["kinship"], f"{place} taught nothing that is known: {known} is nearest, {own}.")
        )
        shares[source, assay] = taught(mine)
    for (source, assay), mine in shares.items():
        others = [of_other for (_, other), of_other in shares.items() if other != assay]
        for row in mine[(mine["kinship"] == "other") & (mine["importance"] >= TAUGHT)].to_dict("records"):
            if others and all(found["importance"].get(row["alike_to"], 0) < NOT_TAUGHT for found in others):
                share = f"{row['importance']:.0%} of the effect of all filters"
                known = f"{row['match_tf']} ({row['match']}; {share})"
                said.append(f"Only {printed(assay)} ({source}) taught {known}.")
    return said


def section(table: pd.DataFrame, motifs: Mapping[str, np.ndarray]) -> list[dict]:
    """Data for the template: for each TF and model its sentences and logos, with the known motif first.

    Parameters
    ----------
    table : DataFrame
        Learnt motifs, from `tomtom.tabulate`.
    motifs : mapping of str to (W, 4) float
        Shares by name or id, from `tomtom.tabulate`.

    Returns
    -------
    list of dict
        One per TF, with its `models`. Logos of one model are aligned to the known motif (`reference`; None without
        one).
    """
    tfs: dict[str, list] = {}
    for (tf, negatives, model), rows in table.groupby(["tf", "train_negatives", "model"], sort=False):
        figures, placed, reference = [], [], None
        best = {source: headline(mine) for source, mine in rows.groupby("source", sort=False)}
        known = next((row["own"] if pd.notna(row["own"]) else row["match"] for row in best.values() if row), None)
        for (source, assay), mine in rows.groupby(["source", "source_assay"], sort=False):
            shown = [best[source] | {"importance": np.nan}] if (best[source] or {}).get("filter") == SITES else []
            shown += taught(mine).head(SHOWN).to_dict("records")
            logos = [{"row": row, "placed": turn(motifs[tomtom.name(row)], motifs[known])} for row in shown]
            figures.append({"source": source, "assay": printed(assay), "logos": logos})
            placed += [(place, len(share)) for share, place in (logo["placed"] for logo in logos)]
        if known is not None:
            first = min([0, *(place for place, _ in placed)])
            width = max([len(motifs[known]), *(place + size for place, size in placed)]) - first
            for logo in (logo for figure in figures for logo in figure["logos"]):
                (share, place), row = logo.pop("placed"), logo["row"]
                label = f"Logo of {row['consensus']}, nearest to {row['match_tf']}"
                logo["svg"] = draw(share, label, place - first, width)
            name = next(iter([*rows["match_tf"][rows["match"] == known], tf]))
            svg = draw(motifs[known], f"Logo of {name}, {known}", -first, width)
            reference = {"name": f"{name} {known}", "svg": svg}
        entry = {"model": model, "negatives": negatives, "said": told(rows)}
        tfs.setdefault(tf, []).append(entry | {"figures": figures, "reference": reference})
    return [{"tf": tf, "models": models} for tf, models in tfs.items()]
