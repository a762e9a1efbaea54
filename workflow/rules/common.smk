"""The study, validated before any job is planned; wildcards; the inputs of each stage."""

import itertools
import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from tfbind.code_digest import digest
from tfbind.errors import InputError
from tfbind.io import paths
from tfbind.io.hosts import allow
from tfbind.study.config import load
from tfbind.study.schema import schema
from tfbind.study.study import DESCRIBES, SEQUENCES, file_name


class _Interpreter(str):
    """A path that is quoted where it is put into a line for the shell, and only there."""

    def __format__(self, _):
        return shlex.quote(self)


# Snakemake gives the interpreter to a shell as it stands: in a folder with spaces it would be two words. A batch system
# gets it joined to other words, already quoted.
if os.path.exists(sys.executable):
    to_shell = _Interpreter if workflow.local_exec else shlex.quote
    sys.executable = to_shell(sys.executable)

# One config is one study: a file given on the command line replaces `config.yaml` (Snakemake itself would merge them).
given = workflow.config_settings.configfiles
beside = Path(workflow.current_basedir.get_path_or_uri(secret_free=False))
demo = beside.parents[1] / "config.yaml"
# Of another workflow, which gives the study.
as_module = workflow.modifier.skip_configfile
if len(given) > 1 and not as_module:
    raise WorkflowError("one --configfile is one study; more than one was given")
default = next((path for path in (Path("config.yaml"), demo) if path.is_file()), None)
if not (given or default or as_module):
    raise WorkflowError(
        f"no config.yaml in {os.getcwd()}; name your study with --configfile"
    )
try:
    if as_module:
        study = load(config)
    else:
        study = load(given[0] if given else default, workflow.config_settings.config)
except InputError as error:
    raise WorkflowError(f"the study cannot be run:\n{error}") from None
if not os.access(".", os.W_OK):
    raise WorkflowError(
        f"{os.getcwd()}: nobody may write here (Read-only file system, or no permission); name another --directory"
    )

# No parameter of `fetch`, since naming a further host must make no file anew.
allow(study.config["hosts"])

KIND = {model: options.get("kind") for model, options in study.config["models"].items()}
POSITIVES = "results/positives/{dataset}.parquet"
NEGATIVES = "results/negatives/{dataset}/{negatives}.parquet"
LEAKING = "results/audit/{dataset}/{negatives}.parquet"
MODEL = "results/models/{dataset}/{negatives}/{model}"
PREDICTIONS = "results/predictions/{dataset}/{negatives}/{model}.parquet"
CURVE = "results/retrain/{source}/{target}/{negatives}/{model}/{table}.tsv"
UNLABELLED = "results/unlabelled/{source}/{target}/{negatives}/{model}/{table}.tsv"
ENV = "../../envs/tfbind.yaml"


def made_by(module):
    """Model labels whose kind the schema assigns to this module; a `trained_as` label is made by none."""
    kinds = schema("config")["$defs"]
    return [m for m, kind in KIND.items() if kind and kinds[kind]["made_by"] == module]


def one_of(words):
    return "|".join(map(re.escape, words)) or "(?!)"


wildcard_constraints:
    dataset=one_of(study.datasets),
    negatives=one_of(study.config["negatives"]),
    model=one_of(KIND),
    tf=one_of([file_name(tf) for tf in study.tfs()]),
    genome=one_of(study.config["genomes"]),


def files(row):
    """Every file that a row of the sheet names."""
    return [row[column] for column in paths.PATHS if row[column]]


def genome(row):
    """The indexed genome and the blacklist of a row, where it has one."""
    name = row["genome"]
    if not name:
        return {}
    blacklist = paths.local(study.config["genomes"][name]["blacklist"])
    fasta = f"resources/genomes/{name}.fa"
    return {"genome": fasta, "index": f"{fasta}.fai"} | (
        {"blacklist": blacklist} if blacklist else {}
    )


def opened(name):
    """What a script needs to open an indexed genome, and to call it by the user's own file."""
    if not name:
        return {}
    options = study.config["genomes"][name]
    return {"names": options["chromosomes"], "source": paths.local(options["fasta"])}


FACTORS = {file_name(tf): tf for tf in study.tfs()}
ASSAYED = {file_name(tf): tf for tf in study.cell_tfs()}


def factor(wildcards):
    """The TF that a path is named for (`MAX-MYC` of `MAX::MYC`)."""
    return FACTORS[wildcards.tf]


def of_tf(tf):
    return [dataset for dataset, row in study.datasets.items() if row["tf"] == tf]


