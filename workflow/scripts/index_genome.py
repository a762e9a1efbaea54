"""Verify, unpack and index one genome: the only job that writes its index."""

from tfbind import job
from tfbind.io import download, genome

job.begin(snakemake.log[0])
download.verify(snakemake.input[0], snakemake.params.sha256)
genome.index(snakemake.input[0], snakemake.output.fasta)
