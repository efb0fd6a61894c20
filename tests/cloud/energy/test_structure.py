"""Spaces, units and meters: what cannot be is named, and whose sum is whose."""

from decimal import Decimal

import msgspec
import pytest

from cloud.energy.contract import Register
from cloud.energy.structure import Meter, Space, Structure, Unit, flaws

SPACES = (
    Space(id="east", kind="site", name="East"),
    Space(id="b3", kind="building", name="Building 3", parent="east"),
    Space(id="b3-f1", kind="floor", name="1F", parent="b3"),
    Space(id="b4", kind="building", name="Building 4", parent="east"),
)
UNITS = (Unit(id="office", name="Office"), Unit(id="finance", name="Finance", parent="office"))


def meter(name: str, **known: object) -> Meter:
    facts = {"device": name, "point": "active_energy_import_total", "role": "sub", **known}
    return Meter(id=name, name=name, **facts)  # type: ignore[arg-type]


METERS = (
    meter("gate", role="gateway", space="east"),
    meter("b3-main", role="main", space="b3", parent="gate"),
    meter("b3-check", role="check", space="b3", parent="b3-main"),
    meter("b3-f1", role="branch", space="b3-f1", parent="b3-main", unit="office", item="A1"),
    meter("b3-f1-it", space="b3-f1", parent="b3-f1", unit="finance", item="D1"),
    meter("b4-main", role="main", space="b4", parent="gate", unit="finance"),
    meter("b4-water", medium="water", space="b4", point="volume_total"),
    Meter(id="b3-rest", name="rest", role="virtual", reads="virtual", space="b3", expression="[b3-main] - [b3-f1]"),
)
GOOD = Structure(spaces=SPACES, units=UNITS, meters=METERS)


def ids(meters: tuple[Meter, ...]) -> list[str]:
    return sorted(each.id for each in meters)


def test_a_sound_structure_has_no_flaws() -> None:
    assert flaws(GOOD) == []


def test_a_space_used_what_its_topmost_meters_counted() -> None:
    assert ids(GOOD.counted_in("east", "electricity")) == ["gate"]
    assert ids(GOOD.counted_in("b3", "electricity")) == ["b3-main"]
    assert ids(GOOD.counted_in("b3-f1", "electricity")) == ["b3-f1"]
    assert ids(GOOD.counted_in("b4", "water")) == ["b4-water"]
    assert GOOD.counted_in("b3", "gas") == ()


def test_a_unit_used_what_its_own_meters_counted_wherever_they_stand() -> None:
    assert ids(GOOD.counted_for("finance", "electricity")) == ["b3-f1-it", "b4-main"]
    assert ids(GOOD.counted_for("office", "electricity")) == ["b3-f1", "b4-main"]


def test_sub_items_are_found_by_item_and_by_group() -> None:
    assert ids(GOOD.counted_as("A")) == ["b3-f1"]
    assert ids(GOOD.counted_as("D1", "b3")) == ["b3-f1-it"]
    assert GOOD.counted_as("D1", "b4") == ()


def test_check_meters_are_no_children() -> None:
    assert ids(GOOD.children["b3-main"]) == ["b3-f1"]
    assert ids(GOOD.children["gate"]) == ["b3-main", "b4-main"]


def test_virtual_meters_come_after_what_they_are_made_of() -> None:
    chain = [
        Meter(id="v2", name="v2", role="virtual", reads="virtual", expression="[v1] * 2"),
        Meter(id="v1", name="v1", role="virtual", reads="virtual", expression="[gate] / 2"),
    ]
    found = Structure(spaces=SPACES, units=UNITS, meters=(*METERS, *chain))
    order = list(found.made_of)
    assert flaws(found) == []
    assert order.index("v1") < order.index("v2")


@pytest.mark.parametrize(
    ("wrong", "thing", "field", "says"),
    [
        (meter("Big"), "meter:Big", "id", "1 to 32"),
        (meter("gate"), "meter:gate", "id", "given twice"),
        (meter("m", space="b9"), "meter:m", "space", "no space 'b9'"),
        (meter("m", unit="x"), "meter:m", "unit", "no unit 'x'"),
        (meter("m", parent="x"), "meter:m", "parent", "no meter 'x'"),
        (meter("m", parent="m"), "meter:m", "parent", "below itself"),
        (meter("m", parent="b4-water"), "meter:m", "parent", "measures water"),
        (meter("m", item="Z1"), "meter:m", "item", "none of A1"),
        (meter("m", device=""), "meter:m", "device", "needs the device"),
        (meter("m", reads="manual"), "meter:m", "device", "has no device"),
        (meter("m", reads="virtual"), "meter:m", "role", "both virtual"),
        (meter("m", expression="[gate]"), "meter:m", "expression", "only a virtual"),
        (meter("m", register=Register(confirm=0)), "meter:m", "register", "confirm"),
        (meter("m", accuracy=Decimal(-1)), "meter:m", "accuracy", "class"),
        (
            Meter(id="v", name="v", role="virtual", reads="virtual", expression="[gate] +"),
            "meter:v",
            "expression",
            "character 9",
        ),
        (
            Meter(id="v", name="v", role="virtual", reads="virtual", expression="[b4-water]"),
            "meter:v",
            "expression",
            "measures water",
        ),
        (
            Meter(id="v", name="v", role="virtual", reads="virtual", expression="[v]"),
            "meter",
            "expression",
            "made of each other: v",
        ),
    ],
)
def test_what_cannot_be_is_named(wrong: Meter, thing: str, field: str, says: str) -> None:
    found = flaws(Structure(spaces=SPACES, units=UNITS, meters=(*METERS, wrong)))
    assert any(flaw.thing == thing and flaw.field == field and says in flaw.message for flaw in found), found


def test_a_ring_of_spaces_is_found() -> None:
    ring = (Space(id="a", kind="floor", name="a", parent="b"), Space(id="b", kind="floor", name="b", parent="a"))
    assert {flaw.thing for flaw in flaws(Structure(spaces=ring))} == {"space:a", "space:b"}


def test_a_structure_survives_json_with_its_decimals() -> None:
    assert msgspec.json.decode(msgspec.json.encode(GOOD), type=Structure) == GOOD
