"""A made-up compound for the pages: entities as the live API gives them, with something wrong in the right places."""

import json
import math
from typing import Any

Entity = dict[str, Any]

SITE = "east-compound"
PLANT, GATES = "b3-plant-room", "gate-house"

METER_POINTS: dict[str, tuple[str, str, float]] = {
    "active_power_total": ("W", "gauge", 8123.5),
    "active_energy_import_total": ("kWh", "counter", 48210.4),
    "voltage_l1_n": ("V", "gauge", 231.4),
    "voltage_l2_n": ("V", "gauge", 230.9),
    "voltage_l3_n": ("V", "gauge", 232.2),
    "current_l1": ("A", "gauge", 12.31),
    "current_l2": ("A", "gauge", 11.02),
    "current_l3": ("A", "gauge", 12.9),
    "power_factor_total": ("", "gauge", 0.982),
    "frequency": ("Hz", "gauge", 50.01),
}
METER_NAMES = (
    "1号楼总表",
    "2号楼总表",
    "3号楼总表",
    "Chiller 1",
    "Chiller 2",
    "Canteen kitchen",
    "Server room",
    "Lifts B1",
)
DOOR_NAMES = ("South gate", "North gate", "East gate", "3号楼北门", "Archive", "Server room door", "Garage", "Canteen")


def point(
    value: float | None, unit: str, kind: str, at: int, *, stale_after_s: float = 600, **more: object
) -> dict[str, Any]:
    """One point as the API gives it."""
    return {
        "value": value,
        "unit": unit,
        "kind": kind,
        "quality": "bad" if value is None else "good",
        "reason": "",
        "observed_at": at,
        "received_at": at + 420,
        "stale_after_s": stale_after_s,
        "label": None,
        **more,
    }


def entity(kind: str, device: str, gateway: str, name: str, at: int, **more: Any) -> Entity:
    """One device as the API gives it."""
    attributes = {
        "profile": more.pop("profile", ""),
        "bus": more.pop("bus", ""),
        "state": more.pop("state", "ok"),
        "achieved_s": more.pop("achieved_s", None),
        "every_s": more.pop("every_s", None),
        "last_error": more.pop("last_error", ""),
        "last_event": more.pop("last_event", None),
    }
    return {
        "id": f"{SITE}/{device}",
        "kind": kind,
        "site": SITE,
        "device": device,
        "gateway": gateway,
        "name": name,
        "rev": 1,
        "observed_at": at,
        "received_at": at + 420,
        "quality": "good",
        "stale_after_s": 600,
        "attributes": attributes,
        "points": {},
        **more,
    }


def meter(number: int, now: int) -> Entity:
    """A meter; number 7 answers with an error, 8 has a sentinel, 5 is silent, 6 is slow and estimated."""
    silent = number == 5
    at = now - (18 * 60_000 if silent else 300 * (number % 20))
    points = {
        name: point(value * (1 + 0.07 * math.sin(number * 1.7 + i)), unit, kind, at)
        for i, (name, (unit, kind, value)) in enumerate(METER_POINTS.items())
    }
    made = entity(
        "meter",
        f"meter-{number:02d}",
        PLANT,
        METER_NAMES[number - 1] if number <= len(METER_NAMES) else f"B{1 + number % 3} floor {number // 3}",
        at,
        profile="eastron/sdm630",
        bus="rs485-1" if number % 2 else "tcp-1",
        every_s=10,
        achieved_s=10.0 + number % 3 * 0.1,
        points=points,
    )
    if silent:
        made["attributes"] |= {"state": "lost", "last_error": "timeout", "achieved_s": None}
    if number == 6:
        made["attributes"]["achieved_s"] = 31.5
        points["active_power_total"] |= {"quality": "uncertain", "reason": "estimated"}
    if number == 8:
        points["current_l3"] |= {"value": None, "quality": "bad", "reason": "sentinel"}
        points["current_l2"] |= {"value": None, "quality": "bad", "reason": "device_error"}
    return made


def door(number: int, now: int) -> Entity:
    """A door with its last card event."""
    at = now - number * 47_000
    kind = "access_denied" if number == 3 else "access_granted"
    event = {
        "kind": kind,
        "at": at,
        "data": {"card_key": f"{number * 7919:08x}aa55", "reason": "unknown_card" if number == 3 else ""},
    }
    name = DOOR_NAMES[number - 1] if number <= len(DOOR_NAMES) else f"Door {number}"
    return entity(
        "door", f"door-{number:02d}", GATES, name, at, profile="esp-rfid/reader", bus="local-mqtt", stale_after_s=3600,
        last_event=event, points={"door_open": point(float(number == 4), "", "state", at, stale_after_s=3600)},
    )  # fmt: skip


