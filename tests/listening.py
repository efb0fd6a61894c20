"""On which addresses processes take connections or datagrams, as the kernel says (/proc)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

TCP_LISTENS = "0A"


class Port(NamedTuple):
    """One socket that anybody may send to. ``kind``: tcp or udp."""

    kind: str
    host: str
    port: int


def listening(pids: Iterable[int]) -> dict[int, set[Port]]:
    """By process; a process that is gone has none."""
    return {pid: _of(pid) for pid in pids}


def _of(pid: int) -> set[Port]:
    held, found = _sockets(pid), set()
    for kind in ("tcp", "udp"):
        for table in (kind, f"{kind}6"):
            for line in _lines(pid, table):
                words = line.split()
                if words[9] in held and (kind == "udp" or words[3] == TCP_LISTENS):
                    host, _, port = words[1].partition(":")
                    found.add(Port(kind, _address(host), int(port, 16)))
    return found


def _sockets(pid: int) -> set[str]:
    try:
        targets = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()]
    except OSError:
        return set()
    return {target[8:-1] for target in targets if target.startswith("socket:[")}


def _lines(pid: int, table: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]
    except OSError:
        return []


def _address(text: str) -> str:
    """The kernel writes addresses as 32-bit words of this machine's order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
