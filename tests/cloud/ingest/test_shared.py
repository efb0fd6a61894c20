"""Several collectors on one ledger in a real PostgreSQL: nothing lost, nothing twice, whoever stops where."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import sqlalchemy as sa

from cloud.ingest.follower import GroupFollower
from cloud.ingest.message import Incoming
from cloud.ingest.prepare import Preparer
from cloud.ingest.prepared import Prepared
from cloud.ingest.shared import SharedCommit
from cloud.registry.postgres_url import PostgresPlace
from cloud.store import ledger_shared
from cloud.store.contract import ReadingsQuery
from cloud.store.keeping import Retention
from cloud.store.ledger_desk import DeskTaken, LedgerDesk
from cloud.store.ledger_file import LedgerFile, LedgerInUse
from cloud.store.ledger_member import MemberLedger
from cloud.store.readings_engine import EngineRows, no_rows
from protocols.batch import seal
from protocols.clock import SystemClock
from protocols.errors import StoreUnavailable
from protocols.reading import Event, Reading
from protocols.topics import topic
from tests.cloud.ingest.rig import AT, KEY, Alarms, batch
from tests.postgres_server import PostgresServer

CLOCK = SystemClock()


class Idle:
    """An engine that takes what it is given and never says that it is at rest: answers come from the ledger."""

    name, hold_s = "an engine", 1e9

    def check(self, raw_days: int | None) -> None: ...

    def mark(self) -> str:
        return "1"

    def write(self, columns: object, names: object) -> None: ...

    def rows(self, wanted: object, from_at: int, to_at: int) -> EngineRows:
        return no_rows()

    def newest(self, wanted: object, since_at: int, at: int) -> dict[object, object]:
        return {}

    def close(self) -> None: ...


class One:
    """One collector of the group, without a broker."""

    def __init__(self, place: PostgresPlace, reach: Callable[[str], None] = lambda _: None) -> None:
        self.ledger = MemberLedger(LedgerFile(place, shared=True))
        self.ledger.shared._reach = reach
        self.preparer = Preparer(self.ledger, CLOCK)
        self.commit = SharedCommit(self.preparer, self.ledger.shared)
        self.ledger.open()
        self.commit.open()

    def take(self, *payloads: bytes) -> Prepared:
        """Commit these together; what is told to gateways is in it."""
        name = topic(KEY.site, KEY.gateway, "up")
        group = [Incoming(KEY, name, payload, CLOCK.now_ms(), lambda: None) for payload in payloads]
        return self.commit.store(lambda: self.preparer.prepare(group))


@pytest.fixture
def place(postgres: PostgresServer) -> PostgresPlace:
    return postgres.place()


@pytest.fixture
def collectors(place: PostgresPlace) -> Iterator[Callable[[], One]]:
    made: list[One] = []

    def another() -> One:
        made.append(One(place))
        return made[-1]

    yield another
    for one in made:
        one.ledger.close()


def acked(prepared: Prepared) -> list[int | None]:
    return [answer.seq for answer in prepared.answers if answer.rejection is None]


def stored(postgres: PostgresServer, place: PostgresPlace) -> list[int]:
    rows = postgres.sql("SELECT seq FROM store_batch ORDER BY id", place)
    return [int(str(seq)) for (seq,) in rows]


def wide(seq: int) -> bytes:
    """A batch that brings a series of its own, an event, and two readings that say which batch they are of."""
    power = Reading(f"m{seq}", "active_power_total", float(seq), AT + seq)
    readings = [power, Reading("m", "frequency", seq / 4, AT + seq)]
    return seal("e1", seq, readings, [Event("gate", "button", AT + seq)], gateway="g1", sealed_at=AT)


def found_in_blocks(one: One) -> list[tuple[str, float]]:
    """(device, value) of all readings at rest, by the names that the ledger gives to their numbers."""
    from cloud.store.ledger_blocks import unpack
    from cloud.store.ledger_tables import BLOCK

    names = one.preparer.series.names()
    found: list[tuple[str, float]] = []
    with one.ledger._ledger.reading() as connection:
        for (body,) in connection.execute(sa.select(BLOCK.c.body).order_by(BLOCK.c.id)):
            block = unpack(body)
            found += [(names[n].device, float(v)) for n, v in zip(block.series, block.value, strict=True)]
    return found


def test_each_batch_is_stored_once_when_three_collectors_get_all_of_them_at_once(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    three, seqs = [collectors() for _ in range(3)], range(1, 61)
    told: list[list[int | None]] = [[], [], []]

    def work(number: int) -> None:
        rng = random.Random(number)
        mine = list(seqs)
        rng.shuffle(mine)
        while mine:
            size = rng.randint(1, 6)
            part, mine = mine[:size], mine[size:]
            told[number] += acked(three[number].take(*map(wide, part)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answered = [sorted(seq for seq in each if seq is not None) for each in told]
    assert answered == [list(seqs)] * 3, "each collector acks what it got"
    assert sorted(stored(postgres, place)) == list(seqs)
    one = collectors()
    assert sorted(found_in_blocks(one)) == sorted(
        [(f"m{seq}", float(seq)) for seq in seqs] + [("m", seq / 4) for seq in seqs]
    )
    assert postgres.sql("SELECT count(*), count(DISTINCT (device, observed_at)) FROM store_event", place) == [(60, 60)]
    numbers = postgres.sql("SELECT id FROM store_batch ORDER BY id", place)
    assert numbers == [(n,) for n in seqs], "no number is left out"
    assert postgres.sql("SELECT waiting FROM store_head", place) == [(120,)]


def test_a_repetition_that_goes_to_another_collector_is_acked_there_and_stored_once(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    a, b = collectors(), collectors()
    assert acked(a.take(batch(1))) == [1]
    again = b.take(batch(1), batch(2))
    assert acked(again) == [1, 2]
    assert [one.row.seq for one in again.accepted] == [2]
    assert stored(postgres, place) == [1, 2]
    assert postgres.sql("SELECT total FROM store_counter WHERE name = 'duplicates'", place) == [(1,)]


def test_another_batch_under_a_number_that_another_collector_stored_fences_the_gateway_for_all(
    collectors: Callable[[], One],
) -> None:
    a, b = collectors(), collectors()
    a.take(batch(1, [1.0]))
    told = b.take(batch(1, [2.0])).answers
    assert [answer.rejection is not None and answer.rejection.hold for answer in told] == [True]
    held = a.take(batch(2))
    assert [answer.rejection is not None and answer.rejection.reason for answer in held.answers] == ["fenced"]
    assert b.commit.lift((0, "e1"))
    assert acked(a.take(batch(2))) == [2]


def test_who_stops_while_it_holds_the_claim_loses_it_and_stores_nothing_twice(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_shared, "IDLE_MAX_MS", 500)
    inside, go_on = threading.Event(), threading.Event()

    def stops(name: str) -> None:
        if name == "before_commit" and not go_on.is_set():
            inside.set()
            go_on.wait(60)

    stalled, other = One(place, stops), collectors()
    failed: list[str] = []

    def work() -> None:
        try:
            stalled.take(batch(1))
        except StoreUnavailable as error:
            failed.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert inside.wait(60)
    assert acked(other.take(batch(1), batch(2))) == [1, 2], "the claim is free again"
    go_on.set()
    thread.join()
    assert failed, "what was begun before it stopped is not there"
    assert acked(stalled.take(batch(1))) == [1]
    stalled.ledger.close()
    assert stored(postgres, place) == [1, 2]


def test_a_commit_whose_answer_was_lost_is_found_and_acked_at_the_next_try(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    broken = [True]

    def reach(name: str) -> None:
        if name == "after_commit" and broken.pop():
            broken.append(False)
            raise StoreUnavailable("planted: the answer is lost")

    one = One(place, reach)
    with pytest.raises(StoreUnavailable, match="planted"):
        one.take(batch(1))
    assert acked(one.take(batch(1), batch(2))) == [1, 2]
    one.ledger.close()
    assert stored(postgres, place) == [1, 2]


def test_a_collector_that_slept_while_identities_were_folded_reads_all_anew(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    asleep, awake = collectors(), collectors()
    for seq in (1, 2, 3):
        awake.take(wide(seq))
    desk = a_desk(place, retention=Retention(raw_days=400, events_days=1))
    postgres.sql("UPDATE store_batch SET received_at = 0 WHERE seq < 3", place)
    desk._tidy(CLOCK.now_ms() + 4000 * 86_400_000)
    assert stored(postgres, place) == [3], "this test means nothing when nothing was folded"
    told = asleep.take(wide(1), wide(2), wide(4))
    assert acked(told) == [1, 2, 4]
    assert [one.row.seq for one in told.accepted] == [4]
    desk.close()


def test_while_nobody_works_the_desk_no_more_is_taken_than_may_wait_but_a_card_at_a_door_is(
    collectors: Callable[[], One],
) -> None:
    one = collectors()
    one.ledger.shared._waiting_max = 4
    one.take(wide(1), wide(2))
    with pytest.raises(StoreUnavailable, match="4 readings wait for the collector at the desk"):
        one.take(wide(3))
    card = seal("e1", 4, [], [Event("gate", "button", AT)], gateway="g1", sealed_at=AT)
    assert acked(one.take(card)) == [4]


def test_a_collector_alone_and_a_group_never_work_on_one_ledger_together(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    one = collectors()
    alone = LedgerFile(place)
    with pytest.raises(LedgerInUse, match="another collector works on this ledger"):
        alone.open()
    one.take(batch(1))
    one.ledger.close()
    alone.open()
    with pytest.raises(LedgerInUse, match="a collector that is in no group works on this ledger"):
        collectors()
    alone.close()
    later = collectors()
    assert acked(later.take(batch(1), batch(2))) == [1, 2], "the group goes on where the other stopped"
    assert stored(postgres, place) == [1, 2]


# --- the desk --------------------------------------------------------------------------------------------------------


def a_desk(place: PostgresPlace, **options: object) -> LedgerDesk:
    desk = LedgerDesk(LedgerFile(place, shared=True), Idle(), CLOCK, **options)  # type: ignore[arg-type]
    desk.open()
    return desk


def a_follower(desk: LedgerDesk) -> GroupFollower:
    follower = GroupFollower(desk, Preparer(desk, CLOCK), Alarms(), CLOCK)
    follower.open()
    return follower


def followed(follower: GroupFollower) -> list[int]:
    return [one.seq for one in follower.step().batches]


async def values(desk: LedgerDesk, device: str) -> Sequence[object]:
    query = ReadingsQuery(site=KEY.site, device=device, point="frequency", from_at=0, to_at=2**52)
    return [row[1] for row in (await desk.readings(query)).rows]


async def test_the_desk_follows_all_collectors_in_the_order_of_commits_and_tells_each_batch_once(
    place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    a, b = collectors(), collectors()
    a.take(wide(1))
    desk = a_desk(place)
    follower = a_follower(desk)
    assert await values(desk, "m") == [], "questions find what was followed, and nothing newer"
    b.take(wide(3), wide(2))
    a.take(wide(4))
    steps = follower.step().batches
    assert [one.seq for one in steps] == [1, 3, 2, 4]
    assert [np.asarray(one.value).tolist() for one in steps] == [[float(n), n / 4] for n in (1, 3, 2, 4)]
    assert [[event.at for event in one.events] for one in steps] == [[AT + n] for n in (1, 3, 2, 4)]
    assert followed(follower) == []
    assert await values(desk, "m") == [0.25, 0.5, 0.75, 1.0]
    desk.close()
    b.take(wide(5))
    later = a_desk(place)
    assert followed(a_follower(later)) == [5], "who takes the desk over goes on there"
    assert await values(later, "m") == [0.25, 0.5, 0.75, 1.0, 1.25]
    later.close()


async def test_a_desk_that_was_taken_over_cannot_go_on(place: PostgresPlace, collectors: Callable[[], One]) -> None:
    one = collectors()
    first = a_desk(place)
    follower = a_follower(first)
    second = a_desk(place)
    one.take(wide(1))
    with pytest.raises(DeskTaken, match="another collector works the desk"):
        follower.step()
    assert followed(a_follower(second)) == [1]
    first.close()
    second.close()


async def test_what_is_at_rest_makes_room_and_what_members_tell_reaches_the_desk_once(
    postgres: PostgresServer, place: PostgresPlace, collectors: Callable[[], One]
) -> None:
    one = collectors()
    desk = a_desk(place)
    one.take(wide(1))
    follower = a_follower(desk)
    follower.step()
    desk._pending.forget(desk._pending.snapshot().blocks, desk._remove_blocks)
    assert postgres.sql("SELECT waiting, (SELECT count(*) FROM store_block) FROM store_head", place) == [(0, 0)]
    telling = [(True, "batch_rejected", "east/g1", {"reason": "crc"})]
    one.ledger.tell("c1", seen_at=5, started_at=1, batches=1, readings=2, alarms=telling)
    one.ledger.tell("c1", seen_at=6, started_at=1, batches=1, readings=2, alarms=())
    heard = [(told.member, told.kind, told.args) for told in desk.told()]
    assert heard == [("c1", "batch_rejected", {"reason": "crc"})]
    assert desk.told() == []
    assert [(seen.name, seen.seen_at) for seen in desk.members()] == [("c1", 6)]
    desk.close()
