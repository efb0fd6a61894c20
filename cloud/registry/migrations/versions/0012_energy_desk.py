"""Tables of closed periods, of what amounts are divided by, and of readings that wait for a second person.

Revision: 0012, after 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "energy_periods",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("version", INTEGER, nullable=False),
        sa.Column("first_day", sa.String(), nullable=False),
        sa.Column("next_day", sa.String(), nullable=False),
        sa.Column("since", INTEGER, nullable=False),
        sa.Column("until", INTEGER, nullable=False),
        sa.Column("meters", sa.String(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "version", name="pk_energy_periods"),
    )
    op.create_table(
        "energy_bases",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "rev", name="pk_energy_bases"),
    )
    op.create_table(
        "energy_sightings",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("reading", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("entered_at", INTEGER, nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("checked_at", INTEGER, nullable=True),
        sa.Column("checked_by", sa.String(), nullable=False),
        sa.Column("record", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_energy_sightings"),
    )
    op.create_index("ix_energy_sightings_site_record", "energy_sightings", ["site", "record"])
