"""Reading everything once, for a person: `dayuan-edge read`. The same buses and readers as when the gateway runs."""

import random
from collections.abc import Sequence

import msgspec

from edge.bus import Answer, Bus
from edge.device_reader import DeviceReader, Take
from edge.drivers.modbus import device_reader, open_bus
from edge.settings import DeviceSettings, Site
from protocols.clock import Clock
from protocols.errors import BadSettings, DeviceSilent, Retryable
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import Block
from protocols.points import VOCABULARY
from protocols.reading import Quality, Reading

INTRODUCTION_TRIES = 6
"""A device that does not answer a question is asked the next one after another try."""


class ReadRow(msgspec.Struct, frozen=True, kw_only=True):
    """One point as it was read. What the device says of itself (``texts``), that it answers like another model
    (``note``) and that it gave nothing (``error``) are rows without a point.

    ``registers``: the point's own registers, four hex digits each.
    """

    device: str
    profile: str
    point: str = ""
    value: float | None = None
    unit: str = ""
    quality: str = ""
    reason: str = ""
    registers: str = ""
    observed_at: int | None = None
    texts: dict[str, str] = {}
    note: str = ""
    error: str = ""


async def read_devices(site: Site, device_id: str | None, clock: Clock) -> list[ReadRow]:
    """Read every Modbus device of the site, or the one with ``device_id``, each once, bus after bus.

    Devices on MQTT report by themselves and cannot be read; they are left out, and refused by BadSettings when named.
    """
    modbus = {bus.name: bus for bus in site.buses if bus.kind != "mqtt"}
    _check(site, device_id, set(modbus))
    rows: list[ReadRow] = []
    for settings in modbus.values():
        devices = [each for each in site.devices_of(settings) if device_id in (None, each.id)]
        if not devices:
            continue
        bus = open_bus(settings, clock, random.Random())
        try:
            for device in devices:
                rows += await _read(site, device, bus, clock)
        finally:
            bus.close()
    return rows


def _check(site: Site, device_id: str | None, modbus: set[str]) -> None:
    if device_id is None:
        return
    device = next((each for each in site.devices if each.id == device_id), None)
    readable = ", ".join(each.id for each in site.devices if each.bus in modbus)
    if device is None:
        raise BadSettings(f"no device {device_id!r}", file=str(site.path), key="device", allowed=readable)
    if device.bus not in modbus:
        raise BadSettings(
            f"{device_id!r} reports by itself over MQTT and cannot be read",
            file=str(site.path),
            key="device",
            allowed=readable,
        )


async def _read(site: Site, device: DeviceSettings, bus: Bus, clock: Clock) -> list[ReadRow]:
    reader = device_reader(device, site.profiles[device.profile], bus, clock)
    rows: dict[str, ReadRow] = {}

    def take(decoder: BlockDecoder, block: Block, answer: Answer) -> None:
        readings = decoder.readings(answer.payload, answer.observed_at)
        for point, reading in zip(block.points, readings, strict=True):
            rows[point.name] = _row(device, reading, decoder.raw(point, answer.payload))

    about: list[ReadRow] = []
    failure: list[ReadRow] = []
    try:
        await _twice(reader, take)
    except Retryable as error:
        failure.append(ReadRow(device=device.id, profile=device.profile, error=str(error)))
    else:
        rows |= {reading.point: _row(device, reading, "") for reading in reader.missing(set(rows), clock.now_ms())}
        about = await _about(device, reader)
    return about + [rows[point.name] for point in reader.points if point.name in rows] + failure


async def _about(device: DeviceSettings, reader: DeviceReader) -> list[ReadRow]:
    said = reader.introduction
    for _ in range(INTRODUCTION_TRIES):
        if not said.done:
            await said.go_on()
    if not said.texts and not said.note:
        return []
    return [ReadRow(device=device.id, profile=device.profile, texts=said.texts, note=said.note)]


async def _twice(reader: DeviceReader, take: Take) -> None:
    try:
        await reader.read(take)
    except DeviceSilent:
        await reader.read(take)


def _row(device: DeviceSettings, reading: Reading, registers: str) -> ReadRow:
    word = VOCABULARY[reading.point]
    return ReadRow(
        device=device.id,
        profile=device.profile,
        point=reading.point,
        value=reading.value,
        unit=word.unit,
        quality=reading.quality.value,
        reason=reading.reason,
        registers=registers,
        observed_at=reading.observed_at,
    )


def as_table(rows: Sequence[ReadRow], *, registers: bool = False) -> str:
    """The rows as aligned text, a heading per device; with ``registers`` also the raw ones."""
    lines: list[str] = []
    for device in dict.fromkeys(row.device for row in rows):
        own = [row for row in rows if row.device == device]
        if lines:
            lines.append("")
        said = {name: text for row in own for name, text in row.texts.items()}
        about = ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in said.items())
        lines.append(f"{device}  ({own[0].profile})" + (f"  {about}" if about else ""))
        lines += [f"  note: {row.note}" for row in own if row.note]
        cells = [_cells(row, registers) for row in own if row.point]
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))] if cells else []
        for row in cells:
            texts = [
                text.rjust(width) if column == 1 else text.ljust(width)
                for column, (text, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append(("  " + "  ".join(texts)).rstrip())
        lines += [f"  error: {row.error}" for row in own if row.error]
    return "\n".join(lines)


def _cells(row: ReadRow, registers: bool) -> list[str]:
    value = "-" if row.value is None else f"{row.value:.10g}"
    quality = row.quality if row.quality == Quality.GOOD else f"{row.quality} ({row.reason})"
    cells = [row.point, value, row.unit, quality]
    return [*cells, row.registers] if registers else cells


def as_json(rows: Sequence[ReadRow]) -> bytes:
    """The rows as a JSON list."""
    return msgspec.json.format(msgspec.json.encode(rows), indent=2)
