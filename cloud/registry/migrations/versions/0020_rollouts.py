"""Roll-outs of site files, what a gateway judged last, and why a site file was taken back, in parts.

Revision: 0022, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _numbers(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, INTEGER, nullable=nullable) for name in names]


def upgrade() -> None:
    op.create_table(
        "site_file_rollouts",
        sa.Column("id", INTEGER, autoincrement=True, nullable=False),
        *_texts("site", "by", "why"),
        *_numbers("made_at"),
        *_texts("change", "stages"),
        *_numbers("soak_s", "patience_s", "stop_after", "confirm_within_s", "not_before"),
        *_texts("state", "halted"),
        *_numbers("stage"),
        *_numbers("stage_over_at", nullable=True),
        *_numbers("forgiven", "accepted"),
        *_texts("changed_by"),
        *_numbers("changed_at", "rev"),
        sa.PrimaryKeyConstraint("id", name="pk_site_file_rollouts"),
    )
    op.create_table(
        "site_file_rollout_gateways",
        *_numbers("rollout"),
        *_texts("site", "gateway"),
        *_numbers("position", "stage"),
        *_texts("state", "base"),
        *_numbers("after"),
        *_texts("text", "by_whom"),
        *_numbers("line"),
        *_texts("setting", "message", "allowed"),
        *_numbers("revision", "sent_at", "back", nullable=True),
        sa.PrimaryKeyConstraint("rollout", "site", "gateway", name="pk_site_file_rollout_gateways"),
    )
    op.create_index("ix_site_file_rollout_gateways_site_gateway", "site_file_rollout_gateways", ["site", "gateway"])
    op.add_column("site_files_told", sa.Column("highest", INTEGER, nullable=False, server_default="0"))
    for name in ("reason", "devices"):
        op.add_column("site_file_answers", sa.Column(name, sa.String(), nullable=False, server_default=""))
