"""The collector's settings file, ``cloud.toml``. No file is needed: every key has a default.

``CloudFile`` (``cloud.settings_file``) is the file as written; ``load_cloud`` reads it into ``CloudSettings``, in which
every text is resolved, or raises BadSettings naming file, line, key and what is allowed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from cloud.privacy.classes import OF_PEOPLE
from cloud.registry.postgres_url import PostgresPlace, parse_postgres_url
from cloud.registry.roles import Role
from cloud.settings_file import (
    AUDIT_DAYS_MIN,
    DEFAULT_LISTEN,
    CloudFile,
    RegistryTable,
    RetentionTable,
    SiteTable,
    StoreTable,
)
from cloud.settings_reader import SettingsReader, session_length
from cloud.store.keeping import Retention
from cloud.store.place import StorePlace, parse_server_url
from protocols.errors import BadSettings
from protocols.mqtt_url import MqttUrl, parse_mqtt_url
from protocols.reading import ID_RULE, is_id
from protocols.settings import Document, decode, load_toml

LISTS_DAYS_MIN, LISTS_DAYS_MAX = 2, 90
PASSWORD_FILE = "one-time-password"  # noqa: S105  (a file's name)


class ListenAddress(NamedTuple):
    """Where the page is served."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """True when only programs on this machine reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NamedSite(NamedTuple):
    """A site as the settings name it; None where they are silent."""

    id: str
    name: str | None
    time_zone: str | None


class GroupPlace(NamedTuple):
    """Which group a collector is of, and who it is in it."""

    name: str
    member: str


class CloudSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector runs with."""

    path: Path | None
    """The file it was read from; None without one."""
    data: Path
    require_enrolment: bool
    broker: MqttUrl
    broker_username: str | None
    broker_password_file: Path | None
    broker_ca_file: Path | None
    broker_client_id: str | None
    own_certificate: bool
    broker_files: Path | None
    listen: ListenAddress
    hosts: tuple[str, ...]
    tls_certificate_file: Path | None
    tls_key_file: Path | None
    proxies: tuple[str, ...]
    session_idle_s: float
    session_length_s: float
    registry_server: PostgresPlace | None
    """None: the registry is a file in the data folder."""
    store_server: StorePlace | None
    """None: the store is a file in the data folder."""
    group: GroupPlace | None
    """None: this collector is alone."""
    second_factor_for: tuple[Role, ...]
    audit_key_file: Path | None
    audit_checkpoint_file: Path | None
    audit_days: int | None
    pages: int
    pages_per_user: int
    connections: int
    retention: Retention
    people_days: Mapping[str, int | None]
    """Class of what is kept of people -> days; None for ever."""
    console_days: int | None
    energy_days: int | None
    tiles: Path | None
    lists_last_days: int
    sites: tuple[NamedSite, ...]

    @property
    def https(self) -> bool:
        return self.tls_certificate_file is not None

    @property
    def days_kept(self) -> Mapping[str, int | None]:
        """Of every class of ``cloud.privacy.classes``; None for ever."""
        others = {"console": self.console_days, "audit": self.audit_days, "energy": self.energy_days}
        return {**self.people_days, **others, "readings": self.retention.raw_days}

    @property
    def positions_days(self) -> int | None:
        """How long positions are there from which a day of a vehicle can be worked out again."""
        return min((days for days in (self.retention.raw_days, self.people_days["tracks"]) if days), default=None)

    @property
    def registry_path(self) -> Path:
        return self.data / "registry.sqlite"

    @property
    def identity_path(self) -> Path:
        """Folder of the authority's keys."""
        return self.data / "identity"

    def warnings(self) -> list[str]:
        """What is legal and would still bite."""
        found = []
        if not self.listen.loopback and not self.https:
            found.append(
                "others on the network reach this page, and passwords travel to it in clear; set tls_certificate_file "
                "and tls_key_file under [listen], or put a proxy with TLS in front"
            )
        if not self.listen.loopback and not self.hosts:
            found.append("hosts under [listen] is empty: the page answers to whatever name it is asked for by")
        if self.store_server is not None and not self.store_server.safe:
            found.append(f"the way to the store {self.store_server.url} is not encrypted; use https://")
        if not self.broker.tls and self.broker.host not in ("127.0.0.1", "localhost", "::1"):
            found.append(f"the way to the broker {self.broker} is not encrypted; use mqtts://")
        return found

    def broker_password(self) -> str | None:
        """The first line of the password file; raises BadSettings when it cannot be read."""
        if self.broker_password_file is None:
            return None
        try:
            text = self.broker_password_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSettings(f"cannot be read: {error}", file=str(self.broker_password_file)) from None
        return text.split("\n", 1)[0].rstrip("\r")


