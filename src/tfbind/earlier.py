"""Modules under their names of before the rooms, for scripts that were written for these: until 1.0, with a warning.

`tfbind.signal` is a module that holds what `celltype.tracks`, `celltype.genes` and `celltype.cells` do. Nothing of
tfbind uses it. Some earlier names are those of rooms now (`archives`, `celltype`, `interpretation`, `models`, `report`,
`transfer`): these hold modules, and no longer functions.
"""

import importlib
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType

#: Earlier name -> the modules that hold its names now.
MOVED = {
    "adaptation": "transfer.learning_curves",
    "audit": "sequences.leakage",
    "background": "models.background",
    "baseline": "models.baseline",
    "bin_networks": "celltype.networks",
    "bins": "celltype.bins",
    "calibration": "transfer.calibration",
    "causes": "transfer.drop_attribution",
    "cells": "celltype.tf_bins",
    "config": "study.config study.study study.schema study.read_sheets study.sources study.reference_page",
    "data": "models.examples",
    "domain": "models.applicability models.platt",
    "estimators": "celltype.estimators",
    "evaluation": "transfer.evaluate statistics.metrics statistics.bootstrap io.columns",
    "faults": "errors",
    "features": "celltype.features",
    "foreign": "transfer.external_scores",
    "genome": "io.genome",
    "intervals": "io.intervals io.peaks io.chromosomes sequences.chip_windows",
    "ladder": "transfer.ladder",
    "layouts": "io.peak_formats",
    "libraries": "transfer.library_qc",
    "lineage": "code_digest",
    "logos": "interpretation.logos",
    "matching": "interpretation.tomtom",
    "negatives": "sequences.negatives sequences.genomic_negatives sequences.other_tf_negatives",
    "prediction": "models.predict",
    "reads": "io.sequence_files sequences.selex",
    "resources": "io.download",
    "scores": "transfer.score_tables",
    "scoring": "models.score_files",
    "sharing": "models.model_card",
    "signal": "celltype.tracks celltype.genes celltype.cells",
    "simulate": "simulation.simulate",
    "splits": "sequences.splits seeding",
    "stacks": "models.stacks",
    "tables": "io.tables io.tally io.atomic models.store",
    "technical": "sequences.technical_sequence",
    "text": "io.textfile",
    "training": "models.training",
    "transferability": "transfer.transferability",
    "unlabelled": "transfer.unsupervised_adaptation transfer.adaptation_methods",
    "validation": "check_files",
    "variance": "statistics.variance_components",
}


class Finder:
    """Finds the modules of `MOVED`; Python asks it last."""

    @staticmethod
    def find_spec(name: str, path=None, target=None) -> ModuleSpec | None:
        """The place of a module, where it is one of `MOVED`.

        Parameters
        ----------
        name : str
            With all packages: `tfbind.signal`.
        path, target
            Not used.

        Returns
        -------
        ModuleSpec or None
        """
        package, _, module = name.rpartition(".")
        return ModuleSpec(name, Finder) if package == "tfbind" and module in MOVED else None

    @staticmethod
    def create_module(spec: ModuleSpec) -> None:
        """As Python makes any module."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Fill a module with the names that it had."""
        homes = MOVED[module.__name__.rpartition(".")[2]].split()
        for home in reversed(homes):  # where two have a name, the first counts
            found = vars(importlib.import_module(f"tfbind.{home}"))
            vars(module).update({name: value for name, value in found.items() if not name.startswith("__")})
        places = ", ".join(f"tfbind.{home}" for home in homes)
        warnings.warn(f"{module.__name__} is now {places}; the earlier name goes with 1.0", FutureWarning, stacklevel=2)
