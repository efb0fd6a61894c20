"""Members of a group of collectors, and their certificates.

Revision: 0023, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "collector_members",
        *(_text(name) for name in ("name", "share")),
        sa.Column("added_at", INTEGER, nullable=False),
        sa.Column("invited_until", INTEGER, nullable=False),
        *(_text(name) for name in ("request", "signature", "answered", "certificate", "authority", "refused")),
        sa.Column("revoked_at", INTEGER, nullable=True),
        _text("reason"),
        sa.PrimaryKeyConstraint("name", name="pk_collector_members"),
    )
    op.create_table(
        "collector_member_certificates",
        *(_text(name) for name in ("serial", "member", "pem")),
        *(sa.Column(name, INTEGER, nullable=False) for name in ("issued_at", "not_after")),
        sa.Column("revoked_at", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("serial", name="pk_collector_member_certificates"),
    )
    op.create_index("ix_collector_member_certificates_member", "collector_member_certificates", ["member"])
