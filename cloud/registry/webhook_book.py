"""Webhooks and what is to be sent to them, at rest."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select, update

from cloud.registry.database import Database
from cloud.registry.tables_alarm_rules import WebhookDeliveryRow, WebhookRow

KEPT = 2_000
"""Deliveries that are over and are remembered, the newest."""


class StoredWebhook(NamedTuple):
    """A webhook; ``body`` is JSON, ``url`` and ``secret`` are told nobody."""

    id: str
    rev: int
    changed_at: int
    changed_by: str
    body: str
    url: str
    secret: str


class Delivery(NamedTuple):
    """A message to a webhook. ``state``: waiting, sent, failed. ``id`` 0 was not written yet."""

    id: int
    webhook: str
    alarm: int
    event: str
    message: str
    made_at: int
    state: str = "waiting"
    tries: int = 0
    next_at: int = 0
    last_at: int | None = None
    answer: str = ""


class WebhookBook:
    """Reads and writes webhooks and their outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self) -> list[StoredWebhook]:
        """All webhooks, by id."""
        async with self._database.reading() as session:
            rows = await session.scalars(select(WebhookRow).order_by(WebhookRow.id))
            return [StoredWebhook(*(getattr(row, name) for name in StoredWebhook._fields)) for row in rows]

    async def put(self, webhook: StoredWebhook) -> None:
        """Write it, new or not."""
        async with self._database.writing() as session:
            await session.merge(WebhookRow(**webhook._asdict()))

    async def remove(self, name: str) -> None:
        """Forget it and what was to be sent there."""
        async with self._database.writing() as session:
            await session.execute(delete(WebhookRow).where(WebhookRow.id == name))
            await session.execute(delete(WebhookDeliveryRow).where(WebhookDeliveryRow.webhook == name))

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Put messages into the outbox, all or none, and forget the oldest that are over."""
        async with self._database.writing() as session:
            for delivery in deliveries:
                values = delivery._asdict()
                del values["id"]
                session.add(WebhookDeliveryRow(**values))
            await session.flush()
            over = select(WebhookDeliveryRow.id).where(WebhookDeliveryRow.state != "waiting")
            newest = await session.scalar(over.order_by(WebhookDeliveryRow.id.desc()).offset(KEPT).limit(1))
            if newest is not None:
                await session.execute(
                    delete(WebhookDeliveryRow).where(
                        WebhookDeliveryRow.state != "waiting", WebhookDeliveryRow.id <= newest
                    )
                )

    async def due(self, at: int, limit: int) -> list[Delivery]:
        """Of each webhook the oldest message that waits, if its time has come: messages keep their order."""
        first = (
            select(func.min(WebhookDeliveryRow.id))
            .where(WebhookDeliveryRow.state == "waiting")
            .group_by(WebhookDeliveryRow.webhook)
        )
        query = select(WebhookDeliveryRow).where(WebhookDeliveryRow.id.in_(first), WebhookDeliveryRow.next_at <= at)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(WebhookDeliveryRow.id).limit(limit))
            return [_delivery(row) for row in rows]

    async def keep(self, delivery: Delivery) -> None:
        """Write down what became of a message."""
        values = delivery._asdict()
        async with self._database.writing() as session:
            await session.execute(
                update(WebhookDeliveryRow).where(WebhookDeliveryRow.id == values.pop("id")).values(**values)
            )

    async def log(self, webhook: str, limit: int) -> list[Delivery]:
        """Messages of a webhook, the newest first."""
        query = select(WebhookDeliveryRow).where(WebhookDeliveryRow.webhook == webhook)
        async with self._database.reading() as session:
            rows = await session.scalars(query.order_by(WebhookDeliveryRow.id.desc()).limit(limit))
            return [_delivery(row) for row in rows]

    async def told(self, alarms: Sequence[int]) -> set[tuple[str, int]]:
        """Which webhooks were told that these alarms began."""
        query = select(WebhookDeliveryRow.webhook, WebhookDeliveryRow.alarm).where(
            WebhookDeliveryRow.event == "raised", WebhookDeliveryRow.alarm.in_(alarms)
        )
        async with self._database.reading() as session:
            return {(row[0], row[1]) for row in await session.execute(query)}


def _delivery(row: WebhookDeliveryRow) -> Delivery:
    return Delivery(*(getattr(row, name) for name in Delivery._fields))
