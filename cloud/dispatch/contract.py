"""What dispatch needs of the rest of the collector, and the errors it answers with."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from cloud.assets.contract import Booked
from cloud.dispatch.request import History, Request
from cloud.dispatch.settings import DEFAULTS, DispatchSettings
from protocols.errors import Permanent


class Actor(NamedTuple):
    """Who does something. ``dispatcher``: may do everything; else only file, and cancel and rate what is its own."""

    name: str
    dispatcher: bool
    sees_all: bool = True


CLOCKWORK = Actor("automatic", dispatcher=True)
"""What the collector does by itself."""


class Refused(Permanent):
    """Something that was asked of dispatch cannot be. ``code`` is stable, ``hint`` says what would be right."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.code, self.message, self.hint = code, message, hint
        super().__init__(message)


class NotYours(Refused):
    """Somebody else's request, or work of a dispatcher."""

    def __init__(self, message: str) -> None:
        super().__init__("not_allowed", message, "a dispatcher may do this")


class NoSuchRequest(Refused):
    """There is none of that number, or it is not for the one who asks."""

    def __init__(self, request: str) -> None:
        super().__init__("not_found", f"there is no request {request[:80]!r}", "site.number, like east.20261121-014")


class Conflict(Refused):
    """It changed since the one who asks looked at it."""

    def __init__(self, request: Request, message: str = "") -> None:
        self.request = request
        super().__init__(
            "conflict",
            message or f"request {request.number} was changed by somebody else: it is {request.status} now",
            f"its rev is {request.rev}: look again, then decide",
        )


class Remembered(NamedTuple):
    """An Idempotency-Key that was used: asked again, it is answered with what was done then."""

    owner: str
    key: str
    digest: str
    request: str
    at: int


class TravelRow(NamedTuple):
    """A journey that ended: ``straight_m`` as the crow flies, ``road_m`` by odometer if known."""

    site: str
    kind: str
    at: int
    hour: int
    straight_m: float
    road_m: float | None
    travel_s: float
    source: str


class Written(NamedTuple):
    """One change to write down. ``expected``: the rev it stands on; None for a new request."""

    request: Request
    history: Sequence[History] = ()
    expected: int | None = None
    remembered: Remembered | None = None
    suggestion: str | None = None
    """JSON of the suggestion that stood when somebody was chosen."""


class Filed(NamedTuple):
    """What is looked for among all requests: filed in [since, until), every term in what it is known by."""

    since: int
    until: int
    limit: int
    site: str | None = None
    owner: str | None = None
    """Only those this login filed."""
    kind: str | None = None
    ended: bool = False
    """Only those that have ended."""
    terms: Sequence[str] = ()
    after: tuple[int, str, str] | None = None
    """created_at, site and number of the last one of the page before."""


class Found(NamedTuple):
    """A page, the newest first. ``next``: the ``after`` of the next page; None when this is the last."""

    requests: list[Request]
    next: tuple[int, str, str] | None


class RoomBookings(Protocol):
    """Who looks after the bookings of rooms."""

    def taken(self, site: str) -> Sequence[Booked]:
        """Bookings to come, and those under way, that no request of dispatch holds."""
        ...

    async def follow(self, before: Request, after: Request, by: str) -> None:
        """Take, move or give back the room that a request was given. Raises Refused when it cannot be had, and then
        nothing is changed."""
        ...


class Decided(NamedTuple):
    """What a site decided; ``rev`` counts how often, 0 is never."""

    settings: DispatchSettings = DEFAULTS
    rev: int = 0


class SettingsChanged(Exception):
    """Somebody else changed the settings in between; ``rev`` is theirs."""

    def __init__(self, rev: int) -> None:
        self.rev = rev
        super().__init__(f"the settings were changed meanwhile (now rev {rev})")


class Book(Protocol):
    """Where requests rest (``cloud.registry.request_book``)."""

    async def open_requests(self, ended_since: int) -> list[Request]:
        """All that are open, and those that ended at ``ended_since`` or later."""
        ...

    async def find(self, site: str, number: str) -> Request | None: ...

    async def history(self, site: str, number: str) -> list[History]:
        """The oldest first."""
        ...

    async def chosen_by(self, site: str, number: str) -> str | None:
        """JSON of the suggestion that stood when somebody was chosen last."""
        ...

    async def filed(self, site: str | None, since: int, until: int, *, owner: str | None, limit: int) -> list[Request]:
        """Filed in [since, until), the newest first; ``owner``: only those this login filed."""
        ...

    async def search(self, wanted: Filed) -> Found: ...

    async def last_number(self, site: str, day: str) -> int:
        """The largest number of a day so far; 0 for none."""
        ...

    async def write(self, changes: Sequence[Written]) -> None:
        """All or nothing. Raises Conflict when one stands on another rev than the book has."""
        ...

    async def remembered(self, owner: str, key: str, since: int) -> Remembered | None: ...

    async def forget_keys(self, before: int) -> None: ...

    async def travels(self, limit_per_site: int) -> list[TravelRow]:
        """What was learned, the oldest first."""
        ...

    async def learn(self, rows: Sequence[TravelRow], keep_per_site: int) -> None: ...

    async def settings(self) -> dict[str, Decided]: ...

    async def set_settings(self, site: str, decided: Decided, at: int, by: str) -> None: ...


class Alarms(Protocol):
    """The alarm board."""

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, str | int | float | bool | None]) -> None: ...

    def clear_alarm(self, kind: str, source: str) -> None: ...


class Measured(NamedTuple):
    """A figure with how many it stands on. None with n = 0: nothing was measured, which is not zero."""

    value: float | None
    n: int


class RoomSharing(NamedTuple):
    """Rooms that were used, by how many units, in how many bookings."""

    rooms: int
    units: int
    bookings: int


class PlaceFigures(Protocol):
    """What doors and rooms measured (the features of places)."""

    async def gate_passage_s(self, site: str, since: int, until: int) -> Measured:
        """Median seconds per person at the gates."""
        ...

    async def room_booking_s(self, site: str, since: int, until: int) -> Measured:
        """Median seconds from opening the form to the booking."""
        ...

    async def room_sharing(self, site: str, since: int, until: int) -> RoomSharing: ...
