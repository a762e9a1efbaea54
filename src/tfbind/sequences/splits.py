"""Which sequences train, validate and test a model.

By chromosome where there are coordinates, so that overlapping windows stay in one split. By a hash of the sequence
where there are none: it is the same for both strands, so a read and its reverse complement stay in one split. Or, on
request, by clusters of similar sequences, which take the hash of one of them. A file of one chromosome that is not held
out, such as that of a tutorial, would only train: it is split by a hash of blocks.

With k folds every row tests once. The column `split` then holds the row's fold, ``fold{i}/{k}``. The model of fold i is
tested on the rows of fold i, validated on those of the next fold, and trained on the others. A row of split `train`
trains in every fold, and one of split `test` (of a test file) is tested in every fold.
"""

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from tfbind import dna, seeding
from tfbind.io.tables import SPLITS
from tfbind.io.tally import Tally
from tfbind.sequences.clusters import clusters

_FOLD = re.compile(r"fold(\d+)/(\d+)")

#: Length in bp of the blocks of a chromosome that stay in one split, and the fewest of them that are parted.
BLOCK, FEWEST_BLOCKS = 100_000, 100


def assign(
    table: pd.DataFrame,
    split: Mapping,
    lengths: Mapping[str, int] | None = None,
    tally: Tally | None = None,
    beside: pd.DataFrame | None = None,
) -> pd.Series:
    """The split of each sequence.

    Parameters
    ----------
    table : sequence table
    split : mapping
        `validation` and `test`: lists of chromosome names; `validation_fraction` and `test_fraction`: shares of the
        sequences without coordinates, and of the blocks of a table that is `in_blocks`. `folds` (default 1): more than
        one takes the place of these four. With
        `without_coordinates` of `cluster` (default `hash`), sequences without coordinates that share `share` of their
        words stay together (see `clusters.clusters`). A cluster larger than the split that it would be in, which it
        would leave no room for others, trains.
    lengths : mapping of str to int, optional
        Length in bp of each chromosome of the genome. The folds then are about equally long; otherwise the names of the
        chromosomes are hashed.
    tally : Tally, optional
        Notes the sequences that are split with others like them, and those of too large clusters.
    beside : sequence table, optional
        Of the same experiment, split already: a sequence of a cluster with any of these goes where they are.

    Returns
    -------
    Series of str
        `train`, `validation` or `test`, or a fold; aligned with `table`.
    """
    chosen = np.full(len(table), SPLITS[0], object)
    chrom = table["chrom"]
    placed = chrom.notna().to_numpy()
    folds = split.get("folds", 1)
    if folds > 1:
        names = chrom[placed]
        fold = fold_of_chromosomes(lengths or {}, folds, names.unique())
        chosen[placed] = names.map(fold).map(lambda i: name_of(i, folds)).to_numpy(object)
    else:
        for name in ("validation", "test"):
            chosen[placed & chrom.isin(split.get(name, [])).to_numpy()] = name
        if in_blocks(table, split):
            places = zip(chrom[placed], table["start"][placed], strict=True)
            chosen[placed] = _by_share(_hashed(f"{name}:{start // BLOCK}" for name, start in places), split)
    keys = dna.canonicals(table["sequence"][~placed]).tolist()
    found = _by_share(_hashed(keys), split)
    if by_cluster(split) and keys:
        near = None if beside is None else beside[beside["chrom"].isna()]
        found = _whole_clusters(table["sequence"][~placed], found, split, tally or Tally(), near)
    chosen[~placed] = found
    return pd.Series(chosen, index=table.index, dtype="str")


def by_cluster(split: Mapping) -> bool:
    """Whether sequences without coordinates are split by clusters, not by a hash of each."""
    return split.get("without_coordinates", "hash") == "cluster"


