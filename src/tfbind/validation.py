"""The data files of a study, read as a run will read them: what `tfbind validate` says."""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from tfbind import assays, config, intervals, layout, negatives, resources, signal
from tfbind.faults import InputError
from tfbind.genome import Genome, index
from tfbind.splits import generator
from tfbind.tables import Tally, note


def _unmeasured(
    study: config.Study, cell: str, opened: signal.Cell, bound: Mapping[str, set[str]], genome: Genome
) -> tuple[list[str], list[str]]:
    """Where a cell has peaks and nothing that methods read: reasons on test chromosomes, notes on others."""
    options = study.config["celltype"]
    test = {genome.resolve(chrom) for chrom in study.config["split"]["test"]}
    tests = not options["test_cells"] or cell in options["test_cells"]
    reasons, notes = [], []
    unused = set(map(genome.resolve, options["unused"]))
    for chrom in (chrom for chrom in genome.lengths if chrom not in unused):
        tfs = ", ".join(tf for tf, chroms in bound.items() if chrom in chroms and tf in (options["tfs"] or bound))
        if tfs and (what := " and ".join(opened.lacks(chrom))):
            if chrom in test and tests:
                reasons.append(
                    f"{cell}: not estimable: peaks of {tfs} on the test chromosome {chrom} and no {what} there"
                )
            elif chrom not in test:
                notes.append(f"{cell}: not trained on {chrom}: peaks of {tfs} and no {what} there")
    return reasons, notes


def _said(tally: Tally) -> str:
    # what was done with the records first, then what somebody should know
    rows = sorted(tally.rows, key=lambda row: row[0] == "noted")
    return "; ".join(f"{count} {event}, {reason}" for event, reason, count in rows)


def read_files(study: config.Study, say: Callable[[str], object]) -> list[str]:
    """Make the tables of every dataset and read every cell whose files are here, and keep none.

    Parameters
    ----------
    study : Study
    say : callable
        Gets a line for each table: what was read, dropped and kept; and one for a dataset that was not read.

    Returns
    -------
    list of str
        The datasets that nothing can be learnt from, and why.

    Raises
    ------
    InputError
        All faults of all files, each once.
    """
    faults: list[str] = []
    genomes: dict[str, Genome | None] = {}
    reads: dict[str, dict[str, pd.DataFrame]] = {}
    reasons = []

    def tried(work, *arguments, **options):
        try:
            return work(*arguments, **options)
        except InputError as error:
            faults.extend(error.faults)

    with tempfile.TemporaryDirectory() as folder:
        for name, options in study.config["genomes"].items():
            source, fasta = layout.local(options["fasta"]), Path(folder) / f"{name}.fa"
            rows = (*study.datasets.values(), *study.cell_files)
            if os.path.isfile(source) and any(row["genome"] == name for row in rows):
                tried(resources.verify, source, options["sha256"])
                tried(index, source, fasta)
            genomes[name] = tried(Genome, fasta, options["chromosomes"], source) if fasta.exists() else None
        for dataset, row in ((name, study.row(name, config.SEQUENCES)) for name in study.datasets):
            genome = genomes.get(row["genome"])
            blacklist = layout.local(study.config["genomes"][row["genome"]]["blacklist"]) if row["genome"] else ""
            absent = [
                path for path in (*(row[c] for c in layout.PATHS), blacklist) if path and not os.path.isfile(path)
            ]
            if absent or (row["genome"] and genome is None):
                say(f"{dataset}: not read: {', '.join(absent) or 'its genome'} is not here or cannot be used")
                continue
            for path, sha256 in study.checksums(dataset).items():
                tried(resources.verify, path, sha256)
            if row["relaxed_path"]:
                tried(intervals.read_peaks, row["relaxed_path"], row["format"])
            options = {"split": study.config["split"], "blacklist": blacklist, "rng": generator("positives", dataset)}
            options |= {"genome": genome, **study.config["sequence"]}
            made = {"bound": tried(assays.positives, row, **options)}
            wanted = {kind for label in study.labels(dataset) for kind in study.kinds(label, row["assay"])}
            for kind in sorted(wanted & set().union(*assays.offers(row).values())):
                made[kind] = tried(assays.unbound, row, kind, **options | {"limit": None})
            for kind, (table, tally) in ((kind, both) for kind, both in made.items() if both):
                events = _said(tally)
                say(f"{dataset}: {kind}: {events}")
                reasons += [f"{dataset}: not estimable: {note(table)}"] if note(table) else []
            if row["assay"] == "htselex" and all(made.values()):
                reads[dataset] = {kind: table for kind, (table, _) in made.items()}
        for dataset in reads:
            for label in study.labels(dataset):
                tried(_draw, study, dataset, label, reads)
        for cell, files in study.cells.items():
            genome, options = genomes.get(files["genome"]), study.config["genomes"][files["genome"]]
            genes = layout.local(options["genes"])
            peaks = [row for kind in ("conservative", "relaxed") for rows in files[kind].values() for row in rows]
            rows = [*files["accessibility"], *files["accessibility_peaks"], *files["expression"], *peaks]
            absent = [path for path in (*(row["path"] for row in rows), genes) if path and not os.path.isfile(path)]
            if absent or genome is None:
                say(f"{cell}: not read: {', '.join(absent) or 'its genome'} is not here or cannot be used")
                continue
            for path, sha256 in [*((row["path"], row["sha256"]) for row in rows), (genes, options["genes_sha256"])]:
                if path:
                    tried(resources.verify, path, sha256)
            tally = Tally()
            if opened := tried(signal.cell, files, genome, genes, tally):
                tried(opened.track.check)  # reads every value
            bound = {}
            for row in peaks:
                table = tried(intervals.read_peaks, row["path"], row["format"], tally)
                table = None if table is None else tried(intervals.named, table, genome, tally)
                if table is not None and row["what"] == "conservative":
                    bound.setdefault(row["tf"], set()).update(table["chrom"])
            if opened and not faults:
                found, notes = _unmeasured(study, cell, opened, bound, genome)
                reasons += found
                for line in notes:
                    say(line)
            say(f"{cell}: cell: " + _said(tally))
    if faults:
        raise InputError(dict.fromkeys(faults))  # each once, in order
    return reasons


def _draw(study: config.Study, dataset: str, label: str, reads: Mapping[str, Mapping[str, pd.DataFrame]]) -> None:
    # The negatives of a dataset of reads, as the workflow draws them: classes that technical sequence tells apart.
    kinds, options = study.kinds(label, study.datasets[dataset]["assay"]), study.config["negatives"][label]
    unbound = {kind: table for kind, table in reads[dataset].items() if kind in kinds}
    if "other_tf" in kinds:
        others = study.others(dataset, label)
        if not all(other in reads for other in others):
            return
        rng = generator("other_tf", dataset, label)
        unbound["other_tf"] = negatives.pool([reads[other]["bound"] for other in others], rng)[0]
    same = [
        other for other in reads if other != dataset and study.datasets[other]["tf"] == study.datasets[dataset]["tf"]
    ]
    negatives.draw(
        dataset,
        reads[dataset]["bound"],
        kinds,
        generator("negatives", dataset, label),
        ratio=options["ratio"],
        unbound=unbound,
        bound=[reads[other]["bound"] for other in same] if "other_tf" in kinds else [],
        gc=options["gc"],
        reads=True,
    )
