"""Fit every regression baseline of one dataset that is not there yet."""

import logging
from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables
from tfbind.sequences import leakage

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
negatives, leaking = (dict(zip(params.labels, paths, strict=True)) for paths in (inputs.negatives, inputs.leaking))
shared = None
for unit, *files in zip(params.units, outputs.weights, outputs.models, outputs.histories, strict=True):
    label, model, options = unit["negatives"], unit["model"], dict(unit["options"])
    left_out = leakage.fingerprint(tables.read(leaking[label], leakage.LEAKING))
    rows = Path(inputs.positives), Path(negatives[label]), left_out
    stamp = kept.stamp(*rows, unit, params.seeds[0], params.code)
    if kept.restore(files, stamp):
        logging.info("%s/%s: kept", label, model)
        continue
    from tfbind.models import baseline

    logging.info("%s/%s: fitting", label, model)
    positives, others, leaks = leakage.trainable(inputs.positives, negatives[label], leaking[label])
    if shared is None and len(negatives) > 1:  # the motifs are sought in the positives once
        shared = baseline.Kept(tables.read(inputs.positives)["sequence"])
    folder = Path(files[0]).parent
    baseline.fit(
        options.pop("kind"),
        options,
        positives,
        others,
        seed=params.seeds[0],
        folder=folder,
        extra={"dataset": snakemake.wildcards.dataset, "negatives": label, "model": model},
        kept=shared,
    )
    leakage.stamp(folder, leaks)
    kept.keep(files, stamp)
