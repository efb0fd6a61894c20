"""What energy comes to for each square metre or head, and how a quota stands. A denominator that is missing is None."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple


class Index(NamedTuple):
    """``value`` is None when it cannot be said; then ``note`` tells why. Shown as a dash, never as 0."""

    value: Decimal | None
    note: str = ""


class QuotaState(NamedTuple):
    """How a quota stands.

    share: used of the limit. expected: what would have been used by now at the reference's pace (1 at the end).
    forecast: what the period comes to at this pace; None when too little of the time so far is known.
    state: ``within``, ``ahead`` (of schedule, by more than the tolerance) or ``exceeded``.
    """

    used: Decimal
    limit: Decimal
    share: Decimal
    expected: Decimal
    forecast: Decimal | None
    state: str
    note: str = ""


def index(used: Decimal | None, by: Decimal | None, of: str, coverage: float = 1.0, least: float = 0.95) -> Index:
    """``used`` for each of ``by`` (m2 of office area, people). ``of`` names the denominator in the note.

    Below ``least`` coverage no index is given: it would look like thrift.
    """
    if used is None:
        return Index(None, "nothing is known of what was used")
    if by is None:
        return Index(None, f"{of} was not entered")
    if by <= 0:
        return Index(None, f"{of} is {by}; an index needs more than 0")
    if coverage < least:
        return Index(None, f"only {coverage:.1%} of the period is known; an index needs {least:.0%}")
    note = "" if coverage >= 1 else f"{coverage:.1%} of the period is known"
    return Index((used / by).quantize(Decimal("0.0001"), ROUND_HALF_UP), note)


def quota_state(
    used: Decimal,
    limit: Decimal,
    expected: Decimal,
    coverage: float = 1.0,
    tolerance: Decimal = Decimal("0.05"),
    least: float = 0.95,
) -> QuotaState:
    """``expected``: share of the limit that the reference had used by this day (``elapsed`` when there is none).

    Below ``least`` coverage nothing is forecast: it would look like thrift.
    Raises ValueError for a limit or a share that makes no sense.
    """
    if limit <= 0:
        raise ValueError(f"a quota of {limit}: it must be above 0")
    if not 0 <= expected <= 1:
        raise ValueError(f"{expected} is no share of a period; from 0 to 1")
    share = used / limit
    state = "exceeded" if used > limit else "ahead" if share > expected * (1 + tolerance) else "within"
    forecast = None if not expected or coverage < least else (used / expected).quantize(Decimal("0.01"), ROUND_HALF_UP)
    note = "" if coverage >= 1 else f"{coverage:.1%} of the time so far is known; more may have been used"
    return QuotaState(used, limit, share.quantize(Decimal("0.0001")), expected, forecast, state, note)


def elapsed(since: date, until: date, now: date) -> Decimal:
    """The share of the days [since, until) that are over as ``now`` begins."""
    if until <= since:
        raise ValueError(f"a period ends after it begins: {since} to {until} has no day")
    days = min(max((now - since).days, 0), (until - since).days)
    return (Decimal(days) / (until - since).days).quantize(Decimal("0.0001"))
