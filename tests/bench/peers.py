"""The same work done by ours and by ThingsBoard's gateway, counted at the same place: where their uplink ends.

Both publish to the same broker, on which one process counts every value (`platform_end`), and each has processor 0 for
itself. What differs: theirs keeps values in memory until the broker has them (its default storage; the SQLite one is
measured too), ours has them on disk, and keeps them until that process has acked them. Rounds of the two alternate.

Installs thingsboard-gateway from the package index into a temporary folder; nothing but this part does.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench import thingsboard
from tests.bench.far_mqtt import DIALECTS, EACH, readings_of
from tests.bench.figures import Figure, median
from tests.bench.mqtt_rate import broker
from tests.bench.mqtt_rate import site_tables as mqtt_tables
from tests.bench.own_gateway import Table, floats_profile, own_gateway, write_site
from tests.bench.programs import OTHERS, Program, pause, python, running, wait_for
from tests.bench.rtu_share import UNITS, WIRE, far_end, share, window
from tests.bench.rtu_share import site_tables as rtu_tables
from tests.bench.tcp_rate import far_devices
from tests.bench.tcp_rate import site_tables as tcp_tables

ROUNDS = 3
STARTS_WITHIN_S, SETTLE_S, MEASURED_S = 60.0, 4.0, 10.0
TCP_DEVICES, TCP_POINTS = 100, 50
RTU_POINTS = 30
WARM_MESSAGES, MESSAGES = 1_000, 20_000
STILL_S = 4.0
"""Without a value for this long, all have come that will."""
OURS, MEMORY, SQLITE = "ours", "memory", "sqlite"
ONE, BOTH = (OURS, MEMORY), (OURS, MEMORY, SQLITE)
"""Where the storage could matter, the peer is measured with both of its kinds."""


class Count(NamedTuple):
    """What the platform's end has counted; ``last``: when the last value came."""

    time: float
    values: int
    devices: int
    last: float


class Run(NamedTuple):
    """rate: values or messages a second at the platform's end. cpu: share of a processor. more: by its own name."""

    rate: float
    cpu: float
    more: float = 0.0
    hasty: int = 0


class Platform:
    """The broker of the uplink and the process that counts behind it."""

    def __init__(self, port: int, counts: Path, program: Program) -> None:
        self.port, self._counts, self._program = port, counts, program

    def now(self) -> Count:
        """At most 0.2 s old."""
        row = json.loads(self._counts.read_text(encoding="utf-8")) if self._counts.exists() else {}
        assert self._program.is_running, self._program.last_lines()
        return Count(*(row.get(name, 0) for name in Count._fields))


@contextlib.contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """In a folder of its own."""
    folder.mkdir(parents=True)
    counts = folder / "counts.json"
    with broker(folder, 0) as port:
        argv = python("tests.bench.platform_end", port, counts)
        with running(argv, folder / "platform.log", core=OTHERS) as program:
            wait_for(counts.exists, "the platform's end", program)
            yield Platform(port, counts, program)


class Bench:
    """One comparison after the other, with the peer that is installed."""

    def __init__(self, folder: Path, peer: thingsboard.Peer) -> None:
        self._folder, self._peer = folder, peer
        self._turn = 0

    @contextlib.contextmanager
    def _gateway(
        self, who: str, platform_port: int, tables: list[Table], connector: dict[str, thingsboard.Json]
    ) -> Iterator[Program]:
        folder = self._folder / f"gateway-{self._turn}"
        folder.mkdir()
        if who == OURS:
            for points in (RTU_POINTS, TCP_POINTS):
                floats_profile(folder, points)
            with own_gateway(write_site(folder, tables, uplink_port=platform_port)) as gateway:
                yield gateway.program
        else:
            with self._peer.running(folder / "peer", platform_port, connector, who) as program:
                yield program

    def _new(self) -> Path:
        self._turn += 1
        folder = self._folder / f"far-{self._turn}"
        folder.mkdir(parents=True)
        return folder

    def tcp(self, who: str, every_s: float) -> Run:
        """Values a second from Modbus TCP devices."""
        far_folder = self._new()
        with platform(far_folder / "platform") as end, far_devices(far_folder, TCP_DEVICES) as (ports, _):
            tables = tcp_tables(ports, f"bench/floats-{TCP_POINTS}", f"{every_s:g} s")
            connector = {"modbus": thingsboard.tcp_devices(ports, TCP_POINTS, every_s)}
            with self._gateway(who, end.port, tables, connector) as program:
                return _steady(end, program, TCP_DEVICES)

    def rtu(self, who: str) -> Run:
        """Values a second from a line of units, and the share of the line that is used."""
        folder = self._new()
        with platform(folder / "platform") as end:
            with far_end(folder) as (link, record):
                tables = rtu_tables(link, [f"bench/floats-{RTU_POINTS}"] * UNITS)
                connector = {"modbus": thingsboard.rtu_devices(link, UNITS, RTU_POINTS, 0.1)}
                with self._gateway(who, end.port, tables, connector) as program:
                    found = _steady(end, program, UNITS)
                    ended = time.monotonic()
            exchanges = [row for row in window(record, ended - MEASURED_S) if row.ended < ended]
        used = share(exchanges, WIRE)
        return found._replace(more=used.used, hasty=used.hasty)

    def mqtt(self, who: str) -> Run:
        """Messages a second of MQTT devices, after each has been heard once; ``more``: the values that did not come."""
        folder = self._new()
        with platform(folder / "platform") as end, broker(folder, 20) as port:
            connector = {"mqtt": thingsboard.mqtt_devices(port)}
            with self._gateway(who, end.port, mqtt_tables(port), connector) as program:
                subscribed = folder / "mosquitto.log"
                wait_for(
                    lambda: subscribed.read_text().count("New client connected") >= (2 if who == OURS else 1),
                    "the gateway at the devices' broker",
                    program,
                )
                pause(SETTLE_S)
                _publish(folder, "warm", port, WARM_MESSAGES)
                wait_for(
                    lambda: end.now().devices == len(DIALECTS) * EACH,
                    "a value of every device",
                    program,
                    STARTS_WITHIN_S,
                )
                _wait_still(end, readings_of(WARM_MESSAGES))
                before, cpu = end.now(), program.cpu_s()
                began = _publish(folder, "all", port, MESSAGES)
                expected = readings_of(MESSAGES)
                _wait_still(end, before.values + expected)
                after, cpu = end.now(), program.cpu_s() - cpu
        arrived = after.values - before.values
        rate = MESSAGES * arrived / expected / (after.last - began)
        return Run(rate, cpu / MESSAGES * 1e6, expected - arrived)


