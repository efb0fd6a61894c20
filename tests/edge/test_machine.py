"""What a gateway tells of the box it runs on, from files as the kernel writes them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from edge.machine import LOOK_EVERY_S, LOW_FOR_S, RATE_AFTER_S, Machine
from protocols.clock import ManualClock
from protocols.status import MachineReport


class Box:
    """A root folder with the kernel's files of a Raspberry Pi."""

    def __init__(self, root: Path) -> None:
        self.root, self.data = root, root / "data"
        self.data.mkdir()
        self.write("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
        self.write("proc/meminfo", "MemTotal: 999 kB\nMemAvailable:    2048 kB\n")
        self.write("sys/class/thermal/thermal_zone0/temp", "61234\n")
        self.write("sys/class/hwmon/hwmon0/name", "cpu_thermal\n")
        self.write("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
        self.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
        self.flags(0)
        self.written(1000)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def flags(self, value: int) -> None:
        self.write("sys/devices/platform/soc/soc:firmware/get_throttled", f"{value:x}\n")

    def written(self, sectors: int) -> None:
        device = self.data.stat().st_dev
        fields = ["7", "0", "7", "7", "7", "0", str(sectors), "7", "0", "7", "7"]
        self.write(f"sys/dev/block/{os.major(device)}:{os.minor(device)}/stat", " ".join(fields) + "\n")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


def machine(box: Box, clock: ManualClock) -> Machine:
    return Machine(box.data, clock, box.root)


async def test_a_raspberry_pi_is_read_as_its_kernel_tells_it(box: Box, clock: ManualClock) -> None:
    told = machine(box, clock).look()
    assert (told.model, told.power, told.low_since_start) == ("Raspberry Pi 4 Model B Rev 1.4", "good", False)
    assert told.temperature_c == 61.2
    assert told.memory_free_bytes == 2048 * 1024
    disk = os.statvfs(box.data)
    assert told.disk_bytes == disk.f_blocks * disk.f_frsize
    assert told.disk_read_only is False


@pytest.mark.parametrize("how", ["flag now", "alarm now"])
async def test_low_power_is_told_for_an_hour(box: Box, clock: ManualClock, how: str) -> None:
    watch = machine(box, clock)
    if how == "flag now":
        box.flags(0x10001)
    else:
        box.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert watch.look().power == "low"
    box.flags(0x10000 if how == "flag now" else 0)
    box.write("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "0\n")
    await clock.advance(LOW_FOR_S - 1)
    assert watch.look().power == "low"
    await clock.advance(1)
    told = watch.look()
    assert (told.power, told.low_since_start) == ("good", True)


async def test_a_dip_between_two_looks_is_not_missed(box: Box, clock: ManualClock) -> None:
    watch = machine(box, clock)
    assert watch.look().power == "good"
    box.flags(0x50000)
    assert watch.look().power == "low"


async def test_bytes_a_day_come_from_the_rate_and_begin_anew_with_the_counter(box: Box, clock: ManualClock) -> None:
    watch = machine(box, clock)
    assert watch.look().disk_written_day_bytes is None
    await clock.advance(RATE_AFTER_S)
    box.written(1000 + 600)
    assert watch.look().disk_written_day_bytes == 600 * 512 * 144
    box.written(10)
    assert watch.look().disk_written_day_bytes is None


async def test_a_box_that_tells_nothing_is_no_error(tmp_path: Path, clock: ManualClock) -> None:
    told = Machine(tmp_path / "away", clock, tmp_path).look()
    assert told == MachineReport()


async def test_nonsense_in_a_file_is_as_no_file(box: Box, clock: ManualClock) -> None:
    box.write("sys/class/thermal/thermal_zone0/temp", "hot\n")
    box.write("sys/class/thermal/thermal_zone1/temp", "999999\n")
    box.write("sys/devices/platform/soc/soc:firmware/get_throttled", "\xff\n")
    box.write("proc/meminfo", "MemAvailable: lots kB\n")
    told = machine(box, clock).look()
    assert (told.temperature_c, told.memory_free_bytes, told.power) == (None, None, "good")


async def test_it_looks_again_and_again(box: Box, clock: ManualClock) -> None:
    watch = machine(box, clock)
    assert watch.report() is None
    looking = asyncio.get_running_loop().create_task(watch.run())
    try:
        while watch.report() is None:
            await asyncio.sleep(0)
        box.write("sys/class/thermal/thermal_zone0/temp", "85000\n")
        while (told := watch.report()) is not None and told.temperature_c != 85:
            await clock.advance(LOOK_EVERY_S)
    finally:
        looking.cancel()
