"""The `tfbind` command. Exit codes: 0 done; 2 input invalid; 3 not estimable; 4 environment; 1 a bug."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tfbind import __version__, config, simulate
from tfbind.faults import InputError, NotEstimable, ResourceError

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
def validate(path: Annotated[Path, typer.Argument(metavar="CONFIG")]) -> None:
    """Report all faults of a config and its sheet at once."""
    study = config.load(path)
    datasets = study.datasets.values()
    counts = ", ".join(f"{sum(r['assay'] == a for r in datasets)} {a}" for a in ("chipseq", "htselex"))
    typer.echo(f"{path}: valid; {len(study.tfs())} TFs in {len(study.datasets)} datasets ({counts})")


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
