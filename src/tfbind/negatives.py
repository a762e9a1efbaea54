"""Named sets of unbound sequences. What a model learns to tell apart, and so what its AUC means, is decided here."""

import inspect
import os
from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from tfbind import dna, intervals, splits, tables, technical
from tfbind.faults import InputError
from tfbind.genome import Genome
from tfbind.kernels import shuffle
from tfbind.kernels import windows as kernel
from tfbind.tables import SPLITS, Tally

#: Shuffles tried for a sequence before it is given up.
REDRAWS = 10
#: Rows of a pool at most: so many tell every GC count of a split apart, and a hundred TFs fit into memory.
POOL = 200_000
_PLACE = ["chrom", "start", "end"]
#: A base that this share of the reads has at one place is constant; so many in a row at an end are a flank.
_CONSTANT, _FLANK = 0.9, 4
#: So few rows of a class cannot tell. So far apart the lengths of the classes may lie (of the public sets whose lengths
#: vary none is beyond 0.1), and beyond chance (p of 0.001).
_FEW, _BY_LENGTH, _LEVEL = 20, 0.3, 1.95


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
    bound: Sequence[pd.DataFrame] = (),
    margin: int = 500,
    distance: Sequence[int] = (300, 600),
    gc: bool = True,
    reads: bool = False,
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
        For `provided` and `input`, from `assays.unbound`; for `other_tf`, from `pool`.
    genome, blacklist, avoid
        For `genomic` and `flank`: windows stay off the blacklist and away from `avoid` (`chrom`, `start`, `end`: all
        peaks of the TF), and so does `other_tf`.
    bound : sequence of sequence tables
        The positives of the TF's other datasets, on the same genome: bound as well.
    margin : int
        Least distance in bp of a `genomic` window from any peak of the TF.
    distance : (int, int)
        Least and largest distance in bp of a `flank` from the edge of its peak.
    gc : bool
        Whether `genomic` and `other_tf` have the GC counts of the positives.
    reads : bool
        Whether they are SELEX reads, in which `technical.told_apart` looks for barcodes, primers and adaptors.

    Returns
    -------
    table, Tally
        Label 0; no sequence is a positive, and none occurs twice within what one seed sees (either strand). Empty
        positives have empty negatives, for the same reason; so has a set that needs an empty one of `unbound`.

    Raises
    ------
    InputError
        Where a split can take none of the kinds; says what each lacks. Where the reads of one class begin or end with
        constant bases that those of the other do not have: a flank that the sheet does not name. Where other technical
        sequence, or the length, tells the classes apart: a model would learn it, and its AUROC would say nothing about
        binding.
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
    options |= {"distance": distance, "gc": gc}
    every = pd.concat([positives, *bound], ignore_index=True)
    placed = every.dropna(subset=_PLACE)
    options |= {"bound": set(dna.canonicals(every["sequence"])), "taken": placed[_PLACE]}
    options["avoid"] = pd.concat([_peaks(placed), *([] if avoid is None else [avoid])])
    parts = []
    for name in reversed(SPLITS):
        if name not in chosen:
            continue
        for number in range(1, draws + 1) if draws > 1 and name == "train" else [0]:
            part = positives[positives["split"] == name]
            kind = NEGATIVES[chosen[name]]
            # each kind takes its own options and refuses any other
            own = {key: options[key] for key in inspect.signature(kind).parameters if key in options}
            try:
                table, log = kind(part, rng, **own)
            except InputError as error:
                raise InputError(f"{dataset}: {fault}" for fault in error.faults) from None
            tally.rows += [(event, f"{name}: {chosen[name]}: {reason}", count) for event, reason, count in log.rows]
            parts.append(table.assign(draw=number, kind=chosen[name]))
            if not number:
                # splits that share a chromosome must not share a window
                options["taken"] = pd.concat([options["taken"], table[_PLACE].dropna()])
    table = pd.concat(parts, ignore_index=True)
    key = dna.canonicals(table["sequence"])
    also = key.isin(options["bound"])
    shared = set(key[table["draw"] == 0])
    again = pd.Series(list(zip(key, table["draw"], strict=True))).duplicated() | (
        (table["draw"] > 0) & key.isin(shared)
    )
    tally.add("dropped", "also a positive (either strand)", also.sum())
    tally.add("dropped", "same negative again (either strand)", (again & ~also).sum())
    table = table[~(also | again)].reset_index(drop=True)
    faults = list(_flanks(positives, table)) + list(_sizes(positives, table))
    if reads and not faults:
        faults = list(technical.told_apart(positives["sequence"], table["sequence"]))
    if faults:
        raise InputError(f"{dataset}: {fault}" for fault in faults)
    for name in SPLITS:
        tally.add("kept", name, (table["split"] == name).sum())
    number = table.groupby("kind").cumcount().astype(str)
    return tables.conform(table.assign(id=dataset + "/" + table["kind"] + number, label=0), tables.SEQUENCES), tally


