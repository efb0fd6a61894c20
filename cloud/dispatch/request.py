"""A request and its life: what somebody needs, and the one table of what may be done to it when.

A ``Request`` never changes; ``moved`` makes the next one and the line of history that says who did what, and why.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from cloud.geo.earth import Spot
from protocols.errors import Permanent

Kind = Literal["vehicle", "repair", "room", "guard", "visitor"]
Tier = Literal["real_time", "4h", "24h"]
Status = Literal[
    "new",
    "awaiting_approval",
    "waiting",
    "assigned",
    "under_way",
    "arrived",
    "done",
    "cancelled",
    "refused",
    "expired",
]

KINDS: tuple[Kind, ...] = ("vehicle", "repair", "room", "guard", "visitor")
TIERS: tuple[Tier, ...] = ("real_time", "4h", "24h")
ENDED: frozenset[str] = frozenset({"done", "cancelled", "refused", "expired"})
ASKING: frozenset[str] = frozenset({"new", "waiting"})
"""Nobody is sent yet, and somebody may be."""
AT_WORK: frozenset[str] = frozenset({"assigned", "under_way", "arrived"})
SENT: Mapping[str, str] = {"vehicle": "vehicle", "repair": "technician", "guard": "guard", "room": "room"}
"""Kind of request -> kind of resource that serves it. A visitor's request is answered with a pass, by nobody sent."""
TRAVELS: frozenset[str] = frozenset({"vehicle", "repair", "guard"})
"""Kinds for which somebody comes to a place, so that they have an arrival."""


def _stays(*statuses: str) -> dict[str, str]:
    return {status: status for status in statuses}


MOVES: Mapping[str, Mapping[str, str]] = {
    "acknowledge": {"new": "waiting", "awaiting_approval": "awaiting_approval"},
    "approve": {
        "awaiting_approval": "waiting",
        **_stays("new", "waiting", "assigned", "under_way", "arrived", "done"),
    },
    "refuse": {
        "new": "refused",
        "awaiting_approval": "refused",
        "waiting": "refused",
        "assigned": "refused",
        **_stays("under_way", "arrived", "done"),
    },
    "assign": {"new": "assigned", "waiting": "assigned"},
    "reassign": {"assigned": "assigned", "under_way": "assigned"},
    "release": {"assigned": "waiting", "under_way": "waiting"},
    "lock": _stays("assigned", "under_way", "arrived"),
    "unlock": _stays("assigned", "under_way", "arrived"),
    "start": {"assigned": "under_way"},
    "arrive": {"assigned": "arrived", "under_way": "arrived"},
    "finish": {"new": "done", "waiting": "done", "assigned": "done", "under_way": "done", "arrived": "done"},
    "cancel": {
        "new": "cancelled",
        "awaiting_approval": "cancelled",
        "waiting": "cancelled",
        "assigned": "cancelled",
        "under_way": "cancelled",
        "arrived": "cancelled",
    },
    "expire": {"new": "expired", "awaiting_approval": "expired", "waiting": "expired"},
    "rate": {"done": "done"},
}
"""action -> status before -> status after. What stands in no row cannot be done.

A status that stays at ``approve`` or ``refuse`` is that of an emergency, which is served first and approved after;
``finish`` without anybody sent is for visitors and for what was settled by telephone.
"""


class NotPossible(Permanent):
    """The request is not in a state in which this can be done."""

    def __init__(self, request: "Request", action: str, message: str = "", hint: str = "") -> None:
        self.request, self.action = request, action
        possible = ", ".join(actions_of(request)) or "nothing"
        self.hint = hint or f"possible now: {possible}"
        super().__init__(message or f"request {request.number} is {request.status}: it cannot take {action!r}")


class Where(msgspec.Struct, frozen=True):
    """A place by its name, and where it is when somebody knows."""

    name: str
    latitude: float | None = None
    longitude: float | None = None

    @property
    def spot(self) -> Spot | None:
        if self.latitude is None or self.longitude is None:
            return None
        return Spot(self.latitude, self.longitude)


class Requester(msgspec.Struct, frozen=True):
    """Who needs it, as dispatchers call them back."""

    name: str
    unit: str = ""
    phone: str = ""


class Window(msgspec.Struct, frozen=True):
    """When the resource should be there: not before ``earliest``, not after ``latest`` (ms)."""

    earliest: int
    latest: int


