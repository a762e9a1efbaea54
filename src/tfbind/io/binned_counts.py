"""Tables of read counts in bins of a genome, one column for each cycle of GHT-SELEX, and the peaks that they show."""

import os
import re
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind.errors import InputError, NotEstimable
from tfbind.io import peak_formats, textfile
from tfbind.io.tally import Tally

#: A bin is enriched at this false discovery rate, and if it has at least so many times the reads that are expected.
LEVEL, FOLD = 0.01, 2
#: Counts of which at least this share is even, among so many that are not 0, count both mates of each pair.
EVEN, _ENOUGH = 0.75, 100
_CHUNK = 1 << 22  # bytes of the table parsed at a time
_SAMPLE = 1000  # rows that tell bins from peaks
_TOO_MANY = 10 * textfile.LISTED  # faults at which reading stops
_CYCLE = re.compile(r"(?:cycle|round)[ _.-]?([0-9]{1,3})(?![0-9])", re.I)
_PLAIN = re.compile(r"[A-Za-z_. -]*([0-9]{1,3})")  # as in tables of read counts of sequences
_REPLICATE = re.compile(r"rep(?:licate)?[ _.-]?[0-9]+$", re.I)
_BACKGROUND = re.compile(r"aggregate|background|control|input|batch(?:es)?", re.I)
_AGGREGATE = re.compile(r"aggregate|batch(?:es)?", re.I)


class Column(NamedTuple):
    """What the name of a column of counts says.

    Attributes
    ----------
    at : int
        Place in the table, from 0.
    name : str
    cycle : int or None
        None where the name has no number.
    background : bool
        Whether it is of the unselected library (cycle 0, input, control) or of all TFs of a batch (aggregate).
    words : tuple of str
        The other words of the name in capitals: experiment, batch, TF.
    """

    at: int
    name: str
    cycle: int | None
    background: bool
    words: tuple[str, ...]


class _Layout(NamedTuple):
    # Number of columns, places of chromosome, start and end, names of all columns, how many lines stand before the
    # first row, and whether a header gave the names.
    width: int
    places: tuple[int, int, int]
    names: list[str]
    above: int
    named: bool


