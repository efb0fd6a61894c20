"""The collector's wiring: which parts there are, in which order they start, and who is told of what.

broker -> ingest -> store -> acks -> handlers (live state, alarms) -> stream -> pages
"""

import asyncio
import contextlib
import logging
import re
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from cloud.access.publisher import Sender
from cloud.alarms.board import AlarmBoard
from cloud.alarms.rules import GatewayRules
from cloud.api.build import build_api
from cloud.api.gate import Gate
from cloud.api.services import Services
from cloud.audit.note import Note, about
from cloud.backup_copies import CopyableStore
from cloud.backup_socket import BackupDesk
from cloud.data_lock import DataLock
from cloud.features import Core, Features
from cloud.http_server import Server, listen, server_settings
from cloud.identity.approval_watch import ApprovalWatch
from cloud.identity.approving import Approving
from cloud.identity.authority import Authority
from cloud.identity.broker_files import own_pair
from cloud.identity.certificate_watch import CertificateWatch
from cloud.identity.commanding import Commanding
from cloud.identity.cutting_off import members_of, take_place
from cloud.identity.enrolling import Enrolling
from cloud.identity.service import IdentityService
from cloud.ingest.contract import AnnouncementHandler, CommittedHandler
from cloud.ingest.expired import Expiry
from cloud.ingest.path import Ingest
from cloud.ingest.recall import Recall
from cloud.ingest.subscriber import ALL, BESIDE_BATCHES, BrokerSettings
from cloud.live.presence import Presence
from cloud.live.refill import refill
from cloud.live.state import LiveState
from cloud.live.stream import Stream
from cloud.privacy.sent_again import deleted_events
from cloud.privacy.wiring import privacy_of
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.approval_book import ApprovalBook
from cloud.registry.audit_trail import Trail
from cloud.registry.command_book import CommandBook
from cloud.registry.identity_book import IdentityBook
from cloud.registry.inventory import Inventory
from cloud.registry.logins import Logins
from cloud.registry.member_book import MemberBook
from cloud.registry.opening import registry_of
from cloud.registry.passwords import Passwords
from cloud.registry.second_factor import SecondFactors
from cloud.registry.sessions import Sessions
from cloud.registry.site_file_book import SiteFileBook
from cloud.registry.tokens import Tokens
from cloud.registry.users import FIRST_ADMINISTRATOR, Users
from cloud.settings import PASSWORD_FILE, CloudSettings, ListenAddress, load_cloud
from cloud.site_files.configuring import Configuring
from cloud.store.contract import GatewayKey
from cloud.store.opening import store_of
from cloud.version import version
from protocols.alive import end_within
from protocols.certificates import gateway_name
from protocols.clock import Clock, SystemClock
from protocols.errors import Retryable
from protocols.settled_memory import settled_memory

log = logging.getLogger(__name__)

WEB = Path(__file__).parent / "web"
CLIENT_ID_FILE = "broker-client-id"


