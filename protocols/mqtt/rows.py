"""An MQTT profile as it stands in its file: one struct per table. `profile.py` makes rules of them."""

from typing import Literal

import msgspec

from protocols.mqtt.payload import PayloadKind
from protocols.profile_head import ProfileHead

TimeForm = Literal["epoch_s", "epoch_ms", "epoch_hex", "iso", "local", "clock"]
Texts = str | tuple[str, ...]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class PointRow(_Row, frozen=True, kw_only=True):
    """Where a point's value stands in a message. Either ``path`` or the constant ``value``."""

    path: Texts = ""
    value: float | None = None
    required: bool = False
    scale: float = 1.0
    offset: float = 0.0
    signed_bits: int = 0
    split: str = ""
    item: int = 0
    map: dict[str, float] = {}
    invalid: tuple[float, ...] = ()
    bad: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    missing: float | None = None
    stale_after: str = ""


class FieldRow(_Row, frozen=True, kw_only=True):
    """Where a field of an event stands. Either ``path`` or the constant ``value``; ``card`` keys a card number."""

    path: Texts = ""
    value: str | bool | int | float | None = None
    card: bool = False


class EventRow(_Row, frozen=True, kw_only=True):
    """An event that a message stands for, when all of ``when`` holds.

    each: path of a list; every entry of it may be such an event, and paths start there. changed: path of a value that
    devices repeat; only a message in which it is another than in the message before is an event.
    """

    kind: str
    each: str = ""
    changed: str = ""
    when: dict[str, Texts] = {}
    fields: dict[str, FieldRow] = {}


class MarkRow(_Row, frozen=True, kw_only=True):
    """Points of a message that are left out (``drop``) or flagged as uncertain (``doubt``) when ``when`` holds."""

    points: tuple[str, ...]
    when: dict[str, Texts]
    reason: str = ""


class AliveRow(_Row, frozen=True, kw_only=True):
    """Words by which the message says that the device is there or not. ``*`` in ``offline``: every other word."""

    path: str = ""
    online: tuple[str, ...] = ()
    offline: tuple[str, ...] = ()


class SitePointRow(_Row, frozen=True, kw_only=True):
    """How the values of points that the site file names are written; ``counter``: as ``number`` unless it is there."""

    state: PointRow = PointRow()
    number: PointRow = PointRow()
    counter: PointRow | None = None


class MessageRow(_Row, frozen=True, kw_only=True):
    """One kind of message. The first row whose topic, payload and ``when`` fit is used."""

    topic: str
    payload: PayloadKind = "json"
    columns: int = 0
    when: dict[str, Texts] = {}
    ignore: bool = False
    refuse: str = ""
    means: Literal["", "online", "offline"] = ""
    alive: AliveRow | None = None
    time: Texts | None = None
    time_form: TimeForm | None = None
    points: dict[str, PointRow] = {}
    site_points: SitePointRow | None = None
    same: Texts = ()
    event: tuple[EventRow, ...] = ()
    drop: tuple[MarkRow, ...] = ()
    doubt: tuple[MarkRow, ...] = ()
    note: str = ""


class DialectRow(_Row, frozen=True, kw_only=True):
    """What holds for the whole dialect."""

    identity: Texts = ""
    time: Texts = ""
    time_form: TimeForm = "epoch_s"
    max_age: str = "7 d"
    max_bytes: int = 65536
    silence: str = "0 s"
    stale_after: str = "0 s"
    empty: Literal["refuse", "ignore"] = "refuse"
    repeat_within: str = "0 s"
    card: str = "hex"


class SitePoint(_Row, frozen=True, kw_only=True):
    """Where a point's values come: ``at`` stands in the topic for {point}. The rest is for values in other units or
    words than the profile expects."""

    at: str
    scale: float = 1.0
    offset: float = 0.0
    map: dict[str, float] = {}


class MqttFile(_Row, frozen=True, kw_only=True):
    """The whole TOML file."""

    profile: ProfileHead
    mqtt: DialectRow = msgspec.field(default_factory=DialectRow)
    places: dict[str, str | SitePoint] = {}
    message: tuple[MessageRow, ...]
