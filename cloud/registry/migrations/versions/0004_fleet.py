"""Tables of trips, of the days of vehicles and of the fleet's settings.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "trips",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("vehicle", sa.String(), nullable=False),
        sa.Column("started_at", INTEGER, nullable=False),
        sa.Column("day", INTEGER, nullable=False),
        sa.Column("ended_at", INTEGER, nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "vehicle", "started_at", name="pk_trips"),
    )
    op.create_index("ix_trips_site_started_at", "trips", ["site", "started_at"])
    op.create_index("ix_trips_day", "trips", ["day"])
    op.create_table(
        "vehicle_days",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("vehicle", sa.String(), nullable=False),
        sa.Column("day", INTEGER, nullable=False),
        sa.Column("done", sa.String(), nullable=False),
        sa.Column("began", sa.String(), nullable=False),
        sa.Column("findings", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "vehicle", "day", name="pk_vehicle_days"),
    )
    op.create_index("ix_vehicle_days_site_day", "vehicle_days", ["site", "day"])
    op.create_table(
        "days_to_redo",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("vehicle", sa.String(), nullable=False),
        sa.Column("day", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", "vehicle", name="pk_days_to_redo"),
    )
    op.create_table(
        "fleet_settings",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("settings", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_fleet_settings"),
    )
    op.create_table(
        "vehicle_service",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("vehicle", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("since", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", "vehicle", name="pk_vehicle_service"),
    )


def downgrade() -> None:
    for name in ("vehicle_service", "fleet_settings", "days_to_redo", "vehicle_days", "trips"):
        op.drop_table(name)
