"""A sheet and a config from a user's files, with a reason for each guess and `?` where none can be made."""

import csv
import math
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import yaml

from tfbind import assays, motifs
from tfbind.errors import InputError
from tfbind.io import atomic, peak_formats, tables
from tfbind.io.tally import Tally
from tfbind.proposal import names, recognise
from tfbind.proposal.recognise import Look
from tfbind.sequences import chip_windows, probes, splits
from tfbind.study import schema

CONFIG, SHEET = "config.yaml", "datasets.tsv"
#: What stands where nothing is known; `tfbind validate` names each.
OPEN = "?"
#: At most so many files of a folder are looked at, and these folders in it are not.
MOST = 500
_NOT_IN = {"results", "logs", "node_modules", "__pycache__"}
#: Sequences of one length up to so many bp are taken for inserts of SELEX, from so many on for windows of peaks.
_INSERT, _WINDOW = 50, 60
#: Shares of the peaks on the chromosomes of the test and the validation.
_TEST, _VALIDATION = 0.2, 0.1
#: Where a genome of UCSC is, by its name.
_UCSC = "https://hgdownload.soe.ucsc.edu/goldenPath/{0}/bigZips/{0}.fa.gz"


class Answers(NamedTuple):
    """What the command line says: name of a file -> value; '' for all files that leave it open.

    Attributes
    ----------
    tf, assay, genome : dict of str to str
    """

    tf: Mapping[str, str] = {}
    assay: Mapping[str, str] = {}
    genome: Mapping[str, str] = {}


@dataclass
class Item:
    """A file, what it is taken for, and why.

    Attributes
    ----------
    look : Look
    said : names.Said
    shown : str
        Its path as the sheet will name it.
    row : dict of str to str
        Its row of the sheet; empty where it has none.
    use : str
        What becomes of a file without a row.
    why : dict of str to str
        Column -> the reason of its value.
    asked : dict of str to str
        Column -> what the user has to say.
    notes : list of str
    inside : list of str
        Assemblies that hold its peaks, where no genome is given.
    """

    look: Look
    said: names.Said
    shown: str
    row: dict[str, str] = field(default_factory=dict)
    use: str = ""
    why: dict[str, str] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)

    def drop(self, use: str) -> None:
        """Take its row away, and say what becomes of the file."""
        self.row, self.why, self.asked, self.notes, self.use = {}, {}, {}, [], use

    def put(self, column: str, value: str, why: str) -> None:
        """Fill a column of its row.

        Parameters
        ----------
        column, value : str
        why : str
            The reason.
        """
        self.row[column], self.why[column] = value, why
        self.asked.pop(column, None)

    def ask(self, column: str, question: str) -> None:
        """Leave a column of its row open.

        Parameters
        ----------
        column : str
        question : str
            What the user has to say, and how.
        """
        self.row[column], self.asked[column] = OPEN, question
        self.why.pop(column, None)


@dataclass
class Proposal:
    """What `tfbind init` writes and says.

    Attributes
    ----------
    items : list of Item
        A file each, in the order in which they were looked at.
    config : dict
        The config, by its keys.
    skipped : list of str
        What was not looked at, and why.
    genomes : dict of str to str
        Label -> reason of its name.
    split_why : str
    """

    items: list[Item]
    config: dict
    skipped: list[str]
    genomes: dict[str, str]
    split_why: str

    @property
    def rows(self) -> list[dict[str, str]]:
        """The rows of the sheet, by TF, assay and dataset."""
        order = {name: i for i, name in enumerate(assays.ASSAYS)}
        rows = [item.row for item in self.items if item.row]
        return sorted(rows, key=lambda row: (row["tf"].lower(), order.get(row["assay"], 99), row["dataset"]))

    @property
    def questions(self) -> list[str]:
        """What the user has to say, each question once."""
        asked = defaultdict(list)
        for item in self.items:
            for column, question in item.asked.items():
                asked[column, question].append(item.row["dataset"])
        return [f"{column} of {', '.join(names_)}: {question}" for (column, question), names_ in asked.items()]

    def lines(self) -> list[str]:
        """What is said of each file: a block each, then of the split and of what was not looked at."""
        said = []
        for item in self.items:
            said.append(f"{item.shown}: {item.look.about or 'not used'}")
            if item.row:
                said.append(f"    dataset = {item.row['dataset']}")
            said += [f"    {column} = {item.row[column]}: {why}" for column, why in item.why.items()]
            said += [f"    {column} = {OPEN}: {question}" for column, question in item.asked.items()]
            said += [f"    {note}" for note in [*([item.use] if item.use else []), *item.notes]]
        said += [f"genomes.{label} = {why}" for label, why in self.genomes.items()]
        said += [self.split_why] if self.split_why else []
        return [*said, *self.skipped]


