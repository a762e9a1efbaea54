"""Negatives from the positives of other TFs."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from tfbind import dna, kmers
from tfbind.io import intervals, tables
from tfbind.io.tables import SPLITS
from tfbind.io.tally import Tally
from tfbind.sequences import gc_counts, splits

#: Most sequences of a pool: enough of every GC count of a split, and a hundred TFs fit into memory.
POOL = 200_000
#: TFs are alike if the enrichments of their 6-mers correlate so much. Of the 14 HT-SELEX libraries of resources/assays
#: GATA3 and GATA4 reach 0.91, USF1 and MAX 0.63, ELK1 and ETS1 0.43, no other two of the sound ones 0.4. Poor libraries
#: that share what is not binding reach 0.8.
WORD, ALIKE = 6, 0.4


def unrelated(
    positives: pd.DataFrame, negatives: pd.DataFrame, others: Sequence[pd.DataFrame]
) -> tuple[list[pd.DataFrame], Tally]:
    """Libraries of TFs that do not bind like this one: the reads of a relative hold this TF's sites.

    Parameters
    ----------
    positives, negatives : sequence tables
        Reads of this TF, and unbound ones. Their training rows are read.
    others : sequence of sequence tables
        Positives of other TFs.

    Returns
    -------
    list of sequence tables, Tally
        Those whose enriched 6-mers correlate by less than `ALIKE` with the TF's; the tally counts the reads left out.
    """
    # each against its own half of the negatives, since chance in common ones would correlate
    halves = [_held(negatives.iloc[half::2]) for half in range(2)]
    own, kept, tally = _enriched(positives, halves[0]), [], Tally()
    for table in others:
        theirs = _enriched(table, halves[1])
        alike = np.corrcoef(own, theirs)[0, 1] if min(np.ptp(own), np.ptp(theirs)) > 0 else 0.0
        if alike < ALIKE:
            kept.append(table)
        else:
            dataset = table["id"].iloc[0].rsplit("/", 1)[0]
            tally.add("dropped", f"{dataset}: binds like this TF (6-mers correlate by {alike:.2f})", len(table))
    return kept, tally


def _held(table: pd.DataFrame) -> np.ndarray:
    rows = table.loc[table["split"] == "train", "sequence"]
    counts = kmers.held(dna.encode(rows), WORD) + 10.0  # few reads: no enrichment from chance
    return counts / counts.sum()


def _enriched(table: pd.DataFrame, before: np.ndarray) -> np.ndarray:
    return np.maximum(np.log2(_held(table) / before), 0)


def pool(others: Sequence[pd.DataFrame], rng: np.random.Generator) -> tuple[pd.DataFrame, Tally]:
    """The positives of other TFs as one pool for `other_tf`.

    Parameters
    ----------
    others : sequence of sequence tables
        Positives of datasets of other TFs; each keeps the split that it has there.
    rng : numpy Generator
        Chooses which of overlapping windows stay, and which of more than `POOL` sequences.

    Returns
    -------
    table, Tally
        No two sequences are alike (either strand) or overlap; of two in different splits the test sequence stays.
        Empty, with the reasons as its note, where all others are empty.
    """
    tally = Tally()
    table = pd.concat([tables.empty(tables.SEQUENCES, ""), *others], ignore_index=True)
    tally.add("read", "positives of other TFs", len(table))
    if table.empty:
        why = "; ".join(dict.fromkeys(filter(None, map(tables.note, others))))
        return tables.empty(tables.SEQUENCES, f"other_tf: {why}" if why else ""), tally
    if len(table) > POOL:
        tally.add("dropped", f"beyond {POOL} sequences of other TFs (random choice)", len(table) - POOL)
        table = table.iloc[np.sort(rng.choice(len(table), POOL, replace=False))].reset_index(drop=True)
    # rows of a fold are test rows of it
    rank = table["split"].map({name: i for i, name in enumerate(SPLITS)}).fillna(len(SPLITS) - 1)
    rank = rank + rng.random(len(table))
    ranked = rank.sort_values(ascending=False).index
    again = dna.canonicals(table["sequence"].loc[ranked]).duplicated().reindex(table.index)
    tally.add("dropped", "bound by several other TFs: same sequence (either strand)", again.sum())
    table, rank = table[~again].reset_index(drop=True), rank[~again].reset_index(drop=True)
    placed = np.flatnonzero(table["chrom"].notna())
    kept = np.ones(len(table), bool)
    kept[placed] = intervals.strongest(table.iloc[placed].assign(score=rank.iloc[placed]))
    tally.add("dropped", "bound by several other TFs: overlapping windows", (~kept).sum())
    return table[kept].reset_index(drop=True), tally


def other_tf(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    unbound: Mapping[str, pd.DataFrame],
    ratio: float = 1,
    avoid: pd.DataFrame | None = None,
    taken: pd.DataFrame | None = None,
    bound: Collection[str] = (),
    gc: bool = True,
) -> tuple[pd.DataFrame, Tally]:
    """Sequences that other TFs bind and this one does not: windows of their peaks, or reads of their libraries.

    They have the lengths and the splits of the positives.

    Parameters
    ----------
    positives : sequence table
    rng : numpy Generator
    unbound : mapping of str to sequence table
        Its `other_tf` is the table of `pool`.
    ratio : float
        Negatives per positive.
    avoid, taken : DataFrame, optional
        Regions that no negative overlaps (`chrom`, `start`, `end`): peaks of this TF; positives and other negatives.
    bound : collection of str
        Further sequences that this TF binds, each as `dna.canonical`.
    gc : bool
        True: the GC counts of the positives, or the nearest that the pool has (counted by GC bin). False: any.

    Returns
    -------
    table, Tally
        Label 0; `origin` is the id that a sequence has in its own dataset, `score` is NaN. Where the pool is too
        small there are fewer, and the tally says how many are missing.
    """
    tally, pool = Tally(), unbound["other_tf"]
    pool = pool[pool["split"].isin(positives["split"])]
    bound = set(bound) | set(dna.canonicals(positives["sequence"]))

    def drop(which: np.ndarray | pd.Series, reason: str) -> None:
        nonlocal pool
        tally.add("dropped", reason, which.sum())
        pool = pool[~which].reset_index(drop=True)

    sizes = positives["sequence"].str.len().unique()
    length = f"{sizes[0]} bp" if len(sizes) == 1 else "as long"
    drop(~pool["sequence"].str.len().isin(sizes), f"not {length} like the positives: a model would learn the length")
    drop(dna.canonicals(pool["sequence"]).isin(bound), "also bound by this TF (either strand)")
    for regions in (avoid, taken):
        if regions is not None and len(regions):
            hit = np.zeros(len(pool), bool)
            placed = pool["chrom"].notna().to_numpy()
            hit[placed] = intervals.overlapping(pool[placed], regions)
            drop(hit, "overlaps a peak of this TF" if regions is avoid else "overlaps a positive or another negative")
    parts = [pool.iloc[:0]]
    for name in splits.parts(positives):
        part, there = positives[positives["split"] == name], pool[pool["split"] == name]
        if len(part):
            chosen = [
                _matched(there[there["sequence"].str.len() == length], need, gc, rng, tally)
                for length, need in gc_counts.wanted(part, ratio, rng).items()
            ]
            lacking = round(ratio * len(part)) - sum(map(len, chosen))
            tally.add("short", f"fewer positives of other TFs than {ratio} per positive", lacking)
            parts += chosen
    table = pd.concat(parts)
    return tables.conform(table.assign(label=0, score=np.nan, origin=table["id"], draw=0), tables.SEQUENCES), tally


def _matched(pool: pd.DataFrame, need: np.ndarray, gc: bool, rng: np.random.Generator, tally: Tally) -> pd.DataFrame:
    # Sequences of one length at random: of each GC count as many as `need` (length + 1,) says, the rest of the nearest.
    rows = rng.permutation(len(pool))
    if not gc:
        return pool.iloc[np.sort(rows[: need.sum()])]
    count = pool["sequence"].str.count("[GC]").to_numpy(int)[rows]
    left = np.bincount(count, minlength=len(need))
    take = np.minimum(need, left)
    need, left = need - take, left - take
    moved = np.zeros_like(need)
    for wanted in rng.permutation(np.repeat(np.arange(len(need)), need)):
        there = np.flatnonzero(left)
        if not len(there):
            break
        nearest = there[np.abs(there - wanted).argmin()]
        left[nearest] -= 1
        take[nearest] += 1
        moved[wanted] += 1
    gc_counts.add_moved(moved, tally)
    order = pd.Series(count).groupby(count).cumcount().to_numpy()  # sequences of the same GC count before each
    return pool.iloc[np.sort(rows[order < take[count]])]
