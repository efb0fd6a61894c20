"""Alarms: raised once, kept, returned to normal, told in words; and the rules that raise them."""

import asyncio
import shutil
import string
from pathlib import Path

import msgspec
import numpy as np
import pytest

from cloud.alarms.board import AlarmBoard
from cloud.alarms.kinds import ALARM_KINDS, texts
from cloud.alarms.rules import GatewayRules
from cloud.alarms.settings import AlarmSettings
from cloud.alarms.shown import AlarmView
from cloud.ingest.contract import Committed, CommittedBatch
from cloud.live.presence import Presence
from cloud.registry.alarm_book import AlarmBook, AlarmChange, Shelf, StoredAlarm
from cloud.registry.database import Database
from cloud.registry.inventory import Inventory
from cloud.store.contract import GatewayKey
from protocols.birth import Birth
from protocols.clock import ManualClock
from protocols.errors import StoreUnavailable
from protocols.reading import Event
from protocols.status import ClockReport, DeviceReport, MachineReport, Report, Status
from tests.waiting import until

KEY = GatewayKey("east", "b3")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def board(database: Database, clock: ManualClock) -> AlarmBoard:
    board = AlarmBoard(AlarmBook(database), clock)
    await board.open()
    return board


def kinds(board: AlarmBoard) -> set[tuple[str, str]]:
    return {(alarm.kind, alarm.source) for alarm in board.active()}


async def test_an_alarm_is_told_once_and_again_when_it_ends(board: AlarmBoard, clock: ManualClock) -> None:
    told: list[AlarmView] = []
    board.publish = told.append
    for _ in range(3):
        board.raise_alarm("gateway_offline", "east/b3", {})
    clock.step(5000)
    board.clear_alarm("gateway_offline", "east/b3")
    board.clear_alarm("gateway_offline", "east/b3")
    assert [(alarm.active, alarm.text["en"][:11]) for alarm in told] == [(True, "Gateway b3 "), (False, "Gateway b3 ")]
    assert told[1].ended_at == told[0].since + 5000
    assert board.active() == []


async def test_alarms_survive_a_restart_with_their_age_and_number(
    database: Database, board: AlarmBoard, clock: ManualClock
) -> None:
    board.raise_alarm("gateway_offline", "east/b3", {})
    board.raise_alarm("device_lost", "east/m1", {"error": "timeout"})
    board.clear_alarm("device_lost", "east/m1")
    await board.flush()
    clock.step(60_000)
    again = AlarmBoard(AlarmBook(database), clock)
    await again.open()
    assert again.active() == board.active()
    again.raise_alarm("disk_full", "collector", {"free": "1 MiB"})
    assert [alarm.id for alarm in again.active()] == ["3", "1"]
    assert [alarm.kind for alarm in await AlarmBook(database).ended(10)] == ["device_lost"]


async def test_new_args_of_an_active_alarm_are_told_at_most_once_a_second(
    board: AlarmBoard, clock: ManualClock
) -> None:
    told: list[AlarmView] = []
    board.publish = told.append
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(board.run(), name="alarms")
        for count in range(100):
            board.raise_alarm("batch_rejected", "east/b3", {"count": count, "reason": "crc", "detail": ""})
        await clock.advance(1.1)
        running.cancel()
    assert [alarm.args["count"] for alarm in told] == [0, 99]


async def test_an_alarm_that_was_not_raised_again_for_long_returns_to_normal(
    board: AlarmBoard, clock: ManualClock
) -> None:
    board.raise_alarm("batch_rejected", "east/b3", {"count": 1})
    board.raise_alarm("identity_conflict", "east/b3", {})
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(board.run(), name="alarms")
        await clock.advance(1.0)
        assert len(board.active()) == 2
        await clock.advance(3601)

        async def one_left() -> bool:
            await clock.advance(1.0)
            return len(board.active()) == 1

        await until(one_left)
        running.cancel()
    assert kinds(board) == {("identity_conflict", "east/b3")}


async def test_a_registry_that_cannot_be_written_delays_alarms_but_loses_none(clock: ManualClock) -> None:
    class Book:
        def __init__(self) -> None:
            self.full = True
            self.written: list[StoredAlarm] = []

        async def active(self) -> list[StoredAlarm]:
            return []

        async def waiting(self) -> list[StoredAlarm]:
            return []

        async def shelves(self) -> list[Shelf]:
            return []

        async def last_id(self) -> int:
            return 0

        async def write(self, alarms: list[StoredAlarm], change: AlarmChange) -> None:
            if self.full:
                raise StoreUnavailable("disk full")
            self.written.extend(alarms)

    book = Book()
    board = AlarmBoard(book, clock)
    await board.open()
    board.raise_alarm("disk_full", "collector", {"free": "0 MiB"})
    await board.flush()
    book.full = False
    await board.flush()
    assert [alarm.kind for alarm in book.written] == ["disk_full"]