def parse_listen(text: str) -> ListenAddress:
    """Read ``host:port`` or ``[::1]:port``; raises ValueError that says how to write it."""
    host, colon, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        colon = ""
    if not colon or not host or not (port.isascii() and port.isdecimal()) or int(port) > 65535:
        raise ValueError(f"{text!r} is no address to listen on; write host:port, like {DEFAULT_LISTEN}")
    return ListenAddress(host, int(port))


def load_cloud(
    path: Path | None,
    *,
    data: str | None = None,
    broker: str | None = None,
    listen: str | None = None,
    member: str | None = None,
) -> CloudSettings:
    """Settings from a file (or none) and what the command line says instead. Raises BadSettings; opens nothing else."""
    document = load_toml(path) if path is not None else Document("command line", "")
    given = {
        ("collector", "data"): data,
        ("broker", "url"): broker,
        ("listen", "address"): listen,
        ("group", "member"): member,
    }
    file = decode(document, CloudFile)
    home = path.parent if path is not None else Path()
    read = SettingsReader(document, home, {key: value for key, value in given.items() if value is not None})
    url = read.parsed(("broker", "url"), file.broker.url, parse_mqtt_url)
    if file.broker.own_certificate and not url.tls:
        raise document.fail(("broker", "own_certificate"), f"{url} shows no certificate", "mqtts:// in url, or false")
    if file.broker.own_certificate and file.broker.ca_file is not None:
        raise document.fail(("broker", "ca_file"), "with own_certificate the broker's is of our own authority", "none")
    certificate, key = (
        read.file(("listen", "tls_certificate_file"), file.listen.tls_certificate_file),
        read.file(("listen", "tls_key_file"), file.listen.tls_key_file),
    )
    if (certificate is None) != (key is None):
        missing = "tls_key_file" if key is None else "tls_certificate_file"
        raise document.fail(("listen",), f"https needs {missing} too")
    return CloudSettings(
        path=path,
        data=Path(data) if data is not None else home / file.collector.data,
        require_enrolment=file.collector.require_enrolment,
        broker=url,
        broker_username=file.broker.username,
        broker_password_file=read.file(("broker", "password_file"), file.broker.password_file),
        broker_ca_file=read.file(("broker", "ca_file"), file.broker.ca_file),
        broker_client_id=file.broker.client_id,
        own_certificate=file.broker.own_certificate,
        broker_files=read.folder(("broker", "files"), file.broker.files),
        listen=read.parsed(("listen", "address"), file.listen.address, parse_listen),
        hosts=tuple(file.listen.hosts),
        tls_certificate_file=certificate,
        tls_key_file=key,
        proxies=tuple(file.listen.proxies),
        session_idle_s=read.parsed(("users", "session_idle"), file.users.session_idle, session_length),
        session_length_s=read.parsed(("users", "session_length"), file.users.session_length, session_length),
        registry_server=_registry_server(read, file.registry),
        store_server=_store_server(read, file.store),
        group=_group(read, file, member),
        second_factor_for=_roles(document, file.users.second_factor_for),
        audit_key_file=home / file.audit.key_file if file.audit.key_file else None,
        audit_checkpoint_file=home / file.audit.checkpoint_file if file.audit.checkpoint_file else None,
        audit_days=file.retention.audit_days or None,
        pages=read.positive(("limits", "pages"), file.limits.pages),
        pages_per_user=read.positive(("limits", "pages_per_user"), file.limits.pages_per_user),
        connections=read.positive(("limits", "connections"), file.limits.connections),
        retention=_retention(document, file.retention),
        people_days=_people_days(file.retention),
        console_days=_console_days(file.retention),
        energy_days=file.retention.energy_days or None,
        tiles=read.folder(("map", "tiles"), file.map.tiles),
        lists_last_days=_lists_last_days(document, file.access.lists_last_days),
        sites=_sites(document, file.site),
    )


def _store_server(read: SettingsReader, table: StoreTable) -> StorePlace | None:
    if table.kind not in ("duckdb", "victoria", "influx"):
        raise read.fail(("store", "kind"), f"{table.kind!r} is no store", "duckdb, victoria, influx")
    if table.kind == "duckdb":
        for name in ("url", "username", "password_file", "ca_file", "organisation"):
            if getattr(table, name) is not None:
                raise read.fail(("store", name), "is of no use to a store in the data folder; set kind too")
        return None
    if table.url is None:
        raise read.fail(("store", "kind"), f"{table.kind} needs the url of its server")
    if table.kind == "influx" and (table.organisation is None or table.password_file is None):
        raise read.fail(("store", "kind"), "influx needs organisation, and password_file with its token")
    return StorePlace(
        kind=table.kind,
        url=read.parsed(("store", "url"), table.url, parse_server_url),
        username=table.username,
        password_file=read.file(("store", "password_file"), table.password_file),
        ca_file=read.file(("store", "ca_file"), table.ca_file),
        organisation=table.organisation or "",
        bucket=table.bucket,
    )


