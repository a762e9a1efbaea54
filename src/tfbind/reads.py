"""Files of sequences, and how the reads of a SELEX cycle become inserts.

Every reader takes plain or gzip files, writes upper case, reads U as T, and turns IUPAC letters into N; each such
change is counted. A file with faults is refused whole, with all faults in one `InputError`.
"""

import os
import re
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd

from tfbind import dna, text
from tfbind.faults import InputError, NotEstimable
from tfbind.kernels import fastq as kernel
from tfbind.tables import Tally

#: What makes a read a PCR jackpot, see `jackpot`; and how a tally calls it.
JACKPOT_GAP, JACKPOT_READS, JACKPOT = 5, 10, "PCR jackpot"

_IUPAC = str.maketrans("RYSWKMBDHV", "N" * 10)
#: `chrom:start-end`, alone or behind a name and `::` (bedtools getfasta -name, -name+). Names of chromosomes may hold
#: colons (HLA-A*01:01); the last place of a name counts.
_PLACE = re.compile(
    r"^(?:\S*::)?(?P<chrom>(?!:)\S+?):(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})(?!\d)(?P<rest>[^\s:]*)$"
)
_MATE = re.compile(r"/([12])$|^\S+/([12])[ \t]|^\S+[ \t]+([12]):[YN]:")  # Illumina, before and since Casava 1.8
_STRAND = re.compile(r"\(([+-])\)")
_CHUNK = 1 << 19  # bytes of a FASTQ parsed at a time; they stay in the processor's cache


def _clean(sequences: list[str], place: Iterable[str], tally: Tally, faults: list[str]) -> list[str]:
    """Upper-case A C G T N text; `place` says for each sequence where it stands, for the faults."""
    # beyond ASCII, upper case may be another letter or two (`ß`)
    sequences = [sequence.upper() if sequence.isascii() else sequence for sequence in sequences]
    rna = ambiguous = 0
    if not set("".join(sequences)) <= set("ACGTN"):
        rna = sum("U" in sequence for sequence in sequences)
        sequences = [sequence.replace("U", "T") for sequence in sequences]
        translated = [sequence.translate(_IUPAC) for sequence in sequences]
        ambiguous = sum(a != b for a, b in zip(sequences, translated, strict=True))
        sequences = translated
        for sequence, where in zip(sequences, place, strict=True):
            if foreign := set(sequence) - set("ACGTN"):
                faults.append(f"{where}: {min(foreign)!r} is no letter of DNA; only A C G T U N and IUPAC are read")
    tally.add("changed", "U read as T", rna)
    tally.add("changed", "IUPAC letters read as N", ambiguous)
    return sequences


def _finish(path, kind: str, count: int, tally: Tally, faults: list[str]) -> None:
    if not count and not faults:
        faults.append(f"{path}: 0 {kind} in this file; check that the right file is named")
    if faults:
        raise InputError(text.listed(faults))
    tally.add("read", kind, count)


