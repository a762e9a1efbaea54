"""Named sets of negatives. They decide what a model learns to distinguish, and so what its AUROC means."""

import inspect
import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from tfbind import dna, seeding
from tfbind.errors import InputError
from tfbind.io import tables
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally
from tfbind.kernels import shuffle
from tfbind.sequences import gc_counts, genomic_negatives, other_tf_negatives, splits, technical_sequence
from tfbind.study.negative_kinds import KINDS

#: Shuffles tried for a sequence before it is given up.
REDRAWS = 10
#: A base is constant if this share of the reads has it at one place; so many constant bases at an end are a flank.
_CONSTANT, _FLANK = 0.9, 4
#: A class (positives or negatives) with fewer sequences is not judged. The largest difference between the distributions
#: of length of both classes (of the public sets whose lengths vary none exceeds 0.1); it must exceed chance, too: the
#: coefficient of the Kolmogorov-Smirnov test at p = 0.001.
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
        negatives are shared by all (`draw` 0).
    unbound : mapping of str to sequence table
        For `provided` and `input`, from `positives.unbound`; for `other_tf`, from `other_tf_negatives.pool`.
    genome : Genome, optional
        For `genomic` and `flank`.
    blacklist : path, optional
        BED of regions that `genomic` and `flank` avoid.
    avoid : DataFrame, optional
        All peaks of the TF (`chrom`, `start`, `end`): `genomic`, `flank` and `other_tf` keep away from them.
    bound : sequence of sequence tables
        The positives of the TF's other datasets, on the same genome: no negative may be one of them either.
    margin : int
        Least distance in bp of a `genomic` window from any peak of the TF.
    distance : (int, int)
        Least and largest distance in bp of a `flank` from the edge of its peak.
    gc : bool
        Whether `genomic` and `other_tf` have the GC counts of the positives.
    reads : bool
        Whether they are SELEX reads, in which `technical_sequence.told_apart` looks for barcodes, primers and adaptors.

    Returns
    -------
    table, Tally
        Label 0; no sequence is a positive, and none occurs twice among those that one seed uses (either strand). Empty
        positives have empty negatives, for the same reason; so has a set that needs an empty one of `unbound`.

    Raises
    ------
    InputError
        A kind is unknown, or a split can take none of the kinds; the message says what each lacks. The reads of one
        class begin or end with constant bases that those of the other do not have: a flank that the sheet does not
        name. Or other technical sequence, or the length, separates positives from negatives: a model would learn it,
        and its AUROC would say nothing about binding.
    """
    if unknown := [kind for kind in kinds if kind not in NEGATIVES]:
        raise InputError(f"negatives: no kind {', '.join(unknown)}; there are {', '.join(NEGATIVES)}")
    tally, faults, chosen = Tally(), [], {}
    if positives.empty:
        return tables.empty(tables.SEQUENCES, tables.note(positives)), tally
    unbound = unbound or {}
    names = splits.parts(positives)
    for name in names:
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
    placed = every.dropna(subset=gc_counts.PLACE)
    options |= {"bound": set(dna.canonicals(every["sequence"])), "taken": placed[gc_counts.PLACE]}
    options["avoid"] = pd.concat([genomic_negatives.around_windows(placed), *([] if avoid is None else [avoid])])
    parts = []
    for name in reversed(names):
        if name not in chosen:
            continue
        for number in range(1, draws + 1) if draws > 1 and name == "train" else [0]:
            part = positives[positives["split"] == name]
            kind = NEGATIVES[chosen[name]]
            # each kind takes its own options only
            own = {key: options[key] for key in inspect.signature(kind).parameters if key in options}
            try:
                table, log = kind(part, rng, **own)
            except InputError as error:
                raise InputError(f"{dataset}: {fault}" for fault in error.faults) from None
            tally.rows += [(event, f"{name}: {chosen[name]}: {reason}", count) for event, reason, count in log.rows]
            parts.append(table.assign(draw=number, kind=chosen[name]))
            if not number:
                # splits that share a chromosome must not share a window
                options["taken"] = pd.concat([options["taken"], table[gc_counts.PLACE].dropna()])
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
        faults = list(technical_sequence.told_apart(positives["sequence"], table["sequence"]))
    if faults:
        raise InputError(f"{dataset}: {fault}" for fault in faults)
    for name in names:
        tally.add("kept", name, (table["split"] == name).sum())
    number = table.groupby("kind").cumcount().astype(str)
    return tables.conform(table.assign(id=dataset + "/" + table["kind"] + number, label=0), tables.SEQUENCES), tally


def _lacks(kind: str, part: pd.DataFrame, unbound: Mapping[str, pd.DataFrame], genome: Genome | None) -> str:
    # What this kind needs and does not have, '' where it can be drawn.
    needs = KINDS[kind].needs if kind in KINDS else ""
    if needs == "genome":
        return "" if genome is not None and part["chrom"].notna().all() else "a genome and coordinates of all positives"
    if needs in ("labels", "cycle 0"):
        name = part["split"].iloc[0]
        if kind in unbound and (unbound[kind]["split"] == name).any():
            return ""
        return f"{'sequences labelled as negatives' if needs == 'labels' else 'cycle-0 reads'} for {name}"
    if needs == "others":
        name, pool = part["split"].iloc[0], unbound.get(kind)
        sizes = part["sequence"].str.len().unique()
        if pool is None or not (pool["sequence"].str.len().isin(sizes) & (pool["split"] == name)).any():
            return f"positives of other TFs of the same length for {name}"
    return ""


def _flanks(positives: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    # Ends that separate the classes: constant in one of them, and different in the other.
    reads = [part["sequence"][part["chrom"].isna()] for part in (positives, table)]
    if min(map(len, reads)) < _FEW:
        return
    for side in ("left", "right"):
        longest = max((_constant(part, side) for part in reads), key=len)
        n = len(longest)
        shares = [((part.str[:n] if side == "left" else part.str[-n:]) == longest).mean() for part in reads]
        if len(longest) >= _FLANK and abs(shares[0] - shares[1]) > 0.5:
            yield (
                f"{shares[0]:.0%} of the positive and {shares[1]:.0%} of the negative reads have the {side} end "
                f"{longest}, which separates them without any binding; name it as {side}_flank in the sheet"
            )


def _sizes(positives: pd.DataFrame, table: pd.DataFrame) -> Iterator[str]:
    # Splits in which the length alone separates the classes, by the distance of Kolmogorov and Smirnov.
    for name in splits.parts(positives):
        sizes = [part["sequence"].str.len()[part["split"] == name].to_numpy() for part in (positives, table)]
        if min(map(len, sizes)) < _FEW:
            continue
        places = np.unique(np.concatenate(sizes))
        below, others = (np.searchsorted(np.sort(size), places, "right") / len(size) for size in sizes)
        chance = _LEVEL * np.sqrt(sum(1 / len(size) for size in sizes))
        if np.abs(below - others).max() > max(_BY_LENGTH, chance):
            spans = [f"{size.min()} to {size.max()} bp, median {np.median(size):.0f}" for size in sizes]
            yield (
                f"the length of the {name} rows separates the classes: positives {spans[0]}, negatives {spans[1]}; "
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

    A shuffle equal to a positive on either strand is drawn again; a positive that has no other shuffle in `REDRAWS`
    tries is dropped and counted. The seed of a shuffle is made from its positive's id, not from the other positives.

    Parameters
    ----------
    positives : sequence table
    rng : numpy Generator
    ratio : float
        Shuffles per positive.

    Returns
    -------
    table, Tally
        Label 0; `origin` is the id of the positive, whose split and coordinates the shuffle keeps.
    """
    return _shuffled(positives, rng, ratio, shuffle.dinucleotide)


