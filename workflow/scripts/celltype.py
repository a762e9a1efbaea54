"""Train on the cells of one factor, score another: all methods on features, or one network on sequence."""

from tfbind import bin_networks, cells, celltype, estimators, job, resources, tables
from tfbind.genome import Genome

job.begin(snakemake.log[0])
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
tally = tables.Tally()
for path, sha256 in params.checksums.items():
    resources.verify(path, sha256)
genome = Genome(inputs.genome, **params.genome)
plan = celltype.plan(
    params.train,
    words.cell,
    celltype.chromosomes(genome.lengths, params.split, params.options["unused"], genome.resolve),
)
factor = cells.open_factor(
    params.tf,
    params.files,
    genome,
    params.options,
    inputs.get("genes", ""),
    inputs.get("blacklist", ""),
    tally,
    train=(plan.train, plan.chromosomes["train"]),
)
if network := words.get("network"):
    factor = bin_networks.Sequences(factor)
    methods = bin_networks.build([network], params.options["steps"], params.seed)
    more = {"reference": False}
else:
    built = estimators.build(factor.names, params.seed)
    methods = {name: candidates for name, candidates in built.items() if name in params.options["methods"]}
    more = {"best_site": factor.best_site}
fixed = {"limit": params.options["limit"], "seed": params.seed, "statistics": params.statistics}
tables.write_tsv(celltype.evaluate(params.tf, factor, plan, methods=methods, **fixed, **more), snakemake.output.table)
tables.write_tsv(tally.frame(), snakemake.output.log)
