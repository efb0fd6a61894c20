"""Forgetting what is about people in the ledger of a store on servers: events. See ``cloud/store/personal.py``.

Positions rest in the engine, which forgets them itself: ``forget_old`` of ``cloud/store/readings_engine.py``.
"""

import json
from collections.abc import Iterable, Iterator, Sequence

import sqlalchemy as sa

from cloud.store.contract import SeriesKey
from cloud.store.ledger_tables import EVENT
from cloud.store.personal import FOUND_MAX, Due, HeldBack, PersonalEvent, Slice, plate_in_json

SLICE_ROWS = 2_000


def count_due(connection: sa.Connection, due: Due) -> int:
    """Events that are due."""
    return connection.execute(sa.select(sa.func.count()).select_from(EVENT).where(_due(due))).scalar() or 0


def expire(connection: sa.Connection, due: Due) -> Slice:
    """Take away a slice of the events that are due."""
    ids = list(connection.execute(sa.select(EVENT.c.id).where(_due(due)).limit(SLICE_ROWS)).scalars())
    if ids:
        connection.execute(EVENT.delete().where(EVENT.c.id.in_(ids)))
    return Slice(len(ids), len(ids) == SLICE_ROWS)


def sites_due(series: Iterable[SeriesKey], due: Due) -> list[str]:
    """Sites that have positions on which nobody has a hold. A person's hold does not hold them: they name nobody."""
    return sorted({key.site for key in series if key.point in due.points and key.site not in due.kept_sites})


def find(connection: sa.Connection, words: Sequence[str], plates: Sequence[str] = ()) -> list[PersonalEvent]:
    """Events whose data holds one of the words or plates."""
    if not words and not plates:
        return []
    holds = sa.or_(
        *(EVENT.c.data.contains(_as_stored(word), autoescape=True) for word in words),
        *(EVENT.c.data.regexp_match(plate_in_json(plain)) for plain in plates),
    )
    query = sa.select(EVENT).where(holds).order_by(EVENT.c.observed_at, EVENT.c.id).limit(FOUND_MAX)
    return [
        PersonalEvent(f"{row.id}:{row.observed_at}", row.observed_at, row.site, row.device, row.kind, row.data)
        for row in connection.execute(query)
    ]


def erase(connection: sa.Connection, ids: Sequence[str]) -> int:
    """Take these events away; how many there were."""
    gone = 0
    for name in ids:
        number, _, at = name.partition(":")
        if number.isdigit() and at.lstrip("-").isdigit():
            mine = sa.and_(EVENT.c.id == int(number), EVENT.c.observed_at == int(at))
            gone += connection.execute(EVENT.delete().where(mine)).rowcount
    return gone


def _due(due: Due) -> "sa.ColumnElement[bool]":
    parts = [EVENT.c.kind.in_(due.kinds), EVENT.c.observed_at < due.before]
    if due.kept_sites:
        parts.append(EVENT.c.site.not_in(sorted(due.kept_sites)))
    parts += [sa.not_(EVENT.c.data.contains(_as_stored(word), autoescape=True)) for word in sorted(due.kept_words)]
    parts += [sa.not_(EVENT.c.data.regexp_match(plate_in_json(plain))) for plain in sorted(due.kept_plates)]
    return sa.and_(*parts)


def let_go(held: Sequence[HeldBack]) -> "sa.ColumnElement[bool]":
    """Events that no hold keeps."""
    return sa.and_(sa.true(), *(sa.not_(sa.and_(sa.true(), *_of(each))) for each in held))


def _of(held: HeldBack) -> "Iterator[sa.ColumnElement[bool]]":
    if held.kinds is not None:
        yield EVENT.c.kind.in_(held.kinds)
    if held.sites:
        yield EVENT.c.site.in_(sorted(held.sites))
    if held.words or held.plates:
        yield sa.or_(
            *(EVENT.c.data.contains(_as_stored(word), autoescape=True) for word in sorted(held.words)),
            *(EVENT.c.data.regexp_match(plate_in_json(plain)) for plain in sorted(held.plates)),
        )


def _as_stored(word: str) -> str:
    return json.dumps(word, ensure_ascii=True)
