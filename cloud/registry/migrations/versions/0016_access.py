"""Who may open which door, and the lists that gateways were given.

Revision: 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "access_records",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("site", "kind", "id", "record")),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "id", name="pk_access_records"),
    )
    op.create_table(
        "access_changes",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("changes", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_access_changes"),
    )
    op.create_table(
        "access_lists",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        *(sa.Column(name, INTEGER, nullable=False) for name in ("cards", "doors", "issued_at", "expires_at")),
        *(
            sa.Column(name, INTEGER, nullable=True)
            for name in ("published_at", "held_number", "held_expires_at", "told_at")
        ),
        sa.Column("refused", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", "gateway", name="pk_access_lists"),
    )
    op.create_table(
        "gateway_doors",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("site", "gateway", "doors")),
        sa.PrimaryKeyConstraint("site", "gateway", name="pk_gateway_doors"),
    )
