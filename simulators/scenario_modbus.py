"""Checks of the Modbus rows of a scenario file. Each error names the file, the line, and what would be right."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from protocols.settings import Document, duration
from simulators.devices.models import MODELS, MODULES, unknown_model
from simulators.faults import KINDS, LINE_ONLY, METER_ONLY, kind_of, nearest
from simulators.plans import FaultPlan
from simulators.plans_modbus import SHARES, LinePlan, MeterPlan, ModulePlan


def check_lines(document: Document, lines: Sequence[LinePlan]) -> None:
    """Names, shares and times of lines."""
    names: set[str] = set()
    for index, line in enumerate(lines):
        if line.name in names:
            raise document.fail(("line", index, "name"), f"{line.name!r} stands here twice")
        names.add(line.name)
        for key in SHARES:
            if not 0 <= getattr(line, key) <= 1:
                raise document.fail(("line", index, key), f"{getattr(line, key)} is no share", "0 to 1")
        for key in ("idle_close", "flapping"):
            try:
                duration(getattr(line, key))
            except ValueError as error:
                raise document.fail(("line", index, key), str(error)) from None


def check_units(
    document: Document, lines: Sequence[LinePlan], meters: Sequence[MeterPlan], modules: Sequence[ModulePlan]
) -> None:
    """Models, lines and unit ids of everything that hangs on a line."""
    names = {line.name for line in lines}
    taken: dict[tuple[str, int], str] = {}
    tables: tuple[tuple[str, Sequence[MeterPlan | ModulePlan], Collection[str]], ...] = (
        ("meter", meters, MODELS),
        ("module", modules, MODULES),
    )
    for table, rows, models in tables:
        for index, row in enumerate(rows):
            if row.model not in models:
                told = unknown_model(row.model, models)
                raise document.fail((table, index, "model"), f"{row.model!r} is not simulated as a {table}", told)
            if row.line not in names:
                raise document.fail((table, index, "line"), f"no line {row.line!r}", ", ".join(sorted(names)) or "none")
            if not 1 <= row.unit <= 247:
                raise document.fail((table, index, "unit"), f"{row.unit} is no unit id", "1 to 247")
            other = taken.setdefault((row.line, row.unit), row.id)
            if other != row.id:
                raise document.fail((table, index, "unit"), f"{other} has unit {row.unit} on this line already")
    for index, module in enumerate(modules):
        _check_follows(document, index, module)


def _check_follows(document: Document, index: int, module: ModulePlan) -> None:
    model = MODULES[module.model]
    inputs = [f"digital_input_{number + 1}" for number in range(model.inputs)]
    relays = [f"relay_{number + 1}" for number in range(model.relays)]
    for contact, relay in module.follows.items():
        if contact not in inputs:
            raise document.fail(("module", index, "follows"), f"no input {contact!r}", ", ".join(inputs) or "none")
        if relay not in relays:
            raise document.fail(("module", index, "follows"), f"no relay {relay!r}", ", ".join(relays))


def check_fault(
    document: Document,
    index: int,
    fault: FaultPlan,
    lines: Collection[str],
    units: Collection[str],
    meters: Collection[str],
) -> None:
    """A fault of a Modbus device or line."""
    kind = kind_of(fault.kind)
    if kind is None:
        told = nearest(fault.kind) + ", ".join(KINDS)
        raise document.fail(("fault", index, "kind"), f"{fault.kind!r} is no fault of a Modbus device", told)
    if fault.line:
        if fault.line not in lines:
            raise document.fail(("fault", index, "line"), f"no line {fault.line!r}", ", ".join(sorted(lines)))
        if fault.device:
            raise document.fail(("fault", index, "line"), "a fault of a device or of a line, not of both")
    elif fault.device not in units:
        raise document.fail(("fault", index, "device"), f"no device {fault.device!r}", "an id of this file, or line")
    if kind in METER_ONLY and fault.device not in meters:
        raise document.fail(("fault", index, "kind"), f"{kind} is for meters", "device: the id of a meter")
    if kind in LINE_ONLY and not fault.line:
        raise document.fail(("fault", index, "kind"), f"{kind} is for lines", "line in place of device")
    if not 0 < fault.share <= 1:
        raise document.fail(("fault", index, "share"), f"{fault.share} is no share", "more than 0, at most 1")
    if not 1 <= fault.code <= 255:
        raise document.fail(("fault", index, "code"), f"{fault.code} is no exception code", "1 to 255")
