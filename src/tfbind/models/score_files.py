"""Scores of a user's own sequences, intervals or variants: read and written as a stream, one row per record.

However long the input, no more than a few blocks of it are in memory.
"""

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np
import pandas as pd
import pysam

from tfbind import assays, dna
from tfbind.errors import InputError
from tfbind.io import peaks, tables, textfile
from tfbind.io.genome import Genome
from tfbind.kernels import fasta as kernel
from tfbind.models import applicability, networks, platt, predict, store

#: Longest sequence that is scored, in bp. A longer one should be cut into windows first.
LONGEST = 100_000
#: A VCF is of another build if more than this share of its reference alleles, and more than one, are not the genome's.
MISMATCHES = 0.1
_BLOCK = 2**20  # bytes of a FASTA read at a time
_ROWS = 4096  # intervals or variants taken at a time
_CELLS = 2**24  # most bases of a padded block
_BASES = np.zeros(256, bool)
_BASES[np.frombuffer(b"ACGTUNRYSWKMBDHVacgtunryswkmbdhv", np.uint8)] = True
#: Meaning of an allele that is not a sequence.
_WHY = {
    "*": ": a deletion that another record describes",
    "<*>": ": any other allele",
    "<NON_REF>": ": any other allele",
}
_ALLELE = re.compile("[ACGTUNRYSWKMBDHVacgtunryswkmbdhv]+")
SEQUENCE_COLUMNS = ("id", "logit", "probability", "out_of_domain", "expected_auroc")
VARIANT_COLUMNS = (
    *("id", "chrom", "pos", "ref", "alt", "logit_reference", "logit_alternative", "difference"),
    *("probability_reference", "probability_alternative", "out_of_domain", "expected_auroc", "note"),
)


