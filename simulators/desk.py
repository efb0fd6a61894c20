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

    async def report(self) -> dict[str, Any] | None:
        """Its report on itself, or None while it cannot be asked."""
        try:
            status = await command("edge.cli", "status", str(self._site_file), "--json")
        except CommandFailed:
            return None
        report = status.get("report", status)
        return report if isinstance(report, dict) else None

    async def listens(self) -> bool:
        """True when every bus of it is up."""
        report = await self.report()
        return report is not None and all(bus["state"] == "up" for bus in report["buses"] if bus["kind"] == "mqtt")

    async def backlog(self) -> int | None:
        """Batches without an ack; None while it cannot be asked."""
        report = await self.report()
        return None if report is None else int(report["backlog_batches"])
