"""Known motifs (JASPAR) and how well each sequence matches them.

All scores are in bits: the log2 of how much likelier the motif makes a site than a uniform background does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pyjaspar import jaspardb

from tfbind import dna
from tfbind.faults import InputError
from tfbind.kernels import motifs as kernel

#: The release that pyjaspar carries inside, named so that a new one never changes a result unasked.
RELEASE = "JASPAR2026"
_HUMAN, _MOUSE = "9606", "10090"
_COLUMNS = 256  # of a table: both strands of 128 motifs; the fastest of 64 to 512
_SMALLEST = np.float32(2.0**-100)  # below this the sums of the kernel begin to lose digits


@dataclass(frozen=True)
class Motifs:
    """Motifs in a fixed order.

    Parameters
    ----------
    names, ids : tuple of str
        Factor name and matrix id with its version, e.g. ``USF1`` and ``MA0093.4``.
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

    def take(self, index: Sequence[int]) -> "Motifs":
        """The motifs at these places, in this order."""
        fields = (self.names, self.ids, self.matrices, self.species)
        return Motifs(*(tuple(field[i] for i in index) for field in fields))


def log_odds(counts: np.ndarray) -> np.ndarray:
    """Log-odds in bits of a count matrix against a uniform background.

    Each position with n counts gets sqrt(n) pseudo-counts, a quarter to each base (Wasserman and Sandelin 2004).

    Parameters
    ----------
    counts : (W, 4) float

    Returns
    -------
    (W, 4) float32
    """
    total = counts.sum(1, keepdims=True)
    share = (counts + np.sqrt(total) / 4) / (total + np.sqrt(total))
    return np.log2(share * 4).astype(np.float32)


def jaspar(tax_groups: Sequence[str] = ("vertebrates",), collection: str = "CORE", release: str = RELEASE) -> Motifs:
    """The latest version of every matrix of a JASPAR collection, by matrix id; read from disk, never the network.

    Parameters
    ----------
    tax_groups : sequence of str
        ``vertebrates``, ``plants``, ``insects``, ``nematodes``, ``fungi``, ``urochordates``, ...
    collection : str
    release : str
        One of those that pyjaspar carries, e.g. ``JASPAR2026``.
    """
    return _jaspar(tuple(tax_groups), collection, release)


@lru_cache(maxsize=4)
def _jaspar(tax_groups: tuple[str, ...], collection: str, release: str) -> Motifs:
    database = jaspardb()
    if release not in database.get_releases():
        raise InputError(f"JASPAR release {release!r} is not among {', '.join(database.get_releases())}")
    found = jaspardb(release=release).fetch_motifs(collection=collection, tax_group=list(tax_groups))
    if not found:
        raise InputError(
            f"{release} has no matrix of collection {collection!r} and tax_groups {', '.join(tax_groups)}: "
            "check both names at jaspar.elixir.no"
        )
    found = sorted(found, key=lambda motif: motif.matrix_id)
    return Motifs(
        tuple(motif.name for motif in found),
        tuple(motif.matrix_id for motif in found),
        tuple(log_odds(np.array([motif.counts[base] for base in dna.ALPHABET], float).T) for motif in found),
        tuple(",".join(map(str, motif.species or ())) for motif in found),
    )


def of_tf(name: str, motifs: Motifs | None = None) -> Motifs:
    """Motifs of one factor, best first: human, then mouse, then the rest; the older matrix first within each.

    Parameters
    ----------
    name : str
        Factor name in any case (``GATA3`` also finds the mouse matrix ``Gata3``); a dimer is written ``FOS::JUN``.
    motifs : Motifs, optional
        Where to look; the vertebrate motifs of `jaspar` by default.
    """
    motifs = jaspar() if motifs is None else motifs
    found = [i for i, other in enumerate(motifs.names) if other.upper() == name.upper()]
    if not found:
        raise InputError(f"no motif is named {name!r}: use the factor's name as JASPAR spells it")

    def rank(i: int) -> tuple[int, str]:
        species = motifs.species[i].split(",")
        return (0 if _HUMAN in species else 1 if _MOUSE in species else 2), motifs.ids[i]

    return motifs.take(sorted(found, key=rank))


def best_of(names: Sequence[str], motifs: Motifs | None = None) -> Motifs:
    """The best motif of each factor (`of_tf`), in the order of the names."""
    motifs = jaspar() if motifs is None else motifs
    ids = [of_tf(name, motifs).ids[0] for name in names]
    return motifs.take([motifs.ids.index(number) for number in ids])


def score(tokens: np.ndarray, motifs: Motifs) -> tuple[np.ndarray, np.ndarray]:
    """How well each sequence matches each motif, over all positions and both strands.

    A sequence is what lies between its first and last known base, so padding changes nothing. An unknown base inside
    scores the mean of the motif's position. A motif longer than the sequence slides so that it always covers the whole
    sequence; its overhang scores as unknown bases.

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

    Notes
    -----
    The pair of features that won ENCODE-DREAM (Keilwagen, Posch and Grau 2019). Against float64, errors stay below
    0.001 bit.
    """
    if not tokens.shape[1]:
        tokens = np.full((len(tokens), 1), dna.UNKNOWN, np.uint8)
    known = tokens != dna.UNKNOWN
    first = known.argmax(1)
    size = np.where(known.any(1), dna.lengths(tokens) - first, 0)
    maxima = np.empty((len(tokens), len(motifs)), np.float32)
    lse = np.empty_like(maxima)
    widths = np.array([len(matrix) for matrix in motifs.matrices])
    for width in np.unique(widths):
        places = np.flatnonzero(widths == width)
        for start in range(0, len(places), _COLUMNS // 2):
            chosen = places[start : start + _COLUMNS // 2]
            forward = np.stack([motifs.matrices[i] for i in chosen])  # (C, W, 4)
            odds, shift = kernel.tables(np.concatenate([forward, forward[:, ::-1, ::-1]]))
            shift, count = shift[: len(chosen)], 2 * (np.abs(size - width) + 1)
            best, total = kernel.scan(tokens, first, size, width, odds)
            best = np.maximum(best[:, : len(chosen)], best[:, len(chosen) :])
            total = total[:, : len(chosen)] + total[:, len(chosen) :]
            faint = np.argwhere(best < _SMALLEST)
            maxima[:, chosen] = np.log2(np.maximum(best, _SMALLEST)) - shift
            lse[:, chosen] = np.log2(np.maximum(total, _SMALLEST) / count[:, None]) - shift
            for row, column in faint:
                sequence = tokens[row, first[row] : first[row] + size[row]]
                maxima[row, chosen[column]], lse[row, chosen[column]] = _faint(sequence, forward[column])
    return maxima, lse


def _faint(sequence: np.ndarray, matrix: np.ndarray) -> tuple[float, float]:
    # Sites too unlikely for float32 odds (over 200 bits below the best): rare, so plain float64 log-odds will do.
    width, overhang = len(matrix), max(len(matrix) - len(sequence), 0)
    padded = np.pad(sequence, overhang, constant_values=dna.UNKNOWN)
    bits = np.concatenate([matrix, matrix.mean(1, keepdims=True)], 1).astype(float)
    other = np.concatenate([matrix[::-1, ::-1], matrix[::-1].mean(1, keepdims=True)], 1).astype(float)
    sites = np.lib.stride_tricks.sliding_window_view(padded, width)
    scores = np.concatenate([strand[np.arange(width), sites].sum(1) for strand in (bits, other)])
    return scores.max(), np.logaddexp2.reduce(scores) - np.log2(len(scores))
