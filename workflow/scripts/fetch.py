"""Bring one file of the study here, verified."""

import logging

from tfbind import resources

logging.basicConfig(filename=snakemake.log[0], level="INFO")
url, sha256 = snakemake.params.source
resources.fetch(url, sha256, snakemake.output[0])
