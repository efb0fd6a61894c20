"""What a scan found as a site file: complete, so that `dayuan-edge check` takes it, with the evidence as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from edge.commissioning.scan_unit import FoundUnit
from edge.settings import BusSettings
from edge.site_warnings import PLACEHOLDER

TEXT_NAMES = ("vendor", "model", "serial_number", "firmware", "hardware")


def site_file(found: Sequence[FoundUnit], notes: Sequence[str], *, command: str, at_ms: int) -> str:
    """The text of the file."""
    return "\n".join(_lines(found, notes, command, at_ms)) + "\n"


def _lines(found: Sequence[FoundUnit], notes: Sequence[str], command: str, at_ms: int) -> Iterator[str]:
    yield f"# Found by `{command}`, {datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC."
    yield f'# Put right what says "{PLACEHOLDER}" and give the devices names; then: dayuan-edge check, dayuan-edge read'
    yield from (f"# Note: {_comment(note)}" for note in notes)
    yield ""
    yield "[gateway]"
    yield f'site = "{PLACEHOLDER}"                 # id of the site, like east-compound'
    yield f'id = "{PLACEHOLDER}"                   # id of this gateway, unique within the site'
    yield ""
    yield "[uplink]"
    yield f'url = "mqtt://{PLACEHOLDER}:1883"      # broker to the collector; mqtts:// when it is not in this building'
    names = _Names()
    main = _main_settings(found)
    for bus in sorted(_buses(found), key=lambda each: each not in main):
        here = [each for each in found if each.bus == bus]
        name = names.bus(bus)
        lines = ["", *_bus(name, bus)]
        for each in here:
            lines += ["", *_device(each, name, names)]
        if bus in main:
            yield from lines
        else:
            yield ""
            yield "# Other settings than the rest of this line: give these devices those of the line, then scan again."
            yield from (line if not line or line.startswith("#") else f"# {line}" for line in lines[1:])


def _buses(found: Sequence[FoundUnit]) -> list[BusSettings]:
    buses: list[BusSettings] = []
    for each in found:
        if each.bus not in buses:
            buses.append(each.bus)
    return buses


def _main_settings(found: Sequence[FoundUnit]) -> list[BusSettings]:
    """Every bus, but of those on one serial port only the one where most units answered: a line has one setting."""
    best: dict[object, BusSettings] = {}
    for bus in _buses(found):
        line = bus.serial_port or bus
        if line not in best or _count(found, bus) > _count(found, best[line]):
            best[line] = bus
    return list(best.values())


def _count(found: Sequence[FoundUnit], bus: BusSettings) -> int:
    return sum(each.bus == bus for each in found)


class _Names:
    """Names of buses and ids of devices, each given once."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def bus(self, bus: BusSettings) -> str:
        return self._new("rs485" if bus.serial_port else "tcp")

    def device(self, profile: str) -> str:
        model = re.sub(r"[^a-z0-9-]+", "-", profile.rpartition("/")[2]).strip("-")[:24]
        return self._new(model or "device")

    def _new(self, stem: str) -> str:
        number = next(each for each in range(1, 10_000) if f"{stem}-{each}" not in self._given)
        self._given.add(f"{stem}-{number}")
        return f"{stem}-{number}"


def _bus(name: str, bus: BusSettings) -> Iterator[str]:
    yield "[[bus]]"
    yield f"name = {_text(name)}"
    yield f"kind = {_text(bus.kind)}"
    if bus.serial_port:
        yield f"port = {_text(bus.serial_port)}"
        yield f"baud = {bus.baud}"
        yield f"parity = {_text(bus.parity)}"
        return
    yield f"host = {_text(bus.host)}"
    yield f"port = {bus.tcp_port}"


def _device(each: FoundUnit, bus: str, names: _Names) -> Iterator[str]:
    model = each.model
    if model is None:
        yield f"# Unit {each.unit} {_comment(each.how)}; the scan ended before it was asked what it is."
        yield from _unknown(each, bus, "vendor/model", names)
        return
    about = [f"{name.replace('_', ' ')} {model.texts[name]}" for name in TEXT_NAMES if name in model.texts]
    if about:
        yield f"# {_comment(', '.join(about))}"
    if model.evidence:
        yield f"# {_comment('; '.join(model.evidence))}"
    if model.profile:
        if not model.sure:
            yield f"# Probably: {_comment(model.hint)}"
        yield from _settings(each, bus, model.profile, names)
        return
    yield f"# Unit {each.unit}: {_comment(model.hint)}"
    for candidate in model.candidates:
        yield f"#   could be {candidate.profile}: {_comment('; '.join(candidate.evidence))}"
    yield from _unknown(each, bus, model.candidates[0].profile if model.candidates else "vendor/model", names)


def _unknown(each: FoundUnit, bus: str, profile: str, names: _Names) -> Iterator[str]:
    where = each.bus.serial_port or f"{each.bus.host}:{each.bus.tcp_port}"
    yield f"# Look at it: dayuan-edge read --orders {where} --unit {each.unit} --at 0 --count 40"
    yield from (f"# {line}" for line in _settings(each, bus, profile, names))


def _settings(each: FoundUnit, bus: str, profile: str, names: _Names) -> Iterator[str]:
    model = each.model
    yield "[[device]]"
    yield f"id = {_text(names.device(profile if model is not None and model.profile else 'unknown'))}"
    yield f"profile = {_text(profile)}"
    yield f"bus = {_text(bus)}"
    yield f"unit = {each.unit}"
    if model is not None and model.word_order:
        yield f"word_order = {_text(model.word_order)}       # not as its profile says, but as its values are right"
    if model is not None and model.extended:
        yield "extended = true           # every point of this profile is known from one source only"


def _text(value: str) -> str:
    """A TOML string; JSON's are a part of them."""
    return json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    """Text for behind a #: one line, without what could move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
