"""A sheet and a config from a user's files, with a reason for each guess and `?` where none can be made."""

import csv
import math
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tfbind import assays, motifs
from tfbind.errors import InputError
from tfbind.io import atomic, peak_formats, tables
from tfbind.proposal import genomes as genomes_
from tfbind.proposal import held_out, names, recognise
from tfbind.proposal import rows as rows_
from tfbind.proposal.item import OPEN, Answers, Item
from tfbind.proposal.recognise import Look
from tfbind.study import schema

CONFIG, SHEET = "config.yaml", "datasets.tsv"
#: At most so many files of a folder are looked at, and these folders in it are not.
MOST = 500
_NOT_IN = {"results", "logs", "node_modules", "__pycache__"}


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
        elif given:
            faults.append(f"{path}: no such file; check the path")
        else:
            faults.append(f"{path}: no such folder; name your files, too: tfbind init {path} FILES...")
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
            rows_.begin(item, answers)
        elif item.look.faults:
            first, *more = (fault.removeprefix(f"{item.look.path}: ") for fault in item.look.faults)
            item.use = f"left out: {first}" + (f" (and {len(more)} more such lines)" if more else "")
        elif item.look.kind == "other":
            item.use = "left out"
    rows_.once(items)
    rows = [item for item in items if item.row]
    rows_.spell(rows)
    rows_.cycles(rows)
    rows_.parts(rows)
    rows = [item for item in rows if item.row]
    rows_.designs(rows)
    genomes, why, lengths = genomes_.assign(items, rows, answers)
    if faults := [fault for item in rows for fault in rows_.unfit(item)]:
        raise InputError(faults)
    rows_.replicates([item for item in rows if item.row])
    rows_.name([item for item in rows if item.row])
    for option in ("tf", "assay"):
        word = getattr(answers, option).get("", "")
        if word and not any(item.why.get(option, "").startswith(f"as --{option}") for item in rows):
            skipped.append(f"--{option} {word}: without effect: no file here leaves it open, or could be of it")
    rows = [item for item in rows if item.row]
    if not rows:
        said = [f"{item.shown}: {item.look.about} {item.use}".strip() for item in items]
        raise InputError([*said, "no file that a dataset could be made of: peaks, reads, sequences or probes of a TF"])
    split, split_why = held_out.choose(rows, lengths)
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
    reads = [item for item in rows if assays.form(item.row["assay"]) == "reads"]
    of_both = reads and any(assays.form(item.row["assay"]) == "peaks" for item in rows)
    config["negatives"] = {"standard": {"kind": "usual"}}
    if of_both:
        of_cycle = defaultdict(set)
        for item in reads:
            of_cycle[item.row["assay"], item.row["cycle"]].add(item.row["tf"])
        others = any(len(tfs - {OPEN}) > 1 for tfs in of_cycle.values())
        config["negatives"]["standard"]["also"] = {"reads": [*["other_tf"] * others, "dinucleotide"]}
    tfs = {item.row["tf"] for item in rows} - {OPEN}
    groups = [group for group in motifs.GROUPS if group in {names.group(tf) for tf in tfs}]
    regression: dict = {"kind": "regression"}
    if groups and groups != ["vertebrates"]:
        regression["tax_groups"] = groups
    config["models"] = {
        "deepbind": {"kind": "deepbind", "reading": "whole"},
        "deepbind_scan": {"trained_as": "deepbind", "reading": "scan"},
        "deepbind_occupancy": {"trained_as": "deepbind", "reading": "occupancy"},
        "regression": regression,
        "pwm": {"kind": "pwm"},
        "composition": {"kind": "composition"},
    }
    if of_both:
        config["training"] = {"weight_decay": {"reads": 0.3}}
    smallest = min((sum(each.values()) for each in lengths.values()), default=0)
    if 0 < smallest < 10**8:
        config["statistics"] = {"block": 10 ** max(3, int(math.log10(smallest)) - 2)}
    return config


_SAID = {
    "datasets": "Written by `tfbind init`: a proposal. docs/config.md has every key.",
    "genomes": "Reference genomes, by the names in the sheet's column genome.",
    "split": "Whole chromosomes are held out, so that overlapping peaks stay on one side. Reads are split by a hash.",
    "negatives": "The usual negatives of each assay; a second label adds a second set.",
    "models": "Each is trained on every dataset; see docs/config.md for more kinds.",
    "training": "More weight decay for reads: it helps them to reach peaks. 0.03, the default, for the others.",
    "statistics": "Neighbouring peaks are resampled together; the chromosomes are short for the default of 1 Mb.",
}
#: Key below those -> the reason that stands above it.
_REASONS = {
    "also": "Negatives that train beside these and never test: models of reads shall learn what is the TF's alone.",
    "deepbind": "A convolutional network, which reads a window as a whole, as published.",
    "deepbind_scan": "The same weights on windows as long as the training reads; the best one counts.",
    "deepbind_occupancy": "The same, with the odds of all such windows summed: weak sites count together.",
    "regression": "All motifs of JASPAR and composition: known motifs, newly weighted.",
    "pwm": "One matrix, counted around the most enriched k-mer: what a network has to beat.",
    "composition": "Short k-mers alone: the floor. Where it is high, the negatives are too easy.",
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
            settings.write(f"# {_SAID[key]}\n{_reasoned(text)}\n")


def _reasoned(text: str) -> str:
    lines = []
    for line in text.splitlines(keepends=True):
        key = line.partition(":")[0].lstrip()
        if line[0] == " " and key in _REASONS:
            lines.append(f"{line[: line.index(key)]}# {_REASONS[key]}\n")
        lines.append(line)
    return "".join(lines)


def refuse(folder: Path) -> None:
    """Raise an `InputError` where a folder has a config or a sheet, which nothing here overwrites, or is a file."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file; name the folder of the study first: tfbind init DIR FILES...")
    if there := [str(folder / name) for name in (CONFIG, SHEET) if os.path.lexists(folder / name)]:
        raise InputError(
            f"{' and '.join(there)}: already there, and nothing is overwritten; name a new folder, and copy "
            "what you want from its sheet"
        )
