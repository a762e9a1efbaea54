"""A model along a genome: the logit of every window of the training length, on the window's centre base, as bigWig.

Windows are read in blocks, so that memory does not grow with the genome.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch

from tfbind.dna import UNKNOWN
from tfbind.errors import InputError
from tfbind.io import bigwig, textfile
from tfbind.io.genome import Genome
from tfbind.kernels import sliding
from tfbind.models.networks import DeepBind
from tfbind.models.score_files import Scorer, intervals

VALUES = ("logit", "probability")
_BLOCK = 2**16  # windows read at a time
_BATCH = 2**12  # of them, where each is read as a sequence of its own


class Summary(NamedTuple):
    """What a track holds.

    Attributes
    ----------
    values : int
        Bases with a value.
    unknown : int
        Windows without one, since they hold too few known bases.
    beyond : int
        Bases asked for without one, since their window would reach beyond an end of the chromosome.
    empty : int
        Regions without any value; without regions, chromosomes.
    """

    values: int
    unknown: int
    beyond: int
    empty: int

    @property
    def asked(self) -> int:
        """Bases asked for."""
        return self.values + self.unknown + self.beyond


def merged(path: str, genome: Genome) -> dict[str, np.ndarray]:
    """The regions of a BED file in the order of the genome; those that overlap or touch are one.

    Parameters
    ----------
    path : str
        See `score_files.intervals`.
    genome : Genome

    Returns
    -------
    dict of str to (N, 2) int64
        Start and end of the regions of each chromosome that has any, in bp, 0-based half-open.

    Raises
    ------
    InputError
        With all faults of the file.
    """
    faults: list[str] = []
    found: dict[str, list[tuple[int, int]]] = {}
    for row in intervals(path, genome, faults):
        found.setdefault(row.chrom, []).append((row.start, row.end))
    if faults:
        raise InputError(textfile.listed(faults))
    regions = {}
    for chrom in genome.lengths:
        if chrom in found:
            start, end = np.array(sorted(found[chrom])).T
            reach = np.maximum.accumulate(end)
            first = np.append(True, start[1:] > reach[:-1])
            regions[chrom] = np.stack([start[first], reach[np.append(first[1:], True)]], 1)
    return regions


def windows(scorer: Scorer, tokens: np.ndarray, step: int = 1) -> np.ndarray:
    """Logits of the windows of a stretch of a chromosome, each read as a sequence of its own.

    Parameters
    ----------
    scorer : Scorer
    tokens : (L,) uint8
        At least as long as a window (`scorer.stored.window`, W).
    step : int
        From one window to the next, in bp.

    Returns
    -------
    ((L - W) // step + 1,) float64
        Mean over the seeds; NaN for a window with fewer than `scorer.shortest` bp.
    """
    model, size = scorer.stored.model, scorer.stored.window
    if _shared(model, size):
        best = torch.from_numpy(sliding.best(tokens, np.concatenate([_weight(each) for each in model]), size)[::step])
        with torch.inference_mode():
            parts = best.split([len(each.weight) for each in model], 1)
            logits = [each.head(torch.relu(part + each.bias), None) for each, part in zip(model, parts, strict=True)]
            found = torch.stack(logits).double().mean(0)
        return np.where(np.isneginf(best[:, 0].numpy()), np.nan, found.numpy())
    every = np.lib.stride_tricks.sliding_window_view(tokens, size)[::step]
    known = np.concatenate([[0], (tokens != UNKNOWN).cumsum()])
    some = known[size:][::step] > known[:-size][::step]  # windows of unknown bases alone are many, and not looked at
    found = np.full(len(every), np.nan)
    for rows in np.array_split(np.flatnonzero(some), -(-int(some.sum()) // _BATCH) or 1):
        found[rows] = scorer.logits(np.ascontiguousarray(every[rows]), "whole")
    return found


def _shared(model: object, size: int) -> bool:
    # on a GPU a convolution over every window is faster than one core that shares the work
    alike = isinstance(model, Sequence) and all(type(each) is DeepBind for each in model)
    return alike and all(each.weight.device.type == "cpu" and each.weight.shape[2] <= size for each in model)


def _weight(network: DeepBind) -> np.ndarray:
    return network.weight.detach().numpy()


def write(
    scorer: Scorer,
    genome: Genome,
    path: str | os.PathLike,
    regions: dict[str, np.ndarray] | None = None,
    step: int = 1,
    value: str = "logit",
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Summary:
    """Write a track as bigWig.

    The window of base `p` begins at ``p - W // 2``, where W is the training length. A base whose window reaches beyond
    an end of the chromosome, or holds too few known bases, has no value.

    Parameters
    ----------
    scorer : Scorer
    genome : Genome
    path : path
        It appears when it is whole.
    regions : mapping of str to (N, 2) int64, optional
        From `merged`: the bases that get a value. By default all. Their windows are read from the genome, so that a
        value does not depend on the regions.
    step : int
        The bases 0, `step`, 2 `step`, ... of each chromosome get a value.
    value : {"logit", "probability"}
    told : function
        Called now and then with the number of bases done and of all.

    Returns
    -------
    Summary

    Raises
    ------
    InputError
        `value` is unknown, or `probability` of a model without a calibration; `step` below 1.
    NotEstimable
        No base gets a value; nothing is written.
    ResourceError
        The disk is full.
    """
    if value not in VALUES:
        raise InputError(f"--value is {value!r}; use one of {', '.join(VALUES)}")
    if value == "probability" and not scorer.curve:
        raise InputError("--value probability: the model has no calibration; use --value logit")
    if step < 1:
        raise InputError(f"--step {step}: 1 or more bp from one value to the next")
    if regions is None:
        regions = {chrom: np.array([[0, length]]) for chrom, length in genome.lengths.items()}
    asked = sum(int((-(-spans[:, 1] // step) + spans[:, 0] // -step).sum()) for spans in regions.values())
    empty = f"no window of {scorer.stored.window} bp with known bases lies there; name longer chromosomes, or regions "
    count = unknown = 0
    held = {chrom: np.zeros(len(spans), bool) for chrom, spans in regions.items()}
    with bigwig.writing(path, genome.lengths, asked, empty + "away from their ends") as add:
        for chrom, region, first, found in _blocks(scorer, genome, regions, step, told, asked):
            there = np.isfinite(found)
            unknown += int((~there).sum())
            count += int(there.sum())
            held[chrom][region] |= there.any()
            add(chrom, first, scorer.probability(found) if value == "probability" else found, step)
    return Summary(count, unknown, asked - count - unknown, sum(int((~each).sum()) for each in held.values()))


def _blocks(
    scorer: Scorer, genome: Genome, regions: dict[str, np.ndarray], step: int, told: Callable, asked: int
) -> Iterator[tuple[str, int, int, np.ndarray]]:
    """Chromosome, number of the region, first base, and the logits of bases from there on, `step` bp apart."""
    size = scorer.stored.window
    before, done = size // 2, 0
    for chrom, spans in regions.items():
        last = genome.lengths[chrom] - size + before  # the last base with a window
        for region, (low, high) in enumerate(spans.tolist()):
            first, end = -(-max(low, before) // step) * step, min(high, last + 1)
            for base in range(first, end, _BLOCK * step):
                count = min(_BLOCK, -(-(end - base) // step))
                start = base - before
                tokens = genome.windows([chrom], [start], [start + (count - 1) * step + size])[0]
                yield chrom, region, base, windows(scorer, tokens, step)
                done += count
                told(done, asked)
    told(asked, asked)
