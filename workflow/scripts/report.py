"""The page."""

from pathlib import Path

import pandas as pd

from tfbind import job
from tfbind.interpretation import tomtom
from tfbind.io import tables
from tfbind.report import page, provenance

job.begin(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
logs = {dataset: {} for dataset in params.datasets}
for dataset, path in zip(params.datasets, inputs.positives, strict=True):
    logs[dataset]["positives"] = tables.read_tsv(path)
for (dataset, label), path in zip(params.labels, inputs.negatives, strict=True):
    logs[dataset][f"negatives:{label}"] = tables.read_tsv(path)
names = ("metrics", "transfer", "summary", "assay_pairs", "shifts", "libraries", "ladder", "variance", "calibration")
found = {name: tables.read_tsv(path) for name, path in zip(names, inputs.tables, strict=True)}
found |= {Path(path).stem: tables.read_tsv(path) for path in (*inputs.causes, *inputs.retrain, *inputs.unlabelled)}
found["guidance"] = tables.read_tsv(inputs.guidance)
found |= {"verdicts": tables.read_tsv(inputs.verdicts), "audit": tables.read_tsv(inputs.audit), "logs": logs}
found |= {name: pd.concat(map(tables.read_tsv, inputs.get(name))) for name in ("curves", "reliability")}
found["celltype"] = tables.read_tsv(inputs.celltype[0]) if inputs.celltype else None
found["motifs"] = tables.read_tsv(inputs.motifs[0]), tomtom.read(inputs.motifs[1])
found["provenance"] = provenance.provenance(params.rows, params.config, params.cells, params.located)
page.render(snakemake.output[0], params.title, found)
