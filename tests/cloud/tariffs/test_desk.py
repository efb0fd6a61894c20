"""Tariffs at rest, bills of meters, and the watch over the calendar."""

from datetime import date, timedelta

import pytest

from cloud.energy.contract import Intervals
from cloud.registry.asset_book import CalendarDay
from cloud.registry.database import Database
from cloud.registry.tariff_book import Changed, TariffBook, TariffUse
from cloud.tariffs.billing import Billing, NoBill, Wanted
from cloud.tariffs.china_days import china_days
from cloud.tariffs.desk import TariffDesk
from cloud.tariffs.factors import FactorFile
from cloud.tariffs.year_watch import YearWatch
from protocols.clock import ManualClock
from tests.cloud.tariffs.material import SHANGHAI, SIMPLE, at, tariff, used

OCTOBER = (date(2026, 10, 1), date(2026, 11, 1))


class SiteOfOneYear:
    """The days of 2026, and of more when somebody enters them."""

    def __init__(self) -> None:
        self.named = [
            CalendarDay("east", each.day.isoformat(), "workday" if each.works else "holiday", each.name)
            for each in china_days(2026)
        ]

    def zone(self, site: str):
        del site
        return SHANGHAI

    def days(self, site: str) -> list[CalendarDay]:
        return self.named if site == "east" else []


class OneMeter:
    """Knows the meters main and main-q of the site east."""

    async def intervals(self, site: str, meter: str, since: int, until: int) -> Intervals | None:
        del since, until
        each = {"main": 25.0, "main-q": 18.75}.get(meter)
        return None if site != "east" or each is None else used(*OCTOBER, lambda _: each)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(at("2026-11-22T10:00"))


@pytest.fixture
async def desk(database: Database, clock: ManualClock) -> TariffDesk:
    desk = TariffDesk(TariffBook(database), clock)
    await desk.open()
    return desk


async def again(desk: TariffDesk) -> TariffDesk:
    """What a collector finds that starts anew."""
    other = TariffDesk(desk.book, ManualClock())
    await other.open()
    return other


async def test_a_tariff_outlives_a_restart_with_who_changed_it_and_why(desk: TariffDesk) -> None:
    await desk.put("east", tariff(), by="li", why="new contract")
    known = (await again(desk)).find("east", "simple")
    assert known is not None
    assert (known.tariff, known.rev, known.changed_by, known.why) == (tariff(), 1, "li", "new contract")
    assert (await again(desk)).find("west", "simple") is None


async def test_every_revision_is_kept_and_the_newest_holds(desk: TariffDesk) -> None:
    await desk.put("east", tariff(), by="li")
    dearer = tariff(SIMPLE.replace("peak = 1.00", "peak = 1.10"))
    await desk.put("east", dearer, by="wu", rev=1)
    known = (await again(desk)).find("east", "simple")
    assert known is not None
    assert (known.tariff, known.rev) == (dearer, 2)
    assert [(each.rev, each.changed_by) for each in await desk.book.revisions("east", "simple")] == [
        (2, "wu"),
        (1, "li"),
    ]


async def test_two_who_change_a_tariff_at_once_do_not_overwrite_each_other(desk: TariffDesk) -> None:
    await desk.put("east", tariff(), by="li")
    await desk.put("east", tariff(), by="wu", rev=1)
    with pytest.raises(Changed, match="at revision 2") as caught:
        await desk.put("east", tariff(), by="li", rev=1)
    assert caught.value.rev == 2


async def test_a_tariff_that_was_taken_away_is_gone_and_may_come_back(desk: TariffDesk) -> None:
    await desk.put("east", tariff(), by="li")
    assert await desk.remove("east", "simple", by="li")
    assert not await desk.remove("east", "simple", by="li")
    assert (await again(desk)).all() == []
    assert (await desk.put("east", tariff(), by="li")).rev == 3


async def test_who_is_billed_by_what_outlives_a_restart(desk: TariffDesk) -> None:
    await desk.put_uses("east", [TariffUse("east", "main", "simple", "main-q")])
    await desk.put_uses("west", [TariffUse("west", "main", "other")])
    await desk.put_uses("west", [])
    fresh = await again(desk)
    assert fresh.uses("east") == [TariffUse("east", "main", "simple", "main-q")]
    assert fresh.uses("west") == []


