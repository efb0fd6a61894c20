"""``dayuan-edge run``: the gateway until Ctrl-C or SIGTERM, begun anew in place when another site file is to run."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
import sys
from pathlib import Path

from edge.config_start import InForce, begin, boot_id
from edge.contract import FailPoint
from edge.failpoint import VARIABLE, armed
from edge.gateway import Gateway
from edge.notify import Notify
from edge.progress import Progress
from edge.service import serve
from edge.settings import load_site
from edge.site_warnings import warnings
from protocols.alive import alive
from protocols.clock import Clock, SystemClock
from protocols.data_owner import become_owner
from protocols.no_core import keep_memory_private
from protocols.settled_memory import settled_memory

log = logging.getLogger(__name__)

DONE, INTERRUPTED = 0, 130


def run(options: argparse.Namespace) -> int:
    """The command."""
    logging.basicConfig(
        level=options.log.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s"
    )
    keep_memory_private()
    if os.geteuid() == 0:
        buffer = load_site(options.site).buffer.path
        become_owner(buffer.parent, buffer)
    clock, fail_point, boot = SystemClock(), armed(os.environ.get(VARIABLE)), boot_id()
    while True:
        in_force = begin(Path(options.site), clock, boot, fail_point)
        for warning in warnings(in_force.site):
            logging.getLogger("edge.site").warning("%s", warning)
        if in_force.source != "box":
            log.info("runs revision %d of the collector%s", in_force.revision, ", on trial" if in_force.trying else "")
        try:
            if not asyncio.run(alive(_run_gateway(in_force, clock, fail_point, boot), clock)):
                return DONE
        except Exception:  # task top: a site file on trial must not end the process; it is counted and taken back
            if not in_force.trying:
                raise
            log.exception("the gateway failed with a site file on trial, and begins anew")


async def _run_gateway(in_force: InForce, clock: Clock, fail_point: FailPoint, boot: str) -> bool:
    """One life; True when another one is to begin."""
    gateway = Gateway(
        in_force.site, clock=clock, rng=random.Random(), fail_point=fail_point, boot=boot, in_force=in_force
    )
    loop = asyncio.get_running_loop()
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals > 1:
            # What is committed is safe; the rest was asked to be given up.
            os._exit(INTERRUPTED)
        gateway.begins_again = False
        gateway.close()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    notify, progress = Notify(os.environ, os.getpid()), Progress(in_force.site)
    with settled_memory():
        await serve(gateway.run, gateway, progress, notify, clock, lambda: gateway.begins_again)
    return gateway.begins_again