class Collector:
    """One collector process. ``open``, then ``run`` until ``stop``; ``close`` always."""

    def __init__(self, settings: CloudSettings, clock: Clock) -> None:
        self.settings = settings
        self.one_time_password: str | None = None
        """Of the first administrator, when ``open`` made one; kept nowhere else."""
        self._clock = clock
        self._stopping = asyncio.Event()
        self._wired = False
        self._socket: socket.socket | None = None
        self._data_lock: DataLock | None = None
        self._password_files: list[Path] = [settings.data / PASSWORD_FILE]

        self.database = registry_of(settings, clock, exclusive=True)
        self.inventory = Inventory(self.database, settings.sites)
        self.passwords = Passwords()
        self.users = Users(self.database, self.passwords, clock)
        self.sessions = Sessions(
            self.database,
            clock,
            idle_s=settings.session_idle_s,
            absolute_s=settings.session_length_s,
            second_factor_for=settings.second_factor_for,
        )
        self.trail = Trail(
            self.database,
            clock,
            folder=settings.data,
            key_file=settings.audit_key_file,
            checkpoint_file=settings.audit_checkpoint_file,
        )
        self.tokens = Tokens(self.database, clock)
        self.alarm_book = AlarmBook(self.database)
        self.alarms = AlarmBoard(self.alarm_book, clock)
        self.trail.damaged = lambda wrong: self.alarms.raise_alarm("audit_damaged", "collector", {"detail": wrong})
        self.store = store_of(settings, clock, self.inventory)
        self.privacy = privacy_of(settings, self.database, self.store, clock)
        self._backups: BackupDesk | None = None
        if isinstance(self.store, CopyableStore) and settings.registry_server is None:
            self._backups = BackupDesk(settings.data, settings.registry_path, self.store, clock)
        self.authority = Authority(settings.identity_path, clock)
        self.identity_book = IdentityBook(self.database, clock)
        self.enrolling = Enrolling(self.authority, self.identity_book, clock)
        self.approvals = ApprovalWatch(ApprovalBook(self.database), self.alarms, clock)
        self.certificates = CertificateWatch(settings, self.authority, self.identity_book, clock, self.alarms)

    @property
    def url(self) -> str:
        """Where the page is, once ``open`` has returned."""
        assert self._socket is not None
        host, port = self._socket.getsockname()[:2]
        return f"{'https' if self.settings.https else 'http'}://{ListenAddress(host, port)}"

    async def open(self) -> None:
        """Open registry, store and port. Raises Retryable or Permanent when one of them cannot be had."""
        self._socket = listen(self.settings)
        self.settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._data_lock = DataLock(self.settings.data)
        await self.database.open()
        await self.inventory.load()
        await self.alarms.open()
        aside, kept = self.database.set_aside, self.database.damaged_log
        for kind, path in (("registry_damaged", aside), ("registry_log_damaged", kept)):
            if path is not None:
                self.alarms.raise_alarm(kind, "collector", {"path": str(path)})
        if (wrong := await self.trail.open()) is not None:
            self.alarms.raise_alarm("audit_damaged", "collector", {"detail": wrong})
        else:
            self.alarms.clear_alarm("audit_damaged", "collector")
        found = await asyncio.to_thread(self.store.open)
        if found.damaged_path is not None:
            kind = "store_log_damaged" if found.cut_log_bytes else "store_damaged"
            report = {"path": found.damaged_path, "detail": found.damaged_detail}
            self.alarms.raise_alarm(kind, "collector", {**report, "bytes": found.cut_log_bytes})
        with about(Note("deletions gone through again", actor="collector", via="system")):
            await self.privacy.desk.again()
        await self.privacy.keeper.tell_holds()
        if self.settings.own_certificate:
            await asyncio.to_thread(self.authority.open)
        self._wire()
        self._wired = True
        await self.identities.load()
        await asyncio.to_thread(self.ingest.open)
        await refill(self.live, self.store, self.ingest, self.inventory, self._clock)
        await self.features.open()
        with about(Note("first start", actor="collector", via="system")):
            self.one_time_password = await self.users.found_first()

    def _wire(self) -> None:
        """Build what stands on the open store. The lists below are the order after a commit and at an announcement."""
        clock, settings = self._clock, self.settings
        self.identities = IdentityService(settings, self.authority, self.enrolling, self.identity_book, clock)
        committed: list[CommittedHandler] = []
        announced: list[AnnouncementHandler] = []
        self.ingest = Ingest(
            self.store,
            self._broker(),
            clock,
            self.alarms,
            handlers=committed,
            announcement_handlers=announced,
            refusal=self.identities.refusal,
            renewals=self.identities.take_renewal,
            expiry=Expiry(settings.people_days, deleted_events(settings.data, clock.now_ms())),
        )
        self.identities.publish = self.ingest.publish
        if settings.own_certificate:
            self.identities.takeover = self._take_over
            self.identities.members = members_of(settings, self.authority, MemberBook(self.database, clock), clock)
        presence = Presence()
        self.live = LiveState(self.inventory, self.ingest.series, self.ingest.qualities, presence)
        self.live.counters = self.ingest.counters
        self.live.fenced = lambda key: any(fence.key == key for fence in self.ingest.fences())
        self.stream = Stream(self.live, clock, clients_max=settings.pages, per_owner_max=settings.pages_per_user)
        self.stream.beginnings.active_alarms = lambda: list(self.alarms.active())
        self.alarms.publish = self.stream.publish_alarm
        self.rules = GatewayRules(self.alarms, presence, self.inventory, clock, data_dir=settings.data)
        self.features = Features(
            Core(
                settings=settings,
                clock=clock,
                database=self.database,
                inventory=self.inventory,
                store=self.store,
                ingest=self.ingest,
                live=self.live,
                alarms=self.alarms,
            )
        )
        self._join_features()
        of_gateways = (self.identity_book, clock, self.ingest.publish)
        self.commanding = Commanding(self.authority, CommandBook(self.database), *of_gateways)
        self.configuring = Configuring(self.authority, SiteFileBook(self.database), *of_gateways, self.alarms)
        self._connect_access(presence)
        committed += [self.live, self.rules, self.commanding, self.configuring, *self.features.handlers]
        announced += [self.live, self.rules, self.configuring, *self.features.announced]
        announced.append(Recall(self.ingest, self.store, self.alarms, self.inventory.time_zone, clock))
        self.gate = Gate(self.sessions, self.tokens, self.stream, clock)
        services = Services(
            clock=clock,
            users=self.users,
            sessions=self.sessions,
            tokens=self.tokens,
            second_factors=SecondFactors(self.database, clock),
            trail=self.trail,
            logins=Logins(self.database, clock),
            passwords=self.passwords,
            inventory=self.inventory,
            live=self.live,
            stream=self.stream,
            alarms=self.alarms,
            alarm_book=self.alarm_book,
            store=self.store,
            ingest=self.ingest,
            features=self.features,
            enrolling=self.enrolling,
            commanding=self.commanding,
            configuring=self.configuring,
            approving=Approving(
                ApprovalBook(self.database), self.commanding, self.users, clock, self.approvals.changed
            ),
            privacy=self.privacy,
            series_known=lambda key: self.ingest.series.find(key) is not None,
            password_changed=self._forget_password,
            hosts=settings.hosts,
            web=WEB if WEB.is_dir() else None,
        )
        self.api = build_api(services, self.gate, version=version())

    def _broker(self) -> BrokerSettings:
        settings = self.settings
        return BrokerSettings(
            url=settings.broker,
            client_id=_client_id(settings),
            username=settings.broker_username,
            password=settings.broker_password(),
            ca_file=self.authority.folder / "ca.pem" if settings.own_certificate else settings.broker_ca_file,
            pair_file=partial(own_pair, self.authority, self._clock) if settings.own_certificate else None,
            filters=ALL if settings.group is None else BESIDE_BATCHES,
        )

    def _connect_access(self, presence: Presence) -> None:
        """Give doors their way to gateways."""
        way = Sender(self.ingest.publish, self._sign, self.identities.is_enrolled)
        self.features.access.connect(way, self.commanding, presence)

    def _sign(self, payload: bytes) -> bytes:
        """With the command key; who is enrolled knows it, so that it is there."""
        self.authority.open()
        return self.authority.sign_command(payload)

    def _join_features(self) -> None:
        """What features and the parts beside them ask of each other; who holds people in memory lets go of them."""
        self.features.upkeep.add_own(self.trail.forget_before, self.settings.audit_days)
        self.rules.settings_of = self.features.site_alarms.settings_of
        self.privacy.keeper.watch(self.features.places.visitors.let_go, self.alarms.say_no_more)
        self.privacy.desk.watch("requests", self.features.dispatch.desk.let_go)
        self.privacy.desk.watch("visits", self.features.places.visitors.let_go)

    async def _take_over(self, key: GatewayKey) -> None:
        """End a gateway's session at the broker. Raises WireLost."""
        await take_place(self.settings.broker, self.authority, gateway_name(*key))

    async def run(self) -> None:
        """Serve until ``stop``; a fault of any part ends all and is raised."""
        server = Server(server_settings(self.api, self.settings))
        async with asyncio.TaskGroup() as tasks:
            background: list[asyncio.Task[None]] = [
                tasks.create_task(self.ingest.run(), name="ingest"),
                tasks.create_task(self.stream.run(), name="stream"),
                tasks.create_task(self.alarms.run(), name="alarms"),
                tasks.create_task(self.rules.run(self.ingest), name="alarm rules"),
                tasks.create_task(self.gate.run(), name="gate"),
                tasks.create_task(self.identities.run(), name="identities"),
                tasks.create_task(self.configuring.run(), name="site files"),
                tasks.create_task(self.certificates.run(), name="certificates"),
                tasks.create_task(self.approvals.run(), name="approvals"),
                tasks.create_task(self.trail.run(), name="audit trail"),
                tasks.create_task(self.privacy.keeper.run(), name="retention"),
                tasks.create_task(server.close_idle(self._clock), name="idle connections"),
                *(tasks.create_task(work, name=name) for name, work in self.features.tasks()),
            ]
            if self._backups is not None:
                background.append(tasks.create_task(self._backups.run(), name="backups"))
            for part in background:
                part.add_done_callback(_ended)
            assert self._socket is not None
            page = tasks.create_task(server.serve([self._socket]), name="http")
            stopping = tasks.create_task(self._stopping.wait(), name="stop")
            await asyncio.wait([page, stopping], return_when=asyncio.FIRST_COMPLETED)
            self.stream.end()
            server.should_exit = True
            await page
            for task in [stopping, *background]:
                task.cancel()

    def stop(self) -> None:
        """Ask ``run`` to end."""
        self._stopping.set()

    async def close(self) -> None:
        """Let go of everything. May be called after a failed ``open``."""
        if self._socket is not None:
            self._socket.close()
        with contextlib.suppress(Retryable):
            await self.alarms.flush()
        if self._wired:
            with contextlib.suppress(Retryable):
                await self.features.close()
            await self.inventory.keep_noted()
        await asyncio.to_thread(self.store.close)
        self.passwords.close()
        await self.trail.close()
        await self.database.close()
        if self._data_lock is not None:
            self._data_lock.release()

    def keep_password_in(self, path: Path) -> None:
        """Write the one-time password to a file that only its owner can read; removed when it was changed."""
        self._password_files.append(path)
        if self.one_time_password is not None:
            path.unlink(missing_ok=True)
            path.touch(mode=0o600, exist_ok=False)
            path.write_text(f"{FIRST_ADMINISTRATOR} {self.one_time_password}\n", "utf-8")

    def _forget_password(self, name: str) -> None:
        if name == FIRST_ADMINISTRATOR:
            for path in self._password_files:
                path.unlink(missing_ok=True)


