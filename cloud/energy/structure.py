"""What is metered where, and for whom: spaces, units of the organisation, and meters.

Two trees that do not know each other (a meter stands in a space and may belong to a unit), and the meters' own: whose
energy passes through which meter (``parent``).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Literal, NamedTuple

import msgspec

from cloud.energy.contract import EnergyFault, Medium, Register
from cloud.energy.eras import Eras, is_plain
from cloud.energy.expression import ExpressionFault, Linear, parse
from protocols.reading import ID_RULE, is_id

SpaceKind = Literal["site", "building", "floor", "circuit"]
MeterRole = Literal["gateway", "main", "branch", "sub", "check", "virtual"]
"""gateway: where the supplier measures. main: of a building. branch, sub: below it. check: a second look at what
another counts, never added up. virtual: made of others."""
Reads = Literal["counter", "power", "manual", "virtual"]

ITEMS: dict[str, tuple[str, str]] = {
    "A1": ("Lighting and sockets", "室内照明与插座"),
    "A2": ("Corridors and emergency lighting", "走廊与应急照明"),
    "A3": ("Outdoor lighting", "室外景观照明"),
    "B1": ("Cooling and heating plant", "冷热站"),
    "B2": ("Air conditioning terminals", "空调末端"),
    "C1": ("Lifts", "电梯"),
    "C2": ("Pumps", "水泵"),
    "C3": ("Fans", "通风机"),
    "D1": ("Data centre", "信息中心"),
    "D2": ("Kitchen", "厨房"),
    "D3": ("Laundry", "洗衣房"),
    "D4": ("Swimming pool", "游泳池"),
    "D5": ("Gym", "健身房"),
    "D6": ("Other special use", "其他特殊用电"),
}
"""Sub-items of electricity in public buildings: what it is used for."""

NAME_MAX = 80
THINGS_MAX = 20_000
PEOPLE_MAX = 1_000_000


class Space(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a site. ``area_m2`` and ``people`` are what amounts are divided by; None when nobody knows."""

    id: str
    kind: SpaceKind
    name: str
    parent: str = ""
    area_m2: Decimal | None = None
    people: int | None = None


class Unit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the organisation."""

    id: str
    name: str
    parent: str = ""
    people: int | None = None
    area_m2: Decimal | None = None


class Meter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A meter of a site.

    parent: the meter whose energy this one gets. device, point: the series it is read from. accuracy: its class, in
    percent. counted: whether it adds to what its space and unit used; None counts all but check and virtual ones.
    two_person: what one person reads of it by hand counts when a second one has looked at it.
    """

    id: str
    name: str
    medium: Medium = "electricity"
    role: MeterRole = "sub"
    reads: Reads = "counter"
    space: str = ""
    unit: str = ""
    parent: str = ""
    item: str = ""
    device: str = ""
    point: str = ""
    register: Register = Register()
    expression: str = ""
    accuracy: Decimal = Decimal(1)
    counted: bool | None = None
    two_person: bool = False

    @property
    def is_counted(self) -> bool:
        return self.role not in ("check", "virtual") if self.counted is None else self.counted


class Flaw(NamedTuple):
    """Something that cannot be: of which thing (``meter:b3-main``), which of its fields, and what is wrong."""

    thing: str
    field: str
    message: str


