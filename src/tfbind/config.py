"""A study: its config, its sheet of datasets and its sheet of cells, validated whole before anything is computed.

`load` finds every fault of all of them at once. The schemas (`workflow/schemas`) are closed and hold every default;
what they cannot say (files exist, ids are unique, a peak file has a genome) is checked here.
"""

import csv
import difflib
import io
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, ValidationError, validators

from tfbind.faults import InputError
from tfbind.layout import PATHS, checksum_column, is_url, local
from tfbind.shifts import SHIFTS, shift

#: File suffix (without .gz) -> format of the sheet.
SUFFIXES = {
    ".narrowpeak": "narrowpeak", ".bed": "bed", ".broadpeak": "peaks", ".gappedpeak": "peaks",
    ".xls": "peaks", ".fa": "fasta", ".fasta": "fasta", ".fna": "fasta",
    ".fastq": "fastq", ".fq": "fastq", ".seq": "deepbind", ".tsv": "labelled",
}  # fmt: skip
PLACED = ("narrowpeak", "bed", "peaks")
#: Columns of the sheet that the sequences of a dataset are made of; that a result names or compares. The others are for
#: readers: to edit one makes nothing anew.
SEQUENCES = (
    *("dataset", "assay", "format", *PATHS, "negative_names", "genome", "cycle"),
    *("left_flank", "right_flank", "trim"),
)
DESCRIBES = ("dataset", "tf", "assay", "genome", "cell", "lab", "replicate", "cycle", "ligand")
#: What a row of the sheet of cells holds -> file suffix (without .gz) -> format.
_PEAKS = {".narrowpeak": "narrowpeak", ".bed": "bed"} | dict.fromkeys([".broadpeak", ".gappedpeak", ".xls"], "peaks")
_TABLE = dict.fromkeys([".tsv", ".txt", ".results", ".tab"], "tpm")
CELL_SUFFIXES = {
    "accessibility": {".bw": "bigwig", ".bigwig": "bigwig", ".bam": "bam", ".cram": "bam"}
    | dict.fromkeys([".tsv", ".bed", ".bedpe"], "fragments"),
    "accessibility_peaks": _PEAKS, "expression": _TABLE, "conservative": _PEAKS, "relaxed": _PEAKS,
}  # fmt: skip
#: An ENCODE experiment or file; a run or a study of ENA, SRA or DDBJ.
ACCESSION = re.compile(r"ENC(SR|FF)[0-9]{3}[A-Z]{3}|[EDS]RR[0-9]{6,}|PRJ(EB|NA|DB)[0-9]+|[EDS]RP[0-9]{6,}")
#: Most bytes of a config, of a sheet: YAML takes seconds a megabyte.
_LARGEST, _LARGEST_SHEET = 2**20, 2**25


_BY_TF = ("conservative", "relaxed")


