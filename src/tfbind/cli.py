"""The `tfbind` command. Exit codes: 0 done; 2 input invalid; 3 not estimable; 4 environment; 1 a bug."""

import contextlib
import os
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, TextIO
from urllib.parse import urlsplit

import typer

from tfbind import __version__, assays, check_files, doctor, progress, run
from tfbind.archives import accessions, ena
from tfbind.errors import InputError, NotEstimable, ResourceError
from tfbind.io import atomic, bigwig, download, hosts, paths, tables, textfile
from tfbind.simulation import simulate
from tfbind.study import config
from tfbind.study.sources import ACCESSION

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """How well does a model of TF binding work on other data, and when must it be retrained?"""


@app.command("validate")
def validate(
    path: Annotated[Path, typer.Argument(metavar="CONFIG")],
    quick: Annotated[bool, typer.Option("--quick", help="Look at the config and its sheets alone.")] = False,
    cores: Annotated[int, typer.Option(min=0, help="Processes that read; 0: as many as this one may use.")] = 0,
    files: Annotated[bool, typer.Option("--files", hidden=True, help="What is done without --quick.")] = True,
) -> None:
    """Report all faults of a config, its sheets and every file that is here: what a run would stop for."""
    study = config.load(path)
    for note in study.notes:
        typer.echo(f"note: without effect: {note}")
    reasons = []
    if not quick:
        reasons = check_files.read_files(study, _above, cores or doctor.usable_cores(), _counted)
    datasets = study.datasets.values()
    counts = ", ".join(f"{count} {assay}" for assay, count in Counter(r["assay"] for r in datasets).items())
    typer.echo(f"{path}: valid; {_many(len(study.tfs()), 'TF')} in {_many(len(datasets), 'dataset')} ({counts})")
    if reasons:
        raise NotEstimable("\n".join(reasons))


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


@app.command("init")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of the study; it may hold your files.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILES", help="Peaks, reads, genomes; none: all in DIR.")
    ] = None,
    tf: Annotated[list[str] | None, typer.Option(help="TF of the files whose names do not say it, or FILE=TF.")] = None,
    assay: Annotated[
        list[str] | None, typer.Option(help="Assay of the files that leave it open, or FILE=ASSAY.")
    ] = None,
    genome: Annotated[list[str] | None, typer.Option(help="Name of the genome, e.g. hg38, or FILE=NAME.")] = None,
) -> None:
    """Look at your files and propose a config and a sheet, with a reason for each guess; nothing is overwritten."""
    from tfbind.proposal import propose

    propose.refuse(folder)
    answers = propose.Answers(
        **{name: _answers(name, given) for name, given in (("tf", tf), ("assay", assay), ("genome", genome))}
    )
    found = propose.propose(folder, files or [], answers)
    propose.write(found, folder)
    for line in found.lines():
        typer.echo(line)
    tfs = {row["tf"] for row in found.rows} - {propose.OPEN}
    counts = f"{_many(len(found.rows), 'dataset')} of {_many(len(tfs), 'TF')}"
    typer.echo(f"{folder}: config.yaml and datasets.tsv written: {counts}")
    settings = shlex.quote(f"{folder}/config.yaml")
    typer.echo(f"Read and correct them. Next: tfbind validate {settings}")
    typer.echo(f"then: tfbind run {settings}")
    if found.questions:
        raise NotEstimable("\n".join(["open, ? in the sheet:", *found.questions]))


def _answers(option: str, given: list[str] | None) -> dict[str, str]:
    # VALUE, or FILE=VALUE -> file ('' for all) -> value.
    pairs = [word.rpartition("=")[::2] for word in given or []]
    twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    if twice:
        raise InputError(f"--{option}: given twice for {', '.join(name or 'all files' for name in twice)}")
    return dict(pairs)


def _counted(done: int, of: int) -> None:
    # A line that the next one overwrites; only on a terminal.
    if sys.stderr.isatty():
        typer.echo(f"\r{done} of {of} steps" if done < of else _CLEAR, err=True, nl=False)


def _above(line: str) -> None:
    if sys.stderr.isatty():
        typer.echo(_CLEAR, err=True, nl=False)
    typer.echo(line)


_CLEAR = "\r\x1b[K"  # removes the line of `_counted`


