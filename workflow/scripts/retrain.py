"""The learning curves of all pairs in one table, and where they cross in another."""

import pandas as pd

from tfbind import job
from tfbind.io import tables

job.begin(snakemake.log[0])
for name in ("retrain", "crossings"):
    tables.write_tsv(pd.concat(map(tables.read_tsv, snakemake.input[name])), snakemake.output[name])
