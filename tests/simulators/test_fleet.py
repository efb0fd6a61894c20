"""The pretend fleet against a broker and a stand-in for the collector that acks what it gets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from protocols.ack import Ack, encode_ack
from protocols.batch import open_batch, peek
from protocols.birth import Birth, parse_birth
from protocols.clock import SystemClock
from protocols.status import parse_status
from protocols.topics import parse, topic
from simulators.broker import Account, Broker
from simulators.cli import main
from simulators.fleet import FleetOptions, GatewayClass, run_fleet
from simulators.fleet_trouble import Trouble
from simulators.free_port import free_port
from simulators.wires.mqtt import MqttWire


class StandIn:
    """Acks every batch, and remembers what it saw."""

    def __init__(self, broker: Broker) -> None:
        self.broker, self.wire = broker, MqttWire(
            broker.account("all"), "collector", SystemClock(), subscribe=tuple(
                f"dayuan/1/+/+/{channel}" for channel in ("up", "birth", "status")
            ),
        )  # fmt: skip
        self.seen: dict[tuple[str, int], int] = {}
        self.sizes: dict[str, int] = {}
        self.births: list[Birth] = []
        self.statuses = 0

    async def work(self) -> None:
        async for message in self.wire.messages():
            address = parse(message.topic)
            assert address is not None
            if address.channel == "birth":
                self.births.append(parse_birth(message.payload))
            elif address.channel == "status":
                self.statuses += parse_status(message.payload).state == "online"
            else:
                await self._take(address.site, address.gateway, message.payload)

    async def _take(self, site: str, gateway: str, payload: bytes) -> None:
        identity, batch = peek(payload), open_batch(payload)
        key = (gateway, identity.seq)
        self.seen[key] = self.seen.get(key, 0) + 1
        self.sizes[gateway] = batch.count
        ack = encode_ack(Ack(identity.epoch, stored=[(identity.seq, identity.seq)]))
        await self.wire.publish(topic(site, gateway, "ack"), ack)

    def options(self, **other: object) -> FleetOptions:
        account = self.broker.account("all")
        chosen: dict[str, object] = {"broker": f"mqtt://127.0.0.1:{self.broker.port}", "username": "all"}
        chosen |= {"password_file": account.password_file, "site": "fleet", "gateways": 3, "rate": 500.0}
        chosen |= {"batch": 50, "window": 4, "for_s": 1.0}
        return FleetOptions(**chosen | other)  # type: ignore[arg-type]


@pytest.fixture
async def collector(tmp_path: Path) -> AsyncIterator[StandIn]:
    everything = Account("all", publish=("#",), subscribe=("#",))
    broker = Broker(tmp_path / "broker", port=free_port(), accounts=(everything,))
    broker.prepare()
    await broker.start(SystemClock())
    found = StandIn(broker)
    tasks = [asyncio.create_task(found.wire.run()), asyncio.create_task(found.work())]
    await found.wire.wait_connected()
    yield found
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await broker.child.stop()


class Told(NamedTuple):
    code: int
    figures: dict[str, float]


async def ran(options: FleetOptions) -> Told:
    lines: list[str] = []
    code = await run_fleet(options, SystemClock(), as_json=True, out=lines.append)
    return Told(code, json.loads(lines[0]))


async def test_a_fleet_counts_what_was_acked(collector: StandIn) -> None:
    code, figures = await ran(collector.options())
    assert code == 0
    assert figures["acked_batches"] == figures["sent_batches"] == len(collector.seen)
    assert 15 <= len(collector.seen) <= 40
    assert set(collector.sizes) == {"fleet-0000", "fleet-0001", "fleet-0002"}
    assert collector.births == []


async def test_all_are_cut_off_at_once_and_come_back_and_nothing_stays_owed(collector: StandIn) -> None:
    code, figures = await ran(collector.options(for_s=6.0, troubles=(Trouble(0.3), Trouble(0.2))))
    assert code == 0
    for number in (1, 2):
        assert 0 < figures[f"trouble_{number}_back_s"] <= figures[f"trouble_{number}_acked_again_s"] < 30
        assert f"trouble_{number}_drain_s" not in figures
    assert figures["acked_batches"] == figures["sent_batches"] == len(collector.seen)


async def test_a_fleet_that_was_away_seals_on_and_drains_faster_than_it_seals(collector: StandIn) -> None:
    trouble = Trouble(0.5, 2.0)
    code, figures = await ran(collector.options(for_s=9.0, window=16, rate=200.0, troubles=(trouble,)))
    assert code == 0
    assert figures["trouble_1_backlog_batches"] >= 3 * 200.0 * 2.0 / 50 * 0.6
    assert figures["trouble_1_drain_s"] > 0
    assert figures["trouble_1_drain_factor"] > 1
    assert figures["acked_batches"] == figures["sent_batches"] == len(collector.seen)


async def test_classes_are_dealt_out_by_their_shares_and_send_as_they_are(collector: StandIn) -> None:
    kinds = (GatewayClass(80, 10, 100.0), GatewayClass(20, 200, 1000.0))
    options = collector.options(gateways=5, classes=kinds, births=True)
    assert [load.batch for load in options._replace(gateways=10).loads()].count(200) == 2
    code, figures = await ran(options)
    assert code == 0
    assert sorted(collector.sizes.values()) == [10, 10, 10, 10, 200]
    assert len({birth.gateway for birth in collector.births}) == figures["births"] == 5
    assert len(collector.births[0].devices) == 20
    assert figures["statuses"] >= 5
    assert collector.statuses == figures["statuses"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--class", "80:10"], "no SHARE:BATCH:RATE"),
        (["--class", "0:10:1"], "more than 0"),
        (["--away", "30s"], "no TIME:TIME"),
        (["--cut", "soon"], "soon"),
    ],
)
def test_options_that_are_none_are_refused_in_words(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["fleet", *words])
    assert said in capsys.readouterr().err


def test_a_fleet_without_a_rate_cannot_be_away_and_tls_needs_who_vouches(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fleet", "--away", "1s:1s"]) == 2
    assert "--rate" in capsys.readouterr().err
    assert main(["fleet", "--broker", "mqtts://127.0.0.1:1"]) == 2
    assert "--ca FILE" in capsys.readouterr().err
