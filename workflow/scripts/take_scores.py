"""Take the scores that another program wrote."""

from tfbind import job
from tfbind.io import tables
from tfbind.transfer import external_scores

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
targets = tables.read_targets(params.targets, inputs.positives, params.tests, inputs.negatives)
wildcards = snakemake.wildcards
scores = external_scores.predictions(params.folder, wildcards.dataset, wildcards.negatives, targets)
tables.write(scores, snakemake.output[0], tables.PREDICTIONS)
