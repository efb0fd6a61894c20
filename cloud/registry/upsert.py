"""Insert in place of what stands there: said alike to SQLite and PostgreSQL, each in its own dialect."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.registry.table_root import Table

INSERTS: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


async def put(
    session: AsyncSession,
    table: type[Table],
    rows: Sequence[dict[str, Any]],
    *,
    by: Sequence[str],
    change: Sequence[str] | None = None,
) -> None:
    """Insert rows; where one with the same columns ``by`` stands, set its columns ``change`` (all others if None).

    With an empty ``change`` what stands there is left as it is.
    """
    if not rows:
        return
    new = INSERTS[session.get_bind().dialect.name](sa.inspect(table).local_table)
    changed = [name for name in rows[0] if name not in by] if change is None else change
    if changed:
        await session.execute(
            new.on_conflict_do_update(index_elements=list(by), set_={name: new.excluded[name] for name in changed}),
            rows,
        )
    else:
        await session.execute(new.on_conflict_do_nothing(index_elements=list(by)), rows)
