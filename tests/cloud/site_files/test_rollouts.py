"""Roll-outs: stage after stage, stopped by harm, never blocked by who is away, and taken back when a person says so."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from cloud.site_files.rollouts import OPEN_MAX, PATIENCE_S
from cloud.store.contract import GatewayKey
from protocols.errors import BadRollout
from protocols.status import ClockReport, Report, Status
from tests.cloud.site_files.conftest import Begin
from tests.cloud.site_files.many_gateways import ManyGateways

NEW = 'flush_every = "5 s"'
B0, B1, C0 = GatewayKey("east", "b0"), GatewayKey("east", "b1"), GatewayKey("west", "c0")
STAGES = ["east/b0", "30 %", "100 %"]


def running_new(many: ManyGateways) -> int:
    return sum(NEW in gateway.runs for gateway in many.gateways.values())


async def soaked(many: ManyGateways, seconds: int = 61) -> None:
    await many.turn(2)
    await many.clock.advance(seconds)
    await many.turn(3)


async def test_it_goes_stage_after_stage_and_soaks_between(begin: Begin) -> None:
    many = await begin()
    row = await many.plan(stages=STAGES)
    assert Counter((await many.states(row.id)).values()) == {"ready": 9}
    await many.turn(2)
    assert running_new(many) == 0, "a draft sends nothing"
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(3)
    assert [key for key, each in many.gateways.items() if NEW in each.runs] == [B0]
    await many.clock.advance(50)
    await many.turn(3)
    assert running_new(many) == 1, "it soaks"
    await many.clock.advance(15)
    await many.turn(3)
    assert running_new(many) == 3
    assert Counter((await many.states(row.id)).values()) == {"applied": 3, "planned": 6}
    await soaked(many)
    assert running_new(many) == 9
    assert (await many.desk.rollouts.find(row.id)).state == "running"
    await soaked(many)
    assert (await many.desk.rollouts.find(row.id)).state == "done"
    assert {one.devices for one in await many.desk.rollouts.book.seen(row.id)} == {""}, "no trouble with any device"
    assert all(len(each.heard) == 1 for each in many.gateways.values()), "each got the change once"


async def test_the_first_roll_back_stops_it_and_nobody_who_has_not_heard_will(begin: Begin) -> None:
    many = await begin()
    many.gateways[B1].does, many.gateways[C0].does = "roll_back", "away"
    row = await many.plan(stages=["east/b0", "east/b1, west/c0"])
    await many.desk.rollouts.start(row.id, by="li")
    await soaked(many)
    found = await many.desk.rollouts.find(row.id)
    assert (found.state, found.halted) == ("stopped", "failures")
    await many.turn()
    assert [alarm.args["n"] for alarm in many.alarms.active() if alarm.kind == "rollout_halted"] == [row.id]
    await many.turn(2)
    states = await many.states(row.id)
    assert states["east/b1"] == "rolled_back"
    assert states["west/c0"] == "planned", "what it had not heard of is wanted no longer"
    many.gateways[C0].does = "apply"
    await many.turn(2)
    assert NEW not in many.gateways[C0].runs
    assert running_new(many) == 1
    (seen,) = [one for one in await many.desk.rollouts.book.seen(row.id) if one.key == B1]
    assert (seen.reason, seen.devices) == ("devices_lost", "meter-1")

    await many.desk.rollouts.go_on(row.id, by="li")
    await many.turn(2)
    assert NEW in many.gateways[C0].runs, "a person may go on in spite of it"
    await soaked(many)
    await soaked(many)
    assert Counter((await many.states(row.id)).values()) == {"applied": 8, "rolled_back": 1}


async def test_who_was_late_in_a_stage_before_gets_it_after_a_stop(begin: Begin) -> None:
    many = await begin()
    many.gateways[B1].does, many.gateways[C0].does = "away", "refuse"
    row = await many.plan(stages=["east/b0, east/b1", "west/c0"], patience_s=30)
    await many.desk.rollouts.start(row.id, by="li")
    await soaked(many)
    await soaked(many)
    assert (await many.desk.rollouts.find(row.id)).state == "stopped"
    await many.turn(2)
    assert (await many.states(row.id))["east/b1"] == "planned"
    await many.desk.rollouts.go_on(row.id, by="li")
    many.gateways[B1].does = "apply"
    await many.turn(2)
    assert NEW in many.gateways[B1].runs


async def test_more_failures_may_be_borne(begin: Begin) -> None:
    many = await begin()
    for key in (B1, C0):
        many.gateways[key].does = "refuse"
    row = await many.plan(stages=["100 %"], stop_after=1)
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(3)
    assert (await many.desk.rollouts.find(row.id)).state == "stopped"
    await many.desk.rollouts.abort(row.id, by="li", back=False)
    for each in many.gateways.values():
        each.runs = each.runs.replace('"5 s"', '"1 s"')
        await many.tell(each)
    row = await many.plan(stages=["100 %"], stop_after=2, changes=['set buffer.flush_every = "7 s"'])
    await many.desk.rollouts.start(row.id, by="li")
    await soaked(many)
    assert (await many.desk.rollouts.find(row.id)).state == "done"


async def test_who_is_away_is_not_waited_for_for_ever_and_counts_when_back(begin: Begin) -> None:
    many = await begin()
    many.gateways[B1].does = "away"
    row = await many.plan(stages=["east/b0, east/b1"], patience_s=600)
    await many.desk.rollouts.start(row.id, by="li")
    await soaked(many)
    assert running_new(many) == 1, "within the patience it is waited for"
    await many.clock.advance(600)
    await soaked(many)
    assert (await many.states(row.id))["east/b1"] == "late"
    assert running_new(many) == 8
    await soaked(many)
    many.gateways[B1].does = "apply"
    await many.turn(2)
    assert (await many.states(row.id))["east/b1"] == "applied"
    assert (await many.desk.rollouts.find(row.id)).state == "done"


async def test_when_few_of_a_stage_confirm_a_person_is_asked(begin: Begin) -> None:
    many = await begin()
    for key in (B0, B1):
        many.gateways[key].does = "away"
    row = await many.plan(stages=["east/b0, east/b1, west/c0"], patience_s=30)
    await many.desk.rollouts.start(row.id, by="li")
    await soaked(many, 100)
    found = await many.desk.rollouts.find(row.id)
    assert (found.state, found.halted) == ("paused", "few_confirmed")
    assert running_new(many) == 1
    await many.turn()
    (alarm,) = many.alarms.active()
    assert "fewer than half" in alarm.text["en"] and "不足一半" in alarm.text["zh"]
    await many.desk.rollouts.go_on(row.id, by="li")
    await soaked(many)
    assert running_new(many) == 7
    assert not many.alarms.active()


async def test_a_pause_begins_nobody_and_it_goes_on(begin: Begin) -> None:
    many = await begin()
    row = await many.plan(stages=STAGES)
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(2)
    await many.desk.rollouts.pause(row.id, by="li")
    await soaked(many, 1000)
    assert running_new(many) == 1
    await many.desk.rollouts.go_on(row.id, by="li")
    await soaked(many)
    assert running_new(many) == 3


@pytest.mark.parametrize("back", [False, True])
async def test_an_end_leaves_what_was_confirmed_or_takes_it_back(begin: Begin, back: bool) -> None:
    many = await begin()
    many.gateways[B1].does = "away"
    row = await many.plan(stages=["east/b0, east/b1"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(2)
    await many.desk.rollouts.abort(row.id, by="li", back=back)
    await many.turn(3)
    many.gateways[B1].does = "apply"
    await many.turn(2)
    assert running_new(many) == (0 if back else 1)
    states = await many.states(row.id)
    assert states["east/b0"] == ("returned" if back else "applied")
    assert states["east/b1"] == ("returned" if back else "withdrawn")
    assert NEW not in many.gateways[B1].runs
    with pytest.raises(BadRollout, match="this is for one that is draft or running"):
        await many.desk.rollouts.abort(row.id, by="li", back=False)


@pytest.mark.parametrize("where", ["wanted", "wanted and running", "on the box"])
async def test_what_was_changed_since_is_not_taken_back(begin: Begin, where: str) -> None:
    many = await begin()
    row = await many.plan(stages=["east/b0, east/b1", "100 %"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(2)
    gateway = many.gateways[B0]
    theirs = gateway.runs + "# a new meter\n"
    if where == "on the box":
        gateway.runs = theirs
        await many.tell(gateway)
    else:
        gateway.does = "away" if where == "wanted" else "apply"
        await many.desk.want(B0, theirs, by="wu", why="a new meter")
        await many.turn(2)
        gateway.does = "apply"
    await many.desk.rollouts.abort(row.id, by="li", back=True)
    await many.turn(4)
    assert gateway.runs == theirs
    states = await many.states(row.id)
    assert (states["east/b0"], states["east/b1"]) == ("changed", "returned")
    assert NEW not in many.gateways[B1].runs


async def test_what_was_put_back_to_another_known_file_on_the_box_stays(begin: Begin) -> None:
    many = await begin()
    gateway = many.gateways[B0]
    older = gateway.runs
    await many.desk.want(B0, older + "# better\n", by="wu", why="x")
    await many.turn(2)
    row = await many.plan(stages=["east/b0"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(2)
    gateway.runs = older
    await many.tell(gateway)
    await many.desk.rollouts.abort(row.id, by="li", back=True)
    await many.turn(3)
    assert gateway.runs == older
    assert (await many.states(row.id))["east/b0"] == "changed"


async def test_what_runs_another_file_since_is_left_out(begin: Begin) -> None:
    many = await begin()
    row = await many.plan(stages=["100 %"])
    many.gateways[B1].runs += "# by hand\n"
    await many.tell(many.gateways[B1])
    await many.desk.want(C0, many.gateways[C0].runs + "# other\n", by="wu", why="x")
    await many.desk.rollouts.start(row.id, by="li")
    await soaked(many)
    states = await many.states(row.id)
    assert Counter(states.values()) == {"applied": 7, "changed": 2}
    assert states["east/b1"] == states["west/c0"] == "changed"
    assert (await many.desk.rollouts.find(row.id)).state == "done"


@pytest.mark.parametrize("back", [False, True])
async def test_what_was_given_up_is_looked_at_no_longer_once_all_of_it_is_known(begin: Begin, back: bool) -> None:
    many = await begin()
    book = many.desk.rollouts.book
    draft = await many.plan()
    await many.desk.rollouts.abort(draft.id, by="li", back=back)
    assert await book.unfinished() == [], "nothing was sent"
    many.gateways[B0].does, many.gateways[B1].does = "refuse", "away"
    row = await many.plan(stages=["east/b0, east/b1, west/c0"], stop_after=9)
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(2)
    await many.tell(many.gateways[B1], "trying", next(one.revision or 0 for one in await book.seen(row.id)))
    await many.desk.rollouts.abort(row.id, by="li", back=back)
    await many.turn()
    if not back:
        assert [one.id for one in await book.unfinished()] == [row.id], "one is on trial"
        await many.clock.advance(PATIENCE_S + 300)
    await many.turn(2)
    assert await book.unfinished() == []
    assert Counter((await many.states(row.id)).values())["planned"] == 6
    found = await many.desk.rollouts.find(row.id)
    assert (found.state, found.closed_at is not None) == ("returned" if back else "aborted", True)


async def test_wrong_files_are_shown_before_the_start_and_keep_it_from_starting(begin: Begin) -> None:
    many = await begin()
    files = {key: each.runs + ("# wrong\n" if key == B1 else "# more\n") for key, each in many.gateways.items()}
    row = await many.plan(changes=(), files=files)
    (wrong,) = [one for one in await many.desk.rollouts.book.seen(row.id) if one.state == "wrong"]
    assert (wrong.key, wrong.line, wrong.setting) == (B1, 5, "buffer.flush_every")
    assert "+# more" in await many.desk.rollouts.difference(row.id, B0)
    with pytest.raises(BadRollout, match="1 files are wrong"):
        await many.desk.rollouts.start(row.id, by="li")
    await many.desk.rollouts.start(row.id, by="li", without_wrong=True)
    await soaked(many)
    await soaked(many)
    assert "# more" not in many.gateways[B1].runs


async def test_a_patch_names_whom_it_does_not_fit_and_what_changes_nothing(begin: Begin) -> None:
    many = await begin()
    many.gateways[B0].runs += '[[device]]\nid = "meter-1"\n'
    await many.tell(many.gateways[B0])
    row = await many.plan(changes=['set device[meter-1].every = "9 s"'], gateways=["east/b0", "west/*"])
    states = await many.states(row.id)
    assert states == {"east/b0": "ready", **{f"west/c{n}": "wrong" for n in range(4)}}
    await many.desk.rollouts.abort(row.id, by="li", back=False)
    row = await many.plan(changes=['set buffer.flush_every = "1 s"'])
    assert set((await many.states(row.id)).values()) == {"same"}
    with pytest.raises(BadRollout, match="no gateway is left"):
        await many.desk.rollouts.start(row.id, by="li")


async def test_odd_wishes_are_refused_with_what_would_be_right(begin: Begin) -> None:
    many = await begin(["east/b0"])
    for reason, wish in (
        ("no_reason", {"why": " "}),
        ("bad_patch", {"changes": ()}),
        ("bad_patch", {"files": {B0: "x"}}),
        ("out_of_range", {"soak_s": -1}),
        ("out_of_range", {"patience_s": 1}),
        ("out_of_range", {"not_before": 2**52}),
        ("unknown_gateway", {"gateways": ["east/b7"]}),
        ("unknown_gateway", {"gateways": ["*"]}),
        ("unknown_gateway", {"changes": (), "files": {C0: "x"}}),
        ("unknown_gateway", {"changes": (), "files": {B0: "x"}, "site": "west"}),
        ("nobody", {"site": "west"}),
        ("too_large", {"changes": (), "files": {B0: "x" * 300_000}}),
    ):
        with pytest.raises(BadRollout) as refused:
            await many.plan(**wish)
        assert refused.value.reason == reason, (wish, refused.value)
    await many.plan()
    with pytest.raises(BadRollout, match="east/b0 has a part in another roll-out"):
        await many.plan()
    assert OPEN_MAX < 100
    with pytest.raises(BadRollout, match="there is no roll-out 99"):
        await many.desk.rollouts.start(99, by="li")


async def test_a_collector_that_begins_anew_goes_on_and_gives_nobody_anything_twice(begin: Begin) -> None:
    many = await begin()
    many.gateways[C0].does = "away"
    row = await many.plan(stages=["2", "50 %", "100 %"])
    await many.desk.rollouts.start(row.id, by="li")
    for _ in range(12):
        await many.begin()
        await many.turn()
        await many.clock.advance(40)
    many.gateways[C0].does = "apply"
    await many.clock.advance(4000)
    for _ in range(8):
        await many.begin()
        await many.turn(2)
        await many.clock.advance(61)
    assert (await many.desk.rollouts.find(row.id)).state == "done"
    assert {each.highest for each in many.gateways.values()} == {2}, "one revision each, after the one found there"


async def test_numbers_go_on_above_what_a_gateway_has_judged(begin: Begin) -> None:
    many = await begin(["east/b0"])
    gateway = many.gateways[B0]
    gateway.highest = 7  # judged for a registry that was lost since
    row = await many.plan(stages=["100 %"])
    await many.desk.rollouts.start(row.id, by="li")
    await many.turn(2)
    assert NEW not in gateway.runs, "it looks at nothing that is not newer"
    await many.desk.status(B0, status(7), received_at=1, retained=False)
    await many.turn(2)
    assert (gateway.highest, NEW in gateway.runs) == (8, True)
    assert await many.states(row.id) == {"east/b0": "applied"}
    await many.tell(gateway, "in_force", 8)
    assert (await many.desk.want(B0, gateway.runs + "# more\n", by="li", why="x")).revision == 9


async def test_an_answer_on_its_way_is_waited_for(begin: Begin) -> None:
    many = await begin(["east/b0"])
    await many.desk.want(B0, many.gateways[B0].runs + "# more\n", by="li", why="x")
    await many.desk.status(B0, status(2), received_at=1, retained=False)
    assert [one.revision for one in await many.desk.book.revisions(B0, 9)] == [2, 1]


def status(judged: int) -> Status:
    names = [field.name for field in msgspec.structs.fields(Report) if field.required]
    whole = {**dict.fromkeys(names, 0), "epoch": "e", "clock": ClockReport("synced", 1), "site_file_judged": judged}
    return Status(state="online", session=1, report=msgspec.convert(msgspec.to_builtins(whole), Report))
