"""The adaptations of all pairs and over TFs in one table, what was foreseen of their drops in another."""

import pandas as pd

from tfbind import job
from tfbind.io import tables
from tfbind.transfer import transferability

job.begin(snakemake.log[0])
inputs, level = snakemake.input, snakemake.params.level
health = tables.read_tsv(inputs.libraries)
found, signs = (pd.concat(map(tables.read_tsv, inputs[name])) for name in ("adaptation", "signs"))
tables.write_tsv(transferability.over_tfs(found, health, level), snakemake.output.adaptation)
tables.write_tsv(transferability.foresee(signs, health, level), snakemake.output.transferability)
