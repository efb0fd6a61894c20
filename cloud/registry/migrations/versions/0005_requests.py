"""Tables of requests, their history, and learned travel times.

Revision: 0005, after 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _requests()
    _keys()
    _learned()


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", INTEGER, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("ended_at", INTEGER, nullable=True),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("suggestion", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("site", "number", name="pk_requests"),
    )
    op.create_index("ix_requests_ended_at", "requests", ["ended_at"])
    op.create_index("ix_requests_created_at_site", "requests", ["created_at", "site"])
    op.create_table(
        "request_history",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("before", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_request_history"),
    )
    op.create_index("ix_request_history_site_number", "request_history", ["site", "number"])


def _keys() -> None:
    op.create_table(
        "request_keys",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_request_keys"),
    )
    op.create_index("ix_request_keys_at", "request_keys", ["at"])


def _learned() -> None:
    op.create_table(
        "learned_times",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("hour", INTEGER, nullable=False),
        sa.Column("straight_m", sa.Double(), nullable=False),
        sa.Column("road_m", sa.Double(), nullable=True),
        sa.Column("travel_s", sa.Double(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learned_times"),
    )
    op.create_index("ix_learned_times_site", "learned_times", ["site"])
    op.create_table(
        "dispatch_settings",
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_dispatch_settings"),
    )
