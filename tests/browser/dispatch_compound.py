"""What the console's features show of the made-up compound: vehicles, doors, rooms, guards, visitors; its map."""

import math
from typing import Any

from tests.browser.compound import SITE, Entity

CENTRE = (30.2741, 120.1551)
METRE = 1 / 111_320
HOUR = 3_600_000
MINUTE = 60_000

BUILDINGS = {
    "b1": ("1号楼", "Building 1", -160, 60, 120, 60),
    "b2": ("2号楼", "Building 2", 60, 60, 120, 60),
    "b3": ("3号楼", "Building 3", -160, -70, 120, 60),
    "canteen": ("食堂", "Canteen", 60, -60, 70, 46),
    "plant": ("能源站", "Plant", 150, -60, 40, 46),
}
"""Chinese, English, west edge and south edge in metres from the centre, width, depth."""
PLATES = ("3M902", "7Q115", "2D660", "6K218", "1T007", "9F331", "5H870", "8C442", "0E219", "4R778", "6B031", "2L554")
STATES = (
    "available",
    "available",
    "on_trip",
    "on_trip",
    "reserved",
    "stopped",
    "non_contactable",
    "available",
    "non_operational",
    "on_trip",
    "available",
    "reserved",
)
PLACES = (
    "南停车场",
    "北停车场",
    "文晖路",
    "文晖路",
    "南停车场",
    "市档案馆",
    "隧道西口",
    "南停车场",
    "修理厂",
    "西湖大道",
    "北停车场",
    "西门",
)


def at_metres(east: float, north: float) -> tuple[float, float]:
    """A spot of the compound: latitude, longitude."""
    return CENTRE[0] + north * METRE, CENTRE[1] + east * METRE / math.cos(math.radians(CENTRE[0]))


def thing(kind: str, name: str, title: str, at: int | None, attributes: dict[str, Any], **more: Any) -> Entity:
    """Something a feature shows, as the live API gives it."""
    return {
        "id": f"{SITE}/{kind}:{name}",
        "kind": kind,
        "site": SITE,
        "device": None,
        "gateway": "",
        "name": title,
        "rev": 1,
        "observed_at": at,
        "received_at": at,
        "quality": "good",
        "stale_after_s": None,
        "attributes": attributes,
        "points": {},
        **more,
    }


def car(number: int, now: int) -> Entity:
    """A vehicle; 3 drives without an order, 6 is not reachable, 8 is being mended."""
    state, plate = STATES[number % 12], PLATES[number % 12]
    at = now - (18 * MINUTE if state == "non_contactable" else (number % 9) * 900)
    # Some beside the roads of the compound, some in town.
    spots = [(140, 30), (-10, 140), (-190, 20), (240, -150), (-60, 0), (420, 330), (-380, -260), (30, -100), (600, 90)]
    east, north = spots[number % 9] if number < 9 else (-260 + number * 37 % 520, -200 + number * 61 % 420)
    latitude, longitude = at_metres(east, north)
    driving = state == "on_trip"
    order = {"request": f"R-{1200 + number}", "to": {"en": "Railway station", "zh": "高铁站"}, "until": now + HOUR}
    attributes: dict[str, Any] = {
        "plate": f"浙A·{plate}",
        "class": ("sedan", "mpv", "suv")[number % 3],
        "seats": (4, 6, 4)[number % 3],
        "unit": "General office",
        "driver": ("王师傅", "李师傅", "陈师傅")[number % 3],
        "state": state,
        "since": now - 7 * MINUTE - number * 11_000,
        "latitude": latitude,
        "longitude": longitude,
        "accuracy_m": 6,
        "speed_kmh": 38 if driving else 0,
        "course_deg": number * 47 % 360,
        "place": PLACES[number % 12],
        "today_km": 12.5 + number,
        "mileage_source": "odometer",
        "fences": ["compound"],
        "trip": None,
        "order": order if state in ("on_trip", "reserved") and number != 3 else None,
        "warning": "no_order_movement" if number == 3 else "",
    }
    if driving:
        attributes["trip"] = {"id": f"T-{number}", "since": now - 6 * MINUTE, "from": "南停车场", "km": 3.4}
    title = f"浙A·{plate}" if number < 12 else f"浙A·{number:05d}"
    return thing("vehicle", f"car-{number:02d}", title, at, attributes, stale_after_s=300)


def gates(now: int) -> list[Entity]:
    """Doors: the south gate with its pace, one forced, one held."""
    rows = [
        ("south-gate", {"en": "South gate", "zh": "南门"}, -190, -150, "closed", {"throughput_s": 7.6, "waiting": 3}),
        ("west-gate", {"en": "West gate", "zh": "西门"}, -190, 150, "open", {}),
        ("east-gate", {"en": "East gate", "zh": "东门"}, 210, -150, "closed", {"throughput_s": 8.1}),
        ("b3-north", {"en": "Building 3, north door", "zh": "3号楼北门"}, -100, -8, "forced", {}),
        ("archive", {"en": "Archive", "zh": "档案室"}, 120, 58, "held", {}),
    ]
    made = []
    for name, title, east, north, state, more in rows:
        latitude, longitude = at_metres(east, north)
        attributes = {
            "state": state,
            "since": now - 4 * MINUTE,
            "locked": state == "closed",
            "latitude": latitude,
            "longitude": longitude,
            "last": {"kind": "granted", "at": now - 40_000, "who": "周敏"},
            "passed_today": 312,
            "denied_today": 4,
            "throughput_s": None,
            "waiting": 0,
            **more,
        }
        made.append(thing("door", name, title["zh"], now - 40_000, attributes, stale_after_s=3600))
    return made


