"""Fit one regression baseline on one dataset."""

import logging
from pathlib import Path

from tfbind import audit, baseline

logging.basicConfig(filename=snakemake.log[0], level="INFO")
options = dict(snakemake.params.options)
inputs = snakemake.input
bound, unbound, leaking = audit.trainable(inputs.positives, inputs.negatives, inputs.leaking)
folder = Path(snakemake.output[0]).parent
baseline.fit(
    options.pop("kind"),
    options,
    bound,
    unbound,
    seed=snakemake.params.seeds[0],
    folder=folder,
    extra=dict(snakemake.wildcards.items()),
)
audit.stamp(folder, leaking)
