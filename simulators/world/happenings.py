"""What people of the compound want and when: seeded, by rates of a working day."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from simulators import sample_site
from simulators.sample_site import Spot
from simulators.world.streets import ERRANDS

TRIP, FAR_TRIP, REPAIR, SUPPORT, MEETING, VISITOR = "trip", "far_trip", "repair", "support", "meeting", "visitor"
PER_HOUR = {TRIP: 22.0, FAR_TRIP: 6.0, REPAIR: 14.0, SUPPORT: 10.0, MEETING: 120.0, VISITOR: 40.0}
"""In a working hour: 1,200 bookings and 400 visitors a day, and what 1,600 people ask for besides."""
OPENING = (TRIP, MEETING, REPAIR, VISITOR, MEETING, SUPPORT, TRIP, FAR_TRIP)
WORLD = 0.5
"""Share of it that the demo lives: 15 rooms and 24 vehicles are not the whole of such a compound."""
NO_SHOW, CANCELS = 0.12, 0.08
TIERS = (("real_time", 6), ("4h", 3), ("24h", 1))

_FAMILY, _GIVEN = "陈李王张刘赵孙周吴徐胡郭何林高", "伟敏静磊艳强芳涛娜波平华俊欣宇"
_REPAIRS = (
    ("照明故障", ["电工"]),
    ("插座没电", ["电工"]),
    ("空调不制冷", ["空调"]),
    ("水管漏水", ["水暖"]),
    ("门锁损坏", ["木工"]),
    ("电梯异响", ["电梯"]),
)
_MEETINGS = ("周例会", "项目评审", "预算讨论", "接待来访", "专题学习", "工作协调会")
_BUILDINGS = ("b1", "b2", "b3", "canteen")


class Happening(NamedTuple):
    """One thing that somebody wants. ``dice``: everything else about it, fixed beforehand."""

    number: int
    kind: str
    after_s: float
    """Since the happening before it."""
    dice: int


def happenings(seed: int, run: int, *, times: float = 1.0, limit: int | None = None) -> Iterator[Happening]:
    """The happenings of one run, in their order, at most ``limit``. ``times``: so many times as often.

    The first of each sort come at once, so that somebody who looks sees all of them within two minutes.
    """
    rng = random.Random(f"{seed}:{run}:happenings")
    kinds, weights = zip(*PER_HOUR.items(), strict=True)
    mean_s = 3600 / (sum(weights) * WORLD * times)
    for number in itertools.count() if limit is None else range(limit):
        first = number < len(OPENING)
        kind = OPENING[number] if first else rng.choices(kinds, weights)[0]
        after_s = min(6.0, mean_s) * rng.uniform(0.5, 1.0) if first else rng.expovariate(1 / mean_s)
        yield Happening(number, kind, after_s, rng.getrandbits(48))


def person(rng: random.Random) -> str:
    return rng.choice(_FAMILY) + rng.choice(_GIVEN)


def phone(rng: random.Random) -> str:
    return f"1{rng.choice('3589')}{rng.randrange(10**9):09d}"


def plate(rng: random.Random) -> str:
    return f"浙A·{rng.choice('ABCDEFGHJK')}{rng.randrange(10_000):04d}"


def request_body(happening: Happening, rng: random.Random) -> dict[str, Any]:
    """What is sent to the collector for a vehicle, a repair, or support in a room."""
    body: dict[str, Any] = {
        "site": sample_site.SITE,
        "tier": rng.choices([name for name, _ in TIERS], [weight for _, weight in TIERS])[0],
        "requester": {"name": person(rng), "unit": rng.choice(sample_site.units()), "phone": phone(rng)},
        "priority": rng.choice((2, 3, 3, 3, 4)),
    }
    if happening.kind == REPAIR:
        title, skills = rng.choice(_REPAIRS)
        return body | {
            "kind": "repair",
            "title": title,
            "from": {"name": rng.choice(_BUILDINGS)},
            "demand": {"skills": skills},
            "duration_min": 20,
        }
    if happening.kind == SUPPORT:
        room = rng.choice(sample_site.tables()["room"])
        return body | {
            "kind": "repair",
            "title": "会议室设备调试",
            "from": {"name": room["name"], "latitude": room["latitude"], "longitude": room["longitude"]},
            "demand": {"skills": ["电工"]},
            "duration_min": 15,
        }
    name, spot = destination(happening, rng)
    people = rng.randint(1, 4)
    return body | {
        "kind": "vehicle",
        "title": f"{people}人 → {name}",
        "from": {"name": rng.choice(("gate-north", "gate-east", "b1", "b2", "b3"))},
        "to": {"name": name, "latitude": spot.latitude, "longitude": spot.longitude},
        "passengers": people,
        "demand": {"seats": people},
        "duration_min": 25,
    }


def destination(happening: Happening, rng: random.Random) -> tuple[str, Spot]:
    """Where a trip goes: near by mostly; far ones to the places in town that the map names."""
    if happening.kind == TRIP:
        name = rng.choice(sorted(ERRANDS))
        return name, ERRANDS[name]
    places = sample_site.points("place")
    name = "rail-station" if rng.random() < 0.6 else rng.choice(sorted(places))
    return sample_site.names("place")[name], places[name]


def meeting(rng: random.Random, *, at_any_hour: bool = False) -> tuple[str, str, int]:
    """The room (its id), what it is about, and how many come. ``at_any_hour``: a room for who is on duty."""
    rooms = [each for each in sample_site.tables()["room"] if not each["approval"]]
    room = rng.choice([each for each in rooms if each["open"] == ["daily"]] if at_any_hour else rooms)
    return room["id"], rng.choice(_MEETINGS), rng.randint(3, max(3, int(room["capacity"]) - 2))
