"""The doors of a gateway's site file: those whose plan names a strike are decided by the gateway."""

from __future__ import annotations

from simulators.scenario import Scenario

PULSE = "3 s"
PULSE_S_MAX = 10
OUTSIDE = "outside"


def doors_of(scenario: Scenario, gateway: str) -> list[list[tuple[str, object]]]:
    """The rows of each ``[[door]]`` table."""
    found: list[list[tuple[str, object]]] = []
    for door in scenario.door:
        if not door.strike or door.gateway != gateway:
            continue
        module, _, point = door.strike.partition("/")
        found.append([
            ("id", door.id),
            ("name", door.name),
            ("lock", door.lock),
            ("reader_in", [door.id]),
            ("reader_out", [each.id for each in scenario.door if each.exit_of == door.id]),
            ("contact", door.id),
            ("zone_in", door.zone),
            ("zone_out", OUTSIDE if door.zone else ""),
            ("strike", {"device": module, "point": point, "pulse": PULSE}),
        ])  # fmt: skip
    return found


def remote_of(scenario: Scenario, module: str) -> dict[str, object]:
    """What a console may do with a module of strikes: open doors, for some seconds."""
    strikes = (door.strike.partition("/") for door in scenario.door if door.strike)
    points = [point for device, _, point in strikes if device == module]
    return {point: {"actions": ["pulse"], "min": 1, "max": PULSE_S_MAX} for point in points}
