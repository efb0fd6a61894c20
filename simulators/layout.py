"""Where everything of a simulated compound lies in its folder, and the lock that only one process holds."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
from pathlib import Path
from typing import Any

from protocols.clock import Clock
from simulators.broker import write_private

LEFTOVER_S = 6.0


class FolderInUse(Exception):
    """Another process runs the compound of this folder."""


class Layout:
    """Paths below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.state_file = self.root / "state.json"
        self.children_file = self.root / "children.json"
        self.ledger = self.root / "ledger.db"
        self.broker = self.root / "broker"
        self.collector = self.root / "collector"
        self.cloud_file = self.root / "cloud.toml"
        self.logs = self.root / "logs"
        self.token_file = self.root / "api-token"
        self.sample_mark = self.root / "sample-site"
        self.doors_mark = self.root / "door-people"
        self.card_key = self.root / "card.key"
        self._lock: int | None = None

    def site_file(self, gateway: str) -> Path:
        return self.root / "sites" / f"{gateway}.toml"

    def gateway(self, gateway: str) -> Path:
        return self.root / "gateways" / gateway

    def buffer(self, gateway: str) -> Path:
        return self.gateway(gateway) / "buffer.db"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def card_secret(self) -> bytes:
        """What the gateways of this compound make keys of cards with."""
        return bytes.fromhex(self.card_key.read_text(encoding="ascii").strip())

    def lock(self) -> None:
        """Take the folder, or raise FolderInUse. The kernel lets go of it when we end, however that is."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            os.close(descriptor)
            raise FolderInUse(f"{self.root} is in use by process {holder or 'unknown'}") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        self._lock = descriptor

    @property
    def locked(self) -> bool:
        """True while this folder is ours."""
        return self._lock is not None

    def unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def state(self) -> dict[str, Any]:
        """What is kept from one start to the next: seed, origin of the meters, ports."""
        try:
            kept = json.loads(self.state_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def keep(self, state: dict[str, Any]) -> None:
        write_private(self.state_file, json.dumps(state, indent=1))

    def note_children(self, pids: dict[str, int]) -> None:
        """Remember who was started, so that the next start finds what a killed one left behind."""
        write_private(self.children_file, json.dumps(pids))

    async def end_leftovers(self, clock: Clock) -> list[str]:
        """End children of a former start that still run (they belong to this folder: their command line names it)."""
        try:
            noted = json.loads(self.children_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        left = {name: int(pid) for name, pid in noted.items() if self._is_ours(int(pid))}
        for pid in left.values():
            _send(pid, signal.SIGTERM)
        deadline = clock.monotonic() + LEFTOVER_S
        while any(self._is_ours(pid) for pid in left.values()) and clock.monotonic() < deadline:
            await clock.sleep(0.1)
        for pid in left.values():
            if self._is_ours(pid):
                _send(pid, signal.SIGKILL)
        self.children_file.unlink(missing_ok=True)
        return sorted(left)

    def _is_ours(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return os.fsencode(self.root) + b"/" in command


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
