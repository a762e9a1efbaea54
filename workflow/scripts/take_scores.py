"""Take the scores that a foreign program wrote."""

import logging

from tfbind import foreign, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
params = snakemake.params
targets = {
    target: (tables.read(path), {}) for target, path in zip(params.targets, snakemake.input.positives, strict=True)
}
for (target, label), path in zip(params.tests, snakemake.input.negatives, strict=True):
    targets[target][1][label] = tables.read(path)
wildcards = snakemake.wildcards
scores = foreign.predictions(params.folder, wildcards.dataset, wildcards.negatives, targets)
tables.write(scores, snakemake.output[0], tables.PREDICTIONS)
