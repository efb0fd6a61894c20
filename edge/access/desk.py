"""How the parts of a gateway's doors are put together, and where their files lie."""

from __future__ import annotations

from collections.abc import Callable

from edge.access.access import Access, Obey
from edge.access.grant_store import GrantStore
from edge.access.lists import Lists
from edge.access.records import Records
from edge.access.zones import Zones
from edge.contract import FailPoint, Sink
from edge.retime import Timing
from edge.settings import Site
from protocols.clock import Clock


def access_desk(
    site: Site,
    *,
    key: Callable[[], bytes],
    timing: Timing,
    obey: Obey,
    sink: Sink,
    clock: Clock,
    fail_point: FailPoint,
) -> Access:
    """The doors of a site file; opens nothing. ``key``: the collector's command key, or what it raises."""
    buffer, own = site.buffer.path, site.gateway
    records = Records(sink, clock)
    store = GrantStore(
        buffer.with_name(buffer.name + ".grants"), site=own.site, gateway=own.id, key=key, fail_point=fail_point
    )
    return Access(
        site.doors,
        lists=Lists(store, records, clock, lambda: timing.known),
        zones=Zones(buffer.with_name(buffer.name + ".zones")),
        records=records,
        obey=obey,
        clock=clock,
        clock_known=lambda: timing.known,
        now_ms=timing.now_ms,
    )
