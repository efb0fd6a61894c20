"""What is metered where in a simulated compound, as the collector's `PUT /api/v1/energy/structure` takes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulators import sample_site
from simulators.energy_world import EnergyWorld
from simulators.history_readings import POINT, REACTIVE, REACTIVE_POINT, VOLUMES, resolution
from simulators.plans_modbus import MeterPlan
from simulators.scenario import Scenario

ITEMS = {
    "office": "A1", "corridor": "A2", "lights": "A3", "chiller": "B1", "boiler": "B1", "lifts": "C1", "pumps": "C2",
    "server": "D1", "kitchen": "D2", "chargers": "D6", "guard": "D6",
}  # fmt: skip
"""Sub-items by the shape of a load."""
BUILDINGS: dict[str, tuple[str, int, int | None]] = {
    "b1": ("1号楼 B1", 5_200, 190),
    "b2": ("2号楼 B2", 2_600, 75),
    "b3": ("3号楼 B3", 11_800, 420),
    "garage": ("车库 Garage", 3_000, None),
    "grounds": ("室外 Grounds", 0, None),
}
"""Name, area in square metres (0: none), people."""
_GROUNDS = ("yard", "gate", "guard")
_OF_BUILDING = {"canteen": "b2"}
SITE_PEOPLE = 685
OFFICE_UNITS = ("b1", "b2", "b3")
RATED = 3.0
"""A circuit carries so many times the most that its load takes in mild weather."""


def structure_of(scenario: Scenario, world: EnergyWorld) -> dict[str, Any]:
    """Spaces, units and meters of every meter with a shape."""
    meters = list(world.plans.values())
    return {"spaces": list(_spaces(scenario, meters)), "units": _units(), "meters": list(_meters(world))}


def _spaces(scenario: Scenario, meters: list[MeterPlan]) -> Iterator[dict[str, Any]]:
    site = "site"
    yield {"id": site, "kind": "site", "name": scenario.site_name, "people": SITE_PEOPLE}
    seen: set[str] = set()
    for meter in meters:
        building, floor = _building(meter.id), _floor(meter.id)
        name, area, people = BUILDINGS.get(building, (building.upper(), 4_000, 120))
        if building not in seen:
            seen.add(building)
            row = {"id": building, "kind": "building", "name": name, "parent": site}
            yield row | ({"area_m2": str(area)} if area else {}) | ({"people": people} if people else {})
        if floor and floor not in seen:
            seen.add(floor)
            number = floor.rsplit("-f", 1)[1]
            yield {"id": floor, "kind": "floor", "name": f"{building.upper()} {number}F", "parent": building}


def _units() -> list[dict[str, Any]]:
    """The organisation: an office of each of the sample site's units, below the administration."""
    offices = [
        {"id": f"unit-{number}", "name": name, "parent": "all-units"}
        for number, name in enumerate(sample_site.units(), 1)
    ]
    return [{"id": "all-units", "name": "机关各单位 All units"}, *offices]


def _meters(world: EnergyWorld) -> Iterator[dict[str, Any]]:
    count = len(sample_site.units())
    floors = 0
    for meter, plan in world.plans.items():
        volume = plan.shape in VOLUMES
        row: dict[str, Any] = {
            "id": meter,
            "name": plan.name or meter,
            "medium": plan.shape if volume else "electricity",
            "role": _role(world, plan),
            "space": _floor(meter) or _building(meter),
            "device": meter,
            "point": VOLUMES[plan.shape][0] if volume else POINT,
            "register": {
                "resolution": str(resolution(plan)),
                "rated": str(round(world.full_kw(meter) * RATED + 1, 1)),
            },
            "accuracy": "2" if volume else "0.5" if world.children.get(meter) else "1",
        }
        if plan.parent:
            row["parent"] = plan.parent
        if not volume and not world.children.get(meter):
            row["item"] = ITEMS.get(plan.shape, "D6")
        if _floor(meter):
            floors += 1
            row["unit"] = f"unit-{(floors - 1) % count + 1}"
        yield row
    if REACTIVE in world.plans:
        yield {
            "id": f"{REACTIVE}-kvarh", "name": "B3 main reactive", "role": "check", "space": "b3", "device": REACTIVE,
            "point": REACTIVE_POINT, "register": {"resolution": "0.01"},
        }  # fmt: skip


def _role(world: EnergyWorld, plan: MeterPlan) -> str:
    if not plan.parent:
        return "main"
    return "branch" if world.children.get(plan.id) else "sub"


def _building(meter: str) -> str:
    head = meter.split("-", 1)[0]
    return "grounds" if head in _GROUNDS else _OF_BUILDING.get(head, head)


def _floor(meter: str) -> str:
    head, _, tail = meter.partition("-floor-")
    return f"{head}-f{tail}" if tail else ""
