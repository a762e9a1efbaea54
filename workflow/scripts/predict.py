"""Score the test rows of every target with one model."""

import logging
from pathlib import Path

from tfbind import audit, prediction, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
params = snakemake.params
targets = {
    target: (tables.read(path), {}) for target, path in zip(params.targets, snakemake.input.positives, strict=True)
}
for (target, label), path in zip(params.tests, snakemake.input.negatives, strict=True):
    targets[target][1][label] = tables.read(path)
folder = Path(snakemake.input.model[0]).parent
if reason := audit.outdated(folder, tables.read(snakemake.input.leaking, audit.LEAKING)):
    scores = tables.empty(tables.PREDICTIONS, reason)
else:
    scores = prediction.predict(folder, targets, params.reading)
tables.write(scores, snakemake.output[0], tables.PREDICTIONS)
