"""The states of a room over a stretch of time, worked out from bookings, presence and sign-ins. Pure.

free; booked: its time has come and it is not known that anybody is there; in_use: somebody is there, or signed in where
no sensor can tell; no_show: booked, and it is known that nobody came for so long; overrun: those of a booking that is
over are still there; out_of_service.

Not knowing is not absence: a room whose sensor is silent is never a no-show and never free of its booking.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cloud.rooms.booking import Booking
from cloud.rooms.presence import Span, without_flicker

FREE, BOOKED, IN_USE, NO_SHOW, OVERRUN, OUT = "free", "booked", "in_use", "no_show", "overrun", "out_of_service"

MINUTE_MS = 60_000


class RoomLimits(NamedTuple):
    """What holds for a room. came_by: ``card``, ``presence``, ``either``, or ``none`` (nobody asks who came)."""

    no_show_ms: int = 10 * MINUTE_MS
    releases: bool = False
    """Whether a room whose people do not come is given back; the prompt begins ``prompt_ms`` before that."""
    prompt_ms: int = 5 * MINUTE_MS
    came_by: str = "either"
    early_ms: int = 10 * MINUTE_MS
    """Who is there so long before the beginning came for the booking."""
    grace_ms: int = 5 * MINUTE_MS
    handover_ms: int = 10 * MINUTE_MS
    """Those of the booking before are gone at the latest so long into the next one, when nobody can tell."""
    vacated_ms: int = 5 * MINUTE_MS
    out_of_service: bool = False

    @property
    def no_show_after_ms(self) -> int:
        """From the beginning until the room counts as a no-show and people are told."""
        return self.no_show_ms - min(self.prompt_ms, self.no_show_ms // 2) if self.releases else self.no_show_ms


class RoomSpan(NamedTuple):
    """One state of the room. booking: whose it is; empty for none."""

    since: int
    until: int
    state: str
    booking: str = ""


class Outcome(NamedTuple):
    """What became of a booking."""

    came_at: int | None
    used_ms: int
    absent_since: int | None
    """From when on it is known that nobody came; None when somebody did before or it is not known."""
    absent_until: int
    """When somebody came after all, or its end."""


class RoomDay(NamedTuple):
    """All of a stretch."""

    spans: list[RoomSpan]
    outcomes: dict[str, Outcome]
    presence: list[Span]


def work_out(
    bookings: Sequence[Booking], presence: Sequence[Span], limits: RoomLimits, since: int, until: int
) -> RoomDay:
    """[since, until): ``presence`` covers it whole (``Presence.spans``)."""
    seen = without_flicker(presence, limits.vacated_ms)
    held = sorted((each for each in bookings if each.holds), key=lambda each: (each.from_at, each.id))
    outcomes = {each.id: _outcome(each, seen, limits, until) for each in held}
    if limits.out_of_service:
        return RoomDay([RoomSpan(since, until, OUT)] if until > since else [], outcomes, seen)
    cuts = {since}
    for each in held:
        absent = outcomes[each.id].absent_since
        cuts |= {each.from_at, each.ends_at, each.ends_at + limits.grace_ms, each.from_at + limits.handover_ms}
        cuts |= {at for at in (each.signed_in_at, absent) if at is not None}
    cuts |= {span.since for span in seen}
    ordered = sorted(cut for cut in cuts if since <= cut < until)
    spans: list[RoomSpan] = []
    staying = ""
    """The booking whose people are in the room without a break."""
    for index, cut in enumerate(ordered):
        end = ordered[index + 1] if index + 1 < len(ordered) else until
        state, booking, staying = _state(cut, held, outcomes, seen, limits, staying)
        if spans and (spans[-1].state, spans[-1].booking) == (state, booking):
            spans[-1] = spans[-1]._replace(until=end)
        else:
            spans.append(RoomSpan(cut, end, state, booking))
    return RoomDay(spans, outcomes, seen)


def _state(
    at: int,
    held: Sequence[Booking],
    outcomes: dict[str, Outcome],
    seen: Sequence[Span],
    limits: RoomLimits,
    staying: str,
) -> tuple[str, str, str]:
    """State and booking at an instant, and whose people are there."""
    present = _present(seen, at)
    mine = next((each for each in held if each.from_at <= at < each.ends_at), None)
    if present is False:
        staying = ""
    if mine is None:
        before = next((each for each in held if each.id == staying), None)
        if present and before is not None and at >= before.ends_at + limits.grace_ms:
            return OVERRUN, staying, staying
        if present:
            return IN_USE, "", staying
        return FREE, "", ""
    signed = mine.signed_in_at is not None and mine.signed_in_at <= at
    if present and staying not in ("", mine.id) and not signed and at < mine.from_at + limits.handover_ms:
        return OVERRUN, staying, staying
    if present or (signed and present is None):
        return IN_USE, mine.id, mine.id
    came = outcomes[mine.id]
    absent = came.absent_since
    if absent is not None and absent <= at < came.absent_until and (present is False or limits.came_by == "card"):
        return NO_SHOW, mine.id, ""
    return BOOKED, mine.id, staying if present is None else ""


def _outcome(booking: Booking, seen: Sequence[Span], limits: RoomLimits, until: int) -> Outcome:
    came: list[int] = []
    used = 0
    signed = booking.signed_in_at
    if signed is not None:
        came.append(max(booking.from_at, signed) if limits.came_by != "presence" else signed)
    for span in seen:
        overlap = min(span.until, booking.ends_at) - max(span.since, booking.from_at)
        if overlap <= 0 and not (span.present and _early(span, booking, limits)):
            continue
        if span.present:
            used += max(0, overlap)
            came.append(max(span.since, booking.from_at))
        elif span.present is None and signed is not None:
            used += max(0, min(span.until, booking.ends_at) - max(span.since, booking.from_at, signed))
    counted = came if limits.came_by in ("either", "none") else _counted(came, seen, booking, limits)
    absent = None if limits.came_by == "none" else _absent_since(booking, seen, limits, until)
    if absent is not None and any(at <= absent for at in counted):
        absent = None
    after = min((at for at in counted if absent is not None and at > absent), default=booking.ends_at)
    return Outcome(min(came, default=None), used, absent, after)


def _counted(came: list[int], seen: Sequence[Span], booking: Booking, limits: RoomLimits) -> list[int]:
    """Of the ways in which people can come, those that count here."""
    if limits.came_by == "card":
        return [booking.signed_in_at] if booking.signed_in_at is not None else []
    return [at for at in came if _present(seen, at)]


def _absent_since(booking: Booking, seen: Sequence[Span], limits: RoomLimits, until: int) -> int | None:
    """The first instant at which nobody is known to have come for the whole of the limit.

    Where only a card counts, nobody has come when nobody signed in, whatever a sensor says or does not say.
    """
    wait = limits.no_show_after_ms
    if limits.came_by == "card":
        due = booking.from_at + wait
        return due if due < min(booking.ends_at, until) else None
    for span in seen:
        if span.present is False:
            due = max(span.since, booking.from_at) + wait
            if due < min(span.until, booking.ends_at, until):
                return due
    return None


def _early(span: Span, booking: Booking, limits: RoomLimits) -> bool:
    return booking.from_at - limits.early_ms < span.until <= booking.from_at


def _present(seen: Sequence[Span], at: int) -> bool | None:
    low, high = 0, len(seen)
    while low < high:
        middle = (low + high) // 2
        if seen[middle].until <= at:
            low = middle + 1
        else:
            high = middle
    return seen[low].present if low < len(seen) and seen[low].since <= at else None