@dataclass(frozen=True)
class Study:
    """A validated study.

    Attributes
    ----------
    path : Path
        The config file; paths in it are relative to its folder.
    config : dict
        The config with every default filled in.
    datasets : dict
        Dataset id -> its row of the sheet, every column present as text ('' where empty), `format` always filled in;
        files as URLs or paths, below the working folder relative to it and else absolute.
    cell_files : tuple of dict
        Rows of the sheet of cells, likewise.
    simulated : Path or None
        The folder that a simulation writes the study's files to, likewise.
    notes : tuple of str
        Settings that are valid and do nothing in this study.
    """

    path: Path
    config: dict
    datasets: dict[str, dict[str, str]]
    cell_files: tuple[dict[str, str], ...] = ()
    simulated: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> dict[str, dict]:
        """Cell -> `genome` and, by kind, the rows of its files (`conservative` and `relaxed` by TF), paths local."""
        found: dict[str, dict] = {}
        for row in self.cell_files:
            kinds = {what: {} if what in _BY_TF else [] for what in CELL_SUFFIXES}
            cell = found.setdefault(row["cell"], {"genome": row["genome"], **kinds})
            rows = cell[row["what"]].setdefault(row["tf"], []) if row["what"] in _BY_TF else cell[row["what"]]
            read = {key: value for key, value in row.items() if key not in ("accession", "note")}
            rows.append(read | {"path": local(row["path"])})
        return found

    def cell_tfs(self) -> list[str]:
        """The TFs of the sheet of cells, in its order."""
        return list(dict.fromkeys(row["tf"] for row in self.cell_files if row["tf"]))

    def tfs(self) -> list[str]:
        """The TFs of the sheet, in its order."""
        return list(dict.fromkeys(row["tf"] for row in self.datasets.values()))

    def row(self, dataset: str, columns: Sequence[str] = ()) -> dict[str, str]:
        """The row, or some columns, with every file as a local path (a URL becomes the place it is fetched to)."""
        row = self.datasets[dataset]
        return {key: local(row[key]) if key in PATHS else row[key] for key in columns or row}

    def kinship(self, datasets: Iterable[str]) -> dict[str, dict[str, str]]:
        """`DESCRIBES` of rows, in which cell, laboratory and replicate tell only who has the same: to rename a
        laboratory in all rows changes nothing.
        """
        rows = {dataset: self.row(dataset, DESCRIBES) for dataset in datasets}
        for key in ("cell", "lab", "replicate"):
            names = dict.fromkeys(row[key] for row in rows.values())
            known = {name: f"{key} {number}" for number, name in enumerate(names)}
            for row in rows.values():
                row[key] = row[key] and known[row[key]]
        return rows

    def pair(self, source: str, target: str) -> dict[str, dict[str, str]]:
        """`kinship` of a source and a target, without the smaller differences that their shift covers."""
        rows = self.kinship((source, target))
        covered = SHIFTS[1 : SHIFTS.index(shift(rows[source], rows[target]))]
        return {dataset: row | dict.fromkeys(covered, "") for dataset, row in rows.items()}

    def labels(self, dataset: str) -> list[str]:
        """The negative sets that apply to a dataset."""
        row = self.datasets[dataset]
        labels = self.config["negatives"]
        return [
            label
            for label, options in labels.items()
            if (not options["tfs"] or row["tf"] in options["tfs"]) and self.kinds(label, row["assay"])
        ]

    def kinds(self, label: str, assay: str) -> list[str]:
        """The kinds of negatives that a label stands for in an assay, in order of preference."""
        kind = self.config["negatives"][label]["kind"]
        if isinstance(kind, Mapping):
            kind = kind.get(assay, [])
        return [kind] if isinstance(kind, str) else list(kind)

    def trained(self, model: str) -> str:
        """The label whose weights a model label reads: itself, or its `trained_as`."""
        return self.config["models"][model].get("trained_as", model)

    def models(self, tf: str) -> list[str]:
        """The model labels that apply to a TF; a `trained_as` label applies where its weights do."""
        models = self.config["models"]
        return [label for label in models if not (chosen := models[self.trained(label)]["tfs"]) or tf in chosen]

    def options(self, model: str, dataset: str) -> dict:
        """`kind` and constructor arguments of a label's model of a dataset; what is given by assay, for its assay."""
        assay = self.datasets[dataset]["assay"]
        given = self.config["models"][model]
        rules = schema("config")["$defs"][given["kind"]]["properties"]
        return {
            key: value.get(assay, rules[key]["default"]) if isinstance(value, Mapping) else value
            for key, value in given.items()
            if key not in ("reading", "tfs")
        }

    def embedded(self, model: str) -> int:
        """To how many bp a label's training sequences are filled up; 0 where they stay as they are."""
        return self.config["sequence"]["length"] if self.config["models"][model].get("reading") == "embed" else 0

    def targets(self, source: str) -> list[str]:
        """The datasets that a model trained on `source` is scored on: all of its TF, and its extra pairs."""
        tf = self.datasets[source]["tf"]
        extra = [target for start, target in self.config["transfer"]["extra_pairs"] if start == source]
        return [name for name, row in self.datasets.items() if row["tf"] == tf] + extra

    def test_labels(self, target: str, trained_with: str) -> list[str]:
        """The negative sets of `target` that a model trained with the label `trained_with` is scored against."""
        labels = self.labels(target)
        return (
            labels if self.config["transfer"]["test_negatives"] == "all" else [x for x in labels if x == trained_with]
        )

    def others(self, dataset: str, label: str) -> list[str]:
        """The datasets of other TFs whose bound sequences may be `other_tf` negatives of a dataset.

        ChIP-seq on the same genome; HT-SELEX of the same cycle, and of the same ligand where there is such a one.
        """
        row = self.datasets[dataset]
        wanted = self.config["negatives"][label]["others"]
        found = {
            other: them
            for other, them in self.datasets.items()
            if them["tf"] != row["tf"] and them["assay"] == row["assay"] and (not wanted or them["tf"] in wanted)
        }
        if row["assay"] == "chipseq":
            return [other for other, them in found.items() if them["genome"] == row["genome"]]
        cycle = {other: them["cycle"] for other, them in found.items() if them["cycle"] and row["cycle"]}
        same = [other for other, number in cycle.items() if int(number) == int(row["cycle"])]
        ligand = [other for other in same if row["ligand"] and found[other]["ligand"] == row["ligand"]]
        return ligand or same

    def drawn(self, dataset: str) -> dict[str, dict]:
        """Label -> options of each negative set of a dataset, and its `kinds` for the assay."""
        assay = self.datasets[dataset]["assay"]
        labels = self.config["negatives"]
        return {label: labels[label] | {"kinds": self.kinds(label, assay)} for label in self.labels(dataset)}

    def pools(self, dataset: str) -> dict[str, list[str]]:
        """Label -> the `others` of each negative set of a dataset that uses them."""
        used = [label for label, options in self.drawn(dataset).items() if "other_tf" in options["kinds"]]
        return {label: self.others(dataset, label) for label in used}

    def alike(self, dataset: str) -> list[str]:
        """The TF's other datasets of its assay and genome, whose sequences are no `other_tf` negatives of it."""
        row = self.datasets[dataset]
        same = [
            other
            for other, them in self.datasets.items()
            if other != dataset and all(them[key] == row[key] for key in ("tf", "assay", "genome"))
        ]
        return same if self.pools(dataset) else []

    def neighbours(self, dataset: str) -> list[dict[str, str]]:
        """The rows whose peaks the negatives of a dataset keep away from: all of the TF on its genome."""
        row = self.datasets[dataset]
        kinds = {kind for options in self.drawn(dataset).values() for kind in options["kinds"]}
        if not kinds & {"genomic", "flank", "other_tf"}:
            return []
        return [
            self.row(other, SEQUENCES)
            for other, them in self.datasets.items()
            if all(them[key] == row[key] for key in ("tf", "genome")) and them["format"] in PLACED
        ]

    def lacks(self, dataset: str, label: str, kind: str) -> str:
        """What a kind of negatives needs and the sheet does not give, '' where it may do."""
        row = self.datasets[dataset]
        if kind in ("genomic", "flank") and not row["genome"]:
            return "a genome (column genome)"
        if kind == "other_tf" and not self.others(dataset, label):
            if row["assay"] == "chipseq":
                return f"ChIP-seq of another TF {'on ' + row['genome'] if row['genome'] else 'without a genome'}"
            return f"HT-SELEX of another TF of cycle {row['cycle']}" if row["cycle"] else "the column cycle"
        return ""

    def retrained(self) -> list[tuple[str, str, str, str]]:
        """(source, target, negatives, model) of every learning curve that the config asks for."""
        return self._asked("retrain")

    def explained(self) -> list[tuple[str, str, str, str]]:
        """The same of every drop whose causes the config asks for."""
        return self._asked("causes")

    def unlabelled(self) -> list[tuple[str, str, str, str]]:
        """(source, target, negatives, model) of every pair whose target is met without its labels.

        Of the cycles of one library the last is a source, and the others serve it.
        """

        def is_last(dataset: str) -> bool:
            return all(int(self.datasets[dataset]["cycle"]) > cycle for cycle in self.cycles(dataset).values())

        return [pair for pair in self._asked("unlabelled") if is_last(pair[0])]

    def cycles(self, dataset: str, target: str = "") -> dict[str, int]:
        """The other cycles of a dataset's library: rows of its TF, assay, laboratory and ligand -> their cycle.

        `target` is left out: what helps to meet it has not seen its labels.
        """
        row = self.datasets[dataset]
        return {
            other: int(them["cycle"])
            for other, them in self.datasets.items()
            if other != target
            and all(them[key] == row[key] for key in ("tf", "assay", "lab", "ligand"))
            and row["cycle"]
            and them["cycle"]
            and int(them["cycle"]) != int(row["cycle"])
        }

    def _asked(self, key: str) -> list[tuple[str, str, str, str]]:
        wanted = self.config["transfer"].get(key)
        return [
            (source, target, label, model)
            for source in (self.datasets if wanted else ())
            for target in self.datasets
            if self.datasets[source]["tf"] == self.datasets[target]["tf"]
            and shift(self.datasets[source], self.datasets[target]) in wanted["shifts"]
            and self.datasets[target]["assay"] in wanted["targets"]
            for label in self.labels(source)
            if label in self.labels(target)
            for model in wanted["models"]
            if model in self.models(self.datasets[source]["tf"])
        ]

    def stand_in(self, source: str, target: str) -> str:
        """The dataset by which `causes` tells another SELEX cycle, or the cell, from the rest of a shift; '' for none.

        For SELEX, of the source's library: the target's cycle, or for ChIP-seq the earliest before the source's. For
        ChIP-seq of two cells: another of the TF in the target's cell, the source's laboratory first.
        """
        one, two = self.datasets[source], self.datasets[target]
        if one["assay"] == "htselex":
            cycles = self.cycles(source, target)
            if two["assay"] == "htselex":
                return next((name for name, cycle in cycles.items() if two["cycle"] and cycle == int(two["cycle"])), "")
            earlier = {name: cycle for name, cycle in cycles.items() if cycle < int(one["cycle"])}
            return min(earlier, key=earlier.get, default="")
        if one["assay"] == two["assay"] == "chipseq" and one["cell"] != two["cell"]:
            there = [
                name
                for name, row in self.datasets.items()
                if name != target and all(row[key] == two[key] for key in ("tf", "assay", "cell"))
            ]
            return min(there, key=lambda name: self.datasets[name]["lab"] != one["lab"], default="")
        return ""

    def downloads(self) -> dict[str, tuple[str, str]]:
        """Local path -> (URL, SHA-256 or '') of everything that has to be fetched."""
        sources = [(row[c], row[checksum_column(c)]) for row in self.datasets.values() for c in PATHS]
        sources += [(row["path"], row["sha256"]) for row in self.cell_files]
        for genome in self.config["genomes"].values():
            sources += [
                (genome["fasta"], genome["sha256"]),
                (genome["blacklist"], genome["blacklist_sha256"]),
                (genome["genes"], genome["genes_sha256"]),
            ]
        return {local(source): (source, sha256) for source, sha256 in sources if is_url(source)}

    def checksums(self, dataset: str) -> dict[str, str]:
        """Local path -> SHA-256 of the files that a row reads, its blacklist too, where one is given."""
        row = self.datasets[dataset]
        given = {local(row[c]): row[checksum_column(c)] for c in PATHS}
        if row["genome"]:
            genome = self.config["genomes"][row["genome"]]
            given[local(genome["blacklist"])] = genome["blacklist_sha256"]
        return {path: sha256 for path, sha256 in given.items() if path and sha256}

    def cell_checksums(self, cells: Iterable[str], tf: str) -> dict[str, str]:
        """As `checksums`, of the files that the cell-type task reads of these cells for one factor."""
        rows = [row for row in self.cell_files if row["cell"] in cells and row["tf"] in ("", tf)]
        given = {local(row["path"]): row["sha256"] for row in rows}
        for genome in (self.config["genomes"][row["genome"]] for row in rows):
            given |= {local(genome[key]): genome[f"{key}_sha256"] for key in ("blacklist", "genes")}
        return {path: sha256 for path, sha256 in given.items() if path and sha256}


