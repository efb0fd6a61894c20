"""A group whose collectors and gateways show certificates to the broker, which are taken back and given again."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from cloud.identity.authority import Authority
from protocols.clock import SystemClock
from simulators.child import Child
from simulators.wires.mqtt import BrokerAccount
from tests.cloud.identity.tls_broker import TlsBroker
from tests.edge.mosquitto import Mosquitto
from tests.proof.group_fleet import SITE
from tests.proof.group_site import CLI, CONNECTED, READY_S, GroupSite

LOST = "no connection to the broker"


class SealedSite(GroupSite):
    """As `GroupSite`, with mutual TLS and mosquitto's access list as the project writes them."""

    def __init__(self, work: Path, members: int) -> None:
        self._authority = Authority(work / "data" / "identity", SystemClock())
        super().__init__(work, members)
        files = work / "broker"
        self.broker_table = f"""url = "mqtts://localhost:{self.broker.port}"
own_certificate = true
files = "{files}\""""

    def _broker(self) -> Mosquitto:
        (self._work / "data").mkdir(exist_ok=True)
        return TlsBroker(self._work, self._authority)

    def account(self, gateway: str) -> BrokerAccount:
        made = self._authority.issue_client(f"{SITE}/{gateway}")
        path = self._work / f"{gateway}.pem"
        path.write_bytes(made.key + made.certificate.pem)
        ca_file = self._authority.folder / "ca.pem"
        return BrokerAccount(host="localhost", port=self.broker.port, ca_file=ca_file, pair_file=path)

    async def let_in(self, name: str) -> None:
        await self._typed("member", "add", name)

    async def revoke_and_let_in(self, child: Child) -> None:
        """It loses its certificate and its session, and gets the next one while it runs."""
        connected = self._count(child, CONNECTED)
        lost = self._count(child, LOST)
        await self._typed("member", "revoke", child.name, "--reason", "proof")
        await self._until(child, LOST, lost)
        await self._typed("member", "add", child.name)
        await self._until(child, CONNECTED, connected)

    async def _until(self, child: Child, text: str, before: int) -> None:
        until = self.clock.monotonic() + READY_S
        while self._count(child, text) <= before:
            assert child.running, f"{child.name} ended: {child.last_lines()}"
            assert self.clock.monotonic() < until, f"{child.name}: no {text!r}: {child.last_lines()}"
            await self.clock.sleep(0.1)

    @staticmethod
    def _count(child: Child, text: str) -> int:
        return child.log.read_text(errors="replace").count(text)

    async def _typed(self, *words: str) -> None:
        argv = [*CLI, *words, "--settings", str(self.settings)]
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout} {done.stderr}"