def read_fasta(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read FASTA.

    Names of the form ``chrom:start-end``, also behind a name of their own (``name::chrom:start-end``, as bedtools
    getfasta writes), a suffix such as ``_shuf`` or ``(+)`` allowed, become coordinates if *all* records have one and
    all lengths agree with one convention: ``end - start`` bp (0-based half-open) or one more (1-based inclusive). The
    suffix ``(-)`` gives the strand.

    Returns
    -------
    DataFrame
        `name` (up to the first space), `sequence`, `chrom`, `start`, `end` (0-based half-open, null where not known),
        `strand`; ``attrs["nowhere"]`` says why no coordinates were read.
    """
    tally = Tally() if tally is None else tally
    names, parts, at, faults = [], [], [], []
    number = 0
    try:
        for number, line in enumerate(text.lines(path), 1):
            if line.startswith(">"):
                names.append(line[1:].split(None, 1)[0] if line[1:].strip() else "")
                parts.append([])
                at.append(number)
            elif line.strip() and not line.startswith(";"):
                if not names:
                    raise InputError(f"{path}:{number}: {text.shown(line)} stands before the first '>'; is this FASTA?")
                parts[-1].append(line.strip())
    except text.Truncated as error:
        raise InputError(f"{error} (it breaks off in record {len(names)})") from None
    where = [f"{path}:{line}: record {i} ({name})" for i, (line, name) in enumerate(zip(at, names, strict=True), 1)]
    for place, name, pieces in zip(where, names, parts, strict=True):
        if not name:
            faults.append(f"{place}: no name; name every record")
        if not pieces:
            faults.append(f"{place}: no sequence; delete the record or fetch the file again")
    sequences = _clean(["".join(pieces) for pieces in parts], where, tally, faults)
    _finish(path, "FASTA records", len(names), tally, faults)
    table = pd.DataFrame({"name": pd.Series(names, dtype="str"), "sequence": pd.Series(sequences, dtype="str")})
    places, why = _places(table)
    table = pd.concat([table, places], axis=1)
    table.attrs["nowhere"] = why
    return table


def _places(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    matches = [_PLACE.match(name) for name in table["name"]]
    nowhere = pd.DataFrame({"chrom": None, "start": None, "end": None, "strand": None}, index=table.index)
    if lacking := [name for name, match in zip(table["name"], matches, strict=True) if not match]:
        return nowhere, f"{len(lacking)} of {len(table)} names hold no chrom:start-end, e.g. {lacking[0][:40]}"
    start = np.array([int(match["start"]) for match in matches])
    end = np.array([int(match["end"]) for match in matches])
    extra = table["sequence"].str.len().to_numpy() - (end - start)
    if not ((extra == 0).all() or (extra == 1).all()) or (start < extra).any():
        first = int(np.flatnonzero((extra != extra[0]) | (extra < 0) | (extra > 1) | (start < extra))[0])
        size = len(table["sequence"].iloc[first])
        return nowhere, f"names and lengths do not agree, e.g. {table['name'].iloc[first][:60]} of {size} bp"
    strands = [_STRAND.search(match["rest"]) for match in matches]
    places = {
        "chrom": [match["chrom"] for match in matches],
        "start": start - extra,
        "end": end,
        "strand": [strand[1] if strand else "+" for strand in strands],
    }
    return pd.DataFrame(places, index=table.index), ""


def read_fastq(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read FASTQ (Cock et al. 2010), wrapped records included: one column, `sequence`; qualities are not used.

    Reads without a base, as trimmers leave them, are dropped and counted.
    """
    tally = Tally() if tally is None else tally
    if (plain := _plain_fastq(path)) is not None:
        _finish(path, "reads", len(plain), tally, [])
        return pd.DataFrame({"sequence": plain})
    sequences, faults = [], []
    try:
        for sequence in _fastq(path, text.lines(path)):
            sequences.append(sequence)
    except text.Truncated as error:
        faults.append(f"{error} (it breaks off in record {len(sequences) + 1})")
    except InputError as error:
        faults += error.faults
    where = (f"{path}: record {i}" for i in range(1, len(sequences) + 1))
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "reads", len(sequences), tally, faults)
    if not any(sequences):
        raise InputError(f"{path}: record 1 to {len(sequences)}: no sequence; check how the reads were trimmed")
    tally.add("dropped", "read without a base", sequences.count(""))
    return pd.DataFrame({"sequence": pd.Series(list(filter(None, sequences)), dtype="str")})


def _plain_fastq(path) -> pd.Series | None:
    # The sequences of a file of plain records alone. None for any other: `_fastq` reads that, or says what is wrong.
    letters, ends, last, rest, mates = [], [np.zeros(1, np.int64)], 0, b"", 0
    try:
        with text.binary(path) as stream, text.whole(path):
            while True:
                chunk = stream.read(_CHUNK)
                data = rest + (chunk or b"\n")  # the last line may lack its end
                found, until, unread, named = kernel.parse(np.frombuffer(data, np.uint8))
                mates |= named
                if mates == 3 or (chunk and not len(until)):  # not plain, or longer than a chunk
                    return None
                letters.append(found)
                ends.append(until + last)
                last += len(found)
                rest = data[unread:]
                if not chunk:
                    break
    except text.Truncated:
        return None
    return dna.column(np.concatenate(letters), np.concatenate(ends)) if last and not rest else None


def _fastq(path, stream: Iterator[str]) -> Iterator[str]:
    record, mates = 0, set()
    for header in stream:
        if not header:
            continue
        record += 1
        where = f"{path}: record {record} ({header})"
        if not header.startswith("@"):
            raise InputError(f"{where}: a FASTQ record begins with '@'; reading stopped here")
        if mate := _MATE.search(header):
            mates.add(mate[1] or mate[2] or mate[3])
            if len(mates) == 2:
                raise InputError(f"{where}: mates 1 and 2 in one file; give read 1 in a file of its own")
        sequence, line = "", next(stream, None)
        while line is not None and not line.startswith("+"):
            sequence += line
            line = next(stream, None)
        if line is None:
            raise InputError(f"{where}: the file ends inside this record; fetch it again")
        quality = ""
        while len(quality) < len(sequence):
            line = next(stream, None)
            if line is None:
                raise InputError(f"{where}: {len(quality)} qualities for {len(sequence)} bases, then the file ends")
            quality += line
        if len(quality) != len(sequence):
            raise InputError(
                f"{where}: {len(quality)} qualities for {len(sequence)} bases; mend the record, reading stopped here"
            )
        yield sequence


