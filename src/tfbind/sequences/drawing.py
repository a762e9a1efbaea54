"""All sets of negatives of one dataset, one after the other: drawn by a run, and tried by `tfbind validate`."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from os import PathLike

import pandas as pd

from tfbind import dna
from tfbind.assays import form
from tfbind.errors import InputError, NotEstimable
from tfbind.io import chromosomes, intervals, tables
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally
from tfbind.seeding import generator
from tfbind.sequences import chip_windows, gc_counts, negatives, other_tf_negatives
from tfbind.sequences import positives as of_row
from tfbind.study.negative_kinds import KINDS


def sets(
    row: Mapping[str, str],
    labels: Mapping[str, Mapping],
    positives: pd.DataFrame,
    *,
    sequence: Mapping,
    split: Mapping,
    seeds: int,
    genome: Genome | None = None,
    blacklist: str | PathLike | None = None,
    neighbours: Sequence[Mapping[str, str]] = (),
    others: Mapping[str, Sequence[pd.DataFrame]],
    bound: Sequence[pd.DataFrame] = (),
) -> Iterator[tuple[str, pd.DataFrame, Tally]]:
    """Draw the sets of negatives that a study asks for of one dataset.

    Parameters
    ----------
    row : mapping of str to str
        Of the sheet, paths local.
    labels : mapping of str to mapping
        Label -> its options and its `kinds` for this assay, as `Study.drawn` gives them.
    positives : sequence table
    sequence, split : mapping
        Of the config; `limit` has no effect on negatives.
    seeds : int
        How often the training negatives of a set with ``fresh: true`` are drawn.
    genome : Genome, optional
        Needed where sequences are windows of the genome.
    blacklist : path, optional
        BED of regions that such windows avoid.
    neighbours : sequence of mappings
        Rows of the sheet whose peaks the negatives keep away from: see `Study.neighbours`.
    others : mapping of str to sequence of sequence tables
        Label -> positives of other TFs, for the labels that use them (`Study.pools`).
    bound : sequence of sequence tables
        Positives of the TF's other datasets, for the same labels (`Study.alike`).

    Yields
    ------
    label, table, Tally
        As each is drawn; the tally begins with the counts of the files of negatives that were read.

    Raises
    ------
    InputError
        A file is refused as in `positives.unbound` and `chip_windows.peaks_of`. Once all sets are drawn: the faults of
        all that `negatives.draw` refused.
    """
    placed = {"genome": genome, "blacklist": blacklist}
    peaks = list(_peaks(neighbours))
    avoid = chromosomes.named(intervals.together(peaks), genome, Tally()) if peaks else None
    asked = dict.fromkeys(chain.from_iterable(options["kinds"] for options in labels.values()))
    offered = set().union(*of_row.offers(row).values())
    options = {**sequence, **placed, "split": split, "limit": None}
    read = {
        kind: of_row.unbound(row, kind, **options, rng=generator(kind, row["dataset"]))
        for kind in asked
        if kind in offered
    }
    faults = []
    for label, options in labels.items():
        kinds = options["kinds"]
        found = {kind: read[kind] for kind in kinds if kind in read}
        if "other_tf" in kinds:
            found["other_tf"] = other_tf_negatives.pool(others[label], generator("other_tf", row["dataset"], label))
        try:
            table, tally = negatives.draw(
                *(row["dataset"], positives, kinds, generator("negatives", row["dataset"], label)),
                ratio=options["ratio"],
                draws=seeds if options["fresh"] else 1,
                unbound={kind: table for kind, (table, _) in found.items()},
                avoid=avoid if any(KINDS[kind].away for kind in kinds) else None,
                bound=bound if "other_tf" in kinds else [],
                reads=form(row["assay"]) == "reads",
                **placed,
                **{name: options[name] for name in ("margin", "distance", "gc")},
            )
        except InputError as error:
            faults += error.faults
            continue
        tally.rows[:0] = chain.from_iterable(_of_pool(each) for _, each in found.values())
        for kind in options["also"] if len(table) else ():
            near = others.get(label, ()), bound, avoid
            more, drawn = _further(kind, row, label, options, positives, table, *near)
            table = tables.conform(pd.concat([table, more], ignore_index=True), tables.SEQUENCES)
            tally.rows += drawn.rows
        yield label, table, tally
    if faults:
        raise InputError(dict.fromkeys(faults))


def _further(
    kind: str,
    row: Mapping[str, str],
    label: str,
    options: Mapping,
    positives: pd.DataFrame,
    table: pd.DataFrame,
    others: Sequence[pd.DataFrame],
    bound: Sequence[pd.DataFrame],
    avoid: pd.DataFrame | None,
) -> tuple[pd.DataFrame, Tally]:
    # Negatives that train and choose beside those of `table`, and never test.
    rng, tally = generator("also", row["dataset"], label, kind), Tally()
    learnt = positives[positives["split"].isin(["train", "validation"])]
    every = pd.concat([positives, table, *bound], ignore_index=True)
    taken = dna.canonicals(every["sequence"])
    if kind == "other_tf":
        if form(row["assay"]) == "reads":
            others, tally = other_tf_negatives.unrelated(positives, table, others)
        pool, of_pool = other_tf_negatives.pool(others, rng)
        tally.rows += _of_pool(of_pool)
        more, drawn = other_tf_negatives.other_tf(
            *(learnt, rng),
            unbound={"other_tf": pool},
            ratio=options["ratio"],
            avoid=avoid,
            taken=every.dropna(subset=gc_counts.PLACE)[gc_counts.PLACE],
            bound=set(taken),
            gc=False,  # what all libraries share is to be seen as it is
        )
    else:
        more, drawn = negatives.NEGATIVES[kind](learnt, rng, ratio=options["ratio"])
    tally.rows += [(event, f"also: {kind}: {reason}", count) for event, reason, count in drawn.rows]
    key = dna.canonicals(more["sequence"])
    again = key.isin(set(taken)) | key.duplicated()
    tally.add("dropped", f"also: {kind}: a positive or another negative (either strand)", again.sum())
    more = more[~again]
    for name in ("train", "validation"):
        tally.add("kept", f"{name}, also {kind}", (more["split"] == name).sum())
    first = int(table["id"].str.contains(f"/{kind}").sum())
    return more.assign(id=[f"{row['dataset']}/{kind}{first + i}" for i in range(len(more))], draw=0), tally


def _of_pool(tally: Tally) -> Iterator[tuple[str, str, int]]:
    # What a file of negatives holds is not kept until it is drawn.
    for event, reason, count in tally.rows:
        yield ("noted", f"to draw negatives from, {reason}", count) if event == "kept" else (event, reason, count)


def _peaks(neighbours: Sequence[Mapping[str, str]]) -> Iterator[pd.DataFrame]:
    # The peaks of all files of the rows; a table of bins without an enriched one has none.
    for row in neighbours:
        for path in (row[column] for column in ("path", "relaxed_path") if row[column]):
            with contextlib.suppress(NotEstimable):
                yield chip_windows.peaks_of(path, row)
