"""What lists say, against what is known; by gateways' own reading of them."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import pytest

from cloud.access.contract import ControlledDoor, Credential, Group, Holder, Lent, Permission, Schedule, SiteAccess
from cloud.access.lists import Granted, ListContent, build
from cloud.access.rulings import GRANTED, may_what, rule, who_may
from cloud.access.sealing import listed, sealed
from cloud.store.contract import GatewayKey
from protocols.grants import GrantList, open_grants
from protocols.signing import public_of, sign
from tests.cloud.access.site import (
    DAY_MS,
    DOORS,
    HOUR_MS,
    LENT,
    LENT_CARD,
    LI,
    NOW,
    WANG,
    ZONE,
    at,
    calendar,
    card,
    known,
    period,
    situation,
)

SEED = bytes(range(32))


def contents(access: SiteAccess | None = None, lent: tuple[Lent, ...] = LENT) -> dict[str, ListContent]:
    return build("east", known() if access is None else access, DOORS, lent, calendar(), period())


def opened(gateway: str, access: SiteAccess | None = None) -> GrantList:
    """The list as the gateway reads it."""
    made = listed(
        GatewayKey("east", gateway),
        contents(access)[gateway],
        number=7,
        issued_at=NOW,
        expires_at=NOW + 7 * DAY_MS,
        zone=str(ZONE),
    )
    payload = sealed(made, lambda message: sign(SEED, message))
    return open_grants(payload, public_of(SEED), site="east", gateway=gateway)


def lets_in(grants: GrantList, door: str, key: str, when: int) -> bool:
    """The plainest reading of a list."""
    found = grants.cards.find(key)
    if found is None:
        return False
    rule_of = next(each for each in grants.doors if each.id == door)
    if found.level < rule_of.level:
        return False
    schedules = {each.id: each for each in grants.schedules}
    return any(
        each.door == door
        and (each.valid_from is None or when >= each.valid_from)
        and (each.valid_until is None or when < each.valid_until)
        and (each.schedule is None or schedules[each.schedule].holds_at(when, ZONE))
        for each in grants.sets[found.set]
    )


def test_a_gateway_gets_its_own_doors_and_cards_by_its_own_names() -> None:
    b3, b5 = opened("b3"), opened("b5")
    assert [door.id for door in b3.doors] == ["main-entrance"]
    assert {each.key for each in b3.cards} == {LI, WANG, LENT_CARD}
    assert {each.key for each in b5.cards} == {LI}
    assert (b5.doors[0].level, b5.doors[0].passback, b5.doors[0].forgiven_min) == (2, "hard", 30)


def test_no_name_is_in_a_list() -> None:
    text = msgspec.json.encode(opened("b3")).decode()
    assert "Li Na" not in text
    assert '"li"' not in text
    assert {each.person for each in opened("b3").cards} == {0, 11, 12}


@pytest.mark.parametrize(
    ("when", "key", "lets"),
    [
        ("2026-11-23 09:00", LI, True),
        ("2026-11-23 18:00", LI, False),
        ("2026-11-24 11:59", LI, True),  # a date with hours of its own
        ("2026-11-24 12:00", LI, False),
        ("2026-11-25 09:00", LI, False),  # a holiday
        ("2026-11-28 09:00", LI, True),  # a Saturday that is worked
        ("2026-11-29 09:00", LI, False),
        ("2026-11-24 05:59", WANG, True),  # began the evening before
        ("2026-11-24 06:00", WANG, False),
        ("2026-11-24 22:00", WANG, True),
        ("2026-11-23 09:59", LENT_CARD, False),
        ("2026-11-23 10:00", LENT_CARD, True),
        ("2026-11-23 12:00", LENT_CARD, False),
        ("2026-11-23 09:00", card(77), False),
    ],
)
def test_who_comes_in_when(when: str, key: str, *, lets: bool) -> None:
    assert lets_in(opened("b3"), "main-entrance", key, at(when)) is lets
    assert (rule(situation(), "front", key, at(when)).reason == GRANTED) is lets


@pytest.mark.parametrize("number", range(2))
def test_a_pass_does_not_bring_a_lost_card_or_a_disabled_person_back(number: int) -> None:
    why, access = list(_changed(known()))[number]
    lent = (Lent("v-1", LI, "front", NOW - 1, NOW + DAY_MS),)
    assert LI not in contents(access, lent)["b3"].cards, why
    assert rule(situation(access, lent), "front", LI, NOW).reason == why
    assert rule(situation(lent=lent), "front", LI, NOW).detail == "v-1"


def test_a_pass_opens_gates_and_no_other_door() -> None:
    doors = (DOORS[0], DOORS[1]._replace(least=1))
    lent = (Lent("v-1", LENT_CARD, "lab", NOW - 1, NOW + DAY_MS),)
    made = build("east", known(), doors, lent, calendar(), period())
    assert all(LENT_CARD not in each.cards for each in made.values())
    assert rule(situation(lent=lent)._replace(doors=doors), "lab", LENT_CARD, NOW).reason == "not_here"


def test_the_same_knowledge_makes_the_same_list_in_whatever_order_it_came() -> None:
    there = known()
    turned = SiteAccess(*(dict(reversed(list(each.items()))) for each in there))
    assert contents(turned)["b3"].digest == contents(there)["b3"].digest


def _changed(access: SiteAccess) -> Iterator[tuple[str, SiteAccess]]:
    replace = msgspec.structs.replace
    credentials, holders = access.credentials, access.holders
    yield "blocked", access._replace(credentials={**credentials, LI: replace(credentials[LI], blocked="lost")})
    yield "disabled", access._replace(holders={**holders, "li": replace(holders["li"], disabled=True)})
    yield "over", access._replace(holders={**holders, "li": replace(holders["li"], until_at=NOW)})
    yield "never", access._replace(credentials={**credentials, LI: replace(credentials[LI], until_at=0)})
    yield "ended", access._replace(credentials={**credentials, LI: replace(credentials[LI], until_at=NOW - 1)})
    yield "later", access._replace(credentials={**credentials, LI: replace(credentials[LI], from_at=NOW + 30 * DAY_MS)})


@pytest.mark.parametrize("number", range(6))
def test_what_is_blocked_over_or_beyond_the_list_is_not_in_it(number: int) -> None:
    why, access = list(_changed(known()))[number]
    assert LI not in {each.key for each in opened("b3", access).cards}, why
    assert WANG in {each.key for each in opened("b3", access).cards}


def test_a_card_below_the_level_of_a_door_is_refused_there() -> None:
    low = msgspec.structs.replace(known().credentials[LI], level=1)
    access = known()._replace(credentials={LI: low})
    assert not lets_in(opened("b5", access), "lab", LI, NOW)
    assert rule(situation(access), "lab", LI, NOW).reason == "assurance"


def test_who_may_open_a_door_and_what_somebody_may_open_are_the_same_truth() -> None:
    by_door = {
        (each.holder, each.door, each.now) for door in ("front", "lab") for each in who_may(situation(), door, NOW)
    }
    by_person = {
        (each.holder, each.door, each.now) for who in ("li", "wang") for each in may_what(situation(), who, NOW)
    }
    assert by_door == by_person == {("li", "front", True), ("li", "lab", True), ("wang", "front", False)}


def test_who_may_open_a_door_looks_everything_up_once_however_many_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [Holder(id=f"h{number}", number=number + 100, name="x") for number in range(50)]
    access = known()._replace(
        holders={**known().holders, **{each.id: each for each in many}},
        credentials={card(each.number): Credential(id=card(each.number), holder=each.id, level=2) for each in many},
        groups={**known().groups, "staff": Group(id="staff", name="Staff", members=tuple(each.id for each in many))},
    )
    made: list[Granted] = []

    class Counted(Granted):
        def __init__(self, known: SiteAccess, doors: Iterable[ControlledDoor]) -> None:
            super().__init__(known, doors)
            made.append(self)

    monkeypatch.setattr("cloud.access.rulings.Granted", Counted)
    allowed = who_may(situation(access), "front", NOW)
    assert [each.now for each in allowed] == [True] * 50
    assert len(made) == 1


@dataclass
class _Drawn:
    """Random knowledge of a site."""

    random: random.Random

    def site(self) -> SiteAccess:
        draw = self.random
        holders = [
            Holder(id=f"h{n}", number=n + 1, name="x", disabled=draw.random() < 0.1, until_at=self._instant(0.2))
            for n in range(4)
        ]
        credentials = [
            Credential(
                id=card(n + 100),
                holder=f"h{draw.randrange(4)}",
                level=draw.randint(1, 3),
                blocked=draw.choice(("", "", "", "lost")),
                **self._window(),
            )
            for n in range(6)
        ]
        schedules = [Schedule(id=f"s{n}", name="x", parts=self._parts(), dates=self._dates()) for n in range(3)]
        rules = [
            Permission(
                id=f"p{n}",
                holder=f"h{draw.randrange(4)}",
                door=draw.choice(("front", "lab")),
                schedule=draw.choice(("", "s0", "s1", "s2")),
                **self._window(),
            )
            for n in range(6)
        ]
        return SiteAccess(
            {each.id: each for each in holders},
            {each.id: each for each in credentials},
            {},
            {},
            {each.id: each for each in schedules},
            {each.id: each for each in rules},
        )

    def _instant(self, share: float) -> int | None:
        if self.random.random() > share:
            return None
        return NOW + self.random.randrange(-2 * DAY_MS, 8 * DAY_MS)

    def _window(self) -> dict[str, int | None]:
        since, until = self._instant(0.3), self._instant(0.3)
        if since is not None and until is not None and since >= until:
            since, until = until, since + 1
        return {"from_at": since, "until_at": until}

    def _parts(self) -> tuple[str, ...]:
        days = ("daily", "workday", "holiday", "mon-fri", "sat,sun", "fri-mon", "wed")
        hour = self.random.randrange
        made = [
            f"{self.random.choice(days)} {hour(24):02}:{hour(60):02}-{hour(24):02}:{hour(60):02}"
            for _ in range(self.random.randint(0, 3))
        ]
        return tuple(made)

    def _dates(self) -> dict[str, tuple[str, ...]]:
        chosen = self.random.sample(range(23, 30), self.random.randint(0, 2))
        return {f"2026-11-{day}": self.random.choice(((), ("06:00-07:00", "20:00-24:00"))) for day in chosen}


@pytest.mark.parametrize("seed", range(25))
def test_a_list_and_a_ruling_never_differ(seed: int) -> None:
    drawn = _Drawn(random.Random(seed))
    access = drawn.site()
    lists = {gateway: opened(gateway, access) for gateway in ("b3", "b5")}
    asked = situation(access)
    for _ in range(150):
        when = NOW + drawn.random.randrange(7 * 24) * HOUR_MS + drawn.random.randrange(HOUR_MS)
        key = card(100 + drawn.random.randrange(7))
        for door in DOORS:
            by_list = lets_in(lists[door.gateway], door.local, key, when)
            assert by_list is (rule(asked, door.door, key, when).reason == GRANTED), (door.door, key, when)