def in_blocks(table: pd.DataFrame, split: Mapping) -> bool:
    """Whether all places of a table are on one chromosome, in many blocks, and the config holds out others alone.

    Parameters
    ----------
    table : sequence table
    split : mapping
        As for `assign`.

    Returns
    -------
    bool
    """
    held = {name for key in SPLITS[1:] for name in split.get(key, [])}
    there = table["chrom"].dropna().unique()
    if not held or len(there) != 1 or there[0] in held:
        return False
    return (table["start"].dropna() // BLOCK).nunique() >= FEWEST_BLOCKS


def _hashed(keys: Iterable[str]) -> np.ndarray:
    # A number from 0 to 1 for each key.
    return np.array([seeding.stable_hash("split", key) for key in keys], np.uint64) / 2.0**64


def _by_share(u: np.ndarray, split: Mapping) -> np.ndarray:
    # The split of each number from 0 to 1.
    if (folds := split.get("folds", 1)) > 1:
        names = np.array([name_of(i, folds) for i in range(folds)], object)
        return names[np.minimum((u * folds).astype(int), folds - 1)]
    test, validation = split["test_fraction"], split["validation_fraction"]
    return np.select([u < test, u < test + validation], ["test", "validation"], SPLITS[0]).astype(object)


def _whole_clusters(
    sequences: pd.Series, alone: np.ndarray, split: Mapping, tally: Tally, beside: pd.DataFrame | None
) -> np.ndarray:
    # The split of the first sequence of each cluster in alphabetical order, for all of it: most clusters of another
    # dataset with the same sequences then have the same split. `alone`: (N,) the split of each by its own hash.
    given = 0 if beside is None else len(beside)
    every = sequences if beside is None else pd.concat([beside["sequence"], sequences])
    before = alone if beside is None else np.concatenate([beside["split"].to_numpy(object), alone])
    cluster, given_up = clusters(every, split.get("share", 0.5))
    frame = pd.DataFrame(
        {"cluster": cluster, "own": np.arange(len(every)) >= given, "key": dna.canonicals(every).array}
    )
    first = frame.sort_values(["own", "key"], kind="stable").drop_duplicates("cluster")
    names = pd.Series(before[first.index], first["cluster"]).reindex(cluster).to_numpy(object)
    size = frame[frame["own"]].groupby("cluster").size().reindex(cluster, fill_value=0).to_numpy()
    with_given = pd.Series(~first["own"].array, first["cluster"]).reindex(cluster).to_numpy(bool)
    folds = split.get("folds", 1)
    room = {name_of(i, folds): 1 / folds for i in range(folds)}
    if folds == 1:
        room = {"test": split["test_fraction"], "validation": split["validation_fraction"], SPLITS[0]: 1}
    most = np.array([room.get(name, 1) * len(sequences) for name in names])
    large = (size > 1) & (size > most) & ~with_given
    names[large] = SPLITS[0]
    together = (np.bincount(cluster, minlength=len(every))[cluster] > 1)[given:]
    tally.add("noted", "near-identical to another sequence: split together", together.sum())
    tally.add("noted", "in a cluster larger than a held-out split: trains", large[given:].sum())
    tally.add("noted", "repeats not compared with all similar sequences", given_up)
    return names[given:]


def fold_of_chromosomes(lengths: Mapping[str, int], folds: int, names: Iterable[str] = ()) -> dict[str, int]:
    """The fold of each chromosome: the same for every dataset of a genome.

    Parameters
    ----------
    lengths : mapping of str to int
        Length in bp of each chromosome of the genome; the longest first, each goes to the shortest fold.
    folds : int
    names : iterable of str
        Further chromosomes, which go by a hash of their name.

    Returns
    -------
    dict of str to int
        From 0.
    """
    total, found = [0] * folds, {}
    for name in sorted(lengths, key=lambda name: (-lengths[name], name)):
        found[name] = total.index(min(total))
        total[found[name]] += lengths[name]
    return {name: seeding.stable_hash("fold", name) % folds for name in names} | found


def name_of(fold: int, folds: int) -> str:
    """The word of a fold in the column `split`.

    Parameters
    ----------
    fold, folds : int
        From 0, and how many there are.

    Returns
    -------
    str
    """
    return f"fold{fold}/{folds}"


def parts(table: pd.DataFrame) -> list[str]:
    """The splits and folds that a table may hold, in order: `SPLITS`, then every fold that occurs.

    Parameters
    ----------
    table : sequence table

    Returns
    -------
    list of str
    """
    further = [name for name in table["split"].unique() if name not in SPLITS]
    return [*SPLITS, *sorted(further, key=lambda name: int(_FOLD.fullmatch(name)[1]))]


def is_tested(table: pd.DataFrame) -> np.ndarray:
    """Which rows are tested in any fold.

    Parameters
    ----------
    table : DataFrame, N rows
        Its column `split` is read.

    Returns
    -------
    (N,) bool
    """
    return ((table["split"] == "test") | table["split"].str.startswith("fold")).to_numpy(bool)


def folds(table: pd.DataFrame) -> np.ndarray:
    """The fold in which each row is tested.

    Parameters
    ----------
    table : DataFrame, N rows
        Its column `split` is read.

    Returns
    -------
    (N,) int64
        -1 for a row of no fold.
    """
    values = table["split"]
    number = {name: int(found[1]) for name in values.unique() if (found := _FOLD.fullmatch(name))}
    return values.map(number).fillna(-1).to_numpy(np.int64)


def void(chosen: pd.Series, split: Mapping) -> list[int]:
    """The folds that hold no row.

    Parameters
    ----------
    chosen : Series of str
        From `assign`.
    split : mapping
        As for `assign`.

    Returns
    -------
    list of int
        Empty without folds.
    """
    folds, there = split.get("folds", 1), set(chosen)
    return [fold for fold in range(folds) if name_of(fold, folds) not in there] if folds > 1 else []


def of_fold(table: pd.DataFrame, fold: int) -> pd.DataFrame:
    """A table as the models of one fold see it: `train`, `validation` and `test`.

    Parameters
    ----------
    table : sequence table
    fold : int
        From 0.

    Returns
    -------
    sequence table
        Unchanged where it holds no folds, so that all that works on one split works on a fold.
    """
    names = [name for name in table["split"].unique() if name not in SPLITS]
    if not names:
        return table
    count = int(_FOLD.fullmatch(names[0])[2])
    seen = {name_of(i, count): SPLITS[0] for i in range(count)}
    seen |= {name_of((fold + 1) % count, count): SPLITS[1], name_of(fold, count): SPLITS[2]}
    return table.assign(split=table["split"].replace(seen))
