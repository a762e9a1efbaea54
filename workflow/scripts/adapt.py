"""The learning curves of one source model on one target."""

from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables

job.begin(snakemake.log[0])
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
made = [snakemake.output[name] for name in ("retrain", "crossings")]
read = map(Path, (*inputs.model, *inputs.positives, *inputs.negatives, *inputs.leaking))
stamp = kept.stamp(*read, params.rows, params.reading, params.config, params.code)
if not kept.restore(made, stamp):
    from tfbind.models.examples import LabelledTables
    from tfbind.sequences import leakage
    from tfbind.transfer import evaluate, learning_curves

    paths = zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True)
    sides = [LabelledTables(*leakage.trainable(*each)[:2]) for each in paths]
    about = evaluate.named(params.rows, words.source, words.target, words.negatives, words.negatives, words.model)
    del about["comparison"]  # a curve has none
    folder, work = Path(inputs.model[0]).parent, Path(made[0]).parent / "checkpoints"
    results = learning_curves.pair(folder, *sides, about, params.config, params.reading, work)
    for table, path in zip(results, made, strict=True):
        tables.write_tsv(table, path)
    kept.keep(made, stamp)
