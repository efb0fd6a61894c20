"""What is asked of gateways after a restore, when, how often, and what is told when it is nowhere any more."""

from __future__ import annotations

from types import SimpleNamespace

from cloud.ingest.loss import EXPLAINED_AT_ONCE, PAGES_MAX, TOLD_MS, Span
from cloud.ingest.recall import ASK_AGAIN_S, Recall
from cloud.store.contract import EventsQuery, GatewayKey, Page
from cloud.store.ranges import SeqRanges
from protocols.ack import Ack, parse_ack
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable, WireLost
from protocols.status import KeptReport, Status
from tests.cloud.ingest.rig import Alarms

KEY = GatewayKey("east", "g1")
EPOCH = "5b1e9c04"


class Collector:
    """What is stored of one gateway, and what was published."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.stored = SeqRanges()
        self.fenced = False
        self.away = False
        self.published: list[Ack] = []
        self.gaps: list[Span] = []
        self.later_gaps = 0
        """Of other gateways of the site, since."""
        self.pages = 0
        self.quarantined: list[int] = []
        self.store_away = False
        self.behind_since: float | None = None
        self.around = (self.clock.now_ms() - 7_200_000, self.clock.now_ms() - 3_600_000)
        self.alarms = Alarms()
        self.start()

    def start(self) -> None:
        """The process begins; alarms stand as before."""
        self.recall = Recall(self, self, self.alarms, lambda _: "Asia/Shanghai", self.clock)  # type: ignore[arg-type]

    def holes(self, key: GatewayKey, epoch: str, first: int, last: int) -> list[Span]:
        return (self.stored if (key, epoch) == (KEY, EPOCH) else SeqRanges()).holes(first, last)

    def first_stored(self, key: GatewayKey, epoch: str) -> int | None:
        return self.stored.lowest() if (key, epoch) == (KEY, EPOCH) else None

    def is_fenced(self, key: GatewayKey, epoch: str) -> bool:
        return self.fenced

    def current_at(self) -> float:
        return self.clock.monotonic() if self.behind_since is None else self.behind_since

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        assert (topic, retain) == ("dayuan/1/east/g1/ack", False)
        if self.away:
            raise WireLost("no broker")
        self.published.append(parse_ack(payload))

    async def events(self, query: EventsQuery) -> Page:
        if self.store_away:
            raise StoreUnavailable("away")
        assert (query.site, query.kind) == ("east", "gap")
        rows: list[tuple[object, ...]] = [
            (1, "east", "gateway", "gap", {"epoch": EPOCH, "from_seq": first, "to_seq": last}, "g1", EPOCH, 1, 1, "")
            for first, last in self.gaps
        ]
        others = {"epoch": EPOCH, "from_seq": 1, "to_seq": 2**40}
        rows = [(1, "east", "gateway", "gap", others, "g2", EPOCH, 1, 1, "")] * self.later_gaps + rows
        begin = int(query.next or 0)
        end = begin + query.limit
        self.pages += 1
        return Page((), rows[begin:end], str(end) if end < len(rows) else None)

    async def quarantine(self, *, limit: int) -> Page:
        return Page((), [(1, "east", "g1", "", EPOCH, seq, "", "schema", "", 1, b"") for seq in self.quarantined])

    async def received_around(self, key: GatewayKey, epoch: str, first: int, last: int) -> tuple[int, int]:
        return self.around

    async def told(
        self, *spans: tuple[str, int, int], waiting: int = 0, session: int = 1, times: int = 1, every_s: float = 10.0
    ) -> None:
        """A status, so many times."""
        report = SimpleNamespace(kept=KeptReport(batches=9, since=1, spans=list(spans), waiting=waiting))
        for _ in range(times):
            status = Status(state="online", session=session, report=report)  # type: ignore[arg-type]
            await self.recall.status(KEY, status, received_at=1, retained=False)
            await self.clock.advance(every_s)

    @property
    def asked(self) -> list[list[Span]]:
        return [[(first, last) for first, last in ack.missing] for ack in self.published]


async def test_in_normal_life_nothing_is_asked() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 100)])
    await it.told((EPOCH, 20, 100), times=50)
    await it.told((EPOCH, 20, 90), times=50)
    assert (it.published, it.alarms.seen) == ([], [])


async def test_what_a_backup_did_not_have_is_asked_for_at_the_second_look_and_no_more_when_it_came() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 20, 99))
    assert it.asked == [], "a status may overtake a commit"
    await it.told((EPOCH, 20, 99))
    assert it.asked == [[(61, 80)]]
    await it.told((EPOCH, 20, 99), waiting=12, times=100)
    assert len(it.asked) == 1, "while the gateway sends it is not asked"
    it.stored = SeqRanges([(1, 100)])
    await it.told((EPOCH, 20, 99), times=100)
    assert len(it.asked) == 1
    assert it.alarms.seen == []


async def test_a_store_that_was_lost_asks_for_all_that_is_kept_of_every_epoch() -> None:
    it = Collector()
    await it.told(("older", 7, 9), (EPOCH, 1, 40), times=2)
    assert [(ack.epoch, list(ack.missing)) for ack in it.published] == [("older", [(7, 9)]), (EPOCH, [(1, 40)])]
    assert it.alarms.seen == [], "of what was before nothing is known"


async def test_what_does_not_come_is_asked_for_more_and_more_rarely_and_then_told_as_lost() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 20, 99), times=144, every_s=600.0)
    assert 20 <= len(it.asked) <= 24 + 9, "a day of it"
    assert it.alarms.standing[("batches_lost", "east/g1")]["count"] == 20
    before = len(it.asked)
    await it.told((EPOCH, 20, 99), session=2)
    assert len(it.asked) == before + 1, "a new session is asked at once"


async def test_what_comes_in_part_is_asked_for_at_once_in_the_rest() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 20, 99), times=20)
    asked = len(it.asked)
    it.stored = SeqRanges([(1, 70), (81, 100)])
    await it.told((EPOCH, 20, 99))
    assert it.asked[asked:] == [[(71, 80)]]


async def test_a_desk_that_does_not_know_yet_what_others_committed_asks_for_nothing_of_it() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 100)])
    await it.told((EPOCH, 50, 100), times=3)
    it.behind_since = it.clock.monotonic() - 1.0
    for newest in range(110, 190, 10):
        await it.told((EPOCH, 50, newest))
    await it.told((EPOCH, 50, 180), times=10)
    assert (it.asked, it.alarms.seen) == ([], [])
    it.stored, it.behind_since = SeqRanges([(1, 170)]), None
    await it.told((EPOCH, 50, 180), times=2)
    assert it.asked == [[(171, 180)]], "what is really missing"


async def test_more_that_is_missing_is_no_reason_to_ask_more_often() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60)])
    for newest in range(70, 470, 10):
        await it.told((EPOCH, 20, newest))
    assert 4 <= len(it.asked) <= 6, "after 10, 20, 40 seconds and so on"
    assert it.asked[-1][0][0] == 61
    assert it.alarms.standing[("batches_lost", "east/g1")]["count"] == 10 * (it.asked[-3][0][1] // 10 - 6)


async def test_a_fenced_gateway_is_asked_nothing() -> None:
    it = Collector()
    it.fenced = True
    await it.told((EPOCH, 20, 99), times=10)
    assert it.asked == []


async def test_without_a_broker_it_is_asked_as_soon_as_there_is_one() -> None:
    it = Collector()
    it.away = True
    await it.told((EPOCH, 20, 99), times=5)
    it.away = False
    await it.told((EPOCH, 20, 99))
    assert it.asked == [[(20, 99)]]


async def test_what_is_on_no_gateway_any_more_is_an_alarm_with_its_instants() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (90, 100)])
    await it.told((EPOCH, 81, 100), times=2)
    told = it.alarms.standing[("batches_lost", "east/g1")]
    assert told["count"] == 20
    assert str(told["from"]) < str(told["to"])
    assert it.asked == [[(81, 89)]]
    it.stored = SeqRanges([(1, 100)])
    await it.told((EPOCH, 81, 100))
    assert it.alarms.standing == {}, "it came after all"


async def test_what_a_gap_record_or_a_rejection_says_is_no_loss_of_the_collector() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (64, 70), (72, 100)])
    it.gaps, it.quarantined = [(60, 63)], [71]
    await it.told((EPOCH, 81, 100), times=3)
    assert it.alarms.seen == []
    it.stored = SeqRanges([(1, 59), (64, 70), (73, 100)])
    await it.told((EPOCH, 81, 100), times=3)
    assert it.alarms.standing[("batches_lost", "east/g1")]["count"] == 1


async def test_a_loss_of_long_ago_is_not_told_again_at_every_start() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    it.around = (1, it.clock.now_ms() - TOLD_MS - 1)
    await it.told((EPOCH, 81, 100), times=3)
    assert it.alarms.seen == []


async def test_a_loss_is_told_for_a_week_and_then_no_more_while_the_collector_runs() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 81, 100), times=6 * 24 + 12, every_s=3600.0)
    assert it.alarms.standing[("batches_lost", "east/g1")]["count"] == 20
    await it.told((EPOCH, 81, 100), times=24, every_s=3600.0)
    assert it.alarms.standing == {}


async def test_a_loss_without_a_known_instant_ends_too() -> None:
    it = Collector()
    it.stored, it.around = SeqRanges([(1, 60), (81, 100)]), (0, 0)
    await it.told((EPOCH, 81, 100), times=3)
    assert it.alarms.standing[("batches_lost", "east/g1")]["to"] == "?"
    await it.told((EPOCH, 81, 100), times=8 * 24, every_s=3600.0)
    assert it.alarms.standing == {}


async def test_what_came_while_the_collector_was_started_anew_is_told_no_more() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 81, 100), times=3)
    it.start()
    for _ in range(3):
        await it.told((EPOCH, 81, 100))
        assert ("batches_lost", "east/g1") in it.alarms.standing, "it does not end and begin at a start"
    it.stored = SeqRanges([(1, 100)])
    it.start()
    await it.told((EPOCH, 81, 100), times=2)
    assert it.alarms.standing == {}


async def test_what_was_asked_for_in_vain_and_then_came_is_told_no_more() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 20, 99), times=20)
    assert it.alarms.standing[("batches_lost", "east/g1")]["count"] == 20
    await it.told((EPOCH, 90, 99), times=3)
    assert it.alarms.standing[("batches_lost", "east/g1")]["count"] == 20, "told once, although it is kept no more"
    it.stored = SeqRanges([(1, 100)])
    await it.told((EPOCH, 90, 99))
    assert it.alarms.standing == {}


async def test_a_gap_record_of_long_ago_is_found_behind_those_of_others_and_the_search_ends() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    it.gaps, it.later_gaps = [(50, 90)], 3 * EXPLAINED_AT_ONCE
    await it.told((EPOCH, 81, 100), times=3)
    assert (it.alarms.seen, it.pages) == ([], 4)
    it.start()
    it.later_gaps, it.pages = 2 * PAGES_MAX * EXPLAINED_AT_ONCE, 0
    await it.told((EPOCH, 81, 100), times=3)
    assert (it.alarms.seen, it.pages) == (["batches_lost"], PAGES_MAX)


async def test_a_gap_record_that_comes_after_the_alarm_ends_it() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    await it.told((EPOCH, 81, 100), times=3)
    assert it.alarms.standing
    it.gaps = [(61, 80)]
    await it.told((EPOCH, 81, 100), times=2, every_s=3600.0)
    assert it.alarms.standing == {}


async def test_what_was_given_up_right_after_its_ack_is_no_loss_for_one_that_hears_of_it_later() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60)])
    for newest in range(70, 170, 10):
        await it.told((EPOCH, newest, newest))
        it.stored = SeqRanges([(1, newest)])
    assert it.alarms.seen == []


async def test_a_store_that_cannot_be_asked_now_is_asked_at_the_next_look() -> None:
    it = Collector()
    it.stored = SeqRanges([(1, 60), (81, 100)])
    it.store_away = True
    await it.told((EPOCH, 81, 100), times=3)
    assert it.alarms.seen == []
    it.store_away = False
    await it.told((EPOCH, 81, 100))
    assert it.alarms.seen == ["batches_lost"]


async def test_a_gateway_that_keeps_nothing_or_is_older_is_left_alone() -> None:
    it = Collector()
    status = Status(state="online", session=1, report=SimpleNamespace(kept=None))  # type: ignore[arg-type]
    await it.recall.status(KEY, status, received_at=1, retained=False)
    await it.recall.status(KEY, Status(state="offline", session=1), received_at=1, retained=True)
    await it.told((EPOCH, 9, 3), (EPOCH, 0, 2), times=3)
    assert it.published == []
    assert ASK_AGAIN_S[0] < ASK_AGAIN_S[1]


def test_holes_of_ranges() -> None:
    held = SeqRanges([(3, 5), (9, 9)])
    assert held.holes(1, 10) == [(1, 2), (6, 8), (10, 10)]
    assert held.holes(4, 5) == held.holes(9, 9) == []
    assert held.holes(5, 6) == [(6, 6)]
    assert SeqRanges().holes(2, 3) == [(2, 3)]
