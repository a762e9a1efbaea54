"""A validated study, and what follows from it for the workflow."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfbind.io.paths import PATHS, checksum_column, is_url, local
from tfbind.study import schema
from tfbind.study.negative_kinds import KINDS
from tfbind.study.shifts import SHIFTS, shift
from tfbind.study.sources import BY_TF, CELL_SUFFIXES, PLACED

#: Columns of the sheet that the sequences of a dataset are made of; that a result names or compares. The others are for
#: readers: to edit one makes nothing anew.
SEQUENCES = (
    *("dataset", "assay", "format", *PATHS, "negative_names", "genome", "cycle"),
    *("left_flank", "right_flank", "trim"),
)
DESCRIBES = ("dataset", "tf", "assay", "genome", "cell", "lab", "replicate", "cycle", "ligand")


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
            kinds = {what: {} if what in BY_TF else [] for what in CELL_SUFFIXES}
            cell = found.setdefault(row["cell"], {"genome": row["genome"], **kinds})
            rows = cell[row["what"]].setdefault(row["tf"], []) if row["what"] in BY_TF else cell[row["what"]]
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
        rules = schema.schema("config")["$defs"][given["kind"]]["properties"]
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
        used = [
            label
            for label, options in self.drawn(dataset).items()
            if any(KINDS[kind].needs == "others" for kind in options["kinds"])
        ]
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
        if not any(KINDS[kind].away for kind in kinds):
            return []
        return [
            self.row(other, SEQUENCES)
            for other, them in self.datasets.items()
            if all(them[key] == row[key] for key in ("tf", "genome")) and them["format"] in PLACED
        ]

    def lacks(self, dataset: str, label: str, kind: str) -> str:
        """What a kind of negatives needs and the sheet does not give, '' where it may do."""
        row = self.datasets[dataset]
        if KINDS[kind].needs == "genome" and not row["genome"]:
            return "a genome (column genome)"
        if KINDS[kind].needs == "others" and not self.others(dataset, label):
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