# ------------------------------------------------------------------------------------------------------------- files


def gather(folder: Path, given: Sequence[Path]) -> tuple[list[Path], list[str], list[str]]:
    """The files to look at, and what is not looked at.

    Parameters
    ----------
    folder : Path
        Of the study.
    given : sequence of Path
        Files and folders that the user names; empty for all that lies in `folder`.

    Returns
    -------
    files : list of Path
        Each once, in the order given, those of a folder by their paths.
    skipped : list of str
        A sentence each.
    faults : list of str
        Those that are not there; or that there is none at all.
    """
    skipped, faults, found = [], [], []
    for path in given or [folder]:
        if path.is_dir():
            found += _within(path, skipped)
        elif path.is_file():
            found.append(path)
        else:
            faults.append(f"{path}: no such file; check the path")
    once: dict[str, Path] = {}
    for path in found:
        same = once.setdefault(os.path.realpath(path), path)
        if same is not path:
            what = "named twice" if same == path else f"a link to the same file as {same}"
            skipped.append(f"{path}: {what}; taken once")
    if not once and not faults:
        where = ", ".join(map(str, given)) or str(folder)
        faults = [*skipped, f"{where}: no file here; name your files: tfbind init {folder} FILES..."]
    return list(once.values()), skipped, faults


def _within(folder: Path, skipped: list[str]) -> list[Path]:
    found, hidden = [], 0
    for here, below, files in os.walk(folder):
        for name in [
            name for name in below if name in _NOT_IN or name.startswith(".") or (Path(here) / name).is_symlink()
        ]:
            skipped.append(f"{Path(here) / name}: not looked into (a link, hidden, or of a run)")
            below.remove(name)
        below.sort()
        hidden += sum(name.startswith(".") for name in files)
        for path in (Path(here) / name for name in sorted(files) if not name.startswith(".")):
            if path.is_file():
                found.append(path)
            else:
                skipped.append(f"{path}: not looked at: no file, or a link that leads to none")
        if len(found) > MOST:
            skipped.append(
                f"{folder}: over {MOST} files; those after {found[MOST - 1]} are not looked at: name the files"
            )
            break
    if hidden:
        skipped.append(f"{folder}: {hidden} hidden files not looked at")
    return found[:MOST]


# ---------------------------------------------------------------------------------------------------------- proposal


def propose(folder: Path, given: Sequence[Path], answers: Answers) -> Proposal:
    """Look at files and propose a study.

    Parameters
    ----------
    folder : Path
        Of the study; files in it are named by their path from there, others by their absolute path.
    given : sequence of Path
        Files and folders; empty for all in `folder`.
    answers : Answers
        What the command line says.

    Returns
    -------
    Proposal

    Raises
    ------
    InputError
        All faults at once: files that were named and cannot be used, answers that fit nothing, no dataset.
    """
    files, skipped, faults = gather(folder, given)
    items = [_item(path, folder) for path in _distinct(files, skipped)]
    named = {os.path.realpath(path) for path in given if path.is_file()}
    faults += [fault for item in items if os.path.realpath(item.look.path) in named for fault in item.look.faults]
    faults += _unanswerable(answers, items) if items else []
    if faults:
        raise InputError(dict.fromkeys(faults))
    chroms = {chrom for item in items if item.look.kind == "peaks" for chrom in item.look.peaks["chrom"].unique()}
    for item in items:
        records = set(item.look.chromosomes)
        others = peak_formats.with_or_without_chr(records)
        if item.look.kind == "fasta" and item.look.peaks is None and {others.get(c, c) for c in chroms} & records:
            recognise.as_genome(item.look)
    for item in items:
        if item.look.kind == "peaks" and "blacklist" in item.said.stem.lower():
            item.look.kind, item.look.about = "blacklist", f"a blacklist of {len(item.look.peaks)} regions"
        if item.look.kind in ("peaks", "bins", "reads", "fasta", "table"):
            _begin(item, answers)
        elif item.look.faults:
            first, *more = (fault.removeprefix(f"{item.look.path}: ") for fault in item.look.faults)
            item.use = f"left out: {first}" + (f" (and {len(more)} more such lines)" if more else "")
        elif item.look.kind == "other":
            item.use = "left out"
    _once(items)
    rows = [item for item in items if item.row]
    _spell(rows)
    _cycles(rows)
    _parts(rows)
    rows = [item for item in rows if item.row]
    _designs(rows)
    genomes, why, lengths = _genomes(items, rows, answers)
    if faults := [fault for item in rows for fault in _check_format(item)]:
        raise InputError(faults)
    _replicates([item for item in rows if item.row])
    _name([item for item in rows if item.row])
    for option in ("tf", "assay"):
        word = getattr(answers, option).get("", "")
        if word and not any(item.why.get(option, "").startswith(f"as --{option}") for item in rows):
            skipped.append(f"--{option} {word}: without effect: no file here leaves it open, or could be of it")
    rows = [item for item in rows if item.row]
    if not rows:
        said = [f"{item.shown}: {item.look.about} {item.use}".strip() for item in items]
        raise InputError([*said, "no file that a dataset could be made of: peaks, reads, sequences or probes of a TF"])
    split, split_why = _split(rows, lengths)
    return Proposal(items, _config(rows, genomes, split, lengths), skipped, why, split_why)