@app.command("simulate")
def simulated(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    seed: Annotated[int, typer.Option(help="Another seed is another study.")] = 0,
    assay: Annotated[
        list[str], typer.Option(help="One of its assays; repeat it for more.", show_default="chipseq htselex")
    ] = list(paths.SIMULATED),  # noqa: B006 (typer reads it, nothing changes it)
) -> None:
    """Write a study with known truth: a genome, peaks, reads or intensities of each assay, and their sheet."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder}: not empty; name a new folder")
    simulate.study(folder, seed=seed, assays=assay)
    typer.echo(f"{folder}: {len(paths.simulated(assays=assay))} files, the truth in truth.json; run it with")
    typer.echo(f"tfbind run {shlex.quote(str(folder / 'config.yaml'))} --cores 8")


@app.command("evaluate")
def evaluated(
    path: Annotated[Path, typer.Argument(metavar="SCORES", help="A table: .parquet, .tsv or .csv.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the tables and the report.")] = Path(
        "evaluation"
    ),
    title: Annotated[str, typer.Option(help="Heading of the report.")] = "How far does it travel?",
    resamples: Annotated[int, typer.Option(min=100, help="Bootstrap resamples.")] = 1000,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of every interval.")] = 0.95,
    block: Annotated[int, typer.Option(min=1, help="Length of a block of chrom and start, in bp.")] = 1_000_000,
    least: Annotated[int, typer.Option("--min-examples", min=2, help="Fewer of a class: not estimable.")] = 20,
) -> None:
    """Metrics, drops and report of any program's scores: columns source, target, id, label, score, model."""
    from tfbind.report import page
    from tfbind.transfer import score_tables  # numba, scikit-learn and matplotlib load only for those who need them

    statistics = {"resamples": resamples, "level": level, "block": block, "min_examples": least}
    results = score_tables.evaluate(score_tables.read(path), statistics)
    results.write(output)
    page.of_scores(output / "report.html", results, path, title, statistics)
    metrics = results.metrics[results.metrics["metric"] == "auroc"]
    typer.echo(f"{output}: {metrics['value'].notna().sum()} AUROCs, {results.transfer['drop'].notna().sum()} drops")
    if results.unknown:
        raise NotEstimable("\n".join(results.unknown))


@app.command("fetch")
def fetch(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ACCESSION|URL|FILE]... | [SHEET.tsv]", help="Files to fetch, or a sheet to resolve."),
    ] = None,
    tf: Annotated[str, typer.Option(help="Write a sheet of these TFs, e.g. USF1,GATA3.")] = "",
    assembly: Annotated[str, typer.Option(help="Peaks of this assembly, as ENCODE writes it: GRCh38.")] = "",
    study: Annotated[str, typer.Option(help="Look for SELEX in these studies of ENA, e.g. PRJEB3289.")] = "",
    profile: Annotated[str, typer.Option(help=f"How its names are read: {', '.join(ena.PROFILES)}.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder of the files, or name of the sheet, which is new.")] = None,
    host: Annotated[str, typer.Option(help="Further hosts that a redirect may lead to.")] = "",
) -> None:
    """Fetch files by accession or URL; write a sheet from a query (--tf, --study) or from a sheet with accessions."""
    what = what or []
    if host:
        typed = [urlsplit(source).hostname or "" for source in what if paths.is_url(source)]
        hosts.allow([*hosts.HOSTS, *typed, *_words(host)])
    if what and (tf or study):
        raise InputError("--tf and --study ask the archives for a sheet; leave out the files, or the options")
    sheet = Path(what[0]) if len(what) == 1 and what[0].endswith(".tsv") and not paths.is_url(what[0]) else None
    if sheet is None and not (tf or study):
        _fetch_files(what, assembly, out or Path())
        return
    path = out or (sheet.with_suffix(".resolved.tsv") if sheet else Path("datasets.tsv"))
    if path.exists():
        raise InputError(f"{path}: exists, and somebody may have corrected it; name another file with --out")
    if sheet:
        found = accessions.resolve_sheet(sheet, path.parent, assembly)
    else:
        found = accessions.query(_words(tf), assembly, _words(study), profile)
    if not found.rows:
        reasons = textfile.listed([f"{what}: {why}" for what, why in found.unread])
        raise InputError([*reasons, *found.remarks, "nothing was found that could stand in a sheet"])
    accessions.write_sheet(found, path)
    left_out = f"; {len(found.unread)} could not be read, see the end of the sheet" if found.unread else ""
    typer.echo(f"{path}: {len(found.rows)} rows{left_out}. Read and correct it before use")


