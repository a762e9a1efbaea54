"""The simulated genome and its planted sites."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna, motifs
from tfbind.io import atomic
from tfbind.io.paths import COFACTORS
from tfbind.simulation import energies, settings


def genome(rng: np.random.Generator) -> tuple[dict[str, np.ndarray], list[tuple[str, int, int]]]:
    """A genome of random sequence: a first-order Markov chain with few CpG outside GC-rich islands.

    Parameters
    ----------
    rng : numpy Generator

    Returns
    -------
    dict of str to (length,) uint8
        Chromosome -> its tokens; both ends and one gap inside are unknown bases.
    list of (str, int, int)
        One blacklisted region of each chromosome: name, start, end (0-based half-open).
    """
    genome, blacklist = {}, []
    for name, length in settings.CHROMOSOMES.items():
        count = length // settings.PATCH
        drift = np.convolve(rng.standard_normal(count + 19), np.ones(20) / np.sqrt(20), "valid")
        island = rng.random(count) < 0.04
        gc = np.where(island, 0.64, 0.42 + 0.05 * drift).clip(0.32, 0.66)
        base = np.stack([1 - gc, gc, gc, 1 - gc], 1) / 2  # (patches, 4)
        step = np.repeat(base[:, None], 4, 1)
        step[:, 1, 2] *= np.where(island, 0.8, 0.22)
        climb = (step / step.sum(2, keepdims=True)).cumsum(2)
        text = np.empty((count, settings.PATCH), np.uint8)
        state = (rng.random((count, 1)) > base.cumsum(1)[:, :3]).sum(1)
        for i in range(settings.PATCH):
            state = (rng.random((count, 1)) > climb[np.arange(count), state][:, :3]).sum(1)
            text[:, i] = state
        genome[name] = text.reshape(-1)
        gap = int(rng.integers(20_000, length - 20_000))
        for start, end in ((0, 600), (gap, gap + int(rng.integers(300, 2000))), (length - 600, length)):
            genome[name][start:end] = dna.UNKNOWN
        start = int(rng.integers(20_000, length - 20_000))
        blacklist.append((name, start, start + int(rng.integers(1000, 3000))))
    return genome, blacklist


def plant(
    genome: dict[str, np.ndarray],
    blacklist: list[tuple[str, int, int]],
    known: Mapping[str, motifs.Motifs],
    rng: np.random.Generator,
) -> tuple[list[tuple[str, int]], pd.DataFrame]:
    """Write sites of motifs into `genome`, none over another, around regularly spaced elements.

    Parameters
    ----------
    genome : dict of str to (length,) uint8
        Chromosome -> its tokens; changed in place.
    blacklist : list of (str, int, int)
        Regions without elements: chromosome, start, end (0-based half-open).
    known : mapping of str to Motifs
        TF -> its motif, the TFs and the co-factors.
    rng : numpy Generator

    Returns
    -------
    list of (str, int)
        The elements: chromosome and centre (0-based), about `settings.SPACING` bp apart; no unknown base and
        no blacklisted region lies within `settings.WIDE` bp.
    DataFrame
        The sites: `name` (of the TF), `element` (index), `chrom`, `start`, `end` (0-based half-open), `strand`, `bits`
        (log-odds score).
    """
    elements = []
    for chrom, text in genome.items():
        taboo = text == dna.UNKNOWN
        for _, start, end in (region for region in blacklist if region[0] == chrom):
            taboo[start:end] = True
        near = np.concatenate([[0], taboo.cumsum()])
        for start in range(1000, len(text) - 1000, settings.SPACING):
            centre = start + int(rng.integers(0, settings.SPACING - settings.WIDE))
            if near[centre + settings.WIDE] == near[centre - settings.WIDE]:
                elements.append((chrom, centre))
    taken = {chrom: np.zeros(len(text), bool) for chrom, text in genome.items()}
    rows = []
    for name, found in known.items():
        matrix = found.matrices[0]
        width = len(matrix)
        share = settings.PLANTED_COFACTOR if name in COFACTORS.values() else settings.PLANTED
        for index in np.flatnonzero(rng.random(len(elements)) < share):
            chrom, centre = elements[index]
            start = centre + int(rng.integers(-45, 46 - width))
            two = energies.sites(matrix, 2, rng)  # the better of two, as selection would keep it
            site, strand = two[matrix[np.arange(width), two].sum(1).argmax()], "+-"[rng.integers(2)]
            if taken[chrom][start : start + width].any():
                continue
            taken[chrom][start : start + width] = True
            genome[chrom][start : start + width] = site if strand == "+" else 3 - site[::-1]
            bits = float(matrix[np.arange(width), site].sum())
            rows.append((name, int(index), chrom, start, start + width, strand, round(bits, 3)))
    return elements, pd.DataFrame(rows, columns=["name", "element", "chrom", "start", "end", "strand", "bits"])


def write_genome(folder: Path, genome: dict[str, np.ndarray], blacklist: list, rng: np.random.Generator) -> None:
    """Write ``genome.fa``, some of it in lower case as repeats are, and ``blacklist.bed``.

    Parameters
    ----------
    folder : path
    genome : dict of str to (length,) uint8
        Chromosome -> its tokens.
    blacklist : list of (str, int, int)
        Regions: chromosome, start, end (0-based half-open).
    rng : numpy Generator
        Chooses the repeats.
    """
    text = bytearray()
    for name, tokens in genome.items():
        letters = np.frombuffer(b"ACGTN", np.uint8)[tokens]
        for start in rng.integers(0, len(letters), len(letters) // 1500):
            letters[start : start + rng.integers(100, 600)] |= 32  # lower case: repeats
        text += f">{name}\n".encode()
        for start in range(0, len(letters), 60):
            text += letters[start : start + 60].tobytes() + b"\n"
    with atomic.replacing(folder / "genome.fa") as temporary:
        temporary.write_bytes(text)
    with atomic.replacing(folder / "blacklist.bed") as temporary:
        temporary.write_text("".join(f"{chrom}\t{start}\t{end}\n" for chrom, start, end in blacklist))
