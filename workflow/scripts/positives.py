"""One row of the sheet -> its table of positives, and the account of what was kept."""

from tfbind import job, storage
from tfbind.io import download, tables
from tfbind.io.genome import Genome
from tfbind.seeding import generator
from tfbind.sequences import positives

job.begin(snakemake.log[0])
params = snakemake.params
row = storage.placed(params.row, params.located)
fasta = snakemake.input.get("genome")
for path, sha256 in params.checksums.items():
    download.verify(params.located[path], sha256)
table, tally = positives.positives(
    row,
    **params.sequence,
    split=params.split,
    genome=Genome(fasta, **params.genome) if fasta else None,
    blacklist=snakemake.input.get("blacklist"),
    rng=generator("positives", row["dataset"]),
)
tables.write_tsv(tally.frame(), snakemake.output.log)
tables.write(table, snakemake.output.table)
