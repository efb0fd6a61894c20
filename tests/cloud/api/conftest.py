"""The API over a real registry and a real store, with an ingest path that is only pretended."""

import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import msgspec
import numpy as np
import pytest
from fastapi import FastAPI

from cloud.alarms.board import AlarmBoard
from cloud.api.build import build_api
from cloud.api.gate import Gate
from cloud.api.services import Services
from cloud.identity.approving import Approving
from cloud.identity.authority import Authority
from cloud.identity.commanding import Commanding
from cloud.identity.enrolling import Enrolling
from cloud.ingest.contract import FenceView, GatewayCounters, IngestView
from cloud.live.presence import Presence
from cloud.live.state import LiveState
from cloud.live.stream import Stream
from cloud.privacy.wiring import privacy_of
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.approval_book import ApprovalBook
from cloud.registry.audit_trail import Trail
from cloud.registry.command_book import CommandBook
from cloud.registry.database import Database
from cloud.registry.identity_book import IdentityBook
from cloud.registry.inventory import Inventory
from cloud.registry.logins import Logins
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Role
from cloud.registry.second_factor import SecondFactors
from cloud.registry.sessions import Sessions
from cloud.registry.site_file_book import SiteFileBook
from cloud.registry.tokens import Tokens
from cloud.registry.users import Users
from cloud.settings import load_cloud
from cloud.site_files.configuring import Configuring
from cloud.store.contract import BatchRow, CommitWork, EventRow, GatewayKey, ReadingColumns, SeriesKey
from cloud.store.duckdb_store import DuckdbStore
from cloud.store.series_book import QualityBook, SeriesBook
from protocols.birth import Birth
from protocols.clock import ManualClock
from protocols.reading import Event
from protocols.status import Status

KEY = GatewayKey("east", "b3")
SERIES = SeriesKey("east", "m1", "active_power_total")
GOOD = "violet anvil 77 kites"
START = 1_790_000_000_000


class PretendedIngest:
    """An ingest path that holds one fence and counts nothing."""

    def __init__(self) -> None:
        self.held = [FenceView(key=KEY, epoch="e", seq=7, fenced_at=5, lifted_at=None)]

    async def run(self) -> None:
        raise AssertionError("nobody runs this")

    def positions_from(self, now_ms: int) -> int:
        return now_ms - 60 * 86_400_000

    def counters(self, key: GatewayKey) -> GatewayCounters:
        del key
        return GatewayCounters(stored_batches=3, stored_readings=300, refused={"clock": 2})

    def gateways(self) -> Sequence[GatewayKey]:
        return [KEY]

    def ranges(self, key: GatewayKey) -> Mapping[str, Sequence[tuple[int, int]]]:
        del key
        return {"e": [(1, 6)]}

    def fences(self) -> Sequence[FenceView]:
        return self.held

    async def unfence(self, key: GatewayKey, epoch: str | None = None) -> int:
        lifted = [fence for fence in self.held if fence.key == key and epoch in (None, fence.epoch)]
        self.held = [fence for fence in self.held if fence not in lifted]
        return len(lifted)

    def is_unannounced(self, key: GatewayKey, device: str, point: str) -> bool:
        del key, device, point
        return False

    own_full = False

    def next_own_seq(self, key: GatewayKey, epoch: str) -> int:
        del key, epoch
        return 1

    async def store_own(self, key: GatewayKey, epoch: str, seq: int, payload: bytes) -> None:
        del key, epoch, seq, payload

    async def announce_own(self, key: GatewayKey, birth: Birth | None, status: Status) -> None:
        del key, birth, status

    def view(self) -> IngestView:
        return IngestView(
            broker="mqtt://127.0.0.1:1883",
            connected=True,
            queued_messages=0,
            queued_bytes=0,
            commits=3,
            commit_ms_last=12.5,
            ignored_messages=0,
            dropped_messages=0,
            handler_failures=0,
            store_failing_since=None,
        )


