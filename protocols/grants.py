"""The grant list: whom the doors of one gateway let in, and when, signed by the collector and valid for a while.

On the wire, retained on the channel ``grants``::

    byte 0       0x01, the version
    bytes 1-64   the collector's Ed25519 signature over ``dayuan grants 1`` and a zero byte, and over the rest
    rest         one zstd frame (content size on) of JSON, see GrantList

The signature is checked before anything is unpacked. Names stay in the collector: a card is its key, a person a number.
A list replaces the one before as a whole; its ``number`` only rises, so that an older one is known as such. Whoever
gives numbers takes the larger of the last one plus 1 and the milliseconds since 1970: then a collector that was set up
from an old backup goes on above what gateways hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
import zstandard

from protocols.clock import MS_PER_S
from protocols.errors import BadGrants
from protocols.schedules import Schedule, zone_of
from protocols.signing import SIGNATURE_BYTES, signed_by

PACKED_MAX = 1536 * 1024
"""Bytes as published: 50,000 cards of many sets, and less than the packet of 2 MiB that our broker takes."""
OPEN_MAX = 16 * 1024 * 1024
"""Bytes of the JSON."""
CARDS_MAX = 50_000
DOORS_MAX = 256
SCHEDULES_MAX = 512
SETS_MAX = 50_000
GRANTS_OF_SET_MAX = 1024
GRANTS_MAX = 200_000
"""Of all sets together."""
KEY_HEX = 32
LASTS_MS_MAX = 90 * 86_400 * MS_PER_S
"""A list that outlived this would let people in of whom nobody remembers."""
MADE_AHEAD_MS_MAX = 10 * 60 * MS_PER_S
"""A list that was made later than this after a gateway's own time proves that one of the two clocks is wrong."""

EXEMPT, LASTING = 1, 2
"""Flags of a card: anti-passback does not hold for it; it opens after the list has expired as well."""
LEVEL_NUMBER, LEVEL_PROVEN, LEVEL_TWO = 1, 2, 3
"""Assurance: a number that anybody can copy; a card that proved a secret; that, and a PIN or a finger."""

Passback = Literal["off", "soft", "hard"]
"""Anti-passback: soft lets in and says so, hard does not let in."""

_VERSION = 1
_SIGNED = b"dayuan grants 1\0"
_LEVEL = 9

_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}\Z")]
_Instant = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
_Person = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Level = Annotated[int, msgspec.Meta(ge=LEVEL_NUMBER, le=LEVEL_TWO)]


class GrantDoor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A [[door]] of the gateway. ``level``: the least assurance that opens it. ``forgiven_min``: minutes after which a
    passage no longer counts against the next; 0: it always does."""

    id: _Id
    level: _Level = LEVEL_NUMBER
    passback: Passback = "off"
    forgiven_min: Annotated[int, msgspec.Meta(ge=0, le=7 * 1440)] = 0


class Grant(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """May open ``door`` while ``schedule`` holds (None: at any time), from ``valid_from`` until before ``valid_until``
    (ms, None: no limit)."""

    door: _Id
    schedule: _Id | None = None
    valid_from: _Instant | None = None
    valid_until: _Instant | None = None


class Card(NamedTuple):
    """One card. ``set``: which of the list's sets of grants it has. ``flags``: EXEMPT, LASTING. ``level``: how sure one
    can be of the card itself; the reader's own level limits it further."""

    key: str
    person: int
    set: int
    flags: int = 0
    level: int = LEVEL_NUMBER


