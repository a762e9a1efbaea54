"""The learning curves of all pairs in one table, and where they cross in another."""

import logging

import pandas as pd

from tfbind import tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
for name in ("retrain", "crossings"):
    tables.write_tsv(pd.concat(map(tables.read_tsv, snakemake.input[name])), snakemake.output[name])
