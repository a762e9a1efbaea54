"""The architecture, held to: imports point down, torch stays above, schema words are registry keys."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tfbind import lineage
from tfbind.config import schema

REPO = Path(__file__).parents[1]
FLOORS = [
    ["faults", "kernels.vectors"],
    ["dna", "text", "lineage", "shifts", "hosts", "layout", "kernels.*", "job"],
    ["tables", "layouts"],
    [
        "config",
        "resources",
        "intervals",
        "genome",
        "reads",
        "splits",
        "motifs",
        "background",
        "bins",
        "progress",
        "kept",
        "technical",
    ],
    ["assays", "negatives", "simulate", "archives", "audit", "signal", "domain", "doctor", "matching"],
    ["data", "models", "baseline", "estimators", "features", "drawing"],
    ["stacks", "prediction", "cells", "foreign"],
    ["evaluation", "training", "bin_networks", "interpretation", "validation"],
    ["transfer", "libraries", "adaptation", "causes", "celltype"],
    ["ladder", "variance", "calibration", "sharing", "scoring", "logos", "transferability"],
    ["scores", "unlabelled"],
    ["report"],
    ["cli"],
]
MODULES = sorted(
    ".".join(path.relative_to(REPO / "src" / "tfbind").with_suffix("").parts)
    for path in (REPO / "src" / "tfbind").rglob("*.py")
    if path.name != "__init__.py"
)


def floor(module):
    names = {module, module.split(".")[0] + ".*"} if "." in module else {module}
    return next(i for i, row in enumerate(FLOORS) if names & set(row))


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    for other in lineage.imports(module):
        assert floor(other) < floor(module), f"{module} imports {other}"


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
    "audit_table": TABLES,
    "cards": KERNELS | {"torch"},
    "causes": TABLES,
    "celltype": STATISTICS | {"torch", "sklearn", "scipy.stats", "scipy.optimize", "requests"},
    "celltype_table": STATISTICS,
    "evaluate": STATISTICS,
    "explain": STATISTICS | {"torch"},
    "fetch": TABLES | {"requests"},
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
PLANNING = {"config", "faults", "hosts", "layout", "lineage", "progress"}
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
    names = ("config", "cli", "assays", "negatives", "simulate", "lineage", "archives", "audit", "validation")
    groups[frozenset(HEAVY - {"torch", "sklearn"})] = {name: f"import tfbind.{name}" for name in names}
    groups[frozenset(HEAVY - {"pytorch_lightning"})] = {"prediction": "import tfbind.prediction"}
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
            found |= {alias.name for alias in node.names} if node.module == "tfbind" else {node.module.split(".")[1]}
    assert {"config", "lineage"} <= found <= PLANNING


def test_schema_words_are_registry_keys():
    from tfbind.assays import ASSAYS
    from tfbind.baseline import ESTIMATORS
    from tfbind.models import MODELS
    from tfbind.negatives import NEGATIVES

    rules = schema("config")
    assert set(schema("datasets")["properties"]["assay"]["enum"]) == set(ASSAYS)
    assert set(rules["$defs"]["kinds"]["anyOf"][0]["enum"]) == set(NEGATIVES)
    kinds = set(rules["properties"]["models"]["additionalProperties"]["properties"]["kind"]["enum"])
    made: dict[str, set[str]] = {}
    for kind in kinds:
        made.setdefault(rules["$defs"][kind]["made_by"], set()).add(kind)
    assert made == {"training": set(MODELS), "baseline": set(ESTIMATORS), "foreign": {"scores"}}


@pytest.mark.parametrize("kind", ["deepbind", "bilstm", "regression", "composition"])
def test_model_options_are_constructor_arguments_with_the_same_defaults(kind):
    import inspect

    from tfbind.baseline import ESTIMATORS
    from tfbind.models import MODELS

    arguments = inspect.signature({**MODELS, **ESTIMATORS}[kind]).parameters
    options = schema("config")["$defs"][kind]["properties"].copy()
    for key in ("kind", "reading", "tfs"):
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