class Cards(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All cards as columns. ``keys``: the card keys, 32 hex digits each, one behind the other, ascending: a card is
    found in 16 steps without a table being built. The other columns have one number for each; tuples, because the
    search for cycles leaves tuples of numbers alone, and would hold a door up for lists of so many."""

    keys: Annotated[str, msgspec.Meta(max_length=CARDS_MAX * KEY_HEX)] = ""
    people: Annotated[tuple[_Person, ...], msgspec.Meta(max_length=CARDS_MAX)] = ()
    sets: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0)], ...], msgspec.Meta(max_length=CARDS_MAX)] = ()
    flags: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=3)], ...], msgspec.Meta(max_length=CARDS_MAX)] = ()
    levels: Annotated[tuple[_Level, ...], msgspec.Meta(max_length=CARDS_MAX)] = ()

    def __len__(self) -> int:
        return len(self.people)

    def __iter__(self) -> Iterator[Card]:
        return (self._at(place) for place in range(len(self)))

    def find(self, key: str) -> Card | None:
        """The card with this key."""
        low, high = 0, len(self)
        while low < high:
            middle = (low + high) // 2
            if self.keys[middle * KEY_HEX : (middle + 1) * KEY_HEX] < key:
                low = middle + 1
            else:
                high = middle
        found = self._at(low) if low < len(self) else None
        return found if found is not None and found.key == key else None

    def _at(self, place: int) -> Card:
        key = self.keys[place * KEY_HEX : (place + 1) * KEY_HEX]
        return Card(key, self.people[place], self.sets[place], self.flags[place], self.levels[place])


class GrantList(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one gateway goes by from when it has it until ``expires_at`` (ms). ``time_zone``: in which schedules hold.
    ``sets``: lists of grants that cards share."""

    v: Literal[1] = 1
    site: _Id
    gateway: _Id
    number: _Number
    issued_at: _Instant
    expires_at: _Instant
    time_zone: Annotated[str, msgspec.Meta(max_length=64)]
    doors: Annotated[list[GrantDoor], msgspec.Meta(max_length=DOORS_MAX)] = []
    schedules: Annotated[list[Schedule], msgspec.Meta(max_length=SCHEDULES_MAX)] = []
    sets: Annotated[
        list[Annotated[list[Grant], msgspec.Meta(max_length=GRANTS_OF_SET_MAX)]], msgspec.Meta(max_length=SETS_MAX)
    ] = []
    cards: Cards = Cards()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(GrantList)


def columns(cards: Sequence[Card]) -> Cards:
    """Cards in any order as the columns of a list."""
    ordered = sorted(cards)
    return Cards(
        keys="".join(card.key for card in ordered),
        people=tuple(card.person for card in ordered),
        sets=tuple(card.set for card in ordered),
        flags=tuple(card.flags for card in ordered),
        levels=tuple(card.level for card in ordered),
    )


def seal_grants(grants: GrantList, sign: Callable[[bytes], bytes]) -> bytes:
    """The list as published; ``sign`` is of the collector's command key. Raises BadGrants for one that nobody takes."""
    text = _encoder.encode(grants)
    _parse(text)
    frame = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True).compress(text)
    payload = bytes([_VERSION]) + sign(_SIGNED + frame) + frame
    if len(payload) > PACKED_MAX:
        raise BadGrants("too_large", f"{len(payload)} bytes packed, at most {PACKED_MAX}")
    return payload


def open_grants(payload: bytes, public_key: bytes, *, site: str, gateway: str) -> GrantList:
    """The list in a message, if our collector made it for this gateway. Looks at no time and at no earlier number.

    Raises BadGrants: ``empty``, ``too_large``, ``version``, ``signature``, ``damaged``, ``schema`` (what cannot be
    read), ``times``, ``doors``, ``schedules``, ``grants``, ``cards`` (what does not hold together), ``target``.
    """
    if not payload:
        raise BadGrants("empty", "no bytes: a message taken back takes no list back")
    if len(payload) > PACKED_MAX:
        raise BadGrants("too_large", f"{len(payload)} bytes, at most {PACKED_MAX}")
    if payload[0] != _VERSION:
        raise BadGrants("version", f"first byte 0x{payload[0]:02x}; this gateway reads 0x01")
    frame = payload[1 + SIGNATURE_BYTES :]
    if not signed_by(public_key, payload[1 : 1 + SIGNATURE_BYTES], _SIGNED + frame):
        raise BadGrants("signature", "not signed by our collector")
    grants = _parse(_unpacked(frame))
    if (grants.site, grants.gateway) != (site, gateway):
        raise BadGrants("target", f"it is for {grants.site}/{grants.gateway}")
    return grants