def _ended(part: asyncio.Task[None]) -> None:
    """What failed is told at once, and the rest has to end with it: whoever runs the collector starts it again."""
    if not part.cancelled() and (fault := part.exception()) is not None:
        log.error("%s failed, the collector ends", part.get_name(), exc_info=fault)
        end_within()


def openapi() -> dict[str, Any]:
    """The description of the API; opens and makes nothing."""
    settings = msgspec.structs.replace(load_cloud(None), broker_client_id="nobody")
    collector = Collector(settings, SystemClock())
    collector._wire()
    return collector.api.openapi()


async def run_collector(
    settings: CloudSettings, clock: Clock, *, password_file: Path | None, say: Callable[[str], None]
) -> None:
    """Run one collector until SIGINT or SIGTERM. ``say`` writes to the terminal, not to the log."""
    collector = Collector(settings, clock)
    try:
        await collector.open()
        if password_file is not None:
            collector.keep_password_in(password_file)
        for line in _greeting(collector, password_file):
            say(line)
        with _stop_signals(collector.stop), settled_memory():
            await collector.run()
    finally:
        await collector.close()


def _greeting(collector: Collector, password_file: Path | None) -> Iterator[str]:
    settings = collector.settings
    yield f"Dayuan collector {version()}"
    yield f"  page    {collector.url}"
    yield f"  data    {settings.data.resolve()}"
    if settings.registry_server is not None:
        yield f"  registry {settings.registry_server.url}"
    if settings.store_server is not None:
        yield f"  store   {settings.store_server.kind} at {settings.store_server.url}"
    if settings.group is not None:
        yield f"  group   {settings.group.name}; batches are taken by: dayuan-cloud ingest --member NAME"
    yield f"  broker  {settings.broker}"
    for warning in settings.warnings():
        yield f"  WARNING: {warning}"
    if collector.one_time_password is None:
        return
    if password_file is not None:
        yield f"  The first administrator's one-time password is in {password_file}"
        return
    yield f"  First administrator: {FIRST_ADMINISTRATOR}"
    yield f"  One-time password:   {collector.one_time_password}    (shown only now; to be changed at the first login)"


def _client_id(settings: CloudSettings) -> str:
    """The broker keeps our session under this name, so it must be the same at every start."""
    if settings.group is not None:
        return f"dayuan-{settings.group.name}-desk"
    if settings.broker_client_id is not None:
        return settings.broker_client_id
    path = settings.data / CLIENT_ID_FILE
    if path.exists() and re.fullmatch(r"[!-~]{1,100}", known := path.read_text("ascii", "replace").strip()):
        return known
    made = f"dayuan-collector-{secrets.token_hex(4)}"
    path.write_text(made + "\n", "ascii")
    return made


@contextlib.contextmanager
def _stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    wanted: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    for each in wanted:
        loop.add_signal_handler(each, stop)
    try:
        yield
    finally:
        for each in wanted:
            loop.remove_signal_handler(each)
