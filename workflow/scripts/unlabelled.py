"""One source model meets one target without its labels: what is gained, and what could be foreseen."""

from pathlib import Path

import pandas as pd

from tfbind import job, kept
from tfbind.io import tables

job.begin(snakemake.log[0])
inputs, params, words = snakemake.input, snakemake.params, snakemake.wildcards
made = [snakemake.output[name] for name in ("adaptation", "signs")]
stamp = kept.stamp(*map(Path, inputs), params.rows, params.reading, params.config, params.code)
if not kept.restore(made, stamp):
    from tfbind.models.examples import LabelledTables
    from tfbind.sequences import leakage, splits
    from tfbind.transfer import evaluate, unsupervised_adaptation

    others = iter(inputs.cycles)
    paths = [
        *zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True),
        *zip(others, others, others, strict=True),
    ]
    clean = [LabelledTables(*leakage.trainable(*each)[:2]) for each in paths]
    about = evaluate.named(params.rows, words.source, words.target, words.negatives, words.negatives, words.model)
    results = unsupervised_adaptation.pair(
        about,
        *(Path(paths[0]).parent for paths in (inputs.source, inputs.own)),
        *clean[:2],
        params.reading,
        params.config,
        others=[splits.of_fold(tables.read(path), 0) for path in inputs.others],
        cycles=LabelledTables(*map(pd.concat, zip(*clean[2:], strict=True))) if clean[2:] else None,
        work=Path(made[0]).parent / "checkpoints",
    )
    for table, path in zip(results, made, strict=True):
        tables.write_tsv(table, path)
    kept.keep(made, stamp)
