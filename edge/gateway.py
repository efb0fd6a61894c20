"""The gateway process: everything is wired here and nowhere else.

Started in this order: buffer, writer, session and status socket, drivers; stopped in the opposite order, so that what
a driver handed over is on disk and the collector hears a goodbye.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Awaitable, Callable

from edge import command_socket, latest
from edge.access.access import Access, Obey
from edge.access.desk import access_desk
from edge.buffer_sqlite import SqliteBuffer
from edge.command_desk import CommandDesk
from edge.command_socket import CommandSocket
from edge.commands import DeviceWriter
from edge.config_start import InForce, boot_id
from edge.config_store import ConfigStore
from edge.contract import Dial, Driver, FailPoint
from edge.drivers.modbus import ModbusDriver
from edge.drivers.mqtt import MqttDriver
from edge.failpoint import never
from edge.identity import Identity
from edge.identity_files import IdentityFiles
from edge.intake import Intake
from edge.introduce import birth, software_version
from edge.latest import LatestSink
from edge.machine import Machine
from edge.mqtt_link import MqttDialer
from edge.northbound.contract import Northbound
from edge.northbound.modules import northbound
from edge.pipeline import Pipeline
from edge.remote_commands import RemoteCommands
from edge.remote_config import RemoteConfig
from edge.renewal import Renewal
from edge.reporter import Reporter
from edge.retime import Timing
from edge.sealer import sealer
from edge.seen_commands import SeenCommands
from edge.session import ChannelHandler, Session, SessionState
from edge.settings import BusSettings, Site, UplinkSettings
from edge.site_file import BusKind
from edge.status import Snapshot, StatusDesk
from edge.status_socket import StatusSocket, socket_path
from edge.uplink import Uplink
from protocols.alive import stop_if_cancelled
from protocols.birth import Birth
from protocols.clock import Clock
from protocols.topics import topic

log = logging.getLogger(__name__)

DRIVERS: dict[BusKind, Callable[..., Driver]] = {
    "modbus-tcp": ModbusDriver,
    "modbus-rtu": ModbusDriver,
    "modbus-rtu-tcp": ModbusDriver,
    "mqtt": MqttDriver,
}

RESTART_S = (1.0, 60.0)
FLUSH_AT_END_S = 10.0
GOODBYE_S = 5.0


class Gateway:
    """One site file at work. Constructing opens nothing but what a driver must check; `run` until `close`."""

    def __init__(
        self,
        site: Site,
        *,
        clock: Clock,
        rng: random.Random,
        fail_point: FailPoint = never,
        dial: Dial | None = None,
        boot: str = "",
        in_force: InForce | None = None,
    ) -> None:
        self._site = site
        self._clock = clock
        self._closing = asyncio.Event()
        self.begins_again = False
        """Closed in order to start anew with another site file."""
        self._started_at = clock.now_ms()
        own = site.gateway
        self._buffer = _buffer(site, clock, fail_point)
        self._uplink = Uplink(
            self._buffer,
            clock,
            topic=topic(own.site, own.id, "up"),
            window=site.uplink.window,
            ack_timeout_s=site.uplink.ack_timeout_s,
            dead_after_s=site.uplink.dead_after_s,
            fail_point=fail_point,
        )
        boot = boot or boot_id()
        timing = Timing(clock, boot=boot)
        self._northbound = self._modules(timing, rng)
        pipeline = Pipeline(site.devices, timing, self._kinds(), [module.take for module in self._northbound])
        self._intake = Intake(
            buffer=self._buffer,
            uplink=self._uplink,
            pipeline=pipeline,
            timing=timing,
            clock=clock,
            flush_every_s=site.buffer.flush_every_s,
        )
        self._latest = LatestSink(clock, self._intake)
        self._drivers = [self._driver(bus, rng) for bus in site.buses if site.devices_of(bus)]
        self._latest.drivers = self._drivers
        self._commands = CommandDesk(self._writers(), self._latest, clock)
        self._reporter = Reporter(
            buffer=self._buffer,
            intake=self._intake,
            uplink=self._uplink,
            timing=timing,
            clock=clock,
            drivers=self._drivers,
        )
        self._identity = Identity(IdentityFiles(own.identity_dir), clock)
        self._renewal = Renewal(self._identity, clock, site=own.site, gateway=own.id)
        self._seen = SeenCommands(site.buffer.path.with_name(site.buffer.path.name + ".orders"))
        self._access = self._door_desk(timing, fail_point)
        self._orders = self._orders_desk(timing)
        self._config = self._config_desk(in_force, timing, boot, fail_point) if in_force is not None else None
        self._session = Session(
            dial=dial or _dialer(site.uplink, self._identity),
            uplink=self._uplink,
            buffer=self._buffer,
            clock=clock,
            rng=rng,
            site=own.site,
            gateway=own.id,
            birth=self._birth,
            report=self._reporter.report,
            channels=self._channels(site.uplink),
            beside=[self._renewal.run] if site.uplink.url.tls else [],
            fail_point=fail_point,
        )
        self._machine = self._watch_box()
        self._desk = self._status_desk(pipeline)

    def snapshot(self) -> Snapshot:
        """The gateway now."""
        return self._desk.snapshot()

    def close(self) -> None:
        """Let `run` stop the drivers, write what is there, say goodbye and return. May be called from a signal."""
        self._closing.set()

    async def run(self) -> None:
        """Work until `close`. Devices, broker and disk may be away for as long as they like."""
        if not await self._open():
            return
        self._intake.note("gateway_started", software=software_version())
        site = self._site
        log.info("gateway %s/%s: %d devices", site.gateway.site, site.gateway.id, len(site.devices))
        status = StatusSocket(socket_path(site.buffer.path), self.snapshot)
        values = StatusSocket(latest.socket_path(site.buffer.path), self._latest.values)
        commands = CommandSocket(command_socket.socket_path(site.buffer.path), self._told(self._commands.obey, "local"))
        try:
            async with asyncio.TaskGroup() as group:
                writing = group.create_task(self._intake.run(), name="writer")
                talking = group.create_task(self._keep("session", self._session.run), name="session")
                showing = group.create_task(self._keep("status socket", status.run), name="status-socket")
                telling = group.create_task(self._keep("values socket", values.run), name="values-socket")
                passing_on = [
                    group.create_task(self._keep(module.name, module.run), name=module.name)
                    for module in self._northbound
                ]
                obeying = group.create_task(self._keep("command socket", commands.run), name="command-socket")
                ordering = [group.create_task(self._keep("orders", self._orders.run), name="orders")]
                if self._config is not None:
                    work = self._keep("site files", self._config.run)
                    ordering.append(group.create_task(work, name="site-files"))
                watching = group.create_task(self._keep("box", self._machine.run), name="box")
                guarding = self._guard(group)
                driving = [
                    group.create_task(self._keep(f"bus {driver.name}", driver.run), name=f"driver[{driver.name}]")
                    for driver in self._drivers
                ]
                await self._closing.wait()
                log.info("closing")
                for task in (obeying, *ordering, *driving):
                    task.cancel()
                if driving:
                    await asyncio.wait(driving)
                await self._leave_doors(guarding)
                self._intake.close()
                await asyncio.wait([writing], timeout=FLUSH_AT_END_S)
                self._session.close()
                for module in self._northbound:
                    module.close()
                await asyncio.wait([talking, *passing_on], timeout=GOODBYE_S)
                for task in (writing, talking, showing, telling, watching, *passing_on):
                    task.cancel()
        finally:
            await asyncio.to_thread(self._seen.close)
            if self._access is not None:
                await asyncio.to_thread(self._access.close)
            await self._buffer.close()
        log.info("closed")

    async def _open(self) -> bool:
        """Open the buffer; False when the gateway is closed before the disk lets it."""
        loop = asyncio.get_running_loop()
        opening = loop.create_task(self._intake.open(), name="buffer-open")
        closing = loop.create_task(self._closing.wait(), name="closing")
        await asyncio.wait({opening, closing}, return_when=asyncio.FIRST_COMPLETED)
        closing.cancel()
        if opening.done():
            opening.result()
            return True
        opening.cancel()
        await self._buffer.close()
        return False

    async def _keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run a part; when it fails by a defect, log it and start it again, later and later."""
        pause_s = RESTART_S[0]
        while True:
            began_at = self._clock.monotonic()
            try:
                await work()
                return
            except Exception:  # task top: a defect in one part must not end the others
                log.exception("%s failed and is started again in %g s", name, pause_s)
                stop_if_cancelled()
            await self._clock.sleep(pause_s)
            is_steady = self._clock.monotonic() - began_at > 2 * RESTART_S[1]
            pause_s = RESTART_S[0] if is_steady else min(2 * pause_s, RESTART_S[1])

    def _guard(self, group: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        if self._access is None:
            return []
        return [group.create_task(self._keep("doors", self._access.run), name="doors")]

    async def _leave_doors(self, guarding: list[asyncio.Task[None]]) -> None:
        """What was decided is handed to the buffer before that closes."""
        if self._access is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._access.drained()
        for task in guarding:
            task.cancel()

    def _driver(self, bus: BusSettings, rng: random.Random) -> Driver:
        site = self._site
        devices = site.devices_of(bus)
        return DRIVERS[bus.kind](
            bus, devices, site.profiles, self._latest, self._clock, site.gateway, random.Random(rng.random())
        )

    def _modules(self, timing: Timing, rng: random.Random) -> list[Northbound]:
        return northbound(
            self._site,
            birth(self._site, session=0, started_at=self._started_at),
            clock=self._clock,
            rng=rng,
            devices=lambda: [report for driver in self._drivers for report in driver.device_reports()],
            time_is_known=lambda: timing.known,
            uplink_is_online=lambda: self._session.state is SessionState.ONLINE,
        )

    def _status_desk(self, pipeline: Pipeline) -> StatusDesk:
        return StatusDesk(
            site=self._site,
            software=software_version(),
            pid=os.getpid(),
            clock=self._clock,
            buffer=self._buffer,
            intake=self._intake,
            pipeline=pipeline,
            uplink=self._uplink,
            session=self._session,
            reporter=self._reporter,
            northbound=self._northbound,
            certificate=lambda: self._identity.state(self._renewal.trouble),
        )

    def _watch_box(self) -> Machine:
        """The box; reports tell of it, and of the session, both of which are made after the reporter."""
        machine = Machine(self._site.buffer.path.parent, self._clock)
        self._reporter.machine = machine.report
        self._reporter.link_error = lambda: self._session.error
        return machine

    def _orders_desk(self, timing: Timing) -> RemoteCommands:
        own, devices = self._site.gateway, self._site.devices
        return RemoteCommands(
            site=own.site,
            gateway=own.id,
            rules={(device.id, point): rule for device in devices for point, rule in device.remote.items()},
            seen=self._seen,
            key=self._identity.files.command_key,
            clock_known=lambda: timing.known,
            obey=self._told(self._commands.carry_out, "remote"),
            sink=self._intake,
            clock=self._clock,
        )

    def _told(self, obey: Obey, reason: str) -> Obey:
        """What opens a door of the site file is a decision, whoever gives the command."""
        return obey if self._access is None else self._access.telling(obey, reason)

    def _config_desk(self, in_force: InForce, timing: Timing, boot: str, fail_point: FailPoint) -> RemoteConfig | None:
        if not self._site.remote_config.enabled:
            return None
        desk = RemoteConfig(
            in_force,
            store=ConfigStore(self._site.buffer.path, fail_point),
            key=self._identity.files.command_key,
            clock_known=lambda: timing.known,
            answering=self._answering,
            acked_since_start=lambda: self._uplink.acked_since_start,
            restart=self._begin_again,
            sink=self._intake,
            clock=self._clock,
            boot=boot,
            fail_point=fail_point,
        )
        self._reporter.judged = lambda: desk.highest
        return desk

    def _answering(self) -> frozenset[str]:
        """Devices that answer now."""
        reports = [report for driver in self._drivers for report in driver.device_reports()]
        return frozenset(report.id for report in reports if report.state == "ok")

    def _begin_again(self) -> None:
        self.begins_again = not self._closing.is_set()
        self.close()

    def _door_desk(self, timing: Timing, fail_point: FailPoint) -> Access | None:
        """The doors of the site file, and the readers that tell of cards before anything is on disk."""
        if not self._site.doors:
            return None
        access = access_desk(
            self._site,
            key=self._identity.files.command_key,
            timing=timing,
            obey=self._commands.carry_out,
            sink=self._intake,
            clock=self._clock,
            fail_point=fail_point,
        )
        for driver in self._drivers:
            if isinstance(driver, MqttDriver):
                driver.tell_at_once = access.hear
        self._reporter.grants = access.report
        return access

    def _channels(self, uplink: UplinkSettings) -> dict[str, ChannelHandler]:
        """Where more than acks is listened to. Without an enrolment no order can be verified, so none is heard."""
        heard: dict[str, ChannelHandler] = {"cert": self._renewal.hear} if uplink.url.tls else {}
        if self._identity.files.enrolled:
            heard["cmd"] = self._orders.hear
            if self._access is not None:
                heard["grants"] = self._access.lists.hear
            if self._config is not None:
                heard["config"] = self._config.hear
        return heard

    def _writers(self) -> dict[str, DeviceWriter]:
        drivers = (driver for driver in self._drivers if isinstance(driver, ModbusDriver))
        return {device: writer for driver in drivers for device, writer in driver.writers.items()}

    def _kinds(self) -> dict[tuple[str, str], str]:
        devices = birth(self._site, session=0, started_at=0).devices
        return {(device.id, point.name): point.kind for device in devices for point in device.points}

    def _birth(self, session: int) -> Birth:
        told = self._config.told() if self._config is not None else None
        return birth(self._site, session=session, started_at=self._started_at, site_file=told)


def _buffer(site: Site, clock: Clock, fail_point: FailPoint) -> SqliteBuffer:
    return SqliteBuffer(
        site.buffer.path,
        max_bytes=site.buffer.max_bytes,
        seal=sealer(site.gateway.id),
        clock=clock,
        fail_point=fail_point,
        keep_acked_s=site.buffer.keep_acked_s,
    )


def _dialer(uplink: UplinkSettings, identity: Identity) -> Dial:
    return MqttDialer(
        url=uplink.url,
        username=uplink.username,
        password_file=uplink.password_file,
        ca_file=uplink.ca_file,
        max_inflight=2 * uplink.window,
        identity=identity,
    )
