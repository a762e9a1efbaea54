"""Metrics, drops, curves and calibration of one TF's datasets."""

import logging

import pandas as pd

from tfbind import audit, calibration, evaluation, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
params = snakemake.params
tests = {
    target: (tables.read(path), {}) for target, path in zip(params.targets, snakemake.input.positives, strict=True)
}
for (target, label), path in zip(params.labelled, snakemake.input.negatives, strict=True):
    tests[target][1][label] = tables.read(path)
predictions = {
    tuple(run): tables.read(path, tables.PREDICTIONS)
    for run, path in zip(params.runs, snakemake.input.predictions, strict=True)
}
study = snakemake.wildcards.tf, params.rows, predictions, tests, params.config
refused = audit.refused(pd.concat(map(tables.read_tsv, snakemake.input.audits)))
results = *evaluation.evaluate(*study, refused), *calibration.calibrate(*study)
names = ("metrics", "transfer", "curves", "calibration", "reliability")
for table, name in zip(results, names, strict=True):
    tables.write_tsv(table, snakemake.output[name])
