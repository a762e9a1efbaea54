"""The study, validated before any job is planned; wildcards; the inputs of each stage."""

import os
import shlex
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from tfbind import home
from tfbind.code_digest import digest
from tfbind.errors import InputError
from tfbind.io import paths
from tfbind.io.hosts import allow
from tfbind.study.config import load
from tfbind.study.plan import Plan
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

# For envs/tfbind.post-deploy.sh.
os.environ.update(TFBIND_PACKAGE=str(home.PACKAGE))

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

plan = Plan(study)
POSITIVES = "results/positives/{dataset}.parquet"
NEGATIVES = "results/negatives/{dataset}/{negatives}.parquet"
LEAKING = "results/audit/{dataset}/{negatives}.parquet"
LEAKING_OF_FOLD = "results/audit/{dataset}/{fold}{negatives}.parquet"
MODEL = "results/models/{dataset}/{negatives}/{model}"
PREDICTIONS = "results/predictions/{dataset}/{negatives}/{model}.parquet"
CURVE = "results/retrain/{source}/{target}/{negatives}/{model}/{table}.tsv"
UNLABELLED = "results/unlabelled/{source}/{target}/{negatives}/{model}/{table}.tsv"
ENV = "../../envs/tfbind.yaml"


# Folders of the folds: the first fold has none of its own.
FOLDS = ["", *(f"fold{i}/" for i in range(1, study.config["split"]["folds"]))]


def one_of(words):
    return "|".join(map(re.escape, words)) or "(?!)"


# All in one, above all rules: findings/snakemake_s3_wildcard_constraints.sh.
wildcard_constraints:
    dataset=one_of(study.datasets),
    negatives=one_of(study.config["negatives"]),
    model=one_of(study.config["models"]),
    tf=one_of([file_name(tf) for tf in study.tfs()]),
    genome=one_of(study.config["genomes"]),
    source=one_of(study.datasets),
    target=one_of(study.datasets),


# Of the files that the config and its sheets name, those that a rule makes; all others are the user's own.
BROUGHT = study.brought()


def file_of_study(name):
    """A file of the study as an input. The user's own are read where they lie, also if all else is kept in a storage."""
    return name if name in BROUGHT else local(name)


def files_of_study(names):
    return list(map(file_of_study, names))


def located(name, names, input):
    """Where a job finds each file that its parameters name: there, or where Snakemake put a copy from a storage.

    Of `names`, which are its input `files`, and of those of the genome `name`. Being derived from `input`, such a
    parameter makes nothing anew.
    """
    options = study.config["genomes"].get(name, {})
    found = {
        paths.local(options[key]): input.get(key)
        for key in ("blacklist", "genes")
        if input.get(key)
    }
    return found | dict(zip(names, input.files, strict=True))


def genome(row):
    """The indexed genome and the blacklist of a row, where it has one."""
    name = row["genome"]
    if not name:
        return {}
    blacklist = paths.local(study.config["genomes"][name]["blacklist"])
    fasta = f"resources/genomes/{name}.fa"
    return {"genome": fasta, "index": f"{fasta}.fai"} | (
        {"blacklist": file_of_study(blacklist)} if blacklist else {}
    )


TFS = {file_name(tf): tf for tf in study.tfs()}
ASSAYED = {file_name(tf): tf for tf in study.cell_tfs()}


def tf_of(wildcards):
    """The TF that a path is named for (`MAX-MYC` of `MAX::MYC`)."""
    return TFS[wildcards.tf]


def as_first(rule, name):
    """What a profile or the command line says of a rule holds for another variant of it."""
    first, other = (getattr(rules, each).rule for each in (rule, name))
    other.resources, other.group = first.resources.copy(), first.group


def of_units(pattern, units):
    """A file of every unit, the dataset left open; of every fold of it where the pattern has folds."""
    folds = FOLDS if "{fold}" in pattern else [""]
    return [
        pattern.replace("{negatives}", x).replace("{model}", m).replace("{fold}", fold)
        for x, m in units
        for fold in folds
    ]


def of_labels(pattern):
    """A file of every negative set of the dataset."""
    return lambda wildcards: expand(
        pattern, dataset=wildcards.dataset, negatives=study.labels(wildcards.dataset)
    )


def leaking_of_folds(labels, dataset="{dataset}"):
    """What leaks in every fold, of every negative set."""
    return [
        LEAKING_OF_FOLD.format(dataset=dataset, negatives=x, fold=fold)
        for x in labels
        for fold in FOLDS
    ]


def foreign_scores(wildcards):
    """The files that another program wrote for a source; where one is absent, its cell has no value."""
    folder = Path(study.config["models"][wildcards.model]["path"])
    source, label = wildcards.dataset, wildcards.negatives
    wanted = [
        paths.scores_file(source, label, t, x) for t, x in plan.tests(source, label)
    ]
    return files_of_study(
        str(folder / name) for name in wanted if (folder / name).is_file()
    )


def declared_genome(wildcards):
    """The indexed genome of the loci that a model from elsewhere was trained on, where the config names one."""
    name = study.config["models"][wildcards.model]["genome"]
    fasta = f"resources/genomes/{name}.fa"
    declared = name and study.declared(wildcards.model, wildcards.dataset)
    return {"genome": fasta, "index": f"{fasta}.fai"} if declared else {}


def assayed_factor(wildcards):
    """The TF of the sheet of cells that a path is named for."""
    return ASSAYED[wildcards.tf]


def trial_files(wildcards):
    """Every file of the cells of a trial, with the genome, its genes and its blacklist."""
    name = study.cells[wildcards.cell]["genome"]
    options, fasta = study.config["genomes"][name], f"resources/genomes/{name}.fa"
    named = {key: paths.local(options[key]) for key in ("genes", "blacklist")}
    cells = plan.trial_paths(assayed_factor(wildcards), wildcards.cell)
    return {
        "genome": fasta,
        "index": f"{fasta}.fai",
        "files": files_of_study(cells),
    } | {key: file_of_study(path) for key, path in named.items() if path}


def trial_located(wildcards, input):
    """`located`, of the files of a trial."""
    cells = plan.trial_paths(assayed_factor(wildcards), wildcards.cell)
    return located(study.cells[wildcards.cell]["genome"], cells, input)


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


def with_negatives(datasets, label):
    """Positives, negatives and leaking rows of each."""
    return [
        pattern.format(dataset=d, negatives=label)
        for d in datasets
        if label in study.labels(d)
        for pattern in (POSITIVES, NEGATIVES, LEAKING)
    ]