def _distinct(files: list[Path], skipped: list[str]) -> list[Path]:
    # Each content once: a copy under another name would be a replicate that agrees with itself.
    sizes = Counter(path.stat().st_size for path in files)
    first: dict[str, Path] = {}
    kept = []
    for path in files:
        if sizes[path.stat().st_size] > 1 and path.stat().st_size and os.access(path, os.R_OK):
            same = first.setdefault(tables.digest(path), path)
            if same is not path:
                skipped.append(f"{path}: left out: the same content as {same}")
                continue
        kept.append(path)
    return kept


def _once(items: list[Item]) -> None:
    # The same peaks in another file, such as a packed one.
    rows = [item for item in items if item.row and item.look.kind == "peaks"]
    for i, item in enumerate(rows):
        same = next((other for other in rows[:i] if other.row and other.look.peaks.equals(item.look.peaks)), None)
        if same:
            item.drop(f"left out: the same peaks as {same.shown}")


def _item(path: Path, folder: Path) -> Item:
    inside = os.path.relpath(os.path.abspath(path), os.path.abspath(folder))
    shown = os.path.abspath(path) if inside.startswith(os.pardir) else inside
    if shown != shown.strip() or not shown.isprintable():
        what = "its name ends in a space, or holds a line end or another sign that a sheet cannot; rename it"
        fault = f"{str(path)[:300]}: {what}"
        return Item(Look(path, faults=[fault.encode("utf-8", "replace").decode()]), names.Said(path.stem), ascii(shown))
    return Item(recognise.look(path), names.read(path), shown)


def _unanswerable(answers: Answers, items: list[Item]) -> list[str]:
    faults = []
    known = {item.look.path.name for item in items} | {str(item.look.path) for item in items}
    rules = schema.schema("datasets")
    for option, given in answers._asdict().items():
        faults += [
            f"--{option} {name}={value}: no such file" for name, value in given.items() if name and name not in known
        ]
    for name, word in answers.assay.items():
        if word not in assays.ASSAYS:
            near = assays.meant(word)
            known_assays = ", ".join(assays.ASSAYS)
            hint = f"did you mean {near}?" if near else f"known are {known_assays}"
            faults.append(f"--assay {f'{name}={word}' if name else word}: no assay {word!r}; {hint}")
    for word in answers.tf.values():
        wrong = schema.check({"tf": word}, {**rules, "required": []})
        faults += [f"--tf {word}: {fault.removeprefix('tf: ')}" for fault in wrong]
    return faults


def _answer(given: Mapping[str, str], item: Item) -> tuple[str, bool]:
    # The value for a file, and whether it names this one.
    path = item.look.path
    for key in (str(path), path.name):
        if key in given:
            return given[key], True
    return given.get("", ""), False


def _begin(item: Item, answers: Answers) -> None:
    # A row with TF, assay, format and what the name says.
    look, said = item.look, item.said
    own_tf, of_file = _answer(answers.tf, item)
    assay, of_assay = _answer(answers.assay, item)
    if said.assay == "other" and not of_assay:
        item.use = (
            "left out: its name is of open chromatin, histone marks or fragments, not of one TF; else say --assay"
        )
        item.use += f" {look.path.name}=NAME"
        return
    item.row = dict.fromkeys(schema.schema("datasets")["properties"], "")
    item.row["path"] = item.shown
    if own_tf and (of_file or said.tf in ("", OPEN)):
        item.put("tf", own_tf, "as --tf says")
    elif said.tf and said.tf != OPEN:
        item.put("tf", said.tf, said.tf_why)
    else:
        why = f"{said.tf_why}, and one is meant" if said.tf_why else "the name holds none that JASPAR knows"
        item.ask("tf", f"{why}; say it with --tf {look.path.name}=NAME")
    if look.format == OPEN:
        item.ask("format", f"{look.about}; write counts or probes")
    else:
        item.row["format"] = look.format
    _assay(item, assay, of_assay)
    if said.cell and assays.form(item.row["assay"]) != "reads":
        item.put("cell", said.cell, "the file's name")
    if look.negative_names:
        item.put("negative_names", look.negative_names, "names of records end so in part of the file")


