"""Requests at rest."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.dispatch.contract import Conflict, Decided, Filed, Found, Remembered, TravelRow, Written
from cloud.dispatch.request import History, Request
from cloud.dispatch.settings import DispatchSettings
from cloud.registry.database import Database
from cloud.registry.request_search import search
from cloud.registry.tables_requests import (
    DispatchSettingsRow,
    LearnedTimeRow,
    RequestHistoryRow,
    RequestKeyRow,
    RequestRow,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Request).decode


class RequestBook:
    """Reads and writes requests. See ``cloud.dispatch.contract.Book``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_requests(self, ended_since: int) -> list[Request]:
        query = (
            select(RequestRow.body)
            .where(RequestRow.ended_at.is_(None) | (RequestRow.ended_at >= ended_since))
            .order_by(RequestRow.site, RequestRow.number)
        )
        async with self._database.reading() as session:
            return [_decode(body) for body in await session.scalars(query)]

    async def find(self, site: str, number: str) -> Request | None:
        async with self._database.reading() as session:
            return await _read(session, site, number)

    async def history(self, site: str, number: str) -> list[History]:
        query = (
            select(RequestHistoryRow)
            .where(RequestHistoryRow.site == site, RequestHistoryRow.number == number)
            .order_by(RequestHistoryRow.id)
        )
        async with self._database.reading() as session:
            return [
                History(
                    at=row.at,
                    by=row.by,
                    action=row.action,
                    reason=row.reason,
                    before=msgspec.json.decode(row.before),
                    after=msgspec.json.decode(row.after),
                )
                for row in await session.scalars(query)
            ]

    async def chosen_by(self, site: str, number: str) -> str | None:
        query = select(RequestRow.suggestion).where(RequestRow.site == site, RequestRow.number == number)
        async with self._database.reading() as session:
            return await session.scalar(query)

    async def filed(self, site: str | None, since: int, until: int, *, owner: str | None, limit: int) -> list[Request]:
        query = select(RequestRow.body).where(RequestRow.created_at >= since, RequestRow.created_at < until)
        if site is not None:
            query = query.where(RequestRow.site == site)
        if owner is not None:
            query = query.where(RequestRow.created_by == owner)
        query = query.order_by(RequestRow.created_at.desc(), RequestRow.number.desc()).limit(limit)
        async with self._database.reading() as session:
            return [_decode(body) for body in await session.scalars(query)]

    async def search(self, wanted: Filed) -> Found:
        async with self._database.reading() as session:
            return await search(session, wanted)

    async def last_number(self, site: str, day: str) -> int:
        length, number = func.length(RequestRow.number), RequestRow.number
        query = select(number).where(RequestRow.site == site, number.like(f"{day}-%"))
        async with self._database.reading() as session:
            last = await session.scalar(query.order_by(length.desc(), number.desc()).limit(1))
        return int(last.rpartition("-")[2]) if last else 0

    async def write(self, changes: Sequence[Written]) -> None:
        async with self._database.writing() as session:
            for change in changes:
                await _write(session, change)

    async def remembered(self, owner: str, key: str, since: int) -> Remembered | None:
        query = select(RequestKeyRow).where(
            RequestKeyRow.owner == owner, RequestKeyRow.key == key, RequestKeyRow.at >= since
        )
        async with self._database.reading() as session:
            row = await session.scalar(query)
        return Remembered(row.owner, row.key, row.digest, row.request, row.at) if row else None

    async def forget_keys(self, before: int) -> None:
        async with self._database.writing() as session:
            await session.execute(delete(RequestKeyRow).where(RequestKeyRow.at < before))

    async def travels(self, limit_per_site: int) -> list[TravelRow]:
        rank = func.row_number().over(partition_by=LearnedTimeRow.site, order_by=LearnedTimeRow.id.desc())
        newest = select(LearnedTimeRow.id, rank.label("rank")).subquery()
        query = (
            select(LearnedTimeRow)
            .join(newest, newest.c.id == LearnedTimeRow.id)
            .where(newest.c.rank <= limit_per_site)
            .order_by(LearnedTimeRow.id)
        )
        async with self._database.reading() as session:
            return [
                TravelRow(r.site, r.kind, r.at, r.hour, r.straight_m, r.road_m, r.travel_s, r.source)
                for r in await session.scalars(query)
            ]

    async def learn(self, rows: Sequence[TravelRow], keep_per_site: int) -> None:
        async with self._database.writing() as session:
            await session.execute(insert(LearnedTimeRow), [row._asdict() for row in rows])
            for site in {row.site for row in rows}:
                kept = (
                    select(LearnedTimeRow.id)
                    .where(LearnedTimeRow.site == site)
                    .order_by(LearnedTimeRow.id.desc())
                    .limit(keep_per_site)
                )
                await session.execute(
                    delete(LearnedTimeRow).where(LearnedTimeRow.site == site, LearnedTimeRow.id.not_in(kept))
                )

    async def settings(self) -> dict[str, Decided]:
        async with self._database.reading() as session:
            rows = await session.scalars(select(DispatchSettingsRow))
            return {row.site: Decided(msgspec.json.decode(row.body, type=DispatchSettings), row.rev) for row in rows}

    async def set_settings(self, site: str, decided: Decided, at: int, by: str) -> None:
        body = _encode(decided.settings).decode()
        row = DispatchSettingsRow(site=site, rev=decided.rev, body=body, changed_at=at, changed_by=by)
        async with self._database.writing() as session:
            await session.merge(row)


async def _read(session: AsyncSession, site: str, number: str) -> Request | None:
    body = await session.scalar(select(RequestRow.body).where(RequestRow.site == site, RequestRow.number == number))
    return None if body is None else _decode(body)


async def _write(session: AsyncSession, change: Written) -> None:
    request = change.request
    columns: dict[str, Any] = {
        "status": request.status,
        "created_at": request.created_at,
        "created_by": request.created_by,
        "ended_at": request.ended_at,
        "rev": request.rev,
        "body": _encode(request).decode(),
    }
    if change.suggestion is not None:
        columns["suggestion"] = change.suggestion
    if change.expected is None:
        await session.execute(insert(RequestRow).values(site=request.site, number=request.number, **columns))
    else:
        done = await session.execute(
            update(RequestRow)
            .where(
                RequestRow.site == request.site,
                RequestRow.number == request.number,
                RequestRow.rev == change.expected,
            )
            .values(**columns)
        )
        assert isinstance(done, CursorResult)
        if done.rowcount != 1:
            raise Conflict(await _read(session, request.site, request.number) or request)
    if change.history:
        await session.execute(insert(RequestHistoryRow), [_history_row(request, line) for line in change.history])
    if change.remembered is not None:
        await session.merge(RequestKeyRow(**change.remembered._asdict()))


def _history_row(request: Request, line: History) -> dict[str, Any]:
    return {
        "site": request.site,
        "number": request.number,
        "at": line.at,
        "by": line.by,
        "action": line.action,
        "reason": line.reason,
        "before": _encode(line.before).decode(),
        "after": _encode(line.after).decode(),
    }
