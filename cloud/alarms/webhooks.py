"""Sends alarms to webhooks. What is to be sent is in the registry first, so that a restart loses none of it.

A message that was not taken is sent again after 10 s, 20 s, 40 s ... at most an hour, with jitter, for 24 h. Messages
of one webhook keep their order. A receiver may get one twice, when the collector ended between sending and writing it
down: ``X-Dayuan-Delivery`` is the same then.
"""

import logging
import random
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from cloud.alarms.board import AlarmBoard
from cloud.alarms.shown import AlarmView
from cloud.alarms.webhook import Event, Prepared, Told, Webhook, accepted, prepare, told
from cloud.registry.webhook_book import Delivery, StoredWebhook, WebhookBook
from protocols.clock import Clock
from protocols.errors import Permanent, Retryable, StoreUnavailable

log = logging.getLogger(__name__)

TICK_S = 1.0
AT_ONCE = 8
FIRST_S, LONGEST_S = 10.0, 3600.0
GIVE_UP_MS = 86_400_000
ROBOT_GAP_MS = 3_100
"""DingTalk and WeCom take 20 messages a minute."""
WAITING_MAX = 5_000


class Said(Protocol):
    """An answer of a receiver."""

    @property
    def status(self) -> int: ...

    @property
    def body(self) -> bytes: ...


Post = Callable[[Prepared, str], Awaitable[Said]]


