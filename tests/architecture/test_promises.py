"""RELIABILITY.md names tests and methods that are there, and every method that is there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.proof.__main__ import METHODS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "RELIABILITY.md").read_text(encoding="utf-8")


def test_every_promise_names_what_holds_it() -> None:
    promises = re.findall(r"^\d+\. (.*?)(?=^\d+\. |^## )", PAGE, re.MULTILINE | re.DOTALL)
    assert len(promises) >= 15
    for promise in promises:
        assert re.search(r"\]\((tests|docs)/|`(" + "|".join(METHODS) + ")`", promise), promise


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_table_has_every_method_and_no_other() -> None:
    rows = re.findall(r"^\| R[0-9, R]+ \| `(\w+)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(METHODS)
    assert [name for name in METHODS if not (ROOT / "tests" / "proof" / f"{name}.py").is_file()] == []