class Structure(msgspec.Struct, frozen=True, kw_only=True, dict=True, forbid_unknown_fields=True):
    """All of a site. Ask it anything only when ``flaws`` finds none."""

    spaces: tuple[Space, ...] = ()
    units: tuple[Unit, ...] = ()
    meters: tuple[Meter, ...] = ()

    @cached_property
    def meter(self) -> Mapping[str, Meter]:
        """Meters by id."""
        return {meter.id: meter for meter in self.meters}

    @cached_property
    def children(self) -> Mapping[str, tuple[Meter, ...]]:
        """What each meter feeds, check and virtual meters left out."""
        found: dict[str, list[Meter]] = {}
        for meter in self.meters:
            if meter.parent and meter.role not in ("check", "virtual"):
                found.setdefault(meter.parent, []).append(meter)
        return {parent: tuple(meters) for parent, meters in found.items()}

    @cached_property
    def made_of(self) -> Mapping[str, Linear]:
        """The virtual meters' expressions; those that need others come after them."""
        open_ones = {meter.id: parse(meter.expression) for meter in self.meters if meter.reads == "virtual"}
        found: dict[str, Linear] = {}
        while open_ones:
            ready = [name for name, linear in open_ones.items() if not linear.keys() & open_ones.keys()]
            if not ready:
                raise EnergyFault(f"virtual meters are made of each other: {', '.join(sorted(open_ones))}")
            for name in ready:
                found[name] = open_ones.pop(name)
        return found

    def within(self, space: str) -> frozenset[str]:
        """A space and all below it."""
        return frozenset(_below(space, self.spaces))

    def within_unit(self, unit: str) -> frozenset[str]:
        """A unit and all below it."""
        return frozenset(_below(unit, self.units))

    def counted_in(self, space: str, medium: str) -> tuple[Meter, ...]:
        """The meters whose sum is what a space used: those in it that no other one of them feeds."""
        spaces = self.within(space)
        return self._topmost(meter for meter in self.meters if meter.space in spaces and meter.medium == medium)

    def counted(self, medium: str) -> tuple[Meter, ...]:
        """The meters whose sum is what the whole site used."""
        return self._topmost(meter for meter in self.meters if meter.medium == medium)

    def counted_for(self, unit: str, medium: str) -> tuple[Meter, ...]:
        """The meters whose sum is what a unit used."""
        units = self.within_unit(unit)
        return self._topmost(meter for meter in self.meters if meter.unit in units and meter.medium == medium)

    def counted_as(self, item: str, space: str = "") -> tuple[Meter, ...]:
        """The meters whose sum was used for a sub-item (``A1``, or a group of them: ``A``)."""
        spaces = self.within(space) if space else None
        return self._topmost(
            meter
            for meter in self.meters
            if meter.item.startswith(item) and item and (spaces is None or meter.space in spaces)
        )

    def _topmost(self, meters: Iterable[Meter]) -> tuple[Meter, ...]:
        chosen = {meter.id: meter for meter in meters if meter.is_counted}
        return tuple(meter for meter in chosen.values() if not any(name in chosen for name in self.feeding(meter)))

    def feeding(self, meter: Meter) -> list[str]:
        """The meters through which this one's energy comes, the nearest first."""
        found: list[str] = []
        while meter.parent and meter.parent not in found and meter.parent in self.meter:
            found.append(meter.parent)
            meter = self.meter[meter.parent]
        return found


def _below(name: str, things: Iterable[Space | Unit]) -> set[str]:
    children: dict[str, list[str]] = {}
    for thing in things:
        children.setdefault(thing.parent, []).append(thing.id)
    found, open_ones = {name}, [name]
    while open_ones:
        for child in children.get(open_ones.pop(), ()):
            if child not in found:
                found.add(child)
                open_ones.append(child)
    return found


def doubts(structure: Structure) -> list[Flaw]:
    """What can be used, but believes more than it should."""
    return [
        Flaw(f"meter:{meter.id}", "register.rated", "not given: any advance of it is believed, however large")
        for meter in structure.meters
        if meter.reads in ("counter", "manual") and meter.register.rated is None
    ]


def flaws(structure: Structure) -> list[Flaw]:
    """Everything that is wrong with it; empty when it can be used."""
    found: list[Flaw] = []
    trees: tuple[tuple[str, tuple[Space | Unit | Meter, ...]], ...] = (
        ("space", structure.spaces),
        ("unit", structure.units),
        ("meter", structure.meters),
    )
    if sum(len(things) for _, things in trees) > THINGS_MAX:
        return [Flaw("site", "", f"more than {THINGS_MAX} spaces, units and meters")]
    for kind, things in trees:
        found += _tree_flaws(kind, things)
    spaces, units = {space.id for space in structure.spaces}, {unit.id for unit in structure.units}
    for meter in structure.meters:
        found += [Flaw(f"meter:{meter.id}", *flaw) for flaw in _meter_flaws(meter, structure, spaces, units)]
    if not found:
        try:
            _ = structure.made_of
        except EnergyFault as fault:
            found.append(Flaw("meter", "expression", str(fault)))
    return found


