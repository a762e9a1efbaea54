"""Negatives from the genome: GC-matched, and beside the peaks."""

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError
from tfbind.io import intervals, tables
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally
from tfbind.kernels import windows as kernel
from tfbind.sequences import gc_counts, splits


def genomic(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    genome: Genome,
    ratio: float = 1,
    blacklist: str | os.PathLike | None = None,
    avoid: pd.DataFrame | None = None,
    taken: pd.DataFrame | None = None,
    margin: int = 500,
    gc: bool = True,
) -> tuple[pd.DataFrame, Tally]:
    """Windows of the genome with the lengths and GC counts of the positives.

    Each split draws from the chromosomes of its own positives. No window overlaps another one or the blacklist, holds
    an unknown base, or comes closer than `margin` bp to `avoid` or `taken`.

    Parameters
    ----------
    positives : sequence table
        All with coordinates.
    rng : numpy Generator
    genome : Genome
    ratio : float
        Negatives per positive.
    blacklist : path, optional
        BED of regions to avoid.
    avoid, taken : DataFrame, optional
        Regions to keep away from (`chrom`, `start`, `end`): all peaks of the TF; positives and other negatives.
    margin : int
        Least distance from them in bp.
    gc : bool
        True: the exact GC counts of the positives; where the genome has no such window left, the nearest count is taken
        and counted by GC bin. False: the GC counts of windows drawn at random from the chromosomes.

    Returns
    -------
    table, Tally
        Label 0, strand ``+``, no ids yet; `origin` is the window as ``chrom:start-end``.

    Raises
    ------
    InputError
        The chromosomes hold too few windows altogether.
    """
    tally = Tally()
    closed = [(table, margin) for table in (avoid, taken) if table is not None]
    if blacklist:
        closed.append((intervals.read_blacklist(blacklist, genome), 0))
    parts = []
    for name in splits.parts(positives):
        part = positives[positives["split"] == name]
        if len(part):
            wanted, order = gc_counts.wanted(part, ratio, rng), sorted(part["chrom"].unique())
            found = _search(genome, order, closed, wanted, gc, rng, tally)
            tokens = genome.windows(found["chrom"], found["start"], found["end"])
            sequence = dna.decode(tokens, (found["end"] - found["start"]).to_numpy())
            parts.append(found.assign(sequence=pd.Series(sequence, dtype="str"), split=name))
            closed.append((found, 0))
    found = pd.concat(parts, ignore_index=True)
    origin = found["chrom"] + ":" + found["start"].astype(str) + "-" + found["end"].astype(str)
    columns = {name: found[name] for name in found}
    return tables.sequences(id=[""] * len(found), label=0, strand="+", origin=origin, **columns), tally


