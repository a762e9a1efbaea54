"""Draw one named set of negatives for one dataset."""

import logging

from tfbind import assays, intervals, negatives, tables
from tfbind.genome import Genome
from tfbind.splits import generator

logging.basicConfig(filename=snakemake.log[0], level="INFO")
row, params, fasta = snakemake.params.row, snakemake.params, snakemake.input.get("genome")
genome = Genome(fasta, params.chromosomes) if fasta else None
blacklist = snakemake.input.get("blacklist")
label, options = snakemake.wildcards.negatives, params.options
offered = set().union(*assays.offers(row).values())
unbound, tally = {}, tables.Tally()
for kind in params.kinds:
    if kind in offered:
        rng = generator(kind, row["dataset"])
        pool = params.sequence | {"limit": None, "split": params.split}
        unbound[kind], read = assays.unbound(row, kind, **pool, genome=genome, blacklist=blacklist, rng=rng)
        tally.rows += read.rows
if "other_tf" in params.kinds:
    rows = [tables.read(path) for path in snakemake.input.others]
    unbound["other_tf"], read = negatives.pool(rows, generator("other_tf", row["dataset"], label))
    tally.rows += read.rows
peaks = [intervals.read_peaks(n[c], n["format"]) for n in params.neighbours for c in ("path", "relaxed_path") if n[c]]
table, drawn = negatives.draw(
    row["dataset"],
    tables.read(snakemake.input.positives),
    params.kinds,
    generator("negatives", row["dataset"], label),
    ratio=options["ratio"],
    draws=len(params.seeds) if options["fresh"] else 1,
    unbound=unbound,
    genome=genome,
    blacklist=blacklist,
    avoid=intervals.named(intervals.together(peaks), genome, tables.Tally()) if peaks else None,
    bound=[tables.read(path) for path in snakemake.input.bound],
    **{name: options[name] for name in ("margin", "distance", "gc")},
)
tally.rows += drawn.rows
tables.write_tsv(tally.frame(), snakemake.output.log)
tables.write(table, snakemake.output.table)
