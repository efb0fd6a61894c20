"""The site file as it is written: one struct per table, every value as text or number; `site_reader.py` reads them."""

from __future__ import annotations

from typing import Literal

import msgspec

BusKind = Literal["modbus-tcp", "modbus-rtu", "modbus-rtu-tcp", "mqtt"]
WordOrder = Literal["big", "little"]


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the site file; an unknown key in it is an error."""


class GatewayRow(Row, frozen=True, kw_only=True):
    """[gateway]"""

    site: str
    id: str
    name: str = ""
    site_name: str = ""
    time_zone: str = "Asia/Shanghai"
    card_key_file: str = ""
    profile_dirs: list[str] = ["profiles"]


class UplinkRow(Row, frozen=True, kw_only=True):
    """[uplink]"""

    url: str
    username: str = ""
    password_file: str = ""
    ca_file: str = ""
    window: int = 32
    ack_timeout: str = "10 s"
    dead_after: str = "60 s"


class BufferRow(Row, frozen=True, kw_only=True):
    """[buffer]"""

    path: str = "buffer.db"
    max_size: str = "512 MiB"
    flush_every: str = "1 s"


class DefaultsRow(Row, frozen=True, kw_only=True):
    """[defaults]"""

    every: str = "10 s"
    max_silence: str = "5 min"


class BusRow(Row, frozen=True, kw_only=True):
    """[[bus]]"""

    name: str
    kind: BusKind
    timeout: str = "1 s"
    host: str = ""
    port: int | str | None = None
    baud: int = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    url: str = ""
    username: str = ""
    password_file: str = ""
    ca_file: str = ""


class DeviceRow(Row, frozen=True, kw_only=True):
    """[[device]]"""

    id: str
    profile: str
    bus: str
    name: str = ""
    kind: str = ""
    unit: int | None = None
    topic: str = ""
    ident: str = ""
    card: str = ""
    every: str = ""
    max_silence: str = ""
    deadband: dict[str, float | str] = {}
    word_order: WordOrder | None = None
    ct: float | None = None
    pt: float | None = None
    extended: bool = False


class SiteFile(Row, frozen=True, kw_only=True):
    """The whole file."""

    gateway: GatewayRow
    uplink: UplinkRow
    buffer: BufferRow = msgspec.field(default_factory=BufferRow)
    defaults: DefaultsRow = msgspec.field(default_factory=DefaultsRow)
    bus: list[BusRow] = []
    device: list[DeviceRow] = []
