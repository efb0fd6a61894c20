"""``cloud.toml`` as it is written: its tables, with what holds where a key is absent."""

from __future__ import annotations

import msgspec

AUDIT_DAYS_MIN = 180
"""Laws ask for half a year of security logs."""

DEFAULT_DATA = "dayuan-data"
DEFAULT_BROKER = "mqtt://127.0.0.1:1883"
DEFAULT_LISTEN = "127.0.0.1:8080"


class CollectorTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[collector]``"""

    data: str = DEFAULT_DATA
    """Folder of the store, the registry and what they set aside. Relative to the settings file."""
    require_enrolment: bool = False
    """Take batches only from gateways that were enrolled (``dayuan-cloud gateway add``); others are told to wait."""


class BrokerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[broker]``"""

    url: str = DEFAULT_BROKER
    """``mqtt://host:port``, or ``mqtts://host:port`` which always verifies the server."""
    username: str | None = None
    """Name of the collector's account at the broker."""
    password_file: str | None = None
    """File whose first line is the password."""
    ca_file: str | None = None
    """Certificates that may vouch for the broker; the system's when absent."""
    client_id: str | None = None
    """Name towards the broker; made once and kept in the data folder when absent."""
    own_certificate: bool = False
    """Speak to the broker with a certificate of the collector's own authority, and trust only that one. For mqtts."""
    files: str | None = None
    """Folder of ``dayuan-cloud broker files``: its revocation list is kept up to date, and the broker told."""


class ListenTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[listen]``"""

    address: str = DEFAULT_LISTEN
    """``host:port`` of the page and the API. Port 0 takes a free one."""
    hosts: list[str] = []
    """Host names the page may be asked for by; any when empty. Set it when the collector can be reached by others."""
    tls_certificate_file: str | None = None
    """PEM certificate chain. With ``tls_key_file`` the page is served by https."""
    tls_key_file: str | None = None
    """PEM key of the certificate, readable only to the collector."""
    proxies: list[str] = []
    """Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""


class UsersTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[users]``"""

    session_idle: str = "12 h"
    """A login ends after so long without a request; an open page counts as one."""
    session_length: str = "7 d"
    """A login ends after so long in any case."""
    second_factor_for: list[str] = []
    """Roles that must have a second factor (TOTP), as in ``["administrator"]``; all others may have one."""


class GroupTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[group]``: several collectors that share what gateways send. Needs ``[registry]`` and ``[store]``."""

    name: str | None = None
    """Of the group, the same for all of it; 1 to 32 of a-z, 0-9 and ``-``."""
    member: str | None = None
    """Who this one is in it, another for each; ``dayuan-cloud ingest --member`` says it, too. ``desk`` when absent."""


class AuditTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[audit]``: the trail of who did what."""

    key_file: str | None = None
    """The key that seals it; made at the first start, ``audit.key`` in the data folder when absent."""
    checkpoint_file: str | None = None
    """Signed checkpoints, best on another disk; ``audit.checkpoints`` in the data folder when absent."""


class RegistryTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[registry]``: users, devices, requests, ledgers of energy."""

    url: str | None = None
    """``postgresql://user@host:5432/name`` of a PostgreSQL server; a file in the data folder when absent."""
    password_file: str | None = None
    """File whose first line is the password of that user."""
    ca_file: str | None = None
    """Certificates that may vouch for the server; the system's when absent. A server elsewhere is always verified."""


class StoreTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[store]``: where readings rest."""

    kind: str = "duckdb"
    """``duckdb`` (a file in the data folder), ``victoria`` (VictoriaMetrics) or ``influx`` (InfluxDB 2)."""
    url: str | None = None
    """Of the server, like ``http://127.0.0.1:8428``; ``https://`` always verifies it."""
    username: str | None = None
    """For VictoriaMetrics behind a password (``-httpAuth.username``)."""
    password_file: str | None = None
    """File whose first line is that password, or the token of InfluxDB."""
    ca_file: str | None = None
    """Certificates that may vouch for the server; the system's when absent."""
    organisation: str | None = None
    """Of InfluxDB."""
    bucket: str = "dayuan"
    """Of InfluxDB. It must keep readings as long as ``raw_days`` says."""


class LimitsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[limits]``"""

    pages: int = 200
    """Pages that listen at once."""
    pages_per_user: int = 20
    """Of these, for each user or token."""
    connections: int = 512
    """Connections at once; further ones are told to come back."""


class RetentionTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[retention]``: days each level is kept; 0 keeps it for ever."""

    raw_days: int = 400
    """Readings as they came."""
    m15_days: int = 3650
    """Roll-ups of 15 minutes."""
    h1_days: int = 0
    """Roll-ups of an hour."""
    d1_days: int = 0
    """Roll-ups of a day of the site."""
    events_days: int = 1100
    """Events; days and trips of vehicles."""
    quarantine_days: int = 90
    """Batches and readings that were refused."""
    energy_days: int = 0
    """Quarter hours of meters. What was closed is in the ledger and stays."""
    audit_days: int = 400
    """The audit trail: 180 and more; the oldest records go first."""
    console_days: int = 60
    """What happened to vehicles, doors, rooms and requests, and what they were: the timeline and the time machine.
    Never longer than the shortest of the four below, as people are named there too."""
    access_days: int = 90
    """Who passed which door or gate, by card key or plate."""
    tracks_days: int = 60
    """Positions, trips and their drivers; mileage stays."""
    visitors_days: int = 90
    """Who came to whom and who booked a room; times, units and counts stay."""
    requests_days: int = 365
    """Who asked, drove and judged, after a request ended; what was needed and how it went stays."""


class AccessTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[access]``: the lists by which gateways decide who comes in."""

    lists_last_days: int = 7
    """A gateway that hears nothing goes by its list for so long, 2 to 90 days; then its doors let nobody in."""


class MapTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[map]``"""

    tiles: str | None = None
    """Folder of map tiles, ``z/x/y.png`` (also .jpg, .webp), to draw under the maps of sites. None are needed."""


class SiteTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[[site]]``: wins over what gateways say of their site."""

    id: str
    """As in the topic."""
    name: str | None = None
    """How people call it."""
    time_zone: str | None = None
    """IANA name, as in ``Asia/Shanghai``."""


class CloudFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``cloud.toml``."""

    collector: CollectorTable = CollectorTable()
    broker: BrokerTable = BrokerTable()
    listen: ListenTable = ListenTable()
    users: UsersTable = UsersTable()
    registry: RegistryTable = RegistryTable()
    store: StoreTable = StoreTable()
    group: GroupTable = GroupTable()
    audit: AuditTable = AuditTable()
    limits: LimitsTable = LimitsTable()
    retention: RetentionTable = RetentionTable()
    map: MapTable = MapTable()
    access: AccessTable = AccessTable()
    site: list[SiteTable] = []
