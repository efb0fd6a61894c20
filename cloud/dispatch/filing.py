"""From what somebody asks for to a request: checked, bounded, places found, tier and window filled in.

Every refusal names the field, what is wrong with it and what would be right.
"""

import math
from typing import TypeVar

import msgspec

from cloud.assets.contract import Calendar, SiteMap
from cloud.dispatch.approval import needed
from cloud.dispatch.clocks import begun
from cloud.dispatch.contract import Actor, Refused
from cloud.dispatch.request import KINDS, TIERS, TRAVELS, Demand, Kind, Request, Requester, Tier, Where, Window
from cloud.dispatch.settings import DispatchSettings
from protocols.reading import ID_RULE, is_id

W = TypeVar("W", bound=str)

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
AHEAD_MAX_MS = 180 * DAY_MS
BEFORE_MAX_MS = DAY_MS
WINDOW_MAX_MS = 14 * DAY_MS
TEXT_MAX, NOTE_MAX, LIST_MAX = 100, 1000, 20
DURATIONS: dict[Kind, int] = {"vehicle": 30, "repair": 60, "room": 60, "guard": 30, "visitor": 60}
"""Minutes that a request takes when nobody says."""
CLASSES = ("sedan", "suv", "mpv", "van", "minibus", "bus", "truck", "pickup", "special", "cart")
REAL_TIME_MS = 30 * MINUTE_MS
"""What is wanted so soon is real-time when no tier is given."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for, as it comes: nothing is checked yet."""

    site: str
    kind: str
    tier: str = ""
    title: str = ""
    requester: Requester = Requester("")
    origin: Where | None = msgspec.field(name="from", default=None)
    to: Where | None = None
    earliest: int | None = None
    latest: int | None = None
    duration_min: int | None = None
    round_trip: bool = False
    waiting_min: int = 0
    passengers: int = 0
    passenger_names: tuple[str, ...] = ()
    purpose: str = ""
    note: str = ""
    out_of_town: bool = False
    seats: int = 0
    vehicle_class: str = ""
    skills: tuple[str, ...] = ()
    priority: int = 3
    emergency: bool = False
    opened_at: int | None = None


def request_of(
    draft: Draft,
    number: str,
    actor: Actor,
    now: int,
    *,
    places: SiteMap,
    calendar: Calendar,
    settings: DispatchSettings,
) -> Request:
    """A request with its clocks running. Raises Refused (``bad_request``)."""
    kind = _one_of("kind", draft.kind, KINDS)
    if not is_id(draft.site):
        raise _wrong("site", f"{draft.site[:60]!r} is no site", ID_RULE)
    _check_bounds(draft, now)
    window, tier = _when(draft, now)
    request = Request(
        site=draft.site,
        number=number,
        kind=kind,
        tier=tier,
        title=_title(draft),
        created_at=now,
        created_by=actor.name,
        requester=_requester(draft, actor),
        origin=_where("from", draft.origin, draft.site, places) or Where(""),
        to=_where("to", draft.to, draft.site, places),
        window=window,
        duration_min=draft.duration_min if draft.duration_min is not None else DURATIONS[kind],
        round_trip=draft.round_trip,
        waiting_min=draft.waiting_min,
        passengers=draft.passengers,
        passenger_names=tuple(_text("passenger_names", name, TEXT_MAX) for name in draft.passenger_names),
        purpose=_text("purpose", draft.purpose, TEXT_MAX),
        note=_text("note", draft.note, NOTE_MAX, lines=True),
        out_of_town=draft.out_of_town,
        demand=Demand(draft.seats, draft.vehicle_class, tuple(_text("skills", each, 40) for each in draft.skills)),
        priority=draft.priority,
        emergency=draft.emergency,
        opened_at=draft.opened_at,
    )
    if kind in TRAVELS and not request.origin.name:
        raise _wrong("from", "missing", "where the resource is needed: a place of the map, or any name")
    request = needed(request, calendar, settings)
    return msgspec.structs.replace(request, clocks=begun(request, settings))


def _check_bounds(draft: Draft, now: int) -> None:
    if not 1 <= draft.priority <= 5:
        raise _wrong("priority", f"{draft.priority} is not allowed", "1 (first) to 5")
    for name, value, low, high in (
        ("passengers", draft.passengers, 0, 500),
        ("demand.seats", draft.seats, 0, 500),
        ("waiting_min", draft.waiting_min, 0, 1440),
        ("duration_min", 1 if draft.duration_min is None else draft.duration_min, 1, 14 * 1440),
    ):
        if not low <= value <= high:
            raise _wrong(name, f"{value} is not allowed", f"{low} to {high}")
    if draft.vehicle_class and draft.vehicle_class not in CLASSES:
        raise _wrong("demand.class", f"{draft.vehicle_class[:60]!r} is no class", ", ".join(CLASSES))
    for name, values in (("passenger_names", draft.passenger_names), ("demand.skills", draft.skills)):
        if len(values) > LIST_MAX:
            raise _wrong(name, f"{len(values)} entries", f"at most {LIST_MAX}")
    if draft.opened_at is not None and not now - DAY_MS <= draft.opened_at <= now + 5 * MINUTE_MS:
        raise _wrong("started_at", "is not within the last day", "when the form was opened, ms since 1970")


