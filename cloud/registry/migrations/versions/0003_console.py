"""Tables of the console: what happened, and what things were.

Revision: 0003, after 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "journal",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
    )
    op.create_index("ix_journal_entity_at", "journal", ["entity", "at"])
    op.create_index("ix_journal_site_at", "journal", ["site", "at"])
    op.create_table(
        "entity_log",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("entity", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_entity_log"),
    )
    op.create_index("ix_entity_log_entity_at", "entity_log", ["entity", "at"])
    op.create_index("ix_entity_log_whole_at_entity", "entity_log", ["whole", "at", "entity"])
    op.create_index("ix_entity_log_at", "entity_log", ["at"])
