"""Whether the cycles of a SELEX library follow one another: swapped labels, and a cycle of another library."""

from collections.abc import Mapping, Sequence
from itertools import chain, combinations
from typing import NamedTuple

import numpy as np

from tfbind import dna, kmers

#: Length of the words in bp, how many stand for the consensus of a cycle, and how many inserts of a cycle are read.
WORD, WORDS, _MOST = 8, 10, 50_000
#: A cycle is selected where the odds to hold its own words are so many times those of the cycle with the fewest, and
#: where it holds them so many times as often as its own dinucleotides explain: in other cycles words get rarer.
SELECTED, EXCESS = 4, 3
#: Two selected cycles have words in common where one has this share of the other's log-odds of its words.
ALIKE = 0.2
#: An earlier cycle is above a later one at this many standard errors and at so many times its odds.
ERRORS, ODDS = 3, 1.1
#: A cycle shares no inserts with the others below this share of those expected, of at least so many. Where no earlier
#: selected cycle was read, the two after it say what is expected, which is more (from cycle 2 on, in no real series
#: below 0.13 of it).
FEW, _EXPECTED, _FIRST_FEW, _FIRST_EXPECTED = 0.1, 20, 0.02, 50
#: Beginnings of the verdicts on a series that is not one.
WRONG = ("swapped", "another library", "the same reads")
#: Cycles that share at least this share of the smaller one's inserts are one file.
SAME = 0.95


class Series(NamedTuple):
    """What the inserts of a library's cycles show.

    Attributes
    ----------
    verdict : str
        Begins with ``in order``, ``swapped``, ``another library``, ``the same reads``, ``not selected`` or ``cannot
        tell``.
    words : tuple of str
        Words that stand for the consensus, the most frequent first, the alphabetically smaller strand of each; empty
        where the cycles were not compared.
    shares : dict of int to float
        Cycle -> share of its inserts that hold one of the words.
    """

    verdict: str
    words: tuple[str, ...]
    shares: dict[int, float]


