"""tfbind: how far does a model of TF binding travel, and when must it be retrained?"""

import os
from pathlib import Path

from snakemake.utils import min_version

from tfbind import progress

min_version("9.0")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/positives.smk"
include: "workflow/rules/negatives.smk"
include: "workflow/rules/audit.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/retrain.smk"
include: "workflow/rules/causes.smk"
include: "workflow/rules/unlabelled.smk"
include: "workflow/rules/celltype.smk"
include: "workflow/rules/motifs.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/final.smk"


onstart:
    # Snakemake's own limit, 100 starts of jobs a second, wakes its scheduler once more each second for every job that
    # has ended: of thousands, choosing the next took a core. A limit that somebody asked for stays.
    limit = getattr(workflow.scheduler, "job_rate_limiter", None)
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        workflow.scheduler.job_rate_limiter = None
    where = f"how far it is, from another terminal: tfbind progress {os.getcwd()}"
    progress.say([*study.notes, where])


onsuccess:
    stored = workflow.storage_settings
    if stored.default_storage_provider:
        where = f"{str(stored.default_storage_prefix).rstrip('/')}/results"
        progress.say([f"kept in {where}: report.html, the tables beside it"])
    else:
        progress.say(progress.summary(Path()))


onerror:
    progress.say(progress.HINTS)


rule all:
    default_target: True
    input:
        "results/audit.tsv",
        "results/summary.tsv",
        "results/report.html",
        retrain_tables(),
        causes_table(),
        unlabelled_tables(),
        ["results/celltype.tsv"] if study.cells else [],
        rules.cards.output,
        rules.final_cards.output if study.config["final"] else [],
