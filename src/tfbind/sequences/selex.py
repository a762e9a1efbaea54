"""SELEX reads to inserts: flanks cut off, jackpots removed."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from tfbind import dna
from tfbind.errors import InputError, NotEstimable
from tfbind.io.tally import Tally

#: What makes a read a PCR jackpot, see `jackpot`; and how a tally calls it.
JACKPOT_GAP, JACKPOT_READS, JACKPOT = 5, 10, "PCR jackpot"


def inserts(
    sequences: Iterable[str],
    left_flank: str,
    right_flank: str,
    tally: Tally,
    counts: np.ndarray | None = None,
    jackpots: str = "remove",
    trim: str = "",
    length: int = 0,
) -> pd.DataFrame:
    """The random inserts of one SELEX library: flanks trimmed, one length, no N, no PCR jackpot, each insert once.

    Parameters
    ----------
    sequences : iterable of str
        Reads, upper case.
    left_flank, right_flank : str
        Sequence on either side of the insert, `N` for any base; empty where the reads are inserts already. A flank is
        found with at most one mismatch.
    tally : Tally
        Counts the reads that are dropped or cut.
    counts : (N,) int array, optional
        Reads that each sequence stands for; one by default.
    jackpots : {"remove", "keep"}
        What is done with the inserts of `jackpot` and with those that differ from one by a single base: sequencing
        errors of the same molecule.
    trim : {"", "left", "right"}
        At which end inserts of more than `length` bp are cut; '' cuts none.
    length : int
        In bp, for `trim`.

    Returns
    -------
    DataFrame
        `sequence` (the orientation seen first) and `count` (reads of it and of its reverse complement).

    Raises
    ------
    InputError
        More than half of the reads lack the flanks, or the most frequent insert length holds under 80 % of the reads.
    NotEstimable
        Nothing is left, or one insert makes up more than half of the library.
    """
    reads = pd.Series(sequences, dtype="str").reset_index(drop=True)
    weights = np.ones(len(reads), np.int64) if counts is None else np.asarray(counts)
    if left_flank or right_flank:
        matched = _flanked(reads, left_flank.upper(), right_flank.upper(), weights)
        tally.add("dropped", "flank does not match", weights[~matched].sum())
        reads, weights = reads[matched], weights[matched]
        reads = reads.str.slice(len(left_flank), -len(right_flank) or None)

    if not len(reads):
        raise NotEstimable("no read is left after trimming")
    sizes = reads.str.len().to_numpy()
    share = np.bincount(sizes, weights) / weights.sum()
    modal = int(share.argmax())
    if share[modal] < 0.8:
        common = ", ".join(f"{n} bp {share[n]:.0%}" for n in np.argsort(-share)[:4] if share[n] > 0)
        raise InputError(
            f"inserts of mixed length ({common}); a library has one: name its flanks in left_flank and right_flank, or "
            "split the file"
        )
    tally.add("dropped", f"insert is not {modal} bp", weights[sizes != modal].sum())
    reads, weights = reads[sizes == modal], weights[sizes == modal]
    if trim and modal > length:
        tally.add("changed", f"insert of {modal} bp cut to {length} bp, {trim} end off", weights.sum())
        reads = reads.str.slice(modal - length) if trim == "left" else reads.str.slice(0, length)
    unknown = reads.str.contains("N", regex=False).to_numpy()
    tally.add("dropped", "insert with N", weights[unknown].sum())
    reads, weights = reads[~unknown], weights[~unknown]
    if not len(reads):
        raise NotEstimable("every insert has an N")

    insert = pd.factorize(dna.canonicals(reads))[0]  # numbered as they first occur
    first = np.diff(np.maximum.accumulate(insert), prepend=-1) > 0
    table = pd.DataFrame({"sequence": reads[first].array, "count": np.bincount(insert, weights).astype(weights.dtype)})
    if (top := table["count"].max()) > weights.sum() / 2:
        read = table["sequence"][table["count"].idxmax()]
        tally.add("dropped", "same insert again (either strand)", weights.sum() - len(table))
        raise NotEstimable(f"library collapsed: {read} is {top} of {weights.sum()} reads")
    copied = _copies(table, jackpot(table["count"].to_numpy()))
    named = table[copied].nlargest(3, "count")
    which = ", ".join(f"{read} {n} reads" for read, n in zip(named["sequence"], named["count"], strict=True))
    event, what = ("dropped", "or a copy with one error") if jackpots == "remove" else ("noted", "kept")
    tally.add(event, f"{JACKPOT} {what}: {which}", table["count"][copied].sum())
    if jackpots == "remove":
        weights, table = table["count"][~copied], table[~copied].reset_index(drop=True)
    tally.add("dropped", "same insert again (either strand)", weights.sum() - len(table))
    return table


def jackpot(counts: np.ndarray) -> np.ndarray:
    """Which inserts of a library are PCR jackpots.

    Selection leaves no gap between the counts. So an insert is a jackpot if it and all more frequent ones have at least
    `JACKPOT_GAP` times the reads of the next one and at least `JACKPOT_READS`; the gap is looked for among the most
    frequent hundredth of the inserts.

    Parameters
    ----------
    counts : (N,) int
        Reads of each insert.

    Returns
    -------
    (N,) bool
    """
    order = np.argsort(-counts, kind="stable")
    top = counts[order[: max(1, len(counts) // 100) + 1]]
    gaps = np.flatnonzero((top[:-1] >= JACKPOT_GAP * top[1:]) & (top[:-1] >= JACKPOT_READS))
    found = np.zeros(len(counts), bool)
    found[order[: gaps[-1] + 1 if len(gaps) else 0]] = True
    return found


def _copies(table: pd.DataFrame, found: np.ndarray) -> np.ndarray:
    # The jackpots, and the inserts that differ from one of them by one base, on either strand.
    if not found.any():
        return found
    tokens = dna.encode(table["sequence"][found])
    variants = [tokens]
    for place in range(tokens.shape[1]):
        for base in range(len(dna.ALPHABET)):
            other = tokens.copy()
            other[:, place] = base
            variants.append(other)
    variants = pd.Series(dna.decode(np.concatenate(variants)), dtype="str")
    return dna.canonicals(table["sequence"]).isin(dna.canonicals(variants)).to_numpy()


def _flanked(reads: pd.Series, left: str, right: str, weights: np.ndarray) -> np.ndarray:
    long = reads.str.len().to_numpy() > len(left) + len(right)
    matched = long.copy()
    starts, stops = reads[long].str.slice(0, len(left)), reads[long].str.slice(-len(right) or 10**6)
    wanted = [(side, flank, ends) for side, flank, ends in (("left", left, starts), ("right", right, stops)) if flank]
    for _, flank, ends in wanted:
        expected = dna.encode([flank])
        wrong = (dna.encode(ends, len(flank)) != expected) & (expected != dna.UNKNOWN)
        matched[long] &= wrong.sum(1) <= 1
    missing = weights[~matched].sum()
    if missing * 2 > weights.sum():
        observed = (f"{side} {_consensus(ends, weights[long])} (given {flank})" for side, flank, ends in wanted)
        raise InputError(
            f"{missing} of {weights.sum()} reads lack the flanks; the reads show {', '.join(observed)}; correct "
            "left_flank and right_flank, or leave them empty if the reads are inserts already"
        )
    return matched


def _consensus(ends: pd.Series, weights: np.ndarray) -> str:
    tokens = dna.encode(ends)
    counts = np.stack([weights @ (tokens == base) for base in range(4)])  # (4, L) reads
    letters = np.where(2 * counts.max(0) > weights.sum(), counts.argmax(0), dna.UNKNOWN).astype(np.uint8)
    return "".join(dna.decode(letters[None], [len(letters)])) or "nothing (all reads are shorter than the flanks)"
