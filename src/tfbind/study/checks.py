"""Checks that a schema cannot express: rows, cells and options that contradict each other."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfbind.assays import ASSAYS, PLACED, form, has_cycles
from tfbind.io.paths import PATHS, is_url
from tfbind.study import schema, sources
from tfbind.study.negative_kinds import KINDS
from tfbind.study.study import Study


def _suffix(source: str) -> tuple[str, str]:
    """Name of a file as it is written, and its last suffix in lower case, without counting .gz."""
    name = Path(re.split("[?#]", source)[0] if is_url(source) else source).name
    return name, Path(name.lower().removesuffix(".gz")).suffix


def check_row(row: dict[str, str], genomes: Mapping) -> Iterator[str]:
    """Check one row of the sheet of datasets beyond its schema, and fill its empty `format`.

    Parameters
    ----------
    row : dict of str to str
        All columns as text. `format` is changed in place: recognised by the file name; ``peaks`` for an assay
        of peaks with a genome, ``probes`` for one of intensities.
    genomes : mapping
        `genomes` of the config; only the names are read.

    Yields
    ------
    str
        A fault: the column, the value and the remedy.
    """
    if not row["format"]:
        name, suffix = _suffix(row["path"])
        row["format"] = sources.SUFFIXES.get(suffix, "")
        if row["format"] in ("", "bed") and form(row["assay"]) == "peaks" and row["genome"]:
            row["format"] = "peaks"  # a row with a genome has coordinates: recognised by its columns, not its name
        if row["format"] in ("", "labelled") and form(row["assay"]) == "intensities":
            row["format"] = "probes"
        if not row["format"] and not sources.ACCESSION.fullmatch(name.upper()):
            known = ", ".join(filter(None, schema.schema("datasets")["properties"]["format"]["enum"]))
            yield f"format: cannot be recognised by the name {name!r}; write one of {known}"
    if row["format"] in PLACED and not row["genome"]:
        yield f"genome: a {row['format']} file needs one; write a key of `genomes` in the config"
    if row["genome"] and row["genome"] not in genomes:
        left = ", where `tfbind init` could not tell," if row["genome"] == "?" else ""
        yield f"genome: {row['genome']!r}{left} is not in the config's `genomes` ({', '.join(genomes) or 'none there'})"
    about = ASSAYS.get(row["assay"])  # None: its fault is said by the schema
    if about and row["format"] and row["format"] not in about.formats:
        said = f"{row['format']} {_holds(row['format'])}"
        if row["format"] in PLACED and about.form != "peaks":
            said += f", but {about.printed} {about.form} have none"
        yield f"format: {said}; {about.printed} comes as {', '.join(about.formats)}"
    if row["format"] == "counts" and row["input_path"]:
        yield "input_path: a count table has its own cycle 0; leave this empty"
    if about and row["trim"] and about.form != "reads":
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


def _holds(name: str) -> str:
    # What a format is, for an assay of another form.
    assays = [about for about in ASSAYS.values() if name in about.formats]
    if len(assays) == 1:
        return f"is for {assays[0].printed}"
    if name in PLACED:
        return "holds coordinates"
    return f"is for {' and '.join(sorted({about.form for about in assays}))}"


def check_file(row: dict[str, str], genomes: Mapping) -> Iterator[str]:
    """Check one row of the sheet of cells beyond its schema, and fill its empty `format`.

    Parameters
    ----------
    row : dict of str to str
        All columns as text. `format` is changed in place: recognised by the file name.
    genomes : mapping
        `genomes` of the config, with their defaults filled in.

    Yields
    ------
    str
        A fault: the column, the value and the remedy.
    """
    suffixes = sources.CELL_SUFFIXES.get(row["what"], {})
    known = list(dict.fromkeys(suffixes.values()))
    if not row["format"]:
        name, suffix = _suffix(row["path"])
        row["format"] = suffixes.get(suffix, "")
        if suffixes and not row["format"] and not sources.ACCESSION.fullmatch(name.upper()):
            yield f"format: cannot be recognised by the name {name!r}; write {' or '.join(known)}"
    elif suffixes and row["format"] not in known:
        yield f"format: {row['what']} is {' or '.join(known)}, not {row['format']}"
    if (row["what"] in sources.BY_TF) != bool(row["tf"]):
        yield f"tf: {'name the TF of these peaks' if not row['tf'] else 'leave it empty for ' + row['what']}"
    if row["genome"] not in genomes:
        yield f"genome: {row['genome']!r} is not in the config's `genomes` ({', '.join(genomes) or 'none there'})"
    elif row["what"] == "expression" and not genomes[row["genome"]]["genes"]:
        yield f"what: expression needs genomes.{row['genome']}.genes in the config, where genes start"


def check_cells(rows: list[dict[str, str]]) -> Iterator[str]:
    """Check the rows of the sheet of cells against each other; yields a message for each fault."""
    for cell in dict.fromkeys(row["cell"] for row in rows):
        own = [row for row in rows if row["cell"] == cell]
        if len(genomes := {row["genome"] for row in own}) > 1:
            yield f"cell {cell} has the genomes {', '.join(sorted(genomes))}; a cell has one"
        if not any(row["what"] == "accessibility" for row in own):
            yield f"cell {cell} has no row of accessibility; the task needs one for each cell"
        assayed = {row["tf"] for row in own if row["what"] == "conservative"}
        for tf in dict.fromkeys(row["tf"] for row in own if row["what"] == "relaxed"):
            if tf not in assayed:
                yield f"cell {cell} has relaxed peaks of {tf} and no conservative ones; both are needed for labels"


def check_keys(name: str, config: dict) -> Iterator[str]:
    """Check the keys of a config against each other.

    Parameters
    ----------
    name : str
        File name of the config, for messages.
    config : dict
        Valid by its schema, with defaults filled in.

    Yields
    ------
    str
        A fault: the key, the value and the remedy.
    """
    models = config["models"]
    for label, options in models.items():
        base = options.get("trained_as")
        if base is not None and "kind" not in models.get(base, {}):
            yield f"{name}: models.{label}.trained_as: {base!r} is not a trained model label"
        if options.get("k", 0) > options.get("length", options.get("k", 0)):
            yield f"{name}: models.{label}.k: {options['k']} informative positions in words of {options['length']} bp"
    for label, options in models.items():
        if (genome := options.get("genome")) and genome not in config["genomes"]:
            known = ", ".join(config["genomes"]) or "none there"
            yield f"{name}: models.{label}.genome: {genome!r} is not in the config's `genomes` ({known})"
    for key in ("retrain", "causes"):
        for label in config["transfer"].get(key, {}).get("models", []):
            kind = models.get(label, {}).get("kind")
            if kind is None or schema.schema("config")["$defs"][kind]["made_by"] != "training":
                yield f"{name}: transfer.{key}.models: {label!r} is not the label of a network in `models`"
            elif key == "causes" and models[label]["reading"] == "embed":
                yield (
                    f"{name}: transfer.causes.models: {label!r} is trained in random surroundings, a cause here; "
                    "name a label whose reading is whole, scan or occupancy"
                )
    for label in config["transfer"].get("unlabelled", {}).get("models", []):
        given = models.get(label, {})
        kind = models.get(given.get("trained_as", label), {}).get("kind")
        if kind is None or schema.schema("config")["$defs"][kind]["made_by"] != "training":
            yield f"{name}: transfer.unlabelled.models: {label!r} is not the label of a network in `models`"
        elif given["reading"] == "embed":
            yield f"{name}: transfer.unlabelled.models: {label!r} reads by embed; name one that reads by scan or whole"
    for key in ("negatives", "models", "genomes"):
        first: dict[str, str] = {}
        for label in config[key]:
            if (other := first.setdefault(label.lower(), label)) != label:
                yield f"{name}: {key}: {other!r} and {label!r} differ only by case, which some disks ignore"
    for label, options in config["negatives"].items():
        if options["distance"][0] > options["distance"][1]:
            yield f"{name}: negatives.{label}.distance: {options['distance']} is not the least and then the largest"
    if (folds := config["split"]["folds"]) == 2:
        yield f"{name}: split.folds: with 2, one tests, the other validates and none trains; use 3 or more, or 1"
    for label, options in config["models"].items() if folds > 1 else ():
        if options.get("kind") == "scores":
            yield f"{name}: models.{label}: scores of another program are of one split; use split.folds: 1"
    for label, options in config["negatives"].items() if folds > 1 else ():
        if options["also"]:
            yield f"{name}: negatives.{label}.also: a row that trains in one fold is tested in another; leave it out"
        if options["fresh"]:
            yield f"{name}: negatives.{label}.fresh: a row that trains in one fold is tested in another; leave it out"
    for chromosome in set(config["split"]["validation"]) & set(config["split"]["test"]):
        yield f"{name}: split: {chromosome} is in `validation` and in `test`; it can be in one of them"


def check_study(name: str, config: dict, datasets: dict) -> Iterator[str]:
    """Check the keys of a config against the rows of its sheet of datasets.

    Parameters
    ----------
    name : str
        File name of the config, for messages.
    config : dict
        Valid by its schema, with defaults filled in.
    datasets : dict
        Dataset id -> its row.

    Yields
    ------
    str
        A fault: a dataset or TF that is not in the sheet, or a dataset without negatives.
    """
    for pair in config["transfer"]["extra_pairs"]:
        for dataset in pair:
            if dataset not in datasets:
                yield f"{name}: transfer.extra_pairs: no dataset {dataset!r} in the sheet"
    for label, options in config["models"].items():
        declared = options.get("trained_on", [])
        for dataset in declared if isinstance(declared, Mapping) else ():
            if dataset not in datasets:
                near = schema.meant(dataset, datasets)
                yield f"{name}: models.{label}.trained_on: no dataset {dataset!r} in the sheet{near}"
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


def check_celltype(name: str, config: dict, rows: list[dict[str, str]]) -> Iterator[str]:
    """Check the key `celltype` of a config against the rows of the sheet of cells.

    Parameters
    ----------
    name : str
        File name of the config, for messages.
    config : dict
        Valid by its schema, with defaults filled in.
    rows : list of dict
        The sheet of cells.

    Yields
    ------
    str
        A fault: a TF or cell that is not in the sheet, no test cell with peaks, no test chromosome.
    """
    options = config["celltype"]
    cells = list(dict.fromkeys(row["cell"] for row in rows))
    tfs = list(dict.fromkeys(row["tf"] for row in rows if row["tf"]))
    named = [("tfs", tf, tfs) for tf in options["tfs"]] + [("motifs", tf, tfs) for tf in options["motifs"]]
    named += [("test_cells", cell, cells) for cell in options["test_cells"]]
    named += [("reference", options["reference"], cells)] if options["reference"] else []
    for key, word, words in named:
        if word not in words:
            yield f"{name}: celltype.{key}: {word!r} is not in the sheet of cells{schema.meant(word, words)}"
    assayed = {(row["tf"], row["cell"]) for row in rows if row["what"] == "conservative"}
    wanted = {(tf, cell) for tf, cell in assayed if tf in (options["tfs"] or tfs)}
    if not any(cell in options["test_cells"] or not options["test_cells"] for _, cell in wanted):
        yield f"{name}: celltype: no test cell has conservative peaks of a TF; name cells with such peaks"
    if not config["split"]["test"]:
        yield f"{name}: split.test: the cell-type task tests on whole chromosomes; name some"


#: Form -> columns of the sheet that it does not read.
_IDLE_COLUMNS = {
    "peaks": ("input_path", "left_flank", "right_flank", "design"),
    "reads": ("genome", "relaxed_path", "design"),
    "intensities": ("genome", "relaxed_path", "input_path", "cycle", "negatives_path", "test_negatives_path"),
}
#: Options of negatives -> the kinds that read them.
_OPTIONS_OF = {
    option: tuple(name for name, kind in KINDS.items() if option in kind.options)
    for option in dict.fromkeys(option for kind in KINDS.values() for option in kind.options)
}


def idle(name: str, written: Mapping, study: Study) -> Iterator[str]:
    """Find settings of the config and cells of the sheet that are valid but have no effect in this study.

    Parameters
    ----------
    name : str
        File name of the config, for messages.
    written : mapping
        The config as the user wrote it, without defaults.
    study : Study

    Yields
    ------
    str
        The setting, and why it has no effect.
    """
    config, rows = study.config, study.datasets
    for dataset, row in rows.items():
        columns = [column for column in _IDLE_COLUMNS[form(row["assay"])] if row[column]]
        columns += ["cycle"] if row["cycle"] and not has_cycles(row["assay"]) and "cycle" not in columns else []
        if row["negative_names"] and row["format"] != "fasta":
            columns.append("negative_names")
        if columns:
            yield f"{dataset}: {', '.join(columns)}: not read for {row['assay']} of format {row['format']}"
    placed = [row for row in rows.values() if row["format"] in PLACED or row["format"] == "fasta"]
    placed = [row for row in placed if form(row["assay"]) == "peaks"]
    for key in ("validation", "test"):
        chroms = ", ".join(written.get("split", {}).get(key, []))
        if chroms and config["split"]["folds"] > 1 and not any(row["test_path"] for row in placed):
            if not study.cell_files:
                yield f"{name}: split.{key}: {chroms}: every chromosome is tested in one of the folds"
        elif chroms and not placed and not study.cell_files:
            yield f"{name}: split.{key}: no dataset has coordinates, so {chroms} cannot be held out; a hash splits"
    used = {row["genome"] for row in (*rows.values(), *study.cell_files)}
    used |= {options.get("genome") for options in config["models"].values()}
    for genome in config["genomes"]:
        if genome not in used:
            yield f"{name}: genomes.{genome}: no row names it"
    for label, options in written["negatives"].items():
        datasets = [dataset for dataset in rows if label in study.labels(dataset)]
        if not datasets:
            yield f"{name}: negatives.{label}: applies to no dataset"
            continue
        drawn = {dataset: study.drawn(dataset)[label] for dataset in datasets}
        kinds = {kind for each in drawn.values() for kind in (*each["kinds"], *each["also"])}
        if options.get("also") and not any(each["also"] for each in drawn.values()):
            yield f"{name}: negatives.{label}.also: no dataset is of the assays or forms that it names"
        alone = [one for one, each in drawn.items() if "other_tf" in each["also"] and not study.others(one, label)]
        if alone:
            why = "no dataset of another TF of the same assay and cycle"
            yield f"{name}: negatives.{label}.also: other_tf: {', '.join(alone)}: {why}"
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
