"""The work of one commit, and what follows from it when it is durable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from cloud.ingest.contract import AlarmArgs, Committed, CommittedBatch
from cloud.ingest.counting import Delta
from cloud.ingest.decode import Columns
from cloud.ingest.identity import BatchName, Stream
from cloud.ingest.message import Incoming
from cloud.store.contract import BatchRow, CommitWork, FenceRow, GatewayKey, QuarantineRow, ReadingColumns, RefusedRow
from protocols.ack import Rejection
from protocols.reading import Event


class Answer(NamedTuple):
    """What a gateway is told about one batch: stored (``rejection`` is None) or not."""

    key: GatewayKey
    epoch: str
    seq: int | None
    rejection: Rejection | None = None


class AlarmCall(NamedTuple):
    """An alarm to raise when the commit is through."""

    kind: str
    source: str
    args: AlarmArgs


class Accepted(NamedTuple):
    message: Incoming
    row: BatchRow
    columns: Columns
    events: list[Event]
    refused: int


@dataclass(slots=True)
class Prepared:
    """The work of one commit with everything that follows from it."""

    work: CommitWork = field(default_factory=lambda: CommitWork(stored_at=0))
    committed: Committed = field(default_factory=lambda: Committed(()))
    answers: list[Answer] = field(default_factory=list)
    alarms: list[AlarmCall] = field(default_factory=list)
    ignored: int = 0
    accepted: list[Accepted] = field(default_factory=list)
    coming: dict[BatchName, str] = field(default_factory=dict)
    fences: dict[Stream, FenceRow] = field(default_factory=dict)
    kept: dict[int, set[str]] = field(default_factory=dict)
    """Gateway -> digests that go to quarantine."""
    quarantined: list[QuarantineRow] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    delta: Delta = field(default_factory=dict)

    def count(self, gateway: int, name: str, more: int = 1) -> None:
        """Count something that is written with this commit."""
        self.delta[(gateway, name)] = self.delta.get((gateway, name), 0) + more


def join(accepted: Sequence[Accepted]) -> ReadingColumns | None:
    if not accepted:
        return None
    counts = [len(one.columns.series) for one in accepted]
    if not sum(counts):
        return None
    ids = np.array([one.row.id for one in accepted], np.int64)
    return ReadingColumns(
        series=np.concatenate([one.columns.series for one in accepted]),
        at=np.concatenate([one.columns.at for one in accepted]),
        value=np.concatenate([one.columns.value for one in accepted]),
        quality=np.concatenate([one.columns.quality for one in accepted]),
        batch=np.repeat(ids, counts),
    )


def committed(one: Accepted, stored_at: int) -> CommittedBatch:
    return CommittedBatch(
        site=one.message.key.site,
        gateway=one.message.key.gateway,
        epoch=one.row.epoch,
        seq=one.row.seq,
        received_at=one.message.received_at,
        stored_at=stored_at,
        series=one.columns.series,
        at=one.columns.at,
        value=one.columns.value,
        quality=one.columns.quality,
        events=one.events,
        refused=one.refused,
        wire_bytes=len(one.message.payload),
    )


def latency_ms(one: Accepted, stored_at: int) -> float:
    newest = max([int(one.columns.at.max()) if len(one.columns.at) else 0, *(event.at for event in one.events)])
    return float(stored_at - newest) if newest else 0.0
