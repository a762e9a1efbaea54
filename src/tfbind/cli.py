"""The `tfbind` command. Exit codes: 0 done; 2 input invalid; 3 not estimable; 4 environment; 1 a bug."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tfbind import __version__, assays, config, intervals, resources, simulate
from tfbind.faults import InputError, NotEstimable, ResourceError
from tfbind.genome import Genome, index
from tfbind.splits import generator
from tfbind.tables import note

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """How far does a model of TF binding travel, and when must it be retrained?"""


@app.command("validate")
def validate(
    path: Annotated[Path, typer.Argument(metavar="CONFIG")],
    files: Annotated[bool, typer.Option("--files", help="Read every file that is here, too, as the run will.")] = False,
) -> None:
    """Report all faults of a config and its sheet at once."""
    study = config.load(path)
    reasons = _read_files(study) if files else []
    datasets = study.datasets.values()
    counts = ", ".join(f"{sum(r['assay'] == a for r in datasets)} {a}" for a in ("chipseq", "htselex"))
    typer.echo(f"{path}: valid; {len(study.tfs())} TFs in {len(study.datasets)} datasets ({counts})")
    if reasons:
        raise NotEstimable("\n".join(reasons))


def _read_files(study: config.Study) -> list[str]:
    # Every dataset becomes its tables, which are not kept: what was read, dropped and kept is printed, all faults are
    # raised at once, and the reasons of the datasets that nothing can be learnt from are returned.
    faults: list[str] = []
    genomes: dict[str, Genome | None] = {}
    reasons = []

    def tried(work, *arguments, **options):
        try:
            return work(*arguments, **options)
        except InputError as error:
            faults.extend(error.faults)

    with tempfile.TemporaryDirectory() as folder:
        for name, options in study.config["genomes"].items():
            source, fasta = config.local(options["fasta"]), Path(folder) / f"{name}.fa"
            if os.path.isfile(source) and any(row["genome"] == name for row in study.datasets.values()):
                tried(resources.verify, source, options["sha256"])
                tried(index, source, fasta)
            genomes[name] = tried(Genome, fasta, options["chromosomes"]) if fasta.exists() else None
        for dataset, row in ((dataset, study.row(dataset)) for dataset in study.datasets):
            genome = genomes.get(row["genome"])
            blacklist = config.local(study.config["genomes"][row["genome"]]["blacklist"]) if row["genome"] else ""
            absent = [
                path for path in (*(row[c] for c in config.PATHS), blacklist) if path and not os.path.isfile(path)
            ]
            if absent or (row["genome"] and genome is None):
                typer.echo(f"{dataset}: not read: {', '.join(absent) or 'its genome'} is not here or cannot be used")
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
                events = "; ".join(f"{count} {event}, {reason}" for event, reason, count in tally.rows)
                typer.echo(f"{dataset}: {kind}: {events}")
                reasons += [f"{dataset}: not estimable: {note(table)}"] if note(table) else []
    if faults:
        raise InputError(dict.fromkeys(faults))  # each once, in order
    return reasons


@app.command("simulate")
def simulated(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    seed: Annotated[int, typer.Option(help="Another seed is another study.")] = 0,
) -> None:
    """Write a study with known truth: a genome, ChIP-seq peaks, SELEX reads and their sheet."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty; name a new folder")
    simulate.study(folder, seed=seed)
    typer.echo(f"{folder}: {len(simulate.files())} files, the truth in truth.json; run it with")
    typer.echo(f"snakemake --cores 8 --configfile {folder}/config.yaml --directory {folder}")


def main() -> None:
    """Run the command and turn what went wrong into the exit code of its kind."""
    try:
        app()
    except (InputError, NotEstimable, ResourceError) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"{error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        sys.exit(ResourceError.exit_code)


if __name__ == "__main__":
    main()
