"""What goes out to the pages, and when."""

import asyncio
import json
from typing import Any

import pytest

from cloud.live.client import QUEUE_FRAMES, Client
from cloud.live.stream import Stream, TooManyClients
from cloud.live.things import Things
from protocols.reading import Event
from tests.cloud.live.conftest import World


def parse(raw: bytes) -> list[tuple[str, str | None, Any]]:
    """(event, id, data) of each server-sent event."""
    found = []
    for block in raw.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


async def take(stream: Stream, client: Client) -> list[tuple[str, str | None, Any]]:
    raw = await asyncio.wait_for(stream.take(client), 2)
    assert raw is not None
    return parse(raw)


def queued(client: Client) -> list[tuple[str, str | None, Any]]:
    raw = b"".join(frame.plain for frame in client.frames)
    client.frames.clear()
    return parse(raw)


def listen(world: World, since: str | None = None):
    return world.stream.join(since, credential="c", owner="li")


async def test_a_new_client_gets_everything_and_then_what_changes(world: World) -> None:
    await world.read("m1", 1.0, 5000)
    with listen(world) as client:
        [(event, name, snapshot)] = await take(world.stream, client)
        assert (event, snapshot["reason"], name) == ("snapshot", "start", snapshot["cursor"])
        assert {entity["id"] for entity in snapshot["entities"]} == {"east/m1", "east/@b3"}
        await world.read("m1", 2.0, 6000)
        [(event, name, delta)] = await take(world.stream, client)
        assert (event, name) == ("delta", delta["cursor"])
        change = next(change for change in delta["changes"] if change["id"] == "east/m1")
        assert change["points"]["active_power_total"]["value"] == 2.0
        assert change["set"]["observed_at"] == 6000


async def test_the_first_change_goes_out_at_once_and_then_four_a_second(world: World) -> None:
    await world.read("m1", 0.0, 1000)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.stream.run(), name="stream")
        with listen(world) as client:
            await take(world.stream, client)
            await world.clock.advance(1)
            queued(client)
            deltas = []
            for step in range(100):
                await world.read("m1", float(step), 2000 + step)
                deltas += queued(client)
                if step == 0:
                    assert [event for event, *_ in deltas] == ["delta"]
                await world.clock.advance(0.02)
                deltas += queued(client)
            values = [
                change["points"]["active_power_total"]["value"]
                for event, _, data in deltas
                if event == "delta"
                for change in data["changes"]
                if change["id"] == "east/m1"
            ]
        running.cancel()
    assert 7 <= len(values) <= 9, "two seconds"
    await world.clock.advance(1)
    assert values[0] == 0.0
    assert values == sorted(values)


async def test_the_last_value_of_a_burst_goes_out_without_another_reading(world: World) -> None:
    await world.read("m1", 0.0, 1000)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.stream.run(), name="stream")
        with listen(world) as client:
            await take(world.stream, client)
            await world.clock.advance(0.9)
            queued(client)
            for step in range(5):
                await world.read("m1", float(step), 2000 + step)
            await world.clock.advance(0.3)
            last = [data for event, _, data in queued(client) if event == "delta"][-1]
            assert last["changes"][0]["points"]["active_power_total"]["value"] == 4.0
        running.cancel()


async def test_a_card_event_does_not_wait_behind_the_values_of_its_door(world: World) -> None:
    await world.read("gate", 0.0, 1000)
    with listen(world) as client:
        await take(world.stream, client)
        await world.clock.advance(1)
        await world.read("gate", 1.0, 2000)
        queued(client)
        await world.clock.advance(0.06)
        await world.commit(world.batch(events=[Event("gate", "card_read", 2060, {"card_key": "k"})]))
        [(_, _, delta)] = queued(client)
        assert delta["changes"][0]["attributes"]["last_event"]["kind"] == "card_read"


async def test_two_cards_in_quick_succession_do_not_wait_for_slower_changes(world: World) -> None:
    """The gateway's counters wait up to a second; whoever sleeps for them must wake for the card."""
    await world.read("gate", 0.0, 1000)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.stream.run(), name="stream")
        with listen(world) as client:
            await take(world.stream, client)
            for number in range(20):
                before = world.clock.monotonic()
                for card in ("a", "b"):
                    await world.commit(
                        world.batch(events=[Event("gate", "card_read", 2000 + number, {"card_key": card})])
                    )
                seen = ""
                while '"b"' not in seen:
                    await world.clock.advance(0.01)
                    seen += json.dumps(queued(client))
                    assert world.clock.monotonic() - before < 0.1, number
                await world.clock.advance(0.07)
        running.cancel()


