"""The unix socket beside the buffer through which `dayuan-edge status` asks a running gateway. Mode 0600.

Whoever connects gets one JSON object and the end of the stream; nothing is read from the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge import local_socket
from edge.status import Snapshot

log = logging.getLogger(__name__)

ANSWER_S = 3.0
ANSWER_BYTES_MAX = 16 * 1024 * 1024


def socket_path(buffer_path: Path) -> Path:
    """Where the socket of the gateway with this buffer lies."""
    return buffer_path.with_name(buffer_path.name + ".status")


class StatusSocket:
    """Serves a snapshot of something while the gateway runs. The lock of the buffer keeps other gateways from here."""

    def __init__(self, path: Path, snapshot: Callable[[], object]) -> None:
        self._path = path
        self._snapshot = snapshot
        self._encoder = msgspec.json.Encoder()

    async def run(self) -> None:
        """Serve until cancelled. A socket that cannot be made costs only the status command, so it is logged."""
        try:
            listener = local_socket.listen(self._path)
        except OSError as error:
            log.warning("no status socket at %s: %s", self._path, error)
            return
        server = await asyncio.start_unix_server(self._answer, sock=listener)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                writer.write(self._encoder.encode(self._snapshot()))
                await writer.drain()
        except (OSError, TimeoutError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def ask(buffer_path: Path) -> Snapshot | None:
    """The snapshot of the gateway that runs with this buffer; None when none does. Raises OSError, msgspec's errors."""
    asking = local_socket.connect(socket_path(buffer_path), ANSWER_S)
    if asking is None:
        return None
    with asking:
        return msgspec.json.decode(local_socket.receive(asking, ANSWER_BYTES_MAX), type=Snapshot)
