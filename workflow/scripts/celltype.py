"""Train on the cells of one factor, score another."""

import logging

from tfbind import cells, celltype, estimators, resources, tables
from tfbind.genome import Genome

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
tally = tables.Tally()
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
    tally,
    train=(plan.train, plan.chromosomes["train"]),
)
table = celltype.evaluate(
    words.tf,
    factor,
    plan,
    methods={
        name: candidates
        for name, candidates in estimators.build(factor.names, params.seed).items()
        if name in params.options["methods"]
    },
    limit=params.options["limit"],
    seed=params.seed,
    statistics=params.statistics,
    best_site=factor.best_site,
)
tables.write_tsv(table, snakemake.output[0])
tables.write_tsv(tally.frame(), snakemake.output[1])
