"""What one model has learnt, as motifs."""

import logging
from pathlib import Path

from tfbind import interpretation, matching, tables

logging.basicConfig(filename=snakemake.log[0], level="INFO")
inputs = snakemake.input
bound, unbound = map(tables.read, (inputs.positives, inputs.negatives))
learnt, motifs = interpretation.learnt(Path(inputs.model[0]).parent, bound, unbound, snakemake.params.reading)
tables.write_tsv(learnt, snakemake.output.table)
matching.write(motifs, snakemake.output.motifs)
