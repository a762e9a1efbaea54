"""Score the test rows of every target with every model of one dataset."""

import logging
from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables
from tfbind.sequences import leakage

job.begin(snakemake.log[0])
WORDS = "models of words scan longer sequences alone; give a label the reading scan"
inputs, params = snakemake.input, snakemake.params
folds = len(inputs.leaking) // len(params.tests)
read = iter([tables.read(path, leakage.LEAKING) for path in inputs.leaking])
leaking = dict(zip(params.tests, zip(*[read] * folds, strict=True), strict=True))
paths = zip(*[iter(map(Path, inputs.models))] * (2 * folds), strict=True)
models = dict(zip(map(tuple, params.trained), paths, strict=True))
rows = dict(zip(map(tuple, params.tested), map(Path, inputs.negatives), strict=True))
waiting = []
for (label, model, trained, reading), path in zip(params.units, snakemake.output, strict=True):
    files, tests = models[label, trained], [tuple(pair) for pair in params.tests[label]]
    sequences = *map(Path, inputs.positives), *(rows[pair] for pair in tests)
    left_out = map(leakage.fingerprint, leaking[label])
    stamp = kept.stamp(*files, *sequences, params.targets, tests, reading, *left_out, params.code)
    there = kept.restore([path], stamp)
    logging.info("%s/%s: %s", label, model, "kept" if there else "to be scored")
    waiting += [] if there else [(label, model, files[0].parent, reading, tests, path, stamp)]
if waiting:
    from tfbind.models import predict, store  # torch loads only where something is scored

    targets = tables.read_targets(params.targets, inputs.positives, params.tested, inputs.negatives)
    refused = [
        WORDS
        if not reading
        else next(
            filter(None, (leakage.outdated(store.of_fold(folder, i), leaking[label][i]) for i in range(folds))), ""
        )
        for label, _, folder, reading, *_ in waiting
    ]
    runs = [
        predict.Run(folder, reading, {t: [x for other, x in tests if other == t] for t in params.targets}, folds)
        for (_, _, folder, reading, tests, *_), reason in zip(waiting, refused, strict=True)
        if not reason
    ]
    made = predict.predict_all(runs, targets)
    for (label, model, *_, path, stamp), reason in zip(waiting, refused, strict=True):
        logging.info("%s/%s: %s", label, model, reason or "scoring")
        tables.write(tables.empty(tables.PREDICTIONS, reason) if reason else next(made), path, tables.PREDICTIONS)
        kept.keep([path], stamp)
