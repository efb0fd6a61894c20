"""The demo's MQTT broker: mosquitto where it is installed, else the embedded one. Loopback only, nobody anonymous.

Every account has its own password in a file that only we may read, and may use only the topics that its part needs.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from protocols.clock import Clock
from simulators.child import Child
from simulators.wires.mqtt import BrokerAccount

READY_S = 10.0
_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@dataclass(frozen=True)
class Account:
    """A user of the broker and the topic filters it may publish to and subscribe to."""

    name: str
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


class Broker:
    """Writes the configuration on construction's ``prepare``, then runs as a child that can be killed and started."""

    def __init__(self, directory: Path, *, port: int, accounts: tuple[Account, ...], embedded: bool = False) -> None:
        self.directory, self.port = directory, port
        self._accounts = accounts
        self._program = None if embedded else shutil.which("mosquitto", path=_SEARCH)
        self._hasher = shutil.which("mosquitto_passwd", path=_SEARCH)
        self.embedded = self._program is None or self._hasher is None
        self.child = Child("broker", self._argv(), log=directory / "broker.log")
        self.emptied_at: list[int] = []
        """When it had to start without what waited in it, ms: a kill in the middle of a write damaged its file."""

    @property
    def software(self) -> str:
        return "amqtt (embedded)" if self.embedded else "mosquitto"

    def account(self, name: str) -> BrokerAccount:
        """How to connect as ``name``; raises KeyError for a name that is no account."""
        if name not in {account.name for account in self._accounts}:
            raise KeyError(name)
        return BrokerAccount(
            host="127.0.0.1", port=self.port, username=name, password_file=self.directory / "secrets" / name
        )

    def prepare(self) -> None:
        """Write configuration, access rules and passwords. Passwords of a former start are kept."""
        folder = self.directory / "secrets"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.directory.chmod(0o700)
        passwords: dict[str, str] = {}
        for account in self._accounts:
            file = folder / account.name
            if not file.exists():
                write_private(file, secrets.token_urlsafe(24) + "\n")
            passwords[account.name] = file.read_text(encoding="utf-8").strip()
        if self.embedded:
            self._prepare_embedded()
        else:
            self._prepare_mosquitto(passwords)

    async def start(self, clock: Clock) -> None:
        """Start and wait until it accepts connections. Raises RuntimeError with the log's end when it does not.

        A mosquitto that finds its database damaged does not start at all: the file is set aside, and it starts empty.
        """
        await self.child.start()
        if await self._ready(clock):
            return
        database = self.directory / "mosquitto.db"
        if database.exists() and not self.child.running:
            self.emptied_at.append(clock.now_ms())
            database.replace(self.directory / f"mosquitto.db.damaged-{self.emptied_at[-1]}")
            await self.child.start()
            if await self._ready(clock):
                return
        ending = "\n  ".join(self.child.last_lines())
        await self.child.kill()
        raise RuntimeError(f"the broker does not start; the end of {self.child.log}:\n  {ending}")

    async def _ready(self, clock: Clock) -> bool:
        deadline = clock.monotonic() + READY_S
        while clock.monotonic() < deadline and self.child.running:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.settimeout(0.5)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return True
            await clock.sleep(0.05)
        return False

    def _argv(self) -> list[str]:
        if self._program is None or self.embedded:
            return [sys.executable, "-m", "simulators.broker_embedded", str(self.directory / "embedded.json")]
        return [self._program, "-c", str(self.directory / "mosquitto.conf")]

    def _prepare_embedded(self) -> None:
        accounts = {
            account.name: {
                "password_file": str(self.directory / "secrets" / account.name),
                "publish": list(account.publish),
                "subscribe": list(account.subscribe),
            }
            for account in self._accounts
        }
        write_private(self.directory / "embedded.json", json.dumps({"port": self.port, "accounts": accounts}, indent=1))

    def _prepare_mosquitto(self, passwords: dict[str, str]) -> None:
        assert self._hasher is not None
        hashed = self.directory / "passwords"
        write_private(hashed, "".join(f"{name}:{password}\n" for name, password in passwords.items()))
        subprocess.run([self._hasher, "-U", str(hashed)], check=True, capture_output=True)
        hashed.chmod(0o600)
        rules: list[str] = []
        for account in self._accounts:
            rules.append(f"user {account.name}")
            rules += [f"topic write {topic}" for topic in account.publish]
            rules += [f"topic read {topic}" for topic in account.subscribe]
            rules.append("")
        write_private(self.directory / "access", "\n".join(rules))
        write_private(self.directory / "mosquitto.conf", self._mosquitto_conf())

    def _mosquitto_conf(self) -> str:
        # mosquitto started by root gives up its rights and could then not read our private files.
        user = "user root\n" if os.geteuid() == 0 else ""
        return f"""# Written by dayuan-sim at every start; changes are lost.
{user}listener {self.port} 127.0.0.1
allow_anonymous false
password_file {self.directory}/passwords
acl_file {self.directory}/access
# Queued messages and retained ones survive the broker: the file is written after every change.
persistence true
persistence_location {self.directory}/
autosave_on_changes true
autosave_interval 1
# The default of 1000 queued messages drops what the publisher was told is received.
max_queued_messages 0
max_queued_bytes 268435456
max_inflight_messages 100
max_keepalive 300
max_packet_size 2097152
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
connection_messages false
"""


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step: no moment with other rights, no half file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
