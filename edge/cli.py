"""``dayuan-edge``: find devices, check a site file, read and watch its devices, run the gateway, ask how it is."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from edge.cli_parser import build_parser
from edge.settings import Site, load_site
from protocols.errors import BadSettings

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command](options)
    except BadSettings as error:
        _print_error(error, as_json=options.json)
        return WRONG
    except BrokenPipeError:
        # The reader of our output went away; point stdout elsewhere, so that closing it does not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _check(options: argparse.Namespace) -> int:
    from edge.site_warnings import hints

    site = load_site(options.site)
    found = _warnings(site)
    other = _another_in_force(options.site)
    told = [*hints(site), *([other] if other else [])]
    if options.json:
        summary = {"ok": True, "devices": len(site.devices), "buses": len(site.buses), "config_hash": site.config_hash}
        print(json.dumps({**summary, "warnings": found, "hints": told}, ensure_ascii=False))
        return DONE
    for warning in found:
        print(f"warning: {warning}")
    for hint in told:
        print(f"hint: {hint}")
    print(f"{options.site}: good. Devices: {len(site.devices)}, buses: {len(site.buses)}.")
    return DONE


def _health(options: argparse.Namespace) -> int:
    from edge.cli_health import health

    return health(options)


def _page(options: argparse.Namespace) -> int:
    from edge.cli_page import page

    return page(options)


def _read(options: argparse.Namespace) -> int:
    from edge.cli_read import read

    return read(options)


def _run(options: argparse.Namespace) -> int:
    from edge.cli_run import run

    return run(options)


def _status(options: argparse.Namespace) -> int:
    from edge.buffer_peek import look
    from edge.status_socket import ask
    from edge.status_table import as_text, file_as_text

    site = load_site(options.site)
    try:
        snapshot = ask(site.buffer.path)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
        print(f"the gateway's status socket does not answer as it should: {error}", file=sys.stderr)
        return FAILED
    if snapshot is not None:
        print(msgspec.json.encode(snapshot).decode() if options.json else as_text(snapshot))
        return DONE
    found = look(site.buffer.path)
    if options.json:
        print(msgspec.json.encode({"running": False, "buffer": found}).decode())
    else:
        print(file_as_text(found, site.gateway.site, site.gateway.id))
    return FAILED


def _scan(options: argparse.Namespace) -> int:
    from edge.cli_scan import scan

    return scan(options)


def _support_bundle(options: argparse.Namespace) -> int:
    from edge.cli_support import support_bundle

    return support_bundle(options)


def _card_key(options: argparse.Namespace) -> int:
    from edge.cli_card_key import card_key

    return card_key(options)


def _enrol(options: argparse.Namespace) -> int:
    from edge.cli_enrol import enrol_gateway

    return enrol_gateway(options)


def _watch(options: argparse.Namespace) -> int:
    from edge.cli_watch import watch

    return watch(options)


def _write(options: argparse.Namespace) -> int:
    from edge.cli_write import write

    return write(options)


def _warnings(site: Site) -> list[str]:
    from edge.site_warnings import warnings

    return warnings(site)


def _another_in_force(path: str) -> str:
    """What is to be said when the gateway runs another file than this; "" when it runs this one."""
    from edge.cli_in_force import other_than_the_box
    from edge.config_start import boot_id, look
    from protocols.clock import SystemClock

    said = other_than_the_box(look(Path(path), SystemClock(), boot_id()))
    return f"{said}; an edit of this file takes its place" if said else ""


def _print_error(error: BadSettings, *, as_json: bool) -> None:
    if as_json:
        fields = {"file": error.file, "line": error.line, "key": error.key, "allowed": error.allowed}
        print(json.dumps({"ok": False, "error": error.message, **fields}, ensure_ascii=False))
    else:
        print(error, file=sys.stderr)


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "check": _check,
    "health": _health,
    "page": _page,
    "enrol": _enrol,
    "card-key": _card_key,
    "read": _read,
    "run": _run,
    "scan": _scan,
    "status": _status,
    "support-bundle": _support_bundle,
    "watch": _watch,
    "write": _write,
}


if __name__ == "__main__":
    sys.exit(main())