def file_name(tf: str) -> str:
    """The name of a factor in the names of files: `MAX::MYC` and `MYC::MAX` -> `MAX-MYC`."""
    return "-".join(sorted(tf.split("::"), key=str.lower))


@cache
def schema(name: str) -> dict:
    """The schema `config`, `datasets` or `cells`."""
    here = Path(__file__).parent
    folders = (here / "schemas", here.parents[1] / "workflow" / "schemas")  # installed; in the repository
    folder = next(f for f in folders if f.is_dir())
    return yaml.safe_load((folder / f"{name}.schema.yaml").read_text())


def load(source: str | Path | Mapping, overrides: Mapping | None = None) -> Study:
    """Read and validate a config and its sheets.

    Parameters
    ----------
    source : path or mapping
        The config, YAML; or what it holds, with paths relative to the working directory.
    overrides : mapping, optional
        Top-level keys that replace the file's.

    Raises
    ------
    InputError
        With every fault found in all files.
    """
    held = isinstance(source, Mapping)
    path = Path("config" if held else source).absolute()
    config = {**(source if held else _read_yaml(path)), **(overrides or {})}
    faults = [f"{path.name}: {message}" for message in _check(config, schema("config"))]
    if faults:
        raise InputError(faults)
    written, config = config, _fill(config, schema("config"))
    here = Path.cwd()

    def place(source: str, folder: Path) -> str:
        # from the working folder where it lies below it: a study that is moved stays the same. A module of another
        # workflow, whose study no file holds, may put a prefix before what is relative.
        if not source or is_url(source):
            return source
        placed = folder.resolve() / source
        return str(placed.relative_to(here) if placed.is_relative_to(here) and not held else placed)

    simulated = Path(place(config["simulation"]["folder"], path.parent)) if "simulation" in config else None

    def unusable(source: str) -> str:
        if is_url(source):
            try:
                host, hosts = urlsplit(source).hostname, config["hosts"]
            except ValueError as error:
                return f"{source!r} is no URL ({error}); correct it"
            refused = hosts and host not in hosts
            return f"{source}: the host {host} is not in `hosts` ({', '.join(hosts)})" if refused else ""
        made = simulated is not None and simulated in Path(source).parents
        if not source or made or os.path.isfile(source):
            return ""
        if ACCESSION.fullmatch(name := Path(source).name):
            return f"{name} is an accession; make it a URL with `tfbind fetch {Path(config['datasets']).name}`"
        return f"no file {source}"

    for name, genome in config["genomes"].items():
        for key in ("fasta", "blacklist", "genes"):
            genome[key] = place(genome[key], path.parent)
            if fault := unusable(genome[key]):
                faults.append(f"{path.name}: genomes.{name}.{key}: {fault}")

    for label, options in config["models"].items():
        if options.get("kind") == "scores":
            options["path"] = place(options["path"], path.parent)
            if not os.path.isdir(options["path"]):
                faults.append(f"{path.name}: models.{label}.path: no folder {options['path']}")

    sheet = Path(place(config["datasets"], path.parent))
    rows, row_faults = read_sheet(sheet)
    faults += row_faults
    datasets = {}
    for line, row in rows:
        where = f"{sheet.name}:{line}"
        for column in PATHS:
            row[column] = place(row[column], sheet.parent)
            if fault := unusable(row[column]):
                faults.append(f"{where}: {column}: {fault}")
        faults += [f"{where}: {message}" for message in _check_row(row, config["genomes"])]
        datasets.setdefault(row["dataset"], row)
    cell_files = []
    if config["cells"]:
        sheet = Path(place(config["cells"], path.parent))
        rows, cell_faults = read_cells(sheet)
        faults += cell_faults
        for line, row in rows:
            row["path"] = place(row["path"], sheet.parent)
            if fault := unusable(row["path"]):
                faults.append(f"{sheet.name}:{line}: path: {fault}")
            faults += [f"{sheet.name}:{line}: {message}" for message in _check_file(row, config["genomes"])]
            cell_files.append(row)
        faults += [] if cell_faults else [f"{sheet.name}: {message}" for message in _check_cells(cell_files)]
        if not any(fault.startswith(sheet.name) for fault in faults):
            faults += _check_celltype(path.name, config, cell_files)
    faults += _check_keys(path.name, config)
    if not row_faults:
        faults += _check_study(path.name, config, datasets)
    if faults:
        raise InputError(faults)
    study = Study(path, config, datasets, tuple(cell_files), simulated)
    return replace(study, notes=tuple(_idle(path.name, written, study)))


