"""Write a simulated study in the formats of real ones."""

import logging
from pathlib import Path

from tfbind import simulate

logging.basicConfig(filename=snakemake.log[0], level="INFO")
simulate.study(Path(snakemake.output[0]).parent, seed=snakemake.params.seed)
