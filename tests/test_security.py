"""What a name, a path or a file may never do: run, leave its folder, or be taken for code.

Ids become file names, so all but plain ones are refused; paths are the user's own, may hold anything and lie anywhere.
"""

import ast
import filecmp
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bad_inputs import CHROMOSOMES, Case, fasta, spaced
from studies import plan, planned, run
from tfbind.errors import InputError
from tfbind.io import paths
from tfbind.study import config

REPO = Path(__file__).parents[1]
SOURCES = sorted((REPO / "src").rglob("*.py")) + sorted((REPO / "workflow").rglob("*.py"))
ODD = 'it\'s; $(touch owned) "x" & `touch owned` | ü 🧬 -rf'


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A function that loads a study of one dataset with the given cells."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "a.fa").write_text(">a\nACGT\n")

    def load(label="n", **cells):
        row = {"dataset": "A", "tf": "USF1", "assay": "chipseq", "path": "a.fa"} | cells
        lines = ["\t".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in line) for line in (row, row.values())]
        (folder / "sheet.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
        written = {
            "datasets": "sheet.tsv",
            "negatives": {label: {"kind": "pairs"}},
            "models": {"m": {"kind": "deepbind"}},
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(written))
        return config.load(folder / "config.yaml")

    return load


hostile = st.text(st.sampled_from("aZ09._-/\\ ~;$(){}<>&|*?'\"\n\r\t\0é🧬\u202e"), max_size=12)


@pytest.mark.parametrize("column", ["dataset", "tf", "label"])
@settings(max_examples=60, deadline=None, derandomize=True)
@given(name=hostile)
@example("..")
@example("../../x")
@example("-rf")
@example("a\n")
@example("<script>alert(1)</script>")
@example("a" * 65)
@example("é")
@example("１")
def test_an_id_is_a_plain_file_name_or_refused(study, column, name):
    try:
        loaded = study(**{column: name})
    except InputError:
        return
    names = {"dataset": loaded.datasets, "tf": loaded.tfs(), "label": loaded.config["negatives"]}[column]
    (accepted,) = names
    assert accepted == name.strip() and shlex.quote(accepted) == accepted and not accepted.startswith(("-", "."))
    results = Path("/results")
    assert Path(os.path.normpath(results / accepted)).parent == results


@settings(max_examples=200, deadline=None, derandomize=True)
@given(path=hostile)
@example("a/%2e%2e")
@example("..%2f..%2fetc%2fpasswd")
@example("%00")
@example("x" * 5000)
def test_a_url_is_fetched_to_a_folder_of_its_own(path):
    try:
        place = Path(paths.local(f"https://example.org/{path}"))
    except ValueError:
        return
    assert place.parts[:2] == ("resources", "downloads") and len(place.parts) == 4
    assert place.name not in (".", "..") and shlex.quote(place.name) == place.name and len(place.name) <= 100


def test_paths_may_be_odd_lie_outside_and_be_links(tmp_path):
    """A path is the user's own: through `..`, through a link, with every character that a shell knows."""
    inside, outside = tmp_path / ODD, tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.narrowPeak").write_text(spaced())
    (outside / "genome.fa").write_text(fasta(CHROMOSOMES))
    (inside / f"{ODD}.fa").symlink_to(outside / "genome.fa")
    case = Case(
        40, "", (), 0, {"../outside/a.narrowPeak": spaced()}, config={"genomes": {"tiny": {"fasta": f"{ODD}.fa"}}}
    )
    command = [sys.executable, "-m", "tfbind.cli", "validate", str(case.write(inside))]
    before = sorted(tmp_path.rglob("*"))
    run = subprocess.run(command, capture_output=True, text=True, cwd=inside)
    assert run.returncode == 0 and "20 kept, train" in run.stdout, run.stderr
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written beside the data, nothing was run"


def test_a_tag_in_a_config_runs_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for tag in ("!!python/object/apply:os.system [touch owned]", "!!python/name:os.system", "!!python/module:os"):
        (tmp_path / "c.yaml").write_text(f"datasets: {tag}\n? {tag}\n: 1\n")
        with pytest.raises(InputError):
            config.load(tmp_path / "c.yaml")
    assert os.listdir(tmp_path) == ["c.yaml"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_nothing_stored_is_code(source):
    """No pickle or its like is read, nothing is evaluated, no shell is called; a checkpoint resumes by weights only."""
    tree = ast.parse(source.read_text())
    modules, calls = set(), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Call):
            calls.append((ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}, node))
    assert not modules & {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
    for name, options, node in calls:
        assert name not in ("eval", "exec", "compile", "os.system", "os.popen", "subprocess.getoutput"), name
        assert not name.endswith(("to_pickle", "read_pickle")), name
        loads_weights = name.endswith("torch.load") or "ckpt_path" in options
        assert not loads_weights or options.get("weights_only") == "True", name
        assert not name.endswith(("load_from_checkpoint", "unsafe_load", "full_load")), name
        assert options.get("shell", "False") == "False" and options.get("allow_pickle", "False") == "False", name
        if name == "yaml.load":
            assert ast.unparse(node.args[1]) == "Loader", "a subclass of the safe loader"


@pytest.mark.parametrize("rules", sorted((REPO / "workflow" / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_no_rule_calls_a_shell(rules):
    assert not re.search(r"^\s*(shell|run):|\bshell\(", rules.read_text(), re.M)


def test_the_workflow_runs_in_a_folder_of_any_name(simulated, tmp_path):
    """Every job is planned and the first is run; that shells are kept out of the rest is held above."""
    folder = tmp_path / ODD
    folder.mkdir()
    (folder / "resources").mkdir()
    (folder / "config.yaml").write_text((REPO / "config.yaml").read_text())
    for sheet in ("datasets.tsv", "cells.tsv"):
        (folder / "resources" / sheet).write_text((REPO / "resources" / sheet).read_text())
    jobs = planned(plan(folder))
    assert "evaluate" in jobs and "simulate" in jobs
    done = run(folder, "--cores", "1", "--until", "simulate")
    assert done.returncode == 0, done.stdout + done.stderr
    names = paths.simulated()
    assert filecmp.cmpfiles(folder / "resources" / "simulated", simulated, names, shallow=False) == (names, [], [])
    assert not [path for path in (*tmp_path.rglob("*"), REPO / "owned") if path.name == "owned" and path.exists()]
