"""Simulated peaks on the genome: ChIP-seq, ChIP-exo, CUT&RUN, CUT&Tag, DAP-seq, GHT-SELEX.

Each assay is a function of one experiment. What they share: a sequence is bound in proportion to its occupancy under
the TF's energies. In vivo that is multiplied by how open the chromatin is, which the cell's co-factor raises; in vitro
the whole genome is naked DNA.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.io import atomic
from tfbind.io.paths import CYCLES
from tfbind.simulation import settings
from tfbind.simulation.energies import Energies, best


@dataclass(frozen=True)
class Ground:
    """The genome that all experiments read, and its chromatin.

    Parameters
    ----------
    genome : dict of str to (length,) uint8
        Chromosome -> its tokens.
    blacklist : list of (str, int, int)
        Regions that give one artefact each: chromosome, start, end (0-based half-open).
    elements : list of (str, int)
        Chromosome and centre (0-based) of what may be open, as `genome.plant` gives them; E in number.
    tokens : (E, settings.WIDE) uint8
        Their sequences.
    sites : DataFrame
        Planted sites, as `genome.plant` gives them.
    openness : dict of str to (E,) float64
        Cell -> natural log of the accessibility of each element before the co-factor acts.
    """

    genome: dict[str, np.ndarray]
    blacklist: list[tuple[str, int, int]]
    elements: list[tuple[str, int]]
    tokens: np.ndarray
    sites: pd.DataFrame
    openness: dict[str, np.ndarray]

    def holds(self, names: Sequence[str]) -> np.ndarray:
        """Whether each element has a planted site of one of some names.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        (E,) bool
        """
        return np.isin(np.arange(len(self.elements)), self.planted(names)["element"])

    def planted(self, names: Sequence[str]) -> pd.DataFrame:
        """The planted sites of some names.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        DataFrame
            Rows of `sites`.
        """
        return self.sites[self.sites["name"].isin(names)]

    def unit(self, energies: Energies) -> float:
        """The odds that are bound half of the time: `settings.STRONG` of the elements with a planted site exceed it."""
        return float(
            np.quantile(energies.odds(self.tokens)[self.planted(energies.names)["element"]], 1 - settings.STRONG)
        )

    def windows(self, chrom: Sequence[str], summit: np.ndarray, length: int) -> np.ndarray:
        """Windows around summits, without those in blacklisted regions.

        Parameters
        ----------
        chrom : (P,) sequence of str
        summit : (P,) int
            In bp from the start of the chromosome.
        length : int
            In bp; the summit is base ``length // 2`` of its window.

        Returns
        -------
        (N, length) uint8
        """
        half, kept = length // 2, ~self.blacklisted(chrom, summit, 1)
        return np.stack(
            [self.genome[c][s - half : s - half + length] for c, s, k in zip(chrom, summit, kept, strict=True) if k]
        )

    def tiles(self, width: int) -> tuple[list[str], np.ndarray, np.ndarray]:
        """The genome in bins of `settings.BIN` bp.

        Parameters
        ----------
        width : int
            Length of a site in bp.

        Returns
        -------
        list of str, (T,) int64, (T, settings.BIN + width - 1) uint8
            Chromosome and start (0-based) of each bin, and the tokens of all sites that begin in it; those beyond the
            end of the chromosome are unknown.
        """
        chroms, starts, tokens = [], [], []
        for chrom, text in self.genome.items():
            count, wide = len(text) // settings.BIN, settings.BIN + width - 1
            padded = np.pad(text, (0, wide), constant_values=dna.UNKNOWN)
            tokens.append(np.lib.stride_tricks.sliding_window_view(padded, wide)[:: settings.BIN][:count])
            chroms += [chrom] * count
            starts.append(np.arange(count) * settings.BIN)
        return chroms, np.concatenate(starts), np.concatenate(tokens)

    def blacklisted(self, chrom: Sequence[str], start: np.ndarray, length: int) -> np.ndarray:
        """Whether each interval overlaps a blacklisted region.

        Parameters
        ----------
        chrom : (N,) sequence of str
        start : (N,) int
            In bp from the start of the chromosome.
        length : int
            Of all intervals, in bp.

        Returns
        -------
        (N,) bool
        """
        of, inside = np.array(chrom), np.zeros(len(start), bool)
        for name, first, last in self.blacklist:
            inside |= (of == name) & (start < last) & (start + length > first)
        return inside


class Experiment(NamedTuple):
    """One experiment on the genome.

    Attributes
    ----------
    dataset : str
        Peaks are named ``{dataset}_{i}``, the strongest first.
    energies : Energies
        Of the TF.
    peaks : int
        How many are called, beside the artefacts.
    reads : int
        Reads of each cycle, of an assay that has inserts.
    noise : float
        Standard deviation of the natural log of a signal.
    cell : str
        '' in vitro.
    cofactor : Energies or None
        Of the TF that opens the chromatin of the cell; None in vitro.
    raised : float
        By how much (natural log) its sites raise the accessibility there.
    gc_bias : float
        Rise of the natural log of a signal per standard deviation of GC content.
    """

    dataset: str
    energies: Energies
    peaks: int
    reads: int
    noise: float
    cell: str = ""
    cofactor: Energies | None = None
    raised: float = 0.0
    gc_bias: float = 0.0


def write_peaks(path: Path, table: pd.DataFrame) -> None:
    """Write peaks, in the layout that the suffix of the path says.

    Parameters
    ----------
    path : path
        ``.narrowPeak``; ``.seacr.bed``: total and highest signal of a peak, and the region of the highest, as SEACR
        writes them; ``.bed``: the summit alone, 1 bp, as programs for ChIP-exo write it.
    table : DataFrame
        The ten columns of narrowPeak.
    """
    chrom, start, end, name, score, strand, height, *_, offset = (table[column] for column in table)
    summit = start + offset
    if path.name.endswith(".seacr.bed"):
        region = [f"{c}:{s - 10}-{s + 11}" for c, s in zip(chrom, summit, strict=True)]
        table = pd.DataFrame(dict(enumerate([chrom, start, end, height * (end - start), height, region])))
    elif path.suffix == ".bed":
        table = pd.DataFrame(dict(enumerate([chrom, summit, summit + 1, name, score, strand])))
    with atomic.replacing(path) as temporary:
        table.to_csv(temporary, sep="\t", header=False, index=False, float_format="%.4f", lineterminator="\n")


class _Place(NamedTuple):
    # Where a peak is called; `spread`: standard deviation of the summit in bp; `cofactor`: whether it has a site there.
    chrom: str
    summit: int
    spread: float
    height: float
    cause: str
    cofactor: bool


def chipseq(experiment: Experiment, ground: Ground, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """ChIP-seq: what is bound in the cell, directly, through the co-factor or not at all.

    The traits of the real assay: the signal is occupancy times accessibility; sonicated fragments spread the summit by
    10 to 25 bp around the site; weak sites in open chromatin, binding through a co-factor without a site (tethering),
    artefacts in blacklisted regions, noise and, if asked for, a GC bias.

    Parameters
    ----------
    experiment : Experiment
    ground : Ground
    rng : numpy Generator

    Returns
    -------
    DataFrame
        The ten columns of narrowPeak, strongest first.
    dict
        `share` of the peaks by cause (``site``, ``weak``, ``tethered``, ``artefact``), the share `with_cofactor`, and
        `peaks`: name -> [cause, whether its element has a site of the co-factor].
    """
    signal, causes, helped = _in_vivo(experiment, ground, rng)
    planted = ground.planted(experiment.energies.names)
    centre = dict(zip(planted["element"], (planted["start"] + planted["end"]) // 2, strict=True))
    places = []
    for index in _strongest(signal, experiment.peaks):
        chrom, middle = ground.elements[index]
        bound = index in centre and causes[index] != "tethered"
        summit, spread = (centre[index], 10) if bound else (middle, 25)
        places.append(_Place(chrom, summit, spread, signal[index], causes[index], bool(helped[index])))
    return _called(experiment.dataset, places, (90, 260), ground.blacklist, rng)


def chipexo(experiment: Experiment, ground: Ground, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """ChIP-exo: the same binding in the cell, at the resolution of a base.

    The traits of the real assay: an exonuclease cuts the fragments back to the crosslink, so that a summit lies within
    a few bp of the bound site (of the co-factor's site, where binding is through it) and a peak is as wide as a
    footprint; there is half the noise of ChIP-seq. Chromatin, co-factor and artefacts are those of `chipseq`.

    Parameters
    ----------
    experiment : Experiment
    ground : Ground
    rng : numpy Generator

    Returns
    -------
    DataFrame, dict
        As of `chipseq`.
    """
    signal, causes, helped = _in_vivo(experiment._replace(noise=0.5 * experiment.noise), ground, rng)
    chosen = _strongest(signal, experiment.peaks)
    own = best(ground.tokens[chosen], experiment.energies.motifs.matrices)
    other = best(ground.tokens[chosen], experiment.cofactor.motifs.matrices)
    places = []
    for index, mine, through in zip(chosen, own, other, strict=True):
        chrom, middle = ground.elements[index]
        summit = middle - settings.WIDE // 2 + (through if causes[index] == "tethered" else mine)
        places.append(_Place(chrom, int(summit), 2, signal[index], causes[index], bool(helped[index])))
    return _called(experiment.dataset, places, (10, 25), ground.blacklist, rng)


def cutandrun(experiment: Experiment, ground: Ground, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """CUT&RUN: the same binding in the cell, cut out by a nuclease that also cuts open chromatin.

    The traits of the real assay: little background and half the noise of ChIP-seq; wide peaks with summits up to 40 bp
    from the site; the tethered nuclease cuts where the chromatin is open anyway, so that the most open elements give
    peaks without a site (cause ``open``).

    Parameters
    ----------
    experiment : Experiment
    ground : Ground
    rng : numpy Generator

    Returns
    -------
    DataFrame, dict
        As of `chipseq`, with the cause ``open``.
    """
    return _cut(experiment._replace(noise=0.5 * experiment.noise), ground, settings.LEAK["cutandrun"], rng)


def cuttag(experiment: Experiment, ground: Ground, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """CUT&Tag: as `cutandrun`, with the stronger bias of a transposase for open chromatin.

    The trait of the real assay: Tn5 inserts adapters into open chromatin by itself, so that many peaks are open
    elements of the cell rather than bound ones, and the motif of the co-factor that opens them is found in them.

    Parameters
    ----------
    experiment : Experiment
    ground : Ground
    rng : numpy Generator

    Returns
    -------
    DataFrame, dict
        As of `cutandrun`.
    """
    return _cut(experiment, ground, settings.LEAK["cuttag"], rng)


def dapseq(experiment: Experiment, ground: Ground, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    """DAP-seq: the TF on naked genomic DNA.

    The traits of the real assay: no chromatin, no co-factor and no cell, so that every site of the genome that is
    strong enough gives a peak (half occupied, up to noise), planted in an element or not; fragments of the library
    spread the summit by 15 bp.

    Parameters
    ----------
    experiment : Experiment
        Its `peaks` limits nothing here.
    ground : Ground
    rng : numpy Generator

    Returns
    -------
    DataFrame, dict
        As of `chipseq`, with the causes ``site``, ``weak`` and ``artefact``.
    """
    bins = _naked(experiment, ground)
    signal = (bins[3] + 0.01) * np.exp(experiment.noise * rng.standard_normal(len(bins[3])))
    chosen = _strongest(np.where(signal > 0.5, signal, 0), len(signal))
    places = _naked_places(chosen, bins, signal, experiment.energies)
    return _called(experiment.dataset, places, (90, 200), ground.blacklist, rng)


def ghtselex(
    experiment: Experiment, ground: Ground, rng: np.random.Generator
) -> tuple[pd.DataFrame, dict, pd.DataFrame]:
    """GHT-SELEX: fragments of naked genomic DNA, selected over cycles.

    The traits of the real assay: as `dapseq` has no chromatin; the reads of each cycle are counted, in bins of the
    genome; every cycle keeps bound fragments and loses most of the others; some fragments amplify better than others, a
    fragment reaches into the next bin, and blacklisted regions have many reads from cycle 0 on.

    Parameters
    ----------
    experiment : Experiment
        Of its `noise` the counts need none: they have their own.
    ground : Ground
    rng : numpy Generator

    Returns
    -------
    peaks : DataFrame
        The ten columns of narrowPeak, strongest first: bins by the ratio of their reads in the last cycle to those in
        cycle 0.
    about : dict
        As of `dapseq`, and `bound`: share of the reads of each cycle that is bound.
    bins : DataFrame
        `chrom`, `start`, `end` (0-based half-open, `settings.BIN` bp), `name`, and `cycle_0` to `cycle_4`: reads.
    """
    naked = _naked(experiment, ground, everywhere=True)
    chroms, starts, tokens, occupancy = naked
    blacklisted = ground.blacklisted(chroms, starts, settings.BIN)
    weight = np.exp(0.3 * rng.standard_normal(len(starts))) * np.where(blacklisted, 20, 1)
    weight[(tokens[:, : settings.BIN] == dna.UNKNOWN).mean(1) > 0.5] = 0  # no reads map there
    site = best(tokens, experiment.energies.motifs.matrices)
    reach = settings.FRAGMENT / 2  # a read lies at the middle of its fragment, anywhere within this of the site
    before = occupancy * np.clip(reach - site, 0, None) / (2 * reach)
    after = occupancy * np.clip(reach + site - settings.BIN, 0, None) / (2 * reach)
    counts, bound = {}, {}
    for cycle in (0, *CYCLES):
        if cycle:
            kept = occupancy + settings.CARRIED["ghtselex"] * (1 - occupancy)
            weight = weight * kept * np.exp(0.1 * rng.standard_normal(len(starts)))
        share = weight / weight.sum()
        bound[cycle] = float((share * occupancy).sum())
        left, right = share * before, share * after
        spread = share - left - right
        spread[:-1] += left[1:]
        spread[1:] += right[:-1]
        counts[f"cycle_{cycle}"] = rng.poisson(settings.DEPTH * len(starts) * spread)
    bins = pd.DataFrame({"chrom": chroms, "start": starts, "end": starts + settings.BIN})
    bins["name"] = [f"{chrom}:{start}-{start + settings.BIN}" for chrom, start in zip(chroms, starts, strict=True)]
    bins = bins.assign(**counts)
    ratio = (bins[f"cycle_{CYCLES[-1]}"] + 1) / (bins["cycle_0"] + 1)
    ratio[blacklisted | (tokens == dna.UNKNOWN).any(1)] = 0
    ratio = ratio.to_numpy()
    # a fragment reaches into the next bin: of neighbours the one with the largest ratio is the peak
    ratio = np.where((ratio >= np.roll(ratio, 1)) & (ratio > np.roll(ratio, -1)), ratio, 0)
    places = _naked_places(_strongest(ratio, experiment.peaks), naked, ratio, experiment.energies)
    peaks, about = _called(experiment.dataset, places, (75, 150), ground.blacklist, rng)
    return peaks, about | {"bound": bound}, bins


def _in_vivo(
    experiment: Experiment, ground: Ground, rng: np.random.Generator, leak: float = 0.0
) -> tuple[np.ndarray, list[str], np.ndarray]:
    # Signal of each element, what causes it, and whether it has a site of the co-factor: (E,) each.
    # `leak`: signal of chromatin without any binding at accessibility 1, as a share of that of an occupied site.
    odds = experiment.energies.odds(ground.tokens) / ground.unit(experiment.energies)
    occupancy = odds / (1 + odds)
    helped, raised = ground.holds(experiment.cofactor.names), experiment.raised
    openness = ground.openness[experiment.cell]
    tethered = helped & (rng.random(len(odds)) < settings.TETHERED * -np.expm1(-raised))
    gc = dna.gc(ground.tokens)
    leaked = leak * np.exp(openness + raised * helped)
    signal = np.log(occupancy + 0.5 * tethered + 0.01 + leaked) + openness + raised * helped
    signal += experiment.gc_bias * (gc - gc.mean()) / gc.std() + experiment.noise * rng.standard_normal(len(odds))
    causes = np.where(leaked > occupancy, "open", "weak")
    causes = np.where(occupancy >= 0.5, "site", np.where(tethered, "tethered", causes))
    return np.exp(signal), causes.tolist(), helped


def _strongest(signal: np.ndarray, count: int) -> np.ndarray:
    # At most `count` places with a signal, the strongest first.
    order = np.argsort(-signal, kind="stable")
    return order[signal[order] > 0][:count]


def _called(
    dataset: str,
    places: list[_Place],
    half: tuple[int, int],
    blacklist: list[tuple[str, int, int]],
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, dict]:
    # Peaks at places, the strongest first, and an artefact in each blacklisted region; `half`: bp beside the summit.
    rows = []
    for place in places:
        summit = round(place.summit + place.spread * rng.standard_normal())
        rows.append((place.chrom, summit, place.height, place.cause, place.cofactor))
    for chrom, start, end in blacklist:
        summit = int(rng.integers(start, end))
        rows.append((chrom, summit, places[0].height * rng.uniform(0.5, 2), "artefact", False))
    rows.sort(key=lambda row: -row[2])
    strongest = rows[0][2]
    peaks, causes = [], {}
    for number, (chrom, summit, height, cause, with_cofactor) in enumerate(rows, 1):
        start = summit - int(rng.integers(*half))
        end = summit + int(rng.integers(*half))
        name, score = f"{dataset}_{number}", round(1000 * height / strongest)
        peaks.append((chrom, start, end, name, score, ".", height, -1, -1, summit - start))
        causes[name] = [cause, with_cofactor]
    shares = pd.DataFrame(causes.values(), columns=["cause", "cofactor"])
    return pd.DataFrame(peaks), {
        "share": shares["cause"].value_counts(normalize=True).to_dict(),
        "with_cofactor": shares["cofactor"].mean(),
        "peaks": causes,
    }


def _cut(experiment: Experiment, ground: Ground, leak: float, rng: np.random.Generator) -> tuple[pd.DataFrame, dict]:
    signal, causes, helped = _in_vivo(experiment, ground, rng, leak)
    chosen = _strongest(signal, experiment.peaks)
    own = best(ground.tokens[chosen], experiment.energies.motifs.matrices)
    places = []
    for index, mine in zip(chosen, own, strict=True):
        chrom, middle = ground.elements[index]
        at_site = causes[index] in ("site", "weak")
        summit, spread = (middle - settings.WIDE // 2 + int(mine), 20) if at_site else (middle, 40)
        places.append(_Place(chrom, summit, spread, signal[index], causes[index], bool(helped[index])))
    return _called(experiment.dataset, places, (150, 400), ground.blacklist, rng)


def _naked(
    experiment: Experiment, ground: Ground, everywhere: bool = False
) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    # Chromosome, start, tokens and occupancy of each bin of the genome, by the sites that begin in it. Unless
    # `everywhere`, without the bins that have an unknown base or lie in a blacklisted region.
    chroms, starts, tokens = ground.tiles(experiment.energies.width)
    unknown = (tokens == dna.UNKNOWN).any(1)
    odds = experiment.energies.odds(tokens) / ground.unit(experiment.energies)
    occupancy = np.where(unknown, 0, odds / (1 + odds))
    if everywhere:
        return chroms, starts, tokens, occupancy
    kept = np.flatnonzero(~unknown & ~ground.blacklisted(chroms, starts, settings.BIN))
    return [chroms[i] for i in kept], starts[kept], tokens[kept], occupancy[kept]


def _naked_places(
    chosen: np.ndarray,
    bins: tuple[list[str], np.ndarray, np.ndarray, np.ndarray],
    height: np.ndarray,
    energies: Energies,
) -> list[_Place]:
    # A peak at the best site of each chosen bin, of those that `_naked` gives.
    chroms, starts, tokens, occupancy = bins
    site = best(tokens[chosen], energies.motifs.matrices)
    return [
        _Place(
            chroms[index],
            int(starts[index] + at),
            15,
            height[index],
            "site" if occupancy[index] >= 0.5 else "weak",
            False,
        )
        for index, at in zip(chosen, site, strict=True)
    ]
