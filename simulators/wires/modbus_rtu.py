"""Modbus RTU on a pseudo-terminal: one line, several units, answers that take as long as the baud rate makes them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import tty
from pathlib import Path

from protocols.clock import Clock
from simulators.wires.damage import on_line
from simulators.wires.modbus_frames import take_serial_request
from simulators.wires.unit_rack import UnitRack

BITS_PER_BYTE = 11
"""Start bit, eight data bits, parity or second stop bit, stop bit."""
PARTIAL_S = 0.2
"""A request that stays unfinished for this long was cut off (its sender died): forget the piece."""
WAITING_MAX = 64


class ModbusRtuLine:
    """Serves a rack on a pseudo-terminal. ``path`` links to the terminal that a gateway opens as its port."""

    def __init__(self, rack: UnitRack, clock: Clock, *, path: Path, baud: int = 38400) -> None:
        self._rack, self._clock, self._path, self._baud = rack, clock, path, baud
        self._controller = self._terminal = -1
        self._received = bytearray()
        self._last_byte = 0.0
        # Full only when nobody reads answers; then the newest request is dropped, as on a line that is talked over.
        self._requests: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue(WAITING_MAX)
        self._task: asyncio.Task[None] | None = None

    @property
    def rack(self) -> UnitRack:
        return self._rack

    @property
    def path(self) -> Path:
        return self._path

    async def start(self) -> None:
        """Open the pair and link ``path`` to it (an older link is replaced). Raises OSError when it cannot be."""
        if self._path.exists() and not self._path.is_symlink():
            raise FileExistsError(
                errno.EEXIST, "there is something that is no link to a simulated line", str(self._path)
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._received.clear()
        self._controller, self._terminal = os.openpty()
        # Our own end of the terminal stays open, so that the line lives on while no gateway has it open.
        tty.setraw(self._terminal)
        os.set_blocking(self._controller, False)
        try:
            self._path.unlink(missing_ok=True)
            self._path.symlink_to(os.ttyname(self._terminal))
        except OSError:
            os.close(self._controller)
            os.close(self._terminal)
            self._controller = self._terminal = -1
            raise
        asyncio.get_running_loop().add_reader(self._controller, self._readable)
        self._task = asyncio.create_task(self._answer_all(), name=f"modbus-line[{self._path.name}]")

    async def close(self) -> None:
        """Hang up: the terminal and its link are gone afterwards."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        if self._controller >= 0:
            asyncio.get_running_loop().remove_reader(self._controller)
            os.close(self._controller)
            os.close(self._terminal)
            self._controller = self._terminal = -1
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _readable(self) -> None:
        try:
            arrived = os.read(self._controller, 1024)
        except (BlockingIOError, InterruptedError):
            return
        now = self._clock.monotonic()
        if self._received and now - self._last_byte > PARTIAL_S:
            self._received.clear()
        self._last_byte = now
        self._received += arrived
        while (request := take_serial_request(self._received)) is not None:
            with contextlib.suppress(asyncio.QueueFull):
                self._requests.put_nowait(request)

    async def _answer_all(self) -> None:
        held = b""
        while True:
            unit, pdu = await self._requests.get()
            reply = self._rack.answer(unit, pdu)
            if reply.pdu is None:
                continue
            frame = on_line(unit, reply.pdu, reply.damage, self._rack.rng)
            await self._clock.sleep(reply.delay_s + (len(pdu) + 3 + len(frame)) * BITS_PER_BYTE / self._baud)
            if reply.late:
                held += frame
                continue
            self._rack.speaks(unit)
            await self._write(held + frame)
            held = b""

    async def _write(self, frame: bytes) -> None:
        while frame:
            try:
                frame = frame[os.write(self._controller, frame) :]
            except BlockingIOError:
                return  # Nobody reads: the terminal's buffer is full of answers to somebody who is gone.
