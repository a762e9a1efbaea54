"""The architecture, held to: imports point down, torch stays above, schema words are registry keys."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfbind import code_digest, earlier
from tfbind.study.schema import schema

REPO = Path(__file__).parents[1]
#: Rooms (folders and single modules) from the ground up; a room imports those below it.
FLOORS = [
    ["errors", "kernels", "earlier", "assays", "home"],
    ["dna", "code_digest"],
    ["kmers"],
    ["io", "job", "seeding"],
    ["motifs"],
    ["study", "statistics", "kept", "progress", "doctor", "storage"],
    ["archives", "sequences"],
    ["models"],
    ["celltype", "interpretation", "transfer"],
    ["simulation", "report", "check_files", "proposal", "run"],
    ["cli"],
]
MODULES = sorted(
    ".".join(path.relative_to(REPO / "src" / "tfbind").with_suffix("").parts)
    for path in (REPO / "src" / "tfbind").rglob("*.py")
    if path.name != "__init__.py"
)


def room(module):
    return module.split(".")[0]


def test_rooms_import_what_is_below_them():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    assert set(floor) == set(map(room, MODULES))
    arrows = [(module, other) for module in MODULES for other in code_digest.imports(module)]
    assert not [(a, b) for a, b in arrows if room(a) != room(b) and floor[room(b)] >= floor[room(a)]]


def test_modules_of_a_room_import_each_other_one_way():
    left = {module: {o for o in code_digest.imports(module) if room(o) == room(module)} for module in MODULES}
    while free := {module for module, others in left.items() if not others & set(left)}:
        left = {module: others for module, others in left.items() if module not in free}
    assert not left, "a circle"


def test_modules_are_still_found_under_their_earlier_names():
    homes = {home for homes in earlier.MOVED.values() for home in homes.split()}
    assert homes <= set(MODULES) and not set(earlier.MOVED) & set(map(room, MODULES))
    code = (
        "from tfbind import signal\nfrom tfbind.tables import Tally\nfrom tfbind.io import tally\nimport tfbind.dna\n"
    )
    code += "assert signal.track and signal.expression and Tally is tally.Tally\nimport tfbind.nothing"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "tfbind.signal is now tfbind.celltype.tracks, tfbind.celltype.genes" in run.stderr
    assert run.stderr.rstrip().endswith("No module named 'tfbind.nothing'")


def test_a_room_is_empty_at_its_door():
    """What stood in an `__init__.py` would be part of every digest and every start."""
    doors = [path for path in (REPO / "src" / "tfbind").rglob("*/__init__.py")]
    assert len(doors) > 10 and not [path for path in doors if path.read_text()]


#: Libraries that a start pays for, and whose children: what is not named here is cheap.
HEAVY = {
    *("torch", "torch._dynamo", "pytorch_lightning", "sklearn", "scipy.special", "scipy.stats", "scipy.optimize"),
    *("matplotlib", "pybedtools", "pyjaspar", "Bio", "memelite", "numba", "pandas", "pyarrow", "requests", "onnx"),
}
TABLES = {"pandas", "pyarrow"}
KERNELS = TABLES | {"numba"}
STATISTICS = KERNELS | {"scipy.special"}
#: What each script may load before it does its work.
SCRIPTS = {
    "adapt": STATISTICS | {"torch"},
    "adaptation": STATISTICS,
    "audit": KERNELS,
    "audit_foreign": KERNELS,
    "audit_table": TABLES,
    "cards": KERNELS | {"torch"},
    "causes": TABLES,
    "celltype": STATISTICS | {"torch", "sklearn", "scipy.stats", "scipy.optimize", "requests"},
    "celltype_table": STATISTICS,
    "evaluate": STATISTICS,
    "explain": STATISTICS | {"torch"},
    "fetch": TABLES | {"requests"},
    "final": KERNELS,
    "fit": STATISTICS | {"sklearn", "scipy.stats", "scipy.optimize"},
    "index_genome": KERNELS | {"requests"},
    "interpret": KERNELS | {"torch"},
    "motifs": KERNELS,
    "negatives": KERNELS,
    "positives": KERNELS | {"requests"},
    "predict": KERNELS | {"torch"},
    "report": STATISTICS | {"matplotlib"},
    "retrain": TABLES,
    "simulate": KERNELS,
    "summarise": STATISTICS,
    "take_scores": KERNELS,
    "train": KERNELS,
    "unlabelled": STATISTICS | {"torch"},
}
#: What the workflow imports to plan, at every start and for every job of a cluster.
PLANNING = {
    "study.config",
    "study.plan",
    "study.study",
    "errors",
    "io.hosts",
    "io.paths",
    "code_digest",
    "progress",
    "home",
}
#: Prints what is loaded beyond what may be: groups of (may be loaded, code by name), each in a process of its own that
#: has what all but the first may load.
LOADED = """
import json, os, sys
heavy, groups = json.loads(sys.argv[1])
for number, (allowed, sources) in enumerate(groups):
    if number == 1:
        import pandas, pyarrow.parquet
    child = os.fork()
    if not child:
        for name, source in sources.items():
            exec(source, {})
            print(name, *sorted(set(heavy) & set(sys.modules) - set(allowed)), flush=True)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(1)
