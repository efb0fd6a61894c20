"""Commands that wait for a second person, and who that was.

Revision: 0019, after 0018.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def upgrade() -> None:
    op.add_column("commands", sa.Column("approved_by", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "command_approvals",
        *(_text(name) for name in ("id", "site", "gateway", "device", "point", "action")),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("lasts_ms", INTEGER, nullable=False),
        *(_text(name) for name in ("reason", "asked_by")),
        *(sa.Column(name, INTEGER, nullable=False) for name in ("asked_by_id", "asked_at", "until")),
        *(_text(name) for name in ("state", "decided_by")),
        sa.Column("decided_at", INTEGER, nullable=True),
        _text("opinion"),
        sa.PrimaryKeyConstraint("id", name="pk_command_approvals"),
    )
    op.create_index("ix_command_approvals_asked_at", "command_approvals", ["asked_at"])
