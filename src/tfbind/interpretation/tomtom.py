"""Motifs that a model has learnt beside the known ones of JASPAR: how alike they are, by Tomtom.

A motif is a ``(W, 4)`` array of counts, columns A C G T, one row a position.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.io import atomic
from tfbind.motifs import Motifs, group_of

#: A match counts at this q-value, and two known motifs are alike at it.
LEVEL = 0.05
#: Bits from which on a position at the end of a motif belongs to it, and its fewest positions.
INFORMATIVE, SHORTEST = 0.25, 5
#: Bits that a motif holds in so many neighbouring positions; a fainter one is like any long and diffuse matrix.
BITS, CORE = 7, 8
#: Name of the motif of the sites that a model's scores rest on, beside the numbers of its filters.
SITES = "sites"
KEY = ["tf", "source", "source_assay", "train_negatives", "model", "seed", "filter"]
#: What `attribution.learnt` knows of a motif.
LEARNT = ["seed", "filter", "n_sites", "effect", "importance", "note"]
COLUMNS = [
    *KEY,
    *("n_sites", "effect", "importance", "consensus"),
    *("match", "match_tf", "p_value", "q_value", "kinship", "alike_to", "own", "own_rank", "own_p_value", "note"),
]
NUMBERS = ["n_sites", "effect", "importance", "p_value", "q_value", "own_rank", "own_p_value"]


def shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the bases at each position, with one pseudo-count, a quarter to each base: (W, 4) float64."""
    return (counts + 0.25) / (counts.sum(1, keepdims=True) + 1)


def information(share: np.ndarray) -> np.ndarray:
    """Information of each position of ``(W, 4)`` shares in bits, 0 to 2: (W,) float64."""
    share = np.clip(share, 1e-12, 1)
    return 2 + (share * np.log2(share)).sum(1)


def trim(counts: np.ndarray) -> np.ndarray:
    """`counts` without the ends that say little or that less than half of the sites reach; (0, 4) if little is left."""
    depth = counts.sum(1)
    told = (information(shares(counts)) >= INFORMATIVE) & (depth >= depth.max(initial=0) / 2)
    inside = np.flatnonzero(told)
    if not len(inside) or inside[-1] - inside[0] + 1 < SHORTEST:
        return counts[:0]
    return counts[inside[0] : inside[-1] + 1]


def core(share: np.ndarray) -> float:
    """Bits in the `CORE` neighbouring positions that hold most."""
    return np.convolve(information(share), np.ones(CORE)).max() if len(share) else 0.0


def consensus(counts: np.ndarray) -> str:
    """The motif in IUPAC letters, by the rule of Cavener (1987)."""
    from Bio.motifs.matrix import FrequencyPositionMatrix  # it, memelite and scipy.stats load where they are used

    columns = {base: counts[:, i].tolist() for i, base in enumerate(dna.ALPHABET)}
    return str(FrequencyPositionMatrix(dna.ALPHABET, columns).degenerate_consensus) if len(counts) else ""


def compare(queries: Sequence[np.ndarray], known: Motifs) -> np.ndarray:
    """Tomtom's p-value (Gupta et al. 2007) of each motif against each known one, on the better strand.

    Parameters
    ----------
    queries : sequence of (W, 4) float
        Shares.
    known : Motifs

    Returns
    -------
    (Q, M) float64
    """
    if not queries:
        return np.empty((0, len(known)))
    from memelite import tomtom

    return tomtom([query.T.astype(float) for query in queries], list(known.columns), n_jobs=1)[0].copy()


class Learner(NamedTuple):
    """What one model has learnt.

    Attributes
    ----------
    row : mapping
        Of the sheet: `dataset`, `tf`, `assay`.
    negatives, model : str
    table : DataFrame
        `LEARNT`.
    motifs : mapping
        ``seed.filter`` -> shares (W, 4).
    """

    row: Mapping[str, str]
    negatives: str
    model: str
    table: pd.DataFrame
    motifs: Mapping[str, np.ndarray]


