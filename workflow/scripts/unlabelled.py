"""One source model meets one target without its labels: what is gained, and what could be foreseen."""

import logging
from pathlib import Path

import pandas as pd

from tfbind import audit, evaluation, tables, unlabelled
from tfbind.adaptation import Examples

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
others = iter(inputs.cycles)
paths = [
    *zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True),
    *zip(others, others, others, strict=True),
]
clean = [Examples(*audit.trainable(*each)[:2]) for each in paths]
rows = dict(zip((words.source, words.target), params.rows, strict=True))
about = evaluation.named(rows, words.source, words.target, words.negatives, words.negatives, words.model)
results = unlabelled.pair(
    about,
    *(Path(paths[0]).parent for paths in (inputs.source, inputs.own)),
    *clean[:2],
    params.reading,
    params.config,
    others=[tables.read(path) for path in inputs.others],
    cycles=Examples(*map(pd.concat, zip(*clean[2:], strict=True))) if clean[2:] else None,
    work=Path(snakemake.output[0]).parent / "checkpoints",
)
for table, name in zip(results, ("adaptation", "signs"), strict=True):
    tables.write_tsv(table, snakemake.output[name])
