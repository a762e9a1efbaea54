"""The documentation, held to: its commands are run or parsed, its examples hold, its links lead somewhere."""

import doctest
import gzip
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pysam
import pytest
import torch
import typer
from typer.testing import CliRunner

from tfbind import cli
from tfbind.celltype import evaluate
from tfbind.interpretation import tomtom
from tfbind.io import tables, tally
from tfbind.io.columns import CURVE_COLUMNS, METRIC_COLUMNS, TRANSFER_COLUMNS
from tfbind.io.genome import index
from tfbind.models import model_card, networks
from tfbind.report.page import SECTIONS
from tfbind.sequences import leakage
from tfbind.statistics import variance_components
from tfbind.transfer import (
    calibration,
    drop_attribution,
    guidance,
    ladder,
    learning_curves,
    library_qc,
    score_tables,
    summary,
    transferability,
    verdicts,
)

REPO = Path(__file__).parents[1]
PAGES = [REPO / "README.md", REPO / "CONTRIBUTING.md", REPO / "config" / "README.md", *sorted(REPO.glob("docs/*.md"))]
BIN = Path(sys.executable).parent
SHELL = r"^( *)```(?:sh|bash)\n(.*?)^ *```"

#: How a command begins that another test runs, or that none can -> that test, or why.
ELSEWHERE = {
    "tfbind doctor": "test_doctor.py",
    "tfbind progress": "test_progress.py",
    "tfbind init my": "test_propose.py",
    "tfbind simulate study": "test_score_tables.py",
    "python pwm.py": "test_score_tables.py",
    "tfbind evaluate pwm.tsv": "test_score_tables.py",
    "tfbind export-fasta": "test_external_scores.py",
    "tail -n +2 my/fasta/pairs.tsv": "test_external_scores.py",
    "tfbind validate --quick config.yaml": "test_cli.py",
    "source .venv/bin/activate": "the shell's own",
    "open results/report.html": "a person looks at it; test_page.py in a browser",
    "TFBIND_FUZZ=20000 .venv/bin/pytest tests/test_fuzz.py": "minutes; test_fuzz.py itself with fewer",
}
#: Parsed alone: they fetch, train for hours, or are the tests themselves. test_workflow.py runs the workflow,
#: test_wheel.py begins it with `tfbind run`.
PARSED = ("make ", "snakemake ", "tfbind fetch ", "tfbind run")


def commands(page):
    """The commands of a page's shell blocks, a loop as one."""
    found = []
    for indent, block in re.findall(SHELL, page.read_text(), re.M | re.S):
        for line in block.splitlines():
            line = re.sub(r"\s+# .*", "", line.removeprefix(indent))
            if found and found[-1].count("; do") > found[-1].count("\ndone"):
                found[-1] += "\n" + line
            elif line and not line.startswith("#"):
                found.append(line)
    return found


ALL = [(page, command) for page in PAGES for command in commands(page)]
DONE_HERE = [
    command
    for _, command in ALL
    if not command.startswith((*ELSEWHERE, *PARSED)) and not command.startswith("tfbind validate my/")
]


def names(value):
    return f"{value[0].name}: {value[1].splitlines()[0]}" if isinstance(value, tuple) else None


@pytest.fixture(scope="module")
def desk(tmp_path_factory, chromosomes):
    """A folder with what the commands of the pages name."""
    folder = tmp_path_factory.mktemp("desk")
    torch.manual_seed(0)
    state = networks.build("deepbind", {"filters": 4, "width": 8}).state_dict()
    networks.save(folder / "MODEL", "deepbind", {"filters": 4, "width": 8}, {0: state}, 24, {"model": "d"})
    (folder / "source.fa").write_text("".join(f">{name}\n{text}\n" for name, text in chromosomes.items()))
    index(folder / "source.fa", folder / "genome.fa")
    text = chromosomes["chr1"]
    with gzip.open(folder / "sequences.fa.gz", "wt") as out:
        out.write("".join(f">s{i}\n{text[i : i + 30]}\n" for i in range(3)))
    (folder / "intervals.bed").write_text("chr1\t100\t130\nchr2\t7\t40\n")
    header = "##fileformat=VCFv4.2\n##contig=<ID=chr1>\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
    other = "C" if text[200].upper() != "C" else "G"
    with pysam.BGZFile(str(folder / "variants.vcf.gz"), "w") as out:
        out.write(f"{header}chr1\t201\t.\t{text[200].upper()}\t{other}\t.\t.\t.\n".encode())
    shutil.copy(REPO / "config.yaml", folder)
    shutil.copytree(REPO / "resources", folder / "resources")
    return folder


