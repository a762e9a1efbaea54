"""One table of all factors and test cells, the challenge's combined score last."""

import logging

from tfbind import celltype, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
tables.write_tsv(celltype.joined([tables.read_tsv(path) for path in snakemake.input]), snakemake.output[0])