async def test_an_alarm_may_be_raised_from_another_thread(board: AlarmBoard) -> None:
    await asyncio.to_thread(board.raise_alarm, "store_unavailable", "collector", {"detail": "full"})
    await until(lambda: kinds(board) == {("store_unavailable", "collector")})


async def test_alarms_are_bounded(board: AlarmBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.alarms.board.ACTIVE_MAX", 10)
    for number in range(20):
        board.raise_alarm("device_lost", f"east/m{number}", {})
    assert (len(board.active()), board.refused) == (10, 10)


@pytest.mark.parametrize("kind", ALARM_KINDS)
def test_every_kind_says_the_same_things_in_both_languages(kind: str) -> None:
    fields = [
        {name.removesuffix("_en").removesuffix("_zh") for _, name, _, _ in string.Formatter().parse(text) if name}
        for text in (ALARM_KINDS[kind].en, ALARM_KINDS[kind].zh)
    ]
    assert fields[0] == fields[1]
    said = texts(kind, "east/b3", {})
    assert any("\u4e00" <= sign <= "\u9fff" for sign in said["zh"])
    assert said["en"].isascii()


def test_braces_and_long_texts_in_args_do_no_harm() -> None:
    said = texts("device_lost", "{x}", {"error": "{0.__class__} " + "x" * 1000})
    assert "{0.__class__}" in said["en"]
    assert said["en"].startswith("{x} does not answer")
    assert len(said["en"]) < 350


def test_each_language_says_what_is_put_into_an_alarm_in_its_own_words() -> None:
    said = texts(
        "readings_refused", "B3", {"count": 2, "device": "Main", "point": "voltage_l1_n", "reason": "not_finite"}
    )
    assert "of Main, Voltage L1: no finite number." in said["en"]
    assert "Main，" in said["zh"]
    assert "非有限数值" in said["zh"]
    assert "voltage" not in said["zh"]
    said = texts("backlog_age", "B3", {"waiting": "7 min", "readings": 5})
    assert "7 min" in said["en"]
    assert "7 分钟" in said["zh"]
    own: dict[str, str | int | float | bool | None] = {
        "number": "7",
        "step": "assign",
        "step_en": "sending somebody",
        "step_zh": "派出资源",
    }
    said = texts("request_at_risk", "7", own)
    assert "sending somebody is due" in said["en"]
    assert "派出资源" in said["zh"]


async def test_an_alarm_calls_its_source_and_devices_what_people_call_them(board: AlarmBoard) -> None:
    names = {"east/b3": "B3 plant room", "east/m1": "Main meter"}
    board.name_of = lambda _kind, source: names.get(source, source)
    board.raise_alarm("device_clock_wrong", "east/b3", {"device": "m1", "off": "+3.0 d", "count": 1})
    (alarm,) = board.active()
    assert alarm.name == "B3 plant room"
    assert alarm.text["en"].startswith("Main meter at gateway B3 plant room: its clock is off by +3.0 d")
    assert "Main meter：时钟偏差 +3.0 天" in alarm.text["zh"]
    board.raise_alarm("patrol_late", "east/patrol:night-1", {"name": "Night round 22:00"})
    assert {one.name for one in board.active()} == {"B3 plant room", "Night round 22:00"}


# --- rules ---


class Site:
    def __init__(self, board: AlarmBoard, database: Database, clock: ManualClock, folder: Path) -> None:
        self.board, self.clock = board, clock
        self.presence, self.inventory = Presence(), Inventory(database)
        self.rules = GatewayRules(board, self.presence, self.inventory, clock, data_dir=folder)

    async def status(self, state: str, session: int, report: Report | None = None) -> None:
        status = Status(state=state, session=session, at=1, report=report)  # type: ignore[arg-type]
        self.presence.status(KEY, session, self.clock.now_ms(), online=state == "online")
        await self.rules.status(KEY, status, received_at=self.clock.now_ms(), retained=False)

    async def birth(self) -> None:
        birth = Birth(
            site="east",
            gateway="b3",
            name="B3",
            site_name="",
            time_zone="",
            software="",
            config_hash="",
            session=1,
            started_at=1,
        )
        await self.inventory.born(KEY, birth, self.clock.now_ms())
        await self.rules.birth(KEY, birth, received_at=self.clock.now_ms(), retained=False)


@pytest.fixture
def site(board: AlarmBoard, database: Database, clock: ManualClock, tmp_path: Path) -> Site:
    return Site(board, database, clock, tmp_path)


def report(*devices: DeviceReport, clock_state: str = "synced", oldest_unacked_s: float = 0.0) -> Report:
    return Report(
        epoch="e",
        backlog_batches=0,
        backlog_readings=700,
        backlog_bytes=0,
        buffer_max_bytes=1,
        oldest_unacked_s=oldest_unacked_s,
        live_in_flight=0,
        backlog_in_flight=0,
        acked_batches=0,
        resent_batches=0,
        quarantined=0,
        dropped_readings=0,
        dropped_events=0,
        untimed=0,
        clock=ClockReport(clock_state, 1),  # type: ignore[arg-type]
        devices=list(devices),
    )


async def test_an_offline_gateway_is_an_alarm_until_it_is_back(site: Site) -> None:
    await site.status("online", 3)
    await site.status("offline", 2)
    assert kinds(site.board) == set(), "the late will of an older session"
    await site.status("offline", 3)
    assert kinds(site.board) == {("gateway_offline", "east/b3")}
    await site.status("online", 4)
    assert kinds(site.board) == set()


async def test_a_gateway_that_fell_silent_is_an_alarm_but_not_while_the_collector_is_deaf(site: Site) -> None:
    await site.birth()
    await site.status("online", 1)
    site.rules.look(connected=True)
    await site.clock.advance(61)
    site.rules.look(connected=False)
    site.rules.look(connected=True)
    assert kinds(site.board) == set(), "it may have spoken while nobody listened"
    await site.clock.advance(61)
    site.rules.look(connected=True)
    assert kinds(site.board) == {("gateway_offline", "east/b3")}


async def test_what_the_broker_kept_of_before_is_no_lost_device_while_its_gateway_has_just_started(site: Site) -> None:
    await site.birth()
    lost = DeviceReport(id="m1", state="lost", every_s=10, last_error="offline")
    young, grown = (msgspec.structs.replace(report(lost), uptime_s=uptime_s) for uptime_s in (12.0, 62.0))
    await site.status("online", 1, young)
    assert kinds(site.board) == set()
    await site.status("online", 1, grown)
    assert kinds(site.board) == {("device_lost", "east/m1")}
    await site.status("online", 2, young)
    assert kinds(site.board) == {("device_lost", "east/m1")}


async def test_what_a_report_says_becomes_alarms_and_goes_again(site: Site) -> None:
    lost = DeviceReport(id="m1", state="lost", every_s=10, last_error="timeout")
    await site.status("online", 1, report(lost, clock_state="unsynced", oldest_unacked_s=900))
    assert kinds(site.board) == {("device_lost", "east/m1"), ("clock_unsynced", "east/b3"), ("backlog_age", "east/b3")}
    backlog = site.board.find("backlog_age", "east/b3")
    assert backlog is not None
    assert "15 min" in backlog.text["en"]
    await site.status("online", 1, report(DeviceReport(id="m1", state="ok", every_s=10)))
    assert kinds(site.board) == set()


async def test_a_site_s_own_limits_say_from_when_on_a_gateway_is_an_alarm(site: Site) -> None:
    site.rules.settings_of = lambda _: AlarmSettings(backlog_age_s=1800, clock_unset_s=120, gateway_silent_s=600)
    await site.birth()
    bad = report(clock_state="unsynced", oldest_unacked_s=900)
    await site.status("online", 1, bad)
    site.rules.look(connected=True)
    await site.clock.advance(119)
    await site.status("online", 1, bad)
    assert kinds(site.board) == set()
    await site.clock.advance(1)
    await site.status("online", 1, msgspec.structs.replace(bad, oldest_unacked_s=1800))
    assert kinds(site.board) == {("clock_unsynced", "east/b3"), ("backlog_age", "east/b3")}
    await site.status("online", 1, report())
    await site.clock.advance(599)
    site.rules.look(connected=True)
    assert kinds(site.board) == set()
    await site.clock.advance(2)
    site.rules.look(connected=True)
    assert kinds(site.board) == {("gateway_offline", "east/b3")}


async def test_a_full_disk_of_a_gateway_is_an_alarm_that_says_what_is_at_risk(site: Site) -> None:
    full = msgspec.structs.replace(report(), disk_full_s=420.0, in_memory=5200, dropped_readings=31)
    await site.status("online", 1, full)
    alarm = site.board.find("gateway_disk_full", "east/b3")
    assert alarm is not None
    assert all(word in alarm.text["en"] for word in ("7 min", "5200", "31 readings were dropped"))
    assert all(word in alarm.text["zh"] for word in ("7 分钟", "5200", "31"))
    await site.status("online", 1, report())
    assert kinds(site.board) == set()


async def test_what_a_box_tells_of_itself_becomes_alarms_and_goes_again(site: Site) -> None:
    weak = MachineReport(power="low", temperature_c=83.4, disk_free_bytes=2**20, disk_bytes=32 * 2**30)
    failing = msgspec.structs.replace(report(), machine=weak, buffer_error="buffer.db: read-only", in_memory=44)
    await site.status("online", 1, failing)
    boxes = {"gateway_power_low", "gateway_hot", "gateway_disk_low", "gateway_buffer_fails"}
    assert kinds(site.board) == {(kind, "east/b3") for kind in boxes}
    alarm = site.board.find("gateway_buffer_fails", "east/b3")
    assert alarm is not None and all(word in alarm.text["en"] for word in ("read-only", "44 readings"))
    cooler = MachineReport(power="good", temperature_c=76.0, disk_free_bytes=2**30, disk_bytes=32 * 2**30)
    await site.status("online", 1, msgspec.structs.replace(report(), machine=cooler))
    assert kinds(site.board) == {("gateway_hot", "east/b3")}, "hot until it is 5 degC below the limit"
    cool = msgspec.structs.replace(cooler, temperature_c=75.0)
    await site.status("online", 1, msgspec.structs.replace(report(), machine=cool))
    assert kinds(site.board) == set()


async def test_a_box_that_tells_nothing_of_itself_raises_and_ends_nothing(site: Site) -> None:
    await site.status("online", 1, msgspec.structs.replace(report(), machine=MachineReport(power="low")))
    await site.status("online", 1, msgspec.structs.replace(report(), machine=MachineReport()))
    await site.status("online", 1, report())
    assert kinds(site.board) == {("gateway_power_low", "east/b3")}


async def test_a_gateway_that_never_announced_itself_is_a_note(site: Site) -> None:
    batch = empty_batch(site.clock)
    await site.rules.committed(Committed([batch]))
    site.rules.look(connected=True)
    assert kinds(site.board) == set(), "its birth may be on the way"
    await site.clock.advance(21)
    site.rules.look(connected=True)
    assert kinds(site.board) == {("unannounced", "east/b3")}
    await site.birth()
    assert kinds(site.board) == set()


async def test_damage_and_overflow_on_a_gateway_are_alarms(site: Site) -> None:
    events = [
        Event("gateway", "buffer_damaged", 1, {"path": "/var/lib/x", "salvaged": 5, "lost": 1}),
        Event("gateway", "buffer_full", 1, {"max_bytes": 5}),
    ]
    await site.rules.committed(Committed([empty_batch(site.clock, events)]))
    damaged = site.board.find("buffer_damaged", "east/b3")
    assert damaged is not None
    assert "/var/lib/x" in damaged.text["zh"]
    assert ("buffer_full", "east/b3") in kinds(site.board)


async def test_a_disk_that_runs_full_is_an_alarm_until_there_is_room(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = 100 * 2**20

    def usage(_: Path) -> tuple[int, int, int]:
        return shutil._ntuple_diskusage(100 * 2**30, 0, free)  # type: ignore[attr-defined,no-any-return]

    monkeypatch.setattr("cloud.alarms.rules.shutil.disk_usage", usage)
    site.rules.look(connected=True)
    assert kinds(site.board) == {("disk_full", "collector")}
    free = 50 * 2**30
    site.rules.look(connected=True)
    assert kinds(site.board) == set()


def empty_batch(clock: ManualClock, events: list[Event] | None = None) -> CommittedBatch:
    return CommittedBatch(
        site="east",
        gateway="b3",
        epoch="e",
        seq=1,
        received_at=clock.now_ms(),
        stored_at=clock.now_ms(),
        series=np.array([], np.int32),
        at=np.array([], np.int64),
        value=np.array([], np.float64),
        quality=np.array([], np.uint8),
        events=events or [],
        refused=0,
        wire_bytes=1,
    )