def pairs(positives: pd.DataFrame, rng: np.random.Generator, *, ratio: float = 1) -> tuple[pd.DataFrame, Tally]:
    """The in-frame pair shuffle of deepRAM; it changes the dinucleotide counts (see `kernels.shuffle.pairs`).

    Kept to show what it does to a published number.

    Parameters
    ----------
    positives : sequence table
    rng : numpy Generator
    ratio : float
        Shuffles per positive.

    Returns
    -------
    table, Tally
        Label 0; `origin` is the id of the positive, whose split and coordinates the shuffle keeps.
    """
    return _shuffled(positives, rng, ratio, shuffle.pairs)


def _shuffled(positives: pd.DataFrame, rng: np.random.Generator, ratio: float, kernel) -> tuple[pd.DataFrame, Tally]:
    tally = Tally()
    base = int(rng.integers(2**63))
    taken = set(dna.canonicals(positives["sequence"]))
    copies = gc_counts.copies_per_row(len(positives), ratio, rng)
    rows = np.repeat(np.arange(len(positives)), copies)
    copy = np.concatenate([np.arange(n) for n in copies]) if len(rows) else rows

    source = positives["sequence"].to_numpy()[rows]
    ids = positives["id"].to_numpy()[rows]
    tokens, sizes = dna.encode(list(source)), np.array([len(s) for s in source], np.int64)
    result = np.full(len(rows), None, object)
    left = np.arange(len(rows))
    for attempt in range(REDRAWS):
        seeds = [seeding.stable_hash(base, ids[row], copy[row], attempt) for row in left]
        made = dna.decode(kernel(tokens[left], sizes[left], np.array(seeds, np.uint64)), sizes[left])
        fresh = np.array([dna.canonical(text) not in taken for text in made], bool)
        result[left[fresh]] = np.array(made, object)[fresh]
        left = left[~fresh]
        if not len(left):
            break
    tally.add("dropped", f"its shuffles are positives themselves ({REDRAWS} tries)", len(left))
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
    """Sequences that the dataset labels as negatives: all test ones, and `ratio` per positive elsewhere.

    Those that are a positive (either strand) are dropped, and those of another length where all positives have one.

    Parameters
    ----------
    positives : sequence table
    rng : numpy Generator
        Chooses among those that are too many.
    unbound : mapping of str to sequence table
        Its `provided` is the pool.
    ratio : float
        Negatives per positive; where the pool has fewer, the tally says how many are missing.

    Returns
    -------
    table, Tally
        Label 0.

    Raises
    ------
    InputError
        None is left for a split that has positives.
    """
    return _chosen(positives, rng, unbound["provided"], ratio, all_of=("test",))


