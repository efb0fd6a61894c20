"""`dayuan-edge health`: wait until the running gateway is a healthy one, and say by the exit code whether it is."""

from __future__ import annotations

import argparse
import asyncio
import sys

import msgspec

from edge.commissioning.scan_target import BadTarget, seconds
from edge.health import wait_for_health
from edge.settings import load_site
from protocols.clock import SystemClock

DONE, FAILED, WRONG = 0, 1, 2


def health(options: argparse.Namespace) -> int:
    """The command."""
    try:
        within_s = seconds(options.within, "--within", 0.0, 3600.0)
    except BadTarget as error:
        print(f"health: {error}", file=sys.stderr)
        return WRONG
    site = load_site(options.site)
    found = asyncio.run(
        wait_for_health(site.buffer.path, SystemClock(), within_s=within_s or 0.0, needs_link=options.online)
    )
    if options.json:
        print(msgspec.json.encode(found).decode())
    elif found.healthy:
        link = "online" if found.online else "not online"
        print(f"healthy: pid {found.pid}, {found.software}, {link}")
    else:
        for reason in found.reasons:
            print(f"not healthy: {reason}")
    return DONE if found.healthy else FAILED