def _assay(item: Item, given: str, of_file: bool) -> None:
    look, said = item.look, item.said
    takes = {assay for assay, about in assays.ASSAYS.items() if look.format in about.formats or look.format == OPEN}
    name = f"say it with --assay {look.path.name}=NAME ({', '.join(sorted(takes))})"
    if of_file:
        item.put("assay", given, "as --assay says")
    elif said.assay in takes:
        item.put("assay", said.assay, "the file's name")
    elif given in takes:
        item.put("assay", given, "as --assay says")
    elif look.kind == "bins":
        item.put("assay", "ghtselex", "only GHT-SELEX comes as read counts in bins of a genome")
    elif look.format in ("probes", "words"):
        item.put("assay", "pbm", f"{look.format} are of arrays")
    elif look.format == "counts":
        item.put("assay", "htselex", f"reads of the cycles {', '.join(map(str, look.cycles))}")
    elif look.kind == "reads" or look.format == OPEN:
        item.ask("assay", name)  # `_cycles` may know
    elif look.kind != "peaks" and look.length and look.length <= _INSERT:
        item.put("assay", "htselex", f"sequences of {look.length} bp are inserts of SELEX, not windows of peaks")
    elif look.kind != "peaks" and look.median < _WINDOW:
        item.ask("assay", f"sequences of {look.median} bp are long for inserts and short for peaks; {name}")
    elif item.row["tf"] == OPEN:
        item.ask("assay", f"a ChIP of a TF, or open chromatin? {name}")
    else:
        what = "peaks" if look.kind == "peaks" else f"sequences of {look.median} bp, as windows of peaks,"
        item.put("assay", "chipseq", f"{what} of a TF are most often of ChIP-seq")


def _spell(rows: list[Item]) -> None:
    # One spelling for a TF: the one with the most capitals.
    spelled: dict[str, str] = {}
    for item in rows:
        tf = item.row["tf"]
        key = "::".join(motifs.parts(tf))
        spelled[key] = max(spelled.get(key, tf), tf, key=lambda name: sum(map(str.isupper, name)))
    for item in rows:
        one = spelled["::".join(motifs.parts(item.row["tf"]))]
        if item.row["tf"] != one:
            item.put("tf", one, f"{item.why['tf']}, spelled as in the other files")


# -------------------------------------------------------------------------------------------------------------- SELEX


def _is_reads(item: Item) -> bool:
    return item.look.kind == "reads" or (item.look.kind == "fasta" and 0 < item.look.length <= _INSERT)


def _cycles(rows: list[Item]) -> None:
    # Files whose names differ in one number are the cycles of a library; cycle 0 is the input of the others.
    reads = [item for item in rows if _is_reads(item)]
    for item in reads:
        mates = [other for other in reads if recognise.same_run(item.look, other.look)]
        if mates and item.look.path > mates[0].look.path:
            item.drop(f"left out: mate of {mates[0].shown}; the first read of each pair holds the insert")
    reads = [item for item in reads if item.row]
    series = _series(reads)
    cycle = {id(item): series.get(id(item), ("", item.said.cycle))[1] for item in reads}
    zeros = [item for item in reads if cycle[id(item)] == 0]
    later = [item for item in reads if item not in zeros]
    used = defaultdict(list)
    for item in later:
        number, key = cycle[id(item)], series.get(id(item), ("", None))[0]
        fit = [zero for zero in zeros if key and series.get(id(zero), ("", None))[0] == key]
        fit = fit or [zero for zero in zeros if zero.row["tf"] == item.row["tf"] != OPEN and _same_ligand(zero, item)]
        fit = fit or [zero for zero in zeros if not zero.said.tf and _same_ligand(zero, item)]
        several = sum(1 for other in later if key and series.get(id(other), ("", None))[0] == key) > 1
        # one number alone may be that of a lane, or of read 1 of a ChIP
        alone = bool(number) and item.look.length <= _WINDOW
        if item.row["assay"] == OPEN and "assay" in item.asked and (fit or several or alone):
            if item.look.length:
                what = (
                    "names that differ in the cycle alone" if fit or several else f"its name holds the cycle {number}"
                )
                item.put("assay", "htselex", f"reads of {item.look.length} bp, and {what}")
            else:
                item.asked["assay"] = (
                    f"reads of several lengths, as of no SELEX library; of ChIP, give the peaks; {item.asked['assay']}"
                )
        if not assays.has_cycles(item.row["assay"]):
            continue
        if number:
            item.put("cycle", str(number), "the file's name")
        if item.said.ligand:
            item.put("ligand", item.said.ligand, "the file's name")
        same = [zero for zero in fit if zero.look.format == item.look.format]
        if len(same) == 1:
            item.put("input_path", same[0].shown, "cycle 0 of the library, the negatives")
            used[id(same[0])].append(item)
            if same[0].look.length != item.look.length and same[0].look.length and item.look.length:
                item.ask(
                    "trim",
                    f"cycle 0 has reads of {same[0].look.length} bp, this file of {item.look.length}: write left or "
                    "right, the end at which the longer ones are cut",
                )
        elif same:
            item.ask("input_path", f"which is its cycle 0: {', '.join(zero.shown for zero in same)}?")
            item.row["input_path"] = ""
        else:
            item.notes.append("no cycle 0 among the files: its negatives are shuffles")
    for item in rows:
        # of a table with labels; one of counts has all cycles
        if item.row and item.look.format == "labelled" and assays.has_cycles(item.row["assay"]) and item.said.cycle:
            item.put("cycle", str(item.said.cycle), "the file's name")
    for zero in zeros:
        of = [item.row["path"] for item in used[id(zero)]]
        zero.drop(f"cycle 0: input_path of {', '.join(of)}" if of else "left out: cycle 0, and of no library here")
    for item in later:
        _flanks(item, [item.look, *(zero.look for zero in zeros if zero.shown == item.row["input_path"])])


