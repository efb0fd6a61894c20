"""The birth: what a gateway is and has, published retained at the start of each session. JSON on the wire."""

from typing import Annotated, Literal

import msgspec

from protocols.errors import BadAck
from protocols.points import PointKind

BIRTH_MAX = 4 * 1024 * 1024

_Text = Annotated[str, msgspec.Meta(max_length=200)]
_Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""JSON knows longer numbers; no database does."""
_Revision = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=10_000_000)]


class PointBirth(msgspec.Struct, frozen=True):
    """One point of a device. After ``stale_after_s`` without a reading its value is stale."""

    name: _Text
    unit: _Text
    kind: PointKind
    stale_after_s: _Seconds


class RemoteBirth(msgspec.Struct, frozen=True, kw_only=True):
    """What the site file lets the collector order of one point: ``actions`` (on, off, pulse, set), and the limits.

    ``least``, ``most``: of ``set`` in ``unit`` and of ``pulse`` in s; left out for on and off. ``second_person``: two
    people must stand for an order. ``rate``: orders in ``rate_s``; 0 where there is none.
    """

    point: _Text
    actions: Annotated[list[_Text], msgspec.Meta(max_length=8)]
    unit: _Text = ""
    least: float | None = None
    most: float | None = None
    second_person: bool = False
    rate: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0
    rate_s: _Seconds = 0.0


class DeviceBirth(msgspec.Struct, frozen=True):
    """One device. ``kind``: meter, door, vehicle, as its profile says. ``every_s`` is 0 when it reports by itself.
    ``remote``: what may be ordered of it from afar."""

    id: _Text
    name: _Text
    kind: _Text
    profile: _Text
    bus: _Text
    every_s: _Seconds
    stale_after_s: _Seconds
    points: list[PointBirth] = []
    remote: Annotated[list[RemoteBirth], msgspec.Meta(max_length=200)] = []


class SiteFileBirth(msgspec.Struct, frozen=True, kw_only=True):
    """The site file in force, told by a gateway that takes site files from afar.

    ``source``: ``box`` (the file on its disk, ``revision`` 0) or ``collector``; ``state``: ``trying`` until it is
    confirmed, then ``in_force``. ``packed``: the text, see ``protocols.site_config``. ``highest``: the newest revision
    it has judged, whatever became of it; what is not above is not looked at.
    """

    sha256: Annotated[str, msgspec.Meta(max_length=64)]
    revision: _Whole
    source: Literal["box", "collector"]
    state: Literal["in_force", "trying"]
    packed: Annotated[str, msgspec.Meta(max_length=512 * 1024)] = ""
    highest: _Revision = 0


class DoorBirth(msgspec.Struct, frozen=True, kw_only=True):
    """One [[door]]: its readers, what is pulsed for ``pulse_s`` (0: as long as the module makes it) to open it, and
    whether an order may (``remote``). ``contact``: the device that tells whether it stands open, "" when none does."""

    id: _Text
    name: _Text
    lock: Literal["fail-secure", "fail-safe"]
    readers: list[_Text]
    device: _Text
    point: _Text
    pulse_s: _Seconds
    remote: bool
    contact: _Text = ""


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """One gateway. ``session`` grows with every session of this buffer; ``started_at`` is ms since 1970."""

    v: int = 1
    site: _Text
    gateway: _Text
    name: _Text
    site_name: _Text
    time_zone: _Text
    software: _Text
    config_hash: _Text
    session: _Whole
    started_at: _Whole
    devices: list[DeviceBirth] = []
    site_file: SiteFileBirth | None = None
    doors: list[DoorBirth] = []


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Birth)


def encode_birth(birth: Birth) -> bytes:
    """The birth as published."""
    return _encoder.encode(birth)


def parse_birth(payload: bytes) -> Birth:
    """Read a birth; raises BadAck that says what is wrong with it."""
    if len(payload) > BIRTH_MAX:
        raise BadAck("too_large", f"{len(payload)} bytes")
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise BadAck("schema", str(error)) from None
