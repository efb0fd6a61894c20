"""Connections that only wait end for new ones; those that are being answered stay."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest
from starlette.requests import Request

from cloud.api.gate import client_of
from cloud.http_server import IDLE_S, Server, listen, server_settings
from cloud.settings import ListenAddress, load_cloud
from protocols.clock import ManualClock
from tests.waiting import until

CONNECTIONS = 16
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class App:
    """Answers at once, but for ``/long``: that when it is told to, and ``/body``: when it has all of that."""

    def __init__(self) -> None:
        self.go, self.waiting = asyncio.Event(), 0

    def answers(self, many: int) -> bool:
        return self.waiting == many

    async def __call__(self, scope, receive, send) -> None:
        if scope["path"] == "/body":
            while (await receive()).get("more_body"):
                pass
        if scope["path"] == "/long":
            self.waiting += 1
            await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(app: App, connections: int = CONNECTIONS, clock: ManualClock | None = None) -> AsyncIterator[int]:
    wanted = msgspec.structs.replace(
        load_cloud(None), listen=ListenAddress("127.0.0.1", 0), connections=connections, data=Path("nowhere")
    )
    socket = listen(wanted)
    server = Server(server_settings(app, wanted))
    serving = asyncio.create_task(server.serve([socket]))
    await until(lambda: server.started)
    closing = asyncio.create_task(server.close_idle(clock or ManualClock()))
    try:
        yield socket.getsockname()[1]
    finally:
        closing.cancel()
        app.go.set()
        server.should_exit = True
        await serving


@asynccontextmanager
async def crowd(port: int, many: int, first: bytes = b"") -> AsyncIterator[list[Streams]]:
    streams = []
    for _ in range(many):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(first)
        streams.append((reader, writer))
    try:
        yield streams
    finally:
        for _, writer in streams:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def status(port: int, path: str = "/") -> bytes:
    """The first line of the answer, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    try:
        return (await asyncio.wait_for(reader.readline(), 20)).strip()
    finally:
        writer.close()


@pytest.mark.parametrize("first", [b"", b"GET / HTTP/1.1\r\nX-Slow: a"])
async def test_more_connections_than_are_taken_keep_nobody_out_while_they_only_wait(first: bytes) -> None:
    async with served(App()) as port, crowd(port, 3 * CONNECTIONS, first):
        for _ in range(5):
            assert await status(port) == b"HTTP/1.1 200 OK"


async def test_a_connection_that_is_being_answered_is_not_ended_for_others() -> None:
    app = App()
    async with served(app) as port:
        asked = asyncio.create_task(status(port, "/long"))
        await until(lambda: app.waiting)
        async with crowd(port, 3 * CONNECTIONS):
            assert await status(port) == b"HTTP/1.1 200 OK"
        app.go.set()
        assert await asked == b"HTTP/1.1 200 OK"


async def test_when_all_are_being_answered_the_next_is_told_to_come_again() -> None:
    app = App()
    async with served(app) as port:
        asked = []
        for number in range(1, CONNECTIONS):
            asked.append(asyncio.create_task(status(port, "/long")))
            await until(partial(app.answers, number), 20)
        assert await status(port) == b"HTTP/1.1 503 Service Unavailable"
        app.go.set()
        assert set(await asyncio.gather(*asked)) == {b"HTTP/1.1 200 OK"}


BODY = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n{"
HEADERS = b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "


def ended(streams: list[Streams]) -> int:
    """How many of them were ended."""
    return sum(reader.at_eof() or reader.exception() is not None for reader, _ in streams)


async def drip(streams: list[Streams], piece: bytes = b"a") -> None:
    for _, writer in streams:
        writer.write(piece)
    await asyncio.gather(*(writer.drain() for _, writer in streams), return_exceptions=True)


@pytest.mark.parametrize("first", [BODY, HEADERS])
async def test_hundreds_that_send_a_byte_at_a_time_are_ended_and_others_are_served_meanwhile(first: bytes) -> None:
    clock = ManualClock()
    async with served(App(), 1000, clock) as port, crowd(port, 300, first) as slow:
        for _ in range(7):
            await drip(slow)
            assert await status(port) == b"HTTP/1.1 200 OK"
            assert ended(slow) == 0 or clock.monotonic() >= IDLE_S
            await clock.advance(IDLE_S / 3)
        await until(lambda: ended(slow) == 300, 20, what="all of them ended")


async def test_more_slow_bodies_than_connections_keep_nobody_out() -> None:
    async with served(App()) as port, crowd(port, 3 * CONNECTIONS, BODY):
        for _ in range(5):
            assert await status(port) == b"HTTP/1.1 200 OK"


async def test_a_large_body_on_a_slow_line_arrives_and_is_answered() -> None:
    clock = ManualClock()
    async with served(App(), CONNECTIONS, clock) as port, crowd(port, 1, BODY[:-1]) as ((reader, writer),):
        for _ in range(6):
            writer.write(b"x" * 15_000)
            await writer.drain()
            await status(port)
            await clock.advance(IDLE_S / 3)
        assert await asyncio.wait_for(reader.readline(), 20) == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "::"])
@pytest.mark.parametrize(
    ("proxies", "trusted"), [((), False), (("127.0.0.1",), True), (("127.0.0.0/8",), True), (("10.0.0.0/8",), False)]
)
async def test_who_asks_is_read_from_a_header_only_of_named_proxies(
    proxies: tuple[str, ...], trusted: bool, host: str
) -> None:
    seen: list[str] = []

    class Asked(App):
        async def __call__(self, scope, receive, send) -> None:
            seen.append(client_of(Request(scope)))
            await super().__call__(scope, receive, send)

    wanted = msgspec.structs.replace(
        load_cloud(None), listen=ListenAddress(host, 0), proxies=proxies, data=Path("nowhere")
    )
    socket, app = listen(wanted), Asked()
    server = Server(server_settings(app, wanted))
    serving = asyncio.create_task(server.serve([socket]))
    await until(lambda: server.started)
    reader, writer = await asyncio.open_connection("127.0.0.1", socket.getsockname()[1])
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nConnection: close\r\n\r\n")
    await asyncio.wait_for(reader.readline(), 20)
    writer.close()
    server.should_exit = True
    await serving
    assert seen == ["203.0.113.9" if trusted else "127.0.0.1"]
