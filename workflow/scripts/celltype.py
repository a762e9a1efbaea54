"""Train on the cells of one factor, score another."""

import logging

from tfbind import cells, celltype, tables
from tfbind.genome import Genome

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
tally = tables.Tally()
factor = cells.open_factor(
    words.tf,
    params.files,
    Genome(inputs.genome, params.chromosomes),
    params.options,
    inputs.get("genes", ""),
    inputs.get("blacklist", ""),
    tally,
)
table = celltype.evaluate(
    words.tf,
    factor,
    celltype.plan(
        params.train,
        words.cell,
        celltype.chromosomes(factor.genome.lengths, params.split, params.options["unused"]),
    ),
    methods=params.options["methods"],
    limit=params.options["limit"],
    seed=params.seed,
    statistics=params.statistics,
    best_site=factor.best_site,
)
tables.write_tsv(table, snakemake.output[0])
tables.write_tsv(tally.frame(), snakemake.output[1])
