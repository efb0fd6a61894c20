"""People where doors, guards and programs know them: holders of cards, rounds of guards, tokens named after somebody.

Sources of ``cloud.privacy.contract``.
"""

from collections.abc import Sequence
from urllib.parse import unquote_plus

import msgspec
from sqlalchemy import delete, select

from cloud.access.contract import Credential, Holder
from cloud.patrol.runs import Run
from cloud.privacy.contract import RECORDS_MAX, Found, Subject
from cloud.registry.database import Database
from cloud.registry.people_accounts import NOBODY, OPEN
from cloud.registry.people_columns import whole
from cloud.registry.people_told import without_guards
from cloud.registry.tables import TokenRow
from cloud.registry.tables_access import AccessRecordRow
from cloud.registry.tables_assets import AssetRow
from cloud.registry.tables_places import PatrolRunRow
from protocols.clock import Clock

IN_ACCESS = "still a holder of cards: take them out under Access"
WORKED_ON_MS = 24 * 3_600_000
"""So long after its end a run may still be judged anew, when a gateway was away."""
_TOKEN_FACTS = ("id", "name", "role", "scope", "site", "created_at", "expires_at", "last_used_at", "revoked_at")


class Holders:
    """Holders of that name, and cards: theirs, or with these keys. They open doors, so they are taken out there."""

    name = "holders"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subject: Subject) -> list[Found]:
        query = select(AccessRecordRow).where(AccessRecordRow.kind.in_(("holder", "credential")))
        mine: set[tuple[str, str]] = set()
        found = []
        async with self._database.reading() as session:
            rows = list(await session.scalars(query.order_by(AccessRecordRow.kind.desc(), AccessRecordRow.changed_at)))
        for row in rows:  # holders first
            if row.kind == "holder":
                known = msgspec.json.decode(row.record, type=Holder).name in subject.people
                mine |= {(row.site, row.id)} if known else set()
            else:
                card = msgspec.json.decode(row.record, type=Credential)
                known = card.id in subject.card or (row.site, card.holder) in mine
            if known:
                facts = {"site": row.site, "kind": row.kind, **msgspec.json.decode(row.record)}
                found.append(Found(f"{row.site}:{row.kind}:{row.changed_at}", row.changed_at, facts, IN_ACCESS))
        return found[:RECORDS_MAX]

    async def erase(self, ids: Sequence[str]) -> int:
        """Nothing: all of it stays until it is taken out of the list."""
        return 0


class PatrolRuns:
    """Rounds they walked. Which checkpoint was reached when stays, without who was there."""

    name = "patrols"

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def find(self, subject: Subject) -> list[Found]:
        now = self._clock.now_ms()
        people = sorted(subject.people)
        async with self._database.reading() as session:
            listed = select(AssetRow.site, AssetRow.id).where(
                AssetRow.kind.in_(("guard", "technician")), AssetRow.name.in_(people)
            )
            guards = {(site, name) for site, name in (await session.execute(listed)).all()}
            words = subject.people | {name for _, name in guards}
            found = []
            query = select(PatrolRunRow).order_by(PatrolRunRow.from_at)
            async for row in await session.stream_scalars(query.execution_options(yield_per=500)):
                if not any(word in row.run for word in words):
                    continue
                run = msgspec.json.decode(row.run, type=Run)
                who = {run.guard, *(point.guard for point in run.checkpoints)} - {NOBODY}
                if who & subject.people or any((run.site, each) in guards for each in who):
                    stays = OPEN if run.until_at + WORKED_ON_MS > now else ""
                    facts = msgspec.to_builtins(run)
                    found.append(Found(f"{run.site}:{run.id}:{run.from_at}", run.from_at, facts, stays))
        return found[:RECORDS_MAX]

    async def erase(self, ids: Sequence[str]) -> int:
        gone = 0
        async with self._database.writing() as session:
            for name in ids:
                site, _, rest = name.partition(":")
                row = await session.get(PatrolRunRow, (site, rest.rpartition(":")[0]))
                if row is None or row.from_at != int(rest.rpartition(":")[2]):
                    continue
                run = msgspec.json.decode(row.run, type=Run)
                row.run = msgspec.json.encode(without_guards(run)).decode()
                gone += 1
        return gone


class NamedTokens:
    """Tokens, trackers and calendars named after them. Somebody decides which end: programs may live on them."""

    name = "tokens"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, subject: Subject) -> list[Found]:
        pattern = whole(subject.words, subject.plain_plates)
        if pattern is None:
            return []
        async with self._database.reading() as session:
            rows = list(await session.scalars(select(TokenRow).order_by(TokenRow.created_at)))
        return [
            Found(f"{row.id}:{row.created_at}", row.created_at, {name: getattr(row, name) for name in _TOKEN_FACTS})
            for row in rows
            if pattern.search(row.name) or pattern.search(_readable(row.scope))
        ][:RECORDS_MAX]

    async def erase(self, ids: Sequence[str]) -> int:
        """They end, and nothing of them stays."""
        gone = 0
        async with self._database.writing() as session:
            for name in ids:
                number, _, made = name.partition(":")
                mine = delete(TokenRow).where(TokenRow.id == number, TokenRow.created_at == int(made))
                gone += int(getattr(await session.execute(mine), "rowcount", 0) or 0)
        return gone


def _readable(scope: str) -> str:
    """A scope may hold a name as an address does."""
    return unquote_plus(scope)
