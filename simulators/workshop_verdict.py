"""The verdict on a test: what devices gave their gateways against what the collector stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from simulators.ledger import Ledger, Published, ServedValue
from simulators.rules import seconds
from simulators.verify import Verdict, verify
from simulators.workshop import NotInTime, Workshop
from simulators.workshop_collector import RunningCollector
from simulators.workshop_gateway import RunningGateway
from simulators.workshop_hardware import SimulatedHardware

SETTLE_S = 0.3
LAST_MOMENT_MS = 1_000


class PartOfLedger(Ledger):
    """What gateways had to keep of a ledger: of their devices, since they could hear them. A test may have other
    devices, and may itself read a meter before a gateway does.

    A message of QoS 0 is promised to nobody: what was sent while its gateway was down, or in the last moment before,
    counts as one that the broker has not confirmed.
    """

    def __init__(self, path: Path, gateways: Sequence[RunningGateway]) -> None:
        super().__init__(path)
        self._of = {device: gateway for gateway in gateways for device in gateway.devices}

    def served(self) -> Iterator[ServedValue]:
        for value in super().served():
            gateway = self._of.get(value.device)
            if gateway is not None and value.served_at >= gateway.asks_from:
                yield value

    def published(self) -> Iterator[Published]:
        for message in super().published():
            gateway = self._of.get(message.device)
            at = message.first_attempt_at or message.sent_at
            if gateway is not None and at >= gateway.hears_from:
                deaf = message.qos == 0 and any(from_ms - LAST_MOMENT_MS <= at <= to for from_ms, to in gateway.deaf)
                yield message._replace(confirmed_at=None) if deaf else message


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
    ledger = PartOfLedger(workshop.ledger_file, gateways)
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
