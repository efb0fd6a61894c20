"""The state machine under everything that people may try, in any order; and the table of moves itself."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.dispatch import clocks
from cloud.dispatch.contract import Actor, Refused
from cloud.dispatch.request import ENDED, MOVES, NotPossible, Request, actions_of
from cloud.dispatch.settings import ApprovalRule, DispatchSettings
from cloud.registry.database import Database
from protocols.clock import ManualClock
from tests.cloud.dispatch.rig import LI, NINE, SITE, WANG, ZHOU, Rig, away

STATUSES = {*ENDED, "new", "awaiting_approval", "waiting", "assigned", "under_way", "arrived"}
ACTIONS = sorted(MOVES)
TRIED = st.tuples(
    st.sampled_from(ACTIONS),
    st.sampled_from([LI, ZHOU, WANG]),
    st.sampled_from(["", "because"]),
    st.sampled_from(["", "v1", "v2", "out", "nobody"]),
    st.integers(-1, 7),
    st.integers(0, 4000),
)
KEEPS_THE_FILE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def test_every_status_can_be_left_or_is_an_end() -> None:
    left = {status for moves in MOVES.values() for status, to in moves.items() if to != status}
    assert left | ENDED == STATUSES
    assert not left & ENDED
    assert {to for moves in MOVES.values() for to in moves.values()} | {"new"} == STATUSES


def check(before: Request, after: Request, action: str, actor: Actor) -> None:
    """What holds of every change."""
    assert MOVES[action][before.status] == after.status
    assert after.rev == before.rev + 1
    assert (after.assigned is not None) or after.status not in ("assigned", "under_way", "arrived")
    assert (after.ended_at is not None) == (after.status in ENDED)
    assert actor.dispatcher or action in ("cancel", "rate")
    if before.status in ENDED:
        assert action in ("rate", "approve", "refuse")
    for name, clock in before.clocks.items():
        if clock.done_at is not None and action != "release":
            assert after.clocks[name].done_at == clock.done_at, f"{action} moved the {name} clock that was done"
    if action == "assign":
        assert after.clocks["assign"].done_at is not None and after.clocks["acknowledge"].done_at is not None
    assert not (set(clocks.running(after)) - {"approve"}) or after.open


@KEEPS_THE_FILE
@given(tries=st.lists(TRIED, max_size=14), approval=st.booleans(), emergency=st.booleans())
def test_whatever_is_tried_what_holds_holds(
    empty_registry: Path, tries: list[tuple[str, Actor, str, str, int, int]], approval: bool, emergency: bool
) -> None:
    async def run() -> None:
        folder = Path(tempfile.mkdtemp())
        shutil.copy(empty_registry, folder / "registry.sqlite")
        clock = ManualClock(NINE)
        database = Database(folder / "registry.sqlite", clock)
        await database.open()
        try:
            await _try_all(Rig(database, clock), tries, approval=approval, emergency=emergency)
        finally:
            await database.close()
            shutil.rmtree(folder)

    asyncio.run(run())


async def _try_all(
    rig: Rig, tries: list[tuple[str, Actor, str, str, int, int]], *, approval: bool, emergency: bool
) -> None:
    await rig.dispatch.open()
    rules = (ApprovalRule("always"),) if approval else ()
    await rig.dispatch.set_settings(SITE, DispatchSettings(approval=rules), "admin")
    rig.fakes.vehicle("v1", away(100))
    rig.fakes.vehicle("v2", away(200), seats=1)
    rig.fakes.vehicle("out", away(300), out_of_service="brakes")
    request = await rig.file(WANG, emergency=emergency, passengers=2)
    done = 1
    for action, actor, reason, resource, rev_off, seconds in tries:
        rig.pass_s(seconds)
        now = await rig.now(request)
        possible = actions_of(now)
        name = "reassign" if action == "release" else action
        wanted = "" if action == "release" else resource
        try:
            after = await rig.act(
                now,
                name,
                actor,
                rev=None if rev_off < 0 else now.rev + rev_off // 4,
                reason=reason,
                resource=wanted,
                stars=rev_off,
            )
        except (NotPossible, Refused):
            assert await rig.now(request) == now
            continue
        real = "release" if name == "reassign" and not wanted else name
        assert real in possible
        assert rev_off < 4
        check(now, after, real, actor)
        done += 1
    stands = await rig.now(request)
    history = await rig.dispatch.desk.history(stands)
    assert len([line for line in history if line.by != "clock"]) == done
    assert stands.rev == done
    assert len(rig.dispatch.orders.open_of(rig.fakes.all("vehicle")[1].key)) <= 1
    await rig.restarted()
    assert await rig.now(request) == stands
    is_shown = stands.ended_at is None or stands.ended_at > rig.clock.now_ms() - 3_600_000
    assert set(rig.fakes.shown) == ({stands.entity} if is_shown else set())


@pytest.mark.parametrize("status", sorted(ENDED))
def test_what_ended_cannot_be_started_again(status: str) -> None:
    assert [action for action in MOVES if status in MOVES[action] and MOVES[action][status] not in ENDED] == []
