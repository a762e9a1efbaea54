"""Metrics, drops and curves of one TF's datasets."""

import logging

import pandas as pd

from tfbind import evaluation, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
params = snakemake.params
tests = {
    target: [tables.read(path).assign(negatives="")]
    for target, path in zip(params.targets, snakemake.input.positives, strict=True)
}
for (target, label), path in zip(params.labelled, snakemake.input.negatives, strict=True):
    tests[target].append(tables.read(path).assign(negatives=label))
predictions = {
    tuple(run): tables.read(path, tables.PREDICTIONS)
    for run, path in zip(params.runs, snakemake.input.predictions, strict=True)
}
tests = {target: pd.concat(parts).query("split == 'test'").__finalize__(parts[0]) for target, parts in tests.items()}
results = evaluation.evaluate(
    snakemake.wildcards.tf,
    params.rows,
    predictions,
    tests,
    params.config,
)
for table, name in zip(results, ("metrics", "transfer", "curves"), strict=True):
    tables.write_tsv(table, snakemake.output[name])
