"""``dayuan-sim fleet``: pretend gateways that seal, publish and await acks as real ones do, to load a collector."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from protocols.clock import Clock
from protocols.errors import BadSettings
from protocols.mqtt_url import parse_mqtt_url
from protocols.topics import topic
from simulators.fleet_gateway import Figures, Load, PretendGateway
from simulators.fleet_trouble import Trouble, meet
from simulators.fleet_watch import Watch
from simulators.wires.mqtt import BrokerAccount, MqttWire

DONE, FAILED = 0, 1
CONNECT_S = 15.0
CONNECT_EACH_S = 0.05
RETRY_S = (0.05, 1.0)
"""After a cut, as a gateway's first try."""


class GatewayClass(NamedTuple):
    """A part of the fleet that sends otherwise: ``share`` of all, weighed against the other classes."""

    share: float
    batch: int
    rate: float


class FleetOptions(NamedTuple):
    """``rate``: readings a second of each gateway, 0: as fast as its window lets it."""

    broker: str
    username: str | None
    password_file: Path | None
    site: str
    gateways: int
    rate: float
    batch: int
    window: int
    for_s: float
    ramp_s: float = 0.0
    """Gateways connect and begin one after the other within so long."""
    watch: Watch = Watch()
    """Whose CPU time, memory and disk are told beside."""
    out: Path | None = None
    """A file for the figures as JSON."""
    classes: tuple[GatewayClass, ...] = ()
    """In the place of ``rate`` and ``batch``."""
    births: bool = False
    """Each tells a birth when it connects, and statuses."""
    troubles: tuple[Trouble, ...] = ()
    """One after the other, the next when all came back from the last one."""
    ca_file: Path | None = None
    """Who vouches for an ``mqtts://`` broker."""

    def loads(self) -> list[Load]:
        """Of each gateway; classes are dealt out evenly, so that any part of the fleet is mixed alike."""
        kinds = self.classes or (GatewayClass(1.0, self.batch, self.rate),)
        whole, dealt = sum(kind.share for kind in kinds), [0] * len(kinds)
        found = []
        for number in range(1, self.gateways + 1):
            owed = [kind.share / whole * number - have for kind, have in zip(kinds, dealt, strict=True)]
            chosen = owed.index(max(owed))
            dealt[chosen] += 1
            found.append(Load(kinds[chosen].rate, kinds[chosen].batch, self.window, self.births))
        return found


async def run_fleet(options: FleetOptions, clock: Clock, *, as_json: bool, out: Callable[[str], None]) -> int:
    """Load a collector through its broker; prints the figures. 0 only when every batch sent was acked."""
    account = _account(options)
    figures = Figures()
    wires: list[tuple[str, MqttWire]] = []
    for number in range(options.gateways):
        name = f"fleet-{number:04d}"
        ack_topic = topic(options.site, name, "ack")
        window = options.window
        # Births and statuses go beside the batches, and what was sent before a cut may be confirmed after it.
        wire = MqttWire(
            account,
            f"dayuan-{name}",
            clock,
            subscribe=(ack_topic,),
            inflight_max=2 * window + 4,
            retry_s=RETRY_S,
        )
        wires.append((name, wire))
    running: list[asyncio.Task[None]] = []
    try:
        began = clock.monotonic()
        for number, (name, wire) in enumerate(wires):
            await clock.sleep_until(began + options.ramp_s * number / len(wires))
            running.append(asyncio.create_task(wire.run(), name=f"connection[{name}]"))
        await _all_connected([wire for _, wire in wires], options)
        connected_s = clock.monotonic() - began
        options.watch.begin()
        started = clock.monotonic()
        until = started + options.for_s
        gateways = _gateways(options, wires, clock, figures)
        came_back = await _run(options, gateways, [wire for _, wire in wires], until, clock, figures)
        lasted_s = clock.monotonic() - started
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    told = _told(figures, lasted_s) | {"gateways": options.gateways, "connected_s": round(connected_s, 2)}
    told |= came_back | _cost(options.watch, figures)
    if options.out is not None:
        options.out.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    for line in [json.dumps(told)] if as_json else _table(told):
        out(line)
    return DONE if figures.acked == figures.sent and figures.sent else FAILED


