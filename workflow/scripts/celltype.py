"""Train on the cells of one TF, score another: all methods on features, or one network on sequence."""

from tfbind import job, storage
from tfbind.celltype import estimators, evaluate, networks
from tfbind.celltype.tf_bins import open_tf
from tfbind.io import download, tables
from tfbind.io.genome import Genome
from tfbind.io.tally import Tally

job.begin(snakemake.log[0])
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
tally = Tally()
for path, sha256 in params.checksums.items():
    download.verify(params.located[path], sha256)
genome = Genome(inputs.genome, **params.genome)
plan = evaluate.plan(
    params.train,
    words.cell,
    evaluate.chromosomes(genome.lengths, params.split, params.options["unused"], genome.resolve),
)
tf_bins = open_tf(
    params.tf,
    storage.placed(params.files, params.located),
    genome,
    params.options,
    inputs.get("genes", ""),
    inputs.get("blacklist", ""),
    tally,
    train=(plan.train, plan.chromosomes["train"]),
)
if network := words.get("network"):
    tf_bins = networks.Sequences(tf_bins)
    methods = networks.build([network], params.options["steps"], params.seed)
    more = {"reference": False}
else:
    built = estimators.build(tf_bins.names, params.seed)
    methods = {name: candidates for name, candidates in built.items() if name in params.options["methods"]}
    more = {"best_site": tf_bins.best_site}
fixed = {"limit": params.options["limit"], "seed": params.seed, "statistics": params.statistics}
tables.write_tsv(evaluate.evaluate(params.tf, tf_bins, plan, methods=methods, **fixed, **more), snakemake.output.table)
tables.write_tsv(tally.frame(), snakemake.output.log)
