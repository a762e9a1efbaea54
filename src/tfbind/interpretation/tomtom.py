"""Compares the motifs that a model has learnt with the known ones of JASPAR, by Tomtom.

A motif is a ``(W, 4)`` array of counts or shares: one line per position, columns A C G T.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.io import atomic
from tfbind.motifs import Motifs, group_of

#: Largest q-value at which a match counts, and at which two known motifs are similar.
LEVEL = 0.05
#: Fewest bits of the first and the last position of a motif, and fewest positions of a motif.
INFORMATIVE, SHORTEST = 0.25, 5
#: A motif needs this many bits in so many neighbouring positions; a weaker one resembles any long, diffuse matrix.
BITS, CORE = 7, 8
#: In the column `filter`: the motif of the sites that the scores of a model depend on, beside the filter numbers.
SITES = "sites"
KEY = ["tf", "source", "source_assay", "train_negatives", "model", "seed", "filter"]
#: Columns of `attribution.learnt`.
LEARNT = ["seed", "filter", "n_sites", "effect", "importance", "note"]
COLUMNS = [
    *KEY,
    *("n_sites", "effect", "importance", "consensus"),
    *("match", "match_tf", "p_value", "q_value", "kinship", "alike_to", "own", "own_rank", "own_p_value", "note"),
]
NUMBERS = ["n_sites", "effect", "importance", "p_value", "q_value", "own_rank", "own_p_value"]


def shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the bases at each position, with one pseudo-count, a quarter to each base.

    Parameters
    ----------
    counts : (W, 4) int or float
        Number of each base.

    Returns
    -------
    (W, 4) float64
    """
    return (counts + 0.25) / (counts.sum(1, keepdims=True) + 1)


def information(share: np.ndarray) -> np.ndarray:
    """Information of each position in bits.

    Parameters
    ----------
    share : (W, 4) float
        Shares of the bases.

    Returns
    -------
    (W,) float64
        From 0 to 2.
    """
    share = np.clip(share, 1e-12, 1)
    return 2 + (share * np.log2(share)).sum(1)


def trim(counts: np.ndarray) -> np.ndarray:
    """A motif without ends that are uninformative or covered by less than half of the sites.

    Parameters
    ----------
    counts : (W, 4) int
        Number of each base.

    Returns
    -------
    (V, 4) int
        (0, 4) if fewer than 5 positions are left.
    """
    depth = counts.sum(1)
    told = (information(shares(counts)) >= INFORMATIVE) & (depth >= depth.max(initial=0) / 2)
    inside = np.flatnonzero(told)
    if not len(inside) or inside[-1] - inside[0] + 1 < SHORTEST:
        return counts[:0]
    return counts[inside[0] : inside[-1] + 1]


def core(share: np.ndarray) -> float:
    """Bits in the 8 neighbouring positions that hold most information.

    Parameters
    ----------
    share : (W, 4) float
        Shares of the bases.

    Returns
    -------
    float
        All bits of a motif with fewer positions; 0 of an empty one.
    """
    return np.convolve(information(share), np.ones(CORE)).max() if len(share) else 0.0


def consensus(counts: np.ndarray) -> str:
    """The motif in IUPAC letters, by the rule of Cavener (1987).

    Parameters
    ----------
    counts : (W, 4) int or float
        Counts or shares of the bases.

    Returns
    -------
    str
        One letter per position.
    """
    from Bio.motifs.matrix import FrequencyPositionMatrix  # slow to load, as are memelite and scipy.stats

    columns = {base: counts[:, i].tolist() for i, base in enumerate(dna.ALPHABET)}
    return str(FrequencyPositionMatrix(dna.ALPHABET, columns).degenerate_consensus) if len(counts) else ""


def compare(queries: Sequence[np.ndarray], known: Motifs) -> np.ndarray:
    """Tomtom's p-value (Gupta et al. 2007) of each motif against each known one, on the better strand.

    Parameters
    ----------
    queries : sequence of (W, 4) float
        Shares of the motifs.
    known : Motifs
        The known motifs.

    Returns
    -------
    (Q, M) float64
        Not corrected for the number of known motifs.
    """
    return oriented(queries, known)[0]


