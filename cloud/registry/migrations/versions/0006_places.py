"""Tables of rooms, patrols, doors and visitors.

Revision: 0006, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _rooms()
    _visitors()
    _patrols()
    _days()


def _rooms() -> None:
    op.create_table(
        "bookings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("room", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("organiser", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("people", INTEGER, nullable=False),
        sa.Column("from_at", INTEGER, nullable=False),
        sa.Column("until_at", INTEGER, nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("opened_at", INTEGER, nullable=True),
        sa.Column("signed_in_at", INTEGER, nullable=True),
        sa.Column("cancelled_at", INTEGER, nullable=True),
        sa.Column("released_at", INTEGER, nullable=True),
        sa.Column("once", sa.String(), nullable=True),
        sa.Column("rev", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bookings"),
        sa.UniqueConstraint("once", name="uq_bookings_once"),
    )
    op.create_index("ix_bookings_site_room_from_at", "bookings", ["site", "room", "from_at"])


def _visitors() -> None:
    op.create_table(
        "passes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("phone", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("card_key", sa.String(), nullable=False),
        sa.Column("people", INTEGER, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("gate", sa.String(), nullable=False),
        sa.Column("from_at", INTEGER, nullable=False),
        sa.Column("until_at", INTEGER, nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("opened_at", INTEGER, nullable=True),
        sa.Column("cancelled_at", INTEGER, nullable=True),
        sa.Column("once", sa.String(), nullable=True),
        sa.Column("rev", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passes"),
        sa.UniqueConstraint("once", name="uq_passes_once"),
    )
    op.create_index("ix_passes_site_from_at", "passes", ["site", "from_at"])
    op.create_table(
        "passages",
        sa.Column("pass_id", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("way", sa.String(), nullable=False),
        sa.Column("gate", sa.String(), nullable=False),
        sa.Column("means", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("pass_id", "at", "way", name="pk_passages"),
    )


def _patrols() -> None:
    op.create_table(
        "patrol_routes",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="pk_patrol_routes"),
    )
    op.create_table(
        "patrol_runs",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("from_at", INTEGER, nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "id", name="pk_patrol_runs"),
    )
    op.create_index("ix_patrol_runs_from_at", "patrol_runs", ["from_at"])


def _days() -> None:
    op.create_table(
        "place_days",
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("day", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("counts", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("entity", "day", name="pk_place_days"),
    )
    op.create_index("ix_place_days_site_day", "place_days", ["site", "day"])


def downgrade() -> None:
    for name in ("place_days", "patrol_runs", "patrol_routes", "passages", "passes", "bookings"):
        op.drop_table(name)
