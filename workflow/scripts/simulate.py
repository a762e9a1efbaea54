"""Write a simulated study in the formats of real ones."""

import logging

from tfbind import simulate

logging.basicConfig(filename=snakemake.log[0], level="INFO")
simulate.study(snakemake.params.folder, seed=snakemake.params.seed)
