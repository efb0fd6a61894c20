"""The commands of gateway and collector, used as an operator would use them."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

COMMAND_S = 20.0


class CommandFailed(Exception):
    """A command ended with an error; the message is what it said."""


async def command(module: str, *arguments: str) -> Any:
    """Run a command that answers in JSON. Raises CommandFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(COMMAND_S):
            out, err = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CommandFailed(f"{module} {arguments[0]}: no answer within {COMMAND_S:g} s") from None
    if process.returncode != 0:
        raise CommandFailed(f"{module} {arguments[0]}: {err.decode(errors='replace').strip()}")
    try:
        return json.loads(out)
    except ValueError:
        raise CommandFailed(f"{module} {arguments[0]}: the answer is no JSON: {out[:200]!r}") from None


async def add_token(cloud_file: Path) -> str:
    """A token to read the collector's API with."""
    made = await command(
        "cloud.cli", "token", "add", "simulators", "--role", "viewer", "--settings", str(cloud_file), "--json"
    )
    return str(made["token"])


class GatewayDesk:
    """One running gateway, asked for its status."""

    def __init__(self, site_file: Path) -> None:
        self._site_file = site_file

    async def status(self) -> dict[str, Any] | None:
        """What it says of itself, or None while it cannot be asked."""
        try:
            status = await command("edge.cli", "status", str(self._site_file), "--json")
        except CommandFailed:
            return None
        return status if isinstance(status, dict) else None

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