def _same_ligand(one: Item, other: Item) -> bool:
    return not (one.said.ligand and other.said.ligand) or one.said.ligand == other.said.ligand


def _series(reads: list[Item]) -> dict[int, tuple[str, int]]:
    # Item -> the name of its library without the cycle, and the cycle.
    by_rest = defaultdict(dict)
    for item in reads:
        for match in re.finditer(r"(?<![0-9])[0-9]{1,2}(?![0-9])", item.said.stem):
            rest = f"{item.said.stem[: match.start()]}#{item.said.stem[match.end() :]}"
            by_rest[rest].setdefault(int(match[0]), item)
    found: dict[int, tuple[str, int]] = {}
    for rest, members in sorted(by_rest.items(), key=lambda each: (-len(each[1]), each[0])):
        # not the number of a TF (USF1, USF2) or of a replicate
        tfs = {item.row["tf"] for item in members.values()}
        said = all(item.said.cycle in (None, number) for number, item in members.items())
        if len(members) > 1 and len(tfs) == 1 and said and not re.search("rep(licate)?[_.-]?#", rest, re.I):
            for number, item in members.items():
                found.setdefault(id(item), (rest, number))
    return found


def _flanks(item: Item, looks: list[Look]) -> None:
    # Constant ends that the reads of all files of the row have.
    if not item.row or assays.form(item.row["assay"]) not in ("reads", "intensities") or item.look.format == "words":
        return
    ends = [probes.constant_ends(pd.Series(look.sequences, dtype="str")) for look in looks if look.sequences]
    for at, column in enumerate(assays.FLANKS):
        if ends and ends[0][at] and all(each[at] == ends[0][at] for each in ends):
            item.put(column, ends[0][at], "all reads or probes have it at this end")


# -------------------------------------------------------------------------------------------------- parts, designs, ids


def _core(item: Item) -> str:
    # The two halves of DeepBind's files end in AC, to train, and B, to test.
    core = item.said.core
    return re.sub("_(ac|b)$", "", core) if item.look.format == "deepbind" else core


def _parts_of(item: Item) -> set[str]:
    parts = set(item.said.parts)
    if item.look.format == "deepbind" and item.said.core.endswith("_b"):
        parts.add("test")
    return parts


