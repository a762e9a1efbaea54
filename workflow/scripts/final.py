"""Train every model of one dataset again, on all of its rows."""

import logging
from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
negatives = dict(zip(params.labels, inputs.negatives, strict=True))
files = zip(outputs.weights, outputs.models, outputs.histories, strict=True)
for unit, described, *made in zip(params.units, inputs.models, *zip(*files, strict=True), strict=True):
    label, evaluated = unit["negatives"], Path(described).parent
    rows = Path(inputs.positives), Path(negatives[label])
    stamp = kept.stamp(*rows, *(evaluated / Path(path).name for path in made), unit, params.seeds, params.code)
    if kept.restore(made, stamp):
        logging.info("%s/%s: kept", label, unit["model"])
        continue
    from tfbind.models import final  # Lightning loads only where something is trained

    logging.info("%s/%s: training on all rows", label, unit["model"])
    final.fit(
        evaluated,
        *map(tables.read, rows),
        Path(made[0]).parent,
        params.seeds,
        unit["embed"],
        unit["learns"],
        snakemake.threads,
    )
    kept.keep(made, stamp)
