"""Bring one file of the study here, verified."""

from tfbind import job, resources

job.begin(snakemake.log[0])
url, sha256 = snakemake.params.source
resources.fetch(url, sha256, snakemake.output[0])
