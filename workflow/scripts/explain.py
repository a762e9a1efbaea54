"""What each cause explains of one drop."""

from pathlib import Path

from tfbind import job, kept
from tfbind.io import tables

job.begin(snakemake.log[0])
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
read = map(Path, (*inputs.positives, *inputs.negatives, *inputs.leaking))
stamp = kept.stamp(*read, params.rows, params.model, params.config, params.code)
if not kept.restore(snakemake.output, stamp):
    from tfbind.models.examples import LabelledTables
    from tfbind.sequences import leakage
    from tfbind.transfer import drop_attribution, evaluate

    paths = zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True)
    sides = [LabelledTables(*leakage.trainable(*each)[:2]) for each in paths]
    source, target, other = *sides, *[None] * (3 - len(sides))
    about = evaluate.named(params.rows, words.source, words.target, words.negatives, words.negatives, words.model)
    rows = [params.rows[words.source], params.rows[words.target]]
    table = drop_attribution.pair(source, target, other, rows, about, params.config, params.model)
    tables.write_tsv(table, snakemake.output[0])
    kept.keep(snakemake.output, stamp)
