"""Gzipped FASTQ to tokens, ours and by way of dnaio's strings: two functions of equal results."""

import os

import dnaio
import numpy as np

from tfbind import dna, reads


def ours(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """Tokens (N, L) uint8 and lengths (N,) of all reads."""
    column = reads.read_fastq(path)["sequence"]
    return dna.encode(column), column.str.len().to_numpy()


def dnaio_tokens(path: str | os.PathLike) -> tuple[np.ndarray, np.ndarray]:
    """The same from dnaio, in one process as `ours`."""
    with dnaio.open(path, open_threads=0) as records:
        sequences = [record.sequence for record in records]
    return dna.encode(sequences), np.fromiter(map(len, sequences), np.int64, len(sequences))
