"""Tables of legal holds, deletions and rounds of retention.

Revision: 0017, after 0016.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("kept", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("lifted_at", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_legal_holds"),
    )
    op.create_table(
        "deletions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("rows", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
    )
    op.create_table(
        "retention_runs",
        sa.Column("kept", sa.String(), nullable=False),
        sa.Column("run_at", INTEGER, nullable=False),
        sa.Column("kept_since", INTEGER, nullable=False),
        sa.Column("rows", INTEGER, nullable=False),
        sa.Column("total", INTEGER, nullable=False),
        sa.Column("longest_ms", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("kept", name="pk_retention_runs"),
    )
