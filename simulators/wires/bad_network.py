"""A network between two programs that somebody can make bad: a TCP relay on loopback.

    client -> BadNetwork.port -> target

What happens to bytes is the `Weather`, which may change at any time; `cut` ends the connections of the moment, `forget`
leaves them open and dead. The relay itself is never the bottleneck on purpose: it reads only what it may pass on, so
that a stalled way fills the sender's socket as a real one would.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from protocols.clock import Clock

READ_BYTES = 65536
CONNECT_S = 5.0
PIECE_PAUSE_S = 0.001
"""Between pieces, so that they are not put together again on their way."""
LOOK_AGAIN_S = 0.05
"""How soon a relay that holds bytes back sees that the weather has changed."""


class Weather(NamedTuple):
    """What the network does to every connection.

    delay_s, jitter_s: every piece comes so much later. bytes_per_s: 0: as fast as it can; 7000: a modem of 56 kbit/s.
    piece_bytes: written at once, 0: as they come; 1: every byte a packet of its own. stalled: nothing passes, nothing
    is lost. black_hole: everything is taken and nothing passes; a connection that lost bytes so is reset when it ends.
    refusing: new connections are reset. loss: a share of the pieces after which a connection is reset.
    portal: somebody in between answers every first word with a page to log in, as the networks of hotels do; nobody
    is connected to the target, and old connections are dead.
    """

    delay_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    piece_bytes: int = 0
    stalled: bool = False
    black_hole: bool = False
    refusing: bool = False
    loss: float = 0.0
    portal: bool = False


FINE = Weather()

LOGIN_PAGE = (
    b"HTTP/1.1 302 Found\r\nLocation: http://login.invalid/?welcome=1\r\nContent-Type: text/html\r\n"
    b"Content-Length: 5\r\nConnection: close\r\n\r\nlogin"
)
SEGMENT_BYTES = 40
"""Less than any real way: a header of MQTT, of TLS and of a batch is torn apart."""

BAD: dict[str, Weather] = {
    "stall": Weather(stalled=True),
    "black hole": Weather(black_hole=True),
    "refusing": Weather(refusing=True),
    "one byte at a time": Weather(piece_bytes=1),
    "tiny segments": Weather(piece_bytes=SEGMENT_BYTES),
    "captive portal": Weather(portal=True),
    "late": Weather(delay_s=0.4, jitter_s=0.4),
    "5 s late": Weather(delay_s=5.0),
    "modem": Weather(bytes_per_s=7000),
    "lossy": Weather(loss=0.05),
}
"""Every kind of bad weather by a name, for schedules."""


class _Doomed(Exception):
    """The weather ends this connection."""


class BadNetwork:
    """Relays connections to one host and port, as the weather allows."""

    def __init__(self, host: str, port: int, clock: Clock, rng: random.Random) -> None:
        self._target = (host, port)
        self._clock, self._rng = clock, rng
        self._server: asyncio.Server | None = None
        self._weather = FINE
        self._open: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self._forgotten: set[asyncio.Task[None]] = set()
        self.connections = self.resets = self.passed_bytes = self.swallowed_bytes = self.welcomed = 0

    @property
    def weather(self) -> Weather:
        return self._weather

    @weather.setter
    def weather(self, weather: Weather) -> None:
        was, self._weather = self._weather, weather
        if was.black_hole and not weather.black_hole:
            # Bytes are missing in the middle of these streams; no network repairs that.
            self.cut(reset=True)
        if weather.portal and not was.portal:
            self.cut(reset=True)

    @property
    def port(self) -> int:
        """Where clients connect; raises RuntimeError before `start`."""
        if self._server is None:
            raise RuntimeError("the network is not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, port: int = 0) -> None:
        """Listen on loopback, on a free port unless one is given."""
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", port)

    async def close(self) -> None:
        """End everything."""
        if self._server is None:
            return
        self._server.close()
        self.cut()
        if self._open:
            await asyncio.wait(tuple(self._open), timeout=5)
        self._server = None

    @asynccontextmanager
    async def up(self) -> AsyncIterator[BadNetwork]:
        """Started, and closed at the end."""
        await self.start()
        try:
            yield self
        finally:
            await self.close()

    def cut(self, *, reset: bool = False) -> int:
        """End every connection, politely (FIN) or with a reset; how many there were."""
        for task, writers in tuple(self._open.items()):
            if reset:
                self._reset(writers)
            task.cancel()
        return len(self._open)

    def forget(self) -> int:
        """Every connection of the moment is half open from now on: what either side sends, its end too, reaches nobody.

        As when a router in between has lost its table. New connections work. How many there were.
        """
        self._forgotten.update(self._open)
        return len(self._open)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        writers: tuple[asyncio.StreamWriter, ...] = (writer,)
        self._open[task] = writers
        try:
            if self._weather.refusing:
                raise _Doomed
            if self._weather.portal:
                await self._welcome(reader, writer)
                return
            async with asyncio.timeout(CONNECT_S):
                there, back = await asyncio.open_connection(*self._target)
            writers = self._open[task] = (writer, back)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(task, reader, back), name="network-up")
                group.create_task(self._pass(task, there, writer), name="network-down")
        except* (OSError, TimeoutError, _Doomed):
            self._reset(writers)
        except* asyncio.CancelledError:
            pass  # cut
        finally:
            del self._open[task]
            self._forgotten.discard(task)
            for each in writers:
                each.close()
            for each in writers:
                with contextlib.suppress(OSError):
                    await each.wait_closed()

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What a captive portal says to whatever comes."""
        self.welcomed += 1
        self.swallowed_bytes += len(await reader.read(READ_BYTES))
        writer.write(LOGIN_PAGE)
        await writer.drain()

    async def _pass(
        self, relay: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """One direction, until the sender ends it: then the other side is told so, and may go on sending."""
        while data := await reader.read(self._weather.piece_bytes or READ_BYTES):
            await self._held_back()
            weather = self._weather
            if weather.black_hole or relay in self._forgotten:
                self.swallowed_bytes += len(data)
                continue
            if weather.loss and self._rng.random() < weather.loss:
                raise _Doomed
            await self._slowed(weather, len(data))
            if self._weather.stalled:
                await self._held_back()
            if relay in self._forgotten:
                self.swallowed_bytes += len(data)
                continue
            writer.write(data)
            await writer.drain()
            self.passed_bytes += len(data)
        if relay not in self._forgotten:
            with contextlib.suppress(OSError):
                writer.write_eof()

    async def _held_back(self) -> None:
        while self._weather.stalled:
            await self._clock.sleep(LOOK_AGAIN_S)

    async def _slowed(self, weather: Weather, size: int) -> None:
        wait_s = weather.delay_s + self._rng.uniform(0, weather.jitter_s)
        if weather.bytes_per_s:
            wait_s += size / weather.bytes_per_s
        if weather.piece_bytes:
            wait_s += PIECE_PAUSE_S
        if wait_s:
            await self._clock.sleep(wait_s)

    def _reset(self, writers: tuple[asyncio.StreamWriter, ...]) -> None:
        self.resets += 1
        for writer in writers:
            sock: socket.socket | None = writer.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                with contextlib.suppress(OSError):
                    # Linger of zero seconds: close() sends RST instead of FIN.
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


async def bad_days(
    networks: tuple[BadNetwork, ...], clock: Clock, rng: random.Random, *, for_s: float, spell_s: tuple[float, float]
) -> list[str]:
    """One spell of bad weather after another, with fine ones between; fine at the end. What there was, in words."""
    log: list[str] = []
    ends_at = clock.monotonic() + for_s
    try:
        while (left_s := ends_at - clock.monotonic()) > 0:
            network = rng.randrange(len(networks))
            what = rng.choice(("cut", "reset", *BAD))
            spell = min(left_s, rng.uniform(*spell_s))
            log.append(f"{network}: {what} for {spell:.1f} s")
            if what in ("cut", "reset"):
                networks[network].cut(reset=what == "reset")
            else:
                networks[network].weather = BAD[what]
            await clock.sleep(spell)
            networks[network].weather = FINE
            await clock.sleep(min(max(0.0, ends_at - clock.monotonic()), rng.uniform(*spell_s)))
    finally:
        for each in networks:
            each.weather = FINE
    return log