def _tree_flaws(kind: str, things: tuple[Space | Unit | Meter, ...]) -> list[Flaw]:
    found: list[Flaw] = []
    parents: dict[str, str] = {}
    for thing in things:
        name = f"{kind}:{thing.id}"
        if not is_id(thing.id):
            found.append(Flaw(name, "id", ID_RULE))
        if thing.id in parents:
            found.append(Flaw(name, "id", "this id is given twice"))
        if not 0 < len(thing.name) <= NAME_MAX:
            found.append(Flaw(name, "name", f"a text of 1 to {NAME_MAX} characters"))
        if not isinstance(thing, Meter):
            found += [Flaw(name, *flaw) for flaw in _size_flaws(thing)]
        parents[thing.id] = thing.parent
    for name, parent in parents.items():
        if parent and parent not in parents:
            found.append(Flaw(f"{kind}:{name}", "parent", f"there is no {kind} {parent!r}"))
        seen = {name}
        while parent and parent in parents and parent not in seen:
            seen.add(parent)
            parent = parents[parent]
        if parent == name:
            found.append(Flaw(f"{kind}:{name}", "parent", "is below itself"))
    return found


def _size_flaws(thing: Space | Unit) -> list[tuple[str, str]]:
    found = []
    if not is_plain(thing.area_m2) or (thing.area_m2 is not None and thing.area_m2 <= 0):
        found.append(("area_m2", "square metres above 0; left out when nobody knows"))
    if thing.people is not None and not 0 < thing.people <= PEOPLE_MAX:
        found.append(("people", f"1 to {PEOPLE_MAX}; left out when nobody knows"))
    return found


def _meter_flaws(meter: Meter, structure: Structure, spaces: set[str], units: set[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if meter.space and meter.space not in spaces:
        found.append(("space", f"there is no space {meter.space!r}"))
    if meter.unit and meter.unit not in units:
        found.append(("unit", f"there is no unit {meter.unit!r}"))
    if meter.item and meter.item not in ITEMS:
        found.append(("item", f"{meter.item!r} is none of {', '.join(ITEMS)}"))
    if meter.item and meter.medium != "electricity":
        found.append(("item", "sub-items are of electricity"))
    if not is_plain(meter.accuracy) or not 0 <= meter.accuracy <= 100:
        found.append(("accuracy", "the class in percent, 0 to 100"))
    parent = structure.meter.get(meter.parent)
    if parent is not None and parent.medium != meter.medium:
        found.append(("parent", f"{parent.id} measures {parent.medium}, this one {meter.medium}"))
    if (meter.reads == "virtual") != (meter.role == "virtual"):
        found.append(("role", "role and reads are both virtual, or neither"))
    if meter.reads in ("counter", "power") and not (meter.device and meter.point):
        found.append(("device", "a meter that is read needs the device and the point it is read from"))
    if meter.reads in ("manual", "virtual") and (meter.device or meter.point):
        found.append(("device", f"a {meter.reads} meter has no device"))
    return found + (_expression_flaws(meter, structure) if meter.reads == "virtual" else _register_flaws(meter))


def _register_flaws(meter: Meter) -> list[tuple[str, str]]:
    found = [("expression", "only a virtual meter has one")] if meter.expression else []
    try:
        Eras(meter.register)
    except EnergyFault as fault:
        found.append(("register", str(fault)))
    return found


def _expression_flaws(meter: Meter, structure: Structure) -> list[tuple[str, str]]:
    try:
        linear = parse(meter.expression)
    except ExpressionFault as fault:
        return [("expression", str(fault))]
    found = []
    for name in linear:
        part = structure.meter.get(name)
        if part is None:
            found.append(("expression", f"there is no meter {name!r}"))
        elif part.medium != meter.medium:
            found.append(("expression", f"{name} measures {part.medium}, this one {meter.medium}"))
    return found
