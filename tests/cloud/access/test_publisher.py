"""Lists reach gateways: when something changed, with a number that only rises, until the broker has them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cloud.access.contract import AccessChange, Credential, Lent, Schedule
from cloud.access.gateway_doors import GatewayDoors
from cloud.access.holding import Holding
from cloud.access.lists import ListContent, build
from cloud.access.publisher import Publisher, Sender
from cloud.access.register import AccessRegister
from cloud.assets.contract import Asset, AssetKey, Binding
from cloud.registry.access_book import AccessBook
from cloud.registry.database import Database
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, DoorBirth
from protocols.clock import ManualClock
from protocols.errors import WireLost
from protocols.grants import GrantList, open_grants
from protocols.signing import public_of, sign
from protocols.status import GrantsReport, Status
from tests.cloud.access.site import DAY_MS, HOUR_MS, LENT_CARD, LI, NOW, calendar, card, known
from tests.cloud.access.test_register import HALF_HOURS, everything
from tests.cloud.live.test_state import report as whole_report

SEED = bytes(range(32))
B3, B5 = GatewayKey("east", "b3"), GatewayKey("east", "b5")


class Roster:
    """The two doors as assets, each known by its reader."""

    def all(self, kind: str | None = None, site: str | None = None) -> list[Asset]:
        assert site == "east"
        if kind != "door":
            return []
        return [
            Asset(
                key=AssetKey("east", "door", name),
                name=name,
                facts={"gate": name == "front"},
                bindings=(Binding("reader", f"{name}-reader"),),
            )
            for name in ("front", "lab")
        ]

    def find(self, key: AssetKey) -> Asset | None:
        return next((each for each in self.all("door", "east") if each.key == key), None)


class Alarms:
    """Those that are active."""

    def __init__(self) -> None:
        self.active: dict[tuple[str, str], dict[str, object]] = {}

    def raise_alarm(self, kind: str, source: str, args: dict[str, object]) -> None:
        self.active[kind, source] = args

    def clear_alarm(self, kind: str, source: str) -> None:
        self.active.pop((kind, source), None)

    def kinds(self) -> set[str]:
        return {kind for kind, _ in self.active}


class Rig:
    """A publisher over a real registry, with a broker that can be away."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.sent: list[tuple[str, GrantList]] = []
        self.broker = True
        self.enrolled = {B3, B5}
        self.lent: list[Lent] = []
        self.online_ones = {B3, B5}
        self.start()

    def start(self) -> None:
        """As after a start of the process."""
        book = AccessBook(self.database, self.clock)
        self.register = AccessRegister(book, lambda *_: True, self.clock)
        self.doors = GatewayDoors(book)
        self.alarms = Alarms()
        self.publisher = Publisher(
            self.register,
            self.doors,
            Roster(),
            calendar(),
            lambda _: list(self.lent),
            book,
            self.clock,
            lasts_days=7,  # type: ignore[arg-type]
        )
        self.holding = Holding(self.publisher, self.doors, book, self.alarms, self.clock)  # type: ignore[arg-type]
        self.holding.online = self
        self.publisher.sender = Sender(self.publish, lambda text: sign(SEED, text), lambda key: key in self.enrolled)

    def online(self, key: GatewayKey) -> bool:
        return key in self.online_ones

    async def open(self) -> None:
        await self.register.open()
        await self.doors.open()
        await self.publisher.open()
        await self.holding.open()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        if not self.broker:
            raise WireLost("away")
        assert retain
        site, gateway, channel = topic.split("/")[2:]
        assert channel == "grants"
        self.sent.append((gateway, open_grants(payload, public_of(SEED), site=site, gateway=gateway)))

    async def after(self, seconds: float = 2.0) -> list[tuple[str, GrantList]]:
        """What was sent since, once this time has passed."""
        self.sent.clear()
        await self.clock.advance(seconds)
        await self.publisher.tick()
        return self.sent

    async def holds(self, key: GatewayKey, number: int, expires_at: int, *, issued_at: int = 0) -> None:
        grants = GrantsReport(number=number, issued_at=issued_at, expires_at=expires_at)
        report = msgspec.structs.replace(whole_report(), grants=grants)
        status = Status(state="online", session=1, at=self.clock.now_ms(), report=report)
        await self.holding.status(key, status, received_at=self.clock.now_ms(), retained=False)


def born(key: GatewayKey, door: str) -> Birth:
    """A gateway with one door."""
    name = {"front": "main-entrance"}.get(door, door)
    said = DoorBirth(
        id=name,
        name=name,
        lock="fail-secure",
        readers=[f"{door}-reader"],
        device="relays",
        point="relay_1",
        pulse_s=3,
        remote=True,
    )
    return Birth(
        site=key.site,
        gateway=key.gateway,
        name="",
        site_name="",
        time_zone="Asia/Shanghai",
        software="",
        config_hash="",
        session=1,
        started_at=1,
        doors=[said],
    )


