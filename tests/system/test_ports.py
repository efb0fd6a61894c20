"""What listens is what is meant to: every port of every process of ours against a list, as the kernel tells."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.listening import Port, listening
from tests.system import test_demo, test_identity
from tests.waiting import until

HERE = "127.0.0.1"


@pytest.fixture
async def compound(tmp_path: Path) -> AsyncIterator[test_identity.Compound]:
    async with test_identity.Compound(tmp_path).running() as running:
        yield running


def test_a_port_that_is_open_is_seen_whatever_its_kind() -> None:
    with (
        socket.create_server((HERE, 0)) as tcp,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
    ):
        udp.bind((HERE, 0))
        wanted = {
            Port("tcp", HERE, tcp.getsockname()[1]),
            Port("tcp", "::1", six.getsockname()[1]),
            Port("udp", HERE, udp.getsockname()[1]),
        }
        assert wanted <= listening([os.getpid()])[os.getpid()]


async def test_collector_and_broker_open_one_port_each_and_a_gateway_none(compound: test_identity.Compound) -> None:
    me, broker = os.getpid(), compound.broker.pid
    before = listening([me])[me]
    page = int(compound.collector.url.rsplit(":", 1)[1])
    assert Port("tcp", HERE, page) in before
    assert {each for each in before if each.port not in (page, compound._modbus)} == set()
    assert listening([broker])[broker] == {Port("tcp", HERE, compound.broker.port)}
    await compound.enrol()
    async with compound.gateway():
        await until(lambda: compound.stored() >= 2, within_s=60, what="batches stored")
        assert listening([me])[me] == before, "a gateway opens no port"


async def test_a_demo_opens_what_it_says_and_on_this_machine_only(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = test_demo.start(folder, "--history", "0")
    try:
        told = test_demo.said
        await until(lambda: "Ctrl-C" in told(folder) or demo.poll() is not None, within_s=600, what="the address")
        assert demo.poll() is None, told(folder)
        state = json.loads((folder / "state.json").read_text())
        children = json.loads((folder / "children.json").read_text())
        found = listening([demo.pid, *children.values()])
        devices = {int(port) for port in state["ports"].values()}
        services = {int(state["http_port"]), int(state["broker_port"])}
        assert {each.port for each in found[demo.pid]} <= devices | services, "the pretend devices"
        assert {each.port for pid in children.values() for each in found[pid]} == services
        everything = {each for ports in found.values() for each in ports}
        assert {(each.kind, each.host) for each in everything} == {("tcp", HERE)}
        demo.send_signal(signal.SIGINT)
        assert await test_demo.ended(demo, 30) == 0
    finally:
        demo.kill()
