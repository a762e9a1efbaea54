"""Metrics, drops, curves and calibration of one TF's datasets."""

import pandas as pd

from tfbind import job
from tfbind.io import tables
from tfbind.sequences import leakage
from tfbind.transfer import calibration, evaluate

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
tests = tables.read_targets(params.targets, inputs.positives, params.labelled, inputs.negatives)
predictions = {
    tuple(run): tables.read(path, tables.PREDICTIONS) for run, path in zip(params.runs, inputs.predictions, strict=True)
}
study = params.tf, params.rows, predictions, tests, params.config
refused = leakage.refused(pd.concat(map(tables.read_tsv, inputs.audits)))
results = *evaluate.evaluate(*study, refused), *calibration.calibrate(*study)
names = ("metrics", "transfer", "curves", "calibration", "reliability")
for table, name in zip(results, names, strict=True):
    tables.write_tsv(table, snakemake.output[name])
