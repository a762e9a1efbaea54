"""The bins of one TF: labels from its peaks, features from the genome and from the data of each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tfbind import motifs
from tfbind.celltype import bins, features
from tfbind.celltype import cells as celltype_cells
from tfbind.celltype.cells import Cell
from tfbind.errors import InputError
from tfbind.io import intervals
from tfbind.io.chromosomes import named
from tfbind.io.genome import Genome
from tfbind.io.peaks import read_peaks
from tfbind.io.tally import Tally


@dataclass(frozen=True)
class TFBins:
    """Labels, features and sequences of the bins of one TF, one chromosome of a cell at a time.

    Parameters
    ----------
    genome : Genome
        Sequence and chromosome lengths.
    recipe : features.Recipe
        Which features a bin has.
    cells : mapping of str to cells.Cell
        Data of each cell.
    peaks : mapping of str to (conservative, relaxed)
        Peaks of the TF in each cell where it was assayed; relaxed peaks may be None.
    blacklist : DataFrame or None
        Regions whose bins are removed.
    overlap : float
        The `share` of `bins.label`. Default 0.5.
    """

    genome: Genome
    recipe: features.Recipe
    cells: Mapping[str, Cell]
    peaks: Mapping[str, tuple[pd.DataFrame, pd.DataFrame | None]]
    blacklist: pd.DataFrame | None = None
    overlap: float = bins.SHARE

    @property
    def names(self) -> list[str]:
        """Names of the features."""
        return features.names(self.recipe)

    def labels(self, cell: str, chrom: str) -> np.ndarray:
        """Labels of the bins of one chromosome.

        Parameters
        ----------
        cell : str
            A cell with peaks of the TF.
        chrom : str
            A chromosome of the genome.

        Returns
        -------
        (B,) uint8
            `UNBOUND`, `BOUND`, `AMBIGUOUS` or `REMOVED`, as `bins.label` gives them.
        """
        given = (*self.peaks[cell], self.blacklist)
        tight, wide, black = (None if table is None else bins.intervals(table, chrom) for table in given)
        length = self.genome.lengths[chrom]
        unknown = bins.unknown(self.genome.windows([chrom], [0], [length])[0])
        return bins.label(length, tight, wide, black, unknown, share=self.overlap)

    def matrix(self, cell: str, chrom: str, index: np.ndarray) -> np.ndarray:
        """Features of some bins of one chromosome in one cell.

        Parameters
        ----------
        cell : str
            A key of `cells`.
        chrom : str
            A chromosome of the genome.
        index : (M,) int
            Numbers of the bins on the chromosome, in any order.

        Returns
        -------
        (M, P) float32
            Columns in the order of `names`.

        Raises
        ------
        ValueError
            If the chromosome has no such bin.
        """
        return features.matrix(self.recipe, self.genome, chrom, index, self.cells[cell])

    def unmeasured(self, cell: str, chrom: str) -> dict[str, str]:
        """Features without meaning on a chromosome of a cell, since their data are missing there.

        Parameters
        ----------
        cell : str
            A key of `cells`.
        chrom : str
            A chromosome of the genome.

        Returns
        -------
        dict of str to str
            Name of the feature -> what was not measured. Empty if nothing is missing.
        """
        return features.unmeasured(self.recipe, self.cells[cell], chrom)

    def tokens(self, chrom: str, index: np.ndarray) -> np.ndarray:
        """Sequences of some bins of one chromosome.

        Parameters
        ----------
        chrom : str
            A chromosome of the genome.
        index : (M,) int
            Numbers of the bins on the chromosome, in any order.

        Returns
        -------
        (M, 200) uint8
            Tokens.

        Raises
        ------
        InputError
            If a bin lies outside the chromosome.
        """
        start = np.asarray(index) * bins.STEP
        return self.genome.windows([chrom] * len(start), start, start + bins.WIDTH)

    def best_site(self, tokens: np.ndarray) -> np.ndarray:
        """Bits of the best site of the TF's own motif in each sequence.

        Parameters
        ----------
        tokens : (N, L) uint8
            Sequences.

        Returns
        -------
        (N,) float32
            The maximum over positions and both strands.
        """
        return motifs.maxima(tokens, self.recipe.motifs.take([0]))[:, 0]


def open_tf(
    tf: str,
    files: Mapping[str, Mapping],
    genome: Genome,
    options: Mapping,
    genes: str = "",
    blacklist: str = "",
    tally: Tally | None = None,
    train: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> TFBins:
    """Open the files of all cells for one TF.

    Peaks of accessibility and expression become features only if every cell has them. Accessibility is
    quantile-normalised to the reference cell.

    Parameters
    ----------
    tf : str
        Name of the TF.
    files : mapping of str to mapping
        Cell -> its files, as `study.Study.cells` gives them. Cells with `conservative` peaks of `tf` are for training
        and the test.
    genome : Genome
        Sequence and chromosome names.
    options : mapping
        `celltype` of the config.
    genes, blacklist : path, optional
        The annotation, and regions whose bins are removed. Empty: none.
    tally : Tally, optional
        Counts what was read, changed and dropped.
    train : (cells, chromosomes)
        Cells and chromosomes for training, from whose peaks a motif is learnt if the TF asks for it
        (``celltype.motifs: {TF: [learnt]}``).

    Returns
    -------
    TFBins

    Raises
    ------
    InputError
        If a file cannot be read or is of another genome, a track has no value above 0, the tracks of two cells share no
        chromosome, or no motif has the name of the TF.
    NotEstimable
        If a motif is to be learnt and there are too few peaks.
    """
    tally = Tally() if tally is None else tally
    peaks = {
        name: (_peaks(given["conservative"][tf], genome, tally), _peaks(given["relaxed"].get(tf, []), genome, tally))
        for name, given in files.items()
        if tf in given["conservative"]
    }
    found = _motifs(tf, options, genome, [peaks[name][0] for name in train[0]], train[1])
    cells = {name: celltype_cells.cell(given, genome, genes, tally) for name, given in files.items()}
    reference = cells[options["reference"] or next(iter(cells))].track
    cells = {
        name: cell if cell.track is reference else replace(cell, track=cell.track.normalised(reference))
        for name, cell in cells.items()
    }
    for cell in cells.values():
        cell.track.check()
    recipe = features.Recipe(
        found,
        peaks=all(cell.peaks is not None for cell in cells.values()),
        expression=all(cell.genes is not None and "tpm" in cell.genes for cell in cells.values()),
    )
    black = intervals.read_blacklist(blacklist, genome) if blacklist else None
    return TFBins(genome, recipe, cells, peaks, black, options["overlap"])


def _motifs(
    tf: str, options: Mapping, genome: Genome, peaks: Sequence[pd.DataFrame], chromosomes: Sequence[str]
) -> motifs.Motifs:
    names, known = options["motifs"].get(tf, [tf]), motifs.jaspar(options["tax_groups"])
    if names == ["learnt"]:
        return features.learnt(genome, pd.concat(peaks, ignore_index=True), known, chromosomes)
    try:
        return motifs.best_of(names, known)
    except InputError as error:
        raise InputError(
            f"celltype.motifs: {tf}: {error}, other names, or [learnt] to learn it from the peaks"
        ) from None


def _peaks(rows: Sequence[Mapping], genome: Genome, tally: Tally) -> pd.DataFrame | None:
    read = [named(read_peaks(row["path"], row["format"], tally), genome, tally) for row in rows]
    return intervals.together(read) if read else None
