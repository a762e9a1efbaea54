"""Accessibility along the genome, as measured in one cell.

It comes as a bigWig, as aligned reads (BAM or CRAM) or as fragments; all become one piecewise constant track. Reads and
fragments are counted at their cuts (the 5' ends). Each cut is smoothed over 75 bp on both sides, and the result is
divided by its mean over the genome, so that sequencing depth does not matter.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyBigWig
import pysam

from tfbind.errors import InputError
from tfbind.io import chromosomes, textfile
from tfbind.io.tally import Tally
from tfbind.kernels import tracks as kernel

#: A cut is smoothed over this many bp on each side (Keilwagen, Posch and Grau 2019).
SMOOTH = 75
_CHUNK = 2**23  # bp of a bigWig read at a time
_OUTSIDE_SHARE = 0.01
_SAMPLED = 2**21  # positions of a genome sampled for a quantile normalisation
_KNOTS = 2**12
_PLACES = b"required_fields=0x2e"  # SAM fields FLAG, RNAME, POS and CIGAR


@dataclass(frozen=True, eq=False)  # compared by identity: a track is a key of the cache of `steps`
class Track:
    """Accessibility along a genome, one value per base.

    Parameters
    ----------
    lengths : mapping of str to int
        Chromosomes of the genome, in bp.
    sources : tuple
        Readers with a method ``runs(chrom, length)``; the track is their mean.
    knots : pair of (Q,) arrays, optional
        The monotone map of `normalised`: values before and after.
    """

    lengths: Mapping[str, int]
    sources: tuple
    knots: tuple[np.ndarray, np.ndarray] | None = None
    _heard: dict[str, list[bool | None]] = field(default_factory=dict, repr=False)

    def runs(self, chrom: str) -> tuple[np.ndarray, np.ndarray]:
        """The track of one chromosome, as runs of equal value.

        Parameters
        ----------
        chrom : str
            A chromosome of the genome.

        Returns
        -------
        ends : (K,) int64
            End of each run in bp, ascending; the first run starts at 0, the last ends at the end of the chromosome.
        values : (K,) float32
            Value of each run. Files that lack the chromosome are left out of the mean; if all do, one run of 0.

        Raises
        ------
        InputError
            If a bigWig holds a negative or infinite value.
        """
        length = self.lengths[chrom]
        parts = [source.runs(chrom, length) for source in self.sources]
        self._heard[chrom] = [None if part is None else bool(part[1].any()) for part in parts]
        known = [part for part in parts if part is not None]
        ends, values = _mean(known or [(np.array([length]), np.zeros(1, np.float32))])
        if self.knots is not None:
            known, wanted = self.knots
            beyond = np.maximum(values - known[-1], 0)  # above all sampled values the map is proportional
            slope = wanted[-1] / known[-1] if known[-1] > 0 else 1.0
            values = (np.interp(values, known, wanted) + beyond * slope).astype(np.float32)
        return ends, values

    def silent(self, chrom: str) -> bool:
        """Whether nothing was measured on a chromosome: every file lacks it, or holds only 0 there."""
        if chrom not in self._heard:
            self.runs(chrom)
        return not any(self._heard[chrom])

    def check(self) -> None:
        """Refuse, with `InputError`, a file that holds only 0 on every chromosome."""
        for chrom in self.lengths:
            self.silent(chrom)
        empty = [i for i in range(len(self.sources)) if not any(self._heard[chrom][i] for chrom in self.lengths)]
        if empty:
            raise InputError(
                f"{getattr(self.sources[i], 'path', 'accessibility')}: no value above 0 on any chromosome; nothing was "
                "measured, so make or fetch it again, or leave it out"
                for i in empty
            )

    def quantiles(self) -> np.ndarray:
        """Sorted values at evenly spaced positions of the chromosomes that a file has.

        Returns
        -------
        (M,) float32
            At most about two million.
        """
        return np.sort(np.concatenate(list(self._sampled().values())))

    def _sampled(self) -> dict[str, np.ndarray]:
        """Values at evenly spaced positions of each chromosome that a file has."""
        every = max(1, sum(self.lengths.values()) // _SAMPLED)
        parts = {}
        for chrom, length in self.lengths.items():
            ends, values = self.runs(chrom)
            if any(heard is not None for heard in self._heard[chrom]):
                parts[chrom] = values[np.searchsorted(ends, np.arange(every // 2, length, every), side="right")]
        return parts

    def normalised(self, reference: "Track") -> "Track":
        """The track, quantile-normalised to the distribution of values of another; equal values stay equal.

        Only chromosomes that both tracks have are compared, since missing values are not zeros.

        Parameters
        ----------
        reference : Track
            The track whose distribution is taken.

        Returns
        -------
        Track
            The same files, with `knots`.

        Raises
        ------
        InputError
            If the two have no chromosome in common.
        """
        ours, theirs = self._sampled(), reference._sampled()
        both = [chrom for chrom in ours if chrom in theirs]
        if not both:
            raise InputError(
                f"two cells have accessibility of no chromosome in common (one of {', '.join(list(ours)[:3])}, the "
                f"other of {', '.join(list(theirs)[:3])}); make the tracks for the same chromosomes"
            )
        own, wanted = (np.sort(np.concatenate([parts[chrom] for chrom in both])) for parts in (ours, theirs))
        place = np.arange(len(own)) / max(len(own) - 1, 1)
        wanted = np.interp(place, np.linspace(0, 1, len(wanted)), wanted)
        known, first, size = np.unique(own, return_index=True, return_counts=True)
        total = np.concatenate([[0.0], wanted.cumsum()])
        wanted = (total[first + size] - total[first]) / size
        if len(known) > _KNOTS:  # evenly by rank, and densest at the top, where the peaks are
            top = len(known) - np.unique(np.geomspace(1, len(known), _KNOTS).astype(int))
            keep = np.unique(np.concatenate([np.linspace(0, len(known) - 1, _KNOTS).astype(int), top]))
            known, wanted = known[keep], wanted[keep]
        return replace(self, knots=(known, wanted))


def track(
    sources: Sequence[tuple[str | os.PathLike, str]], genome: chromosomes.Chromosomes, tally: Tally | None = None
) -> Track:
    """Open the accessibility of one cell.

    Cuts are held in memory, four bytes each; a bigWig is read chromosome by chromosome.

    Parameters
    ----------
    sources : sequence of (path, format)
        Formats ``bigwig``, ``bam``, ``fragments``. Cuts of several files are added up. The track is the
        mean of all bigWigs and, if there are any, the added cuts. Where a file lacks a chromosome, the others are used.
    genome : Chromosomes
        Chromosome names of the files are mapped to those of the genome, as for peaks.
    tally : Tally, optional
        Counts cuts read, and dropped with the reason; names chromosomes of the genome that a file lacks.

    Returns
    -------
    Track

    Raises
    ------
    InputError
        If a format is unknown, or a file cannot be read or is of another genome.
    """
    tally = Tally() if tally is None else tally
    strange = [f"{path}: accessibility of format {kind!r}; use {', '.join(READERS)}" for path, kind in sources]
    strange = [fault for fault, (_, kind) in zip(strange, sources, strict=True) if kind not in READERS]
    if strange:
        raise InputError(strange)
    found: list = [BigWig(path, genome, tally) for path, kind in sources if kind == "bigwig"]
    counted = [READERS[kind](path, genome, tally) for path, kind in sources if kind != "bigwig"]
    if counted:
        cuts = {chrom: np.sort(np.concatenate([one[chrom] for one in counted])) for chrom in genome.lengths}
        # Where some files have no cut on a chromosome, the others are scaled up by their share of the depth, which is
        # measured on the chromosomes that all files have.
        shared = [chrom for chrom in cuts if all(len(one[chrom]) for one in counted)] or list(cuts)
        depth = [sum(len(one[chrom]) for chrom in shared) for one in counted]
        there = {chrom: sum(n for n, one in zip(depth, counted, strict=True) if len(one[chrom])) for chrom in cuts}
        share = {chrom: n / sum(depth) for chrom, n in there.items() if n}
        found.append(Cuts(cuts, sum(genome.lengths.values()), share))
    return Track(dict(genome.lengths), tuple(found))


class BigWig:
    """A bigWig file of accessibility, which is checked against the genome when it is opened.

    Bases without a value are 0 on a chromosome that the file names; a chromosome that it does not name is unknown. A
    file that is not a bigWig, or whose chromosomes have other names or lengths, is refused with `InputError`.

    Parameters
    ----------
    path : path
        The file.
    genome : Chromosomes
        Names and lengths of the chromosomes.
    tally : Tally
        Counts chromosomes read and dropped; names chromosomes of the genome that the file lacks.
    """

    def __init__(self, path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally):
        self.path = str(path)
        with open_bigwig(self.path) as file:
            lengths = file.chroms()
        self._names = chromosomes.known(path, lengths, genome)
        wrong = [
            f"{path}: {name} has {lengths[name]} bp, {chrom} of {genome.path} {genome.lengths[chrom]}; the file is "
            "probably of another genome build"
            for chrom, name in self._names.items()
            if lengths[name] != genome.lengths[chrom]
        ]
        if wrong:
            raise InputError(textfile.listed(wrong))
        tally.add("read", "chromosomes of a bigWig", len(self._names))
        tally.add("dropped", "chromosome absent from the genome", len(lengths) - len(self._names))
        _absent(path, self._names, genome, tally)

    def runs(self, chrom: str, length: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Values of one chromosome, as runs of equal value.

        Parameters
        ----------
        chrom : str
            A chromosome of the genome.
        length : int
            Its length in bp.

        Returns
        -------
        (ends, values) or None
            (K,) int64 ends in bp and (K,) float32 values. None for a chromosome that the file does not name.

        Raises
        ------
        InputError
            If a value is negative or infinite.
        """
        if chrom not in self._names:
            return None
        ends, values = [], []
        with open_bigwig(self.path) as file:
            for start in range(0, length, _CHUNK):
                stop = min(start + _CHUNK, length)
                line = file.values(self._names[chrom], start, stop, numpy=True)
                line[np.isnan(line)] = 0
                strange = np.flatnonzero((line < 0) | (line == np.inf))
                if len(strange):
                    raise InputError(self._strange(chrom, start + strange[0], line[strange[0]]))
                last = np.concatenate([np.flatnonzero(line[1:] != line[:-1]), [len(line) - 1]])
                ends.append(start + last + 1)
                values.append(line[last])
        return np.concatenate(ends), np.concatenate(values).astype(np.float32, copy=False)

    def _strange(self, chrom: str, place: int, value: float) -> str:
        """Message for a value that cannot be accessibility."""
        where = f"{self.path}: {chrom}:{place} (0-based) holds {value:g}, a negative or infinite value:"
        if np.isinf(value):
            return f"{where} a ratio over 0, or its logarithm; add a pseudocount, or give the signal itself"
        return (
            f"{where} a log-ratio, a difference or a z-score is not accessibility; give the signal itself (pileup, "
            "fold over control or -log10 p), not compared by a logarithm or a subtraction"
        )


