"""Train a network on the cells of one factor, score another."""

import logging

from tfbind import bin_networks, cells, celltype, tables
from tfbind.genome import Genome

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
factor = cells.open_factor(
    words.tf,
    params.files,
    Genome(inputs.genome, params.chromosomes),
    params.options,
    inputs.get("genes", ""),
    inputs.get("blacklist", ""),
)
table = celltype.evaluate(
    words.tf,
    bin_networks.Sequences(factor),
    celltype.plan(
        params.train,
        words.cell,
        celltype.chromosomes(factor.genome.lengths, params.split, params.options["unused"]),
    ),
    methods=bin_networks.build([words.network], params.options["steps"], params.seed),
    limit=params.options["limit"],
    seed=params.seed,
    statistics=params.statistics,
    reference=False,
)
tables.write_tsv(table, snakemake.output[0])