def oriented(queries: Sequence[np.ndarray], known: Motifs) -> tuple[np.ndarray, np.ndarray]:
    """Tomtom's p-values, see `compare`, and the strand of each comparison.

    Parameters
    ----------
    queries : sequence of (W, 4) float
        Shares of the motifs.
    known : Motifs
        The known motifs.

    Returns
    -------
    p_values : (Q, M) float64
    turned : (Q, M) bool
        Whether the reverse complement of the known motif fits better.
    """
    if not queries:
        return np.empty((0, len(known))), np.empty((0, len(known)), bool)
    from memelite import tomtom

    found = tomtom([query.T.astype(float) for query in queries], list(known.columns), n_jobs=1)
    return found[0].copy(), found[4] > 0


class Learner(NamedTuple):
    """What one model has learnt.

    Attributes
    ----------
    row : mapping
        Row of the sheet: `dataset`, `tf`, `assay`.
    negatives, model : str
        Kind of negatives, and name of the model.
    table : DataFrame
        Columns `LEARNT`.
    motifs : mapping of str to (W, 4) float
        Shares by ``seed.filter``.
    """

    row: Mapping[str, str]
    negatives: str
    model: str
    table: pd.DataFrame
    motifs: Mapping[str, np.ndarray]


def tabulate(learners: Sequence[Learner]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Each learnt motif with its best match among the known ones, and with the TF's own motif.

    Parameters
    ----------
    learners : sequence of Learner
        What each model has learnt.

    Returns
    -------
    table : DataFrame
        Columns `COLUMNS`. The q-value is that of Benjamini and Hochberg over the known motifs. `kinship` relates the
        match to the TF: `own`, its own motif; `alike`, one similar to its own (a q-value of at most `LEVEL`); `other`;
        empty where nothing matches at `LEVEL`. `alike_to` is one name for all matches similar to each other: the first
        own motif, or the most important match. A motif that could not be given has no match, and its reason in `note`.
    motifs : dict of str to (W, 4) float64
        Shares of the learnt motifs, by `name`, and of the known ones that the table names, by id.
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
    """Name of a learnt motif, unique among those of all models."""
    return "/".join(str(row[key]) for key in ("source", "train_negatives", "model", "seed", "filter"))


def alike(known: Motifs, places: Sequence[int]) -> dict[str, set[str]]:
    """For each of some known motifs, the ids of those among them that are similar to it at `LEVEL`, itself included.

    Tomtom's p-value depends on which of two motifs is the query; either direction counts.

    Parameters
    ----------
    known : Motifs
        The known motifs.
    places : sequence of int
        Positions in `known` of the motifs to compare.

    Returns
    -------
    dict of str to set of str
        By id.
    """
    places = list(dict.fromkeys(places))
    ids = [known.ids[i] for i in places]
    p_values = compare([_shares(known, i) for i in places], known)
    near = q_values(p_values)[:, places] <= LEVEL
    near |= near.T | np.eye(len(ids), dtype=bool)
    return {i: {ids[j] for j in np.flatnonzero(row)} for i, row in zip(ids, near, strict=True)}


def q_values(p_values: np.ndarray) -> np.ndarray:
    """q-values of Benjamini and Hochberg, over the known motifs.

    Parameters
    ----------
    p_values : (Q, M) float64
        Of each query.

    Returns
    -------
    (Q, M) float64
    """
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
    found = dict(zip(learner.motifs, zip(p_values, q_values(p_values), strict=True), strict=True))
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
    """Write motifs as minimal MEME, which most motif programs read.

    Parameters
    ----------
    motifs : mapping of str to (W, 4) float
        Shares by name.
    path : path
        File to write.
    """
    from memelite.io import write_meme

    with atomic.replacing(path) as temporary:
        write_meme(str(temporary), {name: share.T for name, share in motifs.items()})


def read(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Motifs of a file that `write` wrote.

    Parameters
    ----------
    path : path
        File in minimal MEME.

    Returns
    -------
    dict of str to (W, 4) float64
        Shares by name.
    """
    from memelite.io import read_meme

    return {name: np.asarray(share, float).T for name, share in read_meme(str(path)).items()}
