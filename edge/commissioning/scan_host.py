"""Scanning what is reached by TCP: meters, and gateways with a serial line behind them. Reads only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from edge.bus import Bus
from edge.commissioning.scan_target import Host
from edge.commissioning.scan_unit import Asking, FoundUnit, Heard, name, probe, told
from edge.settings import BusSettings
from edge.site_file import BusKind
from edge.status_table import span
from protocols.errors import WireLost

HOSTS_AT_ONCE = 16
CONNECT_S = 1.5
PATIENCE_S = 3.0
"""For the first unit that does not answer: how long this gateway takes to say no is learned from it."""
TIMEOUT_S = 1.0
BLIND_TO_UNITS = (247, 246)
"""Who answers for these, and for all units asked before, does not look at the unit id."""
BLIND_AFTER = 3


class HostScan:
    """Hosts in parallel, one connection to each. ``found`` and ``notes`` are good at any time."""

    def __init__(self, hosts: Sequence[Host], asking: Asking, *, kind: BusKind = "modbus-tcp") -> None:
        self._hosts, self._asking, self._kind = tuple(hosts), asking, kind
        self._places = asyncio.Semaphore(HOSTS_AT_ONCE)
        self.found: list[FoundUnit] = []
        self.notes: list[str] = []

    def plan(self) -> str:
        """What will be asked and how long it may take, said before the first question."""
        count = len(self._asking.units)
        one = span(count * self._worth_s)
        if len(self._hosts) == 1:
            first = f"{self._hosts[0]}: {count} unit ids, at most {one} when most of them are not there."
        else:
            empty = span(-(-len(self._hosts) // HOSTS_AT_ONCE) * CONNECT_S)
            first = (
                f"{self._hosts[0]} to {self._hosts[-1]}: {len(self._hosts)} hosts, {HOSTS_AT_ONCE} at a time; {empty} "
                f"to see who is there, then {count} unit ids on each, at most {one} a host."
            )
        return f"{first}\nNothing is written to any device."

    @property
    def _worth_s(self) -> float:
        return self._asking.timeout_s or TIMEOUT_S

    async def run(self) -> None:
        """Find and name."""
        waves = -(-len(self._hosts) // HOSTS_AT_ONCE)
        self._asking.progress.expect(waves * len(self._asking.units) * self._worth_s)
        scans = [_OneHost(host, self._kind, self._asking, self.found, self.notes) for host in self._hosts]
        async with asyncio.TaskGroup() as group:
            for scan in scans:
                group.create_task(self._one(scan), name=f"scan[{scan.host}]")
        if not any(scan.connected for scan in scans) and len(scans) > 1:
            self.notes.append("no host takes a connection. Check the addresses, the port (502?) and the network")

    async def _one(self, scan: _OneHost) -> None:
        async with self._places:
            try:
                await scan.run()
            except WireLost as error:
                if scan.connected or len(self._hosts) == 1:
                    self.notes.append(str(error))


class _OneHost:
    """One host's part of a scan; what it finds goes to ``found`` at once."""

    def __init__(self, host: Host, kind: BusKind, asking: Asking, found: list[FoundUnit], notes: list[str]) -> None:
        self.host, self._kind, self._asking = host, kind, asking
        self._found, self._notes = found, notes
        self._timeout_s = asking.timeout_s or PATIENCE_S
        self._learned = asking.timeout_s is not None
        self._heard: list[tuple[FoundUnit, Heard]] = []
        self.connected = False

    async def run(self) -> None:
        """Find and name. Raises WireLost when the host cannot be reached."""
        bus = self._bus()
        try:
            for place, unit in enumerate(self._asking.units):
                heard = await self._ask(bus, unit)
                if heard is not None:
                    self._hears(unit, heard)
                elif not self._learned:
                    bus.close()
                    bus = self._bus_after_learning()
                if len(self._heard) == place + 1 == BLIND_AFTER and await self._is_blind(bus):
                    break
            if not self._heard:
                self._notes.append(_nothing(self.host, self._kind))
            for found, heard in self._heard:
                await name(bus, found, heard.good, self._asking)
                self._asking.progress.says(f"{self.host}:{told(found)}")
        finally:
            bus.close()

    def _bus(self) -> Bus:
        return self._asking.bus(self._settings(self._timeout_s))

    def _settings(self, timeout_s: float) -> BusSettings:
        host, port = self.host
        return BusSettings(name="tcp", kind=self._kind, timeout_s=timeout_s, host=host, tcp_port=port)

    def _bus_after_learning(self) -> Bus:
        """A bus that waits as long as this host needs to say that a unit is not there."""
        took_s = self._asking.clock.monotonic() - self._asked_at
        self._learned = True
        self._timeout_s = TIMEOUT_S if took_s > 0.9 * PATIENCE_S else max(TIMEOUT_S, 1.5 * took_s)
        return self._bus()

    async def _ask(self, bus: Bus, unit: int) -> Heard | None:
        progress = self._asking.progress
        progress.tries(f"{self.host}, unit {unit}", self._asking.timeout_s or TIMEOUT_S)
        self._asked_at = self._asking.clock.monotonic()
        if self.connected:
            return await probe(bus, unit, self._asking)
        asking = asyncio.create_task(probe(bus, unit, self._asking, line_tries=1), name=f"first[{self.host}]")
        try:
            await asyncio.wait({asking}, timeout=CONNECT_S)
            if not asking.done() and bus.report().state != "up":
                raise WireLost(f"{self.host}: no connection within {CONNECT_S:g} s")
            heard = await asking
        finally:
            asking.cancel()
        self.connected = True
        return heard

    def _hears(self, unit: int, heard: Heard) -> None:
        if heard.good is None:
            self._notes.append(f"{self.host}: bytes came when unit {unit} was asked, but {heard.how}. {_OTHER_FRAMES}")
            return
        found = FoundUnit(bus=self._settings(TIMEOUT_S), where=str(self.host), unit=unit, how=heard.how)
        self._heard.append((found, heard))
        self._found.append(found)
        self._asking.progress.finds(f"{self.host}: unit {unit} {heard.how}")

    async def _is_blind(self, bus: Bus) -> bool:
        """True when the host answers for every unit id; only its first unit is kept then."""
        for unit in BLIND_TO_UNITS:
            if await self._ask(bus, unit) is None:
                return False
        for found, _ in self._heard[1:]:
            self._found.remove(found)
        del self._heard[1:]
        only = self._heard[0][0]
        self._notes.append(f"{self.host} answers to every unit id: one device; it is listed as unit {only.unit}")
        return True


_OTHER_FRAMES = "If this is a serial server that passes RTU frames on, scan it with --rtu-over-tcp"


def _nothing(host: Host, kind: BusKind) -> str:
    other = (
        "if it is a serial server that passes RTU frames on, scan with --rtu-over-tcp"
        if kind == "modbus-tcp"
        else "if it speaks Modbus TCP, scan without --rtu-over-tcp"
    )
    return f"{host} takes the connection, but no unit answers; {other}; else try --units 0-255 and --timeout 3"
