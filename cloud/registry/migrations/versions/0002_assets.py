"""Tables of assets and what is bound to them, and the days and maps of sites.

Revision: 0002, after 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "assets",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "id", name="pk_assets"),
    )
    op.create_table(
        "asset_bindings",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("asset", sa.String(), nullable=False),
        sa.Column("place", INTEGER, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "asset", "place", name="pk_asset_bindings"),
    )
    op.create_table(
        "calendar_days",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "day", name="pk_calendar_days"),
    )
    op.create_table(
        "site_maps",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("document", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_site_maps"),
    )
    op.create_table(
        "site_units",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("place", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", "name", name="pk_site_units"),
    )
    op.create_table(
        "site_changes",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("changes", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_site_changes"),
    )
    op.create_table(
        "floor_plans",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("bounds", sa.String(), nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_floor_plans"),
    )
