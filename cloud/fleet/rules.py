"""What somebody should look at, of one vehicle: a finding begins, holds, and ends by itself. All in event time.

Movement is judged by trips (200 m, and 60 s under way), standing by stops and fences. What is due while nothing is
heard is judged at ``due``.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import msgspec

from cloud.assets.contract import Asset, Booked, Calendar, Orders, Place
from cloud.fleet.fences import Fences
from cloud.fleet.settings import FleetSettings
from cloud.fleet.shapes import Shapes
from cloud.fleet.trips import Journey
from cloud.geo.earth import Spot, distance_m

MINUTE_MS = 60_000
LOOK_EVERY_MS = 10 * MINUTE_MS
HOME_M = 150.0
"""A vehicle is at the place where it belongs when that is so near; at a fence it must be within it."""
DISPATCHED_MS = 7 * 86_400_000
"""A vehicle that had work within so long is one that is dispatched; of longer ago orders are not known."""
NEAR_ORDER_MS = 12 * 3_600_000

MOVEMENT = ("sealed_movement", "off_hours_movement", "outside_order_window", "no_order_movement")
HOLIDAY = "holiday"
"""Name of the seal of vehicles that stay in on days off."""
STANDING = ("sealed_elsewhere", "overnight_elsewhere", "wrong_parking", "sensitive_stop")
AREA = "outside_area"
FINDINGS = (*MOVEMENT, *STANDING, AREA)


class Finding(NamedTuple):
    """Something to look at, since then. facts: what the alarm says beside."""

    kind: str
    since: int
    facts: Mapping[str, str | int | float | bool | None]


class Turn(NamedTuple):
    """A finding began or ended at that time."""

    finding: Finding
    at: int
    ended: bool


class Watch(msgspec.Struct, frozen=True):
    """Findings that hold now, by kind; and the name of the period in which the vehicle is sealed."""

    open: dict[str, Finding] = {}
    sealed: str = ""
    astray: int | None = None
    """Since when it stands within the compound beside its car parks."""
    moving: bool = False


class Where(Protocol):
    """What the map says of a spot."""

    def where(self, site: str, spot: Spot) -> str: ...

    def place(self, site: str, name: str) -> Place | None: ...


class Yard(NamedTuple):
    """What rules know of a vehicle and its site beside the vehicle's own state."""

    asset: Asset
    settings: FleetSettings
    shapes: Shapes
    map: Where
    calendar: Calendar
    orders: Orders
    orders_from: int = 0
    """Orders that ended before may be forgotten: movement of then is judged by no order."""

    @property
    def site(self) -> str:
        return self.asset.key.site


class Now(NamedTuple):
    """The vehicle at an instant."""

    at: int
    journey: Journey
    fences: Fences

    @property
    def spot(self) -> Spot | None:
        last = self.journey.last
        return self.journey.rest or (last.spot if last else None)


def judge(watch: Watch, now: Now, yard: Yard) -> tuple[Watch, tuple[Turn, ...]]:
    """What holds at this instant, and what began or ended by it."""
    if now.journey.since is None:
        return watch, ()
    found: dict[str, Finding] = {}
    sealed = seal_of(yard, now.at)
    astray = None
    if not now.journey.moving and _may_park_wrongly(now, yard):
        # It stood before it was certain that the trip had ended; or it was only shunted out of its place.
        astray = watch.astray or (now.journey.since.at if watch.moving else now.at)
    if (astray, now.journey.moving) != (watch.astray, watch.moving):
        watch = Watch(watch.open, watch.sealed, astray, now.journey.moving)
    if now.journey.moving:
        if (moving := _movement(now, yard, sealed, watch)) is not None:
            found[moving.kind] = moving
    else:
        found |= {finding.kind: finding for finding in _standing(now, yard, sealed, watch)}
    outside = _outside_area(now, yard)
    if outside is not None:
        found[AREA] = outside
    if not found and not watch.open and sealed == watch.sealed:
        return watch, ()
    turns: list[Turn] = []
    kept: dict[str, Finding] = {}
    for kind, finding in watch.open.items():
        if kind in found:
            kept[kind] = finding
        else:
            turns.append(Turn(finding, now.at, True))
    for kind, finding in found.items():
        if kind not in kept:
            kept[kind] = finding
            turns.append(Turn(finding, now.at, False))
    return Watch(kept, sealed, astray, now.journey.moving), tuple(turns)