def input(
    positives: pd.DataFrame,
    rng: np.random.Generator,
    *,
    unbound: Mapping[str, pd.DataFrame],
    ratio: float = 1,
) -> tuple[pd.DataFrame, Tally]:
    """Reads of the unselected SELEX library (cycle 0), `ratio` per positive.

    Those that are a positive (either strand) are dropped, and those of another length where all positives have one.

    Parameters
    ----------
    positives : sequence table
    rng : numpy Generator
        Chooses among those that are too many.
    unbound : mapping of str to sequence table
        Its `input` is the pool.
    ratio : float
        Negatives per positive; where the pool has fewer, the tally says how many are missing.

    Returns
    -------
    table, Tally
        Label 0.

    Raises
    ------
    InputError
        None is left for a split that has positives.
    """
    return _chosen(positives, rng, unbound["input"], ratio, all_of=())


def _chosen(
    positives: pd.DataFrame, rng: np.random.Generator, pool: pd.DataFrame, ratio: float, all_of: Sequence[str]
) -> tuple[pd.DataFrame, Tally]:
    tally = Tally()
    sizes = positives["sequence"].str.len().unique()
    if len(sizes) == 1:
        other = pool["sequence"].str.len() != sizes[0]
        other &= pool["split"].isin(positives["split"])
        tally.add("dropped", f"not {sizes[0]} bp like the positives: a model would learn the length", other.sum())
        pool = pool[~other]
    own = set(dna.canonicals(positives["sequence"]))
    also = dna.canonicals(pool["sequence"]).isin(own) & pool["split"].isin(positives["split"])
    tally.add("dropped", "also a positive (either strand)", also.sum())
    pool = pool[~also]
    parts = []
    for name in splits.parts(positives):
        wanted = round(ratio * (positives["split"] == name).sum())
        part = pool[pool["split"] == name]
        if not wanted:
            continue
        if part.empty:
            size = f"{sizes[0]} bp" if len(sizes) == 1 else f"{sizes.min()} to {sizes.max()} bp"
            raise InputError(
                f"no negative of the positives' length ({size}) is left for {name}; give some of that length, or take "
                "another kind of negatives"
            )
        if name not in all_of and len(part) > wanted:
            part = part.iloc[np.sort(rng.choice(len(part), wanted, replace=False))]
        tally.add("short", f"fewer negatives than {ratio} per positive", max(wanted - len(part), 0))
        parts.append(part)
    return tables.conform(pd.concat(parts).assign(label=0), tables.SEQUENCES), tally


#: ``(positives, rng, **options) -> (table, Tally)``, by the word of the config; `draw` gives each kind the options that
#: it takes.
NEGATIVES = {
    "dinucleotide": dinucleotide,
    "pairs": pairs,
    "genomic": genomic_negatives.genomic,
    "flank": genomic_negatives.flank,
    "other_tf": other_tf_negatives.other_tf,
    "input": input,
    "provided": provided,
}
