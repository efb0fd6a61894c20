"""``dayuan-cloud size``: what machines a fleet of gateways needs. Reads no settings and starts nothing."""

from __future__ import annotations

import argparse
import json

from cloud.sizing import MEASURED, Fleet, size, warnings
from protocols.errors import BadSettings
from protocols.settings import duration

Commands = argparse._SubParsersAction  # argparse has no public name for it
DONE = 0


def add_size(commands: Commands[argparse.ArgumentParser]) -> None:
    """Add it to the command line."""
    parser = commands.add_parser("size", help="what machines a fleet of gateways needs; see docs/SIZING.md")
    parser.add_argument("--gateways", type=int, default=100, metavar="N", help="how many (else 100)")
    parser.add_argument("--devices", type=int, default=20, metavar="N", help="of each gateway (else 20)")
    parser.add_argument("--points", type=int, default=10, metavar="N", help="of each device (else 10)")
    parser.add_argument("--every", metavar="TIME", default="10s", help="how often a point is read (else 10s)")
    parser.add_argument("--flush", metavar="TIME", default="10s", help="how often gateways seal a batch (else 10s)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(work=_size)


def _size(options: argparse.Namespace) -> int:
    fleet = Fleet(
        gateways=options.gateways,
        devices=options.devices,
        points=options.points,
        every_s=_seconds("--every", options.every),
        flush_s=_seconds("--flush", options.flush),
    )
    try:
        rows = size(fleet, MEASURED)
    except ValueError as error:
        raise BadSettings(str(error), file="command line") from None
    found = warnings(fleet, MEASURED)
    if options.json:
        print(json.dumps({"rows": [row._asdict() for row in rows], "warnings": found}))
        return DONE
    width = max(len(row.name) for row in rows)
    wide = max(len(row.value) for row in rows)
    for row in rows:
        print(f"{row.name:{width}}  {row.value:>{wide}}  {row.origin}")
    for text in found:
        print(f"warning: {text}")
    return DONE


def _seconds(option: str, text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise BadSettings(str(error), file="command line", key=option) from None