def rooms(now: int) -> list[Entity]:
    """Nine rooms of building 2, in every state."""
    states = ["free", "booked", "in_use", "in_use", "no_show", "overrun", "out_of_service", "free", "free"]
    made = []
    for number, state in enumerate(states):
        latitude, longitude = at_metres(70 + number * 11, 90)
        booking = {
            "subject": "部门例会",
            "unit": "组织部",
            "people": 9,
            "from": now - 20 * MINUTE,
            "until": now + 40 * MINUTE,
        }
        attributes = {
            "state": state,
            "since": now - 20 * MINUTE,
            "occupied": state in ("in_use", "overrun"),
            "capacity": 12 + number,
            "booking": booking if state in ("in_use", "overrun", "no_show") else None,
            "use_share_30d": 0.42,
            "next": {"subject": "评审会", "from": now + HOUR, "until": now + 2 * HOUR} if state != "free" else None,
            "latitude": latitude,
            "longitude": longitude,
        }
        made.append(thing("room", f"r-{301 + number}", f"2号楼 {301 + number}", now - 60_000, attributes))
    return made


def people(now: int) -> list[Entity]:
    """Guards, a technician, a patrol under way and one that missed a point, visitors."""
    latitude, longitude = at_metres(-40, 30)
    guards = [
        thing(
            "guard",
            "g-1",
            "张卫国",
            now - 3000,
            {
                "state": "busy",
                "since": now - 30 * MINUTE,
                "latitude": latitude,
                "longitude": longitude,
                "place": "1号楼",
                "skills": ["first_aid"],
                "patrol": {
                    "route": "夜巡",
                    "guard": "张卫国",
                    "done": 3,
                    "of": 6,
                    "next": "能源站",
                    "due_at": now + 6 * MINUTE,
                },
                "order": None,
            },
            stale_after_s=120,
        ),
        thing(
            "guard",
            "g-2",
            "刘强",
            now - 9000,
            {
                "state": "available",
                "since": now - HOUR,
                "latitude": latitude - 0.0006,
                "longitude": longitude + 0.002,
                "place": "东门",
            },
        ),
        thing(
            "technician",
            "t-1",
            "李工",
            now - 5000,
            {"state": "available", "since": now - HOUR, "place": "能源站", "skills": ["electric"]},
        ),
    ]
    points = [
        {
            "id": f"cp-{n}",
            "name": f"点 {n}",
            "from": now - (60 - n * 10) * MINUTE,
            "until": now - (50 - n * 10) * MINUTE,
            "at": now - (56 - n * 10) * MINUTE if n < 4 and n != 2 else None,
            "state": "missed" if n == 2 else "done" if n < 4 else "due",
        }
        for n in range(1, 7)
    ]
    patrol = thing(
        "patrol",
        "night-1",
        "夜巡 14:00",
        None,
        {"route": "夜巡", "guard": "张卫国", "state": "late", "checkpoints": points},
    )
    visitors = [
        thing(
            "visitor",
            f"v-{n}",
            f"访客 {n}",
            None,
            {
                "name": f"访客 {n}",
                "host": "王主任",
                "unit": "General office",
                "plate": "浙B·12345" if n == 1 else "",
                "gate": "南门",
                "from": now - HOUR + n * 9 * MINUTE,
                "until": now + HOUR,
                "state": ("arrived", "expected", "overdue", "left")[n % 4],
            },
        )
        for n in range(8)
    ]
    return [*guards, patrol, *visitors]


def things(now: int) -> list[Entity]:
    """Everything the features show of the compound."""
    return [*(car(number, now) for number in range(12)), *gates(now), *rooms(now), *people(now)]


def _ring(west: float, south: float, width: float, depth: float) -> list[list[float]]:
    corners = [
        (west, south),
        (west + width, south),
        (west + width, south + depth),
        (west, south + depth),
        (west, south),
    ]
    return [[longitude, latitude] for latitude, longitude in (at_metres(*corner) for corner in corners)]


def _line(*corners: tuple[float, float]) -> list[list[float]]:
    return [[longitude, latitude] for latitude, longitude in (at_metres(*corner) for corner in corners)]


def drawn() -> dict[str, Any]:
    """The compound's map: a fence, roads, buildings, car parks, water and gates."""
    features = [
        _feature("fence", "compound", "院区", "Compound", "Polygon", [_ring(-210, -170, 440, 340)]),
        _feature("water", "river", "", "", "Polygon", [_ring(-500, -330, 1100, 110)]),
        _feature("parking", "p-south", "南停车场", "South car park", "Polygon", [_ring(-20, -100, 26, 70)]),
        _feature("parking", "p-north", "北停车场", "North car park", "Polygon", [_ring(20, 60, 26, 60)]),
        _feature(
            "road",
            "ring",
            "",
            "",
            "LineString",
            _line((-190, -150), (-190, 150), (210, 150), (210, -150), (-190, -150)),
        ),
        _feature("road", "cross", "", "", "LineString", _line((-190, 20), (210, 20))),
        _feature("road", "middle", "", "", "LineString", _line((10, -150), (10, 150))),
    ]
    features += [
        _feature("building", name, zh, en, "Polygon", [_ring(west, south, width, depth)])
        for name, (zh, en, west, south, width, depth) in BUILDINGS.items()
    ]
    return {"type": "FeatureCollection", "features": features, "rev": 1, "floor_plan": None, "tiles": None}


def _feature(kind: str, name: str, zh: str, en: str, shape: str, coordinates: list[Any]) -> dict[str, Any]:
    words = {"en": en, "zh": zh} if en else ""
    return {
        "type": "Feature",
        "properties": {"kind": kind, "id": name, "name": words},
        "geometry": {"type": shape, "coordinates": coordinates},
    }