async def test_factors_hold_that_came_with_the_product_until_somebody_writes_others(desk: TariffDesk) -> None:
    assert desk.factors.rev == 0
    fewer = FactorFile(set=desk.factors.file.set[:1])
    await desk.put_factors(fewer, by="li", rev=0)
    assert ((await again(desk)).factors.file, desk.factors.rev) == (fewer, 1)
    with pytest.raises(Changed):
        await desk.put_factors(fewer, by="wu", rev=0)
    with pytest.raises(ValueError, match="is there twice"):
        await desk.put_factors(FactorFile(set=fewer.set * 2), by="wu")


async def test_a_tariff_that_this_version_cannot_read_is_left_out_and_stays_at_rest(desk: TariffDesk) -> None:
    await desk.put("east", tariff(), by="li")
    (stored,) = await desk.book.tariffs()
    await desk.book.put(stored._replace(id="odd", body='{"id": "odd", "from the future": 1}'))
    fresh = await again(desk)
    assert [each.tariff.id for each in fresh.all()] == ["simple"]
    assert len(await fresh.book.tariffs()) == 2


# --- bills ---


async def test_a_meter_is_billed_by_its_tariff_or_by_another(desk: TariffDesk) -> None:
    await desk.put("east", tariff(), by="li")
    await desk.put_uses("east", [TariffUse("east", "main", "simple")])
    billing = Billing(desk, SiteOfOneYear(), OneMeter())
    bill = await billing.bill(Wanted("east", "main", *OCTOBER))
    assert (bill.tariff, bill.energy, bill.complete) == ("simple", 74_400, True)
    twice = tariff(SIMPLE.replace("peak = 1.00, valley = 0.30", "peak = 2.00, valley = 0.60"))
    dearer = await billing.bill(Wanted("east", "main", *OCTOBER, tariff=twice))
    assert dearer.total == 2 * bill.total
    assert await billing.bill(Wanted("east", "main", *OCTOBER)) == bill


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted("east", "b3", *OCTOBER), "meter b3 of east is billed by no tariff; name one or assign it one"),
        (Wanted("east", "b3", *OCTOBER, tariff=tariff()), "east has no meter b3"),
        (Wanted("east", "old", *OCTOBER), "billed by tariff gone, which east does not have"),
        (Wanted("east", "main", OCTOBER[1], OCTOBER[0]), "a bill is of 1 to 1100 days"),
        (Wanted("east", "main", OCTOBER[0], OCTOBER[0] + timedelta(days=1101)), "a bill is of 1 to 1100 days"),
    ],
)
async def test_a_bill_that_cannot_be_made_says_why(desk: TariffDesk, wanted: Wanted, said: str) -> None:
    await desk.put_uses("east", [TariffUse("east", "old", "gone")])
    with pytest.raises(NoBill, match=said):
        await Billing(desk, SiteOfOneYear(), OneMeter()).bill(wanted)


# --- the year that is missing ---


class Told:
    """Alarms as they stand."""

    def __init__(self) -> None:
        self.active: dict[tuple[str, str], dict] = {}

    def raise_alarm(self, kind: str, source: str, args) -> None:
        self.active[kind, source] = dict(args)

    def clear_alarm(self, kind: str, source: str) -> None:
        self.active.pop((kind, source), None)


def test_the_next_year_is_asked_for_from_november_until_it_is_entered(clock: ManualClock) -> None:
    days, told = SiteOfOneYear(), Told()
    watch = YearWatch(days, lambda: ["east", "west"], lambda site: False, told, clock)
    watch.look()
    assert told.active == {("calendar_missing", "east"): {"year": 2027}}
    days.named.append(CalendarDay("east", "2027-01-01", "holiday", "元旦"))
    watch.look()
    assert told.active == {}


def test_a_site_that_is_billed_needs_its_days_and_one_that_is_not_has_none(clock: ManualClock) -> None:
    told = Told()
    YearWatch(SiteOfOneYear(), lambda: ["west", "north"], lambda site: site == "west", told, clock).look()
    assert told.active == {("calendar_missing", "west"): {"year": 2026}}


def test_november_begins_by_the_clocks_of_the_site() -> None:
    told = Told()
    clock = ManualClock(at("2026-10-31T23:59"))
    watch = YearWatch(SiteOfOneYear(), lambda: ["east"], lambda site: True, told, clock)
    watch.look()
    assert told.active == {}
    clock.step(60_000)
    watch.look()
    assert told.active == {("calendar_missing", "east"): {"year": 2027}}


def test_the_alarm_has_words_in_both_languages() -> None:
    from cloud.alarms.kinds import ALARM_KINDS

    kind = ALARM_KINDS["calendar_missing"]
    for text in (kind.en, kind.zh):
        assert "2027" in text.format(source="east", year=2027)