def _suffix(source: str) -> tuple[str, str]:
    """The name of a file as it is written, and its last suffix but .gz in lower case."""
    name = Path(re.split("[?#]", source)[0] if is_url(source) else source).name
    return name, Path(name.lower().removesuffix(".gz")).suffix


def _check_row(row: dict[str, str], genomes: Mapping) -> Iterator[str]:
    """Faults of one row that the schema cannot express; fills `format`."""
    if not row["format"]:
        name, suffix = _suffix(row["path"])
        row["format"] = SUFFIXES.get(suffix, "")
        if row["format"] in ("", "bed") and row["assay"] == "chipseq" and row["genome"]:
            row["format"] = "peaks"  # what a genome is named for has coordinates: its columns tell, and not its name
        if not row["format"] and not ACCESSION.fullmatch(name.upper()):
            known = ", ".join(filter(None, schema("datasets")["properties"]["format"]["enum"]))
            yield f"format: cannot be told from the name {name!r}; write one of {known}"
    if row["format"] in PLACED and not row["genome"]:
        yield f"genome: a {row['format']} file needs one; write a key of `genomes` in the config"
    if row["genome"] and row["genome"] not in genomes:
        yield f"genome: {row['genome']!r} is not in the config's `genomes` ({', '.join(genomes) or 'none there'})"
    if row["assay"] == "htselex" and row["format"] in PLACED:
        yield f"format: {row['format']} holds coordinates, but SELEX reads have none"
    if row["assay"] == "chipseq" and row["format"] in ("fastq", "counts"):
        yield f"format: {row['format']} is for SELEX reads; ChIP-seq comes as peaks or as sequences of peaks"
    if row["format"] == "counts" and row["input_path"]:
        yield "input_path: a count table brings its own cycle 0; leave this empty"
    if row["trim"] and row["assay"] != "htselex":
        yield "trim: only inserts of SELEX are cut; leave this empty"
    named = [(column, row[column] if is_url(row[column]) else os.path.realpath(row[column])) for column in PATHS]
    named = [(column, file) for column, file in named if row[column]]
    for i, (column, file) in enumerate(named):
        if any(file == other for _, other in named[:i]):
            yield f"{column}: {row[column]} is named twice in this row; a file cannot be both"
    try:
        re.compile(row["negative_names"])
    except (re.error, OverflowError, RecursionError) as error:
        yield f"negative_names: {row['negative_names']!r} is not a regular expression ({error})"


