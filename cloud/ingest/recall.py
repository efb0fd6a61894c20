"""What a collector that came back from a backup misses, it asks of the gateways that still have it.

A gateway says in its status between which seqs it kept what was acked (``protocols.status.KeptReport``). What of that
this collector does not hold, its former self held and lost: it is named in an ack (``missing``) and comes once more, by
the path of every late batch. In normal life nothing is missing and nothing is sent. One collector asks: of a group the
one at the desk, by the ledger they share.

Asked is only what was missing at two looks: a status may overtake a commit. The second look waits until everything that
was committed by the first is known here, which at the desk of a group may take a while. While a gateway still sends
nothing more is asked of it, and what stays missing (it was dropped before its ack, or set apart) is asked for more and
more rarely, also when more is missing by then.
What no gateway has any more at two looks is told by an alarm (``loss.py``), with the instants between which it was
received.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Protocol

from cloud.ingest.contract import AlarmSink
from cloud.ingest.loss import Holes, Loss, Span
from cloud.store.contract import GatewayKey, SeriesStore
from protocols.ack import Ack, encode_ack
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.errors import WireLost
from protocols.status import KeptReport, Status
from protocols.topics import topic

log = logging.getLogger(__name__)

ASK_AGAIN_S = (10.0, 3600.0)
RANGES_ASKED = 1_000
EPOCHS_MAX = 16
TIMES_IN_VAIN = 3
"""What was asked for so often and did not come is not there."""


class Held(Protocol):
    """What is stored, of which the running path knows."""

    def holes(self, key: GatewayKey, epoch: str, first: int, last: int) -> list[Span]: ...

    def first_stored(self, key: GatewayKey, epoch: str) -> int | None: ...

    def is_fenced(self, key: GatewayKey, epoch: str) -> bool: ...

    def current_at(self) -> float:
        """Everything that was committed up to this instant (monotonic) is known."""
        ...

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None: ...


@dataclass(slots=True)
class _Asked:
    """Of one gateway, since the start."""

    session: int = 0
    looked_at: float = 0.0
    seen: Holes = field(default_factory=dict)
    asked: Holes = field(default_factory=dict)
    rounds: list[Holes] = field(default_factory=list)
    """The last that were asked for, while nothing of it came."""
    next_at: float = 0.0
    pause_s: float = ASK_AGAIN_S[0]
    below: Holes | None = None
    """At the last look: what is not stored and was kept no more."""


class Recall:
    """An ``AnnouncementHandler``."""

    def __init__(
        self, held: Held, store: SeriesStore, alarms: AlarmSink, zone: Callable[[str], str], clock: Clock
    ) -> None:
        """``zone``: the time zone of a site."""
        self._held, self._clock = held, clock
        self._loss = Loss(store, alarms, zone, clock)
        self._gateways: dict[GatewayKey, _Asked] = {}

    async def birth(self, key: GatewayKey, birth: Birth, *, received_at: int, retained: bool) -> None:
        """A birth says nothing of it."""

    async def status(self, key: GatewayKey, status: Status, *, received_at: int, retained: bool) -> None:
        """Compare what a gateway kept with what is stored, and ask for the difference."""
        kept = status.report.kept if status.report is not None else None
        if kept is None or status.state != "online":
            return
        asked = self._gateways.setdefault(key, _Asked())
        if self._held.current_at() < asked.looked_at:
            return
        asked.looked_at = self._clock.monotonic()
        if status.session != asked.session:
            asked.session, asked.asked = status.session, {}
        missing, before = self._missing(key, kept), asked.seen
        lost = self._lost(key, kept, missing, asked)
        if lost is not None:
            await self._loss.look(key, lost)
        asked.seen = missing
        missing = _in_both(missing, before)
        if missing and not kept.waiting:
            await self._ask(key, missing, asked)

    def _missing(self, key: GatewayKey, kept: KeptReport) -> Holes:
        found: Holes = {}
        for epoch, first, last in kept.spans[:EPOCHS_MAX]:
            if 1 <= first <= last and not self._held.is_fenced(key, epoch):
                found[epoch] = self._held.holes(key, epoch, first, last)[:RANGES_ASKED]
        return {epoch: spans for epoch, spans in found.items() if spans}

    async def _ask(self, key: GatewayKey, missing: Holes, asked: _Asked) -> None:
        now = self._clock.monotonic()
        if not asked.asked or _in_both(asked.asked, missing) != asked.asked:  # something of it came
            asked.rounds, asked.next_at, asked.pause_s = [], 0.0, ASK_AGAIN_S[0]
        asked.asked = missing
        if now < asked.next_at:
            return
        asked.rounds = [*asked.rounds[1 - TIMES_IN_VAIN :], missing]
        asked.next_at, asked.pause_s = now + asked.pause_s, min(2 * asked.pause_s, ASK_AGAIN_S[1])
        for epoch, spans in missing.items():
            count = sum(last - first + 1 for first, last in spans)
            log.warning("%s/%s is asked for %d batches of %s that were acked and are not here", *key, count, epoch)
            ack = Ack(epoch, at=self._clock.now_ms(), missing=spans)
            try:
                await self._held.publish(topic(key.site, key.gateway, "ack"), encode_ack(ack))
            except WireLost as error:
                log.info("it waits for the broker: %s", error)
                asked.asked = {}
                return

    def _lost(self, key: GatewayKey, kept: KeptReport, missing: Holes, asked: _Asked) -> Holes | None:
        """What no gateway has any more at this look and at the one before; None at the first."""
        below: Holes = {}
        for epoch, first, _ in kept.spans[:EPOCHS_MAX]:
            since = self._held.first_stored(key, epoch)
            if since is not None and since < first:
                below[epoch] = self._held.holes(key, epoch, since, first - 1)
        before, asked.below = asked.below, below
        if before is None:
            return None
        lost = _in_both(below, before)
        if len(asked.rounds) == TIMES_IN_VAIN:
            for epoch, spans in _in_both(missing, reduce(_in_both, asked.rounds)).items():
                lost[epoch] = [*lost.get(epoch, []), *spans]
        return lost


def _in_both(holes: Holes, others: Holes) -> Holes:
    found = {epoch: _common(spans, others.get(epoch, [])) for epoch, spans in holes.items()}
    return {epoch: spans for epoch, spans in found.items() if spans}


def _common(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """What is in both; each ascending and disjoint."""
    return [
        (max(first, start), min(last, end))
        for first, last in spans
        for start, end in others
        if max(first, start) <= min(last, end)
    ]