def vehicle(number: int, now: int) -> Entity:
    """A vehicle; number 9 has not been heard for twenty minutes."""
    at = now - (20 * 60_000 if number == 9 else number * 900)
    angle = number * 0.7
    points = {
        "latitude": point(30.2741 + 0.01 * math.sin(angle), "deg", "gauge", at, stale_after_s=300),
        "longitude": point(120.1551 + 0.01 * math.cos(angle), "deg", "gauge", at, stale_after_s=300),
        "speed_kmh": point(float(number * 7 % 50 if number % 3 else 0), "km/h", "gauge", at, stale_after_s=300),
        "battery_percent": point(90.0 - number, "%", "gauge", at, stale_after_s=300),
    }
    name = f"浙A·{number:02d}{number * 37 % 1000:03d}"
    made = entity("vehicle", f"car-{number:02d}", GATES, name, at, profile="owntracks/phone", bus="local-mqtt")
    return made | {"stale_after_s": 300, "points": points}


def bus(name: str, kind: str, busy: float, **more: object) -> dict[str, Any]:
    """A bus' own report."""
    return {"name": name, "kind": kind, "state": "up", "busy_share": busy, "requests": 48211, "timeouts": 12,
            "errors": 3, "last_error": "", **more}  # fmt: skip


def gateway(name: str, title: str, now: int, buses: list[dict[str, Any]], **more: Any) -> Entity:
    """A gateway and its report."""
    report = json.loads(REPORT) | {"clock": {"state": "synced", "wall_ms": now, "step_ms": 0}, "buses": buses}
    attributes = json.loads(ATTRIBUTES) | {
        "report": report | more.pop("report", {}),
        "last_batch_at": now - 400,
        **more,
    }
    return {
        "id": f"{SITE}/@{name}",
        "kind": "gateway",
        "site": SITE,
        "device": None,
        "gateway": name,
        "name": title,
        "rev": 1,
        "observed_at": now - 3000,
        "received_at": now - 3000,
        "quality": "good",
        "stale_after_s": 600,
        "attributes": attributes,
        "points": {},
    }


REPORT = """{
  "epoch": "5b1e9c04", "backlog_batches": 0, "backlog_readings": 0, "backlog_bytes": 0, "buffer_max_bytes": 536870912,
  "oldest_unacked_s": 0.2, "live_in_flight": 1, "backlog_in_flight": 0, "acked_batches": 18211, "resent_batches": 2,
  "quarantined": 0, "dropped_readings": 0, "dropped_events": 0, "untimed": 0, "devices": [], "buffer_error": "",
  "link_error": "", "rss_bytes": 43000000, "uptime_s": 93000
}"""
ATTRIBUTES = """{
  "online": true, "announced": true, "session": 3, "software": "0.1.0", "config_hash": "9f31c2aa01b7", "fenced": false,
  "last_event": null, "stored_batches": 18211, "stored_readings": 1284117, "duplicates": 2, "rejected": 0,
  "refused": {}, "latency_ms": 380
}"""


def compound(now: int) -> list[Entity]:
    """Two gateways, 40 meters, 12 doors, 24 vehicles."""
    plant = gateway(PLANT, "B3 plant room", now, [bus("rs485-1", "modbus-rtu", 0.62), bus("tcp-1", "modbus-tcp", 0.18)])
    gates = gateway(GATES, "Gate house", now, [bus("local-mqtt", "mqtt", 0.02)], refused={"clock": 3}, duplicates=1)
    return [
        plant,
        gates,
        *(meter(n, now) for n in range(1, 41)),
        *(door(n, now) for n in range(1, 13)),
        *(vehicle(n, now) for n in range(1, 25)),
    ]


def alarm(name: str, priority: int, since: int, en: str, zh: str) -> dict[str, Any]:
    """An active alarm."""
    text = {"en": en, "zh": zh}
    return {
        "id": name,
        "kind": "x",
        "priority": priority,
        "source": SITE,
        "since": since,
        "args": {},
        "text": text,
        "active": True,
    }


def alarms(now: int) -> list[dict[str, Any]]:
    """Two alarms."""
    lost = (
        "Chiller 2 does not answer. Check its supply and the RS-485 pair.",
        "Chiller 2 无应答，请检查供电与 RS-485 接线。",
    )
    refused = (
        "Gate house sent 3 readings with an impossible time. Check the phone's clock.",
        "Gate house 有 3 条读数时间不合理，请检查手机时钟。",
    )
    return [alarm("a1", 2, now - 17 * 60_000, *lost), alarm("a2", 3, now - 52 * 60_000, *refused)]
