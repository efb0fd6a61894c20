"""`dayuan-edge watch`: values as they change, from the running gateway or from the devices themselves."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import logging
import random
import signal
import sys
from collections.abc import Iterator

from edge.cli_in_force import site_in_force
from edge.commissioning.scan_target import BadTarget, seconds
from edge.commissioning.watch_screen import Screen
from edge.commissioning.watch_table import WatchTable
from edge.drivers.modbus import ModbusDriver
from edge.latest import LatestSink, Source, Values, ask
from edge.settings import Site
from protocols.birth import DeviceBirth
from protocols.clock import SystemClock
from protocols.errors import BadSettings
from protocols.points import VOCABULARY
from protocols.reading import Quality, Reading

DONE, FAILED, WRONG = 0, 1, 2
REDRAW_S = 0.5


def watch(options: argparse.Namespace) -> int:
    """The command."""
    try:
        lasting_s = seconds(options.lasting, "--for", 0.1, 1e6)
    except BadTarget as error:
        print(f"watch: {error}", file=sys.stderr)
        return WRONG
    site = site_in_force(options.site, of_the_box=options.file)
    if options.device is not None and options.device not in {each.id for each in site.devices}:
        known = ", ".join(each.id for each in site.devices)
        raise BadSettings(f"no device {options.device!r}", file=str(site.path), key="device", allowed=known)
    logging.basicConfig(level=logging.CRITICAL)
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(_watch(site, options, lasting_s))
    return DONE


async def _watch(site: Site, options: argparse.Namespace, lasting_s: float | None) -> int:
    running = _running(site)
    if running is not None:
        return await _show(WatchTable(site, options.device, "from the running gateway"), running, options, lasting_s)
    clock = SystemClock()
    latest = LatestSink(clock)
    drivers = [_driver(site, bus.name, options.device, latest, clock) for bus in site.buses if bus.kind != "mqtt"]
    latest.drivers = [driver for driver in drivers if driver is not None]
    if not latest.drivers:
        print("no gateway runs, and without one only Modbus devices can be watched", file=sys.stderr)
        return FAILED
    reading = [asyncio.create_task(driver.run(), name=f"watch[{driver.name}]") for driver in latest.drivers]
    try:
        table = WatchTable(site, options.device, "read here; no gateway runs")
        return await _show(table, latest.values, options, lasting_s)
    finally:
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)


def _running(site: Site) -> Source | None:
    """Asks the gateway that runs with this site file, when one does."""
    if ask(site.buffer.path) is None:
        return None

    def values() -> Values:
        now = ask(site.buffer.path)
        if now is None:
            raise BadSettings("the gateway has ended", file=str(site.path))
        return now

    return values


def _driver(site: Site, name: str, device: str | None, sink: LatestSink, clock: SystemClock) -> ModbusDriver | None:
    bus = next(bus for bus in site.buses if bus.name == name)
    devices = [each for each in site.devices_of(bus) if device in (None, each.id)]
    if not devices:
        return None
    return ModbusDriver(bus, devices, site.profiles, sink, clock, site.gateway, random.Random())


async def _show(table: WatchTable, source: Source, options: argparse.Namespace, lasting_s: float | None) -> int:
    on_screen = sys.stdout.isatty() and sys.stdin.isatty() and not options.json
    showing = _on_screen(table, source) if on_screen else _as_lines(table, source, as_json=options.json)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(lasting_s):
            await showing
    return DONE


async def _on_screen(table: WatchTable, source: Source) -> None:
    screen = Screen()
    loop = asyncio.get_running_loop()
    with screen.on():
        # A terminal whose size changes is drawn again at once.
        loop.add_signal_handler(signal.SIGWINCH, screen.touched.set)
        try:
            while not screen.ended.is_set():
                screen.draw(table.lines(source()))
                screen.touched.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(screen.touched.wait(), REDRAW_S)
        finally:
            loop.remove_signal_handler(signal.SIGWINCH)


async def _as_lines(table: WatchTable, source: Source, *, as_json: bool) -> None:
    told: dict[str, int] = {}
    clock = SystemClock()
    while True:
        values = source()
        for device, readings in table.polls(values, told):
            print(_json(device, readings) if as_json else _text(table, device, readings), flush=True)
        await clock.sleep(REDRAW_S)


def _json(device: DeviceBirth, readings: list[Reading]) -> str:
    points = {
        each.point: {
            "value": each.value,
            "unit": VOCABULARY[each.point].unit if each.point in VOCABULARY else "",
            "quality": each.quality.value,
            "reason": each.reason,
            "observed_at": each.observed_at,
        }
        for each in readings
    }
    return json.dumps({"device": device.id, "profile": device.profile, "points": points}, ensure_ascii=False)


def _text(table: WatchTable, device: DeviceBirth, readings: list[Reading]) -> str:
    newest = max(each.observed_at for each in readings)
    return f"{table.clock(newest)}  {device.id}  {'  '.join(_told(readings))}"


def _told(readings: list[Reading]) -> Iterator[str]:
    for each in readings:
        unit = VOCABULARY[each.point].unit if each.point in VOCABULARY else ""
        value = "-" if each.value is None else f"{each.value:.8g}"
        quality = "" if each.quality is Quality.GOOD else f" ({each.quality.value} {each.reason})"
        yield f"{each.point} {value}{' ' if unit else ''}{unit}{quality}"
