"""Every route of the API with every kind of credential, and inputs made from its own description."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest

from protocols.birth import parse_birth
from protocols.errors import BadAck
from tests.proof.api import Tally, Tried, findings, run
from tests.proof.api_entries import ADMINISTRATOR, ENTRIES, NOBODY, REQUESTER
from tests.proof.api_inputs import Asked, Route, routes_of
from tests.proof.api_loopback import only_loopback
from tests.proof.api_people import Credential
from tests.proof.api_world import compound
from tests.proof.fuzz_wire import births

HOOKS = Route("GET", "/api/v1/webhooks", (), None)
ASKED = Asked("/api/v1/webhooks", {}, None)
REFUSAL = {"error": {"code": "c", "message": "m", "hint": ""}}


def test_no_route_fails_and_nobody_gets_in_who_may_not(tmp_path: Path) -> None:
    found = run("ci", 1, tmp_path)
    assert [text for finding in found for text in finding.violations] == []


async def test_every_route_has_an_entry_that_says_who_may(tmp_path: Path) -> None:
    """Of a new route: put it into tests/proof/api_entries.py, and what makes a good request of it into World.sound."""
    async with compound(tmp_path / "api") as world:
        there = {route.entry for route in routes_of(world.app)}
    assert (sorted(there - ENTRIES.keys()), sorted(ENTRIES.keys() - there)) == ([], [])


def told(rank: int, status: int, body: object, took_s: float = 0.0) -> str:
    """What is said of one answer to one who asks for the webhooks, which only administrators see."""
    tally = Tally()
    answer = httpx.Response(status, content=json.dumps(body), request=httpx.Request("GET", "http://x"))
    tally.note(HOOKS, Credential("somebody", rank, {}), ASKED, answer, took_s)
    return " ".join([*(what for _, what in tally.wrong), *("let in" for _ in tally.let_in)])


def test_what_is_wrong_with_an_answer_is_told() -> None:
    assert told(ADMINISTRATOR, 200, {}) == ""
    assert told(REQUESTER, 403, REFUSAL) == ""
    assert told(NOBODY, 401, REFUSAL) == ""
    assert told(REQUESTER, 200, {}) == "let in"
    assert told(NOBODY, 404, REFUSAL) == "let in", "nobody learns what is there"
    assert told(ADMINISTRATOR, 403, REFUSAL) == "let in", "shut to who may"
    assert told(ADMINISTRATOR, 500, REFUSAL) == "crashed"
    assert told(ADMINISTRATOR, 404, {"detail": "Not Found"}) == "shape"
    assert told(ADMINISTRATOR, 422, {"error": {"code": 1, "message": "m", "hint": ""}}) == "shape"
    assert told(ADMINISTRATOR, 200, {}, took_s=10.0) == "slow"


def test_a_route_without_an_entry_and_one_that_was_never_answered_well_are_told() -> None:
    planted = Route("GET", "/api/v1/planted", (), None)
    said, rights = findings(Tried(Tally(), [planted], [], 0))
    assert "GET /api/v1/planted was never answered well: what does it need?" in said.violations
    assert "GET /api/v1/planted has no entry" in rights.violations
    assert "GET /api/v1/webhooks is no route" in rights.violations


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
def test_no_way_leads_off_this_machine(host: str) -> None:
    with only_loopback() as refused, pytest.raises(OSError):
        socket.create_connection((host, 80), timeout=5)
    assert list(refused) == [host]
    with only_loopback() as refused, socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert not refused


@pytest.mark.parametrize("field", ["session", "started_at"])
def test_a_birth_with_a_number_that_no_database_holds_is_refused(field: str) -> None:
    birth = json.loads(births()[0]) | {field: 10**40}
    with pytest.raises(BadAck):
        parse_birth(json.dumps(birth).encode())
