"""Verify, unpack and index one genome: the only job that writes its index."""

from tfbind import genome, job, resources

job.begin(snakemake.log[0])
resources.verify(snakemake.input[0], snakemake.params.sha256)
genome.index(snakemake.input[0], snakemake.output.fasta)
