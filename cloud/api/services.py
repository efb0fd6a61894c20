"""What the routes are given: the parts of the collector they ask."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloud.alarms.board import AlarmBoard
from cloud.features import Features
from cloud.identity.approving import Approving
from cloud.identity.commanding import Commanding
from cloud.identity.enrolling import Enrolling
from cloud.ingest.contract import IngestPath
from cloud.live.state import LiveState
from cloud.live.stream import Stream
from cloud.privacy.wiring import Privacy
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.audit_trail import Trail
from cloud.registry.inventory import Inventory
from cloud.registry.logins import Logins
from cloud.registry.passwords import Passwords
from cloud.registry.second_factor import SecondFactors
from cloud.registry.sessions import Sessions
from cloud.registry.tokens import Tokens
from cloud.registry.users import Users
from cloud.site_files.configuring import Configuring
from cloud.store.contract import SeriesKey, SeriesStore
from protocols.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything the API stands on; it opens and closes nothing of it."""

    clock: Clock
    users: Users
    sessions: Sessions
    tokens: Tokens
    second_factors: SecondFactors
    logins: Logins
    passwords: Passwords
    inventory: Inventory
    live: LiveState
    stream: Stream
    alarms: AlarmBoard
    alarm_book: AlarmBook
    store: SeriesStore
    ingest: IngestPath
    enrolling: Enrolling
    commanding: Commanding
    configuring: Configuring
    approving: Approving
    series_known: Callable[[SeriesKey], bool]
    """Whether any reading of the series was ever stored."""
    password_changed: Callable[[str], None] = lambda _: None
    """Told the user's name."""
    trail: Trail | None = None
    """Where it is written down who did what; None writes nothing."""
    privacy: Privacy | None = None
    """What is kept of people, and for how long."""
    features: Features | None = None
    """What the console shows beside devices; None serves only those."""
    hosts: tuple[str, ...] = ()
    """Names the page may be asked for by; any when empty."""
    web: Path | None = None
    """Folder of the pages; None serves none."""