@pytest.mark.parametrize("command", DONE_HERE)
def test_a_command_runs_as_written(command, desk, monkeypatch):
    monkeypatch.chdir(desk)
    if command.startswith("tfbind ") and "|" not in command:
        run = CliRunner().invoke(cli.app, shlex.split(command)[1:])
        assert run.exit_code == 0 and run.output, run.exception
    else:
        monkeypatch.setenv("PATH", str(BIN), prepend=":")
        run = subprocess.run(["bash", "-euc", command], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr
        assert run.stdout


def parse(words):
    """A command line of tfbind, understood but not done: its command and options."""
    group = typer.main.get_command(cli.app)
    context = group.make_context("tfbind", [], resilient_parsing=True)
    name, command, rest = group.resolve_command(context, words)
    return command.make_context(name, rest, parent=context).params


@pytest.mark.parametrize("found", [(p, c) for p, c in ALL if c.startswith(PARSED)], ids=names)
def test_a_long_command_is_understood(found, monkeypatch):
    monkeypatch.chdir(REPO)  # where a profile is looked for
    program, *words = shlex.split(found[1])
    if program == "make":
        assert subprocess.run(["make", "-n", *words], cwd=REPO, capture_output=True).returncode == 0
    elif program == "snakemake":
        from snakemake.cli import parse_args

        parse_args(words)
    else:
        parse(words)


def test_what_is_run_elsewhere_is_in_the_docs_and_its_test_is_there():
    every = [command for _, command in ALL]
    for beginning, where in ELSEWHERE.items():
        assert any(command.startswith(beginning) for command in every), beginning
        for name in re.findall(r"test_\w+\.py", where):
            assert list((REPO / "tests").rglob(name))


def test_commands_within_a_sentence_exist():
    from snakemake.cli import get_argument_parser

    snakemake = set(get_argument_parser()._option_string_actions)
    group = typer.main.get_command(cli.app)
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
        for name, rest in re.findall(r"`tfbind ([\w-]+)([^`]*)`", text):
            known = {option for parameter in group.commands[name].params for option in parameter.opts}
            known |= snakemake if name == "run" else set()
            assert set(re.findall(r"--[\w-]+", rest)) <= known, (page.name, name, rest)
        targets = re.findall(r"^([\w/.-]+):", (REPO / "Makefile").read_text(), re.M)
        for target in re.findall(r"`make ([a-z]\w*)`", text):
            assert target in targets, (page.name, target)


def slug(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    for path, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", text):
        if "://" in path:
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        if anchor and target.suffix == ".md":
            headings = re.findall(r"^#+ (.*)", target.read_text(), re.M)
            assert anchor in {slug(heading) for heading in headings}, f"{path}#{anchor}"


def test_the_examples_in_python_hold(tmp_path, monkeypatch):
    shutil.copy(REPO / "config.yaml", tmp_path)
    shutil.copytree(REPO / "resources", tmp_path / "resources")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(REPO / "docs" / "api.md"), module_relative=False)
    assert failed == 0 and tried > 25


TABLES = {
    "metrics": METRIC_COLUMNS,
    "transfer": TRANSFER_COLUMNS,
    "curves": CURVE_COLUMNS,
    "summary": summary.SUMMARY_COLUMNS,
    "shifts": summary.SHIFT_COLUMNS,
    "assay_pairs": summary.PAIR_COLUMNS,
    "verdicts": verdicts.VERDICT_COLUMNS,
    "guidance": guidance.GUIDANCE_COLUMNS,
    "ladder": ladder.LADDER_COLUMNS,
    "variance": variance_components.VARIANCE_COLUMNS,
    "calibration": calibration.CALIBRATION_COLUMNS,
    "reliability": calibration.RELIABILITY_COLUMNS,
    "causes": drop_attribution.COLUMNS,
    "retrain": learning_curves.RETRAIN_COLUMNS,
    "crossings": learning_curves.CROSSING_COLUMNS,
    "libraries": library_qc.COLUMNS,
    "audit": leakage.COLUMNS,
    "celltype": evaluate.COLUMNS,
    "motifs": tomtom.COLUMNS,
    "adaptation": transferability.ADAPTATION_COLUMNS,
    "transferability": transferability.SIGN_COLUMNS,
    "evaluation": model_card._EVALUATION_COLUMNS,
    "log": tally.Tally().frame().columns,
    "sequences": tables.SEQUENCES.names,
    "predictions": tables.PREDICTIONS.names,
    "leaking": leakage.LEAKING.names,
}


def described():
    """The columns that the page of outputs describes, and the names of the files of which it speaks."""
    text = (REPO / "docs" / "outputs.md").read_text()
    rows = re.findall(r"^\| (`.*?) \|", text[text.index("## Columns") :], re.M)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}, text


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described(table):
    columns, _ = described()
    assert set(TABLES[table]) <= columns