def read_bins(path: str | os.PathLike, cycle: str = "", tf: str = "", tally: Tally | None = None) -> pd.DataFrame:
    """Read the read counts of a genome's bins, and make peaks of the bins that a cycle enriches over its background.

    The table is tab-separated, gzip or not: chromosome, start, end, then one column of whole read counts for each
    cycle. Without a header these are the cycles 0, 1, 2, ...; a header names each by its number (``3``, ``cycle_3``,
    ``YWE_B_AffSeq_H12_CTCF_cycle3``). Background is, in this order, a column of the same cycle called aggregate, batch,
    background, control or input (``cycle_3_batches_YWE_B_aggregate``), such a column without a cycle, or cycle 0.
    Several experiments of the TF are taken together, each against the background whose name it contains (its batch).

    Reads of a bin are compared with those of its background by the conditional test of two Poisson rates (Przyborowski
    and Wilenski 1940; PeakSeq compares sample and control in this way, Rozowsky et al. 2009): given their sum, the
    first are binomial, with the experiment's share of all reads of both columns. Over several experiments the mean of
    these shares, weighted by reads, stands for all; the upper tail is then too large rather than too small (Hoeffding
    1956). A bin is enriched at a false discovery rate of `LEVEL` (Benjamini and Hochberg 1995, over all bins of the
    table), if it also has `FOLD` times the reads expected from its background, 1 added to both.

    Bins that touch or overlap become one peak, whose summit is the centre of the bin with the largest log2 ratio.

    Parameters
    ----------
    path : path
    cycle : str
        Cycle of the TF's reads; '' for the last one of the table.
    tf : str
        Of several columns of one cycle, those that have this name as a word are taken.
    tally : Tally, optional
        Counts bins read and dropped, and bins that join a neighbour's peak; says which columns were compared, and how
        the coordinates were read.

    Returns
    -------
    DataFrame
        As `peaks.read_peaks`: `chrom`, `start`, `end` (bp, 0-based half-open), `summit` (bp on the chromosome), `score`
        (float64: log2 of reads over expected reads, 1 added to both); ``attrs["path"]`` is the file. Chromosomes in the
        order of the table, peaks by their start.

    Raises
    ------
    InputError
        The names do not say which column is the cycle's and which its background (all are listed); a row has another
        number of columns than the first line, coordinates or a count that are not whole numbers of 0 or more, a start
        not below its end; a bin occurs twice; a column has no read; the file has no bins or cannot be read.
    NotEstimable
        No bin is enriched.

    Notes
    -----
    Coordinates are 0-based half-open as in BED, unless more bins begin one base after the end of the bin above than at
    it: then ends are the last bases of the bins (MAGIX: 10000-10199, 10200-10399, ...), and starts count from 1 if most
    are one above a multiple of the width.

    An aggregate that no bin shows below the experiment's own reads holds them, as MAGIX's does; they are taken off. A
    column of which `EVEN` of the counts above 0 are even counts both mates of each pair (``bedtools multicov`` does):
    they are halved, and so is their background, since two mates are one observation.
    """
    tally = Tally() if tally is None else tally
    layout = _layout(path)
    pairs, about = _pairs(path, layout, cycle, tf)
    bins, observed, background, totals, even, count, coordinates = _read(path, layout, pairs)
    tally.add("read", "bins", count)
    tally.add("read as", f"{about}; {coordinates}", count)
    observed, background, totals = _fragments(pairs, observed, background, totals, even, tally)
    faults = [
        f"{path}: no read in {', '.join(column.name for column in columns)}; correct or delete the column"
        for pair, total in zip(pairs, totals, strict=True)
        for columns, reads in zip(pair, total, strict=True)
        if reads <= 0
    ]
    if faults:
        raise InputError(faults)
    enriched, score = _enriched(observed, background, totals, count)
    number = pairs[0][0][0].cycle
    named = "this column" if number is None else f"cycle {number}"
    tally.add("dropped", f"bin without a read of {named}", count - len(bins))
    tally.add(
        "dropped", f"bin not enriched: below {FOLD} times its background, or FDR above {LEVEL}", (~enriched).sum()
    )
    if not enriched.any():
        raise NotEstimable(f"none of the {count} bins of {named} is enriched over its background")
    peaks = _merged(bins[enriched].reset_index(drop=True), score[enriched])
    tally.add("dropped", "enriched bin joined to the peak of its neighbour", enriched.sum() - len(peaks))
    peaks.attrs["path"] = str(path)
    return peaks


def are_bins(path: str | os.PathLike) -> bool:
    """Whether a file is a table for `read_bins` and no peaks, by a header or by its first rows.

    Parameters
    ----------
    path : path

    Returns
    -------
    bool
        True where a header names a column for a cycle (3, cycle_3), or, without one, where all other columns are whole
        numbers and most rows begin where the one above ends. False for a file that cannot be read.
    """
    try:
        layout = _layout(path)
        if layout.named:
            others = (name for at, name in enumerate(layout.names) if at not in layout.places)
            return any(_CYCLE.search(name) or name.isdigit() for name in others)
        rows = [line.split("\t") for line in islice(textfile.lines(path), layout.above, layout.above + _SAMPLE)]
    except InputError:
        return False
    ends = [(row[0], _whole(row[1]), _whole(row[2])) for row in rows if len(row) == layout.width]
    follows = [a[0] == b[0] and None not in (a[2], b[1]) and b[1] - a[2] in (0, 1) for a, b in pairwise(ends)]
    return 2 * sum(follows) > len(follows) > 1


def describe(at: int, name: str) -> Column:
    """Read the name of a column.

    Parameters
    ----------
    at : int
        Its place in the table.
    name : str

    Returns
    -------
    Column
    """
    rest, number = name, None
    if match := _CYCLE.search(name):
        number, rest = int(match[1]), name[: match.start()] + " " + name[match.end() :]
    elif not _REPLICATE.search(name) and (match := _PLAIN.fullmatch(name)):
        number, rest = int(match[1]), name[: match.start(1)]
    background = number == 0 or bool(_BACKGROUND.search(name))
    words = tuple(word for word in re.split(r"[^A-Z0-9]+", _BACKGROUND.sub(" ", rest).upper()) if word)
    return Column(at, name, number, background, words)


