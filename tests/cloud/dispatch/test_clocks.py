"""The clocks: what they allow, the ladder, alarms, and a collector that was away meanwhile."""

import pytest

from cloud.dispatch import clocks
from cloud.dispatch.request import ClockState, Request
from cloud.dispatch.settings import DispatchSettings, Ladder, Limits, Tiers
from tests.cloud.dispatch.rig import NINE, SITE, WANG, Rig, away

MINUTE, HOUR = 60_000, 3_600_000


def due(request: Request) -> dict[str, int]:
    """Minutes from filing to the end of each clock."""
    return {name: (clock.due_at - NINE) // MINUTE for name, clock in request.clocks.items()}


async def test_each_tier_has_its_own_time(rig: Rig) -> None:
    assert due(await rig.file()) == {"acknowledge": 1, "assign": 2}
    four = await rig.file(earliest=NINE + 2 * HOUR, latest=NINE + 2 * HOUR + 15 * MINUTE)
    assert due(four) == {"acknowledge": 10, "assign": 30, "arrive": 135}
    day = await rig.file(earliest=NINE + 20 * HOUR, latest=NINE + 20 * HOUR)
    assert due(day) == {"acknowledge": 120, "assign": 720, "arrive": 1200}
    assert day.clocks["arrive"].started_at == day.clocks["arrive"].due_at - 15 * MINUTE


async def test_somebody_is_chosen_before_the_window_begins_whatever_the_tier_allows(rig: Rig) -> None:
    request = await rig.file(tier="24h", earliest=NINE + HOUR, latest=NINE + 2 * HOUR)
    assert due(request)["assign"] == 60


async def test_a_site_may_decide_other_times(rig: Rig) -> None:
    tiers = Tiers(real_time=Limits(acknowledge_s=30, assign_s=45, approve_s=60))
    await rig.dispatch.set_settings(SITE, DispatchSettings(tiers=tiers), "admin")
    assert (await rig.file()).clocks["assign"].due_at == NINE + 45_000


async def test_a_real_time_request_is_late_when_who_was_sent_is_later_than_estimated(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(1000))
    request = await rig.file()
    rig.pass_s(20)
    sent = await rig.act(request, "assign", resource="v1")
    assert sent.assigned is not None and sent.assigned.eta_s == pytest.approx(60 + 1350 / (25 / 3.6), abs=1)
    assert sent.clocks["arrive"].due_at == pytest.approx(NINE + 20_000 + (sent.assigned.eta_s + 180) * 1000, abs=100)


def test_the_ladder_has_four_rungs_and_is_never_climbed_down() -> None:
    clock = ClockState(0, 1000)
    ladder = Ladder()
    assert [clocks.step_of(clock, at, ladder) for at in (-5, 0, 499, 500, 799, 800, 999, 1000, 9000)] == [
        0, 0, 0, 50, 50, 80, 80, 100, 100,
    ]  # fmt: skip
    assert clocks.step_of(ClockState(0, 1000, step=80), 100, ladder) == 80


async def test_colour_at_50_a_note_at_80_an_alarm_at_100_and_louder_when_nobody_reacts(rig: Rig) -> None:
    request = await rig.file(WANG)
    await rig.act(request, "acknowledge")
    seen = []
    for second in range(0, 260, 5):
        await rig.dispatch.tick()
        step = rig.fakes.shown[request.entity]["clocks"]["assign"]["step"]  # type: ignore[index]
        state = (step, sorted(kind for kind, _ in rig.fakes.alarms))
        if not seen or seen[-1][1:] != state:
            seen.append((second, *state))
        rig.pass_s(5)
    assert seen == [
        (0, 0, []),
        (60, 50, []),
        (100, 80, ["request_at_risk"]),
        (120, 100, ["request_overdue"]),
        (240, 100, ["request_escalated"]),
    ]
    rig.fakes.vehicle("v1", away(100))
    await rig.act(request, "assign", resource="v1")
    assert rig.fakes.alarms == {}
    assert [line.action for line in await rig.dispatch.desk.history(request)] == [
        "file", "acknowledge", "overdue", "assign",
    ]  # fmt: skip


async def test_the_alarm_says_what_where_since_when_and_what_to_do(rig: Rig) -> None:
    from cloud.alarms.kinds import texts

    request = await rig.file(WANG)
    rig.pass_s(110)
    await rig.dispatch.tick()
    args = rig.fakes.alarms["request_overdue", request.entity]
    said = texts("request_overdue", request.entity, args)  # type: ignore[arg-type]
    assert said["en"] == (
        f"Request {request.number} (guests; Reception, South Gate) filed at 09:00: acknowledging it was due at 09:01, "
        "< 1 min late. Open it and acknowledge it."
    )
    assert "?" not in said["zh"] and "09:01" in said["zh"]


async def test_an_emergency_is_loud_at_once(rig: Rig) -> None:
    request = await rig.file(emergency=True)
    rig.pass_s(61)
    await rig.dispatch.tick()
    assert set(rig.fakes.alarms) == {("request_escalated", request.entity)}


async def test_a_collector_that_was_away_finds_the_clocks_where_they_would_be(rig: Rig) -> None:
    request = await rig.file()
    rig.pass_s(61)
    await rig.dispatch.tick()
    assert rig.fakes.shown[request.entity]["clocks"]["acknowledge"]["step"] == 100  # type: ignore[index]
    raised = dict(rig.fakes.alarms)
    rig.pass_s(600)
    await rig.restarted()
    now = await rig.now(request)
    assert now.clocks["acknowledge"].due_at == NINE + 60_000
    await rig.dispatch.tick()
    assert (await rig.now(request)).clocks["assign"].step == 100
    assert raised and set(rig.fakes.alarms) == {("request_escalated", request.entity)}


async def test_an_alarm_whose_request_was_served_while_nobody_looked_ends_at_the_start(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(100))
    request = await rig.file()
    await rig.act(request, "assign", resource="v1")
    rig.fakes.alarms["request_overdue", request.entity] = {}
    await rig.restarted()
    assert rig.fakes.alarms == {}


async def test_clocks_stop_when_it_is_done(rig: Rig) -> None:
    request = await rig.file()
    await rig.act(request, "cancel")
    rig.pass_s(10_000)
    await rig.dispatch.tick()
    assert [clock.step for clock in (await rig.now(request)).clocks.values()] == [0, 0]
    assert rig.fakes.alarms == {}


async def test_a_step_of_a_clock_takes_no_dispatcher_s_rev_away(rig: Rig) -> None:
    request = await rig.file()
    rig.pass_s(61)
    await rig.dispatch.tick()
    assert (await rig.act(request, "acknowledge", rev=request.rev)).status == "waiting"


async def test_what_nobody_was_sent_to_expires_after_its_window(rig: Rig) -> None:
    request = await rig.file(earliest=NINE + 2 * HOUR, latest=NINE + 3 * HOUR)
    rig.pass_s(4 * 3600 - 1)
    await rig.dispatch.tick()
    assert (await rig.now(request)).status == "new"
    rig.pass_s(1)
    await rig.dispatch.tick()
    expired = await rig.now(request)
    assert (expired.status, expired.ended_at) == ("expired", NINE + 4 * HOUR)
    assert (await rig.dispatch.desk.history(expired))[-1].by == "clock"
