"""What each cause explains of one drop."""

import logging

from tfbind import audit, causes, evaluation, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
paths = zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True)
sides = [causes.Rows(*audit.trainable(*each)[:2]) for each in paths]
source, target, other = *sides, *[None] * (3 - len(sides))
rows = {row["dataset"]: row for row in params.rows}
about = evaluation.named(rows, words.source, words.target, words.negatives, words.negatives, words.model)
table = causes.pair(source, target, other, params.rows, about, params.config, params.model)
tables.write_tsv(table, snakemake.output[0])
