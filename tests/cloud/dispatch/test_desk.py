"""The desk: filing, deciding, racing, and what is left after a restart."""

import asyncio

import msgspec
import pytest

from cloud.dispatch.contract import Conflict, NoSuchRequest, NotYours, Refused
from cloud.dispatch.request import NotPossible, Request, Where
from cloud.dispatch.settings import ApprovalRule, DispatchSettings, Tiers
from protocols.clock import ManualClock
from tests.cloud.dispatch.rig import LI, NINE, SITE, SUN, WANG, ZHOU, Rig, away, draft

MINUTE = 60_000
HOUR = 3_600_000


async def assigned(rig: Rig, **fields: object) -> Request:
    rig.fakes.vehicle("v1", away(500))
    request = await rig.file(**fields)
    return await rig.act(request, "assign", resource="v1")


async def test_a_request_goes_from_filing_to_a_rating_and_tells_who_did_what(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(500))
    request = await rig.file(WANG)
    rig.pass_s(5)
    await rig.act(request, "acknowledge")
    rig.pass_s(5)
    await rig.act(request, "assign", resource="v1", driver="Chen")
    for action in ("start", "arrive", "finish"):
        rig.pass_s(60)
        await rig.act(request, action, ZHOU)
    done = await rig.act(request, "rate", WANG, stars=5, text="thanks")
    history = await rig.dispatch.desk.history(done)
    assert [(line.action, line.by, line.at - NINE) for line in history] == [
        ("file", "wang", 0),
        ("acknowledge", "li", 5_000),
        ("assign", "li", 10_000),
        ("start", "zhou", 70_000),
        ("arrive", "zhou", 130_000),
        ("finish", "zhou", 190_000),
        ("rate", "wang", 190_000),
    ]
    assert history[2].before == {"status": "waiting", "assigned": None}
    assert history[2].after["assigned"]["driver"] == "Chen"
    assert done.rating is not None and done.rating.stars == 5
    assert done.rev == 7


async def test_numbers_count_through_the_site_s_day_and_begin_anew_at_its_midnight(rig: Rig) -> None:
    day = "20261122"
    assert [(await rig.file()).number for _ in range(2)] == [f"{day}-001", f"{day}-002"]
    await rig.restarted()
    assert (await rig.file()).number == f"{day}-003"
    rig.pass_s(15 * 3600)
    assert (await rig.file()).number == "20261123-001"


async def test_a_thousandth_request_of_a_day_is_counted_on(rig: Rig) -> None:
    rig.dispatch.desk._numbers[SITE, "20261122"] = 998
    await rig.file()
    assert (await rig.file()).number == "20261122-1000"
    await rig.restarted()
    assert (await rig.file()).number == "20261122-1001"


