"""From the ledger to the engine: sends blocks, waits until they are surely at rest, and takes them out of the ledger.

Nothing is lost: a block leaves the ledger only after the engine took it, ``hold_s`` went by and it was not started
again meanwhile. Nothing is counted twice: a block that is sent again says the same, and engines and readers know that.
"""

import logging
import threading
from collections.abc import Callable, Sequence

import numpy as np

from cloud.store.contract import ReadingColumns, SeriesKey
from cloud.store.failpoint import Reach
from cloud.store.ledger_void import marked, newest_mark
from cloud.store.pending_blocks import Pending, PendingBlocks
from cloud.store.readings_engine import ReadingsEngine
from protocols.clock import Clock
from protocols.errors import BadSettings, StoreUnavailable

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 50_000
LOOK_EVERY_S = 1.0
RETRY_S = 2.0


class EngineFeed:
    """One thread between ``start`` and ``stop``."""

    def __init__(
        self,
        engine: ReadingsEngine,
        pending: PendingBlocks,
        clock: Clock,
        *,
        names: Callable[[], Sequence[SeriesKey]],
        remove: Callable[[int], None],
        raw_days: int | None,
        reach: Reach,
    ) -> None:
        self.failure = ""
        """Why the engine takes nothing; "" while it does."""
        self._engine, self._pending, self._clock = engine, pending, clock
        self._names, self._remove, self._raw_days, self._reach = names, remove, raw_days, reach
        self._checked = False
        self._marked_at: int | None = None
        self._wake = threading.Event()
        self._ending = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="engine-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What was not sent stays in the ledger. May be called again."""
        self._ending = True
        self._wake.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def wake(self) -> None:
        """There is a new block."""
        self._wake.set()

    def step(self) -> None:
        """One round. Raises StoreUnavailable, and BadSettings when the engine would not keep what it is given."""
        if not self._checked:
            self._engine.check(self._raw_days)
            self._checked = True
        if not self._pending.rows:
            return
        mark = self._engine.mark()
        if again := self._pending.recall(mark):
            log.warning("%s was started again: %d blocks of readings are sent again", self._engine.name, again)
        while not self._ending and (blocks := self._pending.unsent(ROWS_AT_ONCE)):
            self._engine.write(*marked(_joined(blocks), self._names(), self._next_mark()))
            self._reach("before_feed_noted")
            if self._engine.mark() != mark:
                return  # it was started again meanwhile: the next round sends them once more
            self._pending.sent(blocks, self._clock.monotonic(), mark)
        ripe = self._pending.settled(self._clock.monotonic() - self._engine.hold_s)
        if ripe and self._engine.mark() == mark:  # asked after they had become old enough
            self._pending.forget(ripe, self._remove)
            self._reach("after_feed_forgotten")

    def _next_mark(self) -> int:
        """When the next mark is: behind the last one, also where the wall clock was set back."""
        now = self._clock.now_ms()
        if self._marked_at is None:
            mark = newest_mark(self._engine, now)
            self._marked_at = mark.at if mark is not None else 0
        self._marked_at = max(now, self._marked_at + 1)
        return self._marked_at

    def _run(self) -> None:
        while not self._ending:
            pause = LOOK_EVERY_S
            try:
                self.step()
                if self.failure:
                    log.warning("%s takes readings again", self._engine.name)
                    self.failure = ""
            except (StoreUnavailable, BadSettings) as error:
                if str(error) != self.failure:
                    self.failure = str(error)
                    log.error("readings wait in the ledger: %s", error)
                pause = RETRY_S
            except Exception as error:  # task top: a fault here must be seen, and must not end the feed in silence
                self.failure = f"{type(error).__name__}: {error}"
                log.exception("readings wait in the ledger")
                pause = RETRY_S
            if self._wake.wait(pause) and self.failure and not self._ending:
                self._wake.clear()
                self._wake.wait(RETRY_S)
            self._wake.clear()


def _joined(blocks: Sequence[Pending]) -> ReadingColumns:
    columns = [block.columns for block in blocks]
    return ReadingColumns(
        series=np.concatenate([each.series for each in columns]),
        at=np.concatenate([each.at for each in columns]),
        value=np.concatenate([each.value for each in columns]),
        quality=np.concatenate([each.quality for each in columns]),
        batch=np.concatenate([each.batch for each in columns]),
    )
