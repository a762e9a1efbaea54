"""One table of all factors and test cells, the challenge's combined score last."""

from tfbind import celltype, job, tables

job.begin(snakemake.log[0])
tables.write_tsv(celltype.joined([tables.read_tsv(path) for path in snakemake.input]), snakemake.output[0])
