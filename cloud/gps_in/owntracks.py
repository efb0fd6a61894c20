"""What the OwnTracks apps POST in their HTTP mode (OwnTracks booklet, HTTP and JSON)."""

import math

import msgspec

from cloud.gps_in.contract import BadPosition, Position

LEFT_ASIDE = frozenset(
    {"beacon", "card", "cmd", "configuration", "dump", "lwt", "request", "status", "steps", "transition", "waypoint"}
    | {"waypoints", "msg", "clear"}
)
"""Taken and not used: the apps send the next message only when this one was taken."""

_CHARGING = {1: 0.0, 2: 1.0, 3: 2.0}


class _Message(msgspec.Struct):
    kind: str = msgspec.field(name="_type")
    tst: float | None = None
    lat: float | None = None
    lon: float | None = None
    acc: float | None = None
    alt: float | None = None
    vel: float | None = None
    cog: float | None = None
    batt: float | None = None
    bs: int | None = None
    t: str = ""


_decoder = msgspec.json.Decoder(_Message)


def parse_message(body: bytes) -> Position | None:
    """The position of a message; None of one that is not about a position. Raises BadPosition."""
    if not body.strip():
        return None  # a friend was deleted in the app
    try:
        said = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPosition(f"no message of OwnTracks: {error}") from None
    if said.kind == "encrypted":
        raise BadPosition("the app encrypts its messages; switch that off in the app, and use https")
    if said.kind in LEFT_ASIDE:
        return None
    if said.kind != "location":
        raise BadPosition(f"_type {said.kind[:40]!r} is no message of OwnTracks")
    if said.lat is None or said.lon is None or said.tst is None:
        raise BadPosition("a location has lat, lon and tst")
    if abs(said.tst) >= 2**43:
        raise BadPosition(f"tst: {said.tst} is no instant (seconds since 1970)")
    # An app that stands leaves vel out.
    points = {"speed_kmh": said.vel if said.vel is not None and said.vel >= 0 else 0.0}
    rest = {"accuracy_m": said.acc, "course_deg": said.cog, "battery_percent": said.batt}
    points |= {name: value for name, value in rest.items() if value is not None and value >= 0}
    if said.alt is not None:
        points["altitude_m"] = said.alt
    if said.bs in _CHARGING:
        points["charging"] = _CHARGING[said.bs]
    points = {name: value for name, value in points.items() if math.isfinite(value)}
    # iOS sends its last fix again as a ping, with a new time.
    doubt = "estimated" if said.t == "p" else ""
    return Position(round(said.tst * 1000), said.lat, said.lon, points, doubt=doubt)