def check(cycles: Mapping[int, Sequence[str]]) -> Series:
    """Whether the enrichment of a library's consensus rises with the cycle, as selection makes it.

    The consensus of a cycle is the `WORDS` words of `WORD` bp, on either strand, with the largest product of the share
    of its inserts that hold them and the logarithm of its ratio to the mean of the other cycles. No label of a cycle is
    trusted in this, not even that of cycle 0. Words are chosen on every other insert, and their shares counted on the
    rest, so that a cycle does not stand out by chance. Then, in this order:

    - cycles of another insert length than most are of another library;
    - two cycles that share nearly all inserts (`SAME`) are the same reads;
    - a selected cycle (`SELECTED`) whose words the other selected cycles do not hold, nor it theirs (`ALIKE`), is of
      another library, as is one that lacks the inserts that its neighbours share (`FEW`): what is read before and after
      a cycle has passed through it;
    - among the others, an earlier cycle that holds the consensus of the most selected one more often than a later one
      (`ERRORS`, `ODDS`) is out of order.

    Parameters
    ----------
    cycles : mapping of int to sequence of str
        Cycle -> distinct inserts of A C G T, all of one length within a cycle. The first `_MOST` of each are read.

    Returns
    -------
    Series
        With two cycles, ``another library`` cannot say which of the two.
    """
    # words are chosen on every other insert and counted on the rest, so that of a single one none is left
    cycles = {cycle: cycles[cycle] for cycle in sorted(cycles) if len(cycles[cycle]) > 1}
    if len(cycles) < 2:
        return Series("cannot tell: only one cycle has inserts", (), {})
    sizes = {cycle: len(inserts[0]) for cycle, inserts in cycles.items()}
    common = max(sizes.values(), key=list(sizes.values()).count)
    if other := [cycle for cycle, size in sizes.items() if size != common]:
        lengths = ", ".join(f"{size} bp in cycle {cycle}" for cycle, size in sizes.items())
        return Series(f"another library: {_cycles(other)}: inserts of {lengths}", (), {})
    if common < WORD:
        return Series(f"cannot tell: inserts of {common} bp are shorter than the words of {WORD} bp", (), {})
    tokens = {cycle: dna.encode(list(inserts[:_MOST])) for cycle, inserts in cycles.items()}
    shared = _shared(tokens)
    for (one, two), count in shared.items():
        if count >= SAME * min(len(tokens[one]), len(tokens[two])):
            return Series(f"the same reads: cycles {one} and {two} share {count} inserts; correct one file", (), {})
    counted = _Words(tokens)
    foreign, why = _unlike(counted, shared)
    rest = [cycle for cycle in tokens if cycle not in foreign]
    best = counted.most_selected(rest or list(tokens))
    shares = {cycle: counted.held[cycle, best] / counted.count[cycle] for cycle in tokens}
    words = tuple(_text(word) for word in counted.words[best])
    shown = f"{words[0]} and {WORDS - 1} more words in " + ", ".join(
        f"{share:.2%} (cycle {cycle})" for cycle, share in shares.items()
    )
    wrong = _inversions(counted, best, rest)
    apart, reason = _apart(counted, rest, shared) if rest else (-1, "")
    exchanged = _exchanged(counted, best, rest, shared) if wrong or reason else ()
    if foreign:
        verdict = f"another library: {_cycles(foreign)}: {why}"
    elif exchanged:
        verdict = f"swapped: {_cycles(exchanged)}"
        if apart in exchanged and 0 not in exchanged and not any(n for pair, n in shared.items() if apart in pair):
            verdict += f", or cycle {apart} is of another library: {reason}"
    elif reason:
        verdict = f"another library: cycle {apart}: {reason}"
    elif wrong:
        rising = sorted(rest, key=lambda cycle: counted.logit(cycle, best))
        verdict = f"swapped: the words rise in the order {', '.join(map(str, rising))}"
    elif counted.rises(best) and counted.beyond(best):
        verdict = "in order"
    elif counted.rises(best):
        verdict = "not selected: composition explains the words that rise"
    else:
        verdict = "not selected: no words rise"
    return Series(f"{verdict}; {shown}", words, shares)


