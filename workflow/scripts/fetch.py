"""Bring one file of the study here, verified."""

from tfbind import job
from tfbind.io import download

job.begin(snakemake.log[0])
url, sha256 = snakemake.params.source
download.fetch(url, sha256, snakemake.output[0])
