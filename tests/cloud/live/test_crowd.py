"""Many who listen are told by the same bytes."""

import asyncio
import contextlib
import zlib

import pytest

from cloud.api.stream import _takes_gzip
from cloud.live.client import Client
from cloud.live.frames import GZIP_HEAD
from cloud.live.things import Things
from tests.cloud.live.conftest import World
from tests.cloud.live.test_stream import parse

MANY = 30


def join(world: World, since: str | None = None, *, packed: bool = False):
    return world.stream.join(since, credential="c", owner=f"o{world.stream.clients}", packed=packed)


async def drained(world: World, client: Client) -> bytes:
    """All that waits for a client."""
    got = b""
    while client.frames or client.lagging is not None:
        got += await world.stream.take(client) or b""
    return got


async def test_a_hall_that_comes_at_once_is_told_by_one_snapshot(world: World) -> None:
    things = Things(world.live)
    for number in range(200):
        things.show(f"east/vehicle:v{number}", "vehicle", "east", title="v", attributes={"at": number})
    with contextlib.ExitStack() as hall:
        clients = [hall.enter_context(join(world)) for _ in range(MANY)]
        told = await asyncio.gather(*(drained(world, client) for client in clients))
        assert world.stream.beginnings.built == 1
        assert set(told) == {told[0]}
        assert len(parse(told[0])[0][2]["entities"]) == 200
        await world.clock.advance(0.5)
        things.show("east/vehicle:v7", "vehicle", "east", title="v", attributes={"at": 1000})
        late = hall.enter_context(join(world))
        [(first, _, _), (then, _, delta)] = parse(await drained(world, late))
        assert (world.stream.beginnings.built, first, then) == (1, "snapshot", "delta")
        assert delta["changes"][0]["attributes"] == {"at": 1000}


async def test_who_was_away_for_a_moment_gets_the_frames_the_others_got(world: World) -> None:
    with join(world) as stays:
        with join(world) as goes:
            [(_, cursor, _)] = parse(await drained(world, goes))
        await drained(world, stays)
        for step in range(3):
            await world.clock.advance(1)
            await world.read("m1", float(step), 1000 + step)
        world.stream.publish_alarm({"id": "a"})
        with join(world, cursor) as again:
            assert [a is b for a, b in zip(again.frames, stays.frames, strict=True)] == [True] * 4


async def test_what_comes_within_a_moment_goes_out_together(world: World) -> None:
    things = Things(world.live)
    running = asyncio.create_task(world.stream.run())
    with join(world) as client:
        await drained(world, client)
        for number in range(40):
            things.show(f"east/vehicle:v{number}", "vehicle", "east", title="v", attributes={"at": number})
        await world.clock.advance(0.1)
        events = [each for each in parse(await drained(world, client)) if each[0] == "delta"]
    running.cancel()
    assert [len(delta["changes"]) for _, _, delta in events] == [1, 39]


async def test_a_packed_stream_says_what_the_plain_one_says_whenever_it_began(world: World) -> None:
    with join(world) as plain, join(world, packed=True) as early:
        said, first = await drained(world, plain), GZIP_HEAD + await drained(world, early)
        for step in range(5):
            await world.clock.advance(1)
            await world.read("m1", float(step), 1000 + step)
        with join(world, packed=True) as late:
            await drained(world, late)
            second = GZIP_HEAD
            since = len(plain.frames)
            for step in range(5):
                await world.clock.advance(1)
                await world.read("m2", float(step), 2000 + step)
            tail = b"".join(frame.plain for frame in list(plain.frames)[since:])
            second += await drained(world, late)
            assert zlib.decompressobj(31).decompress(second) == tail
        said += await drained(world, plain)
        first += await drained(world, early)
    assert zlib.decompressobj(31).decompress(first) == said


async def test_many_who_listen_make_deltas_rarer_but_never_by_more_than_an_interval(world: World) -> None:
    with join(world) as client:
        await drained(world, client)
        await world.clock.advance(1)
        world.stream._sending_s = 60.0
        await world.read("m1", 1.0, 2000)
        now = world.clock.monotonic()
        assert now + 0.02 < world.stream._not_before <= now + 0.25


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip, deflate, br", True), ("br;q=1.0, gzip;q=0.8", True), ("", False), ("gzip;q=0", False), ("br", False)],
)
def test_only_who_reads_gzip_is_sent_it(accepted: str, takes: bool) -> None:
    assert _takes_gzip(accepted) is takes
