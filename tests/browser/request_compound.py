"""Requests of the made-up compound, in every state, as the live API shows them."""

from typing import Any

from tests.browser.compound import SITE, Entity
from tests.browser.dispatch_compound import HOUR, MINUTE, thing

TITLES = (
    ("repair", "real_time", "急修：3号楼配电间跳闸", "物业", "李工", 166, 180),
    ("vehicle", "real_time", "接待用车 4 人 → 高铁站", "区府办", "王主任", 46, 120),
    ("vehicle", "4h", "文件交换 → 市档案馆", "档案科", "陈", 4000, 7000),
    ("guard", "4h", "2号楼 307 会议保障", "组织部", "刘", 1800, 9000),
    ("repair", "24h", "空调滤网更换 5 层", "后勤科", "张", 7200, 60_000),
)
"""Kind, tier, title, unit, person, seconds its clock has run, seconds it may run."""
GUEST = f"{SITE}/request:20261121-002"


def clock(now: int, ran_s: int, limit_s: int, done: bool = False) -> dict[str, Any]:
    """A clock that has run for a while."""
    start = now - ran_s * 1000
    return {"started_at": start, "due_at": start + limit_s * 1000, "done_at": start + 9000 if done else None, "step": 0}


def asked(number: int, now: int, **facts: Any) -> dict[str, Any]:
    """The attributes of a request; whatever is not said is usual."""
    kind, tier, title, unit, person, ran, limit = TITLES[(number - 1) % len(TITLES)]
    name = f"20261121-{number:03d}"
    base: dict[str, Any] = {
        "id": f"{SITE}.{name}",
        "number": name,
        "rev": 2,
        "kind": kind,
        "tier": tier,
        "title": title,
        "created_at": now - ran * 1000,
        "requester": {"name": person, "unit": unit, "phone": "8012"},
        "from": {"name": "1号楼", "latitude": 30.2749, "longitude": 120.1542},
        "to": {"name": "高铁站", "latitude": 30.2908, "longitude": 120.2129} if kind == "vehicle" else None,
        "window": {"earliest": now - ran * 1000, "latest": now + HOUR},
        "duration_min": 30,
        "round_trip": False,
        "waiting_min": 0,
        "passengers": 4 if kind == "vehicle" else 0,
        "purpose": "",
        "note": "",
        "out_of_town": False,
        "demand": {"seats": 4 if kind == "vehicle" else 0, "class": "", "skills": []},
        "priority": 3,
        "emergency": False,
        "status": "waiting",
        "approval": {"needed": False, "state": "", "rule": "", "after": False, "due_at": None, "by": "", "at": None,
                     "opinion": ""},
        "assigned": None,
        "clocks": {"acknowledge": clock(now, ran, limit, done=True), "assign": clock(now, ran, limit)},
        "rating": None,
        "ended_at": None,
        "actions": ["refuse", "assign", "finish", "cancel"],
        "suggested": None,
        "planned": None,
    }  # fmt: skip
    return base | facts


def request(number: int, now: int, **facts: Any) -> Entity:
    """A request as an entity."""
    attributes = asked(number, now, **facts)
    return thing("request", attributes["number"], attributes["title"], None, attributes)


def sent(name: str, plate: str, now: int, **more: Any) -> dict[str, Any]:
    """Somebody who was chosen."""
    return {
        "resource": f"{SITE}/vehicle:{name}",
        "name": plate,
        "by": "zhou",
        "at": now - 4 * MINUTE,
        "since": now - 4 * MINUTE,
        "until": now + HOUR,
        "driver": "王师傅",
        "phone": "8045",
        "locked": False,
        "reason": "",
        "suggested": f"{SITE}/vehicle:{name}",
        "eta_s": 420.0,
        "stood": None,
        **more,
    }


def requests(now: int) -> list[Entity]:
    """Five that wait, two under way, two booked, two ended, one to be approved."""
    going = ["reassign", "release", "lock", "arrive", "finish", "cancel"]
    arrive = {"acknowledge": clock(now, 300, 60, done=True), "assign": clock(now, 300, 120, done=True)}
    pending = {"needed": True, "state": "pending", "rule": "out_of_town", "after": False, "due_at": now + HOUR,
               "by": "", "at": None, "opinion": ""}  # fmt: skip
    return [
        *(request(number, now) for number in range(1, 6)),
        request(7, now, status="under_way", title="接站 2 人", assigned=sent("car-02", "浙A·2D660", now), actions=going,
                clocks=arrive | {"arrive": clock(now, 240, 900)}),
        request(8, now, status="assigned", tier="real_time", title="送文件 → 民政局", actions=["start", *going],
                assigned=sent("car-04", "浙A·1T007", now), clocks=arrive | {"arrive": clock(now, 100, 600)}),
        *(request(8 + n, now, kind="vehicle", tier="24h", status="assigned", title=f"公务出行 {n}",
                  assigned=sent("car-11", "浙A·2L554", now), actions=["start", *going],
                  clocks={"arrive": clock(now, -3 * 3600, 900)},
                  window={"earliest": now + n * 3 * HOUR, "latest": now + n * 3 * HOUR}) for n in (1, 2)),
        request(12, now, status="done", title="机场接机", ended_at=now - 9 * MINUTE,
                assigned=sent("car-00", "浙A·3M902", now), actions=["rate"],
                clocks={"arrive": clock(now, 1200, 1500, done=True)}),
        request(13, now, status="cancelled", title="取消的用车", ended_at=now - 20 * MINUTE, actions=[], clocks={}),
        request(14, now, kind="vehicle", tier="24h", status="awaiting_approval", title="出市调研 3 人",
                out_of_town=True, approval=pending, actions=["acknowledge", "approve", "refuse", "cancel"],
                clocks={"acknowledge": clock(now, 30, 3600), "approve": clock(now, 600, 3600)}),
    ]  # fmt: skip


