"""What each kind of negatives needs and reads: one row a kind, for whoever checks a study, plans it or draws."""

from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of negatives, beside the function that draws it (`negatives.NEGATIVES`).

    Attributes
    ----------
    needs : {"", "genome", "others", "labels", "cycle 0"}
        Beside the positives: a genome and their coordinates; positives of other TFs; sequences that the dataset labels
        as unbound; reads of the unselected library.
    away : bool
        Whether they keep away from all peaks of the TF.
    options : tuple of str
        What they read of the config, beside what all do (`ratio`, `fresh`, `tfs`).
    shuffles : bool
        Whether they are made of the positives alone, so that any positives can have some.
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