def _check_file(row: dict[str, str], genomes: Mapping) -> Iterator[str]:
    """Faults of one row of the sheet of cells that its schema cannot express; fills `format`."""
    suffixes = CELL_SUFFIXES.get(row["what"], {})
    known = list(dict.fromkeys(suffixes.values()))
    if not row["format"]:
        name, suffix = _suffix(row["path"])
        row["format"] = suffixes.get(suffix, "")
        if suffixes and not row["format"] and not ACCESSION.fullmatch(name.upper()):
            yield f"format: cannot be told from the name {name!r}; write {' or '.join(known)}"
    elif suffixes and row["format"] not in known:
        yield f"format: {row['what']} is {' or '.join(known)}, not {row['format']}"
    if (row["what"] in _BY_TF) != bool(row["tf"]):
        yield f"tf: {'name the factor of these peaks' if not row['tf'] else 'leave it empty for ' + row['what']}"
    if row["genome"] not in genomes:
        yield f"genome: {row['genome']!r} is not in the config's `genomes` ({', '.join(genomes) or 'none there'})"
    elif row["what"] == "expression" and not genomes[row["genome"]]["genes"]:
        yield f"what: expression needs genomes.{row['genome']}.genes in the config, where genes start"


def _check_cells(rows: list[dict[str, str]]) -> Iterator[str]:
    """Faults between the rows of the sheet of cells."""
    for cell in dict.fromkeys(row["cell"] for row in rows):
        own = [row for row in rows if row["cell"] == cell]
        if len(genomes := {row["genome"] for row in own}) > 1:
            yield f"cell {cell} has the genomes {', '.join(sorted(genomes))}; a cell has one"
        if not any(row["what"] == "accessibility" for row in own):
            yield f"cell {cell} has no row of accessibility; the task needs one for each cell"
        bound = {row["tf"] for row in own if row["what"] == "conservative"}
        for tf in dict.fromkeys(row["tf"] for row in own if row["what"] == "relaxed"):
            if tf not in bound:
                yield f"cell {cell} has relaxed peaks of {tf} and no conservative ones; both are needed for labels"


def _check_keys(name: str, config: dict) -> Iterator[str]:
    """Faults between the keys of a config."""
    models = config["models"]
    for label, options in models.items():
        base = options.get("trained_as")
        if base is not None and "kind" not in models.get(base, {}):
            yield f"{name}: models.{label}.trained_as: {base!r} is not a trained model label"
    for key in ("retrain", "causes"):
        for label in config["transfer"].get(key, {}).get("models", []):
            kind = models.get(label, {}).get("kind")
            if kind is None or schema("config")["$defs"][kind]["made_by"] != "training":
                yield f"{name}: transfer.{key}.models: {label!r} is not the label of a network in `models`"
            elif key == "causes" and models[label]["reading"] == "embed":
                yield (
                    f"{name}: transfer.causes.models: {label!r} is trained in surroundings, itself a cause here; "
                    "name a label whose reading is whole or scan"
                )
    for label in config["transfer"].get("unlabelled", {}).get("models", []):
        given = models.get(label, {})
        kind = models.get(given.get("trained_as", label), {}).get("kind")
        if kind is None or schema("config")["$defs"][kind]["made_by"] != "training":
            yield f"{name}: transfer.unlabelled.models: {label!r} is not the label of a network in `models`"
        elif given["reading"] == "embed":
            yield f"{name}: transfer.unlabelled.models: {label!r} embeds its reads; name one that scans or reads whole"
    for key in ("negatives", "models", "genomes"):
        first: dict[str, str] = {}
        for label in config[key]:
            if (other := first.setdefault(label.lower(), label)) != label:
                yield f"{name}: {key}: {other!r} and {label!r} differ by case alone, which some disks do not tell apart"
    for label, options in config["negatives"].items():
        if options["distance"][0] > options["distance"][1]:
            yield f"{name}: negatives.{label}.distance: {options['distance']} is not the least and then the largest"
    for chromosome in set(config["split"]["validation"]) & set(config["split"]["test"]):
        yield f"{name}: split: {chromosome} is in `validation` and in `test`; it can be in one of them"


