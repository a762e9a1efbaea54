"""JASPAR motifs and how well each sequence matches them.

All scores are in bits: log2 of the probability of a site under the motif over its probability under a uniform
background.
"""

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io import matrices
from tfbind.kernels import motifs as kernel

#: The JASPAR release to read, one of those in pyjaspar. Named here, so that no update of pyjaspar changes a result.
RELEASE = "JASPAR2026"
#: Groups in which a TF is looked up in turn. Its motifs are those of the first group that has any, so that yeast's ABF1
#: is not taken for the ABF1 of a plant.
GROUPS = ("vertebrates", "fungi", "insects", "nematodes", "plants", "urochordates")
_MATRIX_ID = re.compile(r"[A-Za-z]{2,3}[0-9]{4}(\.[0-9]+)?")
_HUMAN, _MOUSE = "9606", "10090"
_ROWS = 1024  # sequences at a time: their scores stay in the processor's cache
_TOGETHER = 16  # motifs, two blocks of a table
_SMALLEST = np.float32(2.0**-100)  # below this the sums of the kernel begin to lose digits
#: Pairs: the places of the motifs that share a table, and the table (`kernels.motifs.tables`).
Tables = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Motifs:
    """Motifs in a fixed order.

    Parameters
    ----------
    names, ids : tuple of str
        Name of the TF, and matrix id with its version, e.g. ``USF1`` and ``MA0093.4``.
    matrices : tuple of (W, 4) float32
        Log-odds in bits, columns A C G T.
    species : tuple of str
        NCBI taxonomy ids, separated by commas; empty where not known.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    matrices: tuple[np.ndarray, ...]
    species: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.matrices)

    def same(self, other: "Motifs") -> bool:
        """Whether both hold equal matrices in the same order, so that both score every sequence the same."""
        return len(self) == len(other) and all(map(np.array_equal, self.matrices, other.matrices))

    @cached_property
    def widths(self) -> np.ndarray:
        """Width of each motif.

        Returns
        -------
        (M,) int64
            In bp.
        """
        return np.array([len(matrix) for matrix in self.matrices], np.int64)

    @cached_property
    def columns(self) -> tuple[np.ndarray, ...]:
        """Shares of the bases at each position of each motif, under the uniform background.

        Returns
        -------
        tuple of (4, W) float64
            Rows A C G T, one column per position.
        """
        return tuple((np.exp2(matrix.astype(float)) / 4).T for matrix in self.matrices)

    @cached_property
    def shift(self) -> np.ndarray:
        """Bits that the look-up tables add to every score of each motif.

        Returns
        -------
        (M,) float32
        """
        return np.array([kernel.TOP - matrix.max(1).sum(dtype=float) for matrix in self.matrices], np.float32)

    @cached_property
    def by_words(self) -> Tables:
        """Look-up tables for sequences at least as long as every motif: motifs of several widths share a table.

        Returns
        -------
        list of (columns, table)
            See `Tables`.
        """
        words = -(-self.widths // kernel.WORD)
        order = np.argsort(self.widths, kind="stable")
        for start in range(0, len(order), _TOGETHER):  # a block of the table takes as long as its widest motif
            words[order[start : start + _TOGETHER]] = words[order[start : start + _TOGETHER]].max()
        return self._tables(words)

    @cached_property
    def by_width(self) -> Tables:
        """Look-up tables for shorter sequences, one per width, since the overhang depends on the width.

        Returns
        -------
        list of (columns, table)
            See `Tables`.
        """
        return self._tables(self.widths)

    def _tables(self, kinds: np.ndarray) -> Tables:
        shared = [np.flatnonzero(kinds == kind) for kind in np.unique(kinds)]
        return [(columns, kernel.tables([self.matrices[i] for i in columns])) for columns in shared]

    def take(self, index: Sequence[int]) -> "Motifs":
        """The motifs at the places `index` (from 0), in that order."""
        fields = (self.names, self.ids, self.matrices, self.species)
        return Motifs(*(tuple(field[i] for i in index) for field in fields))


def log_odds(counts: np.ndarray) -> np.ndarray:
    """Log-odds in bits of a count matrix against a uniform background.

    Each position with n counts gets sqrt(n) pseudo-counts, a quarter to each base (Wasserman and Sandelin 2004).

    Parameters
    ----------
    counts : (W, 4) float
        Columns A C G T.

    Returns
    -------
    (W, 4) float32
        NaN at a position without counts.
    """
    total = counts.sum(1, keepdims=True)
    share = (counts + np.sqrt(total) / 4) / (total + np.sqrt(total))
    return np.log2(share * 4).astype(np.float32)


def jaspar(tax_groups: Sequence[str] = ("vertebrates",), collection: str = "CORE", release: str = RELEASE) -> Motifs:
    """The latest version of every matrix of a JASPAR collection, ordered by matrix id.

    The matrices are read from the database inside pyjaspar, never from the network. A matrix whose latest version is in
    another collection or group is left out.

    Parameters
    ----------
    tax_groups : sequence of str
        ``vertebrates``, ``plants``, ``insects``, ``nematodes``, ``fungi``, ``urochordates``, ...; in any case.
    collection : str
        In any case.
    release : str
        One of those that pyjaspar carries, e.g. ``JASPAR2026``.

    Returns
    -------
    Motifs

    Raises
    ------
    InputError
        pyjaspar does not carry the release, or the release has no such matrix.
    """
    return _jaspar(tuple(tax_groups), collection, release)


@cache
def tf_names(group: str) -> tuple[str, ...]:
    """Names of the TFs that have a CORE matrix in a group of JASPAR, each once, in alphabetical order."""
    from pyjaspar import jaspardb  # imported only where JASPAR is read

    found = jaspardb(release=RELEASE).conn.execute(_LATEST.format("?"), ["CORE", group])
    return tuple(sorted({name for _, name, _ in found}))


#: Latest versions of a collection in some groups; the latest is taken over all collections and groups.
_LATEST = """
    with last as (select BASE_ID, max(VERSION) as VERSION from MATRIX group by BASE_ID)
    select ID, NAME, BASE_ID || '.' || VERSION from MATRIX join last using (BASE_ID, VERSION)
    where COLLECTION = ? and ID in (select ID from MATRIX_ANNOTATION where TAG = 'tax_group' and VAL in ({}))
    order by ID