class _Words:
    """The consensus words of each cycle, and how many inserts of each cycle hold them.

    Attributes
    ----------
    words : dict of int to (WORDS,) int
        Cycle -> the codes of its words.
    count : dict of int to int
        Cycle -> inserts on which words are counted.
    held : dict of (int, int) to int
        (cycle, cycle of the words) -> inserts that hold one.
    explained : dict of int to float
        Cycle -> how many of its inserts would hold one of its own words if they were a Markov chain with its
        dinucleotides.
    """

    def __init__(self, tokens: Mapping[int, np.ndarray]):
        present = {cycle: kmers.canonical(part, WORD) for cycle, part in tokens.items()}
        chosen = {cycle: kmers.held(part[::2], WORD) for cycle, part in tokens.items()}
        share = {cycle: (held + 0.5) / (len(tokens[cycle][::2]) + 1) for cycle, held in chosen.items()}
        total = sum(share.values())
        self.words, self.count, self.held, self.explained = {}, {}, {}, {}
        for cycle, mine in share.items():
            others = (total - mine) / (len(share) - 1)
            self.words[cycle] = np.argsort(-mine * np.log(mine / others), kind="stable")[:WORDS]
            self.count[cycle] = len(tokens[cycle][1::2])
            self.explained[cycle] = self.count[cycle] * _by_dinucleotides(tokens[cycle], self.words[cycle])
        for cycle, part in present.items():
            for of, words in self.words.items():
                self.held[cycle, of] = int(np.isin(part[1::2], words).any(1).sum())

    def logit(self, cycle: int, of: int) -> float:
        """Log-odds that an insert of a cycle holds a word of another's."""
        held = self.held[cycle, of]
        return float(np.log((held + 0.5) / (self.count[cycle] - held + 0.5)))

    def error(self, cycle: int, of: int) -> float:
        """Standard error of `logit`."""
        held = self.held[cycle, of]
        return float(np.sqrt(1 / (held + 0.5) + 1 / (self.count[cycle] - held + 0.5)))

    def gain(self, cycle: int, of: int) -> float:
        """`logit` above that of the cycle with the fewest."""
        return self.logit(cycle, of) - min(self.logit(other, of) for other in self.words)

    def beyond(self, cycle: int) -> bool:
        """Whether a cycle holds its own words far more often than its dinucleotides explain."""
        return self.held[cycle, cycle] >= EXCESS * self.explained[cycle]

    def selected(self, cycle: int) -> bool:
        """Whether it also holds them far more often than the cycle with the fewest."""
        return self.beyond(cycle) and self.gain(cycle, cycle) >= np.log(SELECTED)

    def rises(self, cycle: int) -> bool:
        """Whether it holds them more often than the cycle with the fewest, by more than chance."""
        fewest = min(self.words, key=lambda other: self.logit(other, cycle))
        error = np.hypot(self.error(cycle, cycle), self.error(fewest, cycle))
        return self.gain(cycle, cycle) >= max(ERRORS * error, np.log(ODDS))

    def most_selected(self, cycles: Sequence[int]) -> int:
        """The cycle with the largest product of share and log-odds of its own words."""
        return max(cycles, key=lambda cycle: self.held[cycle, cycle] / self.count[cycle] * self.gain(cycle, cycle))


def _by_dinucleotides(tokens: np.ndarray, words: np.ndarray) -> float:
    # Share of inserts that hold one of the words by chance, for a Markov chain of their dinucleotides.
    pairs = np.bincount((4 * tokens[:, :-1] + tokens[:, 1:]).ravel(), minlength=16).reshape(4, 4) + 1.0
    first = np.log(pairs.sum(1) / pairs.sum())
    step = np.log(pairs / pairs.sum(1, keepdims=True))
    both = np.unique(np.concatenate([words, kmers.turned(WORD)[words]]))
    letters = both[:, None] // 4 ** np.arange(WORD)[::-1] % 4
    each = np.exp(first[letters[:, 0]] + step[letters[:, :-1], letters[:, 1:]].sum(1))
    return -np.expm1(-each.sum() * (tokens.shape[1] - WORD + 1))


def _shared(tokens: Mapping[int, np.ndarray]) -> dict[tuple[int, int], int]:
    # Inserts that two cycles have in common, on either strand.
    rows = {}
    for cycle, part in tokens.items():
        turned = 3 - part[:, ::-1]
        unlike = part.astype(np.int8) - turned.astype(np.int8)
        first = np.take_along_axis(unlike, (unlike != 0).argmax(1)[:, None], 1)
        smaller = np.where(first > 0, turned, part) + np.uint8(1)  # no zero, which ends a string of numpy
        rows[cycle] = np.unique(np.ascontiguousarray(smaller).view(f"S{part.shape[1]}"))
    return {
        (one, two): len(np.intersect1d(rows[one], rows[two], assume_unique=True))
        for one, two in combinations(tokens, 2)
    }


