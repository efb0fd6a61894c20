"""Nothing that came from outside is ever run: no pickle, no YAML, no eval, no templates, anywhere in the product."""

import ast
from collections.abc import Iterator

from tests.architecture.source import ROOT, nothing

PRODUCT = ("protocols", "edge", "cloud", "simulators")
MODULES = frozenset({"pickle", "marshal", "shelve", "dill", "yaml", "jinja2", "mako", "code", "codeop", "xmlrpc"})
CALLS = frozenset({"eval", "exec", "compile", "__import__"})


def _found(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.name.partition(".")[0] in MODULES:
                    yield node.lineno, each.name
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            if node.level == 0:
                yield node.lineno, str(node.module)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            yield node.lineno, f"{node.func.id}()"


def test_no_part_of_the_product_runs_what_it_reads() -> None:
    found = []
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            found += [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in _found(ast.parse(path.read_text()))]
    nothing(found, "what is read is data; read it with msgspec, tomllib or csv:")


def test_each_of_them_would_be_found() -> None:
    lines = ["import pickle", "from yaml import load", "eval('1')", "exec('x')", "compile('x', '', 'eval')"]
    harmless = ["import re", "re.compile('x')"]
    assert [line for line, _ in sorted(_found(ast.parse("\n".join([*lines, *harmless]))))] == [1, 2, 3, 4, 5]
