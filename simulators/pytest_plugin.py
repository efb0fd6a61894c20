"""Fixtures for people who test something against our simulated hardware. Found by pytest where this is installed.

    def test_my_reader(modbus_meter):
        meter = modbus_meter("eastron/sdm630", unit=7)
        ...                                  # read it at meter.host, meter.port with whatever is under test
        assert meter.served("active_power_total") == [...]

docs/TESTING.md leads from nothing to a green test. The hardware runs in a thread of its own, so tests may be of any
kind, with or without asyncio. Everything listens on the loopback address, on free ports, and ends with its test.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Loaded in every run of pytest: what the fixtures need is imported when one of them is used.
if TYPE_CHECKING:
    from protocols.clock import ManualClock
    from simulators.scenario import Scenario
    from simulators.verify import Verdict
    from simulators.workshop import Workshop
    from simulators.workshop_broker import LocalBroker
    from simulators.workshop_collector import RunningCollector
    from simulators.workshop_gateway import RunningGateway
    from simulators.workshop_hardware import (
        SimulatedBus,
        SimulatedDoor,
        SimulatedHardware,
        SimulatedMeter,
        SimulatedVehicle,
    )

NEEDS = {
    "edge": ("aiomqtt", "paho", "serial"),
    "cloud": ("aiomqtt", "paho", "fastapi", "uvicorn", "duckdb", "numpy", "sqlalchemy", "alembic", "argon2"),
}
"""Modules of an extra, by the name they are imported by."""


def _needs(extra: str, fixture: str) -> None:
    """Fail with what to install when a module of an extra is missing."""
    missing = [name for name in NEEDS[extra] if importlib.util.find_spec(name) is None]
    if missing:
        pytest.fail(
            f"the fixture `{fixture}` runs a real part of dayuan that needs {', '.join(missing)}: "
            f"pip install 'dayuan[{extra}]' (or 'dayuan[pytest]', which has all)",
            pytrace=False,
        )


@pytest.fixture
def fake_clock() -> ManualClock:
    """A clock that only the test moves: ``advance(seconds)`` wakes who sleeps on it, ``step(ms)`` moves the wall clock.

    Give it to what is under test, if that takes a `protocols.clock.Clock`. Simulated devices and processes do not: they
    live in real time.
    """
    from protocols.clock import ManualClock

    return ManualClock()


@pytest.fixture
def _workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """The thread and the folder of everything that is simulated in a test."""
    _needs("edge", "broker")
    from simulators.workshop import Workshop

    workshop = Workshop(tmp_path_factory.mktemp("dayuan"))
    yield workshop
    workshop.close()


@pytest.fixture
def broker(_workshop: Workshop) -> Iterator[LocalBroker]:
    """An MQTT broker: mosquitto where it is installed, else an embedded one. Nobody anonymous.

    ``broker.host``, ``port``, ``url``, ``username``, ``password()``, ``password_file``: for what is under test; the
    account may use every topic.
    ``broker.listen(filter).messages(at_least=1, within_s=5)``: what is published from now on, each with ``topic``,
    ``payload`` and ``retain``.
    ``broker.publish(topic, payload, retain=False)``: returns when the broker has it.
    ``broker.stop()``, ``kill()``, ``start()``: an outage; ``broker.log``: its log file.
    """
    from simulators.workshop_broker import LocalBroker, NoBroker

    try:
        made = LocalBroker(_workshop)
    except NoBroker as error:
        pytest.fail(str(error), pytrace=False)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def _playing(_workshop: Workshop) -> Iterator[list[SimulatedHardware]]:
    """All hardware of a test."""
    playing: list[SimulatedHardware] = []
    yield playing
    for hardware in playing:
        hardware.close()


@pytest.fixture
def play_scenario(_workshop: Workshop, _playing: list[SimulatedHardware]) -> Callable[..., SimulatedHardware]:
    """``play_scenario(file_or_scenario, broker=None)`` starts all devices of a scenario file; they live by themselves.

    ``broker``: the fixture of that name, needed when the scenario has devices that publish.
    The result has ``addresses`` (by line: ``kind``, ``host``, ``port``, ``path``), ``served(device, point)``,
    ``published(device)``, ``asked(line)``, ``breaks(device, kind)`` and ``mends(device)``.
    A scenario's ``seed`` makes the same world again. ``talk=False``: devices that publish wait to be told.
    """
    from simulators.scenario import Scenario, load_scenario
    from simulators.workshop_hardware import SimulatedHardware

    def play(
        scenario: Scenario | Path | str, *, broker: LocalBroker | None = None, talk: bool = True
    ) -> SimulatedHardware:
        plan = scenario if isinstance(scenario, Scenario) else load_scenario(Path(scenario))
        publishing = [*(each.id for each in plan.door), *(each.id for each in plan.vehicle)]
        if publishing and broker is None and not plan.broker.host:
            pytest.fail(f"{publishing[0]} publishes, so the scenario needs a broker: play_scenario(..., broker=broker)")
        playing = SimulatedHardware(_workshop, plan, broker.account if broker else None, talk=talk)
        _playing.append(playing)
        return playing

    return play


@pytest.fixture
def modbus_bus(_workshop: Workshop, play_scenario: Callable[..., SimulatedHardware]) -> Callable[..., SimulatedBus]:
    """``modbus_bus({1: "eastron/sdm630", 2: "abb/b23"}, wire="tcp")`` makes a line with a meter at each unit id.

    ``wire``: "tcp" (``bus.host``, ``bus.port``: a gateway with units behind it) or "rtu" (``bus.path``, a serial port
    with the timing of ``baud=9600``).
    ``bus[2]`` is a meter as `modbus_meter` makes it. ``bus.asked``: every request on the line, in order (``unit``,
    ``function``, ``first``, ``quantity``, ``at`` in ms), also those to units that are not there.
    More keywords (``watts``, ``phases``) go to every meter.
    """
    from simulators.scenario import LinePlan, MeterPlan, Scenario
    from simulators.workshop_hardware import WIRES, SimulatedBus

    def make(models: dict[int, str], *, wire: str = "tcp", baud: int = 9600, **more: Any) -> SimulatedBus:
        kind = WIRES.get(wire, wire)
        if kind not in WIRES.values():
            raise ValueError(f"wire={wire!r} is no wire; there are {', '.join(WIRES)}")
        line = _workshop.new_name("line")
        ids = {unit: _workshop.new_name("meter") for unit in models}
        plan = Scenario(
            line=[LinePlan(name=line, kind=kind, baud=baud)],  # type: ignore[arg-type]  # looked up above
            meter=[
                MeterPlan(id=ids[unit], model=model, line=line, unit=unit, **more) for unit, model in models.items()
            ],
        )
        return SimulatedBus(play_scenario(_checked(plan)), line, ids)

    return make


def _checked(plan: Scenario) -> Scenario:
    """What `load_scenario` would say of the models and unit ids of a scenario file."""
    from simulators.devices.models import MODELS

    for meter in plan.meter:
        if meter.model not in MODELS:
            raise ValueError(f"{meter.model!r} is not simulated; there are {', '.join(sorted(MODELS))}")
        if not 1 <= meter.unit <= 247:
            raise ValueError(f"{meter.unit} is no unit id; they go from 1 to 247")
    return plan


@pytest.fixture
def modbus_meter(modbus_bus: Callable[..., SimulatedBus]) -> Callable[..., SimulatedMeter]:
    """``modbus_meter("eastron/sdm630", unit=1, wire="tcp")`` makes a meter alone on its line.

    ``meter.host`` and ``meter.port``, or ``meter.path`` of a serial port (``wire="rtu"``): where it answers.
    ``meter.served(point)``: every value of a point that it put into an answer, as the number the meter means.
    ``meter.asked``: the requests it got.
    ``meter.breaks(kind, delay_s=2, code=4)``, ``meter.mends()``: misbehave at run time (docs/TESTING.md has the kinds).
    ``meter.id``: its name at a gateway. ``watts=8000`` (mean load), ``phases=3``: of its world.
    """

    def make(model: str, *, unit: int = 1, wire: str = "tcp", baud: int = 115_200, **more: Any) -> SimulatedMeter:
        return modbus_bus({unit: model}, wire=wire, baud=baud, **more)[unit]

    return make


@pytest.fixture
def door(
    _workshop: Workshop, play_scenario: Callable[..., SimulatedHardware], broker: LocalBroker
) -> Callable[..., SimulatedDoor]:
    """``door("doors/gate")`` makes a door with an ESP-RFID controller that publishes below this topic.

    It speaks only when ``door.swipe(card, access="Always")`` is called: the card is read and, unless ``access`` is
    "Disabled", the door opens and closes again, which takes some seconds. ``door.published()``: messages at the broker.
    """
    from simulators.scenario import BrokerPlan, DoorPlan, Scenario
    from simulators.workshop_hardware import SimulatedDoor

    def make(topic: str) -> SimulatedDoor:
        name = _workshop.new_name("door")
        plan = Scenario(broker=BrokerPlan(), door=[DoorPlan(id=name, topic=topic)])
        return SimulatedDoor(play_scenario(plan, broker=broker, talk=False), name, topic)

    return make


@pytest.fixture
def vehicle(
    _workshop: Workshop, play_scenario: Callable[..., SimulatedHardware], broker: LocalBroker
) -> Callable[..., SimulatedVehicle]:
    """``vehicle("owntracks/fleet/car")`` makes a vehicle with OwnTracks on this topic.

    It speaks only when ``vehicle.report()`` is called: its position is then at the broker. ``vehicle.published()``.
    """
    from simulators.scenario import BrokerPlan, Scenario, VehiclePlan
    from simulators.workshop_hardware import SimulatedVehicle

    def make(topic: str) -> SimulatedVehicle:
        name = _workshop.new_name("vehicle")
        plan = Scenario(broker=BrokerPlan(), vehicle=[VehiclePlan(id=name, topic=topic)])
        return SimulatedVehicle(play_scenario(plan, broker=broker, talk=False), name, topic)

    return make


@pytest.fixture
def _gateways() -> list[RunningGateway]:
    """All gateways of a test."""
    return []


@pytest.fixture
def gateway(
    _workshop: Workshop,
    _playing: list[SimulatedHardware],
    _gateways: list[RunningGateway],
    broker: LocalBroker,
) -> Iterator[Callable[..., RunningGateway]]:
    """``gateway()`` starts our real gateway, ``dayuan-edge run``, with a site file for all devices made so far.

    ``gateway(meter, reader, every="1 s")``: for these devices only. ``more``: TOML to add to the site file.
    ``gateway(site_file=path)``: with a site file of yours, for its uplink ``broker.url`` and ``broker.password_file``.
    ``.status()``: as ``dayuan-edge status --json``; ``.wait_device("meter", "lost")``; ``.backlog()``.
    ``.stop()``, ``.kill()`` (SIGKILL), ``.start()`` again, ``.pause()``, ``.resume()``.
    ``.id``, ``.log``, ``.site_file``, ``.buffer``: where things are.
    """
    _needs("edge", "gateway")
    from simulators.workshop_collector import SITE
    from simulators.workshop_gateway import RunningGateway, write_site_file
    from simulators.workshop_hardware import SimulatedHardware

    def make(
        *devices: SimulatedBus | SimulatedMeter | SimulatedDoor | SimulatedVehicle | SimulatedHardware,
        site_file: Path | str | None = None,
        every: str = "1 s",
        flush_every: str = "200 ms",
        more: str = "",
    ) -> RunningGateway:
        if site_file is None:
            owners = [device if isinstance(device, SimulatedHardware) else device.hardware for device in devices]
            path = write_site_file(
                _workshop,
                list(dict.fromkeys(owners or _playing)),
                broker,
                gateway=_workshop.new_name("gateway"),
                site=SITE,
                every=every,
                flush_every=flush_every,
                more=more,
            )
        else:
            path = Path(site_file)
        made = RunningGateway(_workshop, path)
        _gateways.append(made)
        made.start()
        return made

    yield make
    for each in _gateways:
        each.close()


@pytest.fixture
def collector(_workshop: Workshop, broker: LocalBroker) -> Iterator[RunningCollector]:
    """Our real collector, ``dayuan-cloud run``, on a free port, with an empty data folder and a token of its own.

    ``.readings(device, point, at_least=0, within_s=15)``: what is stored, oldest first (``at`` in ms, ``value``,
    ``quality``, ``reason``, and the batch); waits until there are ``at_least`` so many.
    ``.events(device="", kind="", at_least=0)``: ``at``, ``device``, ``kind``, ``data``. ``.alarms(at_least=0)``.
    ``.url``, ``.token``, ``.username``, ``.password``, ``.get(path, **query)``: page and HTTP API, see docs/API.md.
    ``.stop()``, ``.kill()``, ``.start()`` again; ``.log``, ``.data``.
    """
    _needs("cloud", "collector")
    from simulators.workshop_collector import RunningCollector

    made = RunningCollector(_workshop, broker)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def verify(
    _workshop: Workshop,
    _playing: list[SimulatedHardware],
    _gateways: list[RunningGateway],
    collector: RunningCollector,
) -> Callable[..., Verdict]:
    """``verify()`` compares what the devices gave the gateways with what the collector stored: the end of a test.

    Devices fall silent, gateways send what they hold (``within_s=60``), then every value is compared to the last bit:
    ``assert verify().ok``. The verdict has ``produced``, ``stored``, ``missing``, ``duplicated``, ``altered``; as text
    it says what differs, and what was rightly left out (in a deadband, in the memory of a killed gateway).
    Every gateway and the collector must run. Read no meter of a gateway by yourself in such a test.
    """
    from simulators.workshop_verdict import verdict_of

    def compare(*, within_s: float = 60.0) -> Verdict:
        if not _gateways:
            pytest.fail("verify() compares what a gateway was given: start one with the fixture `gateway`")
        return verdict_of(_workshop, _playing, _gateways, collector, within_s=within_s)

    return compare
