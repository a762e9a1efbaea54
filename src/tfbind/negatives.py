"""Named sets of unbound sequences. What a model learns to tell apart, and so what its AUC means, is decided here."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tfbind import dna, intervals, splits, tables
from tfbind.faults import InputError
from tfbind.genome import Genome
from tfbind.kernels import shuffle
from tfbind.kernels import windows as kernel
from tfbind.tables import SPLITS, Tally

#: Shuffles tried for a sequence before it is given up.
REDRAWS = 10


def draw(
    dataset: str,
    positives: pd.DataFrame,
    kinds: Sequence[str],
    rng: np.random.Generator,
    *,
    ratio: float = 1,
    draws: int = 1,
    unbound: Mapping[str, pd.DataFrame] | None = None,
    genome: Genome | None = None,
    blacklist: str | os.PathLike | None = None,
    avoid: pd.DataFrame | None = None,
    margin: int = 500,
) -> tuple[pd.DataFrame, Tally]:
    """One named set of negatives for one dataset.

    Parameters
    ----------
    dataset : str
        Ids are ``{dataset}/{kind}{i}``.
    positives : sequence table
    kinds : sequence of str
        Keys of `NEGATIVES`; each split takes the first that it can.
    rng : numpy Generator
    ratio : float
        Negatives per positive.
    draws : int
        More than one gives every seed its own training negatives (column `draw` is 1, 2, ...); validation and test
        rows are shared by all (`draw` 0).
    unbound : mapping of str to sequence table
        For `provided` and `input`, from `assays.unbound`.
    genome, blacklist, avoid, margin
        For `genomic`: windows stay `margin` bp away from `avoid` (`chrom`, `start`, `end`: all peaks of the TF) and
        off the blacklist.

    Returns
    -------
    table, Tally
        Label 0; no sequence is a positive, and none occurs twice within what one seed sees (either strand). Empty
        positives have empty negatives, for the same reason; so has a set that needs an empty one of `unbound`.

    Raises
    ------
    InputError
        Where a split can take none of the kinds; says what each lacks.
    """
    if unknown := [kind for kind in kinds if kind not in NEGATIVES]:
        raise InputError(f"negatives: no kind {', '.join(unknown)}; there are {', '.join(NEGATIVES)}")
    tally, faults, chosen = Tally(), [], {}
    if positives.empty:
        return tables.empty(tables.SEQUENCES, tables.note(positives)), tally
    unbound = unbound or {}
    for name in SPLITS:
        part = positives[positives["split"] == name]
        if part.empty:
            continue
        lacking = {kind: _lacks(kind, part, unbound, genome) for kind in kinds}
        able = [kind for kind in kinds if not lacking[kind]]
        if able:
            chosen[name] = able[0]
        else:
            tried = "; ".join(f"{kind} needs {why}" for kind, why in lacking.items())
            faults.append(f"{dataset}: no negatives for its {name} rows: {tried}")
    if faults:
        if reasons := [tables.note(table) for kind, table in unbound.items() if kind in kinds and tables.note(table)]:
            return tables.empty(tables.SEQUENCES, "; ".join(reasons)), tally
        raise InputError(faults)

    options = {"ratio": ratio, "unbound": unbound, "genome": genome, "blacklist": blacklist, "margin": margin}
    options["avoid"] = pd.concat([positives[["chrom", "start", "end"]].dropna(), *([] if avoid is None else [avoid])])
    bound = set(dna.canonicals(positives["sequence"]))
    parts = []
    for name in reversed(SPLITS):
        if name not in chosen:
            continue
        for number in range(1, draws + 1) if draws > 1 and name == "train" else [0]:
            part = positives[positives["split"] == name]
            table, log = NEGATIVES[chosen[name]](part, rng, **options)
            tally.rows += [(event, f"{name}: {chosen[name]}: {reason}", count) for event, reason, count in log.rows]
            parts.append(table.assign(draw=number, kind=chosen[name]))
            if chosen[name] == "genomic" and not number:
                # splits that share a chromosome must not share a window
                options["avoid"] = pd.concat([options["avoid"], table[["chrom", "start", "end"]]])
    table = pd.concat(parts, ignore_index=True)
    key = dna.canonicals(table["sequence"])
    also = key.isin(bound)
    shared = set(key[table["draw"] == 0])
    again = pd.Series(list(zip(key, table["draw"], strict=True))).duplicated() | (
        (table["draw"] > 0) & key.isin(shared)
    )
    tally.add("dropped", "also a positive (either strand)", also.sum())
    tally.add("dropped", "same negative again (either strand)", (again & ~also).sum())
    table = table[~(also | again)].reset_index(drop=True)
    for name in SPLITS:
        tally.add("kept", name, (table["split"] == name).sum())
    number = table.groupby("kind").cumcount().astype(str)
    return tables.conform(table.assign(id=dataset + "/" + table["kind"] + number, label=0), tables.SEQUENCES), tally


def _lacks(kind: str, part: pd.DataFrame, unbound: Mapping[str, pd.DataFrame], genome: Genome | None) -> str:
    # What this kind needs and does not have, '' where it can be drawn.
    if kind == "genomic":
        return "" if genome is not None and part["chrom"].notna().all() else "a genome and coordinates of all positives"
    if kind in ("provided", "input"):
        name = part["split"].iloc[0]
        if kind in unbound and (unbound[kind]["split"] == name).any():
            return ""
        return f"{'labelled unbound sequences' if kind == 'provided' else 'cycle-0 reads'} for {name}"
    return ""


def dinucleotide(
    positives: pd.DataFrame, rng: np.random.Generator, *, ratio: float = 1, **_
) -> tuple[pd.DataFrame, Tally]:
    """Shuffles of the positives that keep every dinucleotide count (see `kernels.shuffle.dinucleotide`).

    A shuffle equal to a positive on either strand is drawn anew; a sequence that has no other shuffle is dropped and
    counted. Each row depends on its positive's id alone, not on the rows beside it.
    """
    return _shuffled(positives, rng, ratio, shuffle.dinucleotide)


def pairs(positives: pd.DataFrame, rng: np.random.Generator, *, ratio: float = 1, **_) -> tuple[pd.DataFrame, Tally]:
    """The in-frame pair shuffle of deepRAM; it changes the dinucleotide counts (see `kernels.shuffle.pairs`).

    Kept to show what it does to a published number.
    """
    return _shuffled(positives, rng, ratio, shuffle.pairs)


def _shuffled(positives: pd.DataFrame, rng: np.random.Generator, ratio: float, kernel) -> tuple[pd.DataFrame, Tally]:
    tally = Tally()
    base = int(rng.integers(2**63))
    taken = set(dna.canonicals(positives["sequence"]))
    whole, rest = divmod(round(ratio * len(positives)), max(len(positives), 1))
    copies = np.full(len(positives), whole)
    copies[rng.choice(len(positives), rest, replace=False)] += 1
    rows = np.repeat(np.arange(len(positives)), copies)
    copy = np.concatenate([np.arange(n) for n in copies]) if len(rows) else rows

    source = positives["sequence"].to_numpy()[rows]
    ids = positives["id"].to_numpy()[rows]
    tokens, sizes = dna.encode(list(source)), np.array([len(s) for s in source], np.int64)
    result = np.full(len(rows), None, object)
    left = np.arange(len(rows))
    for attempt in range(REDRAWS):
        seeds = [splits.stable_hash(base, ids[row], copy[row], attempt) for row in left]
        made = dna.decode(kernel(tokens[left], sizes[left], np.array(seeds, np.uint64)), sizes[left])
        fresh = np.array([dna.canonical(text) not in taken for text in made], bool)
        result[left[fresh]] = np.array(made, object)[fresh]
        left = left[~fresh]
        if not len(left):
            break
    tally.add("dropped", f"its shuffles are bound sequences themselves ({REDRAWS} tries)", len(left))
    kept = np.array([text is not None for text in result], bool)
    origin = positives.iloc[rows[kept]]
    table = origin.assign(
        sequence=pd.Series(result[kept], origin.index, dtype="str"), label=0, score=np.nan, origin=origin["id"], draw=0
    )
    return tables.conform(table, tables.SEQUENCES), tally


def provided(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    unbound: Mapping[str, pd.DataFrame],
    ratio: float = 1,
    **_,
) -> tuple[pd.DataFrame, Tally]:
    """Sequences that the dataset labels as unbound: all test rows, and `ratio` per positive in the other splits."""
    return _chosen(positives, rng, unbound["provided"], ratio, all_of=("test",))


def input(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    unbound: Mapping[str, pd.DataFrame],
    ratio: float = 1,
    **_,
) -> tuple[pd.DataFrame, Tally]:
    """Reads of the unselected SELEX library (cycle 0), `ratio` per positive."""
    return _chosen(positives, rng, unbound["input"], ratio, all_of=())


def _chosen(
    positives: pd.DataFrame, rng: np.random.Generator, pool: pd.DataFrame, ratio: float, all_of: Sequence[str]
) -> tuple[pd.DataFrame, Tally]:
    tally = Tally()
    sizes = positives["sequence"].str.len().unique()
    if len(sizes) == 1:
        other = pool["sequence"].str.len() != sizes[0]
        other &= pool["split"].isin(positives["split"])
        tally.add("dropped", f"not {sizes[0]} bp like the positives: the length would tell them apart", other.sum())
        pool = pool[~other]
    bound = set(dna.canonicals(positives["sequence"]))
    also = dna.canonicals(pool["sequence"]).isin(bound) & pool["split"].isin(positives["split"])
    tally.add("dropped", "also a positive (either strand)", also.sum())
    pool = pool[~also]
    parts = []
    for name in SPLITS:
        wanted = round(ratio * (positives["split"] == name).sum())
        part = pool[pool["split"] == name]
        if not wanted:
            continue
        if part.empty:
            raise InputError(f"no unbound sequence of the positives' length is left for {name}")
        if name not in all_of and len(part) > wanted:
            part = part.iloc[np.sort(rng.choice(len(part), wanted, replace=False))]
        tally.add("short", f"fewer unbound sequences than {ratio} per positive", max(wanted - len(part), 0))
        parts.append(part)
    return tables.conform(pd.concat(parts).assign(label=0), tables.SEQUENCES), tally


def genomic(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    genome: Genome,
    ratio: float = 1,
    blacklist: str | os.PathLike | None = None,
    avoid: pd.DataFrame | None = None,
    margin: int = 500,
    **_,
) -> tuple[pd.DataFrame, Tally]:
    """Windows of the genome with the lengths and GC counts of the positives.

    Each split draws from the chromosomes of its own positives. No window overlaps another, holds an unknown base,
    touches the blacklist, or comes closer than `margin` bp to `avoid`. GC counts are met exactly; where the genome has
    no such window left the nearest count is taken and counted by GC bin.

    Raises
    ------
    InputError
        Where the chromosomes hold too few windows altogether.
    """
    tally = Tally()
    closed = [] if avoid is None else [(avoid, margin)]
    if blacklist:
        closed.append((intervals.read_blacklist(blacklist, genome), 0))
    parts = []
    for name in SPLITS:
        part = positives[positives["split"] == name]
        if len(part):
            wanted, order = _wanted(part, ratio, rng), sorted(part["chrom"].unique())
            found = _search(genome, order, closed, wanted, rng, tally)
            tokens = genome.windows(found["chrom"], found["start"], found["end"])
            sequence = dna.decode(tokens, (found["end"] - found["start"]).to_numpy())
            parts.append(found.assign(sequence=pd.Series(sequence, dtype="str"), split=name))
            closed.append((found, 0))
    found = pd.concat(parts, ignore_index=True)
    origin = found["chrom"] + ":" + found["start"].astype(str) + "-" + found["end"].astype(str)
    columns = {name: found[name] for name in found}
    return tables.sequences(id=[""] * len(found), label=0, strand="+", origin=origin, **columns), tally


def _wanted(part: pd.DataFrame, ratio: float, rng: np.random.Generator) -> dict[int, np.ndarray]:
    # Window length -> how many windows of each GC count.
    whole, rest = divmod(round(ratio * len(part)), len(part))
    copies = np.full(len(part), whole)
    copies[rng.choice(len(part), rest, replace=False)] += 1
    size = part["sequence"].str.len().to_numpy()
    count = part["sequence"].str.count("[GC]").to_numpy()
    return {
        int(length): np.bincount(count[size == length], copies[size == length], length + 1).astype(np.int64)
        for length in np.unique(size)
    }


def _search(
    genome: Genome,
    chroms: list[str],
    closed: list[tuple[pd.DataFrame, int]],
    wanted: dict[int, np.ndarray],
    rng: np.random.Generator,
    tally: Tally,
) -> pd.DataFrame:
    found: list[tuple[str, int, int]] = []

    def open_tokens(chrom: str) -> np.ndarray:
        tokens = genome.tokens(chrom).copy()
        for table, margin in closed:
            here = table[table["chrom"].map(genome.resolve) == chrom]
            for start, end in zip(here["start"], here["end"], strict=True):
                tokens[max(int(start) - margin, 0) : int(end) + margin] = dna.UNKNOWN
        for other, start, end in found:
            if other == chrom:
                tokens[start:end] = dna.UNKNOWN
        return tokens

    def look(chrom: str, length: int, tokens: np.ndarray, quota: np.ndarray, exhaust: bool) -> None:
        before = quota.copy()
        starts = kernel.sample(tokens, length, quota, rng, exhaust)
        found.extend((chrom, int(start), int(start) + length) for start in starts)
        wanted[length] -= before - quota

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
        bins = np.minimum(20 * np.arange(length + 1) // length, 19)
        for low, short in zip(range(0, 100, 5), np.bincount(bins, need, 20), strict=True):
            tally.add("changed", f"GC {low}-{low + 5} %: nearest GC taken", short)
        while need.any():
            left = sum(kernel.gc_counts(open_tokens(chrom), length) for chrom in chroms)
            if not left.any():
                raise InputError(
                    f"genomic negatives: {genome.path} is too small: {need.sum()} windows of {length} bp are missing "
                    f"on {', '.join(chroms[:5])}; lower ratio or margin, or take another kind"
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


#: ``(positives, rng, **options) -> (table, Tally)``, by the word of the config; options that a kind does not need are
#: ignored by it.
NEGATIVES = {
    "dinucleotide": dinucleotide,
    "pairs": pairs,
    "genomic": genomic,
    "input": input,
    "provided": provided,
}