def _unpacked(frame: bytes) -> bytes:
    try:
        size = zstandard.frame_content_size(frame)
        if size > OPEN_MAX:
            raise BadGrants("too_large", f"opens to {size} bytes, at most {OPEN_MAX}")
        if size < 0:
            raise BadGrants("damaged", "the frame does not say its size")
        return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise BadGrants("damaged", str(error)) from None


def _parse(text: bytes) -> GrantList:
    if len(text) > OPEN_MAX:
        raise BadGrants("too_large", f"{len(text)} bytes of JSON, at most {OPEN_MAX}")
    try:
        grants = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadGrants("schema", str(error)) from None
    _check_head(grants)
    _check_sets(grants)
    _check_cards(grants.cards, len(grants.sets))
    return grants


def _check_head(grants: GrantList) -> None:
    lasts = grants.expires_at - grants.issued_at
    if lasts <= 0:
        raise BadGrants("times", f"expires_at {grants.expires_at} is not after issued_at {grants.issued_at}")
    if lasts > LASTS_MS_MAX:
        raise BadGrants("times", f"it lasts {lasts // 86_400_000} days, at most {LASTS_MS_MAX // 86_400_000}")
    if zone_of(grants.time_zone) is None:
        raise BadGrants("times", f"{grants.time_zone!r} is no time zone; write it like Asia/Shanghai")
    for place, door in enumerate(grants.doors):
        if any(door.id == other.id for other in grants.doors[:place]):
            raise BadGrants("doors", f"doors[{place}]: {door.id!r} stands twice")
    known: set[str] = set()
    for place, schedule in enumerate(grants.schedules):
        if schedule.id in known:
            raise BadGrants("schedules", f"schedules[{place}]: {schedule.id!r} stands twice")
        known.add(schedule.id)
        wrong = schedule.fault()
        if wrong:
            raise BadGrants("schedules", wrong)


def _check_sets(grants: GrantList) -> None:
    doors = {door.id for door in grants.doors}
    schedules = {schedule.id for schedule in grants.schedules}
    count = 0
    for number, each in enumerate(grants.sets):
        count += len(each)
        for place, grant in enumerate(each):
            where = f"sets[{number}][{place}]"
            if grant.door not in doors:
                raise BadGrants("grants", f"{where}: the list has no door {grant.door!r}")
            if grant.schedule is not None and grant.schedule not in schedules:
                raise BadGrants("grants", f"{where}: the list has no schedule {grant.schedule!r}")
            since, until = grant.valid_from, grant.valid_until
            if since is not None and until is not None and since >= until:
                raise BadGrants("grants", f"{where}: valid_until {until} is not after valid_from {since}")
    if count > GRANTS_MAX:
        raise BadGrants("too_large", f"{count} grants in all sets, at most {GRANTS_MAX}")


def _check_cards(cards: Cards, sets: int) -> None:
    count = len(cards.people)
    if not len(cards.sets) == len(cards.flags) == len(cards.levels) == count:
        lengths = f"{count} people, {len(cards.sets)} sets, {len(cards.flags)} flags, {len(cards.levels)} levels"
        raise BadGrants("cards", f"the columns are of different lengths: {lengths}")
    foreign = cards.keys.encode().translate(None, b"0123456789abcdef")
    if foreign or len(cards.keys) != count * KEY_HEX:
        raise BadGrants("cards", f"keys: not {count} times {KEY_HEX} digits of 0-9 and a-f")
    before = ""
    for place in range(count):
        key = cards.keys[place * KEY_HEX : (place + 1) * KEY_HEX]
        if key <= before:
            what = "stands twice" if key == before else "is out of order: keys ascend"
            raise BadGrants("cards", f"cards[{place}]: the key {key[:8]}... {what}")
        before = key
    if cards.sets and max(cards.sets) >= sets:
        place = next(place for place, number in enumerate(cards.sets) if number >= sets)
        raise BadGrants("cards", f"cards[{place}]: set {cards.sets[place]} of {sets}")