def variants(rule, units):
    """(name, datasets, units) of each set of datasets that have the same units of work.

    Snakemake's outputs cannot be a function: datasets with other units get a rule of their own, `rule_2` beside `rule`.
    """
    alike = {}
    for dataset in study.datasets:
        if mine := tuple(units(dataset)):
            alike.setdefault(mine, []).append(dataset)
    further = (f"{rule}_{number}" for number in itertools.count(2))
    return [
        (name, datasets, mine)
        for name, (mine, datasets) in zip(
            itertools.chain([rule], further), alike.items()
        )
    ]


def as_first(rule, name):
    """What a profile or the command line says of a rule holds for another variant of it."""
    first, other = (getattr(rules, each).rule for each in (rule, name))
    other.resources, other.group = first.resources.copy(), first.group


def models(kinds, dataset):
    """(negatives, model) of the labels of some kinds that apply to a dataset."""
    wanted = set(made_by(kinds))
    return [
        (label, model)
        for label in study.labels(dataset)
        for model in study.models(study.datasets[dataset]["tf"])
        if model in wanted
    ]


def scored(dataset):
    """(negatives, model) of every label whose scores are computed here, with other readings of the same weights."""
    return [
        (label, model)
        for label in study.labels(dataset)
        for model in study.models(study.datasets[dataset]["tf"])
        if model not in made_by("foreign")
    ]


def of_units(pattern, units):
    """A file of every unit, the dataset left open."""
    return [pattern.replace("{negatives}", x).replace("{model}", m) for x, m in units]


def of_labels(pattern):
    """A file of every negative set of the dataset."""
    return lambda wildcards: expand(
        pattern, dataset=wildcards.dataset, negatives=study.labels(wildcards.dataset)
    )


def tested(wildcards):
    """The targets of a dataset, and (target, negatives) of all their rows that one of its models is scored on."""
    pairs = [
        pair
        for label in study.labels(wildcards.dataset)
        for pair in tests(wildcards.dataset, label)
    ]
    return study.targets(wildcards.dataset), list(dict.fromkeys(pairs))


def tests(source, label):
    """(target, negatives) pairs that a model trained on `source` with the negatives `label` is scored on."""
    return [(t, x) for t in study.targets(source) for x in study.test_labels(t, label)]


def runs(tf):
    """(source dataset, negatives, model) of every set of predictions on targets of this TF."""
    return [
        (d, label, model)
        for d in sources(tf)
        for label in study.labels(d)
        for model in study.models(tf)
        if model in study.models(study.datasets[d]["tf"])
    ]


def labelled(tf):
    """(dataset, negatives) of every negative set of a TF."""
    return [(d, label) for d in of_tf(tf) for label in study.labels(d)]


def evaluated(tf):
    """The parts of the config that an evaluation reads, with the labels that apply to this TF."""
    labels = {label for _, label in labelled(tf)}
    used = {
        label: options
        for label, options in study.config["negatives"].items()
        if label in labels
    }
    return {key: study.config[key] for key in ("transfer", "statistics")} | {
        "models": {model: study.config["models"][model] for model in study.models(tf)},
        "negatives": used,
    }


def sources(tf):
    """Datasets whose models are scored on targets of this TF: its own, and the sources of extra pairs."""
    extra = [
        s
        for s, target in study.config["transfer"]["extra_pairs"]
        if study.datasets[target]["tf"] == tf
    ]
    return list(dict.fromkeys(of_tf(tf) + extra))


def tests_of(wildcards):
    """Label of the negatives trained with -> (target, negatives) that its models are scored on."""
    return {
        label: tests(wildcards.dataset, label)
        for label in study.labels(wildcards.dataset)
    }


def foreign_scores(wildcards):
    """The files that a foreign program wrote of a source; one that is absent leaves its cell without value."""
    folder = Path(study.config["models"][wildcards.model]["path"])
    source, label = wildcards.dataset, wildcards.negatives
    wanted = [paths.scores_file(source, label, t, x) for t, x in tests(source, label)]
    return [str(folder / name) for name in wanted if (folder / name).is_file()]


CELLTYPE = study.config["celltype"]


def assayed(tf):
    """The cells with peaks of a factor."""
    return [cell for cell, files in study.cells.items() if tf in files["conservative"]]


def trials():
    """(factor, cell that tests): a factor's cells in turn, or those that the config names."""
    wanted = CELLTYPE["test_cells"]
    return [
        (tf, cell)
        for tf in CELLTYPE["tfs"] or study.cell_tfs()
        for cell in assayed(tf)
        if cell in wanted or not wanted
    ]


def assayed_factor(wildcards):
    """The TF of the sheet of cells that a path is named for."""
    return ASSAYED[wildcards.tf]


def training_cells(tf, test):
    """The cells of the test cell's genome that may train."""
    genome = study.cells[test]["genome"]
    return [
        cell
        for cell in assayed(tf)
        if study.cells[cell]["genome"] == genome and cell not in CELLTYPE["test_cells"]
    ]


