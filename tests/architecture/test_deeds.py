"""What the audit trail keeps has words in both languages."""

from __future__ import annotations

import json
import re

from tests.architecture.source import ROOT, nothing

RECORDED = re.compile(r"^\| `(POST|PUT|DELETE|PATCH) /api/v1/([^`]+)`", re.MULTILINE)
NOT_RECORDED = re.compile(r"prometheus/|gps-in/")
"""Questions and positions: nothing is changed by a person."""


def test_every_route_that_changes_something_has_words_for_the_audit_trail() -> None:
    routes = RECORDED.findall((ROOT / "docs" / "API.md").read_text("utf-8"))
    assert len(routes) > 90
    wanted = {
        f"deed.{method} {re.sub(r'{[^}]+}', '*', path)}" for method, path in routes if not NOT_RECORDED.match(path)
    }
    for language in ("en", "zh-CN"):
        words = json.loads((ROOT / "cloud" / "web" / "i18n" / f"{language}.json").read_text("utf-8"))
        told = {key for key in words if re.match(r"deed\.(POST|PUT|DELETE|PATCH) ", key)}
        nothing(sorted(wanted - told), f"words in {language}.json for what the audit trail keeps:")
        nothing(sorted(told - wanted), f"words in {language}.json for routes that there are:")
