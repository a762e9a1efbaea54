"""Train every seed of one network on one dataset."""

import logging
from pathlib import Path

from tfbind import tables, training

logging.basicConfig(filename=snakemake.log[0], level="INFO")
options = dict(snakemake.params.options)
training.fit(
    options.pop("kind"),
    options,
    tables.read(snakemake.input.positives),
    tables.read(snakemake.input.negatives),
    seeds=snakemake.params.seeds,
    training=snakemake.params.training,
    folder=Path(snakemake.output[0]).parent,
    extra=dict(snakemake.wildcards.items()),
    embed=snakemake.params.embed,
)