def _rows(path: str | os.PathLike) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.lines(path), 1):
        if line.strip():
            yield number, line.split("\t")


def _is_header(fields: list[str]) -> bool:
    # A first line of names: a word that is no sequence, and not numbers alone after it (that is a row with a fault).
    word, *others = (field.strip() for field in fields)
    numbers = all(re.fullmatch(r"-?[0-9.]+", other) for other in others)
    named = word.lower().startswith(("seq", "#")) or not numbers
    return bool(set(word.upper()) - set("ACGTUNRYSWKMBDHV")) and named


def _whole(field: str) -> int | None:
    # A count or a label, also as tables of floats write it (12.0, 1e+05); None for any other text.
    if not re.fullmatch(r"[0-9]+(\.[0-9]*)?([eE]\+?[0-9]{1,2})?", field := field.strip()):
        return None
    value = float(field)
    return int(value) if value < 10**9 and value.is_integer() else None


def read_labelled(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a table of two tab-separated columns, sequence and label (0 or 1), with or without a header line.

    Returns
    -------
    DataFrame
        `sequence`, `label` (int8).
    """
    tally = Tally() if tally is None else tally
    sequences, labels, where, faults = [], [], [], []
    for i, (number, fields) in enumerate(_rows(path)):
        if i == 0 and _is_header(fields):
            continue
        if len(fields) != 2:
            hint = "separate them by a tab" if len(fields[0].split()) > 1 else "sequence and label are read"
            faults.append(f"{path}:{number}: {len(fields)} column(s) where there should be 2; {hint}")
        elif _whole(fields[1]) not in (0, 1):
            faults.append(f"{path}:{number}: label {fields[1]!r} is neither 0 nor 1")
        elif not fields[0].strip():
            faults.append(f"{path}:{number}: no sequence")
        else:
            sequences.append(fields[0].strip())
            labels.append(_whole(fields[1]))
            where.append(f"{path}:{number}")
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "labelled sequences", len(sequences), tally, faults)
    return pd.DataFrame({"sequence": pd.Series(sequences, dtype="str"), "label": np.array(labels, np.int8)})


def read_deepbind(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read the .seq format of DeepBind: a header naming the tab-separated columns FoldID, EventID, seq and Bound.

    Returns
    -------
    DataFrame
        `name` (EventID), `sequence`, `label` (int8, from Bound).
    """
    tally = Tally() if tally is None else tally
    names, sequences, labels, where, faults = [], [], [], [], []
    columns: dict[str, int] = {}
    width = 0
    for i, (number, fields) in enumerate(_rows(path)):
        if i == 0:
            columns, width = {name.strip(): at for at, name in enumerate(fields)}, len(fields)
            if missing := [name for name in ("EventID", "seq", "Bound") if name not in columns]:
                raise InputError(
                    f"{path}:{number}: no column {', '.join(missing)}; a .seq file begins with the tab-separated "
                    "header FoldID EventID seq Bound"
                )
            continue
        if len(fields) != width:
            faults.append(f"{path}:{number}: {len(fields)} columns where the header has {width}")
        elif _whole(fields[columns["Bound"]]) not in (0, 1):
            faults.append(f"{path}:{number}: Bound {fields[columns['Bound']]!r} is neither 0 nor 1")
        elif not fields[columns["seq"]].strip():
            faults.append(f"{path}:{number}: no sequence")
        else:
            names.append(fields[columns["EventID"]])
            sequences.append(fields[columns["seq"]].strip())
            labels.append(_whole(fields[columns["Bound"]]))
            where.append(f"{path}:{number}")
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "sequences", len(sequences), tally, faults)
    return pd.DataFrame(
        {
            "name": pd.Series(names, dtype="str"),
            "sequence": pd.Series(sequences, dtype="str"),
            "label": np.array(labels, np.int8),
        }
    )


