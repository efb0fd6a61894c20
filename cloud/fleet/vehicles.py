"""What a vehicle is doing, and how it is shown."""

from typing import NamedTuple

from cloud.assets.contract import Asset, Booked, ResourceState
from cloud.fleet.fixes import Fix
from cloud.fleet.mileage import best
from cloud.fleet.rules import Now as RuleNow
from cloud.fleet.rules import Yard, at_home
from cloud.fleet.settings import FleetSettings
from cloud.fleet.step import VehicleState, trip_id
from cloud.registry.trip_book import StoredService

AVAILABLE, RESERVED, ON_TRIP, STOPPED = "available", "reserved", "on_trip", "stopped"
NON_OPERATIONAL, NON_CONTACTABLE = "non_operational", "non_contactable"

ORDER_WITHIN_MS = 12 * 3_600_000
AT_WORK = ("under_way", "arrived")


class Doing(NamedTuple):
    """A vehicle's state, since when, and what it is out for."""

    state: str
    since: int | None
    order: Booked | None


class Contact(NamedTuple):
    """The last word of any of its devices, and the newest position that can be believed."""

    heard_at: int | None = None
    fix: Fix | None = None
    received_at: int | None = None


def doing(yard: Yard, state: VehicleState | None, contact: Contact, service: StoredService | None, now: int) -> Doing:
    """The one state that matters most: out of service, out of contact, driving, sent out, standing, free."""
    asset, settings = yard.asset, yard.settings
    order = _order(yard, now)
    out_since = _out_of_service(asset, service, now)
    if out_since is not None:
        return Doing(NON_OPERATIONAL, out_since or None, order)
    moving = state is not None and state.journey.moving
    silent = contact.heard_at is None or now - contact.heard_at > stale_s(asset, settings, moving=moving) * 1000
    if silent and asset.bindings:
        return Doing(NON_CONTACTABLE, contact.heard_at, order)
    journey = state.journey if state is not None else None
    since = journey.since.at if journey is not None and journey.since is not None else None
    if moving and journey is not None:
        # After a silence it may have arrived long ago: it is on its trip again when it is seen to move.
        return Doing(ON_TRIP, since, order) if journey.driving else Doing(STOPPED, journey.resumed, order)
    if order is not None and order.status in AT_WORK:
        return Doing(STOPPED, since, order)
    if order is not None:
        return Doing(RESERVED, since, order)
    if since is not None and now - since < settings.available_after_s * 1000 and not _is_in(yard, state):
        return Doing(STOPPED, since, None)
    return Doing(AVAILABLE, since, None)


def stale_s(asset: Asset, settings: FleetSettings, *, moving: bool) -> float:
    """How long it may be silent. A tracker sleeps while the vehicle stands."""
    own = asset.number("stale_after_s")
    if own > 0:
        return own
    return settings.stale_s if moving else settings.stale_parked_s


def attributes(
    yard: Yard, state: VehicleState | None, contact: Contact, what: Doing, warning: str, place: str
) -> dict[str, object]:
    """What is shown of a vehicle; see the entity ``vehicle`` of the plan of the pages."""
    asset, fix = yard.asset, contact.fix
    shown: dict[str, object] = {
        "plate": asset.text("plate") or asset.name,
        "class": asset.text("class"),
        "seats": asset.facts.get("seats"),
        "unit": asset.unit,
        "driver": _driver(asset, state, what),
        "state": what.state,
        "since": what.since,
        "latitude": round(fix.spot.latitude, 7) if fix else None,
        "longitude": round(fix.spot.longitude, 7) if fix else None,
        "accuracy_m": fix.accuracy_m if fix else None,
        "speed_kmh": fix.speed_kmh if fix else None,
        "course_deg": fix.course_deg if fix else None,
        "place": place,
        "trip": None,
        "order": None,
        "fences": state.fences.inside if state is not None else [],
        "warning": warning,
    }
    if state is None:
        return {**shown, "today_km": None, "mileage_source": ""}
    distance = best(state.mileage.totals)
    shown |= {"today_km": round(distance.km, 1), "mileage_source": distance.source}
    journey = state.journey
    if journey.moving and journey.since is not None:
        gone = best(journey.carried.plus(state.mileage.totals.since(journey.since.totals)))
        shown["trip"] = {
            "id": trip_id(asset, journey.since.at),
            "since": journey.since.at,
            "from": yard.map.where(yard.site, journey.since.spot),
            "km": round(gone.km, 1),
        }
    if what.order is not None:
        shown["order"] = {"request": what.order.request, "to": what.order.to_name, "until": what.order.until}
    return shown


def resource_of(asset: Asset, what: Doing, contact: Contact) -> ResourceState:
    """The vehicle as dispatch sees it; one without a position stands where its facts say."""
    fix = contact.fix
    if fix is None:
        return ResourceState(asset.key, what.state, asset.spot, None, None)
    return ResourceState(asset.key, what.state, fix.spot, fix.at, fix.accuracy_m)


def _driver(asset: Asset, state: VehicleState | None, what: Doing) -> str:
    """By card, else as the order says, else the usual one."""
    if state is not None and state.driver is not None:
        return state.driver.name
    return (what.order.driver if what.order is not None else "") or asset.text("driver")


def _order(yard: Yard, now: int) -> Booked | None:
    """Work under way, or else the next that begins within hours."""
    orders = [
        order
        for order in yard.orders.of(yard.asset.key, now - ORDER_WITHIN_MS, now + ORDER_WITHIN_MS)
        if order.status in AT_WORK or (order.status == "assigned" and order.until > now)
    ]
    return min(orders, key=lambda order: (order.status not in AT_WORK, order.since, order.request), default=None)


def _out_of_service(asset: Asset, service: StoredService | None, now: int) -> int | None:
    """Since when (0: for longer than anybody knows); None when it can be used."""
    if service is not None:
        return service.since
    until = asset.number("out_of_service_until")
    return 0 if asset.text("out_of_service") and (not until or until > now) else None


def _is_in(yard: Yard, state: VehicleState | None) -> bool:
    """Whether it stands in a car park or where it belongs."""
    if state is None:
        return False
    if yard.shapes.ids("parking") & state.fences.visits.keys():
        return True
    if not yard.asset.text("home") or state.journey.last is None:
        return False
    return at_home(RuleNow(state.journey.last.at, state.journey, state.fences), yard)