def _parts(rows: list[Item]) -> None:
    # Files of negatives, of the test set and of relaxed peaks belong to the row of the file with the same name else.
    groups = defaultdict(list)
    for item in rows:
        if item.row and not _is_reads(item):
            groups[item.look.kind, item.look.format, _core(item)].append(item)
    for members in groups.values():
        extra = ("negative", "test", "validation", "relaxed")
        main = [item for item in members if not _parts_of(item) & set(extra)]
        for item in members:
            parts = _parts_of(item) & set(extra)
            if not parts or len(members) == 1:
                continue
            column = {
                frozenset(["negative"]): "negatives_path",
                frozenset(["test"]): "test_path",
                frozenset(["negative", "test"]): "test_negatives_path",
                frozenset(["relaxed"]): "relaxed_path",
            }.get(frozenset(parts), "")
            if column == "relaxed_path" and main and item.look.kind == "peaks":
                for other in main:
                    other.put(column, item.shown, "the same name but for that word")
                item.drop(f"{column} of {', '.join(other.shown for other in main)}")
                continue
            if len(main) != 1:
                item.notes.append(f"its name says {' and '.join(sorted(parts))}; no single file here goes with it")
                continue
            row = main[0].row
            if not column:
                item.drop(f"left out: a validation set; part of {main[0].shown} validates")
            elif row[column] or column == "relaxed_path":
                continue
            else:
                main[0].put(column, item.shown, "the same name but for that word")
                item.drop(f"{column} of {main[0].shown}")


def _designs(rows: list[Item]) -> None:
    # Two tables of probes of one TF are two array designs, each the test set of the other.
    of_tf = defaultdict(list)
    for item in rows:
        if item.row["format"] == "probes" and item.row["tf"] != OPEN:
            of_tf[item.row["tf"]].append(item)
    for item in rows:
        if assays.form(item.row["assay"]) == "intensities":
            _flanks(item, [item.look])
    for pair in of_tf.values():
        words = [set(item.said.words) for item in pair]
        own = [sorted(mine - set().union(*(w for w in words if w is not mine))) for mine in words]
        if len(pair) > 1 and all(len(word) == 1 for word in own):
            for item, (word,) in zip(pair, own, strict=True):
                item.put("design", word, "the word in which the names of this TF's arrays differ: each tests the other")
        elif len(pair) == 1:
            pair[0].notes.append("one array design: it trains, and is not tested")


def _check_format(item: Item) -> Iterator[str]:
    # An answer that the file cannot be.
    about = assays.ASSAYS.get(item.row["assay"])
    if about and item.row["format"] not in (*about.formats, OPEN):
        yield (
            f"{item.look.path}: --assay {item.row['assay']}: {about.printed} comes as {', '.join(about.formats)}, and "
            f"this is {item.look.about}"
        )


_ALIKE = ("tf", "assay", "cell", "format", "genome", "cycle", "ligand", "design")


def _replicates(rows: list[Item]) -> None:
    same = defaultdict(list)
    for item in rows:
        same[tuple(item.row[c] for c in _ALIKE)].append(item)
    for key, members in same.items():
        if len(members) < 2 or OPEN in key[:2]:
            continue
        said = [item.said.replicate for item in members]
        for i, item in enumerate(members, 1):
            value = item.said.replicate if all(said) and len(set(said)) == len(said) else str(i)
            item.put(
                "replicate", value, f"{len(members)} files of {key[0]} and {key[1]}{f' in {key[2]}' if key[2] else ''}"
            )
            if not key[2]:
                item.notes.append("no cell in its name: if the files are of two cells, write them into the column cell")


def _name(rows: list[Item]) -> None:
    taken = set()
    for item in rows:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "_", item.said.stem).lstrip("_.-")[:56] or "dataset"
        name, i = base, 1
        while name.lower() in taken:
            name, i = f"{base}_{i + 1}", i + 1
        taken.add(name.lower())
        item.row["dataset"] = name


# ------------------------------------------------------------------------------------------------------------- genomes


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
    for name, chromosomes in _assemblies().items():
        shared = [chrom for chrom in lengths if chrom in chromosomes]
        if shared and all(lengths[chrom] == chromosomes[chrom] for chrom in shared):
            return name
    return ""


def _assemblies() -> dict[str, dict[str, int]]:
    # Assembly of UCSC -> its chromosomes, as pybedtools carries them.
    from pybedtools import genome_registry  # loads in half a second

    found = {}
    for name in ("hg38", "hg19", "hg18", "mm10", "mm9", "dm6", "dm3"):
        found[name] = {chrom: end for chrom, (_, end) in getattr(genome_registry, name).items()}
    return found