def read_counts(path: str | os.PathLike, tally: Tally | None = None) -> pd.DataFrame:
    """Read a table of sequences and their read counts, one tab-separated column per SELEX cycle.

    Without a header the count columns are cycles 0, 1, 2, ...; a header names each by its number (``3``, ``cycle_3``,
    ``R3``). Whole numbers may be written as floats are (``12.0``, ``1e+05``).

    Returns
    -------
    DataFrame
        `sequence`, then one int64 column per cycle, named by the cycle number (int).
    """
    tally = Tally() if tally is None else tally
    sequences, counts, where, faults = [], [], [], []
    cycles: list[int] = []
    for i, (number, fields) in enumerate(_rows(path)):
        if i == 0:
            cycles = list(range(len(fields) - 1))
            if not cycles:
                raise InputError(f"{path}:{number}: one column; sequence and counts are separated by tabs")
            if _is_header(fields):
                found = [re.fullmatch(r"[A-Za-z_. -]*([0-9]{1,3})", name.strip()) for name in fields[1:]]
                if not all(found) or len({int(match[1]) for match in found}) < len(found):
                    raise InputError(
                        f"{path}:{number}: the header {', '.join(fields[1:])} does not give each count column one "
                        "cycle number; name the columns 0, 1, 2, ..."
                    )
                cycles = [int(match[1]) for match in found]
                continue
        if len(fields) != len(cycles) + 1:
            faults.append(f"{path}:{number}: {len(fields)} columns where the first line has {len(cycles) + 1}")
        elif None in (found := [_whole(field) for field in fields[1:]]):
            faults.append(
                f"{path}:{number}: counts {' '.join(fields[1:])!r} are not all whole numbers of reads; give the raw "
                "counts, 0 where a sequence was not read"
            )
        elif not fields[0].strip():
            faults.append(f"{path}:{number}: no sequence")
        else:
            sequences.append(fields[0].strip())
            counts.append(found)
            where.append(f"{path}:{number}")
    sequences = _clean(sequences, where, tally, faults)
    _finish(path, "counted sequences", len(sequences), tally, faults)
    table = pd.DataFrame(np.array(counts, np.int64), columns=cycles)
    table.insert(0, "sequence", pd.Series(sequences, dtype="str"))
    return table


def inserts(
    sequences: Iterable[str],
    left_flank: str,
    right_flank: str,
    tally: Tally,
    counts: np.ndarray | None = None,
    jackpots: str = "remove",
    trim: str = "",
    length: int = 0,
) -> pd.DataFrame:
    """The random inserts of one SELEX library: flanks trimmed, one length, no N, no PCR jackpot, each insert once.

    Parameters
    ----------
    sequences : iterable of str
        Reads, upper case.
    left_flank, right_flank : str
        Sequence on either side of the insert, `N` for any base; empty where the reads are inserts already. A flank is
        found with at most one mismatch.
    tally : Tally
    counts : (N,) int array, optional
        Reads that each sequence stands for; one by default.
    jackpots : {"remove", "keep"}
        What is done with the inserts of `jackpot` and with those that differ from one by a single base: sequencing
        errors of the same molecule.
    trim : {"", "left", "right"}
        At which end inserts of more than `length` bp are cut.
    length : int

    Returns
    -------
    DataFrame
        `sequence` (the orientation seen first) and `count` (reads of it and of its reverse complement).

    Raises
    ------
    InputError
        More than half of the reads lack the flanks, or the commonest insert length holds under 80 % of the reads.
    NotEstimable
        Nothing is left, or one insert makes up more than half of the library.
    """
    reads = pd.Series(sequences, dtype="str").reset_index(drop=True)
    weights = np.ones(len(reads), np.int64) if counts is None else np.asarray(counts)
    if left_flank or right_flank:
        matched = _flanked(reads, left_flank.upper(), right_flank.upper(), weights)
        tally.add("dropped", "flank does not match", weights[~matched].sum())
        reads, weights = reads[matched], weights[matched]
        reads = reads.str.slice(len(left_flank), -len(right_flank) or None)

    if not len(reads):
        raise NotEstimable("no read is left after trimming")
    sizes = reads.str.len().to_numpy()
    share = np.bincount(sizes, weights) / weights.sum()
    modal = int(share.argmax())
    if share[modal] < 0.8:
        common = ", ".join(f"{n} bp {share[n]:.0%}" for n in np.argsort(-share)[:4] if share[n] > 0)
        raise InputError(
            f"inserts of mixed length ({common}); a library has one: name its flanks in left_flank and right_flank, or "
            "split the file"
        )
    tally.add("dropped", f"insert is not {modal} bp", weights[sizes != modal].sum())
    reads, weights = reads[sizes == modal], weights[sizes == modal]
    if trim and modal > length:
        tally.add("changed", f"insert of {modal} bp cut to {length} bp, {trim} end off", weights.sum())
        reads = reads.str.slice(modal - length) if trim == "left" else reads.str.slice(0, length)
    unknown = reads.str.contains("N", regex=False).to_numpy()
    tally.add("dropped", "insert with N", weights[unknown].sum())
    reads, weights = reads[~unknown], weights[~unknown]
    if not len(reads):
        raise NotEstimable("every insert has an N")

    insert = pd.factorize(dna.canonicals(reads))[0]  # numbered as they first occur
    first = np.diff(np.maximum.accumulate(insert), prepend=-1) > 0
    table = pd.DataFrame({"sequence": reads[first].array, "count": np.bincount(insert, weights).astype(weights.dtype)})
    if (top := table["count"].max()) > weights.sum() / 2:
        read = table["sequence"][table["count"].idxmax()]
        tally.add("dropped", "same insert again (either strand)", weights.sum() - len(table))
        raise NotEstimable(f"library collapsed: {read} is {top} of {weights.sum()} reads")
    copied = _copies(table, jackpot(table["count"].to_numpy()))
    named = table[copied].nlargest(3, "count")
    which = ", ".join(f"{read} {n} reads" for read, n in zip(named["sequence"], named["count"], strict=True))
    event, what = ("dropped", "or a copy with one error") if jackpots == "remove" else ("noted", "kept")
    tally.add(event, f"{JACKPOT} {what}: {which}", table["count"][copied].sum())
    if jackpots == "remove":
        weights, table = table["count"][~copied], table[~copied].reset_index(drop=True)
    tally.add("dropped", "same insert again (either strand)", weights.sum() - len(table))
    return table


