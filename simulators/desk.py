"""What an operator asks gateway and collector: the gateway's status socket, the collector's commands."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

COMMAND_S = 30.0
PROGRAM_S = 120.0
"""A program that starts on a busy machine."""
STATUS_PARTS_MAX = 1_000


class CommandFailed(Exception):
    """A command ended with an error; the message is what it said."""


async def command(module: str, *arguments: str, given: str = "") -> Any:
    """Run a command that answers in JSON, with ``given`` on its standard input. Raises CommandFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE if given else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PROGRAM_S):
            out, err = await process.communicate(given.encode() if given else None)
    except TimeoutError:
        raise CommandFailed(f"{module} {arguments[0]}: no answer within {PROGRAM_S:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = (
            err.decode(errors="replace").strip()
            or out.decode(errors="replace").strip()[:300]
            or f"it ended with {process.returncode} and said nothing"
        )
        raise CommandFailed(f"{module} {arguments[0]}: {said}")
    try:
        return json.loads(out)
    except ValueError:
        raise CommandFailed(f"{module} {arguments[0]}: the answer is no JSON: {out[:200]!r}") from None


async def add_token(cloud_file: Path, *, name: str = "simulators", role: str = "viewer") -> str:
    """A token for the collector's API; a viewer's may only read."""
    made = await command("cloud.cli", "token", "add", name, "--role", role, "--settings", str(cloud_file), "--json")
    return str(made["token"])


class GatewayDesk:
    """One running gateway, asked for its status: it answers one JSON object on a socket beside its buffer."""

    def __init__(self, buffer: Path) -> None:
        self._folder, self._name = buffer.parent, f"{buffer.name}.status"

    async def status(self) -> dict[str, Any] | None:
        """What it says of itself, or None while it cannot be asked."""
        try:
            async with asyncio.timeout(COMMAND_S):
                status = json.loads(await self._read())
        except (OSError, TimeoutError, ValueError):
            return None
        return status if isinstance(status, dict) else None

    async def _read(self) -> bytes:
        # The address of a socket has at most 107 bytes, a folder may lie deeper: go by an open folder.
        folder = os.open(self._folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{folder}/{self._name}")
        finally:
            os.close(folder)
        try:
            return await _to_the_end(reader)
        finally:
            writer.close()

    async def listens(self) -> bool:
        """True when it is connected to every broker of its devices."""
        status = await self.status()
        if status is None:
            return False
        return all(bus["state"] == "up" for bus in status["report"]["buses"] if bus["kind"] == "mqtt")

    async def backlog(self) -> int | None:
        """Batches without an ack; None while it cannot be asked or is not connected to the collector's broker."""
        status = await self.status()
        if status is None or status["session_state"] != "online":
            return None
        report = status["report"]
        underway = int(report["live_in_flight"]) + int(report["backlog_in_flight"]) + int(status["live_waiting"])
        # The newest batch stays on the disk until a newer one exists, acked or not.
        return underway + bool(status["in_memory"]) + max(0, int(report["backlog_batches"]) - underway - 1)


async def _to_the_end(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while part := await reader.read(65_536):
        parts.append(part)
        if len(parts) > STATUS_PARTS_MAX:
            raise ValueError("a status without end")
    return b"".join(parts)
