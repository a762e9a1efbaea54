"""Public functions say what they take, give and refuse, in sections of the NumPy style.

Ruff holds them to have a docstring. These rules are about its sections, where a reader needs them: of one argument that
is no array, a line says it all.
"""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "tfbind"
ARRAYS = ("ndarray", "Tensor", "DataFrame", "Series")
#: The commands of the command line: their docstrings are its help.
HELP = "cli.py"


def functions(node, name=""):
    """Public functions and methods of a module, by their names."""
    for child in node.body:
        if isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from functions(child, f"{child.name}.")
        elif isinstance(child, ast.FunctionDef) and not child.name.startswith("_"):
            yield name + child.name, child


def lacks(function):
    """The sections that a function should have and has not."""
    given = function.args
    arguments = [a for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")]
    arguments += [each for each in (given.vararg, given.kwarg) if each]
    returns = ast.unparse(function.returns) if function.returns else "None"
    written = returns + "".join(ast.unparse(each.annotation) for each in arguments if each.annotation)
    doc = ast.get_docstring(function) or ""
    if len(arguments) < 2 and not any(kind in written for kind in ARRAYS):
        return []
    wanted = ["Parameters"] if arguments else []
    wanted += ["Yields" if "Iterator" in returns and "Yields" in doc else "Returns"] if returns != "None" else []
    errors = ("InputError", "NotEstimable", "ResourceError", "ValueError")
    caught = {
        id(node) for each in ast.walk(function) if isinstance(each, ast.Try) for s in each.body for node in ast.walk(s)
    }
    raised = [node.exc for node in ast.walk(function) if isinstance(node, ast.Raise) and id(node) not in caught]
    raised = [each for each in raised if isinstance(each, ast.Call)]
    wanted += ["Raises"] if any(ast.unparse(each.func) in errors for each in raised) else []
    return [section for section in wanted if f"{section}\n---" not in doc]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_public_functions_have_their_sections(path):
    if path.name != HELP:
        found = {name: lacks(function) for name, function in functions(ast.parse(path.read_text()))}
        assert not {name: sections for name, sections in found.items() if sections}
