"""What a site decides about what is watched without a rule: priorities, and what is no alarm."""

import pytest

from cloud.alarms.board import AlarmBoard
from cloud.alarms.kinds import ALARM_KINDS
from cloud.alarms.settings import AlarmSettings, KindChoice, settable
from cloud.alarms.site_alarms import SettingsChanged, SiteAlarms
from cloud.alarms.titles import TITLES, title_of
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.alarm_settings_book import AlarmSettingsBook, StoredAlarmSettings
from cloud.registry.database import Database
from protocols.clock import ManualClock

DOOR = "east/door:gate"


class Rig:
    """A board and the decisions of sites, over a real registry."""

    def __init__(self, database: Database) -> None:
        self.clock = ManualClock()
        self.board = AlarmBoard(AlarmBook(database), self.clock)
        self.sites = SiteAlarms(self.board, AlarmSettingsBook(database), self.clock)

    async def open(self) -> "Rig":
        await self.board.open()
        await self.sites.open()
        return self

    async def decide(self, site: str = "east", **kinds: KindChoice) -> None:
        await self.sites.put(site, AlarmSettings(kinds=kinds), by="admin", rev=None)

    def up(self) -> list[tuple[str, int]]:
        return [(alarm.kind, alarm.priority) for alarm in self.board.active()]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def rig(database: Database) -> Rig:
    return await Rig(database).open()


async def test_a_kind_that_a_site_switched_off_raises_nothing_there_and_everything_elsewhere(rig: Rig) -> None:
    await rig.decide(door_held=KindChoice(off=True))
    rig.board.raise_alarm("door_held", DOOR, {})
    assert rig.up() == []
    rig.board.raise_alarm("door_held", "west/door:gate", {})
    rig.board.raise_alarm("door_forced", DOOR, {})
    assert rig.up() == [("door_forced", 1), ("door_held", 2)]


async def test_switching_a_kind_off_ends_its_alarms_and_on_begins_those_whose_condition_lasts(rig: Rig) -> None:
    rig.board.raise_alarm("door_held", DOOR, {"name": "Gate"})
    rig.board.raise_alarm("door_held", "east/door:side", {"name": "Side"})
    await rig.decide(door_held=KindChoice(off=True))
    assert rig.up() == []
    assert rig.board.returned() == [], "nobody need acknowledge what was switched off"
    rig.board.clear_alarm("door_held", "east/door:side")
    await rig.decide()
    (alarm,) = rig.board.active()
    assert (alarm.source, alarm.args) == (DOOR, {"name": "Gate"})


async def test_a_priority_of_the_site_holds_for_new_alarms_and_those_there_are(rig: Rig) -> None:
    rig.board.raise_alarm("door_held", DOOR, {})
    before = rig.board.active()[0].rev
    await rig.decide(door_held=KindChoice(priority=1), device_lost=KindChoice(priority=3))
    rig.board.raise_alarm("device_lost", "east/m1", {})
    assert rig.up() == [("door_held", 1), ("device_lost", 3)]
    assert rig.board.active()[0].rev == before + 1
    await rig.decide()
    assert rig.up() == [("device_lost", 2), ("door_held", 2)] or rig.up() == [("door_held", 2), ("device_lost", 2)]


async def test_rules_of_people_keep_their_own_priority(rig: Rig) -> None:
    rig.board.raise_alarm("rule_high.power", "east/m1", {"rule": "Power"}, priority=1)
    await rig.decide(door_held=KindChoice(priority=1))
    assert rig.up() == [("rule_high.power", 1)]


async def test_decisions_survive_a_restart_and_hold_for_what_was_raised_before(rig: Rig, database: Database) -> None:
    await rig.decide(door_held=KindChoice(off=True))
    rig.board.raise_alarm("door_held", DOOR, {})
    await rig.board.flush()
    again = await Rig(database).open()
    again.board.raise_alarm("door_held", DOOR, {})
    assert again.up() == []
    assert again.sites.decided("east").rev == 1
    assert again.sites.decided("west").rev == 0


async def test_who_was_slower_changes_nothing(rig: Rig) -> None:
    await rig.sites.put("east", AlarmSettings(backlog_age_s=600), by="a", rev=0)
    with pytest.raises(SettingsChanged) as told:
        await rig.sites.put("east", AlarmSettings(backlog_age_s=900), by="b", rev=0)
    assert told.value.rev == 1
    assert rig.sites.settings_of("east").backlog_age_s == 600


async def test_what_another_version_wrote_is_read_as_far_as_it_can_be(database: Database) -> None:
    body = '{"backlog_age_s":600,"tea":1,"door_held_s":-5,"kinds":{"door_held":{"off":true},"tea":{"off":true}}}'
    await AlarmSettingsBook(database).put(StoredAlarmSettings("east", 4, 1, "admin", body))
    rig = await Rig(database).open()
    assert rig.sites.settings_of("east") == AlarmSettings(backlog_age_s=600, kinds={"door_held": KindChoice(off=True)})
    assert rig.sites.decided("east").rev == 4


def test_every_kind_has_a_title_in_both_languages() -> None:
    missing = ALARM_KINDS.keys() - TITLES.keys()
    assert not missing, f"give them a few words in cloud/alarms/titles.py: {sorted(missing)}"
    assert all(en != zh and len(en) <= 40 and len(zh) <= 14 for en, zh in TITLES.values())


def test_a_rule_is_called_what_people_called_it() -> None:
    assert title_of("rule_high.power", {"rule": "Feeder"}) == {"en": "Feeder", "zh": "Feeder"}
    assert title_of("rule_high.power")["en"] == "Too high"
    assert title_of("tea") == {"en": "tea", "zh": "tea"}


def test_what_is_of_the_collector_is_no_site_s_to_set() -> None:
    assert "disk_full" not in settable()
    assert "rule_high" not in settable()
    assert AlarmSettings(kinds={"disk_full": KindChoice(off=True)}).fault() is not None
    assert AlarmSettings(kinds={"door_held": KindChoice(off=True)}).fault() is None
