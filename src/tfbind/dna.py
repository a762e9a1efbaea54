"""Sequences as text and as tokens.

Tokens are ``uint8``: A 0, C 1, G 2, T 3, and `UNKNOWN` (4) for everything else. A table of sequences becomes one
``(N, L)`` array, padded at the right end with `UNKNOWN`: to a model, padding and N are the same absence of a base.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

ALPHABET = "ACGT"
UNKNOWN = 4
_LETTER = np.frombuffer(b"ACGTN", np.uint8)
_CODE = bytearray([UNKNOWN] * 256)


for _code, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"TtUu")):  # U is the RNA spelling of T
    for _letter in _letters:
        _CODE[_letter] = _code


#: Token of each byte of a text, (256,) uint8.
CODE = np.frombuffer(_CODE, np.uint8)
_COMPLEMENT = np.array([3, 2, 1, 0, 4], np.uint8)
_COMPLEMENT_TEXT = bytes.maketrans(b"ACGTUNacgtun", b"TGCAANtgcaan")


def encode_text(text: bytes | np.ndarray | pa.Buffer) -> np.ndarray:
    """Tokens of one long text, e.g. a chromosome.

    Parameters
    ----------
    text : bytes, uint8 array or Arrow buffer
        One byte a letter, of either case.

    Returns
    -------
    (len(text),) uint8
    """
    return np.frombuffer(bytearray(text).translate(_CODE), np.uint8)


def encode(sequences: Sequence[str] | pd.Series, length: int | None = None) -> np.ndarray:
    """Tokens of many sequences, padded at the right end.

    Parameters
    ----------
    sequences : sequence of str
        Encode the column of a table, not a list of it: a column is read without a Python string for each sequence.
    length : int, optional
        Columns of the result in bp; the longest sequence by default.

    Returns
    -------
    (N, length) uint8

    Raises
    ------
    ValueError
        A sequence is longer than `length`, or missing.
    """
    text, sizes = _flat(sequences)
    longest = int(sizes.max(initial=0))
    length = longest if length is None else length
    if longest > length:
        raise ValueError(f"a sequence of {longest} bp does not fit into {length} columns")
    if (sizes == length).all():
        return encode_text(text).reshape(len(sizes), length)
    tokens = np.full((len(sizes), length), UNKNOWN, np.uint8)
    tokens[np.arange(length) < sizes[:, None]] = encode_text(text)
    return tokens


def _flat(sequences: Sequence[str] | pd.Series) -> tuple[bytes | pa.Buffer, np.ndarray]:
    # All sequences one after the other, one byte a letter, and the size of each in bp.
    if isinstance(sequences, pd.Series):
        text = _arrow(sequences)
        bounds = np.frombuffer(text.buffers()[1], np.int64)[text.offset :][: len(text) + 1]
        letters = text.buffers()[2][bounds[0] : bounds[-1]]
        if np.frombuffer(letters, np.uint8).max(initial=0) < 128:
            return letters, np.diff(bounds)
    sizes = np.fromiter((len(s) for s in sequences), np.int64, len(sequences))
    return "".join(sequences).encode("ascii", "replace"), sizes


def column(letters: np.ndarray, bounds: np.ndarray) -> pd.Series:
    """Sequences as the column of a table, made from their letters without a Python string for each.

    Parameters
    ----------
    letters : (M,) uint8
        ASCII, all sequences one after the other.
    bounds : (N + 1,) int64
        Sequence `i` is ``letters[bounds[i]:bounds[i + 1]]``.

    Returns
    -------
    Series of str, (N,)
    """
    text = pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(bounds), pa.py_buffer(letters))
    return pd.Series(text, dtype="str")


def _arrow(sequences: pd.Series) -> pa.LargeStringArray:
    text = pa.array(sequences, pa.large_string())
    if text.null_count:
        raise ValueError(f"{text.null_count} of {len(text)} sequences are missing")
    return text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text


def decode(tokens: np.ndarray, sizes: np.ndarray | None = None) -> list[str]:
    """Text of tokens.

    Parameters
    ----------
    tokens : (N, L) uint8
    sizes : (N,) int, optional
        Length of each sequence in bp; `lengths` by default.

    Returns
    -------
    list of str
        Upper case, N for an unknown base.
    """
    sizes = lengths(tokens) if sizes is None else sizes
    text = _LETTER[tokens].tobytes().decode("ascii")
    width = tokens.shape[1]
    return [text[i * width : i * width + n] for i, n in enumerate(sizes)]


def lengths(tokens: np.ndarray) -> np.ndarray:
    """Length in bp of each sequence, up to its last known base.

    Parameters
    ----------
    tokens : (N, L) uint8

    Returns
    -------
    (N,) int64
        0 where no base is known.
    """
    column = np.arange(1, tokens.shape[1] + 1)
    return ((tokens != UNKNOWN) * column).max(1, initial=0)


def reverse_complement(tokens: np.ndarray) -> np.ndarray:
    """The other strand of each sequence, 5' to 3'.

    Parameters
    ----------
    tokens : (N, L) uint8

    Returns
    -------
    (N, L) uint8
        Padding stays at the right end; unknown bases at the end of a sequence count as padding.
    """
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


def reverse_complements(sequences: pd.Series) -> pd.Series:
    """The other strand of each sequence of a column, see `reverse_complement_text`.

    Parameters
    ----------
    sequences : Series of str
        ASCII.

    Returns
    -------
    Series of str
        Of the same index.

    Raises
    ------
    ValueError
        A sequence is missing.
    """
    turned = pc.ascii_reverse(_arrow(sequences))
    _, bounds, letters = turned.buffers()
    letters = pa.py_buffer(bytearray(letters).translate(_COMPLEMENT_TEXT))
    other = pa.LargeStringArray.from_buffers(len(turned), bounds, letters, offset=turned.offset)
    return pd.Series(other, sequences.index, dtype="str")


def canonicals(sequences: pd.Series) -> pd.Series:
    """The smaller of each sequence of a column and its reverse complement, see `canonical`.

    Parameters
    ----------
    sequences : Series of str
        ASCII.

    Returns
    -------
    Series of str
        Of the same index.

    Raises
    ------
    ValueError
        A sequence is missing.
    """
    other = _arrow(reverse_complements(sequences))
    return pd.Series(pc.min_element_wise(_arrow(sequences), other), sequences.index, dtype="str")


def gc(tokens: np.ndarray) -> np.ndarray:
    """Share of G and C among the known bases of each sequence.

    Parameters
    ----------
    tokens : (N, L) uint8

    Returns
    -------
    (N,) float64
        0 where no base is known.
    """
    known = (tokens != UNKNOWN).sum(1)
    return np.isin(tokens, (1, 2)).sum(1) / np.maximum(known, 1)
