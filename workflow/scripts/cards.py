"""A card beside every trained model: what it learnt from, how well it did where, and its limits."""

from pathlib import Path

from tfbind import job
from tfbind.io import tables
from tfbind.models import model_card

job.begin(snakemake.log[0])
params = snakemake.params
inputs = snakemake.input
metrics = tables.read_tsv(inputs.metrics)
sequences = zip(inputs.positives, inputs.negatives, inputs.leaking, strict=True)
for (dataset, negatives, model), read, card in zip(params.models, sequences, snakemake.output.cards, strict=True):
    model_card.write_card(
        Path(card).parent,
        params.rows[dataset],
        {source: params.located[path] for source, path in params.files[dataset].items()},
        dict(zip(("positives", "negatives", "leaking"), read, strict=True)),
        params.config | {"negatives": params.config["negatives"][negatives]},
        model_card.evaluated(dataset, negatives, params.readings[model], metrics),
    )
