"""Tables of who may open which door, and of the lists that gateways were given."""

from sqlalchemy.orm import Mapped, mapped_column

from cloud.registry.table_root import Table


class AccessRecordRow(Table):
    """A holder, a credential, a group, a schedule or a permission, as JSON (``cloud.access.contract``)."""

    __tablename__ = "access_records"

    site: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    record: Mapped[str]
    rev: Mapped[int] = mapped_column(default=1)
    changed_at: Mapped[int]
    changed_by: Mapped[str] = mapped_column(default="")


class AccessChangesRow(Table):
    """How often a site's records were changed, by whatever process."""

    __tablename__ = "access_changes"

    site: Mapped[str] = mapped_column(primary_key=True)
    changes: Mapped[int]


class AccessListRow(Table):
    """The list a gateway shall hold, and the one it said it holds. ``digest``: of what it says beside its times."""

    __tablename__ = "access_lists"

    site: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]
    digest: Mapped[str]
    cards: Mapped[int]
    doors: Mapped[int]
    issued_at: Mapped[int]
    expires_at: Mapped[int]
    published_at: Mapped[int | None] = mapped_column(default=None)
    """When the broker confirmed it; null until then."""
    held_number: Mapped[int | None] = mapped_column(default=None)
    held_expires_at: Mapped[int | None] = mapped_column(default=None)
    told_at: Mapped[int | None] = mapped_column(default=None)
    """When the gateway said which it holds."""
    refused: Mapped[str] = mapped_column(default="")
    """Why it did not take the newest, in its words; empty when it did."""


class GatewayDoorsRow(Table):
    """The doors that a gateway said it has, as JSON (``protocols.birth.DoorBirth``)."""

    __tablename__ = "gateway_doors"

    site: Mapped[str] = mapped_column(primary_key=True)
    gateway: Mapped[str] = mapped_column(primary_key=True)
    doors: Mapped[str]