class Scorer:
    """A stored model, with the knowledge that is needed to judge its scores.

    Parameters
    ----------
    folder : path
        As training wrote it; with `evaluation.tsv` the scorer knows how well the model does where.
    reading : str
        See `predict.score`. By default the first with which `evaluation.tsv` evaluated the model under its own label;
        else `embed` for a model trained in surroundings, `scan` for any other.
    assay : str
        Assay that the sequences are from; empty: not stated.

    Attributes
    ----------
    expected : str
        AUROC to expect for this use, three decimals; empty where it is not known.
    about : str
        The same in words.

    Raises
    ------
    InputError
        `reading` is unknown, or the model cannot be read.
    NotEstimable
        Training gave no model.
    """

    def __init__(self, folder: str | os.PathLike, reading: str = "", assay: str = ""):
        networks.one_thread()
        description = store.usable(folder)
        self.stored = predict.stored(folder)
        notes = description.get("extra", {})
        self.known, self.curve = notes.get("domain"), notes.get("calibration")
        path = Path(folder) / store.EVALUATION
        evaluation = tables.read_tsv(path) if path.exists() else None
        own = "embed" if self.stored.chain is not None else "scan"
        if evaluation is not None and len(evaluation):
            own = next(iter(evaluation["reading"][evaluation["model"] == notes.get("model")]), own)
        self.reading = reading or own
        if self.reading not in predict.READINGS:
            raise InputError(f"reading is {self.reading!r}; use one of {', '.join(predict.READINGS)}")
        named = assays.meant(assay)
        if named and named != assay and (evaluation is None or assay not in set(evaluation["target_assay"])):
            raise InputError(f"--assay: {assay!r} is not an assay; did you mean {named!r}?")
        self.expected, self.about, self.elsewhere = _expected(evaluation, assay, self.reading)
        if "final" in notes:
            self.about += "; this is the final model, of all rows: what is known is of the evaluated one"

    @property
    def shortest(self) -> int:
        """Least number of bp that a sequence must hold from its first to its last known base."""
        model = self.stored.model
        return model[0].shortest if isinstance(model, list) else 1

    def logits(self, tokens: np.ndarray, reading: str = "") -> np.ndarray:
        """Mean logit over the seeds.

        Parameters
        ----------
        tokens : (N, L) uint8
        reading : str
            See `predict.score`; that of the scorer by default.

        Returns
        -------
        (N,) float64
            NaN for a sequence of fewer than `shortest` bp.

        Raises
        ------
        InputError
            `reading` is unknown, or is `embed` for a model that was trained without surroundings.
        """
        result = np.full(len(tokens), np.nan)
        rows = np.flatnonzero(predict.span(tokens) >= self.shortest)
        if len(rows):
            found = predict.score(
                self.stored.model, tokens[rows], reading or self.reading, self.stored.window, chain=self.stored.chain
            )
            result[rows] = found.mean(0)
        return result

    def probability(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities, calibrated on the validation sequences of the source.

        Parameters
        ----------
        logits : (N,) float64

        Returns
        -------
        (N,) float64
            NaN where the model has no calibration, or the logit is NaN.
        """
        return platt.probability(logits, self.curve) if self.curve else np.full(len(logits), np.nan)

    def outside(self, tokens: np.ndarray) -> list[str]:
        """In which property each sequence is unlike the training sequences.

        Parameters
        ----------
        tokens : (N, L) uint8

        Returns
        -------
        list of str
            Per sequence, separated by commas: `length`, `composition` (GC content), `unreadable` (fewer than `shortest`
            bp), `assay` (not that of the source); empty where it is like them.
        """
        unlike = applicability.outside(tokens, self.known) if self.known else np.full(len(tokens), "", object)
        short = np.where(predict.span(tokens) < self.shortest, "unreadable", "")
        assay = "assay" if self.elsewhere else ""
        return [",".join(filter(None, words)) for words in zip(unlike, short, [assay] * len(tokens), strict=True)]


def _expected(evaluation: pd.DataFrame | None, assay: str, reading: str) -> tuple[str, str, bool]:
    """AUROC to expect, the sentence about it, and whether the assay differs from the model's own."""
    unknown = "the AUROC to expect is not known: "
    if evaluation is None:
        return "", f"{unknown}the model's folder holds no {store.EVALUATION}", False
    rows = evaluation[(evaluation["metric"] == "auroc") & evaluation["value"].notna()]
    own = evaluation["target_assay"][evaluation["comparison"] == "same"]
    if not assay:
        known = ", ".join(sorted(set(rows["target_assay"]))) or "nothing"
        return "", f"{unknown}say with --assay what the sequences are from (evaluated on {known})", False
    elsewhere = len(own) > 0 and own.iloc[0] != assay
    rows = rows[(rows["target_assay"] == assay) & (rows["reading"] == reading)]
    for comparison, words in (("cross", "other experiments"), ("same", "its own held-out rows")):
        found = rows[rows["comparison"] == comparison]
        if len(found):
            values = found.groupby("target")["value"].mean()
            mean, low, high = values.mean(), values.min(), values.max()
            between = f", between {low:.3f} and {high:.3f}" if len(values) > 1 else ""
            where = f"{words} ({', '.join(values.index)}; reading {reading}{between})"
            return f"{mean:.3f}", f"the AUROC to expect on {assay} is {mean:.3f}, as on {where}", elsewhere
    return "", f"{unknown}this model was not evaluated on {assay} with reading {reading}", elsewhere


class _Block(NamedTuple):
    names: list[str]
    tokens: np.ndarray  # (N, L) uint8
    places: "list[Interval] | None" = None  # where the genome holds them


def fasta(path: str, longest: int = LONGEST) -> Iterator[_Block]:
    """Records of a FASTA file, gzip or not, in blocks.

    Parameters
    ----------
    path : str
        ``-``: standard input.
    longest : int
        Most bp of a record.

    Yields
    ------
    names : list of str
        Up to the first space.
    tokens : (N, L) uint8
        Padded at the right end.

    Raises
    ------
    InputError
        No record; text before the first name; a record without a name or a sequence, with a letter outside the IUPAC
        code, or of more than `longest` bp; a file that is missing, damaged or of another kind.
    """
    with textfile.binary(path) as stream, textfile.whole(path):
        rest, count, final = b"", 0, False
        while not final:
            part = stream.read(_BLOCK)
            final = len(part) == 0
            if not rest and not count:
                part = part.removeprefix(b"\xef\xbb\xbf")
            data = rest + part
            tokens, ends, names, foreign, unread = kernel.parse(np.frombuffer(data, np.uint8), dna.CODE, _BASES, final)
            if unread < 0:
                shown = textfile.shown(data.strip().split(b"\n")[0].decode("ascii", "replace"))
                raise InputError(f"{path}: {shown} stands before the first '>'; is this FASTA?")
            rest = data[unread:]
            if len(rest) > 16 * LONGEST:
                raise InputError(f"{path}: record {count + len(ends) + 1} is {_too_long(len(rest))}")
            sizes = np.diff(ends, prepend=0)
            texts = [data[start:end].decode("utf-8", "replace") for start, end in names]
            _check_records(path, count, texts, sizes, foreign, longest)
            count += len(texts)
            yield from _blocks(texts, tokens, ends, sizes)
    if not count:
        raise InputError(f"{path}: 0 FASTA records in this file; check that the right file is named")


def _too_long(size: int, longest: int = LONGEST) -> str:
    return f"{size} bp long, more than {longest}; cut it into windows, e.g. with bedtools makewindows"


def _check_records(
    path: str, before: int, names: list[str], sizes: np.ndarray, foreign: np.ndarray, longest: int
) -> None:
    faults = []
    bad = (sizes == 0) | (sizes > longest) | (foreign > 0) | np.array([not name for name in names], bool)
    for row in np.flatnonzero(bad):
        place = f"{path}: record {before + row + 1} ({names[row]})"
        if not names[row]:
            faults.append(f"{place}: no name; name every record")
        if foreign[row]:
            faults.append(f"{place}: {chr(foreign[row])!r} is not a letter of DNA; only A C G T U N and IUPAC are read")
        elif not sizes[row]:
            faults.append(f"{place}: no sequence; delete the record or fetch the file again")
        if sizes[row] > longest:
            faults.append(f"{place} is {_too_long(sizes[row], longest)}")
    if faults:
        raise InputError(textfile.listed(faults))


def _blocks(names: list[str], tokens: np.ndarray, ends: np.ndarray, sizes: np.ndarray) -> Iterator[_Block]:
    """Padded blocks; smaller ones where a long sequence among short ones would need much padding."""
    if not names:
        return
    width = int(sizes.max())
    if len(names) > 1 and len(names) * width > _CELLS:
        half = len(names) // 2
        middle = ends[half - 1]
        yield from _blocks(names[:half], tokens[:middle], ends[:half], sizes[:half])
        yield from _blocks(names[half:], tokens[middle:], ends[half:] - middle, sizes[half:])
        return
    if (sizes == width).all():
        yield _Block(names, tokens.reshape(len(names), width))
        return
    padded = np.full((len(names), width), dna.UNKNOWN, np.uint8)
    padded[np.arange(width) < sizes[:, None]] = tokens
    yield _Block(names, padded)


def reference(path: str | os.PathLike) -> Genome:
    """The user's genome: a plain FASTA with its index beside it; neither is ever written.

    Parameters
    ----------
    path : path

    Returns
    -------
    Genome

    Raises
    ------
    InputError
        The ``.fai`` is missing or does not fit the FASTA.
    """
    if not os.path.isfile(f"{path}.fai"):
        raise InputError(f"{path}.fai: not found; unpack the FASTA where it is packed, then samtools faidx {path}")
    return Genome(path)


class Interval(NamedTuple):
    """A row of a BED file: its name, and its place on the genome in bp, 0-based half-open."""

    name: str
    chrom: str
    start: int
    end: int


def intervals(path: str, genome: Genome, faults: list[str], longest: int | None = None) -> Iterator[Interval]:
    """The rows of a BED file that are sound.

    Parameters
    ----------
    path : str
        BED of 3 columns or more, 0-based half-open, gzip or not; ``-``: standard input. Comments, blank lines,
        ``track`` and ``browser`` lines are skipped.
    genome : Genome
    faults : list of str
        Receives a line for each row that is not BED, does not lie inside the genome or is too long.
    longest : int, optional
        Most bp of an interval; no limit by default.

    Yields
    ------
    Interval
        `name` is column 4; ``chrom:start-end`` where that is missing, empty or a dot.

    Raises
    ------
    InputError
        No interval, or a file that cannot be read.
    """
    count = 0
    for number, line in enumerate(textfile.lines(path), 1):
        if not line.strip() or line.startswith("#") or line.split(None, 1)[0] in ("track", "browser"):
            continue
        count += 1
        fields = line.split("\t")
        try:
            chrom, start, end, _, _ = peaks.parse(fields, False)
            if longest and end - start > longest:
                raise ValueError(f"the interval is {_too_long(end - start, longest)}")
            if end > genome.lengths.get(chrom, -1):
                known = ", ".join(list(genome.lengths)[:3])
                raise ValueError(f"{chrom}:{start}-{end} does not lie inside {genome.path} ({known}, ...)")
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
            continue
        name = fields[3].strip() if len(fields) > 3 else ""
        yield Interval(name if name not in ("", ".") else f"{chrom}:{start}-{end}", chrom, start, end)
    if not count:
        raise InputError(f"{path}: 0 intervals in this file; check that the right file is named")


def bed(path: str, genome: Genome, longest: int = LONGEST) -> Iterator[_Block]:
    """The sequences of a BED file's intervals, in blocks.

    Parameters
    ----------
    path : str
        See `intervals`.
    genome : Genome
    longest : int
        Most bp of an interval.

    Yields
    ------
    names : list of str
    tokens : (N, L) uint8
        Padded at the right end.
    places : list of Interval

    Raises
    ------
    InputError
        No interval, or malformed lines (all of a block in one error), see `intervals`.
    """
    faults: list[str] = []
    found = intervals(path, genome, faults, longest)
    while rows := list(itertools.islice(found, _ROWS)):
        if faults:
            break
        cells = len(rows) * max(row.end - row.start for row in rows)
        for part in np.array_split(np.arange(len(rows)), -(-cells // _CELLS)):
            if len(part):
                places = [rows[i] for i in part]
                names, *where = zip(*places, strict=True)
                yield _Block(list(names), genome.windows(*where), places)
    if faults:
        raise InputError(textfile.listed(faults))


def score_sequences(scorer: Scorer, blocks: Iterator[_Block], out: TextIO) -> tuple[int, int]:
    """Write a row for each sequence, in order, with the columns `SEQUENCE_COLUMNS`.

    Parameters
    ----------
    scorer : Scorer
    blocks : iterator of (names, tokens)
        From `fasta` or `bed`.
    out : text stream
        Receives tab-separated lines, a header first. A value that is NaN is left empty.

    Returns
    -------
    count, flagged : int
        Sequences, and those of them that `Scorer.outside` flags.

    Raises
    ------
    InputError
        The input cannot be read, see `fasta` and `bed`.
    """
    count = flagged = 0
    for names, tokens, _ in blocks:
        if not count:  # only now: a file that cannot be read should leave no header
            out.write("\t".join(SEQUENCE_COLUMNS) + "\n")
        logits = scorer.logits(tokens)
        values = logits.tolist(), scorer.probability(logits).tolist(), scorer.outside(tokens)
        end = f"\t{scorer.expected}\n"
        for name, logit, probability, outside in zip(names, *values, strict=True):
            out.write(f"{name}\t{_text(logit)}\t{_text(probability)}\t{outside}{end}")
            flagged += outside != ""
        count += len(names)
    return count, flagged


def _text(value: float) -> str:
    return f"{value:.6g}" if value == value else ""


def score_variants(scorer: Scorer, path: str, genome: Genome, out: TextIO) -> tuple[int, int, int]:
    """Write a row for each record of a VCF: all alleles at the same locus, in windows of the training length.

    Alleles of one length, up to half a window, are set into the middle of one window. For others (insertions,
    deletions, long substitutions) the logit is the best over all windows of the allele with one window of the genome on
    both sides (step 1). A site beside the variant that no allele changes is then in the logits of all of them, however
    long they are; a site that one allele creates or destroys, wherever it lies in it, is in the logit of that allele
    alone.

    Several alternative alleles share a row, separated by commas, as in the file. An allele without a sequence
    (``<DEL>``, ``*``) or of more than `LONGEST` bp has no score, and the note says so. The note also names a reference
    allele that differs from the genome, and a letter that stands for several bases.

    Parameters
    ----------
    scorer : Scorer
    path : str
        VCF, plain or packed with bgzip; ``-``: standard input.
    genome : Genome
    out : text stream
        Receives tab-separated lines with the columns `VARIANT_COLUMNS`, a header first. A value that is NaN is left
        empty.

    Returns
    -------
    records, flagged, mismatches : int
        Records; those with an allele that `Scorer.outside` flags; those whose reference allele differs from the genome
        or does not lie on it.

    Raises
    ------
    InputError
        No record; a file that cannot be read as VCF; more than one mismatch, and more than the share `MISMATCHES` of
        the records read so far (checked after each block of them).
    """
    count = flagged = mismatches = 0
    for records in _variants(path):
        lines, outside, wrong = _variant_rows(scorer, records, genome)
        header = "" if count else "\t".join(VARIANT_COLUMNS) + "\n"
        count += len(records)
        mismatches += wrong
        flagged += outside
        if mismatches > 1 and mismatches > MISMATCHES * count:
            raise InputError(
                f"{path}: {mismatches} of the first {count} reference alleles are not those of {genome.path}; the VCF "
                "is probably of another genome build, or its chromosomes are named otherwise: name its own genome"
            )
        out.write(header + "".join(lines))
    if not count:
        raise InputError(f"{path}: 0 variants in this file; check that the right file is named")
    return count, flagged, mismatches


class _Variant(NamedTuple):
    name: str
    chrom: str
    start: int
    ref: str
    alts: tuple[str, ...]


def _variants(path: str) -> Iterator[list[_Variant]]:
    if path != "-":
        textfile.binary(path).close()  # refuses a file of another kind in plain words
    before, records, count = pysam.set_verbosity(0), [], 0
    try:
        with pysam.VariantFile(path) as file:
            for record in file:
                count += 1
                name = record.id or f"{record.chrom}:{record.pos}:{record.ref}>{','.join(record.alts or '.')}"
                records.append(_Variant(name, record.chrom, record.start, record.ref or "", record.alts or ()))
                if len(records) == _ROWS:
                    yield records
                    records = []
    except NotImplementedError:
        remedy = f"zcat {path} | tfbind score ... --vcf -, or pack it with bgzip"
        raise InputError(f"{path}: packed with gzip, which cannot be read as VCF; {remedy}") from None
    except (OSError, ValueError, UnicodeDecodeError) as error:
        remedy = "correct or fetch it" if count or path == "-" else _without_header(path)
        raise InputError(f"{path}: cannot be read as VCF after record {count} ({error}); {remedy}") from None
    finally:
        pysam.set_verbosity(before)
    if records:
        yield records


def _without_header(path: str) -> str:
    """The remedy for a file of which not one record could be read."""
    if next(textfile.lines(path), "").startswith("##fileformat=VCF"):
        return "correct or fetch it"
    names = "#CHROM POS ID REF ALT QUAL FILTER INFO"
    return f"it has no header: put ##fileformat=VCFv4.2 and, separated by tabs, {names} in front, each on its line"


def _variant_rows(scorer: Scorer, records: list[_Variant], genome: Genome) -> tuple[list[str], int, int]:
    window = scorer.stored.window
    notes: list[list[str]] = [[] for _ in records]
    # windows with an allele in the middle, their part on the chromosome, and (record, allele) of each
    texts, inside, owner = [], [], []
    values = {}
    wrong = 0
    for i, record in enumerate(records):
        if record.start < 0:
            notes[i].append("POS 0 lies before the first base: no score")
            continue
        tokens = _surroundings(record, genome, window)
        if isinstance(tokens, str):
            notes[i].append(f"not on the genome: {tokens}")
            wrong += 1
            continue
        left, site, right = tokens
        given = dna.encode_text(record.ref.encode("ascii", "replace"))
        if not np.array_equal(site, given):
            notes[i].append(f"REF is {record.ref[:20]}, the genome has {dna.decode(site[None, :20])[0]}")
            wrong += 1
        alleles = {}
        for allele, letters in enumerate((record.ref, *record.alts)):
            if not _ALLELE.fullmatch(letters):
                notes[i].append(f"{letters[:20]} is not a sequence{_WHY.get(letters, '')}")
            elif len(letters) > LONGEST:
                notes[i].append(f"{letters[:20]}... is {len(letters)} bp long, more than {LONGEST}: no score")
            else:
                alleles[allele] = dna.encode_text(letters.encode())
                if several := sorted(set(letters.upper()) - set("ACGTU")):
                    notes[i].append(f"{letters[:20]}: {', '.join(several)} is not a single base and read as unknown")
        sizes = {len(allele) for allele in alleles.values()}
        in_middle = len(sizes) == 1 and max(sizes) <= max(1, window // 2)
        for allele, letters in alleles.items():
            middle, known = _window(left, letters, right, window)
            texts.append(middle)
            inside.append(known)
            owner.append((i, allele))
            if not in_middle:
                values[i, allele] = scorer.logits(np.concatenate([left, letters, right])[None], "scan")[0]
    outside: list[set[str]] = [set() for _ in records]
    if texts:
        logits = np.array([values.get(key, np.nan) for key in owner])
        centred = [row for row, key in enumerate(owner) if key not in values]
        if centred:
            logits[centred] = scorer.logits(np.stack([texts[row] for row in centred]), "whole")
        words = scorer.outside(np.stack(inside))
        for key, logit, probability, flags in zip(owner, logits, scorer.probability(logits), words, strict=True):
            values[key] = logit, probability
            outside[key[0]] |= set(flags.split(",")) - {""}
    nothing = (np.nan, np.nan)
    lines = []
    for i, record in enumerate(records):
        reference, alternatives = (
            values.get((i, 0), nothing),
            [values.get((i, allele), nothing) for allele in range(1, len(record.alts) + 1)],
        )
        lines.append(
            "\t".join(
                [
                    *(record.name, record.chrom, str(record.start + 1), record.ref, ",".join(record.alts) or "."),
                    *(_text(reference[0]), ",".join(_text(a[0]) for a in alternatives)),
                    ",".join(_text(a[0] - reference[0]) for a in alternatives),
                    *(_text(reference[1]), ",".join(_text(a[1]) for a in alternatives)),
                    *(",".join(sorted(outside[i])), scorer.expected, "; ".join(notes[i])),
                ]
            )
            + "\n"
        )
    return lines, sum(map(bool, outside)), wrong


def _surroundings(record: _Variant, genome: Genome, window: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | str:
    """`window` bp before the site of a record, the site, `window` bp behind it; or why it is not on the genome."""
    chrom, low, high = genome.resolve(record.chrom), record.start, record.start + len(record.ref)
    size = genome.lengths.get(chrom, -1)
    if size < 0:
        return f"it has no {chrom}"
    if not low < high <= size:
        return f"{chrom} has {size} bp"
    first = max(0, low - window)
    cut = genome.windows([chrom], [first], [min(size, high + window)])[0]
    return cut[: low - first], cut[low - first : high - first], cut[high - first :]


def _window(left: np.ndarray, allele: np.ndarray, right: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """A window of `size` bp with the middle of the allele in its middle: in place, and moved to the left.

    The first is unknown beyond the chromosome's ends. The second begins with the first base on the chromosome, like a
    sequence of its own.
    """
    around, inside = np.full((2, size), dna.UNKNOWN, np.uint8)
    whole = np.concatenate([left, allele, right])
    first = len(left) + len(allele) // 2 - size // 2
    low, high = max(0, first), min(len(whole), first + size)
    around[low - first : high - first] = whole[low:high]
    inside[: high - low] = whole[low:high]
    return around, inside
