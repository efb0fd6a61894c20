"""docs/SECURITY.md names tests that exist, and its Chinese names the same."""

import ast
import re

from tests.architecture.source import ROOT, nothing

NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
ITEM = re.compile(r"^\| (\d+) \|", re.MULTILINE)


def _text(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def _tests_of(path: str) -> set[str]:
    file = ROOT / path
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_test_it_names_is_there() -> None:
    named = NAMED.findall(_text("SECURITY.md"))
    assert len(named) > 60
    nothing(
        sorted(f"{path}::{test}" for path, test in set(named) if test not in _tests_of(path)),
        "docs/SECURITY.md names tests that are not there:",
    )


def test_every_item_is_held_by_something_in_both_languages() -> None:
    english, chinese = _text("SECURITY.md"), _text("SECURITY.zh-CN.md")
    assert ITEM.findall(english) == ITEM.findall(chinese)
    assert NAMED.findall(english) == NAMED.findall(chinese)
    assert [int(number) for number in ITEM.findall(english)] == list(range(1, 45))
    for line in english.splitlines():
        if ITEM.match(line):
            assert NAMED.search(line), line
