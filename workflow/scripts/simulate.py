"""Write a simulated study in the formats of real ones."""

from pathlib import Path

from tfbind import job
from tfbind.simulation import simulate

job.begin(snakemake.log[0])
simulate.study(Path(snakemake.output[0]).parent, seed=snakemake.params.seed, assays=snakemake.params.assays)
