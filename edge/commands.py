"""Commands to a Modbus device: what is sent, what is known of it afterwards, and what is never done twice.

- A switch or a number may be sent again, and is read back: done is what the device says of itself.
- A pulse (a door strike) is one request that the module ends by itself. The device is asked for its state first, so
  that nothing is sent to one that does not answer; then the pulse is sent once. When no answer comes, the door may
  have opened: the outcome is unknown, and somebody decides, not the gateway.
"""

import asyncio
from typing import Literal

import msgspec

from edge.bus import Bus, WriteUnknown
from edge.modbus_frames import Garbled, ReadRequest, Refused, WriteRequest
from protocols.clock import Clock
from protocols.errors import BadCommand, DeviceBusy, DeviceSilent, Retryable, WireLost
from protocols.modbus import writes
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import plan_reads
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.writes import PointWrite, WritePdu
from protocols.reading import Reading

READ_BACK_AFTER_S = (0.0, 0.1, 0.4)
"""Some modules show the new state only after their relay has moved."""
TRIES = 2
BUSY_PAUSE_S = 0.2

Action = Literal["on", "off", "pulse", "set"]


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switch ``point`` of ``device`` on or off, pulse it (``value``: seconds) or set it to ``value``."""

    device: str
    point: str
    action: Action
    value: float | None = None

    @property
    def text(self) -> str:
        """For events and logs: ``relay_1 pulse 3``."""
        return f"{self.point} {self.action}" + ("" if self.value is None else f" {self.value:g}")


class CommandOutcome(msgspec.Struct, frozen=True):
    """ok: done, not done, or None: nobody knows. sent: something reached for the device. reading: as read back."""

    ok: bool | None
    detail: str
    reading: Reading | None = None
    sent: bool = True

    @property
    def value(self) -> float | None:
        """What the point was read back as."""
        return None if self.reading is None else self.reading.value


class DeviceWriter:
    """Carries out commands to one device, one after the other. ``told``: the points whose readings are handed on."""

    def __init__(
        self,
        device: str,
        unit: int,
        profile: ModbusProfile,
        bus: Bus,
        clock: Clock,
        told: frozenset[str] = frozenset(),
    ) -> None:
        self.device, self.unit, self.told = device, unit, told
        self._profile, self._bus, self._clock = profile, bus, clock
        self._lock = asyncio.Lock()

    async def switch(self, point: str, on: bool) -> CommandOutcome:
        """Switch on or off and read back; raises BadCommand when the point is no switch."""
        return await self._set(point, writes.switch(self._write(point), on), float(on), 0.5)

    async def number(self, point: str, value: float) -> CommandOutcome:
        """Set to ``value`` in the point's unit and read back; raises BadCommand when the point does not take it."""
        write = self._write(point)
        return await self._set(point, writes.number(write, value), value, _tolerance(write, value))

    async def pulse(self, point: str, seconds: float | None = None) -> CommandOutcome:
        """One pulse by the module itself, sent at most once; raises BadCommand when the module makes none."""
        pulse = writes.pulse(self._write(point), seconds)
        async with self._lock:
            try:
                await self._is_there(point)
            except Retryable as error:
                return CommandOutcome(False, f"nothing was sent: {error}", sent=False)
            try:
                await self._send(pulse)
            except WriteUnknown as error:
                return CommandOutcome(None, f"sent once and not again, nobody knows whether it was done: {error}")
            except Retryable as error:
                return CommandOutcome(False, str(error))
            return CommandOutcome(True, f"{pulse.text}: confirmed by the device")

    def _write(self, point: str) -> PointWrite:
        write = self._profile.writes.get(point)
        if write is None:
            can = ", ".join(self._profile.writes) or "nothing"
            raise BadCommand("not_writable", f"{point[:40]!r} of {self.device} cannot be written; what can: {can}")
        if self.told and point not in self.told:
            detail = (
                "where it is comes from one source only; try it on the bench, then say extended = true of the device"
            )
            raise BadCommand("extended", f"{point} of {self.device} is not written: {detail}")
        return write

    async def _set(self, point: str, write: WritePdu, wanted: float, tolerance: float) -> CommandOutcome:
        async with self._lock:
            silent: Retryable | None = None
            for _ in range(TRIES):
                try:
                    await self._send(write)
                    silent = None
                    break
                except WireLost as error:
                    if silent is None:
                        return CommandOutcome(False, f"nothing was sent: {error}", sent=False)
                except DeviceBusy as error:
                    silent = error
                    await self._clock.sleep(BUSY_PAUSE_S)
                except (DeviceSilent, Garbled) as error:
                    silent = error
                except Refused as error:
                    return CommandOutcome(False, str(error))
            return await self._verify(point, write, wanted, tolerance, silent)

    async def _send(self, write: WritePdu) -> None:
        request = WriteRequest(self.unit, write.pdu, write.echo, write.text)
        await self._bus.write(request, repeatable=write.repeatable, silence_s=self._profile.silence_s)

    async def _verify(
        self, point: str, write: WritePdu, wanted: float, tolerance: float, silent: Retryable | None
    ) -> CommandOutcome:
        """What the device says of itself decides, whether or not it confirmed the request."""
        said = "confirmed by the device" if silent is None else f"not confirmed ({silent})"
        reading: Reading | None = None
        why = "it cannot be read"
        for pause_s in READ_BACK_AFTER_S:
            if pause_s:
                await self._clock.sleep(pause_s)
            try:
                reading = await self._read(point)
            except Retryable as error:
                why = str(error)
                continue
            if reading is None or reading.value is None:
                break
            if abs(reading.value - wanted) <= tolerance:
                return CommandOutcome(True, f"{write.text}: {said}, and reads back as {_shown(reading)}", reading)
        if reading is None or reading.value is None:
            ok = True if silent is None else None
            return CommandOutcome(ok, f"{write.text}: {said}; reading it back gave nothing: {why}")
        return CommandOutcome(False, f"{write.text}: {said}, but reads back as {_shown(reading)}", reading)

    async def _is_there(self, point: str) -> None:
        """Return when the device answers, be it with a refusal."""
        for attempt in range(TRIES):
            try:
                await self._read(point)
                return
            except Refused:
                return
            except (DeviceSilent, DeviceBusy, Garbled):
                if attempt == TRIES - 1:
                    raise

    async def _read(self, point: str) -> Reading | None:
        """The point now; None when it cannot be read on its own, or an owed answer could pass for this one."""
        wanted = [each for each in self._profile.points if each.name == point and not each.times]
        for block in plan_reads(self._profile, wanted):
            request = ReadRequest(self.unit, block.function, block.start, block.count)
            if self._bus.late.unsafe_until(request):
                return None
            answer = await self._bus.ask(request, silence_s=self._profile.silence_s, urgent=True)
            return BlockDecoder(self.device, block).readings(answer.payload, answer.observed_at)[0]
        return None


async def run_command(writer: DeviceWriter, command: Command) -> CommandOutcome:
    """Carry out ``command``; one that the device cannot do is an outcome too."""
    try:
        if command.action == "pulse":
            return await writer.pulse(command.point, command.value)
        if command.action == "set":
            if command.value is None:
                raise BadCommand("no_value", f"to what {command.point} is to be set was not said")
            return await writer.number(command.point, command.value)
        if command.value is not None:
            raise BadCommand("no_time", f"{command.action} takes no value; a pulse takes seconds")
        return await writer.switch(command.point, command.action == "on")
    except BadCommand as error:
        return CommandOutcome(False, str(error), sent=False)


def _tolerance(write: PointWrite, value: float) -> float:
    return abs(write.scale) * 0.51 + 1e-6 * abs(value)


def _shown(reading: Reading) -> str:
    assert reading.value is not None
    return f"{reading.value:g}"