def _lacks(kind: str, part: pd.DataFrame, unbound: Mapping[str, pd.DataFrame], genome: Genome | None) -> str:
    # What this kind needs and does not have, '' where it can be drawn.
    if kind in ("genomic", "flank"):
        return "" if genome is not None and part["chrom"].notna().all() else "a genome and coordinates of all positives"
    if kind in ("provided", "input"):
        name = part["split"].iloc[0]
        if kind in unbound and (unbound[kind]["split"] == name).any():
            return ""
        return f"{'labelled unbound sequences' if kind == 'provided' else 'cycle-0 reads'} for {name}"
    if kind == "other_tf":
        name, pool = part["split"].iloc[0], unbound.get(kind)
        sizes = part["sequence"].str.len().unique()
        if pool is None or not (pool["sequence"].str.len().isin(sizes) & (pool["split"] == name)).any():
            return f"bound sequences of other TFs of the same length for {name}"
    return ""


def _flanks(positives: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    # Ends that tell the classes apart: constant in one of them, and not those of the other.
    reads = [part["sequence"][part["chrom"].isna()] for part in (positives, table)]
    if min(map(len, reads)) < _FEW:
        return
    for side in ("left", "right"):
        longest = max((_constant(part, side) for part in reads), key=len)
        n = len(longest)
        shares = [((part.str[:n] if side == "left" else part.str[-n:]) == longest).mean() for part in reads]
        if len(longest) >= _FLANK and abs(shares[0] - shares[1]) > 0.5:
            yield (
                f"{shares[0]:.0%} of the bound and {shares[1]:.0%} of the unbound reads have the {side} end {longest}, "
                f"which tells them apart without any binding; name it as {side}_flank in the sheet"
            )


def _sizes(positives: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    # Splits in which the length alone tells the classes apart: the distance of Kolmogorov and Smirnov.
    for name in SPLITS:
        sizes = [part["sequence"].str.len()[part["split"] == name].to_numpy() for part in (positives, table)]
        if min(map(len, sizes)) < _FEW:
            continue
        places = np.unique(np.concatenate(sizes))
        bound, unbound = (np.searchsorted(np.sort(size), places, "right") / len(size) for size in sizes)
        chance = _LEVEL * np.sqrt(sum(1 / len(size) for size in sizes))
        if np.abs(bound - unbound).max() > max(_BY_LENGTH, chance):
            spans = [f"{size.min()} to {size.max()} bp, median {np.median(size):.0f}" for size in sizes]
            yield (
                f"the length tells the {name} rows apart without any binding: bound {spans[0]}, unbound {spans[1]}; "
                "give both classes one length, or take another kind of negatives"
            )


def _constant(reads: pd.Series, side: str) -> str:
    # The bases at one end that nearly all reads share.
    constant = ""
    for place in range(int(reads.str.len().min())):
        share = reads.str.get(place if side == "left" else -1 - place).value_counts(normalize=True)
        if share.iloc[0] < _CONSTANT:
            break
        constant += share.index[0]
    return constant if side == "left" else constant[::-1]


def dinucleotide(positives: pd.DataFrame, rng: np.random.Generator, *, ratio: float = 1) -> tuple[pd.DataFrame, Tally]:
    """Shuffles of the positives that keep every dinucleotide count (see `kernels.shuffle.dinucleotide`).

    A shuffle equal to a positive on either strand is drawn anew; a sequence that has no other shuffle is dropped and
    counted. Each row depends on its positive's id alone, not on the rows beside it.
    """
    return _shuffled(positives, rng, ratio, shuffle.dinucleotide)


def pairs(positives: pd.DataFrame, rng: np.random.Generator, *, ratio: float = 1) -> tuple[pd.DataFrame, Tally]:
    """The in-frame pair shuffle of deepRAM; it changes the dinucleotide counts (see `kernels.shuffle.pairs`).

    Kept to show what it does to a published number.
    """
    return _shuffled(positives, rng, ratio, shuffle.pairs)


def _shuffled(positives: pd.DataFrame, rng: np.random.Generator, ratio: float, kernel) -> tuple[pd.DataFrame, Tally]:
    tally = Tally()
    base = int(rng.integers(2**63))
    taken = set(dna.canonicals(positives["sequence"]))
    copies = _copies(len(positives), ratio, rng)
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
) -> tuple[pd.DataFrame, Tally]:
    """Sequences that the dataset labels as unbound: all test rows, and `ratio` per positive in the other splits."""
    return _chosen(positives, rng, unbound["provided"], ratio, all_of=("test",))


def input(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    unbound: Mapping[str, pd.DataFrame],
    ratio: float = 1,
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
            size = f"{sizes[0]} bp" if len(sizes) == 1 else f"{sizes.min()} to {sizes.max()} bp"
            raise InputError(
                f"no unbound sequence of the positives' length ({size}) is left for {name}; give some of that length, "
                "or take another kind of negatives"
            )
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
    taken: pd.DataFrame | None = None,
    margin: int = 500,
    gc: bool = True,
) -> tuple[pd.DataFrame, Tally]:
    """Windows of the genome with the lengths and GC counts of the positives.

    Each split draws from the chromosomes of its own positives. No window overlaps another, holds an unknown base,
    touches the blacklist, or comes closer than `margin` bp to `avoid` or `taken`. GC counts are met exactly; where the
    genome has no such window left the nearest count is taken and counted by GC bin. With `gc` false the windows have
    the GC of the chromosomes instead.

    Raises
    ------
    InputError
        Where the chromosomes hold too few windows altogether.
    """
    tally = Tally()
    closed = [(table, margin) for table in (avoid, taken) if table is not None]
    if blacklist:
        closed.append((intervals.read_blacklist(blacklist, genome), 0))
    parts = []
    for name in SPLITS:
        part = positives[positives["split"] == name]
        if len(part):
            wanted, order = _wanted(part, ratio, rng), sorted(part["chrom"].unique())
            found = _search(genome, order, closed, wanted, gc, rng, tally)
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
    copies = _copies(len(part), ratio, rng)
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
    gc: bool,
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
        _add_moved(need, tally)
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


def _add_moved(need: np.ndarray, tally: Tally) -> None:
    # (length + 1,) windows of each GC count that had to be of another one.
    length = len(need) - 1
    bins = np.minimum(20 * np.arange(length + 1) // length, 19)
    for low, short in zip(range(0, 100, 5), np.bincount(bins, need, 20), strict=True):
        tally.add("changed", f"GC {low}-{low + 5} %: nearest GC taken", short)


def _peaks(positives: pd.DataFrame) -> pd.DataFrame:
    # The peak of each placed positive: what `origin` says where that covers the middle of the row, else the row itself.
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
    """Windows beside the peaks, of the positives' length: what lies in the same neighbourhood and is not bound.

    From the edge of its peak to the near edge of a window are `distance` bp, on a side chosen at random, or on the
    other one where that has no place; a positive without a place on either is dropped and counted. No window comes
    closer than ``distance[0]`` to another peak of `avoid`, overlaps another or `taken`, touches the blacklist or holds
    an unknown base. `origin` is the id of the positive.
    """
    tally, peaks = Tally(), _peaks(positives)
    left, right = peaks["start"].to_numpy(np.int64), peaks["end"].to_numpy(np.int64)
    near, far = distance
    regions = [(peaks, near)] if avoid is None else [(avoid, near), (peaks, near)]
    layers = [("the blacklist", [(intervals.read_blacklist(blacklist, genome), 0)] if blacklist else [])]
    layers += [("peaks of the TF", regions), ("other windows", [] if taken is None else [(taken, 0)])]
    reasons = ["the end of the chromosome", "unknown bases", *(reason for reason, _ in layers)]
    size = positives["sequence"].str.len().to_numpy()
    copies = _copies(len(positives), ratio, rng)
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
    table = pd.DataFrame(found, columns=["row", *_PLACE]).astype({"row": int, "start": int, "end": int})
    sequence = dna.decode(genome.windows(table["chrom"], table["start"], table["end"]), size[table["row"]])
    origin = positives.iloc[table["row"]].reset_index(drop=True)
    columns = {"split": origin["split"], "origin": origin["id"], **{name: table[name] for name in _PLACE}}
    columns["sequence"] = pd.Series(sequence, dtype="str")
    return tables.sequences(id=[""] * len(table), label=0, strand="+", **columns), tally


def _free(closed: np.ndarray, low: int, high: int, length: int, layer: int = 255) -> np.ndarray:
    # Starts from `low` to `high` of windows that no reason up to `layer` closes.
    if low > high:
        return np.empty(0, np.int64)
    part = closed[low : high + length]
    count = np.concatenate([[0], np.cumsum((part > 0) & (part <= layer))])
    return low + np.flatnonzero(count[length:] == count[:-length])


def pool(others: Sequence[pd.DataFrame], rng: np.random.Generator) -> tuple[pd.DataFrame, Tally]:
    """The bound sequences of other TFs as one pool for `other_tf`.

    Parameters
    ----------
    others : sequence of sequence tables
        Positives of datasets of other TFs; each row keeps the split that it has there.
    rng : numpy Generator
        Chooses what stays of windows that overlap, and of more than `POOL` rows.

    Returns
    -------
    table, Tally
        No two rows are alike (either strand) or overlap; of two in different splits, that of the test split stays.
        Empty with the reason where all others are empty.
    """
    tally = Tally()
    table = pd.concat([tables.empty(tables.SEQUENCES, ""), *others], ignore_index=True)
    tally.add("read", "bound sequences of other TFs", len(table))
    if table.empty:
        why = "; ".join(dict.fromkeys(filter(None, map(tables.note, others))))
        return tables.empty(tables.SEQUENCES, f"other_tf: {why}" if why else ""), tally
    if len(table) > POOL:
        tally.add("dropped", f"beyond {POOL} sequences of other TFs (random choice)", len(table) - POOL)
        table = table.iloc[np.sort(rng.choice(len(table), POOL, replace=False))].reset_index(drop=True)
    rank = table["split"].map({name: i for i, name in enumerate(SPLITS)}) + rng.random(len(table))
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
    """What other TFs bind and this one does not: windows of their peaks, or reads of their libraries.

    Rows of the `pool` of the positives' lengths and split that overlap neither `avoid` nor `taken` and are not in
    `bound` (canonical sequences), `ratio` per positive, with the GC counts of the positives or the nearest there are
    (counted by GC bin); any of them with `gc` false. `origin` is the id that a row has in its own dataset.
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
    drop(~pool["sequence"].str.len().isin(sizes), f"not {length} like the positives: the length would tell them apart")
    drop(dna.canonicals(pool["sequence"]).isin(bound), "also bound by this TF (either strand)")
    for regions in (avoid, taken):
        if regions is not None and len(regions):
            hit = np.zeros(len(pool), bool)
            placed = pool["chrom"].notna().to_numpy()
            hit[placed] = intervals.overlapping(pool[placed], regions)
            drop(hit, "overlaps a peak of this TF" if regions is avoid else "overlaps a positive or another negative")
    parts = [pool.iloc[:0]]
    for name in SPLITS:
        part, there = positives[positives["split"] == name], pool[pool["split"] == name]
        if len(part):
            chosen = [
                _matched(there[there["sequence"].str.len() == length], need, gc, rng, tally)
                for length, need in _wanted(part, ratio, rng).items()
            ]
            lacking = round(ratio * len(part)) - sum(map(len, chosen))
            tally.add("short", f"fewer bound sequences of other TFs than {ratio} per positive", lacking)
            parts += chosen
    table = pd.concat(parts)
    return tables.conform(table.assign(label=0, score=np.nan, origin=table["id"], draw=0), tables.SEQUENCES), tally


def _matched(pool: pd.DataFrame, need: np.ndarray, gc: bool, rng: np.random.Generator, tally: Tally) -> pd.DataFrame:
    # Rows of one length at random, as many of each GC count as `need` (length + 1,) says, the rest of the nearest.
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
    _add_moved(moved, tally)
    order = pd.Series(count).groupby(count).cumcount().to_numpy()  # how many of its GC count come before a row
    return pool.iloc[np.sort(rows[order < take[count]])]


def _copies(rows: int, ratio: float, rng: np.random.Generator) -> np.ndarray:
    # How many negatives each of so many positives has: (rows,) int.
    whole, rest = divmod(round(ratio * rows), max(rows, 1))
    copies = np.full(rows, whole)
    copies[rng.choice(rows, rest, replace=False)] += 1
    return copies


#: ``(positives, rng, **options) -> (table, Tally)``, by the word of the config; options that a kind does not need are
#: ignored by it.
NEGATIVES = {
    "dinucleotide": dinucleotide,
    "pairs": pairs,
    "genomic": genomic,
    "flank": flank,
    "other_tf": other_tf,
    "input": input,
    "provided": provided,
}
