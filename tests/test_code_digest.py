"""The digest of code: what can change a result changes it, what cannot does not."""

import ast
import re
from pathlib import Path

import pytest

import studies
from tfbind import code_digest

REPO = Path(__file__).parents[1]
#: What reads a study, of which no result may depend.
STUDY = {f"study.{name}" for name in ("config", "study", "read_sheets", "schema", "checks", "strict_yaml", "sources")}
#: What the rules hand to `digest`.
RULES = [
    re.findall(r'"([\w.]+)"', modules)
    for path in sorted((REPO / "workflow" / "rules").glob("*.smk"))
    for modules in re.findall(r"digest\(([^)]*)\)", path.read_text())
]
CODE = '''"""Doc."""
import logging

from tfbind import b
from tfbind.errors import InputError, NotEstimable, ResourceError

log = logging.getLogger(__name__)
_AGAIN = "do it again"
_REMEDIES = {1: "free some space"}
_KINDS = ["one kind", "another kind"]
_SHOWN = "shown words"


def f(x, kind):
    """Doc of f."""
    faults, remedy = [], ""
    remedy = "mend it"
    if x < 0:
        faults.append(f"{x} is negative; {remedy}")
    faults += [f"{y} is odd" for y in range(x) if kind == "some kind"]
    hint = "a hint" if x else ""
    if hint:
        faults.append(f"a fault with {hint}")
    if faults:
        raise InputError(faults)
    if x in _REMEDIES:
        said = f"{x}: {_REMEDIES[x]}"
        raise ResourceError(f"{said}, then {_AGAIN}")
    if kind not in _KINDS:
        raise InputError(f"kind is {kind}, not one of {', '.join(_KINDS)}")
    note = f"{x} is too few"
    if x > 3:
        raise NotEstimable(note)
    if x > 2:
        raise InputError(note)
    if missing := "nothing there" if x else "":
        raise InputError(missing)
    if (seen := "a seen word") == kind:
        raise InputError(seen)
    notes = b.notes
    notes += ["a noted word"]
    if x > 1:
        raise InputError(notes)
    log.info("at work on %s", _SHOWN)
    return b.g(x), _SHOWN
'''


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of three modules, and a function that gives the digest of one of them after an edit."""
    (tmp_path / "a.py").write_text(CODE)
    (tmp_path / "b.py").write_text("def g(x):\n    return x\n")
    (tmp_path / "c.py").write_text("z = 1\n")
    (tmp_path / "errors.py").write_text("class InputError(ValueError): ...\n")
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)

    def digest(edited="a.py", before="", after=""):
        path = tmp_path / edited
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        code_digest.digest.cache_clear()
        code_digest._code.cache_clear()
        found = code_digest.digest("a")
        path.write_text(text)
        return found

    yield digest
    code_digest.digest.cache_clear()
    code_digest._code.cache_clear()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Doc."""', '"""Another."""'),
        ('    """Doc of f."""\n', ""),
        ("    return b.g(x), _SHOWN", "    # why\n    return (b.g(x),\n            _SHOWN)"),
        ("is negative; ", "is below 0: "),  # in a list of faults
        ("{x} is negative; {remedy}", "negative: {remedy}"),
        ('"mend it"', "'correct it'"),
        ("{y} is odd", "odd: {y}, {y}"),
        ('"a hint"', '"another hint"'),
        ("a fault with", "this fault has"),
        ("{x}: {_REMEDIES[x]}", "not written: {_REMEDIES[x]}"),
        ("free some space", "make room"),
        ("do it again", "once more"),
        ("{said}, then {_AGAIN}", "{_AGAIN}: {said}"),
        ("kind is {kind}, not one of", "{kind!r} is none of"),
        ("raise InputError(note)", 'raise InputError(note + "; more are needed")'),
        ("nothing there", "empty"),
        ('"at work on %s"', '"now: %s"'),
    ],
)
def test_what_people_read_changes_no_digest(package, before, after):
    assert package(before=before, after=after) == package()


def test_an_import_for_annotations_is_none(package, tmp_path):
    (tmp_path / "a.py").write_text(f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import this\n{CODE}")
    assert package(before="import this", after="from tfbind import c") == package()
    assert package("c.py", "1", "2") == package()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x < 0", "x < 1"),
        ('"some kind"', '"this kind"'),
        ('"a hint" if x', '"" if x'),  # an empty text is tested for
        ("{1: ", "{2: "),
        ('"another kind"', '"third kind"'),
        ("is too few", "are too few"),  # of a note
        ("raise NotEstimable(note)", 'raise NotEstimable("few")'),
        ("raise NotEstimable(note)", "raise InputError(note)"),
        ("shown words", "other words"),  # logged, and returned
        ("a seen word", "another word"),
        ("a noted word", "another word"),  # in a list that has another name elsewhere
        ('"nothing there" if', '"" if'),
        ("import b\n", "import b, c\n"),
        ("        raise InputError(faults)\n", "        return faults\n"),
    ],
)
def test_what_can_change_a_result_changes_the_digest(package, before, after):
    assert package(before=before, after=after) != package()


