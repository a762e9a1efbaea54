"""Simulated reads of selected inserts: HT-SELEX, SELEX-seq, SMiLE-seq.

Each assay is a function of the TF's energies. What they share: a random library, in which an insert stays from cycle to
cycle in proportion to its occupancy.
"""

import gzip
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.io import atomic
from tfbind.io.paths import CYCLES, LATE
from tfbind.simulation import settings
from tfbind.simulation.energies import Energies, occupied, sites

#: Cycle, tokens of its inserts, and the share of them that is bound (their mean occupancy).
Cycle = tuple[int, np.ndarray, float]


def htselex(energies: Energies, reads: int, rng: np.random.Generator) -> Iterator[Cycle]:
    """HT-SELEX: a random library, selected four times, each cycle sequenced.

    The traits of the real assay: inserts of 20 bp, with weak sites and unbound inserts carried along (beads keep 8 % of
    what is not bound), PCR duplicates, and molecules that amplify better than others.

    Parameters
    ----------
    energies : Energies
    reads : int
        Reads of each cycle; an eighth are drawn again from the others, as PCR duplicates.
    rng : numpy Generator

    Yields
    ------
    int, (reads, 20) uint8, float
        See `Cycle`; the cycles 1 to 4.
    """
    yield from _selected(energies, reads, settings.INSERT["htselex"], settings.CARRIED["htselex"], CYCLES, rng)


def selexseq(energies: Energies, reads: int, rng: np.random.Generator) -> Iterator[Cycle]:
    """SELEX-seq: short inserts, one late cycle beside cycle 0.

    The traits of the real assay: inserts of 16 bp, bound ones cut out of a gel (which keeps 2 % of the others), few
    cycles, and a table of counts, without the flanks.

    Parameters
    ----------
    energies : Energies
    reads : int
        As of `htselex`.
    rng : numpy Generator

    Yields
    ------
    int, (reads, 16) uint8, float
        See `Cycle`; cycle `LATE` alone.
    """
    selected = _selected(
        energies,
        reads,
        settings.INSERT["selexseq"],
        settings.CARRIED["selexseq"],
        range(1, LATE + 1),
        rng,
    )
    yield from (cycle for cycle in selected if cycle[0] == LATE)


def smileseq(energies: Energies, reads: int, rng: np.random.Generator) -> Iterator[Cycle]:
    """SMiLE-seq: one round of selection in a microfluidic chip.

    The traits of the real assay: inserts of 30 bp, a trap that keeps few of the unbound inserts (0.2 %), so
    that one round is enough, and no sequenced initial library.

    Parameters
    ----------
    energies : Energies
    reads : int
        As of `htselex`.
    rng : numpy Generator

    Yields
    ------
    int, (reads, 30) uint8, float
        See `Cycle`; cycle 1 alone.
    """
    yield from _selected(energies, reads, settings.INSERT["smileseq"], settings.CARRIED["smileseq"], (1,), rng)


def library(reads: int, insert: int, rng: np.random.Generator) -> np.ndarray:
    """The initial library, cycle 0: uniform random inserts.

    Parameters
    ----------
    reads : int
    insert : int
        In bp.
    rng : numpy Generator

    Returns
    -------
    (reads, insert) uint8
        Tokens.
    """
    return rng.integers(0, 4, (reads, insert), dtype=np.uint8)


def _selected(
    energies: Energies, reads: int, insert: int, carried: float, cycles: Iterable[int], rng: np.random.Generator
) -> Iterator[Cycle]:
    # A library of 10^13 molecules is too large to write down. A mixture of random inserts and inserts with a site drawn
    # from a matrix at a random place and strand stands for it. The density of the second kind, relative to the first,
    # is exactly the mean odds over places and strands, so the inverse of the mixture's density weights every candidate
    # back to the uniform library.
    candidates = library(settings.POOL, insert, rng)
    share = 0.5
    planted = np.flatnonzero(rng.random(settings.POOL) < share)
    matrices = energies.motifs.matrices
    for number, matrix in enumerate(matrices):
        mine, width = planted[number :: len(matrices)], len(matrix)
        site = sites(matrix, len(mine), rng)
        site = np.where(rng.random((len(mine), 1)) < 0.5, site, 3 - site[:, ::-1])
        start = rng.integers(0, insert - width + 1, len(mine))
        candidates[mine[:, None], start[:, None] + np.arange(width)] = site
    of_each = energies.of_each(candidates)
    odds = energies.total(of_each)
    weight = 1 / (1 - share + (share * of_each / energies.places(insert)).mean(1))
    weight /= weight.sum()
    occupancy = occupied(odds, weight)
    for cycle in cycles:
        # some molecules amplify better than others
        weight = weight * (occupancy + carried * (1 - occupancy)) * np.exp(0.3 * rng.standard_normal(settings.POOL))
        weight /= weight.sum()
        chosen = rng.choice(settings.POOL, reads - reads // 8, p=weight)
        chosen = np.concatenate([chosen, rng.choice(chosen, reads // 8)])  # PCR duplicates
        rng.shuffle(chosen)
        yield cycle, candidates[chosen], float(occupancy[chosen].mean())


def write_counts(path: Path, cycles: dict[int, np.ndarray]) -> None:
    """Write a gzip table of counts: `sequence`, and the reads of each cycle.

    Parameters
    ----------
    path : path
    cycles : dict of int to (N, L) uint8
        Cycle -> tokens of its inserts.
    """
    counts = {
        cycle: pd.Series(dna.decode(inserts, np.full(len(inserts), inserts.shape[1]))).value_counts()
        for cycle, inserts in cycles.items()
    }
    table = pd.DataFrame(counts).fillna(0).astype(int).sort_index()
    write_gzip(path, table.to_csv(sep="\t", index_label="sequence", lineterminator="\n"))


def write_reads(path: Path, inserts: np.ndarray, rng: np.random.Generator) -> None:
    """Write a gzip FASTQ of the inserts between their flanks.

    One read in a hundred has an error in its left flank, one in 200 an unknown base in its insert.

    Parameters
    ----------
    path : path
        Its name up to the first dot is the name of the reads.
    inserts : (N, L) uint8
        Tokens.
    rng : numpy Generator
        Of errors and qualities.
    """
    count = len(inserts)
    flanks = dna.encode([settings.LEFT_FLANK, settings.RIGHT_FLANK])
    reads = np.concatenate([np.tile(flanks[0], (count, 1)), inserts, np.tile(flanks[1], (count, 1))], 1)
    wrong = np.flatnonzero(rng.random(count) < 0.01)
    reads[wrong, rng.integers(0, len(settings.LEFT_FLANK), len(wrong))] ^= 1
    unread = np.flatnonzero(rng.random(count) < 0.005)
    reads[unread, len(settings.LEFT_FLANK) + rng.integers(0, inserts.shape[1], len(unread))] = dna.UNKNOWN
    quality = rng.integers(ord("5"), ord("J"), (count, reads.shape[1]), dtype=np.uint8).tobytes().decode()
    width = reads.shape[1]
    name = path.name.split(".")[0]
    text = io.StringIO()
    for number, read in enumerate(dna.decode(reads, np.full(count, width))):
        text.write(f"@{name}.{number + 1}\n{read}\n+\n{quality[number * width : (number + 1) * width]}\n")
    write_gzip(path, text.getvalue())


def write_gzip(path: Path, text: str) -> None:
    """Write a gzip file without a time, so that equal texts are equal files.

    Parameters
    ----------
    path : path
    text : str
    """
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode(), 6, mtime=0))
