"""The commands of ``dayuan-sim`` for one device by hand: ``meter``, ``models``, ``fault``."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path

from protocols.clock import SystemClock
from protocols.settings import duration
from simulators.faults import LINE_ONLY, MEANINGS, OTHER_NAMES, Fault, kind_of

DONE, FAILED, WRONG = 0, 1, 2


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put them beside the others."""
    _add_meter(commands)
    _add_models(commands)
    _add_fault(commands)


def _add_meter(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    meter = commands.add_parser("meter", help="one Modbus meter or module by hand, until Ctrl-C")
    meter.add_argument("model", help="as in eastron/sdm630; dayuan-sim models lists them")
    wires = meter.add_mutually_exclusive_group()
    wires.add_argument(
        "--rtu", metavar="PATH", nargs="?", const="", help="a pseudo-terminal, PATH is a link to it (else one is made)"
    )
    wires.add_argument(
        "--tcp", metavar="HOST:PORT", nargs="?", const="", type=str, help="Modbus TCP; else 127.0.0.1 and a free port"
    )
    wires.add_argument("--rtu-tcp", metavar="HOST:PORT", nargs="?", const="", help="RTU frames in a TCP connection")
    meter.add_argument("--unit", type=int, default=1, metavar="N", help="unit id (else 1)")
    meter.add_argument("--baud", type=int, default=9600, metavar="N", help="how fast the serial line is (else 9600)")
    meter.add_argument("--watts", type=float, default=8000.0, metavar="W", help="what it measures, on average")
    meter.add_argument("--phases", type=int, choices=(1, 2, 3), default=0, help="of its load (else those of the model)")
    meter.add_argument("--ct", type=int, default=0, metavar="N", help="ratio of the current transformers before it")
    meter.add_argument("--pt", type=int, default=0, metavar="N", help="ratio of the voltage transformers before it")
    meter.add_argument("--seed", type=int, default=1, help="of its load")
    meter.add_argument("--fault", metavar="KIND", help="misbehave from the beginning; dayuan-sim fault --list")
    _add_fault_options(meter)
    meter.add_argument("--data", type=Path, metavar="DIR", help="folder of its ledger (else one that ends with it)")
    meter.add_argument("--for", dest="for_s", metavar="TIME", type=_time, help='end after so long, as in "60s"')
    meter.add_argument("--quiet", action="store_true", help="no line for each request")
    meter.add_argument("--json", action="store_true", help="where it is and what it is asked as JSON lines")
    meter.set_defaults(work=_meter)


def _add_models(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    models = commands.add_parser("models", help="everything that can be simulated")
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(work=_models)


def _add_fault(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fault = commands.add_parser("fault", help="break or mend a device of a running dayuan-sim run or meter")
    fault.add_argument("data", type=Path, nargs="?", metavar="DIR", help="its data folder")
    fault.add_argument("device", nargs="?", help="id of the device, or name of the line")
    fault.add_argument("kind", nargs="?", help="what it does; see --list")
    _add_fault_options(fault)
    fault.add_argument("--for", dest="for_s", metavar="TIME", type=_time, default=0.0, help="mend it after so long")
    fault.add_argument("--mend", action="store_true", help="it behaves again")
    fault.add_argument("--list", action="store_true", help="what can go wrong, and the devices of DIR")
    fault.add_argument("--json", action="store_true", help="the outcome as JSON")
    fault.set_defaults(work=_fault)


def _add_fault_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--delay", metavar="TIME", type=_time, default=2.0, help="of a slow answer, a flap (else 2s)")
    parser.add_argument("--code", metavar="N", type=_code, default=4, help="exception code (else 4)")
    parser.add_argument("--share", metavar="X", type=_share, default=1.0, help="of the answers, as in 0.1 (else all)")


def _meter(options: argparse.Namespace) -> int:
    from simulators.by_hand import ByHand, serve_by_hand

    fault = None
    if options.fault:
        kind = kind_of(options.fault)
        if kind is None:
            return _complain(_unknown_kind(options.fault))
        fault = Fault(kind, options.delay, options.code, options.share)
    host, port, path = "127.0.0.1", 0, ""
    if options.rtu is not None:
        path = options.rtu
    else:
        try:
            host, port = _address(options.tcp or options.rtu_tcp or "")
        except ValueError as error:
            return _complain(str(error))
    by_rtu, by_both = options.rtu is not None, options.rtu_tcp is not None
    wanted = ByHand(
        model=options.model,
        kind="modbus-rtu" if by_rtu else "modbus-rtu-tcp" if by_both else "modbus-tcp",
        host=host,
        port=port,
        path=path,
        baud=options.baud,
        unit=options.unit,
        watts=options.watts,
        phases=options.phases,
        ct=options.ct,
        pt=options.pt,
        seed=options.seed,
        fault=fault,
        data=options.data,
        for_s=options.for_s,
        as_json=options.json,
        quiet=options.quiet,
    )
    return asyncio.run(serve_by_hand(wanted, SystemClock(), _say))


def _models(options: argparse.Namespace) -> int:
    from simulators.model_list import model_list

    found = model_list()
    if options.json:
        _say(json.dumps(found, indent=1))
        return DONE
    for title, rows in found.items():
        _say(title)
        width = max(len(row["id"]) for row in rows)
        for row in rows:
            _say(f"  {row['id']:<{width}}  {row['what']}")
    return DONE


def _fault(options: argparse.Namespace) -> int:
    from simulators.fault_socket import ask

    if options.list and options.data is None:
        return _list_kinds(options.json)
    if options.data is None:
        return _complain("which folder? dayuan-sim fault DIR DEVICE KIND, or dayuan-sim fault --list")
    if not options.list and (not options.device or not (options.kind or options.mend)):
        return _complain("which device, and what shall it do? dayuan-sim fault DIR DEVICE KIND, or --mend, or --list")
    request: dict[str, object] = {"device": "" if options.list else options.device, "kind": ""}
    if options.kind and not options.mend:
        request |= {
            "kind": kind_of(options.kind) or options.kind,
            "delay_s": options.delay,
            "code": options.code,
            "share": options.share,
            "for_s": options.for_s,
        }
    try:
        answer = ask(options.data, request)
    except (OSError, ValueError) as error:
        return _complain(f"the devices of {options.data} do not answer: {error}", FAILED)
    if answer is None:
        return _complain(f"no simulated devices run in {options.data}; is it the folder that they were given?", FAILED)
    if options.json:
        _say(json.dumps(answer))
        return DONE if answer.get("ok") or options.list else WRONG
    if options.list:
        _say("\n".join(answer["devices"]))
        return DONE
    if not answer.get("ok"):
        return _complain(str(answer.get("detail")))
    _say(answer["detail"])
    return DONE


def _list_kinds(as_json: bool) -> int:
    if as_json:
        _say(json.dumps(MEANINGS, indent=1))
        return DONE
    width = max(map(len, MEANINGS))
    for kind, meaning in MEANINGS.items():
        others = [name for name, of in OTHER_NAMES.items() if of == kind]
        extra = (f" (also: {', '.join(others)})" if others else "") + (" [a line]" if kind in LINE_ONLY else "")
        _say(f"  {kind:<{width}}  {meaning}{extra}")
    return DONE


def _unknown_kind(kind: str) -> str:
    from simulators.fault_socket import unknown_kind

    return unknown_kind(kind)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _complain(text: str, code: int = WRONG) -> int:
    sys.stderr.write(f"dayuan-sim: {text}\n")
    return code


def _address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT, :PORT, PORT or HOST; nothing: loopback and any free port."""
    host, _, port = text.rpartition(":") if ":" in text else ("", "", text) if text.isdecimal() else (text, "", "")
    if port and (not port.isdecimal() or not 0 <= int(port) <= 65535):
        raise ValueError(f"{text!r}: {port!r} is no port; as in 127.0.0.1:1502")
    return host.strip("[]") or "127.0.0.1", int(port or 0)


def _time(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _bounded(text: str, kind: Callable[[str], float], low: float, high: float) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not from {low:g} to {high:g}")
    return value


def _code(text: str) -> int:
    return int(_bounded(text, lambda given: int(given, 0), 1, 255))


def _share(text: str) -> float:
    return _bounded(text, float, 0.0, 1.0)
