"""Train every seed of one network on one dataset."""

import logging
from pathlib import Path

from tfbind import audit, training

logging.basicConfig(filename=snakemake.log[0], level="INFO")
options = dict(snakemake.params.options)
inputs = snakemake.input
bound, unbound, leaking = audit.trainable(inputs.positives, inputs.negatives, inputs.leaking)
folder = Path(snakemake.output[0]).parent
training.fit(
    options.pop("kind"),
    options,
    bound,
    unbound,
    seeds=snakemake.params.seeds,
    training=snakemake.params.training,
    folder=folder,
    extra=dict(snakemake.wildcards.items()),
    embed=snakemake.params.embed,
    threads=snakemake.threads,
)
audit.stamp(folder, leaking)
