"""One idea per file, found by its name."""

import ast

from tests.architecture.source import ROOT, nothing, relative, sources, tracked

BANNED_STEMS = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
BANNED_IN_CLASSES = ("Manager", "Helper", "Util", "Utils")

FILE_LINES_MAX = 450
FUNCTION_LINES_MAX = 80
README_LINES_MAX = 40

FOLDERS = ("protocols", "edge", "cloud", "simulators", "deploy", "tests")


def test_no_file_is_named_after_nothing() -> None:
    code = [path for path in tracked() if path.suffix in {".py", ".js", ".sh"}]
    files = [name for path in code if "/vendor/" not in (name := relative(path))]
    found = []
    for name in files:
        parts = name.split("/")
        stems = {part.split(".")[0] for part in parts}
        if stems & BANNED_STEMS or parts[-1].split(".")[0].startswith("part"):
            found.append(name)
    nothing(found, "a file is named after its idea:")


def test_no_class_is_a_manager_or_a_helper() -> None:
    found = [
        f"{source.at(node)} class {node.name}"
        for source in sources("protocols", "edge", "cloud", "simulators", "tests")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(BANNED_IN_CLASSES)
    ]
    nothing(found, "a class is named after what it is:")


def test_files_hold_one_idea() -> None:
    found = []
    for path in tracked():
        name = relative(path)
        if path.suffix not in {".py", ".js"} or "/vendor/" in name:
            continue
        count = len(path.read_text("utf-8").splitlines())
        if count > FILE_LINES_MAX:
            found.append(f"{name}: {count} lines")
    nothing(found, f"at most {FILE_LINES_MAX} lines; split by idea:")


def test_functions_fit_on_a_screen_or_two() -> None:
    found = []
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = (node.end_lineno or node.lineno) - node.lineno + 1
                if count > FUNCTION_LINES_MAX:
                    found.append(f"{source.at(node)} {node.name}: {count} lines")
    nothing(found, f"at most {FUNCTION_LINES_MAX} lines a function:")


def test_each_folder_has_a_short_readme() -> None:
    found = []
    for folder in FOLDERS:
        readme = ROOT / folder / "README.md"
        if not readme.is_file():
            found.append(f"{folder}/README.md is missing")
    for path in tracked():
        name = relative(path)
        if path.name == "README.md" and "/" in name and "/vendor/" not in name:
            count = len(path.read_text("utf-8").splitlines())
            if count > README_LINES_MAX:
                found.append(f"{name}: {count} lines")
    nothing(found, f"each folder says in at most {README_LINES_MAX} lines what lives there:")


def test_every_module_says_what_it_is() -> None:
    found = [
        source.path
        for source in sources()
        if source.text.strip() and not source.path.endswith("__init__.py") and not ast.get_docstring(source.tree)
    ]
    nothing(found, "a module starts with a docstring:")


def test_folders_with_tests_are_packages() -> None:
    """Else two files of one name in two folders would be taken for one module."""
    folders = {path.parent for path in tracked() if path.suffix == ".py" and relative(path).startswith("tests/")}
    found = [relative(folder) for folder in folders if not (folder / "__init__.py").is_file()]
    nothing(found, "an __init__.py is missing in:")
