"""What every model of one dataset has learnt, as motifs."""

import logging
from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables
from tfbind.sequences import splits

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
negatives = dict(zip(params.labels, inputs.negatives, strict=True))
models = zip(*[iter(map(Path, inputs.models))] * 2, strict=True)
for (label, model, reading), files, *made in zip(params.units, models, outputs.tables, outputs.motifs, strict=True):
    stamp = kept.stamp(*files, Path(inputs.positives), Path(negatives[label]), reading, params.code)
    if kept.restore(made, stamp):
        logging.info("%s/%s: kept", label, model)
        continue
    from tfbind.interpretation import attribution, tomtom  # torch loads only where a model is read

    logging.info("%s/%s: reading out", label, model)
    positives, others = (splits.of_fold(tables.read(path), 0) for path in (inputs.positives, negatives[label]))
    learnt, motifs = attribution.learnt(files[0].parent, positives, others, reading)
    tables.write_tsv(learnt, made[0])
    tomtom.write(motifs, made[1])
    kept.keep(made, stamp)
