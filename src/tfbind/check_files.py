"""Read the data files of a study and draw its negatives as a run will do it, for `tfbind validate`."""

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tfbind import motifs
from tfbind.celltype import cells as celltype_cells
from tfbind.celltype.cells import Cell
from tfbind.errors import InputError, NotEstimable, ResourceError
from tfbind.io import chromosomes, download, tables
from tfbind.io.genome import Genome, index
from tfbind.io.paths import PATHS, local
from tfbind.io.peaks import read_peaks
from tfbind.io.tables import note
from tfbind.io.tally import Tally
from tfbind.seeding import generator
from tfbind.sequences import declared, drawing, positives
from tfbind.study.study import SEQUENCES, Study
from tfbind.transfer import external_scores


@dataclass
class Findings:
    """The results of reading some files.

    Attributes
    ----------
    said : list of str
        Sentences on what was read, dropped and kept.
    faults : list of str
        Faults for which a run stops.
    reasons : list of str
        Datasets and cells from which nothing can be learnt, and why.
    """

    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def tried(self, work, *arguments, **options):
        """Call `work` and keep its faults where it refuses.

        Parameters
        ----------
        work : callable
        *arguments, **options
            Given to `work`.

        Returns
        -------
        object
            The result of `work`; None where it raised an `InputError`.
        """
        try:
            return work(*arguments, **options)
        except InputError as error:
            self.faults += error.faults

    def table(self, dataset: str, name: str, table, tally: Tally) -> None:
        """Add the counts of a table, and the reason where it is empty.

        Parameters
        ----------
        dataset : str
            A dataset or a cell.
        name : str
            Which of its tables it is.
        table : DataFrame or None
            Its `note` is the reason; None has none.
        tally : Tally
        """
        # the processing of the records first, then the notes
        rows = sorted(tally.rows, key=lambda row: row[0] == "noted")
        self.said.append(f"{dataset}: {name}: " + "; ".join(f"{count} {event}, {why}" for event, why, count in rows))
        if table is not None and note(table):
            self.reasons.append(f"{dataset}: not estimable: {note(table)}")


def read_files(
    study: Study,
    say: Callable[[str], object],
    cores: int = 1,
    done: Callable[[int, int], object] = lambda done, of: None,
) -> list[str]:
    """Make the tables of every dataset and read every cell whose files are here, and keep none.

    Parameters
    ----------
    study : Study
    say : callable
        Gets a line for each table: what was read, dropped and kept; and one for a dataset that was not read. The lines
        come in the order of the sheets, whatever `cores`.
    cores : int
        Processes that read; with 1 all is read in this one.
    done : callable
        Gets how many steps are done and of how many, each time that one is.

    Returns
    -------
    list of str
        The datasets that nothing can be learnt from, and why.

    Raises
    ------
    InputError
        All faults of all files, each once: those for which a run of the study stops.
    ResourceError
        Where a process that reads was killed.
    """
    faults: list[str] = []
    reasons: list[str] = []
    datasets, cells = list(study.datasets), list(study.cells)

    def gathered(found: Iterable[Findings]) -> None:
        for each in found:
            for line in each.said:
                say(line)
            faults.extend(each.faults)
            reasons.extend(each.reasons)
            steps[0] += 1
            done(*steps)

    used = {row["genome"] for row in (*study.datasets.values(), *study.cell_files)}
    used |= {options.get("genome", "") for options in study.config["models"].values()}
    genomes = [name for name in study.config["genomes"] if name in used]
    models = [model for model, options in study.config["models"].items() if options.get("kind") == "scores"]
    written = [
        (model, source)
        for model in models
        for source in datasets
        if model in study.models(study.datasets[source]["tf"])
    ]
    references = [model for model, options in study.config["models"].items() if options.get("kind") == "matrix"]
    steps = [0, len(genomes) + 2 * len(datasets) + len(cells) + len(written) + len(references)]
    with tempfile.TemporaryDirectory() as name, _workers(min(cores, steps[1])) as each:
        folder = Path(name)
        done(*steps)
        gathered(each(partial(_index, study, folder), genomes))
        gathered(each(partial(_positives, study, folder), datasets))
        gathered(each(partial(_negatives, study, folder), datasets))
        gathered(each(partial(_cell, study, folder), cells))
        gathered(each(partial(_scores, study, folder), written))
        gathered(each(partial(_matrix, study), references))
    if faults:
        raise InputError(dict.fromkeys(faults))  # each once, in order
    return reasons


