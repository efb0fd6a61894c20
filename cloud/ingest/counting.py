"""Counters of gateways. Those of what is stored are counted again from the store; the others are written with it."""

from collections.abc import Mapping
from dataclasses import fields, replace

from cloud.ingest.contract import GatewayCounters
from cloud.store.contract import BatchRow

_REFUSED = "refused."
COUNTED = ("stored_batches", "stored_readings", "stored_events")
"""Those the store counts by itself."""
_NAMES = frozenset(field.name for field in fields(GatewayCounters))

Delta = dict[tuple[int, str], int]
"""(gateway, counter name) -> how many more. A refused reading's name is ``refused.`` and the reason."""


class Counters:
    """Totals by gateway number."""

    def __init__(self) -> None:
        self._totals: dict[int, dict[str, int]] = {}
        self._last: dict[int, tuple[int, float]] = {}

    def load(self, totals: Mapping[tuple[int, str], int]) -> None:
        """Start from what the store holds."""
        self._totals = {}
        self.add(dict(totals))

    def to_write(self, delta: Delta) -> dict[tuple[int, str], int]:
        """The new totals of those counters that the store cannot count by itself."""
        return {
            (gateway, name): self._totals.get(gateway, {}).get(name, 0) + more
            for (gateway, name), more in delta.items()
            if name not in COUNTED
        }

    def add(self, delta: Delta) -> None:
        """These are durable now."""
        for (gateway, name), more in delta.items():
            mine = self._totals.setdefault(gateway, {})
            mine[name] = mine.get(name, 0) + more

    def put(self, totals: Mapping[tuple[int, str], int]) -> None:
        """These are so many now."""
        for (gateway, name), total in totals.items():
            self._totals.setdefault(gateway, {})[name] = total

    def stored_elsewhere(self, row: BatchRow) -> None:
        """Another collector of the group stored this batch."""
        counted = (1, row.readings, row.events)
        self.add({(row.gateway, name): more for name, more in zip(COUNTED, counted, strict=True)})

    def last_batch(self, gateway: int, received_at: int, latency_ms: float) -> None:
        """When the newest batch came and how long its newest content took from the gateway to the store."""
        self._last[gateway] = (received_at, latency_ms)

    def of(self, gateway: int) -> GatewayCounters:
        """All counters of one gateway."""
        totals = dict(self._totals.get(gateway, {}))
        refused = {name[len(_REFUSED) :]: total for name, total in totals.items() if name.startswith(_REFUSED)}
        last_at, latency = self._last.get(gateway, (0, 0.0))
        found = GatewayCounters(refused=refused, last_batch_at=last_at, last_latency_ms=latency)
        return replace(found, **{name: total for name, total in totals.items() if name in _NAMES})  # type: ignore[arg-type]
