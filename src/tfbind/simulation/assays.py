"""The simulator of each assay, by its word in `tfbind.assays.ASSAYS`."""

from collections.abc import Callable, Iterable

from tfbind.assays import ASSAYS, IN_VIVO
from tfbind.simulation import intensities, peaks, reads, settings

#: Assays with traits of their own.
OWN = {
    "chipseq": peaks.chipseq,
    "chipexo": peaks.chipexo,
    "cutandrun": peaks.cutandrun,
    "cuttag": peaks.cuttag,
    "dapseq": peaks.dapseq,
    "ghtselex": peaks.ghtselex,
    "htselex": reads.htselex,
    "selexseq": reads.selexseq,
    "smileseq": reads.smileseq,
    "pbm": intensities.pbm,
}


def simulator(assay: str) -> Callable:
    """The function that simulates an assay.

    An assay without traits of its own is simulated as the plainest one that has its description: peaks of a cell as
    ChIP-seq, other peaks as DAP-seq or, where they come as `bins` too, as GHT-SELEX; reads with cycles as HT-SELEX,
    other reads as SMiLE-seq; intensities as PBM.

    Parameters
    ----------
    assay : str
        A key of `ASSAYS`.

    Returns
    -------
    callable
        ``(experiment, ground, rng)`` of peaks, ``(energies, reads, rng)`` of reads, ``(energies, design, rng)`` of
        intensities.
    """
    about = ASSAYS[assay]
    in_vitro = peaks.ghtselex if "bins" in about.formats else peaks.dapseq
    plain = {
        "peaks": peaks.chipseq if about.side == IN_VIVO else in_vitro,
        "reads": reads.htselex if about.cycles else reads.smileseq,
        "intensities": intensities.pbm,
    }
    return OWN.get(assay, plain[about.form])


def negatives(assay: str) -> str:
    """The kind of negatives that the simulated study sets an assay against.

    Parameters
    ----------
    assay : str
        A key of `ASSAYS`.

    Returns
    -------
    str
        Shuffles for peaks, and for reads without cycles, which have no cycle 0; that for the other reads; for
        intensities the dim probes.
    """
    about = ASSAYS[assay]
    reads_kind = "input" if about.cycles else "dinucleotide"
    return {"peaks": "dinucleotide", "reads": reads_kind, "intensities": "provided"}[about.form]


def length(assays: Iterable[str]) -> int:
    """Length in bp of the windows that models of a simulated study read.

    Parameters
    ----------
    assays : iterable of str
        Keys of `ASSAYS`.

    Returns
    -------
    int
        `settings.LENGTH`; that of a bin where reads are counted in bins, since a site may lie anywhere in one.
    """
    return settings.BIN + 1 if any("bins" in ASSAYS[assay].formats for assay in assays) else settings.LENGTH