class Cuts:
    """Cuts (5' ends) by chromosome, smoothed, as a multiple of their mean over the genome.

    Parameters
    ----------
    cuts : mapping of str to (K,) int
        Sorted positions of the cuts in bp (0-based), by chromosome.
    size : int
        Length of the genome in bp.
    share : mapping of str to float, optional
        The share of the sequencing depth that comes from files with cuts on a chromosome; 1 where it is not given.
    """

    def __init__(self, cuts: Mapping[str, np.ndarray], size: int, share: Mapping[str, float] | None = None):
        self.cuts = cuts
        self.share = share or {}
        expected = sum(map(len, cuts.values())) * (2 * SMOOTH + 1) / size
        self._unit = 1 / expected if expected else 0.0

    def runs(self, chrom: str, length: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Smoothed cuts of one chromosome, as runs of equal value.

        Parameters
        ----------
        chrom : str
            A chromosome of the genome.
        length : int
            Its length in bp.

        Returns
        -------
        (ends, values) or None
            (K,) int64 ends in bp and (K,) float32 values. None for a chromosome without a cut.
        """
        if not len(self.cuts[chrom]):
            return None
        cuts = self.cuts[chrom].astype(np.int64)
        edges = np.concatenate([np.maximum(cuts - SMOOTH, 0), np.minimum(cuts + SMOOTH + 1, length)])
        change = np.repeat(np.array([1, -1]), len(cuts))
        order = np.argsort(edges, kind="stable")
        edges, level = edges[order], change[order].cumsum()
        last = np.flatnonzero(np.diff(edges, append=-1))  # the last of equal edges
        # run j goes from edge j - 1 to edge j, at the level reached after edge j - 1
        ends = np.concatenate([edges[last], [length]])
        values = np.concatenate([[0], level[last]]) * (self._unit / self.share.get(chrom, 1))
        lasting = np.diff(ends, prepend=0) > 0
        return ends[lasting], values[lasting].astype(np.float32)


def read_bam(path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally) -> dict[str, np.ndarray]:
    """Positions of the 5' ends of the reads in a BAM or CRAM file, by chromosome.

    Unmapped, secondary, supplementary, failed and duplicate reads are left out. Of a CRAM only flags, positions and
    CIGARs are decoded, which needs no reference and no network.

    Parameters
    ----------
    path : path
        BAM or CRAM.
    genome : Chromosomes
        Names and lengths of the chromosomes.
    tally : Tally
        Counts reads, those dropped with the reason, and those of mapping quality 0, which are used all the same.

    Returns
    -------
    dict of str to (K,) int32
        Positions in bp (0-based) on every chromosome of the genome, in the order of the file; empty if there are none.

    Raises
    ------
    InputError
        If the file cannot be read, names no chromosome of the genome, has no read left, or over 1 % of its cuts lie
        beyond the end of their chromosome (probably another genome build).
    """
    try:
        with pysam.AlignmentFile(os.fspath(path), "rb", format_options=[_PLACES]) as file:
            lengths = dict(zip(file.references, file.lengths, strict=True))
            known = chromosomes.known(path, lengths, genome)
            number = {file.get_tid(name): chrom for chrom, name in known.items()}
            ends: dict[int, list[int]] = {}
            skipped = total = repeated = endless = 0
            for read in file.fetch(until_eof=True):
                total += 1
                if read.flag & 0xF04:  # unmapped, secondary, failed, duplicate, supplementary
                    skipped += 1
                else:
                    repeated += read.mapping_quality == 0
                    end = read.reference_end if read.is_reverse else read.reference_start + 1
                    if end is None:
                        endless += 1
                        continue
                    ends.setdefault(read.reference_id, []).append(end - 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read as BAM or CRAM: {error}; make or fetch it again") from None
    found = {number[tid]: np.array(cuts, np.int32) for tid, cuts in ends.items() if tid in number}
    tally.add("read", "aligned reads", total)
    tally.add("noted", "read of mapping quality 0 (it fits elsewhere as well): its cut counts all the same", repeated)
    tally.add("dropped", "unmapped, secondary, supplementary, failed or duplicate", skipped)
    tally.add("dropped", "on the reverse strand without a CIGAR: its 5' end is not known", endless)
    kept = sum(map(len, found.values()))
    tally.add("dropped", "chromosome absent from the genome", total - skipped - endless - kept)
    return _inside(path, found, genome, tally)


def read_fragments(path: str | os.PathLike, genome: chromosomes.Chromosomes, tally: Tally) -> dict[str, np.ndarray]:
    """Cuts of a table of fragments, ``chrom start end ...`` (0-based half-open), by chromosome.

    A line is a fragment, and both its ends are cuts. If column 6 of every line is a strand, + or -, a line is a read of
    one end, and only its 5' end is a cut: ``start``, or ``end - 1`` on the minus strand. Lines that begin with # are
    skipped at the head of the file; barcode and count are not read.

    Parameters
    ----------
    path : path
        Tab-separated, plain or gzip.
    genome : Chromosomes
        Names and lengths of the chromosomes.
    tally : Tally
        Counts fragments or reads, and those dropped with the reason.

    Returns
    -------
    dict of str to (K,) int32
        Positions in bp (0-based) on every chromosome of the genome; empty where there are none.

    Raises
    ------
    InputError
        If a line is malformed, only some lines have a strand, the file is BEDPE with both mates' positions, it names no
        chromosome of the genome, or over 1 % of its cuts lie beyond the end of their chromosome.
    """
    stranded = _column_6(path) in ("+", "-", ".")
    strands: set[str] = set()
    parts: dict[str, list[np.ndarray]] = {}
    absent: set[str] = set()
    total = lost = 0
    try:
        with textfile.binary(path) as stream, textfile.whole(path):
            while stream.peek(1)[:1] == b"#":
                stream.readline()
            if not stream.peek(1):
                raise InputError(f"{path}: 0 fragments in this file; check that the right file is named")
            reader = arrow_csv.open_csv(
                stream,
                arrow_csv.ReadOptions(autogenerate_column_names=True, block_size=2**24),
                arrow_csv.ParseOptions(delimiter="\t", quote_char=False),
                arrow_csv.ConvertOptions(
                    include_columns=["f0", "f1", "f2", *(["f5"] if stranded else [])],
                    column_types={"f1": pa.int64(), "f2": pa.int64()}
                    | dict.fromkeys(["f0", "f5"], pa.dictionary(pa.int32(), pa.string())),
                ),
            )
            for batch in reader:
                names = batch.column(0).dictionary.to_pylist()
                which = batch.column(0).indices.to_numpy()
                start, end = batch.column(1).to_numpy(), batch.column(2).to_numpy()
                if (start < 0).any() or (start >= end).any():
                    raise pa.ArrowInvalid("start and end")
                total += len(which)
                cut = np.ones((2, len(which)), bool)  # whether the start and the end are cuts
                if stranded:
                    strand = batch.column(3).dictionary.to_numpy(zero_copy_only=False)[batch.column(3).indices]
                    strands |= set(strand)
                    cut = np.stack([strand != "-", strand != "+"])
                for i, name in enumerate(names):
                    chosen = which == i
                    chrom = genome.resolve(name)
                    if chrom not in genome.lengths:
                        absent.add(name)
                        lost += int(chosen.sum())
                        continue
                    first, last = start[chosen & cut[0]], end[chosen & cut[1]] - 1
                    parts.setdefault(chrom, []).append(np.concatenate([first, last]))
    except (pa.ArrowInvalid, pa.ArrowKeyError, pa.ArrowNotImplementedError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(textfile.listed(_fragment_faults(path) or [f"{path}: cannot be read: {error}"])) from None
    if strands - {"+", "-"} and strands != {"."}:
        raise InputError(
            f"{path}: column 6 holds {', '.join(sorted(strands))}; a strand (+ or -) on every line is single reads, on "
            "none it is fragments: give each kind as a file of its own"
        )
    if not parts:
        chromosomes.refuse(path, sorted(absent), genome)
    tally.add("read", "reads of one end (strand in column 6), one cut each" if strands - {"."} else "fragments", total)
    tally.add("dropped", "chromosome absent from the genome", lost)
    return _inside(path, {chrom: np.concatenate(some) for chrom, some in parts.items()}, genome, tally)


def _column_6(path: str | os.PathLike) -> str:
    """Column 6 of the first line, '' if there is none; BEDPE (columns 4 to 6 are the mate's position) is refused."""
    first = next((line for line in textfile.lines(path) if line.strip() and not line.startswith("#")), "").split("\t")
    if len(first) < 6:
        return ""
    numbers = all(word.removeprefix("-").isdecimal() for word in first[4:6])
    if numbers and (first[3] in (first[0], ".") or len(first) >= 10):
        raise InputError(
            f"{path}: BEDPE, each mate with a place of its own; give fragments, a line each: "
            "awk '$1 == $4' FILE | cut -f 1,2,6 (where the left mate stands first)"
        )
    return first[5]


def _fragment_faults(path: str | os.PathLike) -> list[str]:
    faults = []
    for number, line in enumerate(textfile.lines(path), 1):
        fields = line.split("\t")
        if line.startswith("#"):
            continue
        if len(fields) < 3 or not (fields[1].isdecimal() and fields[2].isdecimal()):
            faults.append(
                f"{path}:{number}: {textfile.shown(line)} is not `chrom start end`, separated by tabs; correct the line"
            )
        elif int(fields[1]) >= int(fields[2]):
            faults.append(f"{path}:{number}: start {fields[1]} is not below end {fields[2]}; BED is 0-based half-open")
    return faults


READERS = {"bigwig": BigWig, "bam": read_bam, "fragments": read_fragments}


def open_bigwig(path: str):
    """Open a bigWig for reading with pyBigWig; `InputError` if the file is missing, damaged or not a bigWig."""
    try:
        with open(path, "rb") as raw:
            magic = raw.read(4)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; check the path") from None
    if magic not in (b"\x26\xfc\x8f\x88", b"\x88\x8f\xfc\x26"):
        raise InputError(f"{path}: is not a bigWig; check the format and the file")
    try:
        return pyBigWig.open(path)
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be read as bigWig: {error}; make or fetch it again") from None


def _absent(path: str | os.PathLike, known: Collection[str], genome: chromosomes.Chromosomes, tally: Tally) -> None:
    """Count and name the chromosomes of the genome for which a file holds nothing."""
    lacking = [chrom for chrom in genome.lengths if chrom not in known]
    more = ", ..." if len(lacking) > 5 else ""
    names = ", ".join(lacking[:5]) + more
    tally.add("noted", f"chromosome of the genome of which {Path(path).name} holds nothing ({names})", len(lacking))


def _inside(
    path: str | os.PathLike, cuts: Mapping[str, np.ndarray], genome: chromosomes.Chromosomes, tally: Tally
) -> dict[str, np.ndarray]:
    kept, total = {}, 0
    for chrom, length in genome.lengths.items():
        positions = cuts.get(chrom, np.empty(0, np.int32))
        total += len(positions)
        kept[chrom] = positions[positions < length].astype(np.int32)
    beyond = total - sum(map(len, kept.values()))
    if beyond > _OUTSIDE_SHARE * total:
        raise InputError(
            f"{path}: {beyond} of {total} cuts lie beyond their chromosome in {genome.path}; the file is probably of "
            "another genome build"
        )
    if not total:
        raise InputError(
            f"{path}: no read on the chromosomes of {genome.path} is left; check that it is the right file"
        )
    tally.add("dropped", "cut beyond the chromosome", beyond)
    tally.add("kept", "cuts", total - beyond)
    _absent(path, {chrom for chrom, positions in kept.items() if len(positions)}, genome, tally)
    return kept


def _mean(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    if len(parts) == 1:
        return parts[0]
    ends = np.unique(np.concatenate([end for end, _ in parts]))
    values = [value[np.searchsorted(end, ends, side="left")] for end, value in parts]
    return ends, np.mean(values, 0, dtype=np.float32)


@dataclass(frozen=True)
class Steps:
    """Statistics of a track on one chromosome.

    Attributes
    ----------
    mean, low, high : (S,) float32
        Mean, minimum and maximum of each step of 50 bp.
    median : (S - 3,) float32
        Median of each bin.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    median: np.ndarray


@lru_cache(maxsize=2)
def steps(track: Track, chrom: str) -> Steps:
    """Statistics of one chromosome of a track, by step, from which the features of its bins are computed.

    The results of the last two calls are kept.

    Parameters
    ----------
    track : Track
        Accessibility of a cell.
    chrom : str
        A chromosome of the genome.

    Returns
    -------
    Steps
    """
    ends, values = track.runs(chrom)
    return Steps(*kernel.steps(ends, values, track.lengths[chrom] // kernel.STEP))
