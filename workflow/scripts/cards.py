"""A card beside every trained model: what it learnt from, how well it did where, and its limits."""

from pathlib import Path

from tfbind import job
from tfbind.io import tables
from tfbind.models import model_card

job.begin(snakemake.log[0])
params = snakemake.params
metrics = tables.read_tsv(snakemake.input.metrics)
for (dataset, negatives, model), card in zip(params.models, snakemake.output.cards, strict=True):
    model_card.write_card(
        Path(card).parent,
        params.rows[dataset],
        params.files[dataset],
        {
            "positives": f"results/positives/{dataset}.parquet",
            "negatives": f"results/negatives/{dataset}/{negatives}.parquet",
            "leaking": f"results/audit/{dataset}/{negatives}.parquet",
        },
        params.config | {"negatives": params.config["negatives"][negatives]},
        model_card.evaluated(dataset, negatives, params.readings[model], metrics),
    )
