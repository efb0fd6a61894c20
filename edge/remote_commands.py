"""Orders of the collector: verified, put on disk as seen, held against the site file, carried out once, answered.

What is not signed by our collector, is retained, or was seen before gets no answer but a count: it may be a replay.
Every other order is answered by one event ``command_result`` with ``result`` done, refused or unknown.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

from edge.commands import Command, CommandOutcome
from edge.contract import LinkMessage, Sink
from edge.seen_commands import SeenCommands, Untold
from edge.settings import RemoteRule
from protocols.alive import stop_if_cancelled
from protocols.clock import MS_PER_S, Clock
from protocols.commands import Order, open_order, untimely
from protocols.errors import BadCommand, Permanent, StoreUnavailable
from protocols.reading import Event

log = logging.getLogger(__name__)

WAITING_MAX = 16
"""Orders that wait while one is carried out; further ones are dropped and counted, and expire."""
DETAIL_MAX = 400
RECORD_AGAIN_S = 5.0

T = TypeVar("T")
Obey = Callable[[Command], Awaitable[CommandOutcome]]
Rules = Mapping[tuple[str, str], RemoteRule]


class RemoteCommands:
    """`hear` takes messages of the channel ``cmd``; `run` carries out, one after the other."""

    def __init__(
        self,
        *,
        site: str,
        gateway: str,
        rules: Rules,
        seen: SeenCommands,
        key: Callable[[], bytes],
        clock_known: Callable[[], bool],
        obey: Obey,
        sink: Sink,
        clock: Clock,
    ) -> None:
        self._site, self._gateway, self._rules, self._seen = site, gateway, rules, seen
        self._key, self._clock_known, self._obey, self._sink, self._clock = key, clock_known, obey, sink, clock
        self._waiting: asyncio.Queue[Order] = asyncio.Queue(WAITING_MAX)
        self.ignored: Counter[str] = Counter()
        """Messages that were not answered, by reason."""

    async def hear(self, message: LinkMessage) -> None:
        """Take one message; never waits."""
        if message.retain:
            self._ignore("retained", "a broker's memory gives no orders")
            return
        try:
            order = open_order(message.payload, self._key(), site=self._site, gateway=self._gateway)
            self._waiting.put_nowait(order)
        except BadCommand as error:
            self._ignore(error.reason, error.detail)
        except asyncio.QueueFull:
            self._ignore("too_many", "they come faster than they can be carried out")
        except (Permanent, OSError) as error:
            self._ignore("no_key", f"this gateway cannot verify it: {error}")

    async def run(self) -> None:
        """Work until cancelled."""
        for left in await self._ask_seen(self._seen.untold):
            detail = "the gateway ended while it was carried out; nobody knows whether it was done"
            await self._record(left, CommandOutcome(None, detail), "unknown")
        while True:
            await self._take(await self._waiting.get())

    async def _take(self, order: Order) -> None:
        try:
            is_new = await asyncio.to_thread(self._seen.take, order)
        except StoreUnavailable as error:
            self._ignore("store", f"it cannot be put on disk as seen: {error}")
            return
        if not is_new:
            self._ignore("seen", "it was seen before")
            return
        told = Untold(order.id, order.device, order.text)
        refused = self._refusal(order) or await self._too_often(order)
        if refused is not None:
            await self._record(told, CommandOutcome(False, refused, sent=False), "refused")
            return
        try:
            outcome = await self._obey(Command(order.device, order.point, order.action, order.value))
        except Exception as error:  # task top: whatever it was, the order is not tried again
            log.exception("an order failed by a defect")
            outcome = CommandOutcome(None, f"it failed: {type(error).__name__}")
            stop_if_cancelled()
        result = "unknown" if outcome.ok is None else "done" if outcome.ok else "refused"
        await self._record(told, outcome, result)

    def _refusal(self, order: Order) -> str | None:
        if not self._clock_known():
            return "the clock of this gateway is not set, so nobody knows how old the order is"
        late = untimely(order, self._clock.now_ms())
        if late is not None:
            return late
        rule = self._rules.get((order.device, order.point))
        if rule is None or order.action not in rule.actions:
            return (
                f"the site file does not allow {order.action} of {order.point} under [device.remote] of {order.device}"
            )
        wrong = rule.wrong_value(order.action, order.value)
        if wrong is not None:
            return wrong
        if rule.second_person and order.people < 2:
            return "the site file asks for two people here, and one stands for it; ask for an approval at the collector"
        return None

    async def _too_often(self, order: Order) -> str | None:
        """Looked at last, so that only what is carried out is counted."""
        rate = self._rules[order.device, order.point].rate
        if rate is None:
            return None
        spend = partial(
            self._seen.spend,
            order.device,
            order.point,
            most=rate.most,
            within_ms=int(rate.within_s * MS_PER_S),
            now_ms=self._clock.now_ms(),
        )
        try:
            if await asyncio.to_thread(spend):
                return None
        except StoreUnavailable as error:
            return f"the site file sets a rate, and the order cannot be counted on disk: {error}"
        return f"the site file allows {rate.most} in {rate.within_s:g} s, and so many were carried out"

    async def _record(self, order: Untold, outcome: CommandOutcome, result: str) -> None:
        """One event for each order, also when this is tried again after a restart."""
        log.info("order %s: %s: %s: %s: %s", order.id, order.device, order.command, result, outcome.detail)
        data = {
            "id": order.id,
            "command": order.command,
            "ok": outcome.ok,
            "result": result,
            "detail": outcome.detail[:DETAIL_MAX],
        }
        event = Event(order.device, "command_result", self._clock.now_ms(), dict(data))
        origin = hashlib.sha256(b"command result\0" + order.id.encode()).digest()
        while True:
            try:
                await self._sink.event(event, origin=origin, redelivered=True)
                break
            except StoreUnavailable as error:
                log.warning("what became of order %s is not on record yet: %s", order.id, error)
                await self._clock.sleep(RECORD_AGAIN_S)
        await self._ask_seen(lambda: self._seen.told(order.id))

    async def _ask_seen(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return await asyncio.to_thread(work)
            except StoreUnavailable as error:
                self._ignore("store", str(error))
                await self._clock.sleep(RECORD_AGAIN_S)

    def _ignore(self, reason: str, detail: str) -> None:
        self.ignored[reason] += 1
        count = self.ignored[reason]
        if count & (count - 1) == 0:  # 1, 2, 4, 8 ...: a flood of them fills no log
            log.warning("an order is ignored (%s, %d so far): %s", reason, count, detail[:200])
