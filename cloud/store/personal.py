"""What of a store is about people, and what a store that can forget it promises. Apart from ``SeriesStore``, as a
store on a server may be able to do less.

The store's upkeep calls ``expire`` and ``scrub`` again and again, a slice at a time; each slice is a transaction of its
own beside the commits, and a process that is killed goes on with the next slice. Identities of batches are never
touched: what was deleted and is sent again is known, acknowledged and not stored.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

ACCESS_KINDS = ("card_read", "plate_read", "access_granted", "access_denied", "lock_operated")
"""Events that say who was at a door or a gate."""
TRACK_KINDS = ("region_entered", "region_left")
TRACK_POINTS = ("latitude", "longitude", "altitude_m", "speed_kmh", "course_deg")
"""Readings that say where somebody was. Odometers stay: they say how far, not where."""

FOUND_MAX = 20_000
"""Events of one person that are found at the most."""


_BETWEEN = r"(\\u[0-9a-f]{4}|[^0-9A-Za-z\"\\])*"


def plate_in_json(plain: str) -> str:
    """A regular expression that finds a plate in the JSON of an event, which is ASCII."""
    signs = (f"[{sign.upper()}{sign.lower()}]" if sign.isascii() else f"\\\\u{ord(sign):04x}" for sign in plain)
    return '"' + _BETWEEN + "".join(sign + _BETWEEN for sign in signs) + '"'


class Due(NamedTuple):
    """What is too old: events of these kinds and readings of these points, observed before ``before``.

    ``kept_sites`` and whatever holds one of ``kept_words`` stay: somebody has a legal hold on them.
    """

    kinds: tuple[str, ...]
    points: tuple[str, ...]
    before: int
    kept_sites: frozenset[str] = frozenset()
    kept_words: frozenset[str] = frozenset()
    kept_plates: frozenset[str] = frozenset()
    """Like words, but however they are written."""


class HeldBack(NamedTuple):
    """What a legal hold keeps in the store whatever its age: events of these kinds (None: all) and readings of these
    points, of these sites (none: all); of the events those that hold one of the words or plates, where there are any.
    """

    kinds: tuple[str, ...] | None
    points: tuple[str, ...] = ()
    sites: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    plates: frozenset[str] = frozenset()


class Slice(NamedTuple):
    """What one slice took away, and whether there is more."""

    rows: int
    more: bool


class PersonalEvent(NamedTuple):
    """An event as it is stored; ``id`` names it for ever."""

    id: str
    at: int
    site: str
    device: str
    kind: str
    data: str


@runtime_checkable
class PersonalStore(Protocol):
    """A store that finds and forgets what is about people. All raise StoreUnavailable."""

    def hold_back(self, held: Sequence[HeldBack]) -> None:
        """From now on the store's own retention of events and readings leaves just these."""
        ...

    async def count_due(self, due: Due) -> int:
        """How many rows are due; nothing is touched."""
        ...

    async def expire(self, due: Due) -> Slice:
        """Take away a slice of what is due, with its roll-ups."""
        ...

    async def find_events(self, words: Sequence[str], plates: Sequence[str] = ()) -> list[PersonalEvent]:
        """Events whose data holds one of the words, or one of the plates (capitals and digits) however it is written:
        small, or with dots, dashes and spaces; the oldest first; at most ``FOUND_MAX``. Some others may be found."""
        ...

    async def erase_events(self, ids: Sequence[str]) -> int:
        """Take these events away; how many there were. Those that are gone already are no fault."""
        ...

    async def scrub(self) -> int:
        """Overwrite room that deleted rows left in the file, a slice at a time; about how many bytes are left, 0 when
        nothing is."""
        ...
