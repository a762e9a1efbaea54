"""Load a study: its config, sheet of datasets and sheet of cells, validated as a whole before anything is computed.

`load` reports all faults of these files at once. The schemas (`workflow/schemas`) allow no unknown key and hold every
default. Rules that a schema cannot express (files exist, ids are unique, a peak file has a genome) are checked here.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from tfbind.errors import InputError
from tfbind.io.paths import PATHS, is_url
from tfbind.study import checks, schema, sources, strict_yaml
from tfbind.study.read_sheets import other_design, read_cells, read_sheet
from tfbind.study.study import Study


def load(source: str | Path | Mapping, overrides: Mapping | None = None) -> Study:
    """Read and validate a config and its sheets.

    Parameters
    ----------
    source : path or mapping
        The config as a YAML file, or as its keys and values; then paths are relative to the working directory.
    overrides : mapping, optional
        Top-level keys that replace those of `source`.

    Returns
    -------
    Study
        With all defaults filled in; its `notes` list settings without effect.

    Raises
    ------
    InputError
        With the faults of all files. If the config does not fit its schema, with these faults alone.
    """
    held = isinstance(source, Mapping)
    path = Path("config" if held else source).absolute()
    config = {**(source if held else strict_yaml.read_yaml(path)), **(overrides or {})}
    faults = [f"{path.name}: {message}" for message in schema.check(config, schema.schema("config"))]
    if faults:
        raise InputError(faults)
    written, config = config, schema.fill(config, schema.schema("config"))
    here = Path.cwd()

    def place(source: str, folder: Path) -> str:
        # relative to the working folder if it lies below it, so that a study that is moved stays the same. Absolute if
        # the config comes from another workflow, not a file: that may put a prefix before relative paths.
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
                return f"{source!r} is not a URL ({error}); correct it"
            refused = hosts and host not in map(str.lower, hosts)
            return f"{source}: the host {host} is not in `hosts` ({', '.join(hosts)})" if refused else ""
        made = simulated is not None and simulated in Path(source).parents
        if not source or made or os.path.isfile(source):
            return ""
        if sources.ACCESSION.fullmatch(name := Path(source).name):
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
            given = options["trained_on"]
            each = given if isinstance(given, Mapping) else {"": given}
            each = {
                source: [place(file, path.parent) for file in ([files] if isinstance(files, str) else files)]
                for source, files in each.items()
            }
            options["trained_on"] = each if isinstance(given, Mapping) else each[""]
            for source, files in each.items():
                where = f"{path.name}: models.{label}.trained_on{source and '.'}{source}"
                for file in files:
                    if fault := "give a local file: download it" if is_url(file) else unusable(file):
                        faults.append(f"{where}: {fault}")
        if options.get("file"):
            options["file"] = place(options["file"], path.parent)
            fault = "give a local file: download it" if is_url(options["file"]) else unusable(options["file"])
            faults += [f"{path.name}: models.{label}.file: {fault}"] if fault else []

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
        faults += [f"{where}: {message}" for message in checks.check_row(row, config["genomes"])]
        datasets.setdefault(row["dataset"], row)
    tests = {dataset: other_design(row, datasets.values()) for dataset, row in datasets.items()}
    datasets = {dataset: row | tests[dataset] for dataset, row in datasets.items()}
    cell_files = []
    if config["cells"]:
        sheet = Path(place(config["cells"], path.parent))
        rows, cell_faults = read_cells(sheet)
        faults += cell_faults
        for line, row in rows:
            row["path"] = place(row["path"], sheet.parent)
            if fault := unusable(row["path"]):
                faults.append(f"{sheet.name}:{line}: path: {fault}")
            faults += [f"{sheet.name}:{line}: {message}" for message in checks.check_file(row, config["genomes"])]
            cell_files.append(row)
        faults += [] if cell_faults else [f"{sheet.name}: {message}" for message in checks.check_cells(cell_files)]
        if not any(fault.startswith(sheet.name) for fault in faults):
            faults += checks.check_celltype(path.name, config, cell_files)
    faults += checks.check_keys(path.name, config)
    if not row_faults:
        faults += checks.check_study(path.name, config, datasets)
    if faults:
        raise InputError(faults)
    study = Study(path, config, datasets, tuple(cell_files), simulated)
    return replace(study, notes=tuple(checks.idle(path.name, written, study)))
