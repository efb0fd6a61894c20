"""Enrolled gateways, their certificates, the codes they enrol with, commands that were given, and their approvals."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class EnrolledRow(Table):
    """A gateway that has, or had, a certificate. ``revoked_at`` is null while it may send."""

    __tablename__ = "enrolled_gateways"

    site: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    enrolled_at: Mapped[int]
    revoked_at: Mapped[int | None] = mapped_column(default=None)
    reason: Mapped[str] = mapped_column(default="")


class CertificateRow(Table):
    """A certificate of a gateway. ``serial`` is hexadecimal, ``pem`` without any secret."""

    __tablename__ = "gateway_certificates"

    serial: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    gateway: Mapped[str]
    pem: Mapped[str]
    issued_at: Mapped[int]
    not_after: Mapped[int]
    revoked_at: Mapped[int | None] = mapped_column(default=None)

    __table_args__ = (Index("ix_gateway_certificates_site_gateway", "site", "gateway"),)


class EnrolmentCodeRow(Table):
    """A code of a gateway, one at most. ``public_key`` (base64) is of the code's secret, which is nowhere."""

    __tablename__ = "enrolment_codes"

    site: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    public_key: Mapped[str]
    made_at: Mapped[int]
    expires_at: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[int | None] = mapped_column(default=None)
    serial: Mapped[str] = mapped_column(default="")
    """Of the certificate that was given for it."""


class CommandRow(Table):
    """A command to a gateway: who gave it, and what became of it. Rows are never changed back."""

    __tablename__ = "commands"

    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    gateway: Mapped[str]
    device: Mapped[str]
    point: Mapped[str]
    action: Mapped[str]
    value: Mapped[float | None] = mapped_column(default=None)
    by: Mapped[str]
    issued_at: Mapped[int]
    expires_at: Mapped[int]
    state: Mapped[str]
    """``sent``, ``done``, ``refused`` or ``unknown``."""
    detail: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[int | None] = mapped_column(default=None)
    approved_by: Mapped[str] = mapped_column(default="")
    """The second person; empty where none was asked for."""
    reason: Mapped[str] = mapped_column(default="")
    """Why, in the words of who gave it; empty where nothing was said."""

    __table_args__ = (Index("ix_commands_issued_at", "issued_at"),)


class ApprovalRow(Table):
    """A command that waits for a second person, or waited. ``id`` is that of the command it becomes."""

    __tablename__ = "command_approvals"

    id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    gateway: Mapped[str]
    device: Mapped[str]
    point: Mapped[str]
    action: Mapped[str]
    value: Mapped[float | None] = mapped_column(default=None)
    lasts_ms: Mapped[int]
    reason: Mapped[str]
    asked_by: Mapped[str]
    asked_by_id: Mapped[int]
    asked_at: Mapped[int]
    until: Mapped[int]
    """From then on it is ``expired``."""
    state: Mapped[str]
    """``waiting``, ``approved`` or ``rejected``."""
    decided_by: Mapped[str] = mapped_column(default="")
    decided_at: Mapped[int | None] = mapped_column(default=None)
    opinion: Mapped[str] = mapped_column(default="")

    __table_args__ = (Index("ix_command_approvals_asked_at", "asked_at"),)
