"""Commands that wait for a second person, as a notice each: it begins when one is asked for and ends when it is over.

The notice travels with the live stream, so pages learn of an approval without asking again and again. It names no
person: who asked is told by the list of approvals, to those who may read that.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from cloud.alarms.shown import AlarmView
from cloud.registry.approval_book import ApprovalBook
from cloud.registry.tables_identity import ApprovalRow
from protocols.clock import MS_PER_S, Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
"""What another process decided (the command line, a second collector) is known so late at most."""
KIND = "approval_waiting"
WAITING_MAX = 200


class Alarms(Protocol):
    """Where notices are shown (``cloud.alarms.board``)."""

    def active(self) -> Sequence[AlarmView]: ...

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class ApprovalWatch:
    """``run`` beside the rest; ``changed`` says that something was asked for or decided here."""

    def __init__(self, book: ApprovalBook, alarms: Alarms, clock: Clock) -> None:
        self._book, self._alarms, self._clock = book, alarms, clock
        self._wake = asyncio.Event()

    def changed(self) -> None:
        """Look now, not at the next turn."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            wait_s = LOOK_EVERY_S
            try:
                wait_s = await self.look()
            except StoreUnavailable as error:
                log.warning("which commands wait for a second person is not known now: %s", error)
            await self._turn(wait_s)

    async def look(self) -> float:
        """Bring the notices into line with what waits; the seconds until the next one is over, or `LOOK_EVERY_S`.
        Raises StoreUnavailable."""
        now = self._clock.now_ms()
        waiting = {_source(row): row for row in await self._book.waiting(now, WAITING_MAX)}
        shown = {alarm.source for alarm in self._alarms.active() if alarm.kind == KIND}
        for source in shown - set(waiting):
            self._alarms.clear_alarm(KIND, source)
        for source, row in waiting.items():
            self._alarms.raise_alarm(KIND, source, _args(row))
        over = [(row.until - now) / MS_PER_S for row in waiting.values()]
        return max(0.05, min([LOOK_EVERY_S, *over]))

    async def _turn(self, wait_s: float) -> None:
        sleeping = asyncio.create_task(self._clock.sleep(wait_s), name="until the next approval ends")
        woken = asyncio.create_task(self._wake.wait(), name="an approval changed")
        try:
            await asyncio.wait([sleeping, woken], return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            woken.cancel()


def _source(row: ApprovalRow) -> str:
    return f"{row.site}/approval:{row.id}"


def _args(row: ApprovalRow) -> dict[str, str]:
    value = "" if row.value is None else f" {row.value:g}"
    return {"name": row.device, "device": row.device, "what": f"{row.point} {row.action}{value}", "reason": row.reason}
