"""What each assay taught, for the page: motifs as small inline drawings, and a sentence for each factor and model."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from markupsafe import Markup, escape
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

from tfbind import dna
from tfbind.interpretation import tomtom
from tfbind.interpretation.tomtom import SITES

#: Okabe and Ito's colours; the letter itself carries the meaning.
COLOURS = {"A": "#009e73", "C": "#0072b2", "G": "#e69f00", "T": "#d55e00"}
#: Shares of the whole effect from which on a motif is taught, and below which it is not.
TAUGHT, NOT_TAUGHT = 0.03, 0.01
#: Logos of filters for each source and model.
SHOWN = 3
_STEP, _BIT = 10, 18  # width of a position and height of a bit, in units of the drawing
_LEAST = 0.8  # a lower letter cannot be seen


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
    """A logo (Schneider and Stephens 1990): at each position the bases, as high as their share of its information.

    Parameters
    ----------
    share : (W, 4) float
    label : str
        Read out in place of the drawing.
    first, width : int
        Position of the first row in a drawing of so many positions.
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
    """`share` on the strand, and the place of its first position, at which it fits another motif best."""
    weight, best = (model - 0.25).T, (-np.inf, share, 0)
    for strand in (share, share[::-1, ::-1]):
        fits = sum(np.correlate(weight[base], strand[:, base] - 0.25, "full") for base in range(4))
        if fits.max() > best[0]:
            best = fits.max(), strand, int(fits.argmax()) - len(strand) + 1
    return best[1:]


def taught(rows: pd.DataFrame) -> pd.DataFrame:
    """What the filters of one model answer to, the most important first.

    Parameters
    ----------
    rows : DataFrame
        `tomtom.COLUMNS` of one source, kind of negatives and model.

    Returns
    -------
    DataFrame
        The most important filter's row for each group of matches that are like each other, with `filters` (how many of
        all seeds) and `importance` of the group: their sum, in the mean over seeds.
    """
    filters = rows[(rows["filter"] != SITES) & rows["alike_to"].notna()]
    filters = filters.sort_values("importance", ascending=False, kind="stable")
    groups = filters.groupby("alike_to", sort=False)["importance"]
    first = filters.drop_duplicates("alike_to").set_index("alike_to", drop=False)
    seeds = rows["seed"][rows["filter"] != SITES].nunique()
    first = first.assign(importance=groups.sum() / max(seeds, 1), filters=groups.size())
    return first.sort_values("importance", ascending=False, kind="stable")


def headline(rows: pd.DataFrame) -> dict | None:
    """The motif that stands for one source and model: that of its sites; of a regression its strongest."""
    known = rows[rows["match"].notna()]
    chosen = known[known["filter"] == SITES]
    chosen = known.sort_values("importance", ascending=False, kind="stable") if chosen.empty else chosen
    return None if chosen.empty else chosen.iloc[0].to_dict()


def told(rows: pd.DataFrame, assays: Mapping[str, str]) -> list[str]:
    """Which known motif each source taught, and what only one assay did: sentences.

    Parameters
    ----------
    rows : DataFrame
        `tomtom.COLUMNS` of one factor, kind of negatives and model.
    assays : mapping
        Assay -> as it is written.
    """
    said, shares = [], {}
    for (source, assay), mine in rows.groupby(["source", "source_assay"], sort=False):
        place = f"{assays.get(assay, assay)} ({source})"
        best = headline(mine)
        if best is None:
            said.append(f"{place} taught no motif: {mine['note'].dropna().iloc[0]}.")
            continue
        known = f"{best['match_tf']} ({best['match']}, q = {best['q_value']:.1g})"
        own = f"its own {best['own']} is match {best['own_rank']:.0f}" if pd.notna(best["own"]) else "JASPAR has none"
        said.append(
            {
                "own": f"{place} taught the factor’s own motif: {known} is the best match.",
                "alike": f"{place} taught a motif like the factor’s own: {known} is the best match, {own}.",
                "other": f"{place} taught another motif than the factor’s own: {known} is the best match, {own}.",
            }.get(best["kinship"], f"{place} taught nothing that is known: {known} is nearest, {own}.")
        )
        shares[source, assay] = taught(mine)
    for (source, assay), mine in shares.items():
        others = [of_other for (_, other), of_other in shares.items() if other != assay]
        for row in mine[(mine["kinship"] == "other") & (mine["importance"] >= TAUGHT)].to_dict("records"):
            if others and all(found["importance"].get(row["alike_to"], 0) < NOT_TAUGHT for found in others):
                share = f"{row['importance']:.0%} of the effect of all filters"
                known = f"{row['match_tf']} ({row['match']}; {share})"
                said.append(f"Only {assays.get(assay, assay)} ({source}) taught {known}.")
    return said


def section(table: pd.DataFrame, motifs: Mapping[str, np.ndarray], assays: Mapping[str, str]) -> list[dict]:
    """What the template shows: for each factor, each model with its sentences and logos; the known motif first.

    Parameters
    ----------
    table, motifs : DataFrame, mapping
        As `tomtom.tabulate` returns them.
    assays : mapping
        Assay -> as it is written.
    """
    factors: dict[str, list] = {}
    for (tf, negatives, model), rows in table.groupby(["tf", "train_negatives", "model"], sort=False):
        figures, placed, reference = [], [], None
        best = {source: headline(mine) for source, mine in rows.groupby("source", sort=False)}
        known = next((row["own"] if pd.notna(row["own"]) else row["match"] for row in best.values() if row), None)
        for (source, assay), mine in rows.groupby(["source", "source_assay"], sort=False):
            shown = [best[source] | {"importance": np.nan}] if (best[source] or {}).get("filter") == SITES else []
            shown += taught(mine).head(SHOWN).to_dict("records")
            logos = [{"row": row, "placed": turn(motifs[tomtom.name(row)], motifs[known])} for row in shown]
            figures.append({"source": source, "assay": assays.get(assay, assay), "logos": logos})
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
        entry = {"model": model, "negatives": negatives, "said": told(rows, assays)}
        factors.setdefault(tf, []).append(entry | {"figures": figures, "reference": reference})
    return [{"tf": tf, "models": models} for tf, models in factors.items()]