class Api:
    """A collector's API and short ways to use it."""

    def __init__(self, database: Database, folder: Path, clock: ManualClock) -> None:
        self.clock, self.database = clock, database
        self.passwords = Passwords()
        self.users = Users(database, self.passwords, clock)
        self.sessions = Sessions(database, clock, idle_s=3600, absolute_s=86_400)
        self.tokens = Tokens(database, clock)
        self.logins = Logins(database, clock)
        self.second_factors = SecondFactors(database, clock)
        self.trail = Trail(database, clock, folder=folder)
        self.inventory = Inventory(database)
        self.series, self.qualities = SeriesBook(), QualityBook()
        self.live = LiveState(self.inventory, self.series, self.qualities, Presence())
        self.stream = Stream(self.live, clock)
        self.alarms = AlarmBoard(AlarmBook(database), clock)
        self.ingest = PretendedIngest()
        self.live.counters = self.ingest.counters
        self.live.fenced = lambda key: any(fence.key == key for fence in self.ingest.fences())
        self.store = DuckdbStore(folder, clock, facts=self.inventory, memory_limit_mb=256, threads=1)
        self.gate = Gate(self.sessions, self.tokens, self.stream, clock)
        self.web = folder / "web"
        self.authority, self.identity_book = Authority(folder / "identity", clock), IdentityBook(database, clock)
        self.enrolling = Enrolling(self.authority, self.identity_book, clock)
        self.published: list[tuple[str, bytes]] = []
        commanding = Commanding(self.authority, CommandBook(database), self.identity_book, clock, self.publish)
        self.services = Services(
            clock=clock,
            users=self.users,
            sessions=self.sessions,
            tokens=self.tokens,
            second_factors=self.second_factors,
            trail=self.trail,
            logins=self.logins,
            passwords=self.passwords,
            inventory=self.inventory,
            live=self.live,
            stream=self.stream,
            alarms=self.alarms,
            alarm_book=AlarmBook(database),
            store=self.store,
            ingest=self.ingest,
            enrolling=self.enrolling,
            commanding=commanding,
            configuring=Configuring(self.authority, SiteFileBook(database), self.identity_book, clock, self.publish),
            approving=Approving(ApprovalBook(database), commanding, self.users, clock),
            privacy=privacy_of(msgspec.structs.replace(load_cloud(None), data=folder), database, self.store, clock),
            series_known=lambda key: self.series.find(key) is not None,
            web=self.web,
        )
        self.app = self.build()

    def build(self, **other: object) -> FastAPI:
        return build_api(replace(self.services, **other), self.gate, version="0")  # type: ignore[arg-type]

    @asynccontextmanager
    async def client(self, *, token: str | None = None, app: FastAPI | None = None) -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app or self.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://collector", headers=headers) as client:
            yield client

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """In the place of the broker."""
        self.published.append((topic, payload))

    async def token(self, role: Role = Role.VIEWER, site: str = "") -> str:
        return (await self.tokens.add("test", role, site=site))[1]

    async def person(self, name: str = "li", role: Role = Role.VIEWER) -> None:
        """A user who has changed the one-time password already."""
        await self.users.add(name, role)
        user = await self.users.find(name)
        assert user is not None
        await self.users.change_password(user, GOOD)

    def put(self, at: np.ndarray, value: np.ndarray, events: Sequence[Event] = (), key: SeriesKey = SERIES) -> None:
        """Store readings of one series, as the ingest path would."""
        number = int(self.series.table(key.site, [(key.device, key.point)], repr(key).encode())[0])
        n = len(at)
        now = self.clock.now_ms()
        batch = BatchRow(
            id=self.next_batch,
            gateway=0,
            epoch="e",
            seq=self.next_batch,
            digest="d",
            readings=n,
            events=len(events),
            received_at=now,
        )
        self.store.commit(
            CommitWork(
                stored_at=now,
                batches=[batch],
                readings=ReadingColumns(
                    series=np.full(n, number, np.int32),
                    at=at.astype(np.int64),
                    value=value.astype(np.float64),
                    quality=np.zeros(n, np.uint8),
                    batch=np.full(n, self.next_batch, np.int64),
                ),
                events=[EventRow(self.next_batch, "east", event) for event in events],
                new_series=self.series.pending(),
                new_gateways=[(0, KEY)] if self.next_batch == 1 else [],
                new_qualities=self.qualities.pending(),
            )
        )
        self.series.confirm(self.series.pending() or [(0, key)])
        self.qualities.confirm(self.qualities.pending() or [(0, self.qualities.name(0))])
        self.next_batch += 1

    next_batch = 1


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + 86_400_000)


@pytest.fixture
async def api(tmp_path: Path, clock: ManualClock, database: Database) -> AsyncIterator[Api]:
    web = tmp_path / "web"
    (web / "app").mkdir(parents=True)
    (web / "tools").mkdir()
    (web / "index.html").write_text("<!doctype html>" + "x" * 2000)
    (web / "app" / "main.js").write_text("export const a = 1;\n")
    (web / "tools" / "secret.js").write_text("no")
    (web / "app" / "notes.md").write_text("no")
    (tmp_path / "outside.js").write_text("no")
    (web / "link.js").symlink_to(tmp_path / "outside.js")
    api = Api(database, tmp_path, clock)
    api.store.open()
    await api.alarms.open()
    await api.trail.open()
    yield api
    await api.trail.close()
    api.store.close()
    api.passwords.close()
    shutil.rmtree(web)
