"""A pass of a visitor and what became of it. Pure: passages may arrive in any order."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

EXPECTED, ARRIVED, LEFT, OVERDUE, CANCELLED, EXPIRED = "expected", "arrived", "left", "overdue", "cancelled", "expired"
IN, OUT, SEEN = "in", "out", "seen"

EARLY_MS = 2 * 3_600_000
"""A card or plate counts so long before the window."""
AGAIN_MS = 120_000
"""Seen again sooner than this is the same passage."""


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """Who may come when, to whom. card_key: of the card lent to the visitor. Times are ms."""

    id: str
    site: str
    name: str
    phone: str = ""
    host: str
    unit: str
    plate: str = ""
    card_key: str = ""
    people: int = 1
    purpose: str = ""
    gate: str = ""
    from_at: int
    until_at: int
    created_at: int
    created_by: str
    opened_at: int | None = None
    cancelled_at: int | None = None
    rev: int = 1


class Passage(NamedTuple):
    """The visitor was at a gate. way: ``in``, ``out``, or ``seen`` where the gate cannot tell. means: ``card``,
    ``plate``, or the user who wrote it down."""

    at: int
    way: str
    gate: str = ""
    means: str = ""


class Visit(NamedTuple):
    """What became of a pass by some instant. gate: where they came in."""

    state: str
    since: int
    arrived_at: int | None
    left_at: int | None
    gate: str


def visit_of(given: Pass, passages: Sequence[Passage], now: int) -> Visit:
    """By the passages known. Somebody who is seen at a gate comes in when outside and goes out when inside."""
    inside = False
    arrived: int | None = None
    left: int | None = None
    gate = ""
    before: int | None = None
    for each in sorted(passages):
        if each.at > now:
            break
        if each.way == SEEN and before is not None and each.at - before < AGAIN_MS:
            continue
        before = each.at
        enters = not inside if each.way == SEEN else each.way == IN
        if enters and not inside:
            inside, left = True, None
            arrived = arrived if arrived is not None else each.at
            gate = gate or each.gate
        elif not enters and inside:
            inside, left = False, each.at
    if inside and arrived is not None:
        late = now >= given.until_at
        return Visit(OVERDUE if late else ARRIVED, given.until_at if late else arrived, arrived, None, gate)
    if left is not None:
        return Visit(LEFT, left, arrived, left, gate)
    if given.cancelled_at is not None:
        return Visit(CANCELLED, given.cancelled_at, None, None, "")
    if now >= given.until_at:
        return Visit(EXPIRED, given.until_at, None, None, "")
    return Visit(EXPECTED, given.created_at, None, None, "")


def counts_for(given: Pass, at: int) -> bool:
    """Whether a card or plate at this instant is this visitor; somebody inside may also leave late."""
    if given.cancelled_at is not None and at >= given.cancelled_at:
        return False
    return given.from_at - EARLY_MS <= at < given.until_at + 24 * 3_600_000


def plain_plate(text: str) -> str:
    """A plate as it is compared: without spaces, dots and dashes, in capitals."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def masked_phone(phone: str) -> str:
    """``138****8000``: the first three and the last four of a long number, less of a short one."""
    digits = phone.strip()
    if len(digits) < 8:
        return "*" * len(digits)
    return f"{digits[:3]}{'*' * (len(digits) - 7)}{digits[-4:]}"
