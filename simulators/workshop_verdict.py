"""The verdict on a test: what devices gave their gateways against what the collector stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from simulators.ledger import Ledger, Published, ServedValue
from simulators.rules import seconds
from simulators.verify import Verdict, verify
from simulators.workshop import NotInTime, Workshop
from simulators.workshop_collector import RunningCollector
from simulators.workshop_gateway import RunningGateway
from simulators.workshop_hardware import SimulatedHardware

SETTLE_S = 0.3


class PartOfLedger(Ledger):
    """What gateways had to keep of a ledger: of their devices, since they could hear them. A test may have other
    devices, and may itself read a meter before a gateway does."""

    def __init__(self, path: Path, asked_from: Mapping[str, int], told_from: Mapping[str, int]) -> None:
        super().__init__(path)
        self._asked_from, self._told_from = asked_from, told_from

    def served(self) -> Iterator[ServedValue]:
        return (v for v in super().served() if v.served_at >= self._asked_from.get(v.device, v.served_at + 1))

    def published(self) -> Iterator[Published]:
        return (m for m in super().published() if m.sent_at >= self._told_from.get(m.device, m.sent_at + 1))


def verdict_of(
    workshop: Workshop,
    hardware: Sequence[SimulatedHardware],
    gateways: Sequence[RunningGateway],
    collector: RunningCollector,
    *,
    within_s: float,
) -> Verdict:
    """Silence the devices, wait until the gateways hold nothing back, and compare. Raises NotInTime."""
    parts = {f"gateway {gateway.id}": gateway.running for gateway in gateways} | {"the collector": collector.running}
    for name, running in parts.items():
        if not running:
            raise NotInTime(f"{name} is down: start() it before verify(), or what it holds cannot arrive")
    for each in hardware:
        each.halt()
    _drain(workshop, gateways, within_s)
    asked_from = {device: gateway.asks_from for gateway in gateways for device in gateway.devices}
    told_from = {device: gateway.hears_from for gateway in gateways for device in gateway.devices}
    ledger = PartOfLedger(workshop.ledger_file, asked_from, told_from)
    try:
        verdict = verify(
            ledger, collector.api, [gateway.site_file for gateway in gateways], until_ms=workshop.clock.now_ms()
        )
    finally:
        ledger.close()
    quiet = {device for each in hardware for device in each.quiet()}
    verdict.unheard = [device for device in verdict.unheard if device not in quiet]
    return verdict


def _drain(workshop: Workshop, gateways: Sequence[RunningGateway], within_s: float) -> None:
    flush_s = max(seconds(gateway.flush_every) for gateway in gateways)
    # What a gateway has just read is in no batch yet.
    workshop.do(lambda: workshop.clock.sleep(2 * flush_s + SETTLE_S))
    left: dict[str, int | None] = {}
    empty_in_a_row = 0

    def drained() -> bool:
        nonlocal empty_in_a_row
        left.update({gateway.id: gateway.backlog() for gateway in gateways})
        empty_in_a_row = empty_in_a_row + 1 if not any(count != 0 for count in left.values()) else 0
        return empty_in_a_row >= 2

    def what() -> str:
        waiting = ", ".join(f"{name}: {'does not answer' if n is None else n}" for name, n in left.items())
        return f"the gateways have sent all they hold; batches left: {waiting}; logs in {workshop.folder / 'logs'}"

    workshop.until(drained, within_s, what)