"""


def of_id(number: str, release: str = RELEASE) -> Motifs | None:
    """The matrix of an id, in whatever collection and group.

    Parameters
    ----------
    number : str
        With its version (``MA0093.3``) or without, for the latest; in any case.
    release : str
        See `jaspar`.

    Returns
    -------
    Motifs or None
        Of length 1; None if the release has no such matrix.

    Raises
    ------
    InputError
        pyjaspar does not carry the release.
    """
    base, _, version = number.upper().partition(".")
    ask = _database(release)
    every = "select ID, NAME, BASE_ID || '.' || VERSION from MATRIX where BASE_ID = ? order by VERSION desc"
    found = [row for row in ask(every, [base]) if not version or row[2] == f"{base}.{version}"]
    return _fetched(ask, found[:1]) if found else None


def _database(release: str):
    from pyjaspar import jaspardb  # imported only where JASPAR is read

    database = jaspardb()
    if release not in database.get_releases():
        raise InputError(f"JASPAR release {release!r} is not among {', '.join(database.get_releases())}")
    # `jaspardb.fetch_motifs` sends ten queries per matrix, 2 s in all; here three queries fetch everything
    return jaspardb(release=release).conn.execute


@cache  # a TF that JASPAR does not know is looked up in every group
def _jaspar(tax_groups: tuple[str, ...], collection: str, release: str) -> Motifs:
    ask = _database(release)
    groups = [group.lower() for group in tax_groups]
    found = ask(_LATEST.format(", ".join("?" * len(groups))), [collection.upper(), *groups]).fetchall()
    if not found:
        raise InputError(
            f"{release} has no matrix of collection {collection!r} and tax_groups {', '.join(tax_groups)}: "
            "check both names at jaspar.elixir.no"
        )
    return _fetched(ask, sorted(found, key=lambda motif: motif[2]))


def _fetched(ask, found: list[tuple[int, str, str]]) -> Motifs:
    # The motifs of these rows: number in the database, name, matrix id.
    wanted = [number for number, _, _ in found]
    listed = ", ".join(map(str, wanted))
    counts, species = defaultdict(list), defaultdict(list)
    for number, count in ask(f"select ID, val from MATRIX_DATA where ID in ({listed}) order by ID, row, col"):
        counts[number].append(float(count))
    for number, name in ask(f"select ID, TAX_ID from MATRIX_SPECIES where ID in ({listed}) order by rowid"):
        species[number].append(str(name))
    return Motifs(
        tuple(name for _, name, _ in found),
        tuple(name for _, _, name in found),
        tuple(log_odds(np.array(counts[number]).reshape(len(dna.ALPHABET), -1).T) for number in wanted),
        tuple(",".join(species[number]) for number in wanted),
    )


class Unknown(InputError):
    """No motif has the name that was asked for."""


def of_tf(name: str, motifs: Motifs | None = None) -> Motifs:
    """Motifs of one TF, best first: human, then mouse, then the rest; within each by matrix id, the older first.

    Parameters
    ----------
    name : str
        Name of the TF in any case (``GATA3`` also finds the mouse matrix ``Gata3``). A dimer is written ``FOS::JUN``,
        its parts in any order.
    motifs : Motifs, optional
        Where to look; the vertebrate motifs of `jaspar` by default.

    Returns
    -------
    Motifs

    Raises
    ------
    Unknown
        No motif has this name.
    """
    motifs = jaspar() if motifs is None else motifs
    wanted = parts(name)
    found = [i for i, other in enumerate(motifs.names) if parts(other) == wanted]
    if not found:
        raise Unknown(f"no motif is named {name!r}: use the TF's name as JASPAR spells it (a dimer: FOS::JUN)")

    def rank(i: int) -> tuple[int, str]:
        species = motifs.species[i].split(",")
        return (0 if _HUMAN in species else 1 if _MOUSE in species else 2), motifs.ids[i]

    return motifs.take(sorted(found, key=rank))


def parts(name: str) -> list[str]:
    """The TFs that a name joins by ``::``, in capitals and sorted, so that equal names have equal parts.

    A character that the id of a sheet cannot hold becomes ``-``: ``Su-H`` finds ``Su(H)``, ``GATA1-2-3`` finds
    ``GATA1/2/3``.
    """
    return sorted(re.sub(r"[^A-Z0-9_.-]+", "-", part).strip("-") for part in name.upper().split("::"))


def group_of(tf: str) -> tuple[Motifs, list[int]]:
    """All motifs of the first group of `GROUPS` that has one of this TF, and the places of its own.

    Parameters
    ----------
    tf : str
        Name of the TF in any case; a dimer is ``FOS::JUN``.

    Returns
    -------
    motifs : Motifs
        All motifs of the group; the vertebrate motifs if JASPAR does not know the TF.
    places : list of int
        Where in `motifs` those of the TF are, best first; empty if JASPAR does not know it.
    """
    for group in GROUPS:
        known = jaspar((group,))
        try:
            return known, [known.ids.index(name) for name in of_tf(tf, known).ids]
        except InputError:
            continue
    return jaspar(GROUPS[:1]), []


def known(
    tf: str = "",
    motif: str = "",
    file: str | os.PathLike = "",
    tax_groups: Sequence[str] = (),
    collection: str = "CORE",
    release: str = RELEASE,
) -> Motifs:
    """One matrix: from a file, or from JASPAR.

    Parameters
    ----------
    tf : str
        Name of the TF; looked up where `motif` is ''.
    motif : str
        Name (a dimer is ``FOS::JUN``) or matrix id (``MA0093.4``; without a version the latest) of the matrix. '' takes
        that of the TF, or the only one of the file.
    file : path
        See `io.matrices.read`; '' looks in JASPAR. Pseudo-counts are added as to every matrix of JASPAR.
    tax_groups : sequence of str
        JASPAR groups in which a name is looked up; empty tries each of `GROUPS` until one has it.
    collection, release : str
        Of JASPAR.

    Returns
    -------
    Motifs
        Of length 1. Of several of the name, in JASPAR the first of `of_tf`, in a file its first.

    Raises
    ------
    InputError
        The file cannot be read, or nothing is named `motif`.
    NotEstimable
        `motif` is '' and nothing is named like the TF.
    """
    if file:
        return _of_file(Path(file), tf, motif)
    if motif and _MATRIX_ID.fullmatch(motif) and (found := of_id(motif, release)) is not None:
        return found
    groups = [tuple(tax_groups)] if tax_groups else [(group,) for group in GROUPS]
    absent = []
    for group in groups:
        try:
            return of_tf(motif or tf, jaspar(group, collection, release)).take([0])
        except Unknown:
            continue
        except InputError as error:  # an early release lacks a group
            absent.append(error)
    if len(absent) == len(groups):
        raise absent[0]
    where = f"{release}, {collection}, {', '.join(name for group in groups for name in group)}"
    if motif:
        raise InputError(
            f"motif: {motif!r} is neither a name nor a matrix id of JASPAR ({where}); correct it, or give `file`"
        )
    raise NotEstimable(f"JASPAR has no matrix named {tf!r} ({where}); name one as `motif`, or give `file`")


def _of_file(path: Path, tf: str, motif: str) -> Motifs:
    read = matrices.read(path)
    names, ids = tuple(each.name for each in read), tuple(each.id for each in read)
    found = Motifs(names, ids, tuple(log_odds(each.counts) for each in read), ("",) * len(read))
    if not motif and len(found) == 1:
        return found
    wanted = parts(motif or tf)

    def symbol(name: str) -> str:
        # USF1_HUMAN.H11MO.0.A, USF1.H12CORE.0.P.B and Usf1(bHLH)/mm9 begin with the TF's name
        return re.split(r"[ _./(]", name)[0]

    for of in (str, symbol):
        for i, both in enumerate(zip(names, ids, strict=True)):
            if any(parts(of(name)) == wanted for name in both):
                return found.take([i])
    listed = ", ".join(names[:10]) + (f" and {len(found) - 10} more" if len(found) > 10 else "")
    if motif:
        raise InputError(f"{path}: no motif is named {motif!r}; it holds {listed}")
    raise NotEstimable(f"{path.name}: no motif is named {tf!r}; name one as `motif`: it holds {listed}")


def best_of(names: Sequence[str], motifs: Motifs | None = None) -> Motifs:
    """The best motif of each TF, in the order of the names.

    Parameters
    ----------
    names : sequence of str
        Names of TFs in any case; a dimer is ``FOS::JUN``.
    motifs : Motifs, optional
        Where to look; the vertebrate motifs of `jaspar` by default.

    Returns
    -------
    Motifs
        One per name: the first that `of_tf` gives.

    Raises
    ------
    InputError
        A TF has no motif.
    """
    motifs = jaspar() if motifs is None else motifs
    ids = [of_tf(name, motifs).ids[0] for name in names]
    return motifs.take([motifs.ids.index(number) for number in ids])


def score(tokens: np.ndarray, motifs: Motifs) -> tuple[np.ndarray, np.ndarray]:
    """Best site and mean odds of each motif in each sequence, over all positions and both strands.

    A sequence begins at its first known base and ends at its last, so padding changes nothing. An unknown base inside
    scores the mean of the motif's position. A motif longer than the sequence is tried at every position at which it
    covers the whole sequence; its overhang scores as unknown bases, and so does a sequence without a known base.

    Parameters
    ----------
    tokens : (N, L) uint8
    motifs : Motifs

    Returns
    -------
    maxima : (N, M) float32
        Bits of the best site.
    lse : (N, M) float32
        Bits: log2 of the *mean* over positions and strands of the odds 2^bits. As a mean it does not grow with length.

    Raises
    ------
    ValueError
        A token above 4.

    Notes
    -----
    This pair of features won ENCODE-DREAM (Keilwagen, Posch and Grau 2019). Against float64, errors stay below
    0.001 bit.
    """
    maxima, lse = np.empty((2, len(tokens), len(motifs)), np.float32)
    _score(tokens, motifs, maxima, lse)
    return maxima, lse


def maxima(tokens: np.ndarray, motifs: Motifs) -> np.ndarray:
    """Bits of the best site of each motif in each sequence: the first result of `score`, in less time.

    Parameters
    ----------
    tokens : (N, L) uint8
    motifs : Motifs

    Returns
    -------
    (N, M) float32

    Raises
    ------
    ValueError
        A token above 4.
    """
    found = np.empty((len(tokens), len(motifs)), np.float32)
    _score(tokens, motifs, found)
    return found


def occupancy(tokens: np.ndarray, motifs: Motifs) -> np.ndarray:
    """Log of the summed odds of each motif over all positions and both strands of each sequence.

    Parameters
    ----------
    tokens : (N, L) uint8
    motifs : Motifs

    Returns
    -------
    (N, M) float32
        Bits: log2 of the *sum* of the odds 2^bits. The sum grows with length, as binding does; the mean that `score`
        gives does not. Unknown bases and overhangs count as there.

    Raises
    ------
    ValueError
        A token above 4.
    """
    _, lse = score(tokens, motifs)
    _, size = _extent(tokens)
    return lse + np.log2(2 * (np.abs(size[:, None] - motifs.widths) + 1)).astype(np.float32)


def _extent(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # The first known base of each sequence, and how many bp there are from it to the last; 0 without a known base.
    known = tokens != dna.UNKNOWN
    first = known.argmax(1) if tokens.shape[1] else np.zeros(len(tokens), int)
    return first, np.where(known.any(1), dna.lengths(tokens) - first, 0)


def _score(tokens: np.ndarray, motifs: Motifs, maxima: np.ndarray, lse: np.ndarray | None = None) -> None:
    # Fills `maxima`, and `lse` where it is given, in place.
    if not tokens.shape[1]:
        tokens = np.full((len(tokens), 1), dna.UNKNOWN, np.uint8)
    first, size = _extent(tokens)
    widths, shift = motifs.widths, motifs.shift
    sizes, which = np.unique(size, return_inverse=True)
    sites = shift + np.log2(2 * (np.abs(sizes[:, None] - widths) + 1)).astype(np.float32)
    whole = size >= widths.max(initial=0)
    rooms = {}
    for start in range(0, len(tokens), _ROWS):
        part = slice(start, start + _ROWS)
        best, total = maxima[part], None if lse is None else lse[part]
        for shared in (True, False):
            rows = np.flatnonzero(whole[part] == shared)
            if len(rows):
                tables = motifs.by_words if shared else motifs.by_width
                if shared not in rooms:
                    rooms[shared] = _room(tables, min(len(tokens), _ROWS))
                _scan(tokens[part], first[part], size[part], rows, widths, tables, best, total, rooms[shared])
        faint = np.argwhere(best < _SMALLEST) if best.min(initial=1) < _SMALLEST else ()
        for odds, divisor in ((best, shift), (total, sites[which[part]] if len(sites) > 1 else sites)):
            if odds is not None:
                with np.errstate(divide="ignore"):
                    np.log2(odds, out=odds)
                odds -= divisor
        for i, column in faint:
            sequence = tokens[start + i, first[start + i] :][: size[start + i]]
            best[i, column], mean = _faint(sequence, motifs.matrices[column])
            if total is not None:
                total[i, column] = mean


def _scan(
    tokens: np.ndarray,
    first: np.ndarray,
    size: np.ndarray,
    rows: np.ndarray,
    widths: np.ndarray,
    tables: Tables,
    best: np.ndarray,
    total: np.ndarray | None,
    room: tuple[np.ndarray, np.ndarray],
) -> None:
    # Fills in the odds of the sequences `rows`, one table of motifs after the other.
    motif_places, found = room
    words, overhang, place = np.empty((0, 0), np.int32), None, 0
    best_found, total_found = found[0], None if total is None else found[1]
    for places, odds in tables:
        narrow = widths[places].min()
        needed = np.maximum(narrow - size[rows], 0)
        if not np.array_equal(needed, overhang):
            overhang = needed
            words = kernel.encode(tokens[rows], first[rows], size[rows], overhang, max(widths.max(), 8))
        out = best_found[place:], None if total is None else total_found[place:]
        kernel.scan(words, np.abs(size[rows] - narrow) + 1, odds, *out)
        place += len(odds)
    kernel.spread(best_found, rows, motif_places, best)
    if total is not None:
        kernel.spread(total_found, rows, motif_places, total)


def _room(tables: Tables, rows: int) -> tuple[np.ndarray, np.ndarray]:
    # Where each motif is in tables, and memory (2, B, rows, 8) for what is found, used again since to ask for new
    # memory costs more than to fill it. A block has an odd number of lines of the cache: places that are a power of two
    # apart would share a few of its lines.
    places, blocks = np.empty(sum(len(columns) for columns, _ in tables), np.int64), 0
    for columns, odds in tables:
        places[columns] = kernel.MOTIFS * blocks + np.arange(len(columns))
        blocks += len(odds)
    return places, np.empty((2, blocks, rows | 2, kernel.MOTIFS), np.float32)


def _faint(sequence: np.ndarray, matrix: np.ndarray) -> tuple[float, float]:
    # For sites whose odds are too small for float32 (over 200 bits below the best): rare, so plain float64 is enough.
    width, overhang = len(matrix), max(len(matrix) - len(sequence), 0)
    padded = np.pad(sequence, overhang, constant_values=dna.UNKNOWN)
    bits = np.concatenate([matrix, matrix.mean(1, keepdims=True)], 1).astype(float)
    other = np.concatenate([matrix[::-1, ::-1], matrix[::-1].mean(1, keepdims=True)], 1).astype(float)
    sites = np.lib.stride_tricks.sliding_window_view(padded, width)
    scores = np.concatenate([strand[np.arange(width), sites].sum(1) for strand in (bits, other)])
    return scores.max(), np.logaddexp2.reduce(scores) - np.log2(len(scores))
