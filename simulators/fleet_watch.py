"""What a load costs those who carry it: CPU time and memory of processes, and what folders grow by. From /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from protocols.errors import BadSettings

_TICKS = os.sysconf("SC_CLK_TCK")


class Spent(NamedTuple):
    """Of one process since the watch began: seconds of CPU, and its memory now in bytes."""

    cpu_s: float
    rss_bytes: int


@dataclass
class Watch:
    """``processes``: name -> pid, its children count with it; ``folders``: name -> folder. ``begin`` first."""

    processes: dict[str, int] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    _cpu: dict[str, float] = field(default_factory=dict)
    _bytes: dict[str, int] = field(default_factory=dict)

    def begin(self) -> None:
        """Note how things are. Raises BadSettings for a process that is not there."""
        for name, pid in self.processes.items():
            if not Path(f"/proc/{pid}").exists():
                raise BadSettings(f"there is no process {pid}", file="command line", key=f"--watch {name}={pid}")
            self._cpu[name] = _cpu_s(pid)
        self._bytes = {name: _size(folder) for name, folder in self.folders.items()}

    def spent(self) -> dict[str, Spent]:
        """By name; a process that is gone by now spent nothing that could be told."""
        found = {}
        for name, pid in self.processes.items():
            if Path(f"/proc/{pid}").exists():
                found[name] = Spent(_cpu_s(pid) - self._cpu[name], _rss(pid))
        return found

    def grown(self) -> dict[str, int]:
        """By name of the folder, bytes on disk."""
        return {name: _size(folder) - self._bytes[name] for name, folder in self.folders.items()}


def parse_named(text: str) -> tuple[str, str]:
    """``name=value``. Raises ValueError."""
    name, equals, value = text.partition("=")
    if not name or not equals or not value:
        raise ValueError(f"{text!r} is no NAME=VALUE")
    return name, value


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            children = Path(f"/proc/{one}/task/{one}/children").read_text("ascii").split()
        except OSError:
            continue
        found += [int(child) for child in children]
    return found


def _cpu_s(pid: int) -> float:
    ticks = 0
    for one in _family(pid):
        try:
            fields = Path(f"/proc/{one}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(fields[place]) for place in (11, 12, 13, 14))  # its own, and of children that ended
    return ticks / _TICKS


def _rss(pid: int) -> int:
    pages = 0
    for one in _family(pid):
        try:
            pages += int(Path(f"/proc/{one}/statm").read_text("ascii").split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512 if path.is_file() else 0
        except OSError:
            continue  # gone meanwhile
    return total