def _gateways(
    options: FleetOptions, wires: Sequence[tuple[str, MqttWire]], clock: Clock, figures: Figures
) -> list[PretendGateway]:
    found = []
    for (name, wire), load in zip(wires, options.loads(), strict=True):
        gateway = PretendGateway(name, wire, options.site, load, clock, figures)
        wire.on_connected, wire.on_lost = gateway.connected, gateway.lost
        gateway.connected()
        found.append(gateway)
    return found


async def _run(
    options: FleetOptions, gateways: list[PretendGateway], wires: list[MqttWire], until: float, clock: Clock,
    figures: Figures,
) -> dict[str, float]:  # fmt: skip
    """Until all is sent; how the fleet came back from its troubles, by number."""
    told: dict[str, float] = {}
    async with asyncio.TaskGroup() as group:
        for gateway in gateways:
            group.create_task(gateway.run(until), name="gateway")
        for number, trouble in enumerate(options.troubles, 1):
            found = await meet(trouble, gateways, wires, figures, clock, until=until)
            told |= {f"trouble_{number}_{name}": value for name, value in found.items()}
    return told


def _account(options: FleetOptions) -> BrokerAccount:
    try:
        url = parse_mqtt_url(options.broker)
    except ValueError as error:
        raise BadSettings(str(error), file="command line", key="--broker") from None
    if url.tls and options.ca_file is None:
        raise BadSettings(f"{url} needs --ca FILE, who vouches for the broker", file="command line", key="--broker")
    return BrokerAccount(
        host=url.host,
        port=url.port,
        username=options.username or "",
        password_file=options.password_file,
        ca_file=options.ca_file,
    )


async def _all_connected(wires: list[MqttWire], options: FleetOptions) -> None:
    within_s = CONNECT_S + len(wires) * CONNECT_EACH_S
    try:
        async with asyncio.timeout(within_s):
            for wire in wires:
                await wire.wait_connected()
    except TimeoutError:
        raise BadSettings(
            f"not connected within {within_s:g} s; is a broker there, and are user name and password right?",
            file="command line",
            key=f"--broker {options.broker}",
        ) from None


def _told(figures: Figures, lasted_s: float) -> dict[str, float]:
    ordered = sorted(figures.latencies_s)

    def share(part: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))] * 1000, 1) if ordered else 0.0

    return {
        "sent_batches": figures.sent,
        "acked_batches": figures.acked,
        "resent_batches": figures.resent,
        "rejected_batches": figures.rejected,
        "acked_readings_per_s": round(figures.readings / lasted_s),
        "acked_batches_per_s": round(figures.acked / lasted_s, 1),
        "ack_ms_p50": share(0.50),
        "ack_ms_p95": share(0.95),
        "ack_ms_p99": share(0.99),
        "births": figures.births,
        "statuses": figures.statuses,
        "seconds": round(lasted_s, 1),
    }


def _cost(watch: Watch, figures: Figures) -> dict[str, float]:
    """Of those who are watched: CPU seconds for a million acked readings, memory, bytes of disk for each reading."""
    told: dict[str, float] = {}
    readings = max(1, figures.readings)
    for name, spent in watch.spent().items():
        told[f"{name}_cpu_s_per_million"] = round(spent.cpu_s / readings * 1e6, 2)
        told[f"{name}_rss_mib"] = round(spent.rss_bytes / 2**20, 1)
    for name, grown in watch.grown().items():
        told[f"{name}_disk_bytes_per_reading"] = round(grown / readings, 2)
    return told


def _table(told: dict[str, float]) -> list[str]:
    width = max(22, *(len(name) for name in told))
    return [f"{name.replace('_', ' '):{width}} {value}" for name, value in told.items()]
