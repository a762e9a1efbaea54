"""Train a network on the cells of one factor, score another."""

import logging

from tfbind import bin_networks, cells, celltype, resources, tables
from tfbind.genome import Genome

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
for path, sha256 in params.checksums.items():
    resources.verify(path, sha256)
genome = Genome(inputs.genome, params.chromosomes)
plan = celltype.plan(
    params.train, words.cell, celltype.chromosomes(genome.lengths, params.split, params.options["unused"])
)
factor = cells.open_factor(
    words.tf,
    params.files,
    genome,
    params.options,
    inputs.get("genes", ""),
    inputs.get("blacklist", ""),
    train=(plan.train, plan.chromosomes["train"]),
)
table = celltype.evaluate(
    words.tf,
    bin_networks.Sequences(factor),
    plan,
    methods=bin_networks.build([words.network], params.options["steps"], params.seed),
    limit=params.options["limit"],
    seed=params.seed,
    statistics=params.statistics,
    reference=False,
)
tables.write_tsv(table, snakemake.output[0])
