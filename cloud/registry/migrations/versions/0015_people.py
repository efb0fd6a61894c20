"""Roles by site, second factors, the audit trail, sites of tokens. Everybody keeps the role they had, at all sites.

Revision: 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _of_user() -> sa.Column[int]:
    return sa.Column("user_id", INTEGER, nullable=False)


def _key_to_users(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "user_grants",
        _of_user(),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        _key_to_users("user_grants"),
        sa.PrimaryKeyConstraint("user_id", "site", "role", name="pk_user_grants"),
    )
    op.execute("INSERT INTO user_grants (user_id, site, role) SELECT id, '', role FROM users")
    op.drop_column("users", "role")
    op.add_column("tokens", sa.Column("site", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "second_factors",
        _of_user(),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("made_at", INTEGER, nullable=False),
        sa.Column("confirmed_at", INTEGER, nullable=True),
        sa.Column("last_step", INTEGER, nullable=False),
        _key_to_users("second_factors"),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        _of_user(),
        sa.Column("code_hash", sa.String(), nullable=False),
        _key_to_users("recovery_codes"),
        sa.PrimaryKeyConstraint("user_id", "code_hash", name="pk_recovery_codes"),
    )
    op.create_table(
        "audit_records",
        sa.Column("number", INTEGER, autoincrement=False, nullable=False),
        sa.Column("at", INTEGER, nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("actor", "via", "client", "action", "site")),
        *(sa.Column(name, sa.String(), nullable=False) for name in ("reason", "facts", "seal")),
        sa.PrimaryKeyConstraint("number", name="pk_audit_records"),
    )
    op.create_index("ix_audit_records_at", "audit_records", ["at"])
    op.create_index("ix_audit_records_actor", "audit_records", ["actor"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", INTEGER, autoincrement=False, nullable=False),
        sa.Column("number", INTEGER, nullable=False),
        sa.Column("seal", sa.String(), nullable=False),
        sa.Column("removed_number", INTEGER, nullable=False),
        sa.Column("removed_seal", sa.String(), nullable=False),
        sa.Column("removed_sign", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    beginning = "0" * 64
    op.bulk_insert(
        head,
        [
            {
                "id": 1,
                "number": 0,
                "seal": beginning,
                "removed_number": 0,
                "removed_seal": beginning,
                "removed_sign": "",
            }
        ],
    )
