"""What the programs do not have: a WebSocket, and options that hold a secret."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.routing import WebSocketRoute

from cloud.api.gate import client_of
from cloud.cli import build_parser as cloud_parser
from edge.cli_parser import build_parser as edge_parser
from tests.cloud.api.conftest import Api

SECRET = re.compile(r"password|secret|token|passphrase|credential|private|code")
NO_SECRET = {
    "code": "one-time, for enrolling; - reads it from standard input",
}
"""Arguments with such a name that are none, or are worth nothing once used, with the reason."""


async def test_no_websocket_is_served(api: Api) -> None:
    assert [route for route in api.app.routes if isinstance(route, WebSocketRoute)] == []
    async with api.client() as client:
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x", "Origin": "http://evil"}
        for path in ("/api/v1/stream", "/ws", "/"):
            answer = await client.get(path, headers=headers)
            assert answer.status_code != 101
            assert "upgrade" not in answer.headers


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:c633:6408", "198.51.100.8"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
    ],
)
def test_whoever_guesses_is_one_address_of_ipv4_and_one_network_of_ipv6(address: str, one: str) -> None:
    assert client_of(Request({"type": "http", "client": (address, 1)})) == one


def options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from options(each)
        else:
            yield parser.prog, action


def test_no_option_of_any_command_is_a_secret() -> None:
    found = [(prog, action) for made in (cloud_parser(), edge_parser()) for prog, action in options(made)]
    assert len(found) > 100
    takes = [
        f"{prog}: {action.dest}"
        for prog, action in found
        if SECRET.search(action.dest) and action.nargs != 0 and not re.search(r"(_file|_dir|_id|_name)$", action.dest)
        if action.dest not in NO_SECRET
    ]
    assert takes == []
