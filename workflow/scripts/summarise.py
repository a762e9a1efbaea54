"""The tables over all TFs: the paper's summary, each shift, the health of each dataset, the verdicts."""

import pandas as pd

from tfbind import job, ladder, libraries, tables, transfer, variance

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
metrics = pd.concat(map(tables.read_tsv, inputs.metrics))
drops = pd.concat(map(tables.read_tsv, inputs.transfer))
contents, logs = {}, {}
for dataset, bound, unbound, log in zip(params.rows, inputs.positives, inputs.negatives, inputs.logs, strict=True):
    sequences = (tables.read(path)["sequence"] for path in (bound, unbound))
    contents[dataset] = libraries.content(params.rows[dataset], *sequences)
    logs[dataset] = tables.read_tsv(log)
health = libraries.judge(params.rows, logs, contents, metrics, params.models)
results = {
    "metrics": metrics,
    "transfer": drops,
    "summary": transfer.summary(drops, params.level),
    "shifts": transfer.shifts(drops, params.level),
    "libraries": health,
    "ladder": ladder.ladder(metrics, drops, params.level),
    "variance": variance.split(metrics, params.rows, params.level),
    "calibration": pd.concat(map(tables.read_tsv, inputs.calibration)),
    "verdicts": transfer.verdicts(drops, health, params.level),
}
for name, table in results.items():
    tables.write_tsv(table, snakemake.output[name])
