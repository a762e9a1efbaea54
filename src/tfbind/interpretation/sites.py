"""Where in a sequence a model's logit comes from: the effect of each base, and the motif instances, as files.

The effect of a base is what `attribution.mutagenesis` measures, beside everything else in the sequence. Of two equally
strong sites none changes the logit of a model that reads the best, so instances are sought otherwise: each stretch is
set alone into shuffled copies of its surroundings.
"""

import contextlib
import os
from array import array
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from tfbind import dna, motifs
from tfbind.dna import UNKNOWN
from tfbind.errors import InputError
from tfbind.interpretation import attribution, tomtom
from tfbind.interpretation.attribution import SITE
from tfbind.io import atomic, bigwig, tables
from tfbind.io.genome import Genome
from tfbind.kernels import shuffle
from tfbind.models import predict, score_files, store
from tfbind.models.score_files import Interval, Scorer
from tfbind.seeding import generator

#: Longest sequence whose bases are changed one by one, in bp.
LONGEST = 5000
#: Columns of the motif instances: BED6, then what is known of each.
COLUMNS = ("chrom", "start", "end", "name", "score", "strand", "effect", "match", "q_value", "sequence")
EFFECT_COLUMNS = ("id", "position", "base", "effect")
#: Form of a file of effects by the end of its name, in lower case.
FORMS = {".tsv": "tsv", ".bedgraph": "bedgraph", ".bdg": "bedgraph", ".bw": "bigwig", ".bigwig": "bigwig"}
#: Shuffled copies into which a stretch is set, the part of the strongest effect that the ends
#: of a site reach, and the odds of its strongest base in the motif that is compared with known ones.
_COPIES, _PART, _ODDS = 8, 0.2, 100
_READ = 2**22  # most bases read at a time
_ROWS = 64  # sequences explained at a time


def form(path: str | os.PathLike) -> str:
    """The form of a file of effects, by its name.

    Raises
    ------
    InputError
        The name has another end.
    """
    found = FORMS.get(Path(path).suffix.lower())
    if not found:
        ends = ", ".join((".tsv", ".bedGraph", ".bw"))
        raise InputError(f"--attributions {path}: the end of the name says what to write; use one of {ends}")
    return found


def effects(scorer: Scorer, tokens: np.ndarray) -> np.ndarray:
    """What each base adds to the logit of a sequence, as the scorer reads it.

    The result is that of `attribution.mutagenesis`. In a scan a base is in a few windows only, and only these are read
    again.

    Parameters
    ----------
    scorer : Scorer
    tokens : (L,) uint8
        At least `scorer.shortest` bp.

    Returns
    -------
    (L,) float64
        Logits: the logit minus the mean logit with each of the three other bases. NaN where the base is unknown.
    """
    size, model = scorer.stored.window, scorer.stored.model
    length = int(dna.lengths(tokens[None])[0])
    if scorer.reading != "scan" or length <= size:
        return np.where(tokens != UNKNOWN, attribution.mutagenesis(scorer.logits, tokens[None])[0], np.nan)

    def read(rows: np.ndarray) -> np.ndarray:  # (N, size) -> (K, N), a window too short to be read never the best
        logits = np.full((len(scorer.stored.seeds), len(rows)), -np.inf)
        some = predict.span(rows) >= scorer.shortest
        if some.any():
            logits[:, some] = predict.score(model, np.ascontiguousarray(rows[some]), chain=scorer.stored.chain)
        return logits

    windows = np.lib.stride_tricks.sliding_window_view(tokens[:length], size)  # (S, size)
    whole = read(windows)
    edge = np.full((len(whole), 1), -np.inf)
    before = np.maximum.accumulate(np.concatenate([edge, whole], 1), 1)  # [s]: the best of those before s
    after = np.maximum.accumulate(np.concatenate([whole, edge], 1)[:, ::-1], 1)[:, ::-1]  # the best from s on
    logit, result = whole.max(1).mean(), np.full(len(tokens), np.nan)
    for place in np.flatnonzero(tokens != UNKNOWN):
        first, end = max(0, place - size + 1), min(place, length - size) + 1
        mutants = np.tile(windows[first:end], (3, 1, 1))  # (3, W, size)
        mutants[:, np.arange(end - first), place - np.arange(first, end)] = (
            tokens[place] + np.arange(1, 4)[:, None]
        ) % 4
        found = read(mutants.reshape(-1, size)).reshape(len(whole), 3, -1).max(2)  # (K, 3)
        rest = np.maximum(before[:, first], after[:, end])
        result[place] = logit - np.maximum(found, rest[:, None]).mean(0).mean()
    return result


