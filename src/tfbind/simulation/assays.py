"""Simulated ChIP-seq peaks and SELEX reads."""

import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd

from tfbind import dna, motifs
from tfbind.io import atomic
from tfbind.io.paths import CYCLES
from tfbind.simulation import settings


def width(motif: motifs.Motifs) -> int:
    """Length of a motif in bp."""
    return len(motif.matrices[0])


def sites(matrix: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Sites drawn at random from a motif.

    Parameters
    ----------
    matrix : (W, 4) float
        Log-odds in bits, columns A C G T.
    count : int
    rng : numpy Generator

    Returns
    -------
    (count, W) uint8
        Tokens.
    """
    share = np.exp2(matrix.astype(float))
    climb = (share / share.sum(1, keepdims=True)).cumsum(1)
    return (rng.random((count, len(matrix), 1)) > climb[:, :3]).sum(2).astype(np.uint8)


def _odds(tokens: np.ndarray, motif: motifs.Motifs) -> np.ndarray:
    """Summed odds over all sites of both strands: (N,) float64."""
    lse = motifs.score(tokens, motif)[1][:, 0].astype(float)
    return np.exp2(lse) * 2 * (tokens.shape[1] - width(motif) + 1)


def chip(
    dataset: str,
    motif: motifs.Motifs,
    planted: pd.DataFrame,
    regions: tuple[list[tuple[str, int]], np.ndarray, np.ndarray, np.ndarray],
    options: tuple[int, float, float, float],
    blacklist: list[tuple[str, int, int]],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, dict]:
    """Peaks of a simulated ChIP-seq experiment, and what caused each.

    Parameters
    ----------
    dataset : str
        Peaks are named ``{dataset}_{i}``, the strongest first.
    motif : Motifs
        Of the TF, one matrix.
    planted : DataFrame
        Its planted sites, as `genome.plant` gives them.
    regions : (list, (E, W) uint8, (E,) float64, (E,) bool)
        The elements (chromosome and centre), their tokens, the natural log of their accessibility before the co-factor
        acts, and whether each has a site of the co-factor.
    options : (int, float, float, float)
        `peaks`, the `cofactor` of this cell, `noise` and `gc_bias` of `simulate.study`.
    blacklist : list of (str, int, int)
        Regions that give one artefact each: chromosome, start, end (0-based half-open).
    rng : numpy Generator

    Returns
    -------
    DataFrame
        The ten columns of narrowPeak, strongest first.
    dict
        `share` of the peaks by cause (``site``, ``weak``, ``tethered``, ``artefact``), the share `with_cofactor`, and
        `peaks`: name -> [cause, whether its element has a site of the co-factor].
    """
    elements, tokens, openness, helped = regions
    count, cofactor, noise, gc_bias = options
    odds = _odds(tokens, motif)
    odds /= np.quantile(odds[planted["element"]], 1 - settings.STRONG)
    occupancy = odds / (1 + odds)
    tethered = helped & (rng.random(len(elements)) < settings.TETHERED * -np.expm1(-cofactor))
    gc = dna.gc(tokens)
    signal = np.log(occupancy + 0.5 * tethered + 0.01) + openness + cofactor * helped
    signal += gc_bias * (gc - gc.mean()) / gc.std() + noise * rng.standard_normal(len(elements))
    signal = np.exp(signal)
    centre = dict(zip(planted["element"], (planted["start"] + planted["end"]) // 2, strict=True))
    rows = []
    for index in np.argsort(-signal, kind="stable")[:count]:
        chrom, middle = elements[index]
        cause = "site" if occupancy[index] >= 0.5 else "tethered" if tethered[index] else "weak"
        bound = index in centre and cause != "tethered"
        summit = round((centre[index] if bound else middle) + (10 if bound else 25) * rng.standard_normal())
        rows.append((chrom, summit, signal[index], cause, bool(helped[index])))
    for chrom, start, end in blacklist:
        rows.append((chrom, int(rng.integers(start, end)), signal.max() * rng.uniform(0.5, 2), "artefact", False))
    rows.sort(key=lambda row: -row[2])
    strongest = rows[0][2]
    peaks, causes = [], {}
    for number, (chrom, summit, height, cause, with_cofactor) in enumerate(rows, 1):
        start = summit - int(rng.integers(90, 260))
        end = summit + int(rng.integers(90, 260))
        name, score = f"{dataset}_{number}", round(1000 * height / strongest)
        peaks.append((chrom, start, end, name, score, ".", height, -1, -1, summit - start))
        causes[name] = [cause, with_cofactor]
    shares = pd.DataFrame(causes.values(), columns=["cause", "cofactor"])
    return pd.DataFrame(peaks), {
        "share": shares["cause"].value_counts(normalize=True).to_dict(),
        "with_cofactor": shares["cofactor"].mean(),
        "peaks": causes,
    }


def selex(motif: motifs.Motifs, reads: int, rng: np.random.Generator):
    """Inserts of each SELEX cycle.

    A library of 10^13 molecules is too large to write down. A mixture of random inserts and inserts with a site drawn
    from the motif at a random place and strand stands for it. The density of the second kind, relative to the first, is
    exactly the mean odds over places and strands, so the inverse of the mixture's density weights every candidate back
    to the uniform library.

    Parameters
    ----------
    motif : Motifs
        Of the TF, one matrix.
    reads : int
        Reads of each cycle; an eighth are drawn again from the others, as PCR duplicates.
    rng : numpy Generator

    Yields
    ------
    int, (reads, settings.INSERT) uint8, float
        Cycle, tokens of its inserts, and the share of them that is bound (their mean occupancy).
    """
    matrix = motif.matrices[0]
    width = len(matrix)
    candidates = rng.integers(0, 4, (settings.POOL, settings.INSERT), dtype=np.uint8)
    share = 0.5
    planted = np.flatnonzero(rng.random(settings.POOL) < share)
    site = sites(matrix, len(planted), rng)
    site = np.where(rng.random((len(planted), 1)) < 0.5, site, 3 - site[:, ::-1])
    start = rng.integers(0, settings.INSERT - width + 1, len(planted))
    candidates[planted[:, None], start[:, None] + np.arange(width)] = site
    odds = _odds(candidates, motif)
    weight = 1 / (1 - share + share * odds / (2 * (settings.INSERT - width + 1)))
    weight /= weight.sum()
    low, high = -60.0, 60.0  # log2 of the concentration at which `settings.BOUND` of the library is bound
    for _ in range(60):
        middle = (low + high) / 2
        bound = (weight * (odds / (odds + 2**-middle))).sum()
        low, high = (middle, high) if bound < settings.BOUND else (low, middle)
    occupancy = odds / (odds + 2**-low)
    for cycle in CYCLES:
        # some molecules amplify better than others
        weight = (
            weight * (occupancy + settings.CARRIED * (1 - occupancy)) * np.exp(0.3 * rng.standard_normal(settings.POOL))
        )
        weight /= weight.sum()
        chosen = rng.choice(settings.POOL, reads - reads // 8, p=weight)
        chosen = np.concatenate([chosen, rng.choice(chosen, reads // 8)])  # PCR duplicates
        rng.shuffle(chosen)
        yield cycle, candidates[chosen], float(occupancy[chosen].mean())


def write_reads(path: Path, inserts: np.ndarray, rng: np.random.Generator) -> None:
    """Write a gzip FASTQ of the inserts between their flanks.

    One read in a hundred has an error in its left flank, one in 200 an unknown base in its insert.

    Parameters
    ----------
    path : path
        Its name up to the first dot is the name of the reads.
    inserts : (N, settings.INSERT) uint8
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
    reads[unread, len(settings.LEFT_FLANK) + rng.integers(0, settings.INSERT, len(unread))] = dna.UNKNOWN
    quality = rng.integers(ord("5"), ord("J"), (count, reads.shape[1]), dtype=np.uint8).tobytes().decode()
    width = reads.shape[1]
    name = path.name.split(".")[0]
    text = io.StringIO()
    for number, read in enumerate(dna.decode(reads, np.full(count, width))):
        text.write(f"@{name}.{number + 1}\n{read}\n+\n{quality[number * width : (number + 1) * width]}\n")
    with atomic.replacing(path) as temporary:
        # no time, so that equal reads are equal files
        temporary.write_bytes(gzip.compress(text.getvalue().encode(), 6, mtime=0))