def _when(draft: Draft, now: int) -> tuple[Window, Tier]:
    earliest = draft.earliest if draft.earliest is not None else now
    for name, value in (("window.earliest", draft.earliest), ("window.latest", draft.latest)):
        if value is not None and not now - BEFORE_MAX_MS <= value <= now + AHEAD_MAX_MS:
            raise _wrong(name, "is not within a day back and 180 days ahead", "ms since 1970 UTC")
    tier = _one_of("tier", draft.tier, TIERS) if draft.tier else _tier_for(earliest - now)
    if draft.latest is not None and draft.earliest is None:
        earliest = min(earliest, draft.latest)
    latest = draft.latest if draft.latest is not None else max(earliest, now) + _window_ms(tier, draft)
    if latest < earliest:
        raise _wrong("window.latest", "is before window.earliest", "earliest <= latest")
    if latest - earliest > WINDOW_MAX_MS:
        raise _wrong("window", "is longer than 14 days", "a shorter window")
    if tier != "real_time" and latest < now:
        raise _wrong("window.latest", "is over already", "an instant ahead")
    return Window(earliest, latest), tier


def _tier_for(ahead_ms: int) -> Tier:
    if ahead_ms <= REAL_TIME_MS:
        return "real_time"
    return "4h" if ahead_ms <= 4 * HOUR_MS else "24h"


def _window_ms(tier: Tier, draft: Draft) -> int:
    """How long the window is when only its beginning is known, or nothing."""
    if draft.earliest is not None or tier == "real_time":
        return 15 * MINUTE_MS
    return {"4h": 4 * HOUR_MS, "24h": DAY_MS}[tier]


def _where(name: str, asked: Where | None, site: str, places: SiteMap) -> Where | None:
    """A place of the map by its name; free coordinates; or a name that only people know."""
    if asked is None:
        return None
    text = _text(f"{name}.name", asked.name, TEXT_MAX)
    if (asked.latitude is None) != (asked.longitude is None):
        raise _wrong(name, "latitude and longitude come together", "both or none")
    if asked.latitude is not None and asked.longitude is not None:
        if not (math.isfinite(asked.latitude) and math.isfinite(asked.longitude)):
            raise _wrong(name, "is no place on Earth", "WGS-84 degrees")
        if not (-90 <= asked.latitude <= 90 and -180 <= asked.longitude <= 180):
            raise _wrong(name, "is no place on Earth", "latitude -90 to 90, longitude -180 to 180, WGS-84")
        known = Where(text, asked.latitude, asked.longitude)
        spot = known.spot
        return known if text or spot is None else Where(places.where(site, spot) or _degrees(known), *spot)
    if not text:
        return None
    place = places.place(site, text)
    return Where(place.name, *place.spot) if place is not None else Where(text)


def _degrees(where: Where) -> str:
    return f"{where.latitude:.5f}, {where.longitude:.5f}"


def _requester(draft: Draft, actor: Actor) -> Requester:
    return Requester(
        name=_text("requester.name", draft.requester.name, TEXT_MAX) or actor.name,
        unit=_text("requester.unit", draft.requester.unit, TEXT_MAX),
        phone=_text("requester.phone", draft.requester.phone, 40),
    )


def _title(draft: Draft) -> str:
    title = _text("title", draft.title, TEXT_MAX) or _text("purpose", draft.purpose, TEXT_MAX)
    places = [where.name for where in (draft.origin, draft.to) if where is not None and where.name]
    return title or _text("from", " → ".join(places), 2 * TEXT_MAX + 3)


def _text(name: str, text: str, longest: int, *, lines: bool = False) -> str:
    text = text.strip()
    if len(text) > longest:
        raise _wrong(name, f"{len(text)} characters", f"at most {longest}")
    shown = text.replace("\n", "").replace("\t", "") if lines else text
    if not shown.isprintable():
        raise _wrong(name, "has characters that cannot be shown", "plain text")
    return text


def _one_of(name: str, value: str, allowed: tuple[W, ...]) -> W:
    for word in allowed:
        if word == value:
            return word
    raise _wrong(name, f"{value[:60]!r} is not allowed", ", ".join(allowed))


def _wrong(field: str, message: str, hint: str) -> Refused:
    return Refused("bad_request", f"{field}: {message}", hint)
