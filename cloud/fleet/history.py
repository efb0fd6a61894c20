"""What was said of a vehicle in a period, from the store: the same samples that came live."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from cloud.assets.contract import Asset
from cloud.fleet.fixes import POINTS, POSITION, READER, Sample
from cloud.store.contract import EVENT_COLUMNS, EventsQuery, Page, ReadingsQuery, SeriesStore

CARD_READ = "card_read"
PAGE = 4_000
"""Rows at a time: fetching a whole day in one go holds the interpreter for as long, and the event loop with it."""


class Told(NamedTuple):
    """What a vehicle's devices tell: (role, device), the position from the first bound one only."""

    series: tuple[tuple[str, str], ...]
    readers: tuple[str, ...]

    @classmethod
    def of(cls, asset: Asset) -> "Told":
        series: list[tuple[str, str]] = []
        for binding in asset.bindings:
            known = binding.role in POINTS and (binding.role, binding.device) not in series
            second = binding.role == POSITION and any(role == POSITION for role, _ in series)
            if known and not second:
                series.append((binding.role, binding.device))
        readers = tuple(binding.device for binding in asset.bindings if binding.role == READER)
        return cls(tuple(series), readers)


class _Moment(NamedTuple):
    points: dict[str, float | None]
    received_at: dict[str, int]
    qualities: dict[str, str]


async def samples(store: SeriesStore, asset: Asset, since: int, until: int) -> list[Sample]:
    """Samples with ``since <= at < until`` in the order in which they are stepped.

    A day may have a million values: they are put together in a thread, in which others get their turn.
    """
    told = Told.of(asset)
    found: list[Sample] = []
    for role, device in told.series:
        moments: dict[int, _Moment] = {}
        for point in POINTS[role]:
            await _read(
                store,
                ReadingsQuery(
                    site=asset.key.site,
                    device=device,
                    point=point,
                    from_at=since,
                    to_at=until,
                    limit=PAGE,
                    origin=True,
                ),
                moments,
            )
        found += await asyncio.to_thread(_together, role, device, moments)
    for reader in told.readers:
        found += await _cards(store, asset.key.site, reader, since, until)
    return await asyncio.to_thread(sorted, found, key=lambda sample: sample.order)


def _together(role: str, device: str, moments: Mapping[int, _Moment]) -> list[Sample]:
    return [
        Sample(
            at,
            role,
            device,
            moment.points,
            _received(moment.received_at),
            "",
            moment.qualities.get("latitude", "good"),
        )
        for at, moment in moments.items()
    ]


async def _read(store: SeriesStore, query: ReadingsQuery, moments: dict[int, _Moment]) -> None:
    """All of a series in a period, into its moments."""
    following: str | None = None
    while True:
        page = await store.readings(replace(query, next=following))
        await asyncio.to_thread(_put, page, query.point, moments)
        following = page.next
        if following is None:
            return


def _put(page: Page, point: str, moments: dict[int, _Moment]) -> None:
    at_column, value_column = page.columns.index("at"), page.columns.index("value")
    received_column, quality_column = page.columns.index("received_at"), page.columns.index("quality")
    for row in page.rows:
        at, value, received_at = row[at_column], row[value_column], row[received_column]
        assert isinstance(at, int)
        moment = moments.setdefault(at, _Moment({}, {}, {}))
        moment.points[point] = float(value) if isinstance(value, int | float) else None
        moment.received_at[point] = received_at if isinstance(received_at, int) else at
        moment.qualities[point] = str(row[quality_column])


def _received(by_point: Mapping[str, int]) -> int:
    """When the position came, or else the first of the rest."""
    return by_point.get("latitude", min(by_point.values()))


async def _cards(store: SeriesStore, site: str, reader: str, since: int, until: int) -> list[Sample]:
    found: list[Sample] = []
    following: str | None = None
    columns = {name: index for index, name in enumerate(EVENT_COLUMNS)}
    while True:
        page = await store.events(
            EventsQuery(
                from_at=since, to_at=until, site=site, device=reader, kind=CARD_READ, limit=1000, next=following
            )
        )
        for row in page.rows:
            at, data, received_at = row[columns["at"]], row[columns["data"]], row[columns["received_at"]]
            card = data.get("card_key") if isinstance(data, Mapping) else None
            if isinstance(at, int) and isinstance(card, str):
                came = received_at if isinstance(received_at, int) else at
                found.append(Sample(at, READER, reader, {}, came, card))
        following = page.next
        if following is None:
            return found
