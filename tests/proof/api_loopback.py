"""Keeps a run on this machine: no name is looked up, and no connection leaves the loopback interface, where a webhook
finds somebody."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def only_loopback() -> Iterator[Counter[str]]:
    """Of this process. Counts by address what was refused; names as by a name server that knows none."""
    refused: Counter[str] = Counter()
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def known_only(host: Any, *others: Any, **named: Any) -> Any:
        # A name that cannot be asked for fails as it does without us: encoding it is the first thing that is done.
        name = host.encode("idna").decode() if isinstance(host, str) else (host or b"").decode("ascii")
        if host is not None and not _is_loopback(name):
            refused[name] += 1
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *others, **named)

    def to_loopback(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(str(address[0])):
            refused[str(address[0])] += 1
            raise OSError(101, "Network is unreachable")
        connect(self, address)

    socket.getaddrinfo, socket.socket.connect = known_only, to_loopback  # type: ignore[assignment, method-assign]
    try:
        yield refused
    finally:
        socket.getaddrinfo, socket.socket.connect = look_up, connect  # type: ignore[method-assign]


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(name.partition("%")[0]).is_loopback
    return False


async def take_everything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A receiver of webhooks that takes everything."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n{"errcode":0}')
    await writer.drain()
    writer.close()