def _genomes(items: list[Item], rows: list[Item], answers: Answers) -> tuple[dict, dict[str, str], dict]:
    # Genomes of the config, why they are called so, and the lengths of their chromosomes; fills the column genome.
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
            if assembly and asked in _assemblies():
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
        if files or word not in _assemblies():
            remedy = f"the genomes here are {', '.join(known)}" if files else "give its FASTA among the files"
            raise InputError(f"--genome {word}: no genome of this name; {remedy}")
        config[word], why[word] = {"fasta": _UCSC.format(word)}, "as --genome says; the run fetches it from UCSC"
        known[word] = _Named(word, _assemblies()[word])
    sizes = {item.said.stem: _Named(item.shown, item.look.chromosomes) for item in items if item.look.kind == "sizes"}
    for item in items:
        if item.look.kind == "sizes":
            item.use = "left out: used to tell genomes apart alone"
    for item in rows:
        if item.look.kind in ("peaks", "bins") or (item.look.peaks is not None and known):
            _place(item, known, sizes, _answer(answers.genome, item)[0], config)
    lost = [item for item in rows if item.row["genome"] == OPEN and item.look.kind == "peaks"]
    if lost and not known:
        # an assembly that holds the peaks of all files
        common = [name for name in lost[0].inside if name in _assemblies() and all(name in i.inside for i in lost)]
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
            every = {**_as_named(_assemblies()), **sizes}
            item.inside = [name for name, genome in every.items() if _inside(item.look.peaks, genome)]
            item.notes.append(f"its places lie inside the chromosomes of {', '.join(item.inside) or 'none known here'}")


def _as_named(assemblies: Mapping[str, Mapping[str, int]]) -> dict[str, _Named]:
    return {name: _Named(name, lengths) for name, lengths in assemblies.items()}


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


# --------------------------------------------------------------------------------------------------------------- split


