"""Live state over a registry on disk, fed by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.live.presence import Presence
from cloud.live.state import LiveState
from cloud.live.stream import Stream
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.store.contract import GatewayKey
from cloud.store.series_book import QualityBook, SeriesBook
from protocols.birth import Birth, DeviceBirth, PointBirth
from protocols.clock import ManualClock
from protocols.reading import Event

KEY = GatewayKey("east", "b3")


class World:
    """Everything live state needs, and short ways to say what happens."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.clock = clock
        self.series, self.qualities = SeriesBook(), QualityBook()
        self.inventory = Inventory(database)
        self.presence = Presence()
        self.live = LiveState(self.inventory, self.series, self.qualities, self.presence)
        self.stream = Stream(self.live, clock)
        self.seq = 0

    def batch(
        self,
        *readings: tuple[str, str, float | None, int],
        events: Sequence[Event] = (),
        gateway: str = "b3",
        quality: tuple[str, str] = ("good", ""),
    ) -> CommittedBatch:
        self.seq += 1
        names = [(device, point) for device, point, _, _ in readings]
        code = self.qualities.code(*quality)
        now = self.clock.now_ms()
        return CommittedBatch(
            site="east",
            gateway=gateway,
            epoch="e",
            seq=self.seq,
            received_at=now,
            stored_at=now,
            series=self.series.table("east", names, repr(names).encode()),
            at=np.array([at for *_, at in readings], np.int64),
            value=np.array([np.nan if value is None else value for _, _, value, _ in readings], np.float64),
            quality=np.full(len(readings), code, np.uint8),
            events=list(events),
            refused=0,
            wire_bytes=100,
        )

    async def commit(self, *batches: CommittedBatch) -> None:
        await self.live.committed(Committed(list(batches)))

    async def read(self, device: str, value: float | None, at: int, **other: object) -> None:
        await self.commit(self.batch((device, "active_power_total", value, at), **other))  # type: ignore[arg-type]

    async def born(self, *devices: str, points: Sequence[str] = ("active_power_total",), session: int = 1) -> None:
        made = [PointBirth(point, "W", "gauge", 30.0) for point in points]
        birth = Birth(
            site="east",
            gateway="b3",
            name="B3 plant room",
            site_name="东院",
            time_zone="Asia/Shanghai",
            software="0.1.0",
            config_hash="abc",
            session=session,
            started_at=1000,
            devices=[DeviceBirth(d, d.upper(), "meter", "eastron/sdm630", "bus", 10.0, 30.0, made) for d in devices],
        )
        await self.live.birth(KEY, birth, received_at=self.clock.now_ms(), retained=False)

    def shown(self, name: str):
        entity = self.live.find(name)
        return None if entity is None else self.live.views.view(entity)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(database: Database, clock: ManualClock) -> World:
    return World(database, clock)
