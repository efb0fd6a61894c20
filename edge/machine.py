"""The box a gateway runs on: its power, its heat, its disk. What wears out or is too weak, told before it fails.

Sources: Linux ``Documentation/hwmon`` (``in0_lcrit_alarm`` of driver ``rpi_volt``: under-voltage now), the Raspberry Pi
firmware's ``get_throttled`` (bit 0: under-voltage now, bit 16: since the box was started; raspberrypi.com, vcgencmd),
``Documentation/ABI/testing/sysfs-class-thermal`` (0.001 degC), ``Documentation/block/stat.rst`` (field 7: sectors of
512 bytes written). What a box does not have is None.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Literal

from protocols.clock import Clock
from protocols.status import MachineReport

LOOK_EVERY_S = 10.0
LOW_FOR_S = 3600.0
"""Power that was low is told for so long: dips come in bursts, and each is too short to be looked at."""
RATE_AFTER_S = 600.0
"""Bytes a day are told when so much of one was seen."""

_SECTOR = 512
_SINCE_START, _NOW = 1 << 16, 1
_DAY_S = 86_400.0


class Machine:
    """Looks at the box every few seconds. ``root`` is where ``sys`` and ``proc`` are."""

    def __init__(self, data: Path, clock: Clock, root: Path = Path("/")) -> None:
        self._data, self._clock, self._root = data, clock, root
        self._was_low_at: float | None = None
        self._low_since_start = False
        self._first_written: tuple[float, int] | None = None
        self._last: MachineReport | None = None

    def report(self) -> MachineReport | None:
        """As it was found last; None before the first look."""
        return self._last

    async def run(self) -> None:
        """Look until cancelled. A file that cannot be read is a thing the box does not have."""
        while True:
            self._last = await asyncio.to_thread(self.look)
            await self._clock.sleep(LOOK_EVERY_S)

    def look(self) -> MachineReport:
        """The box now. Reads a few small files of the kernel."""
        now = self._clock.monotonic()
        disk = self._disk()
        written = self._written()
        return MachineReport(
            model=_text(self._root / "proc/device-tree/model").strip("\0 \n")[:100],
            power=self._power(now),
            low_since_start=self._low_since_start,
            temperature_c=self._temperature(),
            disk_free_bytes=None if disk is None else disk.f_bavail * disk.f_frsize,
            disk_bytes=None if disk is None else disk.f_blocks * disk.f_frsize,
            disk_read_only=disk is not None and bool(disk.f_flag & os.ST_RDONLY),
            disk_written_day_bytes=None if written is None else self._a_day(now, written),
            memory_free_bytes=self._memory(),
        )

    def _power(self, now: float) -> Literal["good", "low", "unknown"]:
        flags = _whole(_text(self._root / "sys/devices/platform/soc/soc:firmware/get_throttled"), 16)
        alarm = None
        for chip in sorted((self._root / "sys/class/hwmon").glob("hwmon*")):
            if _text(chip / "name").strip() == "rpi_volt":
                alarm = _whole(_text(chip / "in0_lcrit_alarm"))
        if flags is None and alarm is None:
            return "unknown"
        is_new = bool((flags or 0) & _SINCE_START) and not self._low_since_start
        if is_new or (flags or 0) & _NOW or alarm:
            self._low_since_start = True
            self._was_low_at = now
        return "low" if self._was_low_at is not None and now - self._was_low_at < LOW_FOR_S else "good"

    def _temperature(self) -> float | None:
        """The hottest part that is told."""
        zones = (self._root / "sys/class/thermal").glob("thermal_zone*/temp")
        found = [value / 1000 for value in (_whole(_text(zone)) for zone in zones) if value is not None]
        sane = [value for value in found if -40 <= value <= 150]
        return round(max(sane), 1) if sane else None

    def _disk(self) -> os.statvfs_result | None:
        try:
            return os.statvfs(self._data)
        except OSError:
            return None

    def _written(self) -> int | None:
        """Bytes the disk of the data took since the box was started."""
        try:
            device = self._data.stat().st_dev
        except OSError:
            return None
        fields = _text(self._root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").split()
        sectors = _whole(fields[6]) if len(fields) > 6 else None
        return None if sectors is None else sectors * _SECTOR

    def _a_day(self, now: float, written: int) -> int | None:
        """By what was written since the gateway started; begins anew when the counter does."""
        if self._first_written is None or written < self._first_written[1]:
            self._first_written = (now, written)
        since, before = self._first_written
        return round((written - before) * _DAY_S / (now - since)) if now - since >= RATE_AFTER_S else None

    def _memory(self) -> int | None:
        for line in _text(self._root / "proc/meminfo").splitlines():
            if line.startswith("MemAvailable:"):
                kib = _whole(line.split()[1])
                return None if kib is None else kib * 1024
        return None


def _text(path: Path) -> str:
    """The start of a file of the kernel; empty when there is none."""
    try:
        with path.open("rb") as file:
            return file.read(4096).decode("utf-8", "replace")
    except OSError:
        return ""


def _whole(text: str, base: int = 10) -> int | None:
    try:
        return int(text.strip(), base)
    except ValueError:
        return None
