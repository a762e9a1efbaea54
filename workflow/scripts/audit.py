"""What of one source's training rows is in the test rows of its targets, with each set of negatives."""

import logging

from tfbind import job
from tfbind.io import tables
from tfbind.sequences import leakage

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
targets = tables.read_targets(params.targets, inputs.positives, params.tested, inputs.negatives)
bound = tables.read(inputs.bound)
folds = len(outputs.leaking) // len(outputs.counts)
of_folds = zip(*[iter(outputs.leaking)] * folds, strict=True)
paths = zip(params.tests.items(), inputs.unbound, of_folds, outputs.counts, strict=True)
for (label, tests), unbound, leaking_paths, counts_path in paths:
    logging.info("%s: comparing", label)
    counts, leaking = leakage.audit_folds(
        params.source,
        label,
        (bound, tables.read(unbound)),
        params.targets,
        tables.chosen(targets, tests),
        folds,
        **params.options,
    )
    tables.write_tsv(counts, counts_path)
    for table, path in zip(leaking, leaking_paths, strict=True):
        tables.write(table, path, leakage.LEAKING)
