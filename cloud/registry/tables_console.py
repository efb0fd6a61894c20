"""Tables of what happened and of what things were: the timeline and the time machine."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class JournalRow(Table):
    """Something that happened to an entity. ``facts`` is JSON."""

    __tablename__ = "journal"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    entity: Mapped[str]
    kind: Mapped[str]
    at: Mapped[int]
    facts: Mapped[str] = mapped_column(default="{}")

    __table_args__ = (Index("ix_journal_entity_at", "entity", "at"), Index("ix_journal_site_at", "site", "at"))


class EntityLogRow(Table):
    """What a thing was from ``at`` on. Rows are in the order of time by ``id`` too.

    ``whole``: body is all of it (JSON); else what changed; empty when it was shown no longer. A row without entity
    marks a start of the collector: what is not said anew after it was not there.
    """

    __tablename__ = "entity_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    site: Mapped[str]
    entity: Mapped[str]
    at: Mapped[int]
    whole: Mapped[bool]
    body: Mapped[str]

    __table_args__ = (
        Index("ix_entity_log_entity_at", "entity", "at"),
        Index("ix_entity_log_whole_at_entity", "whole", "at", "entity"),
        Index("ix_entity_log_at", "at"),
    )
