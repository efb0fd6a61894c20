"""The contracts inside the gateway: what a driver gets, what it gives, and what the uplink asks of an MQTT connection.

Order of life: buffer opened -> session and uplink started -> drivers started; stopped in the opposite order.
Who retries: device reads in the driver, the connection in the session, batches in the uplink. Nobody else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

from protocols.reading import Event, Reading
from protocols.status import BusReport, DeviceReport


class Sink(Protocol):
    """Where drivers hand over what they read. Safe to call from any task of the gateway's event loop."""

    async def readings(
        self, readings: Sequence[Reading], *, origin: bytes | None = None, redelivered: bool = False
    ) -> None:
        """Take readings; returns at once. They are on disk within the flush interval (see `committed`).

        origin, redelivered: as in `event`, for readings of a device message that the broker may send again.

        `observed_at` is the wall clock of the injected Clock at the instant of the read, also while that clock is not
        set: the pipeline re-times them later.
        """

    async def event(self, event: Event, *, origin: bytes | None = None, redelivered: bool = False) -> bool:
        """Commit one event and return after it is on disk: True when stored, False when it was stored before.

        origin: digest of the device message the event came from. With `redelivered` set (MQTT DUP flag), an event whose
        origin is already stored is left out. Raises StoreUnavailable when the disk refuses: do not acknowledge the
        device message then; the device will send it again.
        """

    async def committed(self) -> None:
        """Wait until every reading handed in before this call is on disk (or was left out by the deadband).

        Raises StoreUnavailable when the disk refuses.
        """


class Driver(Protocol):
    """One bus and the devices on it."""

    @property
    def name(self) -> str:
        """The bus' name in the site file."""

    async def run(self) -> None:
        """Work until cancelled. Trouble with a device or the wire is dealt with inside and shown in the reports."""

    def report(self) -> BusReport:
        """The bus now; cheap, called every few seconds."""

    def device_reports(self) -> list[DeviceReport]:
        """Every device of the bus now, in the site file's order."""


class LinkMessage(NamedTuple):
    """One message received from the broker."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    retain: bool
    dup: bool


class Link(Protocol):
    """One open MQTT connection to the broker; never reused after it was lost.

    Every method raises protocols.errors.WireLost once the connection is gone.
    """

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe at QoS 1; returns after the broker granted it."""

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publish; at QoS 1 returns after the PUBACK. May be called many times at once."""

    def messages(self) -> AsyncIterator[LinkMessage]:
        """All messages in order of arrival; one reader only. Ends with WireLost."""

    async def acknowledge(self, message: LinkMessage) -> None:
        """Send the PUBACK of a received QoS 1 message (the link never does so by itself)."""

    async def close(self) -> None:
        """Disconnect cleanly (the will is not sent). May be called again, also after a loss; never raises."""


class Will(NamedTuple):
    """What the broker publishes when the connection is lost."""

    topic: str
    payload: bytes
    retain: bool = True


class Dial(Protocol):
    """Opens a Link. Built by edge/gateway.py from the [uplink] settings, replaced by a fake in tests."""

    async def __call__(self, *, client_id: str, will: Will) -> Link:
        """Connect and return the open link; raises WireLost when the broker is not there or refuses."""


#: Called with a name at the instants where kill tests stop the process; see edge/failpoint.py.
FailPoint = Callable[[str], None]
