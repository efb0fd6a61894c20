"""Fixtures of single devices and of whole scenarios; part of `simulators.pytest_plugin`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# Loaded in every run of pytest: what the fixtures need is imported when one of them is used.
if TYPE_CHECKING:
    from simulators.scenario import Scenario
    from simulators.workshop import Workshop
    from simulators.workshop_broker import LocalBroker
    from simulators.workshop_devices import SimulatedBus, SimulatedMeter, SimulatedModule, SimulatedTalker
    from simulators.workshop_hardware import SimulatedHardware


@pytest.fixture
def play_scenario(_workshop: Workshop, _playing: list[SimulatedHardware]) -> Callable[..., SimulatedHardware]:
    """``play_scenario(file_or_scenario, broker=None)`` starts all devices of a scenario file; they live by themselves.

    ``broker``: the fixture of that name, needed when the scenario has devices that publish.
    The result has ``addresses`` (by line: ``kind``, ``host``, ``port``, ``path``), ``served(device, point)``,
    ``published(device)``, ``asked(line)``, ``breaks(device, kind)``, ``mends(device)``, ``breaks_line(line, kind)``.
    A scenario's ``seed`` makes the same world again; ``lived(within_s=120)`` waits for the end of its ``duration``,
    which a ``speed`` brings nearer. ``talk=False``: devices that publish wait to be told.
    """
    from simulators.scenario import Scenario, load_scenario
    from simulators.workshop_hardware import SimulatedHardware

    def play(
        scenario: Scenario | Path | str, *, broker: LocalBroker | None = None, talk: bool = True
    ) -> SimulatedHardware:
        plan = scenario if isinstance(scenario, Scenario) else load_scenario(Path(scenario))
        publishing = [*(p.id for p in plan.door), *(p.id for p in plan.vehicle), *(p.id for p in plan.device)]
        if publishing and broker is None and not plan.broker.host:
            pytest.fail(f"{publishing[0]} publishes, so the scenario needs a broker: play_scenario(..., broker=broker)")
        playing = SimulatedHardware(_workshop, plan, broker.account if broker else None, talk=talk)
        _playing.append(playing)
        return playing

    return play


@pytest.fixture
def modbus_bus(_workshop: Workshop, play_scenario: Callable[..., SimulatedHardware]) -> Callable[..., SimulatedBus]:
    """``modbus_bus({1: "eastron/sdm630", 2: "waveshare/relay-d"}, wire="tcp")`` makes a line with a meter or
    module at each unit id.

    ``wire``: "tcp" (``bus.host``, ``bus.port``: a gateway with units behind it), "rtu" (``bus.path``, a serial port
    with the timing of ``baud=9600``) or "rtu-tcp" (``bus.host``, ``bus.port``: RTU frames over TCP).
    ``bus[2]`` is what `modbus_meter` or `io_module` make. ``bus.asked``: every request on the line, in order, also to
    units that are not there (``unit``, ``function``, ``first``, ``quantity``, ``values``, ``outcome``, ``at`` in ms).
    ``bus.breaks(kind, share=0.1)``, ``bus.mends()``: a fault of the whole line.
    More keywords go to every meter (``watts``, ``phases``) or to the line (``one_connection``, ``idle_close``).
    """
    from simulators.devices.models import MODULES
    from simulators.plans_modbus import LinePlan
    from simulators.workshop_devices import WIRES, SimulatedBus
    from simulators.workshop_scenario import new_scenario

    def make(models: dict[int, str], *, wire: str = "tcp", baud: int = 9600, **more: Any) -> SimulatedBus:
        if wire not in WIRES and wire not in WIRES.values():
            raise ValueError(f"wire={wire!r} is no wire; there are {', '.join(WIRES)}")
        name = _workshop.new_name("line")
        line = {"name": name, "kind": WIRES.get(wire, wire), "baud": baud}
        line |= {key: more.pop(key) for key in list(more) if key in LinePlan.__struct_fields__}
        tables: dict[str, list[dict[str, Any]]] = {"meter": [], "module": []}
        for unit, model in models.items():
            table = "module" if model in MODULES else "meter"
            row = {"id": _workshop.new_name(table), "model": model, "line": name, "unit": unit}
            tables[table].append(row | (more if table == "meter" or len(models) == 1 else {}))
        plan = new_scenario(_workshop, line=[line], **tables)
        ids = {row["unit"]: row["id"] for rows in tables.values() for row in rows}
        return SimulatedBus(_workshop, play_scenario(plan), name, ids)

    return make


@pytest.fixture
def modbus_meter(modbus_bus: Callable[..., SimulatedBus]) -> Callable[..., SimulatedMeter]:
    """``modbus_meter("eastron/sdm630", unit=1, wire="tcp")`` makes a meter alone on its line.

    ``meter.host`` and ``meter.port``, or ``meter.path`` of a serial port (``wire="rtu"``): where it answers.
    ``meter.served(point)``: every value of a point that it put into an answer, as the number the meter means.
    ``meter.asked``: the requests it got, as on a `modbus_bus`.
    ``meter.breaks(kind, delay_s=2, code=4, share=1)``, ``meter.mends()``: misbehave at run time; docs/TESTING.md has
    the kinds. ``meter.id``: its name at a gateway. ``watts=8000`` (mean load), ``phases=3``: of its world.
    """

    def make(model: str, *, unit: int = 1, wire: str = "tcp", baud: int = 115_200, **more: Any) -> SimulatedMeter:
        from simulators.workshop_devices import SimulatedMeter

        made = modbus_bus({unit: model}, wire=wire, baud=baud, **more)[unit]
        if not isinstance(made, SimulatedMeter):
            raise ValueError(f"{model} is a module: io_module({model!r})")
        return made

    return make


@pytest.fixture
def io_module(modbus_bus: Callable[..., SimulatedBus]) -> Callable[..., SimulatedModule]:
    """``io_module("waveshare/relay-d", unit=1, wire="tcp")`` makes a module of relays and inputs.

    ``module.host`` and ``module.port``, or ``module.path``: where it answers. Relays and inputs count from 1.
    ``module.relay_on(1)``: how a relay stands; ``wait_relay(1, True, within_s=10)``. Pulses run by its own clock.
    ``module.set_input(1, True)``: somebody opens a door; ``input_on(1)``. ``follows={"digital_input_1": "relay_1"}``:
    the contact of the door that a relay opens.
    ``module.written``: every write that reached it (``function``, ``address``, ``values``, ``refused``, ``at``).
    ``module.asked``, ``served(point)``, ``breaks(kind)``, ``mends()``: as of a `modbus_meter`.
    """

    def make(model: str, *, unit: int = 1, wire: str = "tcp", baud: int = 115_200, **more: Any) -> SimulatedModule:
        from simulators.workshop_devices import SimulatedModule

        made = modbus_bus({unit: model}, wire=wire, baud=baud, **more)[unit]
        if not isinstance(made, SimulatedModule):
            raise ValueError(f"{model} is a meter: modbus_meter({model!r})")
        return made

    return make


@pytest.fixture
def mqtt_device(
    _workshop: Workshop, play_scenario: Callable[..., SimulatedHardware], broker: LocalBroker
) -> Callable[..., SimulatedTalker]:
    """``mqtt_device("shelly/plus-switch", "shellies/kitchen")`` makes any device that publishes; docs/TESTING.md lists
    the dialects, which are the ids of our profiles.

    It speaks when the test wants it: ``report()`` (what it says every so often), ``tap(card)``, ``opens()``,
    ``closes()``, each returning when the broker has it. ``talk=True``: it lives by itself, every ``every="2 s"``.
    ``published()``: its messages at the broker. ``breaks(kind)``, ``mends()``: misbehave at run time.
    More keywords as in a scenario's [[device]]: ``ident``, ``watts``, ``phases``, ``qos``, ``retain``.
    """
    from simulators.workshop_devices import SimulatedTalker
    from simulators.workshop_scenario import new_scenario

    def make(dialect: str, topic: str, *, talk: bool = False, name: str = "device", **more: Any) -> SimulatedTalker:
        device = _workshop.new_name(name)
        plan = new_scenario(_workshop, device=[{"id": device, "dialect": dialect, "topic": topic, **more}])
        return SimulatedTalker(_workshop, play_scenario(plan, broker=broker, talk=talk), device, topic, dialect)

    return make


@pytest.fixture
def card_reader(mqtt_device: Callable[..., SimulatedTalker]) -> Callable[..., SimulatedTalker]:
    """``card_reader("esp-rfid", "doors/gate")`` makes a card reader that publishes below this topic.

    Dialects: "esp-rfid", "tasmota", "esphome", "ha-tag", or the id of a profile, like "tasmota/wiegand".
    ``reader.tap("04A1B2C3D4E5F6")``: a card is held to it; ``known=False``: a card it does not know.
    ``reader.breaks("duplicate")``: every tap is told twice. The rest as of a `mqtt_device`.
    """
    from simulators.workshop_devices import CARD_READERS, card_dialects

    def make(dialect: str, topic: str, **more: Any) -> SimulatedTalker:
        whole = CARD_READERS.get(dialect, dialect)
        if whole not in card_dialects():
            there_are = ", ".join((*CARD_READERS, *sorted(card_dialects())))
            raise ValueError(f"{dialect!r} is no card reader that is simulated; there are {there_are}")
        return mqtt_device(whole, topic, name="reader", **more)

    return make


@pytest.fixture
def door(mqtt_device: Callable[..., SimulatedTalker]) -> Callable[..., SimulatedTalker]:
    """``door("doors/gate", dialect="esp-rfid/reader")`` makes a door with a controller that publishes below this topic.

    ``door.swipe(card, access="Always")``: a card is read and, unless ``access`` is "Disabled" or "Expired", the door
    opens and closes. ``door.opens()``, ``door.closes()``: without a card. The rest as of a `mqtt_device`.
    """

    def make(topic: str, *, dialect: str = "esp-rfid/reader", **more: Any) -> SimulatedTalker:
        return mqtt_device(dialect, topic, name="door", **more)

    return make


@pytest.fixture
def vehicle(mqtt_device: Callable[..., SimulatedTalker]) -> Callable[..., SimulatedTalker]:
    """``vehicle("owntracks/fleet/car", dialect="owntracks/phone")`` makes a vehicle that tells where it is.

    ``vehicle.report()``: it publishes its position. ``vehicle.breaks("lost_fix")``. The rest as of a `mqtt_device`.
    """

    def make(topic: str, *, dialect: str = "owntracks/phone", **more: Any) -> SimulatedTalker:
        return mqtt_device(dialect, topic, name="vehicle", **more)

    return make
