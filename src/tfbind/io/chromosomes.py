"""Chromosome names: match those of a file to those of a genome."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from tfbind.errors import InputError
from tfbind.io import peak_formats
from tfbind.io.tally import Tally

_ABSENT_SHARE = 0.05


class Chromosomes(Protocol):
    """The part of a genome that readers of files use; `genome.Genome` implements it.

    Attributes
    ----------
    path : path
        The genome's file, as messages name it.
    lengths : mapping of str to int
        Chromosome name -> length in bp.
    """

    path: os.PathLike
    lengths: Mapping[str, int]

    def resolve(self, chrom: str) -> str:
        """The genome's own name of a chromosome; an unknown name is returned unchanged."""

    def windows(self, chrom, start, end) -> np.ndarray:
        """Cut intervals out of the genome as tokens.

        Parameters
        ----------
        chrom : (N,) sequence of str
            Names of the genome.
        start, end : (N,) sequences of int
            0-based half-open, in bp.

        Returns
        -------
        (N, L) uint8
            Tokens (`dna`); L is the longest interval, shorter ones are padded at the right end.
        """


def named(table: pd.DataFrame, genome: Chromosomes, tally: Tally) -> pd.DataFrame:
    """Rename the chromosomes of a table to the genome's names; drop the few rows on chromosomes that it lacks.

    Parameters
    ----------
    table : DataFrame
        Has a column `chrom`. ``attrs["path"]``, if there, names the file in messages.
    genome : Chromosomes
    tally : Tally
        Counts the dropped rows.

    Returns
    -------
    DataFrame
        A copy with the same columns and ``attrs``, rows numbered from 0.

    Raises
    ------
    InputError
        More than 5 % of the rows are on chromosomes that the genome lacks. The message shows the names of both.
    """
    source = table.attrs.get("path", "the peaks")
    chrom = table["chrom"].map(genome.resolve)
    absent = ~chrom.isin(list(genome.lengths))
    if absent.sum() > _ABSENT_SHARE * len(table):
        theirs = ", ".join(table["chrom"][absent].drop_duplicates().head(3))
        ours = ", ".join(list(genome.lengths)[:3])
        raise InputError(
            f"{source}: {absent.sum()} of {len(table)} intervals lie on chromosomes that {genome.path} lacks: the file "
            f"says {theirs}, the genome {ours}; map the names under genomes.<name>.chromosomes"
            f"{by_chr(table['chrom'][absent], genome)} or name another genome"
        )
    tally.add("dropped", "chromosome absent from the genome", absent.sum())
    kept = table.assign(chrom=chrom)[~absent].reset_index(drop=True)
    kept.attrs = table.attrs
    return kept


def by_chr(names: Iterable[str], genome: Chromosomes) -> str:
    """A hint for a message: whether the names of a file and a genome differ only by ``chr`` in front.

    Parameters
    ----------
    names : iterable of str
        Names in the file that the genome does not know.
    genome : Chromosomes

    Returns
    -------
    str
        The hint, in parentheses; '' if no name becomes one of the genome's with ``chr`` added or removed.
    """
    other = peak_formats.with_or_without_chr(genome.lengths)
    return " (`chromosomes: chr` is enough: they differ only by chr)" if any(name in other for name in names) else ""


def known(path: str | os.PathLike, names: Mapping[str, int], genome: Chromosomes) -> dict[str, str]:
    """The chromosomes that a file shares with a genome.

    Parameters
    ----------
    path : path
        The file, as messages name it.
    names : mapping of str to int
        Its chromosome names; their lengths are not read.
    genome : Chromosomes

    Returns
    -------
    dict of str to str
        Name in the genome -> name in the file. If two names of the file are one chromosome, the later one counts.

    Raises
    ------
    InputError
        The file names no chromosome of the genome.
    """
    found = {genome.resolve(name): name for name in names if genome.resolve(name) in genome.lengths}
    if not found:
        refuse(path, list(names), genome)
    return found


def refuse(path: str | os.PathLike, names: Sequence[str], genome: Chromosomes) -> None:
    """Refuse a file that names no chromosome of the genome.

    Parameters
    ----------
    path : path
        The file, as the message names it.
    names : sequence of str
        Its chromosome names; the first three are shown beside three of the genome's.
    genome : Chromosomes

    Raises
    ------
    InputError
        Always.
    """
    raise InputError(
        f"{path}: names {', '.join(names[:3])}, the genome {genome.path} {', '.join(list(genome.lengths)[:3])}; map "
        f"the names under genomes.<name>.chromosomes{by_chr(names, genome)}"
    )
