"""Every route of the API with every kind of credential, and inputs made from its own description."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from protocols.birth import parse_birth
from protocols.errors import BadAck
from tests.proof.api import run
from tests.proof.fuzz_wire import births


def test_no_route_fails_and_nobody_gets_in_who_may_not(tmp_path: Path) -> None:
    found = run("ci", 1, tmp_path)
    assert [text for finding in found for text in finding.violations] == []


@pytest.mark.parametrize("field", ["session", "started_at"])
def test_a_birth_with_a_number_that_no_database_holds_is_refused(field: str) -> None:
    birth = json.loads(births()[0]) | {field: 10**40}
    with pytest.raises(BadAck):
        parse_birth(json.dumps(birth).encode())
