"""Fit one regression baseline on one dataset."""

import logging
from pathlib import Path

from tfbind import baseline, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
options = dict(snakemake.params.options)
baseline.fit(
    options.pop("kind"),
    options,
    tables.read(snakemake.input.positives),
    tables.read(snakemake.input.negatives),
    seed=snakemake.params.seeds[0],
    folder=Path(snakemake.output[0]).parent,
    extra=dict(snakemake.wildcards.items()),
)
