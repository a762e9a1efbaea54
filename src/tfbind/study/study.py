"""A validated study, and the datasets, labels and pairs that the workflow derives from it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfbind.assays import ASSAYS, PLACED, chosen, form, has_cycles, is_in_vivo, printed
from tfbind.io.paths import PATHS, checksum_column, is_url, local, simulated
from tfbind.study import schema
from tfbind.study.negative_kinds import KINDS
from tfbind.study.shifts import SHIFTS, is_tested_on, shift
from tfbind.study.sources import BY_TF, CELL_SUFFIXES, OF_TEST

#: Columns of the sheet from which the sequences of a dataset are made, and those that a result names or compares. All
#: others are for readers: an edit of them repeats no computation.
SEQUENCES = (
    *("dataset", "assay", "format", *PATHS, "negative_names", "genome", "cycle"),
    *("left_flank", "right_flank", "trim", "design"),
)
DESCRIBES = ("dataset", "tf", "assay", "genome", "cell", "lab", "replicate", "cycle", "ligand", "design")


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
        Dataset id -> its row of the sheet: every column as text ('' where empty), `format` always filled in. Files are
        URLs or paths: relative to the working folder if below it, else absolute.
    cell_files : tuple of dict
        Rows of the sheet of cells, in the same form.
    simulated : Path or None
        Folder that a simulation writes the study's files to, in the same form; None without a simulation.
    notes : tuple of str
        Settings that are valid and have no effect in this study.
    """

    path: Path
    config: dict
    datasets: dict[str, dict[str, str]]
    cell_files: tuple[dict[str, str], ...] = ()
    simulated: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> dict[str, dict]:
        """Cell -> its `genome` and, by kind, the rows of its files with local paths.

        Kinds are the keys of `CELL_SUFFIXES`; `conservative` and `relaxed` are split further by TF.
        """
        found: dict[str, dict] = {}
        for row in self.cell_files:
            kinds = {what: {} if what in BY_TF else [] for what in CELL_SUFFIXES}
            cell = found.setdefault(row["cell"], {"genome": row["genome"], **kinds})
            rows = cell[row["what"]].setdefault(row["tf"], []) if row["what"] in BY_TF else cell[row["what"]]
            read = {key: value for key, value in row.items() if key not in ("accession", "note")}
            rows.append(read | {"path": local(row["path"])})
        return found

    def cell_tfs(self) -> list[str]:
        """TFs of the sheet of cells, in its order."""
        return list(dict.fromkeys(row["tf"] for row in self.cell_files if row["tf"]))

    def tfs(self) -> list[str]:
        """TFs of the sheet of datasets, in its order."""
        return list(dict.fromkeys(row["tf"] for row in self.datasets.values()))

    def row(self, dataset: str, columns: Sequence[str] = ()) -> dict[str, str]:
        """The row of a dataset with local paths: a URL becomes the path that it is downloaded to.

        Parameters
        ----------
        dataset : str
        columns : sequence of str
            Columns to take; empty takes all. With those of a table of bins comes `tf`, which says which of its
            columns are read; with those of an array what `sheet.other_design` says of the array that tests it.

        Returns
        -------
        dict of str to str
            Column -> text.
        """
        row = self.datasets[dataset]
        named = ("tf",) if columns and row["format"] == "bins" else ()
        named += tuple(key for key in OF_TEST if key in row) if columns else ()
        return {key: local(row[key]) if key in PATHS else row[key] for key in (*columns, *named) or row}

    def kinship(self, datasets: Iterable[str]) -> dict[str, dict[str, str]]:
        """The columns `DESCRIBES` of datasets, with numbers instead of names of cells, laboratories and replicates.

        So results depend only on which datasets share them, and do not change if a laboratory is renamed in all rows.
        Empty cells stay empty.
        """
        rows = {dataset: self.row(dataset, DESCRIBES) for dataset in datasets}
        for key in ("cell", "lab", "replicate"):
            names = dict.fromkeys(row[key] for row in rows.values())
            known = {name: f"{key} {number}" for number, name in enumerate(names)}
            for row in rows.values():
                row[key] = row[key] and known[row[key]]
        return rows

    def pair(self, source: str, target: str) -> dict[str, dict[str, str]]:
        """The columns `DESCRIBES` of a source and a target, without the differences that are smaller than their shift.

        Names of cells, laboratories and replicates are replaced by numbers (`kinship`). Then the columns of all smaller
        shifts are emptied: for the shift `cell`, those are `replicate` and `lab`.

        Parameters
        ----------
        source, target : str
            Dataset ids.

        Returns
        -------
        dict
            Dataset -> column -> text.
        """
        rows = self.kinship((source, target))
        covered = SHIFTS[1 : SHIFTS.index(shift(rows[source], rows[target]))]
        return {dataset: row | dict.fromkeys(covered, "") for dataset, row in rows.items()}

    def labels(self, dataset: str) -> list[str]:
        """Labels of the negatives that apply to a dataset, in the order of the config."""
        row = self.datasets[dataset]
        labels = self.config["negatives"]
        return [
            label
            for label, options in labels.items()
            if (not options["tfs"] or row["tf"] in options["tfs"]) and self.kinds(label, row["assay"])
        ]

    def kinds(self, label: str, assay: str) -> list[str]:
        """Kinds of negatives that a label stands for in an assay.

        Parameters
        ----------
        label : str
            A key of `negatives` in the config.
        assay : str
            A key of `assays.ASSAYS`.

        Returns
        -------
        list of str
            The most preferred first; empty if the label does not apply to the assay.
        """
        kind = self.config["negatives"][label]["kind"]
        if isinstance(kind, Mapping):
            kind = chosen(kind, assay, [])
        kinds = [kind] if isinstance(kind, str) else kind
        return [name for kind in kinds for name in (ASSAYS[assay].usual if kind == "usual" else [kind])]

    def trained(self, model: str) -> str:
        """The label whose weights a model label uses: its `trained_as`, or itself."""
        return self.config["models"][model].get("trained_as", model)

    def models(self, tf: str) -> list[str]:
        """Model labels that apply to a TF; a label with `trained_as` applies wherever its weights do."""
        models = self.config["models"]
        return [label for label in models if not (chosen := models[self.trained(label)]["tfs"]) or tf in chosen]

    def options(self, model: str, dataset: str) -> dict:
        """Kind and constructor arguments of the model that a label trains on a dataset.

        Parameters
        ----------
        model : str
            A key of `models` in the config, with a `kind` of its own.
        dataset : str

        Returns
        -------
        dict
            Option -> value, without `reading`, `learns` and `tfs`. Of an option given by assay, the value for the
            dataset's assay, or the default of the schema. A kind that the schema says is `of_tf` has the option `tf`.
        """
        assay = self.datasets[dataset]["assay"]
        given = self.config["models"][model]
        kind = schema.schema("config")["$defs"][given["kind"]]
        rules = kind["properties"]
        of_tf = {"tf": self.datasets[dataset]["tf"]} if kind.get("of_tf") else {}
        return {
            key: chosen(value, assay, rules[key]["default"]) if isinstance(value, Mapping) else value
            for key, value in given.items()
            if key not in ("reading", "learns", "tfs")
        } | of_tf

    def training(self, dataset: str) -> dict:
        """`training` of the config for networks that train on a dataset: an option by assay has one value."""
        rules = schema.schema("config")["properties"]["training"]["properties"]
        assay = self.datasets[dataset]["assay"]
        return {
            key: chosen(value, assay, rules[key]["default"]) if isinstance(value, Mapping) else value
            for key, value in self.config["training"].items()
        }

    def learns(self, model: str, dataset: str) -> str:
        """What the networks of a label learn of a dataset.

        Parameters
        ----------
        model : str
            A key of `models` in the config.
        dataset : str

        Returns
        -------
        str
            `labels`; `intensities` where the label asks for them and the dataset has such.
        """
        wanted = self.config["models"][model].get("learns", "labels")
        return wanted if form(self.datasets[dataset]["assay"]) == "intensities" else "labels"

    def made(self, dataset: str) -> dict:
        """How the sequences of a dataset are made: `sequence` of the config and, for intensities, `probes`."""
        config = self.config
        probes = {"probes": config["probes"]} if form(self.datasets[dataset]["assay"]) == "intensities" else {}
        return config["sequence"] | probes

    def reading(self, model: str, dataset: str) -> str:
        """How a label that was trained on a dataset reads its targets.

        Parameters
        ----------
        model : str
            A key of `models` in the config.
        dataset : str

        Returns
        -------
        str
            ``whole``, ``scan`` or ``embed``; '' where it reads none: what words of 8 bp teach holds for windows of
            their length, so such models scan.
        """
        reading = self.config["models"][model].get("reading", "whole")
        return "" if self.datasets[dataset]["format"] == "words" and reading not in ("scan", "occupancy") else reading

    def embedded(self, model: str) -> int:
        """Length in bp of a label's training sequences with the random bases around them; 0 if none are added."""
        return self.config["sequence"]["length"] if self.config["models"][model].get("reading") == "embed" else 0

    def declared(self, model: str, source: str) -> list[str]:
        """The files that say what a model from elsewhere was trained on.

        Parameters
        ----------
        model : str
            Label of kind ``scores``.
        source : str
            Dataset under which its scores stand.

        Returns
        -------
        list of str
            Local paths; empty where nothing is declared.
        """
        given = self.config["models"][model]["trained_on"]
        return given.get(source, []) if isinstance(given, Mapping) else given

    def targets(self, source: str) -> list[str]:
        """Datasets that a model trained on `source` is scored on: all of its TF, and the targets of its extra pairs.

        Not those that are tested on what the source is trained on: another array design, or the same file.
        """
        own = self.datasets[source]
        extra = [target for start, target in self.config["transfer"]["extra_pairs"] if start == source]
        found = [name for name, row in self.datasets.items() if row["tf"] == own["tf"]] + extra
        rows = {name: self.datasets[name] for name in found}
        return [name for name, row in rows.items() if not is_tested_on(own, row) and row["test_path"] != own["path"]]

    def test_labels(self, target: str, trained_with: str) -> list[str]:
        """Labels of a target's negatives that a model is scored against.

        Parameters
        ----------
        target : str
            Dataset that is scored.
        trained_with : str
            Label of the negatives that the model was trained with.

        Returns
        -------
        list of str
            All labels of the target if `transfer.test_negatives` is ``all``, else `trained_with`; empty if that does
            not apply to the target.
        """
        labels = self.labels(target)
        return (
            labels if self.config["transfer"]["test_negatives"] == "all" else [x for x in labels if x == trained_with]
        )

    def others(self, dataset: str, label: str) -> list[str]:
        """Datasets of other TFs whose positives may be `other_tf` negatives of a dataset.

        Of the same assay. For peaks, those on the same genome. For reads, those of the same cycle where there are
        cycles, and only those of the same ligand if there are any. For intensities, those of the same array design.

        Parameters
        ----------
        dataset : str
        label : str
            A key of `negatives` in the config; its `others` limits the TFs.

        Returns
        -------
        list of str
            Dataset ids. Empty for reads of an assay with cycles whose cycle is not stated.
        """
        row = self.datasets[dataset]
        wanted = self.config["negatives"][label]["others"]
        found = {
            other: them
            for other, them in self.datasets.items()
            if them["tf"] != row["tf"] and them["assay"] == row["assay"] and (not wanted or them["tf"] in wanted)
        }
        key = {"peaks": "genome", "intensities": "design"}.get(form(row["assay"]))
        if key:
            return [other for other, them in found.items() if them[key] == row[key]]
        if not has_cycles(row["assay"]):
            same = list(found)
        else:
            cycle = {other: them["cycle"] for other, them in found.items() if them["cycle"] and row["cycle"]}
            same = [other for other, number in cycle.items() if int(number) == int(row["cycle"])]
        ligand = [other for other in same if row["ligand"] and found[other]["ligand"] == row["ligand"]]
        return ligand or same

    def drawn(self, dataset: str) -> dict[str, dict]:
        """Label -> its options in the config, its `kinds` and `also` for the assay, of all negatives of a dataset."""
        assay = self.datasets[dataset]["assay"]
        drawn = {}
        for label in self.labels(dataset):
            options = self.config["negatives"][label]
            also = options["also"]
            also = chosen(also, assay, []) if isinstance(also, Mapping) else also
            drawn[label] = options | {"kinds": self.kinds(label, assay), "also": also}
        return drawn

    def pools(self, dataset: str) -> dict[str, list[str]]:
        """Label -> the datasets `others`, for those negatives of a dataset that are drawn from other TFs."""
        used = [
            label
            for label, options in self.drawn(dataset).items()
            if any(KINDS[kind].needs == "others" for kind in (*options["kinds"], *options["also"]))
        ]
        return {label: self.others(dataset, label) for label in used}

    def alike(self, dataset: str) -> list[str]:
        """The other datasets of a dataset's TF, assay and genome: their sequences may not be its `other_tf` negatives.

        Empty if no negatives of the dataset are drawn from other TFs.
        """
        row = self.datasets[dataset]
        same = [
            other
            for other, them in self.datasets.items()
            if other != dataset and all(them[key] == row[key] for key in ("tf", "assay", "genome"))
        ]
        return same if self.pools(dataset) else []

    def neighbours(self, dataset: str) -> list[dict[str, str]]:
        """Rows whose peaks the negatives of a dataset are kept away from: all peak files of its TF on its genome.

        Empty if none of its negatives are kept away from peaks.
        """
        row = self.datasets[dataset]
        kinds = {kind for options in self.drawn(dataset).values() for kind in (*options["kinds"], *options["also"])}
        if not any(KINDS[kind].away for kind in kinds):
            return []
        return [
            self.row(other, SEQUENCES)
            for other, them in self.datasets.items()
            if all(them[key] == row[key] for key in ("tf", "genome")) and them["format"] in PLACED
        ]

    def lacks(self, dataset: str, label: str, kind: str) -> str:
        """Data that a kind of negatives needs for a dataset and the sheet does not give.

        Parameters
        ----------
        dataset : str
        label : str
            A key of `negatives` in the config.
        kind : str
            A key of `KINDS`.

        Returns
        -------
        str
            A description for a message; '' if nothing is missing as far as the sheet shows.
        """
        row = self.datasets[dataset]
        if KINDS[kind].needs == "genome" and not row["genome"]:
            return "a genome (column genome)"
        if KINDS[kind].needs == "others" and not self.others(dataset, label):
            other = f"{printed(row['assay'])} of another TF"
            match form(row["assay"]):
                case "peaks":
                    return f"{other} {'on ' + row['genome'] if row['genome'] else 'without a genome'}"
                case "intensities":
                    return f"{other} {'of design ' + row['design'] if row['design'] else 'without a design'}"
            if not has_cycles(row["assay"]):
                return other
            return f"{other} of cycle {row['cycle']}" if row["cycle"] else "the column cycle"
        return ""

    def retrained(self) -> list[tuple[str, str, str, str]]:
        """(source, target, negatives, model) of every learning curve that the config asks for (`transfer.retrain`)."""
        return self._asked("retrain")

    def explained(self) -> list[tuple[str, str, str, str]]:
        """(source, target, negatives, model) of every drop whose causes the config asks for (`transfer.causes`)."""
        return self._asked("causes")

    def unlabelled(self) -> list[tuple[str, str, str, str]]:
        """(source, target, negatives, model) of every pair in which a model is adapted to a target without its labels.

        Of several cycles of one library only the last is a source; the earlier ones are used beside it.
        """

        def is_last(dataset: str) -> bool:
            return all(int(self.datasets[dataset]["cycle"]) > cycle for cycle in self.cycles(dataset).values())

        return [pair for pair in self._asked("unlabelled") if is_last(pair[0])]

    def cycles(self, dataset: str, target: str = "") -> dict[str, int]:
        """Other cycles of a dataset's SELEX library: datasets of the same TF, assay, laboratory and ligand.

        Parameters
        ----------
        dataset : str
        target : str
            A dataset to leave out, so that no adaptation to it uses its labels; '' leaves none out.

        Returns
        -------
        dict of str to int
            Dataset -> cycle. Empty if the dataset has no cycle.
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
            and {self.datasets[target]["assay"], form(self.datasets[target]["assay"])} & set(wanted["targets"])
            for label in self.labels(source)
            if label in self.labels(target)
            for model in wanted["models"]
            if model in self.models(self.datasets[source]["tf"])
        ]

    def stand_in(self, source: str, target: str) -> str:
        """The dataset by which `causes` separates the effect of the SELEX cycle, or of the cell, from other causes.

        From an assay with cycles, a dataset of the source's library: of the target's cycle or, if the target's assay
        has none, of the earliest cycle before the source's. Between two cells of one assay in vivo, another dataset of
        the TF in the target's cell, if possible of the source's laboratory.

        Parameters
        ----------
        source, target : str
            Dataset ids.

        Returns
        -------
        str
            Dataset id; '' if there is none.
        """
        one, two = self.datasets[source], self.datasets[target]
        if has_cycles(one["assay"]):
            cycles = self.cycles(source, target)
            if has_cycles(two["assay"]):
                return next((name for name, cycle in cycles.items() if two["cycle"] and cycle == int(two["cycle"])), "")
            earlier = {name: cycle for name, cycle in cycles.items() if cycle < int(one["cycle"])}
            return min(earlier, key=earlier.get, default="")
        if one["assay"] == two["assay"] and is_in_vivo(one["assay"]) and one["cell"] != two["cell"]:
            there = [
                name
                for name, row in self.datasets.items()
                if name != target and all(row[key] == two[key] for key in ("tf", "assay", "cell"))
            ]
            return min(there, key=lambda name: self.datasets[name]["lab"] != one["lab"], default="")
        return ""

    def named(self) -> list[tuple[str, str]]:
        """URL or path, and checksum or '', of every file that the config and its sheets name."""
        sources = [(row[c], row[checksum_column(c)]) for row in self.datasets.values() for c in PATHS]
        sources += [(row["path"], row["sha256"]) for row in self.cell_files]
        for genome in self.config["genomes"].values():
            sources += [
                (genome["fasta"], genome["sha256"]),
                (genome["blacklist"], genome["blacklist_sha256"]),
                (genome["genes"], genome["genes_sha256"]),
            ]
        return [(source, sha256) for source, sha256 in sources if source]

    def downloads(self) -> dict[str, tuple[str, str]]:
        """Local path -> (URL, checksum or '') of every file that has to be downloaded."""
        return {local(source): (source, sha256) for source, sha256 in self.named() if is_url(source)}

    def brought(self) -> set[str]:
        """Local paths of the files that a run fetches or simulates; all others that the study names are the user's."""
        assays = self.config["simulation"]["assays"] if self.simulated else ()
        return {*self.downloads(), *(str(self.simulated / name) for name in simulated(assays=assays) if assays)}

    def checksums(self, dataset: str) -> dict[str, str]:
        """Local path -> checksum of the files that a row reads and of its blacklist; without those that have none."""
        row = self.datasets[dataset]
        given = {local(row[c]): row[checksum_column(c)] for c in PATHS}
        if row["genome"]:
            genome = self.config["genomes"][row["genome"]]
            given[local(genome["blacklist"])] = genome["blacklist_sha256"]
        return {path: sha256 for path, sha256 in given.items() if path and sha256}

    def cell_checksums(self, cells: Iterable[str], tf: str) -> dict[str, str]:
        """Checksums of the files that the cell-type task reads for one TF in some cells.

        Parameters
        ----------
        cells : iterable of str
        tf : str

        Returns
        -------
        dict of str to str
            Local path -> SHA-256, or `md5:` and an MD5, also of blacklists and genes. Files without a checksum are left
            out.
        """
        rows = [row for row in self.cell_files if row["cell"] in cells and row["tf"] in ("", tf)]
        given = {local(row["path"]): row["sha256"] for row in rows}
        for genome in (self.config["genomes"][row["genome"]] for row in rows):
            given |= {local(genome[key]): genome[f"{key}_sha256"] for key in ("blacklist", "genes")}
        return {path: sha256 for path, sha256 in given.items() if path and sha256}


def file_name(tf: str) -> str:
    """The name of a TF in file names: `MAX::MYC` and `MYC::MAX` -> `MAX-MYC`."""
    return "-".join(sorted(tf.split("::"), key=str.lower))
