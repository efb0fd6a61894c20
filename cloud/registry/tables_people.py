"""Tables of people beside their accounts: where they have which role, second factors, and the audit trail."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class GrantRow(Table):
    """A role of a user at a site, or at all sites (an empty ``site``)."""

    __tablename__ = "user_grants"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    site: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)


class SecondFactorRow(Table):
    """The secret of a user's second factor. ``confirmed_at`` is null until a code of it was shown to be right."""

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str]
    made_at: Mapped[int]
    confirmed_at: Mapped[int | None] = mapped_column(default=None)
    last_step: Mapped[int] = mapped_column(default=0)
    """The step of the last code that was taken: none is taken twice."""


class RecoveryCodeRow(Table):
    """SHA-256 of a code that stands in for the second factor once; a used one is gone."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)


class AuditRow(Table):
    """A record of the trail (``cloud.audit.chain.Record``) and its seal."""

    __tablename__ = "audit_records"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[int] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(index=True)
    via: Mapped[str]
    client: Mapped[str]
    action: Mapped[str]
    site: Mapped[str]
    reason: Mapped[str]
    facts: Mapped[str]
    seal: Mapped[str]


class AuditHeadRow(Table):
    """One row: the last record, and up to which one the oldest were forgotten. Who adds a record takes it first."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    seal: Mapped[str]
    removed_number: Mapped[int]
    removed_seal: Mapped[str]
    removed_sign: Mapped[str]
