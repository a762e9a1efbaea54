"""What a study implies for the workflow: which jobs there are, and what each reads of the config and the sheets."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tfbind.io import paths
from tfbind.study.schema import schema
from tfbind.study.study import DESCRIBES, Study

Pair = tuple[str, str]


@dataclass(frozen=True)
class Plan:
    """The jobs of a study.

    Attributes
    ----------
    study : Study
    """

    study: Study

    def kind(self, model: str) -> str:
        """The kind of a model label, '' for a `trained_as` label, whose weights are another's."""
        return self.study.config["models"][model].get("kind", "")

    def made_by(self, module: str) -> list[str]:
        """The model labels whose kind the schema assigns to a module: `training`, `baseline` or `external`."""
        kinds = schema("config")["$defs"]
        made = {model: self.kind(model) for model in self.study.config["models"]}
        return [model for model, kind in made.items() if kind and kinds[kind]["made_by"] == module]

    def of_tf(self, tf: str) -> list[str]:
        """The datasets of a TF, in the order of the sheet."""
        return [dataset for dataset, row in self.study.datasets.items() if row["tf"] == tf]

    def files(self, dataset: str) -> list[str]:
        """Every file that the row of a dataset names: URLs or paths."""
        row = self.study.row(dataset)
        return [row[column] for column in paths.PATHS if row[column]]

    def drawn_from(self, dataset: str) -> list[str]:
        """Every file that the negatives of a dataset are drawn from or kept away from: URLs or paths."""
        return self.files(dataset) + self.neighbour_files(dataset)

    def counted(self) -> dict[str, dict[str, str]]:
        """What the check of SELEX cycles reads of each dataset that is a count table: its path and flanks."""
        columns = ("path", "left_flank", "right_flank")
        tables = (dataset for dataset, row in self.study.datasets.items() if row["format"] == "counts")
        return {dataset: self.study.row(dataset, columns) for dataset in tables}

    def neighbour_files(self, dataset: str) -> list[str]:
        """Every file that the rows of `Study.neighbours` name."""
        rows = self.study.neighbours(dataset)
        return [row[column] for row in rows for column in paths.PATHS if row.get(column)]

    def opened(self, genome: str) -> dict:
        """What a script needs to open an indexed genome, and to name the user's own file; empty without a genome."""
        if not genome:
            return {}
        options = self.study.config["genomes"][genome]
        return {"names": options["chromosomes"], "source": paths.local(options["fasta"])}

    def variants(self, rule: str, units: Callable[[str], Sequence]) -> list[tuple[str, list[str], tuple]]:
        """The datasets, grouped by their units of work.

        The outputs of a Snakemake rule cannot be a function, so datasets with other units get a rule of their own.

        Parameters
        ----------
        rule : str
            The first group has this name, the next `rule_2`, and so on.
        units : function
            Dataset -> its units of work; a dataset without any is left out.

        Returns
        -------
        list of (name, datasets, units)
        """
        alike: dict[tuple, list[str]] = {}
        for dataset in self.study.datasets:
            if mine := tuple(units(dataset)):
                alike.setdefault(mine, []).append(dataset)
        names = itertools.chain([rule], (f"{rule}_{number}" for number in itertools.count(2)))
        return [(name, datasets, mine) for name, (mine, datasets) in zip(names, alike.items(), strict=False)]

    def models(self, module: str, dataset: str) -> list[Pair]:
        """(negatives, model) of a dataset's models that a module makes.

        Parameters
        ----------
        module : {"training", "baseline", "external"}
        dataset : str

        Returns
        -------
        list of (str, str)
        """
        wanted = set(self.made_by(module))
        return [(label, model) for label, model in self._all(dataset) if model in wanted]

    def scored(self, dataset: str) -> list[Pair]:
        """(negatives, model) of every label whose scores are computed here, other readings of the same weights too."""
        external = set(self.made_by("external"))
        return [(label, model) for label, model in self._all(dataset) if model not in external]

    def _all(self, dataset: str) -> list[Pair]:
        models = self.study.models(self.study.datasets[dataset]["tf"])
        return [(label, model) for label in self.study.labels(dataset) for model in models]

    def learners(self, dataset: str) -> list[Pair]:
        """(negatives, model) of what is shown as motifs: networks and regressions; references are motifs or words."""
        networks = set(self.made_by("training"))
        return [(x, m) for x, m in self.scored(dataset) if m in networks or self.kind(m) == "regression"]

    def trained(self, module: str, dataset: str) -> list[dict]:
        """What the training of each of `models` reads of the config.

        Parameters
        ----------
        module : {"training", "baseline"}
        dataset : str

        Returns
        -------
        list of dict
            `negatives`, `model`, `options`, `embed` (bp, 0 for none), `learns`.
        """
        return [
            {
                "negatives": label,
                "model": model,
                "options": self.study.options(model, dataset),
                "embed": self.study.embedded(model),
                "learns": self.study.learns(model, dataset),
            }
            for label, model in self.models(module, dataset)
        ]

    def final(self, dataset: str) -> list[Pair]:
        """(negatives, model) of the final models of a dataset; none unless the config asks for them."""
        made = [*self.models("training", dataset), *self.models("baseline", dataset)]
        return made if self.study.config["final"] else []

    def again(self, dataset: str) -> list[dict]:
        """What the training of each of `final` reads of the config: see `trained`."""
        return [*self.trained("training", dataset), *self.trained("baseline", dataset)]

    def matrices(self, dataset: str) -> list[str]:
        """Every file of motifs that the models of a dataset read, each once."""
        options = self.study.config["models"]
        return list(
            dict.fromkeys(file for _, m in self.models("baseline", dataset) if (file := options[m].get("file")))
        )

    def weights(self, dataset: str) -> list[Pair]:
        """(negatives, model) of the weights that the scores of a dataset's models need."""
        return list(dict.fromkeys((label, self.study.trained(model)) for label, model in self.scored(dataset)))

    def tests(self, source: str, label: str) -> list[Pair]:
        """(target, negatives) that a model is scored on.

        Parameters
        ----------
        source : str
            The dataset that it was trained on.
        label : str
            The negatives that it was trained with.

        Returns
        -------
        list of (str, str)
        """
        study = self.study
        return [(target, x) for target in study.targets(source) for x in study.test_labels(target, label)]

    def tests_of(self, source: str) -> dict[str, list[Pair]]:
        """Label of the negatives trained with -> `tests`."""
        return {label: self.tests(source, label) for label in self.study.labels(source)}

    def tested(self, source: str) -> list[Pair]:
        """(target, negatives) that any model of a dataset is scored on, each once."""
        return list(dict.fromkeys(itertools.chain.from_iterable(self.tests_of(source).values())))

    def labelled(self, tf: str) -> list[Pair]:
        """(dataset, negatives) of every negative set of a TF."""
        return [(dataset, label) for dataset in self.of_tf(tf) for label in self.study.labels(dataset)]

    def sources(self, tf: str) -> list[str]:
        """Datasets whose models are scored on targets of a TF: its own, and the sources of extra pairs."""
        datasets, pairs = self.study.datasets, self.study.config["transfer"]["extra_pairs"]
        extra = [source for source, target in pairs if datasets[target]["tf"] == tf]
        return list(dict.fromkeys(self.of_tf(tf) + extra))

    def runs(self, tf: str) -> list[tuple[str, str, str]]:
        """(source, negatives, model) of every set of predictions on targets of a TF."""
        models = self.study.models(tf)
        return [
            (source, label, model)
            for source in self.sources(tf)
            for label, model in self._all(source)
            if model in models
        ]

    def evaluated(self, tf: str) -> dict:
        """The parts of the config that the evaluation of a TF reads, with the labels that apply to it."""
        config, labels = self.study.config, {label for _, label in self.labelled(tf)}
        return {key: config[key] for key in ("transfer", "statistics")} | {
            "models": {model: config["models"][model] for model in self.study.models(tf)},
            "negatives": {label: options for label, options in config["negatives"].items() if label in labels},
        }

    def compared(self, dataset: str) -> dict[str, str]:
        """What the search for leakage reads of a row of the sheet."""
        return {key: self.study.datasets[dataset][key] for key in ("dataset", "tf", "assay", "genome")}

    def shown(self, dataset: str) -> dict[str, str]:
        """What the page and the model cards say of a row of the sheet, files as they are written there."""
        columns = *DESCRIBES, *paths.PATHS, *map(paths.checksum_column, paths.PATHS)
        return {column: self.study.datasets[dataset][column] for column in columns}

    def strangers(self, source: str, label: str) -> list[str]:
        """Datasets of other TFs in the source's assay, for adaptation without labels: eight are enough.

        Parameters
        ----------
        source : str
        label : str
            Of the negatives.

        Returns
        -------
        list of str
        """
        return self.study.others(source, label)[:8]

    def trials(self) -> list[Pair]:
        """(TF, cell that tests) of the cell-type task: the cells of a TF in turn, or those that the config names."""
        options = self.study.config["celltype"]
        tfs, wanted = options["tfs"] or self.study.cell_tfs(), options["test_cells"]
        return [(tf, cell) for tf in tfs for cell in self._assayed(tf) if cell in wanted or not wanted]

    def _assayed(self, tf: str) -> list[str]:
        return [cell for cell, files in self.study.cells.items() if tf in files["conservative"]]

    def training_cells(self, tf: str, test: str) -> list[str]:
        """The cells that may train where another tests: with peaks of the TF, on the same genome.

        Parameters
        ----------
        tf, test : str
            The TF, and the cell that tests.

        Returns
        -------
        list of str
        """
        cells, tests = self.study.cells, self.study.config["celltype"]["test_cells"]
        same = [cell for cell in self._assayed(tf) if cells[cell]["genome"] == cells[test]["genome"]]
        return [cell for cell in same if cell not in tests]

    def trial(self, tf: str, test: str) -> dict[str, dict]:
        """The cells that a trial reads: those that train, the one that tests, the reference.

        Parameters
        ----------
        tf, test : str
            The TF, and the cell that tests.

        Returns
        -------
        dict of str to dict
            As `Study.cells`.
        """
        cells, reference = self.study.cells, self.study.config["celltype"]["reference"]
        alike = [cell for cell, files in cells.items() if files["genome"] == cells[test]["genome"]]
        read = {reference if reference in alike else alike[0], test, *self.training_cells(tf, test)}
        return {cell: files for cell, files in cells.items() if cell in read}

    def trial_paths(self, tf: str, test: str) -> list[str]:
        """Every file of the cells of a trial.

        Parameters
        ----------
        tf, test : str
            The TF, and the cell that tests.

        Returns
        -------
        list of str
        """
        rows = []
        for files in self.trial(tf, test).values():
            for what in ("accessibility", "accessibility_peaks", "expression"):
                rows += files[what]
            for what in ("conservative", "relaxed"):
                rows += files[what].get(tf, [])
        return [row["path"] for row in rows]

    def trial_options(self, unread: str) -> dict:
        """What a trial reads of the key `celltype`, without one more key; it does not say which trials there are."""
        left_out = {"tfs", "test_cells", "networks", unread}
        return {key: value for key, value in self.study.config["celltype"].items() if key not in left_out}