def suggestion(entity: Entity, now: int) -> dict[str, Any]:
    """Three candidates and two that are left out."""
    rows = (("car-00", "浙A·3M902", 72.0, 310, 4.0, 8.1), ("car-07", "浙A·8C442", 84.0, 410, 11.0, 15.9),
            ("car-01", "浙A·7Q115", 156.0, 900, -2.0, 17.0))  # fmt: skip
    out = (
        ("car-04", "浙A·1T007", "reserved_overlaps", "reserved 15:10 to 16:00: not back in time",
         "15:10 已预留，来不及返回"),
        ("car-08", "浙A·0E219", "non_operational", "out of service (brakes)", "停用（刹车检修）"),
    )  # fmt: skip
    return {
        "request": entity["id"],
        "as_of": now,
        "suggested": f"{SITE}/vehicle:car-00",
        "candidates": [
            {"resource": f"{SITE}/vehicle:{name}", "name": plate, "state": "available", "driver": "", "seats": 4,
             "class": "sedan", "eta_s": eta, "arrival_at": now + int(eta * 1000), "distance_m": far, "free_at": now,
             "terms": {"eta": eta / 60, "fair": fair}, "cost": cost, "taken_by": None}
            for name, plate, eta, far, fair, cost in rows
        ],
        "candidates_n": 3,
        "excluded": [
            {"resource": f"{SITE}/vehicle:{name}", "name": plate, "state": "reserved", "driver": "", "seats": 4,
             "class": "sedan", "code": code, "args": {}, "text": {"en": en, "zh": zh}}
            for name, plate, code, en, zh in out
        ],
        "waiting_cost": 1800.0,
        "eta_source": {"source": "learned_hour", "n": 31},
        "pruned": False,
        "why": {"en": "浙A·3M902 costs least of 3", "zh": "3 个候选中 浙A·3M902 总成本最低"},
        "planned": None,
        "chosen_by": None,
    }  # fmt: skip


def figures(start: int, end: int) -> dict[str, Any]:
    """A week of service; nobody was measured booking a room."""
    step = {"n": 180, "p50": 24.0, "p95": 71.0, "breaches": 3, "decided": 181}
    none = {"n": 0, "p50": None, "p95": None, "breaches": None, "decided": 0}
    row = {"requests": 186, "acknowledge": step, "assign": step, "arrive": step, "on_time_share": 0.978,
           "on_time_n": 181, "by_status": {"done": 180}}  # fmt: skip
    empty = {"requests": 2, "acknowledge": none, "assign": none, "arrive": none, "on_time_share": None, "on_time_n": 0,
             "by_status": {"waiting": 2}}  # fmt: skip
    return {
        "site": SITE,
        "from": start,
        "to": end,
        "headline": {
            "dispatch_s": {"value": 24.0, "n": 180, "before": 900.0, "compound": 30.0},
            "gate_passage_s": {"value": 7.6, "n": 312, "before": 180.0, "compound": 8.0},
            "room_booking_s": {"value": None, "n": 0, "before": 1800.0, "compound": 300.0},
            "on_time_share": {"value": 0.978, "n": 1204},
            "rooms_shared": {"rooms": 15, "units": 40, "n": 212, "compound": {"rooms": 15, "units": 72}},
            "filing_s": {"value": 41.0, "n": 160},
            "rating": {"value": 4.6, "n": 75},
            "requests": {"value": 186, "n": 186},
            "open": {"value": 12, "n": 186},
            "overrides": {"value": 9, "n": 170},
        },
        "tables": {
            "tier": [row | {"name": "real_time"}, row | {"name": "4h"}, empty | {"name": "24h"}],
            "kind": [row | {"name": "vehicle"}],
            "unit": [row | {"name": "=区府办"}, row | {"name": ""}],
            "hour": [row | {"name": f"{hour:02d}"} for hour in range(7, 19)],
        },
        "capped": False,
    }


def rooms_use(start: int, end: int) -> dict[str, Any]:
    """Two rooms, one of them hardly used."""
    room = {"room": "r-301", "name": "2号楼 301", "share": 0.61, "basis": "presence", "coverage": 0.98, "days": 21,
            "bookings": 18, "no_shows": 3, "booked_h": 24.5, "used_h": 19.0, "evaluation": False}  # fmt: skip
    return {
        "site": SITE,
        "from": start,
        "to": end,
        "under": 0.3,
        "rooms": [room, room | {"room": "r-302", "name": "2号楼 302", "share": 0.11, "evaluation": True}],
        "units": [{"unit": "组织部", "bookings": 7, "no_shows": 1, "booked_h": 9.5, "used_h": 8.2}],
        "modules": [{"module": "patrols", "times": 410, "days": 21, "workdays": 21, "share": 1.0, "evaluation": False}],
        "sharing": {"rooms": 15, "units": 72},
        "booking": {"median_s": 41.2, "p95_s": 120.0, "n": 190},
    }