"""


def imports(path):
    """The import statements at the top level of a Python file."""
    tree = ast.parse(path.read_text())
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


def test_a_start_loads_what_it_needs():
    scripts = {path.stem: path for path in (REPO / "workflow" / "scripts").glob("*.py")}
    assert set(scripts) == set(SCRIPTS)
    groups = {frozenset(): {f"planning {name}": f"import tfbind.{name}" for name in sorted(PLANNING)}}
    for name, allowed in SCRIPTS.items():
        groups.setdefault(frozenset(allowed), {})[f"{name}.py"] = imports(scripts[name])
    # planning, validation, prediction from Python and at the command line
    names = ("study.config", "cli", "sequences.positives", "sequences.negatives", "simulation.simulate", "code_digest")
    names += ("archives.accessions", "sequences.leakage", "check_files", "proposal.propose")
    groups[frozenset(HEAVY - {"torch", "sklearn"})] = {name: f"import tfbind.{name}" for name in names}
    groups[frozenset(HEAVY - {"pytorch_lightning"})] = {"prediction": "import tfbind.models.predict"}
    given = json.dumps([sorted(HEAVY), [[sorted(allowed), sources] for allowed, sources in groups.items()]])
    ran = subprocess.run([sys.executable, "-c", LOADED, given], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert len(lines) == len(PLANNING) + len(SCRIPTS) + len(names) + 1
    assert not [line for line in lines if HEAVY & set(line.split())]


def test_workflow_files_import_what_planning_may():
    found = set()
    for path in (REPO / "Snakefile", *(REPO / "workflow" / "rules").glob("*.smk")):
        for line in re.findall(r"^(?:from tfbind.*|import tfbind.*)$", path.read_text(), re.MULTILINE):
            (node,) = ast.parse(line).body
            base = node.module.removeprefix("tfbind").removeprefix(".")
            names = {f"{base}.{alias.name}".removeprefix(".") for alias in node.names}
            found |= {name if name in MODULES else base for name in names}
    assert {"study.config", "code_digest"} <= found <= PLANNING


def test_schema_words_are_registry_keys():
    from tfbind.assays import ASSAYS, FORMS
    from tfbind.models.baseline import ESTIMATORS
    from tfbind.models.networks import MODELS
    from tfbind.sequences import forms
    from tfbind.sequences.negatives import NEGATIVES
    from tfbind.study.negative_kinds import KINDS
    from tfbind.transfer.library_qc import REFERENCES

    rules = schema("config")
    assert {about.form for about in ASSAYS.values()} == set(FORMS) == set(forms.FORMS)
    formats = {name for about in ASSAYS.values() for name in about.formats}
    assert set(schema("datasets")["properties"]["format"]["enum"]) == formats | {""}
    assert set(rules["$defs"]["kinds"]["anyOf"][0]["enum"]) == set(NEGATIVES) | {"usual"} == set(KINDS) | {"usual"}
    options = {option for kind in KINDS.values() for option in kind.options}
    given = set(rules["properties"]["negatives"]["additionalProperties"]["properties"])
    assert given == options | {"kind", "also", "ratio", "fresh", "tfs"}
    kinds = set(rules["properties"]["models"]["additionalProperties"]["properties"]["kind"]["enum"])
    made: dict[str, set[str]] = {}
    for kind in kinds:
        made.setdefault(rules["$defs"][kind]["made_by"], set()).add(kind)
    assert made == {"training": set(MODELS), "baseline": set(ESTIMATORS), "external": {"scores"}}
    assert {"regression", "composition", *REFERENCES} == set(ESTIMATORS)


@pytest.mark.parametrize(
    "kind",
    ["deepbind", "bilstm", "selection", "regression", "composition", "matrix", "kmers", "pwm", "gapped_kmers"],
)
def test_model_options_are_constructor_arguments_with_the_same_defaults(kind):
    import inspect

    from tfbind.models.baseline import ESTIMATORS
    from tfbind.models.networks import MODELS

    arguments = inspect.signature({**MODELS, **ESTIMATORS}[kind]).parameters
    options = schema("config")["$defs"][kind]["properties"].copy()
    for key in ("kind", "reading", "learns", "tfs"):
        options.pop(key, None)
    assert set(options) <= set(arguments)
    for name, rule in options.items():
        default = arguments[name].default
        assert rule["default"] == (list(default) if isinstance(default, tuple) else default), name


@pytest.mark.parametrize("script", sorted((REPO / "workflow" / "scripts").glob("*.py")), ids=lambda p: p.name)
def test_scripts_are_thin(script):
    lines = [x for x in script.read_text().splitlines() if x.strip() and not x.startswith(("import", "from"))]
    assert len(lines) <= 40
    assert "def " not in script.read_text()
    assert lines[1].startswith("job.begin(snakemake.log[0])"), "what it says from here on is in its log"
