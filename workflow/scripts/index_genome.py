"""Verify, unpack and index one genome: the only job that writes its index."""

import logging

from tfbind import genome, resources

logging.basicConfig(filename=snakemake.log[0], level="INFO")
resources.verify(snakemake.input[0], snakemake.params.sha256)
genome.index(snakemake.input[0], snakemake.output.fasta)