def _unlike(counted: _Words, shared: Mapping[tuple[int, int], int]) -> tuple[list[int], str]:
    # Selected cycles that are rich in other words than most, and these words.
    groups: list[list[int]] = []
    for cycle in filter(counted.selected, counted.words):
        kin = [group for group in groups if any(_alike(counted, cycle, other) for other in group)]
        groups = [group for group in groups if group not in kin] + [sorted(chain([cycle], *kin))]
    if len(groups) < 2:
        return [], ""
    most = max(map(len, groups))
    main = [group for group in groups if len(group) == most]
    if len(main) > 1:  # the one that shares inserts with the cycles that are not selected
        others = set(counted.words).difference(*groups)
        kin = [sum(n for pair, n in shared.items() if others & set(pair) and set(group) & set(pair)) for group in main]
        if max(kin) >= _EXPECTED and sorted(kin)[-2] < FEW * max(kin):
            main = [main[int(np.argmax(kin))]]
    foreign = sorted(chain.from_iterable(group for group in groups if len(main) > 1 or group != main[0]))
    words = ", ".join(f"{_text(counted.words[max(group)][0])} in {_cycles(group)}" for group in groups)
    return foreign, f"each is rich in other words ({words})"


def _apart(counted: _Words, order: Sequence[int], shared: Mapping[tuple[int, int], int]) -> tuple[int, str]:
    # The first cycle that lacks the inserts that its neighbours share, or that has some in the place of cycle 0, and
    # why; -1 and '' where there is none.
    most, held = max(shared.values()), {pair: count for pair, count in shared.items() if order[0] in pair}
    if 0 in order and max(held.values()) >= max(_EXPECTED, FEW * most):
        one, two = max(held, key=held.get)
        return order[0], f"cycles {one} and {two} share {held[one, two]} inserts, and an unselected library shares none"
    places = sorted(order)
    for at, cycle in enumerate(order):
        # a molecule read before and after a cycle was in it, and two later cycles share more than two earlier ones
        few, least = FEW, _EXPECTED
        beside = (at - 1, at + 1) if at + 1 < len(order) else (at - 2, at - 1)
        if at == (places[0] == 0) and places[at] > 1 and at + 2 < len(order):
            few, least, beside = _FIRST_FEW, _FIRST_EXPECTED, (at + 1, at + 2)
        if min(beside) < 0:
            continue
        one, two = (order[i] for i in beside)
        both = shared[min(one, two), max(one, two)]
        expected = both * min(1, counted.count[cycle] / max(counted.count[one], counted.count[two]))
        found = max(shared[min(cycle, other), max(cycle, other)] for other in (one, two))
        if expected >= least and found < few * expected:
            return cycle, f"it shares {found} inserts with cycle {one} or {two}, which have {both} in common"
    return -1, ""


def _alike(counted: _Words, one: int, two: int) -> bool:
    return any(counted.gain(a, b) >= ALIKE * counted.gain(b, b) for a, b in ((one, two), (two, one)))


def _inversions(counted: _Words, of: int, order: Sequence[int]) -> list[tuple[int, int]]:
    # Pairs (earlier, later) of an order of which the earlier cycle holds the words more often.
    found = []
    for one, two in combinations(order, 2):
        above = counted.logit(one, of) - counted.logit(two, of)
        error = np.hypot(counted.error(one, of), counted.error(two, of))
        if above >= max(ERRORS * error, np.log(ODDS)):
            found.append((one, two))
    return found


def _exchanged(counted: _Words, of: int, cycles: list[int], shared: Mapping[tuple[int, int], int]) -> tuple[int, ...]:
    # The two labels whose exchange brings the words and the shared inserts in order; () where there are none.
    mends = []
    for one, two in combinations(cycles, 2):
        order = [two if cycle == one else one if cycle == two else cycle for cycle in cycles]
        if not _inversions(counted, of, order) and not _apart(counted, order, shared)[1]:
            falls = [counted.logit(a, of) - counted.logit(b, of) for a, b in combinations(order, 2)]
            mends.append((sum(max(fall, 0) for fall in falls), one, two))
    return min(mends)[1:] if mends else ()


def _cycles(cycles: Sequence[int]) -> str:
    return ("cycle " if len(cycles) == 1 else "cycles ") + " and ".join(map(str, cycles))


def _text(code: int) -> str:
    return "".join(dna.ALPHABET[int(code) // 4**i % 4] for i in range(WORD)[::-1])
