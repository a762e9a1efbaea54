"""The causes of all drops in one table."""

import logging

import pandas as pd

from tfbind import tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
tables.write_tsv(pd.concat(map(tables.read_tsv, snakemake.input)), snakemake.output[0])
