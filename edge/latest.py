"""The newest reading of every point, for a person who watches: remembered on its way to the pipeline.

A running gateway serves it on a unix socket beside the buffer; `dayuan-edge watch` fills one itself when none runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from edge import local_socket
from edge.contract import Driver, Sink
from protocols.clock import Clock
from protocols.reading import Event, Reading
from protocols.status import BusReport, DeviceReport

ANSWER_S = 3.0
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class Values(msgspec.Struct, frozen=True, kw_only=True):
    """What is known now. ``at``: ms since 1970 by the clock that stamped the readings."""

    at: int
    buses: list[BusReport]
    devices: list[DeviceReport]
    readings: list[Reading]


class LatestSink:
    """Remembers what drivers hand over and passes it on. Bounded by the points of the site."""

    def __init__(self, clock: Clock, passes_on: Sink | None = None) -> None:
        self._clock, self._passes_on = clock, passes_on
        self._newest: dict[tuple[str, str], Reading] = {}
        self.drivers: Sequence[Driver] = ()

    async def readings(
        self, readings: Sequence[Reading], *, origin: bytes | None = None, redelivered: bool = False
    ) -> None:
        for reading in readings:
            self._newest[(reading.device, reading.point)] = reading
        if self._passes_on is not None:
            await self._passes_on.readings(readings, origin=origin, redelivered=redelivered)

    async def event(self, event: Event, *, origin: bytes | None = None, redelivered: bool = False) -> bool:
        if self._passes_on is None:
            return True
        return await self._passes_on.event(event, origin=origin, redelivered=redelivered)

    async def committed(self) -> None:
        if self._passes_on is not None:
            await self._passes_on.committed()

    def values(self) -> Values:
        """Everything now."""
        return Values(
            at=self._clock.now_ms(),
            buses=[driver.report() for driver in self.drivers],
            devices=[report for driver in self.drivers for report in driver.device_reports()],
            readings=list(self._newest.values()),
        )


def socket_path(buffer_path: Path) -> Path:
    """Where the socket of the gateway with this buffer lies."""
    return buffer_path.with_name(buffer_path.name + ".latest")


def ask(buffer_path: Path) -> Values | None:
    """What the gateway that runs with this buffer knows; None when none runs. Raises OSError and msgspec's errors."""
    asking = local_socket.connect(socket_path(buffer_path), ANSWER_S)
    if asking is None:
        return None
    with asking:
        return msgspec.json.decode(local_socket.receive(asking, ANSWER_BYTES_MAX), type=Values)


Source = Callable[[], Values]