def _fetch_files(sources: list[str], assembly: str, folder: Path) -> None:
    """Fetch each file that can be fetched, print its path and SHA-256, then report the others."""
    if not sources:
        raise InputError(
            "name accessions, URLs or a sheet, or ask for one with --tf or --study; see tfbind fetch --help"
        )
    faults: list[InputError | ResourceError] = []
    for source in sources:
        try:
            for url, checksum in _files(source, assembly):
                path = Path(url)
                if paths.is_url(url):
                    path = folder / Path(paths.local(url)).name
                    download.fetch(url, checksum, path)
                typer.echo(f"{path}\t{tables.digest(path)}")
        except (InputError, ResourceError) as error:
            faults.append(error)
    if faults:
        kind = next((type(fault) for fault in faults if isinstance(fault, ResourceError)), InputError)
        raise kind("\n".join(map(str, faults)))


def _files(source: str, assembly: str) -> list[tuple[str, str]]:
    """URL or path, and checksum, of the files that a word of the command line names."""
    if paths.is_url(source) or Path(source).is_file():
        return [(source, "")]
    if ACCESSION.fullmatch(source):
        return [(row["path"], row["sha256"]) for row in accessions.resolve(source, assembly)]
    raise InputError(f"{source}: no file, no URL and no accession (ENCSR..., ENCFF..., ERR..., PRJEB...)")


def _words(given: str) -> list[str]:
    return [word.strip() for word in given.split(",") if word.strip()]


@app.command("doctor")
def diagnose() -> None:
    """Look whether this machine has what a run needs; exit code 4 where something is missing."""
    found = []
    for check in doctor.checks(Path()):
        typer.echo(f"{check.state:8}{check.what:10}{check.words}")
        found.append(check)
    if missing := [f"{check.what}: {check.words}" for check in found if check.state == "missing"]:
        raise ResourceError("\n".join(["a run would fail here:", *missing]))


@app.command("run", context_settings={"ignore_unknown_options": True})
def run_workflow(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONFIG] [SNAKEMAKE OPTIONS]...", help="The config first, then what Snakemake takes."),
    ] = None,
) -> None:
    """Run a study: Snakemake, with all of its options (snakemake --help), in the folder of CONFIG.

    Without CONFIG: the config.yaml of this folder; where there is none, the demo is copied here and run. --directory
    names another working folder, --workflow-profile slurm or generic a cluster.
    """
    raise typer.Exit(run.run(words or [], typer.echo))


@app.command("progress")
def follow(folder: Annotated[Path, typer.Argument(metavar="DIR", help="As given to snakemake --directory.")] = Path()):
    """Say how far a run is, what it does now and about how long it still takes."""
    for line in progress.describe(folder):
        typer.echo(line)