@pytest.fixture
async def rig(database: Database, clock: ManualClock) -> Rig:
    made = Rig(database, clock)
    await made.open()
    await made.register.apply(AccessChange(site="east", put=everything()))
    for key, door in ((B3, "front"), (B5, "lab")):
        await made.doors.birth(key, born(key, door), received_at=1, retained=False)
    return made


async def test_each_gateway_gets_its_list_once_and_again_only_when_something_changed(rig: Rig) -> None:
    first = await rig.after()
    assert {gateway for gateway, _ in first} == {"b3", "b5"}
    assert await rig.after() == []
    lost = msgspec.structs.replace(known().credentials[LI], blocked="lost")
    await rig.register.apply(AccessChange(site="east", put=(lost,)))
    second = dict(await rig.after(1.0))
    assert set(second) == {"b3", "b5"}
    assert LI not in second["b3"].cards.keys


async def test_a_change_that_is_of_one_gateway_reaches_that_one_alone(rig: Rig) -> None:
    await rig.after()
    rig.lent.append(Lent("v-1", LENT_CARD, "front", NOW, NOW + HOUR_MS))
    assert [gateway for gateway, _ in await rig.after()] == ["b3"]


async def test_a_hundred_changes_make_one_list(rig: Rig) -> None:
    await rig.after()
    for number in range(100):
        given = Credential(id=card(1000 + number), holder="li")
        await rig.register.apply(AccessChange(site="east", put=(given,)))
        await rig.publisher.tick()
    sent = dict(await rig.after())
    assert len(rig.sent) <= 2
    assert len(sent["b3"].cards) == 102


async def test_a_list_is_renewed_every_day_and_its_number_rises_through_restarts(rig: Rig) -> None:
    number = dict(await rig.after())["b3"].number
    rig.start()
    await rig.open()
    assert await rig.after() == []
    renewed = dict(await rig.after(DAY_MS / 1000))["b3"]
    assert renewed.number > number
    assert renewed.expires_at - renewed.issued_at == 7 * DAY_MS


async def test_a_clock_that_was_set_back_lowers_no_number(rig: Rig) -> None:
    number = dict(await rig.after())["b3"].number
    rig.clock.step(-30 * DAY_MS)
    rig.lent.append(Lent("v-1", LENT_CARD, "front", 0, NOW + HOUR_MS))
    assert dict(await rig.after())["b3"].number > number


async def test_a_list_made_by_a_clock_that_was_ahead_is_made_again_when_it_is_put_right(rig: Rig) -> None:
    rig.clock.step(8 * HOUR_MS)
    ahead = dict(await rig.after())["b3"]
    rig.clock.step(-8 * HOUR_MS)
    right = dict(await rig.after())["b3"]
    assert right.number > ahead.number
    assert right.issued_at == rig.clock.now_ms()
    assert await rig.after() == []


async def test_a_list_that_a_gateway_takes_to_be_from_the_future_is_an_alarm(rig: Rig) -> None:
    first = dict(await rig.after())["b3"]
    late = rig.clock.now_ms() + 8 * HOUR_MS
    await rig.holds(B3, first.number, late + 7 * DAY_MS, issued_at=late)
    rig.holding.look()
    assert rig.alarms.active["access_list_ahead", "east/b3"] == {"number": first.number, "minutes": 480}
    await rig.holds(B3, first.number, first.expires_at, issued_at=first.issued_at)
    rig.holding.look()
    assert rig.alarms.kinds() == set()