@contextmanager
def _workers(count: int):
    # A function like `map`, in some processes.
    if count < 2:
        yield map
        return
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    # the processes would start in the folder where multiprocessing was imported; paths are relative to this one
    with ProcessPoolExecutor(count, context, os.chdir, (os.getcwd(),)) as pool:
        try:
            yield pool.map
        except BrokenProcessPool:
            raise ResourceError(
                "a process that read files was killed, most likely for want of memory; use --cores 1"
            ) from None


def _index(study: Study, folder: Path, name: str) -> Findings:
    found, options = Findings(), study.config["genomes"][name]
    source = local(options["fasta"])
    if os.path.isfile(source):
        found.tried(download.verify, source, options["sha256"])
        found.tried(index, source, folder / f"{name}.fa")
        found.tried(_genome, study, folder, name)
    return found


def _genome(study: Study, folder: Path, name: str) -> Genome | None:
    options, path = study.config["genomes"].get(name), folder / f"{name}.fa"
    return Genome(path, options["chromosomes"], local(options["fasta"])) if path.exists() else None


def _absent(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if path and not os.path.isfile(path)]


def _opened(study: Study, folder: Path, dataset: str) -> tuple[str, Genome | None, str]:
    # The blacklist of a dataset, its genome, and why the dataset cannot be read.
    row = study.row(dataset)
    if not row["genome"]:
        return "", None, ", ".join(_absent(row[column] for column in PATHS))
    blacklist = local(study.config["genomes"][row["genome"]]["blacklist"])
    absent = _absent([*(row[column] for column in PATHS), blacklist])
    try:
        genome = _genome(study, folder, row["genome"])
    except InputError:
        genome = None
    return blacklist, genome, ", ".join(absent) or ("" if genome else "its genome")


def _positives(study: Study, folder: Path, dataset: str) -> Findings:
    found, row = Findings(), study.row(dataset, SEQUENCES)
    blacklist, genome, absent = _opened(study, folder, dataset)
    if absent:
        found.said.append(f"{dataset}: not read: {absent} is not here or cannot be used")
        return found
    for path, sha256 in study.checksums(dataset).items():
        found.tried(download.verify, path, sha256)
    options = {**study.made(dataset), "split": study.config["split"], "rng": generator("positives", dataset)}
    if made := found.tried(positives.positives, row, genome=genome, blacklist=blacklist, **options):
        found.table(dataset, "positives", *made)
        tables.write(made[0], folder / f"{dataset}.parquet")
    return found


def _negatives(study: Study, folder: Path, dataset: str) -> Findings:
    found, pools, alike = Findings(), study.pools(dataset), study.alike(dataset)
    needed = dict.fromkeys([dataset, *(name for names in pools.values() for name in names), *alike])
    neighbours = study.neighbours(dataset)
    blacklist, genome, absent = _opened(study, folder, dataset)
    if not absent and not (folder / f"{dataset}.parquet").exists():
        return found  # its fault is said
    paths = {name: folder / f"{name}.parquet" for name in needed}
    waits = [name for name, path in paths.items() if not path.exists()]
    waits += _absent(row[column] for row in neighbours for column in ("path", "relaxed_path"))
    if waits:
        if not absent:
            found.said.append(f"{dataset}: no negatives drawn: {', '.join(waits)} is not here or cannot be used")
        return found
    read = {name: tables.read(path) for name, path in paths.items()}
    drawn = drawing.sets(
        study.row(dataset, SEQUENCES),
        study.drawn(dataset),
        read[dataset],
        sequence=study.made(dataset),
        split=study.config["split"],
        seeds=len(study.config["seeds"]),
        genome=genome,
        blacklist=blacklist,
        neighbours=neighbours,
        others={label: [read[name] for name in names] for label, names in pools.items()},
        bound=[read[name] for name in alike],
    )

    def keep() -> None:
        for label, table, tally in drawn:
            found.table(dataset, label, table, tally)
            tables.write(table, folder / dataset / f"{label}.parquet")

    found.tried(keep)
    return found