class Demand(msgspec.Struct, frozen=True):
    """What the resource must offer. 0, "" and () ask for nothing."""

    seats: int = 0
    vehicle_class: str = msgspec.field(name="class", default="")
    skills: tuple[str, ...] = ()


class Approval(msgspec.Struct, frozen=True):
    """``after``: an emergency is served first and approved after. ``rule`` says why it is needed."""

    needed: bool = False
    state: Literal["", "pending", "approved", "refused"] = ""
    rule: str = ""
    after: bool = False
    due_at: int | None = None
    by: str = ""
    at: int | None = None
    opinion: str = ""


class Assigned(msgspec.Struct, frozen=True):
    """The resource that was chosen; ``since`` to ``until`` (ms) it is taken by this request."""

    resource: str
    name: str
    by: str
    at: int
    since: int
    until: int
    driver: str = ""
    phone: str = ""
    locked: bool = False
    reason: str = ""
    suggested: str = ""
    """What was suggested at that moment; empty when nothing was."""
    eta_s: float | None = None
    stood: Where | None = None
    """Where the resource was at that moment: it is under way once it has left from there."""


class ClockState(msgspec.Struct, frozen=True):
    """One clock of the request. ``step``: the last rung of the ladder that was reached: 0, 50, 80 or 100 percent."""

    started_at: int
    due_at: int
    done_at: int | None = None
    step: int = 0


class Rating(msgspec.Struct, frozen=True):
    """What the requester says of it: 1 (poor) to 5."""

    stars: int
    text: str
    at: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody needs, with a response tier. Instants are ms since 1970 UTC. ``rev`` grows by one per change."""

    site: str
    number: str
    kind: Kind
    tier: Tier
    title: str
    created_at: int
    created_by: str
    requester: Requester
    origin: Where = msgspec.field(name="from")
    to: Where | None = None
    window: Window
    duration_min: int
    round_trip: bool = False
    waiting_min: int = 0
    passengers: int = 0
    passenger_names: tuple[str, ...] = ()
    purpose: str = ""
    note: str = ""
    out_of_town: bool = False
    demand: Demand = Demand()
    priority: int = 3
    """1 (first) to 5."""
    emergency: bool = False
    status: Status = "new"
    approval: Approval = Approval()
    assigned: Assigned | None = None
    clocks: dict[str, ClockState] = {}
    rating: Rating | None = None
    opened_at: int | None = None
    """When the form was opened, as the page measured it."""
    ended_at: int | None = None
    rev: int = 1

    @property
    def id(self) -> str:
        """As in addresses: ``site.number``."""
        return f"{self.site}.{self.number}"

    @property
    def entity(self) -> str:
        return f"{self.site}/request:{self.number}"

    @property
    def open(self) -> bool:
        return self.status not in ENDED

    @property
    def may_be_served(self) -> bool:
        """Somebody may be sent: nobody is yet, and no approval stands in the way."""
        return self.status in ASKING


class History(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done to a request. ``before`` and ``after`` hold what it changed."""

    at: int
    by: str
    action: str
    reason: str = ""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}


def actions_of(request: Request) -> list[str]:
    """What may be done to it now."""
    return [action for action in MOVES if _allowed(request, action)]


def moved(
    request: Request, action: str, *, at: int, by: str, reason: str = "", **changes: object
) -> tuple[Request, History]:
    """The request after the action, and its line of history. Raises NotPossible."""
    if not _allowed(request, action):
        raise NotPossible(request, action)
    status = MOVES[action][request.status]
    changed = msgspec.structs.replace(request, status=status, rev=request.rev + 1, **changes)
    if changed.status in ENDED and request.open:
        changed = msgspec.structs.replace(changed, ended_at=at)
    before, after = _difference(request, changed)
    return changed, History(at=at, by=by, action=action, reason=reason, before=before, after=after)


def _allowed(request: Request, action: str) -> bool:
    if request.status not in MOVES.get(action, {}):
        return False
    pending = request.approval.state == "pending"
    if action == "approve":
        return pending
    if action == "refuse" and request.status in ("under_way", "arrived", "done"):
        return pending
    if action in ("lock", "unlock"):
        return request.assigned is not None and request.assigned.locked == (action == "unlock")
    return True


def _difference(one: Request, other: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    before, after = msgspec.to_builtins(one), msgspec.to_builtins(other)
    names = [name for name in after if name not in ("rev", "clocks") and before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
