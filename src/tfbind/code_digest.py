"""The code that a result depends on: Snakemake does not see edits in a package, so each rule carries a digest of it.

Only an edit that can change a result changes a digest. Comments, layout and docstrings cannot; nor can the text of a
log, nor that of an error that ends a run (`_ENDS`): it leaves no table behind. The message of a `NotEstimable` can,
since it is a table's `note`.
"""

import ast
import gc
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parent
_ENDS = {"InputError", "ResourceError", "Truncated", "ValueError"}
_LOGS = {"debug", "info", "warning", "error"}
_DOCUMENTED = {ast.Module, ast.ClassDef, ast.FunctionDef}


@cache
def digest(*modules: str) -> str:
    """A short digest of modules and of all of tfbind that they import, directly or not.

    Parameters
    ----------
    *modules : str
        Dotted names below `tfbind`, e.g. ``kmers`` or ``kernels.shuffle``.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    lines = [f"{module} {_code(_path(module)).digest}" for module in sorted(closure(*modules))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


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
    """The modules of tfbind that one module imports, wherever in it the import stands; not those for annotations."""
    return _code(_path(module)).imports


class _Code(NamedTuple):
    """What a module imports of tfbind; the digest of its code and of a template beside it."""

    imports: set[str]
    digest: str


def _path(module: str) -> Path:
    path = _ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def _code(path: Path) -> _Code:
    text, found = path.read_text(), []
    collecting = gc.isenabled()
    gc.disable()  # nothing of a large tree is garbage, and searching it takes four times as long as parsing
    try:
        tree = ast.parse(text)
        _silence(tree, text.splitlines())
        digest = hashlib.sha256(_written(tree, found).encode())
        del tree
    finally:
        if collecting:
            gc.enable()
    for companion in sorted(path.parent.glob(f"{path.stem}.*")):
        if companion.suffix not in (".py", ".pyc"):
            digest.update(companion.read_bytes())
    return _Code({module for node in found for module in _imported(node)}, digest.hexdigest())


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name.removeprefix("tfbind.") for alias in node.names if alias.name.startswith("tfbind."))
    elif (node.module or "").split(".")[0] == "tfbind":
        base = node.module.removeprefix("tfbind").removeprefix(".")
        names = [f"{base}.{alias.name}".removeprefix(".") for alias in node.names]
        yield from {name if _path(name).exists() else base for name in names} - {""}


def _written(node: object, imported: list) -> str:
    """A syntax tree as text, without docstrings and code that is for annotations only; collects the imports."""
    kind = type(node)
    if kind is list:
        return f"[{','.join([_written(each, imported) for each in node])}]"
    if not (fields := _fields(kind)):
        return repr(node) if kind.__module__ != "ast" else kind.__name__
    if kind in _DOCUMENTED and ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    elif kind is ast.Import or kind is ast.ImportFrom:
        imported.append(node)
    elif kind is ast.If and _name(node.test) == "TYPE_CHECKING":
        return "Pass"
    return f"{kind.__name__}({','.join([_written(getattr(node, field, None), imported) for field in fields])})"


@cache
def _fields(kind: type) -> list[str]:
    # whether a variable is read or written is told by where it stands
    return [field for field in getattr(kind, "_fields", ()) if field not in ("ctx", "type_comment")]


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _silence(tree: ast.Module, lines: list[str]) -> None:
    """Remove the text of logs, and of errors that end a run, from a module."""
    read = set()
    for node in tree.body:
        for unit in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(unit, ast.FunctionDef):
                text = "\n".join(lines[unit.lineno - 1 : unit.end_lineno])
                if "faults" in text or "log." in text or any(f"{end}(" in text for end in _ENDS):
                    read |= _blank(unit, _ended(unit))
    _blank(tree, {name for name in read if name.startswith("_")})


def _ended(unit: ast.AST) -> set[str]:
    """Drop the arguments of errors and logs; returns the names that were read for them."""
    read = {"faults"}  # a list of this name holds what an error will say, also where a function is given it or gives it
    for node in ast.walk(unit):
        if isinstance(node, ast.Call):
            logs = _name(node.func) in _LOGS and _name(getattr(node.func, "value", node)) == "log"
            if logs or _name(node.func) in _ENDS:
                read |= _names(*node.args, *node.keywords)
                node.args, node.keywords = [], []
    return read


def _blank(unit: ast.AST, names: set[str]) -> set[str]:
    """Blank the text in variables that are now read for nothing else, and in those that these were made of.

    A test of a variable counts as nothing: a blank is empty where its text was. Returns all names looked at.
    """
    looked, waiting = set(), names
    while waiting:
        looked |= waiting
        sources = _sources(unit, waiting)
        waiting = set()
        for holder, field in sources:
            before, after = getattr(holder, field), _wordless(getattr(holder, field))
            setattr(holder, field, after)
            waiting |= _names(before) - _names(after)
    return looked


def _sources(unit: ast.AST, names: set[str]) -> list[tuple[ast.AST, str]]:
    """The assignments to variables that are read for nothing else."""
    found, free, kept, keyed = [], set(), set(), set()
    for node in ast.walk(unit):  # from the outside in
        match node:
            case ast.If(test=test) | ast.IfExp(test=test):
                free |= set(_tested(test))
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
                found.append((name, node, "value"))
            case ast.NamedExpr(target=ast.Name(id=name)):
                found.append((name, node, "value"))
                if node not in free:
                    kept.add(name)
            case ast.AugAssign(target=ast.Name(id=name)):
                found.append((name, node, "value"))
                kept |= {name} - {"faults"}  # another name may hold the same list
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("faults") as variable, "append" | "extend"))):
                found.append(("faults", node.value, "args"))
                free.add(variable)
            case ast.Call(args=args):
                free |= {each for each in args if _name(each) == "faults"}
            case ast.Return(ast.Name("faults") as variable):
                free.add(variable)
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[ast.Name(id=name) as variable]):
                free.add(variable)
                keyed.add(name)
            case ast.Name(id=name, ctx=ast.Load()) if node not in free:
                kept.add(name)
            case ast.arg(arg=name) if name != "faults":
                kept.add(name)
            case ast.Global(names=several):
                kept |= set(several)
    # a blank dictionary has its keys, a blank list not its elements
    kept |= {name for name, holder, _ in found if name in keyed and not isinstance(holder.value, ast.Dict)} - {"faults"}
    return [(holder, field) for name, holder, field in found if name in names - kept]


def _tested(test: ast.AST) -> Iterator[ast.AST]:
    """The variables of a condition of which only the truth is asked."""
    match test:
        case ast.Name() | ast.NamedExpr():
            yield test
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield from _tested(operand)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _tested(value)


def _wordless(node: ast.AST | list) -> ast.AST | list:
    """An expression with a blank for each text that it may be, or hold; an empty text stays empty."""
    match node:
        case list():
            return [_wordless(each) for each in node]
        case ast.Constant(value=str(text)):
            return ast.Constant("..." if text else "")
        case ast.JoinedStr(values=parts) if any(isinstance(part, ast.Constant) for part in parts):
            return ast.Constant("...")
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            node.elts = _wordless(elements)
        case ast.ListComp(elt=element) | ast.GeneratorExp(elt=element):
            node.elt = _wordless(element)
        case ast.Dict(values=values):
            node.values = _wordless(values)
        case ast.IfExp(body=body, orelse=other):
            node.body, node.orelse = _wordless(body), _wordless(other)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            node.left, node.right = _wordless(left), _wordless(right)
    return node


def _names(*nodes: ast.AST | list) -> set[str]:
    whole = ast.Module([each for node in nodes for each in (node if isinstance(node, list) else [node])], [])
    return {each.id for each in ast.walk(whole) if isinstance(each, ast.Name)}