def trial(wildcards):
    """The files of the cells that a trial reads: those that train, the one that tests, the reference."""
    test = wildcards.cell
    alike = [
        cell
        for cell, files in study.cells.items()
        if files["genome"] == study.cells[test]["genome"]
    ]
    reference = CELLTYPE["reference"] if CELLTYPE["reference"] in alike else alike[0]
    read = {reference, test, *training_cells(assayed_factor(wildcards), test)}
    return {cell: files for cell, files in study.cells.items() if cell in read}


def trial_files(wildcards):
    """Every file of these cells, with the genome, its genes and its blacklist."""
    options = study.config["genomes"][study.cells[wildcards.cell]["genome"]]
    fasta = f"resources/genomes/{study.cells[wildcards.cell]['genome']}.fa"
    rows = []
    for files in trial(wildcards).values():
        for what in ("accessibility", "accessibility_peaks", "expression"):
            rows += files[what]
        for what in ("conservative", "relaxed"):
            rows += files[what].get(assayed_factor(wildcards), [])
    named = {key: paths.local(options[key]) for key in ("genes", "blacklist")}
    return (
        {"genome": fasta, "index": f"{fasta}.fai"}
        | {key: path for key, path in named.items() if path}
        | {"cells": [row["path"] for row in rows]}
    )


def of_curve(table):
    return [
        CURVE.format(source=s, target=t, negatives=x, model=m, table=table)
        for s, t, x, m in study.retrained()
    ]


def retrain_tables():
    """The learning curves, where the config asks for some."""
    names = ("retrain", "crossings") if study.retrained() else ()
    return [f"results/{name}.tsv" for name in names]


def explaining(pattern, wildcards):
    """A file of the source, that of the target and that of the dataset that stands for another cycle or cell."""
    other = study.stand_in(wildcards.source, wildcards.target)
    return both(pattern, wildcards) + [
        pattern.format(dataset=d, negatives=wildcards.negatives) for d in [other] if d
    ]


def causes_table():
    """What the drops are made of, where the config asks."""
    return ["results/causes.tsv"] if study.explained() else []


def unlabelled_tables():
    """What is gained without target labels, where the config asks for it."""
    names = ("adaptation", "transferability") if study.unlabelled() else ()
    return [f"results/{name}.tsv" for name in names]


def both(pattern, wildcards):
    """A file of the source and that of the target."""
    label = wildcards.negatives
    return [
        pattern.format(dataset=dataset, negatives=label)
        for dataset in (wildcards.source, wildcards.target)
    ]


def of_pair(table):
    return [
        UNLABELLED.format(source=s, target=t, negatives=x, model=m, table=table)
        for s, t, x, m in study.unlabelled()
    ]


def network(dataset):
    """The files of the network that a label reads, of one dataset of the pair."""
    return lambda wildcards: multiext(
        f"results/models/{wildcards[dataset]}/{wildcards.negatives}/{study.trained(wildcards.model)}/",
        "model.json",
        "model.safetensors",
    )


def strangers(wildcards):
    """Datasets of other TFs in the source's assay: a few are enough."""
    source = wildcards.source
    return study.others(source, wildcards.negatives)[:8]


def with_negatives(datasets, label):
    """Bound, unbound and leaking rows of each."""
    return [
        pattern.format(dataset=d, negatives=label)
        for d in datasets
        if label in study.labels(d)
        for pattern in (POSITIVES, NEGATIVES, LEAKING)
    ]


def compared(dataset):
    """What an audit reads of a row of the sheet."""
    return {
        key: study.datasets[dataset][key]
        for key in ("dataset", "tf", "assay", "genome")
    }


def trained_models(made_by, dataset):
    """What a training reads of the config, for each (negatives, model)."""
    return [
        {
            "negatives": label,
            "model": model,
            "options": study.options(model, dataset),
            "embed": study.embedded(model),
        }
        for label, model in models(made_by, dataset)
    ]


def trained_of(dataset):
    """(negatives, label) of the weights that the scores of a dataset's models need."""
    units = [(label, study.trained(model)) for label, model in scored(dataset)]
    return list(dict.fromkeys(units))


def learners(dataset):
    """(negatives, model) of what can be read out as motifs."""
    return [
        (label, model)
        for label, model in scored(dataset)
        if model in made_by("training") or KIND[model] == "regression"
    ]


def celltype_options(unread):
    """What a trial reads of the key `celltype`: which trials and networks there are is no part of it."""
    return {
        key: value
        for key, value in CELLTYPE.items()
        if key not in ("tfs", "test_cells", "networks", unread)
    }


def named(dataset):
    """What the page and the cards tell of a row of the sheet, files as they are written there."""
    columns = *DESCRIBES, *paths.PATHS
    columns += tuple(map(paths.checksum_column, paths.PATHS))
    return {column: study.datasets[dataset][column] for column in columns}
