"""The kinds of negatives: what each needs and which options it reads, for checking, planning and drawing."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of negatives; the function that draws it is in `negatives.NEGATIVES`.

    Attributes
    ----------
    needs : {"", "genome", "others", "labels", "cycle 0"}
        Data needed beside the positives. ``genome``: a genome and the positives' coordinates; ``others``: positives of
        other TFs; ``labels``: sequences that the dataset labels as negatives; ``cycle 0``: reads of the unselected
        library.
    away : bool
        Whether they are kept away from all peaks of the TF.
    options : tuple of str
        Options of the config that they read, beside those that all kinds read (`also`, `ratio`, `fresh`,
        `tfs`).
    shuffles : bool
        Whether they are made from the positives alone, so that they can be made for any positives.
    """

    needs: str = ""
    away: bool = False
    options: tuple[str, ...] = ()
    shuffles: bool = False


KINDS = {
    "dinucleotide": Kind(shuffles=True),
    "pairs": Kind(shuffles=True),
    "genomic": Kind("genome", away=True, options=("margin", "gc")),
    "flank": Kind("genome", away=True, options=("distance",)),
    "other_tf": Kind("others", away=True, options=("gc", "others")),
    "input": Kind("cycle 0"),
    "provided": Kind("labels"),
}
