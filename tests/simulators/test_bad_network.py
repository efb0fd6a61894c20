"""The relay that makes a network bad: each weather does what it says, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from functools import partial

import pytest

from protocols.clock import SystemClock
from simulators.wires.bad_network import BAD, FINE, BadNetwork, Weather, bad_days
from tests.waiting import until

pytestmark = pytest.mark.asyncio
CLOCK = SystemClock()


class Echo:
    """Sends back what it gets, and remembers the pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = 0

    def has_ended(self, times: int) -> bool:
        return self.ended == times

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.pieces.append(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            self.ended += 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, BadNetwork]]:
    made = Echo()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    network = BadNetwork("127.0.0.1", server.sockets[0].getsockname()[1], CLOCK, random.Random(5))
    async with network.up():
        yield made, network
    server.close()


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextlib.asynccontextmanager
async def connected(network: BadNetwork) -> AsyncIterator[Streams]:
    reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def test_in_fine_weather_everything_passes_both_ways(echo: tuple[Echo, BadNetwork]) -> None:
    _, network = echo
    async with connected(network) as (reader, writer):
        payload = bytes(range(256)) * 4000
        writer.write(payload)
        assert await asyncio.wait_for(reader.readexactly(len(payload)), 5) == payload
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b""
        await until(lambda: network.passed_bytes == 2 * len(payload))


async def test_one_byte_at_a_time_is_whole_and_in_order(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    network.weather = BAD["one byte at a time"]
    async with connected(network) as (reader, writer):
        writer.write(b"in pieces")
        assert await asyncio.wait_for(reader.readexactly(9), 5) == b"in pieces"
        assert len(there.pieces) > 1


async def test_tiny_segments_tear_everything_apart_and_keep_it_whole(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    network.weather = BAD["tiny segments"]
    async with connected(network) as (reader, writer):
        writer.write(bytes(range(200)))
        assert await asyncio.wait_for(reader.readexactly(200), 5) == bytes(range(200))
        assert max(map(len, there.pieces)) < 200


async def test_a_captive_portal_answers_itself_and_ends_what_was_open(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    async with connected(network) as (old, _):
        await until(lambda: network.connections == 1)
        network.weather = BAD["captive portal"]
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(old.readexactly(1), 5)
    async with connected(network) as (reader, writer):
        writer.write(b"CONNECT")
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 302 ")
    assert there.pieces == []
    network.weather = FINE
    async with connected(network) as (reader, writer):
        writer.write(b"x")
        assert await asyncio.wait_for(reader.readexactly(1), 5) == b"x"


async def test_a_stalled_way_loses_nothing(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    async with connected(network) as (reader, writer):
        await until(lambda: network.connections == 1)
        network.weather = BAD["stall"]
        writer.write(b"held back")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(9), 0.3)
        assert there.pieces == []
        network.weather = FINE
        assert await asyncio.wait_for(reader.readexactly(9), 5) == b"held back"


async def test_a_black_hole_takes_bytes_and_resets_when_it_ends(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    async with connected(network) as (reader, writer):
        network.weather = BAD["black hole"]
        writer.write(b"gone")
        await until(lambda: network.swallowed_bytes == 4)
        assert there.pieces == []
        network.weather = FINE
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(reader.readexactly(1), 5)


async def test_a_cut_ends_both_sides_and_new_connections_work(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    for times, reset in enumerate((False, True), 1):
        async with connected(network) as (reader, writer):
            writer.write(b"x")
            await asyncio.wait_for(reader.readexactly(1), 5)
            assert network.cut(reset=reset) == 1
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await asyncio.wait_for(reader.readexactly(1), 5)
            await until(partial(there.has_ended, times))


async def test_a_forgotten_connection_is_dead_and_does_not_end_while_new_ones_work(
    echo: tuple[Echo, BadNetwork],
) -> None:
    there, network = echo
    async with connected(network) as (reader, writer):
        writer.write(b"x")
        await asyncio.wait_for(reader.readexactly(1), 5)
        assert network.forget() == 1
        writer.write(b"lost")
        await until(lambda: network.swallowed_bytes == 4)
        async with connected(network) as (other, other_writer):
            other_writer.write(b"y")
            assert await asyncio.wait_for(other.readexactly(1), 5) == b"y"
        await until(partial(there.has_ended, 1))
        assert not reader.at_eof()
        assert there.pieces == [b"x", b"y"]
        writer.write_eof()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.2)
        assert there.ended == 1


async def test_a_refusing_network_resets_new_connections(echo: tuple[Echo, BadNetwork]) -> None:
    there, network = echo
    network.weather = BAD["refusing"]
    async with connected(network) as (reader, _):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        assert there.ended == 0


async def test_a_slow_network_takes_the_time_it_says(echo: tuple[Echo, BadNetwork]) -> None:
    _, network = echo
    network.weather = Weather(delay_s=0.2)
    async with connected(network) as (reader, writer):
        began = CLOCK.monotonic()
        writer.write(b"later")
        await asyncio.wait_for(reader.readexactly(5), 5)
        assert CLOCK.monotonic() - began >= 0.4


async def test_bad_days_end_in_fine_weather_and_are_told_by_their_seed(echo: tuple[Echo, BadNetwork]) -> None:
    _, network = echo
    log = await bad_days((network,), CLOCK, random.Random(3), for_s=0.3, spell_s=(0.02, 0.05))
    again = await bad_days((network,), CLOCK, random.Random(3), for_s=0.3, spell_s=(0.02, 0.05))
    assert network.weather == FINE
    assert len(log) >= 3
    assert log[:2] == again[:2]
