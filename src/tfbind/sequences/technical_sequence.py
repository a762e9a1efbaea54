"""Technical sequence in SELEX reads: barcodes, primers and adaptors that separate positives from negatives.

Binding enriches a word of bases on both strands and, more or less, wherever an insert has room for it. Technical
sequence lies on one strand, mostly at one place. So a word that is frequent in one class (positives or negatives) and
rare in the other is technical where its reverse complement is enriched nowhere. What counts is the share of the reads
that hold such words, less what binding explains: as much as the mirror images of the words are enriched (the reverse
complements, as far from the other end), or the words at other places. In real libraries of 20 bp a protein that also
touches the constant flank prefers one end.

- At one place: barcodes, primers, the adaptor behind inserts of another length.
- At the ends, on either strand: the same where reads of both strands were mixed. The words must be enriched nowhere
  but at the end and its mirror image, and not in the middle of the inserts: a motif as long as the insert is.
- At any place, on one strand: a constant stretch at changing places. It must be more frequent than the dinucleotides
  of its reads explain.

Words are chosen on every second read and counted on the others, and the other way round, so that chance adds nothing.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from tfbind import dna, kmers

#: Lengths in bp of the words that are counted, at one place and at any. Words of 4 bp show the four barcodes of a small
#: library, words of 6 bp the hundred of a large one.
_ANCHORED, _ANYWHERE = (1, 2, 4, 6), (4, 6)
#: A word counts if it is at least so many times as frequent in one class as in the other, and its reverse complement is
#: not even `BOUND` times as frequent.
ENRICHED, BOUND = 4, 1.5
#: Share of the reads of one class that must hold technical words beyond what binding explains, and by how many
#: standard errors it must exceed 0. Of the HT-SELEX libraries in docs/datasets.md none reaches 0.28, against cycle 0,
#: shuffles or another TF's reads (CTCF and PAX5, whose sites touch a flank); barcodes on all reads of a class reach
#: 0.6 and more.
LEAST, ERRORS = 0.35, 5
#: Reads of a class that are looked at, evenly spaced; a class with fewer than `_FEWEST` is not judged.
_MOST, _FEWEST = 10_000, 20
#: A word at any place must be in this share of the reads of its class.
_COMMON = 0.05
#: A place is constant where this share of the reads has one base; how many words a sentence names.
_CONSTANT, _NAMED = 0.9, 4
#: How long the words that are named may be, in bp.
_LONGEST = 10


def told_apart(positives: pd.Series, negatives: pd.Series) -> Iterator[str]:
    """Sentences on sequence that separates the positives of a SELEX dataset from its negatives without any binding.

    Parameters
    ----------
    positives, negatives : Series of str
        Reads; those of the most frequent length and without N are looked at, `_MOST` of each class.

    Yields
    ------
    str
        One for each end, or one for the stretch at changing places: the words, their shares in both classes and what
        to do. Nothing where the inserts alone differ, or a class has under `_FEWEST` reads.
    """
    classes = _tokens(positives, negatives)
    if min(map(len, classes)) < _FEWEST:
        return
    places = _places(_anchored(classes), classes[0].shape[1])
    for k, place in places:
        yield _sentence(classes, k, place)
    if not places:
        share, k, words, most = max(_anywhere(classes), key=lambda found: found[0], default=(0, 0, [], 0))
        if share >= LEAST:
            yield _stretch(classes, k, words, most)


def strongest(positives: pd.Series, negatives: pd.Series) -> float:
    """The largest share of the reads of a class that technical words seem to hold, to be compared with `LEAST`.

    Parameters
    ----------
    positives, negatives : Series of str
        Reads; those of the most frequent length and without N are looked at, `_MOST` of each class.

    Returns
    -------
    float
        0 where a class has under `_FEWEST` reads.
    """
    classes = _tokens(positives, negatives)
    if min(map(len, classes)) < _FEWEST:
        return 0.0
    shares = [shares.max() for shares in _anchored(classes).values()]
    return float(max(shares + [found[0] for found in _anywhere(classes)]))


def _tokens(*columns: pd.Series) -> list[np.ndarray]:
    # (N, L) tokens of each class, of one length and without unknown bases.
    sizes = [column.str.len().to_numpy(np.int64) for column in columns]
    common = int(np.bincount(np.concatenate(sizes), minlength=1).argmax())
    classes = []
    for column, size in zip(columns, sizes, strict=True):
        tokens = dna.encode(column[size == common].reset_index(drop=True), common)
        tokens = tokens[(tokens < dna.UNKNOWN).all(1)]
        n = min(len(tokens), _MOST)
        classes.append(tokens[np.arange(n) * len(tokens) // max(n, 1)])
    return classes


def _places(found: dict[int, np.ndarray], size: int) -> list[tuple[int, int]]:
    # (k, place) of the words that separate most, in each half of the insert; of equals, those nearest to the end.
    best = []
    for is_right in (False, True):
        windows = [
            (share, size - place - k if is_right else place, -k, place)
            for k, shares in found.items()
            for place, share in enumerate(shares)
            if share >= LEAST and (2 * place + k >= size) == is_right
        ]
        if windows:
            least = max(windows)[0] - 0.02
            best.append((max(windows)[0], min(window[1:] for window in windows if window[0] >= least)))
    if len(best) == 2 and best[1][1][2] - (best[0][1][2] - best[0][1][1]) < max(_ANCHORED):  # one stretch in the middle
        best = [max(best)]
    return [(-k, place) for _, (_, k, place) in best]


def _sentence(classes: Sequence[np.ndarray], k: int, place: int) -> str:
    size = classes[0].shape[1]
    alike = _alike(classes)
    first, last = _span(classes, place, place + k, alike)
    place, k = first, last - first
    after = before = ""
    for base in alike[place + k :]:
        if not base:
            break
        after += base
    for base in alike[:place][::-1]:
        if not base:
            break
        before = base + before
    shares = [_counts(kmers.codes(tokens[:, place : place + k], k).T, k)[0] / len(tokens) for tokens in classes]
    said = f"bases {place + 1} to {place + k}" if k > 1 else f"base {place + 1}"
    said += f" of the {size} bp separate positive from negative reads without any binding: "
    said += _named(shares, [len(tokens) for tokens in classes], k)
    said += "".join(
        f"; {stretch} {where} them is constant in both"
        for stretch, where in ((before, "before"), (after, "behind"))
        if stretch
    )
    flank = ""
    if place - len(before) == 0:
        flank = f"left_flank {before + 'N' * k + after}"
    elif place + k + len(after) == size:
        flank = f"right_flank {before + 'N' * k + after}"
    return said + _remedy(flank)


def _span(classes: Sequence[np.ndarray], first: int, last: int, alike: Sequence[str]) -> tuple[int, int]:
    # Where the words begin and end: a further base of a barcode adds few new words, one of the insert four for each.
    def words(first: int, last: int) -> int:  # how many words most reads hold, in the class that needs fewer
        counts = (
            np.unique(kmers.codes(tokens[:, first:last], last - first), return_counts=True)[1] for tokens in classes
        )
        return min(int((np.cumsum(np.sort(n)[::-1]) < _CONSTANT * n.sum()).sum()) + 1 for n in counts)

    while last - first > 1 and (alike[last - 1] or words(first, last - 1) * 2 < words(first, last)):
        last -= 1
    while last - first > 1 and (alike[first] or words(first + 1, last) * 2 < words(first, last)):
        first += 1
    size = classes[0].shape[1]
    while first and last - first < _LONGEST and not alike[first - 1]:
        if words(first - 1, last) >= 2 * words(first, last):
            break
        first -= 1
    while last < size and last - first < _LONGEST and not alike[last]:
        if words(first, last + 1) >= 2 * words(first, last):
            break
        last += 1
    return first, last


def _stretch(classes: Sequence[np.ndarray], k: int, words: np.ndarray, most: int) -> str:
    held = [np.array([(word == kmers.codes(tokens, k).T).any(0).mean() for word in words]) for tokens in classes]
    order = np.argsort(-held[most], kind="stable")[:_NAMED]
    which = ", ".join(
        f"{_text(words[i], k)} ({held[0][i]:.0%} of the positive and {held[1][i]:.0%} of the negative reads)"
        for i in order
    )
    said = "a stretch on one strand, at changing places, separates positive from negative reads without any binding: "
    return said + which + _remedy("")


def _remedy(flank: str) -> str:
    named = f", or name {flank} in the sheet (N stands for any base, one for each to cut off)" if flank else ""
    return (
        "; where they are barcodes of several samples, demultiplex the reads into a file for each and cut them off; "
        f"else cut off primers and adaptors with a trimmer, keeping inserts of one length{named}"
    )


def _named(shares: Sequence[np.ndarray], total: Sequence[int], k: int) -> str:
    # The words of a class that the other lacks, the most frequent first; not of a class in which they are random.
    parts, most = [], 0
    for one, two, name, other in ((0, 1, "positive", "negative"), (1, 0, "negative", "positive")):
        words = np.flatnonzero((shares[one] >= ENRICHED * shares[two]) & (shares[one] >= max(2 / 4**k, 5 / total[one])))
        if not len(words):
            words = np.flatnonzero(shares[one] > shares[two])
        words = words[np.argsort(-shares[one][words], kind="stable")]
        held = [share[words].sum() for share in shares]
        which = ", ".join(f"{_text(word, k)} {shares[one][word]:.0%}" for word in words[:_NAMED])
        which += f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
        said = f"{which}, in all {held[one]:.0%} of the {name} and {held[two]:.0%} of the {other} reads"
        parts.append((held[one] - held[two], said))
        most = max(most, held[one] - held[two])
    return "; ".join(said for share, said in parts if share >= most / 2)


def _alike(classes: Sequence[np.ndarray]) -> list[str]:
    # For each place the base that nearly all reads of both classes share, '' where there is none.
    shares = [np.stack([(tokens == base).mean(0) for base in range(4)]) for tokens in classes]  # (4, L)
    constant = np.minimum(*shares)
    return [dna.ALPHABET[b] if x >= _CONSTANT else "" for b, x in zip(constant.argmax(0), constant.max(0), strict=True)]


def _text(code: int, k: int) -> str:
    return "".join(dna.ALPHABET[code >> 2 * i & 3] for i in range(k)[::-1])


def _counts(codes: np.ndarray, k: int) -> np.ndarray:
    # How many reads have each word at each place: (places, 4**k).
    n = len(codes)
    at = codes + (np.arange(n, dtype=np.int32)[:, None] << 2 * k)
    return np.bincount(at.ravel(), minlength=n << 2 * k).reshape(n, -1).astype(np.float32)


def _beyond(held: np.ndarray, mirrored: np.ndarray, total: tuple[int, int]) -> np.ndarray:
    # The share of class 0 that holds some words, less what binding explains.
    #
    # held and mirrored, (..., 2): reads of either class with the words and with their mirror images. Binding enriches
    # both alike; where there are few mirror images, one more read is assumed in favour of binding.
    share, other = held[..., 0] / total[0], held[..., 1] / total[1]
    doubtful = (held[..., 1] + 1) / total[1]
    ratio = (held[..., 0] + 1) / total[0] / doubtful
    image = (mirrored[..., 0] / total[0] + ratio / total[1]) / ((mirrored[..., 1] + 1) / total[1])
    explained = np.maximum.reduce([other, doubtful * image, mirrored[..., 0] / total[0]])
    return np.where(share - explained > ERRORS * _error(share, other, total), share - explained, 0)


def _ratio(one: np.ndarray, two: np.ndarray, total) -> np.ndarray:
    # How many times as frequent each word is in class 0 as in class 1, one read added to each.
    return (one + 1) / total[0] / ((two + 1) / total[1])


def _error(share, other, total):
    return np.sqrt(share * (1 - share) / total[0] + other * (1 - other) / total[1])


def _anchored(classes: list[np.ndarray]) -> dict[int, np.ndarray]:
    # k -> for each place the share of a class that technical words hold there, the larger of both classes.
    total, size = [len(tokens) for tokens in classes], classes[0].shape[1]
    found = {}
    for k in (k for k in _ANCHORED if k <= size):
        turned = kmers.turned(k)
        codes = [kmers.codes(tokens, k).T for tokens in classes]
        counts = [[_counts(part[:, half::2], k) for part in codes] for half in (0, 1)]
        n = size - k + 1
        best = np.zeros(n)
        for one, two in ((0, 1), (1, 0)):
            # reads (2, n, n) with the words of the first place at the second, and with their images at its mirror image
            held, mirrored = np.zeros((2, n, n)), np.zeros((2, n, n))
            alone = np.zeros((2, n))
            for half in (0, 1):
                here = [counts[half][i] for i in (one, two)]
                sizes = [len(classes[i][half::2]) for i in (one, two)]
                enriched = _ratio(here[0], here[1], sizes) >= ENRICHED
                pooled = [x.sum(0) for x in here]
                words = enriched & (_ratio(*(x[turned] for x in pooled), sizes) < BOUND)
                rest = [x + x[turned] for x in pooled]
                elsewhere = (rest[j] - here[j] - here[j][::-1, turned] for j in (0, 1))
                single = enriched & (_ratio(*elsewhere, sizes) < BOUND)
                words = words.astype(np.float32)
                for j, i in enumerate((one, two)):
                    there = counts[1 - half][i]
                    held[j] += words @ there.T
                    mirrored[j] += words @ there[::-1, turned].T
                    alone[j] += (single * there).sum(1)
            both = total[one], total[two]
            own, image = (np.diagonal(x, 0, 1, 2).T for x in (held, mirrored))  # (n, 2)
            elsewhere = np.median(held[0], 1) / both[0]
            best = np.maximum(best, np.minimum(_beyond(own, image, both), own[:, 0] / both[0] - elsewhere))
            share, other = alone[0] / both[0], alone[1] / both[1]
            alone = np.where(share - other > ERRORS * _error(share, other, both), share - other, 0)
            ends = np.array([0, n - 1])
            best[ends] = np.maximum(best[ends], alone[ends] - alone[n // 2])
        found[k] = best
    return found


def _anywhere(classes: list[np.ndarray]) -> list[tuple]:
    found = []
    total = [len(tokens) for tokens in classes]
    for k in (k for k in _ANYWHERE if k <= classes[0].shape[1]):
        turned = kmers.turned(k)
        codes = [kmers.codes(tokens, k).T for tokens in classes]
        for one, two in ((0, 1), (1, 0)):
            held, mirrored, named = np.zeros(2), np.zeros(2), np.zeros(4**k, bool)
            for half in (0, 1):
                count = [np.bincount(codes[i][:, half::2].ravel(), minlength=4**k) for i in (one, two)]
                n = [codes[i][:, half::2].shape[1] for i in (one, two)]
                ratio = _ratio(*count, n)
                words = (ratio >= ENRICHED) & (ratio[turned] < BOUND)
                chance = _expected(classes[one][half::2], k)
                image = count[0][turned] * np.maximum(chance / chance[turned], 1)
                words &= (count[0] >= _COMMON * n[0]) & (count[0] >= ENRICHED * np.maximum(chance, image))
                named |= words
                for j, i in enumerate((one, two)):
                    there = codes[i][:, 1 - half :: 2]
                    held[j] += words[there].any(0).sum()
                    mirrored[j] += words[turned][there].any(0).sum()
            both = total[one], total[two]
            found.append((float(_beyond(held, mirrored, both)), k, np.flatnonzero(named), one))
    return found


def _expected(tokens: np.ndarray, k: int) -> np.ndarray:
    # Occurrences of each word that the dinucleotides of the reads explain: (4**k,).
    pairs = np.bincount(kmers.codes(tokens, 2).ravel(), minlength=16).reshape(4, 4) + 1.0
    first, step = pairs.sum(1) / pairs.sum(), pairs / pairs.sum(1, keepdims=True)
    code = np.arange(4**k)
    bases = [(code >> 2 * (k - 1 - i)) % 4 for i in range(k)]
    chance = first[bases[0]]
    for a, b in pairwise(bases):
        chance = chance * step[a, b]
    return chance * len(tokens) * (tokens.shape[1] - k + 1)