def due(watch: Watch, now: Now, yard: Yard) -> int | None:
    """When to judge again although nothing is heard; None when nothing can begin by waiting."""
    journey = now.journey
    if journey.since is None:
        return None
    times = [edge for seal in yard.settings.seals for edge in (seal.since, seal.until) if edge > now.at]
    if not journey.moving:
        if watch.astray is not None:
            times.append(watch.astray + round(yard.settings.parking_after_min * MINUTE_MS))
        if (stopped := _sensitive(now, yard)) is not None:
            times.append(stopped[1] + round(yard.settings.sensitive_after_min * MINUTE_MS))
        if yard.asset.text("home") and (watch.open or not at_home(now, yard)):
            times.append(now.at // LOOK_EVERY_MS * LOOK_EVERY_MS + LOOK_EVERY_MS)
    return min((time for time in times if time > now.at), default=None)


def seal_of(yard: Yard, at: int) -> str:
    """The name of the period in which the vehicle stays in; empty when it may be used."""
    for seal in yard.settings.seals:
        if seal.holds(yard.asset.key.id, at):
            return seal.name
    if yard.asset.facts.get("sealed_on_holidays") is True and not yard.calendar.is_workday(yard.site, at):
        return HOLIDAY
    return ""


def at_home(now: Now, yard: Yard) -> bool:
    """Whether it stands where it belongs; yes for a vehicle that belongs nowhere."""
    home = yard.asset.text("home")
    if not home or now.spot is None:
        return True
    fence = yard.shapes.named(home)
    if fence is not None:
        return fence in now.fences.visits
    place = yard.map.place(yard.site, home)
    return place is None or distance_m(place.spot, now.spot) <= HOME_M


def _movement(now: Now, yard: Yard, sealed: str, watch: Watch) -> Finding | None:
    start = now.journey.since
    assert start is not None
    if now.at - start.at < yard.settings.movement_s * 1000:
        return None
    for kind in MOVEMENT:
        if kind in watch.open and watch.open[kind].since == start.at:
            standing = watch.open[kind]
            break
    else:
        standing = None
    if start.at < yard.orders_from:
        return None
    shift = yard.asset.texts("shift") or yard.settings.hours
    off_hours = bool(shift) and not yard.calendar.within(yard.site, now.at, shift)
    orders = yard.settings.orders
    if not (sealed or off_hours or orders != "never"):
        return None
    key, grace = yard.asset.key, round(yard.settings.grace_min * MINUTE_MS)
    near = yard.orders.of(key, start.at - NEAR_ORDER_MS, now.at + NEAR_ORDER_MS)
    if any(_covers(order, start.at, now.at, grace) for order in near):
        return None
    if standing is not None:
        return standing
    if not now.journey.driving:
        return None
    spot = start.spot
    facts = {"plate": yard.asset.text("plate") or yard.asset.name, "from": yard.map.where(yard.site, spot)}
    if sealed:
        return Finding("sealed_movement", start.at, {**facts, "seal": sealed})
    if off_hours:
        return Finding("off_hours_movement", start.at, {**facts, "hours": ", ".join(shift)})
    if orders == "never":
        return None
    if near:
        closest = min(near, key=lambda order: (_off(order, start.at, now.at), order.request))
        return Finding("outside_order_window", start.at, {**facts, "request": closest.request})
    if orders == "always" or yard.orders.of(key, now.at - DISPATCHED_MS, now.at):
        return Finding("no_order_movement", start.at, facts)
    return None


def _covers(order: Booked, start: int, now: int, grace: int) -> bool:
    return order.since - grace <= start and now <= order.until + grace


def _off(order: Booked, start: int, now: int) -> int:
    return max(order.since - start, now - order.until, 0)


def _standing(now: Now, yard: Yard, sealed: str, watch: Watch) -> list[Finding]:
    found = []
    since = now.journey.since
    assert since is not None
    stood_ms = now.at - since.at
    base = {"plate": yard.asset.text("plate") or yard.asset.name}
    stopped = _sensitive(now, yard)
    if stopped is not None and now.at - stopped[1] >= yard.settings.sensitive_after_min * MINUTE_MS:
        found.append(Finding("sensitive_stop", stopped[1], {**base, "fence": stopped[0]}))
    if watch.astray is not None and now.at - watch.astray >= yard.settings.parking_after_min * MINUTE_MS:
        found.append(Finding("wrong_parking", watch.astray, {**base, "where": _where(now, yard)}))
    if not (sealed or watch.open) and not yard.asset.text("home"):
        return found
    if at_home(now, yard) or _is_covered(now, yard):
        return found
    facts = {**base, "where": _where(now, yard), "home": yard.asset.text("home")}
    if sealed:
        found.append(Finding("sealed_elsewhere", now.at, {**facts, "seal": sealed}))
    elif stood_ms >= yard.settings.overnight_after_min * MINUTE_MS and yard.calendar.within(
        yard.site, now.at, yard.settings.overnight
    ):
        found.append(Finding("overnight_elsewhere", now.at, facts))
    return found


def _outside_area(now: Now, yard: Yard) -> Finding | None:
    areas = [name for area in yard.asset.texts("areas") if (name := yard.shapes.named(area)) is not None]
    if not areas or any(name in now.fences.visits for name in areas) or _is_covered(now, yard):
        return None
    facts = {"plate": yard.asset.text("plate") or yard.asset.name, "where": _where(now, yard)}
    return Finding(AREA, now.at, facts)


def _is_covered(now: Now, yard: Yard) -> bool:
    grace = round(yard.settings.grace_min * MINUTE_MS)
    return bool(yard.orders.of(yard.asset.key, now.at - grace, now.at + grace))


def _sensitive(now: Now, yard: Yard) -> tuple[str, int] | None:
    """The name of the sensitive fence in which it stands, and since when it does both; the longest one."""
    start = now.journey.since
    assert start is not None
    found: list[tuple[int, str]] = []
    for name in now.fences.inside:
        shape = yard.shapes.by_id.get(name)
        if shape is None or shape.fence.purpose != "sensitive":
            continue
        if not shape.fence.schedule or yard.calendar.within(yard.site, now.at, shape.fence.schedule):
            found.append((max(start.at, now.fences.visits[name].since), shape.fence.name))
    return min(found)[::-1] if found else None


def _may_park_wrongly(now: Now, yard: Yard) -> bool:
    """Within the compound, outside of every car park. Only where somebody drew both."""
    visits = now.fences.visits
    if not visits:
        return False
    parks = yard.shapes.ids("parking")
    return bool(parks) and not parks & visits.keys() and bool(yard.shapes.ids("compound") & visits.keys())


def _where(now: Now, yard: Yard) -> str:
    return yard.map.where(yard.site, now.spot) if now.spot is not None else ""
