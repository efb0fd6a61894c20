"""Tables of what people do about alarms: shelves, deeds, rules, webhooks.

Revision: 0007, after 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _alarms()
    _rules()
    _webhooks()


def _alarms() -> None:
    op.create_table(
        "alarm_marks",
        sa.Column("alarm", INTEGER, nullable=False),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_at", INTEGER, nullable=True),
        sa.Column("acknowledged_by", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("alarm", name="pk_alarm_marks"),
    )
    op.create_table(
        "alarm_shelves",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("until", INTEGER, nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("alarm", INTEGER, nullable=False),
        sa.PrimaryKeyConstraint("kind", "source", name="pk_alarm_shelves"),
    )
    op.create_table(
        "alarm_deeds",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("alarm", INTEGER, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("until", INTEGER, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_deeds"),
    )
    op.create_index("ix_alarm_deeds_alarm", "alarm_deeds", ["alarm"])


def _rules() -> None:
    op.create_table(
        "alarm_rules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_rules"),
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("rev", INTEGER, nullable=False),
        sa.Column("changed_at", INTEGER, nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", INTEGER, nullable=False),
        sa.Column("webhook", sa.String(), nullable=False),
        sa.Column("alarm", INTEGER, nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tries", INTEGER, nullable=False),
        sa.Column("next_at", INTEGER, nullable=False),
        sa.Column("last_at", INTEGER, nullable=True),
        sa.Column("answer", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
    )
    op.create_index("ix_webhook_deliveries_state_next_at", "webhook_deliveries", ["state", "next_at"])
    op.create_index("ix_webhook_deliveries_webhook", "webhook_deliveries", ["webhook"])
