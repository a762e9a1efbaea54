"""The positives of a row of the sheet, and the negatives that come with it, as tables of sequences.

Both pass through the function of the assay's form (`forms.FORMS`), so that cleaning adds no difference between them.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.assays import ASSAYS, FLANKS, PLACED, form
from tfbind.errors import InputError, NotEstimable
from tfbind.io import binned_counts, probe_tables, sequence_files, tables
from tfbind.io.genome import Genome
from tfbind.io.tables import SPLITS
from tfbind.io.tally import Tally
from tfbind.sequences import chip_windows, forms, splits

_LABELLED = ("labelled", "deepbind")
PROBES = {"threshold": 4.0, "word_score": 0.45}  # as in the schema
ONE_ARRAY = (
    "no test set: probes of one array overlap, so they cannot test a model trained on the others; name the probes of "
    "another array design in test_path, or in a row of its own of this tf, assay, cell and lab, and fill design in both"
)
SAME_WORDS = "no test set: every table of words holds the same ones, so none tests a model trained on another"
_FIELDS = ("sequence", "chrom", "start", "end", "strand", "score", "origin")


def positives(
    row: Mapping[str, str],
    *,
    length: int,
    split: Mapping,
    limit: int | None,
    jackpots: str = "remove",
    probes: Mapping = PROBES,
    genome: Genome | None = None,
    blacklist: str | os.PathLike | None = None,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, Tally]:
    """The positives of a dataset, cleaned, each with its split.

    Parameters
    ----------
    row : mapping of str to str
        One row of the sheet, all columns present, paths local.
    length : int
        Window around a summit in bp; longer sequences are cut to their centre (SELEX inserts never).
    split : mapping
        See `splits.assign`. Sequences of `test_path` are all `test`; those of `path` then are `train` or `validation`
        only.
    limit : int, optional
        Training and validation sequences kept together, chosen by `rng`; None keeps all.
    jackpots : {"remove", "keep"}
        What is done with the PCR jackpots of SELEX reads, see `selex.inserts`.
    probes : mapping
        `probes` of the config: which intensities make a positive.
    genome : Genome, optional
        Needed for peaks.
    blacklist : path, optional
        BED of regions to avoid.
    rng : numpy Generator

    Returns
    -------
    table, Tally
        Label 1, ids ``{dataset}/p{i}``; no sequence occurs twice (either strand). A library from which nothing can be
        learnt (collapsed to one read, say) gives an empty table whose note says so.

    Raises
    ------
    InputError
        A file is faulty, or of a format that the assay does not take; peaks come without a genome, or the genome has
        none of the chromosomes of a held-out split; no positive is left.
    """
    tally = Tally()
    try:
        options = {"length": length, "jackpots": jackpots, "probes": probes, "genome": genome, "blacklist": blacklist}
        table, _ = _split(row, "positives", split, tally=tally, **options)
    except NotEstimable as reason:
        return _nothing(str(reason), tally)
    table = _unique(table, tally)
    table = _limited(table, limit, rng, tally)
    if table.empty and form(row["assay"]) == "intensities":  # an experiment that failed, and no faulty file
        cut = "word_score" if row["format"] == "words" else "threshold"
        return _nothing(f"{Path(row['path']).name}: none of its {row['format']} reaches probes.{cut}", tally)
    if table.empty:
        raise InputError(f"{row['path']}: no positive is left for {row['dataset']}; its log says why")
    return _finish(table, f"{row['dataset']}/p", 1, tally), tally


def offers(row: Mapping[str, str]) -> dict[str, set[str]]:
    """Split -> the kinds of negatives (`provided`, `input`) that may come with a row; no file is opened."""
    labels = row["format"] in _LABELLED or (row["format"] == "fasta" and bool(row["negative_names"]))
    if form(row["assay"]) == "intensities":
        tests = bool(row["test_path"])  # probes of one array overlap, so they cannot test each other
        return {name: {"provided"} if tests or name != "test" else set() for name in SPLITS}
    provided = {"test": (bool(row["test_path"]) and labels) or bool(row["test_negatives_path"])}
    provided["train"] = labels or bool(row["negatives_path"])
    if not row["test_path"]:
        provided["test"] |= provided["train"]
    provided["validation"] = provided["train"]
    has_input = form(row["assay"]) == "reads" and (bool(row["input_path"]) or row["format"] == "counts")
    return {
        name: {kind for kind, there in (("provided", provided[name]), ("input", has_input)) if there} for name in SPLITS
    }


def unbound(
    row: Mapping[str, str],
    kind: str,
    *,
    length: int,
    split: Mapping,
    limit: int | None,
    jackpots: str = "remove",
    probes: Mapping = PROBES,
    genome: Genome | None = None,
    blacklist: str | os.PathLike | None = None,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, Tally]:
    """The negatives that come with a row, cleaned like its positives; the table may be empty.

    Parameters
    ----------
    row : mapping of str to str
        One row of the sheet, all columns present, paths local.
    kind : {"provided", "input"}
        `provided`: sequences of label 0 in `path` and `test_path`, and the files `negatives_path` and
        `test_negatives_path`. `input`: cycle 0, from `input_path` or the cycle-0 column of a counts table.
    length : int
        Window around a summit in bp; longer sequences are cut to their centre (SELEX inserts never).
    split : mapping
        See `splits.assign`.
    limit : int, optional
        Training and validation sequences kept together, chosen by `rng`; None keeps the whole pool.
    jackpots : {"remove", "keep"}
        What is done with the PCR jackpots of SELEX reads, see `selex.inserts`.
    probes : mapping
        `probes` of the config: which intensities make a positive.
    genome : Genome, optional
        Needed for peaks.
    blacklist : path, optional
        BED of regions to avoid.
    rng : numpy Generator

    Returns
    -------
    table, Tally
        Label 0, ids ``{dataset}/{kind}{i}``; no sequence is a positive of the row's own files (either strand). Empty
        with a note where the file, or that of the positives, is a collapsed library.

    Raises
    ------
    InputError
        A file is refused as in `positives`. Or the SELEX inserts of the negatives have another length than the
        positives and the row has no `trim`: a model would learn the length.
    """
    tally = Tally()
    options = {"length": length, "jackpots": jackpots, "probes": probes, "genome": genome, "blacklist": blacklist}
    try:
        # a negative gets the split of the positives that it resembles
        beside = _split(row, "positives", split, tally=Tally(), **options) if splits.by_cluster(split) else None
        table, sizes = _split(row, kind, split, tally=tally, beside=beside and beside[0], **options)
    except NotEstimable as reason:
        return _nothing(f"{kind}: {reason}", tally)
    table = _unique(table, tally)
    try:
        positive, positive_sizes = beside or _split(row, "positives", split, tally=Tally(), **options)
    except NotEstimable as reason:
        return _nothing(str(reason), tally)
    if faults := list(_lengths(sizes, positive_sizes, kind == "input")):
        raise InputError(faults)
    table = table[~_drop_also(table, positive, "also a positive of this dataset (either strand)", tally)]
    table = _limited(table, limit, rng, tally)
    return _finish(table, f"{row['dataset']}/{kind}", 0, tally), tally


def _split(row: Mapping[str, str], kind: str, split: Mapping, *, genome, tally: Tally, beside=None, **options):
    # All clean records of one kind with their splits; and for each file of inserts (path, whether all are test, bp).
    taken = ASSAYS[row["assay"]].formats
    if row["format"] not in taken:
        raise InputError(f"{row['path']}: {row['assay']} takes no {row['format']} file, only {', '.join(taken)}")
    folds, intensities = split.get("folds", 1), form(row["assay"]) == "intensities"
    if row["test_path"] or intensities:
        split = {**split, "folds": 1}  # its training rows train in every fold
    elif folds > 1:
        split = {**split, "validation": [], "test": []}
        if genome is not None and row["format"] in PLACED and len(genome.lengths) < folds:
            raise InputError(f"split.folds is {folds}, but {genome.path} has only {len(genome.lengths)} chromosomes")
    if genome is not None:
        split = {**split, **{name: [genome.resolve(chrom) for chrom in split.get(name, [])] for name in SPLITS[1:]}}
        absent = [name for name in SPLITS[1:] if split[name] and not set(split[name]) & set(genome.lengths)]
        for name in SPLITS[1:]:
            if unknown := [chrom for chrom in split[name] if chrom not in genome.lengths]:
                said = f"chromosome of split.{name} that the genome {row['genome']} lacks ({', '.join(unknown)})"
                tally.add("noted", said, len(unknown))
        if absent and row["format"] in PLACED:
            raise InputError(
                f"split.{name}: {genome.path} has none of {', '.join(split[name])}, only "
                f"{', '.join(list(genome.lengths)[:5])}, ..."
                for name in absent
            )
    shortest = _shortest(row, options) if row.get("trim") else 0
    parts = [tables.sequences(id=[], sequence=[], label=[], origin=[])]
    sizes, tests, held = [], [], []
    for path, what, is_test in _files(row, kind):
        records = _read(path, row, what, tally)
        if not len(records):
            continue
        flanks = {side: row.get(f"test_{side}", row[side]) for side in FLANKS} if is_test else {}
        clean = _cleaned(path, records, row | flanks, genome=genome, shortest=shortest, tally=tally, **options)
        if "label" in clean:
            if is_test:
                held = clean  # bound or not: the same probe may be one on this array and the other on that
            if kind == "provided" and records.attrs.get("lacks"):
                raise NotEstimable(f"{Path(path).name}: {records.attrs['lacks']}")
            clean = _of_kind(clean, 1 if kind == "positives" else 0, path, tally)
        if form(row["assay"]) == "reads" and len(clean):
            sizes.append((path, is_test, len(clean["sequence"].iloc[0])))
        clean = tables.sequences(
            id=[""] * len(clean), label=0, **{name: clean[name] for name in clean if name in _FIELDS}
        )
        if not is_test and form(row["assay"]) == "peaks":  # the others have no chromosome
            _unheeded(clean, split, Path(path).name, records.attrs.get("nowhere", ""), tally)
        if intensities and not row["test_path"]:
            tally.add("noted", SAME_WORDS if row["format"] == "words" else ONE_ARRAY, len(clean))
        parts.append(clean)
        tests.append(np.full(len(clean), is_test))
    table = pd.concat(parts, ignore_index=True)
    own = ~np.concatenate(tests) if tests else np.zeros(0, bool)
    if len(held):
        leaks = own & _drop_also(table, held, "", Tally())
        tally.add("dropped", "same sequence in the test set (either strand)", leaks.sum())
        if leaks.sum() == own.sum() > 0:
            raise InputError(
                f"{row['path']}: all of its {row['format']} are in {row['test_path']}, too; name those of another "
                "array design, or leave test_path and design empty: it then trains and does not test"
            )
        table, own = table[~leaks].reset_index(drop=True), own[~leaks]
    lengths = None if genome is None else genome.lengths
    chosen = splits.assign(table[own], split, lengths, tally, beside)
    if own.any() and (void := splits.void(chosen, split)):
        there = table.loc[own, "chrom"].dropna().unique()
        where = f", since all of it is on {', '.join(there[:3])}" if 0 < len(there) <= 3 else ""
        said = f"no row in fold {', '.join(map(str, void))} of {split['folds']}{where}"
        tally.add("noted", f"{said}: where these would validate or train alone, there is no model", own.sum())
    if (row["test_path"] or intensities) and kind != "input":
        chosen = chosen.replace("test", "train")
    table["split"] = "test"
    table.loc[own, "split"] = chosen
    return table, sizes


def _files(row: Mapping[str, str], kind: str) -> list[tuple[str, str, bool]]:
    # The files with records of one kind: (path, what is read of it, is it all test).
    if kind == "input":
        return [(row["input_path"] or row["path"], kind, False)]
    files = [(row["path"], kind, False), (row["test_path"], kind, True)]
    if kind == "provided" and form(row["assay"]) != "intensities":
        files += [(row["negatives_path"], "negatives", False), (row["test_negatives_path"], "negatives", True)]
    return [file for file in files if file[0]]


def _cleaned(path: str, records: pd.DataFrame, row: Mapping[str, str], **options) -> pd.DataFrame:
    try:
        return forms.FORMS[form(row["assay"])](records, row, **options)
    except InputError as error:
        raise InputError(fault if str(path) in fault else f"{path}: {fault}" for fault in error.faults) from None
    except NotEstimable as reason:
        # which of a row's two arrays it was; reads have one file that can fail
        raise NotEstimable(f"{Path(path).name}: {reason}" if form(row["assay"]) == "intensities" else reason) from None


def _shortest(row: Mapping[str, str], options: Mapping) -> int:
    # The length in bp of the shortest inserts among all files of a row.
    kinds = ["positives", *sorted(set().union(*offers(row).values()))]
    sizes = []
    for path, what, _ in dict.fromkeys(file for kind in kinds for file in _files(row, kind)):
        if len(records := _read(path, row, what, Tally())):
            clean = _cleaned(path, records, row, genome=None, shortest=0, tally=Tally(), **options)
            sizes += clean["sequence"].str.len().to_list()[:1]
    return min(sizes, default=0)  # without any, the files are refused for that


def _lengths(negative: list[tuple], positive: list[tuple], is_input: bool) -> Iterator[str]:
    # Files of negatives without an insert of the positives' length.
    for is_test in (False, True):
        mine = {size: path for path, test, size in positive if test == is_test}
        theirs = {size: path for path, test, size in negative if test == is_test or is_input}
        if mine and theirs and not set(mine) & set(theirs):
            (size, path), (other, there) = next(iter(mine.items())), next(iter(theirs.items()))
            yield (
                f"{there}: the inserts of the negatives have {other} bp, those of the positives in {path} {size} bp: a "
                "model would learn the length; if one end of the longer reads is a barcode or a primer, trim the reads "
                "or write left or right in the column trim of the sheet, which cuts it off; else take other negatives"
            )


def _unheeded(clean: pd.DataFrame, split: Mapping, file: str, why: str, tally: Tally) -> None:
    # Notes the held-out chromosomes of the config on which this file has nothing, and how it was split instead.
    named = {f"split.{name}": split.get(name, []) for name in SPLITS[1:] if split.get(name)}
    if not named or clean.empty:
        return
    if clean["chrom"].isna().all():
        how = "clusters of similar sequences" if splits.by_cluster(split) else "a hash of the sequence"
        done = f"{file}: split by {how}, not by the chromosomes of {' and '.join(named)}"
        tally.add("noted", f"{done}: {why or 'the file has no coordinates'}", len(clean))
        return
    there = set(clean["chrom"])
    if splits.in_blocks(clean, split):
        done = f"{file}: split by a hash of blocks of {splits.BLOCK // 1000} kb, not by the chromosomes of"
        tally.add("noted", f"{done} {' and '.join(named)}: all of it is on {there.pop()}", len(clean))
        return
    for key, chroms in named.items():
        if not there & set(chroms):
            ours = ", ".join(sorted(there)[:3])
            tally.add("noted", f"{file}: on no chromosome of {key} ({', '.join(chroms)}), but on {ours}", len(clean))


def _read(path: str, row: Mapping[str, str], what: str, tally: Tally) -> pd.DataFrame:
    # Raw records of one file that are of the wanted kind: positives, provided, input; negatives: all of the file.
    file_format, are_reads = row["format"], form(row["assay"]) == "reads"
    wanted = 1 if what == "positives" else 0
    if file_format in PLACED:
        taken = ASSAYS[row["assay"]].formats
        if file_format != "bins" and "bins" in taken and what == "positives" and binned_counts.are_bins(path):
            raise InputError(
                f"{path}: read counts in bins of a genome and no peaks; write bins in the column format of the sheet"
            )
        return chip_windows.peaks_of(path, row, tally) if what != "provided" else pd.DataFrame()
    if file_format == "counts":
        return _counted(path, row, what, tally)
    if file_format in ("probes", "words"):
        return getattr(probe_tables, f"read_{file_format}")(path, tally).assign(origin=Path(path).name)
    table = getattr(sequence_files, f"read_{file_format}")(path, tally)
    label = np.full(len(table), wanted if what in ("negatives", "input") else 1)
    if "label" in table:
        label = table["label"].to_numpy()
    elif file_format == "fasta" and row["negative_names"] and what in ("positives", "provided"):
        try:
            label = 1 - table["name"].str.contains(re.compile(row["negative_names"])).to_numpy(int)
        except re.error as error:
            raise InputError(f"negative_names {row['negative_names']!r} is not a regular expression: {error}") from None
    table = _of_kind(table.assign(label=label), wanted, path, tally)
    origin = table["name"] if "name" in table else Path(path).name
    if are_reads:
        origin = "cycle 0" if what == "input" else f"cycle {row['cycle']}" if row["cycle"] else Path(path).name
    table = table.assign(origin=origin, score=1 if are_reads else np.nan)
    table.attrs["path"] = str(path)
    for name in ("chrom", "start", "end", "strand"):
        if name not in table:
            table[name] = None
    return table


def _of_kind(table: pd.DataFrame, wanted: int, path: str, tally: Tally) -> pd.DataFrame:
    other = table["label"] != wanted
    tally.add("dropped", f"{'negative' if wanted else 'positive'} by its label in {Path(path).name}", other.sum())
    return table[~other].drop(columns="label").reset_index(drop=True)


def _counted(path: str, row: Mapping[str, str], what: str, tally: Tally) -> pd.DataFrame:
    if what == "provided":
        return pd.DataFrame()
    table = sequence_files.read_counts(path, tally)
    cycles = [name for name in table if name != "sequence"]
    cycle = 0 if what in ("input", "negatives") else int(row["cycle"] or cycles[-1])
    if cycle not in cycles:
        raise InputError(f"{path}: no cycle {cycle}; the table has the cycles {', '.join(map(str, cycles))}")
    if what == "positives" and cycle == 0:
        raise InputError(f"{path}: cycle 0 is the unselected library; name a later cycle for {row['dataset']}")
    there = table[cycle] > 0
    tally.add("dropped", f"no read in cycle {cycle}", (~there).sum())
    tally.add("read", f"further reads of a sequence in cycle {cycle}", (table[cycle][there] - 1).sum())
    return pd.DataFrame(
        {"sequence": table["sequence"][there], "score": table[cycle][there], "origin": f"cycle {cycle}"}
    )


def _nothing(reason: str, tally: Tally) -> tuple[pd.DataFrame, Tally]:
    tally.add("dropped", reason, tally.total("read") - tally.total("dropped"))
    return tables.empty(tables.SEQUENCES, reason), tally


def _unique(table: pd.DataFrame, tally: Tally) -> pd.DataFrame:
    # Each sequence once. Of equal ones that of the test set stays, else that of the validation set.
    # rows of a fold are test rows of it
    ranked = table["split"].map({"test": 0, "validation": 1, "train": 2}).fillna(0).sort_values(kind="stable").index
    key = pd.Series(pd.factorize(dna.canonicals(table["sequence"]))[0], table.index)
    again = key.loc[ranked].duplicated().reindex(table.index)
    leak = again & (table["split"] != "test") & key.isin(key[table["split"] == "test"])
    tally.add("dropped", "same sequence in the test set (either strand)", leak.sum())
    tally.add("dropped", "same sequence again (either strand)", (again & ~leak).sum())
    return table[~again].reset_index(drop=True)


def _drop_also(table: pd.DataFrame, others: pd.DataFrame, reason: str, tally: Tally) -> np.ndarray:
    key = pd.factorize(dna.canonicals(pd.concat([table["sequence"], others["sequence"]])))[0]
    also = np.isin(key[: len(table)], key[len(table) :])
    tally.add("dropped", reason, also.sum())
    return also


def _limited(table: pd.DataFrame, limit: int | None, rng: np.random.Generator, tally: Tally) -> pd.DataFrame:
    rows = np.flatnonzero(table["split"] != "test")
    if limit is None or len(rows) <= limit:
        return table
    surplus = np.delete(rows, rng.choice(len(rows), limit, replace=False))
    tally.add("dropped", f"beyond the limit of {limit} (random choice)", len(surplus))
    return table.drop(table.index[surplus])


def _finish(table: pd.DataFrame, prefix: str, label: int, tally: Tally) -> pd.DataFrame:
    for name in splits.parts(table):
        tally.add("kept", name, (table["split"] == name).sum())
    table = table.assign(id=[f"{prefix}{i}" for i in range(len(table))], label=label)
    return tables.conform(table, tables.SEQUENCES)
