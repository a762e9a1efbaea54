"""Fit one regression baseline on one dataset."""

import logging
from pathlib import Path

from tfbind import audit, baseline, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
options = dict(snakemake.params.options)
leaking = tables.read(snakemake.input.leaking, audit.LEAKING)
bound, unbound, said = audit.without(*map(tables.read, (snakemake.input.positives, snakemake.input.negatives)), leaking)
logging.info(said)
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
