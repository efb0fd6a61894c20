"""Tables of requests, their history, and learned travel times. Instants (``*_at``) are ms since 1970 UTC."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class RequestRow(Table):
    """A request. ``body`` is the whole of it as JSON; the other columns are what is looked for."""

    __tablename__ = "requests"

    site: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str]
    created_at: Mapped[int]
    created_by: Mapped[str]
    ended_at: Mapped[int | None] = mapped_column(default=None, index=True)
    rev: Mapped[int]
    body: Mapped[str]
    suggestion: Mapped[str | None] = mapped_column(default=None)
    """What was suggested when somebody was chosen last, as JSON."""

    __table_args__ = (Index("ix_requests_created_at_site", "created_at", "site"),)


class RequestHistoryRow(Table):
    """What was done to a request, by whom and why."""

    __tablename__ = "request_history"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    number: Mapped[str]
    at: Mapped[int]
    by: Mapped[str]
    action: Mapped[str]
    reason: Mapped[str]
    before: Mapped[str]
    after: Mapped[str]

    __table_args__ = (Index("ix_request_history_site_number", "site", "number"),)


class RequestKeyRow(Table):
    """An Idempotency-Key that was used, and for what."""

    __tablename__ = "request_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    request: Mapped[str]
    at: Mapped[int] = mapped_column(index=True)


class LearnedTimeRow(Table):
    """A journey that ended: how long it took for its distance, from which travel times are learned."""

    __tablename__ = "learned_times"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    at: Mapped[int]
    hour: Mapped[int]
    straight_m: Mapped[float]
    road_m: Mapped[float | None] = mapped_column(default=None)
    travel_s: Mapped[float]
    source: Mapped[str]


class DispatchSettingsRow(Table):
    """What a site decided about its dispatch, as JSON."""

    __tablename__ = "dispatch_settings"

    site: Mapped[str] = mapped_column(primary_key=True)
    rev: Mapped[int] = mapped_column(server_default="1")
    body: Mapped[str]
    changed_at: Mapped[int]
    changed_by: Mapped[str]
