"""Small commits for tests of a store."""

from collections.abc import Sequence

import numpy as np

from cloud.store.contract import (
    BatchRow,
    CommitWork,
    EventRow,
    GatewayKey,
    QualityWord,
    ReadingColumns,
    SeriesKey,
)
from protocols.reading import Event

DAY = 86_400_000
MIDNIGHT = 1_790_006_400_000
"""A local midnight in Asia/Shanghai (2026-09-22), 16:00 UTC."""
GATEWAY = GatewayKey("east", "g1")
POWER = SeriesKey("east", "m1", "active_power_total")
ENERGY = SeriesKey("east", "m1", "active_energy_import_total")
BAD = 1

NAMES = CommitWork(
    stored_at=MIDNIGHT,
    new_gateways=[(0, GATEWAY)],
    new_series=[(0, POWER), (1, ENERGY)],
    new_qualities=[(0, QualityWord("good", "")), (1, QualityWord("bad", "device_error"))],
)


def work(
    number: int,
    readings: Sequence[tuple[int, int, float | None]] = (),
    events: Sequence[Event] = (),
    *,
    epoch: str = "e1",
    seq: int | None = None,
    received_at: int = MIDNIGHT,
    gateway: int = 0,
) -> CommitWork:
    """One batch. ``readings``: (series, at, value); None is a bad reading."""
    row = BatchRow(
        id=number,
        gateway=gateway,
        epoch=epoch,
        seq=number if seq is None else seq,
        digest=f"{number:016x}",
        readings=len(readings),
        events=len(events),
        received_at=received_at,
    )
    columns = ReadingColumns(
        series=np.array([series for series, _, _ in readings], np.int32),
        at=np.array([at for _, at, _ in readings], np.int64),
        value=np.array([np.nan if value is None else value for _, _, value in readings], np.float64),
        quality=np.array([BAD if value is None else 0 for _, _, value in readings], np.uint8),
        batch=np.full(len(readings), number, np.int64),
    )
    return CommitWork(
        stored_at=received_at + 5,
        batches=[row],
        readings=columns if readings else None,
        events=[EventRow(number, "east", event) for event in events],
    )
