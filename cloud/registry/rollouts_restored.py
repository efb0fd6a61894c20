"""Roll-outs of a registry that was put back: what a person has done to them since then is not known any more."""

from pathlib import Path

import sqlalchemy as sa

from cloud.registry.tables_rollouts import RolloutGatewayRow, RolloutRow
from cloud.registry.tables_site_files import SiteFileAnswerRow

RESTORED = "restored"
"""Why they are paused."""

_ROW, _AT, _SAID = RolloutRow, RolloutGatewayRow, SiteFileAnswerRow


def pause_restored_file(path: Path, now_ms: int) -> int:
    """`pause_restored` in a registry's file that nobody has open; one from before roll-outs has none."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        return pause_restored(connection, now_ms) if sa.inspect(connection).has_table(_ROW.__tablename__) else 0


def pause_restored(connection: sa.Connection, now_ms: int) -> int:
    """Pause every running one for a person; how many.

    What they had sent and nobody has answered counts as wanted no longer: else it would be numbered anew above what its
    gateway has judged since, and so be sent again. An answer that comes later counts as ever.
    """
    running = _ROW.state == "running"
    answered = sa.exists().where(_SAID.site == _AT.site, _SAID.gateway == _AT.gateway, _SAID.revision == _AT.revision)
    sent = sa.select(_AT.site, _AT.gateway, _AT.revision).join_from(_AT, _ROW, _ROW.id == _AT.rollout)
    open_ones = connection.execute(sent.where(running, _AT.state == "sent", ~answered)).all()
    if open_ones:
        fixed = {"state": "replaced", "detail": "", "key": "", "line": 0, "at": now_ms, "reason": RESTORED}
        rows = [{"site": site, "gateway": name, "revision": number, **fixed} for site, name, number in open_ones]
        connection.execute(sa.insert(_SAID), rows)
    paused = {"state": "paused", "halted": RESTORED, "changed_by": "", "changed_at": now_ms, "rev": _ROW.rev + 1}
    return connection.execute(sa.update(_ROW).where(running).values(paused)).rowcount
