"""The record of roll-outs: what was asked for, how far it is, and which revision each gateway was given for it."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cloud.registry.database import Database
from cloud.registry.rollouts_restored import pause_restored
from cloud.registry.site_file_book import COLLECTOR, Also
from cloud.registry.tables_rollouts import RolloutGatewayRow, RolloutRow
from cloud.registry.tables_site_files import SiteFileAnswerRow, SiteFileRow, SiteFileToldRow
from cloud.store.contract import GatewayKey

OPEN = ("draft", "running", "paused", "stopped")
GIVEN_UP = ("aborted", "returned")
"""In these something may still be due until they are closed."""

_ROW, _AT = RolloutRow, RolloutGatewayRow


class Seen(NamedTuple):
    """One gateway of a roll-out, without its text.

    ``outcome``: of the revision it was sent: ``applied``, ``refused``, ``rolled_back``, ``trying``, ``replaced`` (it is
    wanted no longer), ``waiting``; "" when it was sent none. ``reason``, ``devices``, ``detail``: of what it answered.
    """

    key: GatewayKey
    position: int
    stage: int
    state: str
    base: str
    after: int
    by_whom: str
    line: int
    setting: str
    message: str
    allowed: str
    revision: int | None
    sent_at: int | None
    back: int | None
    outcome: str
    reason: str = ""
    devices: str = ""
    detail: str = ""
    answered_at: int | None = None


class NotNow(Exception):
    """The roll-out is in another state than when this was begun."""


class RolloutBook:
    """Raises StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, row: RolloutRow, gateways: Sequence[RolloutGatewayRow], *, open_max: int) -> str:
        """Write one down. Returns "", or why not: ``too_many``, or a gateway that another open one has."""
        async with self._database.writing() as session:
            opened = select(_ROW.id).where(_ROW.state.in_(OPEN))
            if len(list(await session.scalars(opened))) >= open_max:
                return "too_many"
            held = await session.execute(select(_AT.site, _AT.gateway).where(_AT.rollout.in_(opened)))
            busy = {GatewayKey(*each) for each in held} & {GatewayKey(each.site, each.gateway) for each in gateways}
            if busy:
                return "/".join(min(busy))
            session.add(row)
            await session.flush()
            for each in gateways:
                each.rollout = row.id
                session.add(each)
        return ""

    async def find(self, number: int) -> RolloutRow | None:
        """One of them."""
        async with self._database.reading() as session:
            return await session.get(_ROW, number)

    async def newest(self, many: int, sites: Collection[str] | None = None) -> list[RolloutRow]:
        """The newest first; ``sites``: only those that are for one of these alone."""
        chosen = select(_ROW).order_by(_ROW.id.desc()).limit(many)
        if sites is not None:
            chosen = chosen.where(_ROW.site.in_(sites))
        async with self._database.reading() as session:
            return list(await session.scalars(chosen))

    async def unfinished(self) -> list[RolloutRow]:
        """In which something may be due, the oldest first."""
        due = or_(_ROW.state.in_(OPEN), and_(_ROW.state.in_(GIVEN_UP), _ROW.closed_at.is_(None)))
        chosen = select(_ROW).where(due).order_by(_ROW.id)
        async with self._database.reading() as session:
            return list(await session.scalars(chosen))

    async def counts(self, numbers: Collection[int]) -> dict[int, int]:
        """How many gateways each has."""
        chosen = select(_AT.rollout, func.count()).where(_AT.rollout.in_(numbers)).group_by(_AT.rollout)
        async with self._database.reading() as session:
            return {row[0]: row[1] for row in await session.execute(chosen)}

    async def change(self, row: RolloutRow, **fields: Any) -> bool:
        """Change one that is as ``row`` has it still; False when somebody was faster."""
        async with self._database.writing() as session:
            done = await session.execute(
                update(_ROW).where(_ROW.id == row.id, _ROW.rev == row.rev).values(rev=row.rev + 1, **fields)
            )
            assert isinstance(done, CursorResult)
            return done.rowcount > 0

    async def pause_restored(self, now_ms: int) -> int:
        """Pause all that run, in a registry that was put back; how many."""
        async with self._database.writing() as session:
            return await (await session.connection()).run_sync(pause_restored, now_ms)

    async def text(self, number: int, key: GatewayKey) -> str | None:
        """The whole file a gateway is to get; None when it has no part in it."""
        async with self._database.reading() as session:
            return await session.scalar(select(_AT.text).where(*_at(number, key)))

    async def unchecked(self, number: int) -> tuple[GatewayKey, str] | None:
        """The next gateway whose file nobody has judged, and the file."""
        chosen = select(_AT.site, _AT.gateway, _AT.text).where(_AT.rollout == number, _AT.state == "unchecked")
        async with self._database.reading() as session:
            row = (await session.execute(chosen.order_by(_AT.position).limit(1))).first()
            return None if row is None else (GatewayKey(row[0], row[1]), row[2])

    async def judged(self, number: int, key: GatewayKey, **fields: Any) -> None:
        """What is known of a gateway before it is sent anything."""
        async with self._database.writing() as session:
            still = (*_at(number, key), _AT.revision.is_(None))
            await session.execute(update(_AT).where(*still).values(**fields))

    async def ended(self, number: int, key: GatewayKey, **fields: Any) -> None:
        """What cannot be taken back from a gateway, and why."""
        async with self._database.writing() as session:
            await _note(session, number, key, **fields)

    def sent(self, number: int, key: GatewayKey) -> Also:
        """To be done with the revision a gateway is given: it says for which roll-out. Raises NotNow."""

        async def also(session: AsyncSession, made: SiteFileRow) -> None:
            await _still(session, number, "running")
            await _note(session, number, key, state="sent", revision=made.revision, sent_at=made.made_at)

        return also

    def numbered_anew(self, key: GatewayKey, revision: int) -> Also:
        """To be done with a revision that takes the place of another, which its gateway would never look at."""

        async def also(session: AsyncSession, made: SiteFileRow) -> None:
            same = (_AT.site == key.site, _AT.gateway == key.gateway, _AT.revision == revision)
            await session.execute(update(_AT).where(*same).values(revision=made.revision))

        return also

    def taken_back(self, number: int, key: GatewayKey, state: str) -> Also:
        """To be done with the revision that takes it back, while the roll-out is in ``state``. Raises NotNow."""

        async def also(session: AsyncSession, made: SiteFileRow) -> None:
            await _still(session, number, state)
            done: dict[str, Any] = {"state": "returned" if state == "returned" else "withdrawn"}
            if state == "stopped":  # a person may go on with it
                done = {"state": "ready", "revision": None, "sent_at": None, "after": made.revision}
            await _note(session, number, key, back=made.revision, **done)

        return also

    async def seen(self, number: int) -> list[Seen]:
        """Every gateway of one, in the order they are begun."""
        other, made = aliased(SiteFileAnswerRow), aliased(SiteFileRow)
        newest = select(func.max(other.id)).where(*_same(other), other.revision == _AT.revision)
        wanted = select(func.max(made.revision)).where(*_same(made), made.origin == COLLECTOR)
        plain = [getattr(_AT, name) for name in _PLAIN]
        answer = SiteFileAnswerRow
        chosen = (
            select(*plain, wanted.correlate(_AT).scalar_subquery(), SiteFileToldRow.state, SiteFileToldRow.revision)
            .add_columns(answer.state, answer.reason, answer.devices, answer.detail, answer.at)
            .outerjoin(SiteFileToldRow, and_(*_same(SiteFileToldRow)))
            .outerjoin(answer, answer.id == newest.correlate(_AT).scalar_subquery())
            .where(_AT.rollout == number)
            .order_by(_AT.position)
        )
        async with self._database.reading() as session:
            return [_seen(*row) for row in await session.execute(chosen)]


