"""One fault, one line: of several findings that have the same cause only the one that says most is told.

Pure. What is left out here is still an anomaly of its meter (``find_anomalies``).
"""

from collections.abc import Iterable, Iterator, Mapping

from cloud.analysis.site_findings import Finding
from cloud.energy.structure import Structure

WASTE = frozenset({"night_load", "step", "spike", "schedule_waste"})
"""Kinds that tell how much was used. The others tell that a number cannot be trusted and are always told."""

LEAST_A_WEEK: Mapping[str, float] = {"kWh": 20.0, "m³": 1.0, "GJ": 0.1}
"""Less in a week is not worth anybody's way."""

MOSTLY = 0.6
TOGETHER_MS = 3 * 86_400_000
BY_NIGHT = 0.7
"""A new level of which so much lies outside of working hours is something left on."""


def by_cause(found: Iterable[Finding], structure: Structure) -> list[Finding]:
    """Those that are told."""
    told = list(found)
    by_meter: dict[str, dict[str, Finding]] = {}
    for each in told:
        by_meter.setdefault(each.meter, {})[each.kind] = each
    gone = [each for kinds in by_meter.values() for each in _of_one(kinds)]
    gone += [each for each in told if each.kind in WASTE and abs(each.a_week()[0]) < LEAST_A_WEEK.get(each.unit, 0.0)]
    told = _without(told, gone)
    told = _without(told, [each for each in told if _is_of_children(each, told, structure)])
    return _without(told, _of_siblings(told, structure))


def _of_one(kinds: Mapping[str, Finding]) -> Iterator[Finding]:
    """Of one meter. A step that is mostly by night tells how much a grown night load takes."""
    step, night = kinds.get("step"), kinds.get("night_load")
    cause = step or night
    if step is not None and night is not None and night.until > step.since:
        share = step.facts.get("outside_share")
        if isinstance(share, float) and share >= BY_NIGHT and step.kwh > 0:
            night.episodes, night.times, night.kwh, night.amount = step.episodes, step.times, step.kwh, step.amount
            cause = night
            yield step
        else:
            yield night
    for kind in ("schedule_waste", "spike"):
        other = kinds.get(kind)
        if cause is None or other is None:
            continue
        within = sum(abs(one.kwh) for one in other.episodes if one.until > cause.since)
        if within >= MOSTLY * sum(abs(one.kwh) for one in other.episodes):
            yield other


def _is_of_children(one: Finding, told: Iterable[Finding], structure: Structure) -> bool:
    """Whether meters that this one feeds explain most of it."""
    if one.kind not in WASTE or one.meter not in structure.meter:
        return False

    def fed(each: Finding) -> bool:
        meter = structure.meter.get(each.meter)
        return each.kind in WASTE and meter is not None and one.meter in structure.feeding(meter)

    below = sum(each.a_week()[0] for each in told if fed(each) and each.until > one.since)
    mine = one.a_week()[0]
    return below * mine > 0 and abs(below) >= MOSTLY * abs(mine)


def _of_siblings(told: Iterable[Finding], structure: Structure) -> Iterator[Finding]:
    """Neighbours that began together and go the same way: the weather, or whoever switches them. The largest is told
    and says how many others there are."""
    groups: list[Finding] = []
    for each in sorted((one for one in told if one.kind in WASTE), key=lambda one: (-abs(one.a_week()[0]), one.meter)):
        first = next((one for one in groups if _together(one, each, structure)), None)
        if first is None:
            groups.append(each)
            continue
        also = first.facts.get("also")
        first.facts = {**first.facts, "also": (also if isinstance(also, float) else 0.0) + 1}
        yield each


def _together(one: Finding, other: Finding, structure: Structure) -> bool:
    a, b = structure.meter.get(one.meter), structure.meter.get(other.meter)
    if a is None or b is None or not a.parent or a.parent != b.parent:
        return False
    return one.kind == other.kind and one.kwh * other.kwh > 0 and abs(one.since - other.since) <= TOGETHER_MS


def _without(found: Iterable[Finding], gone: Iterable[Finding]) -> list[Finding]:
    out = {id(each) for each in gone}
    return [each for each in found if id(each) not in out]
