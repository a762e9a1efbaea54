"""One source model meets one target without its labels: what is gained, and what could be foreseen."""

import logging
from pathlib import Path

import pandas as pd

from tfbind import audit, tables, unlabelled
from tfbind.adaptation import Examples
from tfbind.config import shift

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards


def clean(positives, negatives, leaking):
    """Both tables without the rows that leak."""
    bound, unbound, said = audit.without(
        tables.read(positives), tables.read(negatives), tables.read(leaking, audit.LEAKING)
    )
    logging.info(said)
    return Examples(bound, unbound)


sides = [clean(*paths) for paths in zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True)]
cycles = [clean(*inputs.cycles[i : i + 3]) for i in range(0, len(inputs.cycles), 3)]
source, target = params.rows
about = {
    "tf": source["tf"],
    "source": words.source,
    "source_assay": source["assay"],
    "target": words.target,
    "target_assay": target["assay"],
    "shift": shift(source, target),
    "train_negatives": words.negatives,
    "test_negatives": words.negatives,
    "model": words.model,
}
results = unlabelled.pair(
    about,
    *(Path(paths[0]).parent for paths in (inputs.source, inputs.own)),
    *sides,
    params.reading,
    params.config,
    others=[tables.read(path) for path in inputs.others],
    cycles=Examples(*map(pd.concat, zip(*cycles, strict=True))) if cycles else None,
    work=Path(snakemake.output[0]).parent / "checkpoints",
)
for table, name in zip(results, ("adaptation", "signs"), strict=True):
    tables.write_tsv(table, snakemake.output[name])
