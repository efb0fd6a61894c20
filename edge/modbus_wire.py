"""Byte streams to Modbus devices: a TCP connection or a serial port behind one small contract.

Bytes that arrive are collected in ``buffer`` and stamped with their time; waiting for them is one future. Opening,
closing and retrying are the bus' business.
"""

import asyncio
import os
import socket
import termios
from typing import Protocol

import serial

from protocols.clock import Clock
from protocols.errors import WireLost

BUFFER_MAX = 1024
"""Four of the longest frames. More than this unread is noise, and the oldest is dropped: all of it is looked through at
each arrival."""

CONNECT_TIMEOUT_S = 5.0


class ByteLink(Protocol):
    """One way to reach a line. `open` may be called again after `close` or a loss."""

    buffer: bytearray
    arrived_ms: int
    """Wall clock when the newest bytes came."""
    arrived_s: float
    """Monotonic clock when the newest bytes came."""

    @property
    def is_open(self) -> bool:
        """False before `open` and from the instant a loss was noticed."""

    async def open(self) -> None:
        """Connect; raises WireLost with the reason."""

    def close(self) -> None:
        """Let go; never raises."""

    def send(self, frame: bytes) -> None:
        """Hand a frame to the wire; raises WireLost."""

    async def more(self, deadline: float) -> bool:
        """Wait for bytes beyond those in the buffer; False when the loop's clock reached ``deadline``, or on a loss."""


class Arrivals:
    """The buffer and the one waiter of a link; every link is one of these."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiter: asyncio.Future[bool] | None = None
        self.buffer = bytearray()
        self.arrived_ms = 0
        self.arrived_s = 0.0

    def arrived(self, data: bytes) -> None:
        self.arrived_ms = self._clock.now_ms()
        self.arrived_s = self._clock.monotonic()
        self.buffer += data
        if len(self.buffer) > BUFFER_MAX:
            del self.buffer[: len(self.buffer) - BUFFER_MAX]
        self._wake(True)

    def ended(self) -> None:
        self._wake(False)

    def _wake(self, more: bool) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(more)

    async def wait(self, deadline: float) -> bool:
        loop = asyncio.get_running_loop()
        if deadline <= loop.time():
            return False
        waiter: asyncio.Future[bool] = loop.create_future()
        self._waiter = waiter
        timer = loop.call_at(deadline, self._wake, False)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None


class _Connection(asyncio.Protocol):
    """One TCP connection of a TcpLink; what a closed one still reports is ignored."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.transport is not None:
            self._arrivals.arrived(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.transport is not None:
            self.transport = None
            self._arrivals.ended()

    def abandon(self) -> None:
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.abort()


class TcpLink(Arrivals):
    """A TCP connection; frames are whatever the framing says."""

    def __init__(self, host: str, port: int, clock: Clock) -> None:
        super().__init__(clock)
        self._host, self._port = host, port
        self._connection: _Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.transport is not None

    async def open(self) -> None:
        self.close()
        loop = asyncio.get_running_loop()
        connection = _Connection(self)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(lambda: connection, self._host, self._port)
        except TimeoutError:
            raise WireLost(f"{self._host}:{self._port}: no connection within {CONNECT_TIMEOUT_S:.0f} s") from None
        except OSError as error:
            raise WireLost(f"{self._host}:{self._port}: {_reason(error)}") from None
        if connection.transport is None:
            raise WireLost(f"{self._host}:{self._port}: closed by the other side at once")
        sock = connection.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._connection = connection
        self.buffer.clear()

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abandon()

    def send(self, frame: bytes) -> None:
        if self._connection is None or self._connection.transport is None:
            raise WireLost(f"{self._host}:{self._port}: connection closed by the other side")
        self._connection.transport.write(frame)

    async def more(self, deadline: float) -> bool:
        return await self.wait(deadline) if self.is_open else False


class SerialLink(Arrivals):
    """A serial port, eight data bits. A USB adapter that is pulled out is a loss; `open` finds it again."""

    def __init__(self, port: str, baud: int, parity: str, stop_bits: int, clock: Clock) -> None:
        super().__init__(clock)
        self._port, self._baud, self._parity, self._stop_bits = port, baud, parity, stop_bits
        self._serial: serial.Serial | None = None

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    async def open(self) -> None:
        self.close()
        try:
            self._serial = serial.Serial(
                self._port,
                self._baud,
                parity=self._parity,
                stopbits=self._stop_bits,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
            self._serial.reset_input_buffer()
        except (OSError, ValueError, termios.error) as error:
            self.close()
            raise WireLost(f"{self._port}: {_reason(error)}") from None
        self.buffer.clear()
        asyncio.get_running_loop().add_reader(self._serial.fileno(), self._readable)

    def close(self) -> None:
        port, self._serial = self._serial, None
        if port is None:
            return
        try:
            asyncio.get_running_loop().remove_reader(port.fileno())
        except (OSError, RuntimeError, serial.SerialException):
            pass
        try:
            port.close()
        except (OSError, termios.error):
            pass

    def send(self, frame: bytes) -> None:
        if self._serial is None:
            raise WireLost(f"{self._port}: not open")
        try:
            written = os.write(self._serial.fileno(), frame)
        except OSError as error:
            self._gone()
            raise WireLost(f"{self._port}: {_reason(error)}") from None
        if written != len(frame):
            self._gone()
            raise WireLost(f"{self._port}: the port takes no more bytes")

    async def more(self, deadline: float) -> bool:
        return await self.wait(deadline) if self.is_open else False

    def _readable(self) -> None:
        if self._serial is None:
            return
        try:
            data = os.read(self._serial.fileno(), BUFFER_MAX)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.arrived(data)
        else:
            self._gone()

    def _gone(self) -> None:
        self.close()
        self.ended()


def _reason(error: Exception) -> str:
    """The system's words without the library's wrapping."""
    number = error.args[0] if isinstance(error, termios.error) else getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number)
    return str(error)