async def test_a_client_that_comes_back_is_told_exactly_what_changed(world: World) -> None:
    await world.read("m1", 1.0, 1000)
    await world.read("m2", 1.0, 1000)
    with listen(world) as client:
        [(_, cursor, _)] = await take(world.stream, client)
    await world.clock.advance(1)
    await world.read("m2", 2.0, 2000)
    with listen(world, cursor) as client:
        [(event, _, delta)] = await take(world.stream, client)
        assert event == "delta"
        changed = {change["id"]: change.get("points", {}) for change in delta["changes"]}
        assert set(changed) == {"east/m2", "east/@b3"}
        assert changed["east/m2"]["active_power_total"]["value"] == 2.0


async def test_a_client_that_missed_nothing_gets_no_snapshot(world: World) -> None:
    await world.read("m1", 1.0, 1000)
    with listen(world) as client:
        [(_, cursor, _)] = await take(world.stream, client)
    with listen(world, cursor) as client:
        assert [event for event, *_ in await take(world.stream, client)] == ["hb"]


@pytest.mark.parametrize(
    "since", ["", "nonsense", "ffffffff.1", "{epoch}.99999", "{epoch}.-1", "{epoch}.x", "{epoch}.²"]
)
async def test_a_cursor_of_another_run_gets_a_snapshot_that_says_so(world: World, since: str) -> None:
    since = since.format(epoch=world.stream.cursor.split(".")[0])
    with listen(world, since) as client:
        [(event, _, data)] = await take(world.stream, client)
        assert (event, data["reason"]) == ("snapshot", "epoch")


async def test_a_cursor_too_old_gets_a_snapshot_that_says_gap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloud.live.stream.RESUME_SPAN", 3)
    await world.read("m1", 0.0, 1000)
    with listen(world) as client:
        [(_, cursor, _)] = await take(world.stream, client)
        for step in range(5):
            await world.clock.advance(1)
            await world.read("m1", 1.0, 2000 + step)
    with listen(world, cursor) as client:
        [(event, _, data)] = await take(world.stream, client)
        assert (event, data["reason"]) == ("snapshot", "gap")


async def test_a_slow_client_gets_a_snapshot_in_place_of_what_it_missed(world: World) -> None:
    await world.read("m1", 0.0, 1000)
    with listen(world) as slow, listen(world) as quick:
        await take(world.stream, slow)
        await take(world.stream, quick)
        for step in range(QUEUE_FRAMES + 5):
            await world.clock.advance(1)
            await world.read("m1", float(step), 2000 + step)
            queued(quick)
        assert len(slow.frames) == 0
        [(event, _, data)] = await take(world.stream, slow)
        assert (event, data["reason"]) == ("snapshot", "slow")
        meter = next(entity for entity in data["entities"] if entity["id"] == "east/m1")
        assert meter["points"]["active_power_total"]["value"] == float(QUEUE_FRAMES + 4)


async def test_any_mix_of_leaving_and_coming_back_ends_in_the_state_of_a_fresh_snapshot(world: World) -> None:
    import random

    rng = random.Random(5)
    mirror: dict[str, Any] = {}
    cursor: str | None = None

    def apply(events: list[tuple[str, str | None, Any]]) -> str | None:
        nonlocal mirror
        last = None
        for event, name, data in events:
            last = name or last
            if event == "snapshot":
                mirror = {entity["id"]: entity for entity in data["entities"]}
            elif event == "delta":
                for change in data["changes"]:
                    if change.get("deleted"):
                        mirror.pop(change["id"], None)
                        continue
                    entity = mirror.setdefault(change["id"], {"id": change["id"], "attributes": {}, "points": {}})
                    entity.update(change.get("set", {}), rev=change["rev"])
                    entity["attributes"].update(change.get("attributes", {}))
                    entity["points"].update(change.get("points", {}))
        return last

    for step in range(150):
        with listen(world, cursor) as client:
            cursor = apply(await take(world.stream, client)) or cursor
            for _ in range(rng.randrange(4)):
                await something(world, rng, step)
                await world.clock.advance(rng.choice([0, 0.1, 1]))
                cursor = apply(queued(client)) or cursor
        for _ in range(rng.randrange(3)):
            await something(world, rng, step)
            await world.clock.advance(rng.choice([0, 0.1, 1]))
    with listen(world, cursor) as client:
        apply(await take(world.stream, client))
        await world.clock.advance(2)
        world.stream._emit(force=True)
        apply(queued(client))
    truth = {
        entity.id: json.loads(world.stream._encoder.encode(world.live.views.view(entity)))
        for entity in world.live.shown()
    }
    assert mirror == truth


