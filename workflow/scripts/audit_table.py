"""The audits of all sources in one table, with the shift of each pair."""

import pandas as pd

from tfbind import job
from tfbind.io import tables
from tfbind.study.shifts import shift

job.begin(snakemake.log[0])
rows = snakemake.params.rows
counts = pd.concat(map(tables.read_tsv, snakemake.input))
counts = counts.astype(dict.fromkeys(("n_train", "n_test", "n_removed"), "Int64"))  # empty where nothing is declared
shifts = [shift(rows[s], rows[t]) for s, t in zip(counts["source"], counts["target"], strict=True)]
counts.insert(counts.columns.get_loc("comparison"), "shift", shifts)
tables.write_tsv(counts, snakemake.output[0])
