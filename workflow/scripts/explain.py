"""What each cause explains of one drop."""

import logging

from tfbind import audit, causes, evaluation, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
sides = []
for positives, negatives, leaking in zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True):
    bound, unbound, said = audit.without(
        tables.read(positives), tables.read(negatives), tables.read(leaking, audit.LEAKING)
    )
    logging.info(said)
    sides.append(causes.Rows(bound, unbound))
source, target, other = *sides, *[None] * (3 - len(sides))
rows = {row["dataset"]: row for row in params.rows}
about = evaluation.named(rows, words.source, words.target, words.negatives, words.negatives, words.model)
table = causes.pair(source, target, other, params.rows, about, params.config, params.model)
tables.write_tsv(table, snakemake.output[0])