def _layout(path: str | os.PathLike) -> _Layout:
    # The header, or the first row where there is none.
    for above, line in enumerate(textfile.lines(path)):
        fields = [field.strip().strip('"') for field in line.split("\t")]
        names = [field.lstrip("#").strip().lower() for field in fields]
        there = [next((i for i, name in enumerate(names) if name in known), None) for known in peak_formats.COLUMNS]
        if not line.strip() or (line.startswith("#") and None in there):
            continue
        if len(fields) < 4:
            others = len(re.split("[ ,;]+", line)) > 3
            hint = "separate them by tabs" if others else "chromosome, start, end and counts are read"
            raise InputError(f"{path}:{above + 1}: {len(fields)} column(s); {hint}")
        if None not in there:
            fields = [field.lstrip("#").strip() for field in fields]
            if twice := sorted({name for name in fields if fields.count(name) > 1}):
                raise InputError(f"{path}:{above + 1}: column {', '.join(twice)} occurs twice; rename one of them")
            return _Layout(len(fields), tuple(there), fields, above + 1, True)
        if not (_whole(fields[1]) is not None and _whole(fields[2]) is not None):
            raise InputError(
                f"{path}:{above + 1}: the header {', '.join(fields[:6])} names no columns chrom, start and end, or the "
                "row has no whole numbers in columns 2 and 3"
            )
        # a column of text, such as a name of each bin, is not a cycle
        first = next((i for i in range(3, len(fields)) if _whole(fields[i]) is not None), 3)
        if wrong := next((i for i in range(first, len(fields)) if _whole(fields[i]) is None), None):
            raise InputError(
                f"{path}:{above + 1}: {fields[wrong]!r} in column {wrong + 1} is no whole number of reads, and no "
                "header says what the columns are; name them in one, or, if these are peaks, leave format empty"
            )
        cycles = [str(i) for i in range(len(fields) - first)]
        return _Layout(
            len(fields), (0, 1, 2), ["chrom", "start", "end", *["name"] * (first - 3), *cycles], above, False
        )
    raise InputError(f"{path}: 0 bins in this file; check that the right file is named")


def _pairs(
    path: str | os.PathLike, layout: _Layout, cycle: str, tf: str
) -> tuple[list[tuple[list[Column], list[Column]]], str]:
    # The columns of the TF's reads and those of their background, by experiment or batch; and what is compared.
    columns = [describe(i, name) for i, name in enumerate(layout.names) if i not in layout.places]
    parts = re.split(r"[^A-Z0-9]+", tf.upper())
    named = [c for c in columns if not c.background and tf and set(parts) <= set(c.words)]
    reads = [c for c in columns if not c.background and (c.cycle is not None or c in named)]

    def fault(what: str) -> InputError:
        return InputError(f"{path}: {what}; its columns are {', '.join(column.name for column in columns)}")

    cycles = sorted({c.cycle for c in reads if c.cycle is not None})
    if not reads:
        what = "no column is named for a cycle (3, cycle_3) from 1 on; rename those of read counts"
        raise fault(what if layout.named else "without a header, the first count is of cycle 0, and no other follows")
    if cycle and int(cycle) == 0:
        raise fault("cycle 0 is the unselected library; name a later one in the column cycle of the sheet")
    wanted = int(cycle) if cycle else cycles[-1] if cycles else None
    if cycles and wanted not in cycles:
        raise fault(f"no column is of cycle {cycle}; correct the column cycle of the sheet")
    reads = [c for c in reads if c.cycle == wanted] if cycles else reads
    reads = [c for c in reads if c in named] or reads
    if len(reads) > 1 and not set(reads) <= set(named):
        names = ", ".join(c.name for c in reads)
        raise fault(
            f"{names} are all of cycle {wanted}, and none has {tf or 'a TF'} as a word of its name; write the TF into "
            "the names of its columns, or delete the others"
        )
    backgrounds = [c for c in columns if c.background]
    found = (
        [c for c in backgrounds if c.cycle == wanted]
        or [c for c in backgrounds if c.cycle is None]
        or [c for c in backgrounds if c.cycle == 0]
    )
    if not found:
        raise fault(
            f"no column is the background of {', '.join(c.name for c in reads)}; name that of the unselected library "
            "cycle_0 or background, that of all TFs of a batch aggregate"
        )
    groups: dict[tuple[Column, ...], list[Column]] = {}
    for column in reads:
        within = [c for c in found if c.words and _within(c.words, column.words)]
        longest = max((len(c.words) for c in within), default=0)
        own = [c for c in within if len(c.words) == longest] or [c for c in found if not c.words]
        if not own and len(found) > 1:
            raise fault(
                f"the names do not say which of {', '.join(c.name for c in found)} is the background of {column.name}; "
                "let the name of each begin with that of its batch, or keep one background"
            )
        groups.setdefault(tuple(own or found), []).append(column)
    pairs = [(mine, list(theirs)) for theirs, mine in groups.items()]
    about = "; ".join(" + ".join(c.name for c in a) + " over " + " + ".join(c.name for c in b) for a, b in pairs)
    return pairs, about


