"""What sites decide about their alarms; a revision for what they decided about dispatch.

Revision: 0010, after 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "alarm_settings",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_alarm_settings"),
    )
    op.add_column("dispatch_settings", sa.Column("rev", INTEGER, nullable=False, server_default="1"))
