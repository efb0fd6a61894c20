"""The source tree as the architecture tests see it: Python files with their syntax trees, and all text files."""

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("protocols", "edge", "cloud", "simulators")
# Beside the pages lie tools for working on them; they are not shipped and not the collector.
TOOLS = "cloud/web/tools/"


@dataclass(frozen=True)
class Source:
    """One Python file: its path from the root with slashes, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def at(self, node: ast.AST) -> str:
        """``path:line`` of a node, as an editor opens it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"

    def line(self, number: int) -> str:
        lines = self.lines
        return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(frozen=True)
class Import:
    """One imported name: ``module`` is dotted and absolute; ``from a import b`` gives ``a`` and ``a.b``."""

    module: str
    names: tuple[str, ...]
    node: ast.stmt


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project: what git has, and what it would take (not what .gitignore leaves out)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    """The Python files below these top folders (default: the four packages)."""
    wanted = folders or PACKAGES
    found = []
    for path in tracked():
        name = relative(path)
        if path.suffix == ".py" and name.split("/", 1)[0] in wanted and not name.startswith(TOOLS):
            text = path.read_text("utf-8")
            found.append(Source(name, text, ast.parse(text, name)))
    return tuple(found)


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Path and text of every file that is text and written by hand (vendored code and locks are not)."""
    found = []
    for path in tracked():
        name = relative(path)
        if "/vendor/" in name or name.startswith("deploy/locks/") or name.endswith("package-lock.json"):
            continue
        try:
            found.append((name, path.read_text("utf-8")))
        except UnicodeDecodeError:
            continue
    return tuple(found)


def imports(source: Source) -> Iterator[Import]:
    """Every import in a file, also those inside functions and under TYPE_CHECKING."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), node)
        elif isinstance(node, ast.ImportFrom):
            yield Import("." * node.level + (node.module or ""), tuple(alias.name for alias in node.names), node)


def reaches(found: Import, module: str) -> bool:
    """Whether an import gets at ``module`` or at something below it."""
    if found.module == module or found.module.startswith(module + "."):
        return True
    parent, _, last = module.rpartition(".")
    return bool(parent) and found.module == parent and last in found.names


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a name or attribute chain, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return ""


def nothing(found: list[str], rule: str) -> None:
    """Fail with one line per place when there are any."""
    __tracebackhide__ = True
    assert not found, f"{rule}\n  " + "\n  ".join(sorted(found))