@app.command("score")
def score(
    folder: Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a trained model.")],
    fasta: Annotated[str, typer.Option(metavar="FILE", help="Sequences; - is standard input.")] = "",
    bed: Annotated[str, typer.Option(metavar="FILE", help="Intervals of --genome.")] = "",
    vcf: Annotated[str, typer.Option(metavar="FILE", help="Variants of --genome, all alleles at one locus.")] = "",
    genome: Annotated[Path | None, typer.Option(help="A plain FASTA with its .fai beside it.")] = None,
    assay: Annotated[str, typer.Option(help="What the sequences are from: " + ", ".join(assays.ASSAYS))] = "",
    reading: Annotated[str, typer.Option(help="whole, scan, occupancy or embed; by default as evaluated.")] = "",
    out: Annotated[Path | None, typer.Option(help="A file instead of standard output; it appears when whole.")] = None,
    attributions: Annotated[
        Path | None, typer.Option(help="Effect of each base in logits: .tsv; of --bed also .bedGraph, .bw.")
    ] = None,
    hits: Annotated[Path | None, typer.Option(help="Motif instances, with the JASPAR motif that fits: BED.")] = None,
    least: Annotated[float, typer.Option("--min-effect", help="Of --hits: smallest effect of a site, logits.")] = 1.0,
    track: Annotated[
        Path | None, typer.Option(help="bigWig of every window's logit along --fasta GENOME or --bed, nothing else.")
    ] = None,
    step: Annotated[int, typer.Option(help="Of --track: bp from one value to the next.")] = 1,
    value: Annotated[str, typer.Option(help="Of --track: logit or probability.")] = "logit",
    final: Annotated[bool, typer.Option("--final", help="The final model of this evaluated one.")] = False,
) -> None:
    """Score sequences, intervals or variants: a TSV row for each row, in order, in bounded memory."""
    given = {"--fasta": fasta, "--bed": bed, "--vcf": vcf}
    if sum(map(bool, given.values())) != 1:
        raise InputError("name one file to score, with --fasta, --bed or --vcf")
    if (genome is None) == (not fasta):
        raise InputError("--bed and --vcf need --genome FASTA" if genome is None else "--fasta needs no --genome")
    if final:
        from tfbind.models import store

        folder = store.final_of(folder)
    written = {"--out": out, "--attributions": attributions, "--hits": hits, "--track": track}
    _check_outputs(
        written, [fasta or bed or vcf, *((genome, f"{genome}.fai") if genome else (f"{fasta}.fai",))], folder
    )
    if track:
        if vcf:
            raise InputError("--track: a track lies along --fasta GENOME or --bed REGIONS; a VCF has single places")
        if out or attributions or hits or reading:
            raise InputError("--track writes the track alone, of windows read whole; leave --out, --attributions, "
                             "--hits and --reading out")  # fmt: skip
        if track.suffix.lower() not in (".bw", ".bigwig"):
            raise InputError(f"--track {track}: a track is a bigWig; end its name in .bw")
        _write_track(folder, track, fasta, bed, genome, assay, step, value)
        return
    if (step, value) != (1, "logit"):
        raise InputError("--step and --value are for --track")
    if (attributions or hits) and vcf:
        raise InputError(
            "--attributions and --hits are of sequences: use --fasta or --bed; a variant has its difference"
        )
    from tfbind.models import score_files  # torch loads for those who need it

    if not (attributions or hits):
        scorer = score_files.Scorer(folder, reading, assay)
        with _writing(out) as sink:
            if vcf:
                count, flagged, wrong = score_files.score_variants(scorer, vcf, score_files.reference(genome), sink)
            else:
                blocks = score_files.fasta(fasta) if fasta else score_files.bed(bed, score_files.reference(genome))
                count, flagged = score_files.score_sequences(scorer, blocks, sink)
        notes = f", {wrong} with another REF than the genome's" if vcf and wrong else ""
        typer.echo(f"{count} rows, {flagged} outside the training domain{notes}; {scorer.about}", err=True)
        return
    from tfbind.interpretation import sites

    if attributions and sites.form(attributions) != "tsv" and fasta:
        raise InputError(f"--attributions {attributions}: FASTA records have no place on a genome; write a .tsv")
    scorer = score_files.Scorer(folder, reading, assay)
    where = score_files.reference(genome) if bed else None
    blocks = score_files.bed(bed, where, sites.LONGEST) if bed else score_files.fasta(fasta, sites.LONGEST)
    with _writing(out) as sink:
        found = sites.explain(
            scorer, folder, blocks, sink, where, attributions, hits, least, _share("sequences explained")
        )
    typer.echo(f"{found.count} rows, {found.flagged} outside the training domain; {scorer.about}", err=True)
    if hits:
        typer.echo(f"{hits}: {found.sites} motif instances, compared with {found.known}", err=True)
    if found.unread:
        raise NotEstimable(
            f"{found.unread} of {found.count} sequences hold fewer than {scorer.shortest} bp from their first to their "
            "last known base: no effects and no motif instances of these"
        )


@contextlib.contextmanager
def _writing(path: Path | None) -> Iterator[TextIO]:
    """A file that appears when it is whole, or standard output."""
    with (
        atomic.replacing(path) if path else contextlib.nullcontext() as temporary,
        open(temporary, "w") if path else contextlib.nullcontext(sys.stdout) as sink,
    ):
        yield sink
        sink.flush()


