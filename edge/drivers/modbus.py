"""The Modbus driver: TCP, RTU on a serial port, and RTU frames in a TCP stream."""

import logging
import random
from collections.abc import Mapping, Sequence

from edge.bus import Bus, Line
from edge.commands import DeviceWriter
from edge.contract import Sink
from edge.device_reader import DeviceReader
from edge.modbus_frames import RtuFraming, TcpFraming
from edge.modbus_wire import SerialLink, TcpLink
from edge.poller import Polled, Poller
from edge.settings import BusSettings, DeviceSettings, GatewaySettings
from protocols.alive import stop_if_cancelled
from protocols.clock import Clock
from protocols.modbus.profile import ModbusProfile
from protocols.profile import Profile
from protocols.status import BusReport, DeviceReport

log = logging.getLogger(__name__)

RESTART_S = 5.0
NETWORK_GARBLE_IDLE_S = 0.5
"""Serial servers cut frames into packets; a pause inside a frame is longer there than on a wire."""


class ModbusDriver:
    """All devices of one Modbus bus. Constructing opens nothing."""

    def __init__(
        self,
        bus: BusSettings,
        devices: Sequence[DeviceSettings],
        profiles: Mapping[str, Profile],
        sink: Sink,
        clock: Clock,
        gateway: GatewaySettings,
        rng: random.Random,
    ) -> None:
        self._clock = clock
        self._bus = open_bus(bus, clock, rng)
        now = clock.monotonic()
        polled = [
            Polled(device_reader(device, profiles[device.profile], self._bus, clock), device.every_s, now)
            for device in devices
        ]
        self.writers = {
            device.id: device_writer(device, profiles[device.profile], self._bus, clock)
            for device in devices
            if writable(profiles[device.profile])
        }
        """Of the devices that can be given commands; those share the line with the polls."""
        self._poller = Poller(self._bus, polled, sink, clock, rng)

    @property
    def name(self) -> str:
        return self._bus.name

    async def run(self) -> None:
        """Poll until cancelled; the line is let go then."""
        try:
            while True:
                try:
                    await self._poller.run()
                except Exception:  # task top: a defect in one bus must not end the others
                    log.exception("bus %s: restarted after an unexpected error", self.name)
                    stop_if_cancelled()
                await self._clock.sleep(RESTART_S)
        finally:
            self._bus.close()

    def report(self) -> BusReport:
        return self._bus.report()

    def device_reports(self) -> list[DeviceReport]:
        return self._poller.reports()


def open_bus(settings: BusSettings, clock: Clock, rng: random.Random) -> Bus:
    """The line that a [[bus]] of a Modbus kind describes; it connects at the first request."""
    timeout_s = settings.timeout_s
    if settings.kind == "modbus-rtu":
        parity_bits = 0 if settings.parity == "N" else 1
        char_s = (1 + 8 + parity_bits + settings.stop_bits) / settings.baud
        serial = SerialLink(settings.serial_port, settings.baud, settings.parity, settings.stop_bits, clock)
        line = Line(char_s=char_s, close_on_fault=False)
        return Bus(settings.name, settings.kind, serial, RtuFraming(), line, timeout_s=timeout_s, clock=clock, rng=rng)
    link = TcpLink(settings.host, settings.tcp_port, clock)
    framing = TcpFraming() if settings.kind == "modbus-tcp" else RtuFraming()
    line = Line(garble_idle_s=NETWORK_GARBLE_IDLE_S)
    return Bus(settings.name, settings.kind, link, framing, line, timeout_s=timeout_s, clock=clock, rng=rng)


def device_reader(device: DeviceSettings, profile: Profile, bus: Bus, clock: Clock) -> DeviceReader:
    """The reader of one [[device]] on a Modbus bus."""
    profile = _as_set(device, profile)
    given = {name: factor for name, factor in (("ct", device.ct), ("pt", device.pt)) if factor is not None}
    points = profile.selected(extended=device.extended)
    return DeviceReader(device.id, device.unit, profile, points, bus, clock, given)


def device_writer(device: DeviceSettings, profile: Profile, bus: Bus, clock: Clock) -> DeviceWriter:
    """What carries out commands to a [[device]] on a Modbus bus."""
    profile = _as_set(device, profile)
    told = frozenset(point.name for point in profile.selected(extended=device.extended))
    return DeviceWriter(device.id, device.unit, profile, bus, clock, told)


def writable(profile: Profile) -> bool:
    """True when the model has something that can be switched or set."""
    return isinstance(profile, ModbusProfile) and bool(profile.writes)


def _as_set(device: DeviceSettings, profile: Profile) -> ModbusProfile:
    assert isinstance(profile, ModbusProfile)  # the site file was checked
    return profile if device.word_order is None else profile.with_word_order(device.word_order)