def test_every_table_is_described():
    _, text = described()
    rules = "".join(path.read_text() for path in (REPO / "workflow" / "rules").glob("*.smk"))
    made = set(re.findall(r'"results/(\w+)\.tsv"', rules)) | set(score_tables.Results._fields[:-1])
    for name in made:
        assert f"`{name}.tsv`" in text, name


def test_the_walk_through_the_page_names_every_section():
    text = (REPO / "docs" / "quickstart.md").read_text()
    text = text[text.index("## The page, section by section") : text.index("## Your own TFs")]
    rows = re.findall(r"^\| ([^|`]+) \| [^|]+\? \| .+ \|$", text, re.M)
    titles = [section.TITLE for section in SECTIONS]
    assert rows == [title for title in titles if title in rows], "in the order of the page"
    assert set(rows) | set(re.findall(r"\*\*(.+?)\*\*", text)) == set(titles)
    script = (REPO / "resources" / "tour.py").read_text()
    assert rows == re.findall(r'^ *(?:line\()?"([^"]+)",\s+"[^"]+\?",$', script, re.M)


def test_the_worked_example_of_a_study_is_valid(tmp_path, monkeypatch):
    page = (REPO / "docs" / "datasets.md").read_text()
    page = page[page.index("## A worked example") :]
    (tmp_path / "my").mkdir()
    for name in ("config.yaml", "datasets.tsv"):
        block = re.search(rf"`my/{name}`[^`]*```\w+\n(.*?)```", page, re.S)[1]
        (tmp_path / "my" / name).write_text(block)
    header, *rows = (tmp_path / "my" / "datasets.tsv").read_text().splitlines()
    columns = header.split("\t")
    for row in rows:
        for column, cell in zip(columns, row.split("\t"), strict=True):
            if column.endswith("path") and cell:
                (tmp_path / "my" / cell).write_text("")
    for name in re.findall(r"(?:fasta|blacklist): ([\w.]+)", (tmp_path / "my" / "config.yaml").read_text()):
        (tmp_path / "my" / name).write_text("")
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(cli.app, ["validate", "--quick", "my/config.yaml"])
    assert run.exit_code == 0, run.exception
    assert "1 TF in 3 datasets (2 chipseq, 1 htselex)" in run.output


def test_another_workflow_uses_this_one_as_a_module(tmp_path):
    page = (REPO / "config" / "README.md").read_text()
    snakefile = re.search(r"```python\n(.*?)```", page, re.S)[1]
    (tmp_path / "tfbind").symlink_to(REPO)
    (tmp_path / "Snakefile").write_text(snakefile)
    (tmp_path / "config.yaml").write_text(re.search(r"```yaml\n(.*?)```", page, re.S)[1])
    (tmp_path / "datasets.tsv").write_text("dataset\ttf\tassay\tpath\nA\tT\tchipseq\ta.fa\nB\tT\thtselex\ta.fa\n")
    (tmp_path / "a.fa").write_text(">a\nACGT\n")
    command = [BIN / "snakemake", "--cores", "1", "--dry-run"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    jobs = dict(line.split() for line in run.stdout.splitlines() if re.fullmatch(r"\w+ +\d+", line))
    assert jobs["binding_train"] == "2" and jobs["answer"] == "1"
    assert "binding/results/summary.tsv" in run.stdout and " results/" not in run.stdout
