"""What a model from elsewhere was trained on, as the config declares it, held against the test rows of its targets."""

import logging

from tfbind import job
from tfbind.io import tables
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally
from tfbind.sequences import declared, leakage

job.begin(snakemake.log[0])
inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
if inputs.declared:
    genome, tally = inputs.get("genome"), Tally()
    train = declared.read(inputs.declared, wildcards.model, Genome(genome, **params.opened) if genome else None, tally)
    logging.info("; ".join(f"{count} {event}, {why}" for event, why, count in tally.rows))
    counts, _ = leakage.audit(
        params.source | {"genome": params.genome},
        wildcards.negatives,
        (train, tables.empty(tables.SEQUENCES, "")),
        params.targets,
        tables.read_targets(params.targets, inputs.positives, params.tests, inputs.negatives),
        **params.options,
        model=wildcards.model,
    )
else:
    counts = leakage.not_declared(params.source, wildcards.negatives, params.targets, params.tests, wildcards.model)
tables.write_tsv(counts, snakemake.output[0])
