"""Train every network of one dataset that is not there yet, with all its seeds."""

import logging
from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables
from tfbind.sequences import leakage

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
negatives, leaking = (dict(zip(params.labels, paths, strict=True)) for paths in (inputs.negatives, inputs.leaking))
for unit, *files in zip(params.units, outputs.weights, outputs.models, outputs.histories, strict=True):
    label, model, options = unit["negatives"], unit["model"], dict(unit["options"])
    left_out = leakage.fingerprint(tables.read(leaking[label], leakage.LEAKING))
    rows = Path(inputs.positives), Path(negatives[label]), left_out
    stamp = kept.stamp(*rows, unit, params.training, params.seeds, params.code)
    if kept.restore(files, stamp):
        logging.info("%s/%s: kept", label, model)
        continue
    from tfbind.models import training  # Lightning loads only where something is trained

    logging.info("%s/%s: training", label, model)
    positives, others, leaks = leakage.trainable(inputs.positives, negatives[label], leaking[label])
    folder = Path(files[0]).parent
    training.fit(
        options.pop("kind"),
        options,
        positives,
        others,
        seeds=params.seeds,
        training=params.training,
        folder=folder,
        extra={"dataset": snakemake.wildcards.dataset, "negatives": label, "model": model},
        embed=unit["embed"],
        learns=unit["learns"],
        threads=snakemake.threads,
    )
    leakage.stamp(folder, leaks)
    kept.keep(files, stamp)
