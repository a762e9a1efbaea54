"""Every learnt motif beside the known one that it matches best."""

from tfbind import job
from tfbind.interpretation import tomtom
from tfbind.io import tables

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
learners = []
for (dataset, negatives, model), table, motifs in zip(params.learners, inputs.tables, inputs.motifs, strict=True):
    learnt = tables.read_tsv(table)
    learners.append(tomtom.Learner(params.rows[dataset], negatives, model, learnt, tomtom.read(motifs)))
table, motifs = tomtom.tabulate(learners)
tables.write_tsv(table, snakemake.output.table)
tomtom.write(motifs, snakemake.output.motifs)
