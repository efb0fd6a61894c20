"""Is there a unit, and which model is it: the two questions of a scan, on one open bus."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from edge.bus import Bus
from edge.commissioning.scan_catalog import Catalog
from edge.commissioning.scan_finding import Recognition
from edge.commissioning.scan_model import recognise
from edge.commissioning.scan_progress import ScanProgress
from edge.commissioning.scan_registers import UnitRegisters
from edge.modbus_frames import Garbled, GatewaySilent, ReadRequest, Refused
from edge.settings import BusSettings
from protocols.clock import Clock
from protocols.errors import DeviceBusy, DeviceSilent, WireLost

PROBES = ((3, 0, 2),)
THOROUGH = ((3, 0, 2), (4, 0, 2), (1, 0, 1), (2, 0, 1))
"""(function, start, count). Nearly every device answers the first, be it with an exception."""
LINE_TRIES = 4


class Asking(NamedTuple):
    """How to scan. ``timeout_s`` None: as usual for the wire. ``thorough``: with every function. ``bus``: makes one."""

    units: tuple[int, ...]
    timeout_s: float | None
    thorough: bool
    catalog: Callable[[], Catalog]
    bus: Callable[[BusSettings], Bus]
    clock: Clock
    progress: ScanProgress


class FoundUnit(msgspec.Struct, kw_only=True):
    """A unit that answered, on the bus that reaches it. ``model`` None: there was no time to ask what it is."""

    bus: BusSettings
    where: str
    unit: int
    how: str
    model: Recognition | None = None


class Heard(msgspec.Struct, frozen=True):
    """Something came from a unit. ``good`` None: bytes, but no answer that can be read."""

    how: str
    good: ReadRequest | None


async def probe(bus: Bus, unit: int, asking: Asking, *, line_tries: int = LINE_TRIES) -> Heard | None:
    """Ask ``unit`` once; None when it stays silent. Raises WireLost when the line is gone for good."""
    for function, start, count in THOROUGH if asking.thorough else PROBES:
        heard = await _ask(bus, ReadRequest(unit, function, start, count), asking.clock, line_tries)
        if heard is not None:
            return heard
    return None


async def _ask(bus: Bus, request: ReadRequest, clock: Clock, line_tries: int) -> Heard | None:
    garbled = None
    for attempt in range(max(2, line_tries)):
        try:
            await bus.ask(request, known_silent=True)
        except Refused as error:
            return Heard(f"answers with {str(error).rpartition(': ')[2]}", request)
        except DeviceBusy:
            return Heard("says that it is busy", request)
        except GatewaySilent:
            return None
        except DeviceSilent:
            return garbled
        except Garbled as error:
            if garbled is not None:
                return garbled
            garbled = Heard(f"cannot be read: {str(error).partition(': ')[2]}", None)
        except WireLost:
            if attempt >= line_tries - 1:
                raise
            await clock.sleep_until(bus.retry_at)
        else:
            return Heard("answers", request)
    return garbled


async def name(bus: Bus, found: FoundUnit, good: ReadRequest | None, asking: Asking) -> Recognition:
    """Recognise a found unit and note the result on it."""
    try:
        model = await recognise(UnitRegisters(bus, found.unit, asking.clock, good), asking.catalog())
    except WireLost as error:
        model = Recognition(hint=f"the line was lost while it was being recognised: {error}")
    found.model = model
    return model


def told(found: FoundUnit) -> str:
    """A line for the person who waits."""
    model = found.model
    what = found.how
    if model is not None:
        because = f"  ({'; '.join(model.evidence[:3])})" if model.evidence else ""
        if model.profile:
            what = f"{model.profile}{'' if model.sure else '  probably'}{because}"
        elif model.candidates:
            what = f"unknown, could be {' or '.join(each.profile for each in model.candidates)}{because}"
        else:
            what = f"unknown model{because}"
        if number := model.texts.get("serial_number"):
            what += f"  serial number {number}"
    return f"  unit {found.unit:>3}  {what}"
