"""Draw every named set of negatives of one dataset."""

import logging

from tfbind import job, storage
from tfbind.io import tables
from tfbind.io.genome import Genome
from tfbind.sequences import drawing

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
fasta = inputs.get("genome")
names = dict.fromkeys(name for names in params.others.values() for name in names)
others = {name: tables.read(path) for name, path in zip(names, inputs.others, strict=True)}
drawn = drawing.sets(
    storage.placed(params.row, params.located),
    params.labels,
    tables.read(inputs.positives),
    sequence=params.sequence,
    split=params.split,
    seeds=len(params.seeds),
    genome=Genome(fasta, **params.genome) if fasta else None,
    blacklist=inputs.get("blacklist"),
    neighbours=storage.placed(params.neighbours, params.located),
    others={label: [others[name] for name in names] for label, names in params.others.items()},
    bound=[tables.read(path) for path in inputs.bound],
)
for (label, table, tally), path, log in zip(drawn, outputs.tables, outputs.logs, strict=True):
    logging.info("%s: drawn", label)
    tables.write_tsv(tally.frame(), log)
    tables.write(table, path)