_PLAIN = (
    *("site", "gateway", "position", "stage", "state", "base", "after", "by_whom", "line", "setting", "message"),
    *("allowed", "revision", "sent_at", "back"),
)


def _seen(*row: Any) -> Seen:
    site, gateway, *plain = row[: len(_PLAIN)]
    wanted, told, told_revision, *answer = row[len(_PLAIN) :]
    revision = plain[-3]
    outcome = ""
    if revision is not None:
        is_tried = told == "trying" and told_revision == revision
        outcome = answer[0] or ("trying" if is_tried else "waiting" if wanted == revision else "replaced")
    said = [part if part is not None else "" for part in answer[1:4]]
    fields = [GatewayKey(site, gateway), *plain, outcome, *said, answer[4]]
    return Seen(*fields)


async def _still(session: AsyncSession, number: int, state: str) -> None:
    row = await session.get(_ROW, number, with_for_update=True)
    if row is None or row.state != state:
        raise NotNow


async def _note(session: AsyncSession, number: int, key: GatewayKey, **fields: Any) -> None:
    await session.execute(update(_AT).where(*_at(number, key)).values(**fields))


def _at(number: int, key: GatewayKey):  # type: ignore[no-untyped-def]
    return _AT.rollout == number, _AT.site == key.site, _AT.gateway == key.gateway


def _same(table: Any):  # type: ignore[no-untyped-def]
    return table.site == _AT.site, table.gateway == _AT.gateway
