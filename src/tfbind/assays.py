"""The assays: how the sequences of a dataset were made, and what follows from it.

Everything that depends on an assay reads its description here: the words of the schemas, how a row becomes positives
(`sequences.forms` has a function for each form), which rows are compared, the sentences and the page. A new assay of a
known form is one more entry.
"""

import difflib
import re
from collections.abc import Mapping
from typing import NamedTuple

#: Form -> the formats of files that a row of it may have.
FORMS = {
    "peaks": ("narrowpeak", "bed", "peaks", "fasta", "labelled", "deepbind"),
    "reads": ("fasta", "fastq", "labelled", "deepbind", "counts"),
    "intensities": ("probes", "words"),
}
#: Formats with places on a genome, and columns of the sheet with constant ends of reads and probes.
PLACED, FLANKS = ("narrowpeak", "bed", "peaks", "bins"), ("left_flank", "right_flank")
_USUAL = {
    "peaks": ("provided", "dinucleotide"),
    "reads": ("input", "provided", "dinucleotide"),
    "intensities": ("provided",),
}
IN_VIVO, IN_VITRO = "in vivo", "in vitro"


class Assay(NamedTuple):
    """What an assay is.

    Attributes
    ----------
    printed : str
        Its name in print.
    form : {"peaks", "reads", "intensities"}
        Places on a genome where the TF binds; inserts that it selected; a signal for each probe.
    side : {"in vivo", "in vitro"}
        In cells, or with the DNA alone.
    cycles : bool
        Whether the DNA is selected in cycles, each a dataset of its own.
    more : tuple of str
        Formats beside those of its form.
    against : tuple of str
        Its usual kinds of negatives, the most preferred first; empty for those of its form.
    """

    printed: str
    form: str
    side: str
    cycles: bool = False
    more: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def formats(self) -> tuple[str, ...]:
        """Formats of files that it takes."""
        return FORMS[self.form] + self.more

    @property
    def usual(self) -> tuple[str, ...]:
        """Its usual kinds of negatives, the most preferred first."""
        return self.against or _USUAL[self.form]


ASSAYS = {
    "chipseq": Assay("ChIP-seq", "peaks", IN_VIVO),
    "chipexo": Assay("ChIP-exo", "peaks", IN_VIVO),
    "cutandrun": Assay("CUT&RUN", "peaks", IN_VIVO),
    "cuttag": Assay("CUT&Tag", "peaks", IN_VIVO),
    "dapseq": Assay("DAP-seq", "peaks", IN_VITRO),
    "ghtselex": Assay("GHT-SELEX", "peaks", IN_VITRO, cycles=True, more=("bins",)),
    "htselex": Assay("HT-SELEX", "reads", IN_VITRO, cycles=True),
    "selexseq": Assay("SELEX-seq", "reads", IN_VITRO, cycles=True),
    "smileseq": Assay("SMiLE-seq", "reads", IN_VITRO),
    "pbm": Assay("PBM", "intensities", IN_VITRO),
}
#: Other names, in the form that `_plain` gives.
_ALSO = {
    **{"chip": "chipseq", "chs": "chipseq", "dap": "dapseq", "ampdapseq": "dapseq", "cutrun": "cutandrun"},
    **{"selex": "htselex", "hts": "htselex", "ghts": "ghtselex", "genomichtselex": "ghtselex", "affseq": "ghtselex"},
    **{"smile": "smileseq", "sms": "smileseq", "proteinbindingmicroarray": "pbm", "upbm": "pbm", "gcpbm": "pbm"},
    **{"cutandtag": "cuttag", "chipnexus": "chipexo"},
}


def spelled(word: str) -> str:
    """The assay whose name this is in any of its spellings, `ChIP-seq` or `chip`; '' for any other word."""
    return _names().get(_plain(word), "")


def _names() -> dict[str, str]:
    # Spelling, in the form that `_plain` gives -> key.
    return _ALSO | {_plain(about.printed): key for key, about in ASSAYS.items()} | {key: key for key in ASSAYS}


def _plain(word: str) -> str:
    return re.sub("[^a-z0-9]", "", word.lower().replace("&", "and"))


def meant(word: str) -> str:
    """The assay that a spelling means: `ChIP-seq` and `HT_SELEX` are `chipseq` and `htselex`; '' if none is near.

    Parameters
    ----------
    word : str

    Returns
    -------
    str
        A key of `ASSAYS`, or ''.
    """
    plain = _plain(word)
    names = _names()
    close = difflib.get_close_matches(plain, names, 1, 0.75)
    return names.get(plain) or (names[close[0]] if close else "")


def chosen(by: Mapping, assay: str, default=None):
    """What a mapping by assay, or by form, holds for an assay; its own word counts before that of its form.

    Parameters
    ----------
    by : mapping
        Assay or form -> a value.
    assay : str
        A key of `ASSAYS`.
    default : object, optional
        For an assay that neither names.

    Returns
    -------
    object
    """
    return by.get(assay, by.get(ASSAYS[assay].form, default))


def printed(assay: str) -> str:
    """The name in print; a word that is no assay, from a table of scores, as it is."""
    return ASSAYS[assay].printed if assay in ASSAYS else assay


def form(assay: str) -> str:
    """The form; '' for a word that is no assay."""
    return ASSAYS[assay].form if assay in ASSAYS else ""


def has_cycles(assay: str) -> bool:
    """Whether its DNA is selected in cycles; False for a word that is no assay."""
    return assay in ASSAYS and ASSAYS[assay].cycles


def is_in_vivo(assay: str) -> bool:
    """Whether the assay is one in cells; False for a word that is no assay."""
    return assay in ASSAYS and ASSAYS[assay].side == IN_VIVO


def is_from_vitro(source: str, target: str) -> bool:
    """Whether a source in vitro meets a target in cells: the direction of the published cross-assay table.

    Parameters
    ----------
    source, target : str
        Assays; False where one is not known.

    Returns
    -------
    bool
    """
    return source in ASSAYS and not is_in_vivo(source) and is_in_vivo(target)
