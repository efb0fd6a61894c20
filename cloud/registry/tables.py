"""The tables of gateways, users and alarms. Those of other parts are in ``tables_*.py``; all are in ``schema.py``.

Change a table here and add a migration under ``migrations/versions``.

Instants (``*_at``) are milliseconds since 1970 UTC.
"""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cloud.registry.roles import Grant, Role
from cloud.registry.table_root import Table
from cloud.registry.tables_people import GrantRow


class SiteRow(Table):
    """A place with a time zone."""

    __tablename__ = "sites"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    time_zone: Mapped[str] = mapped_column(default="")
    first_seen_at: Mapped[int]


class GatewayRow(Table):
    """A gateway as its last birth named it; ``announced`` is false while it has none."""

    __tablename__ = "gateways"

    site: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    software: Mapped[str] = mapped_column(default="")
    config_hash: Mapped[str] = mapped_column(default="")
    session: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[int] = mapped_column(default=0)
    announced: Mapped[bool] = mapped_column(default=False)
    first_seen_at: Mapped[int]
    born_at: Mapped[int | None] = mapped_column(default=None)


class DeviceRow(Table):
    """A device of a site, under the gateway that announced it last."""

    __tablename__ = "devices"

    site: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="")
    profile: Mapped[str] = mapped_column(default="")
    bus: Mapped[str] = mapped_column(default="")
    every_s: Mapped[float | None] = mapped_column(default=None)
    stale_after_s: Mapped[float | None] = mapped_column(default=None)
    announced: Mapped[bool] = mapped_column(default=False)
    first_seen_at: Mapped[int]
    removed_at: Mapped[int | None] = mapped_column(default=None)
    remote: Mapped[str] = mapped_column(default="")
    """JSON: what its gateway lets be ordered of it (``protocols.birth.RemoteBirth``); empty for nothing."""


class PointRow(Table):
    """A point of a device, as announced."""

    __tablename__ = "points"

    site: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    unit: Mapped[str] = mapped_column(default="")
    kind: Mapped[str] = mapped_column(default="gauge")
    stale_after_s: Mapped[float | None] = mapped_column(default=None)


class UserRow(Table):
    """A person who may log in. ``name`` is stored in lower case."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[int]
    password_changed_at: Mapped[int]
    last_login_at: Mapped[int | None] = mapped_column(default=None)
    grant_rows: Mapped[list[GrantRow]] = relationship(lazy="selectin", cascade="all, delete-orphan")

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The roles, each with where."""
        found = (Grant(Role(row.role), row.site) for row in self.grant_rows)
        return tuple(sorted(found, key=lambda each: (each.site, each.role)))


class SessionRow(Table):
    """A login. ``id_hash`` is SHA-256 of the cookie's value, which is stored nowhere."""

    __tablename__ = "sessions"

    id_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[int]
    seen_at: Mapped[int]
    expires_at: Mapped[int]
    client: Mapped[str] = mapped_column(default="")


class TokenRow(Table):
    """An API token. ``secret_hash`` is SHA-256 of the token, which is shown once and stored nowhere."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    scope: Mapped[str] = mapped_column(default="", server_default="")
    """What it is for and no more (``cloud.registry.tokens.Scope``); empty for all its role may do."""
    site: Mapped[str] = mapped_column(default="", server_default="")
    """The one site it is for; empty for all."""
    created_at: Mapped[int]
    expires_at: Mapped[int | None] = mapped_column(default=None)
    last_used_at: Mapped[int | None] = mapped_column(default=None)
    revoked_at: Mapped[int | None] = mapped_column(default=None)


class LoginAttemptRow(Table):
    """Failed logins in a row of one account or one address, and until when the next is refused."""

    __tablename__ = "login_attempts"

    bucket: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    blocked_until: Mapped[int]
    last_at: Mapped[int] = mapped_column(index=True)


class KnownClientRow(Table):
    """An address from which an account has logged in: somebody else's failures do not hold it up."""

    __tablename__ = "known_clients"

    account: Mapped[str] = mapped_column(primary_key=True)
    client: Mapped[str] = mapped_column(primary_key=True)
    last_at: Mapped[int]


class AlarmRow(Table):
    """An alarm from its raising to its return to normal; ``ended_at`` is null while it is active."""

    __tablename__ = "alarms"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    source: Mapped[str]
    priority: Mapped[int]
    since: Mapped[int]
    ended_at: Mapped[int | None] = mapped_column(default=None)
    args: Mapped[str] = mapped_column(default="{}")

    __table_args__ = (Index("ix_alarms_ended_at_kind_source", "ended_at", "kind", "source"),)