async def something(world: World, rng: Any, step: int) -> None:
    chance = rng.random()
    device = f"m{rng.randrange(5)}"
    if chance < 0.6:
        await world.read(device, rng.random(), 1000 + step * 10 + rng.randrange(20))
    elif chance < 0.8:
        await world.commit(world.batch(events=[Event(device, "button", 1000 + step * 10)]))
    else:
        await world.born(*[f"m{number}" for number in range(5) if rng.random() < 0.7])


async def test_removed_devices_are_told_and_remembered(world: World) -> None:
    await world.born("m1", "m2")
    with listen(world) as client:
        [(_, cursor, _)] = await take(world.stream, client)
        await world.clock.advance(1)
        await world.born("m1")
        changes = [change for event, _, data in queued(client) if event == "delta" for change in data["changes"]]
        assert {"id": "east/m2", "deleted": True} in changes
    with listen(world, cursor) as client:
        [(_, _, delta)] = await take(world.stream, client)
        assert {"id": "east/m2", "deleted": True} in delta["changes"]


async def test_alarms_reach_those_who_listen_and_those_who_come_back(world: World) -> None:
    with listen(world) as client:
        [(_, cursor, _)] = await take(world.stream, client)
        world.stream.publish_alarm({"id": "1", "kind": "x"})
        assert queued(client)[0][2] == {"id": "1", "kind": "x"}
    with listen(world, cursor) as client:
        assert ("alarm", {"id": "1", "kind": "x"}) in [
            (event, data) for event, _, data in await take(world.stream, client)
        ]


async def test_a_heartbeat_comes_every_second(world: World) -> None:
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(world.stream.run(), name="stream")
        with listen(world) as client:
            await take(world.stream, client)
            await world.clock.advance(3.5)
            beats = [data for event, _, data in queued(client) if event == "hb"]
        running.cancel()
    assert len(beats) == 3
    assert beats[1]["as_of"] - beats[0]["as_of"] == 1000


async def test_places_are_bounded_in_all_and_for_each_user(world: World) -> None:
    small = Stream(world.live, world.clock, clients_max=3, per_owner_max=2)
    with small.join(None, credential="a", owner="li"), small.join(None, credential="b", owner="li"):
        with pytest.raises(TooManyClients, match="li has"), small.join(None, credential="c", owner="li"):
            pass
        with small.join(None, credential="d", owner="wang"):
            with pytest.raises(TooManyClients), small.join(None, credential="e", owner="zhao"):
                pass
    assert small.clients == 0


async def test_ending_a_credential_ends_its_streams_only(world: World) -> None:
    with (
        world.stream.join(None, credential="a", owner="li") as one,
        world.stream.join(None, credential="b", owner="wang") as other,
    ):
        await world.stream.take(one)
        await world.stream.take(other)
        world.stream.end("a")
        assert await world.stream.take(one) is None
        assert not other.closed


async def test_building_deltas_takes_only_its_share_of_the_core(world: World) -> None:
    """A flush that took long holds the next one back; what happens (events) still goes out."""
    await world.read("m1", 0.0, 1000)
    with listen(world) as client:
        await take(world.stream, client)
        await world.clock.advance(1)
        world.stream._not_before = world.clock.monotonic() + 10
        await world.read("m1", 1.0, 2000)
        assert queued(client) == []
        await world.commit(world.batch(events=[Event("gate", "card_read", 2000, {"card_key": "k"})]))
        assert [event for event, *_ in queued(client)] == ["delta"]


async def test_a_thing_that_went_and_came_again_begins_anew_for_everybody(world: World) -> None:
    things = Things(world.live)
    things.show("east/visitor:v1", "visitor", "east", title="Li", attributes={"state": "arrived", "gate": "west"})
    with listen(world) as client:
        [(_, since, _)] = await take(world.stream, client)
        things.hide("east/visitor:v1")
        things.show("east/visitor:v1", "visitor", "east", title="Li", attributes={"state": "expected"})
        await world.clock.advance(0.1)
        world.stream._emit()
        changes = [change for event, _, delta in queued(client) if event == "delta" for change in delta["changes"]]
        assert changes[0] == {"id": "east/visitor:v1", "deleted": True}
        assert changes[-1]["attributes"] == {"state": "expected"}
    with listen(world, since) as again:
        changes = [change for event, _, delta in queued(again) if event == "delta" for change in delta["changes"]]
        assert changes[0] == {"id": "east/visitor:v1", "deleted": True}
        assert changes[-1]["attributes"] == {"state": "expected"}