def _within(words: Sequence[str], others: Sequence[str]) -> bool:
    # Whether the words stand one after the other among the others.
    n = len(words)
    return any(tuple(others[i : i + n]) == tuple(words) for i in range(len(others) - n + 1))


def _read(path, layout: _Layout, pairs: list) -> tuple:
    # Bins with a read of the TF: `chrom` (category), `start`, `end`; their counts (pairs, bins) of TF and background;
    # totals (pairs, 2); counts above 0 and even ones (pairs, 2); number of all bins; how coordinates were read.
    places = list(dict.fromkeys(column.at for pair in pairs for columns in pair for column in columns))
    index = {at: i for i, at in enumerate(places)}
    chroms: dict[str, int] = {}
    kept, faults = [], []
    totals, even = np.zeros((len(pairs), 2)), np.zeros((len(pairs), 2), np.int64)
    count = touching = following = ones = zeros = widths = 0
    last = (-1, -1.0)
    for number, data in _chunks(path, layout.above):
        block = _parsed(data, layout, places)
        if block is None:
            block = _examined(path, number, data, layout, places, faults)
            if len(faults) > _TOO_MANY:
                break
        names, codes, start, end, counts = block
        if not len(start):
            continue
        codes = np.array([chroms.setdefault(name, len(chroms)) for name in names], np.int32)[codes]
        gap = start - np.concatenate([[last[1]], end[:-1]])
        gap[np.diff(codes, prepend=last[0]) != 0] = -1
        touching, following = touching + (gap == 0).sum(), following + (gap == 1).sum()
        widths = widths or int(end[0] - start[0]) + 1
        zeros, ones = zeros + (start % widths == 0).sum(), ones + (start % widths == 1).sum()
        last = (codes[-1], end[-1])
        count += len(start)
        own = np.array([counts[[index[c.at] for c in mine]].sum(0) for mine, _ in pairs])
        other = np.array([counts[[index[c.at] for c in theirs]].sum(0) for _, theirs in pairs])
        totals += np.stack([own.sum(1), other.sum(1)], 1)
        even += np.stack([(own > 0).sum(1), ((own > 0) & (own % 2 == 0)).sum(1)], 1)
        there = own.sum(0) > 0
        kept.append(
            (codes[there], start[there].astype(np.int32), end[there].astype(np.int32), own[:, there], other[:, there])
        )
    if not count and not faults:
        faults.append(f"{path}: 0 bins in this file; check that the right file is named")
    if faults:
        raise InputError(textfile.listed(faults))
    codes, start, end = (np.concatenate([part[i] for part in kept]) for i in range(3))
    own, other = (np.concatenate([part[i] for part in kept], 1) for i in (3, 4))
    inclusive = following > touching
    one = inclusive and ones > zeros
    order = slice(None)
    if not ((np.diff(codes) > 0) | (np.diff(codes) == 0) & (np.diff(start) > 0)).all():
        order = np.lexsort((end, start, codes))
    bins = pd.DataFrame(
        {
            "chrom": pd.Categorical.from_codes(codes[order], list(chroms)),
            "start": start[order].astype(np.int64) - one,
            "end": end[order].astype(np.int64) + (inclusive and not one),
        }
    )
    again = np.zeros(len(bins), bool)
    again[1:] = np.all([np.diff(each[order]) == 0 for each in (codes, start, end)], axis=0)
    if again.any():
        shown = bins[again].head(3).itertuples(index=False)
        raise InputError(
            f"{path}: {again.sum()} bins occur twice, e.g. {', '.join(f'{c}:{s}-{e}' for c, s, e in shown)}; give each "
            "once, its counts added"
        )
    said = "0-based half-open" if not inclusive else f"the end is the last base, the start counts from {int(one)}"
    return bins, own[:, order], other[:, order], totals, even, count, f"coordinates: {said}"


