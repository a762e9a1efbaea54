"""Chromosome names: those of a file against those of a genome."""

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
    """What is asked of a genome; `genome.Genome` offers it."""

    path: os.PathLike
    lengths: Mapping[str, int]

    def resolve(self, chrom: str) -> str:
        """The genome's own name of a chromosome."""

    def windows(self, chrom, start, end) -> np.ndarray:
        """Tokens of intervals."""


def named(table: pd.DataFrame, genome: Chromosomes, tally: Tally) -> pd.DataFrame:
    """`table` under the genome's chromosome names, without the few rows on chromosomes that the genome lacks.

    More than 5 % of such rows is an `InputError` that shows both styles of names.
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
    """How a message goes on where the names of a file and of a genome differ by ``chr`` in front alone; else ''."""
    other = peak_formats.with_or_without_chr(genome.lengths)
    return " (`chromosomes: chr` will do: they differ by chr alone)" if any(name in other for name in names) else ""


def known(path: str | os.PathLike, names: Mapping[str, int], genome: Chromosomes) -> dict[str, str]:
    """Chromosome of the genome -> its name in a file; a file that names none of them is refused."""
    found = {genome.resolve(name): name for name in names if genome.resolve(name) in genome.lengths}
    if not found:
        refuse(path, list(names), genome)
    return found


def refuse(path: str | os.PathLike, names: Sequence[str], genome: Chromosomes) -> None:
    """Raise `InputError`: a file names no chromosome of the genome; says how both are written."""
    raise InputError(
        f"{path}: names {', '.join(names[:3])}, the genome {genome.path} {', '.join(list(genome.lengths)[:3])}; map "
        f"the names under genomes.<name>.chromosomes{by_chr(names, genome)}"
    )
