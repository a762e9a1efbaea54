"""The genome of each file of places, by its chromosomes, and the genomes of the config."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from tfbind.errors import InputError
from tfbind.io import peak_formats
from tfbind.io.tally import Tally
from tfbind.proposal.item import OPEN, Answers, Item, answer
from tfbind.sequences import chip_windows

#: Where a genome of UCSC is, by its name.
_UCSC = "https://hgdownload.soe.ucsc.edu/goldenPath/{0}/bigZips/{0}.fa.gz"


class _Named(NamedTuple):
    # A genome by the names and lengths of its chromosomes.
    path: str
    lengths: Mapping[str, int]
    names: Mapping[str, str] = {}

    def resolve(self, chrom: str) -> str:
        return self.names.get(chrom, chrom)


def _fit(table: pd.DataFrame, genome: _Named) -> tuple[Mapping[str, str], pd.DataFrame]:
    # Names of the file -> names of the genome, and the peaks under these, by the rule of a run; raises InputError.
    chroms = table["chrom"].unique()
    others = peak_formats.with_or_without_chr(genome.lengths)
    by_chr = {name: others[name] for name in chroms if name in others}
    roman = {name: other for name in chroms if name not in genome.lengths and (other := _numeral(name, genome.lengths))}
    faults = None
    for known in ({}, by_chr, {**by_chr, **roman}):
        try:
            placed, _ = chip_windows.placed(table, genome._replace(names=known), Tally())
            return known, placed
        except InputError as error:
            faults = error
    raise faults


def _numeral(name: str, lengths: Iterable[str]) -> str:
    # chr4 -> chrIV, or back, as the genome has it.
    number = name.removeprefix("chr")
    if number.isdigit() and 0 < int(number) < 40:
        return next((other for other in (f"chr{_roman(int(number))}", _roman(int(number))) if other in lengths), "")
    arabic = next((i for i in range(1, 40) if _roman(i) == number), 0)
    return next((other for other in (f"chr{arabic}", str(arabic)) if other in lengths), "")


def _roman(number: int) -> str:
    text = ""
    for value, sign in ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")):
        text += sign * (number // value)
        number %= value
    return text


def _assembly(lengths: Mapping[str, int]) -> str:
    # The assembly that has all large chromosomes of these lengths; '' where none is known.
    for name, chromosomes in assemblies().items():
        shared = [chrom for chrom in lengths if chrom in chromosomes]
        if shared and all(lengths[chrom] == chromosomes[chrom] for chrom in shared):
            return name
    return ""


def assemblies() -> dict[str, dict[str, int]]:
    """Assembly of UCSC -> its chromosomes in bp, as pybedtools carries them."""
    from pybedtools import genome_registry  # loads in half a second

    found = {}
    for name in ("hg38", "hg19", "hg18", "mm10", "mm9", "dm6", "dm3"):
        found[name] = {chrom: end for chrom, (_, end) in getattr(genome_registry, name).items()}
    return found


def assign(items: list[Item], rows: list[Item], answers: Answers) -> tuple[dict, dict[str, str], dict]:
    """Fill the column `genome` of the rows that need one.

    Parameters
    ----------
    items : list of Item
        All files.
    rows : list of Item
        Those with a row.
    answers : Answers

    Returns
    -------
    config : dict
        Label -> the keys of a genome in the config.
    why : dict of str to str
        Label -> why it is called so.
    lengths : dict
        Label -> name of each chromosome -> bp.

    Raises
    ------
    InputError
        An answer names no genome, or one that the files do not fit.
    """
    asked = answers.genome.get("", "")
    files = [item for item in items if item.look.kind == "genome"]
    known: dict[str, _Named] = {}
    config: dict[str, dict] = {}
    why: dict[str, str] = {}
    for item in files:
        same = next((label for label, genome in known.items() if genome.lengths == item.look.chromosomes), "")
        if same:
            item.use = f"left out: a genome with the chromosomes of genomes.{same}, which is taken"
            continue
        assembly = _assembly(item.look.chromosomes)
        label = assembly or re.sub(r"[^A-Za-z0-9_.-]+", "_", item.said.stem).lstrip("_.-") or "genome"
        reason = (
            f"{item.shown}; its chromosomes have the lengths of {assembly}"
            if assembly
            else f"{item.shown}; the name of the file"
        )
        if asked and len({str(other.look.chromosomes) for other in files}) == 1 and asked != label:
            if assembly and asked in assemblies():
                raise InputError(f"--genome {asked}: {item.look.path} is {assembly} by the lengths of its chromosomes")
            label, reason = asked, f"{item.shown}; as --genome says"
        while label in config:
            label += "_2"
        config[label], why[label] = {"fasta": item.shown}, reason
        known[label] = _Named(str(item.look.path), item.look.chromosomes)
        item.use = f"genomes.{label} of the config"
    for word in dict.fromkeys(answers.genome.values()):
        if word in known:
            continue
        if files or word not in assemblies():
            remedy = f"the genomes here are {', '.join(known)}" if files else "give its FASTA among the files"
            raise InputError(f"--genome {word}: no genome of this name; {remedy}")
        config[word], why[word] = {"fasta": _UCSC.format(word)}, "as --genome says; the run fetches it from UCSC"
        known[word] = _Named(word, assemblies()[word])
    sizes = {item.said.stem: _Named(item.shown, item.look.chromosomes) for item in items if item.look.kind == "sizes"}
    for item in items:
        if item.look.kind == "sizes":
            item.use = "left out: used to tell genomes apart alone"
    for item in rows:
        if item.look.kind in ("peaks", "bins") or (item.look.peaks is not None and known):
            _place(item, known, sizes, answer(answers.genome, item)[0], config)
    lost = [item for item in rows if item.row["genome"] == OPEN and item.look.kind == "peaks"]
    if lost and not known:
        # an assembly that holds the peaks of all files
        common = [name for name in lost[0].inside if name in assemblies() and all(name in i.inside for i in lost)]
        hint = f"they lie inside {' and '.join(common)}, so --genome {common[-1]} may be right" if common else ""
        for item in lost:
            item.asked["genome"] = (
                f"no genome among the files; give its FASTA, or name one of UCSC: {hint or '--genome hg38'}"
            )
    for item in items:
        if item.look.kind == "blacklist":
            _blacklist(item, known, config)
    used = {item.row["genome"] for item in rows}
    used |= set(config) if OPEN in used else set()
    for label in [label for label in config if label not in used]:
        del config[label]
        why[label] += "; no file here lies on it, so the config leaves it out"
        for item in files:
            if item.use == f"genomes.{label} of the config":
                item.use = "left out: no file here lies on it"
    return config, why, {label: known[label].lengths for label in config}


def _place(item: Item, known: Mapping[str, _Named], sizes: Mapping, asked: str, config: dict) -> None:
    # The genome that a file's places lie in.
    if item.look.kind == "bins":
        if len(known) == 1 or asked in known:
            item.put("genome", asked or next(iter(known)), "as --genome says" if asked else "the only genome here")
        else:
            item.ask("genome", _which(item, known, ""))
        return
    fit, faults = {}, []
    for label, genome in known.items():
        try:
            fit[label] = _fit(item.look.peaks, genome)
        except InputError as error:
            faults += error.faults
    if asked and asked in known and asked not in fit:
        raise InputError(faults)
    chosen = [asked] if asked in fit else list(fit)
    needed = item.look.kind == "peaks"
    if len(chosen) == 1:
        (label,) = chosen
        others = (
            f", not those of {', '.join(other for other in known if other not in fit)}" if len(fit) < len(known) else ""
        )
        why = "as --genome says" if label == asked else "all its places lie inside the chromosomes" + others
        names_, placed = fit[label]
        item.look.peaks = placed
        item.put("genome", label, why)
        if changed := {a: b for a, b in names_.items() if a != b}:
            config[label].setdefault("chromosomes", {}).update(changed)
            a, b = next(iter(changed.items()))
            item.notes.append(
                f"its chromosomes are called otherwise ({a} is {b}): `chromosomes` of the genome in the config"
            )
    elif needed:
        said = [label for label in fit if label.lower() in item.said.stem.lower()]
        if len(said) == 1:
            item.look.peaks = fit[said[0]][1]
            item.put("genome", said[0], "the file's name; its places lie inside the chromosomes of others, too")
            return
        item.ask("genome", _which(item, known, ", ".join(fit)) + (f"; {faults[0]}" if faults and not fit else ""))
        if not fit:
            every = {**_as_named(assemblies()), **sizes}
            item.inside = [name for name, genome in every.items() if _inside(item.look.peaks, genome)]
            item.notes.append(f"its places lie inside the chromosomes of {', '.join(item.inside) or 'none known here'}")


def _as_named(known: Mapping[str, Mapping[str, int]]) -> dict[str, _Named]:
    return {name: _Named(name, lengths) for name, lengths in known.items()}


def _inside(table: pd.DataFrame, genome: _Named) -> bool:
    try:
        _fit(table, genome)
    except InputError:
        return False
    return True


def _which(item: Item, known: Mapping, fit: str) -> str:
    name = item.look.path.name
    if fit:
        return f"{fit} fit; say one with --genome {name}=LABEL"
    if known:
        return f"none of {', '.join(known)} fits; give the FASTA of its own"
    return "no genome among the files; give its FASTA, or name one of UCSC, e.g. --genome hg38"


def _blacklist(item: Item, known: Mapping[str, _Named], config: dict) -> None:
    fit = [label for label, genome in known.items() if _inside(item.look.peaks, genome)]
    free = [label for label in fit if "blacklist" not in config[label]]
    named = [label for label in free if label.lower() in item.said.stem.lower()]
    if len(named or free) == 1:
        (label,) = named or free
        config[label]["blacklist"] = item.shown
        item.use = f"blacklist of {label}"
    elif free:
        item.use = f"left out: it fits {', '.join(free)}; write it into `genomes` of the config"
    else:
        item.use = "left out: no genome here that it fits, or another blacklist has its place"