def _chunks(path, above: int) -> Iterator[tuple[int, bytes]]:
    # Whole lines of the table without those above its first row, each with the number of its first line.
    number, rest = 1, b""
    with textfile.binary(path) as stream, textfile.whole(path):
        while True:
            chunk = stream.read(_CHUNK)
            if not chunk:
                break
            data = rest + (chunk if number > 1 or rest else chunk.removeprefix(b"\xef\xbb\xbf"))
            whole = data.rfind(b"\n") + 1
            data, rest = data[:whole], data[whole:]
            if len(rest) > textfile.LONGEST:
                raise InputError(f"{path}: a line of {textfile.LONGEST} bytes or more; is this the right file?")
            if not data:
                continue
            lines = data.count(b"\n")
            if number <= above:
                skipped = min(above + 1 - number, lines)
                data = data.split(b"\n", skipped)[-1]
                number, lines = number + skipped, lines - skipped
            if data:
                yield number, data
            number += lines
    if rest.strip(b"\0\r\n"):
        yield number, rest.split(b"\n", above + 1 - number)[-1] if number <= above else rest


def _parsed(data: bytes, layout: _Layout, places: list[int]) -> tuple | None:
    # Chromosome names, (N,) number of each bin's name, (N,) start and end, (C, N) counts. None for lines that are not
    # plain rows: `_examined` reads them or reports faults.
    import pyarrow
    from pyarrow import csv

    names = [str(i) for i in range(layout.width)]
    chrom, *numbers = (str(i) for i in (*layout.places, *places))
    types = {chrom: pyarrow.dictionary(pyarrow.int32(), pyarrow.string())} | dict.fromkeys(numbers, pyarrow.float64())
    try:
        table = csv.read_csv(
            pyarrow.BufferReader(data),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            csv.ParseOptions(delimiter="\t", quote_char=False),
            csv.ConvertOptions(include_columns=[chrom, *numbers], column_types=types, null_values=[]),
        )
    except pyarrow.ArrowInvalid:
        return None
    if not len(table):
        return [], np.zeros(0, np.int32), np.zeros(0), np.zeros(0), np.zeros((len(places), 0))
    column = table[chrom].combine_chunks()
    found = [name.strip('"') for name in column.dictionary.to_pylist()]
    values = np.stack([table[name].to_numpy() for name in numbers])
    plain = (values >= 0) & (values < 1e9) & (values == np.floor(values))  # False for NaN
    if not plain.all() or (values[0] >= values[1]).any() or any(not n or n.strip() != n or n[0] == "#" for n in found):
        return None
    return found, column.indices.to_numpy(), values[0], values[1], values[2:]


