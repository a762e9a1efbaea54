"""The bins of one factor: labels from its peaks, features from the genome and from what is known of each cell."""

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
class Factor:
    """What `celltype` reads of a factor, a chromosome of a cell at a time.

    Parameters
    ----------
    genome : Genome
    recipe : features.Recipe
    cells : mapping of str to signal.Cell
    peaks : mapping of str to (conservative, relaxed)
        Of the factor in each cell that was assayed; relaxed peaks may be None.
    blacklist : DataFrame or None
    overlap : float
        Of `bins.label`.
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
        """Labels of the bins of a chromosome: (B,) uint8, as `bins.label` has them."""
        given = (*self.peaks[cell], self.blacklist)
        tight, wide, black = (None if table is None else bins.intervals(table, chrom) for table in given)
        length = self.genome.lengths[chrom]
        unknown = bins.unknown(self.genome.windows([chrom], [0], [length])[0])
        return bins.label(length, tight, wide, black, unknown, share=self.overlap)

    def matrix(self, cell: str, chrom: str, index: np.ndarray) -> np.ndarray:
        """Features of the bins `index` (M,): (M, P) float32."""
        return features.matrix(self.recipe, self.genome, chrom, index, self.cells[cell])

    def unmeasured(self, cell: str, chrom: str) -> dict[str, str]:
        """Features that mean nothing on a chromosome of a cell -> what was not measured there."""
        return features.unmeasured(self.recipe, self.cells[cell], chrom)

    def tokens(self, chrom: str, index: np.ndarray) -> np.ndarray:
        """Sequences of the bins `index` (M,): (M, 200) uint8."""
        start = np.asarray(index) * bins.STEP
        return self.genome.windows([chrom] * len(start), start, start + bins.WIDTH)

    def best_site(self, tokens: np.ndarray) -> np.ndarray:
        """Bits of the best site of the factor's own motif: (N,)."""
        return motifs.maxima(tokens, self.recipe.motifs.take([0]))[:, 0]


def open_factor(
    tf: str,
    files: Mapping[str, Mapping],
    genome: Genome,
    options: Mapping,
    genes: str = "",
    blacklist: str = "",
    tally: Tally | None = None,
    train: tuple[Sequence[str], Sequence[str]] = ((), ()),
) -> Factor:
    """Open the files of the cells for one factor.

    Parameters
    ----------
    tf : str
    files : mapping of cell to mapping
        As `study.Study.cells`; those with `conservative` peaks of `tf` train and test.
    genome : Genome
    options : mapping
        `celltype` of the config.
    genes, blacklist : path, optional
    tally : Tally, optional
    train : (cells, chromosomes)
        Those that train: where a motif of a factor that asks for it (``celltype.motifs: {TF: [learnt]}``) is learnt.

    Notes
    -----
    Peaks of accessibility and expression are features where every cell has them; accessibility is quantile-normalised
    to the reference cell.
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
    return Factor(genome, recipe, cells, peaks, black, options["overlap"])


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
