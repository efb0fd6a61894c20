"""The unix socket in the data folder of running devices, through which `dayuan-sim fault` breaks and mends them.

Mode 0600. One JSON line in, one JSON line out: ``{"device", "kind", "delay_s", ...}`` (``kind`` "" mends, ``device``
"" asks what there is), and ``{"ok", "detail", "devices"}``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from protocols.clock import Clock
from simulators.devices.mqtt.misbehaviour import MQTT_KINDS
from simulators.faults import KINDS, Fault, kind_of, nearest
from simulators.hardware import Hardware

NAME = "faults.sock"
LINE_MAX = 64 * 1024
ANSWER_S = 5.0


class FaultSocket:
    """Serves while the devices run."""

    def __init__(self, folder: Path, hardware: Hardware, clock: Clock, told: Callable[[str], None]) -> None:
        self._folder, self._hardware, self._clock, self._told = folder, hardware, clock, told
        self._mending: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        path = self._folder / NAME
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            with _reachable(self._folder) as short:
                listener.bind(str(short / NAME))
        finally:
            os.umask(before)
        server = await asyncio.start_unix_server(self._serve, sock=listener, limit=LINE_MAX)
        try:
            async with server:
                await server.serve_forever()
        finally:
            path.unlink(missing_ok=True)
            for task in self._mending.values():
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                try:
                    answer = self._answer(read_request(await reader.readline()))
                except ValueError as error:
                    answer = {"ok": False, "detail": str(error), "devices": sorted(self._hardware.breakable)}
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        writer.close()

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        device, kind = str(asked.get("device", "")), str(asked.get("kind", ""))
        devices = sorted(self._hardware.breakable)
        if device not in devices:
            told = f"no device {device!r}; there are: {', '.join(devices)}"
            return {"ok": False, "detail": told, "devices": devices}
        running = self._mending.pop(device, None)
        if running is not None:
            running.cancel()
        if not kind:
            self._hardware.mend_device(device)
            self._told(f"{device} behaves again")
            return {"ok": True, "detail": f"{device} behaves again", "devices": devices}
        wrong = unknown_kind(kind, MQTT_KINDS)
        if wrong:
            return {"ok": False, "detail": wrong, "devices": devices}
        fault = Fault(
            kind,
            _number(asked, "delay_s", 2.0),
            int(_number(asked, "code", 4)),
            _number(asked, "share", 1.0),
            _number(asked, "offset_s", 0.0),
        )
        for_s = _number(asked, "for_s", 0.0)
        try:
            self._hardware.break_device(device, fault)
        except (KeyError, ValueError) as error:
            return {"ok": False, "detail": str(error), "devices": devices}
        if for_s:
            self._mending[device] = asyncio.create_task(self._mend_later(device, for_s), name=f"mend[{device}]")
        detail = f"{device}: {kind}" + (f" for {for_s:g} s" if for_s else "")
        self._told(detail)
        return {"ok": True, "detail": detail, "devices": devices}

    async def _mend_later(self, device: str, for_s: float) -> None:
        await self._clock.sleep(for_s)
        self._hardware.mend_device(device)
        self._told(f"{device} behaves again")


def read_request(line: bytes) -> dict[str, Any]:
    """One request. Raises ValueError that says what is wrong with it."""
    try:
        asked = json.loads(line)
    except RecursionError:
        raise ValueError("the request is nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"the request is no JSON: {error}") from None
    if not isinstance(asked, dict):
        raise ValueError(f"a request is a JSON object, not {type(asked).__name__}")
    return asked


def _number(asked: dict[str, Any], name: str, default: float) -> float:
    given = asked.get(name, default)
    if not isinstance(given, int | float) or not -1e9 < given < 1e9:
        raise ValueError(f"{name} is to be a number, not {str(given)[:40]!r}")
    return float(given)


def ask(folder: Path, request: dict[str, Any]) -> dict[str, Any] | None:
    """Ask the devices that run in ``folder``; None when none do. Raises OSError when they do not answer."""
    if not folder.is_dir():
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(ANSWER_S)
        try:
            with _reachable(folder) as short:
                asking.connect(str(short / NAME))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        asking.sendall(json.dumps(request).encode() + b"\n")
        with asking.makefile("rb") as lines:
            answer = json.loads(lines.readline() or b"{}")
    return answer if isinstance(answer, dict) else {}


@contextlib.contextmanager
def _reachable(folder: Path) -> Iterator[Path]:
    """A short name for a folder while it is open: the address of a unix socket may have only 107 bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def unknown_kind(kind: str, others: tuple[str, ...] = ()) -> str:
    """What to tell somebody who asked for a fault that there is not; "" when there is."""
    if kind_of(kind) or kind in others:
        return ""
    return f"{kind!r} is no fault; {nearest(kind)}There are: {', '.join(dict.fromkeys((*KINDS, *others)))}"
