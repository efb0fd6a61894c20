"""Tables of energy: structures, records, days, the ledger.

Revision: 0008, after 0007.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _what_people_say()
    _days()
    _ledger()


def _column(name: str, kind: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable)


def _what_people_say() -> None:
    op.create_table(
        "energy_structures",
        _column("site", sa.String()),
        _column("rev", INTEGER),
        _column("changed_at", INTEGER),
        _column("changed_by", sa.String()),
        _column("why", sa.String()),
        _column("body", sa.String()),
        sa.PrimaryKeyConstraint("site", "rev", name="pk_energy_structures"),
    )
    op.create_table(
        "energy_records",
        _column("id", INTEGER),
        _column("site", sa.String()),
        _column("meter", sa.String()),
        _column("body", sa.String()),
        _column("entered_at", INTEGER),
        _column("entered_by", sa.String()),
        _column("why", sa.String()),
        _column("revoked_at", INTEGER, nullable=True),
        _column("revoked_by", sa.String()),
        _column("revoked_why", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_energy_records"),
    )
    op.create_index("ix_energy_records_site_meter", "energy_records", ["site", "meter"])


def _days() -> None:
    op.create_table(
        "energy_days",
        _column("site", sa.String()),
        _column("meter", sa.String()),
        _column("day", INTEGER),
        _column("until", INTEGER),
        _column("state", sa.String()),
        _column("page", sa.LargeBinary()),
        _column("events", sa.String()),
        _column("micro", INTEGER, nullable=True),
        _column("covered_ms", INTEGER),
        _column("measured_ms", INTEGER),
        _column("measured", INTEGER),
        _column("source", INTEGER),
        _column("flags", INTEGER),
        _column("estimated", sa.Boolean()),
        _column("worked_at", INTEGER),
        sa.PrimaryKeyConstraint("site", "meter", "day", name="pk_energy_days"),
    )
    op.create_index("ix_energy_days_site_day", "energy_days", ["site", "day"])
    op.create_table(
        "energy_through",
        _column("name", sa.String()),
        _column("batch", INTEGER),
        sa.PrimaryKeyConstraint("name", name="pk_energy_through"),
    )
    op.create_table(
        "energy_dirty",
        _column("id", INTEGER),
        _column("site", sa.String()),
        _column("meter", sa.String()),
        _column("since", INTEGER),
        _column("until", INTEGER),
        sa.PrimaryKeyConstraint("id", name="pk_energy_dirty"),
    )


def _ledger() -> None:
    op.create_table(
        "energy_deeds",
        _column("site", sa.String()),
        _column("version", INTEGER),
        _column("at", INTEGER),
        _column("by", sa.String()),
        _column("why", sa.String()),
        _column("kind", sa.String()),
        _column("note", sa.String()),
        sa.PrimaryKeyConstraint("site", "version", name="pk_energy_deeds"),
    )
    op.create_table(
        "energy_entries",
        _column("site", sa.String()),
        _column("number", INTEGER),
        _column("version", INTEGER),
        _column("kind", sa.String()),
        _column("meter", sa.String()),
        _column("day", INTEGER),
        _column("micro", INTEGER),
        _column("covered_ms", INTEGER),
        _column("page", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("site", "number", name="pk_energy_entries"),
    )
    op.create_index("ix_energy_entries_site_meter_day", "energy_entries", ["site", "meter", "day"])