def _check_study(name: str, config: dict, datasets: dict) -> Iterator[str]:
    """Faults between the keys of a config and the rows of its sheet."""
    for pair in config["transfer"]["extra_pairs"]:
        for dataset in pair:
            if dataset not in datasets:
                yield f"{name}: transfer.extra_pairs: no dataset {dataset!r} in the sheet"
    tfs = {row["tf"] for row in datasets.values()}
    for key in ("negatives", "models"):
        for label, options in config[key].items():
            for word in ("tfs", "others"):
                for tf in sorted(set(options.get(word, ())) - tfs):
                    yield f"{name}: {key}.{label}.{word}: no TF {tf!r} in the sheet"
    study = Study(Path(name), config, datasets)
    for dataset, row in datasets.items():
        if not study.labels(dataset):
            yield f"{name}: negatives: no label applies to the dataset {dataset} ({row['tf']}, {row['assay']})"
        for label in study.labels(dataset):
            lacking = {kind: study.lacks(dataset, label, kind) for kind in study.kinds(label, row["assay"])}
            if all(lacking.values()):
                tried = "; ".join(f"{kind} needs {what}" for kind, what in lacking.items())
                yield f"{name}: negatives.{label}: cannot be made for the dataset {dataset}: {tried}"


def _check_celltype(name: str, config: dict, rows: list[dict[str, str]]) -> Iterator[str]:
    """Faults between the key `celltype` and the sheet of cells."""
    options = config["celltype"]
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    tfs = list(dict.fromkeys(row["tf"] for row in rows if row["tf"]))
    named = [("tfs", tf, tfs) for tf in options["tfs"]] + [("motifs", tf, tfs) for tf in options["motifs"]]
    named += [("test_cells", cell, cells) for cell in options["test_cells"]]
    named += [("reference", options["reference"], cells)] if options["reference"] else []
    for key, word, words in named:
        if word not in words:
            yield f"{name}: celltype.{key}: {word!r} is not in the sheet of cells{_meant(word, words)}"
    assayed = {(row["tf"], row["cell"]) for row in rows if row["what"] == "conservative"}
    wanted = {(tf, cell) for tf, cell in assayed if tf in (options["tfs"] or tfs)}
    if not any(cell in options["test_cells"] or not options["test_cells"] for _, cell in wanted):
        yield f"{name}: celltype: no test cell has conservative peaks of a factor; name such cells, or leave them out"
    if not config["split"]["test"]:
        yield f"{name}: split.test: the cell-type task tests on whole chromosomes; name some"


#: Columns of the sheet that an assay, or a format, does not read.
_IDLE_COLUMNS = {
    "chipseq": ("input_path", "left_flank", "right_flank"),
    "htselex": ("genome", "relaxed_path"),
}
#: Options of negatives -> the kinds that read them.
_OPTIONS_OF = {"margin": ("genomic",), "distance": ("flank",), "gc": ("genomic", "other_tf"), "others": ("other_tf",)}


def _idle(name: str, written: Mapping, study: Study) -> Iterator[str]:
    """What is written in the config or the sheet, valid, and without effect in this study."""
    config, rows = study.config, study.datasets
    for dataset, row in rows.items():
        columns = [column for column in _IDLE_COLUMNS.get(row["assay"], ()) if row[column]]
        if row["negative_names"] and row["format"] != "fasta":
            columns.append("negative_names")
        if columns:
            yield f"{dataset}: {', '.join(columns)}: not read for {row['assay']} of format {row['format']}"
    placed = [row for row in rows.values() if row["format"] in PLACED or row["format"] == "fasta"]
    placed = [row for row in placed if row["assay"] != "htselex"]
    for key in ("validation", "test"):
        chroms = ", ".join(written.get("split", {}).get(key, []))
        if chroms and not placed and not study.cell_files:
            yield f"{name}: split.{key}: no dataset has coordinates, so {chroms} cannot be held out; a hash splits"
    used = {row["genome"] for row in (*rows.values(), *study.cell_files)}
    for genome in config["genomes"]:
        if genome not in used:
            yield f"{name}: genomes.{genome}: no row names it"
    for label, options in written["negatives"].items():
        datasets = [dataset for dataset in rows if label in study.labels(dataset)]
        if not datasets:
            yield f"{name}: negatives.{label}: applies to no dataset"
            continue
        kinds = {kind for dataset in datasets for kind in study.kinds(label, rows[dataset]["assay"])}
        for option, readers in _OPTIONS_OF.items():
            if option in options and not kinds & set(readers):
                of, here = " and ".join(readers), ", ".join(sorted(kinds))
                yield f"{name}: negatives.{label}.{option}: of {of}; the datasets here have {here}"
    for key, pairs in (
        ("retrain", study.retrained),
        ("causes", study.explained),
        ("unlabelled", study.unlabelled),
    ):
        if config["transfer"].get(key) and not pairs():
            yield f"{name}: transfer.{key}: no pair of datasets of one TF is of its shifts, targets and models"
    if "celltype" in written and not config["cells"]:
        yield f"{name}: celltype: the config names no sheet of `cells`"


