"""Trips, tracks and mileage for those who ask: what is kept, and of today what is under way."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from cloud.assets.contract import Asset, AssetKey, Roster
from cloud.fleet.day import done_of
from cloud.fleet.display import KIND
from cloud.fleet.fleet import Fleet
from cloud.fleet.history import samples
from cloud.fleet.mileage import best
from cloud.fleet.step import DayDone, TripDone, trip_id
from cloud.fleet.tracks import Track, build
from cloud.registry.trip_book import StoredTrip
from cloud.store.contract import SeriesStore

TRACKS_AT_ONCE = 2


class TripShown(NamedTuple):
    """A trip; ended_at and to of one under way are None."""

    id: str
    vehicle: str
    started_at: int
    ended_at: int | None
    from_: dict[str, object]
    to: dict[str, object] | None
    km: float
    source: str
    max_kmh: float
    gap: bool
    driver: str
    driver_name: str
    request: str


class Mileage(NamedTuple):
    """A day of a vehicle: kilometres by the best source, by each, and fixes that counted or were left out."""

    day: int
    vehicle: str
    km: float
    source: str
    odometer_km: float | None
    device_km: float | None
    gnss_km: float
    fixes: int
    left_out: dict[str, int]


class Reports:
    """Asked by the API."""

    def __init__(self, fleet: Fleet, roster: Roster, store: SeriesStore) -> None:
        self._fleet, self._roster, self._store = fleet, roster, store
        self._room = asyncio.Semaphore(TRACKS_AT_ONCE)

    async def trips(self, site: str, since: int, until: int, vehicle: str | None, limit: int) -> list[TripShown]:
        """Trips that overlap [since, until), by their beginning; of those under way what is known so far."""
        await self._fleet.flush()
        kept = await self._fleet.book.trips(site, since, until, vehicle=vehicle, limit=limit)
        shown = [trip_shown(trip) for trip in kept]
        for asset in self._roster.all(KIND, site):
            current = self._under_way(asset)
            if current is not None and vehicle in (None, asset.key.id) and current.started_at < until:
                shown.append(current)
        return sorted(shown, key=lambda trip: (trip.started_at, trip.vehicle))[:limit]

    async def trip(self, key: AssetKey, started_at: int) -> TripShown | None:
        """One trip, ended or under way."""
        await self._fleet.flush()
        kept = await self._fleet.book.trip(key, started_at)
        if kept is not None:
            return trip_shown(kept)
        asset = self._roster.find(key)
        current = self._under_way(asset) if asset is not None else None
        return current if current is not None and current.started_at == started_at else None

    def _under_way(self, asset: Asset) -> TripShown | None:
        state = self._fleet.state(asset.key)
        if state is None or not state.journey.moving or state.journey.since is None:
            return None
        start, journey, driver = state.journey.since, state.journey, state.driver
        distance = best(journey.carried.plus(state.mileage.totals.since(start.totals)))
        yard_map = self._fleet.yards.around.map
        return TripShown(
            trip_id(asset, start.at),
            asset.key.id,
            start.at,
            None,
            _end(start.spot, yard_map.where(asset.key.site, start.spot)),
            None,
            round(distance.km, 3),
            distance.source,
            round(journey.max_kmh, 1),
            False,
            driver.id if driver else "",
            driver.name if driver else asset.text("driver"),
            "",
        )

    async def track(self, asset: Asset, since: int, until: int, tolerance_m: float, points_max: int) -> Track:
        """The track of a vehicle in [since, until)."""
        settings, _ = self._fleet.yards.settings(asset.key.site)
        async with self._room:
            read = await samples(self._store, asset, since, until)
            return await asyncio.to_thread(build, read, settings, tolerance_m=tolerance_m, points_max=points_max)

    async def mileage(self, site: str, since: int, until: int, vehicle: str | None) -> list[Mileage]:
        """Days that begin in [since, until), by day and vehicle."""
        await self._fleet.flush()
        days: dict[tuple[int, str], DayDone] = {}
        for day in await self._fleet.book.days(site, since, until, vehicle):
            done = done_of(day)
            if done is not None:
                days[day.day, day.vehicle] = done
        for asset in self._roster.all(KIND, site):
            current = self._fleet.current(asset.key)
            if current is not None and since <= current.day < until and vehicle in (None, asset.key.id):
                days[current.day, asset.key.id] = current.done
        return [_mileage(name, done) for (_, name), done in sorted(days.items())]


def trip_shown(kept: StoredTrip) -> TripShown:
    """A kept trip as it is shown."""
    facts = msgspec.json.decode(kept.facts, type=dict[str, Any])
    trip = TripDone(**{name: facts[name] for name in TripDone._fields})
    return TripShown(
        f"{kept.site}.{kept.vehicle}.{kept.started_at}",
        kept.vehicle,
        trip.started_at,
        trip.ended_at,
        _end(trip.from_, trip.from_name),
        _end(trip.to, trip.to_name),
        trip.km,
        trip.source,
        trip.max_kmh,
        trip.gap,
        trip.driver,
        trip.driver_name,
        trip.request,
    )


def _end(spot: Sequence[float], name: str) -> dict[str, object]:
    return {"name": name, "latitude": round(spot[0], 7), "longitude": round(spot[1], 7)}


def _mileage(vehicle: str, done: DayDone) -> Mileage:
    distance, totals = best(done.totals), done.totals
    left_out = {name: count for name, count in done.counts._asdict().items() if name != "fixes" and count}
    return Mileage(
        done.day,
        vehicle,
        round(distance.km, 3),
        distance.source,
        round(totals.odometer / 100_000, 3) if totals.odometer_steps else None,
        round(totals.device / 100_000, 3) if totals.device_steps else None,
        round(totals.gnss / 100_000, 3),
        done.counts.fixes,
        left_out,
    )
