"""Odd networks between a gateway and its broker: a name that does not resolve, somebody else's login page, TLS in bad
weather. Nothing is lost, the reason is told, and soon after all goes on by itself.
"""

from __future__ import annotations

import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.mqtt_link import MqttDialer
from edge.session import SessionState
from protocols.clock import SystemClock
from protocols.errors import WireLost
from protocols.mqtt_url import MqttUrl
from simulators.wires.bad_network import BAD, FINE, BadNetwork
from tests.edge.box import Box
from tests.edge.mosquitto import Mosquitto, mosquitto
from tests.edge.scripted_collector import ScriptedCollector
from tests.edge.test_mqtt_link import make_certificates
from tests.waiting import until

NAME = "broker.compound.example"
BACK_S = 90.0
"""Back-off may have grown; how soon is looked at by ``tests.proof.network``."""


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with mosquitto(tmp_path) as started:
        yield started


class Names:
    """A name server that can be out of order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.works, self.refused = False, 0
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._ask)

    def _ask(self, host, *more, **options):
        if host != NAME:
            return self._real(host, *more, **options)
        if not self.works:
            self.refused += 1
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return self._real("127.0.0.1", *more, **options)


@asynccontextmanager
async def way_to(port: int) -> AsyncIterator[BadNetwork]:
    async with BadNetwork("127.0.0.1", port, SystemClock(), random.Random(4)).up() as network:
        yield network


def has_everything(collector: ScriptedCollector, box: Box) -> bool:
    return sorted(reading.value or 0.0 for reading in collector.readings()) == box.everything()


async def test_a_name_that_does_not_resolve_is_told_and_asked_again(
    broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch)
    url = MqttUrl(NAME, broker.port, False)
    with pytest.raises(WireLost, match="the host name cannot be resolved"):
        await MqttDialer(url=url)(client_id="a")
    collector = ScriptedCollector(broker.url, "site", "gw")
    await collector.start()
    async with Box(tmp_path / "b.db", url).running() as box:
        await box.produce(20)
        await until(lambda: names.refused >= 3, 20)
        assert not collector.stored
        names.works = True
        await until(lambda: has_everything(collector, box), BACK_S)
        assert box.session.state is SessionState.ONLINE
    await collector.stop()


async def test_a_login_page_in_between_is_no_broker_and_gets_nothing_of_ours(broker: Mosquitto, tmp_path: Path) -> None:
    collector = ScriptedCollector(broker.url, "site", "gw")
    await collector.start()
    async with way_to(broker.port) as network:
        url = MqttUrl("127.0.0.1", network.port, False)
        async with Box(tmp_path / "b.db", url).running() as box:
            await box.produce(20)
            await until(lambda: has_everything(collector, box))
            network.weather = BAD["captive portal"]
            await box.produce(20)
            await until(lambda: network.welcomed >= 2, 30)
            assert box.session.state is not SessionState.ONLINE
            assert not has_everything(collector, box)
            network.weather = FINE
            await until(lambda: has_everything(collector, box), BACK_S)
            await until(lambda: box.reporter.report().backlog_batches == 0)
    await collector.stop()
    assert collector.altered == []


async def test_what_a_login_page_answers_is_told_in_words_that_lead_there(broker: Mosquitto) -> None:
    async with way_to(broker.port) as network:
        network.weather = BAD["captive portal"]
        with pytest.raises(WireLost, match="a login page of the network"):
            await MqttDialer(url=MqttUrl("127.0.0.1", network.port, False))(client_id="a")


async def test_over_tls_bad_weather_loses_and_alters_nothing(tmp_path: Path) -> None:
    make_certificates(tmp_path, "localhost")
    broker = Mosquitto(tmp_path, "per_listener_settings false")
    files = (f"certfile {tmp_path}/server.pem", f"keyfile {tmp_path}/server.key", f"cafile {tmp_path}/ca.pem")
    tls_port = broker.add_listener(*files)
    broker.start()
    collector = ScriptedCollector(broker.url, "site", "gw")
    await collector.start()
    try:
        async with way_to(tls_port) as network:
            box = Box(tmp_path / "b.db", MqttUrl("localhost", network.port, True), ca_file=tmp_path / "ca.pem")
            async with box.running():
                for what in ("tiny segments", "one byte at a time", "cut", "reset", "captive portal", "late", "stall"):
                    await box.produce(5)
                    if what in BAD:
                        network.weather = BAD[what]
                    else:
                        network.cut(reset=what == "reset")
                    await box.produce(5)
                    await box.clock.sleep(0.5)
                    network.weather = FINE
                await until(lambda: has_everything(collector, box), BACK_S)
                await until(lambda: box.reporter.report().backlog_batches == 0)
            assert network.connections >= 3
    finally:
        await collector.stop()
        broker.stop()
    assert collector.altered == []