class WebhookChanged(Permanent):
    """The webhook is not at the expected revision any more; ``rev`` is the one it has."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"the webhook is at revision {rev} now")


async def _post(request: Prepared, ca_file: str) -> Said:
    from cloud.alarms.webhook_post import post  # httpx costs start-up time that few need to pay

    return await post(request, ca_file=ca_file)


class Webhooks:
    """All webhooks and their outbox."""

    def __init__(self, board: AlarmBoard, book: WebhookBook, clock: Clock, *, post: Post = _post) -> None:
        self.dropped = 0
        """Messages that found the outbox in RAM full, while the registry could not be written."""
        self.zone_of: Callable[[str], str] = lambda _: "UTC"
        """The zone of a site."""
        self._board, self._book, self._clock, self._post = board, book, clock, post
        self._stored: dict[str, tuple[Webhook, StoredWebhook]] = {}
        self._told: set[tuple[str, int]] = set()
        self._unwritten: list[Delivery] = []
        self._last_sent: dict[str, int] = {}
        self._random = random.Random()

    async def open(self) -> None:
        """Read what was set; alarms of since then that were not told of, as the collector ended, are told now."""
        for stored in await self._book.all():
            self._take(stored)
        active = self._board.active()
        self._told = await self._book.told([int(alarm.id) for alarm in active])
        for alarm in active:
            self._consider(alarm, only_after_change=True)
        self._board.watchers.append(self._consider)

    # --- what is set ---

    def all(self) -> list[tuple[Webhook, StoredWebhook]]:
        """All webhooks, by id."""
        return [self._stored[name] for name in sorted(self._stored)]

    def find(self, name: str) -> tuple[Webhook, StoredWebhook] | None:
        return self._stored.get(name)

    async def put(self, webhook: Webhook, url: str, secret: str, *, by: str, rev: int | None) -> StoredWebhook:
        """Make or change one. Raises WebhookChanged."""
        known = self._stored.get(webhook.id)
        now_rev = known[1].rev if known else 0
        if rev is not None and rev != now_rev:
            raise WebhookChanged(now_rev)
        body = msgspec.json.encode(webhook).decode()
        stored = StoredWebhook(webhook.id, now_rev + 1, self._clock.now_ms(), by, body, url, secret)
        await self._book.put(stored)
        self._take(stored)
        return stored

    async def remove(self, name: str) -> None:
        """Forget one. No error when there was none."""
        self._unwritten = [each for each in self._unwritten if each.webhook != name]
        self._stored.pop(name, None)
        await self._book.remove(name)

    async def deliveries(self, name: str, limit: int) -> list[Delivery]:
        """What was and will be sent to one, the newest first."""
        return await self._book.log(name, limit)

    async def test(self, name: str) -> Delivery:
        """Send a message now, past the outbox, and say what came of it."""
        webhook, stored = self._stored[name]
        now = self._clock.now_ms()
        text = {"en": "A test of this webhook. Nothing is wrong.", "zh": "这是一条测试消息，一切正常。"}
        message = Told(
            event="test",
            at=now,
            alarm="0",
            kind="test",
            priority=3,
            source=webhook.site or "dayuan",
            since=now,
            ended_at=None,
            text=text,
            name=webhook.name,
            zone=self.zone_of(webhook.site) if webhook.site else "UTC",
        )
        delivery = Delivery(0, name, 0, "test", msgspec.json.encode(message).decode(), now)
        said = await self._try(webhook, stored, delivery)
        return said if said.state == "sent" else said._replace(state="failed")  # nobody waits for a test

    # --- what is sent ---

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(TICK_S)
            try:
                await self.round()
            except StoreUnavailable as error:
                log.warning("webhooks: the outbox cannot be used now: %s", error)

    async def round(self) -> None:
        """Write down what is new and send what is due. Raises StoreUnavailable."""
        await self.flush()
        now = self._clock.now_ms()
        for delivery in await self._book.due(now, AT_ONCE):
            known = self._stored.get(delivery.webhook)
            if known is None or not known[0].enabled:
                await self._book.keep(delivery._replace(state="failed", answer="the webhook is not enabled"))
                continue
            if known[0].format != "json" and now - self._last_sent.get(delivery.webhook, 0) < ROBOT_GAP_MS:
                continue
            self._last_sent[delivery.webhook] = now
            await self._book.keep(await self._try(*known, delivery))

    async def flush(self) -> None:
        """Write down what is new. Raises StoreUnavailable; nothing is lost then."""
        if self._unwritten:
            batch, self._unwritten = self._unwritten, []
            try:
                await self._book.add(batch)
            except StoreUnavailable:
                self._unwritten = [*batch, *self._unwritten]
                raise

    def _consider(self, alarm: AlarmView, *, only_after_change: bool = False) -> None:
        number = int(alarm.id)
        for name, (webhook, stored) in self._stored.items():
            if alarm.active and alarm.state == "unacknowledged" and (name, number) not in self._told:
                if webhook.wants(alarm) and not (only_after_change and alarm.since < stored.changed_at):
                    self._told.add((name, number))
                    self._queue(name, self._told_of("raised", alarm))
            elif not alarm.active and (name, number) in self._told:
                self._told.discard((name, number))
                if webhook.returned and webhook.enabled:
                    self._queue(name, self._told_of("returned", alarm))

    def _told_of(self, event: Event, alarm: AlarmView) -> Told:
        site, _, own = alarm.source.partition("/")
        name = self._board.name_of("", site) if own else ""
        return told(event, alarm, self._clock.now_ms(), site_name=name, zone=self.zone_of(site) if own else "UTC")

    def _queue(self, name: str, message: Told) -> None:
        if len(self._unwritten) >= WAITING_MAX:
            self.dropped += 1
            return
        now = self._clock.now_ms()
        text = msgspec.json.encode(message).decode()
        self._unwritten.append(Delivery(0, name, int(message.alarm), message.event, text, now, next_at=now))

    async def _try(self, webhook: Webhook, stored: StoredWebhook, delivery: Delivery) -> Delivery:
        """Send once; the delivery as it is then."""
        now = self._clock.now_ms()
        message = msgspec.json.decode(delivery.message, type=Told)
        request = prepare(webhook, stored.url, stored.secret, message, delivery=delivery.id, at=now)
        tries = delivery.tries + 1
        try:
            said = await self._post(request, webhook.ca_file)
        except Retryable as error:
            return self._later(delivery, tries, now, str(error))
        answer = f"{said.status} {said.body[:200].decode('utf-8', 'replace')}".strip()
        if accepted(webhook, said.status, said.body):
            return delivery._replace(state="sent", tries=tries, last_at=now, answer=answer)
        return self._later(delivery, tries, now, answer)

    def _later(self, delivery: Delivery, tries: int, now: int, answer: str) -> Delivery:
        wait_ms = min(LONGEST_S, FIRST_S * 2 ** min(tries - 1, 12)) * self._random.uniform(0.8, 1.2) * 1000
        over = now + wait_ms > delivery.made_at + GIVE_UP_MS
        if over:
            log.error("webhook %s: a message was given up after %d tries: %s", delivery.webhook, tries, answer)
        elif tries == 1 and delivery.event != "test":
            log.warning("webhook %s: a message was not taken and will be sent again: %s", delivery.webhook, answer)
        state = "failed" if over else "waiting"
        return delivery._replace(state=state, tries=tries, last_at=now, next_at=now + int(wait_ms), answer=answer)

    def _take(self, stored: StoredWebhook) -> None:
        self._stored[stored.id] = (msgspec.json.decode(stored.body, type=Webhook), stored)
