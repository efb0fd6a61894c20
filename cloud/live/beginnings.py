"""What is sent first to those who begin to listen: built once, then shared by all who come within a moment.

A hall of consoles that comes back after an outage asks for the same at the same time.
"""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from cloud.live.encoded import EncodedEntities
from cloud.live.frames import Frame, Recent, event
from protocols.clock import Clock

KEPT_S = 2.0


class _Whole(NamedTuple):
    """All entities and active alarms at a cursor; changes while it was built come again after it."""

    seq: int
    cursor: str
    as_of: int
    built_at: float
    rest: Frame


class Beginnings:
    """``frames`` tells everything. What was built is used again while all that followed is known and is little.

    ``at``: where the cursor stands.
    """

    def __init__(
        self,
        entities: EncodedEntities,
        recent: Recent,
        clock: Clock,
        *,
        at: Callable[[], tuple[int, str]],
    ) -> None:
        self.sent: dict[str, int] = {}
        """Snapshots sent, by reason."""
        self.built = 0
        self._entities, self._recent, self._clock = entities, recent, clock
        self._at = at
        self.active_alarms: Callable[[], list[object]] = list
        """What a new client is told of, after its snapshot."""
        self._encoder = msgspec.json.Encoder()
        self._whole: _Whole | None = None
        self._building = asyncio.Lock()

    async def frames(self, reason: str, *, packed: bool) -> list[Frame]:
        """A snapshot and what happened since, up to the moment of return."""
        async with self._building:
            while True:
                whole = self._usable() or await self._build()
                if packed and not whole.rest.is_packed:
                    await asyncio.to_thread(whole.rest.of, packed=True)
                since = self._recent.after(whole.seq)
                if since is not None:
                    break
        self.sent[reason] = self.sent.get(reason, 0) + 1
        head = self._encoder.encode({"reason": reason, "cursor": whole.cursor, "as_of": whole.as_of})
        begun = Frame(f"id: {whole.cursor}\nevent: snapshot\ndata: ".encode() + head[:-1] + b',"entities":[')
        return [begun, whole.rest, *since]

    def forget_old(self) -> None:
        """Keep no memory for those who will not come."""
        if self._whole is not None and self._clock.monotonic() - self._whole.built_at > KEPT_S:
            self._whole = None

    # --- inside ---

    def _usable(self) -> _Whole | None:
        """What was built, unless it would take almost as much again to tell what happened since."""
        self.forget_old()
        whole = self._whole
        since = self._recent.after(whole.seq) if whole is not None else None
        if whole is None or since is None:
            return None
        return whole if 2 * sum(len(frame.plain) for frame in since) <= len(whole.rest.plain) else None

    async def _build(self) -> _Whole:
        """In small steps; what changes meanwhile follows as a delta after it."""
        seq, cursor = self._at()
        as_of = self._clock.now_ms()
        parts = [part async for part in self._entities.all()]
        alarms = [event("alarm", self._encoder.encode(alarm), cursor).plain for alarm in self.active_alarms()]
        rest = Frame(b",".join(parts) + b"]}\n\n" + b"".join(alarms))
        self._whole = _Whole(seq, cursor, as_of, self._clock.monotonic(), rest)
        self.built += 1
        return self._whole