def _check_outputs(written: Mapping[str, Path | None], read: Sequence[str | Path | None], folder: Path) -> None:
    """Refuse outputs that are one file, or that would replace an input."""
    faults, seen = [], {}
    inputs = [Path(path).resolve() for path in read if path and path != textfile.STANDARD]
    for option, path in written.items():
        if path is None:
            continue
        place = path.resolve()
        if place in seen:
            faults.append(f"{option} {path}: also named by {seen[place]}; give each its own file")
        if place in inputs or any(place.exists() and file.exists() and place.samefile(file) for file in inputs):
            faults.append(f"{option} {path}: this is a file that is read; name another")
        if place.parent == folder.resolve():
            faults.append(f"{option} {path}: lies in the folder of the model; write elsewhere")
        if place.is_dir():
            faults.append(f"{option} {path}: is a folder; name a file")
        seen.setdefault(place, option)
    if faults:
        raise InputError(faults)


def _write_track(
    folder: Path, track: Path, fasta: str, bed: str, genome: Path | None, assay: str, step: int, value: str
) -> None:
    from tfbind.models import genome_track, score_files

    scorer = score_files.Scorer(folder, "", assay)
    where = score_files.reference(fasta or genome)
    regions = genome_track.merged(bed, where) if bed else None
    made = genome_track.write(scorer, where, track, regions, step, value, _share("bp"))
    plain = "; without summaries, since it holds many values" if made.asked > bigwig.SUMMARISED else ""
    unread = f"{made.unknown} without known bases and {made.beyond} at the ends of chromosomes have none{plain}"
    window = f"windows of {scorer.stored.window} bp"
    typer.echo(f"{track}: the {value} of {window} on {made.values} bases; {unread}; {scorer.about}", err=True)
    if bed and made.empty:
        raise NotEstimable(f"{bed}: {made.empty} of the merged regions have no value: every window of theirs "
                           "reaches beyond its chromosome or holds too few known bases")  # fmt: skip


def _share(what: str) -> Callable[[int, int], None]:
    """Reports progress on standard error: on a terminal in one line, elsewhere in a line every half minute."""
    start = last = time.monotonic()

    def told(done: int, of: int) -> None:
        nonlocal last
        terminal, now = sys.stderr.isatty(), time.monotonic()
        if now - last < (0.5 if terminal else 30) or not done:
            return
        last = now
        left = (now - start) * (of - done) / done
        line = f"{done / of:.0%} of {of} {what}, {left:.0f} s left" if of else f"{done} {what}"
        typer.echo(
            f"{_CLEAR}{line}\r" if terminal and done != of else _CLEAR if terminal else line, err=True, nl=not terminal
        )

    return told


@app.command("export-fasta")
def export_fasta(
    path: Annotated[Path, typer.Argument(metavar="CONFIG")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the FASTA files and of pairs.tsv.")],
    directory: Annotated[Path, typer.Option(help="Where the study ran: as given to snakemake.")] = Path(),
) -> None:
    """Write the training and test rows of a study as FASTA, for a program whose scores are to enter it."""
    from tfbind.transfer import external_scores

    pairs = external_scores.write(config.load(path), directory, out)
    typer.echo(f"{out}: FASTA files, and {len(pairs)} sets to score in {out / external_scores.PAIRS}")


@app.command("verify")
def verify(folder: Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a trained model.")]) -> None:
    """Recompute the logits that were stored with a model."""
    from tfbind.models import model_card  # torch loads for those who need it

    typer.echo(f"{folder}: as stored; logits differ by {model_card.verify(folder):.2g} at most")


@app.command("export")
def export(
    folder: Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a trained network.")],
    onnx: Annotated[Path, typer.Option(help="The file to write.")],
) -> None:
    """Write a network as ONNX: tokens (N, L) uint8 (A C G T 0-3, anything else 4) -> logit (N,)."""
    from tfbind.models import model_card

    typer.echo(f"{onnx}: written; in onnxruntime its logits differ by {model_card.export(folder, onnx):.2g} at most")


def main() -> None:
    """Run the command; an error becomes a message and the exit code of its kind."""
    try:
        app()
    except (InputError, NotEstimable, ResourceError) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader, e.g. head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ResourceError.exit_code)
    except OSError as error:
        print(f"{error.filename or ''}: {error.strerror or error}", file=sys.stderr)
        sys.exit(ResourceError.exit_code)


if __name__ == "__main__":
    main()
