"""The tables over all TFs: the paper's summary, each shift, the health of each dataset, the verdicts."""

import pandas as pd

from tfbind import job, storage
from tfbind.assays import form
from tfbind.io import tables
from tfbind.statistics import variance_components
from tfbind.transfer import guidance, ladder, library_qc, summary, verdicts

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
metrics = pd.concat(map(tables.read_tsv, inputs.metrics))
drops = pd.concat(map(tables.read_tsv, inputs.transfer))
contents, logs, reads = {}, {}, {}
for dataset, positives, negatives, log in zip(
    params.rows, inputs.positives, inputs.negatives, inputs.logs, strict=True
):
    sequences = [tables.read(path) for path in (positives, negatives)]
    contents[dataset] = library_qc.content(params.rows[dataset], *(table["sequence"] for table in sequences))
    if form(params.rows[dataset]["assay"]) == "reads":
        reads[dataset] = [table[["sequence", "origin"]] for table in sequences]
    logs[dataset] = tables.read_tsv(log)
series = library_qc.of_series(params.rows, reads, storage.placed(params.counted, params.located))
health = library_qc.judge(params.rows, logs, contents, metrics, params.models, series)
results = {
    "metrics": metrics,
    "transfer": drops,
    "summary": summary.summary(drops, params.level),
    "shifts": summary.shifts(drops, params.level),
    "assay_pairs": summary.assay_pairs(drops, health, params.level),
    "libraries": health,
    "ladder": ladder.ladder(metrics, drops, params.level),
    "variance": variance_components.split(metrics, params.rows, params.level),
    "calibration": pd.concat(map(tables.read_tsv, inputs.calibration)),
    "verdicts": verdicts.verdicts(drops, health, params.level, library_qc.references(params.models)),
}
results["guidance"] = guidance.guidance(results["verdicts"], drops, health, results["calibration"], params.level)
for name, table in results.items():
    tables.write_tsv(table, snakemake.output[name])