def _scores(study: Study, folder: Path, written: tuple[str, str]) -> Findings:
    # What another program wrote of one source, held against the test rows of its targets.
    found, (model, source) = Findings(), written
    path = study.config["models"][model]["path"]
    if files := study.declared(model, source):
        tally, name = Tally(), study.config["models"][model]["genome"]
        try:
            genome = _genome(study, folder, name) if name else None
        except InputError:
            genome = None
        if name and genome is None:
            found.said.append(f"{model}: trained_on not read: its genome is not here or cannot be used")
        elif found.tried(declared.read, files, model, genome, tally) is not None:
            found.table(model, f"trained on, for {source}", None, tally)
    for label in study.labels(source):
        sets = {target: study.test_labels(target, label) for target in study.targets(source)}
        files = [folder / f"{target}.parquet" for target in sets]
        files += [folder / target / f"{name}.parquet" for target, names in sets.items() for name in names]
        if all(map(Path.exists, files)):
            targets = {
                target: (
                    tables.read(folder / f"{target}.parquet"),
                    {name: tables.read(folder / target / f"{name}.parquet") for name in names},
                )
                for target, names in sets.items()
            }
            found.tried(external_scores.predictions, path, source, label, targets)
    return found


def _matrix(study: Study, model: str) -> Findings:
    # The known matrix of each TF that a label is used for; what it has of a file is said once.
    found, taken = Findings(), {}
    of_tf = {study.datasets[d]["tf"]: study.options(model, d) for d in study.datasets}
    for tf, options in of_tf.items():
        if model not in study.models(tf):
            continue
        try:
            (name,) = motifs.known(**{key: options[key] for key in ("tf", "motif", "file", "tax_groups")}).ids
            taken.setdefault(name, []).append(tf)
        except NotEstimable as reason:
            found.reasons.append(f"{tf}: no {model}: {reason}")
        except InputError as error:
            where = f"{study.path.name}: models.{model}: "
            found.faults += [fault if options["file"] else where + fault for fault in error.faults]
    found.said += [f"{model}: {', '.join(tfs)}: {name}" for name, tfs in taken.items()]
    return found


def _cell(study: Study, folder: Path, cell: str) -> Findings:
    found, files = Findings(), study.cells[cell]
    options = study.config["genomes"][files["genome"]]
    genes = local(options["genes"])
    try:
        genome = _genome(study, folder, files["genome"])
    except InputError:
        genome = None
    peaks = [row for kind in ("conservative", "relaxed") for rows in files[kind].values() for row in rows]
    rows = [*files["accessibility"], *files["accessibility_peaks"], *files["expression"], *peaks]
    absent = _absent([*(row["path"] for row in rows), genes])
    if absent or genome is None:
        found.said.append(f"{cell}: not read: {', '.join(absent) or 'its genome'} is not here or cannot be used")
        return found
    for path, sha256 in [*((row["path"], row["sha256"]) for row in rows), (genes, options["genes_sha256"])]:
        if path:
            found.tried(download.verify, path, sha256)
    tally = Tally()
    if opened := found.tried(celltype_cells.cell, files, genome, genes, tally):
        found.tried(opened.track.check)  # reads every value
    of_tf = {}
    for row in peaks:
        table = found.tried(read_peaks, row["path"], row["format"], tally)
        table = None if table is None else found.tried(chromosomes.named, table, genome, tally)
        if table is not None and row["what"] == "conservative":
            of_tf.setdefault(row["tf"], set()).update(table["chrom"])
    if opened and not found.faults:
        reasons, notes = _unmeasured(study, cell, opened, of_tf, genome)
        found.reasons += reasons
        found.said += notes
    found.table(cell, "cell", None, tally)
    return found


def _unmeasured(
    study: Study, cell: str, opened: Cell, of_tf: Mapping[str, set[str]], genome: Genome
) -> tuple[list[str], list[str]]:
    """Where a cell has peaks and nothing that methods read: reasons on test chromosomes, notes on others."""
    options = study.config["celltype"]
    test = {genome.resolve(chrom) for chrom in study.config["split"]["test"]}
    tests = not options["test_cells"] or cell in options["test_cells"]
    reasons, notes = [], []
    unused = set(map(genome.resolve, options["unused"]))
    for chrom in (chrom for chrom in genome.lengths if chrom not in unused):
        tfs = ", ".join(tf for tf, chroms in of_tf.items() if chrom in chroms and tf in (options["tfs"] or of_tf))
        if tfs and (what := " and ".join(opened.lacks(chrom))):
            if chrom in test and tests:
                reasons.append(
                    f"{cell}: not estimable: peaks of {tfs} on the test chromosome {chrom} and no {what} there"
                )
            elif chrom not in test:
                notes.append(f"{cell}: not trained on {chrom}: peaks of {tfs} and no {what} there")
    return reasons, notes
