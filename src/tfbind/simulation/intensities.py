"""Simulated intensities of probes: protein-binding microarrays (PBM)."""

from functools import cache

import numpy as np
import pandas as pd

from tfbind import dna, seeding
from tfbind.simulation import settings
from tfbind.simulation.energies import Energies, occupied


@cache
def probes(design: str) -> np.ndarray:
    """The probes of an array: windows of a de Bruijn sequence, each of which overlaps the next.

    Every word of `settings.WORD` bp stands on the array once (and its reverse complement once), so every 8-mer four
    times. A design is a product: it is the same in all studies.

    Parameters
    ----------
    design : str
        Another name is another sequence.

    Returns
    -------
    (P, settings.PROBE) uint8
        Tokens, in the order of the spots. The constant end is not among them.
    """
    rng = seeding.generator("simulate", "design", design)
    sequence = _de_bruijn(settings.WORD, rng)
    step = settings.PROBE - settings.WORD + 1
    count = -(-len(sequence) // step)
    sequence = np.resize(sequence, count * step + settings.WORD - 1)  # a circle
    return rng.permutation(np.lib.stride_tricks.sliding_window_view(sequence, settings.PROBE)[::step])


def _de_bruijn(word: int, rng: np.random.Generator) -> np.ndarray:
    # A random circle in which each word stands once: an Eulerian circuit (Hierholzer) through the words of one less.
    nodes = 4 ** (word - 1)
    exits = rng.permuted(np.tile(np.arange(4), (nodes, 1)), axis=1).tolist()
    path, circle = [0], []
    while path:
        if left := exits[path[-1]]:
            path.append((path[-1] * 4 + left.pop()) % nodes)
        else:
            circle.append(path.pop() % 4)
    return np.array(circle[:0:-1], np.uint8)


def pbm(energies: Energies, design: str, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """PBM: the fluorescence of a tagged TF on double-stranded probes of an array.

    The traits of the real assay: probes of 35 bp that hold every 8-mer, on a constant end of 24 bp at the glass; the
    signal saturates with the occupancy and has a floor that all probes share; noise that grows with the signal; a
    background around each spot; a gradient over the array, which has nothing to do with the sequences; a few spots
    with dust or scratches, flagged.

    Parameters
    ----------
    energies : Energies
        Of the TF.
    design : str
        See `probes`.
    rng : numpy Generator

    Returns
    -------
    DataFrame
        `sequence` (59 bp, with the constant end), `signal` (raw, with the background in it), `background` (local),
        `flag` (1: a bad spot), `row`, `col` (of the spot, from 0).
    dict
        `bound`: the mean occupancy of the probes; `trend`: natural log of the signal at the last row and column over
        that at the first.
    """
    variable = probes(design)
    tokens = np.concatenate([variable, np.tile(dna.encode([settings.PROBE_END])[0], (len(variable), 1))], 1)
    odds = energies.odds(tokens)
    occupancy = occupied(odds, np.full(len(odds), 1 / len(odds)))
    side = int(np.ceil(np.sqrt(len(tokens))))
    row, col = np.divmod(np.arange(len(tokens)), side)
    trend = settings.TREND * rng.choice([-1, 1], 2)
    across = trend[0] * (row / (side - 1) - 0.5) + trend[1] * (col / (side - 1) - 0.5)
    signal = settings.BRIGHT * (occupancy + settings.DARK) * np.exp(across)
    signal *= np.exp(settings.SPOT * rng.standard_normal(len(tokens)))
    background = settings.AROUND * np.exp(0.5 * across + 0.2 * rng.standard_normal(len(tokens)))
    flagged = rng.random(len(tokens)) < settings.FLAGGED
    signal[flagged] *= np.exp(2 * rng.standard_normal(flagged.sum()))
    return pd.DataFrame(
        {"sequence": dna.decode(tokens, np.full(len(tokens), tokens.shape[1])), "signal": signal + background}
        | {"background": background, "flag": flagged.astype(int), "row": row, "col": col}
    ).round(1), {"bound": float(occupancy.mean()), "trend": trend.tolist()}