def jackpot(counts: np.ndarray) -> np.ndarray:
    """Which inserts of a library are PCR jackpots: (N,) bool of their reads (N,).

    Selection leaves no gap between the counts. So an insert is a jackpot if it and all more frequent ones have at least
    `JACKPOT_GAP` times the reads of the next one and at least `JACKPOT_READS`; the gap is looked for among the most
    frequent hundredth of the inserts.
    """
    order = np.argsort(-counts, kind="stable")
    top = counts[order[: max(1, len(counts) // 100) + 1]]
    gaps = np.flatnonzero((top[:-1] >= JACKPOT_GAP * top[1:]) & (top[:-1] >= JACKPOT_READS))
    found = np.zeros(len(counts), bool)
    found[order[: gaps[-1] + 1 if len(gaps) else 0]] = True
    return found


def _copies(table: pd.DataFrame, found: np.ndarray) -> np.ndarray:
    # The jackpots and the inserts that are one of them but for one base, on either strand.
    if not found.any():
        return found
    tokens = dna.encode(table["sequence"][found])
    variants = [tokens]
    for place in range(tokens.shape[1]):
        for base in range(len(dna.ALPHABET)):
            other = tokens.copy()
            other[:, place] = base
            variants.append(other)
    variants = pd.Series(dna.decode(np.concatenate(variants)), dtype="str")
    return dna.canonicals(table["sequence"]).isin(dna.canonicals(variants)).to_numpy()


def _flanked(reads: pd.Series, left: str, right: str, weights: np.ndarray) -> np.ndarray:
    long = reads.str.len().to_numpy() > len(left) + len(right)
    matched = long.copy()
    starts, stops = reads[long].str.slice(0, len(left)), reads[long].str.slice(-len(right) or 10**6)
    wanted = [(side, flank, ends) for side, flank, ends in (("left", left, starts), ("right", right, stops)) if flank]
    for _, flank, ends in wanted:
        expected = dna.encode([flank])
        wrong = (dna.encode(ends, len(flank)) != expected) & (expected != dna.UNKNOWN)
        matched[long] &= wrong.sum(1) <= 1
    missing = weights[~matched].sum()
    if missing * 2 > weights.sum():
        observed = (f"{side} {_consensus(ends, weights[long])} (given {flank})" for side, flank, ends in wanted)
        raise InputError(
            f"{missing} of {weights.sum()} reads lack the flanks; the reads show {', '.join(observed)}; correct "
            "left_flank and right_flank, or leave them empty if the reads are inserts already"
        )
    return matched


def _consensus(ends: pd.Series, weights: np.ndarray) -> str:
    tokens = dna.encode(ends)
    counts = np.stack([weights @ (tokens == base) for base in range(4)])  # (4, L) reads
    letters = np.where(2 * counts.max(0) > weights.sum(), counts.argmax(0), dna.UNKNOWN).astype(np.uint8)
    return "".join(dna.decode(letters[None], [len(letters)])) or "nothing (all reads are shorter than the flanks)"
