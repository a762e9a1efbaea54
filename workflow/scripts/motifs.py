"""Every learnt motif beside the known one that it matches best."""

from tfbind import job, matching, tables

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
learners = []
for (dataset, negatives, model), table, motifs in zip(params.learners, inputs.tables, inputs.motifs, strict=True):
    learnt = tables.read_tsv(table)
    learners.append(matching.Learner(params.rows[dataset], negatives, model, learnt, matching.read(motifs)))
table, motifs = matching.tabulate(learners)
tables.write_tsv(table, snakemake.output.table)
matching.write(motifs, snakemake.output.motifs)