async def test_places_are_found_by_name_and_free_coordinates_are_named(rig: Rig) -> None:
    named = await rig.file(origin=Where("South Gate"), to=Where("Nowhere in particular"))
    assert named.origin == Where("South Gate", 30.2741, 120.1551)
    assert named.to == Where("Nowhere in particular")
    assert (await rig.file(origin=Where("", 30.1, 120.2))).origin == Where("by the lake", 30.1, 120.2)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"kind": "tea"}, "kind: 'tea' is not allowed"),
        ({"site": "west"}, "site: there is no site 'west'"),
        ({"origin": None}, "from: missing"),
        ({"origin": Where("a", 1.0, None)}, "from: latitude and longitude come together"),
        ({"origin": Where("a", 91.0, 0.0)}, "from: is no place on Earth"),
        ({"origin": Where("a", float("nan"), 0.0)}, "from: is no place on Earth"),
        ({"passengers": 501}, "passengers: 501 is not allowed"),
        ({"priority": 0}, "priority: 0 is not allowed"),
        ({"title": "x" * 101}, "title: 101 characters"),
        ({"note": "a\x00b"}, "note: has characters that cannot be shown"),
        ({"vehicle_class": "tank"}, "demand.class: 'tank' is no class"),
        ({"earliest": NINE + HOUR, "latest": NINE}, "window.latest: is before window.earliest"),
        ({"earliest": NINE + 400 * 24 * HOUR}, "window.earliest: is not within"),
        ({"tier": "4h", "earliest": NINE - 2 * HOUR, "latest": NINE - HOUR}, "window.latest: is over already"),
        ({"opened_at": NINE + HOUR}, "started_at: is not within the last day"),
        ({"tier": "soon"}, "tier: 'soon' is not allowed"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_field_named(rig: Rig, fields: dict[str, object], says: str) -> None:
    with pytest.raises(Refused) as error:
        await rig.file(**fields)
    assert str(error.value).startswith(says)
    assert error.value.hint
    assert rig.dispatch.desk.all() == []


async def test_the_tier_follows_from_the_window_when_nobody_says(rig: Rig) -> None:
    assert (await rig.file()).tier == "real_time"
    assert (await rig.file(earliest=NINE + 2 * HOUR)).tier == "4h"
    assert (await rig.file(earliest=NINE + 9 * HOUR)).tier == "24h"


async def test_of_two_dispatchers_at_the_same_request_one_is_told_to_look_again(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(500))
    rig.fakes.vehicle("v2", away(500))
    request = await rig.file()
    acts = [
        rig.act(request, "assign", who, resource=name, rev=request.rev, reason="mine")
        for who, name in ((LI, "v1"), (ZHOU, "v2"))
    ]
    results = await asyncio.gather(*acts, return_exceptions=True)
    won, lost = [r for r in results if isinstance(r, Request)], [r for r in results if isinstance(r, Conflict)]
    assert len(won) == len(lost) == 1
    assert lost[0].request.rev == won[0].rev == 2
    assert (await rig.now(request)).assigned == won[0].assigned


async def test_two_collectors_on_one_book_cannot_both_win(rig: Rig) -> None:
    """The rev is checked by the database as well: RAM may be old."""
    rig.fakes.vehicle("v1", away(500))
    request = await rig.file()
    other = rig.made()
    await other.open()
    await rig.act(request, "assign", resource="v1")
    from cloud.dispatch.deciding import Act

    with pytest.raises(Conflict) as error:
        await other.desk.act(request.id, Act(action="cancel"), LI)
    assert error.value.request.status == "assigned"


async def test_a_key_that_comes_again_is_answered_with_what_was_done(rig: Rig) -> None:
    first = await rig.file(key="k1")
    assert await rig.file(key="k1") == first
    await rig.restarted()
    assert (await rig.file(key="k1")).number == first.number
    assert len(rig.dispatch.desk.all()) == 1
    with pytest.raises(Refused, match="used for something else"):
        await rig.file(key="k1", title="another")
    assert (await rig.file(ZHOU, key="k1")).number != first.number
    rig.pass_s(24 * 3600 + 1)
    await rig.dispatch.desk.forget_old()
    assert (await rig.file(key="k1")).number.startswith("20261123")


async def test_a_decision_that_comes_again_is_not_done_twice(rig: Rig) -> None:
    request = await rig.file()
    once = await rig.act(request, "acknowledge", key="a1", rev=1)
    assert await rig.act(request, "acknowledge", key="a1", rev=1) == once


async def test_a_requester_sees_cancels_and_rates_only_its_own(rig: Rig) -> None:
    mine, other = await rig.file(WANG), await rig.file(SUN)
    desk = rig.dispatch.desk
    assert (await desk.get(mine.number, WANG)).id == mine.id
    with pytest.raises(NoSuchRequest):
        await desk.get(other.id, WANG)
    with pytest.raises(NotYours):
        await rig.act(mine, "acknowledge", WANG)
    with pytest.raises(NotYours):
        await rig.act(mine, "assign", WANG, resource="v1")
    assert (await rig.act(mine, "cancel", WANG)).status == "cancelled"


async def test_a_requester_does_not_cancel_what_is_on_its_way(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(500))
    request = await rig.file(WANG)
    await rig.act(request, "assign", resource="v1")
    await rig.act(request, "start")
    with pytest.raises(NotPossible):
        await rig.act(request, "cancel", WANG)


async def test_only_who_filed_a_request_rates_it_and_once(rig: Rig) -> None:
    request = await rig.file(WANG)
    await rig.act(request, "finish")
    with pytest.raises(NotYours):
        await rig.act(request, "rate", LI, stars=1)
    with pytest.raises(Refused, match="stars: 6"):
        await rig.act(request, "rate", WANG, stars=6)
    await rig.act(request, "rate", WANG, stars=2)
    with pytest.raises(NotPossible):
        await rig.act(request, "rate", WANG, stars=5)


async def test_who_cannot_serve_is_sent_only_with_a_reason_that_is_kept(rig: Rig) -> None:
    rig.fakes.vehicle("small", away(100), seats=4)
    request = await rig.file(passengers=6)
    with pytest.raises(Refused, match="6 seats needed, it has 4") as error:
        await rig.act(request, "assign", resource="small")
    assert error.value.code == "not_feasible"
    done = await rig.act(request, "assign", resource="small", reason="two will walk")
    assert done.assigned is not None and done.assigned.reason == "two will walk"


async def test_what_is_out_of_service_is_not_sent_for_any_reason(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(100), out_of_service="brakes")
    request = await rig.file()
    with pytest.raises(Refused, match="out of service: brakes"):
        await rig.act(request, "assign", resource="v1", reason="nothing else is left")


async def test_another_than_the_suggested_one_needs_a_reason(rig: Rig) -> None:
    near, far = rig.fakes.vehicle("near", away(100)), rig.fakes.vehicle("far", away(3000))
    request = await rig.file()
    with pytest.raises(Refused) as error:
        await rig.act(request, "assign", resource=far)
    assert error.value.code == "reason_needed"
    done = await rig.act(request, "assign", resource=far, reason="the driver knows the guests")
    assert done.assigned is not None and (done.assigned.resource, done.assigned.suggested) == (far, near)
    kept = await rig.dispatch.needs.book.chosen_by(request.site, request.number)
    assert kept is not None and msgspec.json.decode(kept)["suggested"] == near


async def test_what_was_suggested_a_moment_ago_needs_none(rig: Rig) -> None:
    rig.fakes.vehicle("a", away(100))
    rig.fakes.vehicle("b", away(3000))
    request = await rig.file()
    await rig.dispatch.batch()
    rig.fakes.vehicle("b", away(10))
    rig.pass_s(30)
    assert (await rig.act(request, "assign", resource="a")).status == "assigned"


async def test_reassigning_needs_a_reason_and_frees_the_first(rig: Rig) -> None:
    rig.fakes.vehicle("v2", away(900))
    request = await assigned(rig)
    with pytest.raises(Refused, match="reason"):
        await rig.act(request, "reassign", resource="v2")
    moved = await rig.act(request, "reassign", resource="v2", reason="flat tyre")
    assert moved.assigned is not None and moved.assigned.name == "V2"
    keys = {a.key.id: a.key for a in rig.fakes.all("vehicle")}
    orders = rig.dispatch.orders
    assert [w.request for w in orders.open_of(keys["v2"])] == [request.entity]
    assert orders.open_of(keys["v1"]) == []


async def test_without_another_it_goes_back_to_the_queue_with_a_new_clock(rig: Rig) -> None:
    request = await assigned(rig)
    rig.pass_s(600)
    back = await rig.act(request, "reassign", reason="broke down")
    assert (back.status, back.assigned) == ("waiting", None)
    assert back.clocks["assign"].started_at == NINE + 600_000
    assert back.clocks["assign"].done_at is None
    assert "arrive" not in back.clocks
    assert (await rig.dispatch.desk.history(back))[-1].action == "release"


async def test_a_lock_is_shown_and_can_be_ended_once(rig: Rig) -> None:
    request = await assigned(rig)
    locked = await rig.act(request, "lock")
    assert locked.assigned is not None and locked.assigned.locked
    assert rig.dispatch.orders.locked == {request.entity}
    with pytest.raises(NotPossible):
        await rig.act(request, "lock")
    await rig.act(request, "unlock")
    assert rig.dispatch.orders.locked == set()


async def test_an_unfinished_write_changes_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from protocols.errors import StoreUnavailable

    request = await rig.file()

    async def full(*_: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(rig.dispatch.needs.book, "write", full)
    with pytest.raises(StoreUnavailable):
        await rig.act(request, "acknowledge")
    assert (await rig.now(request)).status == "new"
    assert rig.fakes.shown[request.entity]["status"] == "new"


async def test_after_a_restart_everything_is_shown_as_it_was(rig: Rig) -> None:
    request = await assigned(rig)
    ended = await rig.file(title="over")
    await rig.act(ended, "cancel")
    before = {name: dict(attributes) for name, attributes in rig.fakes.shown.items()}
    await rig.restarted()
    for attributes in (*before.values(), *rig.fakes.shown.values()):
        attributes.pop("suggested")
    assert rig.fakes.shown == before
    assert [w.request for w in rig.dispatch.orders.open_of(rig.fakes.all("vehicle")[0].key)] == [request.entity]


async def test_what_ended_leaves_the_screen_after_an_hour(rig: Rig) -> None:
    request = await rig.file()
    await rig.act(request, "cancel")
    rig.pass_s(3599)
    await rig.dispatch.tick()
    assert request.entity in rig.fakes.shown
    rig.pass_s(2)
    await rig.dispatch.tick()
    assert request.entity not in rig.fakes.shown
    await rig.restarted()
    assert request.entity not in rig.fakes.shown
    assert (await rig.now(request)).status == "cancelled"


async def test_a_request_of_weeks_ago_is_found_in_the_book(rig: Rig) -> None:
    request = await rig.file()
    await rig.act(request, "cancel")
    rig.pass_s(20 * 86_400)
    await rig.dispatch.desk.forget_old()
    assert rig.dispatch.desk.all() == []
    assert (await rig.now(request)).number == request.number


async def test_nobody_is_sent_for_a_visitor(rig: Rig) -> None:
    request = await rig.file(kind="visitor", origin=None)
    assert "assign" not in request.clocks
    with pytest.raises(Refused, match="nobody is sent"):
        await rig.act(request, "assign", resource="v1")
    assert (await rig.act(request, "finish")).status == "done"


async def test_approval_stands_before_the_queue_when_a_rule_asks_for_it(rig: Rig, clock: ManualClock) -> None:
    rule = DispatchSettings(approval=(ApprovalRule("after_hours", "vehicle"),))
    await rig.dispatch.set_settings(SITE, rule, "admin")
    assert (await rig.file()).status == "new"
    rig.fakes.office = False
    request = await rig.file()
    assert (request.status, request.approval.rule) == ("awaiting_approval", "after_hours")
    assert "assign" not in request.clocks
    rig.fakes.vehicle("v1", away(100))
    with pytest.raises(NotPossible):
        await rig.act(request, "assign", resource="v1")
    rig.pass_s(300)
    approved = await rig.act(request, "approve", reason="fine")
    assert (approved.status, approved.approval.state, approved.approval.opinion) == ("waiting", "approved", "fine")
    assert approved.clocks["assign"].started_at == clock.now_ms()
    with pytest.raises(NotPossible):
        await rig.act(request, "approve")


async def test_a_refusal_needs_an_opinion(rig: Rig) -> None:
    request = await rig.file()
    with pytest.raises(Refused, match="say why"):
        await rig.act(request, "refuse")
    assert (await rig.act(request, "refuse", reason="the shuttle goes there")).status == "refused"


async def test_an_emergency_is_served_first_and_approved_after(rig: Rig) -> None:
    rig.fakes.vehicle("v1", away(100))
    await rig.dispatch.set_settings(SITE, DispatchSettings(approval=(ApprovalRule("always"),)), "admin")
    request = await rig.file(emergency=True)
    assert (request.status, request.approval.state, request.approval.after) == ("new", "pending", True)
    assert request.approval.due_at == NINE + 24 * HOUR
    for action, more in (("assign", {"resource": "v1"}), ("start", {}), ("arrive", {}), ("finish", {})):
        request = await rig.act(request, action, **more)
    rig.pass_s(25 * 3600)
    await rig.dispatch.tick()
    assert ("request_overdue" in {kind for kind, _ in rig.fakes.alarms}) or rig.fakes.alarms
    refused = await rig.act(request, "refuse", reason="was not urgent")
    assert (refused.status, refused.approval.state) == ("done", "refused")
    assert rig.fakes.alarms == {}


async def test_settings_outlive_a_restart(rig: Rig) -> None:
    changed = DispatchSettings(tiers=Tiers(), batch_s=5.0)
    await rig.dispatch.set_settings(SITE, changed, "admin")
    await rig.restarted()
    assert rig.dispatch.settings_of(SITE) == changed
    assert rig.dispatch.settings_of("other") == DispatchSettings()


async def test_what_happens_is_noted_for_request_and_resource(rig: Rig) -> None:
    request = await assigned(rig)
    assert rig.fakes.noted == [
        (request.entity, "request_file"),
        (request.entity, "request_assign"),
        ("east/vehicle:v1", "request_assign"),
    ]


def test_a_draft_is_a_plain_thing() -> None:
    assert draft().site == SITE