class Site(NamedTuple):
    """A motif instance.

    Attributes
    ----------
    start, end : int
        In bp within the sequence, 0-based half-open.
    effect : float
        Logits: what the site adds to shuffled copies of its surroundings.
    share : (end - start, 4) float64
        The motif that the model sees there: the softmax of the logits with each base, scaled so that the strongest base
        has odds of 100 against each other one.
    """

    start: int
    end: int
    effect: float
    share: np.ndarray


def find(scorer: Scorer, tokens: np.ndarray, least: float = 1.0) -> list[Site]:
    """The stretches of a sequence that raise the logit wherever they stand alone.

    A sequence longer than the training length is read in pieces of that length, whatever the reading. Of each piece
    eight dinucleotide shuffles are made. A stretch (24 bp, or half of a shorter piece) is set into the same place of
    all of them: the mean change of the logit is its effect. The strongest stretch is cut to the bases that matter, its
    own bases stay out from then on, and so on down to `least`. So two equal sites both count, although changing one of
    them alone changes nothing.

    Parameters
    ----------
    scorer : Scorer
    tokens : (L,) uint8
    least : float
        Smallest effect of a site, logits.

    Returns
    -------
    list of Site
        By start; no two overlap. Empty for a sequence that is too short to be read.
    """
    length = int(dna.lengths(tokens[None])[0])
    size = min(length, scorer.stored.window)
    wide = min(SITE, size // 2)
    if not wide or predict.span(tokens[None])[0] < scorer.shortest:
        return []
    starts = sorted({*range(0, length - size + 1, size - wide), length - size})
    found = [site for start in starts for site in _of_piece(scorer, tokens[start : start + size], wide, least, start)]
    kept: list[Site] = []
    for site in sorted(found, key=lambda site: -site.effect):
        if all(site.end <= other.start or other.end <= site.start for other in kept):
            kept.append(site)
    return sorted(kept, key=lambda site: site.start)


def _of_piece(scorer: Scorer, piece: np.ndarray, wide: int, least: float, offset: int) -> Iterator[Site]:
    if predict.span(piece[None])[0] < scorer.shortest:
        return
    rows = np.tile(piece, (_COPIES, 1))
    seeds = generator("sites", dna.decode(piece[None])[0]).integers(2**63, size=_COPIES).astype(np.uint64)
    copies = shuffle.dinucleotide(rows, np.full(_COPIES, len(piece), np.int64), seeds)

    def read(rows: np.ndarray) -> np.ndarray:  # (N, copies, L) -> (N,) mean logit over the copies
        part = max(1, _READ // rows[0].size)
        flat = [scorer.logits(rows[i : i + part].reshape(-1, len(piece))) for i in range(0, len(rows), part)]
        return np.concatenate(flat).reshape(-1, _COPIES).mean(1)

    def with_stretches(starts: np.ndarray, width: int) -> np.ndarray:
        made = np.repeat(copies[None], len(starts), 0)
        for row, start in zip(made, starts, strict=True):
            stretch = slice(start, start + width)
            row[:, stretch] = np.where(free[stretch], piece[stretch], row[:, stretch])
        return made

    def bases(start: int) -> np.ndarray:  # (wide, 4) mean logit with each base of a stretch
        made = np.repeat(with_stretches(np.array([start]), wide), 4 * wide, 0)
        for i in range(4 * wide):
            made[i, :, start + i // 4] = i % 4
        return read(made).reshape(wide, 4)

    free = piece != UNKNOWN  # bases that no site holds yet
    neutral = read(copies[None])[0]
    gain, old = np.full(len(piece) - wide + 1, -np.inf), np.arange(len(piece) - wide + 1)
    while True:
        gain[old] = read(with_stretches(old, wide)) - neutral
        start = int(gain.argmax())
        if not gain[start] >= least:
            return
        for centred in (False, True):
            logits = bases(start)
            own = piece[start : start + wide]
            at = np.where(own == UNKNOWN, 0, own)[:, None]
            effect = (np.take_along_axis(logits, at, 1)[:, 0] * 4 - logits.sum(1)) / 3
            effect[~free[start : start + wide]] = 0
            weight = np.maximum(effect, 0)
            if centred or not weight.any():
                break
            middle = start + (weight * np.arange(wide)).sum() / weight.sum()
            moved = int(np.clip(round(middle - (wide - 1) / 2), 0, len(piece) - wide))
            if moved == start:
                break
            start = moved
        inside = np.flatnonzero(effect >= max(_PART * effect.max(), 1e-9))
        if not len(inside):
            gain[start] = -np.inf
            old = np.empty(0, int)
            continue
        low, high = start + int(inside[0]), start + int(inside[-1]) + 1
        total = float(read(with_stretches(np.array([low]), high - low))[0] - neutral)
        if total >= least:
            part = logits[inside[0] : inside[-1] + 1] * (np.log(_ODDS) / effect.max())
            share = np.exp(part - part.max(1, keepdims=True))
            yield Site(offset + low, offset + high, total, share / share.sum(1, keepdims=True))
        free[low:high] = False
        old = np.arange(max(0, low - wide + 1), min(high, len(gain)))


def known_motifs(scorer: Scorer, folder: str | os.PathLike) -> tuple[motifs.Motifs, str]:
    """The known motifs that the instances of a model are compared with, and which they are, in words.

    Parameters
    ----------
    scorer : Scorer
    folder : path
        Of the model.

    Returns
    -------
    motifs : Motifs
        Those of a regression itself; else the group of JASPAR that knows the TF (as `evaluation.tsv` names it), the
        vertebrates where it is not known.
    about : str
    """
    own = getattr(scorer.stored.estimator, "motifs_", None)
    if own is not None:
        return own, "the motifs of the regression"
    path = Path(folder) / store.EVALUATION
    tf = next(iter(tables.read_tsv(path).get("tf", ())), "") if path.exists() else ""
    known, places = motifs.group_of(str(tf))
    about = f"the JASPAR motifs of the group of {tf}" if places else "the JASPAR motifs of vertebrates"
    return known, about


class Hits:
    """Writes the motif instances of sequences as BED.

    Parameters
    ----------
    scorer : Scorer
    folder : path
        Of the model.
    out : text stream
    least : float
        See `find`.

    Attributes
    ----------
    count : int
        Instances written.
    about : str
        What they were compared with.

    Raises
    ------
    InputError
        The model knows no motif.
    """

    def __init__(self, scorer: Scorer, folder: str | os.PathLike, out: TextIO, least: float = 1.0):
        kind = store.describe(folder)["kind"]
        if kind == "composition":
            raise InputError(f"--hits: {folder} is a {kind} model: it counts short words and knows no motif")
        if not least > 0:
            raise InputError(f"--min-effect {least:g}: a site adds more than 0 logits")
        self.scorer, self.out, self.least, self.count = scorer, out, least, 0
        self.known, self.about = known_motifs(scorer, folder)
        out.write("#" + "\t".join(COLUMNS) + "\n")

    def add(self, names: Sequence[str], tokens: np.ndarray, places: Sequence[Interval] | None) -> None:
        """Write the instances of some sequences, in their order.

        Parameters
        ----------
        names : (N,) sequence of str
        tokens : (N, L) uint8
        places : (N,) sequence of Interval, optional
            Where the genome holds them; by default positions count within each sequence.
        """
        found = [(i, site) for i, row in enumerate(tokens) for site in find(self.scorer, row, self.least)]
        p_values, turned = tomtom.oriented([site.share for _, site in found], self.known)
        for (i, site), q, p, other in zip(found, tomtom.q_values(p_values), p_values, turned, strict=True):
            best = int(np.argmin(p))
            name, strand, match = ".", ".", "."
            if q[best] <= tomtom.LEVEL and tomtom.core(site.share) >= tomtom.BITS:
                name, strand, match = self.known.names[best], "-" if other[best] else "+", self.known.ids[best]
            chrom, offset = (places[i].chrom, places[i].start) if places else (names[i], 0)
            place = f"{chrom}\t{offset + site.start}\t{offset + site.end}"
            score = min(1000, round(100 * site.effect))
            self.out.write(
                f"{place}\t{name}\t{score}\t{strand}\t{site.effect:.6g}\t{match}\t{q[best]:.3g}\t{names[i]}\n"
            )
        self.count += len(found)


def write_effects(scorer: Scorer, names: Sequence[str], tokens: np.ndarray, out: TextIO) -> None:
    """Write a row for each base of some sequences, with the columns `EFFECT_COLUMNS`, without a header.

    Parameters
    ----------
    scorer : Scorer
    names : (N,) sequence of str
    tokens : (N, L) uint8
    out : text stream
        `position` is 0-based within the sequence; `effect` is empty where the base is unknown. A sequence too short to
        be read has no row.
    """
    for name, row in zip(names, tokens, strict=True):
        if predict.span(row[None])[0] < scorer.shortest:
            continue
        length = int(dna.lengths(row[None])[0])
        letters = dna.decode(row[None])[0]
        for place, (letter, effect) in enumerate(zip(letters, effects(scorer, row[:length]).tolist(), strict=True)):
            out.write(f"{name}\t{place}\t{letter}\t{f'{effect:.6g}' if effect == effect else ''}\n")


class Places:
    """Where many intervals lie: 20 bytes each.

    Parameters
    ----------
    genome : Genome

    Attributes
    ----------
    bases : int
        Of all intervals together.
    """

    def __init__(self, genome: Genome):
        self.genome, self._numbers = genome, {name: i for i, name in enumerate(genome.lengths)}
        self._chrom, self._start, self._end = array("i"), array("q"), array("q")
        self.bases = 0

    def __len__(self) -> int:
        return len(self._chrom)

    def add(self, places: Sequence[Interval]) -> None:
        """Take some intervals."""
        for place in places:
            self._chrom.append(self._numbers[place.chrom])
            self._start.append(place.start)
            self._end.append(place.end)
            self.bases += place.end - place.start

    def in_order(self) -> Iterator[tuple[str, int, int]]:
        """Yield chromosome, start and end of each interval, in the order of the genome."""
        names = list(self.genome.lengths)
        chrom, start, end = (np.array(each) for each in (self._chrom, self._start, self._end))
        for row in np.lexsort((end, start, chrom)):
            yield names[chrom[row]], int(start[row]), int(end[row])


def along(
    scorer: Scorer, places: Places, told: Callable[[int, int], None] = lambda done, of: None
) -> Iterator[tuple[str, int, np.ndarray]]:
    """The effects of the bases of intervals, along the genome.

    Parameters
    ----------
    scorer : Scorer
    places : Places
    told : function
        Called with the number of intervals done and of all.

    Yields
    ------
    chrom : str
    start : int
    effects : (N,) float64
        Of the bases from `start` on, logits. A base of several intervals has the mean of its effects in each. NaN where
        it is unknown or in none.
    """
    chrom, start, sums, counts = "", 0, np.zeros(0), np.zeros(0, int)

    def mean(until: int) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return sums[:until] / counts[:until]

    for number, (name, low, high) in enumerate(places.in_order()):
        told(number, len(places))
        tokens = places.genome.windows([name], [low], [high])[0]
        if predict.span(tokens[None])[0] < scorer.shortest:
            continue
        if name != chrom or low >= start + len(sums):
            if len(sums):
                yield chrom, start, mean(len(sums))
            chrom, start, sums, counts = name, low, np.zeros(0), np.zeros(0, int)
        elif low > start:  # no later interval reaches what lies before
            yield chrom, start, mean(low - start)
            sums, counts, start = sums[low - start :], counts[low - start :], low
        more = max(0, high - start - len(sums))
        sums, counts = np.pad(sums, (0, more)), np.pad(counts, (0, more))
        found = effects(scorer, tokens)
        there = np.isfinite(found)
        sums[: high - low][there] += found[there]
        counts[: high - low] += there
    if len(sums):
        yield chrom, start, mean(len(sums))
    told(len(places), len(places))


def write_bedgraph(parts: Iterator[tuple[str, int, np.ndarray]], out: TextIO) -> None:
    """Write effects along the genome as bedGraph; neighbouring bases of one value share a line.

    Parameters
    ----------
    parts : iterator of (chrom, start, effects)
        From `along`.
    out : text stream
    """
    for chrom, start, found in parts:
        shown = np.array([f"{value:.6g}" if value == value else "" for value in found.tolist()])
        first = np.flatnonzero(np.append(True, shown[1:] != shown[:-1]))
        for low, high in zip(first.tolist(), [*first[1:].tolist(), len(shown)], strict=True):
            if shown[low]:
                out.write(f"{chrom}\t{start + low}\t{start + high}\t{shown[low]}\n")


class Explained(NamedTuple):
    """What `explain` has done.

    Attributes
    ----------
    count, flagged : int
        Sequences, and those of them that are outside the training domain.
    unread : int
        Sequences too short to be read: without effects and instances.
    sites : int
        Motif instances.
    known : str
        What these were compared with.
    """

    count: int
    flagged: int
    unread: int
    sites: int
    known: str


def explain(
    scorer: Scorer,
    folder: str | os.PathLike,
    blocks: Iterator,
    out: TextIO,
    genome: Genome | None,
    attributions: Path | None,
    hits: Path | None,
    least: float = 1.0,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> Explained:
    """Score sequences as `score_files.score_sequences` does, and write where their logits come from.

    Parameters
    ----------
    scorer : Scorer
    folder : path
        Of the model.
    blocks : iterator
        From `score_files.fasta` or `score_files.bed`, of sequences up to `LONGEST` bp.
    out : text stream
        Receives the scores.
    genome : Genome, optional
        Of a BED file.
    attributions, hits : Path, optional
        Files to write; the end of the first says in which form (`form`).
    least : float
        See `find`.
    told : function
        Called with what is done and of how many; 0: not known.

    Returns
    -------
    Explained

    Raises
    ------
    InputError
        The input cannot be read, the model knows no motif, or the form needs a genome.
    NotEstimable
        No base has an effect that a bigWig could hold.
    """
    as_form = form(attributions) if attributions else ""
    if as_form not in ("", "tsv") and genome is None:
        raise InputError(f"--attributions {attributions}: FASTA records have no place on a genome; write a .tsv")
    places, unread, done = Places(genome) if as_form not in ("", "tsv") else None, 0, 0
    with contextlib.ExitStack() as stack:

        def opened(path: Path) -> TextIO:
            return stack.enter_context(open(stack.enter_context(atomic.replacing(path)), "w"))

        listed = Hits(scorer, folder, opened(hits), least) if hits else None
        table = opened(attributions) if as_form in ("tsv", "bedgraph") else None
        if as_form == "tsv":
            table.write("\t".join(EFFECT_COLUMNS) + "\n")

        def explained() -> Iterator:
            nonlocal unread, done
            for block in blocks:
                yield block
                unread += int((predict.span(block.tokens) < scorer.shortest).sum())
                if places is not None:
                    places.add(block.places)
                for start in range(0, len(block.names), _ROWS):
                    part = slice(start, start + _ROWS)
                    if as_form == "tsv":
                        write_effects(scorer, block.names[part], block.tokens[part], table)
                    if listed:
                        listed.add(block.names[part], block.tokens[part], block.places and block.places[part])
                    done += len(block.names[part])
                    told(done, 0)

        count, flagged = score_files.score_sequences(scorer, explained(), out)
        if as_form == "bedgraph":
            write_bedgraph(along(scorer, places, told), table)
        elif as_form == "bigwig":
            empty = f"no sequence holds {scorer.shortest} bp"
            with bigwig.writing(attributions, genome.lengths, places.bases, empty) as add:
                for chrom, start, found in along(scorer, places, told):
                    add(chrom, start, found)
    return Explained(count, flagged, unread, listed.count if listed else 0, listed.about if listed else "")
