"""What each decision does to a request: from the request and the act to the next request, all clocks moved on."""

from typing import Any, NamedTuple

import msgspec

from cloud.dispatch import clocks
from cloud.dispatch.approval import decided
from cloud.dispatch.choosing import Chooser, Wish
from cloud.dispatch.contract import Actor, Refused
from cloud.dispatch.request import History, NotPossible, Rating, Request, moved
from cloud.dispatch.settings import DispatchSettings

REASON_MAX = 500


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be done. ``rev``: what the request was when the one who asks looked; None to not care."""

    action: str
    rev: int | None = None
    reason: str = ""
    resource: str = ""
    """Entity or id of the resource: for assign and reassign."""
    driver: str = ""
    phone: str = ""
    lock: bool = False
    stars: int = 0
    text: str = ""
    automatic: bool = False
    """Done by the collector, out of its own suggestion or of a position."""


class Decided(NamedTuple):
    """The next request, its line of history, and the suggestion that stood when somebody was chosen."""

    request: Request
    history: History
    suggestion: str | None = None


def decide(
    request: Request,
    act: Act,
    actor: Actor,
    now: int,
    settings: DispatchSettings,
    chooser: Chooser,
    others: list[Request],
) -> Decided:
    """Raises NotPossible or Refused; nothing is changed then."""
    reason = _reason(act)
    action = "release" if act.action == "reassign" and not act.resource else act.action
    changes: dict[str, Any] = {}
    shown: str | None = None
    match action:
        case "assign" | "reassign":
            _check_possible(request, action, now, actor)
            if action == "reassign" and not reason:
                raise Refused("reason_needed", "reason: say why it is given to another", "a few words")
            wish = Wish(act.resource, act.driver, act.phone, reason, actor.name, act.lock, act.automatic)
            changes["assigned"], shown = chooser.choose(request, wish, others, now)
        case "release":
            if not reason:
                raise Refused("reason_needed", "reason: say why it goes back to the queue", "a few words")
            changes["assigned"] = None
        case "approve" | "refuse":
            if action == "refuse" and not reason:
                raise Refused("reason_needed", "reason: say why it is refused", "the opinion, in a few words")
            if request.approval.state == "pending":
                changes["approval"] = decided(
                    request.approval, yes=action == "approve", by=actor.name, at=now, opinion=reason
                )
        case "lock" | "unlock":
            if request.assigned is not None:
                changes["assigned"] = msgspec.structs.replace(request.assigned, locked=action == "lock")
        case "rate":
            changes["rating"] = _rating(request, act, now)
        case "acknowledge":
            if request.status == "awaiting_approval" and request.clocks["acknowledge"].done_at is not None:
                raise NotPossible(request, action, f"request {request.number} was acknowledged already")
    after, line = moved(request, action, at=now, by=actor.name, reason=reason, **changes)
    after = msgspec.structs.replace(after, clocks=clocks.after(after, action, now, settings))
    return Decided(after, line, shown)


def _check_possible(request: Request, action: str, now: int, actor: Actor) -> None:
    """Before a choice is worked out: raises NotPossible as the move itself would."""
    moved(request, action, at=now, by=actor.name)


def _reason(act: Act) -> str:
    reason = act.reason.strip()
    if len(reason) > REASON_MAX or not reason.replace("\n", "").isprintable():
        raise Refused("bad_request", "reason: too long or unprintable", f"at most {REASON_MAX} characters of text")
    return reason


def _rating(request: Request, act: Act, now: int) -> Rating:
    if request.rating is not None:
        raise NotPossible(request, "rate", f"request {request.number} was rated already")
    if not 1 <= act.stars <= 5:
        raise Refused("bad_request", f"stars: {act.stars} is not allowed", "1 (poor) to 5")
    if len(act.text) > REASON_MAX:
        raise Refused("bad_request", f"text: {len(act.text)} characters", f"at most {REASON_MAX}")
    return Rating(act.stars, act.text.strip(), now)
