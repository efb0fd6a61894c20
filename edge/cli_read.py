"""`dayuan-edge read`: devices of a site file once, or with --orders any registers under every type and word order."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sys
from pathlib import Path

import msgspec

from edge.bus import Bus
from edge.cli_in_force import site_in_force
from edge.commissioning.orders import Orders, orders
from edge.commissioning.orders_read import BlockRead
from edge.commissioning.orders_table import table
from edge.commissioning.scan_target import BadTarget, SerialSettings, hosts, is_serial, seconds
from edge.drivers.modbus import open_bus
from edge.settings import BusSettings
from edge.site_file import BusKind
from protocols.clock import Clock, SystemClock
from protocols.errors import BadSettings, Retryable
from protocols.modbus.registers import ADDRESS_END, FUNCTION_CODES

DONE, FAILED, WRONG = 0, 1, 2
COUNT_MAX = 500
HUMAN_NUMBERS = {"holding": 40001, "input": 30001}
"""Addresses of six digits' fashion, as vendors print them, are offsets from these."""


def read(options: argparse.Namespace) -> int:
    """The command."""
    if options.orders:
        try:
            return _orders(options)
        except BadTarget as error:
            print(f"read --orders: {error}", file=sys.stderr)
            return WRONG
    from edge.commissioning.read_once import as_json, as_table, read_devices

    site = site_in_force(options.site, of_the_box=options.file)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    rows = asyncio.run(read_devices(site, options.device, SystemClock()))
    if options.json:
        print(as_json(rows).decode())
    elif rows:
        print(as_table(rows, registers=not options.no_registers))
    else:
        print("no Modbus device in this site file; devices on MQTT report by themselves")
    return FAILED if any(row.error for row in rows) else DONE


def _orders(options: argparse.Namespace) -> int:
    settings, unit = _where(options)
    if not 1 <= options.count <= COUNT_MAX or options.at + options.count > ADDRESS_END:
        raise BadTarget(f"--at {options.at} --count {options.count}; right would be 1 to {COUNT_MAX} below 65536")
    apart_s = seconds(options.apart, "--apart", 0, 600) or 0.0
    clock = SystemClock()
    bus = open_bus(settings, clock, random.Random())
    block = BlockRead(bus, unit, FUNCTION_CODES[options.area], clock)
    try:
        later = asyncio.run(_read_twice(block, bus, options, apart_s, clock))
    except Retryable as error:
        print(f"read --orders: {error}", file=sys.stderr)
        return FAILED
    found = orders(block.words, later)
    if options.json:
        print(_json(options, unit, block, found).decode())
    else:
        _print(options, unit, block, found)
    return DONE if block.words else FAILED


async def _read_twice(
    block: BlockRead, bus: Bus, options: argparse.Namespace, apart_s: float, clock: Clock
) -> dict[int, int]:
    try:
        await block.read(options.at, options.count)
        if not block.words or not apart_s:
            return {}
        await clock.sleep(apart_s)
        return await block.again()
    finally:
        bus.close()


def _print(options: argparse.Namespace, unit: int, block: BlockRead, found: Orders) -> None:
    first = HUMAN_NUMBERS[options.area]
    last = options.at + options.count - 1
    print(
        f"unit {unit}, {options.area} registers {options.at} to {last} "
        f"(counted from {first}: {first + options.at} to {first + last})"
    )
    print()
    print(table(found, block.words, block.refused, sorted(block.silent), everything=options.all))
    if not block.words and block.silent:
        print(f"nothing came: {block.reason}")


def _json(options: argparse.Namespace, unit: int, block: BlockRead, found: Orders) -> bytes:
    whole = {
        "unit": unit,
        "area": options.area,
        "words": {str(at): word for at, word in block.words.items()},
        "refused": {str(at): code for at, code in sorted(block.refused.items())},
        "silent": sorted(block.silent),
        "word_order": found.order,
        "likely": found.likely,
        "texts": found.texts,
        "sights": {str(at): sights for at, sights in found.sights.items()},
    }
    return msgspec.json.format(msgspec.json.encode(whole), indent=2)


def _where(options: argparse.Namespace) -> tuple[BusSettings, int]:
    """The bus and the unit: of a device of a site file, else of a port or a host with --unit."""
    timeout_s = seconds(options.timeout, "--timeout", 0.02, 60) or 1.0
    if options.site.endswith(".toml") or Path(options.site).is_file():
        return _of_site(options)
    if options.unit is None:
        raise BadTarget("--unit is missing; right would be --unit 1")
    if is_serial(options.site):
        serial = SerialSettings(options.baud, options.parity)
        return serial.bus(os.path.expanduser(options.site), timeout_s), options.unit
    found = hosts(options.site)
    if len(found) > 1:
        raise BadTarget(f"{options.site!r} are {len(found)} hosts; one at a time")
    kind: BusKind = "modbus-rtu-tcp" if options.rtu_over_tcp else "modbus-tcp"
    host, port = found[0]
    return BusSettings(name="orders", kind=kind, timeout_s=timeout_s, host=host, tcp_port=port), options.unit


def _of_site(options: argparse.Namespace) -> tuple[BusSettings, int]:
    site = site_in_force(options.site, of_the_box=options.file)
    modbus = {bus.name: bus for bus in site.buses if bus.kind != "mqtt"}
    known = {each.id: each for each in site.devices if each.bus in modbus}
    device = known.get(options.device or "")
    if device is not None:
        return modbus[device.bus], device.unit if options.unit is None else options.unit
    if options.unit is not None and options.device in modbus:
        return modbus[options.device], options.unit
    what = f"no Modbus device {options.device!r}" if options.device else "which device?"
    allowed = ", ".join(known) + "; or the name of a bus and --unit"
    raise BadSettings(what, file=str(site.path), key="device", allowed=allowed)
