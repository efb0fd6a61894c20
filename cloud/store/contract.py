"""What a series store promises. Read this before any ``duckdb_*.py``.

Call order: ``open()`` once, then ``commit()`` from one thread only (the ingest worker), the ``async`` queries from
any task at any time, ``close()`` at the end (also after a failed ``open()``). Nobody retries inside a store:
``commit`` either stores everything it was given, durably, or raises ``StoreUnavailable`` and has stored nothing; the
ingest worker tries again (after ``CommitRefused`` with each batch alone).

Times are milliseconds since 1970 UTC. A value that is absent (quality ``bad``) is NaN in arrays and NULL at rest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from protocols.errors import StoreUnavailable
from protocols.reading import Event

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

Step = Literal["raw", "15m", "1h", "1d"]
STEPS: tuple[Step, ...] = ("raw", "15m", "1h", "1d")

PAGE_MAX = 100_000
"""Rows one query answers at the most, whatever its ``limit`` says."""


class SeriesKey(NamedTuple):
    """A series as everybody names it: device ids are unique within a site, whatever gateway reads them."""

    site: str
    device: str
    point: str


class GatewayKey(NamedTuple):
    """A gateway as its topic names it."""

    site: str
    gateway: str


class QualityWord(NamedTuple):
    """What a stored quality code means. Code 0 is ``("good", "")`` in every store."""

    quality: str
    reason: str


# --- what a commit carries -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRow:
    """The identity of one batch. ``id`` grows in the order of commits and is never used again."""

    id: int
    gateway: int
    epoch: str
    seq: int
    digest: str
    readings: int
    events: int
    received_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingColumns:
    """All readings of one commit, one row each; the arrays are equally long."""

    series: Ints
    at: Longs
    value: Doubles
    quality: Codes
    batch: Longs


class EventRow(NamedTuple):
    """One event and the batch that brought it. ``site`` is the topic's."""

    batch: int
    site: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineRow:
    """A batch that was not stored, kept for a person. ``payload`` is cut at 64 KiB, ``size`` is that of the whole."""

    received_at: int
    gateway: int
    topic: str
    epoch: str
    seq: int | None
    digest: str
    reason: str
    detail: str
    size: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A reading that was not stored although its batch was: the value is text, as it may be no number."""

    received_at: int
    gateway: int
    epoch: str
    seq: int
    device: str
    point: str
    at: int
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FenceRow:
    """One (gateway, epoch) under which two different batches came with one seq. ``lifted_at`` is set by a person."""

    gateway: int
    epoch: str
    seq: int
    stored_digest: str
    other_digest: str
    fenced_at: int
    lifted_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitWork:
    """Everything one transaction writes. New series, gateways and quality words come before the rows that use them."""

    stored_at: int
    batches: Sequence[BatchRow] = ()
    readings: ReadingColumns | None = None
    events: Sequence[EventRow] = ()
    new_series: Sequence[tuple[int, SeriesKey]] = ()
    new_gateways: Sequence[tuple[int, GatewayKey]] = ()
    new_qualities: Sequence[tuple[int, QualityWord]] = ()
    quarantined: Sequence[QuarantineRow] = ()
    refused: Sequence[RefusedRow] = ()
    counters: Mapping[tuple[int, str], int] = field(default_factory=dict)
    """(gateway, counter name) -> the counter's new total."""
    fences: Sequence[FenceRow] = ()


# --- what a store remembers ------------------------------------------------------------------------------------------


