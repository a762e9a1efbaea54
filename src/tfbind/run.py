"""`tfbind run`: Snakemake on the workflow that came with tfbind, so that a study needs no clone."""

import contextlib
import io
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tfbind import home
from tfbind.errors import InputError, ResourceError
from tfbind.study import config

#: What the demo reads, under `home.FOLDER`; `config.yaml` comes last, since it says that the others are there.
DEMO = ("resources/datasets.tsv", "resources/cells.tsv", "config.yaml")


def run(words: Sequence[str], say: Callable[[str], object] = print) -> int:
    """Validate a study, then run Snakemake on it.

    Parameters
    ----------
    words : sequence of str
        The config, then options and targets of Snakemake. Without a config, that of the working folder, or the demo,
        which is copied there. The working folder is that of the config; Snakemake's ``--directory`` names another.
        ``--cores all`` is assumed where a run on this machine is given no number of cores.
    say : callable
        Is given a line about what was copied.

    Returns
    -------
    int
        Snakemake's exit code: 0 where all is done, else 1.

    Raises
    ------
    InputError
        The study is invalid, or not the first word, or Snakemake does not take the options. Nothing was started.
    ResourceError
        The plug-in of a storage is not installed. Nothing was started.
    """
    from snakemake import cli
    from snakemake.exceptions import CliException, WorkflowError
    from snakemake_interface_storage_plugins.registry import StoragePluginRegistry

    named = next((word for word in words[:1] if not word.startswith("-")), None)
    given = ["--snakefile", str(home.FOLDER / "Snakefile")]
    if named is not None:
        given += ["--configfile", named, "--directory", str(Path(named).parent)]
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            parser, args = cli.parse_args([*given, *words[named is not None :]])
        overrides = cli.parse_config(args.config)
    except (CliException, WorkflowError, ValueError) as error:
        raise InputError(str(error)) from None
    except SystemExit as end:
        if not end.code:  # --help, --version
            raise
        reason = said.getvalue().strip().splitlines()[-1].partition("error: ")[2]  # below all options that there are
        raise InputError(f"{reason}; snakemake --help lists all options") from None
    files = list(map(Path, args.configfile or []))
    if named is not None and files != [Path(named)]:
        raise InputError(f"{named} is the config already; leave out --configfile")
    if len(files) > 1:
        raise InputError("one --configfile is one study; more than one was given")
    if not files:
        if late := [word for word in args.targets if word.endswith((".yaml", ".yml"))]:
            raise InputError(f"{late[0]}: name the config first: tfbind run {late[0]} ...")
        folder = Path(args.directory or ".")
        files = [folder / "config.yaml"]
        if not files[0].is_file():
            _copy_demo(folder, say)
    config.load(files[0], overrides)
    if storage := args.default_storage_provider:
        if not StoragePluginRegistry().is_installed(storage):
            raise ResourceError(f"no storage {storage}: pip install snakemake-storage-plugin-{storage}")
        if not args.default_storage_prefix:
            raise InputError(f"storage {storage}: name the place in it with --default-storage-prefix")
    if args.cores is None and args.jobs is None and args.executor in (None, "local"):
        args.cores = cli.parse_cores("all")
    try:
        return 0 if cli.args_to_api(args, parser) else 1
    except (CliException, WorkflowError) as error:  # of options that do not go together; those of a run are shown
        raise InputError(str(error)) from None


def _copy_demo(folder: Path, say: Callable[[str], object]) -> None:
    if there := [name for name in DEMO if (folder / name).exists()]:
        raise InputError(
            f"{folder / there[0]} is there without a config.yaml; name the config of your study, or run the demo in an "
            "empty folder"
        )
    for name in DEMO:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(home.FOLDER / name, folder / name)
    say(f"{folder / DEMO[-1]}: the demo, a simulated study with known truth, copied here with its sheets")
