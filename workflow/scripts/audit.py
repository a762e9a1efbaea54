"""What of one source's training rows is in the test rows of its targets."""

import logging

from tfbind import audit, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params = snakemake.input, snakemake.params
targets = tables.read_targets(params.targets, inputs.positives, params.tests, inputs.negatives)
counts, leaking = audit.audit(
    params.source,
    snakemake.wildcards.negatives,
    (tables.read(inputs.bound), tables.read(inputs.unbound)),
    params.targets,
    targets,
    **params.options,
)
tables.write_tsv(counts, snakemake.output.counts)
tables.write(leaking, snakemake.output.leaking, audit.LEAKING)
