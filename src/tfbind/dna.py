"""Sequences as text and as tokens.

Tokens are ``uint8``: A 0, C 1, G 2, T 3, and `UNKNOWN` (4) for everything else. A table of sequences becomes one
``(N, L)`` array, padded at the right end with `UNKNOWN`: to a model, padding and N are the same absence of a base.
"""

from collections.abc import Sequence

import numpy as np

ALPHABET = "ACGT"
UNKNOWN = 4

#: Token of each byte of a text.
CODE = np.full(256, UNKNOWN, np.uint8)
for _letters in ("ACGT", "acgt"):
    CODE[list(_letters.encode())] = range(4)
CODE[list(b"Uu")] = 3  # RNA spelling of T
_LETTER = np.frombuffer(b"ACGTN", np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)
_COMPLEMENT_TEXT = str.maketrans("ACGTUNacgtun", "TGCAANtgcaan")


def encode_text(text: bytes) -> np.ndarray:
    """Tokens of one long text, e.g. a chromosome: ``(len(text),)`` uint8."""
    return CODE[np.frombuffer(text, np.uint8)]


def encode(sequences: Sequence[str], length: int | None = None) -> np.ndarray:
    """Tokens of many sequences, padded at the right end.

    Parameters
    ----------
    sequences : sequence of str
    length : int, optional
        Columns of the result in bp; the longest sequence by default. A longer sequence is refused.

    Returns
    -------
    (N, length) uint8
    """
    sizes = np.fromiter((len(s) for s in sequences), np.int64, len(sequences))
    longest = int(sizes.max(initial=0))
    length = longest if length is None else length
    if longest > length:
        raise ValueError(f"a sequence of {longest} bp does not fit into {length} columns")
    tokens = np.full((len(sizes), length), UNKNOWN, np.uint8)
    tokens[np.arange(length) < sizes[:, None]] = encode_text("".join(sequences).encode("ascii", "replace"))
    return tokens


def decode(tokens: np.ndarray, sizes: np.ndarray | None = None) -> list[str]:
    """Text of ``(N, L)`` tokens; `sizes` (N,) cuts each to its true length in bp (default: `lengths`)."""
    sizes = lengths(tokens) if sizes is None else sizes
    text = _LETTER[tokens].tobytes().decode("ascii")
    width = tokens.shape[1]
    return [text[i * width : i * width + n] for i, n in enumerate(sizes)]


def lengths(tokens: np.ndarray) -> np.ndarray:
    """Length in bp of each row of ``(N, L)`` tokens, up to its last known base: (N,) int64."""
    column = np.arange(1, tokens.shape[1] + 1)
    return ((tokens != UNKNOWN) * column).max(1, initial=0)


def reverse_complement(tokens: np.ndarray) -> np.ndarray:
    """The other strand of ``(N, L)`` tokens; padding stays at the right end."""
    sizes = lengths(tokens)
    source = sizes[:, None] - 1 - np.arange(tokens.shape[1])  # (N, L) column to read, negative in the padding
    other = _COMPLEMENT[np.take_along_axis(tokens, np.maximum(source, 0), 1)]
    return np.where(source >= 0, other, np.uint8(UNKNOWN))


def reverse_complement_text(sequence: str) -> str:
    """The other strand of one sequence, 5' to 3'."""
    return sequence.translate(_COMPLEMENT_TEXT)[::-1]


def canonical(sequence: str) -> str:
    """The same text for a sequence and its reverse complement: the alphabetically smaller of the two."""
    return min(sequence, reverse_complement_text(sequence))


def gc(tokens: np.ndarray) -> np.ndarray:
    """Share of G and C among the known bases of each row: (N,) float64, 0 where none is known."""
    known = (tokens != UNKNOWN).sum(1)
    return np.isin(tokens, (1, 2)).sum(1) / np.maximum(known, 1)
