"""The contract of the buffer: sealed batches on the gateway's own disk until the collector has acked them.

Call order: open() -> anything -> close(). open() may be called again, also after StoreDamaged; close() may be called
after a failed open(). One writer at a time; reads may run beside it.

Each batch stands at a *place*: places grow by one with each batch of the file's life and are never used twice. A batch
is named to the world by (epoch, seq); within an epoch, place - seq is constant. The highest seq of an epoch is never
forgotten, so that no seq is given out twice; where a file lost its newest batches, a new epoch begins. An epoch ends
where the next begins: what is said of higher seqs of it is said of no batch of this file.

Errors of every method: StoreUnavailable when the disk refuses (nothing of the call is stored; the caller tries again
later), StoreDamaged when the file cannot be read (the caller calls open(), which sets it aside and saves what reads).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, Protocol

from protocols.batch import Identity
from protocols.events import GATEWAY_DEVICE
from protocols.reading import Event, Reading, Scalar


class Kind(IntEnum):
    """Classes of batches: what is dropped first when the buffer is full. Gap records are never dropped."""

    TELEMETRY = 0
    EVENTS = 1
    GAPS = 2


class Draft(NamedTuple):
    """What shall become one batch (several, when it is too large for one)."""

    kind: Kind
    readings: Sequence[Reading] = ()
    events: Sequence[Event] = ()


class KeptBatch(NamedTuple):
    """One sealed batch as it lies in the buffer. `payload` is what is published, byte for byte, each time."""

    place: int
    identity: Identity
    kind: Kind
    readings: int
    events: int
    sealed_at: int
    payload: bytes


class EpochPlaces(NamedTuple):
    """The batches of an epoch stand at `base` + seq, none above `last`.

    More seqs may have been given out than `last` leaves room for: a card may lose its newest batches, and the next
    epoch begins where they stood.
    """

    base: int
    last: int = 2**63 - 1

    def of(self, first: int, last: int) -> tuple[int, int] | None:
        """The places of seqs first..last; None when this file has none for them."""
        span = max(first, 1) + self.base, min(last + self.base, self.last)
        return span if span[0] <= span[1] else None


class Rejected(NamedTuple):
    """A batch the collector will not take: it moves from the backlog into the quarantine."""

    place: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One transaction: all of it is on disk or nothing.

    sealed_at: the wall clock, ms. origins: of device messages whose events are in `drafts` or `untimed`. untimed:
    items whose times are milliseconds of the monotonic clock of `boot`. release: closed ranges of acked places; they
    are deleted, or kept for a time where the buffer was told to: then they count as waiting no more, are the first to
    go when room is needed, and are found by `read` until they are gone. That they are acked is written a little later:
    a kill may forget it, and they are sent once more.
    pinned: places that must not be dropped when room is made (they are on their way). The newest batch outlives its
    release until a newer one is stored; a restart before that forgets the release (the batch is sent once more).
    """

    sealed_at: int
    drafts: Sequence[Draft] = ()
    origins: Sequence[bytes] = ()
    untimed: Sequence[Draft] = ()
    boot: str = ""
    release: Sequence[tuple[int, int]] = ()
    rejected: Sequence[Rejected] = ()
    pinned: Collection[int] = ()
    damage_told: bool = False


class Committed(NamedTuple):
    """What a transaction did.

    batches: in order of place, gap records among them. refused: events and readings too large for any batch, left out.
    dropped_readings and dropped_events were removed to make room; a gap record among `batches` says so.
    retimed: rows of untimed items that became batches.
    """

    batches: list[KeptBatch]
    refused: Sequence[Event | Reading] = ()
    dropped_readings: int = 0
    dropped_events: int = 0
    retimed: int = 0


class Chunk(NamedTuple):
    """What a read found: intact batches, and gap records for those that were damaged on the disk."""

    batches: list[KeptBatch]
    gaps: list[KeptBatch]