def tabulate(learners: Sequence[Learner]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Each learnt motif beside the known one that it matches best, and beside the factor's own.

    Returns
    -------
    table : DataFrame
        `COLUMNS`. The q-value is Benjamini and Hochberg's over the known motifs. `kinship` says what the match is to
        the factor: its `own` motif, one `alike` (one of a q-value of at most `LEVEL` to its own) or an `other`; empty
        where nothing matches at `LEVEL`. `alike_to` is one name for all matches that are like each other: the first
        own motif, or the most important of them.
    motifs : dict
        Shares (W, 4) of the learnt motifs, by `name`, and of the known ones that the table names, by id.
    """
    parts, motifs = [], {}
    for tf in dict.fromkeys(learner.row["tf"] for learner in learners):
        known, own = group_of(tf)
        mine = [learner for learner in learners if learner.row["tf"] == tf]
        table = pd.concat([_matched(learner, known, own, motifs) for learner in mine], ignore_index=True)
        near = alike(known, [*own, *map(known.ids.index, table["match"].dropna())])
        table["kinship"] = [_kinship(match, [known.ids[i] for i in own], near) for match in table["match"]]
        table["kinship"] = table["kinship"].where(table["q_value"] <= LEVEL)
        table["alike_to"] = _representatives(table, [known.ids[i] for i in own], near)
        named = set(table["match"].dropna()) | set(table["own"].dropna())
        motifs |= {i: _shares(known, known.ids.index(i)) for i in sorted(named)}
        parts.append(table)
    table = pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)
    return table.astype(dict.fromkeys(NUMBERS, float)), motifs


def name(row: Mapping) -> str:
    """The name of a learnt motif among those of all models."""
    return "/".join(str(row[key]) for key in ("source", "train_negatives", "model", "seed", "filter"))


def alike(known: Motifs, places: Sequence[int]) -> dict[str, set[str]]:
    """Id of each of some known motifs -> those of them that are like it at `LEVEL`, itself among them.

    Tomtom's p-value depends on which motif is asked for; either way round counts.
    """
    places = list(dict.fromkeys(places))
    ids = [known.ids[i] for i in places]
    p_values = compare([_shares(known, i) for i in places], known)
    near = _q_values(p_values)[:, places] <= LEVEL
    near |= near.T | np.eye(len(ids), dtype=bool)
    return {i: {ids[j] for j in np.flatnonzero(row)} for i, row in zip(ids, near, strict=True)}


def _q_values(p_values: np.ndarray) -> np.ndarray:
    """Benjamini and Hochberg's, over the known motifs of each row of (Q, M) p-values."""
    from scipy.stats import false_discovery_control

    return false_discovery_control(p_values, axis=1) if len(p_values) else p_values


def _kinship(match: str, own: Sequence[str], near: Mapping[str, set[str]]) -> str | None:
    if pd.isna(match):
        return None
    return "own" if match in own else "alike" if near[match] & set(own) else "other"


def _shares(known: Motifs, i: int) -> np.ndarray:
    return known.columns[i].T


def _matched(learner: Learner, known: Motifs, own: Sequence[int], motifs: dict[str, np.ndarray]) -> pd.DataFrame:
    row = {"tf": learner.row["tf"], "source": learner.row["dataset"], "source_assay": learner.row["assay"]}
    row |= {"train_negatives": learner.negatives, "model": learner.model}
    p_values = compare(list(learner.motifs.values()), known)
    found = dict(zip(learner.motifs, zip(p_values, _q_values(p_values), strict=True), strict=True))
    lines = []
    for line in learner.table.to_dict("records"):
        line, key = row | line, f"{line['seed']}.{line['filter']}"
        lines.append(line)
        if key not in found:
            continue
        (p, q), share = found[key], learner.motifs[key]
        motifs[name(line)] = share
        best = int(np.argmin(p))
        line |= {"consensus": consensus(share), "match": known.ids[best], "match_tf": known.names[best]}
        line |= {"p_value": p[best], "q_value": q[best]}
        if own:
            closest = min(own, key=lambda i: p[i])
            line |= {"own": known.ids[closest], "own_rank": 1 + int((p < p[closest]).sum()), "own_p_value": p[closest]}
    return pd.DataFrame(lines, columns=COLUMNS)


def _representatives(table: pd.DataFrame, own: Sequence[str], near: Mapping[str, set[str]]) -> pd.Series:
    told = table["match"].where(table["kinship"].notna())
    order = table["importance"].groupby(told).sum().sort_values(ascending=False, kind="stable").index
    stands = {i: own[0] for i in told[table["kinship"].isin(("own", "alike"))]}
    for i in order:
        if i not in stands:
            stands |= {j: i for j in order if j in near[i] and j not in stands}
    return told.map(stands)


def write(motifs: Mapping[str, np.ndarray], path: str | os.PathLike) -> None:
    """Write shares (W, 4) by name as minimal MEME, which every motif program reads."""
    from memelite.io import write_meme

    with atomic.replacing(path) as temporary:
        write_meme(str(temporary), {name: share.T for name, share in motifs.items()})


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """What `write` wrote: name -> shares (W, 4)."""
    from memelite.io import read_meme

    return {name: np.asarray(share, float).T for name, share in read_meme(str(path)).items()}