def _search(
    genome: Genome,
    chroms: list[str],
    closed: list[tuple[pd.DataFrame, int]],
    wanted: dict[int, np.ndarray],
    gc: bool,
    rng: np.random.Generator,
    tally: Tally,
) -> pd.DataFrame:
    found: list[tuple[str, int, int]] = []
    regions: dict[str, list[tuple[int, int]]] = {chrom: [] for chrom in chroms}
    for table, margin in closed:
        for name, here in table.groupby("chrom", sort=False):  # a name is resolved once, not in each row
            if (chrom := genome.resolve(name)) in regions:
                first = np.maximum(here["start"].to_numpy(np.int64) - margin, 0)
                last = here["end"].to_numpy(np.int64) + margin
                regions[chrom] += zip(first.tolist(), last.tolist(), strict=True)

    def open_tokens(chrom: str) -> np.ndarray:
        tokens = genome.tokens(chrom).copy()
        for start, end in regions[chrom]:
            tokens[start:end] = dna.UNKNOWN
        for other, start, end in found:
            if other == chrom:
                tokens[start:end] = dna.UNKNOWN
        return tokens

    def look(chrom: str, length: int, tokens: np.ndarray, quota: np.ndarray, exhaust: bool) -> None:
        before = quota.copy()
        starts = kernel.sample(tokens, length, quota, rng, exhaust)
        found.extend((chrom, int(start), int(start) + length) for start in starts)
        wanted[length] -= before - quota

    if not gc:  # the GC counts of as many windows drawn from all that are open
        for length, need in wanted.items():
            there = sum(kernel.gc_counts(open_tokens(chrom), length) for chrom in chroms)
            if there.any():
                need[:] = rng.multinomial(need.sum(), there / there.sum())

    # Random starts first, each chromosome getting its share of what is still wanted. The chromosomes go by in turn
    # so that only one is in memory.
    remaining = sum(genome.lengths[chrom] for chrom in chroms)
    for chrom in chroms:
        tokens = open_tokens(chrom)
        for length, need in wanted.items():
            look(chrom, length, tokens, rng.binomial(need, genome.lengths[chrom] / remaining), False)
        remaining -= genome.lengths[chrom]
    # GC counts that random starts seldom hit: every window is looked at.
    for chrom in rng.permutation(chroms):
        if any(need.any() for need in wanted.values()):
            tokens = open_tokens(chrom)
            for length, need in wanted.items():
                look(chrom, length, tokens, need.copy(), True)
    # Counts that the chromosomes do not have: the nearest that they have.
    for length, need in wanted.items():
        gc_counts.add_moved(need, tally)
        while need.any():
            left = sum(kernel.gc_counts(open_tokens(chrom), length) for chrom in chroms)
            if not left.any():
                raise InputError(
                    f"genomic negatives: {genome.path} is too small: {need.sum()} windows of {length} bp are missing "
                    f"on {', '.join(chroms)}; lower ratio or margin, or take another kind"
                )
            nearest = np.flatnonzero(left)
            for count in np.flatnonzero(need):
                other = nearest[np.abs(nearest - count).argmin()]
                moved = min(need[count], left[other])
                need[count] -= moved
                need[other] += moved
            for chrom in chroms:
                look(chrom, length, open_tokens(chrom), need.copy(), True)
    return pd.DataFrame(found, columns=["chrom", "start", "end"])


def around_windows(positives: pd.DataFrame) -> pd.DataFrame:
    """The peak of each positive.

    Parameters
    ----------
    positives : sequence table
        All with coordinates.

    Returns
    -------
    DataFrame
        `chrom`, `start`, `end` (0-based half-open), one row a positive: the place that `origin` names
        (``chrom:start-end``) where that covers the middle of the positive, else the positive itself.
    """
    place = positives["origin"].str.extract(r":(\d{1,15})-(\d{1,15})$").astype("Float64").astype("Int64")
    middle = (positives["start"] + positives["end"]) // 2
    known = ((place[0] <= middle) & (middle < place[1])).fillna(False)
    start, end = place[0].where(known, positives["start"]), place[1].where(known, positives["end"])
    return pd.DataFrame({"chrom": positives["chrom"], "start": start, "end": end})