def read_sheet(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows of a sheet of datasets as they are written, with their line numbers, and the faults that it can show."""
    rows, faults = _read_rows(path, "datasets")
    first, spelled = {}, {}
    for number, row in rows:
        other = first.setdefault(row["dataset"].lower(), number)
        if other != number:
            faults.append(
                f"{path.name}:{number}: dataset {row['dataset']!r} is also on line {other} (case does not count)"
            )
        faults += _spelled(path, number, "tf", row, spelled)
    return rows, faults


def read_cells(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows of a sheet of cells, as `read_sheet`."""
    rows, faults = _read_rows(path, "cells")
    cells, tfs, seen = {}, {}, {}
    for number, row in rows:
        faults += _spelled(path, number, "cell", row, cells) + _spelled(path, number, "tf", row, tfs)
        other = seen.setdefault(row["path"], number)
        if other != number:
            faults.append(f"{path.name}:{number}: path: {row['path']} is also on line {other}; name each file once")
    return rows, faults


def _spelled(path: Path, number: int, column: str, row: dict, known: dict) -> list[str]:
    """The fault of a name that an earlier row spells in another case."""
    # the parts of a heterodimer in any order are one factor, and its files must be its own
    name = file_name(row[column]) if column == "tf" else row[column]
    same, line = known.setdefault(name.lower(), (row[column], number))
    if same == row[column]:
        return []
    return [
        f"{path.name}:{number}: {column} {row[column]!r} is {same!r} on line {line}; write one "
        f"{'factor' if column == 'tf' else column} in one way, and tell two apart by more than case, e.g. "
        f"{row[column]}_mouse"
    ]


def _read_rows(path: Path, name: str) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows of a sheet of the schema `name` with their line numbers, and what its schema refuses."""
    columns = list(schema(name)["properties"])
    required = schema(name)["required"]
    try:
        text = _text(path, _LARGEST_SHEET, f"the config's `{name}` names it")
    except InputError as error:
        return [], error.faults
    reader = csv.reader(io.StringIO(text, newline=None), delimiter="\t", strict=True)
    lines = []
    try:
        for cells in reader:
            if any("\n" in cell for cell in cells):
                raise csv.Error("a cell runs on into the next line")
            cells = [cell.strip() for cell in cells]
            if any(cells) and not cells[0].startswith("#"):
                lines.append((reader.line_num, cells))
    except csv.Error as error:
        return [], [f"{path.name}:{reader.line_num}: {error}; reading stopped here, is a quotation mark missing?"]
    if not lines:
        return [], [f"{path.name}: the sheet is empty; its header starts with {' '.join(required)}"]
    number, header = lines[0]
    faults = [
        f"{path.name}:{number}: column {c!r} is missing; required are {', '.join(required)}"
        for c in required
        if c not in header
    ]
    faults += [f"{path.name}:{number}: unknown column {c!r}{_meant(c, columns)}" for c in header if c not in columns]
    faults += [f"{path.name}:{number}: column {c!r} occurs twice" for c in {c for c in header if header.count(c) > 1}]
    if faults and len(header) == 1 and ("," in header[0] or " " in header[0]):
        faults.append(f"{path.name}:{number}: the header has no tab; separate the columns by tabs")
    if faults:
        return [], faults
    rows = []
    for number, cells in lines[1:]:
        if len(cells) > len(header):
            faults.append(f"{path.name}:{number}: {len(cells)} cells under {len(header)} columns")
            continue
        row = dict.fromkeys(columns, "") | dict(zip(header, cells, strict=False))
        faults += [f"{path.name}:{number}: {message}" for message in _check(row, schema(name))]
        rows.append((number, row))
    if len(lines) == 1:
        faults.append(f"{path.name}: the sheet has a header and no {'dataset' if name == 'datasets' else 'file'}")
    return rows, faults


def _text(path: Path, largest: int, remedy: str) -> str:
    try:
        with open(path, "rb") as file:
            raw = file.read(largest + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(f"{path}: cannot be read ({getattr(error, 'strerror', error)}); {remedy}") from None
    if len(raw) > largest:
        raise InputError(f"{path.name}: longer than {largest} bytes; name another file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{path.name}:{line}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path.name}: holds a NUL, so it is not UTF-8 text; save it as UTF-8")
    return text


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key is text as written (`1`, `no`), and written once; numbers are finite, `1e-3` is one."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
                if key.value in seen:
                    self._refuse(f"the key {key.value!r} is written twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node, deep=False):
        try:
            value = super().construct_object(node, deep)
        except ValueError as error:  # a date that is none, thousands of digits
            self._refuse(f"{node.value[:40]!r} cannot be read: {error}", node.start_mark)
        if isinstance(value, float) and not math.isfinite(value):
            self._refuse(f"{node.value[:40]} is no finite number", node.start_mark)
        return value

    def compose_node(self, parent, index):
        if self.check_event(yaml.events.AliasEvent):
            self._refuse("aliases (*name) are not accepted; write the value out", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    @staticmethod
    def _refuse(what: str, mark: yaml.Mark):
        raise yaml.constructor.ConstructorError(None, None, what, mark)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), "-+0123456789")


def _read_yaml(path: Path) -> dict:
    try:
        content = yaml.load(_text(path, _LARGEST, "name a config"), _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise InputError(f"{path.name}{where}: {getattr(error, 'problem', None) or error}") from None
    except RecursionError:
        raise InputError(f"{path.name}: nested too deeply for a config; is a bracket left open?") from None
    if not isinstance(content, dict):
        raise InputError(f"{path.name}: expected keys and values, found {type(content).__name__}")
    return content


def _pattern(validator, pattern: str, instance, rules: dict) -> Iterator[ValidationError]:
    # In a schema `$` is the very end; Python's also matches before a last line end, which must not enter a file name.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield ValidationError(f"{instance!r} is not of the form {pattern}")


def _integer(checker, instance) -> bool:
    # 12.0 is none, as it is none to `range`.
    return isinstance(instance, int) and not isinstance(instance, bool)


_Validator = validators.extend(
    Draft202012Validator,
    {"pattern": _pattern},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _integer),
)


def _meant(word: str, words: list[str]) -> str:
    close = difflib.get_close_matches(str(word), words, 1)
    return f", did you mean {close[0]!r}?" if close else f"; known are {', '.join(words)}"


def _check(instance: Mapping, rules: dict) -> Iterator[str]:
    """Every violation of a schema, in words."""
    errors = _Validator(rules).iter_errors(instance)
    for error in sorted(errors, key=lambda e: list(map(str, e.absolute_path))):
        place = ".".join(map(str, error.absolute_path))
        prefix = f"{place}: " if place else ""
        value = repr(error.instance)
        value = value if len(value) <= 100 else f"{value[:100]}..."
        if error.validator == "additionalProperties" and error.validator_value is False:
            known = list(error.schema["properties"])
            for key in error.instance:
                if key not in known:
                    yield f"{prefix}unknown key {key!r}{_meant(key, known)}"
        elif error.validator == "oneOf":
            yield f"{prefix}needs either `kind` or `trained_as`"
        elif error.validator == "anyOf":
            yield f"{prefix}{value} does not fit. {error.schema['description']}"
        elif error.validator == "pattern":
            yield f"{prefix}{value} is not of the form {error.validator_value}. {error.schema.get('description', '')}"
        elif error.validator == "type":
            quote = isinstance(error.instance, (bool, int, float)) and error.validator_value == "string"
            yield f"{prefix}{value} is not of type {error.validator_value}{'; put it in quotes' if quote else ''}"
        else:
            yield f"{prefix}{error.message if len(repr(error.instance)) <= 1000 else value + ' does not fit'}"


def _fill(instance, rules: dict, root: dict | None = None):
    """A copy of a valid instance with the defaults of its schema."""
    root = root or rules
    if "$ref" in rules:
        target = root
        for part in rules["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        rules = {**target, **{k: v for k, v in rules.items() if k != "$ref"}}
    if not isinstance(instance, dict):
        return instance
    filled = dict(instance)
    for part in rules.get("allOf", []):
        if _Validator({**part["if"], "$defs": root.get("$defs", {})}).is_valid(instance):
            filled = _fill(filled, part["then"], root)
    for key, rule in rules.get("properties", {}).items():
        rule = {**root["$defs"][rule["$ref"].rsplit("/", 1)[1]], **rule} if "$ref" in rule else rule
        if key not in filled and "default" in rule:
            filled[key] = rule["default"]
        if key in filled:
            filled[key] = _fill(filled[key], rule, root)
    extra = rules.get("additionalProperties")
    if isinstance(extra, dict):
        known = rules.get("properties", {})
        filled = {k: v if k in known else _fill(v, extra, root) for k, v in filled.items()}
    return filled


def describe() -> str:
    """Every key of the config and every column of the sheets, with type, default and meaning, as Markdown."""
    lines = [
        "# Config and sheet",
        "",
        "Made by `make docs` from `workflow/schemas`; do not edit.",
        "",
        "## config.yaml",
        "",
    ]
    lines += _describe(schema("config"), schema("config"), "")
    for name, rules in schema("config")["$defs"].items():
        if "kind" in rules.get("properties", {}) or name == "trained_as":
            lines += ["", f"### models: `{name}`", "", rules.get("description", ""), ""]
            lines += _describe(rules, schema("config"), "")
    for name in ("datasets", "cells"):
        lines += ["", f"## {name}.tsv", ""] + ([schema(name)["description"], ""] if name == "cells" else [])
        lines += ["| column | required | values | meaning |", "| --- | --- | --- | --- |"]
        rules = schema(name)
        for column, rule in rules["properties"].items():
            full = {**rules["$defs"].get(rule.get("$ref", "").rsplit("/", 1)[-1], {}), **rule}
            values = ", ".join(f"`{v}`" for v in full.get("enum", []) if v) or (
                f"`{full['pattern']}`" if "pattern" in full else "text"
            )
            need = "yes" if column in rules["required"] else ""
            lines.append(f"| `{column}` | {need} | {values.replace('|', '/')} | {full['description']} |")
    return "\n".join(lines) + "\n"


def _describe(rules: dict, root: dict, prefix: str) -> list[str]:
    lines = []
    for key, rule in rules.get("properties", {}).items():
        if key == "kind" and "const" in rule:
            continue
        rule = {**root["$defs"][rule["$ref"].rsplit("/", 1)[1]], **rule} if "$ref" in rule else rule
        values = rule.get("type", "one of " + ", ".join(map(str, rule["enum"])) if "enum" in rule else "see below")
        if isinstance(rule.get("default"), (int, float, str, list)):
            values += f", default `{rule['default']!r}`"
        lines.append(f"- `{prefix}{key}` ({values}): {rule.get('description', '')}")
        lines += _describe(rule, root, f"{prefix}{key}.")
        extra = rule.get("additionalProperties")
        if isinstance(extra, dict) and key != "models":
            lines += _describe(extra, root, f"{prefix}{key}.<name>.")
    return lines
