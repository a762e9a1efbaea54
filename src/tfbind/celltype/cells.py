"""The measurements of one cell: accessibility, its peaks, and expression."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from tfbind.celltype import tracks
from tfbind.celltype.genes import expression, read_genes
from tfbind.io import chromosomes, intervals
from tfbind.io.peaks import read_peaks
from tfbind.io.tally import Tally


@dataclass(frozen=True)
class Cell:
    """The data of one cell.

    Parameters
    ----------
    track : Track
        Accessibility along the genome.
    peaks : DataFrame, optional
        Peaks of accessibility: `chrom`, `start`, `end`. None without such a file.
    genes : DataFrame, optional
        Table of `genes.read_genes`, with a column `tpm` where expression was measured. None without an annotation.
    """

    track: tracks.Track
    peaks: pd.DataFrame | None = None
    genes: pd.DataFrame | None = None

    def lacks(self, chrom: str) -> list[str]:
        """Kinds of data that the cell's files hold, but not on this chromosome; missing data are not zeros.

        Parameters
        ----------
        chrom : str
            Chromosome, under the genome's name.

        Returns
        -------
        list of str
            Any of ``accessibility``, ``peaks of accessibility``, ``genes``, ``genes of known expression``; empty if
            nothing is missing. The two kinds of genes are looked for only where expression was read.
        """
        found = ["accessibility"] if self.track.silent(chrom) else []
        if self.peaks is not None and not (self.peaks["chrom"] == chrom).any():
            found.append("peaks of accessibility")
        if self.genes is not None and "tpm" in self.genes:
            here = self.genes[self.genes["chrom"] == chrom]
            found += ["genes"] if here.empty else []
            found += ["genes of known expression"] if not here["tpm"].notna().any() else []
        return found


def cell(
    files: Mapping,
    genome: chromosomes.Chromosomes,
    genes: str | os.PathLike = "",
    tally: Tally | None = None,
) -> Cell:
    """Read the files of one cell.

    Parameters
    ----------
    files : mapping
        A value of `study.Study.cells`: `accessibility`, `accessibility_peaks` and `expression`, each a list of rows
        with `path` and `format`.
    genome : Chromosomes
        Names and lengths of the chromosomes.
    genes : path, optional
        The annotation of the genome (``genomes.<name>.genes``); expression is not used without it.
    tally : Tally, optional
        Counts what was read, changed and dropped.

    Returns
    -------
    Cell
        All tables use the genome's chromosome names. `peaks` and `genes` are None where no file gives them.

    Raises
    ------
    InputError
        If a file cannot be read or is of another genome.
    """
    tally = Tally() if tally is None else tally
    opened = tracks.track([(row["path"], row["format"]) for row in files["accessibility"]], genome, tally)
    peaks = [
        chromosomes.named(read_peaks(row["path"], row["format"], tally), genome, tally)
        for row in files["accessibility_peaks"]
    ]
    placed = read_genes(genes, genome, tally) if genes else None
    if placed is not None and files["expression"]:
        placed = expression([row["path"] for row in files["expression"]], placed, tally)
    return Cell(opened, intervals.together(peaks) if peaks else None, placed)
