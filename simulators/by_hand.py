"""``dayuan-sim meter``: one meter or module, served on a port or a pseudo-terminal; a line for each request."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from protocols.clock import Clock
from protocols.errors import BadSettings
from simulators.devices.models import MODELS, MODULES, unknown_model
from simulators.fault_socket import FaultSocket
from simulators.faults import LINE_ONLY, Fault
from simulators.hardware import Hardware
from simulators.layout import FolderInUse, Layout
from simulators.ledger import Ledger
from simulators.modbus_hardware import LineAddress
from simulators.scenario import LineKind, LinePlan, MeterPlan, ModulePlan, Scenario
from simulators.wires.unit_rack import Heard

DONE, WRONG = 0, 2
DAY_MS = 86_400_000
LINE = "line"
FUNCTIONS = {
    1: "coils", 2: "inputs", 3: "holding", 4: "input", 5: "write coil", 6: "write register", 15: "write coils",
    16: "write registers",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """What somebody asked for on the command line. ``data`` None: a temporary folder."""

    model: str
    kind: LineKind
    host: str = "127.0.0.1"
    port: int = 0
    path: str = ""
    baud: int = 9600
    unit: int = 1
    watts: float = 8_000.0
    phases: int = 0
    ct: int = 0
    pt: int = 0
    seed: int = 1
    fault: Fault | None = None
    data: Path | None = None
    for_s: float | None = None
    as_json: bool = False
    quiet: bool = False


def scenario_of(wanted: ByHand) -> Scenario:
    """One line with one device on it. Raises BadSettings for a model that is not simulated, or a wrong unit id."""
    if wanted.model not in MODELS and wanted.model not in MODULES:
        told = unknown_model(wanted.model, (*MODELS, *MODULES))
        raise BadSettings(f"{wanted.model!r} is not simulated", file="dayuan-sim meter", allowed=told)
    if not 1 <= wanted.unit <= 247:
        raise BadSettings(f"{wanted.unit} is no unit id", file="dayuan-sim meter", key="--unit", allowed="1 to 247")
    line = LinePlan(name=LINE, kind=wanted.kind, host=wanted.host, port=wanted.port, path=wanted.path, baud=wanted.baud)
    name = wanted.model.split("/")[1]
    if wanted.model in MODULES:
        module = ModulePlan(id=name, model=wanted.model, line=LINE, unit=wanted.unit, follows=_first_door(wanted.model))
        return Scenario(seed=wanted.seed, line=[line], module=[module])
    meter = MeterPlan(
        id=name,
        model=wanted.model,
        line=LINE,
        unit=wanted.unit,
        watts=wanted.watts,
        phases=wanted.phases,
        ct=wanted.ct,
        pt=wanted.pt,
    )
    return Scenario(seed=wanted.seed, line=[line], meter=[meter])


def _first_door(model: str) -> dict[str, str]:
    return {"digital_input_1": "relay_1"} if MODULES[model].inputs else {}


async def serve_by_hand(wanted: ByHand, clock: Clock, out: Callable[[str], None]) -> int:
    """Serve until Ctrl-C, or for so long. Raises BadSettings for what cannot be served."""
    scenario = scenario_of(wanted)
    with contextlib.ExitStack() as kept:
        folder = wanted.data or Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="dayuan-sim-")))
        layout = Layout(folder)
        try:
            layout.lock()
        except FolderInUse as error:
            out(f"dayuan-sim: {error}; end it first, or choose another folder with --data")
            return WRONG
        kept.callback(layout.unlock)
        state = layout.state()
        state.setdefault("origin_ms", clock.now_ms() - DAY_MS)
        layout.keep(state)
        ledger = Ledger(layout.ledger)
        kept.callback(ledger.close)
        hardware = Hardware(scenario, ledger, clock, directory=layout.root, origin_ms=state["origin_ms"])
        try:
            try:
                where = (await hardware.start_lines())[LINE]
            except BadSettings as error:
                raise BadSettings(error.message, file="dayuan-sim meter") from None
            _introduce(wanted, where, layout.root, out)
            if wanted.fault is not None:
                hardware.break_device(_target(scenario, wanted.fault), wanted.fault)
            if not wanted.quiet:
                rack = hardware.modbus.lines[LINE].rack
                rack.on_heard = lambda heard: out(_as_json(heard) if wanted.as_json else _as_text(heard))
            await _until_told(FaultSocket(layout.root, hardware, clock, _teller(wanted, out)), wanted.for_s)
        finally:
            await hardware.close()
        if not wanted.as_json:
            out(f"answered {hardware.answers_served} requests")
    return DONE


def _target(scenario: Scenario, fault: Fault) -> str:
    ids = [*(meter.id for meter in scenario.meter), *(module.id for module in scenario.module)]
    return LINE if fault.kind in LINE_ONLY else ids[0]


async def _until_told(faults: FaultSocket, for_s: float | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    listening = asyncio.create_task(faults.run(), name="fault-socket")
    try:
        async with asyncio.timeout(for_s):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


def _introduce(wanted: ByHand, where: LineAddress, folder: Path, out: Callable[[str], None]) -> None:
    name = wanted.model.split("/")[1]
    if wanted.as_json:
        told = {"model": wanted.model, "unit": wanted.unit, "device": name, "data": str(folder), **where._asdict()}
        out(json.dumps(told))
        return
    place = f"{where.host}:{where.port}" if where.port else where.path
    baud = f", {where.baud} baud" if where.baud else ""
    out(f"{wanted.model}, unit {wanted.unit}, on {where.kind} {place}{baud}")
    option = f"-m rtu -b {where.baud} -P none {place}" if where.path else f"-m tcp -p {where.port} {where.host}"
    if wanted.kind != "modbus-rtu-tcp":
        out(f"  mbpoll    mbpoll -a {wanted.unit} -0 -1 {_what(wanted.model)} {option}")
    out(f"  break it  dayuan-sim fault {folder} {name} noise --for 10s")
    out("  Ctrl-C ends it.")


def _what(model: str) -> str:
    """The options of mbpoll that show something of this model."""
    if model in MODULES:
        function, first = min(MODULES[model].reads)
        return f"-t {dict(zip((1, 2, 3, 4), (0, 1, 4, 3), strict=True))[function]} -r {first} -c 1"
    meter = MODELS[model]
    item = next((item for item in meter.fields if item.point == "active_power_total"), meter.fields[0])
    kind = {"float32": ":float", "int32": ":int", "uint32": ":int"}.get(item.kind, "")
    order = "" if meter.low_word_first else "-B "
    return f"-t {3 if 4 in meter.functions else 4}{kind} {order if kind else ''}-r {item.address} -c 1"


def _teller(wanted: ByHand, out: Callable[[str], None]) -> Callable[[str], None]:
    return (lambda text: out(json.dumps({"told": text}))) if wanted.as_json else (lambda text: out(f"-- {text}"))


def _as_text(heard: Heard) -> str:
    request = heard.request
    if request is None:
        return f"unit {heard.unit:<3} what nobody understands           {heard.outcome}"
    values = " = " + " ".join(f"{value:04x}" for value in request.values) if request.values else ""
    what = f"{FUNCTIONS[request.function]} {request.first} (0x{request.first:04X}) x {request.quantity}{values}"
    return f"unit {heard.unit:<3} {what:<42} {heard.outcome}"


def _as_json(heard: Heard) -> str:
    told: dict[str, object] = {"at": heard.at_ms, "unit": heard.unit, "outcome": heard.outcome}
    if heard.request is not None:
        request = heard.request
        told |= {"function": request.function, "address": request.first, "count": request.quantity}
        if request.values:
            told["values"] = list(request.values)
    return json.dumps(told)
