"""The architecture, held to: imports point down, torch stays above, schema words are registry keys."""

import subprocess
import sys
from pathlib import Path

import pytest

from tfbind import lineage
from tfbind.config import schema

REPO = Path(__file__).parents[1]
FLOORS = [
    ["faults", "kernels.vectors"],
    ["dna", "text", "lineage", "shifts", "hosts", "layout", "kernels.*"],
    ["tables"],
    ["config", "resources", "intervals", "genome", "reads", "splits", "motifs", "background", "bins", "progress"],
    ["assays", "negatives", "simulate", "archives", "audit", "signal", "domain", "doctor", "matching"],
    ["data", "models", "baseline", "estimators", "features", "validation"],
    ["stacks", "prediction", "cells", "foreign"],
    ["evaluation", "training", "bin_networks", "interpretation"],
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


@pytest.mark.parametrize(
    "module", ["config", "cli", "assays", "negatives", "simulate", "lineage", "archives", "audit", "validation"]
)
def test_planning_and_validation_load_no_torch(module):
    code = f"import sys, tfbind.{module}; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_prediction_loads_no_lightning():
    code = "import sys, tfbind.prediction; sys.exit('pytorch_lightning' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


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
