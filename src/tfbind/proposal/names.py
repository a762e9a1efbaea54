"""What the name of a file says: TF, assay, cell, cycle, replicate, and which part of a dataset it holds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tfbind import assays, motifs
from tfbind.study import sources

_SUFFIXES = {*sources.SUFFIXES, ".txt", ".csv", ".dat", ".tab", ".gz", ".bgz", ".peaks", ".events", ".counts", ".reads"}
#: Cell lines and tissues that names hold, in print; compared without signs and case.
CELLS = (
    *(
        "K562",
        "HepG2",
        "GM12878",
        "H1",
        "H1-hESC",
        "H9",
        "A549",
        "MCF-7",
        "MCF10A",
        "HeLa",
        "HeLa-S3",
        "SK-N-SH",
        "SH-SY5Y",
    ),
    *("HCT116", "IMR-90", "HEK293", "HEK293T", "LNCaP", "VCaP", "T47D", "Ishikawa", "PANC-1", "NB4", "HUVEC", "NHEK"),
    *(
        "GM12891",
        "GM12892",
        "GM23338",
        "Jurkat",
        "U2OS",
        "WTC11",
        "Caco-2",
        "PC-3",
        "PC-9",
        "SK-N-MC",
        "MEL",
        "CH12",
        "E14",
    ),
    *("NIH3T3", "3T3-L1", "mESC", "liver", "Kc167", "S2"),
)
_CELLS = {re.sub("[^a-z0-9]", "", name.lower()): name for name in CELLS}
#: Words of assays that show no binding of one TF.
_OTHER = {
    *(
        "atac",
        "atacseq",
        "dnase",
        "dnaseseq",
        "dhs",
        "faire",
        "mnase",
        "accessible",
        "accessibility",
        "hmmratac",
        "openchrom",
    ),
    *("rnaseq", "histone", "bedpe", "fragments"),
}
_HISTONE = re.compile(r"h[234][ab]?[kr][0-9]{1,3}(me[123]?|ac|ub)?")
_ZERO = {"zero", "zerocycle", "input", "library", "naive", "unselected", "initial", "lib"}
#: Word -> the part of a dataset: which rows it holds, and of which class.
_PARTS = {
    **dict.fromkeys(("neg", "negative", "negatives", "shuffled", "shuf", "bg", "background", "unbound"), "negative"),
    **dict.fromkeys(("pos", "positive", "positives", "bound"), "positive"),
    **dict.fromkeys(("test", "holdout", "heldout"), "test"),
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "dev"), "validation"),
    **dict.fromkeys(("relaxed",), "relaxed"),
    **dict.fromkeys(("conservative", "optimal"), "conservative"),
}
_LIGAND = re.compile(r"(?:^|[_.@])([ACGT]*[0-9]{1,2}N[ACGT]*)(?=[_.@]|$)")
_CYCLE = re.compile(r"(?:^|(?<=[^A-Za-z0-9]))(?:cycle|round|cyc|rnd|[rRcC])[_-]?([0-9]{1,2})(?=[^A-Za-z0-9]|$)", re.I)
_LAST = re.compile(r"[_.-]([0-9]{1,2})$")
_REPLICATE = re.compile(r"(?:^|[^A-Za-z0-9])rep(?:licate)?[_.-]?([0-9]{1,2})(?=[^0-9]|$)", re.I)
#: Written like a gene, with a number: SUZ12, Cka1.
_GENE = re.compile(r"[A-Z][A-Za-z]{1,6}[0-9]{1,3}[A-Z]?")
_NO_GENE = re.compile(
    r"(rep|cycle|round|run|lane|dream|sample|peak|peaks|chr|hg|mm|grch|grcm|srx|srr|gse|gsm|err|wg|top|lib)[0-9].*|"
    r"(encsr|encff)[0-9a-z]+|tf[0-9]+",
    re.I,
)
#: Names of TFs that are words, too: in lower case they are none.
_WORDS = {"max", "rest", "ar", "jun", "tag", "dot", "d", "z", "gt", "h", "en", "br", "kr", "tin", "ind", "run", "cup"}


@dataclass
class Said:
    """What a name says; '' or None where it does not.

    Attributes
    ----------
    stem : str
        The name without its suffixes.
    tf, tf_why : str
        Name of the TF, `?` where there are several, and how it was found.
    assay : str
        A key of `assays.ASSAYS`; ``other`` for open chromatin, histone marks and the like.
    cell, replicate, ligand : str
    cycle : int or None
    zero : bool
        Whether it calls itself the unselected library.
    parts : tuple of str
        ``negative``, ``positive``, ``test``, ``train``, ``validation``, ``relaxed``, ``conservative``.
    core : str
        The stem without the words of `parts`, in lower case.
    """

    stem: str
    tf: str = ""
    tf_why: str = ""
    assay: str = ""
    cell: str = ""
    replicate: str = ""
    ligand: str = ""
    cycle: int | None = None
    zero: bool = False
    parts: tuple[str, ...] = ()
    core: str = ""
    words: tuple[str, ...] = field(default=())


def read(path: Path) -> Said:
    """Read the name of a file.

    Parameters
    ----------
    path : Path
        The name of its folder is read where that of the file has no TF.

    Returns
    -------
    Said
    """
    stem = path.name
    while (suffix := Path(stem).suffix.lower()) in _SUFFIXES and Path(stem).stem:
        stem = Path(stem).stem
    words = tuple(word for word in re.split(r"[^A-Za-z0-9]+", stem) if word)
    said = Said(stem, words=words)
    plain = [word.lower() for word in words]
    said.parts = tuple(dict.fromkeys(_PARTS[word] for word in plain if word in _PARTS))
    said.core = "_".join(word for word in plain if word not in _PARTS)
    if suffix == ".bedpe" or any(word in _OTHER or _HISTONE.fullmatch(word) for word in plain):
        said.assay = "other"
    else:
        joined = ["".join(words[i : i + n]) for n in (3, 2, 1) for i in range(len(words) - n + 1)]
        said.assay = next(filter(None, map(assays.spelled, joined)), "")
    camel = [word.lower() for word in _words(_apart(stem))]
    said.cell = next((_CELLS[word] for word in (*_runs(plain), *_runs(camel)) if word in _CELLS), "")
    said.ligand = ((match := _LIGAND.search(stem)) and match[1]) or ""
    said.replicate = ((match := _REPLICATE.search(stem)) and str(int(match[1]))) or ""
    said.zero = any(word in _ZERO for word in plain)
    numbers = _CYCLE.findall(stem) or ([] if said.replicate else _LAST.findall(stem))
    said.cycle = int(numbers[-1]) if numbers else 0 if said.zero else None  # R0_vs_R4 is of cycle 4
    said.tf, said.tf_why = _tf(stem, said.zero)
    folder = path.absolute().parent
    if not said.tf and said.cycle != 0 and folder != Path.home():
        said.tf, said.tf_why = _known(_words(folder.name), "the name of its folder")
    return said


def _runs(words: list[str]) -> Iterable[str]:
    # Words, and runs of two and three of them: H1, hESC -> h1hesc; the longest first.
    return ("".join(words[i : i + n]) for n in (3, 2, 1) for i in range(len(words) - n + 1))


def _apart(stem: str) -> str:
    # SydhK562Gata1Ucd -> Sydh K562 Gata1 Ucd
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", stem)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]


def _tf(stem: str, zero: bool) -> tuple[str, str]:
    # A dimer; a TF of JASPAR among the words of the name, or among those that its capitals make; a name like a gene's.
    for run in re.split(r"[_. @]+", stem):
        for sign in ("::", "-", "+"):
            parts = run.split(sign)
            if len(parts) == 2 and (dimer := _jaspar().get(tuple(motifs.parts("::".join(parts))))):
                return dimer, "the file's name, a dimer of JASPAR"
    found, why = _known(_words(stem), "the file's name")
    if found:
        return found, why
    found, why = _known(_words(_apart(stem)), "the file's name")
    if found:
        return found, why
    if zero:  # an unselected library has no TF
        return "", ""
    genes = {
        word.upper(): word
        for word in _words(stem)
        if _GENE.fullmatch(word) and _is_free(word) and not _NO_GENE.fullmatch(word)
    }
    if len(genes) == 1:
        (name,) = genes.values()
        return name, "the only word of the file's name that is written like a gene; JASPAR has no motif of it"
    return "", f"the file's name holds {' and '.join(genes.values())}" if genes else ""


def _is_free(word: str) -> bool:
    low = word.lower()
    return (
        low not in _CELLS and low not in _PARTS and low not in _ZERO and low not in _OTHER and not assays.spelled(word)
    )


def _known(words: list[str], where: str) -> tuple[str, str]:
    found = {}
    for word in words:
        known = _jaspar().get(tuple(motifs.parts(word)))
        # in lower case without a number it may be a word
        if known and len(word) > 1 and _is_free(word) and not (word.islower() and word in _WORDS):
            found.setdefault(word.upper(), known if word.islower() else word)
    if len(found) == 1:
        (name,) = found.values()
        return name, where
    return ("?", f"{where} holds {' and '.join(found.values())}") if found else ("", "")


@cache
def _jaspar() -> dict[tuple[str, ...], str]:
    # The parts of a name in capitals -> the name as JASPAR spells it, in the first group that has it.
    found: dict[tuple[str, ...], str] = {}
    for group in motifs.GROUPS:
        for name in motifs.tf_names(group):
            # others than those of vertebrates are as short as AC and D
            if group == motifs.GROUPS[0] or re.search("[0-9]", name):
                found.setdefault(tuple(motifs.parts(name)), name)
    return found


def group(tf: str) -> str:
    """The group of JASPAR, of `motifs.GROUPS`, that has a motif of a TF; '' for none."""
    wanted = motifs.parts(tf)
    return next((name for name in motifs.GROUPS if any(motifs.parts(o) == wanted for o in motifs.tf_names(name))), "")
