"""What of one source's training rows is in the test rows of its targets."""

import logging

from tfbind import audit, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params = snakemake.input, snakemake.params
targets = {target: (tables.read(path), {}) for target, path in zip(params.targets, inputs.positives, strict=True)}
for (target, label), path in zip(params.tests, inputs.negatives, strict=True):
    targets[target][1][label] = tables.read(path)
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
