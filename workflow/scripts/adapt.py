"""The learning curves of one source model on one target."""

import logging
from pathlib import Path

from tfbind import adaptation, audit, tables
from tfbind.shifts import shift

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
paths = zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True)
sides = [adaptation.Examples(*audit.trainable(*each)[:2]) for each in paths]
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
folder, work = Path(inputs.model[0]).parent, Path(snakemake.output[0]).parent / "checkpoints"
results = adaptation.pair(folder, *sides, about, params.config, params.reading, work)
for table, name in zip(results, ("retrain", "crossings"), strict=True):
    tables.write_tsv(table, snakemake.output[name])