def put_unchecked(rig: Rig, schedule: Schedule) -> None:
    """A record at rest that an older version took."""
    there = rig.register.site("east")
    rig.register._sites["east"] = there._replace(schedules={**there.schedules, schedule.id: schedule})


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(id="work", name="Work", parts=("workday 08:00-18:00",), dates={"2026-11-26": ("noon",)}),
        Schedule(id="work", name="Work", parts=(*HALF_HOURS, "daily 21:30-22:00", "daily 23:00-05:00")),
    ],
)
async def test_a_schedule_that_no_list_can_hold_stops_no_other_site_and_is_tried_again_with_a_pause(
    rig: Rig, schedule: Schedule, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.after()
    put_unchecked(rig, schedule)
    builds: list[str] = []

    def counted(site: str, *rest: Any) -> dict[str, ListContent]:
        builds.append(site)
        return build(site, *rest)

    monkeypatch.setattr("cloud.access.publisher.build", counted)
    assert await rig.after() == []
    rig.holding.look()
    assert "schedule" in str(rig.alarms.active["access_list_not_made", "east/b3"]["detail"])
    await rig.clock.advance(DAY_MS / 1000)
    builds.clear()
    for _ in range(60):
        await rig.after(1.0)
    assert len(builds) <= 1
    await rig.register.apply(AccessChange(site="east", put=(known().schedules["work"],)))
    assert {gateway for gateway, _ in await rig.after()} == {"b3", "b5"}
    rig.holding.look()
    assert "access_list_not_made" not in rig.alarms.kinds()


async def test_a_registry_of_yesterday_goes_on_above_what_gateways_hold(rig: Rig) -> None:
    await rig.after()
    far = NOW + 100 * DAY_MS
    await rig.holds(B3, far, far)
    assert dict(await rig.after())["b3"].number > far


async def test_while_the_broker_is_away_the_newest_waits(rig: Rig) -> None:
    rig.broker = False
    assert await rig.after() == []
    lost = msgspec.structs.replace(known().credentials[LI], blocked="lost")
    await rig.register.apply(AccessChange(site="east", put=(lost,)))
    assert await rig.after() == []
    rig.broker = True
    sent = await rig.after()
    assert sorted(gateway for gateway, _ in sent) == ["b3", "b5"]
    assert all(LI not in each.cards.keys for _, each in sent)


async def test_a_list_that_a_killed_collector_had_not_sent_is_made_again(rig: Rig) -> None:
    rig.broker = False
    await rig.after()
    rig.broker = True
    rig.start()
    await rig.open()
    assert {gateway for gateway, _ in await rig.after()} == {"b3", "b5"}


async def test_who_is_not_enrolled_gets_none_until_it_is(rig: Rig) -> None:
    rig.enrolled = {B3}
    assert [gateway for gateway, _ in await rig.after()] == ["b3"]
    rig.enrolled = {B3, B5}
    assert [gateway for gateway, _ in await rig.after()] == ["b5"]


async def test_a_gateway_whose_last_door_went_is_told_so(rig: Rig) -> None:
    await rig.after()
    bare = msgspec.structs.replace(born(B3, "front"), doors=[])
    await rig.doors.birth(B3, bare, received_at=2, retained=False)
    last = dict(await rig.after())["b3"]
    assert (last.doors, len(last.cards)) == ([], 0)


async def test_a_gateway_that_goes_on_with_an_older_list_is_sent_the_newest_again(rig: Rig) -> None:
    first = dict(await rig.after())
    lost = msgspec.structs.replace(known().credentials[LI], blocked="lost")
    await rig.register.apply(AccessChange(site="east", put=(lost,)))
    second = dict(await rig.after())["b5"]
    await rig.holds(B5, second.number, second.expires_at)
    sent_at: list[int] = []
    for minute in range(130):
        await rig.holds(B3, first["b3"].number, first["b3"].expires_at)
        rig.holding.look()
        again = await rig.after(60.0)
        assert {gateway for gateway, _ in again} <= {"b3"}
        assert all(LI not in grants.cards.keys for _, grants in again)
        sent_at += [minute] * len(again)
    assert sent_at == [4, 64, 124]


async def test_an_old_list_is_an_alarm_after_a_quarter_of_an_hour_of_being_online(rig: Rig) -> None:
    number = dict(await rig.after())["b3"].number
    rig.online_ones = {B3}
    rig.holding.look()
    rig.clock.step(14 * 60_000)
    rig.holding.look()
    assert rig.alarms.kinds() == set()
    rig.clock.step(2 * 60_000)
    rig.holding.look()
    assert set(rig.alarms.active) == {("access_list_old", "east/b3")}
    await rig.holds(B3, number, NOW + 7 * DAY_MS)
    rig.holding.look()
    assert rig.alarms.kinds() == set()


async def test_a_list_that_ends_within_a_day_is_an_alarm_wherever_its_gateway_is(rig: Rig) -> None:
    number = dict(await rig.after())["b3"].number
    rig.online_ones = set()
    await rig.holds(B3, number, NOW + 7 * DAY_MS)
    rig.clock.step(5 * DAY_MS)
    rig.holding.look()
    assert rig.alarms.kinds() == set()
    rig.clock.step(DAY_MS + HOUR_MS)
    rig.holding.look()
    assert rig.alarms.active["access_list_expires", "east/b3"]["hours"] == 22


async def test_what_a_gateway_holds_is_known_after_a_start(rig: Rig) -> None:
    number = dict(await rig.after())["b3"].number
    await rig.holds(B3, number, NOW + 7 * DAY_MS)
    rig.start()
    await rig.open()
    held = rig.holding.held(B3)
    assert held is not None
    assert (held.number, held.expires_at) == (number, NOW + 7 * DAY_MS)


async def test_time_that_a_gateway_was_offline_does_not_count_against_it(rig: Rig) -> None:
    await rig.after()
    for _ in range(4):
        rig.online_ones = {B3}
        rig.holding.look()
        rig.clock.step(10 * 60_000)
        rig.holding.look()
        assert rig.alarms.kinds() == set()
        rig.online_ones = set()
        rig.holding.look()
