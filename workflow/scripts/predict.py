"""Score the test rows of every target with one model."""

import logging
from pathlib import Path

from tfbind import audit, prediction, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params = snakemake.input, snakemake.params
targets = tables.read_targets(params.targets, inputs.positives, params.tests, inputs.negatives)
folder = Path(inputs.model[0]).parent
if reason := audit.outdated(folder, tables.read(inputs.leaking, audit.LEAKING)):
    scores = tables.empty(tables.PREDICTIONS, reason)
else:
    scores = prediction.predict(folder, targets, params.reading)
tables.write(scores, snakemake.output[0], tables.PREDICTIONS)