def _examined(path, number: int, data: bytes, layout: _Layout, places: list[int], faults: list[str]) -> tuple:
    # As `_parsed` line by line; rows with a fault are left out, and the faults added to those given.
    chroms: dict[str, int] = {}
    rows = []
    for at, line in enumerate(data.decode("utf-8", "replace").splitlines(), number):
        line = line.rstrip("\0")
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip().strip('"') for field in line.split("\t")]
        where = f"{path}:{at}"
        if len(fields) != layout.width:
            faults.append(f"{where}: {len(fields)} columns where the first line has {layout.width}")
            continue
        chrom, *ends = (fields[i] for i in layout.places)
        start, end = (_whole(value) for value in ends)
        if not chrom:
            faults.append(f"{where}: no chromosome")
        elif start is None or end is None:
            faults.append(f"{where}: start {ends[0]!r} or end {ends[1]!r} is not a whole number of 0 or more")
        elif start >= end:
            faults.append(f"{where}: start {start} is not below end {end}")
        elif None in (found := [_whole(fields[i]) for i in places]):
            wrong = ", ".join(repr(fields[i]) for i in sorted(places) if _whole(fields[i]) is None)
            faults.append(
                f"{where}: count {wrong} is not a whole number of reads below 10^9; give the raw counts, 0 for none"
            )
        else:
            rows.append((chroms.setdefault(chrom, len(chroms)), start, end, *found))
    table = np.array(rows, float).reshape(len(rows), 3 + len(places)).T
    return list(chroms), table[0].astype(np.int32), table[1], table[2], table[3:]


def _whole(field: str) -> int | None:
    # A whole number below 10^9, also written as a float (12.0, 1e+05); None for any other text.
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?([eE]\+?[0-9]{1,2})?", field):
        return None
    value = float(field)
    return int(value) if value < 10**9 and value.is_integer() else None


def _fragments(pairs: list, own: np.ndarray, other: np.ndarray, totals: np.ndarray, even: np.ndarray, tally: Tally):
    # Takes the TF's reads off an aggregate that holds them, and halves the counts of mates: counts (pairs, bins) and
    # totals (pairs, 2) after it.
    holds = np.array([all(_AGGREGATE.search(column.name) for column in theirs) for _, theirs in pairs])
    holds &= (other >= own).all(1)
    other = other - holds[:, None] * own
    totals = totals - holds[:, None] * [[0, 1]] * totals[:, :1]
    mates = (even[:, 0] >= _ENOUGH) & (even[:, 1] >= EVEN * even[:, 0])
    own, other, totals = (values / np.where(mates, 2, 1)[:, None] for values in (own, other, totals))
    for found, what in (
        (holds, "its reads are part of the aggregate: taken off"),
        (mates, f"both mates of each pair counted (at least {EVEN:.0%} even): counts halved"),
    ):
        columns = [column.name for (mine, _), is_so in zip(pairs, found, strict=True) if is_so for column in mine]
        tally.add("noted", f"{', '.join(columns)}: {what}", len(columns))
    return own, other, totals


def _enriched(own: np.ndarray, other: np.ndarray, totals: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    # Which of the bins (N,) are enriched, of `count` tested ones; and the log2 ratio (N,).
    from scipy import special  # only tables of bins need it

    rate = totals[:, 0] / totals.sum(1)
    reads, both = own.sum(0), (own + other).sum(0)
    share = rate @ (own + other) / both
    score = np.log2((reads + 1) / ((totals[:, 0] / totals[:, 1]) @ other + 1))
    p_value = special.betainc(reads, both - reads + 1, share)  # of `reads` or more of `both`
    ranked = np.sort(p_value)
    passed = np.flatnonzero(ranked <= LEVEL * np.arange(1, len(ranked) + 1) / count)
    most = ranked[passed[-1]] if len(passed) else -1.0
    return (p_value <= most) & (score >= np.log2(FOLD)), score


def _merged(bins: pd.DataFrame, score: np.ndarray) -> pd.DataFrame:
    # Peaks of touching or overlapping bins, which are in the order of their chromosomes and starts.
    codes, start, end = (bins["chrom"].cat.codes.to_numpy(np.int64), bins["start"].to_numpy(), bins["end"].to_numpy())
    reach = np.maximum.accumulate(end + codes * 10**10)  # chromosomes one after the other
    first = np.concatenate([[True], (start + codes * 10**10)[1:] > reach[:-1]])
    peak = np.cumsum(first) - 1
    best = np.lexsort((start, -score, peak))[np.flatnonzero(first)]
    return pd.DataFrame(
        {
            "chrom": bins["chrom"].astype(str).array[first],
            "start": start[first],
            "end": np.maximum.reduceat(end, np.flatnonzero(first)),
            "summit": (start[best] + end[best]) // 2,
            "score": score[best],
        }
    )