class StoredRange(NamedTuple):
    """Every seq from ``first`` to ``last`` of this gateway and epoch is stored."""

    gateway: int
    epoch: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What the ingest path needs to go on where it stopped. Read once after ``open``."""

    series: Sequence[tuple[int, SeriesKey]]
    gateways: Sequence[tuple[int, GatewayKey]]
    qualities: Sequence[tuple[int, QualityWord]]
    ranges: Sequence[StoredRange]
    fences: Sequence[FenceRow]
    counters: Mapping[tuple[int, str], int]
    quarantined: Sequence[tuple[int, str]]
    """(gateway, digest) of what lies in quarantine."""
    next_batch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReport:
    """What ``open`` found. ``damaged`` is where a file that could not be read was set aside, with the reason.

    With ``cut_log_bytes`` the store itself is sound, and only the newest commits are lost: so much of its log.
    """

    damaged_path: str | None = None
    damaged_detail: str = ""
    cut_log_bytes: int = 0


class LostPart(NamedTuple):
    """Rows of one table that could not be read any more and were cut out; ``path`` lists what is known of them."""

    table: str
    rows: int
    from_at: int | None
    to_at: int | None
    path: str


# --- queries ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsQuery:
    """Readings of one series with ``from_at <= at < to_at``, or its roll-ups whose bucket starts in there."""

    site: str
    device: str
    point: str
    from_at: int
    to_at: int
    step: Step = "raw"
    limit: int = 10_000
    next: str | None = None
    origin: bool = False
    """Raw only: also which batch brought each reading (gateway, epoch, seq, received_at)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsQuery:
    """Events with ``from_at <= at < to_at``, oldest first unless ``newest_first``."""

    from_at: int
    to_at: int
    site: str | None = None
    device: str | None = None
    kind: str | None = None
    limit: int = 1_000
    next: str | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as the API shows them. ``next`` continues where this page ended; None means there is no more."""

    columns: tuple[str, ...]
    rows: list[tuple[object, ...]]
    next: str | None = None


RAW_COLUMNS = ("at", "value", "quality", "reason")
ORIGIN_COLUMNS = ("gateway", "epoch", "seq", "received_at")
ROLLUP_COLUMNS = ("at", "min", "max", "mean", "last", "count", "coverage")
EVENT_COLUMNS = ("at", "site", "device", "kind", "data", "gateway", "epoch", "seq", "received_at", "reason")
QUARANTINE_COLUMNS = (
    "received_at", "site", "gateway", "topic", "epoch", "seq", "digest", "reason", "detail", "size", "payload",
)  # fmt: skip
REFUSED_COLUMNS = ("received_at", "site", "gateway", "epoch", "seq", "device", "point", "at", "value", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewestValues:
    """The newest reading of every series that has one in the period asked for."""

    series: Ints
    at: Longs
    value: Doubles
    quality: Codes
    received_at: Longs


class StoreSize(NamedTuple):
    """What rests in the store, for the metrics page."""

    readings: int
    batches: int
    events: int
    file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Raw readings of several series as columns, by series, then time, then order of commits. NaN: no value."""

    place: Ints
    """Which of the series asked for, from 0."""
    at: Longs
    value: Doubles
    quality: Codes


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What batches after one up to ``through`` brought: for each series and day (UTC) the first and last instant."""

    through: int
    place: Ints
    from_at: Longs
    to_at: Longs


class CommitRefused(StoreUnavailable):
    """The store works, but refuses this work as such: other work may be stored. Nothing of it was stored."""


class BadQuery(ValueError):
    """A query that cannot be answered (unknown step, a ``next`` this store did not give out); says what is wrong."""


class SeriesFacts(Protocol):
    """What roll-ups need to know about a series and its site. Called often, from a worker thread: answer from RAM."""

    def stale_after_ms(self, key: SeriesKey) -> int:
        """How long a value of this series holds when nothing newer comes."""
        ...

    def time_zone(self, site: str) -> str:
        """The IANA name of the site's zone, which bounds its days."""
        ...


class DefaultFacts:
    """What holds for a site that nobody announced: values hold for 15 minutes, days are those of Asia/Shanghai."""

    def stale_after_ms(self, key: SeriesKey) -> int:
        del key
        return 900_000

    def time_zone(self, site: str) -> str:
        del site
        return "Asia/Shanghai"


class CommitStore(Protocol):
    """The part of a store that the ingest path works with."""

    def remembered(self) -> Remembered: ...

    def commit(self, work: CommitWork) -> None: ...

    def digests(self, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]: ...


class SeriesStore(Protocol):
    """See the module's text for call order and who retries."""

    def open(self) -> OpenReport:
        """Open or create the store. Blocking. A damaged one is set aside and replaced by an empty one."""
        ...

    def close(self) -> None:
        """Let go of the store. May be called again, and after a failed ``open``. Blocking."""
        ...

    def remembered(self) -> Remembered:
        """What earlier commits left behind. Blocking; read it once, before the first ``commit``."""
        ...

    def commit(self, work: CommitWork) -> None:
        """Store all of ``work`` durably in one transaction, or raise StoreUnavailable and store none. Blocking."""
        ...

    def digests(self, wanted: Sequence[tuple[int, str, int]]) -> dict[tuple[int, str, int], str]:
        """The digests of stored batches by (gateway, epoch, seq). Those that retention folded away are left out."""
        ...

    async def readings(self, query: ReadingsQuery) -> Page:
        """Raw readings (RAW_COLUMNS, with ORIGIN_COLUMNS behind when asked) or roll-ups (ROLLUP_COLUMNS).

        Roll-ups are exact up to the newest commit, whether or not the background has written them yet.
        Raises BadQuery. A series nobody stored has an empty page.
        """
        ...

    async def events(self, query: EventsQuery) -> Page:
        """Events as EVENT_COLUMNS; ``data`` is a dict, ``reason`` "" when the time is certain. Raises BadQuery."""
        ...

    async def newest_values(self, *, since_at: int) -> NewestValues:
        """For live state at the start."""
        ...

    async def newest_before(self, series: Ints, at: int, *, since_at: int) -> NewestValues:
        """Of each of ``series`` its newest reading with ``since_at < observed_at <= at``, by series; for the past.

        What arrived later but was true by then counts. A series without one is left out.
        """
        ...

    async def samples(self, wanted: Sequence[tuple[SeriesKey, int]], to_at: int) -> Samples:
        """All readings of each series with from_at <= at < to_at, given as (series, from_at). Not bounded: ask for
        as much as memory holds. A series nobody stored has none."""
        ...

    async def arrived(self, wanted: Sequence[SeriesKey], after_batch: int) -> Arrived:
        """What came of these series since a batch; 0 for all that is there."""
        ...

    async def quarantine(self, *, limit: int = 100) -> Page:
        """QUARANTINE_COLUMNS, newest first."""
        ...

    async def refused(self, *, gateway: GatewayKey | None = None, limit: int = 100) -> Page:
        """REFUSED_COLUMNS, newest first."""
        ...

    async def size(self) -> StoreSize:
        """How much there is."""
        ...

    async def maintain(self, now_ms: int) -> Sequence[LostPart]:
        """One round of roll-ups, clustering and retention, in small steps beside the commits.

        After a query or a round met rows that cannot be read any more, these are cut out; what was lost is returned.
        """
        ...
