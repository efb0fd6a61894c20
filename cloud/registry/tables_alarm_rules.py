"""Tables of what people do about alarms: shelves, deeds, rules, settings, webhooks. Instants (``*_at``) are ms UTC."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class AlarmMarkRow(Table):
    """What became of an alarm beside its beginning and end. An alarm without a row was never touched."""

    __tablename__ = "alarm_marks"

    alarm: Mapped[int] = mapped_column(primary_key=True)
    count: Mapped[int]
    waiting: Mapped[bool]
    acknowledged_at: Mapped[int | None] = mapped_column(default=None)
    acknowledged_by: Mapped[str]
    note: Mapped[str]
    rev: Mapped[int]


class AlarmShelfRow(Table):
    """A kind of alarm of one source that is hidden: ``shelved`` until an instant, or ``out_of_service`` for good."""

    __tablename__ = "alarm_shelves"

    kind: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    mode: Mapped[str]
    until: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[int]
    alarm: Mapped[int]


class AlarmDeedRow(Table):
    """Who did what about an alarm, and when. ``by`` is empty when it happened by itself."""

    __tablename__ = "alarm_deeds"

    id: Mapped[int] = mapped_column(primary_key=True)
    alarm: Mapped[int] = mapped_column(index=True)
    at: Mapped[int]
    by: Mapped[str]
    action: Mapped[str]
    text: Mapped[str]
    until: Mapped[int | None] = mapped_column(default=None)


class AlarmRuleRow(Table):
    """A rule set by a person; ``body`` is the whole of it as JSON."""

    __tablename__ = "alarm_rules"

    id: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int]
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    body: Mapped[str]


class AlarmSettingsRow(Table):
    """What a site decided about what is watched without a rule; ``body`` is the whole of it as JSON."""

    __tablename__ = "alarm_settings"

    site: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int]
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    body: Mapped[str]


class WebhookRow(Table):
    """Where alarms are sent; ``body`` is the whole of it as JSON, ``secret`` is told nobody."""

    __tablename__ = "webhooks"

    id: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int]
    changed_at: Mapped[int]
    changed_by: Mapped[str]
    body: Mapped[str]
    url: Mapped[str]
    secret: Mapped[str]


class WebhookDeliveryRow(Table):
    """A message that is to be sent, or was. ``state``: waiting, sent, failed."""

    __tablename__ = "webhook_deliveries"

    id: Mapped[int] = mapped_column(primary_key=True)
    webhook: Mapped[str]
    alarm: Mapped[int]
    event: Mapped[str]
    message: Mapped[str]
    made_at: Mapped[int]
    state: Mapped[str]
    tries: Mapped[int]
    next_at: Mapped[int]
    last_at: Mapped[int | None] = mapped_column(default=None)
    answer: Mapped[str]

    __table_args__ = (
        Index("ix_webhook_deliveries_state_next_at", "state", "next_at"),
        Index("ix_webhook_deliveries_webhook", "webhook"),
    )