def _steady(end: Platform, program: Program, devices: int) -> Run:
    wait_for(lambda: end.now().devices == devices, "a value of every device", program, STARTS_WITHIN_S)
    pause(SETTLE_S)
    before, cpu, began = end.now(), program.cpu_s(), time.time()
    pause(MEASURED_S)
    after, cpu, took = end.now(), program.cpu_s() - cpu, time.time() - began
    # From arrival to arrival: ours come in one batch a second, and one more or less would be a tenth of the time.
    return Run((after.values - before.values) / max(1e-9, after.last - before.last), cpu / took)


def _publish(folder: Path, name: str, port: int, messages: int) -> float:
    report = folder / f"{name}.json"
    argv = python("tests.bench.far_mqtt", port, messages, report)
    with running(argv, folder / "far.log", core=OTHERS) as far:
        wait_for(report.exists, "the publisher", far, STARTS_WITHIN_S)
    began: float = json.loads(report.read_text(encoding="utf-8"))["began"]
    return began


def _wait_still(end: Platform, values: int) -> None:
    """Until that many values are there, or nothing more comes."""
    began = time.time()
    while True:
        count = end.now()
        if count.values >= values or time.time() - max(began, count.last) > STILL_S:
            return
        pause(0.1)


def measure(folder: Path) -> list[Figure]:
    """A row for each comparison; one that says why when there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        peer = thingsboard.install(folder / "venv")
    except thingsboard.NotRun as error:
        return [Figure("against thingsboard-gateway", "not run", note=str(error))]
    bench = Bench(folder, peer)
    tcp = f"{TCP_DEVICES} Modbus TCP devices x {TCP_POINTS} points every"
    found = [
        _compare(peer, f"RTU, {UNITS} units x {2 * RTU_POINTS} registers, points/s", ONE, bench.rtu, _line_share),
        _compare(peer, f"{tcp} 1 s, points/s", ONE, lambda who: bench.tcp(who, 1.0), _cpu_share),
        _compare(peer, f"{tcp} 0.1 s, points/s", BOTH, lambda who: bench.tcp(who, 0.1), _cpu_share),
        _compare(peer, f"MQTT, {len(DIALECTS)} dialects, messages/s", BOTH, bench.mqtt, _cpu_message),
    ]
    return [figure for figures in found for figure in figures]


def _cpu_share(run: Run) -> str:
    return f"{run.cpu:.0%} of a core"


def _line_share(run: Run) -> str:
    return f"{run.more:.1%} of the line, {run.cpu:.0%} of a core" + (
        f", {run.hasty} frames before the gap of 3.5 characters was over" if run.hasty else ""
    )


def _cpu_message(run: Run) -> str:
    return f"{run.cpu:.0f} us CPU a message, {run.more:.0f} of {readings_of(MESSAGES):,} values missing"


def _compare(
    peer: thingsboard.Peer,
    what: str,
    whom: Sequence[str],
    run: Callable[[str], Run],
    tell: Callable[[Run], str],
) -> list[Figure]:
    runs: dict[str, list[Run]] = {who: [] for who in whom}
    failed: dict[str, str] = {}
    for _ in range(ROUNDS):
        for who, done in runs.items():
            try:
                found = run(who)
                assert found.rate > 0, "nothing arrived"
            except AssertionError as error:
                failed[who] = " ".join(str(error).split())[:300]
                print(f"  {what}, {who}: {failed[who]}", flush=True)
            else:
                done.append(found)
                print(f"  {what}, {who}: {found.rate:,.0f}; {tell(found)}", flush=True)
    ours = runs.pop(OURS)
    if not ours:
        return [Figure(f"{what}: ours", "not run", note=failed[OURS])]
    own = median([each.rate for each in ours])
    figures = [Figure(f"{what}: ours, to the collector's ack", f"{own:,.0f}", note=_row(ours, tell))]
    for storage, theirs in runs.items():
        name = f"{what}: thingsboard-gateway {peer.version}, storage {storage}"
        if not theirs:
            figures.append(Figure(name, "not run", note=failed[storage]))
            continue
        rate = median([each.rate for each in theirs])
        note = f"ours {own / rate:.1f} times; {_row(theirs, tell)}"
        figures.append(Figure(name, f"{rate:,.0f}", note=note))
    return figures


def _row(runs: list[Run], tell: Callable[[Run], str]) -> str:
    rates = [run.rate for run in runs]
    middle = sorted(runs)[len(runs) // 2]
    return f"{min(rates):,.0f} to {max(rates):,.0f}, median of {len(runs)}; {tell(middle)}"
