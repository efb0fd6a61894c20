"""Meters that were changed, as findings: what the old one and the new one counted on the day, and that nothing is lost.

A change that was recorded is only told. A register that fell without a record is to be acted on: until somebody says
what the old one ended with, what it counted last is not known.
"""

from collections.abc import Iterable, Sequence

from cloud.analysis.site_findings import Episode, Finding
from cloud.energy.contract import BASE_MS, MICRO, Intervals, RegisterEvent, Replaced, Source
from cloud.registry.energy_book import Record

EVENTS = ("replacement", "reset")


def meter_change(
    meter: str, unit: str, events: Sequence[RegisterEvent], records: Iterable[Record], day: Intervals
) -> Finding:
    """Of a meter with one such event or more. ``day``: the intervals of the local day of the last one."""
    last = max(events, key=lambda each: each.at)
    record = _record_of(last, records)
    at = record.what.at if record is not None and isinstance(record.what, Replaced) else last.at
    facts: dict[str, float | str | None] = {
        "old": _sum(day, day.first, at // BASE_MS * BASE_MS),
        "new": _sum(day, at // BASE_MS * BASE_MS, day.end),
        "final": None if last.before is None else str(last.before),
        "initial": None if last.after is None else str(last.after),
        "counted": last.micro / MICRO,
        "record": None if record is None else float(record.id),
        "lost": 0.0 if last.kind == "replacement" else None,
    }
    finding = Finding(meter, "meter_change", unit, facts, times=len(events))
    instants = [*(each.at for each in events if each is not last), at]
    finding.episodes = [Episode(each, each, 0.0, None) for each in instants]
    finding.is_told_only = all(each.kind == "replacement" for each in events)
    finding.active = not finding.is_told_only
    return finding


def _record_of(event: RegisterEvent, records: Iterable[Record]) -> Record | None:
    for each in records:
        what = each.what
        if isinstance(what, Replaced) and event.since <= what.at <= event.at and event.kind == "replacement":
            return each
    return None


def _sum(day: Intervals, since: int, until: int) -> float | None:
    """What is known of it; None when nothing is."""
    part = day.between(since, max(since, until))
    known = part.source != Source.MISSING
    return float(part.micro[known].sum()) / MICRO if known.any() else None
