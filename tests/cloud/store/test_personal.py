"""What is about people is forgotten down to the bytes of the files, and nothing else is."""

import asyncio
from hashlib import sha256
from pathlib import Path

from cloud.store.contract import EventsQuery, ReadingsQuery, SeriesKey
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.personal import ACCESS_KINDS, TRACK_POINTS, Due, PersonalStore
from protocols.clock import ManualClock
from protocols.reading import Event
from tests.cloud.store.works import DAY, MIDNIGHT, NAMES, POWER, work

LATITUDE = SeriesKey("east", "m1", "latitude")
MARKER = "ck-marker-of-somebody"
DUE = Due(ACCESS_KINDS, (), MIDNIGHT)


def opened(folder: Path) -> DuckdbStore:
    store = DuckdbStore(folder, ManualClock(), roll_up_every_s=0)
    store.open()
    return store


def card(at: int, key: str = MARKER) -> Event:
    return Event("reader-1", "card_read", at, {"card_key": key, "door": "d1"})


def written_anywhere(folder: Path, words: str) -> list[str]:
    """Files that hold the words."""
    return [path.name for path in folder.rglob("*") if path.is_file() and words.encode() in path.read_bytes()]


async def forget(store: PersonalStore, due: Due) -> int:
    rows = 0
    while (slice_ := await store.expire(due)).more or slice_.rows:
        rows += slice_.rows
    while await store.scrub():
        pass
    return rows


async def test_old_access_events_leave_no_byte_in_the_files(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit(NAMES)
    for number in range(1, 41):
        at = MIDNIGHT + (number - 21) * DAY
        keys = [f"{MARKER}-{sha256(b'%d %d' % (number, place)).hexdigest()}" for place in range(60)]
        events = [card(at + place, key if at < MIDNIGHT else "ck-young") for place, key in enumerate(keys)]
        store.commit(work(number, [(0, at, 1.0)], [*events, Event("door-1", "door_opened", at, {"door": "d1"})]))
    before = store.remembered()
    assert await store.count_due(DUE) == 1_200
    await store.scrub()
    assert written_anywhere(tmp_path, MARKER)
    assert await forget(store, DUE) == 1_200
    assert written_anywhere(tmp_path, MARKER) == []
    kept = await store.events(EventsQuery(from_at=0, to_at=2 * MIDNIGHT, limit=100_000))
    assert len(kept.rows) == 20 * 60 + 40
    assert await store.count_due(DUE) == 0
    again = store.remembered()
    assert (again.ranges, again.counters, again.next_batch) == (before.ranges, before.counters, before.next_batch)
    store.close()
    assert written_anywhere(tmp_path, MARKER) == []


async def test_what_is_held_stays(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit(NAMES)
    store.commit(work(1, (), [card(MIDNIGHT - DAY), card(MIDNIGHT - DAY + 1, "ck-2")]))
    assert await forget(store, DUE._replace(kept_words=frozenset({MARKER}))) == 1
    assert [each.data for each in await store.find_events([MARKER])] == [f'{{"card_key":"{MARKER}","door":"d1"}}']
    assert await forget(store, DUE._replace(kept_sites=frozenset({"east"}))) == 0
    assert await forget(store, DUE._replace(kept_sites=frozenset({"west"}))) == 1
    store.close()


async def test_old_positions_go_with_their_roll_ups_and_energy_stays(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit(NAMES)
    named = work(1, [(0, MIDNIGHT - DAY, 1.0)])
    store.commit(_with_series(named, [(2, LATITUDE)]))
    for number in range(2, 30):
        at = MIDNIGHT + (number - 16) * DAY
        store.commit(work(number, [(0, at, 5.0), (2, at, 39.9)]))
    await store.maintain(MIDNIGHT + 20 * DAY)
    due = Due((), TRACK_POINTS, MIDNIGHT)
    assert (await store.expire(due)).rows > 0
    await forget(store, due)
    assert await store.count_due(due) == 0
    for step in ("raw", "15m", "1h", "1d"):
        found = [len((await store.readings(_of(key, step))).rows) for key in (POWER, LATITUDE)]
        assert found[0] >= 28
        assert found[1] == 14
    store.close()


async def test_events_of_one_person_are_found_and_erased_and_others_stay(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit(NAMES)
    store.commit(work(1, (), [card(MIDNIGHT), card(MIDNIGHT + 1, "ck-2"), card(MIDNIGHT + 2)]))
    found = await store.find_events([MARKER])
    assert [each.at for each in found] == [MIDNIGHT, MIDNIGHT + 2]
    assert await store.erase_events([each.id for each in found]) == 2
    assert await store.erase_events([each.id for each in found]) == 0
    assert await store.find_events([MARKER]) == []
    while await store.scrub():
        pass
    assert written_anywhere(tmp_path, MARKER) == []
    assert len((await store.events(EventsQuery(from_at=0, to_at=2 * MIDNIGHT))).rows) == 1
    store.close()


async def test_commits_go_on_while_old_rows_are_taken_out(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.commit(NAMES)
    for number in range(1, 31):
        store.commit(work(number, (), [card(MIDNIGHT - DAY + place) for place in range(500)]))
    forgetting = asyncio.create_task(forget(store, DUE))
    number = 31
    while not forgetting.done() or number < 60:
        fresh = work(number, [(0, MIDNIGHT + number, 1.0)], [card(MIDNIGHT + number, "ck-new")])
        await asyncio.to_thread(store.commit, fresh)
        number += 1
    assert await forgetting == 15_000
    assert len((await store.events(EventsQuery(from_at=0, to_at=2 * MIDNIGHT, limit=100_000))).rows) == number - 31
    store.close()


def _with_series(one: object, series: list[tuple[int, SeriesKey]]) -> object:
    from dataclasses import replace

    return replace(one, new_series=series)  # type: ignore[type-var]


def _of(key: SeriesKey, step: str) -> ReadingsQuery:
    return ReadingsQuery(site=key.site, device=key.device, point=key.point, from_at=0, to_at=2 * MIDNIGHT, step=step)  # type: ignore[arg-type]
