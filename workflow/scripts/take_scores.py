"""Take the scores that a foreign program wrote."""

import logging

from tfbind import foreign, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params = snakemake.input, snakemake.params
targets = tables.read_targets(params.targets, inputs.positives, params.tests, inputs.negatives)
wildcards = snakemake.wildcards
scores = foreign.predictions(params.folder, wildcards.dataset, wildcards.negatives, targets)
tables.write(scores, snakemake.output[0], tables.PREDICTIONS)
