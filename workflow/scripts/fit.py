"""Fit every baseline and reference of one dataset that is not there yet."""

import itertools
import logging
from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables
from tfbind.sequences import leakage, splits

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
negatives = dict(zip(params.labels, inputs.negatives, strict=True))
folds = range(len(inputs.leaking) // len(params.labels))
leaking = dict(zip(itertools.product(params.labels, folds), inputs.leaking, strict=True))
# without folds of its own (its test rows are a file) a dataset trains the same model in all where nothing leaks
in_folds = len(folds) > 1 and bool((splits.folds(tables.read(inputs.positives)) >= 0).any())
trained = {}
shared = None
units = itertools.product(params.units, folds)
for (unit, fold), *files in zip(units, outputs.weights, outputs.models, outputs.histories, strict=True):
    label, model, options = unit["negatives"], unit["model"], dict(unit["options"])
    left_out = leakage.fingerprint(tables.read(leaking[label, fold], leakage.LEAKING))
    rows = Path(inputs.positives), Path(negatives[label]), left_out
    of_fold = {"fold": fold} if in_folds else {}
    read = [Path(options["file"])] if options.get("file") else []
    stamp = kept.stamp(*rows, *read, unit | of_fold, params.seeds[0], params.code)
    twin = trained.setdefault((label, model, left_out), files) if not in_folds else files
    if kept.restore(files, stamp) or (twin is not files and kept.copy(twin, files)):
        logging.info("%s/%s: kept", label, model)
        continue
    from tfbind.models import baseline

    logging.info("%s/%s: fitting", label, model)
    positives, others, leaks = leakage.trainable(inputs.positives, negatives[label], leaking[label, fold], fold)
    if shared is None and len(negatives) * len(folds) > 1:  # the motifs are sought in the positives once
        shared = baseline.Kept(tables.read(inputs.positives)["sequence"])
    folder = Path(files[0]).parent
    baseline.fit(
        options.pop("kind"),
        options,
        positives,
        others,
        seed=params.seeds[0],
        folder=folder,
        extra={"dataset": snakemake.wildcards.dataset, "negatives": label, "model": model} | of_fold,
        kept=shared,
    )
    leakage.stamp(folder, leaks)
    kept.keep(files, stamp)
