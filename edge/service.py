"""The gateway as a service of systemd: says when it is ready, and feeds the watchdog while it gets on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from edge.notify import Notify
from edge.progress import Progress
from edge.status import Snapshot
from protocols.clock import Clock

log = logging.getLogger(__name__)

LOOK_EVERY_S = 5.0
STARTING_S = 60.0
"""How much longer the start may take, told anew at each look: a disk may be away for as long as it likes."""


class Watched(Protocol):
    """What is watched: a gateway."""

    def snapshot(self) -> Snapshot: ...


async def serve(
    run: Callable[[], Awaitable[None]],
    watched: Watched,
    progress: Progress,
    notify: Notify,
    clock: Clock,
    begins_again: Callable[[], bool] = lambda: False,
) -> None:
    """Run the gateway to its end; tell ``notify`` how it gets on, when somebody listens there.

    ``begins_again``: whether that end is one, or the same process starts anew.
    """
    if not notify.is_heard:
        await run()
        return
    looking = asyncio.get_running_loop().create_task(_look(watched, progress, notify, clock), name="watchdog")
    try:
        await run()
    finally:
        if not begins_again():
            notify.stopping()
        looking.cancel()


async def _look(watched: Watched, progress: Progress, notify: Notify, clock: Clock) -> None:
    every_s = min(LOOK_EVERY_S, (notify.watchdog_s or LOOK_EVERY_S * 3) / 3)
    ready = False
    told: list[str] = []
    while True:
        now = watched.snapshot()
        if not now.report.epoch and not ready:
            notify.starting(f"waits for its buffer: {now.report.buffer_error}", STARTING_S)
        else:
            if not ready:
                notify.ready(summary(now))
                ready = True
            stalled = progress.judge(now, clock.monotonic())
            if stalled:
                # Not fed from here on; systemd ends the process and starts it again.
                notify.stands_still("stands still: " + "; ".join(stalled))
            else:
                notify.gets_on(summary(now))
            if bool(stalled) != bool(told):
                if stalled:
                    log.error("stands still: %s", "; ".join(stalled))
                else:
                    log.warning("gets on again")
            told = stalled
        await clock.sleep(every_s)


def summary(now: Snapshot) -> str:
    """One line for ``systemctl status``."""
    waiting = now.report.backlog_batches
    link = now.session_state.replace("_", " ")
    backlog = f"{waiting:,} batches wait for an ack" if waiting else "everything is acked"
    away = [device.id for device in now.report.devices if device.state in ("failing", "lost")]
    silent = f", {len(away)} of {len(now.report.devices)} devices do not answer" if away else ""
    return f"{link}, {backlog}{silent}"
