"""Natural batching: one commit takes all that arrived while the last one ran.

An idle collector so commits a card event at once, and a busy one tens of thousands of readings together. Order of one
round: store (durable), acks, broker may forget, handlers.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cloud.ingest.contract import AlarmSink, Committed, CommittedHandler
from cloud.ingest.fading import FadingAlarms
from cloud.ingest.identity import Stream
from cloud.ingest.message import Inbox, Incoming
from cloud.ingest.outbox import AckOutbox
from cloud.ingest.prepare import Preparer
from cloud.ingest.prepared import Prepared
from cloud.ingest.shared import SharedCommit
from cloud.store.contract import CommitRefused, CommitStore
from protocols.alive import stop_if_cancelled
from protocols.clock import Clock
from protocols.errors import StoreUnavailable

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.5
RETRY_LAST_S = 10.0

T = TypeVar("T")


class GroupCommit:
    """The one writer. ``run`` is its task; everything that touches the store runs in its one worker thread."""

    def __init__(
        self,
        preparer: Preparer,
        store: CommitStore,
        inbox: Inbox,
        outbox: AckOutbox,
        handlers: Sequence[CommittedHandler],
        alarms: AlarmSink,
        clock: Clock,
        shared: SharedCommit | None = None,
        stored: Callable[[int, int], None] = lambda batches, readings: None,
    ) -> None:
        """``shared``: how a collector of a group commits; handlers are then told by the one that follows the ledger."""
        self._shared = shared
        self._stored = stored
        """Told after each commit how many batches and readings it brought."""
        self._preparer = preparer
        self._store = store
        self._inbox = inbox
        self._outbox = outbox
        self._handlers = handlers
        self._alarms = alarms
        self._fading = FadingAlarms(alarms, clock)
        self._clock = clock
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self.commits = 0
        self.commit_ms_last = 0.0
        self.ignored = 0
        self.handler_failures = 0
        self.failing_since: int | None = None

    async def run(self) -> None:
        """Commit until cancelled. A commit that has begun is finished before this returns."""
        try:
            while True:
                await self._round(await self._inbox.take())
        finally:
            self._worker.shutdown(wait=True)

    async def lift_fence(self, stream: Stream) -> bool:
        """Lift one fence durably; False when there was none. Raises StoreUnavailable."""

        def lift() -> bool:
            if self._shared is not None:
                return self._shared.lift(stream)
            work = self._preparer.lift(stream)
            if work is None:
                return False
            self._store.commit(work)
            self._preparer.settle_lift(work)
            return True

        return await self._in_worker(lift)

    def fade_alarms(self) -> None:
        """Clear alarms about what has not happened for an hour."""
        self._fading.fade()

    async def _round(self, group: Sequence[Incoming]) -> None:
        began = self._clock.monotonic()
        for prepared in await self._store_group(group):
            self._outbox.add(prepared.answers)
            self.ignored += prepared.ignored
            self.commits += 1
            self._stored(len(prepared.accepted), sum(one.row.readings for one in prepared.accepted))
            for kind, source, args in prepared.alarms:
                if kind == "identity_conflict":  # stands until a person lifts the fence
                    self._alarms.raise_alarm(kind, source, args)
                else:
                    self._fading.happened(kind, source, args)
            if prepared.committed.batches and self._shared is None:
                await self.hand_on(prepared.committed)
        for message in group:
            message.release()
        self.commit_ms_last = (self._clock.monotonic() - began) * 1000

    async def _store_group(self, group: Sequence[Incoming]) -> list[Prepared]:
        """Store a group, however long the store is away; what the store refuses as such is taken apart."""
        try:
            return [await self._insist(lambda: self._store_work(lambda: self._preparer.prepare(group)))]
        except CommitRefused as error:
            log.error("the store refuses a commit of %d messages: %s", len(group), error)
        done: list[Prepared] = []
        for message in group:
            done.append(await self._store_alone(message))
        return done

    async def _store_alone(self, message: Incoming) -> Prepared:
        try:
            return await self._insist(lambda: self._store_work(lambda: self._preparer.prepare([message])))
        except CommitRefused as error:
            detail = str(error)
            log.error("the store refuses one message of %s: %s", message.topic, detail)
        try:
            return await self._insist(lambda: self._store_work(lambda: self._preparer.prepare_refusal(message, detail)))
        except CommitRefused as error:
            log.error("not even its quarantine was stored, it is left unanswered: %s", error)
            return Prepared()

    def _store_work(self, make: Callable[[], Prepared]) -> Prepared:
        if self._shared is not None:
            return self._shared.store(make)
        prepared = make()
        self._store.commit(prepared.work)
        self._preparer.settle(prepared)
        return prepared

    async def _insist(self, store: Callable[[], Prepared]) -> Prepared:
        """Try until the store takes it. Raises CommitRefused only."""
        pause = RETRY_FIRST_S
        while True:
            try:
                prepared = await self._in_worker(store)
            except CommitRefused:
                raise
            except StoreUnavailable as error:
                if self.failing_since is None:
                    self.failing_since = self._clock.now_ms()
                    log.error("the store does not take commits, trying again until it does: %s", error)
                self._alarms.raise_alarm("store_unavailable", "collector", {"detail": str(error)[:300]})
                await self._clock.sleep(pause)
                pause = min(RETRY_LAST_S, pause * 2)
                continue
            if self.failing_since is not None:
                self.failing_since = None
                log.warning("the store takes commits again")
                self._alarms.clear_alarm("store_unavailable", "collector")
            return prepared

    async def in_worker(self, call: Callable[[], T]) -> T:
        """Run something in the one thread that may change what is known."""
        return await self._in_worker(call)

    async def _in_worker(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    async def hand_on(self, committed: Committed) -> None:
        """Give every handler, in their order, what is durable."""
        for handler in self._handlers:
            try:
                await handler.committed(committed)
            except Exception as error:  # task top: what is stored must reach the other handlers
                self.handler_failures += 1
                name = type(handler).__name__
                log.exception("handler %s failed on a commit", name)
                self._fading.happened("handler_failed", "collector", {"handler": name, "detail": str(error)[:300]})
                stop_if_cancelled()
