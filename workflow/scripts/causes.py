"""The causes of all drops in one table."""

import pandas as pd

from tfbind import job
from tfbind.io import tables

job.begin(snakemake.log[0])
tables.write_tsv(pd.concat(map(tables.read_tsv, snakemake.input)), snakemake.output[0])
