"""What the ingest path hands on, and what it asks of those around it.

Call order of one commit: store (durable), then acks to the gateways, then every handler of ``path.HANDLERS`` in its
order. A handler is given only what is durable; it never sees a duplicate. An exception of a handler is logged, counted
and does not stop the others: what is stored is stored, and handlers can be re-fed from the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cloud.store.contract import Codes, Doubles, GatewayKey, Ints, Longs
from protocols.birth import Birth
from protocols.reading import Event
from protocols.status import Status

OWN_GATEWAY = "gps-in"
"""The gateway whose batches the collector seals itself. What claims to come from it over MQTT is not taken."""

AlarmArgs = Mapping[str, str | int | float | bool | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommittedBatch:
    """One batch that is now durable. The arrays are equally long; NaN where the reading is ``bad``.

    ``series`` are ids of the ``SeriesBook``, ``quality`` codes of its ``QualityBook`` (0 is good).
    Readings that were refused are not among them.
    """

    site: str
    gateway: str
    epoch: str
    seq: int
    received_at: int
    stored_at: int
    series: Ints
    at: Longs
    value: Doubles
    quality: Codes
    events: Sequence[Event]
    refused: int
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Committed:
    """The batches of one commit, in the order they were received."""

    batches: Sequence[CommittedBatch]


class CommittedHandler(Protocol):
    """Takes what was committed: live state, alarms, later energy and the rest. Runs in the event loop: be short."""

    async def committed(self, committed: Committed) -> None: ...


class AnnouncementHandler(Protocol):
    """Takes what gateways say about themselves. ``retained``: the broker kept it, it may be old."""

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None: ...

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None: ...


class AlarmSink(Protocol):
    """Where the ingest path reports abnormal conditions. Both may be called again with the same kind and source.

    Kinds raised here, by source:
    ``site/gateway``: ``identity_conflict`` (args epoch, seq), ``batch_rejected`` (reason, detail, count),
    ``foreign_batch`` (claimed, count), ``readings_refused`` (reason, count, device, point),
    ``gateway_clock_wrong`` (off, count), ``device_clock_wrong`` (off, count, device);
    ``collector``: ``store_unavailable`` (detail), ``store_damaged`` (path, detail), ``broker_lost`` (detail),
    ``messages_dropped`` (count), ``handler_failed`` (handler, detail, count);
    ``collector NAME``: ``member_silent`` (member), and those of ``collector`` that NAME of the group raised;
    ``upkeep``: ``store_unavailable`` (detail), when only roll-ups and retention fail.
    """

    def raise_alarm(self, kind: str, source: str, args: AlarmArgs) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


@dataclass(slots=True)
class GatewayCounters:
    """What came from one gateway since its first batch. Exact, also over restarts, except ``last_*``."""

    stored_batches: int = 0
    stored_readings: int = 0
    stored_events: int = 0
    duplicates: int = 0
    rejected: int = 0
    held: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    expired: int = 0
    """Readings and events of people that came when they were too old to be kept: not stored."""
    retimed: int = 0
    """Readings and events with an impossible time, stored at a corrected one and flagged."""
    unannounced_series: int = 0
    unknown_points: int = 0
    last_batch_at: int = 0
    last_latency_ms: float = 0.0
    """From the newest reading or event of the last batch to its commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceView:
    """A fence as the API shows it."""

    key: GatewayKey
    epoch: str
    seq: int
    fenced_at: int
    lifted_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestView:
    """The state of the path itself, for /metrics and the page."""

    broker: str
    connected: bool
    queued_messages: int
    queued_bytes: int
    commits: int
    commit_ms_last: float
    ignored_messages: int
    dropped_messages: int
    handler_failures: int
    store_failing_since: int | None


class IngestPath(Protocol):
    """What the wiring and the API may ask of the running path (``cloud.ingest.path.Ingest``)."""

    async def run(self) -> None:
        """Work until cancelled. Survives a broker and a disk that are away."""
        ...

    def counters(self, key: GatewayKey) -> GatewayCounters:
        """Of one gateway; all zero when it never sent."""
        ...

    def gateways(self) -> Sequence[GatewayKey]:
        """Every gateway that ever sent a batch."""
        ...

    def ranges(self, key: GatewayKey) -> Mapping[str, Sequence[tuple[int, int]]]:
        """Epoch -> stored seqs as (first, last)."""
        ...

    def fences(self) -> Sequence[FenceView]:
        """All fences that were not lifted."""
        ...

    async def unfence(self, key: GatewayKey, epoch: str | None = None) -> int:
        """Lift the fences of a gateway (one epoch, or all); how many were lifted. Clears the alarm."""
        ...

    def is_unannounced(self, key: GatewayKey, device: str, point: str) -> bool:
        """True when no birth of this gateway named the point."""
        ...

    def view(self) -> IngestView: ...
