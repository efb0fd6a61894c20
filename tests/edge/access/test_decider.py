"""The decision: every reason once by hand, and thousands of random lists against a plain second way to it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from edge.access.decider import Asked, Decision, Held, Place, decide
from edge.cards import CardKeys
from protocols.grants import EXEMPT, LASTING, Card, Grant, GrantDoor, GrantList, columns
from protocols.schedules import Schedule
from tests.edge.access.plain_decider import plain_decision
from tests.protocols.test_grants import DAY, KEYS, NOW, grant_list, opened, sealed

NOON = NOW - NOW % DAY + 3 * DAY + 4 * 3_600_000  # a Monday, 12:00 in Shanghai
MINUTE = 60_000


def ask(grants: GrantList | None = None, places: dict[int, Place] | None = None, **given: Any) -> Decision:
    known = {} if places is None else places
    asked = Asked(**{"card": KEYS[0], "door": "north", "now_ms": NOON, "level": 2, **given})
    return decide(asked, Held(grant_list() if grants is None else grants), known.get)


def one(*grants: Grant, flags: int = 0, level: int = 2, **given: Any) -> GrantList:
    """A list with one card."""
    return grant_list(sets=[list(grants)], cards=columns([Card(KEYS[0], 30, 0, flags, level)]), **given)


OPEN = Grant("north")


@pytest.mark.parametrize(
    ("grants", "given", "reason"),
    [
        (one(OPEN), {}, "list"),
        (one(OPEN), {"card": KEYS[1]}, "unknown_card"),
        (one(OPEN), {"door": "lab"}, "not_here"),
        (one(OPEN), {"door": "cellar"}, "not_here"),
        (one(OPEN), {"now_ms": NOW + 7 * DAY - 1}, "list"),
        (one(OPEN), {"now_ms": NOW + 7 * DAY}, "list_expired"),
        (one(OPEN), {"now_ms": NOW + 7 * DAY, "card": KEYS[1]}, "list_expired"),
        (one(OPEN, flags=LASTING), {"now_ms": NOW + 7 * DAY}, "lasting"),
        (one(Grant("north", None, None, NOW + DAY), flags=LASTING), {"now_ms": NOW + 7 * DAY}, "no_longer_valid"),
        (one(OPEN), {"clock_known": False}, "clock_unknown"),
        (one(OPEN), {"now_ms": NOW - 11 * MINUTE}, "clock_unknown"),
        (one(OPEN), {"now_ms": NOW - 9 * MINUTE}, "list"),
        (one(OPEN), {"clock_known": False, "ignores_times": True}, "times_ignored"),
        (one(OPEN), {"clock_known": False, "ignores_times": True, "card": KEYS[1]}, "unknown_card"),
        (one(OPEN), {"clock_known": False, "ignores_times": True, "now_ms": NOW + 7 * DAY}, "list_expired"),
        (one(Grant("north", None, NOON + 1, None)), {}, "not_yet_valid"),
        (one(Grant("north", None, NOON, None)), {}, "list"),
        (one(Grant("north", None, None, NOON)), {}, "no_longer_valid"),
        (one(Grant("north", None, None, NOON + 1)), {}, "list"),
        (one(Grant("north", "office")), {}, "list"),
        (one(Grant("north", "office")), {"now_ms": NOON + 12 * 3_600_000}, "not_now"),
        (one(Grant("north", None, None, 1), Grant("north", None, NOON + 1, None)), {}, "not_yet_valid"),
        (one(Grant("north", None, None, 1), OPEN), {}, "list"),
        (one(Grant("lab")), {"door": "lab"}, "list"),
        (one(Grant("lab"), level=1), {"door": "lab"}, "assurance"),
        (one(Grant("lab")), {"door": "lab", "level": 1}, "assurance"),
    ],
)
def test_each_reason(grants: GrantList, given: dict[str, Any], reason: str) -> None:
    decision = ask(grants, **given)
    assert decision.reason == reason
    assert decision.granted is (reason in ("list", "lasting", "times_ignored"))
    assert decision.number == 7


def test_without_a_list_nobody_is_let_in() -> None:
    for ignores in (False, True):
        assert decide(Asked(KEYS[0], "north", NOON, ignores_times=ignores), None, {}.get) == Decision(False, "no_list")


def passback(mode: Any, forgiven_min: int = 0, flags: int = 0) -> GrantList:
    return one(OPEN, flags=flags, doors=[GrantDoor(id="north", passback=mode, forgiven_min=forgiven_min)])


INSIDE = {30: Place("inside", NOON - 10 * MINUTE)}


def test_who_is_known_to_be_elsewhere_is_not_let_in_or_only_with_a_word() -> None:
    assert ask(passback("hard"), INSIDE, here="yard")[:2] == (False, "passback")
    assert ask(passback("hard"), INSIDE, here="inside").granted
    assert ask(passback("hard"), {}, here="yard").granted, "nobody knows where they are"
    assert ask(passback("hard"), INSIDE, here="").granted, "a door without zones"
    assert ask(passback("off"), INSIDE, here="yard").passback == ""
    soft = ask(passback("soft"), INSIDE, here="yard")
    assert (soft.granted, soft.reason, soft.passback) == (True, "list", "soft")


def test_it_is_forgiven_after_its_minutes_and_some_are_exempt() -> None:
    assert not ask(passback("hard", 11), INSIDE, here="yard").granted
    assert ask(passback("hard", 10), INSIDE, here="yard").granted
    assert ask(passback("hard", flags=EXEMPT), INSIDE, here="yard").granted
    later = {30: Place("inside", NOON + 2 * MINUTE)}
    assert ask(passback("hard"), later, here="yard").granted, "another clock wrote that down"


def test_numbers_that_a_reader_wrote_without_zeros_are_no_others_card() -> None:
    keys = CardKeys(b"k" * 32)
    written = ["0a0bc0d1", "ab0c0d10", "0a0bc0d100000000"]
    known = [keys.key(number, "hex") for number in written if len(number) == 8]
    grants = grant_list(sets=[[OPEN]], cards=columns([Card(known[0], 1, 0)]))
    assert ask(grants, card=known[0], level=1).granted
    assert ask(grants, card=known[1], level=1).reason == "unknown_card"
    for short in (known[0][1:], "0" + known[0], known[0].upper(), known[0].lstrip("0") + "0", ""):
        if short != known[0]:
            assert ask(grants, card=short).reason == "unknown_card"


def random_list(rng: random.Random) -> GrantList:
    """Small, so that things meet; by each of its fields now and then what is at the edge."""
    doors = [
        GrantDoor(
            id=name,
            level=rng.choice([1, 1, 2, 3]),
            passback=rng.choice(["off", "soft", "hard"]),
            forgiven_min=rng.choice([0, 0, 5, 600]),
        )
        for name in ("a", "b", "c")
    ]
    schedules = [
        Schedule(
            id=f"s{number}",
            week=[rng.choice([[], [(0, 1440)], [(120, 180)], [(480, 720), (800, 1080)]]) for _ in range(7)],
            dates={} if rng.random() < 0.5 else {rng.choice(["2026-10-25", "2026-03-29", "2026-10-26"]): []},
        )
        for number in range(3)
    ]
    edges = [None, None, *(BERLIN_NIGHT + step * 30 * MINUTE for step in (-4, 0, 1, 2, 3, 5))]

    def grant() -> Grant:
        since, until = rng.choice(edges), rng.choice(edges)
        if since is not None and until is not None and since >= until:
            since = None
        return Grant(rng.choice("abc"), rng.choice([None, "s0", "s1", "s2"]), since, until)

    sets = [[grant() for _ in range(rng.randrange(4))] for _ in range(4)]
    cards = [
        Card(f"{number:032x}", rng.randrange(5), rng.randrange(4), rng.randrange(4), rng.randrange(1, 4))
        for number in range(6)
    ]
    issued = BERLIN_NIGHT - rng.choice([0, 3, 9, 11]) * 60 * MINUTE
    lasts = rng.choice([4, 10, 24]) * 60 * MINUTE
    return grant_list(
        issued_at=issued,
        expires_at=issued + lasts,
        time_zone="Europe/Berlin",
        doors=doors,
        schedules=schedules,
        sets=sets,
        cards=columns(cards),
    )


BERLIN_NIGHT = 1_792_886_400_000  # 2026-10-25 00:00 UTC: 02:00 in Berlin, an hour before the clocks are set back


@pytest.mark.parametrize("seed", range(8))
def test_random_lists_are_decided_as_the_plain_way_decides_them(seed: int) -> None:
    rng = random.Random(seed)
    met: Counter[str] = Counter()
    for _ in range(60):
        grants = opened(sealed(random_list(rng)))
        held = Held(grants)
        for _ in range(40):
            now = BERLIN_NIGHT + rng.randrange(-12 * 60, 12 * 60) * MINUTE + rng.choice([0, 0, 59_999])
            places = {
                person: Place(rng.choice(["in", "out", "lab"]), now - rng.choice([-3, 0, 4, 5, 700]) * MINUTE)
                for person in range(5)
                if rng.random() < 0.7
            }
            given: dict[str, Any] = {
                "card": f"{rng.randrange(7):032x}",
                "door": rng.choice("abcd"),
                "now_ms": now,
                "clock_known": rng.random() < 0.8,
                "ignores_times": rng.random() < 0.5,
                "here": rng.choice(["", "in", "out"]),
            }
            level = rng.randrange(1, 4)
            found = decide(Asked(level=level, **given), held, places.get)
            wanted = plain_decision(grants, reader_level=level, places=dict(places.items()), **given)  # type: ignore[arg-type]
            assert (found.granted, found.reason, found.passback) == wanted, (given, level, grants)
            met[found.reason + found.passback] += 1
    if seed == 0:
        assert len(met) >= 10, met
