"""What code a result depends on: Snakemake does not see edits in a package, so each rule carries a digest of it."""

import ast
import hashlib
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent


@cache
def digest(*modules: str) -> str:
    """A short digest of modules and of all of tfbind that they import, down to the lowest floor.

    Comments, layout and docstrings do not count: only an edit that can change a result changes the digest.

    Parameters
    ----------
    *modules : str
        Dotted names below `tfbind`, e.g. ``negatives`` or ``kernels.shuffle``.
    """
    found = hashlib.sha256()
    for module in sorted(closure(*modules)):
        found.update(f"{module}\n{_bare(module)}\n".encode())
        for companion in sorted(_path(module).parent.glob(f"{_path(module).stem}.*")):  # a template beside its module
            if companion.suffix not in (".py", ".pyc"):
                found.update(companion.read_bytes())
    return found.hexdigest()[:16]


def closure(*modules: str) -> set[str]:
    """The modules given and every module of tfbind that they import, directly or not."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += imports(module)
    return seen


def imports(module: str) -> set[str]:
    """The modules of tfbind that one module imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "tfbind":
            base = node.module.removeprefix("tfbind").removeprefix(".")
            names = [f"{base}.{alias.name}".removeprefix(".") for alias in node.names]
            found |= {name if _path(name).exists() else base for name in names}
        elif isinstance(node, ast.Import):
            found |= {a.name.removeprefix("tfbind.") for a in node.names if a.name.startswith("tfbind.")}
    return found - {""}


def _path(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text())


def _bare(module: str) -> str:
    """The syntax tree without docstrings."""
    tree = ast.parse(_path(module).read_text())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)
