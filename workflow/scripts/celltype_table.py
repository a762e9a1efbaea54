"""One table of all TFs and test cells, the challenge's combined score last."""

from tfbind import job
from tfbind.celltype import evaluate
from tfbind.io import tables

job.begin(snakemake.log[0])
tables.write_tsv(evaluate.joined([tables.read_tsv(path) for path in snakemake.input]), snakemake.output[0])
