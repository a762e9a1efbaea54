"""What is measured in one cell: accessibility, peaks and expression."""

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
    """What is known of a cell: its track; peaks (`chrom`, `start`, `end`) and genes with their `tpm`, or None."""

    track: tracks.Track
    peaks: pd.DataFrame | None = None
    genes: pd.DataFrame | None = None

    def lacks(self, chrom: str) -> list[str]:
        """What the cell's files hold, and nothing of on this chromosome: what is absent is not 0."""
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
        A value of `study.Study.cells`: `accessibility`, `accessibility_peaks`, `expression`, each a list of rows with
        `path` and `format`.
    genome : Chromosomes
    genes : path, optional
        The annotation of the genome (``genomes.<name>.genes``); expression is not used without it.
    tally : Tally, optional
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