class Damage(NamedTuple):
    """A buffer file that was set aside."""

    path: str
    salvaged: int
    lost: int
    detail: str


class Opened(NamedTuple):
    """The buffer as it was found. first > last means empty. last_good_at: newest trusted wall clock, 0 when none.

    untimed: per boot, the monotonic instant (ms) of its first item. damage: set aside, not yet reported as an event.
    kept: closed ranges of places that were acked and are kept: they do not wait to be sent.
    """

    epoch: str
    first: int
    last: int
    last_good_at: int
    untimed: dict[str, int]
    damage: Damage | None
    kept: Sequence[tuple[int, int]] = ()


class Kept(NamedTuple):
    """Acked batches that are still on the disk. since: when the first of them was acked, ms, 0 when there is none.

    spans: (epoch, first, last) seqs between which each batch is kept, or was dropped or set apart before its ack; what
    stands below `first` is gone, what stands above `last` was not all acked yet.
    """

    batches: int
    since: int
    spans: tuple[tuple[str, int, int], ...]


class Figures(NamedTuple):
    """The buffer now: `used_bytes` of `max_bytes` are taken; `error`: why the last commit failed, or "".

    `disk_full_since`: since when the disk has no room, by the monotonic clock; None while it has.
    """

    epoch: str
    batches: int
    readings: int
    events: int
    payload_bytes: int
    used_bytes: int
    max_bytes: int
    oldest_sealed_at: int
    untimed: int
    quarantined: int
    dropped_readings: int
    dropped_events: int
    error: str
    disk_full_since: float | None = None
    kept: Kept | None = None
    """None in a buffer that deletes what is acked."""


class Retiming(NamedTuple):
    """How untimed items of one boot get their time: by adding `shift_ms`; flagged when it is only a lower bound."""

    boot: str
    shift_ms: int
    uncertain: bool = False


class Buffer(Protocol):
    """See the module."""

    async def open(self) -> Opened:
        """Open or create; a damaged file is set aside, never a reason not to start. Raises StoreUnavailable."""

    async def close(self) -> None:
        """Give the file back. Nothing committed is lost whether or not this is called."""

    async def commit(self, change: Change) -> Committed:
        """Seal, store and release in one transaction, and return after it is on disk."""

    async def retime(self, retiming: Retiming, *, sealed_at: int) -> Committed:
        """Seal the oldest untimed items of one boot as batches, in one transaction; call until `retimed` is 0."""

    async def read(self, first: int, last: int, *, sealed_at: int) -> Chunk:
        """The first batches of places first..last, a bounded number of them, oldest first. Empty when there are none.

        A batch whose checksum does not fit goes to quarantine, and a gap record is sealed for it.
        """

    async def next_session(self, at_least: int) -> int:
        """A session number above all that this buffer has given, stored before it is returned."""

    def has_origin(self, origin: bytes) -> bool:
        """True when an event of this device message was committed (the last few thousand are known)."""

    def places_of(self, epoch: str) -> EpochPlaces | None:
        """Where the batches of this epoch stand; None for an epoch this file never had."""

    def kept(self, first: int, last: int) -> list[tuple[int, int]]:
        """The parts of places first..last that were acked and are kept, ascending."""

    def figures(self) -> Figures:
        """The buffer now, from memory."""


CHUNK_BATCHES = 64
CHUNK_BYTES = 512 * 1024
"""A read returns at most so much, but at least one batch when there is one."""

ORIGINS_KEPT = 4096

QUARANTINE_BATCHES = 64
"""The quarantine keeps the newest so many."""

Seal = Callable[[Identity, Draft, int], bytes]
"""How a draft becomes bytes; the third argument is sealed_at. Raises BadBatch above a limit."""


def gap_event(at: int, reason: str, **data: Scalar) -> Event:
    """A gap record: batches or readings that will never arrive, and why."""
    return Event(GATEWAY_DEVICE, "gap", at, {"reason": reason, **data})
