"""Draw every named set of negatives of one dataset."""

import logging
from itertools import chain

from tfbind import assays, intervals, job, negatives, tables
from tfbind.genome import Genome
from tfbind.splits import generator

job.begin(snakemake.log[0])
inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
row, fasta, blacklist = params.row, inputs.get("genome"), inputs.get("blacklist")
genome = Genome(fasta, params.chromosomes) if fasta else None
peaks = [intervals.read_peaks(n[c], n["format"]) for n in params.neighbours for c in ("path", "relaxed_path") if n[c]]
placed = {"genome": genome, "blacklist": blacklist}
avoid = intervals.named(intervals.together(peaks), genome, tables.Tally()) if peaks else None
asked = dict.fromkeys(chain(*(options["kinds"] for options in params.labels.values())))
sequence = params.sequence | {"limit": None, "split": params.split}
offered = set().union(*assays.offers(row).values())
read = {
    kind: assays.unbound(row, kind, **sequence, **placed, rng=generator(kind, row["dataset"]))
    for kind in asked
    if kind in offered
}
names = dict.fromkeys(chain(*params.others.values()))
others = {name: tables.read(path) for name, path in zip(names, inputs.others, strict=True)}
positives, bound = tables.read(inputs.positives), [tables.read(path) for path in inputs.bound]
for (label, options), path, log in zip(params.labels.items(), outputs.tables, outputs.logs, strict=True):
    logging.info("%s: drawing", label)
    found, kinds = {kind: read[kind] for kind in options["kinds"] if kind in read}, options["kinds"]
    if label in params.others:
        rows = [others[other] for other in params.others[label]]
        found["other_tf"] = negatives.pool(rows, generator("other_tf", row["dataset"], label))
    table, tally = negatives.draw(
        *(row["dataset"], positives, kinds, generator("negatives", row["dataset"], label)),
        ratio=options["ratio"],
        draws=len(params.seeds) if options["fresh"] else 1,
        unbound={kind: table for kind, (table, _) in found.items()},
        avoid=avoid if {"genomic", "flank", "other_tf"} & set(kinds) else None,
        bound=bound if label in params.others else [],
        reads=row["assay"] == "htselex",
        **placed,
        **{name: options[name] for name in ("margin", "distance", "gc")},
    )
    tally.rows[:0] = chain(*(each.rows for _, each in found.values()))
    tables.write_tsv(tally.frame(), log)
    tables.write(table, path)
