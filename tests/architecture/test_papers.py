"""The project's papers: their links lead somewhere, and they speak of the project only."""

import re

import pytest

from tests.architecture.source import ROOT, nothing, texts

PAPERS = (
    "README.md",
    "README.zh-CN.md",
    "ARCHITECTURE.md",
    "GLOSSARY.md",
    "DECISIONS.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE",
)


@pytest.mark.parametrize("name", PAPERS)
def test_the_paper_is_there(name: str) -> None:
    assert (ROOT / name).stat().st_size > 500


def test_links_in_papers_lead_somewhere() -> None:
    found = []
    for name, text in texts():
        if not name.endswith(".md"):
            continue
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            if "://" not in target and not (ROOT / name).parent.joinpath(target).exists():
                found.append(f"{name}: {target}")
    nothing(found, "links to files that do not exist:")


def test_what_architecture_says_to_open_is_there() -> None:
    """The last table of ARCHITECTURE.md names files and folders; each stands in the tree."""
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8").split("## To change X, open Y")[1]
    rows = [line.split("|")[2] for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    found = []
    for row in rows[1:]:
        for path in re.findall(r"`([^`]+)`", row):
            if "/" in path and " " not in path and not (ROOT / path.split("<")[0]).exists():
                found.append(path)
    nothing(found, "ARCHITECTURE.md sends people to what is not there:")


def test_placeholders_were_filled_in() -> None:
    found = [
        f"{name}: {hit}" for name, text in texts() if name.endswith(".md") for hit in re.findall(r"@[A-Z]{3,}@", text)
    ]
    nothing(found, "left to be filled in:")
