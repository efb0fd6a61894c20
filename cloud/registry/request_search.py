"""Looking for requests of any age: by number, text, unit, plate, kind and when they were filed, page by page."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.dispatch.contract import Filed, Found
from cloud.dispatch.request import Request
from cloud.registry.tables_requests import RequestRow

AT_ONCE = 200
LOOKED_MAX = 4_000
"""Rows that are read for one page at most; what lies beyond is the next page."""
DOTS = ("·", "•")

_decode = msgspec.json.Decoder(Request).decode


async def search(session: AsyncSession, wanted: Filed) -> Found:
    """The newest first. ``next`` is where to go on, also when this page holds less than was asked for."""
    found: list[Request] = []
    after, looked = wanted.after, 0
    while True:
        rows = (await session.execute(_query(wanted, after).limit(AT_ONCE))).all()
        is_last = len(rows) < AT_ONCE
        for at, (created_at, site, number, body) in enumerate(rows, 1):
            after = (created_at, site, number)
            request = _decode(body)
            if _fits(request, wanted):
                found.append(request)
            if len(found) == wanted.limit:
                return Found(found, None if is_last and at == len(rows) else after)
        looked += len(rows)
        if is_last or looked >= LOOKED_MAX:
            return Found(found, None if is_last else after)


def _query(wanted: Filed, after: tuple[int, str, str] | None) -> Select[int, str, str, str]:
    row = RequestRow
    query = select(row.created_at, row.site, row.number, row.body)
    query = query.where(row.created_at >= wanted.since, row.created_at < wanted.until)
    if wanted.site is not None:
        query = query.where(row.site == wanted.site)
    if wanted.owner is not None:
        query = query.where(row.created_by == wanted.owner)
    if wanted.ended:
        query = query.where(row.ended_at.is_not(None))
    # Coarse: the body holds more than what is looked through, so each row is looked at again.
    text: ColumnElement[str] = func.coalesce(row.body, "")
    for dot in DOTS:
        text = func.replace(text, dot, "")
    for term in _terms(wanted):
        query = query.where(text.contains(_quoted(term)[1:-1], autoescape=True))
    if wanted.kind is not None:
        query = query.where(row.body.contains(f'"kind":{_quoted(wanted.kind)}', autoescape=True))
    if after is not None:
        at, site, number = after
        here = (row.site > site) | ((row.site == site) & (row.number < number))
        query = query.where((row.created_at < at) | ((row.created_at == at) & here))
    return query.order_by(row.created_at.desc(), row.site, row.number.desc())


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _terms(wanted: Filed) -> list[str]:
    plain = (_plain(term) for term in wanted.terms)
    return [term for term in plain if term]


def _plain(text: str) -> str:
    """A plate is found with and without the dot in it."""
    for dot in DOTS:
        text = text.replace(dot, "")
    return text


def _fits(request: Request, wanted: Filed) -> bool:
    if wanted.kind is not None and request.kind != wanted.kind:
        return False
    words = _plain("\n".join(_words(request))).casefold()
    return all(term.casefold() in words for term in _terms(wanted))


def _words(request: Request) -> Iterator[str]:
    """What a request is known by."""
    yield from (request.number, request.title, request.purpose, request.note)
    yield from (request.requester.name, request.requester.unit, request.requester.phone)
    yield from request.passenger_names
    yield from (place.name for place in (request.origin, request.to) if place is not None)
    if request.assigned is not None:
        yield from (request.assigned.name, request.assigned.driver, request.assigned.resource)
