"""What the gateway asks of a module that passes readings on to somebody else, beside the way to the collector.

Call order: constructed by `edge/gateway.py`, `take` from the pipeline at any time, `run` until `close`. Such a module
has a connection and queues of its own. It may lose what it cannot pass on, and counts that; it never makes the pipeline
wait, and never raises into it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from edge.contract import Dial
from protocols.mqtt_url import MqttUrl
from protocols.reading import Reading
from protocols.status import DeviceReport

NorthName = Literal["sparkplug", "home_assistant"]


class NorthReport(msgspec.Struct, frozen=True, kw_only=True):
    """One module now. ``waiting``: readings not passed on yet. ``dropped``: readings that never will be, by reason.

    ``sent``: messages since the start. ``detail``: what else a person should know, in words.
    """

    name: NorthName
    state: str
    broker: str
    online_s: float | None = None
    error: str = ""
    sent: int = 0
    waiting: int = 0
    dropped: dict[str, int] = {}
    detail: str = ""


class Northbound(Protocol):
    """One module. Its broker may be away for as long as it likes."""

    @property
    def name(self) -> NorthName:
        """The table of the site file, and the name of its task."""

    def take(self, readings: Sequence[Reading]) -> None:
        """Readings as they leave the pipeline. Returns at once, whatever the state of the connection."""

    async def run(self) -> None:
        """Work until `close`. May be called again after it failed by a defect."""

    def close(self) -> None:
        """Let `run` say goodbye and end."""

    def report(self) -> NorthReport:
        """The module now; cheap."""


DeviceReports = Callable[[], Sequence[DeviceReport]]
"""Every device of the site now."""

DialTo = Callable[[MqttUrl], Dial]
"""The way to open a link to a broker of this module."""
