"""The unix socket beside the buffer through which a running gateway is given commands. Mode 0600.

Whoever connects sends one JSON object on one line (`edge.commands.Command`) and gets one on one line:
``{"ok": true | false | null, "detail": "...", "value": number | null}``; null: nobody knows whether it was done.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from edge import local_socket
from edge.commands import Command, CommandOutcome

log = logging.getLogger(__name__)

ASK_S = 3.0
LINE_BYTES_MAX = 4096
ANSWER_S = 60.0
"""A command waits for an exchange in progress, and for every timeout of the bus it runs into."""
ANSWER_BYTES_MAX = 65536


def socket_path(buffer_path: Path) -> Path:
    """Where the socket of the gateway with this buffer lies."""
    return buffer_path.with_name(buffer_path.name + ".command")


class CommandSocket:
    """Takes commands while the gateway runs."""

    def __init__(self, path: Path, obey: Callable[[Command], Awaitable[CommandOutcome]]) -> None:
        self._path, self._obey = path, obey

    async def run(self) -> None:
        """Serve until cancelled. Without its socket the gateway works and takes no commands, so that is logged."""
        try:
            listener = local_socket.listen(self._path)
        except OSError as error:
            log.warning("no command socket at %s: %s", self._path, error)
            return
        server = await asyncio.start_unix_server(self._answer, sock=listener, limit=LINE_BYTES_MAX)
        try:
            async with server:
                await server.serve_forever()
        finally:
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ASK_S):
                line = await reader.readline()
            # The command is carried out to its end even when whoever gave it has left.
            answer = await self._outcome(line)
            async with asyncio.timeout(ASK_S):
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (OSError, TimeoutError, ValueError):  # ValueError: a line without end
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _outcome(self, line: bytes) -> dict[str, Any]:
        try:
            command = msgspec.json.decode(line, type=Command)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return {"ok": False, "detail": f"not a command: {error}", "value": None}
        outcome = await self._obey(command)
        return {"ok": outcome.ok, "detail": outcome.detail, "value": outcome.value}


def send_command(buffer_path: Path, command: Command) -> dict[str, Any] | None:
    """Give ``command`` to the gateway that runs with this buffer and wait for what it says.

    None when no gateway runs. Raises OSError; after that nobody knows whether the command was carried out.
    """
    asking = local_socket.connect(socket_path(buffer_path), ANSWER_S)
    if asking is None:
        return None
    with asking:
        asking.sendall(msgspec.json.encode(command) + b"\n")
        received = local_socket.receive(asking, ANSWER_BYTES_MAX)
    try:
        answer: dict[str, Any] = msgspec.json.decode(received, type=dict[str, Any])
    except msgspec.DecodeError:
        raise OSError("the gateway ended before it said what became of the command") from None
    return answer
