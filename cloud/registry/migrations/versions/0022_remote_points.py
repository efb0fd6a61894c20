"""What may be ordered of a device, as its gateway said; and why a command was given.

Revision: 0024, after 0019.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("devices", sa.Column("remote", sa.String(), nullable=False, server_default=""))
    op.add_column("commands", sa.Column("reason", sa.String(), nullable=False, server_default=""))