def _group(read: SettingsReader, file: CloudFile, given: str | None) -> GroupPlace | None:
    table = file.group
    if table.name is None:
        if table.member is not None:
            raise read.fail(("group", "member"), "is of no use without a name of the group")
        if given is not None:
            raise BadSettings(
                "these settings name no group; set name under [group]", file="command line", key="--member"
            )
        return None
    if file.registry.url is None:
        raise read.fail(("group", "name"), "a group shares its registry and its ledger; set url under [registry]")
    if file.store.kind == "duckdb":
        raise read.fail(
            ("group", "name"), "one process owns a store in the data folder; set kind under [store]", "victoria, influx"
        )
    place = GroupPlace(
        read.parsed(("group", "name"), table.name, _id), read.parsed(("group", "member"), table.member or "desk", _id)
    )
    if file.broker.client_id is not None:
        raise read.fail(("broker", "client_id"), "in a group each has a name of its own, made of those under [group]")
    return place


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError(f"{text!r} is no name; {ID_RULE}")
    return text


def _registry_server(read: SettingsReader, table: RegistryTable) -> PostgresPlace | None:
    if table.url is None:
        for name, text in (("password_file", table.password_file), ("ca_file", table.ca_file)):
            if text is not None:
                raise read.fail(("registry", name), "is of no use without a url")
        return None
    return PostgresPlace(
        url=read.parsed(("registry", "url"), table.url, parse_postgres_url),
        password_file=read.file(("registry", "password_file"), table.password_file),
        ca_file=read.file(("registry", "ca_file"), table.ca_file),
    )


def _roles(document: Document, names: list[str]) -> tuple[Role, ...]:
    known = [role.value for role in Role]
    for name in names:
        if name not in known:
            raise document.fail(("users", "second_factor_for"), f"{name!r} is no role", ", ".join(known))
    return tuple(Role(name) for name in names)


def _retention(document: Document, table: RetentionTable) -> Retention:
    days: dict[str, int | None] = {}
    for name, value in msgspec.structs.asdict(table).items():
        if value < 0:
            raise document.fail(("retention", name), f"{value} is less than nothing", "0 (for ever) and more")
        days[name] = value or None
    for name in ("console_days", "energy_days", *(f"{kept}_days" for kept in OF_PEOPLE)):
        del days[name]
    if (kept := days.pop("audit_days")) is not None and kept < AUDIT_DAYS_MIN:
        raise document.fail(
            ("retention", "audit_days"), f"{kept} is too few", f"0 (for ever), or {AUDIT_DAYS_MIN} and more"
        )
    return Retention(**days)


def _lists_last_days(document: Document, days: int) -> int:
    if not LISTS_DAYS_MIN <= days <= LISTS_DAYS_MAX:
        allowed = f"{LISTS_DAYS_MIN} to {LISTS_DAYS_MAX}"
        raise document.fail(("access", "lists_last_days"), f"{days} is too few or too many", allowed)
    return days


def _people_days(table: RetentionTable) -> dict[str, int | None]:
    return {kept: getattr(table, f"{kept}_days") or None for kept in OF_PEOPLE}


def _console_days(table: RetentionTable) -> int | None:
    """People are named in the timeline and the time machine, too."""
    return min((days for days in (table.console_days, *_people_days(table).values()) if days), default=None)


def _sites(document: Document, tables: list[SiteTable]) -> tuple[NamedSite, ...]:
    seen: set[str] = set()
    for index, table in enumerate(tables):
        if not is_id(table.id):
            raise document.fail(("site", index, "id"), f"{table.id!r} is no site id", ID_RULE)
        if table.id in seen:
            raise document.fail(("site", index, "id"), f"{table.id!r} stands here twice")
        seen.add(table.id)
        if table.time_zone is not None and not is_time_zone(table.time_zone):
            raise document.fail(
                ("site", index, "time_zone"), f"{table.time_zone!r} is no time zone", "IANA names, like Asia/Shanghai"
            )
    return tuple(NamedSite(table.id, table.name, table.time_zone) for table in tables)


def is_time_zone(name: str) -> bool:
    """True when this machine knows the zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True
