"""The AUROC of a perfect model: the truth with which the drops of a study are compared.

A perfect model of an experiment knows what is planted there: the TF's energies and, in a cell, the co-factor and the
effect of open chromatin on the signal. It sees the sequence alone, as any model of tfbind does. Its AUROC on another
experiment, below that of the other's own perfect model, is the drop that no training can avoid.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.io.paths import CYCLES
from tfbind.kernels import ranks, shuffle
from tfbind.simulation import settings
from tfbind.simulation.peaks import Experiment, Ground

#: (N, L) uint8 tokens -> (N,) scores, a higher one for what is more likely bound.
Model = Callable[[np.ndarray], np.ndarray]


class Target(NamedTuple):
    """Positives and negatives of one experiment: (P, L) and (U, L) uint8; None for shuffles of the positives."""

    positives: np.ndarray
    negatives: np.ndarray | None


def model(experiment: Experiment, ground: Ground, leak: float = 0.0) -> Model:
    """The perfect model of an experiment.

    Parameters
    ----------
    experiment : Experiment
        Without a cell its energies are all that there is to know.
    ground : Ground
    leak : float
        Signal of chromatin without any binding (`settings.LEAK`).

    Returns
    -------
    Model
        Log-sum-exp of the TF's energies over all places and both strands; in a cell, the mean log signal that they and
        the energies of the co-factor lead to.
    """
    if not experiment.cell:
        return lambda tokens: np.log(experiment.energies.odds(tokens))
    unit, other = ground.unit(experiment.energies), ground.unit(experiment.cofactor)
    tethers = 0.5 * settings.TETHERED * -np.expm1(-experiment.raised)

    def score(tokens: np.ndarray) -> np.ndarray:
        bound, helped = (
            odds / (odds + half)
            for odds, half in ((experiment.energies.odds(tokens), unit), (experiment.cofactor.odds(tokens), other))
        )
        opened = experiment.raised * helped
        return np.log(bound + tethers * helped + 0.01 + leak * np.exp(opened)) + opened

    return score


def bins(table: pd.DataFrame, ground: Ground, length: int) -> Target:
    """The bins that the last cycle of GHT-SELEX enriches.

    Parameters
    ----------
    table : DataFrame
        As `peaks.ghtselex` gives it.
    ground : Ground
    length : int
        Length of a window in bp.

    Returns
    -------
    Target
        Positives: windows in the middle of bins with at least twice the share of the reads that they had in cycle 0, by
        more than three standard deviations of the two counts; of neighbours the one with the largest ratio.
    """
    first, last = table["cycle_0"].to_numpy(), table[f"cycle_{CYCLES[-1]}"].to_numpy()
    before = first * last.sum() / first.sum()
    ratio = (last + 1) / (before + 1)
    rises = (ratio >= 2) & (last - before > 3 * np.sqrt(last + before * last.sum() / first.sum()))
    found = table.assign(ratio=ratio)[rises]
    joined = (found["chrom"] != found["chrom"].shift()) | (found["start"] != found["end"].shift())
    best = found.loc[found.groupby(joined.cumsum())["ratio"].idxmax()]
    return Target(ground.windows(best["chrom"], (best["start"] + best["end"]).to_numpy() // 2, length), None)


def probes(table: pd.DataFrame, trend: Sequence[float]) -> Target:
    """Positives and negatives among the probes of a PBM, without their constant end.

    Parameters
    ----------
    table : DataFrame
        As `intensities.pbm` gives it. Flagged spots are left out.
    trend : (float, float)
        The gradient over the array (natural log, last over first row and column), which is divided out.

    Returns
    -------
    Target
        Positives: the signal, less background, lies `settings.THRESHOLD` robust standard deviations (1.4826 times the
        median absolute deviation) above the median.
    """
    table = table[table["flag"] == 0]
    across = sum(rise * table[name] / table[name].max() for name, rise in zip(("row", "col"), trend, strict=True))
    level = ((table["signal"] - table["background"]) / np.exp(across)).to_numpy()
    above = level - np.median(level)
    positive = above >= settings.THRESHOLD * 1.4826 * np.median(np.abs(above))
    tokens = dna.encode(table["sequence"].str[: settings.PROBE].tolist())
    return Target(tokens[positive], tokens[~positive])


def aurocs(target: Target, models: Mapping[str, Model], rng: np.random.Generator) -> dict[str, float]:
    """The AUROC of several models on one target.

    Parameters
    ----------
    target : Target
    models : mapping of str to Model
        Dataset -> its perfect model.
    rng : numpy Generator
        Of the dinucleotide shuffles of a target without negatives.

    Returns
    -------
    dict of str to float
        Dataset -> AUROC, ties counting half.
    """
    positives, negatives = target
    if negatives is None:
        several = np.repeat(positives, settings.SHUFFLES, axis=0)
        seeds = rng.integers(0, 2**63, len(several), dtype=np.uint64)
        negatives = shuffle.dinucleotide(several, np.full(len(several), several.shape[1], np.int64), seeds)
    return {name: ranks.auroc(score(positives), score(negatives)) for name, score in models.items()}
