"""`dayuan-edge page`: the status page of the gateway with this site file, also when that file is wrong."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from edge.status_page import StatusPage, is_loopback
from edge.status_page_state import PageDesk
from edge.status_page_token import Gate, read_token
from protocols.clock import Clock, SystemClock

DONE, FAILED, WRONG = 0, 1, 2


def page(options: argparse.Namespace) -> int:
    """The command."""
    host, colon, port = options.listen.rpartition(":")
    host = host.strip("[]")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        print(f"page: --listen: {options.listen!r} is no address; right would be 127.0.0.1:8088", file=sys.stderr)
        return WRONG
    if not is_loopback(host) and not options.token_file:
        print(
            f"page: others would reach {host} too; name a --token-file with the token they enter by, "
            "or listen on 127.0.0.1 (and come in by ssh -L 8088:127.0.0.1:8088)",
            file=sys.stderr,
        )
        return WRONG
    token = read_token(Path(options.token_file)) if options.token_file else None
    logging.basicConfig(level="INFO", stream=sys.stderr, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    if not is_loopback(host):
        logging.getLogger("edge.page").warning("the token and the page travel in clear to whoever asks for them")
    clock = SystemClock()
    return asyncio.run(_serve(Path(options.site), host, int(port), Gate(token, clock), clock))


async def _serve(site_file: Path, host: str, port: int, gate: Gate, clock: Clock) -> int:
    served = StatusPage(PageDesk(site_file, clock), gate, clock, host=host, port=port)
    loop = asyncio.get_running_loop()
    serving = loop.create_task(served.run(), name="status-page")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    ready = loop.create_task(served.ready.wait(), name="ready")
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        shown = f"[{host}]" if ":" in host else host
        print(f"http://{shown}:{served.port}/", flush=True)
    ready.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        try:
            await serving
        except OSError as error:
            print(f"page: {host}:{port} cannot be had: {error.strerror or error}", file=sys.stderr)
            return FAILED
    return DONE