def _split(rows: list[Item], genomes: Mapping[str, Mapping[str, int]]) -> tuple[dict[str, list[str]], str]:
    # Chromosomes for the test and the validation: about 20 % and 10 % of the peaks of each genome.
    placed = defaultdict(list)
    for item in rows:
        label = item.row["genome"]
        if item.look.peaks is not None and (label or not genomes):
            placed[label].append(item.look.peaks)
        elif item.look.kind == "bins" and label in genomes:  # bins cover the genome evenly
            bins = [chrom for chrom, size in genomes[label].items() for _ in range(size // 10**6 + 1)]
            placed[label].append(pd.DataFrame({"chrom": bins, "start": 0}))
    if not placed:
        return {}, "split: no file has coordinates: a hash of each sequence splits (20 % test, 10 % validate)"
    held: dict[str, list[str]] = {"validation": [], "test": []}
    said = [_hold_out(tables_, genomes.get(label, {}), held) for label, tables_ in placed.items()]
    return {key: chroms for key, chroms in held.items() if chroms}, f"split: {'; '.join(said)}"


def _hold_out(placed: list[pd.DataFrame], lengths: Mapping[str, int], held: dict[str, list[str]]) -> str:
    # Add to `held` the chromosomes of one genome, each file counting alike; says which.
    share: dict[str, float] = defaultdict(float)
    for table in placed:
        for chrom, part in table["chrom"].value_counts(normalize=True).items():
            share[chrom] += part / len(placed)
    everywhere = [c for c in share if all((table["chrom"] == c).any() for table in placed)] or list(share)
    order = sorted(everywhere, key=lambda chrom: (-share[chrom], chrom))
    # what another genome holds out under the same name, with chr or without, is held out here, too
    for chroms in held.values():
        chroms += [c for c in order if c not in chroms and _bare(c) in set(map(_bare, chroms))]
    taken = {chrom for chroms in held.values() for chrom in chroms}
    free = [chrom for chrom in order if chrom not in taken]
    if len(order) == 1:
        # other chromosomes are held out by name, so that a run splits this one by blocks
        others = [chrom for chrom in lengths if chrom not in (*share, *taken)][:2]
        for key, chrom in zip(held, others, strict=False):
            held[key].append(chrom)
        if all(splits.in_blocks(table, held) for table in placed):
            return f"{order[0]} alone has peaks of all files: a hash of blocks of 100 kb splits them"
        return f"{order[0]} alone has peaks of all files: they train and are not tested"
    if len(order) == 2:
        held["test"] += [] if set(order) & taken else order[1:]
        return f"two chromosomes have peaks of all files: {order[1]} tests, and none is left to validate"
    test = _fill(free, share, _TEST - sum(share[c] for c in held["test"] if c in share))
    rest = [chrom for chrom in free if chrom not in test]
    validation = _fill(rest[1:] or rest, share, _VALIDATION - sum(share[c] for c in held["validation"] if c in share))
    if sum(share[c] for c in validation) > sum(share[c] for c in test) and not taken:
        validation, test = test, validation
    held["test"] += test
    held["validation"] += validation
    parts = [
        f"{', '.join(chroms)} ({100 * sum(share[c] for c in chroms):.0f} %)"
        for chroms in ([c for c in held[key] if c in share] for key in ("test", "validation"))
    ]
    return f"of the peaks, {parts[0]} test and {parts[1]} validate"


def _bare(chrom: str) -> str:
    return chrom.removeprefix("chr")


def _fill(order: list[str], share: Mapping[str, float], wanted: float) -> list[str]:
    # The largest chromosomes that together stay within the share; the smallest one where each is larger.
    chosen: list[str] = []
    if wanted <= 0:
        return chosen
    for chrom in order:
        if sum(share[c] for c in chosen) + share[chrom] <= wanted * 1.1:
            chosen.append(chrom)
        if sum(share[c] for c in chosen) >= wanted * 0.9:
            break
    return chosen or order[-1:]


# -------------------------------------------------------------------------------------------------------------- config


def _config(rows: list[Item], genomes: dict[str, dict], split: dict, lengths: Mapping[str, Mapping[str, int]]) -> dict:
    config: dict = {"datasets": SHEET}
    for label, options in genomes.items():
        named = options.get("chromosomes", {})
        others = peak_formats.with_or_without_chr(lengths[label])
        if named and all(others.get(name) == other for name, other in named.items()):
            options["chromosomes"] = "chr"
        elif named:
            options["chromosomes"] = dict(sorted(named.items(), key=lambda pair: (len(pair[0]), pair[0])))
    if genomes:
        config["genomes"] = genomes
    if split:
        config["split"] = split
    config["negatives"] = {"usual": {"kind": "usual"}}
    tfs = {item.row["tf"] for item in rows} - {OPEN}
    groups = [group for group in motifs.GROUPS if group in {names.group(tf) for tf in tfs}]
    regression: dict = {"kind": "regression"}
    if groups and groups != ["vertebrates"]:
        regression["tax_groups"] = groups
    config["models"] = {
        "deepbind": {"kind": "deepbind", "reading": "whole"},
        "deepbind_scan": {"trained_as": "deepbind", "reading": "scan"},
        "bilstm_scan": {"kind": "bilstm", "readout": "max", "stride": 3, "reading": "scan"},
        "regression": regression,
        "composition": {"kind": "composition"},
    }
    smallest = min((sum(each.values()) for each in lengths.values()), default=0)
    if 0 < smallest < 10**8:
        config["statistics"] = {"block": 10 ** max(3, int(math.log10(smallest)) - 2)}
    return config


_SAID = {
    "datasets": "Written by `tfbind init`: a proposal. docs/config.md has every key.",
    "genomes": "Reference genomes, by the names in the sheet's column genome.",
    "split": "Whole chromosomes are held out, so that overlapping peaks stay on one side. Reads are split by a hash.",
    "negatives": "The usual negatives of each assay; a second label adds a second set.",
    "models": "Networks, motif scores of JASPAR in a regression, and composition alone: the floor.",
    "statistics": "Neighbouring peaks are resampled together; the chromosomes are short for the default of 1 Mb.",
}


def write(proposal: Proposal, folder: Path) -> None:
    """Write the config and the sheet of a proposal into a folder that has neither.

    Parameters
    ----------
    proposal : Proposal
    folder : Path
        Made where it is not there. The files appear whole, and both or neither.

    Raises
    ------
    InputError
        The folder has a config or a sheet.
    ResourceError
        The disk is full or the folder cannot be written.
    """
    refuse(folder)
    columns = schema.schema("datasets")
    rows = proposal.rows
    used = [name for name in columns["properties"] if name in columns["required"] or any(row[name] for row in rows)]
    with (
        atomic.replacing(folder / SHEET) as sheet,
        atomic.replacing(folder / CONFIG) as config,
        open(sheet, "w", newline="", encoding="utf-8") as file,
        open(config, "w", encoding="utf-8") as settings,
    ):
        out = csv.writer(file, delimiter="\t", lineterminator="\n")
        out.writerow(["# Written by tfbind init: a proposal, with its reasons at the end. Read and correct it."])
        out.writerow(used)
        out.writerows([row[column] for column in used] for row in rows)
        out.writerows([f"# {line}"] for line in proposal.lines())
        for key, value in proposal.config.items():
            style = None if isinstance(value, dict) else False
            text = yaml.safe_dump(
                {key: value}, sort_keys=False, allow_unicode=True, width=110, default_flow_style=style
            )
            settings.write(f"# {_SAID[key]}\n{text}\n")


def refuse(folder: Path) -> None:
    """Raise an `InputError` where a folder has a config or a sheet, which nothing here overwrites, or is a file."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file; name the folder of the study first: tfbind init DIR FILES...")
    if there := [str(folder / name) for name in (CONFIG, SHEET) if os.path.lexists(folder / name)]:
        raise InputError(
            f"{' and '.join(there)}: already there, and nothing is overwritten; name a new folder, and copy "
            "what you want from its sheet"
        )