def test_a_digest_holds_what_a_module_imports_and_the_template_beside_it(package, tmp_path):
    first = package()
    assert package("c.py", "1", "2") == first
    second = package("b.py", "return x", "return 2 * x")
    (tmp_path / "b.html.j2").write_text("<p>")
    assert len({first, second, package()}) == 3


class _Reword(ast.NodeTransformer):
    """Other words in every error that ends a run and in every line of a log."""

    def __init__(self):
        self.count = 0

    def visit_Call(self, node):
        if code_digest._name(node.func) in ("InputError", "ResourceError") or ast.unparse(node.func) in (
            "log.info",
            "log.warning",
            "faults.append",
        ):
            for each in ast.walk(node):
                if isinstance(each, ast.JoinedStr):
                    for part in each.values:
                        if isinstance(part, ast.Constant):
                            part.value += "reworded"
                            self.count += 1
        return self.generic_visit(node)


def test_no_reworded_message_of_tfbind_changes_a_digest(tmp_path, monkeypatch):
    modules = code_digest.closure(*[module for modules in RULES for module in modules]) - STUDY
    before = {module: code_digest.digest(module) for module in modules}
    sources = {module: code_digest._path(module) for module in modules | STUDY}
    root, reworded = code_digest._ROOT, 0
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)
    code_digest.digest.cache_clear()
    for path in root.rglob("*"):
        copy = tmp_path / path.relative_to(root)
        if path.is_file() and path.suffix != ".pyc":
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    for path in sources.values():
        reword = _Reword()
        tree = reword.visit(ast.parse(path.read_text()))
        (tmp_path / path.relative_to(root)).write_text(ast.unparse(tree))
        reworded += reword.count
    assert reworded > 50
    assert {module: code_digest.digest(module) for module in modules} == before
    code_digest.digest.cache_clear()


def test_no_result_depends_on_how_a_study_is_read_or_fetched():
    for modules in RULES:
        named = [module for module in modules if module not in {*STUDY, "io.download"}]
        assert not {*STUDY, "progress", "io.download", "cli"} & code_digest.closure(*named), modules


def test_a_module_is_parsed_once(monkeypatch):
    parsed, parse = [], ast.parse
    monkeypatch.setattr(ast, "parse", lambda text: parsed.append(text) or parse(text))
    code_digest.digest.cache_clear()
    code_digest._code.cache_clear()
    assert len(RULES) > 15
    for modules in RULES:
        code_digest.digest(*modules)
    assert 20 < len(parsed) == len(set(parsed))


def test_what_an_error_says_that_ends_a_run_is_in_no_table():
    caught = 0
    for module in code_digest.closure(*[module for modules in RULES for module in modules]) - STUDY:  # it makes none
        tree = ast.parse(code_digest._path(module).read_text())
        for handler in ast.walk(tree):
            if isinstance(handler, ast.ExceptHandler) and handler.name:
                types = {code_digest._name(each) for each in ast.walk(handler.type)}
                if types & code_digest._ENDS:
                    caught += 1
                    code_digest._ended(handler)
                    for node in ast.walk(handler):
                        if isinstance(node, ast.stmt) and ast.unparse(node).startswith(("faults.", "faults +=")):
                            node.value = ast.Constant(None)
                    said = [
                        node
                        for node in ast.walk(handler)
                        if isinstance(node, ast.FormattedValue)
                        or code_digest._name(getattr(node, "func", node)) == "str"
                    ]
                    assert handler.name not in code_digest._names(*said), f"{module}: {ast.unparse(handler)}"
    assert caught > 10


#: How a job starts, what it keeps, and whether a file is the one that was named: no result depends on them. The rules
#: `celltype` and `celltype_network` share a script, and the first reads no network.
NO_RESULT = {"job", "kept", "errors", "io.tables", "io.download"}
SHARED = {"celltype": {"celltype.networks"}}


def test_the_digest_of_a_rule_holds_all_that_its_script_calls():
    scripts = {}
    for path in sorted((REPO / "workflow" / "rules").glob("*.smk")):
        for rule, script in re.findall(
            r'(?:variants\(\s*"|^ *rule )(\w+).*?scripts/(\w+)\.py', path.read_text(), re.M | re.S
        ):
            scripts[rule] = script
    codes = studies.code_of_rules()
    assert len(scripts) > 20 and set(scripts) <= set(codes)
    for rule, script in scripts.items():
        tree = ast.parse((REPO / "workflow" / "scripts" / f"{script}.py").read_text())
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        called = {module for node in nodes for module in code_digest._imported(node)} - NO_RESULT
        assert not called - code_digest.closure(*codes[rule]) - SHARED.get(rule, set()), rule
