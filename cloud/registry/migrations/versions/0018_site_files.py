"""Site files of gateways: every revision, what became of each, and what each gateway runs.

Revision: 0018, after 0017.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "site_file_revisions",
        sa.Column("id", INTEGER, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("site", "gateway")),
        sa.Column("revision", INTEGER, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("origin", "sha256", "text", "bases", "by", "why")),
        *(sa.Column(name, INTEGER, nullable=False) for name in ("made_at", "not_before", "confirm_within_s")),
        sa.PrimaryKeyConstraint("id", name="pk_site_file_revisions"),
        sa.UniqueConstraint("site", "gateway", "revision", name="uq_site_file_revisions_site_gateway_revision"),
    )
    op.create_table(
        "site_file_answers",
        sa.Column("id", INTEGER, autoincrement=True, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("site", "gateway")),
        sa.Column("revision", INTEGER, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("state", "detail", "key")),
        *(sa.Column(name, INTEGER, nullable=False) for name in ("line", "at")),
        sa.PrimaryKeyConstraint("id", name="pk_site_file_answers"),
    )
    op.create_index("ix_site_file_answers_site_gateway_revision", "site_file_answers", ["site", "gateway", "revision"])
    op.create_table(
        "site_files_told",
        *(sa.Column(name, sa.String(), nullable=False) for name in ("site", "gateway", "sha256", "source", "state")),
        *(sa.Column(name, INTEGER, nullable=False) for name in ("revision", "at")),
        sa.PrimaryKeyConstraint("site", "gateway", name="pk_site_files_told"),
    )
