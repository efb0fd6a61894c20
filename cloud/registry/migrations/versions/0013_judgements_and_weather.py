"""Tables of what people say of findings of energy, and of outdoor temperatures that they bring in.

Revision: 0013, after 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "energy_judgements",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("meter", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("until", INTEGER, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("week_kwh", sa.Double(), nullable=True),
        sa.Column("back", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_energy_judgements"),
    )
    op.create_index("ix_energy_judgements_site_meter_kind", "energy_judgements", ["site", "meter", "kind"])
    op.create_table(
        "outdoor_temperatures",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("celsius", sa.Double(), nullable=False),
        sa.Column("entered_at", INTEGER, nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "at", name="pk_outdoor_temperatures"),
    )