def flank(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    genome: Genome,
    ratio: float = 1,
    blacklist: str | os.PathLike | None = None,
    avoid: pd.DataFrame | None = None,
    taken: pd.DataFrame | None = None,
    distance: Sequence[int] = (300, 600),
) -> tuple[pd.DataFrame, Tally]:
    """Windows beside the peaks, of the positives' length: sequences of the same neighbourhood that are not bound.

    A window lies on a side of its peak chosen at random, or on the other one where that has no place. A positive
    without a place on either side is dropped and counted. No window comes closer than ``distance[0]`` to another peak,
    overlaps another window, `taken` or the blacklist, or holds an unknown base.

    Parameters
    ----------
    positives : sequence table
        All with coordinates.
    rng : numpy Generator
    genome : Genome
    ratio : float
        Negatives per positive.
    blacklist : path, optional
        BED of regions to avoid.
    avoid : DataFrame, optional
        All peaks of the TF (`chrom`, `start`, `end`).
    taken : DataFrame, optional
        Positives and other negatives (`chrom`, `start`, `end`).
    distance : (int, int)
        Least and largest distance in bp from the edge of the peak to the near edge of the window.

    Returns
    -------
    table, Tally
        Label 0, strand ``+``, no ids yet; `origin` is the id of the positive. The tally says why places were missing.
    """
    tally, peaks = Tally(), around_windows(positives)
    left, right = peaks["start"].to_numpy(np.int64), peaks["end"].to_numpy(np.int64)
    near, far = distance
    regions = [(peaks, near)] if avoid is None else [(avoid, near), (peaks, near)]
    layers = [("the blacklist", [(intervals.read_blacklist(blacklist, genome), 0)] if blacklist else [])]
    layers += [("peaks of the TF", regions), ("other windows", [] if taken is None else [(taken, 0)])]
    reasons = ["the end of the chromosome", "unknown bases", *(reason for reason, _ in layers)]
    size = positives["sequence"].str.len().to_numpy()
    copies = gc_counts.copies_per_row(len(positives), ratio, rng)
    found, lost = [], np.zeros(len(reasons), np.int64)
    for chrom in sorted(peaks["chrom"].unique()):
        tokens = genome.tokens(chrom)
        closed = np.zeros(len(tokens), np.uint8)  # which reason closes a base, the first of several
        for number in range(len(layers), 0, -1):
            for table, margin in layers[number - 1][1]:
                here = table[table["chrom"].map(genome.resolve) == chrom]
                for start, end in zip(here["start"], here["end"], strict=True):
                    closed[max(int(start) - margin, 0) : int(end) + margin] = number + 1
        closed[tokens == dna.UNKNOWN] = 1
        rows = np.flatnonzero(peaks["chrom"] == chrom)
        for again in range(copies[rows].max(initial=0)):  # every peak has one before any has two
            for row in rows[copies[rows] > again]:
                length = int(size[row])
                sides = [(left[row] - far - length, left[row] - near - length), (right[row] + near, right[row] + far)]
                sides = [(max(low, 0), min(high, len(tokens) - length)) for low, high in sides]
                for side in rng.permutation(2):
                    if len(free := _free(closed, *sides[side], length)):
                        first = int(rng.choice(free))
                        closed[first : first + length] = len(reasons) - 1
                        found.append((row, chrom, first, first + length))
                        break
                else:
                    why = (k for k in range(len(reasons)) if not any(len(_free(closed, *s, length, k)) for s in sides))
                    lost[next(why)] += 1
    for reason, count in zip(reasons, lost, strict=True):
        tally.add("dropped", f"no place {near}-{far} bp from its peak: {reason}", count)
    found = sorted(found, key=lambda place: place[0])
    table = pd.DataFrame(found, columns=["row", *gc_counts.PLACE]).astype({"row": int, "start": int, "end": int})
    sequence = dna.decode(genome.windows(table["chrom"], table["start"], table["end"]), size[table["row"]])
    origin = positives.iloc[table["row"]].reset_index(drop=True)
    columns = {"split": origin["split"], "origin": origin["id"], **{name: table[name] for name in gc_counts.PLACE}}
    columns["sequence"] = pd.Series(sequence, dtype="str")
    return tables.sequences(id=[""] * len(table), label=0, strand="+", **columns), tally


def _free(closed: np.ndarray, low: int, high: int, length: int, layer: int = 255) -> np.ndarray:
    # Starts from `low` to `high` of windows that no reason up to `layer` closes.
    if low > high:
        return np.empty(0, np.int64)
    part = closed[low : high + length]
    count = np.concatenate([[0], np.cumsum((part > 0) & (part <= layer))])
    return low + np.flatnonzero(count[length:] == count[:-length])
